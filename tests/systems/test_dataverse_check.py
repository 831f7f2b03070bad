"""What `cosell doctor` learns about a Dataverse connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cosell.ports import Finding
from cosell.sandbox.dataverse.drafting import memo
from cosell.systems.dataverse import SYSTEM
from cosell.systems.dataverse.checking import check
from cosell.systems.dataverse.options import ClientSecret, Statuses
from cosell.systems.dataverse.rights import depths_of, rights
from cosell.systems.dataverse.wire import Answer

from .dynamicsdesk import ORG, Place, Script, place
from .dynamicsdesk import part as answered


async def looked(here: Place, **options: Any) -> Sequence[Finding]:
    return await check(here.access(**options))


def troubles(findings: Sequence[Finding]) -> dict[str, str]:
    return {one.name: one.message for one in findings if not one.ok}


async def test_a_good_connection_has_nothing_to_mend_and_changes_nothing() -> None:
    here = place()
    version = here.org.as_seller.rows("systemuser")
    findings = await looked(here)
    assert troubles(findings) == {}
    assert {
        "sign-in",
        "application user",
        "schema",
        "environment",
        "privileges",
        "too many rights",
        "required columns",
        "change tracking opportunity",
        "change tracking cosell_opportunitysolution",
        "country",
        "referral id",
        "versions",
        "currency",
        "status reasons",
        "team",
        "leads",
        "budget",
        "clock",
    } == {one.name for one in findings}
    assert here.org.as_seller.rows("systemuser") == version
    assert here.org.as_seller.rows("opportunity") == []
    assert here.calls() == 3


@pytest.mark.parametrize(
    ("switches", "name", "says"),
    [
        ({"application_user": False}, "application user", "no application user"),
        ({"application_roles": False}, "application user", "no security role"),
        (
            {"missing_privileges": frozenset({"prvReadOpportunity"})},
            "privilege prvReadOpportunity",
            "lacks prvReadOpportunity",
        ),
        (
            {"missing_privileges": frozenset({"prvReadAccount"})},
            "privilege prvReadAccount",
            "lacks prvReadAccount",
        ),
        ({"missing_privileges": frozenset({"prvReadUser"})}, "read systemuser", "prvReadUser"),
        ({"limited_read": frozenset({"opportunity"})}, "change tracking opportunity", "whole organization"),
        ({"untracked_tables": frozenset({"opportunity"})}, "change tracking opportunity", "is off"),
        ({"unguarded_tables": frozenset({"opportunity"})}, "versions", "Optimistic concurrency is off"),
    ],
)
async def test_each_trouble_has_its_sentence_and_its_advice(
    switches: dict[str, Any], name: str, says: str
) -> None:
    """TRB-3.5; reliability.md 10, least privilege."""
    here = place()
    for switch, value in switches.items():
        setattr(here.org.settings, switch, value)
    findings = await looked(here)
    assert says in troubles(findings)[name]
    assert all(one.advice and one.page for one in findings if not one.ok)


async def test_polling_by_time_needs_no_change_tracking() -> None:
    here = place()
    here.org.settings.untracked_tables = frozenset({"opportunity", "cosell_opportunitysolution"})
    here.org.settings.limited_read = frozenset({"opportunity"})
    assert len(troubles(await looked(here))) == 2
    assert troubles(await looked(here, watcher="modified_on")) == {}


async def test_a_wrong_secret_ends_the_look_with_one_sentence() -> None:
    (only,) = await looked(place(), login=ClientSecret("nope"))
    assert (only.name, only.ok) == ("sign-in", False)
    assert "secret" in only.message


async def test_what_the_admin_has_just_mended_is_seen_at_once() -> None:
    here = place()
    here.org.schema.drop_column("opportunity", "cosell_audit")
    access = here.access()
    assert "column opportunity.cosell_audit" in troubles(await check(access))
    here.org.schema.add_column("opportunity", memo("cosell_audit", "Audit", 4000))
    assert troubles(await check(access)) == {}


async def test_a_needed_column_that_is_missing_ends_the_look() -> None:
    here = place()
    here.org.schema.drop_column("opportunity", "cosell_syncwithpartnercenter")
    assert "cosell_syncwithpartnercenter" in troubles(await looked(here))["schema"]


async def test_a_key_that_is_not_active_is_told_with_its_state() -> None:
    here = place()
    deals = here.org.schema.table("opportunity")
    deals.keys = [replace(key, status="Failed") for key in deals.keys]
    here.org.schema.touch()
    assert "is Failed, not Active" in troubles(await looked(here))["referral id"]
    for key in list(deals.keys):
        here.org.schema.drop_key("opportunity", key.name)
    assert "does not exist" in troubles(await looked(here))["referral id"]


async def test_a_column_too_short_for_a_referrals_id_is_told() -> None:
    here = place()
    here.org.schema.change_column("opportunity", "cosell_referralidentifier", length=20)
    assert "has 36" in troubles(await looked(here))["referral id"]


async def test_columns_that_cannot_hold_or_take_a_value_are_told() -> None:
    """CUS-07: a lookup holds no country."""
    here = place()
    here.org.schema.change_column("opportunity", "cosell_referrallink", creatable=False, updatable=False)
    found = troubles(await looked(here, country_field="primarycontactid", value_field="estimatedclosedate"))
    assert "cannot be written" in found["column opportunity.cosell_referrallink"]
    assert "cannot hold country" in found["column account.primarycontactid"]
    assert "cannot hold deal value" in found["column opportunity.estimatedclosedate"]


async def test_answers_the_choice_of_help_lacks_are_named() -> None:
    here = place()
    column = here.org.schema.column("opportunity", "cosell_howcanmicrosofthelp")
    here.org.schema.change_column("opportunity", column.name, choices=column.choices[:5])
    assert "General or Other" in troubles(await looked(here))["help"]


async def test_currencies_are_looked_over() -> None:
    """PRE-12, TRB-1.4."""
    here = place()
    assert "no active currency SEK" in troubles(await looked(here, base_currency="SEK"))["currency"]
    said = {one.name: one.message for one in await looked(here, base_currency="EUR")}
    assert "base currency is EUR" in said["currency"]


async def test_a_state_without_a_status_reason_is_told() -> None:
    found = troubles(await looked(place(), statuses=Statuses(on_hold=())))
    assert "pending" in found["status reasons"]


async def test_without_the_stamp_doubts_take_longer() -> None:
    here = place()
    here.org.schema.drop_column("opportunity", "cosell_stamp")
    assert set(troubles(await looked(here))) == {"stamp", "column opportunity.cosell_stamp"}


async def test_a_missing_referral_column_on_leads_is_trouble_where_leads_are_wanted_only() -> None:
    """ENV-D02: whoever wants co-sell deals alone needs nothing of the kind."""
    here = place()
    here.org.schema.drop_column("lead", "cosell_referralidentifier")
    assert "not created" in troubles(await looked(here))["leads"]
    findings = await looked(here, leads=False)
    assert troubles(findings) == {}
    assert "cosell_only" in next(one.message for one in findings if one.name == "leads")


async def test_a_clock_that_is_off_is_told() -> None:
    here = place()
    here.clock.wall -= 600
    assert "from ours" in troubles(await looked(here))["clock"]


# --- privileges, where the environment lists them --------------------------------------------------


def held(*lacking: str, depth: str = "Global") -> dict[str, object]:
    """All privileges of the standard tables but these."""
    named = [
        f"prv{right}{table}"
        for table in (
            "Opportunity",
            "Account",
            "Contact",
            "Lead",
            "cosell_OpportunitySolution",
            "cosell_SolutionDetail",
        )
        for right in ("Create", "Read", "Write", "Append", "AppendTo", "Delete")
    ] + [f"prv{right}{table}" for right in ("Read", "AppendTo") for table in ("User", "TransactionCurrency")]
    rows = [{"PrivilegeName": name, "Depth": depth} for name in named if name not in lacking]
    return {"RolePrivileges": rows}


async def of_rights(body: object, status: int = 200) -> list[Finding]:
    """What is found where the environment answers the question for our privileges like this."""
    here = place()
    schema = await here.access().schema()
    script = Script()
    probes = [answered(200, {"value": []}) for _ in range(8 + 2)]
    script.on_batch(answered(status, body), *probes)
    access = here.access(environment_url=ORG)
    access.client = script.client()
    return await rights(access, schema)


async def test_each_missing_privilege_is_named() -> None:
    """dataverse-api.md 1.3."""
    found = await of_rights(held("prvWriteOpportunity", "prvAppendToAccount", "prvReadUser"))
    assert set(troubles(found)) == {
        "privilege prvWriteOpportunity",
        "privilege prvAppendToAccount",
        "privilege prvReadUser",
    }


async def test_reading_a_part_only_is_not_enough_for_change_tracking() -> None:
    """Trap 5."""
    found = troubles(await of_rights(held(depth="Local")))
    assert set(found) == {"change tracking opportunity", "change tracking cosell_opportunitysolution"}
    assert troubles(await of_rights(held())) == {}


@pytest.mark.parametrize("body", [None, {}, {"RolePrivileges": []}, {"RolePrivileges": [{"Depth": "x"}]}])
def test_an_answer_without_names_is_no_list(body: object) -> None:
    assert depths_of(Answer(200, body)) is None
    assert depths_of(Answer(404, body)) is None


async def test_a_look_that_is_refused_as_a_whole_says_so() -> None:
    here = place()
    access = here.access()
    await access.schema()
    here.fault("answer", "$batch", answer="UNAVAILABLE")
    (only,) = await rights(access, await access.schema())
    assert not only.ok


def test_it_is_called_dynamics() -> None:
    assert (SYSTEM.name, SYSTEM.label, SYSTEM.side) == ("dynamics", "Dynamics 365", "crm")
