"""An administrator changes columns while an integration works, and takes it back (product.md J-9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.shell.desk.dataverse import DataverseDesk
from cosell.sandbox.shell.wishes import Refused

from .dynamics import DEAL, REFERRAL, Dynamics

AUDIT, HELP = "cosell_audit", "cosell_howcanmicrosofthelp"


def columns(dynamics: Dynamics) -> dict[str, Column]:
    return dict(dynamics.org.schema.table("opportunity").columns)


async def test_a_column_that_is_removed_comes_back_with_its_values_and_its_key(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(**{REFERRAL: "R-1"})
    before, drift = columns(dynamics), dynamics.org.drift
    drift.remove("opportunity", REFERRAL)
    assert (await dynamics.get("opportunities", select=REFERRAL)).refusal == (400, "0x80060888")
    assert (await dynamics.patch(f"opportunities({deal})", {REFERRAL: "x"})).refusal == (400, "0x80060888")
    assert (await dynamics.call("GET", f"opportunities({REFERRAL}='R-1')")).status == 400
    assert drift.changed() == [f"opportunity.{REFERRAL}"]
    drift.restore("opportunity", REFERRAL)
    assert (await dynamics.row(f"opportunities({REFERRAL}='R-1')"))["opportunityid"] == deal
    assert list(columns(dynamics).items()) == list(before.items())
    assert drift.changed() == []


async def test_a_renamed_column_is_found_by_either_name(dynamics: Dynamics) -> None:
    deal, drift = await dynamics.deal(cosell_audit="One"), dynamics.org.drift
    drift.rename("opportunity", AUDIT, "cosell_Trail")
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["cosell_trail"], AUDIT in row) == ("One", False)
    drift.rename("opportunity", "cosell_trail", "fab_history")
    await dynamics.patch(f"opportunities({deal})", {"fab_history": "Two"})
    drift.restore("opportunity", "fab_history")
    assert (await dynamics.row(f"opportunities({deal})"))[AUDIT] == "Two"


async def test_a_hidden_column_is_empty_to_the_application_alone(dynamics: Dynamics) -> None:
    deal, drift = await dynamics.deal(cosell_audit="Kept"), dynamics.org.drift
    drift.hide("opportunity", AUDIT)
    assert (await dynamics.row(f"opportunities({deal})"))[AUDIT] is None
    assert dynamics.org.as_seller.get("opportunity", deal)[AUDIT] == "Kept"
    assert (await dynamics.patch(f"opportunities({deal})", {AUDIT: "x"})).refusal == (403, "0x8004f507")
    where = f"EntityDefinitions(LogicalName='opportunity')/Attributes(LogicalName='{AUDIT}')"
    assert (await dynamics.row(where))["IsSecured"] is True
    drift.restore("opportunity", AUDIT)
    assert (await dynamics.row(f"opportunities({deal})"))[AUDIT] == "Kept"
    drift.lock("opportunity", AUDIT)
    assert (await dynamics.row(f"opportunities({deal})"))[AUDIT] == "Kept"
    assert (await dynamics.patch(f"opportunities({deal})", {AUDIT: "x"})).refusal == (403, "0x8004f507")
    assert drift.changed() == [f"opportunity.{AUDIT}"]
    drift.restore("opportunity", AUDIT)
    assert (await dynamics.patch(f"opportunities({deal})", {AUDIT: "x"})).status == 204


@pytest.mark.parametrize(
    ("kind", "value"), [("WholeNumber", 5), ("Checkbox", True), ("Date", "2027-01-31"), ("Url", "http://x")]
)
async def test_a_retyped_column_takes_other_values_until_it_is_restored(
    dynamics: Dynamics, kind: str, value: Any
) -> None:
    name, drift = "cosell_microsoftcrmidentifier", dynamics.org.drift
    deal, other = await dynamics.deal(**{name: "crm-1"}), await dynamics.deal()
    drift.retype("opportunity", name, kind)
    assert (await dynamics.row(f"opportunities({deal})"))[name] is None
    assert (await dynamics.patch(f"opportunities({other})", {name: value})).status == 204
    drift.restore("opportunity", name)
    assert (await dynamics.row(f"opportunities({deal})"))[name] == "crm-1"
    kept = (await dynamics.row(f"opportunities({other})"))[name]
    assert kept == (value if kind == "Url" else None)


async def test_options_come_go_and_are_called_otherwise(dynamics: Dynamics) -> None:
    drift = dynamics.org.drift
    first, *_ = dynamics.org.schema.column("opportunity", HELP).choices
    deal = await dynamics.deal(**{HELP: first.value})
    drift.remove_value("opportunity", HELP, first.label)
    assert (await dynamics.call("POST", "opportunities", {**DEAL, HELP: first.value})).status == 400
    assert (await dynamics.row(f"opportunities({deal})"))[HELP] == first.value
    drift.add_value("opportunity", HELP, "A seventh way")
    drift.rename_value("opportunity", HELP, "General or Other", "Anything else")
    labels = [one.label for one in dynamics.org.schema.column("opportunity", HELP).choices]
    assert (len(labels), labels[-2:]) == (6, ["Anything else", "A seventh way"])
    await dynamics.deal(**{HELP: first.value + 6})
    drift.add_value("opportunity", "statuscode", "In review")
    await dynamics.patch(f"opportunities({deal})", {"statuscode": 6})
    drift.restore("opportunity", HELP)
    assert len(dynamics.org.schema.column("opportunity", HELP).choices) == 6
    await dynamics.deal(**{HELP: first.value})


async def test_what_cannot_be_changed_is_refused_in_words(dynamics: Dynamics) -> None:
    desk = DataverseDesk(dynamics.org)
    acts: tuple[tuple[Callable[[], None], str], ...] = (
        (lambda: desk.remove_field("opportunity", "name"), "standard column"),
        (lambda: desk.rename_field("opportunity", AUDIT, "trail"), "prefix"),
        (lambda: desk.rename_field("opportunity", AUDIT, "cosell_stamp"), "already"),
        (lambda: desk.hide_field("opportunity", REFERRAL), "alternate key"),
        (lambda: desk.retype_field("opportunity", AUDIT, "Nonsense"), "can become"),
        (lambda: desk.add_value("opportunity", AUDIT, "x"), "no choice"),
        (lambda: desk.remove_value("opportunity", HELP, "x"), "has no value"),
        (lambda: desk.restore_field("opportunity", "name"), "as it was"),
        (lambda: desk.lock_field("opportunity", "nothing"), "nothing"),
        (lambda: desk.require_field("nothing", AUDIT), "nothing"),
    )
    for act, why in acts:
        with pytest.raises(Refused, match=why):
            act()


async def test_a_required_column_shows_and_a_reset_forgets_it(dynamics: Dynamics) -> None:
    desk = DataverseDesk(dynamics.org)
    desk.require_field("opportunity", AUDIT)
    assert desk.changed_fields() == [f"opportunity.{AUDIT}"]
    assert dynamics.org.schema.column("opportunity", AUDIT).required == "ApplicationRequired"
    dynamics.org.settings.required_columns_enforced = True
    assert (await dynamics.call("POST", "opportunities", {})).refusal == (400, "0x80040200")
    dynamics.org.reset()
    assert desk.changed_fields() == []
