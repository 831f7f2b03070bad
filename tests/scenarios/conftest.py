"""The connector joined to the sandbox over HTTP, moved step by step: no timers, no sleeping tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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

SOLUTION = "Microsoft_Partner_Center_Solution__c"
SOL = "SOL-10001-AAA"
OTHER_SOL = "SOL-10002-BBB"


def in_days(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


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
    _numbers: list[int] = field(default_factory=list)

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
        """Lets the next requests of this kind go wrong; `name` takes one of the vendor's own answers."""
        simulator = getattr(self.sandbox, system)
        answer = simulator.faults[name] if name else None
        fault = Fault(system, kind, method=method, path=path, times=times, answer=answer)  # type: ignore[arg-type]
        self.sandbox.frame.faults.append(fault)

    # --- the seller in Salesforce ---

    def opportunity(self, **changes: Any) -> str:
        """A complete opportunity with Sync on, its account, contact role and one solution; answers its id."""
        self._numbers.append(1)
        number = len(self._numbers)
        seller = self.sandbox.salesforce.as_seller
        account = seller.create(
            "Account",
            {
                "Name": f"Fabrikam {number} Logistics",
                "BillingStreet": "12 Harbour Road",
                "BillingCity": "Rotterdam",
                "BillingPostalCode": "3011 AA",
                "BillingCountry": changes.pop("country", "NL"),
            },
        )
        solutions = changes.pop("solutions", [SOL])
        with_contact = changes.pop("contact", True)
        row = seller.create(
            "Opportunity",
            {
                "Name": f"Fleet programme {number}",
                "AccountId": account,
                "StageName": "Qualification",
                "Amount": 50000,
                "CurrencyIsoCode": "EUR",
                "CloseDate": in_days(90),
                "Description": "Customer wants telemetry.",
                "Sync_with_Partner_Center__c": True,
                **changes,
            },
        )
        if with_contact:
            contact = seller.create(
                "Contact",
                {
                    "AccountId": account,
                    "FirstName": "Ines",
                    "LastName": "Vos",
                    "Email": f"ines.vos{number}@fabrikam.example",
                    "Phone": "+31105550100",
                },
            )
            seller.create(
                "OpportunityContactRole", {"OpportunityId": row, "ContactId": contact, "IsPrimary": True}
            )
        for solution in solutions:
            self.add_solution(row, solution)
        return row

    def add_solution(self, opportunity_id: str, solution: str) -> str:
        return self.sandbox.salesforce.as_seller.create(
            SOLUTION, {"Opportunity__c": opportunity_id, "Solution_Identifier__c": solution, "Name": solution}
        )

    def edit(self, opportunity_id: str, **fields: Any) -> None:
        self.sandbox.salesforce.as_seller.update("Opportunity", opportunity_id, fields)

    def row(self, opportunity_id: str) -> Mapping[str, Any]:
        return self.sandbox.salesforce.as_seller.get("Opportunity", opportunity_id)

    def solutions_of(self, opportunity_id: str) -> set[str]:
        rows = self.sandbox.salesforce.as_seller.rows(SOLUTION)
        return {row["Solution_Identifier__c"] for row in rows if row["Opportunity__c"] == opportunity_id}

    def opportunities(self, referral_id: str) -> list[Mapping[str, Any]]:
        rows = self.sandbox.salesforce.as_seller.rows("Opportunity")
        return [row for row in rows if row["Referral_Identifier__c"] == referral_id]

    # --- Microsoft and the portal ---

    def inbound(self, **changes: Any) -> str:
        """A deal sent by a Microsoft seller; answers the referral id."""
        deal = _deal(**changes)
        return str(self.sandbox.partner_center.referrals.create_inbound(deal)["id"])

    def portal(self, **changes: Any) -> str:
        """A deal the partner made in the portal; answers the referral id."""
        return str(self.sandbox.partner_center.referrals.create_outbound_in_portal(_deal(**changes))["id"])

    def referral(self, referral_id: str) -> Mapping[str, Any]:
        found = self.sandbox.partner_center.referrals.get(referral_id)
        assert found is not None
        return found

    def referrals_of(self, opportunity_id: str) -> list[Mapping[str, Any]]:
        found = self.sandbox.partner_center.referrals.all()
        return [one for one in found if one["externalReferenceId"] == opportunity_id]

    def microsofts(self, referral_id: str) -> Mapping[str, Any] | None:
        """Microsoft's own referral of the same engagement."""
        engagement = self.referral(referral_id)["engagementId"]
        found = self.sandbox.partner_center.referrals.engagement(engagement)
        return next((one for one in found if one["organizationId"] == "msft"), None)

    def change(self, referral_id: str, by: str = "partner", **fields: Any) -> None:
        paths = {key.replace("__", "/"): value for key, value in fields.items()}
        self.sandbox.partner_center.referrals.edit(referral_id, paths, by=by)  # type: ignore[arg-type]

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
async def _desk(data: Path, changes: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Desk]:
    async with Sandbox.serve(base_port=0, empty=True) as sandbox:
        settings = sandbox_settings(sandbox.description, web_port=0, data=data)
        for section, values in changes.items():
            present = getattr(settings, section)
            changed = values if section == "mapping" else present.model_copy(update=dict(values))
            settings = settings.model_copy(update={section: changed})
        place = Place(name="sandbox", data=data, settings=settings)
        async with environment(place, {}, settings=settings) as env:
            env.clock = clock = LeapingClock(sandbox)
            yield Desk(sandbox, env, env.engine(), clock)


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with _desk(tmp_path, {}) as made:
        yield made


Furnish = Callable[..., Awaitable[Desk]]


@pytest_asyncio.fixture
async def furnished(tmp_path: Path) -> AsyncIterator[Furnish]:
    """Makes a desk under other settings: `await furnished(salesforce={"check_mark": False})`."""
    async with contextlib.AsyncExitStack() as stack:

        async def furnish(**changes: Mapping[str, Any]) -> Desk:
            return await stack.enter_async_context(_desk(tmp_path, changes))

        yield furnish
