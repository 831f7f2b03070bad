"""What the parts of one connection share: the client, the schema as last asked, and how to read rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from cosell.core.drift import field_of
from cosell.core.errors import SchemaDrift
from cosell.core.records import Snapshot
from cosell.ports import Clock
from cosell.systems.salesforce.client import Answer, Client, query_part
from cosell.systems.salesforce.discovery import Discovery
from cosell.systems.salesforce.leads import LeadReader, LeadWriter
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.reading import Reader
from cosell.systems.salesforce.schema import Schema
from cosell.systems.salesforce.soql import chunks, long_id
from cosell.systems.salesforce.writing import Writer

IDS_A_QUERY = 100
QUERIES_A_CALL = 5


@dataclass(frozen=True, slots=True)
class Tools:
    """Reader and writer of one schema."""

    schema: Schema
    reader: Reader
    writer: Writer
    leads: tuple[LeadReader, LeadWriter] | None = None

    def is_lead(self, record_id: str) -> bool:
        """Whether an id is that of a lead; never where leads are not kept."""
        return self.schema.lead is not None and self.schema.lead.owns(record_id)

    def by_ids(self, ids: Iterable[str]) -> list[str]:
        """The queries for these records of either kind, a hundred each."""
        wanted = list(ids)
        leads = [one for one in wanted if self.is_lead(one)]
        deals = [one for one in wanted if not self.is_lead(one)]
        found = [self.reader.by_ids(few) for few in chunks(deals, IDS_A_QUERY)]
        if self.leads is not None:
            found += [self.leads[0].by_ids(few) for few in chunks(leads, IDS_A_QUERY)]
        return found


class Access:
    """Opens the connection once and keeps its schema fresh."""

    def __init__(
        self, client: Client, options: Options, clock: Clock, *, found: Callable[[Schema], None]
    ) -> None:
        self.client, self.options, self.clock = client, options, clock
        self.learn: Callable[[str, Sequence[str]], None] | None = None
        """Told the child rows of each opportunity read."""
        self._tell = found
        self._discovery = Discovery(client, options)
        self._tools: Tools | None = None
        self._asked_at = 0.0
        self._denied = False
        self._user_id: str | None = None
        self.relied_on = False
        """What the settings name was there once: what is missing at the first look was lost since."""
        self._once = asyncio.Lock()

    @property
    def user_id(self) -> str | None:
        """Our own user, once signed in."""
        return self._user_id

    async def tools(self) -> Tools:
        """Reader and writer; asks the org at first use, and again after a while."""
        if self._tools is not None and not self._old:
            return self._tools
        async with self._once:
            if self._tools is None or self._old:
                self._tools = await self._found(self._tools)
                self._asked_at = self.clock.monotonic()
                self._denied = False
            return self._tools

    @property
    def _old(self) -> bool:
        return self._denied or self.clock.monotonic() - self._asked_at >= self.options.describe_every

    @asynccontextmanager
    async def noting_drift(self) -> AsyncIterator[Tools]:
        """Lets the next use ask the org anew when a field turns out to be unknown."""
        tools = await self.tools()
        try:
            yield tools
        except SchemaDrift:
            self.denied(tools)
            raise

    def denied(self, tools: Tools) -> None:
        """Notes that a field these tools know is unknown; what others have found out since stands.

        A thousand calls that were under way when a field vanished thus cause one question, not a thousand.
        """
        if self._tools is tools:
            self.ask_again()

    def ask_again(self) -> None:
        """Makes the next use ask the org anew, past every cache."""
        self._discovery.forget()
        self._denied = True

    async def describe(self, *, thorough: bool) -> None:
        """Asks the org what it has now."""
        if thorough:
            self._discovery.forget()
        self._denied = True
        await self.tools()

    async def _found(self, before: Tools | None) -> Tools:
        if self._user_id is None:
            self._user_id = await who(self.client)
        schema = await self._discovery.schema(running=self.relied_on or before is not None)
        if before is not None:
            schema = _named(before.schema, schema)
        self._tell(schema)
        table = schema.lead
        leads = None
        if table is not None:
            leads = LeadReader(table, self._user_id), LeadWriter(table, self.options)
        reader = Reader(schema, self.options, self._user_id)
        return Tools(schema, reader, Writer(schema, self.options), leads)

    async def snapshots(self, answers: Sequence[Answer], tools: Tools) -> list[Snapshot]:
        """The snapshots in the answers of queries of the reader's."""
        found = []
        for answer in answers:
            rows = await self.client.rows(answer, purpose="read")
            await tools.reader.whole(rows, self.client)
            for row in rows:
                snapshot = self._snapshot(row, answer.since, tools)
                if snapshot is not None:
                    found.append(snapshot)
        return found

    def _snapshot(self, row: dict[str, Any], since: float | None, tools: Tools) -> Snapshot | None:
        if tools.leads is not None and _is_of(row, "Lead"):
            return tools.leads[0].snapshot(row, since)
        snapshot = tools.reader.snapshot(row, since)
        if snapshot is not None and self.learn is not None:
            self.learn(snapshot.id, list(tools.reader.children_of(row)))
        return snapshot

    async def read(self, ids: Sequence[str], tools: Tools) -> dict[str, Snapshot]:
        """The records of these well-formed ids that exist, five hundred a call, by casefolded id."""
        found: dict[str, Snapshot] = {}
        for some in chunks(tools.by_ids(ids), QUERIES_A_CALL):
            parts = [query_part(soql, f"q{at}") for at, soql in enumerate(some)]
            answers = await self.client.reads(parts, purpose="read")
            for snapshot in await self.snapshots(list(answers.values()), tools):
                found[snapshot.id.casefold()] = snapshot
        return await self._with_origins(found, tools)

    async def _with_origins(self, found: dict[str, Snapshot], tools: Tools) -> dict[str, Snapshot]:
        """Notes the lead of ours behind each opportunity that names no referral: one call, if there is any.

        An opportunity does not tell it, and one that comes of a known deal must not be taken for a new one.
        """
        if tools.leads is None:
            return found
        nameless = [one.id for one in found.values() if one.partner_id is None and not tools.is_lead(one.id)]
        for some in chunks(nameless, IDS_A_QUERY):
            part = query_part(tools.leads[0].origins(some), "origins")
            answers = await self.client.reads([part], purpose="origins")
            for row in await self.client.rows(answers["origins"], purpose="origins"):
                made, lead = (row.get(key) for key in (tools.leads[0].table.needed("opportunity"), "Id"))
                key = made.casefold() if isinstance(made, str) else ""
                if key in found and isinstance(lead, str):
                    found[key] = replace(found[key], origin=long_id(lead))
        return found


async def who(client: Client) -> str | None:
    """The user a client signs in as; None where the org does not tell."""
    session = await client.sign_in.session()
    if session.user_id is not None:
        return session.user_id
    answer = await client.call("GET", "/services/oauth2/userinfo", purpose="userinfo", versioned=False)
    found = answer.body.get("user_id") if answer.ok and isinstance(answer.body, dict) else None
    return found if isinstance(found, str) else None


def _is_of(row: Mapping[str, Any], sheet: str) -> bool:
    attributes = row.get("attributes")
    return isinstance(attributes, dict) and attributes.get("type") == sheet


def _named(before: Schema, now: Schema) -> Schema:
    """The schema whose lacks are called as the fields were called when they were last seen."""
    known = {key: column.label for key, column in before.opportunity.items()}
    known |= {part: lack.label for part, lack in before.lacks.items()}
    lacks = {
        part: replace(lack, label=known.get(part) or known.get(field_of(part)) or lack.label)
        for part, lack in now.lacks.items()
    }
    return replace(now, lacks=lacks, capabilities=replace(now.capabilities, lacks=lacks))
