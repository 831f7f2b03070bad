"""A simulated Salesforce org served over real HTTP, and a plain client to speak to it with."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import jwt

from cosell.sandbox.frame import Frame, Org, SandboxClock, Watched
from cosell.sandbox.salesforce import Salesforce

from .microsoft import free_socket, serving

Json = dict[str, Any]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
VERSION = "/services/data/v67.0"
SOLUTION = "Microsoft_Partner_Center_Solution__c"
EXTERNAL = "/sobjects/Opportunity/Referral_Identifier__c"
DEAL: Json = {"Name": "Factory floor", "StageName": "Prospecting", "CloseDate": "2027-01-31"}


class StoppedClock(SandboxClock):
    """Stands still at the twentieth second of a minute until it is advanced."""

    def __init__(self) -> None:
        super().__init__()
        self._at = datetime.now(UTC).replace(second=20, microsecond=0)

    def now(self) -> datetime:
        return self._at + self._offset


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
    def errors(self) -> list[Json]:
        """The error array."""
        found = self.json
        assert isinstance(found, list), found
        return found

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the first error code."""
        return self.status, str(self.errors[0]["errorCode"])


@dataclass(slots=True)
class Sales:
    """One org and a client that holds its lasting token."""

    frame: Frame
    org: Salesforce
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        """One request; a path that does not begin with `/services` or `/id` is below version 67.0."""
        absolute = path.startswith(("/services", "/id"))
        headers = {"Authorization": f"Bearer {self.org.access_token}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        url = self.org.base_url + (path if absolute else VERSION + path)
        async with self.http.request(method, url, headers=headers, **options) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def create(self, sobject: str, **fields: Any) -> str:
        """A row that must be accepted."""
        reply = await self.call("POST", f"/sobjects/{sobject}/", fields)
        assert reply.status == 201, reply.raw
        return str(reply.json["id"])

    async def deal(self, **fields: Any) -> str:
        return await self.create("Opportunity", **{**DEAL, **fields})

    async def get(self, sobject: str, row_id: str) -> Json:
        reply = await self.call("GET", f"/sobjects/{sobject}/{row_id}")
        assert reply.status == 200, reply.raw
        found: Json = reply.json
        return found

    async def patch(self, sobject: str, row_id: str, **fields: Any) -> Reply:
        return await self.call("PATCH", f"/sobjects/{sobject}/{row_id}", fields)

    async def ask(self, soql: str, *, path: str = "/query") -> Reply:
        return await self.call("GET", path, params={"q": soql})

    async def query(self, soql: str, *, path: str = "/query") -> list[Json]:
        """The records of a query that must be answered on one page."""
        reply = await self.ask(soql, path=path)
        assert reply.status == 200, reply.raw
        assert reply.json["done"] is True
        records: list[Json] = reply.json["records"]
        return records

    async def names(self, where: str, *, sobject: str = "Opportunity") -> list[str]:
        """The names of the rows a condition (and what follows it) selects."""
        return [row["Name"] for row in await self.query(f"SELECT Name FROM {sobject} {where}")]

    async def composite(self, *parts: Json, **options: Any) -> list[Json]:
        """The answers of a composite, which runs in order unless told otherwise."""
        body = {"collateSubrequests": False, **options, "compositeRequest": list(parts)}
        reply = await self.call("POST", "/composite", body)
        assert reply.status == 200, reply.raw
        answers: list[Json] = reply.json["compositeResponse"]
        return answers

    async def token(self, **form: str) -> Reply:
        """One request to the token endpoint."""
        url = f"{self.org.base_url}/services/oauth2/token"
        async with self.http.post(url, data=form) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def sign_in(self, *, key: str | None = None, **claims: Any) -> Reply:
        """The JWT bearer flow, with claims of the caller's."""
        made = {
            "iss": self.org.client_id,
            "sub": self.org.username,
            "aud": "https://login.salesforce.com",
            "exp": int(time.time()) + 180,
            **claims,
        }
        assertion = jwt.encode(made, key or self.org.private_key_pem, algorithm="RS256")
        return await self.token(grant_type=JWT_BEARER, assertion=assertion)

    def now(self, seconds: float = 0.0) -> datetime:
        """The time of the org, in seconds from now."""
        return self.frame.clock.now() + timedelta(seconds=seconds)

    def http_date(self, seconds: float = 0.0) -> str:
        return format_datetime(self.now(seconds), usegmt=True)

    def moment(self, seconds: float = 0.0) -> str:
        """The time as SOQL and the change lists take it."""
        return self.now(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")

    def days_ahead(self, days: int) -> str:
        return self.now(days * 86_400).date().isoformat()


def part(reference: str, method: str, path: str, body: Any = None, **headers: str) -> Json:
    """One subrequest; `_` in header names stands for `-`."""
    made: Json = {"method": method, "url": VERSION + path, "referenceId": reference}
    if body is not None:
        made["body"] = body
    if headers:
        made["httpHeaders"] = {name.replace("_", "-"): value for name, value in headers.items()}
    return made


def statuses(answers: list[Json]) -> list[int]:
    return [answer["httpStatusCode"] for answer in answers]


@asynccontextmanager
async def served_org(kind: Org = Org.READY) -> AsyncIterator[Sales]:
    """An org on a free port in the running loop."""
    sock, url = free_socket()
    frame = Frame(seed=11)
    frame.clock = StoppedClock()
    org = Salesforce(frame, base_url=url, org=kind)
    async with serving(Watched(org.app, "salesforce", frame), sock), aiohttp.ClientSession() as http:
        yield Sales(frame, org, http)
