"""The whole product behind a real port, joined to a real sandbox, moved step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio

from cosell import web
from cosell.core.records import Link
from cosell.ports import LinkFilter
from cosell.sandbox.shell.composition import Sandbox
from cosell.sandbox.webhooks import signing
from cosell.wiring.environment import environment
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.places import Place
from cosell.wiring.running import Running
from tests.scenarios.conftest import Desk, LeapingClock
from tests.web.conftest import Reply, Visitor


@dataclass
class House:
    """The product, its web on a port, and a Microsoft that signs whatever a test wants signed."""

    sandbox: Sandbox
    running: Running
    desk: Desk
    visitor: Visitor
    data: Path
    signatures: list[str] = field(default_factory=list)

    async def event(self, body: bytes, **headers: str) -> Reply:
        """Sends a body under Microsoft's true signature."""
        signed = signing.signature(body, signing.GOOD)
        self.signatures.append(signed)
        said = {
            "Authorization": f"Signature {signed}",
            "X-MS-Certificate-Url": self.sandbox.webhooks.certificate_url,
            "X-MS-Signature-Algorithm": "rsa-sha256",
            "Content-Type": "application/json",
            **headers,
        }
        return await self.visitor.ask("POST", "/webhooks/partner-center", body, said)

    async def links(self) -> list[Link]:
        return list(await self.running.env.store.links(LinkFilter(limit=1000)))

    def calls(self) -> list[tuple[str, str, str]]:
        """Every call to a simulated system since the last look, but for certificates and sign-in."""
        found = sorted(self.sandbox.frame.calls.elements())
        self.sandbox.frame.calls.clear()
        return [one for one in found if one[0] != "entra" and "/cert/" not in one[2]]


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Sandbox.serve(base_port=0, empty=True) as sandbox:
        settings = sandbox_settings(sandbox.description, web_port=0, data=tmp_path)
        place = Place(name="sandbox", data=tmp_path, settings=settings)
        roots = sandbox.webhooks.root_certificate_pem
        async with environment(place, {}, settings=settings, certificate_roots=roots) as env:
            env.clock = clock = LeapingClock(sandbox)
            running = Running(env, sandbox)
            running._work = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]
            face = web.Face(
                verify=running.ear.verify,
                heard=running.ear.heard,
                status=running.status,
                ready=running.ready,
                monotonic=env.clock.monotonic,
            )
            with web.listen("127.0.0.1", 0) as sock:
                async with web.serving(web.build(face), sock) as address:
                    yield House(
                        sandbox,
                        running,
                        Desk(sandbox, env, running.engine, clock),
                        Visitor(address),
                        tmp_path,
                    )
            running._work.cancel()
