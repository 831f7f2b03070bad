"""Installing into Dynamics 365, against an environment that nobody prepared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cosell.core.errors import NotAllowed, Rejected, SignedOut
from cosell.crm.installing import Act, Wish
from cosell.sandbox.dataverse.drafting import text
from cosell.sandbox.frame import Org
from cosell.systems.dataverse.checking import check
from cosell.systems.dataverse.package.bodies import publication
from cosell.systems.dataverse.package.model import PACKAGE

from .dynamicsyard import FORM, Cut, Yard, acts, yard

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "install-into-dynamics.md"


async def installed(page: str = "") -> Yard:
    here = yard()
    await here.install(Wish(page=page))
    here.line.writes.clear()
    here.told.clear()
    return here


def reshape(here: Yard, name: str, **changes: Any) -> None:
    """An administrator makes another column of it."""
    columns = here.org.schema.tables["opportunity"].columns
    columns[name] = replace(columns[name], **changes)


# --- in ------------------------------------------------------------------------------------------------


async def test_a_plan_shows_every_part_and_writes_nothing() -> None:
    here = yard()
    steps = await here.plan()
    made = acts(steps, Act.CREATE)
    for addition in PACKAGE.additions:
        assert {f"{addition.table}.{one.name}" for one in addition.columns} <= made.keys()
    assert {one.name for one in PACKAGE.tables} <= made.keys()
    assert acts(steps, Act.BLOCKED, Act.CHANGE, Act.REMOVE) == {}
    assert list(acts(steps, Act.BY_HAND)) == ["main form of opportunity"]
    assert here.line.writes == []


async def test_what_is_installed_is_all_the_connector_asks_for() -> None:
    here = yard()
    await here.install()
    access = here.access()
    schema = await access.schema()
    assert schema.missing == ()
    assert schema.keyed
    assert schema.capabilities.stamp
    assert schema.solution is not None
    assert schema.solution.tracked
    assert schema.solution.detail is not None
    assert schema.details is not None
    assert schema.leads is not None
    assert [one.name for one in await check(access) if not one.ok] == []


async def test_the_application_user_gets_the_role_and_nothing_else() -> None:
    """reliability.md 12."""
    here = yard()
    await here.install()
    findings = await check(here.access())
    assert all(one.ok for one in findings if "privilege" in one.name or "tracking" in one.name)


async def test_each_step_is_told_once_it_is_done_and_a_second_run_writes_nothing() -> None:
    here = yard()
    planned = acts(await here.plan(), Act.CREATE)
    await here.install()
    assert [one.what for one in here.told] == list(planned)
    here.line.writes.clear()
    steps = await here.install()
    assert here.line.writes == []
    assert set(acts(steps, Act.KEEP, Act.BY_HAND)) == {one.what for one in steps}


async def test_a_run_that_dies_after_any_call_goes_on_where_it_was() -> None:
    here = yard()
    deaths = 0
    here.line.dies_after = 1
    for _ in range(60):
        here.line.writes.clear()
        try:
            await here.install(Wish(page=FORM))
        except Cut:
            deaths += 1
            continue
        break
    assert "cosell_section" in form_of(here)
    assert deaths > 35
    assert (await here.access().schema()).missing == ()


async def test_a_call_whose_answer_got_lost_is_not_made_twice() -> None:
    here = yard()
    here.line.loses_answers = True
    await here.install()
    assert (await here.access().schema()).missing == ()
    names = [one["name"] for one in here.rows("role")]
    assert names.count(PACKAGE.role.name) == 1
    assert len(here.rows("publisher")) == len({one["uniquename"] for one in here.rows("publisher")})


async def test_a_column_of_another_kind_stops_everything_before_the_first_write() -> None:
    here = yard()
    await here.install()
    reshape(here, "cosell_syncwithpartnercenter", kind="string", length=100)
    here.line.writes.clear()
    blocked = acts(await here.plan(), Act.BLOCKED)
    assert "Boolean" in blocked["opportunity.cosell_syncwithpartnercenter"]
    with pytest.raises(Rejected, match="blocked") as stopped:
        await here.install()
    assert stopped.value.did == "Nothing was changed."
    assert here.line.writes == []


async def test_who_lacks_the_right_is_told_which_role_helps() -> None:
    """PRE-06: the application user alone is no System Customizer."""
    here = yard()
    with pytest.raises(NotAllowed) as refused:
        await here.install(admin=False)
    assert "System Customizer" in refused.value.advice


async def test_what_is_too_small_grows_and_nothing_shrinks() -> None:
    here = await installed()
    reshape(here, "cosell_referralidentifier", length=40)
    reshape(here, "cosell_referralprogram", length=3_000)
    changed = acts(await here.plan(), Act.CHANGE)
    assert changed == {"opportunity.cosell_referralidentifier": "from 40 to 100 characters"}
    await here.install()
    now = here.org.schema.tables["opportunity"].columns
    assert now["cosell_referralidentifier"].length == 100
    assert now["cosell_referralprogram"].length == 3_000


async def test_a_locked_environment_is_waited_for() -> None:
    here = yard()
    here.org.settings.customization_locks = 2
    await here.install()
    assert (await here.access().schema()).missing == ()


# --- the form --------------------------------------------------------------------------------------------


def form_of(here: Yard) -> str:
    forms = [one for one in here.rows("systemform") if one["objecttypecode"] == "opportunity"]
    return str(forms[0]["formxml"])


async def test_a_form_is_changed_only_where_it_is_named_and_shows_the_difference_first() -> None:
    here = await installed()
    before = form_of(here)
    wish = Wish(page=FORM)
    (step,) = [one for one in await here.plan(wish) if one.act is Act.CHANGE]
    assert step.what == f"form {FORM} of opportunity"
    assert '+<section name="cosell_section"' in step.diff
    assert "-<" not in step.diff.replace("--- ", "")
    assert form_of(here) == before
    await here.install(wish)
    after = form_of(here)
    at = after.index('<section name="cosell_section"')
    end = at + len(after) - len(before)
    assert after[:at] + after[end:] == before
    here.line.writes.clear()
    assert list(acts(await here.install(wish), Act.CHANGE, Act.CREATE)) == []
    assert here.line.writes == []


async def test_an_unknown_form_is_answered_with_those_there_are() -> None:
    here = await installed()
    blocked = acts(await here.plan(Wish(page="Somebody's")), Act.BLOCKED)
    assert f"«{FORM}»" in blocked["form Somebody's of opportunity"]


async def test_a_form_that_a_colleague_is_working_on_is_left_alone() -> None:
    here = await installed()
    form = next(one for one in here.rows("systemform") if one["name"] == FORM)
    path = f"systemforms({form['formid']})"
    theirs = form_of(here).replace("Fabrikam deal review", "Review of the deal")
    await here.calls().change(path, {"formxml": theirs})
    with pytest.raises(Rejected, match="not published"):
        await here.install(Wish(page=FORM))
    await here.calls().act("PublishXml", publication(["opportunity"]))
    await here.install(Wish(page=FORM))
    assert "Review of the deal" in form_of(here)
    assert "cosell_section" in form_of(here)


# --- out -------------------------------------------------------------------------------------------------


async def test_columns_with_data_stay_until_a_person_says_otherwise() -> None:
    here = await installed(page=FORM)
    steps = await here.uninstall()
    assert "opportunity.cosell_syncwithpartnercenter" in acts(steps, Act.KEEP)
    assert "cosell_section" not in form_of(here)
    assert PACKAGE.role.name not in [one["name"] for one in here.rows("role")]
    assert "cosell_audit" in here.org.schema.tables["opportunity"].columns
    # And it can be brought back.
    await here.install()
    assert (await here.access().schema()).missing == ()


async def test_what_was_installed_goes_without_a_trace() -> None:
    untouched = yard()
    here = await installed(page=FORM)
    removed = await here.uninstall(Wish(data=True))
    assert "publisher cosell" in acts(removed, Act.REMOVE)
    for name, table in untouched.org.schema.tables.items():
        assert set(here.org.schema.tables[name].columns) == set(table.columns), name
    assert set(here.org.schema.tables) == set(untouched.org.schema.tables)
    assert form_of(here) == form_of(untouched)
    for rows in ("role", "savedquery", "solution", "publisher"):
        assert len(here.rows(rows)) == len(untouched.rows(rows)), rows
    here.line.writes.clear()
    await here.uninstall(Wish(data=True))
    assert here.line.writes == []


async def test_what_somebody_else_made_by_the_same_names_stays() -> None:
    """Columns made by hand are used, and are no part of our solution."""
    here = yard(Org.READY)
    before = set(here.org.schema.tables["opportunity"].columns)
    await here.install()
    steps = await here.uninstall(Wish(data=True))
    assert "the installer did not make it" in acts(steps, Act.KEEP)["opportunity.cosell_audit"]
    assert set(here.org.schema.tables["opportunity"].columns) == before
    assert [one.name for one in await check(here.access()) if not one.ok] == []


# --- from Microsoft's own solution -----------------------------------------------------------------------


async def test_microsofts_columns_are_used_and_never_touched() -> None:
    """product.md J-13; dataverse-api.md 7."""
    here = yard(Org.MICROSOFT)
    wish = Wish(adopt=True)
    before = {
        name: column
        for name, column in here.org.schema.tables["opportunity"].columns.items()
        if name.startswith("msft_")
    }
    steps = await here.install(wish)
    kept = acts(steps, Act.KEEP)
    assert "opportunity.msft_microsoftpartnercenterreferralsync" in kept
    assert not any("msft_" in one for one in acts(steps, Act.CREATE, Act.CHANGE))
    now = here.org.schema.tables["opportunity"].columns
    assert {name for name in now if name.startswith("msft_")} == set(before)
    assert "cosell_stamp" in now
    assert "cosell_syncwithpartnercenter" not in now


async def test_the_settings_it_names_make_the_connector_use_microsofts_columns() -> None:
    from cosell.systems.dataverse.opening import names
    from cosell.systems.dataverse.settings import DynamicsSettings

    here = yard(Org.MICROSOFT)
    wish = Wish(adopt=True)
    await here.install(wish)
    installer = here.installer()
    told = await installer.settings(wish)
    await installer.aclose()
    assert told["names"] == "microsoft"
    fields = {key.removeprefix("fields."): one for key, one in told.items() if key.startswith("fields.")}
    section = DynamicsSettings.model_validate(
        {
            "environment": "sandbox",
            "url": "https://org.crm.dynamics.com",
            "client_id": "c",
            "client_secret": "env:SECRET",
            "names": told["names"],
            "fields": fields,
        }
    )
    schema = await here.access(fields=names(section)).schema()
    assert schema.missing == ()
    assert schema.keyed
    assert schema.opportunity["sync"].name == "msft_microsoftpartnercenterreferralsync"
    assert schema.lead["referral_id"].name == "cosell_referralidentifier"


async def test_a_column_that_the_settings_call_otherwise_is_not_made() -> None:
    """An organization's own column is used as it is; one that is not wanted stays away."""
    here = yard()
    here.org.schema.tables["opportunity"].add(text("fab_programme", "Programme", 100))
    here.settings = {"fields": {"program": "fab_programme", "microsoft_id": ""}}
    steps = await here.install()
    assert acts(steps, Act.KEEP)["opportunity.fab_programme"] == "not ours, used as it is"
    now = here.org.schema.tables["opportunity"].columns
    assert not {"cosell_referralprogram", "cosell_microsoftcrmidentifier"} & set(now)
    here.settings = {"fields": {"program": "fab_nothing"}}
    assert "not there" in acts(await here.plan(), Act.BLOCKED)["opportunity.fab_nothing"]


