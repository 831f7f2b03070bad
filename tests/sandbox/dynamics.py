"""A simulated Dataverse environment served over real HTTP, and a plain client to speak to it with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from yarl import URL

from cosell.sandbox.dataverse import Dataverse
from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Frame, Org, Watched

from .microsoft import free_socket, serving
from .sales import StoppedClock

Json = dict[str, Any]
SERVICE = "/api/data/v9.2"
REFERRAL = "cosell_referralidentifier"
DEAL: Json = {"name": "Factory floor", "estimatedclosedate": "2027-01-31"}
WITH_ROW = {"Prefer": "return=representation"}
ALL_NOTES = {"Prefer": 'odata.include-annotations="*"'}
NOWHERE = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; header names compare without case."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the error code."""
        return self.status, str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])

    @property
    def rows(self) -> list[Json]:
        """The rows of a list that must be answered."""
        assert self.status == 200, self.raw
        found: list[Json] = self.json["value"]
        return found

    @property
    def row_id(self) -> str:
        """The id in OData-EntityId."""
        return self.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")


@dataclass(slots=True)
class Dynamics:
    """One environment and a client that holds its lasting token."""

    frame: Frame
    org: Dataverse
    entra: Entra
    http: aiohttp.ClientSession
    token: str = ""

    def as_admin(self) -> Dynamics:
        """The same environment seen by whoever may customize it."""
        return replace(self, token=self.org.admin_token)

    @property
    def root(self) -> str:
        return self.org.base_url + SERVICE

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        """One request; a path that is no address of its own is below the service root of v9.2."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        url = path if path.startswith("http") else f"{self.root}/{path}"
        url = url.replace(" ", "%20")
        if "params" not in options:
            # Next links and keys must travel as they are.
            async with self.http.request(
                method, URL(url, encoded=True), headers=headers, **options
            ) as answer:
                return Reply(answer.status, answer.headers, await answer.read())
        async with self.http.request(method, url, headers=headers, **options) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None, **options: str) -> Reply:
        """A read with ``$`` options."""
        params = {f"${name}": value for name, value in options.items()}
        return await self.call("GET", path, params=params, headers=headers or {})

    async def create(self, entity_set: str, **fields: Any) -> str:
        """A row that must be accepted; its id."""
        reply = await self.call("POST", entity_set, fields)
        assert reply.status == 204, reply.raw
        return reply.row_id

    async def deal(self, **fields: Any) -> str:
        return await self.create("opportunities", **{**DEAL, **fields})

    async def row(self, path: str, **options: str) -> Json:
        """A row that must be there."""
        reply = await self.get(path, headers=None, **options)
        assert reply.status == 200, reply.raw
        found: Json = reply.json
        return found

    async def patch(self, path: str, body: Json, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("PATCH", path, body, headers=named)

    async def names(
        self, where: str, *, entity_set: str = "opportunities", column: str = "name"
    ) -> list[str]:
        """The names of the rows a filter selects, in order."""
        reply = await self.get(entity_set, filter=where, select=column, orderby=column)
        return [row[column] for row in reply.rows]

    async def refused(self, where: str, *, entity_set: str = "opportunities") -> Reply:
        """The refusal of a filter."""
        reply = await self.get(entity_set, filter=where)
        assert reply.status >= 400, reply.raw
        return reply

    async def close(self, message: str, deal_id: str, status: int = -1, **close: Any) -> Reply:
        """WinOpportunity or LoseOpportunity."""
        bound = {"opportunityid@odata.bind": f"/opportunities({deal_id})"}
        body = {"Status": status, "OpportunityClose": {"subject": "Closed", **bound, **close}}
        return await self.call("POST", message, body)

    async def tracked(self, entity_set: str = "opportunities", **options: str) -> tuple[list[Json], str]:
        """The whole table with change tracking: its rows and the delta link."""
        params = {f"${name}": value for name, value in options.items()}
        reply = await self.call("GET", entity_set, params=params, headers={"Prefer": "odata.track-changes"})
        return reply.rows, str(reply.json["@odata.deltaLink"])

    async def changes(self, link: str) -> tuple[list[Json], str]:
        """What a delta link tells, and the next link."""
        reply = await self.call("GET", link)
        return reply.rows, str(reply.json["@odata.deltaLink"])


@asynccontextmanager
async def served_environment(given: Org = Org.READY) -> AsyncIterator[Dynamics]:
    """An environment and its directory on free ports in the running loop."""
    (api, api_url), (login, login_url) = free_socket(), free_socket()
    frame = Frame(seed=17)
    frame.clock = StoppedClock()
    entra = Entra(frame, base_url=login_url)
    org = Dataverse(frame, base_url=api_url, entra=entra, org=given)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(Watched(org.app, "dataverse", frame), api))
        await stack.enter_async_context(serving(Watched(entra.app, "entra", frame), login))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Dynamics(frame, org, entra, http, org.access_token)
