"""Upsert and concurrency, row by row of dataverse-api.md 2.7."""

from __future__ import annotations

import asyncio

import pytest

from cosell.sandbox.dataverse.columns import Key

from .dynamics import DEAL, NOWHERE, REFERRAL, WITH_ROW, Dynamics

BY_KEY = f"opportunities({REFERRAL}='R-1')"
OLD = 'W/"1"'


async def etag(dynamics: Dynamics, path: str) -> str:
    return str((await dynamics.row(path, select="name"))["@odata.etag"])


@pytest.mark.parametrize("representation", [False, True])
async def test_a_patch_updates_what_is_there_and_creates_what_is_not(
    dynamics: Dynamics, *, representation: bool
) -> None:
    headers = WITH_ROW if representation else {}
    made = await dynamics.call("PATCH", BY_KEY, DEAL, headers=headers)
    changed = await dynamics.call("PATCH", BY_KEY, {"name": "New"}, headers=headers)
    assert (made.status, changed.status) == ((201, 200) if representation else (204, 204))
    assert (await dynamics.row(BY_KEY))["name"] == "New"
    assert len((await dynamics.get("opportunities")).rows) == 1


async def test_if_match_any_updates_and_never_creates(dynamics: Dynamics) -> None:
    assert (await dynamics.patch(BY_KEY, DEAL, If_Match="*")).refusal == (404, "0x80060891")
    await dynamics.deal(**{REFERRAL: "R-1"})
    assert (await dynamics.patch(BY_KEY, {"name": "New"}, If_Match="*")).status == 204


async def test_if_match_of_a_version_updates_that_version_only(dynamics: Dynamics) -> None:
    assert (await dynamics.patch(BY_KEY, DEAL, If_Match=OLD)).status == 404
    await dynamics.deal(**{REFERRAL: "R-1"})
    current = await etag(dynamics, BY_KEY)
    assert (await dynamics.patch(BY_KEY, {"name": "New"}, If_Match=current)).status == 204
    late = await dynamics.patch(BY_KEY, {"name": "Late"}, If_Match=current)
    assert late.refusal == (412, "0x80060882")
    text = "The version of the existing record doesn't match the RowVersion property provided."
    assert late.message == text
    assert (await dynamics.row(BY_KEY))["name"] == "New"


@pytest.mark.parametrize("code", ["", "0x80040237"])
async def test_if_none_match_any_creates_and_never_updates(dynamics: Dynamics, code: str) -> None:
    dynamics.org.settings.existing_key_code = code
    assert (await dynamics.patch(BY_KEY, DEAL, If_None_Match="*")).status == 204
    again = await dynamics.patch(BY_KEY, {"name": "New"}, If_None_Match="*")
    assert again.refusal == (412, code)
    assert again.message == "A record with matching key values already exists."
    assert (await dynamics.row(BY_KEY))["name"] == DEAL["name"]


