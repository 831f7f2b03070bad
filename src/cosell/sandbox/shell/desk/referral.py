"""A referral in the words of the desk, and those words as the properties of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from cosell.sandbox.shell.wishes import Wish

By = Literal["partner", "microsoft"]
PATHS: Mapping[str, str] = {
    "name": "name",
    "value": "details.dealValue",
    "currency": "details.currency",
    "close_date": "details.closingDateTime",
    "notes": "details.notes",
    "sales_stage": "salesStage",
    "status_reason": "statusReason",
    "program": "referralProgram",
    "campaign": "campaignId",
    "external_reference_id": "externalReferenceId",
    "visible": "consent.consentToShareReferralWithMicrosoftSellers",
    "solutions": "details.requirements.solutions",
    "customer": "customerProfile.name",
}
"""The words of the desk for the properties of a referral."""
SAME = {
    "amount": "value",
    "deal_value": "value",
    "closing_date": "close_date",
    "closes": "close_date",
    "description": "notes",
    "stage": "sales_stage",
}


def is_microsofts(referral: Mapping[str, Any]) -> bool:
    """Whether a referral is Microsoft's own one of an engagement."""
    return bool(referral["organizationId"] == "msft")


def waits_for(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> By | None:
    """Whose answer an engagement waits for, if anybody's."""
    if ours["status"] == "New":
        return "partner"
    return "microsoft" if theirs is not None and theirs["status"] == "New" else None


def line_of(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The few facts of an engagement that lists show."""
    details = ours["details"] or {}
    both = [one for one in (ours, theirs) if one is not None]
    return {
        "id": ours["id"],
        "engagement_id": ours["engagementId"],
        "name": ours["name"],
        "customer": dig(ours, "customerProfile", "name"),
        "country": dig(ours, "customerProfile", "address", "country"),
        "value": details.get("dealValue"),
        "currency": details.get("currency"),
        "close_date": (details.get("closingDateTime") or "")[:10] or None,
        "status": ours["status"],
        "substatus": ours["substatus"],
        "status_reason": ours["statusReason"],
        "direction": ours["direction"],
        "external_reference_id": ours["externalReferenceId"],
        "help": dig(ours, "inviteContext", "assistanceRequestCode"),
        "visible": dig(ours, "consent", "consentToShareReferralWithMicrosoftSellers") is True,
        "solutions": [one["id"] for one in dig(ours, "details", "requirements", "solutions") or []],
        "waits_for": waits_for(ours, theirs),
        "answer_by": next((one["expirationDateTime"] for one in both if one["status"] == "New"), None),
        "msx_id": next((m for one in both if (m := dig(one, "trackingInfo", "microsoftMsxId"))), None),
        "microsoft": _their_line(theirs),
        "changed": max(one["updatedDateTime"] for one in both),
    }


def dig(body: Mapping[str, Any], *path: str) -> Any:
    """What stands at `path`; None where a part of it is missing, as in deals that foreign clients send."""
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _their_line(theirs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if theirs is None:
        return None
    return {
        "id": theirs["id"],
        "status": theirs["status"],
        "substatus": theirs["substatus"],
        "status_reason": theirs["statusReason"],
    }


def contacts_of(contact: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The one customer contact somebody named, as it stands on the wire; nobody when none was."""
    if not contact:
        return []
    given = Wish(contact)
    person = {
        "firstName": given.text("first_name", ""),
        "lastName": given.text("last_name"),
        "email": given.text("email"),
        "phoneNumber": given.text("phone", ""),
        "title": given.text("title", None),
    }
    given.done()
    return [person]


def moment_of(day: date) -> str:
    """The day as the wire has it: midnight in UTC."""
    return f"{day.isoformat()}T00:00:00Z"
