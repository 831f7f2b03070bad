"""hold and resolve: a person's decision is recorded, and only for what that person saw."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cosell.cli import deciding
from cosell.cli.finding import link_named
from cosell.core.reasons import Reason
from cosell.core.records import Link, Side, WriteKind
from cosell.ports import Store
from cosell.wiring.environment import Environment
from cosell.wiring.places import locate
from tests.cli.conftest import OPPORTUNITY, REFERRAL, Cosell, link_of, stored


def test_a_held_deal_is_held_whole_with_who_and_why(cosell: Cosell, deal: str) -> None:
    said = cosell("hold", deal, "--note", "price under discussion")
    assert said.code == 0
    held = link_of(deal).holds["*"]
    assert held.reason == Reason.BY_PERSON
    assert held.detail == "ada: price under discussion"


def test_a_release_ends_the_hold_and_leaves_other_holds_alone(cosell: Cosell, deal: str) -> None:
    cosell("hold", deal)
    assert cosell("hold", deal, "--release").code == 0
    assert set(link_of(deal).holds) == {"deal_value"}


def test_releasing_what_nobody_holds_is_said_and_points_to_resolve(cosell: Cosell, deal: str) -> None:
    said = cosell("hold", deal, "--release")
    assert said.code == 1
    assert "cosell resolve" in said.words


def test_every_decision_stands_in_the_audit_with_its_author(cosell: Cosell, deal: str) -> None:
    cosell("hold", deal)
    rows = cosell("audit", "list", "--json").json["data"]["rows"]
    assert rows[0]["kind"] == WriteKind.DECISION
    assert "ada" in rows[0]["note"]
    assert cosell("audit", "verify").code == 0


def test_a_decision_pokes_the_deal(cosell: Cosell, deal: str) -> None:
    cosell("hold", deal)
    assert cosell("status", "--json").json["data"]["waiting"]["due"] == 1


@pytest.mark.parametrize(("take", "side"), [("crm", Side.CRM), ("partner_center", Side.PARTNER_CENTER)])
def test_resolve_takes_one_side_for_exactly_the_values_shown(
    cosell: Cosell, deal: str, take: str, side: Side
) -> None:
    assert cosell("resolve", deal, "deal_value", "--take", take).code == 0
    answer = link_of(deal).resolutions["deal_value"]
    assert (answer.take, answer.partner_center, answer.crm) == (side, Decimal(200), Decimal(300))
    assert answer.who == "ada"


def test_a_field_that_is_not_held_cannot_be_resolved(cosell: Cosell, deal: str) -> None:
    said = cosell("resolve", deal, "close_date", "--take", "crm", "--json")
    assert said.code == 1
    assert "is not held" in said.json["error"]["message"]
    assert link_of(deal).resolutions == {}


@pytest.mark.parametrize(
    "words",
    [
        ("resolve", "x", "deal_value", "--take", "both"),
        ("resolve", "x", "no_such_field", "--take", "crm"),
        ("resolve", "x", "deal_value"),
        ("hold",),
        ("hold", "x", "--release-brake"),
        ("sync",),
        ("sync", "x", "--all"),
        ("run", "--log", "poetry"),
    ],
)
def test_a_command_that_makes_no_sense_is_a_usage_error(
    cosell: Cosell, deal: str, words: tuple[str, ...]
) -> None:
    assert cosell(*words).code == 2
    said = cosell(*words, "--json")
    assert (said.code, said.json["ok"]) == (2, False)


def test_the_brake_is_released_once(cosell: Cosell, deal: str) -> None:
    assert cosell("hold", "--release-brake").code == 1

    async def brake(store: Store) -> None:
        await store.set_setting("brake", "on", "cosell", 1000.0)

    stored(brake)
    assert cosell("hold", "--release-brake").code == 0
    assert stored(lambda store: store.setting("brake")) == "released"


def test_a_deal_is_found_by_any_of_its_names(cosell: Cosell, deal: str) -> None:
    for name in (
        deal,
        REFERRAL,
        REFERRAL.upper(),
        OPPORTUNITY,
        f"https://contoso.lightning.force.com/lightning/r/Opportunity/{OPPORTUNITY}/view",
        f"https://contoso.my.salesforce.com/{OPPORTUNITY}",
        f"https://partner.microsoft.com/referrals/v2/inbox?id={REFERRAL}",
        f"https://partner.microsoft.com/en-us/dashboard/referrals/{REFERRAL}#/details",
        f"  {OPPORTUNITY} ",
    ):
        assert cosell("audit", "list", name, "--json").code == 0, name


def test_a_deal_nobody_knows_is_said_with_what_to_give(cosell: Cosell, deal: str) -> None:
    said = cosell("explain", "0061k00000000000AA")
    assert said.code == 1
    assert "No deal is known" in said.words
    assert "opportunity id" in said.words


def test_a_running_process_is_asked_by_a_poke_alone(cosell: Cosell, deal: str) -> None:
    with locate(None, {}).told({"web": "http://127.0.0.1:1"}):
        said = cosell("sync", deal, "--json")
    assert said.json["data"] == {"poked": 1, "by": "running process"}
    assert cosell("status", "--json").json["data"]["waiting"]["due"] == 1


def test_a_decision_survives_that_the_deal_moved_meanwhile(
    cosell: Cosell, deal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compare-and-swap refuses the first attempt; the decision is put on top of what came (INV-8)."""

    async def read_and_moved(env: Environment, named: str) -> Link:
        found = await link_named(env, named)
        await env.store.poke_keys([deal], "poll", 2000.0)
        (taken,) = await env.store.take(1, "test", 2000.0, 60.0)
        await env.store.save(taken, replace(taken.link, detail="moved"))
        await env.store.done(taken, 2000.0)
        return found

    monkeypatch.setattr(deciding, "link_named", read_and_moved)
    assert cosell("hold", deal).code == 0
    assert link_of(deal).detail == "moved"
    assert "*" in link_of(deal).holds


def test_a_resolution_is_refused_when_the_values_changed_meanwhile(
    cosell: Cosell, deal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person decides between two values seen, never between two others."""

    async def read_and_changed(env: Environment, named: str) -> Link:
        found = await link_named(env, named)
        await env.store.poke_keys([deal], "poll", 2000.0)
        (taken,) = await env.store.take(1, "test", 2000.0, 60.0)
        other = replace(found.holds["deal_value"], crm=Decimal(999))
        await env.store.save(taken, replace(taken.link, holds={"deal_value": other}))
        await env.store.done(taken, 2000.0)
        return found

    monkeypatch.setattr(deciding, "link_named", read_and_changed)
    said = cosell("resolve", deal, "deal_value", "--take", "crm", "--json")
    assert said.code == 5
    assert "changed meanwhile" in said.json["error"]["message"]
    assert link_of(deal).resolutions == {}
