"""What every simulator shares: a clock that can be moved, dice, faults to inject, a count of calls.

The simulators are written from the vendors' published contracts and import nothing of the connector,
so that agreement between the two is evidence and not an echo.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from enum import StrEnum
from typing import Any, Literal

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SYSTEMS = (
    "partner_center",
    "webhooks",
    "entra",
    "salesforce",
    "dataverse",
    "partner_center_2",
    "webhooks_2",
    "entra_2",
)
"""The simulated systems in the order of their ports; those ending in _2 belong to the second partner."""


class Org(StrEnum):
    """What a simulated CRM was given before anybody came."""

    READY = "ready"
    """Everything a connector of this kind needs, as after an installation."""
    BARE = "bare"
    """A customer's own organisation, in which nothing of the kind was ever installed."""
    MICROSOFT = "microsoft"
    """An organisation that worked with Microsoft's own co-sell solution and has its fields and data."""


class SandboxClock:
    """Real time plus an offset a person may move forward, so that a 14-day deadline can pass at once."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the sandbox clock only moves forward")
        self._offset += timedelta(seconds=seconds)

    def reset(self) -> None:
        self._offset = timedelta()


@dataclass(frozen=True, slots=True)
class Answer:
    """A ready answer, as the vendor would send it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Fault:
    """One injected misfortune for requests to `system` whose method and path match.

    ``answer``: the request is refused before it is looked at. ``lose``: it is carried out, then the
    connection is cut, or `answer` (a 504, say) stands in for the true one. ``drop``: the connection is cut
    before it is looked at. ``slow``: it is carried out after `seconds`. ``garble``: carried out, and the body
    cut in half.
    """

    system: str
    kind: Literal["answer", "lose", "drop", "slow", "garble"]
    method: str = "*"
    path: str = ""
    times: int = 1
    seconds: float = 0.0
    answer: Answer | None = None

    def matches(self, system: str, method: str, path: str) -> bool:
        return self.times > 0 and self.system == system and self.method in ("*", method) and self.path in path


class Cut(Exception):
    """Ends a request without an answer; the server closes the connection."""


class Frame:
    """The common ground under all simulators of one sandbox."""

    def __init__(self, seed: int = 0) -> None:
        self.clock = SandboxClock()
        self.dice = random.Random(seed)
        self.faults: list[Fault] = []
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.latency = 0.0
        self.latencies: dict[str, float] = {}

    def reset(self, seed: int = 0) -> None:
        self.clock.reset()
        self.dice = random.Random(seed)
        self.faults.clear()
        self.calls.clear()
        self.latency = 0.0
        self.latencies.clear()

    def delay_of(self, system: str) -> float:
        """Seconds every answer of `system` is late: its own figure, else the common one."""
        return self.latencies.get(system, self.latency)

    def take_fault(self, system: str, method: str, path: str) -> Fault | None:
        """The first fault that matches, used up by one."""
        for fault in self.faults:
            if fault.matches(system, method, path):
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None


class Watched:
    """Counts each request to a simulator and lets injected faults happen to it.

    Wrap the Starlette application of a simulator in this; the simulator itself knows of no faults.
    Paths under ``/sandbox`` (pages and controls for people) are neither counted nor harmed.
    """

    def __init__(self, app: ASGIApp, system: str, frame: Frame) -> None:
        self.app, self.system, self.frame = app, system, frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox"):
            await self.app(scope, receive, send)
            return
        send = self._dated(send)
        method, path = scope["method"], scope["path"]
        self.frame.calls[(self.system, method, path)] += 1
        if delay := self.frame.delay_of(self.system):
            await asyncio.sleep(delay)
        fault = self.frame.take_fault(self.system, method, path)
        # A client that leaves in the middle of its body is nobody's mistake, and nobody is left to answer.
        with contextlib.suppress(ClientDisconnect):
            if fault is None:
                await self.app(scope, receive, send)
                return
            await self._harm(fault, scope, receive, send)

    def _dated(self, send: Send) -> Send:
        """Puts the sandbox's own time on every answer that tells none: clients measure our clock by it."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                if not any(name.lower() == b"date" for name, _ in headers):
                    now = formatdate(self.frame.clock.now().timestamp(), usegmt=True).encode()
                    message = {**message, "headers": [*headers, (b"date", now)]}
            await send(message)

        return send_dated

    async def _harm(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "answer":
            answer = fault.answer or Answer(500)
            await send_answer(send, answer)
        elif fault.kind == "drop":
            raise Cut
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        else:
            kept: list[Message] = []

            async def keep(message: Message) -> None:
                kept.append(message)

            await self.app(scope, receive, keep)
            if fault.kind == "lose":
                if fault.answer is None:
                    raise Cut
                await send_answer(send, fault.answer)
                return
            body = b"".join(m.get("body", b"") for m in kept)
            status = next((m["status"] for m in kept if m["type"] == "http.response.start"), 500)
            half = Answer(status, body[: len(body) // 2], {"content-type": "application/json"})
            await send_answer(send, half)


async def send_answer(send: Send, answer: Answer) -> None:
    """Sends a ready answer over ASGI."""
    headers: list[tuple[bytes, bytes]] = [
        (name.lower().encode(), value.encode()) for name, value in answer.headers.items()
    ]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def monotonic() -> float:
    """Seconds for measuring waits; unlike the sandbox clock nobody can move it."""
    return time.monotonic()


JsonObject = dict[str, Any]
