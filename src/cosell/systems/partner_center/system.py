"""Partner Center as a `System`: referrals in canonical values."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cosell.core.errors import CosellError, Rejected, Stale
from cosell.core.fields import CUSTOMER, FIELDS, Help
from cosell.core.matching import Account
from cosell.core.records import Side, Snapshot, Values
from cosell.core.values import State
from cosell.http import Transport
from cosell.ports import (
    Budget,
    Capabilities,
    Changes,
    Clock,
    Creation,
    Finding,
    Invitation,
    Read,
    Update,
    Written,
)
from cosell.systems.partner_center import compose, wire
from cosell.systems.partner_center.auth import Tokens
from cosell.systems.partner_center.checkup import Checkup
from cosell.systems.partner_center.client import Client, query
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.polling import Poll
from cosell.systems.partner_center.reading import Reading, by_engagement
from cosell.systems.partner_center.registration import Registration
from cosell.systems.partner_center.wire import Reader, Record

_HELP = frozenset(word.value for word in Help)


def capabilities(options: Options) -> Capabilities:
    """What Partner Center can do under these settings."""
    return Capabilities(
        create="findable",
        precondition="version" if options.precondition == "version" else "moody",
        stamp=False,
        touched_by=False,
        readable=frozenset(FIELDS),
        # A new referral of ours is accepted from the start, whatever status is sent (4.2).
        creatable=compose.UPDATABLE - {"state"} | {"name", "help", *CUSTOMER},
        updatable=compose.UPDATABLE,
        # What Microsoft's referral tells can change without moving the version of ours.
        guarded=frozenset(FIELDS) - {"help", "microsoft_id", "microsoft_state"},
        acts=frozenset({"help"}),
        read_size=100,
        write_size=1,
        index_lag=options.index_lag,
        patience=options.patience,
    )


class PartnerCenter:
    """Microsoft Partner Center."""

    name = "partner_center"
    side = Side.PARTNER_CENTER

    def __init__(
        self,
        options: Options,
        *,
        transport: Transport,
        tokens: Tokens,
        clock: Clock,
        registration: Registration | None = None,
    ) -> None:
        self.capabilities = capabilities(options)
        self._options, self._clock = options, clock
        self._client = Client(options, transport=transport, tokens=tokens, clock=clock)
        self.http = self._client.http
        self._reader = Reader(options.microsoft_domains, co_sell_only=options.co_sell_only)
        self._reading = Reading(self._client, options, self._reader)
        self._poll = Poll(self._client, options, self._reader, self._reading, clock)
        self._checkup = Checkup(self._client, options, self._reader, registration)

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        """Tests sign-in, rights and set-up; changes nothing."""
        return await self._checkup.findings()

    async def sample(self) -> Sequence[Snapshot]:
        """The newest deals, incomplete, for whoever wants to try whether they fit elsewhere: one call."""
        return await self._checkup.sample()

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        """Reads each record fresh, with Microsoft's referral of the same engagement."""
        return await self._reading.get_many(ids)

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        """All referrals of the last weeks that carry `partner_id`; no filter for it is documented (2.1)."""
        if not partner_id:
            return ()
        carrying = [one for one in await self._newest() if one.get("externalReferenceId") == partner_id]
        ours = [one for one in carrying if not wire.is_microsofts(one)]
        return await asyncio.gather(
            *(self._reading.around(group[0]) for group in by_engagement(ours).values())
        )

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        """None: Partner Center keeps no accounts."""
        return ()

    async def create(self, creation: Creation) -> Snapshot:
        """Creates our own referral and answers what was stored. Microsoft is asked by `invite` only."""
        record = await self._client.create(compose.own_referral(creation, self._options))
        self._reading.remember((record,))
        self._poll.told(record)
        return self._reader.engagement(record, None, complete=True)

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        """Patches each referral on its own; the answer is what the service says it stored."""
        answers = await asyncio.gather(*map(self._update_or_error, updates))
        return {update.write_id: answer for update, answer in zip(updates, answers, strict=True)}

    async def invite(self, invitation: Invitation) -> Snapshot:
        """Asks Microsoft to join, unless Microsoft's referral is there already: never two (12)."""
        records = await self._engagement_of(invitation.seen)
        own, microsoft = wire.split(records, self._options.organization_id)
        if own is None or microsoft is not None:
            return self._reading.whole(records)
        state = wire.state(own)
        if isinstance(state, State) and state.terminal:
            raise Rejected("The referral is closed; Microsoft cannot be asked any more.", code="terminal")
        if invitation.help not in _HELP:
            raise Rejected("Microsoft does not know this kind of help.", fields=("help",))
        body = compose.microsofts_referral(invitation, own, self._options)
        created = await self._client.create(body, "invite Microsoft")
        return await self._after_invitation(own, created)

    @property
    def requests(self) -> int:
        """How many left since the start."""
        return self.http.calls.total()

    def budget(self) -> Budget:
        """Nothing: Partner Center publishes no quota (8)."""
        return Budget()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.http.aclose()

    async def changes(self, cursor: str | None) -> Changes:
        """What changed since `cursor`; with None, everything open."""
        return await self._poll.changes(cursor)

    # --- parts -----------------------------------------------------------------------------------

    async def _newest(self) -> list[Record]:
        """The outgoing referrals of the last weeks, newest first, as far as the settings look back."""
        first = query("direction eq 'Outgoing'", order="createdDateTime desc", top=self._options.top)
        found: list[Record] = []
        newest: float | None = None
        async for page in self._client.pages(first, purpose="find", at_most=self._options.find_pages):
            found += page.records
            ages = [one.timestamp() for one in map(_created, page.records) if one is not None]
            newest = max(ages, default=None) if newest is None else newest
            if newest is not None and ages and min(ages) < newest - self._options.find_days * 86_400:
                break
        return found

    async def _update_or_error(self, update: Update) -> Written:
        try:
            return await self._update(update)
        except CosellError as error:
            return error

    async def _update(self, update: Update) -> Snapshot:
        if compose.LISTS & update.values.keys() and "kind" not in update.seen.facts:
            update = await self._with_facts(update)
        operations = compose.patch(update, self._options)
        if not operations:
            return update.seen
        version = update.seen.version if update.guard else None
        try:
            record = await self._client.patch(update.record_id, operations, version=version)
        except Stale:
            self._reading.doubt(update.record_id)
            raise
        if record is None:
            return _unread(update)
        if version is not None:
            # Without a version somebody's edit may have slipped in between; then the poll tells it.
            self._poll.told(record)
        return self._reader.after_write(record, update.seen)

    async def _with_facts(self, update: Update) -> Update:
        """The update on a fresh read: a list is replaced whole, and a remembered read lacks its rest."""
        record = await self._client.get(update.record_id)
        fresh = self._reader.engagement(record, None, complete=False)
        if update.guard and update.seen.version not in (None, fresh.version):
            raise Stale("The referral changed in Partner Center since it was read.")
        lists = {key: fresh.values[key] for key in compose.LISTS}
        seen = replace(update.seen, values={**update.seen.values, **lists}, facts=fresh.facts)
        return replace(update, seen=seen)

    async def _engagement_of(self, seen: Snapshot) -> list[Record]:
        if seen.engagement_id is None:
            raise Rejected("This referral belongs to no engagement Microsoft could join.", fields=("help",))
        own, listed = await asyncio.gather(
            self._client.get(seen.id), self._client.engagement(seen.engagement_id)
        )
        return [own, *(one for one in listed if wire.record_id(one) != seen.id)]

    async def _after_invitation(self, own: Record, created: Record) -> Snapshot:
        """The engagement as it stands; where it cannot be read again, what the answers told."""
        self._reading.remember((own, created))
        try:
            records = await self._client.engagement(wire.word(own, "engagementId"))
        except CosellError:
            fallback = self._reader.engagement(own, created, complete=True)
            return replace(fallback, version=None, complete=False)
        if not any(wire.record_id(one) == wire.record_id(created) for one in records):
            records = [*records, created]
        return self._reading.whole(records)


def _created(record: Record) -> datetime | None:
    return wire.moment(record.get("createdDateTime"))


def _unread(update: Update) -> Snapshot:
    """What is known after a write that was accepted without telling what was stored."""
    return Snapshot(
        side=Side.PARTNER_CENTER,
        id=update.record_id,
        values=dict(update.values),
        kind=update.seen.kind,
        complete=False,
        partner_id=update.external_id or update.seen.partner_id,
        enrolled=update.seen.enrolled,
        engagement_id=update.seen.engagement_id,
        microsoft_id=update.seen.microsoft_id,
    )
