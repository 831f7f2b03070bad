"""An installer of the Salesforce package against the simulated org, in one thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cosell.crm.installing import Act, Admin, Step, Wish
from cosell.http import AsgiTransport
from cosell.sandbox.frame import Fault, Frame, Watched
from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce import Salesforce as Org
from cosell.systems.salesforce.installing import SalesforceInstaller
from cosell.systems.salesforce.options import FieldNames, Jwt, Options, Stages
from cosell.systems.salesforce.system import Salesforce

from .office import OwnClock
from .salesfloor import dated

HOME = "https://contoso.my.salesforce.example"


@dataclass(slots=True)
class Yard:
    """One org, and whoever wants to install something into it."""

    frame: Frame
    org: Org
    transport: AsgiTransport
    clock: OwnClock
    options: Options
    told: list[Step] = field(default_factory=list)

    def installer(self, admin: Admin | None = None, **options: Any) -> SalesforceInstaller:
        """An installer; with the rights of the administrator unless told otherwise."""
        whose = Admin(username=self.org.administrator) if admin is None else admin
        chosen = replace(self.options, **options)
        return SalesforceInstaller(chosen, whose, transport=self.transport, clock=self.clock)

    def system(self, **options: Any) -> Salesforce:
        """The connection that works with what is installed."""
        return Salesforce(replace(self.options, **options), transport=self.transport, clock=self.clock)

    async def install(self, wish: Wish | None = None, **options: Any) -> Sequence[Step]:
        """One complete run."""
        self.told.clear()
        return await self.installer(**options).install(wish or Wish(), self.told.append)

    def named(self, **names: str) -> FieldNames:
        return replace(self.options.fields, **names)

    def fault(self, kind: Any, path: str, *, method: str = "POST") -> None:
        """The next request of this kind meets a misfortune; several come one after the other."""
        self.frame.faults.append(Fault("salesforce", kind, method, path))

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        return self.org.as_seller.rows(sobject)


@asynccontextmanager
async def yard(kind: Kind = Kind.BARE, **options: Any) -> AsyncIterator[Yard]:
    """An org of a kind."""
    frame = Frame(seed=5)
    org = Org(frame, base_url=HOME, org=kind)
    transport = AsgiTransport({HOME: dated(Watched(org.app, "salesforce", frame), frame)})
    chosen = Options(HOME, org.client_id, Jwt(org.username, org.private_key_pem), stages=Stages())
    try:
        yield Yard(frame, org, transport, OwnClock(), replace(chosen, **options))
    finally:
        await transport.aclose()


def acts(steps: Sequence[Step]) -> dict[str, Act]:
    """What becomes of each part."""
    return {one.what: one.act for one in steps}


def changing(steps: Sequence[Step]) -> dict[str, Act]:
    """The same, of what changes something."""
    return {what: act for what, act in acts(steps).items() if act in (Act.CREATE, Act.CHANGE, Act.REMOVE)}
