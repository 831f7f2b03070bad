"""The connection check: one sentence for each thing that must be right."""

from __future__ import annotations

from collections.abc import Sequence

from cosell.core.errors import CosellError, NotAllowed
from cosell.ports import Finding
from cosell.systems.partner_center import wire
from cosell.systems.partner_center.client import Client, Page, query
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.reading import NEWEST_FIRST
from cosell.systems.partner_center.registration import Registration

_LOOKED_AT = 20
_SKEW = 120.0
PAGE = "reference/errors.md"


class Checkup:
    """Looks at the connection without changing anything."""

    def __init__(self, client: Client, options: Options, registration: Registration | None) -> None:
        self._client, self._options, self._registration = client, options, registration

    async def findings(self) -> Sequence[Finding]:
        """Sign-in, role, organisation, solutions, clock, and who receives the events."""
        try:
            page = await self._client.page(query(order=NEWEST_FIRST, top=_LOOKED_AT), purpose="check")
        except NotAllowed as error:
            return (
                Finding("sign-in", True, "The sign-in to Partner Center is accepted."),
                Finding("role", False, error.message, error.advice, error.page),
            )
        except CosellError as error:
            return (Finding("sign-in", False, error.message, error.advice, error.page),)
        return (
            Finding("sign-in", True, "The sign-in to Partner Center is accepted."),
            Finding("role", True, "The signed-in user may list referrals."),
            self._organisation(page),
            _solutions(page),
            self._clock(),
            *(await self._events()),
        )

    def _organisation(self, page: Page) -> Finding:
        ours = [one for one in page.records if not wire.is_microsofts(one)]
        known = {wire.word(one, "organizationId"): wire.word(one, "organizationName") for one in ours}
        known.pop("", None)
        expected = self._options.organization_id
        if not known:
            return Finding("organisation", True, "No referral tells yet which organisation this is.")
        named = ", ".join(sorted(f"{name or 'unnamed'} ({key})" for key, name in known.items()))
        if expected is not None and expected not in known:
            advice = "Correct the organisation in the settings, or sign in with another account."
            return Finding(
                "organisation", False, f"The referrals belong to {named}, not to {expected}.", advice
            )
        return Finding("organisation", True, f"The referrals belong to {named}.")

    def _clock(self) -> Finding:
        skew = self._client.http.skew
        if skew is None:
            return Finding("clock", True, "Partner Center does not tell its time.")
        if abs(skew) > _SKEW:
            advice = "Set the clock of this machine by a time server."
            return Finding(
                "clock", False, f"This machine's clock differs by {abs(skew):.0f} seconds.", advice
            )
        return Finding("clock", True, "The clocks agree.")

    async def _events(self) -> Sequence[Finding]:
        if self._registration is None:
            return ()
        try:
            present = await self._registration.status()
        except CosellError as error:
            return (Finding("events", False, error.message, error.advice, error.page),)
        if present is None:
            message = "No address is registered for events; changes arrive by polling."
            return (Finding("events", True, message, "Register one with `cosell webhook register`."),)
        if self._options.callback_url and present.url != self._options.callback_url:
            advice = "Take them over with `cosell webhook register --overwrite`, or rely on polling."
            return (Finding("events", False, f"Events go to {present.owner}, not to us.", advice),)
        if missing := present.missing():
            advice = "Register again with `cosell webhook register`."
            message = f"Events go to {present.owner}, but without {', '.join(missing)}."
            return (Finding("events", False, message, advice),)
        return (Finding("events", True, f"Events go to {present.owner}."),)


def _solutions(page: Page) -> Finding:
    seen = {
        wire.word(one, "id")
        for record in page.records
        for one in wire.items(wire.part(wire.part(record, "details"), "requirements"), "solutions")
    } - {""}
    if not seen:
        advice = "A co-sell-ready solution must be published before deals can be created."
        return Finding("solutions", True, "No recent referral names a solution.", advice)
    return Finding("solutions", True, f"Solutions seen: {', '.join(sorted(seen)[:10])}.")
