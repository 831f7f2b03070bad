"""The two systems, in a process of their own, so that their work never counts as the connector's.

The simulators are seeded by the verbs of people, and every call of the connector is counted there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from cosell.sandbox import Sandbox
from cosell.sandbox.webhooks.signing import GOOD, signature

SOLUTION = "SOL-10001-AAA"
Call = tuple[str, str, str]


class Stage:
    """The far end of the pipe: one method for each thing a benchmark may ask for."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._count = 0
        sandbox.salesforce.settings.daily_api_calls = 10_000_000

    def description(self) -> dict[str, Any]:
        return {**self._sandbox.description, "roots": self._sandbox.webhooks.root_certificate_pem}

    def seed(self, count: int, hours: float = 0.0) -> list[tuple[str, str]]:
        """Deals that stand in both systems already, each naming the other: (referral, opportunity).

        `hours`: how long ago they were made.
        """
        clock = self._sandbox.frame.clock
        clock._offset -= timedelta(hours=hours)
        pairs = [self._pair() for _ in range(count)]
        clock._offset += timedelta(hours=hours)
        return pairs

    def cpu(self) -> float:
        """Seconds of processor time this process has used."""
        return time.process_time()

    def latency(self, seconds: float) -> None:
        self._sandbox.frame.latency = seconds

    def pass_time(self, seconds: float) -> None:
        """Moves the clock of both systems forward."""
        self._sandbox.frame.clock.advance(seconds)

    def edit_referrals(self, ids: Iterable[str], value: float) -> float:
        """Gives each referral another value, as a colleague in the portal; answers when that began."""
        began = 0.0
        for referral_id in ids:
            self._sandbox.partner_center.referrals.edit(
                referral_id, {"details/dealValue": value}, by="partner"
            )
            began = began or time.monotonic()
        return began

    def edit_opportunities(self, ids: Iterable[str], value: float) -> float:
        """The same by the seller in Salesforce."""
        began = 0.0
        for opportunity_id in ids:
            self._sandbox.salesforce.as_seller.update("Opportunity", opportunity_id, {"Amount": value})
            began = began or time.monotonic()
        return began

    def opportunity_values(self) -> dict[str, float]:
        """Values of all opportunities that carry a referral id, by that id."""
        rows = self._sandbox.salesforce.as_seller.rows("Opportunity")
        return {row["Referral_Identifier__c"]: row["Amount"] for row in rows if row["Referral_Identifier__c"]}

    def opportunity_count(self) -> int:
        return len(self._sandbox.salesforce.as_seller.rows("Opportunity"))

    def referral_values(self) -> dict[str, float]:
        """Values of our own referrals, by the opportunity they name."""
        found = self._sandbox.partner_center.referrals.all()
        own = [one for one in found if one["organizationId"] != "msft"]
        return {one["externalReferenceId"]: float(one["details"]["dealValue"]) for one in own}

    def inbound(self, count: int, duplicates: int) -> list[str]:
        """New deals from Microsoft whose events all come `duplicates` times."""
        self._sandbox.webhooks.switches.duplicate = duplicates - 1
        made = [
            str(self._sandbox.partner_center.referrals.create_inbound(deal(100_000 + n))["id"])
            for n in range(count)
        ]
        self._sandbox.webhooks.switches.duplicate = 0
        return made

    async def settled(self) -> None:
        """Returns when every event has arrived."""
        await self._sandbox.webhooks.settled()

    def deliveries(self) -> list[list[int]]:
        """The answers to every event remembered."""
        return [one.results for one in self._sandbox.webhooks.deliveries]

    async def storm(self, url: str, ids: Sequence[str], rate: float) -> list[tuple[int, float]]:
        """Sends one signed event for each id at an even pace; answers status and seconds of each.

        The time counts from the moment the event was due, so that a sender held up counts against us.
        """
        headers = {"content-type": "application/json", "x-ms-signature-algorithm": "rsa-sha256"}
        headers["x-ms-certificate-url"] = f"{self._sandbox.urls['webhooks']}/cert/{GOOD}.cer"
        bodies = [_event(one) for one in ids]
        signed = [{**headers, "authorization": f"Signature {signature(body, GOOD)}"} for body in bodies]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
            start = time.monotonic() + 0.1

            async def send(at: int) -> tuple[int, float]:
                due = start + at / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                async with session.post(url, data=bodies[at], headers=signed[at]) as answer:
                    await answer.read()
                    return answer.status, time.monotonic() - due

            return await asyncio.gather(*(send(at) for at in range(len(ids))))

    def events(self, on: bool) -> None:
        self._sandbox.webhooks.switches.events_on = on

    def calls(self) -> dict[Call, int]:
        """Every call since the last time this was asked, with ids taken out of the paths."""
        counted: Counter[Call] = Counter()
        for (system, method, path), times in self._sandbox.frame.calls.items():
            counted[system, method, _shape(path)] += times
        self._sandbox.frame.calls.clear()
        return dict(counted)

    def _pair(self) -> tuple[str, str]:
        self._count += 1
        number = self._count
        wanted = deal(number)
        opportunity = self._opportunity(number, wanted)
        referrals = self._sandbox.partner_center.referrals
        made = referrals.create_outbound_in_portal({**wanted, "externalReferenceId": opportunity})
        referral = str(made["id"])
        self._sandbox.salesforce.as_seller.update(
            "Opportunity", opportunity, {"Referral_Identifier__c": referral}
        )
        return referral, opportunity

    def _opportunity(self, number: int, deal: Mapping[str, Any]) -> str:
        seller, profile, details = (
            self._sandbox.salesforce.as_seller,
            deal["customerProfile"],
            deal["details"],
        )
        address, person = profile["address"], profile["team"][0]
        account = seller.create(
            "Account",
            {
                "Name": profile["name"],
                "BillingStreet": address["addressLine1"],
                "BillingCity": address["city"],
                "BillingPostalCode": address["postalCode"],
                "BillingCountry": address["country"],
            },
        )
        opportunity = seller.create(
            "Opportunity",
            {
                "Name": deal["name"],
                "AccountId": account,
                "StageName": "Qualification",
                "Amount": details["dealValue"],
                "CurrencyIsoCode": details["currency"],
                "CloseDate": details["closingDateTime"][:10],
                "Description": details["notes"],
                "Sync_with_Partner_Center__c": True,
            },
        )
        contact = seller.create(
            "Contact",
            {
                "AccountId": account,
                "FirstName": person["firstName"],
                "LastName": person["lastName"],
                "Email": person["email"],
                "Phone": person["phoneNumber"],
            },
        )
        seller.create("OpportunityContactRole", {"OpportunityId": opportunity, "ContactId": contact})
        seller.create(
            "Microsoft_Partner_Center_Solution__c",
            {
                "Opportunity__c": opportunity,
                "Solution_Identifier__c": SOLUTION,
                "Name": "Fleet Optimizer",
                "Quantity__c": None,
            },
        )
        return opportunity


