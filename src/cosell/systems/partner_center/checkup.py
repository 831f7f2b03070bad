"""The connection check: one sentence for each thing that must be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cosell.core.errors import CosellError, NotAllowed
from cosell.core.reasons import Who
from cosell.core.records import Snapshot
from cosell.ports import Finding
from cosell.systems.partner_center import wire
from cosell.systems.partner_center.client import Client, query
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.reading import NEWEST_FIRST, by_engagement
from cosell.systems.partner_center.registration import Registration
from cosell.systems.partner_center.wire import Reader, Record

LOOKED_AT = 100
"""Newest referrals a look-over reads: one page."""
_SKEW = 120.0
PAGE = "how-to/connect-partner-center.md"
_EVENTS = ("PRE-05", "TRB-4.1")


class Checkup:
    """Looks at the connection without changing anything."""

    def __init__(
        self, client: Client, options: Options, reader: Reader, registration: Registration | None
    ) -> None:
        self._client, self._options, self._reader = client, options, reader
        self._registration = registration

    async def findings(self) -> Sequence[Finding]:
        """Sign-in, role, organisation, location, solutions, clock, and who receives the events."""
        try:
            records = await self._newest()
        except NotAllowed as error:
            return (_signed_in(), _of("role", error, ("PRE-04", "PRE-05", "TRB-3.5"), Who.REFERRALS_ADMIN))
        except CosellError as error:
            return (_of("sign-in", error, ("TRB-2.2", "TRB-3.4"), Who.REFERRALS_ADMIN),)
        ours = [one for one in records if not wire.is_microsofts(one)]
        return (
            _signed_in(),
            _role(ours),
            self._organisation(ours),
            self._location(ours),
            self._solutions(ours),
            self._clock(),
            *(await self._events()),
        )

    async def sample(self) -> Sequence[Snapshot]:
        """The newest deals as far as a list shows them, so that the CRM's check can try whether they fit."""
        groups = by_engagement(one for one in await self._newest() if not wire.is_microsofts(one))
        return [self._reader.engagement(group[0], None, complete=False) for group in groups.values()]

    async def _newest(self) -> Sequence[Record]:
        page = await self._client.page(query(order=NEWEST_FIRST, top=LOOKED_AT), purpose="check")
        return page.records

    def _organisation(self, ours: Iterable[Record]) -> Finding:
        known = {wire.word(one, "organizationId"): wire.word(one, "organizationName") for one in ours}
        known.pop("", None)
        expected, rows = self._options.organization_id, ("PRE-03", "TRB-4.1")
        if not known:
            said = "No referral tells yet which organisation this is."
            return Finding("organisation", True, said, page=PAGE, rows=rows)
        named = ", ".join(sorted(f"{name or 'unnamed'} ({key})" for key, name in known.items()))
        if expected is not None and expected not in known:
            return Finding(
                "organisation",
                False,
                f"The referrals belong to {named}, not to {expected}.",
                "Correct organization_id in the settings, or sign in with another account.",
                PAGE,
                rows,
                Who.OPERATOR,
            )
        if expected is None and len(known) > 1:
            return Finding(
                "organisation",
                True,
                f"The referrals belong to several organisations: {named}.",
                "Set [partner_center] organization_id to yours, so that partners are not taken for you.",
                PAGE,
                rows,
                Who.OPERATOR,
            )
        return Finding("organisation", True, f"The referrals belong to {named}.", page=PAGE, rows=rows)

    def _location(self, ours: Iterable[Record]) -> Finding:
        """PRE-01: the partner id. Nothing but the referrals tells which locations the account has."""
        seen = sorted({wire.word(one, "mpnId") for one in ours} - {""})
        wanted, rows = self._options.mpn_id, ("PRE-01", "PRE-03")
        told = f"Referrals name the partner id {', '.join(seen[:10])}." if seen else "No referral names one."
        if wanted and not (wanted.isascii() and wanted.isdigit()):
            message = f"The partner id {wanted} of the settings is not a number."
            advice = "Write the PartnerID of the location, as Account settings in Partner Center shows it."
            return Finding("partner id", False, message, advice, PAGE, rows, Who.OPERATOR)
        if wanted and seen and wanted not in seen:
            message = f"The settings name the partner id {wanted}; the referrals name {', '.join(seen[:10])}."
            advice = "Correct mpn_id, unless it is a location that has no referral yet."
            return Finding("partner id", False, message, advice, PAGE, rows, Who.OPERATOR)
        return Finding("partner id", True, told, page=PAGE, rows=rows)

    def _solutions(self, ours: Iterable[Record]) -> Finding:
        """PRE-02: no interface lists solutions (2.7); deals that name one prove that there is one."""
        seen = {
            wire.word(one, "id")
            for record in ours
            for one in wire.items(wire.part(wire.part(record, "details"), "requirements"), "solutions")
        } - {""}
        rows = ("PRE-02", "TRB-3.7")
        if not seen:
            return Finding(
                "solutions",
                True,
                "No recent referral names a solution.",
                "A co-sell-ready solution must be published before deals can be created.",
                PAGE,
                rows,
                Who.REFERRALS_ADMIN,
            )
        said = f"Solutions seen on referrals: {', '.join(sorted(seen)[:10])}."
        return Finding("solutions", True, said, page=PAGE, rows=rows)

    def _clock(self) -> Finding:
        skew = self._client.http.skew
        if skew is None:
            return Finding("clock", True, "Partner Center does not tell its time.")
        if abs(skew) > _SKEW:
            message = f"This machine's clock differs by {abs(skew):.0f} seconds."
            return Finding(
                "clock", False, message, "Set the clock of this machine by a time server.", who=Who.OPERATOR
            )
        return Finding("clock", True, "The clocks agree.")

    async def _events(self) -> Sequence[Finding]:
        """Whether the second resource is open to us, and who receives the events."""
        if self._registration is None:
            return ()
        try:
            present = await self._registration.status()
        except CosellError as error:
            return (_of("events", error, _EVENTS, Who.REFERRALS_ADMIN),)
        if present is None:
            message = "No address is registered for events; changes arrive by polling."
            advice = "Register one with `cosell webhook register`."
            return (Finding("events", True, message, advice, PAGE, _EVENTS, Who.OPERATOR),)
        if self._options.callback_url and present.url != self._options.callback_url:
            message = f"Events go to {present.owner}, not to us."
            advice = "Take them over with `cosell webhook register --overwrite`, or rely on polling."
            return (Finding("events", False, message, advice, PAGE, _EVENTS, Who.OPERATOR),)
        if missing := present.missing():
            message = f"Events go to {present.owner}, but without {', '.join(missing)}."
            advice = "Register again with `cosell webhook register`."
            return (Finding("events", False, message, advice, PAGE, _EVENTS, Who.OPERATOR),)
        return (Finding("events", True, f"Events go to {present.owner}.", page=PAGE, rows=_EVENTS),)


def _of(name: str, error: CosellError, rows: tuple[str, ...], who: Who) -> Finding:
    return Finding(name, False, error.message, error.advice, error.page, rows, who)


def _signed_in() -> Finding:
    said = "The sign-in to Partner Center is accepted."
    return Finding("sign-in", True, said, page=PAGE, rows=("TRB-2.2", "TRB-3.4"))


def _role(ours: Sequence[Record]) -> Finding:
    """PRE-05: which role it is no interface tells; what it sees does (1.3)."""
    rows = ("PRE-04", "PRE-05", "TRB-1.3", "TRB-3.5")
    if ours:
        said = "The signed-in user sees referrals. Sellers need no role in Partner Center."
        return Finding("role", True, said, page=PAGE, rows=rows)
    return Finding(
        "role",
        True,
        "The signed-in user may list referrals, and sees none.",
        "If Partner Center does have deals, the user is a Referrals user, who sees only those he is on the "
        "team of, or has another location: give the connection a Referrals admin.",
        PAGE,
        rows,
        Who.REFERRALS_ADMIN,
    )
