"""Partner Center and a CRM, in a process of their own: their work never counts as the connector's.

The simulators are seeded by the verbs of people, and every call of the connector is counted there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from bench.crms import CRMS, SALESFORCE, Crm
from bench.deals import deal
from cosell.sandbox import Sandbox
from cosell.sandbox.webhooks.signing import GOOD, signature

Call = tuple[str, str, str]


class Stage:
    """The far end of the pipe: one method for each thing a benchmark may ask for."""

    def __init__(self, sandbox: Sandbox, crm: Crm) -> None:
        self._sandbox = sandbox
        self._floor = crm.floor(sandbox)
        account = self._floor.account
        self._referrals, self._webhooks = account.partner_center.referrals, account.webhooks
        self._webhooks_url: str = account.describe()["webhooks"]["url"]
        self._solution = crm.solution_id
        self._count = 0

    def description(self) -> dict[str, Any]:
        return {**self._sandbox.description, "roots": self._sandbox.root_certificates}

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
            self._referrals.edit(referral_id, {"details/dealValue": value}, by="partner")
            began = began or time.monotonic()
        return began

    def edit_opportunities(self, ids: Iterable[str], value: float) -> float:
        """The same by the seller in the CRM."""
        began = 0.0
        for opportunity_id in ids:
            self._floor.edit(opportunity_id, value)
            began = began or time.monotonic()
        return began

    def opportunity_values(self) -> dict[str, float]:
        """Values of all opportunities that carry a referral id, by that id."""
        return {one.referral_id: one.value for one in self._floor.opportunities() if one.referral_id}

    def opportunity_count(self) -> int:
        return len(list(self._floor.opportunities()))

    def referral_values(self) -> dict[str, float]:
        """Values of our own referrals, by the opportunity they name."""
        found = self._referrals.all()
        own = [one for one in found if one["organizationId"] != "msft"]
        return {one["externalReferenceId"]: float(one["details"]["dealValue"]) for one in own}

    def inbound(self, count: int, duplicates: int) -> list[str]:
        """New deals from Microsoft whose events all come `duplicates` times."""
        self._webhooks.switches.duplicate = duplicates - 1
        forms = [deal(100_000 + number, self._solution) for number in range(count)]
        made = [str(self._referrals.create_inbound(form)["id"]) for form in forms]
        self._webhooks.switches.duplicate = 0
        return made

    async def settled(self) -> None:
        """Returns when every event has arrived."""
        await self._webhooks.settled()

    def deliveries(self) -> list[list[int]]:
        """The answers to every event remembered."""
        return [one.results for one in self._webhooks.deliveries]

    async def storm(self, url: str, ids: Sequence[str], rate: float) -> list[tuple[int, float]]:
        """Sends one signed event for each id at an even pace; answers status and seconds of each.

        The time counts from the moment the event was due, so that a sender held up counts against us.
        """
        headers = {"content-type": "application/json", "x-ms-signature-algorithm": "rsa-sha256"}
        headers["x-ms-certificate-url"] = f"{self._webhooks_url}/cert/{GOOD}.cer"
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
        self._webhooks.switches.events_on = on

    def calls(self) -> dict[Call, int]:
        """Every call since the last time this was asked, with ids taken out of the paths.

        Partner Center has the same name for both partners.
        """
        counted: Counter[Call] = Counter()
        for (system, method, path), times in self._sandbox.frame.calls.items():
            counted[system.removesuffix("_2"), method, _shape(path)] += times
        self._sandbox.frame.calls.clear()
        return dict(counted)

    def _pair(self) -> tuple[str, str]:
        self._count += 1
        wanted = deal(self._count, self._solution)
        opportunity = self._floor.opportunity(wanted)
        made = self._referrals.create_outbound_in_portal({**wanted, "externalReferenceId": opportunity})
        referral = str(made["id"])
        self._floor.link(opportunity, referral)
        return referral, opportunity


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


# --- the two ends of the pipe ----------------------------------------------------------------------


class Theatre:
    """The near end: every method of `Stage`, asked for by name and answered when it is done."""

    def __init__(self, pipe: Connection, pid: int, crm: Crm) -> None:
        self._pipe, self.pid, self.crm = pipe, pid, crm

    async def __call__(self, verb: str, *details: Any) -> Any:
        self._pipe.send((verb, details))
        answer, error = await asyncio.to_thread(self._pipe.recv)
        if error is not None:
            raise RuntimeError(error)
        return answer


@contextlib.asynccontextmanager
async def stage(crm: Crm = SALESFORCE) -> AsyncIterator[Theatre]:
    """Runs an empty sandbox in a process of its own while the block runs."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_perform, args=(far, crm.name), daemon=True)
    process.start()
    try:
        yield Theatre(near, process.pid or 0, crm)
    finally:
        near.send(None)
        process.join(5)
        process.kill()


def _perform(pipe: Connection, crm: str) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(pipe, CRMS[crm]))


async def _serve(pipe: Connection, crm: Crm) -> None:
    async with Sandbox.serve(base_port=0, empty=True) as sandbox:
        stage = Stage(sandbox, crm)
        while (wish := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await _answer(stage, *wish))


async def _answer(stage: Stage, verb: str, details: tuple[Any, ...]) -> tuple[Any, str | None]:
    try:
        answer = getattr(stage, verb)(*details)
        return (await answer if asyncio.iscoroutine(answer) else answer), None
    except Exception as error:
        return None, f"{verb}: {error!r}"
