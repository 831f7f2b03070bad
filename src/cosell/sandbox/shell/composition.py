"""The whole sandbox: one frame, every simulator, one port each, pages and controls in front."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from cosell.sandbox.entra import PARTNER_CENTER, WEBHOOKS, Entra
from cosell.sandbox.frame import Frame, Watched
from cosell.sandbox.partner_center import PartnerCenter
from cosell.sandbox.salesforce import Salesforce
from cosell.sandbox.shell.authority import found_authority
from cosell.sandbox.shell.desk.partner_center import PartnerCenterDesk
from cosell.sandbox.shell.desk.salesforce import SalesforceDesk
from cosell.sandbox.shell.front import front
from cosell.sandbox.shell.post import Post
from cosell.sandbox.shell.seed.plant import plant
from cosell.sandbox.shell.serving import Serving, bind
from cosell.sandbox.webhooks import Webhooks

PLACES = ("index", "partner_center", "webhooks", "entra", "salesforce")
"""What is served, in the order of the ports; the next one is Dataverse's."""

LONG_LIFE = 10 * 365 * 86400.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a sandbox is to be served."""

    host: str = "127.0.0.1"
    base_port: int = 8800
    tls: bool = False
    seed: int | None = None
    empty: bool = False


class Sandbox:
    """Simulated Partner Center, webhooks, Entra ID and Salesforce, joined by one clock and one dice.

        async with Sandbox.serve(base_port=0) as sandbox:
            print(sandbox.urls["partner_center"], sandbox.description["entra"]["client_id"])

    The simulators themselves are at hand as `partner_center`, `webhooks`, `entra` and `salesforce`.
    """

    def __init__(self, options: Options, urls: dict[str, str], *, ca_file: Path | None = None) -> None:
        self.options, self.urls, self.ca_file = options, urls, ca_file
        self.frame = Frame(options.seed or 0)
        self.entra = Entra(self.frame, base_url=urls["entra"])
        self.webhooks = Webhooks(
            self.frame,
            base_url=urls["webhooks"],
            entra=self.entra,
            partner_center_url=urls["partner_center"],
        )
        if ca_file is not None:
            self.webhooks.trust(ca_file.read_text())
        self.post = Post(self.webhooks)
        self.partner_center = PartnerCenter(
            self.frame, base_url=urls["partner_center"], webhook_sender=self.post, entra=self.entra
        )
        self.salesforce = Salesforce(self.frame, base_url=urls["salesforce"])
        self.partner_center_desk = PartnerCenterDesk(self.partner_center)
        self.salesforce_desk = SalesforceDesk(self.salesforce)
        self._partner_center_token = self.entra.issue(PARTNER_CENTER, lifetime=LONG_LIFE, static=True)
        self._webhooks_token = self.entra.issue(WEBHOOKS, lifetime=LONG_LIFE, static=True)
        self._begin()

    @classmethod
    @contextlib.asynccontextmanager
    async def serve(
        cls,
        *,
        host: str = "127.0.0.1",
        base_port: int = 8800,
        tls: bool = False,
        seed: int | None = None,
        empty: bool = False,
    ) -> AsyncIterator[Sandbox]:
        """Serves a sandbox in the running loop until the block ends; `base_port` 0 takes free ports."""
        options = Options(host, base_port, tls, seed, empty)
        sockets = bind(host, base_port, len(PLACES))
        serving = Serving()
        with contextlib.ExitStack() as stack:
            for sock in sockets:
                stack.callback(sock.close)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cosell-sandbox-")))
            authority = found_authority(folder, host=host) if tls else None
            sandbox = cls(options, _urls(options, sockets), ca_file=authority.ca_file if authority else None)
            try:
                for app, sock in zip(sandbox._apps(), sockets, strict=True):
                    await serving.open(app, sock, pem=authority.server_pem if authority else None)
                yield sandbox
            finally:
                sandbox.salesforce_desk.forget()
                await sandbox.webhooks.aclose()
                await serving.close()

    @property
    def description(self) -> dict[str, Any]:
        """What a client needs to know to use the sandbox: the answer of ``/sandbox.json``."""
        partner_center, entra, salesforce = self.partner_center, self.entra, self.salesforce
        return {
            "partner_center": {
                "url": self.urls["partner_center"],
                "access_token": self._partner_center_token,
                "organization_id": partner_center.organization_id,
                "mpn_id": partner_center.mpn_id,
                "solutions": [dict(solution) for solution in partner_center.solutions],
            },
            "webhooks": {"url": self.urls["webhooks"], "access_token": self._webhooks_token},
            "entra": {
                "authority": self.urls["entra"],
                "tenant": entra.tenant,
                "client_id": entra.client_id,
                "client_secret": entra.client_secret,
                "refresh_token": entra.refresh_token,
            },
            "salesforce": {
                "login_url": self.urls["salesforce"],
                "instance_url": self.urls["salesforce"],
                "api_version": f"{salesforce.settings.newest_version}.0",
                "client_id": salesforce.client_id,
                "client_secret": salesforce.client_secret,
                "username": salesforce.username,
                "private_key_pem": salesforce.private_key_pem,
                "access_token": salesforce.access_token,
            },
            "dataverse": dict.fromkeys(("url", "tenant", "client_id", "client_secret", "access_token")),
            "ca_file": str(self.ca_file) if self.ca_file else None,
        }

    @property
    def root_certificates(self) -> bytes:
        """The authorities behind the certificates that sign events (PEM)."""
        return self.webhooks.root_certificate_pem

    def switchboards(self) -> dict[str, Any]:
        """The switches of every simulator by the name of its system."""
        return {
            "partner_center": self.partner_center.switches,
            "webhooks": self.webhooks.switches,
            "entra": self.entra.switches,
            "salesforce": self.salesforce.settings,
        }

    def after_time_passed(self) -> None:
        """Lets happen what the clock made due."""
        self.partner_center.referrals.tick()

    def reset(self, *, seed: int | None = None, empty: bool | None = None) -> None:
        """Forgets everything and begins again, with the same seed unless another is given."""
        self.options = Options(
            self.options.host,
            self.options.base_port,
            self.options.tls,
            self.options.seed if seed is None else seed,
            self.options.empty if empty is None else empty,
        )
        self._begin()

    def _begin(self) -> None:
        """Brings everything to the first moment, always the same way: equal seeds mean equal ids."""
        self.frame.reset(self.options.seed or 0)
        self.post.duplicate_next = 0
        self.salesforce_desk.forget()
        for simulator in (self.entra, self.webhooks, self.partner_center, self.salesforce):
            simulator.reset()
        if not self.options.empty:
            plant(self)

    def _apps(self) -> list[ASGIApp]:
        """One application for each place, in the order of `PLACES`."""
        watched = [Watched(getattr(self, place).app, place, self.frame) for place in PLACES[1:]]
        return [front(self), *watched]


async def run_forever(options: Options, *, started: Callable[[Sandbox], None] | None = None) -> None:
    """Serves a sandbox until the program is asked to stop (Ctrl-C or SIGTERM).

    `started` is told once everything answers, so that the caller can print where.
    """
    leaving = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, leaving.set)
                stack.callback(loop.remove_signal_handler, number)
        serving = Sandbox.serve(
            host=options.host,
            base_port=options.base_port,
            tls=options.tls,
            seed=options.seed,
            empty=options.empty,
        )
        async with serving as sandbox:
            if started is not None:
                started(sandbox)
            await leaving.wait()


def _urls(options: Options, sockets: list[socket.socket]) -> dict[str, str]:
    scheme = "https" if options.tls else "http"
    # Nobody can call an address that means "all of mine"; on this machine the loopback answers for it.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return {
        place: f"{scheme}://{host}:{sock.getsockname()[1]}"
        for place, sock in zip(PLACES, sockets, strict=True)
    }
