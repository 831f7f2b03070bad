"""From the wire to normal forms: one referral, or the two of an engagement, become one snapshot.

A tolerant reader (partner-center-api.md 3): every field may be null, missing or of another type, unknown
words become Unreadable and are never written back, and what we do not understand travels as baggage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from cosell.core import lifecycle
from cosell.core.fields import Help
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import (
    Person,
    Solution,
    State,
    Unreadable,
    Value,
    country,
    currency,
    day,
    flag,
    money,
    people,
    solutions,
    text,
)

Record: TypeAlias = Mapping[str, Any]

MICROSOFT = "msft"
DEAL, LEAD, MARKETPLACE_LEAD = "deal", "lead", "marketplace_lead"
TEAM_REST, CONTACTS_REST, SOLUTIONS_REST = "team_rest", "contacts_rest", "solutions_rest"
FROM_MICROSOFT = ("help", "microsoft_state")
"""Fields only Microsoft's referral tells."""

_NOTHING: dict[str, Any] = {}
_PERSON = frozenset(("email", "firstName", "lastName", "phoneNumber"))
# Findings of the server about a person; meaningless once the person is edited.
_JUDGED = frozenset(("emailValidationStatus", "phoneValidationStatus"))
_SOLUTION = frozenset(("id", "name", "quantity", "price"))
_SOLUTION_TYPES = (None, "None", "Name", "Category")
_HELP = frozenset(word.value for word in Help)


def part(record: Record, key: str) -> Record:
    """The object under `key`, or an empty one: `{}`, null and missing are the same."""
    found = record.get(key)
    return found if type(found) is dict else _NOTHING


def items(record: Record, key: str) -> list[Record]:
    """The objects of the list under `key`; anything else is passed over."""
    found = record.get(key)
    return [one for one in found if type(one) is dict] if type(found) is list else []


def word(record: Record, key: str) -> str:
    """The text under `key`, or an empty one."""
    found = record.get(key)
    return found if type(found) is str else ""


def record_id(record: Record) -> str:
    return word(record, "id")


def is_microsofts(record: Record) -> bool:
    """Tells Microsoft's referral of an engagement from ours (2.3)."""
    if word(record, "organizationId").casefold() == MICROSOFT:
        return True
    return any(word(target, "id").casefold() == MICROSOFT for target in items(record, "target"))


def may_have_microsoft(record: Record) -> bool:
    """Whether Microsoft could have a referral beside this one: never for a deal it cannot see."""
    consent = part(record, "consent").get("consentToShareReferralWithMicrosoftSellers")
    return record.get("type") != "Independent" or consent is True


def kind(record: Record) -> str:
    """Tells leads from deals by the table of 3.6, never by source or call to action."""
    if record.get("type") == "Shared":
        return DEAL
    if record.get("qualification") == "Direct":
        return MARKETPLACE_LEAD
    inviter = word(part(part(record, "inviteContext"), "invitedBy"), "organizationId").casefold()
    if record.get("qualification") == "MarketingQualified" or inviter == MICROSOFT:
        return LEAD
    return LEAD if not inviter and record.get("direction") == "Incoming" else DEAL


def moment(raw: object) -> datetime | None:
    """A point in time in UTC, cut to microseconds; None where it is none (trap 7)."""
    if type(raw) is not str:
        return None
    try:
        found = datetime.fromisoformat(raw)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def state(record: Record) -> Value:
    """Status and substatus as one word; a pair nobody documents is shown and never written."""
    pair = (record.get("status"), record.get("substatus"))
    if pair == (None, None):
        return None
    found = lifecycle.read_status(*pair) if type(pair[0]) is str and type(pair[1]) is str else None
    return found or Unreadable(f"{pair[0]}/{pair[1]}"[:80], "is not a known status")


def _text(raw: object) -> Value:
    return None if raw is None else text(raw)


def _word(raw: object) -> str:
    cleaned = text(raw) if type(raw) is str else None
    return cleaned if isinstance(cleaned, str) else ""


def pack(rest: Any) -> str:
    """Compact JSON to be carried back unread."""
    return orjson.dumps(rest).decode() if rest else ""


def _without_nulls(raw: Any) -> Any:
    if type(raw) is dict:
        return {key: _without_nulls(value) for key, value in raw.items() if value is not None}
    return raw


def person(raw: Record) -> Person:
    """A member of either team; what else the entry holds is its baggage."""
    rest = {
        key: _without_nulls(value)
        for key, value in raw.items()
        if value is not None and key not in _PERSON and key not in _JUDGED
    }
    return Person(
        _word(raw.get("email")),
        _word(raw.get("firstName")),
        _word(raw.get("lastName")),
        _word(raw.get("phoneNumber")),
        pack(rest),
    )


