"""What reading, writing and watching share: readers and writer of the present schema, and bulk reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosell.core.records import Snapshot
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.catalogue import Catalogue
from cosell.systems.dataverse.leads import LeadReader
from cosell.systems.dataverse.odata import chunks, guid
from cosell.systems.dataverse.reading import Reader
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.wire import Answer
from cosell.systems.dataverse.writing import Writer

IDS_A_QUERY = 100
IDS_A_CALL = 1_000
"""Ten queries with their child rows: far below what a batch may hold, and one page each."""
PEOPLE_A_QUERY = 50
_MOST_REMEMBERED = 100_000

Lists = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Tools:
    """Readers and writer of one schema."""

    schema: Schema
    reader: Reader
    leads: LeadReader | None
    writer: Writer


class Workbench:
    """The tools for one environment, made anew when its schema turns out to be another."""

    def __init__(self, access: Access) -> None:
        self.access, self.client, self.options = access, access.client, access.options
        self.catalogue = Catalogue()
        self._tools: Tools | None = None
        self._leads: set[str] = set()

    async def tools(self) -> Tools:
        """Readers and writer; asks the environment at first use, and again after a while."""
        schema = await self.access.schema()
        if self._tools is None or self._tools.schema is not schema:
            reader = Reader(schema, self.options)
            leads = LeadReader(schema, self.options) if schema.leads is not None else None
            lead_columns = leads.columns if leads is not None else ()
            writer = Writer(schema, self.options, columns=reader.columns, lead_columns=lead_columns)
            self._tools = Tools(schema, reader, leads, writer)
        return self._tools

    async def lists(self, parts: Sequence[Part], *, purpose: str) -> Lists:
        """The rows each of these reads brings, further pages included."""
        return await self.rows_of(await self.client.reads(parts, purpose=purpose), purpose=purpose)

    async def rows_of(self, answers: Mapping[str, Answer], *, purpose: str) -> Lists:
        """The rows in the answers to reads. Raises what the first refusal means."""
        return {ref: await self.client.rows(answer, purpose=purpose) for ref, answer in answers.items()}

    async def read(self, ids: Sequence[str], tools: Tools) -> dict[str, Snapshot]:
        """The opportunities of these well-formed ids that exist, a thousand a call."""
        return await self._read(tools.reader, ids)

    async def read_leads(self, ids: Sequence[str], tools: Tools) -> dict[str, Snapshot]:
        """The leads of these well-formed ids that exist, a thousand a call."""
        if tools.leads is None:
            return {}
        found = await self._read(tools.leads, ids)
        if len(self._leads) < _MOST_REMEMBERED:
            self._leads.update(found)
        return found

    def is_lead(self, record_id: str) -> bool:
        """Whether this id is known to be a lead's: it need not be looked for among the opportunities."""
        return record_id in self._leads

    async def _read(self, reader: Reader | LeadReader, ids: Sequence[str]) -> dict[str, Snapshot]:
        found: dict[str, Snapshot] = {}
        for some in chunks(ids, IDS_A_CALL):
            refs = {f"q{at}": few for at, few in enumerate(chunks(some, IDS_A_QUERY))}
            parts = [part for ref, few in refs.items() for part in reader.by_ids(few, ref)]
            lists = await self.lists(parts, purpose="read")
            found |= {one.id: one for ref in refs for one in reader.snapshots(lists, ref)}
        return found

    async def deals_of(self, people: Sequence[tuple[str, str]], tools: Tools) -> list[str]:
        """The opportunities that name one of these contacts or accounts, by table and id."""
        parts = []
        for at, some in enumerate(chunks(people, PEOPLE_A_QUERY)):
            parts += tools.reader.by_people(some, f"p{at}")
        lists = await self.lists(parts, purpose="people")
        columns = (tools.schema.deals.id, "_record1id_value")
        found = (guid(row.get(key)) for rows in lists.values() for row in rows for key in columns)
        return list(dict.fromkeys(one for one in found if one is not None))

    async def find(self, partner_id: str, tools: Tools) -> list[Snapshot]:
        """The opportunities and then the leads that carry this referral id, in one call."""
        parts = tools.reader.by_referral(partner_id, "deal")
        if tools.leads is not None:
            parts += tools.leads.by_referral(partner_id, "lead")
        lists = await self.lists(parts, purpose="find")
        found = tools.reader.snapshots(lists, "deal")
        return found + (tools.leads.snapshots(lists, "lead") if tools.leads is not None else [])
