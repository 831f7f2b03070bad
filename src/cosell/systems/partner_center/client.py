"""The verbs of the Referrals API, one request each; paging that trusts no link it is given."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from cosell.core.errors import Gone, Unavailable
from cosell.http import Http, Reply, Transport
from cosell.ports import Clock
from cosell.systems.partner_center import outcomes
from cosell.systems.partner_center.auth import Tokens
from cosell.systems.partner_center.options import REFERRALS_RESOURCE, Options
from cosell.systems.partner_center.outcomes import Act
from cosell.systems.partner_center.wire import Record, record_id

# What a next link may hold unescaped; everything else is escaped, nothing is decoded (trap 8).
_ID = re.compile(r"[0-9A-Za-z-]{1,100}\Z")
_QUERY = "%+&=$'()*,;:@/?!-._~"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    records: tuple[Record, ...]
    follow: str | None
    """The query of the next page."""
    date: float | None
    """The server's time, epoch seconds."""


class Client:
    """Speaks the Referrals API."""

    def __init__(self, options: Options, *, transport: Transport, tokens: Tokens, clock: Clock) -> None:
        self._options, self._tokens = options, tokens
        self._url = options.referrals_url
        self.http = Http(
            transport,
            name="Partner Center",
            allow=(options.base_url,),
            concurrency=options.concurrency,
            secrets=tokens.secrets,
            clock=clock,
        )

    async def get(self, referral_id: str) -> Record:
        """One referral by its id."""
        reply = await self._call("GET", self._of(referral_id), Act.READ, "read referral")
        return self._record(reply)

    async def create(self, body: Mapping[str, Any], purpose: str = "create referral") -> Record:
        """Creates a referral and answers what was stored."""
        reply = await self._call("POST", self._url, Act.CREATE, purpose, json=body)
        return self._record(reply)

    async def patch(
        self, referral_id: str, operations: Sequence[Mapping[str, Any]], *, version: str | None
    ) -> Record | None:
        """Changes the given paths; answers the referral as stored, or None where no body came.

        The eTag carries its own quotes and is sent unchanged (6).
        """
        headers = {"prefer": "return=representation"}
        if version is not None:
            headers["if-match"] = version
        reply = await self._call(
            "PATCH", self._of(referral_id), Act.CHANGE, "change referral", headers=headers, json=operations
        )
        return None if reply.status == 204 or not reply.body.strip() else self._record(reply)

    async def engagement(self, engagement_id: str) -> list[Record]:
        """All referrals of one engagement that we may see."""
        return await self.collect(f"engagementId eq '{_quoted(engagement_id)}'", purpose="read engagement")

    async def collect(self, where: str, *, purpose: str, top: int | None = None) -> list[Record]:
        """All pages of a filtered list."""
        found: list[Record] = []
        async for page in self.pages(query(where, top=top), purpose=purpose):
            found += page.records
        return found

    async def pages(self, first: str, *, purpose: str, at_most: int | None = None) -> AsyncIterator[Page]:
        """The pages from the query `first` on; a list that repeats itself or never ends is nonsense."""
        follow: str | None = first
        seen: set[str] = set()
        while follow is not None:
            if follow in seen or len(seen) >= self._options.max_pages:
                raise Unavailable("Partner Center answered nonsense.", detail="a list without end")
            seen.add(follow)
            page = await self.page(follow, purpose=purpose)
            yield page
            if at_most is not None and len(seen) >= at_most:
                return
            follow = page.follow

    async def page(self, search: str, *, purpose: str) -> Page:
        """One page of the list."""
        url = f"{self._url}?{search}" if search else self._url
        reply = await self._call("GET", url, Act.LIST, purpose)
        body = reply.json()
        listed = body.get("value") if isinstance(body, dict) else None
        if not isinstance(listed, list):
            raise Unavailable("Partner Center answered nonsense.", detail="a list without value")
        records = tuple(one for one in listed if isinstance(one, dict) and record_id(one))
        return Page(records, _next_query(body.get("@odata.nextLink")), reply.date)

    async def _call(
        self,
        method: str,
        url: str,
        act: Act,
        purpose: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Reply:
        """Sends once; after a 401 renews the token and sends once more, and never again."""
        token = await self._tokens.token(REFERRALS_RESOURCE)
        reply = await self._send(method, url, purpose, token, headers, json)
        if reply.status == 401 and not outcomes.needs_mfa(reply):
            token = await self._tokens.token(REFERRALS_RESOURCE, refused=token)
            reply = await self._send(method, url, purpose, token, headers, json)
        if reply.ok:
            return reply
        raise outcomes.error(reply, act, self.http.redact)

    async def _send(
        self, method: str, url: str, purpose: str, token: str, headers: Mapping[str, str] | None, json: Any
    ) -> Reply:
        carried = {
            "authorization": f"Bearer {token}",
            "client-request-id": str(uuid.uuid4()),
            **(headers or {}),
        }
        return await self.http.call(method, url, headers=carried, json=json, purpose=purpose)

    def _of(self, referral_id: str) -> str:
        if not _ID.match(referral_id):
            raise Gone("No referral of Partner Center has such an id.")
        return f"{self._url}/{referral_id}"

    def _record(self, reply: Reply) -> Record:
        body = reply.json()
        if isinstance(body, dict) and record_id(body):
            return body
        raise reply.nonsense("no referral in the body")


def query(where: str = "", *, order: str = "", top: int | None = None) -> str:
    """A list query, encoded."""
    found = {"$top": str(top)} if top is not None else {}
    if where:
        found["$filter"] = where
    if order:
        found["$orderby"] = order
    return urlencode(found, quote_via=quote, safe="$()/:,'")


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _next_query(link: object) -> str | None:
    """The query of a next link, and nothing else of it: scheme, host and path may be wrong (2.1)."""
    if not isinstance(link, str) or not link:
        return None
    search = link.partition("#")[0].partition("?")[2]
    if not search or len(search) > 6000:
        raise Unavailable("Partner Center answered nonsense.", detail="a next link that leads nowhere")
    return quote(search, safe=_QUERY)
