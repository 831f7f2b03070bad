"""status, explain, plan and audit: what is known is told, what is not read is said."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from cosell.engine import swept
from cosell.engine.swept import Report
from cosell.ports import Store
from cosell.wiring.places import locate
from tests.bad_input.settings_texts import GOOD
from tests.cli.conftest import OPPORTUNITY, REFERRAL, Cosell, stored


def test_looking_at_an_environment_that_never_ran_makes_no_database(cosell: Cosell, alone: Path) -> None:
    for words in (("status",), ("plan",), ("explain", "x"), ("audit", "verify"), ("webhook", "status")):
        said = cosell(*words)
        assert said.code == 1
        assert "There is no database" in said.words
        assert "cosell run" in said.words
    assert list(alone.iterdir()) == []


def test_status_tells_links_waiting_and_flows(cosell: Cosell, deal: str) -> None:
    data = cosell("status", "--json").json["data"]
    assert data["links"]["linked"] == 1
    assert data["environment"] == {"name": "sandbox", "kind": "sandbox"}
    assert data["flows"]["outbound_create"] is True
    assert data["running"] is None
    words = cosell("status").words
    for part in ("1 deal in step", "linked 1", "cosell run", "all on"):
        assert part in words


def test_status_tells_by_cause_who_has_to_do_what(cosell: Cosell, deal: str) -> None:
    """INV-22: nothing waits in silence."""
    (cause,) = cosell("status", "--json").json["data"]["attention"]
    assert (cause["reason"], cause["who"], cause["count"], cause["links"]) == (
        "conflict",
        "seller",
        1,
        [deal],
    )
    words = cosell("status").words
    assert "1 deal (seller): Both sides changed it" in words
    assert f"cosell explain {deal}" in words


def test_status_shows_a_standing_alert_with_what_to_do(cosell: Cosell, deal: str) -> None:
    async def alert(store: Store) -> None:
        row = json.dumps({"message": "The sign-in lapsed.", "advice": "Sign in again.", "since": 1000.0})
        await store.set_setting("alert:signed_out", row, "cosell", 1000.0)

    stored(alert)
    assert "The sign-in lapsed. Sign in again." in cosell("status").words
    assert cosell("status", "--json").json["data"]["alerts"][0]["code"] == "signed_out"


def test_status_tells_what_the_last_sweep_found_and_when_the_next_comes(cosell: Cosell, deal: str) -> None:
    """CAP-14, ENV-D06, INV-22."""
    assert "No sweep yet." in cosell("status").words
    began = time.time() - 7200.0
    report = Report(began, 42.0, links=10_000, agreed=9_997, repaired=2, held=1, calls={"crm": 40})

    async def swept_once(store: Store) -> None:
        await store.set_setting(swept.REPORT, swept.told(report), "cosell", began)
        await store.set_setting(swept.BEGUN, repr(began), "cosell", began)

    stored(swept_once)
    data = cosell("status", "--json").json["data"]["sweep"]
    assert (data["last"]["repaired"], data["last"]["compared"], data["began"]) == (2, 10_000, None)
    assert data["next"] == began + 86_400.0
    assert data["says"] == (
        "99.97 % of 10000 links compared agree, 2 to be repaired, 1 held; it took 42 s and 40 calls."
    )
    words = cosell("status").words
    assert f"2 h ago: {data['says']}" in words
    assert "Next in 22 h." in words


def test_a_sweep_that_gave_up_and_one_under_way_are_told(cosell: Cosell, deal: str) -> None:
    now = time.time()

    async def gave_up(store: Store) -> None:
        report = Report(now - 300.0, links=9, agreed=1, error="The sign-in lapsed.")
        await store.set_setting(swept.REPORT, swept.told(report), "cosell", now)
        await store.set_setting(swept.BEGUN, repr(now - 60.0), "cosell", now)

    stored(gave_up)
    words = cosell("status").words
    assert "The last sweep gave up after 1 link: The sign-in lapsed." in words
    assert "One began 60 s ago and is not at its end." in words


def test_explain_answers_for_every_field_also_where_nothing_can_be_read(cosell: Cosell, deal: str) -> None:
    """reliability.md 9: both values, base, rule, last write, who, why held, what next."""
    data = cosell("explain", deal, "--json").json["data"]
    assert data["as_of"] == "last agreement"
    assert data["not_read"]
    value = next(one for one in data["fields"] if one["field"] == "deal_value")
    assert (value["partner_center"], value["crm"]) == ("200", "300")
    assert value["base"] == {"partner_center": "100", "crm": "100"}
    assert value["rule"]["conflict"] == "newest"
    assert value["last_write"]["after"] == "100"
    assert value["last_write"]["who"] == "cosell"
    assert value["reason"] == "conflict"
    assert "cosell resolve" in value["next"]
    assert {one["field"] for one in data["fields"]} >= {"name", "state", "solutions", "team"}


def test_explain_reads_like_prose(cosell: Cosell, deal: str) -> None:
    words = cosell("explain", deal).words
    assert "Deal value (deal_value): held" in words
    assert "Both sides changed it" in words
    assert "was last agreed" in words
    assert REFERRAL in words
    assert OPPORTUNITY in words


def test_a_plan_that_cannot_read_is_to_be_tried_again_later(cosell: Cosell, deal: str) -> None:
    said = cosell("plan", deal, "--json")
    assert said.code == 75
    assert said.json["ok"] is False


def test_audit_list_and_export_tell_before_and_after(cosell: Cosell, deal: str) -> None:
    (row,) = cosell("audit", "list", "--json").json["data"]["rows"]
    assert row["fields"]["deal_value"] == {
        "before": "90",
        "after": "100",
        "reason": "changed_in_partner_center",
    }
    lines = [json.loads(line) for line in cosell("audit", "export").out.splitlines()]
    assert [line["id"] for line in lines] == ["w-1"]
    *_, last = cosell("audit", "export", "--json").out.splitlines()
    assert json.loads(last) == {"ok": True, "data": {"rows": 1}, "error": None}


def test_a_whole_audit_verifies(cosell: Cosell, deal: str) -> None:
    said = cosell("audit", "verify", "--json")
    assert (said.code, said.json["data"]["rows"]) == (0, 1)


def test_a_forged_audit_row_is_named_and_the_exit_code_is_1(cosell: Cosell, deal: str) -> None:
    """INV-7."""
    with sqlite3.connect(locate(None, {}).database) as raw:
        raw.execute("UPDATE write SET cause = 'nobody' WHERE id = 'w-1'")
    raw.close()
    said = cosell("audit", "verify", "--json")
    assert said.code == 1
    assert said.json["data"]["bad_write"] == "w-1"
    assert "w-1" in cosell("audit", "verify").words


@pytest.mark.parametrize("words", ["status", f"explain {REFERRAL}", "audit list", "mapping show"])
@pytest.mark.parametrize("columns", ["40", "20", "200"])
def test_a_narrow_terminal_loses_nothing_and_hostile_text_does_nothing(
    cosell: Cosell,
    deal: str,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    columns: str,
) -> None:
    """reliability.md 8.3 and 8.4: ANSI, bidi and markup out of records are shown, never obeyed."""
    monkeypatch.setenv("COLUMNS", columns)
    said = cosell(*words.split())
    assert said.code == 0
    for letter in ("\x1b", "\x07", "\u202e", "\u200b", "\r"):
        assert letter not in said.out
    assert max(map(len, said.out.splitlines())) <= int(columns)


def test_markup_in_a_record_is_text(cosell: Cosell, deal: str) -> None:
    assert "[bold red]name[/]" in cosell("explain", deal).words


def test_json_is_safe_for_a_terminal_too(cosell: Cosell, deal: str) -> None:
    assert cosell("explain", deal, "--json").out.isascii()


def test_a_settings_file_without_its_secret_is_said_by_name(
    cosell: Cosell, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REFRESH", raising=False)
    (alone / "cosell.toml").write_text(GOOD, "utf-8")
    findings = cosell("doctor", "--json").json["data"]["findings"]
    assert any("REFRESH, which is not set" in one["message"] for one in findings)


def test_what_status_tells_to_type_names_the_environment_that_was_meant(cosell: Cosell, deal: str) -> None:
    """Two environments run in one directory: the hint must find its deal."""
    assert f"cosell explain {deal} --config sandbox" in cosell("status", "--config", "sandbox").words
    assert f"cosell explain {deal} --config" not in cosell("status").words


def test_a_deal_that_is_not_here_may_be_one_of_the_other_environment(cosell: Cosell, deal: str) -> None:
    said = cosell("explain", "e0ae1a1b-6c59-4216-ae0f-dbc8a36bcb01")
    assert said.code == 1
    assert "--config sandbox-dynamics" in said.words