async def test_a_delete_of_a_version_deletes_that_version_only(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(**{REFERRAL: "R-1"})
    old = await etag(dynamics, BY_KEY)
    await dynamics.patch(BY_KEY, {"name": "New"})
    late = await dynamics.call("DELETE", f"opportunities({deal})", headers={"If-Match": old})
    assert late.refusal == (412, "0x80060882")
    now = await etag(dynamics, BY_KEY)
    assert (await dynamics.call("DELETE", BY_KEY, headers={"If-Match": now})).status == 204
    gone = await dynamics.call("DELETE", f"opportunities({deal})", headers={"If-Match": now})
    assert gone.refusal == (404, "0x80040217")


async def test_the_word_null_in_if_none_match_means_nothing_on_any_verb(dynamics: Dynamics) -> None:
    """Section 2.1."""
    null = {"If-None-Match": "null"}
    deal = (await dynamics.call("POST", "opportunities", DEAL, headers=null)).row_id
    path = f"opportunities({deal})"
    assert (await dynamics.call("PATCH", path, {"name": "New"}, headers=null)).status == 204
    assert (await dynamics.call("GET", path, headers=null)).status == 200
    assert (await dynamics.call("DELETE", path, headers=null)).status == 204


async def test_an_address_by_key_is_repeated_as_it_came(dynamics: Dynamics) -> None:
    reply = await dynamics.patch(BY_KEY, DEAL)
    assert reply.headers["OData-EntityId"] == f"{dynamics.root}/opportunities({REFERRAL}=%27R-1%27)"
    told = await dynamics.call("PATCH", f"{BY_KEY}?$select=opportunityid", DEAL, headers=WITH_ROW)
    assert set(told.json) == {"@odata.context", "@odata.etag", "opportunityid"}


async def test_a_table_without_optimistic_concurrency_refuses_versions(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    dynamics.org.schema.table("opportunity").optimistic_concurrency = False
    path = f"opportunities({deal})"
    reply = await dynamics.patch(path, {"name": "New"}, If_Match=OLD)
    assert reply.refusal == (400, "0x8006088d")
    assert (await dynamics.patch(path, {"name": "New"}, If_Match="*")).status == 204
    dynamics.org.schema.table("opportunity").optimistic_concurrency = True
    dynamics.org.settings.unguarded_tables = frozenset({"opportunity"})
    assert (await dynamics.patch(path, {"name": "X"}, If_Match=OLD)).refusal == (400, "0x8006088d")


async def test_a_version_that_is_none_is_refused(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    reply = await dynamics.patch(f"opportunities({deal})", {"name": "New"}, If_Match="yesterday")
    assert reply.refusal == (400, "0x80060883")


@pytest.mark.parametrize("key", ["name='x'", f"{REFERRAL}='x',name='y'", "nonsense='x'", "_ownerid_value=1"])
async def test_a_key_nobody_declared_is_refused(dynamics: Dynamics, key: str) -> None:
    reply = await dynamics.call("GET", f"opportunities({key})")
    assert reply.refusal == (400, "0x80060890")
    assert "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.opportunity'" in (
        reply.message
    )


async def test_a_key_whose_index_is_not_ready_cannot_be_used(dynamics: Dynamics) -> None:
    table = dynamics.org.schema.table("opportunity")
    dynamics.org.schema.drop_key("opportunity", table.keys[0].name)
    dynamics.org.schema.add_key("opportunity", Key("waiting", "Waiting", (REFERRAL,), status="Pending"))
    assert (await dynamics.call("GET", BY_KEY)).refusal == (400, "0x80060890")


async def test_no_row_for_a_key_is_404(dynamics: Dynamics) -> None:
    assert (await dynamics.call("GET", BY_KEY)).refusal == (404, "0x80060891")
    assert (await dynamics.call("DELETE", BY_KEY)).refusal == (404, "0x80060891")


async def test_several_rows_for_a_key_are_refused(dynamics: Dynamics) -> None:
    """A key declared over rows that repeat a value."""
    table = dynamics.org.schema.table("opportunity")
    key = table.keys.pop()
    for _ in range(2):
        await dynamics.deal(**{REFERRAL: "R-1"})
    dynamics.org.schema.add_key("opportunity", key)
    assert (await dynamics.call("GET", BY_KEY)).refusal == (400, "0x8006089d")


@pytest.mark.parametrize("status", [412, 400])
async def test_a_second_row_with_the_same_key_violates_it(dynamics: Dynamics, status: int) -> None:
    dynamics.org.settings.key_violation_status = status
    await dynamics.deal(**{REFERRAL: "R-1"})
    other = await dynamics.deal(**{REFERRAL: "R-2"})
    created = await dynamics.call("POST", "opportunities", {**DEAL, REFERRAL: "r-1"})
    changed = await dynamics.patch(f"opportunities({other})", {REFERRAL: "R-1"})
    assert created.refusal == changed.refusal == (status, "0x80060892")
    assert "violated. A record with the same value for Referral identifier already exists" in (
        created.message
    )


async def test_rows_without_a_key_value_do_not_violate_it(dynamics: Dynamics) -> None:
    assert await dynamics.deal() != await dynamics.deal(**{REFERRAL: None})


async def test_racing_upserts_leave_one_row(dynamics: Dynamics) -> None:
    replies = await asyncio.gather(*(dynamics.patch(BY_KEY, DEAL) for _ in range(5)))
    assert {reply.status for reply in replies} == {204}
    assert len((await dynamics.get("opportunities")).rows) == 1


async def test_the_loser_of_a_race_is_told_of_the_key_and_finds_the_row(dynamics: Dynamics) -> None:
    dynamics.org.settings.lost_upsert_races = 1
    assert (await dynamics.patch(BY_KEY, DEAL)).refusal == (412, "0x80060892")
    assert (await dynamics.patch(BY_KEY, {"name": "Again"})).status == 204
    [row] = (await dynamics.get("opportunities", select="name")).rows
    assert row["name"] == "Again"


async def test_a_chosen_id_is_taken_once(dynamics: Dynamics) -> None:
    chosen = {**DEAL, "opportunityid": NOWHERE}
    assert (await dynamics.call("POST", "opportunities", chosen)).row_id == NOWHERE
    again = await dynamics.call("POST", "opportunities", chosen)
    assert again.refusal == (412, "0x80040237")
    dynamics.org.settings.client_chosen_ids = False
    assert (await dynamics.call("POST", "opportunities", chosen)).row_id != NOWHERE


async def test_the_id_in_the_body_of_an_update_does_not_count(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    body = {"opportunityid": NOWHERE, "name": "New"}
    assert (await dynamics.patch(f"opportunities({deal})", body)).status == 204
    assert (await dynamics.row(f"opportunities({deal})"))["name"] == "New"


async def test_an_id_may_come_in_any_case_and_by_its_name(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    for key in (deal.upper(), f"opportunityid={deal}"):
        assert (await dynamics.row(f"opportunities({key})"))["opportunityid"] == deal
    user = dynamics.org.user_id
    assert (await dynamics.call("GET", f"systemusers(systemuserid={user})")).refusal == (400, "0x80060890")
    for wrong in (f"'{deal}'", "12", ""):
        assert (await dynamics.call("GET", f"opportunities({wrong})")).status == 400
