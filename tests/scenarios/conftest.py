"""The connector joined to the sandbox over HTTP, moved step by step: no timers, no sleeping tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cosell.core.errors import Throttled, Unavailable
from cosell.core.records import Link, Side
from cosell.engine import Engine
from cosell.ports import AuditRow, LinkFilter
from cosell.sandbox.frame import Fault
from cosell.sandbox.shell.composition import Sandbox
from cosell.wiring.environment import Environment, environment
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.places import Place
from cosell.wiring.world import WallClock

from .dynamics_seller import DynamicsSeller
from .salesforce_seller import SalesforceSeller
from .sellers import OTHER_SOL, SOL, Seller, in_days

SOLUTION = SalesforceSeller.tables["solution"]
__all__ = ["OTHER_SOL", "SOL", "SOLUTION", "Desk", "Furnish", "in_days"]
SELLERS: Mapping[str, type[Seller]] = {"salesforce": SalesforceSeller, "dynamics": DynamicsSeller}
ENVIRONMENTS = {"salesforce": "sandbox", "dynamics": "sandbox-dynamics"}
BOTH = pytest.mark.parametrize("crm", list(SELLERS), indirect=True)
"""Marks tests whose scenario is the same in every CRM."""


class LeapingClock(WallClock):
    """Instead of waiting, lets the sandbox's own clock pass by the time that should be waited."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._leapt = sandbox, 0.0

    def now(self) -> float:
        return super().now() + self._leapt

    def monotonic(self) -> float:
        return super().monotonic() + self._leapt

    def leap(self, seconds: float) -> None:
        self._leapt += seconds
        self._sandbox.frame.clock.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        self.leap(seconds)
        await asyncio.sleep(0)


