"""Builds one environment out of its settings: store, keyring, both systems, engine."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cosell.config import Settings, rules
from cosell.core.errors import Misconfigured, Unavailable
from cosell.core.guards import Brake, Policy
from cosell.core.mapping import Flow, Rule
from cosell.core.matching import Caution, Unsure
from cosell.crm import Site, named
from cosell.crm.installing import Admin, Installer
from cosell.ports import Store
from cosell.store import open_store
from cosell.wiring.alerts import StoredAlerts
from cosell.wiring.connections import Connections
from cosell.wiring.credentials import Secrets
from cosell.wiring.joining import absent_sandbox, sandbox_settings
from cosell.wiring.keyring import LiveSecrets, SealedKeyring, find_key
from cosell.wiring.places import Place, alive
from cosell.wiring.witness import Witness, watched
from cosell.wiring.world import FairDice, WallClock

if TYPE_CHECKING:
    from cosell.engine import Engine, Pace
    from cosell.wiring.systems import Systems

log = logging.getLogger("cosell")

HOOKS = "/webhooks/partner-center/"
"""Where events arrive, under the public address and before the environment's name."""
CRM_HOOKS = "/webhooks/crm/"
"""Where a CRM's own webhooks arrive."""


def pace(settings: Settings) -> Pace:
    """How often and how much, in the engine's own words."""
    from cosell.engine import Pace

    chosen = settings.pace
    return Pace(
        poll_partner_center=chosen.poll_partner_center,
        poll_crm=chosen.poll_crm,
        sweep_every=chosen.sweep_every,
        sweep_at=time.fromisoformat(chosen.sweep_at) if chosen.sweep_at else None,
        schema_every=chosen.schema_every,
        concurrency=chosen.concurrency,
    )


class Environment:
    """Everything of one environment that is at hand; the two systems are made when first asked for."""

    def __init__(
        self,
        place: Place,
        settings: Settings,
        store: Store,
        *,
        environ: Mapping[str, str],
        certificate_roots: bytes = b"",
        live: LiveSecrets | None = None,
    ) -> None:
        self.place, self.settings, self.store = place, settings, store
        self.clock, self.dice, self.live = WallClock(), FairDice(), live or LiveSecrets()
        self.alerts = StoredAlerts(store, clock=self.clock)
        self.witness: Witness | None = None
        """Who watches the work; set before the systems are first asked for."""
        self._environ, self._certificate_roots = environ, certificate_roots
        self._systems: Systems | None = None
        self._keyring: SealedKeyring | None = None

    @property
    def keyring(self) -> SealedKeyring:
        """The sealed secrets; finds the key they are sealed with, or makes one."""
        if self._keyring is None:
            key = find_key(self.place.data, self.place.name, self._environ)
            self._keyring = SealedKeyring(self.store, key, clock=self.clock, live=self.live)
        return self._keyring

    @property
    def connections(self) -> Connections:
        """What is known of the signed-in connections."""
        return Connections(self.keyring)

    @property
    def secrets(self) -> Secrets:
        """Finds what the settings refer to."""
        return Secrets(self._environ, self.settings.folder, self.live, lambda: self.connections)

    @property
    def rules(self) -> Mapping[str, Rule]:
        return rules(self.settings)

    @property
    def policy(self) -> Policy:
        settings, brake = self.settings, self.settings.brake
        flows = settings.flows.model_dump()
        return Policy(
            flows=frozenset(flow for flow in Flow if flows[str(flow)]),
            brake=Brake(brake.links, brake.share, brake.clears, brake.clear_share),
            check_mark=settings.crm.check_mark,
            contacts_freeze=settings.partner_center.contacts_freeze,
            matching=Caution(Unsure(settings.matching.unsure), settings.matching.bar),
            dry_run=settings.environment.dry_run,
        )

    @property
    def address(self) -> str | None:
        """Where Partner Center is to send events; None where nobody reaches us from outside."""
        public = self.settings.web.public_url
        return None if public is None else f"{public}{HOOKS}{self.place.name}"

    @property
    def crm_address(self) -> str | None:
        """Where the CRM may send webhooks, if it sends any; None where nobody reaches us from outside."""
        public = self.settings.web.public_url
        return None if public is None else f"{public}{CRM_HOOKS}{self.place.name}"

    def systems(self) -> Systems:
        """Both systems; fetches the secrets they need, or says which is missing."""
        if self._systems is None:
            # What asks only the database must not wait until the network is loaded.
            from cosell.wiring.systems import Systems

            self._systems = Systems(
                self.settings,
                keyring=self.keyring,
                clock=self.clock,
                live=self.live,
                secrets=self.secrets,
                certificate_roots=self._certificate_roots,
                observer=self.witness,
            )
        return self._systems

    def engine(self) -> Engine:
        """An engine on this environment; several at once are kept apart by their leases."""
        from cosell.engine import Engine

        systems = self.systems()
        return Engine(
            store=self.store if self.witness is None else watched(self.store, self.witness, self.clock),
            partner_center=systems.partner_center,
            crm=systems.crm,
            rules=self.rules,
            policy=self.policy,
            pace=pace(self.settings),
            clock=self.clock,
            dice=self.dice,
            alerts=self.alerts,
            owner=f"{socket.gethostname()}:{os.getpid()}:{self.dice.token()}",
        )

    @contextlib.asynccontextmanager
    async def installer(self, admin: Admin) -> AsyncIterator[Installer]:
        """What brings our fields and rights into the CRM; Misconfigured where it has no such thing."""
        from cosell.wiring.systems import outward

        if self.place.settings is None and self.place.running() is None:
            raise Misconfigured("The sandbox does not run.", advice="Start it: cosell run")
        crm = named(self.settings.crm_name)
        if crm.installer is None:
            raise Misconfigured(
                f"Nothing can be installed into {crm.label}.", advice="Make its fields by hand."
            )
        carrier = outward(self.settings)
        site = Site(
            transport=carrier,
            clock=self.clock,
            secret=self.secrets.fetch,
            credential=self.secrets.credential,
            hide=self.live.also,
            leads=not self.settings.partner_center.cosell_only,
        )
        made = crm.installer(self.settings.crm, site, admin)
        try:
            yield made
        finally:
            await made.aclose()
            await carrier.aclose()

    async def bury_the_dead(self) -> None:
        """Frees what a killed process of this machine had in hand; for the one that runs alone here."""
        if freed := await self.store.free_leases(_is_dead):
            log.info("leases.freed", extra={"count": freed})

    async def aclose(self) -> None:
        """Lets go of connections and of the database."""
        if self._systems is not None:
            await self._systems.aclose()
        await self.store.aclose()


