"""Finding out what an environment has: dataverse-api.md 2, 5 and 7."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cosell.core.errors import CosellError, Misconfigured, NotAllowed, Rejected, SchemaDrift, Unavailable
from cosell.core.values import State
from cosell.sandbox.dataverse.columns import Key
from cosell.sandbox.dataverse.drafting import memo, text
from cosell.systems.dataverse.building import build
from cosell.systems.dataverse.metadata import choices_of, columns_of
from cosell.systems.dataverse.options import MICROSOFT, FieldNames, Statuses
from cosell.systems.dataverse.schema import Currency, Schema

from .dynamicsdesk import Place, place


async def schema(here: Place, **options: Any) -> Schema:
    return await here.access(**options).schema()


# --- what is found ---------------------------------------------------------------------------------


async def test_everything_is_learnt_in_one_call() -> None:
    here = place()
    found = await schema(here)
    assert here.calls() == 1
    assert found.organization.user_id == here.org.user_id
    assert (found.organization.name, found.organization.base_currency) == ("cosellsandbox", "USD")
    assert found.organization.token_days == 7
    assert found.missing == ()


async def test_lookups_are_read_and_bound_by_the_names_metadata_gives() -> None:
    """Trap 3: the case of a navigation property counts and cannot be guessed."""
    found = await schema(place())
    assert found.name("currency") == "_transactioncurrencyid_value"
    assert found.bind("opportunity", "customerid", "account") == "customerid_account@odata.bind"
    assert found.bind("opportunity", "customerid", "lead") is None
    assert found.bind("nothing", "customerid", "account") is None
    assert found.solution is not None
    assert found.solution.parent == "cosell_OpportunityId"
    assert found.solution.children == "cosell_opportunity_cosell_opportunitysolution"
    assert found.solution.detail == "cosell_SolutionDetailId"


async def test_lengths_and_choices_come_with_the_columns() -> None:
    """Trap 7."""
    found = await schema(place())
    assert found.opportunity["notes"].length == 2000
    assert found.opportunity["name"].length == 300
    assert found.account["customer_name"].length == 160
    assert found.contact["last_name"].length == 50
    labels = [choice.label for choice in found.opportunity["help"].choices]
    assert labels[2] == "Proof Of Concept or Demo"
    assert found.opportunity["help"].choice("quotes or licensing") is not None


async def test_active_currencies_are_known_by_code_and_all_by_id() -> None:
    here = place()
    found = await schema(here)
    assert found.currencies["JPY"].precision == 0
    assert found.currency_ids[found.currencies["EUR"].id] == "EUR"
    known = [(Currency("1", "EUR"), True), (Currency("2", "DEM"), False)]
    later = build(here.options, found.tables, known, found.organization)
    assert set(later.currencies) == {"EUR"}
    assert later.currency_ids == {"1": "EUR", "2": "DEM"}


async def test_what_it_can_do_follows_from_what_is_there() -> None:
    found = (await schema(place())).capabilities
    assert (found.create, found.precondition) == ("by_key", "version")
    assert found.stamp
    assert found.touched_by
    assert {"solutions", "contacts", "team", "country"} <= found.readable
    assert "state" in found.guarded
    assert "solutions" not in found.guarded, "they are rows of their own"
    assert "customer_name" not in found.updatable
    assert {"name", "customer_name", "contacts"} <= found.leads
    assert min(found.read_size, found.write_size) >= 200


async def test_a_key_that_is_not_active_refuses_no_doubles() -> None:
    here = place()
    deals = here.org.schema.table("opportunity")
    for status in ("Pending", "InProgress", "Failed"):
        deals.keys = [replace(key, status=status) for key in deals.keys]
        here.org.schema.touch()
        assert (await schema(here)).capabilities.create == "findable"
    for key in list(deals.keys):
        here.org.schema.drop_key("opportunity", key.name)
    assert (await schema(here)).capabilities.create == "findable"


async def test_a_key_of_several_columns_is_not_ours() -> None:
    here = place()
    for key in list(here.org.schema.table("opportunity").keys):
        here.org.schema.drop_key("opportunity", key.name)
    here.org.schema.add_key("opportunity", Key("k", "K", ("cosell_referralidentifier", "name")))
    assert not (await schema(here)).keyed


async def test_without_optimistic_concurrency_no_version_is_promised() -> None:
    here = place()
    here.org.settings.unguarded_tables = frozenset({"opportunity"})
    found = (await schema(here)).capabilities
    assert (found.precondition, found.guarded) == ("none", frozenset())


# --- other names -----------------------------------------------------------------------------------


async def test_microsofts_own_columns_can_be_chosen_instead() -> None:
    """dataverse-api.md 7: an organization that comes from Microsoft's solution keeps its columns."""
    here = place()
    here.org.schema.install_microsoft_columns()
    found = await schema(here, fields=MICROSOFT)
    assert found.missing == ()
    assert found.opportunity["referral_id"].name == "msft_microsoftpartnercenterreferralidentifier"
    assert found.opportunity["products"].name == "msft_microsoftpartnercentersolutions"
    assert found.opportunity["stamp"].name == "cosell_stamp"
    assert found.capabilities.create == "findable", "its referral id is no alternate key"


