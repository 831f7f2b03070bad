"""Dataverse as a `System`: canonical values in, canonical values out."""

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
from cosell.systems.dataverse import accounts, checking, creating, sending, shelf
from cosell.systems.dataverse.abilities import expected
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.auth import SignIn
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.odata import guid
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.watching import Watching
from cosell.systems.dataverse.workbench import Workbench


class Dataverse:
    """One Dataverse environment."""

    name = "dynamics"
    side = Side.CRM

    def __init__(self, options: Options, *, transport: Transport, clock: Clock, concurrency: int = 8) -> None:
        """Calls `environment_url` and `authority`, and no other address."""
        self._options = options
        self._sign_in: SignIn | None = None
        http = Http(
            transport,
            name="Dynamics 365",
            allow=(options.environment_url,),
            concurrency=concurrency,
            secrets=self.secrets,
            clock=clock,
        )
        self._sign_in = SignIn(options, transport=transport, environment=http, clock=clock)
        self._client = Client(http, self._sign_in, options, clock)
        self.capabilities: Capabilities = expected(options)
        """What the environment can do; before `prepare`, what one with everything installed could."""
        self._access = Access(self._client, options, clock, found=self._found)
        self._bench = Workbench(self._access)
        self._watching = Watching(self._bench)

    def _found(self, schema: Schema) -> None:
        self.capabilities = schema.capabilities

    def secrets(self) -> Iterable[str]:
        """What must not be seen in any log."""
        return self._sign_in.secrets() if self._sign_in is not None else ()

    @property
    def client(self) -> Client:
        """The way to the environment, for who installs, connects or examines."""
        return self._client

    async def prepare(self) -> None:
        """Signs in and finds out what the environment has. Every other method does so at first use."""
        await self._bench.tools()

    @property
    def names(self) -> str:
        """A sign of everything that the settings name in the environment."""
        return self._options.names

    def rely(self) -> None:
        """Takes what the settings name for once there: what is missing now stops nothing else."""
        self._access.relied_on = True

    async def describe(self, *, thorough: bool) -> None:
        """Finds out what the environment has now; `thorough`: with what was changed this very moment."""
        await self._access.describe(thorough=thorough)

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        """Tests sign-in, rights, columns, status reasons, limits and clock; changes nothing."""
        return await checking.check(self._access, sample)

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        """Reads each opportunity with its account, contacts, solutions and team: a thousand a call.

        An id that is no opportunity's is looked for among the leads, in one call more.
        """
        asked = {one: known for one in ids if (known := guid(one.strip("{} "))) is not None}
        found: dict[str, Snapshot] = {}
        if asked:
            tools = await self._bench.tools()
            async with self._access.noting_drift():
                wanted = list(dict.fromkeys(asked.values()))
                found = await self._bench.read([one for one in wanted if not self._bench.is_lead(one)], tools)
                missing = [one for one in wanted if one not in found]
                found |= await self._bench.read_leads(missing, tools) if missing else {}
        return {one: self._told(found.get(asked.get(one, "")), one) for one in ids}

    def _told(self, found: Snapshot | None, record_id: str) -> Read:
        if found is None:
            return Gone(
                "The opportunity is deleted, or out of sight of the application user.",
                detail=f"id {record_id[:40]!r}",
            )
        if found.kind is RecordKind.LEAD and not self.capabilities.leads:
            return Rejected(
                "This record is a lead, and the connector keeps no leads in Dynamics 365 now.",
                code="no_leads",
                advice="See [partner_center] cosell_only, and cosell doctor.",
            )
        return found

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        """All opportunities and leads that carry this referral id, oldest first."""
        tools = await self._bench.tools()
        async with self._access.noting_drift():
            return await self._bench.find(partner_id, tools)

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        """The accounts that may be the customer, at most 200, in one call."""
        async with self._access.noting_drift():
            return await accounts.accounts(self._bench, values, duns)

    async def create(self, creation: Creation) -> Snapshot:
        """Creates one opportunity or lead with all that belongs to it; Rejected as `exists` where one is."""
        async with self._access.noting_drift():
            return await creating.create(self._bench, creation)

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        """Carries out each update on its own, hundreds a call."""
        return await sending.update_many(self._bench, updates) if updates else {}

    async def invite(self, invitation: Invitation) -> Snapshot:
        """Refuses: Dynamics 365 has no act of this kind."""
        raise Rejected("Dynamics 365 cannot invite anybody.", fields=("help",), code="no_act")

    async def changes(self, cursor: str | None) -> Changes:
        """What changed since the cursor, with fresh reads of it; with None, everything enrolled and open."""
        async with self._access.noting_drift():
            return await self._watching.changes(cursor)

    async def solutions(self) -> Shelf:
        """The catalogue «Microsoft Solution Details», thousands a call."""
        async with self._access.noting_drift():
            return await shelf.solutions(self._bench)

    async def teach(self, solutions: Sequence[KnownSolution]) -> Mapping[str, CosellError | None]:
        """Adds solutions to it, or changes them: one call to look, and one for each 500."""
        async with self._access.noting_drift():
            return await shelf.teach(self._bench, solutions) if solutions else {}

    def budget(self) -> Budget:
        """The requests of five minutes, as last told."""
        return self._client.budget

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
