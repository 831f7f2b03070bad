"""What each refusal of Salesforce means and who has to act (salesforce-api.md 3): one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cosell.core.errors import (
    CosellError,
    Gone,
    NotAllowed,
    Rejected,
    Retryable,
    SchemaDrift,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)

QUOTA_PAUSE = 900.0
"""Seconds to rest when the quota of 24 hours is used up."""
CROWD_PAUSE = 15.0
"""Seconds to rest when too many calls run at once."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry of an error array, whichever of the three spellings it came in (trap 1)."""

    code: str
    text: str
    fields: tuple[str, ...] = ()
    raw: Mapping[str, Any] | None = None


def refusals(body: Any) -> tuple[Refusal, ...]:
    """Reads error entries from an array, a lone object, or a row error with `statusCode`."""
    entries = body if isinstance(body, list) else [body]
    return tuple(_refusal(entry) for entry in entries if isinstance(entry, dict))


def _refusal(entry: Mapping[str, Any]) -> Refusal:
    code = entry.get("errorCode") or entry.get("statusCode") or entry.get("error") or ""
    text = entry.get("message") or entry.get("error_description") or ""
    fields = entry.get("fields")
    named = tuple(f for f in fields if isinstance(f, str)) if isinstance(fields, list) else ()
    return Refusal(str(code)[:80], _tidy(str(text)), named, entry)


