"""What each refusal of Dataverse means and who has to act (dataverse-api.md 9): one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cosell.core.errors import (
    CosellError,
    Gone,
    Misconfigured,
    NotAllowed,
    Rejected,
    Retryable,
    SchemaDrift,
    SignedOut,
    Stale,
    Throttled,
    Twins,
    Unavailable,
    Uncertain,
)

LINK_EXPIRED = "delta_link_expired"
"""The code of the refusal after which changes are read in full again (dataverse-api.md 4.1)."""
NO_TRACKING = "no_change_tracking"
EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error of one answer."""

    code: str
    """`0x80040217`, lower case; empty where none was given."""
    text: str
    status: int
    retry_after: float | None = None


def refusal_of(status: int, body: Any, headers: Mapping[str, str]) -> Refusal:
    """The error in an answer, however little of it there is."""
    inside = body.get("error") if isinstance(body, dict) else None
    inside = inside if isinstance(inside, dict) else {}
    code = inside.get("code")
    text = inside.get("message") or _inner(inside)
    return Refusal(
        _code(code),
        _tidy(text) if isinstance(text, str) else "",
        status,
        _seconds(headers.get("retry-after")),
    )


def _inner(error: Mapping[str, Any]) -> Any:
    inner = error.get("innererror")
    return inner.get("message") if isinstance(inner, dict) else None


def _code(raw: Any) -> str:
    """The code as `0x…`; some answers give it as the negative number it is (dataverse-api.md 2.11)."""
    text = str(raw or "").strip().lower()[:40]
    if re.fullmatch(r"-[0-9]{1,10}", text):
        return f"0x{int(text) & 0xFFFFFFFF:08x}"
    return text if re.fullmatch(r"0x[0-9a-f]{1,8}", text) else ""


