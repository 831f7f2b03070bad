"""Whose deal a new opportunity is: asked once, decided in the core, kept with the write that makes it.

The account chosen stands in the journalled write, so that an unanswered creation is sent again for the same
account (INV-10). A customer that has no account is given one by one deal alone, however many of them come
together: those of this process take turns, and a lease keeps others away while an answer is missing (J-4).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

from cosell.core import matching
from cosell.core.companies import name_of
from cosell.core.errors import CosellError
from cosell.core.matching import ACCOUNT, Choice, Customer, Whose
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link, LinkState, Side, Snapshot, Write, WriteKind
from cosell.engine.case import Case
from cosell.engine.room import Room

SOON = 20.0
"""Seconds after which a deal asks again whether its customer has been made meanwhile."""
KEPT = 890.0
"""Seconds a customer stays in the hands of a deal; each look at an unanswered one begins them anew."""
SHOWN = 5
_KNOWN, _NEW = "account ", "new account"
_NOBODY = Choice(Whose.NEW)


async def choose(room: Room, link: Link, referral: Snapshot) -> Choice:
    """The verdict for a new deal; one call, or none where a person has answered."""
    customer = _customer(room, referral)
    if customer is None:
        return _NOBODY
    told = matching.answered(link, customer)
    if told is not None:
        return told
    accounts = await room.desk(Side.CRM).accounts(referral.values, referral.duns)
    return matching.choose(customer, accounts, room.policy.matching)


def ask(case: Case, choice: Choice, referral: Snapshot, now: float) -> None:
    """Holds the deal until a person has said whose it is; the answer is good for the name held here."""
    name = referral.values.get("customer_name")
    held = case.link.holds.get(ACCOUNT)
    since = held.since if held is not None and held.partner_center == name else now
    waiting = Hold(Reason.CUSTOMER_UNCLEAR, since, partner_center=name)
    case.change(
        state=LinkState.HELD,
        reason=Reason.CUSTOMER_UNCLEAR,
        detail=told(choice),
        holds={**case.link.holds, ACCOUNT: waiting},
    )


def _customer(room: Room, referral: Snapshot) -> Customer | None:
    """The customer as the deal tells of it; None where a new opportunity is given no account.

    Where there are no accounts the name is a mere value: nobody needs to keep it for one deal.
    """
    rule = room.rules.get("customer_name")
    can = room.desk(Side.CRM).system.capabilities
    if not can.accounts or rule is None or not rule.create.carries_to(Side.CRM):
        return None
    if rule.field not in can.creatable:
        return None
    return matching.customer_of(referral.values, referral.duns)


# --- one deal at a time ----------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def settled_on(room: Room, link: Link, referral: Snapshot) -> AsyncIterator[Choice | None]:
    """Yields whose deal it is, and keeps a new customer for this deal until it is made.

    Yields None while another deal makes the very customer. What the CRM says is only asked once the customer
    is in our hands: an answer from before another's creation landed would make it twice.
    """
    customer = _customer(room, referral)
    if customer is None:
        yield _NOBODY
        return
    name = _key(customer.name)
    async with room.customers.setdefault(name, asyncio.Lock()):
        if not await room.store.hold_lease(name, link.key, room.clock.now(), KEPT):
            yield None
            return
        try:
            choice = await choose(room, link, referral)
        except CosellError:
            await room.store.release_lease(name, link.key)
            raise
        if choice.verdict is not Whose.NEW:
            await room.store.release_lease(name, link.key)
        yield choice


async def still_mine(room: Room, write: Write) -> bool:
    """Whether an unanswered creation may be sent again: nobody else makes its customer by now."""
    name = _made_by(write)
    return name is None or await room.store.hold_lease(name, write.link_key, room.clock.now(), KEPT)


def _made_by(write: Write) -> str | None:
    """The customer for whom a write makes an account."""
    if write.kind is not WriteKind.CREATE or not write.note.startswith(_NEW):
        return None
    name = write.fields.get("customer_name")
    return _key(name.after) if name and isinstance(name.after, str) else None


def _key(name: str) -> str:
    """The lease of a customer: one for all spellings of the name, and not the name itself."""
    plain = name_of(name).bare.encode("utf-8", "replace")
    return f"customer:{hashlib.sha256(plain).hexdigest()[:32]}"


# --- in words --------------------------------------------------------------------------------------


def note(choice: Choice) -> str:
    """The choice as the write that carries it keeps it; nothing personal."""
    if choice is _NOBODY:
        return ""
    what = f"{_KNOWN}{choice.account_id}" if choice.account_id else _NEW
    return f"{what}, {choice.why}"


def account_of(write: Write) -> str | None:
    """The account a creation was journalled with; None for a new one."""
    first = write.note.partition(", ")[0]
    return first.removeprefix(_KNOWN) if first.startswith(_KNOWN) else None


def line(choice: Choice) -> str:
    """The choice as the seller reads it in the Audit field."""
    if choice is _NOBODY:
        return "Created from Partner Center."
    if choice.verdict is Whose.NEW:
        return f"Created from Partner Center with a new account ({choice.why})."
    return f"Created from Partner Center for an account that was there ({choice.why})."


def told(choice: Choice) -> str:
    """The candidates in order, for the person who chooses."""
    shown = [
        f"{one.account.name[:60]} ({one.account.id}): {one.points} points, {', '.join(one.reasons)}"
        for one in choice.candidates[:SHOWN]
    ]
    more = len(choice.candidates) - SHOWN
    return f"{choice.why.capitalize()}. {'; '.join(shown)}{f'; and {more} more' if more > 0 else ''}."
