"""Change detection in the Salesforce sandbox (salesforce-api.md section 10)."""

from __future__ import annotations

import pytest

from .sales import DEAL, SOLUTION, Sales


async def test_updated_lists_rows_created_and_changed_in_the_window(sales: Sales) -> None:
    first, second = await sales.deal(), await sales.deal()
    sales.frame.clock.advance(300)
    await sales.patch("Opportunity", first, Amount=1)
    recent = {"start": sales.moment(-60), "end": sales.moment(60)}
    reply = await sales.call("GET", "/sobjects/Opportunity/updated/", params=recent)
    assert reply.json["ids"] == [first]
    assert reply.json["latestDateCovered"] == sales.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    earlier = {"start": sales.moment(-400), "end": sales.moment(-60)}
    reply = await sales.call("GET", "/sobjects/Opportunity/updated", params=earlier)
    assert reply.json["ids"] == [second]


async def test_deleted_tells_when_and_since_when_it_knows(sales: Sales) -> None:
    row_id = await sales.deal()
    await sales.call("DELETE", f"/sobjects/Opportunity/{row_id}")
    window = {"start": sales.moment(-60), "end": sales.moment(60)}
    reply = (await sales.call("GET", "/sobjects/Opportunity/deleted/", params=window)).json
    stamp = sales.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    assert reply["deletedRecords"] == [{"id": row_id, "deletedDate": stamp}]
    assert set(reply) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}
    assert (await sales.call("GET", "/sobjects/Opportunity/updated", params=window)).json["ids"] == []


async def test_offsets_in_the_window_are_understood_when_encoded(sales: Sales) -> None:
    await sales.deal()
    start = sales.now(3_600 - 60).strftime("%Y-%m-%dT%H:%M:%S%%2B01:00")
    end = sales.now(3_600 + 60).strftime("%Y-%m-%dT%H:%M:%S.000%%2B01:00")
    reply = await sales.call("GET", f"/sobjects/Opportunity/updated/?start={start}&end={end}")
    assert len(reply.json["ids"]) == 1
    bare = start.replace("%2B", "+")
    reply = await sales.call("GET", f"/sobjects/Opportunity/updated/?start={bare}&end={end}")
    assert reply.status == 400


async def test_an_open_transaction_holds_the_covered_date_back(sales: Sales) -> None:
    """10.2: latestDateCovered equals the start of the oldest running transaction."""
    with sales.org.open_transaction() as slow:
        began = sales.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        slow.create("Opportunity", DEAL)
        sales.frame.clock.advance(240)
        window = {"start": sales.moment(-600), "end": sales.moment()}
        reply = (await sales.call("GET", "/sobjects/Opportunity/updated", params=window)).json
        assert (reply["ids"], reply["latestDateCovered"]) == ([], began)
    reply = (await sales.call("GET", "/sobjects/Opportunity/updated", params=window)).json
    assert len(reply["ids"]) == 1
    assert reply["latestDateCovered"] > began


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("updated", 60, -60),
        ("updated", -20, 20),
        ("updated", -31 * 86_400, 0),
        ("deleted", -16 * 86_400, 0),
    ],
)
async def test_windows_that_are_empty_or_too_old_are_refused(
    sales: Sales, kind: str, start: int, end: int
) -> None:
    """10.3: a minute at least; updated 30 days back, deleted 15."""
    window = {"start": sales.moment(start), "end": sales.moment(end)}
    reply = await sales.call("GET", f"/sobjects/Opportunity/{kind}", params=window)
    assert reply.refusal == (400, "INVALID_REPLICATION_DATE")


