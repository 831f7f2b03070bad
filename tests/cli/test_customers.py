"""Whose deal a new one is: how it is shown, and how a person answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosell.cli import customers
from cosell.core.matching import ACCOUNT, Account, Choice, Customer, Whose, choose
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link, LinkState, Side, WriteKind
from cosell.ports import Poke, Store
from tests.cli.conftest import HOSTILE, REFERRAL, Cosell, link_of, stored

NAME = "Contoso Harbour BV"


async def _waiting(store: Store) -> str:
    await store.poke([Poke(Side.PARTNER_CENTER, REFERRAL, "webhook")], 1000.0)
    (taken,) = await store.take(1, "test", 1000.0, 60.0)
    waiting = replace(
        taken.link,
        state=LinkState.HELD,
        reason=Reason.CUSTOMER_UNCLEAR,
        detail="Several accounts are equally likely the customer. A (001A): 90 points; B (001B): 90 points.",
        holds={ACCOUNT: Hold(Reason.CUSTOMER_UNCLEAR, 1000.0, partner_center=NAME)},
    )
    await store.save(taken, waiting)
    await store.done(taken, 1001.0)
    return taken.key


@pytest.fixture
def waiting(alone: Path) -> str:
    """The key of a deal that waits for its customer."""
    key = stored(_waiting)
    assert isinstance(key, str)
    return key


@pytest.mark.parametrize(
    ("words", "side", "chosen"),
    [(("--account", "001A"), Side.CRM, "001A"), (("--new-account",), Side.PARTNER_CENTER, None)],
)
def test_the_answer_is_kept_with_its_author_and_for_the_name_shown(
    cosell: Cosell, waiting: str, words: tuple[str, ...], side: Side, chosen: str | None
) -> None:
    said = cosell("resolve", waiting, *words, "--json")
    assert said.json["data"] == {"key": waiting, "account": chosen, "new_account": chosen is None}
    answer = link_of(waiting).resolutions[ACCOUNT]
    assert (answer.take, answer.partner_center, answer.crm, answer.who) == (side, NAME, chosen, "ada")
    (row,) = cosell("audit", "list", "--json").json["data"]["rows"]
    assert row["kind"] == WriteKind.DECISION
    assert "ada" in row["note"]
    assert (chosen or "a new account") in row["note"]
    assert cosell("audit", "verify").code == 0
    assert cosell("status", "--json").json["data"]["waiting"]["due"] == 1


def test_an_answer_may_be_changed_before_it_is_used(cosell: Cosell, waiting: str) -> None:
    assert cosell("resolve", waiting, "--account", "001A").code == 0
    assert cosell("resolve", waiting, "--new-account").code == 0
    assert link_of(waiting).resolutions[ACCOUNT].crm is None


def test_explain_shows_the_candidates_though_nothing_can_be_reached(cosell: Cosell, waiting: str) -> None:
    said = cosell("explain", waiting)
    assert "001A" in said.words
    assert "cosell resolve LINK --account ID" in said.words


def test_a_deal_that_waits_for_nobodys_account_takes_no_answer(cosell: Cosell, deal: str) -> None:
    said = cosell("resolve", deal, "--account", "001A", "--json")
    assert said.code == 1
    assert "does not wait for an account" in said.json["error"]["message"]


def test_an_answer_to_another_name_is_refused(
    cosell: Cosell, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def moved(env: object, link: Link, changed: object, note: str) -> None:
        other = Hold(Reason.CUSTOMER_UNCLEAR, 1000.0, partner_center="Another BV")
        changed(replace(link, holds={ACCOUNT: other}))  # type: ignore[operator]

    monkeypatch.setattr("cosell.cli.deciding.decide", moved)
    said = cosell("resolve", waiting, "--account", "001A", "--json")
    assert said.code == 5
    assert link_of(waiting).resolutions == {}


@pytest.mark.parametrize(
    "words",
    [
        ("--account", "001A", "--new-account"),
        ("deal_value", "--account", "001A"),
        ("--take", "crm", "--new-account"),
        ("--account", "no id"),
        ("--account", ""),
        ("--account", "x" * 65),
        ("--take", "crm"),
        ("deal_value",),
        (),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_usage_error(
    cosell: Cosell, waiting: str, words: tuple[str, ...]
) -> None:
    assert cosell("resolve", waiting, *words).code == 2
    assert link_of(waiting).resolutions == {}


def test_the_guid_of_an_account_is_an_id_too(cosell: Cosell, waiting: str) -> None:
    """Dynamics 365 names its rows so."""
    assert cosell("resolve", waiting, "--account", REFERRAL).code == 0


def test_the_verdict_is_plain_data_and_says_nothing_where_nobody_is_to_be_found() -> None:
    known = choose(Customer(NAME, "1"), [Account("001A", NAME, "1")])
    told = customers.told(known)
    assert told is not None
    assert (told["verdict"], told["account"]) == ("known", "001A")
    assert told["candidates"][0]["reasons"] == ["same name and postal code"]
    assert customers.told(None) is None
    assert customers.told(Choice(Whose.NEW)) is None


def test_hostile_names_of_candidates_are_tamed(capsys: pytest.CaptureFixture[str]) -> None:
    from cosell.cli.speaking import Voice, stdout

    doubles = [Account(number, HOSTILE, "1") for number in ("001A", "001B")]
    customers.show(Voice(stdout()), customers.told(choose(Customer(HOSTILE, "1"), doubles)))
    said = capsys.readouterr().out
    assert "001A" in said
    assert "\x1b" not in said
    assert "\u202e" not in said
