"""What goes wrong between us and Dynamics 365: batches, limits, versions, delta links, sign-in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.mapping import Conflict
from cosell.core.reasons import Reason
from cosell.core.records import LinkState, Side, WriteState

from .conftest import SOL, Desk, Furnish

pytestmark = pytest.mark.parametrize("crm", ["dynamics"], indirect=True)
BATCH = "/$batch"
API = "/api/data"


async def shared(desk: Desk) -> tuple[str, str]:
    """A deal of the portal and its opportunity, at rest."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    return referral, str(row["id"])


@pytest.mark.parametrize("kind", ["lose", "drop"])
@pytest.mark.parametrize("path", [BATCH, API])
async def test_an_update_without_an_answer_arrives_exactly_once(desk: Desk, kind: str, path: str) -> None:
    """INV-10: whatever request it was, and whether or not it was carried out."""
    referral, opportunity = await shared(desk)
    desk.change(referral, details__dealValue=777, details__notes="Once.")
    desk.harm("crm", kind, method="*", path=path, times=3)
    await desk.sync_over(240)
    row = desk.row(opportunity)
    assert (row["value"], row["notes"]) == (777, "Once.")
    assert row["audit"].count("Received from Partner Center") == 1
    rows = [one.write for one in await desk.journal(referral) if "deal_value" in one.write.fields]
    assert all(one.state is not WriteState.OPEN for one in rows)
    assert len(desk.opportunities(referral)) == 1


@pytest.mark.parametrize("kind", ["lose", "drop"])
async def test_a_creation_without_an_answer_makes_one_deal_one_account_one_contact(
    desk: Desk, kind: str
) -> None:
    """INV-3, C-01: the change set is all or nothing, and the referral's key admits one."""
    referral = desk.inbound()
    await desk.engine.poll(Side.PARTNER_CENTER)
    desk.harm("crm", kind, method="POST", path=BATCH, times=4)
    await desk.sync_over(600)
    seller = desk.sandbox.dataverse.as_seller
    assert len(desk.opportunities(referral)) == 1
    assert [one["name"] for one in seller.rows("account")] == ["Contoso Harbour BV"]
    assert len(seller.rows("contact")) == 1
    assert len(seller.rows("cosell_opportunitysolution")) == 1
    assert (await desk.link(referral)).state is LinkState.LINKED


@pytest.mark.parametrize("kind", ["lose", "drop"])
async def test_a_close_without_an_answer_closes_once(desk: Desk, kind: str) -> None:
    """M-06: the action is not idempotent, so the row is read before it is repeated."""
    referral, opportunity = await shared(desk)
    desk.change(referral, status="Closed", substatus="Won")
    await desk.engine.poll(Side.PARTNER_CENTER)
    desk.harm("crm", kind, method="POST", path=BATCH, times=2)
    await desk.sync_over(300)
    assert desk.row(opportunity)["state"] == "won"
    assert len(desk.sandbox.dataverse.as_seller.rows("opportunityclose")) == 1


@pytest.mark.parametrize(
    "name",
    ["THROTTLED_REQUESTS", "THROTTLED_TIME", "THROTTLED_CONCURRENCY", "UNAVAILABLE", "GATEWAY_TIMEOUT"],
)
async def test_an_environment_that_is_busy_gets_the_change_later(desk: Desk, name: str) -> None:
    """dataverse-api.md 2.11: 429 with Retry-After, by any of the three limits, and gateways."""
    referral, opportunity = await shared(desk)
    desk.change(referral, details__dealValue=888)
    desk.harm("crm", "answer", method="*", path=API, times=4, name=name)
    await desk.sync_over(600)
    assert desk.row(opportunity)["value"] == 888
    assert (await desk.link(referral)).holds == {}