async def test_settings_that_use_microsofts_columns_need_no_second_word() -> None:
    here = yard(Org.MICROSOFT)
    await here.install(Wish(adopt=True))
    here.settings = {"names": "microsoft"}
    here.line.writes.clear()
    await here.install()
    assert here.line.writes == []


async def test_microsofts_columns_stay_when_ours_go() -> None:
    here = yard(Org.MICROSOFT)
    before = {name: set(table.columns) for name, table in here.org.schema.tables.items()}
    await here.install(Wish(adopt=True, page=FORM))
    await here.uninstall(Wish(data=True))
    assert {name: set(table.columns) for name, table in here.org.schema.tables.items()} == before
    assert here.org.schema.tables["opportunity"].keys == []


async def test_a_removal_that_dies_after_any_call_goes_on_where_it_was() -> None:
    here = await installed(page=FORM)
    here.line.dies_after = 1
    for _ in range(60):
        here.line.writes.clear()
        try:
            await here.uninstall(Wish(data=True))
        except Cut:
            continue
        break
    assert "cosell_solutiondetail" not in here.org.schema.tables
    assert acts(await here.removal(Wish(data=True)), Act.REMOVE, Act.CHANGE) == {}


async def test_an_administrators_token_that_ended_is_told() -> None:
    here = yard()
    here.org._entra.expire_access_tokens(static=True)
    with pytest.raises(SignedOut) as refused:
        await here.plan()
    assert "new access token" in refused.value.advice


async def test_without_columns_of_microsofts_there_is_nothing_to_adopt() -> None:
    here = yard()
    assert acts(await here.plan(Wish(adopt=True)), Act.BLOCKED)
    installer = here.installer()
    assert await installer.settings(Wish(adopt=True)) == {}
    await installer.aclose()


def test_the_guide_says_how_to_take_it_out_again() -> None:
    guide = GUIDE.read_text("utf-8")
    assert "cosell uninstall dynamics" in guide
    assert "--data" in guide