async def test_a_column_of_another_name_is_known_by_its_label() -> None:
    here = place()
    here.org.schema.rename_column("opportunity", "cosell_audit", "new_audit")
    assert (await schema(here)).opportunity["audit"].name == "new_audit"
    here.org.schema.add_column("opportunity", memo("new_audit2", "Audit", 100))
    found = await schema(here)
    assert "audit" not in found.opportunity, "two of one label are no answer"
    assert found.missing == ("opportunity.cosell_audit",)


async def test_the_settings_choose_value_country_and_duns() -> None:
    """ENV-D03, ENV-D04."""
    here = place()
    here.org.schema.add_column("account", text("new_country", "Land", 2), text("new_duns", "DUNS", 9))
    found = await schema(here, value_field="budgetamount", country_field="new_country", duns_field="new_duns")
    assert found.opportunity["deal_value"].name == "budgetamount"
    assert found.account["country"].name == "new_country"
    assert found.account["duns"].name == "new_duns"


@pytest.mark.parametrize("name", ["a b", "x)/y", "x'", "name,description", "9x", "x" * 200])
async def test_a_name_that_would_change_a_query_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be the name"):
        place().access(fields=FieldNames(audit=name))


# --- what is missing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column"),
    [("opportunity", "cosell_syncwithpartnercenter"), ("opportunity", "cosell_referralidentifier")],
)
async def test_a_column_that_is_needed_is_named(table: str, column: str) -> None:
    here = place()
    here.org.schema.drop_column(table, column)
    with pytest.raises(SchemaDrift, match=column):
        await schema(here)


async def test_what_is_not_needed_may_be_missing_and_is_said() -> None:
    here = place()
    here.org.schema.drop_column("opportunity", "cosell_audit")
    here.org.schema.drop_column("opportunity", "cosell_stamp")
    here.org.schema.drop_table("cosell_opportunitysolution")
    found = await schema(here)
    assert set(found.missing) == {
        "opportunity.cosell_audit",
        "opportunity.cosell_stamp",
        "cosell_opportunitysolution",
    }
    assert not found.capabilities.stamp
    assert "solutions" not in found.capabilities.readable


async def test_a_solution_table_that_does_not_point_to_opportunities_is_none() -> None:
    here = place()
    here.org.schema.drop_column("cosell_opportunitysolution", "cosell_opportunityid")
    found = await schema(here)
    assert found.solution is None
    assert "cosell_opportunitysolution.cosell_opportunityid" in found.missing


async def test_names_left_empty_are_not_missed() -> None:
    here = place()
    here.org.schema.drop_table("cosell_opportunitysolution")
    here.org.schema.drop_table("cosell_solutiondetail")
    here.org.schema.drop_column("opportunity", "cosell_stamp")
    fields = FieldNames(stamp="", solution_table="", detail_table="")
    assert (await schema(here, fields=fields)).missing == ()


