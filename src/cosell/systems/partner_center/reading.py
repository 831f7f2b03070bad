"""Fresh and complete reads: our referral together with Microsoft's, in as few calls as the sheet allows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from cosell.core.errors import CosellError, Gone, Rejected
from cosell.core.records import Snapshot
from cosell.ports import Read
from cosell.systems.partner_center import wire
from cosell.systems.partner_center.client import Client, query
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.wire import Reader, Record

_REMEMBERED = 50_000
NEWEST_FIRST = "updatedDateTime desc"


class Reading:
    """Reads engagements, and remembers which referral belongs to which."""

    def __init__(self, client: Client, options: Options, reader: Reader) -> None:
        self._client, self._options, self._reader = client, options, reader
        self._engagement_of: dict[str, str] = {}
        self._doubted: set[str] = set()
        self._or_works = options.try_filters

    async def get_many(self, ids: Sequence[str]) -> dict[str, Read]:
        """Reads each record with all of its engagement; one failure never hides another's answer."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Read] = {}
        if len(wanted) > self._options.single_reads:
            found.update(await self._together([one for one in wanted if one not in self._doubted]))
        alone = [one for one in wanted if one not in found]
        answers = await asyncio.gather(*map(self._one_or_error, alone))
        found.update(zip(alone, answers, strict=True))
        return found

    async def around(self, record: Record) -> Snapshot:
        """The complete snapshot of the engagement of a record that was just read."""
        self.remember((record,))
        if not wire.is_microsofts(record) and not wire.may_have_microsoft(record):
            return self._reader.engagement(record, None, complete=True)
        engagement_id = wire.word(record, "engagementId")
        listed = await self._client.engagement(engagement_id) if engagement_id else []
        return self.whole(_fresher(record, listed))

    def whole(self, records: Iterable[Record]) -> Snapshot:
        """One snapshot of all records of one engagement; Gone where ours is not among them."""
        kept = tuple(records)
        self.remember(kept)
        own, microsoft = wire.split(kept, self._options.organization_id)
        if own is None:
            raise Gone(
                "Our own referral of this engagement is not visible to the signed-in user.",
                code="out_of_sight",
            )
        return self._reader.engagement(own, microsoft, complete=True)

    def doubt(self, referral_id: str) -> None:
        """Has the next read ask by id as well: a list may lag behind (12), and a version was refused."""
        self._doubted.add(referral_id)

    def remember(self, records: Iterable[Record]) -> None:
        """Notes the engagement of each record, so that the next read of it is one call."""
        known = self._engagement_of
        for record in records:
            if wire.kind(record) == wire.MARKETPLACE_LEAD:
                continue  # no list shows it (product.md LIM-14): it is read by its id, and alone
            if engagement_id := wire.word(record, "engagementId"):
                known[wire.record_id(record)] = engagement_id
        while len(known) > _REMEMBERED:
            del known[next(iter(known))]

    async def _one_or_error(self, referral_id: str) -> Read:
        try:
            return await self._one(referral_id)
        except CosellError as error:
            return error

    async def _one(self, referral_id: str) -> Snapshot:
        engagement_id = self._engagement_of.get(referral_id)
        if engagement_id is None:
            return await self.around(await self._by_id(referral_id))
        if referral_id in self._doubted or not self._options.fresh_lists:
            record, listed = await asyncio.gather(
                self._by_id(referral_id), self._client.engagement(engagement_id)
            )
            return self.whole(_fresher(record, listed))
        listed = await self._client.engagement(engagement_id)
        if any(wire.record_id(one) == referral_id for one in listed):
            return self.whole(listed)
        # The list does not show it any more; reading it by id tells why.
        return await self.around(await self._by_id(referral_id))

    async def _by_id(self, referral_id: str) -> Record:
        record = await self._client.get(referral_id)
        self._doubted.discard(referral_id)
        return record

    # --- many at once ----------------------------------------------------------------------------

    async def _together(self, ids: Sequence[str]) -> Mapping[str, Snapshot]:
        found: dict[str, Snapshot] = {}
        known = [one for one in ids if one in self._engagement_of]
        if self._or_works and known and self._options.fresh_lists:
            found = await self._by_filter(known)
        missing = [one for one in ids if one not in found]
        if len(missing) > self._options.single_reads and self._options.fresh_lists:
            found.update(await self._by_pages(missing))
        return found

    async def _by_filter(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        size = self._options.ids_in_filter
        engagements = list(dict.fromkeys(self._engagement_of[one] for one in ids))
        chunks = [engagements[at : at + size] for at in range(0, len(engagements), size)]
        # The first one finds out whether `or` is understood at all; nobody documents it (2.1).
        pools = [await self._any_of(chunks[0])]
        if self._or_works:
            pools += await asyncio.gather(*map(self._any_of, chunks[1:]))
        return self._matched(ids, [record for pool in pools for record in pool], listed=set(engagements))

    async def _any_of(self, engagements: Sequence[str]) -> list[Record]:
        where = " or ".join(f"engagementId eq '{one}'" for one in engagements)
        try:
            return await self._client.collect(where, purpose="read engagements", top=self._options.top)
        except Rejected:
            self._or_works = False
            return []

    async def _by_pages(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        pool: list[Record] = []
        found: dict[str, Snapshot] = {}
        limit = max(1, len(ids) // 4)
        first = query(order=NEWEST_FIRST, top=self._options.top)
        async for page in self._client.pages(first, purpose="read many", at_most=limit):
            pool += page.records
            found = self._matched(ids, pool, listed=set())
            if len(found) == len(ids):
                break
        return found

    def _matched(
        self, ids: Sequence[str], pool: Iterable[Record], *, listed: set[str]
    ) -> dict[str, Snapshot]:
        """Snapshots of the ids whose engagement is surely complete among the records of `pool`."""
        groups = by_engagement(pool)
        found: dict[str, Snapshot] = {}
        for records in groups.values():
            self.remember(records)
            own, microsoft = wire.split(records, self._options.organization_id)
            if own is None:
                continue
            whole = microsoft is not None or not wire.may_have_microsoft(own)
            if whole or wire.word(own, "engagementId") in listed:
                snapshot = self._reader.engagement(own, microsoft, complete=True)
                found.update((wire.record_id(one), snapshot) for one in records)
        return {one: found[one] for one in ids if one in found}


def by_engagement(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records by engagement, each id once; the first mention of a record counts."""
    groups: dict[str, list[Record]] = {}
    known: set[str] = set()
    for record in records:
        own_id = wire.record_id(record)
        if own_id not in known:
            known.add(own_id)
            groups.setdefault(wire.word(record, "engagementId") or own_id, []).append(record)
    return groups


def _fresher(record: Record, listed: Sequence[Record]) -> list[Record]:
    """The listed records with the one read by id in place of its listed twin."""
    own_id = wire.record_id(record)
    return [record, *(one for one in listed if wire.record_id(one) != own_id)]
