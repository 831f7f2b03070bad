"""What the doctor says about Partner Center's events: whose they are, whether they come, whether they can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cosell.core.errors import CosellError
from cosell.ports import Finding, Mend, Who
from cosell.systems.partner_center.registration import REFERRAL_EVENTS
from cosell.wiring import alerts
from cosell.wiring.events import SILENT
from cosell.wiring.ownership import AGAIN, Claim, claim, take_events
from cosell.wiring.proving import reach
from cosell.wiring.report import HEARD

if TYPE_CHECKING:
    from cosell.systems.partner_center.registration import Registered
    from cosell.wiring.environment import Environment

ROWS = ("TRB-4.1", "TRB-4.3")
PAGE = "how-to/receive-events.md"


async def event_findings(env: Environment) -> list[Finding]:
    """Every check of the events; without a public address polling carries everything, and all is well."""
    if env.address is None:
        said = "[web] public_url is not set: no event comes in, and changes arrive by polling."
        return [Finding("events", True, said, rows=ROWS)]
    try:
        present = await env.systems().registration.status()
    except CosellError as error:
        return [Finding("events", False, error.message, error.advice, error.page, ROWS, Who.REFERRALS_ADMIN)]
    owner = _owner(env, present, await claim(env))
    if present is None or present.url != env.address:
        return [owner]
    return [owner, await _coming(env), await _reached(env)]


def _owner(env: Environment, present: Registered | None, former: Claim | None) -> Finding:
    polled = "changes arrive by polling"
    if present is None:
        ok, said = former is None, f"Partner Center's events go to nobody; {polled}."
        return Finding("events", ok, said, f"To have them sent here: {AGAIN}", "", ROWS, Who.OPERATOR)
    if present.url != env.address:
        said = f"Partner Center's events go to {present.owner}; {polled}."
        if former is None:
            return Finding("events", True, said, f"To have them sent here: {AGAIN} --overwrite", rows=ROWS)
        advice = (
            f"They were registered here. To take them back: {AGAIN} --overwrite; else: cosell webhook release"
        )
        return Finding("events", False, said, advice, "", ROWS, Who.OPERATOR)
    if former is None and present.missing() == REFERRAL_EVENTS:
        # What `cosell webhook release` leaves behind: there is no deletion (7.1).
        said = "Partner Center's referral events go to nobody; changes arrive by polling."
        return Finding("events", True, said, f"To have them sent here: {AGAIN}", rows=ROWS)
    if missing := present.missing():
        said = f"Events come here; not sent: {', '.join(missing)}."
        found = Finding("events", False, said, f"Mend it: {AGAIN}", "", ROWS, Who.OPERATOR)
        return replace(found, mend=_mend(env))
    return Finding("events", True, f"All four referral events go to {present.owner}.", rows=ROWS)


def _mend(env: Environment) -> Mend:
    async def again() -> None:
        await take_events(env)

    return Mend("to register for all four referral events again, beside those of other products", again)


async def _coming(env: Environment) -> Finding:
    """Whether events come, as the watch over them found."""
    rows = ROWS
    standing = [one for one in await alerts.standing(env.store) if one.code == SILENT]
    never = await env.store.setting(HEARD) is None
    if standing:
        who = Who.MICROSOFT if never else Who.OPERATOR
        return Finding("events coming", False, standing[0].message, standing[0].advice, "", rows, who)
    said = "No event has come yet." if never else "Events come in."
    return Finding(
        "events coming", True, said, "cosell webhook test proves the way." if never else "", rows=rows
    )


async def _reached(env: Environment) -> Finding:
    ok, said = await reach(env)
    advice = (
        "" if ok else "See docs/how-to/receive-events.md; from outside it may differ: cosell webhook test"
    )
    return Finding("events address", ok, said, advice, "how-to/receive-events.md", ROWS, Who.OPERATOR)