async def test_leads_need_a_column_for_their_referral() -> None:
    """CAP-11: without it a lead could not be found again."""
    here = place()
    assert (await schema(here)).lead["name"].name == "subject"
    here.org.schema.drop_column("lead", "cosell_referralidentifier")
    found = await schema(here)
    assert found.capabilities.leads == frozenset()


async def test_the_status_of_new_leads_comes_from_the_environment() -> None:
    """CUS-13: never preset blindly."""
    here = place()
    assert (await schema(here)).lead_status is None
    chosen = (await schema(here, lead_status="contacted")).lead_status
    assert chosen is not None
    assert (chosen.value, chosen.state) == (2, 0)
    for word in ("Open - Not Contacted", "Lost"):
        with pytest.raises(Misconfigured, match="CUS-13"):
            await schema(here, lead_status=word)


# --- status reasons --------------------------------------------------------------------------------


async def test_status_reasons_stand_for_states() -> None:
    """dataverse-api.md 3; unaccepted deals of Microsoft are held by On Hold."""
    book = (await schema(place())).statuses
    assert book.unsaid() == ()
    assert book.status_for(State.PENDING).code == 2
    assert book.status_for(State.ACTIVE).code == 1
    assert book.status_for(State.WON).code == 3
    assert book.status_for(State.LOST) == book.status_for(State.DECLINED) == book.status_for(State.EXPIRED)
    meanings = [book.meaning(*pair) for pair in ((0, 1), (0, 2), (0, 77), (1, 3), (2, 5), (0, None))]
    assert meanings == [
        State.ACTIVE,
        State.PENDING,
        State.ACTIVE,
        State.WON,
        State.LOST,
        State.ACTIVE,
    ]