async def test_a_seller_who_was_faster_keeps_his_edit(desk: Desk) -> None:
    """INV-1, 412: a change between our read and our write is read before anything is written."""
    referral, opportunity = await shared(desk)
    desk.change(referral, details__dealValue=888)
    desk.harm("crm", "answer", method="*", path="$batch", name="VERSION_MISMATCH")
    write = desk.env.systems().crm.update_many

    async def late(updates):  # type: ignore[no-untyped-def]
        desk.env.systems().crm.update_many = write  # type: ignore[method-assign]
        desk.edit(opportunity, notes="The seller was faster.")
        return await write(updates)

    desk.env.systems().crm.update_many = late  # type: ignore[method-assign]
    await desk.sync_over(120)
    row = desk.row(opportunity)
    assert (row["value"], row["notes"]) == (888, "The seller was faster.")
    assert desk.referral(referral)["details"]["notes"] == "The seller was faster."


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(Conflict.NEWEST, "Ours."), (Conflict.PARTNER_CENTER, "Theirs."), (Conflict.CRM, "Ours.")],
)
async def test_edits_of_two_fields_merge_and_one_conflict_follows_its_rule(
    desk: Desk, rule: Conflict, expected: str
) -> None:
    """J-5: no edit lost; the loser stands in the journal."""
    rules = dict(desk.engine.room.rules)
    rules["notes"] = replace(rules["notes"], conflict=rule)
    desk.engine.room.rules = rules
    referral, opportunity = await shared(desk)
    desk.change(referral, details__notes="Theirs.", details__dealValue=11)
    desk.clock.leap(60)
    desk.edit(opportunity, notes="Ours.", close_date="2027-05-31")
    await desk.sync()
    row, details = desk.row(opportunity), desk.referral(referral)["details"]
    assert row["notes"] == details["notes"] == expected
    assert row["value"] == 11
    assert details["closingDateTime"].startswith("2027-05-31")
    lost = {"Ours.", "Theirs."} - {expected}
    told = [one.write.fields["notes"] for one in await desk.journal(referral) if "notes" in one.write.fields]
    assert lost <= {one.before for one in told}


@pytest.mark.parametrize("status", [400, 410])
async def test_an_expired_delta_link_leads_to_a_full_look_without_loss_or_doubles(
    desk: Desk, status: int
) -> None:
    """dataverse-api.md 4.1, 0x80044352: after eight days, new, changed and deleted rows are all found."""
    desk.sandbox.dataverse.settings.expired_token_status = status
    referral, opportunity = await shared(desk)
    gone = desk.opportunity(name="Gone meanwhile")
    await desk.sync()
    desk.clock.leap(8 * 86400)
    desk.edit(opportunity, value=888)
    new = desk.opportunity(name="New meanwhile")
    desk.seller.delete("opportunity", gone)
    await desk.sync()
    await desk.engine.sweep()
    await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 888
    assert len(desk.referrals_of(new)) == 1
    assert len(desk.referrals_of(gone)) == 1
    assert (await desk.link(gone)).state is LinkState.GONE
    assert len(desk.referrals.all()) == 3
    assert await desk.sync() == 0


async def test_a_watcher_without_change_tracking_finds_the_same(furnished: Furnish) -> None:
    """dataverse-api.md 4.4: `watcher = "modified_on"`, where change tracking is refused."""
    desk = await furnished(crm={"watcher": "modified_on"})
    desk.sandbox.dataverse.settings.untracked_tables = frozenset(
        {"opportunity", "cosell_opportunitysolution"}
    )
    referral, opportunity = await shared(desk)
    desk.edit(opportunity, value=888)
    await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 888
    assert len(desk.referrals_of(desk.opportunity())) == 0
    await desk.sync()
    assert len(desk.referrals.all()) == 2


async def test_change_tracking_that_is_off_is_said_and_nothing_is_lost(desk: Desk) -> None:
    """0x80072491: the message names the switch and the way around."""
    referral, opportunity = await shared(desk)
    desk.sandbox.dataverse.settings.untracked_tables = frozenset({"opportunity"})
    desk.edit(opportunity, value=888)
    with pytest.raises(Exception, match="Change tracking is off") as told:
        await desk.sync()
    assert "modified_on" in told.value.advice  # type: ignore[attr-defined]
    desk.sandbox.dataverse.settings.untracked_tables = frozenset()
    await desk.sync_over(120)
    assert float(desk.referral(referral)["details"]["dealValue"]) == 888


