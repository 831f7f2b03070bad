"""An environment of Dynamics 365 into which something is installed, and whoever installs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from cosell.crm import Site
from cosell.crm.installing import Act, Admin, Step, Wish
from cosell.http import AsgiTransport
from cosell.sandbox.dataverse import Dataverse
from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Frame, Org, Watched
from cosell.sections.secrets import Reference
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.options import FixedToken, Options
from cosell.systems.dataverse.package.installer import DynamicsInstaller, open_installer
from cosell.systems.dataverse.settings import DynamicsSettings

from .dynamicsdesk import AUTHORITY, ORG, client_over
from .office import OwnClock
from .salesfloor import Still

WRITES = ("POST", "PATCH", "PUT", "DELETE")
FORM = "Opportunity"


class Cut(Exception):
    """The machine of who installs goes off."""


@dataclass(slots=True)
class Counted:
    """Lets writes through and counts them; goes off at one of them, before or after it was carried out."""

    app: ASGIApp
    writes: list[str] = field(default_factory=list)
    cut_at: int | None = None
    after: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writes = scope["method"] in WRITES and not scope["path"].endswith("$batch")
        if not writes:
            await self.app(scope, receive, send)
            return
        self.writes.append(f"{scope['method']} {scope['path'].rpartition('/v9.2/')[2]}")
        cut = self.cut_at is not None and len(self.writes) == self.cut_at
        if cut and not self.after:
            raise Cut
        await self.app(scope, receive, send)
        if cut:
            raise Cut


class OneClock(OwnClock):
    """Whoever waits lets the time of the environment pass too."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self._frame = frame

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._frame.clock.advance(seconds)


@dataclass(slots=True)
class Yard:
    """The environment, and the way into it."""

    frame: Frame
    org: Dataverse
    counted: Counted
    transport: AsgiTransport
    clock: OwnClock
    told: list[Step] = field(default_factory=list)

    def installer(self, *, admin: bool = True) -> DynamicsInstaller:
        """Works with an administrator's token, or with the application user's own rights."""
        section = DynamicsSettings.model_validate(
            {
                "environment": "sandbox",
                "url": ORG,
                "client_id": self.org.client_id,
                "client_secret": "env:SECRET",
                "tenant": self.org.tenant,
            }
        )
        site = Site(self.transport, self.clock, self._secret, lambda _: None)
        return open_installer(section, site, Admin(token=self.org.admin_token if admin else ""))

    def _secret(self, setting: str, reference: Reference | None, *, lines: bool = False) -> str | None:
        return self.org.client_secret if reference is not None else None

    async def plan(self, wish: Wish = Wish()) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.plan(wish))

    async def install(self, wish: Wish = Wish(), *, admin: bool = True) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.install(wish, self.told.append), admin=admin)

    async def removal(self, wish: Wish = Wish()) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.removal(wish))

    async def uninstall(self, wish: Wish = Wish()) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.uninstall(wish, self.told.append))

    async def _with(self, act: Callable[[DynamicsInstaller], Any], *, admin: bool = True) -> Any:
        installer = self.installer(admin=admin)
        try:
            return await act(installer)
        finally:
            await installer.aclose()

    def access(self, **options: Any) -> Access:
        """The connector's own connection, with the rights of its application user."""
        chosen = Options(
            ORG, self.org.client_id, FixedToken(self.org.access_token), tenant=self.org.tenant, **options
        )
        client = client_over(self.transport, chosen, self.clock)
        return Access(client, chosen, self.clock, found=lambda _: None)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.org.as_seller.rows(table)


def yard(org: Org = Org.BARE) -> Yard:
    """A fresh environment."""
    frame = Frame(seed=5)
    frame.clock = Still()
    entra = Entra(frame, base_url=AUTHORITY)
    simulated = Dataverse(frame, base_url=ORG, entra=entra, org=org)
    counted = Counted(Watched(simulated.app, "dataverse", frame))
    transport = AsgiTransport({ORG: counted, AUTHORITY: entra.app})
    return Yard(frame, simulated, counted, transport, OneClock(frame))


def acts(steps: Iterable[Step], *wanted: Act) -> dict[str, str]:
    """Name and detail of the steps of these kinds."""
    return {one.what: one.detail for one in steps if one.act in wanted}
