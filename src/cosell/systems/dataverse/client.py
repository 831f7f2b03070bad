"""Speaks the Dataverse Web API: single calls, pages, batches of reads and of atomic writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cosell.core.errors import CosellError, Misconfigured, Unavailable, Uncertain
from cosell.http import Http, Reply, origin
from cosell.ports import Budget, Clock
from cosell.systems.dataverse.auth import SignIn
from cosell.systems.dataverse.batch import BOUNDARY, Item, Part, Piece, decode, encode, matched, operations
from cosell.systems.dataverse.odata import address
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.wire import Answer, Page, dumps, loads, page_of

REPRESENTATION = "return=representation"
TRACK_CHANGES = "odata.track-changes"
LOOKUPS = 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'
MOST_OPERATIONS = 1000
LONGEST_URL = 8_000
"""Characters of an address outside a batch; a longer read travels inside one (dataverse-api.md 2.3)."""
_MOST_PAGES = 2_000
_BURST = 6_000
"""Requests of five minutes a web server grants one user, by default (dataverse-api.md 2.11)."""
_LEFT = "x-ms-ratelimit-burst-remaining-xrm-requests"
_VERSIONS = {"odata-maxversion": "4.0", "odata-version": "4.0"}
_CREATES_CUSTOMERS = ("accounts", "contacts", "leads")


def page_size(rows: int) -> str:
    """The preference for pages of so many rows, at most 5,000 (trap 4)."""
    return f"odata.maxpagesize={min(max(rows, 1), 5000)}"


def preferring(prefer: Sequence[str]) -> dict[str, str]:
    """Several preferences travel in one header."""
    return {"prefer": ",".join(prefer)} if prefer else {}


def read(path: str, query: Mapping[str, str] | None = None, *, ref: str, prefer: Sequence[str] = ()) -> Part:
    """A read as part of a batch; `query` holds system options, not encoded yet."""
    return Part("GET", address(path, query), ref, headers=preferring(prefer))


class Client:
    """Calls one environment as the application user. Never retries, except once with a fresh token."""

    def __init__(self, http: Http, sign_in: SignIn, options: Options, clock: Clock) -> None:
        self._http, self.sign_in, self._clock = http, sign_in, clock
        self._origin = origin(options.environment_url)
        self._root = f"/api/data/v{options.api_version}/"
        self._detects = options.duplicate_detection == "stop"
        self._bypasses = options.bypass_logic
        self.budget = Budget()
        self._server: tuple[float, float] | None = None

    @property
    def skew(self) -> float | None:
        """Seconds the server's clock is ahead of ours."""
        return self._http.skew

    def server_now(self) -> float | None:
        """The server's time by its last answer and our monotonic clock; None before any answer."""
        if self._server is None:
            return None
        date, then = self._server
        return date + (self._clock.monotonic() - then)

    # --- one request -------------------------------------------------------------------------------

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, prefer: Sequence[str] = (), purpose: str
    ) -> Answer:
        """One read. An address that is too long travels inside a batch."""
        return (await self.reads([read(path, query, ref="only", prefer=prefer)], purpose=purpose))["only"]

    async def send(self, part: Part, *, purpose: str, safe: bool | None = None) -> Answer:
        """One request of any kind, whatever it is answered; Uncertain where a write got no answer."""
        return await self._call(self._dressed(part), f"{self._root}{part.path}", purpose, safe)

    async def follow(self, link: str, *, prefer: Sequence[str] = (), purpose: str) -> Page:
        """The page behind a link the server gave, sent as it stands: it is never taken apart (trap 4)."""
        part = Part("GET", "", "page", headers=preferring(prefer))
        return page_of(await self._call(part, self._own(link, purpose), purpose, True))

    async def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, prefer: Sequence[str] = (), purpose: str
    ) -> AsyncIterator[Page]:
        """The pages of a list, one call each."""
        page = page_of(await self.get(path, query, prefer=prefer, purpose=purpose))
        yield page
        async for further in self._further(page, prefer, purpose):
            yield further

    async def rows(self, answer: Answer, *, prefer: Sequence[str] = (), purpose: str) -> list[dict[str, Any]]:
        """All rows of a list's answer, further pages included; `prefer` as it was asked with."""
        page = page_of(answer)
        found = list(page.rows)
        async for further in self._further(page, prefer, purpose):
            found += further.rows
        return found

    async def _further(self, page: Page, prefer: Sequence[str], purpose: str) -> AsyncIterator[Page]:
        # `odata.track-changes` is not repeated: that state travels in the link (dataverse-api.md 4.1).
        repeated = tuple(one for one in prefer if one != TRACK_CHANGES)
        seen: set[str] = set()
        while page.next is not None:
            if page.next in seen or len(seen) > _MOST_PAGES:
                raise Unavailable("Dynamics 365 answered a page that leads nowhere.", detail=purpose)
            seen.add(page.next)
            page = await self.follow(page.next, prefer=repeated, purpose=purpose)
            yield page

    def _own(self, link: str, purpose: str) -> str:
        """A link of the server's as a path of ours; it never leads to another address."""
        path = link
        if link.startswith(("http://", "https://")):
            end = link.find("/", 8)
            path = link[end:] if end > 0 and link[:end].lower() == self._origin else ""
        elif not link.startswith("/"):
            path = f"{self._root}{link}"
        if not path.startswith("/api/data/v"):
            raise Unavailable("Dynamics 365 answered a page that leads elsewhere.", detail=purpose)
        return path

    # --- many requests in one call -----------------------------------------------------------------

    async def reads(self, parts: Sequence[Part], *, purpose: str) -> dict[str, Answer]:
        """Reads, a thousand a call; a short one alone goes plainly. Missing answers are Unavailable."""
        found: dict[str, Answer] = {}
        for at in range(0, len(parts), MOST_OPERATIONS):
            found.update(await self.batch(parts[at : at + MOST_OPERATIONS], purpose=purpose))
        if any(part.ref not in found for part in parts):
            raise Unavailable("Dynamics 365 answered a part of the questions only.", detail=purpose)
        return found

    async def batch(self, items: Sequence[Item], *, purpose: str) -> dict[str, Answer]:
        """Requests and change sets in one call, in their order and each on its own; the key is `ref`.

        A change set is all or nothing: where it failed, each of its refs has the same refusal. An answer
        that is missing is left out. Raises only where the call as a whole failed: Uncertain where a part of
        it may have been applied. At most 1,000 operations.
        """
        if operations(items) > MOST_OPERATIONS:
            raise ValueError("a batch holds at most 1,000 operations")
        safe = all(isinstance(item, Part) and item.method == "GET" for item in items)
        only = items[0] if len(items) == 1 else None
        if only is not None and not isinstance(only, Part):
            only = only.parts[0] if len(only.parts) == 1 else None
        if only is not None and len(only.path) <= LONGEST_URL:
            return {only.ref: await self.send(only, purpose=purpose, safe=safe)}
        return await self._batch([self._dressed_item(item) for item in items], purpose, safe)

    async def _batch(self, items: Sequence[Item], purpose: str, safe: bool) -> dict[str, Answer]:
        part = Part(
            "POST",
            "$batch",
            "batch",
            headers={
                "content-type": f"multipart/mixed; boundary={BOUNDARY}",
                "prefer": "odata.continue-on-error",
            },
        )
        started, reply = await self._sent(
            part, f"{self._root}$batch", encode(items, self._root), purpose, safe
        )
        pieces = decode(reply.headers.get("content-type", ""), reply.body)
        if pieces is None:
            answer = self._answer(reply, started)
            raise _of_all(answer, safe) if not reply.ok else reply.nonsense("no multipart")
        since = self._note(reply, started)
        if len(pieces) > len(items):
            raise reply.nonsense("more answers than questions")
        if not reply.ok and len(pieces) < len(items):
            # The first failure alone is told, and not whose it was (dataverse-api.md 2.8).
            raise _stopped(pieces, safe)
        return {ref: replace(answer, since=since) for ref, answer in matched(items, pieces).items()}

    # --- the wire ----------------------------------------------------------------------------------

    async def _call(self, part: Part, path: str, purpose: str, safe: bool | None) -> Answer:
        body = None if part.body is None else dumps(part.body)
        started, reply = await self._sent(part, path, body, purpose, safe)
        return self._answer(reply, started)

    async def _sent(
        self, part: Part, path: str, body: bytes | None, purpose: str, safe: bool | None
    ) -> tuple[float, Reply]:
        """The reply and when it was asked for. A token that is refused is renewed once."""
        headers = {**_VERSIONS, **part.headers}
        if part.method == "GET":
            # Defeats caches on the way; the literal word is meant (dataverse-api.md 2.1).
            headers.setdefault("if-none-match", "null")
        if body is not None:
            headers.setdefault("content-type", "application/json")
        session = await self.sign_in.session()
        for attempt in (1, 2):
            started = self._clock.monotonic()
            reply = await self._http.call(
                part.method,
                f"{self._origin}{path}",
                headers={**headers, "authorization": f"Bearer {session.token}"},
                body=body,
                purpose=purpose,
                safe=safe,
            )
            if reply.status != 401 or attempt == 2:
                break
            session = await self.sign_in.renewed(session)
        return started, self._without_secrets(reply)

    def _answer(self, reply: Reply, started: float) -> Answer:
        since = self._note(reply, started)
        try:
            body = loads(reply.body) if reply.body.strip() else None
        except ValueError:
            if reply.ok:
                raise reply.nonsense(f"{len(reply.body)} bytes that are not JSON") from None
            body = None
        return Answer(reply.status, body, reply.headers, since)

    def _note(self, reply: Reply, started: float) -> float | None:
        """Takes down the server's time and our quota; answers from when on the reply was surely read."""
        left = reply.headers.get(_LEFT, "")
        if left.isascii() and left.isdigit() and len(left) < 10:
            self.budget = Budget(max(0, _BURST - int(left)), _BURST)
        now, date = self._clock.monotonic(), reply.date
        if date is None:
            return None
        self._server = (date, now)
        # The answer was read between request and reply, so no earlier than this by the server's clock.
        return date - (now - started)

    def _without_secrets(self, reply: Reply) -> Reply:
        """The reply without our secrets, should the other side have echoed one (reliability.md 8.2)."""
        body = reply.body
        for secret in self.sign_in.secrets():
            if (raw := secret.encode()) in body:
                body = body.replace(raw, b"***")
        return reply if body is reply.body else replace(reply, body=body)

    def _dressed_item(self, item: Item) -> Item:
        if isinstance(item, Part):
            return self._dressed(item)
        return replace(item, parts=tuple(self._dressed(part) for part in item.parts))

    def _dressed(self, part: Part) -> Part:
        """A write with the headers the settings want on every write."""
        if part.method == "GET" or not (self._detects or self._bypasses):
            return part
        more: dict[str, str] = {}
        if self._bypasses:
            more["MSCRM.BypassBusinessLogicExecution"] = "CustomSync,CustomAsync"
        if self._detects and part.method == "POST" and part.path.partition("?")[0] in _CREATES_CUSTOMERS:
            more["MSCRM.SuppressDuplicateDetection"] = "false"
        return replace(part, headers={**more, **part.headers})

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.sign_in.aclose()
        await self._http.aclose()


def _of_all(answer: Answer, safe: bool) -> CosellError:
    """What it means that a batch as a whole was refused."""
    if answer.status == 404:
        return Misconfigured(
            "There is no Dataverse Web API at the environment URL.",
            detail="404 for $batch",
            advice="Set environment_url to https://ORG.crm.dynamics.com, without a path.",
        )
    return answer.error(safe=safe)


def _stopped(pieces: Sequence[Piece | list[Piece]], safe: bool) -> CosellError:
    """What it means that a batch ended at its first failure although it was asked to go on."""
    failed = [one for piece in pieces for one in (piece if isinstance(piece, list) else [piece])]
    refused = next((one.answer for one in failed if not one.answer.ok), None)
    if safe and refused is not None:
        return refused.error(safe=True)
    kind = Unavailable if safe else Uncertain
    return kind("Dynamics 365 answered a part of a batch only.", detail=f"{len(pieces)} answers")
