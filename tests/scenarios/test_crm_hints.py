"""A webhook of Dynamics brings an edit at once; without it the next poll would (dataverse-api.md 4.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cosell import web
from cosell.cli.running import _face
from cosell.core.records import LinkState
from cosell.sandbox.shell.composition import Sandbox
from cosell.sections.secrets import Reference
from cosell.wiring.doctor.connected import hinted
from cosell.wiring.environment import environment
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.places import Place
from cosell.wiring.running import Running
from tests.scenarios.conftest import SELLERS, Desk, LeapingClock, _deal

NAME = "sandbox-dynamics"
KEY = "k3y-of-the-connector-0001"
HEADER = f'<settings><setting name="x-connector-key" value="{KEY}"/></settings>'


@dataclass(frozen=True, slots=True)
class Office:
    """An environment on Dynamics with its web, and the administrator of its CRM."""

    desk: Desk
    running: Running
    address: str

    async def post(self, path: str, body: dict[str, Any]) -> str:
        """What the administrator makes; its id."""
        org = self.desk.sandbox.dataverse
        headers = {"Authorization": f"Bearer {org.access_token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            url = f"{org.base_url}/api/data/v9.2/{path}"
            async with session.post(url, json=body) as answer:
                assert answer.status == 204, await answer.text()
                return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    def id_of(self, table: str, **columns: Any) -> str:
        """The id of the one row like this."""
        rows = self.desk.sandbox.dataverse.as_seller.rows(table)
        (found,) = [one for one in rows if all(one.get(key) == value for key, value in columns.items())]
        return str(found[f"{table}id"])

    async def register(self, *, authtype: int = 5, authvalue: str = HEADER) -> None:
        """The three steps of how-to/connect-dynamics.md."""
        hook = {"name": "Cosell", "contract": 8, "authtype": authtype, "authvalue": authvalue}
        service = await self.post(
            "serviceendpoints", {**hook, "url": f"{self.address}/webhooks/crm/{NAME}", "messageformat": 2}
        )
        message = self.id_of("sdkmessage", name="Update")
        which = {"primaryobjecttypecode": "opportunity", "sdkmessageid": message}
        step = {
            "name": "Cosell: Update of opportunity",
            "mode": 1,
            "stage": 40,
            "rank": 1,
            "asyncautodelete": True,
            "supporteddeployment": 0,
            "sdkmessageid@odata.bind": f"/sdkmessages({message})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({self._filter(which)})",
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({service})",
        }
        await self.post("sdkmessageprocessingsteps", step)

    def _filter(self, which: dict[str, str]) -> str:
        rows = self.desk.sandbox.dataverse.as_seller.rows("sdkmessagefilter")
        table, message = which["primaryobjecttypecode"], which["sdkmessageid"]
        (found,) = [
            one
            for one in rows
            if one["primaryobjecttypecode"] == table and message in str(one["sdkmessageid"])
        ]
        return str(found["sdkmessagefilterid"])

    async def deal(self) -> tuple[str, str]:
        """A deal in step: the ids of its referral and of its opportunity."""
        referrals = self.desk.sandbox.partner_center_2.referrals
        referral = str(referrals.create_outbound_in_portal(_deal())["id"])
        await self.desk.sync()
        link = await self.desk.link(referral)
        assert link.state is LinkState.LINKED
        assert link.crm_id is not None
        self.desk.clock.leap(60.0)
        return referral, link.crm_id

    def edit(self, opportunity: str, **columns: Any) -> None:
        self.desk.sandbox.dataverse.as_seller.update("opportunity", opportunity, columns)

    async def delivered(self) -> list[int]:
        """Waits for every delivery; answers what the last one was answered."""
        org = self.desk.sandbox.dataverse
        await org.settled()
        return list(org.deliveries[-1].results) if org.deliveries else []

    def value_of(self, referral: str) -> float:
        found = self.desk.sandbox.partner_center_2.referrals.get(referral)
        assert found is not None
        return float(found["details"]["dealValue"])


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Sandbox.serve(base_port=0, empty=True) as sandbox:
        settings = sandbox_settings(sandbox.description, NAME, web_port=0, data=tmp_path)
        section = settings.crm.model_copy(update={"webhook_key": Reference.given(KEY)})
        settings = settings.model_copy(update={settings.crm_name: section})
        place = Place(name=NAME, data=tmp_path, settings=settings)
        async with environment(place, {}, settings=settings) as env:
            env.clock = clock = LeapingClock(sandbox)
            running = Running(env)
            desk = Desk(sandbox, env, running.engine, clock, SELLERS["dynamics"](sandbox))
            with web.listen("127.0.0.1", 0) as sock:
                async with web.serving(web.build({NAME: _face(running)}), sock) as address:
                    yield Office(desk, running, address)


@pytest.mark.parametrize(("authtype", "authvalue"), [(5, HEADER), (4, KEY)])
async def test_a_sellers_edit_arrives_without_waiting_for_the_poll(
    office: Office, authtype: int, authvalue: str
) -> None:
    referral, opportunity = await office.deal()
    await office.register(authtype=authtype, authvalue=authvalue)
    office.edit(opportunity, estimatedvalue=81000)
    assert await office.delivered() == [202]
    assert await office.desk.engine.drain() > 0
    assert office.value_of(referral) == 81000
    (row, *_) = await office.desk.journal(referral)
    assert "hint" in row.write.cause


async def test_the_same_hint_again_changes_nothing(office: Office) -> None:
    """Our own writes are told of, too."""
    referral, opportunity = await office.deal()
    await office.register()
    office.edit(opportunity, estimatedvalue=82000)
    await office.delivered()
    await office.desk.sync()
    rows = len(await office.desk.journal(referral))
    office.edit(opportunity, estimatedvalue=82000)
    assert await office.delivered() == [202]
    await office.desk.sync()
    assert len(await office.desk.journal(referral)) == rows
    assert office.value_of(referral) == 82000


async def test_the_echo_of_our_own_write_is_left_to_the_poll(office: Office) -> None:
    """A look costs a read on both sides, a poll that brings nothing new a single call (INV-4)."""
    referral, _ = await office.deal()
    await office.register()
    referrals = office.desk.sandbox.partner_center_2.referrals
    referrals.edit(referral, {"details/dealValue": 84000})
    await office.desk.sync()
    assert set(await office.delivered()) == {202}
    assert office.running.engine._hurry.is_set()
    assert await office.desk.engine.drain() == 0


async def test_a_deal_nobody_knows_makes_no_link_and_is_left_to_the_poll(office: Office) -> None:
    """Most opportunities of a CRM are no co-sell deals; what concerns us the poll tells."""
    _, opportunity = await office.deal()
    await office.register()
    seller = office.desk.sandbox.dataverse.as_seller
    account = seller.create("account", {"name": "Nobody's"})
    stranger = seller.create("opportunity", {"name": "Own business", "customerid": ("account", account)})
    office.edit(stranger, name="Own business still")
    assert await office.delivered() == [202]
    assert await office.desk.engine.drain() == 0
    assert office.running.engine._hurry.is_set()
    await office.desk.sync()
    assert [link.crm_id for link in await office.desk.links()] == [opportunity]


async def test_a_webhook_with_another_key_is_turned_away_and_the_poll_still_finds_the_edit(
    office: Office,
) -> None:
    referral, opportunity = await office.deal()
    await office.register(authtype=4, authvalue="another-key-altogether")
    office.edit(opportunity, estimatedvalue=83000)
    assert await office.delivered() == [401]
    assert await office.desk.engine.drain() == 0
    await office.desk.sync()
    assert office.value_of(referral) == 83000


async def test_the_doctor_shows_the_address_and_what_to_register(office: Office) -> None:
    env = office.desk.env
    env.settings = env.settings.model_copy(
        update={"web": env.settings.web.model_copy(update={"public_url": "https://cosell.example"})}
    )
    (finding,) = hinted(env)
    assert f"https://cosell.example/webhooks/crm/{NAME}" in finding.message
    assert "x-connector-key" in finding.advice
    assert KEY not in f"{finding.message} {finding.advice}"
    assert env.live.redact(f"?code={KEY}") == "?code=***"


async def test_a_crm_that_sends_no_webhooks_takes_none(desk: Desk) -> None:
    """Salesforce."""
    assert desk.env.systems().hints is None
    assert hinted(desk.env) == []
