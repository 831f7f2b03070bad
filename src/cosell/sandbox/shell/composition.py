"""The whole sandbox: one frame, every simulator, one port each, pages and controls in front."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from cosell.sandbox.dataverse import Dataverse
from cosell.sandbox.frame import SYSTEMS, Frame, Org, Watched
from cosell.sandbox.salesforce import Salesforce
from cosell.sandbox.shell.account import Account
from cosell.sandbox.shell.authority import found_authority
from cosell.sandbox.shell.desk.dataverse import DataverseDesk
from cosell.sandbox.shell.desk.salesforce import SalesforceDesk
from cosell.sandbox.shell.front import front
from cosell.sandbox.shell.identities import DATAVERSE_APPLICATION, FIRST, SECOND
from cosell.sandbox.shell.seed.planting import plant_everything
from cosell.sandbox.shell.serving import Serving, bind

PLACES = ("index", *SYSTEMS)
"""What is served, in the order of the ports."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a sandbox is to be served."""

    host: str = "127.0.0.1"
    base_port: int = 8800
    tls: bool = False
    seed: int | None = None
    empty: bool = False
    org: Org = Org.READY
    """What the CRMs were given before anybody came."""


class Sandbox:
    """Two partners, each with Partner Center, webhooks and Entra ID, and the CRM that each works in.

        async with Sandbox.serve(base_port=0) as sandbox:
            print(sandbox.urls["partner_center"], sandbox.description["entra"]["client_id"])

    One clock and one dice join everything. The simulators are at hand by the names of their places:
    `partner_center`, `webhooks`, `entra` and `salesforce` of the first partner, `partner_center_2`,
    `webhooks_2`, `entra_2` and `dataverse` of the second.
    """

    def __init__(self, options: Options, urls: dict[str, str], *, ca_file: Path | None = None) -> None:
        self.options, self.urls, self.ca_file = options, urls, ca_file
        self.frame = Frame(options.seed or 0)
        ca_pem = None if ca_file is None else ca_file.read_text()
        self.first = Account(self.frame, FIRST, _of_account(urls, ""), ca_pem=ca_pem)
        self.second = Account(self.frame, SECOND, _of_account(urls, "_2"), ca_pem=ca_pem)
        self.entra, self.entra_2 = self.first.entra, self.second.entra
        self.webhooks, self.webhooks_2 = self.first.webhooks, self.second.webhooks
        self.partner_center, self.partner_center_2 = self.first.partner_center, self.second.partner_center
        self.partner_center_desk, self.partner_center_desk_2 = self.first.desk, self.second.desk
        self.partner_center_desks = {"partner_center": self.first.desk, "partner_center_2": self.second.desk}
        self.post = self.first.post
        self.salesforce = Salesforce(self.frame, base_url=urls["salesforce"], org=options.org)
        self.dataverse = Dataverse(
            self.frame,
            base_url=urls["dataverse"],
            entra=self.entra_2,
            application=DATAVERSE_APPLICATION,
        )
        if ca_pem is not None:
            self.dataverse.trust(ca_pem)
        self.salesforce_desk = SalesforceDesk(self.salesforce)
        self.dataverse_desk = DataverseDesk(self.dataverse)
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
        org: Org = Org.READY,
    ) -> AsyncIterator[Sandbox]:
        """Serves a sandbox in the running loop until the block ends; `base_port` 0 takes free ports."""
        options = Options(host, base_port, tls, seed, empty, org)
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
                sandbox.dataverse_desk.forget()
                for sender in (sandbox.webhooks, sandbox.webhooks_2, sandbox.dataverse):
                    await sender.aclose()
                await serving.close()

    @property
    def description(self) -> dict[str, Any]:
        """What a client needs to know to use the sandbox: the answer of ``/sandbox.json``."""
        salesforce, dataverse = self.salesforce, self.dataverse
        return {
            **self.first.describe(),
            "salesforce": {
                "login_url": self.urls["salesforce"],
                "instance_url": self.urls["salesforce"],
                "api_version": f"{salesforce.settings.newest_version}.0",
                "client_id": salesforce.client_id,
                "client_secret": salesforce.client_secret,
                "username": salesforce.username,
                "private_key_pem": salesforce.private_key_pem,
                "access_token": salesforce.access_token,
                "admin": {"username": salesforce.administrator, "access_token": salesforce.admin_token},
            },
            "dataverse": {
                "url": self.urls["dataverse"],
                "tenant": dataverse.tenant,
                "client_id": dataverse.client_id,
                "client_secret": dataverse.client_secret,
                "access_token": dataverse.access_token,
                "admin": {
                    "client_id": dataverse.admin_client_id,
                    "client_secret": dataverse.admin_client_secret,
                    "access_token": dataverse.admin_token,
                },
            },
            "second_account": self.second.describe(),
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
            "dataverse": self.dataverse.settings,
            "partner_center_2": self.partner_center_2.switches,
            "webhooks_2": self.webhooks_2.switches,
            "entra_2": self.entra_2.switches,
        }

    def after_time_passed(self) -> None:
        """Lets happen what the clock made due."""
        for account in (self.first, self.second):
            account.partner_center.referrals.tick()

    def reset(self, *, seed: int | None = None, empty: bool | None = None) -> None:
        """Forgets everything and begins again, with the same seed unless another is given."""
        self.options = replace(
            self.options,
            seed=self.options.seed if seed is None else seed,
            empty=self.options.empty if empty is None else empty,
        )
        self._begin()

    def _begin(self) -> None:
        """Brings everything to the first moment, always the same way: equal seeds mean equal ids."""
        self.frame.reset(self.options.seed or 0)
        self.salesforce_desk.forget()
        self.dataverse_desk.forget()
        for simulator in (self.first, self.salesforce, self.second, self.dataverse):
            simulator.reset()
        if not self.options.empty:
            plant_everything(self)

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
            org=options.org,
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


def _of_account(urls: dict[str, str], suffix: str) -> dict[str, str]:
    return {name: urls[name + suffix] for name in ("partner_center", "webhooks", "entra")}
