"""Looks over what the integration user may do beyond its job (reliability.md 12; INV-13).

Profile and permission sets are asked together: a profile's rights stand in a permission set of its own.
"""

from __future__ import annotations

from cosell.core.errors import CosellError, SchemaDrift
from cosell.core.reasons import Who
from cosell.ports import Finding
from cosell.systems.salesforce.access import Access
from cosell.systems.salesforce.client import Answer, Part, query_part, rows_of
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
    parts = [_holders(user, name) for name in _NEVER_NEEDED]
    try:
        answers = await access.client.reads(parts, purpose="check")
        held = {name: rows_of(answer) for name, answer in answers.items() if not _unknown(answer)}
    except CosellError as why:
        return _untold(why.message)
    if not held:
        return _untold("Salesforce shows no permission set to the integration user.")
    more = [label for name, label in _NEVER_NEEDED.items() if held.get(name)]
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


def _holders(user: str, right: str) -> Part:
    """Asks for one permission set of the user's with this right: by itself, for not every edition has it."""
    where = f"WHERE AssigneeId = {literal(user)} AND PermissionSet.{right} = true LIMIT 1"
    return query_part(select(("Id",), "PermissionSetAssignment", where), right)


def _unknown(answer: Answer) -> bool:
    """Whether this org has no such right, which nobody can hold there."""
    return not answer.ok and isinstance(answer.error(safe=True), SchemaDrift)


def _untold(why: str) -> Finding:
    said = f"Whether the integration user has an administrator's rights cannot be told: {why}"
    advice = "Look it up under Setup, Users, «View Summary» of the user's permissions."
    return Finding("too many rights", True, said, advice, PAGE, _ROWS, Who.CRM_ADMIN)
