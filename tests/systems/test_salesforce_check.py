"""What `cosell doctor` learns about a Salesforce connection, and the budget it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from cosell.core.records import Snapshot
from cosell.ports import Budget, Finding
from cosell.systems.salesforce import SYSTEM
from cosell.systems.salesforce.options import Stages

from .salesfloor import Floor, opened


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


def troubles(findings: Sequence[Finding]) -> set[str]:
    return {one.name for one in findings if not one.ok}


async def test_a_good_connection_has_nothing_to_mend_and_changes_nothing(floor: Floor) -> None:
    findings = await floor.system.check()
    assert troubles(findings) == set()
    names = {
        "sign-in",
        "schema",
        "referral id",
        "teams",
        "currency",
        "stages",
        "country",
        "org",
        "notes",
        "version",
        "leads",
        "required fields",
        "too many rights",
        "page",
    }
    assert names | {"budget", "clock"} == {one.name for one in findings}
    assert floor.rows() == []


def grant(floor: Floor, right: str) -> None:
    """An administrator gives the integration user one right more."""
    org, store = floor.org, floor.org._org.store
    rows = store.live("PermissionSetAssignment")
    (set_id, *_) = [row["PermissionSetId"] for row in rows if row["AssigneeId"] == org.user_id]
    store.put("PermissionSet", set_id, {**(store.get("PermissionSet", set_id) or {}), right: True})


async def rights(floor: Floor) -> Finding:
    (found,) = [one for one in await floor.system.check() if one.name == "too many rights"]
    return found


async def test_an_administrators_rights_are_said_to_be_too_many(floor: Floor) -> None:
    """PRE-07: they are for the installer."""
    assert "no right of an administrator" in (await rights(floor)).message
    grant(floor, "PermissionsAuthorApex")
    found = await rights(floor)
    assert found.message.endswith(": Author Apex.")
    assert found.advice


async def test_a_right_the_edition_does_not_have_hides_no_other(floor: Floor) -> None:
    """Professional Edition knows no Apex; a query that named it would be refused as a whole."""
    grant(floor, "PermissionsManageUsers")
    floor.org.drift.hide("PermissionSet", "PermissionsAuthorApex")
    assert (await rights(floor)).message.endswith(": Manage Users.")


async def test_each_trouble_has_its_sentence_and_its_advice(floor: Floor) -> None:
    """PRE-15, PRE-16, PRE-19; reliability.md 10, least privilege."""
    settings = floor.org.settings
    settings.multi_currency = settings.opportunity_teams = settings.notes = False
    settings.unique_referral_id = False
    settings.hidden_fields = frozenset({"Opportunity.Cosell_Stamp__c", "Opportunity.Audit__c"})
    settings.readonly_fields = frozenset({"Opportunity.Referral_Link__c"})
    findings = await floor.system.check()
    assert troubles(findings) == {
        "field Cosell_Stamp__c",
        "field Audit__c",
        "field Referral_Link__c",
        "referral id",
        "stamp",
        "currency",
    }
    assert all(one.advice and one.page for one in findings if not one.ok)
    said = {one.name: one.message for one in findings}
    assert "off" in said["teams"]
    assert "off" in said["notes"]


async def test_what_the_admin_has_just_mended_is_seen_at_once(floor: Floor) -> None:
    floor.org.settings.hidden_fields = frozenset({"Opportunity.Audit__c"})
    assert "field Audit__c" in troubles(await floor.system.check())
    floor.org.settings.hidden_fields = frozenset()
    assert troubles(await floor.system.check()) == set()


async def test_a_version_the_org_does_not_offer_is_named() -> None:
    """salesforce-api.md 1: pin one version, check that it is in the list."""
    async with opened(api_version="20.0") as floor:
        findings = await floor.system.check()
        assert any(not one.ok for one in findings)


async def test_a_wrong_clock_is_told() -> None:
    async with opened() as floor:
        floor.clock.wall -= 3600
        assert "clock" in troubles(await floor.system.check())


async def test_the_budget_is_what_salesforce_said_last(floor: Floor) -> None:
    """salesforce-api.md 9."""
    assert floor.system.budget() == Budget()
    await floor.read(floor.deal())
    budget = floor.system.budget()
    assert budget.limit == 100_000
    assert budget.used is not None
    assert budget.used >= 1
    floor.org.settings.daily_api_calls = budget.used + 3
    assert "budget" in troubles(await floor.system.check())


async def test_the_schema_is_asked_again_after_a_day_for_one_call(floor: Floor) -> None:
    """salesforce-api.md 4: If-Modified-Since spares the answers."""
    deal = floor.deal()
    await floor.firm(deal)
    floor.forget()
    await floor.read(deal)
    assert floor.calls() == 1
    floor.later(86_500)
    floor.forget()
    assert isinstance(await floor.read(deal), Snapshot)
    assert floor.calls() == 2
    assert SYSTEM.name == floor.system.name


async def test_a_field_of_the_wrong_kind_is_named_with_the_kinds_that_fit(floor: Floor) -> None:
    """CUS-07: a country behind a lookup, a deal value in a text; linted against the live schema."""
    floor.org.schema.change_field("Opportunity", "Audit__c", type="boolean")
    system = floor.another(value_field="Description", country_field="ParentId")
    findings = {one.name: one for one in await system.check() if not one.ok}
    await system.aclose()
    assert {"field Audit__c", "field Description", "field ParentId"} <= set(findings)
    assert "currency, double" in findings["field Description"].advice


async def test_a_help_picklist_without_all_answers_is_told(floor: Floor) -> None:
    """FLD-S04, B8."""
    column = floor.org.schema.field("Opportunity", "How_can_Microsoft_help__c")
    floor.org.schema.change_field("Opportunity", column.name, choices=column.choices[:4])
    (finding,) = [one for one in await floor.system.check() if not one.ok]
    assert "Post Sales Customer Success, General or Other" in finding.message


async def test_without_an_on_hold_stage_microsofts_deals_have_no_place(floor: Floor) -> None:
    """ENV-S02 has no default that would be right everywhere."""
    system = floor.another(stages=Stages())
    (finding,) = [one for one in await system.check() if not one.ok]
    await system.aclose()
    assert (finding.name, "on_hold" in finding.advice) == ("stages", True)