def _amount(raw: object) -> Any:
    found = None if raw is None else money(raw)
    return None if isinstance(found, Unreadable) else found


def solution(raw: Record) -> Solution:
    """A solution on the deal; an amount we cannot read stays in the baggage."""
    quantity, price = _amount(raw.get("quantity")), _amount(raw.get("price"))
    rest = {key: value for key, value in raw.items() if value is not None and key not in _SOLUTION}
    for key, read in (("quantity", quantity), ("price", price)):
        if read is None and raw.get(key) is not None:
            rest[key] = raw[key]
    if rest.get("type") == "None":
        del rest["type"]
    return Solution(_word(raw.get("id")), quantity, price, _word(raw.get("name")), pack(rest))


def _solutions(raw: list[Record], facts: dict[str, str]) -> Value:
    if any(one.get("type") not in _SOLUTION_TYPES for one in raw):
        return Unreadable("solutions", "hold a solution of an unknown type")
    named = [one for one in raw if _word(one.get("id"))]
    if len(named) < len(raw):
        facts[SOLUTIONS_REST] = pack([one for one in raw if not _word(one.get("id"))])
    return solutions([solution(one) for one in named])


def _people(raw: list[Record], facts: dict[str, str], rest: str, foreign: frozenset[str]) -> Value:
    """Our own people; Microsoft's and the nameless are kept aside to survive a replacement of the list.

    Only the mail domain tells Microsoft's people: its referral may repeat our own team (2.3), and whoever
    stands there must not vanish from ours.
    """
    ours, aside = [], []
    for one in raw:
        found = person(one)
        if not found.key.strip() or (foreign and _is_foreign(found.email, foreign)):
            aside.append(one)
        else:
            ours.append(found)
    if aside:
        facts[rest] = pack(aside)
    return people(ours)


def _is_foreign(email: str, foreign: frozenset[str]) -> bool:
    return email.casefold().rpartition("@")[2] in foreign


def own_values(record: Record, facts: dict[str, str], foreign: frozenset[str]) -> dict[str, Value]:
    """Everything our own referral says, in normal forms; `facts` takes what rides along."""
    customer, details = part(record, "customerProfile"), part(record, "details")
    address, tracking = part(customer, "address"), part(record, "trackingInfo")
    consent = part(record, "consent").get("consentToShareReferralWithMicrosoftSellers")
    raw_country, raw_currency = address.get("country"), details.get("currency")
    raw_value, raw_date = details.get("dealValue"), details.get("closingDateTime")
    lines = [_text(address.get(key)) for key in ("addressLine1", "addressLine2")]
    return {
        "name": _text(record.get("name")),
        "deal_value": None if raw_value is None else money(raw_value),
        "currency": None if raw_currency is None else currency(raw_currency),
        "close_date": None if raw_date is None else day(raw_date),
        "notes": _text(details.get("notes")),
        "state": state(record),
        # No consent on record is no consent.
        "visible": False if consent is None else flag(consent),
        "customer_name": _text(customer.get("name")),
        "address_line": _joined(lines),
        "city": _text(address.get("city")),
        "region": _text(address.get("state")) or _text(address.get("region")),
        "postal_code": _text(address.get("postalCode")),
        "country": None if raw_country is None else country(raw_country),
        "contacts": _people(items(customer, "team"), facts, CONTACTS_REST, frozenset()),
        "team": _people(items(record, "team"), facts, TEAM_REST, foreign),
        "solutions": _solutions(items(part(details, "requirements"), "solutions"), facts),
        "microsoft_id": _text(tracking.get("microsoftMsxId")),
        "program": _text(record.get("referralProgram")),
    }


def _joined(lines: Iterable[Value]) -> Value:
    kept = []
    for line in lines:
        if isinstance(line, Unreadable):
            return line
        if isinstance(line, str):
            kept.append(line)
    return "\n".join(kept) or None


def _help_of(own: Record | None, microsoft: Record | None) -> Value:
    """What Microsoft was asked: on its own referral; on ours only where we were the ones who asked.

    A deal Microsoft sent asks us, so nothing was asked of Microsoft (3.4, 3.6).
    """
    invitation = part(microsoft or own or _NOTHING, "inviteContext")
    code = invitation.get("assistanceRequestCode")
    if code is None or code == "Unknown":
        return None
    if word(part(invitation, "invitedBy"), "organizationId").casefold() == MICROSOFT:
        return None
    if microsoft is None and own is not None and own.get("direction") == "Incoming":
        return None
    return code if code in _HELP else Unreadable(str(code)[:80], "is not a known kind of help")


def _state_word(microsoft: Record) -> Value:
    found = state(microsoft)
    return found.value if isinstance(found, State) else found


