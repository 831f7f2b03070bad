"""The client of the control API that the command line uses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cosell.sandbox import Sandbox
from cosell.sandbox.shell.verbs import Control, SandboxRefused, SandboxUnreachable

from .visitor import visiting

INBOUND = "Factory monitoring for the Nürnberg plant"
LINKED = "Fleet planning for the canal depot"


async def do(act: Callable[[], Any]) -> Any:
    """Runs a blocking verb beside the sandbox it speaks to."""
    return await asyncio.to_thread(act)


async def test_every_verb_has_its_effect() -> None:
    async with visiting() as visitor:
        control = Control(visitor.sandbox.urls["index"])
        deals = (await do(control.deals))["partner_center"]
        ids = {deal["name"]: deal["id"] for deal in deals}
        assert (await do(lambda: control.accept(ids[INBOUND])))["substatus"] == "Accepted"
        other = ids["Delivery fleet for 14 stores"]
        assert (await do(lambda: control.decline(other, reason="Others")))["status_reason"] == "Others"
        assert (await do(lambda: control.expire(ids["Atölye stok takibi"])))["microsoft"][
            "substatus"
        ] == "Expired"
        assert (await do(lambda: control.edit(ids[LINKED], value=12)))["value"] == 12
        assert (await do(lambda: control.edit(ids[LINKED], by="microsoft", value=13)))["value"] == 12
        assert (await do(lambda: control.close(ids[LINKED], "lost", reason="Others")))["substatus"] == "Lost"
        assert (await do(lambda: control.new_deal(name="New")))["status"] == "New"
        assert (await do(lambda: control.new_referral(name="Mine")))["status"] == "Active"
        assert (await do(lambda: control.advance("14d")))["advanced_seconds"] == 14 * 86400
        assert (await do(lambda: control.drop_events(2)))["drop"] == 2
        assert (await do(lambda: control.duplicate_events(3)))["duplicate"] == 3
        assert (await do(lambda: control.events(on=False)))["on"] is False
        assert (await do(control.events))["on"] is False
        assert (await do(lambda: control.slow(0.001, system="entra")))["seconds"]["entra"] == 0.001
        assert (await do(lambda: control.fail("salesforce", status=503, times=2)))["times"] == 2
        assert len((await do(control.faults))["waiting"]) == 1
        assert (await do(control.heal))["taken_back"] == 1
        assert (await do(lambda: control.switch("webhooks", attempts=3)))["attempts"] == 3
        assert (await do(lambda: control.switch("webhooks")))["attempts"] == 3
        assert "salesforce" in await do(control.switch)
        assert (await do(lambda: control.calls(forget=True)))["total"] == 0
        assert (await do(lambda: control.revoke("entra")))["revoked"] == "entra"
        assert (await do(lambda: control.expire_sessions("salesforce")))["expired"] == "salesforce"
        assert (await do(control.sign_in))["refresh_token"]
        assert (await do(lambda: control.sign_in("entra", mfa=False)))["refresh_token"]
        made = await do(lambda: control.new_secret("dataverse", lifetime="30d"))
        assert len((await do(lambda: control.secrets("dataverse")))["secrets"]) == 2
        assert (await do(lambda: control.end_secret(made["key_id"], "dataverse")))["ends"]
        assert (await do(lambda: control.register_redirect("http://localhost/x")))["client_id"]
        assert (await do(lambda: control.reset(empty=True)))["empty"] is True
        assert (await do(lambda: control.deals("salesforce"))) == {"salesforce": []}


async def test_an_id_of_salesforce_means_the_opportunity() -> None:
    async with visiting(empty=True) as visitor:
        control = Control(visitor.sandbox.urls["index"])
        made = await do(lambda: control.new_opportunity(name="One", amount=5))
        assert (await do(lambda: control.edit(made["id"], amount=None, name="Two")))["name"] == "Two"
        assert (await do(lambda: control.deal(made["id"])))["amount"] is None


async def test_a_deal_is_made_in_the_system_that_is_named() -> None:
    async with visiting(empty=True) as visitor:
        control = Control(visitor.sandbox.urls["index"])
        deal = await do(lambda: control.new_opportunity(system="dataverse", name="One", amount=5))
        assert (await do(lambda: control.edit(deal["id"], amount=6)))["amount"] == 6
        assert (await do(lambda: control.close(deal["id"], "won")))["won"] is True
        lead = await do(lambda: control.new_lead(name="Two", company="Acme"))
        assert (await do(lambda: control.edit(lead["id"], company="Bcme")))["company"] == "Bcme"
        inbound = await do(lambda: control.new_deal(system="partner_center_2", name="Three"))
        assert (await do(lambda: control.accept(inbound["id"])))["substatus"] == "Accepted"
        own = await do(lambda: control.new_referral(system="partner_center_2", name="Four"))
        assert own["ours"]["mpnId"] == "6000002"
        assert len((await do(lambda: control.deals("partner_center_2")))["partner_center_2"]) == 2


async def test_the_client_trusts_the_authority_it_is_given_and_no_other() -> None:
    async with Sandbox.serve(base_port=0, tls=True, empty=True) as sandbox:
        trusting = Control(sandbox.urls["index"], ca_file=sandbox.description["ca_file"])
        assert await do(trusting.description) == sandbox.description
        with pytest.raises(SandboxUnreachable, match="certificate"):
            await do(Control(sandbox.urls["index"]).description)


async def test_a_refusal_carries_the_sandboxs_own_sentence() -> None:
    async with visiting(empty=True) as visitor:
        control = Control(visitor.sandbox.urls["index"])
        with pytest.raises(SandboxRefused, match="There is no referral “abc”"):
            await do(lambda: control.accept("abc"))
        with pytest.raises(SandboxRefused, match="no deals of “hubspot”"):
            await do(lambda: control.deals("hubspot"))
        with pytest.raises(SandboxRefused, match="Name a deal"):
            await do(lambda: control.accept("  "))
        with pytest.raises(SandboxRefused, match="page_size"):
            await do(lambda: control.switch("partner_center", pages=3))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "nonsense", "file:///etc/passwd", "http://[", "http://"]
)
async def test_an_address_where_no_sandbox_is_gets_a_sentence(url: str) -> None:
    with pytest.raises(SandboxUnreachable) as trouble:
        await do(Control(url).deals)
    assert url in str(trouble.value)
    assert "\n" not in str(trouble.value)


async def test_another_server_at_the_address_is_no_sandbox() -> None:
    async with visiting(empty=True) as visitor:
        with pytest.raises((SandboxUnreachable, SandboxRefused)):
            await do(Control(visitor.sandbox.urls["entra"]).deals)
