"""Looks over what the integration user may do beyond its job (reliability.md 12; INV-13).

Profile and permission sets are asked together: a profile's rights stand in a permission set of its own.
"""

from __future__ import annotations

from cosell.core.errors import CosellError
from cosell.core.reasons import Who
from cosell.ports import Finding
from cosell.systems.salesforce.access import Access
from cosell.systems.salesforce.client import query_part
from cosell.systems.salesforce.soql import literal, select

PAGE = "how-to/connect-salesforce.md"
_ROWS = ("PRE-07",)
_NEVER_NEEDED = {
    "PermissionsModifyAllData": "Modify All Data",
    "PermissionsManageUsers": "Manage Users",
    "PermissionsCustomizeApplication": "Customize Application",
    "PermissionsModifyMetadata": "Modify Metadata Through Metadata API Functions",
    "PermissionsAuthorApex": "Author Apex",
}


async def too_many(access: Access) -> Finding:
    """PRE-07: an administrator's rights are for the installer; whoever has the key has them as well."""
    user = access.user_id
    if user is None:
        return _untold("Salesforce does not say which user we are.")
    columns = [f"PermissionSet.{name}" for name in _NEVER_NEEDED]
    soql = select(columns, "PermissionSetAssignment", f"WHERE AssigneeId = {literal(user)} LIMIT 200")
    try:
        answers = await access.client.reads([query_part(soql, "rights")], purpose="check")
        rows = await access.client.rows(answers["rights"], purpose="check")
    except CosellError as why:
        return _untold(why.message)
    sets = [one for row in rows if isinstance(one := row.get("PermissionSet"), dict)]
    more = [label for name, label in _NEVER_NEEDED.items() if any(one.get(name) is True for one in sets)]
    if not more:
        said = "The integration user has no right of an administrator."
        return Finding("too many rights", True, said, page=PAGE, rows=_ROWS)
    return Finding(
        "too many rights",
        True,
        f"The integration user may do more than the connector ever does: {', '.join(more)}.",
        "Give it a profile of its own, such as Minimum Access – API Only Integrations, and nothing beside "
        "the connector's permission set.",
        PAGE,
        _ROWS,
        Who.CRM_ADMIN,
    )


def _untold(why: str) -> Finding:
    said = f"Whether the integration user has an administrator's rights cannot be told: {why}"
    return Finding("too many rights", True, said, page=PAGE, rows=_ROWS)