def _microsofts_values(own: Record | None, microsoft: Record | None) -> dict[str, Value]:
    return {
        "help": _help_of(own, microsoft),
        "microsoft_state": None if microsoft is None else _state_word(microsoft),
    }


class Reader:
    """Turns records into snapshots under fixed settings."""

    def __init__(self, domains: Iterable[str], *, co_sell_only: bool) -> None:
        self._domains = frozenset(domain.casefold() for domain in domains)
        self._co_sell_only = co_sell_only

    def engagement(self, own: Record, microsoft: Record | None, *, complete: bool) -> Snapshot:
        """Our referral with what Microsoft's adds; `complete` where the whole engagement was looked at."""
        facts: dict[str, str] = {}
        values = own_values(own, facts, self._domains)
        if complete:
            values.update(_microsofts_values(own, microsoft))
        if values["microsoft_id"] is None:
            if microsoft is not None:
                values["microsoft_id"] = _text(part(microsoft, "trackingInfo").get("microsoftMsxId"))
            elif not complete:
                del values["microsoft_id"]
        return self._snapshot(own, values, facts, microsoft, complete)

    def after_write(self, own: Record, seen: Snapshot) -> Snapshot:
        """Our referral as a write answered it, with Microsoft's part as last seen."""
        fresh = self.engagement(own, None, complete=False)
        values = dict(fresh.values)
        for key in (*FROM_MICROSOFT, "microsoft_id"):
            if key in seen.values and values.get(key) is None:
                values[key] = seen.values[key]
        whole = seen.complete and all(key in values for key in (*FROM_MICROSOFT, "microsoft_id"))
        return Snapshot(
            side=fresh.side,
            id=fresh.id,
            values=values,
            kind=fresh.kind,
            version=fresh.version,
            complete=whole,
            partner_id=fresh.partner_id,
            enrolled=fresh.enrolled,
            changed_at=fresh.changed_at,
            engagement_id=fresh.engagement_id,
            microsoft_id=seen.microsoft_id,
            facts=fresh.facts,
        )

    def microsoft_alone(self, microsoft: Record) -> Snapshot:
        """Microsoft's referral without ours: only what it alone can tell."""
        values = _microsofts_values(None, microsoft)
        tracked = _text(part(microsoft, "trackingInfo").get("microsoftMsxId"))
        if tracked is not None:
            values["microsoft_id"] = tracked
        return Snapshot(
            side=Side.PARTNER_CENTER,
            id=record_id(microsoft),
            values=values,
            complete=False,
            changed_at=moment(microsoft.get("updatedDateTime")),
            engagement_id=word(microsoft, "engagementId") or None,
            microsoft_id=record_id(microsoft),
        )

    def _snapshot(
        self,
        own: Record,
        values: Mapping[str, Value],
        facts: dict[str, str],
        microsoft: Record | None,
        complete: bool,
    ) -> Snapshot:
        found = facts["kind"] = kind(own)
        partner_id = _text(own.get("externalReferenceId"))
        return Snapshot(
            side=Side.PARTNER_CENTER,
            id=record_id(own),
            values=values,
            kind=RecordKind.OPPORTUNITY if found == DEAL else RecordKind.LEAD,
            version=tag(own),
            complete=complete,
            partner_id=partner_id if isinstance(partner_id, str) else None,
            enrolled=found == DEAL or not self._co_sell_only,
            changed_at=moment(own.get("updatedDateTime")),
            engagement_id=word(own, "engagementId") or None,
            microsoft_id=None if microsoft is None else record_id(microsoft),
            duns=_duns(own),
            facts=facts,
        )


def _duns(own: Record) -> str | None:
    """The customer's DUNS number (M-26); two of them are none."""
    ids = items(part(own, "customerProfile"), "ids")
    found = {_word(one.get("id")) for one in ids if word(one, "profileType") == "Duns"} - {""}
    return found.pop() if len(found) == 1 else None


def tag(record: Record) -> str | None:
    """The eTag with its own quotes (6); None where it could not be sent as a header."""
    found = word(record, "eTag")
    return found if found and len(found) <= 256 and found.isascii() and found.isprintable() else None


def fingerprint(record: Record) -> str:
    """What tells one state of a record from the next, for a poll that shall not repeat itself."""
    return word(record, "eTag") or word(record, "updatedDateTime")


def split(records: Iterable[Record], organization_id: str | None) -> tuple[Record | None, Record | None]:
    """Our referral and Microsoft's among the records of one engagement."""
    ours: list[Record] = []
    microsoft: Record | None = None
    for record in records:
        if is_microsofts(record):
            microsoft = microsoft or record
        elif organization_id is None or word(record, "organizationId") in ("", organization_id):
            ours.append(record)
    return min(ours, key=lambda one: word(one, "createdDateTime"), default=None), microsoft