def _event(referral_id: str) -> bytes:
    uri = f"https://api.partnercenter.microsoft.com/v1.0/engagements/referrals/{referral_id}"
    return json.dumps(
        {"EventName": "referral-updated", "ResourceUri": uri, "ResourceName": "referral"}
    ).encode()


def _shape(path: str) -> str:
    steps = [
        "{id}" if len(step) > 14 and any(c.isdigit() for c in step) else step for step in path.split("/")
    ]
    return "/".join(steps)


def deal(number: int) -> dict[str, Any]:
    closing = datetime.now(UTC) + timedelta(days=60 + number % 300)
    return {
        "name": f"Harbour analytics {number}",
        "customerProfile": {
            "name": f"Contoso Harbour {number} BV",
            "address": {
                "addressLine1": f"Kade {number}",
                "city": "Rotterdam",
                "postalCode": "3011 BB",
                "country": "NL",
            },
            "team": [
                {
                    "firstName": "Kim",
                    "lastName": "Bos",
                    "phoneNumber": "+31105550111",
                    "email": f"kim.bos{number}@harbour.example",
                }
            ],
        },
        "details": {
            "notes": "The customer wants telemetry on every quay, in every weather, before the summer.",
            "dealValue": 50_000 + number,
            "currency": "EUR",
            "closingDateTime": f"{closing:%Y-%m-%d}T00:00:00Z",
            "requirements": {"solutions": [{"id": SOLUTION, "name": "Fleet Optimizer", "type": "Name"}]},
        },
        "team": [
            {
                "firstName": "Alex",
                "lastName": "Moreau",
                "phoneNumber": "+31205550101",
                "email": "alex.moreau@cosell.example",
            }
        ],
    }


# --- the two ends of the pipe ----------------------------------------------------------------------


class Theatre:
    """The near end: every method of `Stage`, asked for by name and answered when it is done."""

    def __init__(self, pipe: Connection, pid: int) -> None:
        self._pipe, self.pid = pipe, pid

    async def __call__(self, verb: str, *details: Any) -> Any:
        self._pipe.send((verb, details))
        answer, error = await asyncio.to_thread(self._pipe.recv)
        if error is not None:
            raise RuntimeError(error)
        return answer


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Theatre]:
    """Runs an empty sandbox in a process of its own while the block runs."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_perform, args=(far,), daemon=True)
    process.start()
    try:
        yield Theatre(near, process.pid or 0)
    finally:
        near.send(None)
        process.join(5)
        process.kill()


def _perform(pipe: Connection) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    async with Sandbox.serve(base_port=0, empty=True) as sandbox:
        stage = Stage(sandbox)
        while (wish := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await _answer(stage, *wish))


async def _answer(stage: Stage, verb: str, details: tuple[Any, ...]) -> tuple[Any, str | None]:
    try:
        answer = getattr(stage, verb)(*details)
        return (await answer if asyncio.iscoroutine(answer) else answer), None
    except Exception as error:
        return None, f"{verb}: {error!r}"
