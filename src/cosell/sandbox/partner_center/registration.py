"""Deal registration after a win: what may be registered, how it is corrected and reviewed (2.6)."""

from __future__ import annotations

import re
from typing import Any

from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center import moments
from cosell.sandbox.partner_center.documents import Key, placed, value_at
from cosell.sandbox.partner_center.errors import invalid
from cosell.sandbox.partner_center.kinds import Choice, Flag, Items, Kind, Moment, Number, Text, Thing
from cosell.sandbox.partner_center.lifecycle import is_won
from cosell.sandbox.partner_center.rules import check_currency, check_value, is_shared

LEAST_DOLLARS = 25_000
HOURS_BEFORE_WON = 72
DAYS_SINCE_SIGNING = 60
DAYS_SINCE_START = 90
STATUSES = ("None", "ReviewPending", "ActionRequired", "Approved", "Passed", "Failed", "Closed")
CHAIN = {
    "Approved": ("ReviewPending", "Closed"),
    "ReviewPending": ("Passed", "Failed", "ActionRequired"),
    "ActionRequired": ("ReviewPending",),
    "Passed": ("Closed",),
    "Failed": ("Closed",),
    "Closed": (),
}
_HISTORY = {
    "ReviewPending": "reviewPendingDateTime",
    "ActionRequired": "actionRequiredDateTime",
    "Passed": "passedDateTime",
    "Failed": "failedDateTime",
    "Approved": "approvedDateTime",
}
_TRANSACTION = Thing({"isMarketplaceTransacted": Flag(), "marketplaceTransactionDateTime": Moment()})
_SOLUTION = Thing(
    {
        "id": Text(),
        "name": Text(),
        "value": Number(),
        "currency": Text(),
        "isDeployedOnAzure": Flag(),
        "primaryDeploymentOn": Choice(("Customer", "Partner")),
        "pricingModel": Choice(("PayAsYouGo", "Other")),
        "marketplaceTransactionDetails": _TRANSACTION,
    }
)
_CONTRACT = Thing(
    {
        "value": Number(),
        "currency": Text(),
        "term": Choice(("Perpetual", "Finite")),
        "startDateTime": Moment(),
        "endDateTime": Moment(),
        "signDateTime": Moment(),
    }
)
_REGISTRATION = Thing(
    {"type": Choice(("AzureIPCoSell",)), "contract": _CONTRACT, "solutionDetails": Items(_SOLUTION)}
)
_EDITABLE = re.compile(
    r"/registrations/(\d{1,4})/(?:(contract)/(startDateTime|endDateTime|signDateTime|term|value)"
    r"|solutionDetails/(\d{1,4})/(?:(value|currency|isDeployedOnAzure|primaryDeploymentOn|pricingModel)"
    r"|(marketplaceTransactionDetails)/(isMarketplaceTransacted|marketplaceTransactionDateTime)))\Z",
    re.ASCII | re.IGNORECASE,
)


def concerns(path: str) -> bool:
    """Whether a PATCH path belongs to registration."""
    return path.lower() == "/registrations/-" or _EDITABLE.match(path) is not None


def patched(
    referral: JsonObject, path: str, value: Any, *, now: int, new_id: str, invited: bool
) -> JsonObject:
    """The referral with a registration added or corrected; `invited` says whether Microsoft takes part."""
    if path.lower() == "/registrations/-":
        return _added(referral, value, now=now, new_id=new_id, invited=invited)
    return _corrected(referral, path, value, now=now)


def reviewed(referral: JsonObject, status: str, reason: str | None, *, now: int) -> JsonObject:
    """The referral after Microsoft moved its newest registration along the documented chain."""
    if not referral["registrations"]:
        raise invalid("registrations", "The referral is not registered.")
    present = referral["registrations"][-1]
    if status not in CHAIN[present["status"]]:
        raise invalid("registrations", f"A registration cannot go from {present['status']} to {status}.")
    entry = {**_moved(present, status, now), "statusReason": reason}
    registrations = [*referral["registrations"][:-1], entry]
    return {**referral, "registrations": registrations, "registrationStatus": status}


def _moved(entry: JsonObject, status: str, now: int) -> JsonObject:
    history = dict(entry["statusHistory"])
    if status in _HISTORY:
        history[_HISTORY[status]] = moments.render(now, decimals=False)
    return {**entry, "status": status, "statusHistory": history}


def _added(referral: JsonObject, value: Any, *, now: int, new_id: str, invited: bool) -> JsonObject:
    target = f"registrations[{len(referral['registrations'])}]"
    asked = _REGISTRATION.bind(value, target)
    if asked is None:
        raise invalid(target, "A registration is expected.")
    _check_eligible(referral, asked, target, invited=invited)
    _check(referral, asked, target, now)
    on_azure = any(one["isDeployedOnAzure"] for one in asked["solutionDetails"])
    entry = {
        "id": new_id,
        "type": asked["type"],
        "registrationDateTime": moments.render(now, decimals=False),
        "status": "None",
        "statusReason": None,
        "contract": asked["contract"],
        "solutionDetails": asked["solutionDetails"],
        "statusHistory": dict.fromkeys(_HISTORY.values()),
    }
    entry = _moved(entry, "ReviewPending" if on_azure else "Closed", now)
    registrations = [*referral["registrations"], entry]
    return {**referral, "registrations": registrations, "registrationStatus": entry["status"]}