async def test_a_withdrawn_secret_pauses_dynamics_alone_and_is_told(desk: Desk) -> None:
    """TRB-3.4, C-08: invalid_client becomes SignedOut; what was changed goes over afterwards."""
    referral, opportunity = await shared(desk)
    desk.change(referral, details__notes="While signed out.")
    desk.harm("crm", "answer", method="*", path=API, times=1000, name="UNAUTHORIZED")
    with pytest.raises(Exception, match=r"(?i)sign"):
        await desk.sync()
    await desk.engine.drain()
    assert any("signed_out" in name for name in await desk.env.store.settings("alert:"))
    assert (await desk.link(referral)).state is LinkState.LINKED
    desk.sandbox.frame.faults.clear()
    desk.clock.leap(61)
    await desk.sync_over(600)
    assert desk.row(opportunity)["notes"] == "While signed out."
    assert not any("signed_out" in name for name in await desk.env.store.settings("alert:"))


async def test_a_right_that_was_taken_away_is_named(desk: Desk) -> None:
    """C-09: the privilege stands in the alert, and the change follows once it is given back."""
    referral, opportunity = await shared(desk)
    desk.sandbox.dataverse.settings.missing_privileges = frozenset({"prvwriteopportunity"})
    desk.change(referral, details__notes="Not allowed.")
    await desk.sync_over(60)
    alerts = await desk.env.store.settings("alert:")
    assert any("prvWriteOpportunity" in str(told) for told in alerts.values())
    desk.sandbox.dataverse.settings.missing_privileges = frozenset()
    await desk.sync_over(900)
    assert desk.row(opportunity)["notes"] == "Not allowed."


async def test_a_column_that_was_renamed_is_named_and_nothing_is_lost(desk: Desk) -> None:
    """J-9: what was kept in step never falls out of step in silence, and goes on once it is back."""
    referral, opportunity = await shared(desk)
    schema = desk.sandbox.dataverse.schema
    schema.rename_column("opportunity", "cosell_referralprogram", "cosell_renamed")
    schema.change_column("opportunity", "cosell_renamed", label="Something else")
    desk.change(referral, details__notes="Still there.", referralProgram="Partner of the year")
    desk.clock.leap(86_401)
    await desk.sync_over(120)
    assert desk.row(opportunity)["notes"] == "Still there."
    schema.rename_column("opportunity", "cosell_renamed", "cosell_referralprogram")
    desk.clock.leap(86_401)
    await desk.sync_over(120)
    row = desk.row(opportunity)
    assert (row["notes"], row["program"]) == ("Still there.", "Partner of the year")


async def test_an_automation_that_refuses_a_new_deal_is_told_in_its_own_words(desk: Desk) -> None:
    """INV-14, 0x80040265: nothing of the change set stays behind."""
    desk.seller.forbid_more_than(50000, "Ask finance above 50,000.")
    referral = desk.inbound()
    await desk.sync()
    link = await desk.link(referral)
    assert link.state is LinkState.HELD
    assert "Ask finance" in link.detail
    assert desk.sandbox.dataverse.as_seller.rows("account") == []
    desk.change(referral, by="microsoft", details__dealValue=40000)
    await desk.sync()
    assert [one["value"] for one in desk.opportunities(referral)] == [40000]


async def test_a_plug_in_that_rewrites_our_value_starts_no_quarrel(desk: Desk) -> None:
    """INV-4: what stands there after our write is the base, so nothing comes back."""
    referral = desk.portal(details={**desk_details(), "currency": "JPY", "dealValue": 1234.5})
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["value"] == 1235
    for _ in range(3):
        await desk.engine.sweep()
        await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 1234.5
    assert Reason.CONFLICT not in {hold.reason for hold in (await desk.link(referral)).holds.values()}


def desk_details() -> dict[str, object]:
    solution = {"id": SOL, "name": "Fleet Optimizer", "type": "Name"}
    requirements = {"solutions": [solution]}
    return {"notes": "N", "closingDateTime": "2027-05-31T00:00:00Z", "requirements": requirements}