def _tidy(text: str) -> str:
    """The admin's own words without control characters, cut to what a person reads."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())[:400]


def real(found: Sequence[Refusal]) -> Refusal | None:
    """The entry that tells why; the others were only rolled back with it (trap 2)."""
    halted = ("PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK")
    return next((one for one in found if one.code not in halted), found[0] if found else None)


def error_of(status: int, body: Any, *, safe: bool, retry_after: float | None = None) -> CosellError:
    """The error behind an answer that is no success. `safe`: nothing could have been changed."""
    if status == 412:
        return Stale("The opportunity was changed in Salesforce meanwhile.", detail="412")
    found = refusals(body)
    one = real(found)
    # Codes and field names only: the texts may quote what somebody typed (INV-13).
    detail = f"status {status}" + "".join(f"; {entry.code} {','.join(entry.fields)}" for entry in found[:3])
    if one is not None and (meaning := _MEANINGS.get(one.code)) is not None:
        return meaning(one, detail)
    if status == 429:
        # Salesforce itself says so with 403; what stands before it speaks plain HTTP.
        return Throttled("Salesforce asks us to slow down.", retry_after=retry_after, detail=detail)
    return _by_status(status, one, detail, safe)


def _by_status(status: int, one: Refusal | None, detail: str, safe: bool) -> CosellError:
    if status in (420, 503):
        return Unavailable("Salesforce is overloaded or under maintenance.", detail=detail)
    if status >= 500:
        if safe:
            return Unavailable("Salesforce failed to answer.", detail=detail)
        return Uncertain("Salesforce failed while writing; the change may have been made.", detail=detail)
    known = {
        401: SignedOut("Salesforce does not accept the sign-in any more.", detail=detail),
        403: NotAllowed("Salesforce does not allow this to the integration user.", detail=detail),
        404: Gone("The record is deleted, or out of sight of the integration user.", detail=detail),
        410: SchemaDrift("Salesforce has retired the API version in use; set a newer one.", detail=detail),
    }
    if status in known:
        return known[status]
    if status in (300, 409):
        return Rejected(
            "Several records in Salesforce claim to be this one.", detail=detail, code="ambiguous"
        )
    says = f": «{one.text}»" if one is not None and one.text else "."
    fields = one.fields if one is not None else ()
    return Rejected(f"Salesforce refuses this{says}", fields=fields, detail=detail)


Meaning: TypeAlias = Callable[[Refusal, str], CosellError]


def _gone(one: Refusal, detail: str) -> CosellError:
    return Gone("The record is deleted, or out of sight of the integration user.", detail=detail)


def _signed_out(one: Refusal, detail: str) -> CosellError:
    if "rest api" in one.text.casefold():
        return SignedOut(
            "Salesforce signs the connector in but gives the session no access to the API.",
            detail=detail,
            advice="Add the scope «api» to the app in Salesforce, then start again.",
        )
    return SignedOut("Salesforce does not accept the sign-in any more.", detail=detail)


def _quota(one: Refusal, detail: str) -> CosellError:
    if "concurrent" in one.text.casefold():
        return Throttled(
            "Too many long calls run in this Salesforce org.", retry_after=CROWD_PAUSE, detail=detail
        )
    return Throttled(
        "The org's API calls of the last 24 hours are used up.", retry_after=QUOTA_PAUSE, detail=detail
    )


def _no_api(one: Refusal, detail: str) -> CosellError:
    return NotAllowed(
        "This Salesforce org or user has no access to the API.",
        detail=detail,
        advice="Professional Edition needs the API add-on; the user needs the permission «API Enabled».",
    )


def _no_right(one: Refusal, detail: str) -> CosellError:
    # A record one may not edit concerns that record: the connection is sound and others go on.
    return Rejected(
        "The integration user may not edit this record in Salesforce.",
        fields=one.fields,
        detail=detail,
        advice="Share the opportunity with the integration user, or unlock it.",
        code="no_access",
    )


_COLUMN = re.compile(r"[Nn]o such column '([A-Za-z0-9_.]{1,120})'")
_OBJECT = re.compile(r"sObject type '([A-Za-z0-9_]{1,80})'")


def _drift(one: Refusal, detail: str) -> CosellError:
    named = one.fields or tuple(_COLUMN.findall(one.text)) or tuple(_OBJECT.findall(one.text))
    what = ", ".join(named) or "a mapped field or object"
    return SchemaDrift(
        f"Salesforce does not know {what}: it was removed, renamed, or is hidden from the integration user.",
        fields=named,
        detail=detail,
    )


def _read_only(one: Refusal, detail: str) -> CosellError:
    what = ", ".join(one.fields) or "a field"
    return SchemaDrift(
        f"The integration user may not write {what} in Salesforce.", fields=one.fields, detail=detail
    )


def _refused(code: str, says: str, advice: str | None = None) -> Meaning:
    def refused(one: Refusal, detail: str) -> CosellError:
        words = f" «{one.text}»" if one.text else ""
        return Rejected(f"{says}{words}", fields=one.fields, detail=detail, advice=advice, code=code)

    return refused


def _unquoted(code: str, says: str) -> Meaning:
    """For refusals whose text quotes the value itself, which may be personal."""

    def refused(one: Refusal, detail: str) -> CosellError:
        return Rejected(f"{says} {', '.join(one.fields)}", fields=one.fields, detail=detail, code=code)

    return refused


def _duplicates(one: Refusal, detail: str) -> CosellError:
    # The key is spelled duplicateResut in captures and duplicateResult elsewhere (salesforce-api.md 3).
    raw = one.raw or {}
    result = raw.get("duplicateResut") or raw.get("duplicateResult") or {}
    rule = str(result.get("duplicateRule", "")) if isinstance(result, dict) else ""
    named = f" {_tidy(rule)}" if rule else ""
    matches = ", ".join(matches_of(one))
    return Rejected(
        f"The duplicate rule{named} of Salesforce takes the account or contact for one that exists.",
        detail=f"{detail}; matches {matches}" if matches else detail,
        advice="Correct the customer's name and postal code so that the existing account is found, or merge.",
        code="duplicates",
    )


def matches_of(one: Refusal) -> tuple[str, ...]:
    """Ids of the records a duplicate rule points to."""
    raw = one.raw or {}
    result = raw.get("duplicateResut") or raw.get("duplicateResult")
    found: list[str] = []
    for match in _dicts(result, "matchResults"):
        for record in _dicts(match, "matchRecords"):
            row = record.get("record")
            if isinstance(row, dict) and isinstance(row.get("Id"), str):
                found.append(row["Id"])
    return tuple(found)


def _dicts(holder: Any, key: str) -> list[dict[str, Any]]:
    inner = holder.get(key) if isinstance(holder, dict) else None
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def _locked(one: Refusal, detail: str) -> CosellError:
    return Retryable("Somebody else is saving the same record in Salesforce.", detail=detail, code="locked")


def _trigger(one: Refusal, detail: str) -> CosellError:
    if "UNABLE_TO_LOCK_ROW" in one.text or "LIMIT" in one.text.upper():
        return _locked(one, detail)
    return _refused("automation", "An automation in Salesforce stopped the change:")(one, detail)


def _again(says: str) -> Meaning:
    return lambda one, detail: Retryable(says, detail=detail)


def _unavailable(one: Refusal, detail: str) -> CosellError:
    return Unavailable("Salesforce is overloaded or under maintenance.", detail=detail)


def _converted(one: Refusal, detail: str) -> CosellError:
    return Stale("The lead was converted in Salesforce meanwhile.", detail=detail)


_MEANINGS: dict[str, Meaning] = {
    "CANNOT_UPDATE_CONVERTED_LEAD": _converted,
    "INVALID_SESSION_ID": _signed_out,
    "INVALID_AUTH_HEADER": _signed_out,
    "REQUEST_LIMIT_EXCEEDED": _quota,
    "API_DISABLED_FOR_ORG": _no_api,
    "API_CURRENTLY_DISABLED": _no_api,
    "INSUFFICIENT_ACCESS": _no_right,
    "INSUFFICIENT_ACCESS_OR_READONLY": _no_right,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _no_right,
    "ENTITY_IS_LOCKED": _no_right,
    "NOT_FOUND": _gone,
    "ENTITY_IS_DELETED": _gone,
    "MALFORMED_ID": _gone,
    "INVALID_FIELD": _drift,
    "INVALID_TYPE": _drift,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _read_only,
    "REQUIRED_FIELD_MISSING": _refused("required", "Salesforce wants a value that the deal lacks:"),
    "STRING_TOO_LONG": _unquoted("too_long", "A text is too long for Salesforce:"),
    "NUMBER_OUTSIDE_VALID_RANGE": _refused("number", "A number is too large for Salesforce:"),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _refused(
        "choice", "Salesforce does not offer this choice:", "Add the value to the picklist, or map another."
    ),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": _refused(
        "validation", "A validation rule in Salesforce says:", "Do what the rule asks, on either side."
    ),
    "FIELD_FILTER_VALIDATION_EXCEPTION": _refused("validation", "A lookup filter in Salesforce says:"),
    "FIELD_INTEGRITY_EXCEPTION": _refused("integrity", "Salesforce refuses a value:"),
    "DUPLICATE_VALUE": _refused("exists", "Salesforce has a record with this value already:"),
    "DUPLICATES_DETECTED": _duplicates,
    "INVALID_CROSS_REFERENCE_KEY": _refused("reference", "A record this one points to is missing:"),
    "INVALID_EMAIL_ADDRESS": _unquoted("email", "Salesforce refuses an e-mail address:"),
    "UNABLE_TO_LOCK_ROW": _locked,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _trigger,
    "QUERY_TIMEOUT": _again("A query took Salesforce too long."),
    "INVALID_QUERY_LOCATOR": _again("Salesforce dropped a half-read result."),
    "SERVER_UNAVAILABLE": _unavailable,
}
