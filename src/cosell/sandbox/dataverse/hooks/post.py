"""Brings execution contexts to their webhooks: one try, and one more after three kinds of answers (4.3)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from cosell.sandbox.dataverse.settings import Settings

TIMEOUT = 60.0
AGAIN = frozenset({502, 503, 504})
_REMEMBERED = 500


@dataclass(slots=True)
class Parcel:
    """One context on its way to one address; `results` has an HTTP status, or 0, per attempt."""

    step_id: str
    step_name: str
    message: str
    url: str
    body: bytes
    headers: dict[str, str]
    results: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a parcel."""

    succeeded: bool
    text: str


class Post:
    """Owns the parcels under way; giving it one never waits."""

    def __init__(self, settings: Settings, ended: Callable[[Parcel, Outcome], None]) -> None:
        self._settings, self._ended = settings, ended
        self.remembered: deque[Parcel] = deque(maxlen=_REMEMBERED)
        self._authorities: list[str] = []
        self._tls: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[Parcel] = []
        self._session: aiohttp.ClientSession | None = None

    def give(self, parcel: Parcel) -> None:
        """Takes a parcel over; before a loop runs, it waits for the next one given inside a loop."""
        self.remembered.append(parcel)
        self._waiting.append(parcel)
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            given, self._waiting = self._waiting, []
            for one in given:
                task = loop.create_task(self._deliver(one))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def trust(self, ca_pem: str) -> None:
        """Accepts webhooks under this authority too, besides those the machine trusts."""
        self._authorities.append(ca_pem)
        self._tls = None

    async def settled(self) -> None:
        """Returns when every parcel given so far has arrived or was given up."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def forget(self) -> None:
        """Drops every parcel that is under way."""
        self._waiting.clear()
        self.remembered.clear()
        for task in self._tasks:
            task.cancel()

    async def aclose(self) -> None:
        """Stops all deliveries and closes the connections."""
        self.forget()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def _deliver(self, parcel: Parcel) -> None:
        if self._settings.webhook_delay:
            await asyncio.sleep(self._settings.webhook_delay)
        parcel.results.append(await self._attempt(parcel))
        if parcel.results[-1] in AGAIN:
            await asyncio.sleep(self._settings.webhook_retry_seconds)
            parcel.results.append(await self._attempt(parcel))
        last = parcel.results[-1]
        succeeded = 200 <= last < 300
        text = "" if succeeded else f"The webhook call failed because the http request answered {last}."
        self._ended(parcel, Outcome(succeeded, text if last or succeeded else "The webhook did not answer."))

    async def _attempt(self, parcel: Parcel) -> int:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
            post = self._client().post(
                parcel.url,
                data=parcel.body,
                headers=parcel.headers,
                allow_redirects=False,
                ssl=self._verifier(parcel.url),
            )
            async with post as answer:
                return answer.status
        return 0

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        return self._session

    def _verifier(self, url: str) -> ssl.SSLContext | bool:
        if not url.lower().startswith("https:"):
            return True
        if self._tls is None:
            # Given `cadata` at once, the machine's own authorities would be left out.
            self._tls = ssl.create_default_context()
            for pem in self._authorities:
                self._tls.load_verify_locations(cadata=pem)
        return self._tls
