"""From normal forms to the wire: the patch of one update, the bodies of the two creates.

Only changed paths are sent, and only those Microsoft's contract lists (2.4). A list is replaced as a
whole, so everything it carried that we do not understand is put back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

import orjson

from cosell.core import lifecycle
from cosell.core.errors import Rejected
from cosell.core.records import Snapshot, Values
from cosell.core.values import CATEGORY, GUID, SOLUTION_ID, Person, Solution, State, Unreadable, Value
from cosell.ports import Creation, Invitation, Update
from cosell.systems.partner_center import wire
from cosell.systems.partner_center.options import Options

Operation: TypeAlias = dict[str, Any]

PATHS: dict[str, str] = {
    "deal_value": "/details/dealValue",
    "currency": "/details/currency",
    "close_date": "/details/closingDateTime",
    "notes": "/details/notes",
    "visible": "/consent/consentToShareReferralWithMicrosoftSellers",
    "contacts": "/customerProfile/team",
    "team": "/team",
    "solutions": "/details/requirements/solutions",
    "program": "/referralProgram",
}
LISTS = frozenset(("contacts", "team", "solutions"))
UPDATABLE = frozenset(PATHS) | {"state"}
_RESTS = {"team": wire.TEAM_REST, "contacts": wire.CONTACTS_REST, "solutions": wire.SOLUTIONS_REST}
_MAY_BE_EMPTY = frozenset(("notes", "program"))
_EXACT = Decimal(2**53)


def patch(update: Update, options: Options) -> list[Operation]:
    """The one JSON Patch that carries `update`; Rejected where the sheet says it cannot be."""
    values = update.values
    _refuse_impossible(update, options)
    found: list[Operation] = []
    for key, path in PATHS.items():
        if key in values:
            found.append(_replace(path, _wire_value(key, values[key], update.seen, options)))
    if "state" in values:
        found += _status(values["state"], options)
    if update.external_id is not None:
        found.append(_replace("/externalReferenceId", update.external_id))
    return found


def _replace(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def _refuse_impossible(update: Update, options: Options) -> None:
    stray = [key for key in update.values if key not in UPDATABLE]
    if stray:
        raise _rejected("Partner Center cannot change this after creation", stray[0])
    present = update.seen.values.get("state")
    if isinstance(present, State) and present.terminal:
        raise Rejected("The referral is closed in Partner Center; nothing can change it.", code="terminal")
    for key, value in update.values.items():
        if isinstance(value, Unreadable):
            raise _rejected("This value cannot be brought into a form to send", key)
    invited = update.seen.microsoft_id is not None
    if "contacts" in update.values and invited and options.contacts_frozen_after_share:
        raise _rejected("Customer contacts are read-only once Microsoft was invited", "contacts")


def _rejected(why: str, key: str) -> Rejected:
    return Rejected(f"{why}: {key.replace('_', ' ')}.", fields=(key,))


def _wire_value(key: str, value: Value, seen: Snapshot, options: Options) -> Any:
    if key in LISTS:
        return _list(key, value, seen, options)
    if key == "visible" and value is not True:
        raise _rejected("What Microsoft may see cannot be hidden again", key)
    if value is None and key not in _MAY_BE_EMPTY:
        raise _rejected("Partner Center does not take an empty value", key)
    return scalar(value)


def scalar(value: Value) -> Any:
    """A single value as JSON: amounts as exact numbers, days as midnight UTC (traps 5, 6)."""
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    return value


def number(amount: Decimal) -> int | float | str:
    """The amount as a JSON number where that is exact, else as text, which the sheet shows as well."""
    if amount == amount.to_integral_value() and abs(amount) <= _EXACT:
        return int(amount)
    as_float = float(amount)
    return as_float if Decimal(repr(as_float)) == amount else format(amount, "f")


def _list(key: str, value: Value, seen: Snapshot, options: Options) -> list[dict[str, Any]]:
    kept = {item.key: item.baggage for item in _items(seen.values.get(key))}
    if isinstance(seen.values.get(key), Unreadable):
        raise _rejected("The list in Partner Center holds something we cannot read", key)
    wanted = _items(value)
    if key == "team" and not wanted:
        wanted = options.team_fallback
    if not wanted:
        raise _rejected("Partner Center does not take an empty list", key)
    rest = seen.facts.get(_RESTS[key], "")
    entries = [_entry(item, kept.get(item.key) or item.baggage, seen.values, options) for item in wanted]
    return entries + (orjson.loads(rest) if rest else [])


def _items(value: Value) -> tuple[Person | Solution, ...]:
    return value if isinstance(value, tuple) else ()


def _entry(item: Person | Solution, baggage: str, values: Values, options: Options) -> dict[str, Any]:
    kept: dict[str, Any] = orjson.loads(baggage) if baggage else {}
    if isinstance(item, Person):
        return kept | member(item)
    return _with_solution_defaults(kept | _solution(item), item, values, options)


def member(one: Person) -> dict[str, Any]:
    """A person as a member of a team; what is unknown is left out."""
    found = {
        "firstName": one.first_name,
        "lastName": one.last_name,
        "phoneNumber": one.phone,
        "email": one.email,
    }
    return {key: value for key, value in found.items() if value}


def _solution(one: Solution) -> dict[str, Any]:
    found: dict[str, Any] = {"id": one.id}
    if one.name:
        found["name"] = one.name
    if one.quantity is not None:
        found["quantity"] = number(one.quantity)
    if one.price is not None:
        found["price"] = number(one.price)
    return found


def _with_solution_defaults(
    found: dict[str, Any], one: Solution, values: Values, options: Options
) -> dict[str, Any]:
    if "type" not in found:
        named = SOLUTION_ID.match(one.id) or GUID.match(one.id)
        found["type"] = "Category" if not named and CATEGORY.match(one.id) else "Name"
        if options.publisher and SOLUTION_ID.match(one.id):
            found.setdefault("publisherName", options.publisher)
    if one.price is not None and isinstance(values.get("currency"), str):
        found.setdefault("currency", values["currency"])
    return found


def _status(value: Value, options: Options) -> list[Operation]:
    """Status and substatus in one document, with the reason where one is expected (2.4, 4.2)."""
    reasons = {State.LOST: options.lost_reason, State.DECLINED: options.declined_reason}
    allowed = {State.ACTIVE, State.WON, State.LOST, State.DECLINED}
    if options.closing_as_error:
        allowed.add(State.ERROR)
        reasons[State.ERROR] = options.error_reason
    if not isinstance(value, State) or value not in allowed:
        raise _rejected("Partner Center lets nobody set this status", "state")
    status, substatus = lifecycle.WIRE[value]
    found = [_replace("/status", status), _replace("/substatus", substatus)]
    if reason := reasons.get(value):
        found.append(_replace("/statusReason", reason))
    return found


# --- creating --------------------------------------------------------------------------------------


def own_referral(creation: Creation, options: Options) -> dict[str, Any]:
    """The body of our own referral (2.3). Help makes it fit to be shared and asks nobody yet.

    The help code stays out on purpose: nobody knows whether it alone would invite Microsoft (12).
    """
    values = creation.values
    help_wanted = values.get("help") is not None
    targets = _targets(values) if help_wanted else []
    body: dict[str, Any] = {
        "name": values.get("name"),
        "externalReferenceId": creation.partner_id,
        "qualification": "SalesQualified",
        "type": "Shared" if help_wanted else "Independent",
        "customerProfile": _customer(values),
        "consent": consent(visible=help_wanted or values.get("visible") is True),
        "details": _details(values, options),
        "team": [member(one) for one in _people(values.get("team")) or options.team_fallback],
        "target": targets,
    }
    if isinstance(program := values.get("program"), str):
        body["referralProgram"] = program
    if options.mpn_id:
        body["mpnId"] = options.mpn_id
    return body


def consent(*, visible: bool) -> dict[str, bool]:
    """The four consents of a deal; the double "To" is how it is spelled (trap 1)."""
    return {
        "consentToToShareInfoWithOthers": True,
        "consentToContact": True,
        "consentToMicrosoftToContactSpecificPartners": True,
        "consentToShareReferralWithMicrosoftSellers": visible,
    }


def _people(value: Value) -> tuple[Person, ...]:
    return tuple(one for one in _items(value) if isinstance(one, Person))


def _targets(values: Values) -> list[dict[str, str]]:
    offered = [one.id for one in _items(values.get("solutions")) if isinstance(one, Solution)]
    named = [one for one in offered if SOLUTION_ID.match(one)] or offered
    return [{"type": "SolutionProfile", "id": named[0]}] if named else []


def _customer(values: Values) -> dict[str, Any]:
    street = values.get("address_line")
    first, _, further = street.partition("\n") if isinstance(street, str) else ("", "", "")
    address = {
        "addressLine1": first,
        "addressLine2": ", ".join(line.strip() for line in further.split("\n") if line.strip()),
        "city": values.get("city"),
        "state": values.get("region"),
        "postalCode": values.get("postal_code"),
        "country": values.get("country"),
    }
    return {
        "name": values.get("customer_name"),
        "address": {key: value for key, value in address.items() if value},
        "team": [member(one) for one in _people(values.get("contacts"))],
    }


def _details(values: Values, options: Options) -> dict[str, Any]:
    offered = [one for one in _items(values.get("solutions")) if isinstance(one, Solution)]
    details = {key: scalar(values.get(key)) for key in ("notes", "deal_value", "currency", "close_date")}
    body: dict[str, Any] = {PATHS[key].rpartition("/")[2]: v for key, v in details.items() if v is not None}
    body["requirements"] = {
        "solutions": [_with_solution_defaults(_solution(one), one, values, options) for one in offered],
        "additionalRequirements": {
            "iot": {},
            "attributes": [{"type": "CustomerMarketplaceIntent", "id": options.marketplace_intent}],
        },
    }
    return body


_MEMBER = ("firstName", "lastName", "phoneNumber", "email", "title", "contactPreference")
_SOLUTION = (
    "id",
    "name",
    "type",
    "publisherName",
    "solutionType",
    "price",
    "quantity",
    "currency",
    "closingDateTime",
)
_ADDRESS = ("addressLine1", "addressLine2", "city", "state", "postalCode", "country", "region")


def microsofts_referral(invitation: Invitation, own: wire.Record, options: Options) -> dict[str, Any]:
    """The body of the second referral of an engagement: ours repeated, addressed to Microsoft (2.3)."""
    customer, details = wire.part(own, "customerProfile"), wire.part(own, "details")
    profile = {
        "name": customer.get("name"),
        "address": _pick(wire.part(customer, "address"), _ADDRESS),
        "team": [_pick(one, _MEMBER) for one in wire.items(customer, "team")],
        **_pick(customer, ("size",)),
    }
    if ids := [_pick(one, ("profileType", "id")) for one in wire.items(customer, "ids")]:
        profile["ids"] = ids
    requirements = wire.part(details, "requirements")
    attributes = wire.items(wire.part(requirements, "additionalRequirements"), "attributes")
    return {
        "name": own.get("name"),
        "engagementId": own.get("engagementId"),
        "qualification": "SalesQualified",
        "type": "Shared",
        "customerProfile": profile,
        "consent": consent(visible=True),
        "details": {
            **_pick(details, ("notes", "dealValue", "currency", "closingDateTime")),
            "requirements": {
                "solutions": [_pick(one, _SOLUTION) for one in wire.items(requirements, "solutions")],
                "additionalRequirements": {
                    "iot": {},
                    "attributes": [_pick(one, ("type", "id")) for one in attributes]
                    or [{"type": "CustomerMarketplaceIntent", "id": options.marketplace_intent}],
                },
            },
        },
        "team": [_pick(one, _MEMBER) for one in wire.items(own, "team")],
        "target": [{"type": "BusinessProfileLocation", "id": wire.MICROSOFT}],
        "inviteContext": {"notes": invitation.notes, "assistanceRequestCode": invitation.help},
    }


def _pick(record: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _plain(record[key]) for key in keys if record.get(key) is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    return value
