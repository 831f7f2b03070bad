"""Settings that change under the product's feet, and files that are no files (reliability.md 8.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosell.config import parse_settings, read, rules
from cosell.core.errors import Misconfigured
from cosell.core.reasons import Reason
from tests.bad_input.conftest import House
from tests.bad_input.settings_texts import GOOD, with_more


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cosell.toml").symlink_to(tmp_path / "cosell.toml")
    with pytest.raises(Misconfigured, match="cannot be read"):
        read(tmp_path / "cosell.toml")


def test_a_device_without_end_is_refused() -> None:
    """No more of a file is read than a settings file can have."""
    with pytest.raises(Misconfigured, match=r"larger than 1 MB"):
        read(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (with_more("[mapping.name]\nfirst = 'ask'\n[mapping.name]\nfirst = 'fill'"), "is not readable TOML"),
        (
            with_more("[mapping]\nname = { first = 'ask' }\n[mapping.name]\nfirst = 'ask'"),
            "is not readable TOML",
        ),
        (with_more("[mapping.'']\nfirst = 'ask'"), "names a field «» that does not exist"),
        (with_more("[mapping.name]\ntransform = 'upper'"), "transform"),
        (with_more("[mapping.name]\nvalues = { a = 'b' }"), "values"),
        (with_more("[mapping.program]\nupdate = 'both'"), "program"),
        (with_more("[mapping.state]\nconflict = 'crm'\nupdate = 'sideways'"), "sideways"),
        (GOOD + "\n" + "a." * 2000 + "b = 1", "cosell.toml"),
    ],
)
def test_a_mapping_that_means_two_things_or_nothing_is_refused(text: str, said: str) -> None:
    """Two rules for one field, unknown transforms, both ways onto what only Microsoft sets."""
    with pytest.raises(Misconfigured) as caught:
        rules(parse_settings(text))
    assert said in caught.value.message
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize("bits", [0o604, 0o666])
def test_a_secret_others_can_read_is_refused_whatever_else_is_allowed(tmp_path: Path, bits: int) -> None:
    file = tmp_path / "secret"
    file.write_text("marked-secret", "utf-8")
    file.chmod(bits)
    settings = parse_settings(GOOD.replace("env:REFRESH", f"file:{file}"))
    with pytest.raises(Misconfigured) as caught:
        settings.partner_center.refresh_token.fetch("[x] y", {}, tmp_path)
    assert "everybody on this machine can read" in caught.value.message
    assert "marked-secret" not in caught.value.message


async def test_a_new_rule_for_a_held_field_decides_it_and_loses_neither_value(house: House) -> None:
    """A change of the mapping while links are held: the other value stands in the audit (INV-2)."""
    desk, env = house.desk, house.running.env
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    env.settings = env.settings.model_copy(update={"mapping": {"notes": {"conflict": "ask"}}})
    desk.engine = env.engine()
    desk.change(referral, details__notes="Theirs.")
    desk.edit(row["Id"], Description="Ours.")
    await desk.sync_over(60, 20)
    link = await desk.link(referral)
    assert link.holds["notes"].reason == Reason.CONFLICT
    env.settings = env.settings.model_copy(update={"mapping": {"notes": {"conflict": "crm"}}})
    desk.engine = env.engine()
    await desk.engine.sweep()
    await desk.sync_over(60, 20)
    assert (await desk.link(referral)).holds == {}
    assert desk.referral(referral)["details"]["notes"] == desk.row(row["Id"])["Description"] == "Ours."
    written = [
        one.write.fields["notes"] for one in await desk.journal(referral) if "notes" in one.write.fields
    ]
    assert "Theirs." in [one.before for one in written]
