"""Salesforce as a `System`: canonical values in, canonical values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cosell.core.catalogue import KnownSolution, Shelf
from cosell.core.errors import CosellError, Gone, Rejected
from cosell.core.matching import Account
from cosell.core.records import RecordKind, Side, Snapshot, Values
from cosell.http import Http, Transport
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
from cosell.systems.salesforce import checking, creating, customers, lead_creating, sending, shelf
from cosell.systems.salesforce.abilities import expected
from cosell.systems.salesforce.access import Access
from cosell.systems.salesforce.client import Client, query_part
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.schema import Schema
from cosell.systems.salesforce.soql import long_id
from cosell.systems.salesforce.watching import Watching

LEAD_PREFIX = "00Q"
"""The first characters of a lead's id (salesforce-api.md 1), for when the org is not asked about leads."""


class Salesforce:
    """One Salesforce org."""

    name = "salesforce"
    side = Side.CRM

    def __init__(self, options: Options, *, transport: Transport, clock: Clock, concurrency: int = 8) -> None:
        """Calls `login_url` and the address that the sign-in names, if it is Salesforce's, and no other."""
        self._options, self._transport = options, transport
        self._clock, self._concurrency = clock, concurrency
        self._client = Client(self._http_for, options, clock)
        self.capabilities: Capabilities = expected(options)
        """What the org can do; before `prepare`, what an org with everything installed could."""
        self._access = Access(self._client, options, clock, found=self._found)
        self._watching = Watching(self._access)

    def _http_for(self, origin: str) -> Http:
        return Http(
            self._transport,
            name="Salesforce",
            allow=(origin,),
            concurrency=self._concurrency,
            secrets=self.secrets,
            clock=self._clock,
        )

    def _found(self, schema: Schema) -> None:
        self.capabilities = schema.capabilities

    def secrets(self) -> Iterable[str]:
        """What must not be seen in any log."""
        return self._client.sign_in.secrets()

    @property
    def client(self) -> Client:
        """The way to the org, for who installs, connects or examines."""
        return self._client

    async def prepare(self) -> None:
        """Signs in and finds out what the org has. Every other method does so at first use."""
        await self._access.tools()

    @property
    def names(self) -> str:
        """A sign of everything that the settings name in the org."""
        return self._options.names

    def rely(self) -> None:
        """Takes what the settings name for once there: what is missing now stops nothing else."""
        self._access.relied_on = True

    async def describe(self, *, thorough: bool) -> None:
        """Finds out what the org has now; `thorough`: with no regard to what it said is unchanged."""
        await self._access.describe(thorough=thorough)

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        """Tests sign-in, rights, fields, stages, quota and clock; changes nothing."""
        return await checking.check(self._access, sample)

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        """Reads each opportunity with its account, contacts, solutions and team: 500 a call."""
        asked = {one: long for one in ids if (long := long_id(one)) is not None}
        found: dict[str, Snapshot] = {}
        if asked:
            async with self._access.noting_drift() as tools:
                found = await self._access.read(list(dict.fromkeys(asked.values())), tools)
        return {one: found.get(asked.get(one, "").casefold()) or self._missing(one) for one in ids}

    def _missing(self, record_id: str) -> CosellError:
        if record_id.startswith(LEAD_PREFIX) and not self.capabilities.leads:
            return Rejected(
                "This record is a lead, and the connector keeps no leads in Salesforce now.",
                code="no_leads",
                advice="See [partner_center] cosell_only, and cosell doctor.",
            )
        return _gone(record_id)

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        """All opportunities that carry this referral id, oldest first, and the lead that does."""
        async with self._access.noting_drift() as tools:
            parts = [query_part(tools.reader.by_referral([partner_id]), "find")]
            if tools.leads is not None:
                parts.append(query_part(tools.leads[0].by_referral(partner_id), "leads"))
            answers = await self._client.reads(parts, purpose="find")
            return await self._access.snapshots(list(answers.values()), tools)

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        """Accounts of this name, DUNS number or website, of the contacts' domain, or that begin alike."""
        async with self._access.noting_drift():
            return await customers.accounts(self._access, values, duns)

    async def create(self, creation: Creation) -> Snapshot:
        """Creates one opportunity with all that belongs to it; Rejected as `exists` where it is there."""
        async with self._access.noting_drift():
            if creation.kind is RecordKind.LEAD:
                return await lead_creating.create(self._access, creation)
            return await creating.create(self._access, creation)

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        """Carries out each update on its own, up to 24 a call."""
        return await sending.update_many(self._access, updates) if updates else {}

    async def invite(self, invitation: Invitation) -> Snapshot:
        """Refuses: Salesforce has no act of this kind."""
        raise Rejected("Salesforce cannot invite anybody.", fields=("help",), code="no_act")

    async def changes(self, cursor: str | None) -> Changes:
        """What changed since the cursor, with fresh reads of it; with None, everything enrolled and open."""
        async with self._access.noting_drift():
            return await self._watching.changes(cursor)

    @property
    def requests(self) -> int:
        """How many left since the start."""
        return self._client.requests

    async def solutions(self) -> Shelf:
        """The catalogue of solutions, where the org has an object for it."""
        return await shelf.solutions(self._access)

    async def teach(self, solutions: Sequence[KnownSolution]) -> Mapping[str, CosellError | None]:
        """Adds solutions to it, or changes them: two calls to look, and one for each 200."""
        return await shelf.teach(self._access, solutions) if solutions else {}

    def budget(self) -> Budget:
        """The org's quota of API calls in 24 hours, as last told."""
        return self._client.budget

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _gone(record_id: str) -> Gone:
    return Gone(
        "The opportunity is deleted, or out of sight of the integration user.",
        detail=f"id {record_id[:40]!r}",
    )