def _is_dead(owner: str) -> bool:
    """Tells a lease whose owner ended without giving it back, by host and process id."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    # In a container every life has the same id; nobody of this life has taken anything yet.
    return host == socket.gethostname() and pid.isdigit() and (int(pid) == os.getpid() or not alive(int(pid)))


@contextlib.asynccontextmanager
async def environment(
    place: Place,
    environ: Mapping[str, str],
    *,
    settings: Settings | None = None,
    certificate_roots: bytes = b"",
    live: LiveSecrets | None = None,
) -> AsyncIterator[Environment]:
    """Opens the environment at `place`; the sandbox's settings come from the sandbox that runs.

    `live` is shared by environments whose log is one.
    """
    chosen = settings or place.settings or _joined(place)
    place.prepare()
    store = open_store(place.database, environment=place.name, dice=FairDice())
    made = Environment(place, chosen, store, environ=environ, certificate_roots=certificate_roots, live=live)
    try:
        yield made
    finally:
        await made.aclose()


def _joined(place: Place) -> Settings:
    note = place.running()
    if note is None or not isinstance(note.get("sandbox"), str):
        return absent_sandbox(place.name)
    port = urlsplit(str(note.get("web", ""))).port or 0
    return sandbox_settings(ask(f"{note['sandbox']}/sandbox.json"), place.name, web_port=port)


def ask(url: str, timeout: float = 5.0) -> dict[str, Any]:
    """A small JSON document of another process on this machine."""
    if not url.startswith(("http://127.0.0.1:", "http://[::1]:", "http://localhost:")):
        raise Misconfigured(f"{url} is not an address of this machine.")
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            told = json.loads(answer.read(1_000_000))
    except (OSError, ValueError):
        raise Unavailable(f"Nothing answers at {url}.") from None
    if not isinstance(told, dict):
        raise Unavailable(f"What answers at {url} is not what it should be.")
    return told