@dataclass
class Desk:
    """What the people of a scenario can do and see, and one verb that lets the connector catch up."""

    sandbox: Sandbox
    env: Environment
    engine: Engine
    clock: LeapingClock
    seller: Seller
    _numbers: list[int] = field(default_factory=list)

    async def restarted(self) -> Engine:
        """The engine of a process that began just now: it knows what stands in the database and no more."""
        await self.env.systems().aclose()
        self.env._systems = None
        return self.env.engine()

    async def sync(self) -> int:
        """Polls and reconciles until both systems are quiet; answers how many looks it took."""
        looks = 0
        for _ in range(10):
            for side in Side:
                with contextlib.suppress(Throttled, Unavailable):
                    await self.engine.poll(side)
            found = await self.engine.drain()
            looks += found
            if not found:
                break
        return looks

    async def sync_over(self, seconds: float, step: float = 30.0) -> None:
        """Lets that much time pass, syncing as it goes."""
        for _ in range(int(seconds // step)):
            await self.sync()
            self.clock.leap(step)
        await self.sync()

    def harm(self, system: str, kind: str, *, method: str, path: str, times: int = 1, name: str = "") -> None:
        """Lets the next requests of this kind go wrong; `name` takes one of the vendor's own answers.

        `system` is "partner_center" or "crm", each that of this desk.
        """
        if system == "crm":
            where, simulator = self.seller.system, self.seller.simulator
        else:
            where, simulator = self.seller.account, self.seller.partner_center
        answer = simulator.faults[name] if name else None
        fault = Fault(where, kind, method=method, path=path, times=times, answer=answer)  # type: ignore[arg-type]
        self.sandbox.frame.faults.append(fault)

    # --- the seller ---

    def opportunity(self, **changes: Any) -> str:
        """A complete opportunity with Sync on, its account, contact and one solution; answers its id."""
        self._numbers.append(1)
        number = len(self._numbers)
        account = self.seller.create(
            "account",
            {
                "name": f"Fabrikam {number} Logistics",
                "street": "12 Harbour Road",
                "city": "Rotterdam",
                "postal_code": "3011 AA",
                "country": changes.pop("country", "NL"),
            },
        )
        solutions = changes.pop("solutions", [SOL])
        with_contact = changes.pop("contact", True)
        row = self.seller.create(
            "opportunity",
            {
                "name": f"Fleet programme {number}",
                "account": account,
                "state": "active",
                "value": 50000,
                "currency": "EUR",
                "close_date": in_days(90),
                "notes": "Customer wants telemetry.",
                "sync": True,
                **changes,
            },
        )
        if with_contact:
            self.seller.add_contact(
                row,
                first="Ines",
                last="Vos",
                email=f"ines.vos{number}@fabrikam.example",
                phone="+31105550100",
            )
        for solution in solutions:
            self.add_solution(row, solution)
        return row

    def add_solution(self, opportunity_id: str, solution: str, **fields: Any) -> str:
        return self.seller.add_solution(opportunity_id, solution, **fields)

    def edit(self, opportunity_id: str, **fields: Any) -> None:
        self.seller.update("opportunity", opportunity_id, fields)

    def row(self, opportunity_id: str) -> Mapping[str, Any]:
        return self.seller.row("opportunity", opportunity_id)

    def solutions_of(self, opportunity_id: str) -> set[str]:
        return {one["solution"] for one in self.seller.solutions(opportunity_id)}

    def opportunities(self, referral_id: str) -> list[Mapping[str, Any]]:
        rows = self.seller.rows("opportunity")
        return [row for row in rows if row["referral_id"] == referral_id]

    # --- Microsoft and the portal ---

    @property
    def referrals(self) -> Any:
        """What Partner Center keeps, with the acts of Microsoft's and the partner's people."""
        return self.seller.partner_center.referrals

    def inbound(self, **changes: Any) -> str:
        """A deal sent by a Microsoft seller; answers the referral id."""
        deal = _deal(**changes)
        return str(self.referrals.create_inbound(deal)["id"])

    def portal(self, **changes: Any) -> str:
        """A deal the partner made in the portal; answers the referral id."""
        return str(self.referrals.create_outbound_in_portal(_deal(**changes))["id"])

    def referral(self, referral_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self.referrals.get(referral_id)
        assert found is not None
        return found

    def referrals_of(self, opportunity_id: str) -> list[Mapping[str, Any]]:
        found = self.referrals.all()
        return [one for one in found if one["externalReferenceId"] == opportunity_id]

    def microsofts(self, referral_id: str) -> Mapping[str, Any] | None:
        """Microsoft's own referral of the same engagement."""
        engagement = self.referral(referral_id)["engagementId"]
        found = self.referrals.engagement(engagement)
        return next((one for one in found if one["organizationId"] == "msft"), None)

    def change(self, referral_id: str, by: str = "partner", **fields: Any) -> None:
        paths = {key.replace("__", "/"): value for key, value in fields.items()}
        self.referrals.edit(referral_id, paths, by=by)

    # --- what the connector remembers ---

    async def link(self, any_id: str) -> Link:
        found = await self.env.store.link(any_id)
        assert found is not None
        return found

    async def links(self) -> list[Link]:
        return list(await self.env.store.links(LinkFilter(limit=1000)))

    async def journal(self, any_id: str) -> list[AuditRow]:
        return list(await self.env.store.journal((await self.link(any_id)).key, 1000))

    def calls(self) -> int:
        return sum(self.sandbox.frame.calls.values())


def _deal(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Harbour analytics",
        "customerProfile": {
            "name": "Contoso Harbour BV",
            "address": {
                "addressLine1": "Kade 1",
                "city": "Rotterdam",
                "postalCode": "3011 BB",
                "country": "NL",
            },
            "team": [
                {
                    "firstName": "Kim",
                    "lastName": "Bos",
                    "phoneNumber": "+31105550111",
                    "email": "kim.bos@harbour.example",
                }
            ],
        },
        "details": {
            "notes": "From Microsoft.",
            "dealValue": 75000,
            "currency": "EUR",
            "closingDateTime": f"{in_days(60)}T00:00:00Z",
            "requirements": {"solutions": [{"id": SOL, "name": "Fleet Optimizer", "type": "Name"}]},
        },
        "team": [
            {
                "firstName": "Ada",
                "lastName": "Seller",
                "phoneNumber": "+31105550122",
                "email": "ada@partner.example",
            }
        ],
        **changes,
    }


@contextlib.asynccontextmanager
async def _desk(crm: str, data: Path, changes: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Desk]:
    name = ENVIRONMENTS[crm]
    async with Sandbox.serve(base_port=0, empty=True) as sandbox:
        settings = sandbox_settings(sandbox.description, name, web_port=0, data=data)
        for given, values in changes.items():
            section = crm if given == "crm" else given
            present = getattr(settings, section)
            changed = values if section == "mapping" else present.model_copy(update=dict(values))
            settings = settings.model_copy(update={section: changed})
        place = Place(name=name, data=data, settings=settings)
        async with environment(place, {}, settings=settings) as env:
            env.clock = clock = LeapingClock(sandbox)
            yield Desk(sandbox, env, env.engine(), clock, SELLERS[crm](sandbox))


@pytest.fixture
def crm(request: pytest.FixtureRequest) -> str:
    """Which CRM the seller works in: Salesforce, unless the test is marked with another or with `BOTH`."""
    return str(getattr(request, "param", "salesforce"))


@pytest_asyncio.fixture
async def desk(crm: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with _desk(crm, tmp_path, {}) as made:
        yield made


Furnish = Callable[..., Awaitable[Desk]]


@pytest_asyncio.fixture
async def furnished(crm: str, tmp_path: Path) -> AsyncIterator[Furnish]:
    """Makes a desk under other settings: `await furnished(crm={"check_mark": False})`.

    The section `crm` is the one of the desk's CRM.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def furnish(**changes: Mapping[str, Any]) -> Desk:
            return await stack.enter_async_context(_desk(crm, tmp_path, changes))

        yield furnish
