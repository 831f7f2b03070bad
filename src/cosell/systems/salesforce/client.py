"""Speaks Salesforce's REST: one session, single calls, composites and queries, the call budget."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cosell.core.errors import CosellError, Unavailable, Uncertain
from cosell.http import Http, Reply, origin
from cosell.ports import Budget, Clock
from cosell.systems.salesforce.auth import Session, SignIn
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.outcomes import error_of
from cosell.systems.salesforce.soql import encoded

MOST_PARTS = 25
MOST_QUERIES = 5
LONGEST_PATH = 8_000
_MOST_PAGES = 200
_USAGE = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")
_SOAP_EXPIRED = b":INVALID_SESSION_ID</"
_FINAL_401 = ("not valid for use with the rest api", "connected app", "agent")


@dataclass(frozen=True, slots=True)
class Part:
    """One request inside a composite."""

    method: str
    path: str
    """Below the version, as `/sobjects/Opportunity/006…`."""
    ref: str
    body: Any = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, kept so that it can be repeated unchanged, precondition included."""

    method: str
    path: str
    purpose: str
    body: Any
    headers: Mapping[str, str]
    safe: bool | None
    raw: Callable[[str], bytes] | None = None
    """Makes the body out of the token, where the body is no JSON."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request, or one part of a composite, was answered."""

    status: int
    body: Any
    headers: Mapping[str, str]
    since: float | None = None
    """The server's time, epoch seconds, before which the answer surely was not read; None: not told."""
    retry_after: float | None = None
    """Seconds we were asked to wait."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def error(self, *, safe: bool) -> CosellError:
        """What the refusal means."""
        return error_of(self.status, self.body, safe=safe, retry_after=self.retry_after)


def refers(body: Mapping[str, Any]) -> bool:
    """Whether a text in `body` would be taken for a reference inside a composite: `@{` has no escape."""
    return any(isinstance(value, str) and "@{" in value for value in body.values())


def query_part(soql: str, ref: str, *, deleted_too: bool = False) -> Part:
    """A query as part of a composite."""
    return Part("GET", f"/{'queryAll' if deleted_too else 'query'}?q={encoded(soql)}", ref)


class Client:
    """Calls Salesforce as the integration user. Never retries, except once with a fresh token."""

    def __init__(self, http_for: Callable[[str], Http], options: Options, clock: Clock) -> None:
        self._http_for, self._clock = http_for, clock
        self._login = origin(options.login_url)
        self._http = http_for(self._login)
        self._https = {self._login: self._http}
        self._version = f"/services/data/v{options.api_version}"
        self._headers = {"sforce-call-options": f"client={options.client_name}"}
        self.sign_in = SignIn(self._http, options, clock)
        self.budget = Budget()
        self._server: tuple[float, float] | None = None

    @property
    def skew(self) -> float | None:
        """Seconds the server's clock is ahead of ours."""
        skews = [http.skew for http in self._https.values() if http.skew is not None]
        return skews[-1] if skews else None

    @property
    def requests(self) -> int:
        """How many left since the start, whichever of the two hosts they went to."""
        return sum(http.calls.total() for http in self._https.values())

    def server_now(self) -> float | None:
        """The server's time by its last answer and our monotonic clock; None before any answer."""
        if self._server is None:
            return None
        date, then = self._server
        return date + (self._clock.monotonic() - then)

    async def call(
        self,
        method: str,
        path: str,
        *,
        purpose: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        safe: bool | None = None,
        versioned: bool = True,
    ) -> Answer:
        """One request. A session that expired is renewed once and the request repeated unchanged."""
        where = f"{self._version}{path}" if versioned else path
        reply, started = await self._asked(_Ask(method, where, purpose, body, headers or {}, safe))
        return self._answer(reply, started)

    async def upload(
        self, path: str, content: bytes, *, form: str, purpose: str, safe: bool | None = None
    ) -> Answer:
        """One POST whose body is no JSON, though its answer is."""
        ask = _Ask(
            "POST",
            f"{self._version}{path}",
            purpose,
            None,
            {"content-type": form},
            safe,
            lambda _: content,
        )
        reply, started = await self._asked(ask)
        return self._answer(reply, started)

    async def soap(
        self, path: str, envelope: Callable[[str], bytes], *, purpose: str, safe: bool | None = None
    ) -> Reply:
        """One call of a SOAP service; the envelope is made with the token, which it has to hold."""
        headers = {"content-type": "text/xml; charset=UTF-8", "soapaction": '""', "accept": "text/xml"}
        reply, _ = await self._asked(_Ask("POST", path, purpose, None, headers, safe, envelope))
        return self._without_secrets(reply)

    async def _asked(self, ask: _Ask) -> tuple[Reply, float]:
        """The reply, and when its request began."""
        started = self._clock.monotonic()
        session = await self.sign_in.session()
        reply = await self._send(session, ask)
        if _expired(reply):
            session = await self.sign_in.renewed(session)
            started = self._clock.monotonic()
            reply = await self._send(session, ask)
        return reply, started

    async def _send(self, session: Session, ask: _Ask) -> Reply:
        headers = {**self._headers, **ask.headers, "authorization": f"Bearer {session.token}"}
        return await self._http_of(session.origin).call(
            ask.method,
            f"{session.origin}{ask.path}",
            headers=headers,
            json=ask.body,
            body=None if ask.raw is None else ask.raw(session.token),
            purpose=ask.purpose,
            safe=ask.safe,
        )

    def _http_of(self, where: str) -> Http:
        """The client for the org's own address, which the sign-in has checked."""
        if where not in self._https:
            self._https[where] = self._http_for(where)
        return self._https[where]

    def _answer(self, reply: Reply, started: float) -> Answer:
        usage = _USAGE.search(reply.headers.get("sforce-limit-info", ""))
        if usage is not None:
            self.budget = Budget(int(usage[1]), int(usage[2]))
        now = self._clock.monotonic()
        date = reply.date
        if date is not None:
            self._server = (date, now)
        reply = self._without_secrets(reply)
        body = reply.json() if reply.ok and reply.body else reply.json_or_none()
        # The answer was read between request and reply, so no earlier than this by the server's clock.
        since = None if date is None else date - (now - started)
        return Answer(reply.status, body, reply.headers, since, reply.retry_after)

    def _without_secrets(self, reply: Reply) -> Reply:
        """The reply without our secrets, should the other side have echoed one (reliability.md 8.2)."""
        body = reply.body
        for secret in self.sign_in.secrets():
            if (raw := secret.encode()) in body:
                body = body.replace(raw, b"***")
        return reply if body is reply.body else replace(reply, body=body)

    async def composite(
        self, parts: Sequence[Part], *, purpose: str, all_or_none: bool = False, reads: bool = False
    ) -> dict[str, Answer]:
        """Several requests in one call, in their order; the key is `ref`. A missing answer is left out.

        Raises only where the call as a whole failed: Uncertain where parts may have been applied.
        """
        body = {
            "allOrNone": all_or_none,
            "collateSubrequests": False,
            "compositeRequest": [self._wire(part) for part in parts],
        }
        answer = await self.call("POST", "/composite", purpose=purpose, body=body, safe=reads)
        if not answer.ok:
            raise answer.error(safe=reads)
        answered = answer.body.get("compositeResponse") if isinstance(answer.body, dict) else None
        if not isinstance(answered, list):
            kind = Unavailable if reads else Uncertain
            raise kind("Salesforce answered nonsense.", detail="no compositeResponse")
        found: dict[str, Answer] = {}
        for one in answered:
            read = _part_answer(one, answer.since)
            if read is not None:
                found[read[0]] = read[1]
        return found

    def _wire(self, part: Part) -> dict[str, Any]:
        wire: dict[str, Any] = {
            "method": part.method,
            "url": f"{self._version}{part.path}",
            "referenceId": part.ref,
        }
        if part.body is not None:
            wire["body"] = part.body
        if part.headers:
            wire["httpHeaders"] = dict(part.headers)
        return wire

    async def reads(self, parts: Sequence[Part], *, purpose: str) -> dict[str, Answer]:
        """A composite of reads; one question alone goes as a plain GET. Missing answers are Unavailable."""
        only = parts[0]
        # Address and headers together are limited to 16,384 bytes (trap 14); a composite's body is not.
        if len(parts) == 1 and len(only.path) <= LONGEST_PATH and not only.headers:
            return {only.ref: await self.call("GET", only.path, purpose=purpose)}
        found = await self.composite(parts, purpose=purpose, reads=True)
        if any(part.ref not in found for part in parts):
            raise Unavailable("Salesforce answered a part of the questions only.", detail=purpose)
        return found

    async def rows(self, answer: Answer, *, purpose: str) -> list[dict[str, Any]]:
        """All rows of a query's answer, further pages included."""
        return [row async for row in self._rows(answer, purpose)]

    async def _rows(self, answer: Answer, purpose: str) -> AsyncIterator[dict[str, Any]]:
        seen: set[str] = set()
        while True:
            for row in rows_of(answer):
                yield row
            more = answer.body.get("nextRecordsUrl")
            if answer.body.get("done") is not False:
                return
            if not self._is_next(more) or more in seen or len(seen) > _MOST_PAGES:
                raise Unavailable("Salesforce answered a page that leads nowhere.", detail=purpose)
            seen.add(more)
            answer = await self.call("GET", more, purpose=purpose, versioned=False)

    def _is_next(self, path: Any) -> bool:
        """A next page is a path of ours, never an address (trap 13)."""
        return isinstance(path, str) and re.match(r"/services/data/v[0-9.]+/query", path) is not None

    async def more(self, nested: Mapping[str, Any], *, purpose: str) -> list[dict[str, Any]]:
        """The rows of a child list that did not fit into its parent's row."""
        return await self.rows(Answer(200, nested, {}), purpose=purpose)

    async def aclose(self) -> None:
        """Closes the connections."""
        for http in self._https.values():
            await http.aclose()


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The rows of one page. Raises what a refusal means; nonsense is Unavailable."""
    if not answer.ok:
        raise answer.error(safe=True)
    records = answer.body.get("records") if isinstance(answer.body, dict) else None
    if not isinstance(records, list):
        raise Unavailable("Salesforce answered nonsense.", detail="a query without records")
    return [row for row in records if isinstance(row, dict)]


def _part_answer(one: Any, since: float | None) -> tuple[str, Answer] | None:
    if not isinstance(one, dict) or not isinstance(one.get("referenceId"), str):
        return None
    status, headers = one.get("httpStatusCode"), one.get("httpHeaders")
    if not isinstance(status, int):
        return None
    named = {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}
    return one["referenceId"], Answer(status, one.get("body"), named, since)


def _expired(reply: Reply) -> bool:
    """Whether a new token could help; two kinds of 401 are final (salesforce-api.md 2.5)."""
    if reply.status == 500:
        # SOAP answers every fault with 500.
        return _SOAP_EXPIRED in reply.body[:4096]
    text = reply.body[:4096].decode("utf-8", "replace").casefold()
    return reply.status == 401 and not any(words in text for words in _FINAL_401)
