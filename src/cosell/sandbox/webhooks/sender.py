"""Brings events to the registered address: asynchronously, at most ten times, in no promised order."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp

from cosell.sandbox.frame import Frame
from cosell.sandbox.webhooks.switches import Switches

_LONGEST_WAIT = 60.0
_HELD_AT_MOST = 0.5
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring an event: what came back, or 0 and why nothing did."""

    status: int
    at: datetime
    trouble: str = ""


@dataclass(slots=True)
class Delivery:
    """One event on its way to one address.

    `headers` signs, which takes the better part of a millisecond: not before the event is really sent.
    """

    event: str
    resource: str
    url: str
    body: bytes
    headers: Callable[[], dict[str, str]]
    attempts: list[Attempt] = field(default_factory=list)
    ended: bool = False

    @property
    def results(self) -> list[int]:
        """The HTTP status of each attempt, 0 where there was none."""
        return [one.status for one in self.attempts]

    @property
    def arrived(self) -> bool:
        return bool(self.attempts) and 200 <= self.attempts[-1].status < 300


class Sender:
    """Owns the deliveries under way; giving it one never waits."""

    def __init__(self, frame: Frame, switches: Switches) -> None:
        self._frame, self._switches = frame, switches
        self.remembered: deque[Delivery] = deque(maxlen=_REMEMBERED)
        self._authorities: list[str] = []
        self._tls: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[Delivery] = []
        self._held: list[Delivery] = []
        self._release: asyncio.TimerHandle | None = None
        self._session: aiohttp.ClientSession | None = None
        self._places: asyncio.Semaphore | None = None

    def give(self, delivery: Delivery) -> None:
        """Takes a delivery over; before a loop runs, it waits for the next one given inside a loop."""
        self.remembered.append(delivery)
        self._waiting.append(delivery)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        given, self._waiting = self._waiting, []
        if self._switches.reorder > 1:
            self._hold(given, loop)
            return
        for one in given:
            self._start(one)

    async def settled(self) -> None:
        """Returns when every delivery given so far has arrived or was given up."""
        while self._tasks or self._held:
            self._release_held()
            if self._tasks:
                await asyncio.wait(set(self._tasks))

    async def aclose(self) -> None:
        """Stops all deliveries and closes the connections."""
        self.forget()
        tasks = list(self._tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._session = self._places = None

    def forget(self) -> None:
        """Drops every delivery that is not ended."""
        self._waiting.clear()
        self._held.clear()
        if self._release is not None:
            self._release.cancel()
            self._release = None
        for task in self._tasks:
            task.cancel()

    def _hold(self, given: list[Delivery], loop: asyncio.AbstractEventLoop) -> None:
        self._held += given
        if len(self._held) >= self._switches.reorder:
            self._release_held()
        elif self._release is None:
            self._release = loop.call_later(_HELD_AT_MOST, self._release_held)

    def _release_held(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        held, self._held = self._held, []
        for one in _disordered(held, self._frame.dice.shuffle):
            self._start(one)

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        if self._switches.delay:
            await asyncio.sleep(self._switches.delay)
        wait = self._switches.retry_seconds
        for attempt in range(self._switches.attempts):
            if attempt:
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            delivery.attempts.append(await self._attempt(delivery))
            if delivery.arrived:
                break
        delivery.ended = True

    async def _attempt(self, delivery: Delivery) -> Attempt:
        if self._places is None:
            self._places = asyncio.Semaphore(self._switches.concurrency)
        async with self._places:
            try:
                post = self._client().post(
                    delivery.url,
                    data=delivery.body,
                    headers=delivery.headers(),
                    allow_redirects=False,
                    ssl=self._verifier(delivery.url),
                )
                async with post as answer:
                    return Attempt(answer.status, self._frame.clock.now())
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as trouble:
                return Attempt(0, self._frame.clock.now(), _told(trouble, delivery.url))

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._switches.timeout_seconds),
            )
        return self._session

    def trust(self, ca_pem: str) -> None:
        """Accepts callbacks under this authority too, besides those the machine trusts."""
        self._authorities.append(ca_pem)
        self._tls = None

    def _verifier(self, url: str) -> ssl.SSLContext | bool:
        """What a callback's certificate is judged by; the machine's store takes a while to load."""
        if not url.lower().startswith("https:"):
            return True
        if self._tls is None:
            # Given `cadata` at once, the machine's own authorities would be left out.
            self._tls = ssl.create_default_context()
            for pem in self._authorities:
                self._tls.load_verify_locations(cadata=pem)
        return self._tls


def _disordered(held: list[Delivery], shuffle: Callable[[list[Delivery]], None]) -> list[Delivery]:
    """The same deliveries in another order, never the one they came in."""
    mixed = list(held)
    shuffle(mixed)
    if len(mixed) > 1 and all(one is two for one, two in zip(mixed, held, strict=True)):
        mixed.reverse()
    return mixed


def _told(trouble: Exception, url: str) -> str:
    """Why nothing came back, in the manner of .NET; Microsoft documents no text (7.1)."""
    where = urlsplit(url).netloc
    match trouble:
        case aiohttp.ClientConnectorDNSError():
            return f"No such host is known. ({where})"
        case aiohttp.ClientSSLError():
            return f"The SSL connection could not be established, see inner exception. ({where})"
        case TimeoutError():
            return "The request was canceled due to the configured HttpClient.Timeout elapsing."
        case aiohttp.ClientConnectorError():
            return f"No connection could be made because the target machine actively refused it. ({where})"
        case _:
            return "An error occurred while sending the request."
