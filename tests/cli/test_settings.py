"""`cosell settings`: what is in force, and changing single lines of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Cosell


@pytest.fixture
def file(cosell: Cosell, alone: Path) -> Path:
    assert cosell("init", "--kind", "staging", "--name", "trial").code == 0
    return alone / "cosell.toml"


def test_only_the_lines_meant_are_changed(cosell: Cosell, file: Path) -> None:
    before = file.read_text("utf-8").splitlines()
    said = cosell("settings", "set", "pace.poll_crm=30", 'salesforce.stages.won=["Won", "Renewed"]')
    assert said.code == 0
    after = file.read_text("utf-8").splitlines()
    assert [line for line in after if line not in before] == ['won = ["Won", "Renewed"]', "poll_crm = 30"]
    assert len(after) == len(before)


def test_a_value_the_setting_cannot_have_is_refused_and_nothing_is_written(
    cosell: Cosell, file: Path
) -> None:
    before = file.read_bytes()
    said = cosell("settings", "set", "flows.repair=perhaps")
    assert said.code == 1
    assert "[flows] repair must be true or false" in said.words
    assert file.read_bytes() == before


def test_a_secret_in_clear_is_refused_and_not_repeated(cosell: Cosell, file: Path) -> None:
    """INV-13."""
    said = cosell("settings", "set", "partner_center.client_secret=Tr0ub4dor")
    assert said.code == 1
    assert "Tr0ub4dor" not in said.words + file.read_text("utf-8")


@pytest.mark.parametrize("pair", ["pace.poll_crm", "poll_crm=3", "=3", ".=3"])
def test_a_change_names_its_table_and_its_value(cosell: Cosell, file: Path, pair: str) -> None:
    assert cosell("settings", "set", pair).code == 2


def test_each_setting_in_force_says_where_it_comes_from(cosell: Cosell, file: Path) -> None:
    text = file.read_text("utf-8").replace('"fill in"', '"filled"')
    file.write_text(text, "utf-8")
    cosell("settings", "set", "salesforce.login_url=https://test.salesforce.com", "pace.poll_crm=30")
    shown = cosell("settings", "show", "--json").json["data"]
    assert shown["pace.poll_crm"] == {"value": 30.0, "from": "file"}
    assert shown["pace.poll_partner_center"] == {"value": 60.0, "from": "default"}
    assert shown["partner_center.refresh_token"]["value"] == "env:COSELL_REFRESH_TOKEN"