def _tidy(text: str) -> str:
    """The admin's own words without control characters, cut to what a person reads."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())[:400]


def _seconds(raw: str | None) -> float | None:
    text = (raw or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def error_of(
    status: int, body: Any, headers: Mapping[str, str], *, safe: bool, creating: bool = False
) -> CosellError:
    """The error behind an answer that is no success.

    `safe`: nothing could have been changed. `creating`: it was asked to create only (`If-None-Match: *`),
    where a bare 412 says that the row exists.
    """
    one = refusal_of(status, body, headers)
    # Codes only: the texts may quote what somebody typed (INV-13).
    detail = f"status {status}; {one.code}" if one.code else f"status {status}"
    if status < 500 or one.code in _KNOWN_AT_500:
        meaning = _MEANINGS.get(one.code)
        if meaning is not None:
            return meaning(one, detail)
    if status == 412 and creating:
        return _exists(one, detail)
    return _by_status(one, detail, safe)


def _by_status(one: Refusal, detail: str, safe: bool) -> CosellError:
    if one.status == 501:
        return Rejected("Dynamics 365 does not offer this.", detail=detail, code="not_offered")
    if one.status >= 500 or one.status == 408:
        if safe:
            return Unavailable("Dynamics 365 failed to answer.", detail=detail)
        # A gateway that gave up does not know what became of the write behind it.
        return Uncertain("Dynamics 365 failed while writing; the change may have been made.", detail=detail)
    meaning = _BY_STATUS.get(one.status)
    if meaning is not None:
        return meaning(one, detail)
    says = f": «{one.text}»" if one.text else "."
    return Rejected(f"Dynamics 365 refuses this{says}", fields=fields_in(one.text), detail=detail)


# --- fields named in a text ------------------------------------------------------------------------

_FIELD = re.compile(
    r"(?:attribute|property named|column|field)s? '([A-Za-z_][A-Za-z0-9_.]{0,119})'"
    r"|'([A-Za-z_][A-Za-z0-9_.]{0,119})' (?:attribute|property|column|field)",
)
_SEGMENT = re.compile(r"segment '([A-Za-z_$][A-Za-z0-9_.$]{0,119})'")
_PRIVILEGE = re.compile(r"\bprv[A-Za-z0-9_]{2,80}")


def fields_in(text: str) -> tuple[str, ...]:
    """The columns a text names."""
    return tuple(dict.fromkeys(one or other for one, other in _FIELD.findall(text)))


def privilege_in(text: str) -> str | None:
    """The privilege a text names, as `prvReadOpportunity`."""
    found = _PRIVILEGE.search(text)
    return found[0] if found is not None else None


# --- meanings --------------------------------------------------------------------------------------

Meaning: TypeAlias = Callable[[Refusal, str], CosellError]


def _gone(one: Refusal, detail: str) -> CosellError:
    return Gone("The record is deleted, or out of sight of the application user.", detail=detail)


def _stale(one: Refusal, detail: str) -> CosellError:
    return Stale("The record was changed in Dynamics 365 meanwhile.", detail=detail)


def _throttled(one: Refusal, detail: str) -> CosellError:
    return Throttled("Dynamics 365 asks us to slow down.", retry_after=one.retry_after, detail=detail)


def _signed_out(one: Refusal, detail: str) -> CosellError:
    return SignedOut("Dynamics 365 does not accept the sign-in any more.", detail=detail)


def _drift(one: Refusal, detail: str) -> CosellError:
    named = fields_in(one.text) or tuple(_SEGMENT.findall(one.text))
    what = ", ".join(named) or "a mapped column or table"
    return SchemaDrift(
        f"Dynamics 365 does not know {what}: it was removed or renamed.", fields=named, detail=detail
    )


def _drift_if_named(one: Refusal, detail: str) -> CosellError:
    """Older organizations give unknown columns no code of their own (dataverse-api.md 9)."""
    if one.status == 404 or fields_in(one.text):
        return _drift(one, detail)
    return _refused("refused", "Dynamics 365 refuses this:")(one, detail)


def _no_key(one: Refusal, detail: str) -> CosellError:
    return SchemaDrift(
        "The alternate key of the referral id is missing in Dynamics 365, or not active yet.", detail=detail
    )


def _no_concurrency(one: Refusal, detail: str) -> CosellError:
    return SchemaDrift("Optimistic concurrency is off for a table of Dynamics 365.", detail=detail)


def _twins(one: Refusal, detail: str) -> CosellError:
    return Twins("Several records in Dynamics 365 carry the same referral id.", detail=detail)


def _exists(one: Refusal, detail: str) -> CosellError:
    return Rejected("Dynamics 365 has a record with this value already.", detail=detail, code=EXISTS)


def _duplicates(one: Refusal, detail: str) -> CosellError:
    return Rejected(
        "A duplicate rule of Dynamics 365 takes the account, contact or lead for one that exists.",
        detail=detail,
        advice="Correct the customer's name and postal code so that the existing account is found, or merge.",
        code="duplicates",
    )


def _no_privilege(one: Refusal, detail: str) -> CosellError:
    named = privilege_in(one.text)
    return NotAllowed(
        f"The application user lacks the privilege {named or 'it needs'} in Dynamics 365.",
        detail=detail,
        advice="Add it to the security role of the application user; then: cosell doctor",
    )


def _no_access(one: Refusal, detail: str) -> CosellError:
    # A record one may not touch concerns that record: the connection is sound and others go on.
    return Rejected(
        "The application user may not change this record in Dynamics 365.",
        detail=detail,
        advice="Share the record with the application user, or give its role organization depth.",
        code="no_access",
    )


def _no_user(one: Refusal, detail: str) -> CosellError:
    return NotAllowed(
        "The environment has no application user for the app registration.",
        detail=detail,
        advice="Power Platform admin center, Environments, Settings, Application users: add one.",
    )


def _no_roles(one: Refusal, detail: str) -> CosellError:
    return NotAllowed(
        "The application user has no security role.",
        detail=detail,
        advice="Give it the connector's role in the Power Platform admin center.",
    )


def _no_impersonation(one: Refusal, detail: str) -> CosellError:
    return NotAllowed("The application user may not act for another user.", detail=detail)


def _untracked(one: Refusal, detail: str) -> CosellError:
    return Misconfigured(
        "Change tracking is off for a table of Dynamics 365.",
        detail=detail,
        did="Everything on this connection waits; nothing is lost.",
        advice='Switch it on in the table\'s options (it stays on), or set watcher to "modified_on".',
        code=NO_TRACKING,
    )


def _expired(one: Refusal, detail: str) -> CosellError:
    return Retryable(
        "The memory of Dynamics 365 for our last look has expired; everything is read again.",
        detail=detail,
        code=LINK_EXPIRED,
    )


def _unexpected(one: Refusal, detail: str) -> CosellError:
    return _refused("unexpected", "Dynamics 365 failed over these values:")(one, detail)


def _refused(code: str, says: str, *fields: str, advice: str | None = None) -> Meaning:
    def refused(one: Refusal, detail: str) -> CosellError:
        words = f" «{one.text}»" if one.text else ""
        named = fields or fields_in(one.text)
        return Rejected(f"{says}{words}", fields=named, detail=detail, advice=advice, code=code)

    return refused


_too_large = _refused("too_large", "A request is too large for Dynamics 365.")
_AUTOMATION = "An automation in Dynamics 365 stopped the change:"

_MEANINGS: dict[str, Meaning] = {
    # the record
    "0x80040217": _gone,
    "0x80060891": _gone,
    "0x8006089d": _twins,
    "0x80060882": _stale,
    "0x80060883": _stale,
    "0x80060892": _exists,
    "0x80040237": _exists,
    "0x80040333": _duplicates,
    # what the environment has
    "0x80060888": _drift,
    "0x0": _drift_if_named,
    "0x80060890": _no_key,
    "0x8006088d": _no_concurrency,
    "0x80072491": _untracked,
    "0x80044352": _expired,
    # rights
    "0x80040220": _no_privilege,
    "0x80048306": _no_access,
    "0x80072560": _no_user,
    "0x80042f09": _no_roles,
    "0x8004a110": _no_impersonation,
    # values
    "0x80044331": _refused("too_long", "A text is too long for Dynamics 365:"),
    "0x8004431a": _refused("choice", "Dynamics 365 does not offer this choice:"),
    "0x80044330": _refused("number", "A number is too large for Dynamics 365:"),
    "0x8004432f": _refused("number", "A number is too large for Dynamics 365:"),
    "0x80040317": _refused("number", "An amount is too large for Dynamics 365:"),
    "0x80040203": _refused("invalid", "Dynamics 365 refuses a value:"),
    "0x80040200": _refused("required", "Dynamics 365 wants a value that the deal lacks:"),
    "0x80040265": _refused("automation", _AUTOMATION),
    "0x80040224": _refused("automation", _AUTOMATION),
    "0x80040216": _unexpected,
    # the state of an opportunity: closed or opened meanwhile means reading it again
    "0x80040515": _stale,
    "0x8004051a": _stale,
    "0x80040233": _refused("closed", "A closed opportunity accepts no changes:", "state"),
    "0x80040516": _refused("state", "The opportunity cannot be closed:", "state"),
    "0x80043b15": _refused("state", "The opportunity cannot be closed:", "state"),
    "0x80100005": _refused("state", "The status cannot be changed like this:", "state"),
    "0x80048408": _refused("state", "The status reason does not belong to the status:", "state"),
    "0x80048479": _refused(
        "currency",
        "The currency cannot be changed while the opportunity has products:",
        "currency",
        advice="Remove the products, or set the currency in Partner Center to that of the opportunity.",
    ),
    # limits
    "0x80072321": _throttled,
    "0x80072322": _throttled,
    "0x80072326": _throttled,
    # set-up
    "0x80047013": _exists,
    "0x80060304": _exists,
    "0x80060893": _exists,
    "0x80060894": _exists,
    **dict.fromkeys(
        ("0x8004801d", "0x80048033", "0x80048038", "0x8004801a", "0x8004f002", "0x8004f023"),
        _refused("import", "The solution cannot be imported:"),
    ),
}
_KNOWN_AT_500 = frozenset(("0x80040333", "0x80040224", "0x80072321", "0x80072322", "0x80072326"))
"""Refusals that are told with a 5xx although surely nothing was written."""
_BY_STATUS: dict[int, Meaning] = {
    401: _signed_out,
    403: _no_privilege,
    404: _gone,
    410: _expired,
    412: _stale,
    413: _too_large,
    429: _throttled,
}