async def test_a_purged_delete_log_and_too_many_ids_are_refused(sales: Sales) -> None:
    """Section 3 INVALID_REPLICATION_DATE and EXCEEDED_ID_LIMIT."""
    for _ in range(2):
        await sales.deal()
    window = {"start": sales.moment(-3_600), "end": sales.moment(60)}
    sales.org.settings.delete_log_days = 1 / 48
    reply = await sales.call("GET", "/sobjects/Opportunity/deleted", params=window)
    assert reply.refusal == (400, "INVALID_REPLICATION_DATE")
    sales.org.settings.replication_ids_limit = 1
    reply = await sales.call("GET", "/sobjects/Opportunity/updated", params=window)
    assert reply.refusal == (400, "EXCEEDED_ID_LIMIT")


async def test_a_missing_bound_is_refused_and_lists_have_no_changes_kept(sales: Sales) -> None:
    reply = await sales.call("GET", "/sobjects/Opportunity/updated")
    assert reply.refusal == (400, "INVALID_REPLICATION_DATE")
    window = {"start": sales.moment(-60), "end": sales.moment(60)}
    reply = await sales.call("GET", "/sobjects/OpportunityStage/updated", params=window)
    assert reply.refusal == (404, "NOT_FOUND")


async def test_a_child_does_not_move_the_stamp_of_its_opportunity(sales: Sales) -> None:
    """10.2: poll the children too."""
    deal = await sales.deal()
    before = (await sales.get("Opportunity", deal))["SystemModstamp"]
    sales.frame.clock.advance(10)
    contact = await sales.create("Contact", LastName="Ito")
    role = await sales.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, IsPrimary=True)
    member = await sales.create("OpportunityTeamMember", OpportunityId=deal, UserId=sales.org.user_id)
    solution = await sales.create(SOLUTION, Opportunity__c=deal, Name="S")
    await sales.create("Note", ParentId=deal, Title="Note")
    await sales.patch(SOLUTION, solution, Quantity__c=2)
    await sales.call("DELETE", f"/sobjects/OpportunityTeamMember/{member}")
    row = await sales.get("Opportunity", deal)
    assert (row["SystemModstamp"], row["ContactId"]) == (before, contact)
    await sales.call("DELETE", f"/sobjects/OpportunityContactRole/{role}")
    row = await sales.get("Opportunity", deal)
    assert (row["SystemModstamp"], row["ContactId"]) == (before, None)


async def test_children_go_with_their_parent_and_come_back_with_it(sales: Sales) -> None:
    """9: the roles of a deleted opportunity are in the recycle bin with it."""
    deal = await sales.deal()
    contact = await sales.create("Contact", LastName="Ito")
    role = await sales.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact)
    solution = await sales.create(SOLUTION, Opportunity__c=deal, Name="S")
    await sales.call("DELETE", f"/sobjects/Opportunity/{deal}")
    soql = "SELECT Id, IsDeleted FROM OpportunityContactRole"
    assert [row["Id"] for row in await sales.query(soql, path="/queryAll")] == [role]
    assert await sales.query(soql) == []
    assert (await sales.call("GET", f"/sobjects/{SOLUTION}/{solution}")).status == 404
    sales.org.as_seller.undelete("Opportunity", deal)
    assert [row["Id"] for row in await sales.query(soql)] == [role]
    assert (await sales.get(SOLUTION, solution))["IsDeleted"] is False


async def test_a_lookup_to_a_deleted_row_is_cleared(sales: Sales) -> None:
    campaign = await sales.create("Campaign", Name="Spring")
    deal = await sales.deal(CampaignId=campaign)
    await sales.call("DELETE", f"/sobjects/Campaign/{campaign}")
    assert (await sales.get("Opportunity", deal))["CampaignId"] is None


async def test_an_account_takes_its_contacts_and_deals_along(sales: Sales) -> None:
    account = await sales.create("Account", Name="Contoso")
    contact = await sales.create("Contact", LastName="Ito", AccountId=account)
    deal = await sales.deal(AccountId=account)
    await sales.call("DELETE", f"/sobjects/Account/{account}")
    for sobject, row_id in (("Contact", contact), ("Opportunity", deal)):
        reply = await sales.call("GET", f"/sobjects/{sobject}/{row_id}")
        assert reply.refusal == (404, "ENTITY_IS_DELETED")