def _check_eligible(referral: JsonObject, asked: JsonObject, target: str, *, invited: bool) -> None:
    if not is_won(referral):
        raise invalid("registrations", "Only a deal that was won can be registered.")
    if not is_shared(referral) or not invited:
        raise invalid("registrations", "The deal is neither shared with Microsoft nor accepted by it.")
    created = moments.parse(referral["createdDateTime"]) or 0
    closed = moments.parse(referral["closedDateTime"]) or 0
    if closed - created < HOURS_BEFORE_WON * 3600 * moments.TICKS:
        raise invalid("registrations", f"The deal was won within {HOURS_BEFORE_WON} hours of its creation.")
    in_dollars = asked["contract"]["currency"] == "USD"
    if in_dollars and (asked["contract"]["value"] or 0) < LEAST_DOLLARS:
        raise invalid(f"{target}.contract.value", f"The contract is below USD {LEAST_DOLLARS}.")


def _check(referral: JsonObject, asked: JsonObject, target: str, now: int) -> None:
    if asked["type"] is None:
        raise invalid(f"{target}.type", "The type is required.")
    if not asked["solutionDetails"]:
        raise invalid(f"{target}.solutionDetails", "At least one solution is required.")
    contract = asked["contract"]
    for place, solution in enumerate(asked["solutionDetails"]):
        _check_solution(solution, contract, f"{target}.solutionDetails[{place}]")
    _check_contract(referral, contract, f"{target}.contract", now)


def _check_solution(solution: JsonObject, contract: JsonObject, target: str) -> None:
    for name in ("id", "isDeployedOnAzure", "primaryDeploymentOn", "pricingModel"):
        if solution[name] in (None, ""):
            raise invalid(f"{target}.{name}", f"The property {name} is required.")
    check_value(solution["value"], f"{target}.value")
    check_currency(solution["currency"], f"{target}.currency")
    if solution["value"] > (contract["value"] or 0):
        raise invalid(f"{target}.value", "A solution cannot be worth more than the contract.")
    sale = solution["marketplaceTransactionDetails"]
    if sale["isMarketplaceTransacted"] is None:
        raise invalid(
            f"{target}.marketplaceTransactionDetails", "Whether it was a marketplace sale is required."
        )
    if sale["isMarketplaceTransacted"] and sale["marketplaceTransactionDateTime"] is None:
        raise invalid(
            f"{target}.marketplaceTransactionDetails", "The date of the marketplace sale is required."
        )


def _check_contract(referral: JsonObject, contract: JsonObject, target: str, now: int) -> None:
    check_value(contract["value"], f"{target}.value")
    check_currency(contract["currency"], f"{target}.currency")
    for name in ("term", "startDateTime", "signDateTime"):
        if contract[name] is None:
            raise invalid(f"{target}.{name}", f"The property {name} is required.")
    if contract["term"] == "Finite" and contract["endDateTime"] is None:
        raise invalid(f"{target}.endDateTime", "A finite contract needs its end.")
    signed = moments.parse(contract["signDateTime"]) or 0
    # Dates come as midnight of the day meant, so the day of creation counts in full.
    created = (moments.parse(referral["createdDateTime"]) or 0) // moments.DAY * moments.DAY
    if not max(created, now - DAYS_SINCE_SIGNING * moments.DAY) <= signed <= now:
        raise invalid(
            f"{target}.signDateTime",
            "The contract must be signed after the deal was created, at most 60 days ago.",
        )
    started = moments.parse(contract["startDateTime"]) or 0
    if started < now - DAYS_SINCE_START * moments.DAY:
        raise invalid(f"{target}.startDateTime", f"Started more than {DAYS_SINCE_START} days ago.")


def _corrected(referral: JsonObject, path: str, value: Any, *, now: int) -> JsonObject:
    keys, kind = _place(path)
    place = int(keys[1])
    registrations = referral["registrations"]
    if place >= len(registrations) or value_at_or_none(registrations[place], keys[2:-1]) is None:
        raise invalid(path, "There is nothing at this path.")
    entry = registrations[place]
    if entry["status"] in ("Passed", "Failed", "Closed"):
        raise invalid(path, f"A registration that is {entry['status']} cannot be changed.")
    changed = placed(entry, keys[2:], kind.bind(value, path))
    _check(referral, changed, f"registrations[{place}]", now)
    if entry["status"] != "ReviewPending":
        changed = _moved(changed, "ReviewPending", now)
    renewed = placed(referral, ("registrations", place), changed)
    return {**renewed, "registrationStatus": changed["status"]}


def value_at_or_none(document: Any, keys: tuple[Key, ...]) -> Any:
    """The value at a path, None also where an index is out of range."""
    try:
        return value_at(document, keys)
    except IndexError:
        return None


def _place(path: str) -> tuple[tuple[Key, ...], Kind]:
    match = _EDITABLE.match(path)
    if match is None:
        raise invalid(path, "This path cannot be patched.")
    place, contract, term, solution, plain, sale, detail = match.groups()
    if contract:
        name, kind = _spelled(_CONTRACT, term)
        return ("registrations", int(place), "contract", name), kind
    root: tuple[Key, ...] = ("registrations", int(place), "solutionDetails", int(solution))
    if sale:
        name, kind = _spelled(_TRANSACTION, detail)
        return (*root, "marketplaceTransactionDetails", name), kind
    name, kind = _spelled(_SOLUTION, plain)
    return (*root, name), kind


def _spelled(thing: Thing, name: str) -> tuple[str, Kind]:
    return next((known, kind) for known, kind in thing.fields.items() if known.lower() == name.lower())
