"""Which status pairs exist and who may move a referral from one to another (4.1, 4.2)."""

from __future__ import annotations

from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center import moments
from cosell.sandbox.partner_center.errors import invalid
from cosell.sandbox.partner_center.switches import Switches

PAIRS = {
    "New": ("Pending", "Received"),
    "Active": ("Accepted",),
    "Closed": ("Won", "Lost", "Declined", "Expired"),
}
# What an owner may do; expiring is the server's alone.
_TABLE = {
    "New": {("New", "Pending"), ("New", "Received"), ("Active", "Accepted"), ("Closed", "Declined")},
    "Active": {("Active", "Accepted"), ("Closed", "Won"), ("Closed", "Lost")},
}
_NEEDS_A_REASON = ("Lost", "Declined", "Error")
DAYS_TO_ANSWER = 14

Pair = tuple[str, str]


def pair_of(referral: JsonObject) -> Pair:
    return referral["status"], referral["substatus"]


def is_terminal(referral: JsonObject) -> bool:
    return bool(referral["status"] == "Closed")


def is_won(referral: JsonObject) -> bool:
    return pair_of(referral) == ("Closed", "Won")


def check_pair(pair: Pair, switches: Switches) -> None:
    """Refuses a status with a substatus that cannot go with it."""
    status, substatus = pair
    if pair == ("Closed", "Error") and switches.closing_as_error:
        return
    if status not in PAIRS:
        raise invalid("status", f"A referral cannot have the status {status}.")
    if substatus not in PAIRS[status]:
        raise invalid("substatus", f"The substatus {substatus} does not go with the status {status}.")


def check_move(before: JsonObject, after: JsonObject, switches: Switches) -> None:
    """Refuses a move the owner of an open referral may not make."""
    old, new = pair_of(before), pair_of(after)
    check_pair(new, switches)
    if new == old:
        return
    backward = before["status"] == "Active" and after["status"] == "New"
    by_table = new in _TABLE[before["status"]] or new == ("Closed", "Error")
    if backward or new[1] == "Expired" or (switches.transitions == "table" and not by_table):
        raise invalid("substatus", f"A referral that is {' '.join(old)} cannot become {' '.join(new)}.")
    if switches.reason_required and new[1] in _NEEDS_A_REASON and not after["statusReason"]:
        raise invalid("statusReason", f"The reason of {new[1]} is required.")


def with_effects(before: JsonObject, after: JsonObject, now: int) -> JsonObject:
    """The referral after a move, with what the server itself sets because of it."""
    if pair_of(before) == pair_of(after):
        return after
    set_by_server: JsonObject = {}
    stamp = moments.render(now)
    if after["status"] != "New":
        set_by_server["expirationDateTime"] = None
    if after["status"] == "Active" and before["status"] == "New":
        set_by_server["acceptedDateTime"] = stamp
    if after["status"] == "Closed":
        set_by_server["closedDateTime"] = stamp
    if after["substatus"] == "Won":
        set_by_server["salesStage"] = "100"
    return {**after, **set_by_server}
