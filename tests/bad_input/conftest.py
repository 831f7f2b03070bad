"""The whole product behind a real port, joined to a real sandbox, moved step by step."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest_asyncio

from cosell import web
from cosell.cli.entry import run
from cosell.core.records import Link
from cosell.ports import LinkFilter
from cosell.sandbox.shell.composition import Sandbox
from cosell.sandbox.webhooks import signing
from cosell.wiring.environment import environment
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.places import Place
from cosell.wiring.running import Running
from tests.scenarios.conftest import SELLERS, Desk, LeapingClock
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
        return await self.visitor.ask("POST", "/webhooks/partner-center/sandbox", body, said)

    async def cosell(self, *words: str) -> str:
        """All that a command says beside the running product, on both streams."""
        return await asyncio.to_thread(self._cosell, *words)

    def _cosell(self, *words: str) -> str:
        said = io.StringIO()
        wishes = {"COSELL_DATA": str(self.data.parent), "COSELL_WHO": "ada", "COLUMNS": "100"}
        with (
            contextlib.chdir(self.data.parent),
            mock.patch.dict(os.environ, wishes),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            run(words)
        return said.getvalue()

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
        data = tmp_path / "sandbox"
        settings = sandbox_settings(sandbox.description, web_port=0, data=data)
        place = Place(name="sandbox", data=data, settings=settings)
        roots = sandbox.webhooks.root_certificate_pem
        async with environment(place, {}, settings=settings, certificate_roots=roots) as env:
            env.clock = clock = LeapingClock(sandbox)
            running = Running(env)
            running._work = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]
            face = web.Face(
                verify=running.ear.verify,
                heard=running.ear.heard,
                status=running.status,
                ready=running.ready,
                monotonic=env.clock.monotonic,
            )
            with web.listen("127.0.0.1", 0) as sock:
                desk = Desk(sandbox, env, running.engine, clock, SELLERS["salesforce"](sandbox))
                async with web.serving(web.build({"sandbox": face}), sock) as address:
                    with place.told({"web": address, "sandbox": sandbox.urls["index"]}):
                        yield House(sandbox, running, desk, Visitor(address), data)
            running._work.cancel()