async def test_status_reasons_are_chosen_by_value_or_label() -> None:
    chosen = Statuses(active=("in progress",), lost=("Out-Sold",), declined=("4",), expired=("Canceled",))
    book = (await schema(place(), statuses=chosen)).statuses
    assert book.status_for(State.LOST).code == 5
    assert book.status_for(State.DECLINED).code == book.status_for(State.EXPIRED).code == 4


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        (Statuses(on_hold=("Paused",)), "has no status reason «Paused»"),
        (Statuses(lost=("Won",)), "counts as won"),
        (Statuses(on_hold=("5",)), "counts as lost"),
        (Statuses(active=("2",)), "stands under on_hold"),
    ],
)
async def test_a_status_setting_that_cannot_hold_is_refused_at_once(statuses: Statuses, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        await schema(place(), statuses=statuses)


async def test_a_state_nobody_stands_for_is_held_with_advice() -> None:
    book = (await schema(place(), statuses=Statuses(on_hold=()))).statuses
    assert book.unsaid() == ("pending",)
    with pytest.raises(Rejected, match="pending"):
        book.status_for(State.PENDING)


# --- again -----------------------------------------------------------------------------------------


async def test_the_schema_is_kept_and_asked_anew_after_a_while() -> None:
    here = place()
    access = here.access()
    first = await access.schema()
    assert await access.schema() is first
    assert here.calls() == 1
    here.clock.offset += 86_401
    second = await access.schema()
    assert second is not first
    assert here.calls() == 2
    assert here.found == [first, second]


async def test_an_unknown_column_makes_the_next_use_ask_past_every_cache() -> None:
    here = place()
    access = here.access()
    await access.schema()
    with pytest.raises(SchemaDrift):
        async with access.noting_drift():
            raise SchemaDrift("Dynamics 365 does not know x.")
    here.org.schema.add_column("opportunity", text("new_column", "New", 10))
    found = await access.schema()
    assert found.deals.get("new_column") is not None
    assert here.calls() == 2


async def test_a_thousand_calls_that_meet_one_unknown_column_cause_one_question() -> None:
    """J-9: single flight, also for calls that come back after the question was asked."""
    here = place()
    access = here.access()
    await access.schema()

    async def meets(wait: asyncio.Event) -> None:
        async with access.noting_drift():
            await wait.wait()
            raise SchemaDrift("Dynamics 365 does not know x.")

    soon, late = asyncio.Event(), asyncio.Event()
    early = [asyncio.create_task(meets(soon)) for _ in range(500)]
    others = [asyncio.create_task(meets(late)) for _ in range(500)]
    await asyncio.sleep(0)
    soon.set()
    await asyncio.gather(*early, return_exceptions=True)
    await asyncio.gather(*(access.schema() for _ in range(500)))
    late.set()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.gather(*(access.schema() for _ in range(500)))
    assert here.calls() == 2


async def test_a_column_that_vanishes_is_lacking_and_stops_nothing_else() -> None:
    """J-9; reliability.md 5, Schema."""
    here = place()
    access = here.access()
    await access.schema()
    here.org.schema.drop_column("opportunity", "cosell_referralprogram")
    await access.describe(thorough=True)
    found = await access.schema()
    lack = found.lacks["program"]
    assert (lack.place, lack.label) == ("opportunity.cosell_referralprogram", "Referral program")
    assert found.unread == {"program"}
    assert "program" not in found.capabilities.readable
    assert "notes" in found.capabilities.readable


async def test_a_needed_column_that_vanishes_stops_the_connection_with_its_name() -> None:
    """Nothing can be found without the referral's id."""
    here = place()
    access = here.access()
    await access.schema()
    here.org.schema.drop_column("opportunity", "cosell_referralidentifier")
    with pytest.raises(SchemaDrift, match="cosell_referralidentifier"):
        await access.describe(thorough=True)


async def test_many_who_ask_at_once_ask_once() -> None:
    here = place()
    access = here.access()
    found = await asyncio.gather(*(access.schema() for _ in range(6)))
    assert len({id(one) for one in found}) == 1
    assert here.calls() == 1


# --- misfortunes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("UNAVAILABLE", Unavailable),
        ("NOT_A_MEMBER", NotAllowed),
        ("NO_ROLES", NotAllowed),
        ("PRIVILEGE_DENIED", NotAllowed),
    ],
)
async def test_a_refused_question_is_no_news_about_the_schema(answer: str, kind: type[CosellError]) -> None:
    here = place()
    here.fault("answer", "$batch", answer=answer)
    access = here.access()
    with pytest.raises(kind):
        await access.schema()
    assert (await access.schema()).keyed


@pytest.mark.parametrize("privilege", ["prvReadTransactionCurrency"])
async def test_a_table_that_is_needed_and_may_not_be_read_names_its_privilege(privilege: str) -> None:
    here = place()
    here.org.settings.missing_privileges = frozenset({privilege})
    with pytest.raises(NotAllowed, match=privilege):
        await schema(here)


async def test_without_a_sight_of_the_organization_two_things_stay_unknown() -> None:
    here = place()
    here.org.settings.missing_privileges = frozenset({"prvReadOrganization"})
    found = (await schema(here)).organization
    assert (found.base_currency, found.token_days) == (None, None)
    assert found.user_id == here.org.user_id


def test_choices_shared_by_several_columns_count_as_well() -> None:
    option = {"Value": 1, "Label": {"UserLocalizedLabel": None, "LocalizedLabels": [{"Label": "Eins"}]}}
    row = {"OptionSet": None, "GlobalOptionSet": {"Options": [option, {"Value": "x"}, None]}}
    assert [(one.value, one.label) for one in choices_of(row)] == [(1, "Eins")]
    assert choices_of({}) == ()


def test_nonsense_about_columns_is_passed_over() -> None:
    rows: list[dict[str, Any]] = [
        {},
        {"LogicalName": None},
        {"LogicalName": "A", "DisplayName": 7, "IsValidForRead": False},
    ]
    assert columns_of(rows) == {}
