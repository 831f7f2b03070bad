"""Somebody who visits a served sandbox: as a script, as a person with a browser, or as a vendor's client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from cosell.sandbox import Sandbox
from cosell.sandbox.frame import Org

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visitor:
    """One open sandbox and one HTTP session."""

    sandbox: Sandbox
    http: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> JsonObject:
        """Calls the control API and gives its JSON."""
        url = self.sandbox.urls["index"] + path
        async with self.http.request(method, url, json=body) as answer:
            found = await answer.json()
            assert answer.status == status, found
            assert isinstance(found, dict)
            return found

    async def get(self, path: str, *, status: int = 200) -> JsonObject:
        return await self.ask("GET", path, status=status)

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> JsonObject:
        return await self.ask("POST", path, body if body is not None else {}, status=status)

    async def page(self, path: str, *, status: int = 200) -> str:
        """Opens a page."""
        async with self.http.get(self.sandbox.urls["index"] + path) as answer:
            text = await answer.text()
            assert answer.status == status, text
            assert answer.content_type == "text/html"
            return text

    async def submit(self, path: str, form: dict[str, str] | list[tuple[str, str]]) -> tuple[int, str]:
        """Submits a form and follows where it leads; gives the last status and page."""
        async with self.http.post(self.sandbox.urls["index"] + path, data=form) as answer:
            return answer.status, await answer.text()

    async def referral(self, referral_id: str) -> JsonObject:
        """A referral as a client of Partner Center reads it."""
        access = self.sandbox.description["partner_center"]
        url = f"{access['url']}/v1.0/engagements/referrals/{referral_id}"
        headers = {"authorization": f"Bearer {access['access_token']}"}
        async with self.http.get(url, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            found: JsonObject = await answer.json()
            return found

    async def query(self, soql: str) -> list[JsonObject]:
        """The records a client of Salesforce finds."""
        access = self.sandbox.description["salesforce"]
        url = f"{access['instance_url']}/services/data/v{access['api_version']}/query"
        headers = {"authorization": f"Bearer {access['access_token']}"}
        async with self.http.get(url, params={"q": soql}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            records: list[JsonObject] = (await answer.json())["records"]
            return records

    async def deal_named(self, name: str, *, system: str = "partner_center") -> JsonObject:
        """The line of a deal of the seed."""
        deals = (await self.get("/control/deals"))[system]
        found: JsonObject = next(deal for deal in deals if deal["name"] == name)
        return found


@contextlib.asynccontextmanager
async def visiting(
    *, seed: int | None = None, empty: bool = False, org: Org = Org.READY
) -> AsyncIterator[Visitor]:
    """A sandbox on free ports and somebody in it."""
    async with (
        Sandbox.serve(base_port=0, seed=seed, empty=empty, org=org) as sandbox,
        aiohttp.ClientSession() as http,
    ):
        yield Visitor(sandbox, http)
