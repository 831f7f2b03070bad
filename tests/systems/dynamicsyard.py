"""An environment of Dynamics 365 into which something is installed, and whoever installs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp

from cosell.crm import Site
from cosell.crm.installing import Act, Admin, Step, Wish
from cosell.http import AsgiTransport, NoAnswer, Reply, Request, Timeouts
from cosell.sandbox.dataverse import Dataverse
from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Frame, Org, Watched
from cosell.sections.credentials import Given
from cosell.sections.secrets import Reference
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.options import FixedToken, Options
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.installer import DynamicsInstaller, open_installer
from cosell.systems.dataverse.package.model import PACKAGE
from cosell.systems.dataverse.settings import DynamicsSettings

from .dynamicsdesk import AUTHORITY, ORG, ROOT, client_over
from .office import OwnClock
from .salesfloor import Still

WRITES = ("POST", "PATCH", "PUT", "DELETE")
FORM = "Opportunity"


class Cut(Exception):
    """The machine of who installs goes off."""


@dataclass(slots=True)
class Line:
    """Carries every request and counts the writes; may die after one, or lose the first answer to each."""

    inner: AsgiTransport
    writes: list[str] = field(default_factory=list)
    dies_after: int | None = None
    loses_answers: bool = False
    _lost: set[tuple[str, bytes]] = field(default_factory=set)

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        reply = await self.inner.send(request, timeouts, max_body)
        where = request.url.partition("/v9.2/")[2]
        if request.method not in WRITES or not where or where == "$batch":
            return reply
        self.writes.append(f"{request.method} {where}")
        if self.dies_after == len(self.writes):
            raise Cut
        mark = (f"{request.method} {where}", request.body or b"")
        if self.loses_answers and mark not in self._lost:
            self._lost.add(mark)
            raise NoAnswer("the line went dead")
        return reply

    async def aclose(self) -> None:
        await self.inner.aclose()


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
    line: Line
    clock: OwnClock
    told: list[Step] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    """What the settings file says besides."""

    def installer(self, *, admin: bool = True) -> DynamicsInstaller:
        """Works with an administrator's token, or with the application user's own rights."""
        section = DynamicsSettings.model_validate(
            {
                "environment": "sandbox",
                "url": ORG,
                "client_id": self.org.client_id,
                "client_secret": "env:SECRET",
                "tenant": self.org.tenant,
                **self.settings,
            }
        )
        site = Site(self.line, self.clock, self._secret, self._credential, lambda _: None)
        return open_installer(section, site, Admin(token=self.org.admin_token if admin else ""))

    def _secret(self, setting: str, reference: Reference | None, *, lines: bool = False) -> str | None:
        return self.org.client_secret if reference is not None else None

    def _credential(self, setting: str, reference: Reference | None, *, lines: bool = False) -> Given | None:
        secret = self._secret(setting, reference, lines=lines)
        return None if secret is None else Given(secret)

    async def plan(self, wish: Wish = Wish()) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.plan(wish))

    async def install(self, wish: Wish = Wish(), *, admin: bool = True) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.install(wish, self.told.append), admin=admin)

    async def removal(self, wish: Wish = Wish()) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.removal(wish))

    async def uninstall(self, wish: Wish = Wish()) -> Sequence[Step]:  # noqa: B008
        return await self._with(lambda one: one.uninstall(wish, self.told.append))

    async def _with(
        self, act: Callable[[DynamicsInstaller], Awaitable[Sequence[Step]]], *, admin: bool = True
    ) -> Sequence[Step]:
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
        client = client_over(self.line, chosen, self.clock)
        return Access(client, chosen, self.clock, found=lambda _: None)

    def calls(self) -> Calls:
        """An administrator's way to what no command offers."""
        chosen = Options(ORG, self.org.admin_client_id, FixedToken(self.org.admin_token))
        client = client_over(self.line, chosen, self.clock)
        return Calls(client, self.clock, solution=PACKAGE.name, root=f"{ROOT}/")

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.org.as_seller.rows(table)


def yard(org: Org = Org.BARE) -> Yard:
    """A fresh environment."""
    frame = Frame(seed=5)
    frame.clock = Still()
    entra = Entra(frame, base_url=AUTHORITY)
    simulated = Dataverse(frame, base_url=ORG, entra=entra, org=org)
    apps: dict[str, ASGIApp] = {ORG: Watched(simulated.app, "dataverse", frame), AUTHORITY: entra.app}
    return Yard(frame, simulated, Line(AsgiTransport(apps)), OneClock(frame))


def acts(steps: Iterable[Step], *wanted: Act) -> dict[str, str]:
    """Name and detail of the steps of these kinds."""
    return {one.what: one.detail for one in steps if one.act in wanted}
