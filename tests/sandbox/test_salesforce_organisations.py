"""What an org was given before anybody came, and who may do what in it (salesforce-api.md 2.1, 12.1, 13)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cosell.sandbox import Sandbox
from cosell.sandbox.frame import Org

from .packages import as_admin, assign, deploy
from .sales import DEAL, SOLUTION, Sales, served_org
from .visitor import visiting

MINIMAL = "Minimum Access - API Only Integrations"


@pytest.fixture
async def microsoft_org() -> AsyncIterator[Sales]:
    """An org that worked with Microsoft's own package."""
    async with served_org(Org.MICROSOFT) as served:
        yield served


async def _custom(sales: Sales, sobject: str = "Opportunity") -> list[str]:
    reply = await as_admin(sales, "GET", f"/sobjects/{sobject}/describe")
    return [one["name"] for one in reply.json["fields"] if one["custom"]]


async def test_a_bare_org_has_nothing_of_ours(bare_org: Sales) -> None:
    listed = (await as_admin(bare_org, "GET", "/sobjects")).json["sobjects"]
    assert not [one["name"] for one in listed if one["custom"]]
    assert await _custom(bare_org) == await _custom(bare_org, "Lead") == []
    stages = await bare_org.query("SELECT ApiName FROM OpportunityStage")
    assert len(stages) == 10
    assert {"ApiName": "On Hold"}.items() not in [one.items() for one in stages]
    soql = "SELECT Name FROM PermissionSet WHERE IsOwnedByProfile = false"
    assert (await as_admin(bare_org, "GET", "/query", params={"q": soql})).json["records"] == []


async def test_the_integration_user_of_a_bare_org_may_do_nothing_yet(bare_org: Sales) -> None:
    """2.1: the permission set opens the standard objects, too."""
    user = await bare_org.query(f"SELECT Profile.Name FROM User WHERE Id = '{bare_org.org.user_id}'")
    assert user[0]["Profile"]["Name"] == MINIMAL
    assert (await bare_org.ask("SELECT Id FROM Opportunity")).refusal == (400, "INVALID_TYPE")
    assert (await bare_org.call("GET", "/sobjects/Opportunity/describe")).refusal == (404, "NOT_FOUND")
    assert (await bare_org.call("POST", "/sobjects/Opportunity", DEAL)).refusal == (404, "NOT_FOUND")
    await deploy(bare_org)
    await assign(bare_org)
    deal = await bare_org.deal(Amount=5)
    row = await bare_org.get("Opportunity", deal)
    assert row["Amount"] == 5.0
    assert "NextStep" not in row
    assert (await bare_org.patch("Opportunity", deal, NextStep="x")).refusal == (400, "INVALID_FIELD")
    gone = await bare_org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert gone.refusal == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    told = (await bare_org.call("GET", "/sobjects/Opportunity/describe")).json
    assert (told["createable"], told["deletable"]) == (True, False)


async def test_field_and_object_permissions_can_be_granted_row_by_row(bare_org: Sales) -> None:
    """Public documentation of FieldPermissions and ObjectPermissions; effective at once."""
    made = await as_admin(bare_org, "POST", "/sobjects/PermissionSet", {"Name": "Own", "Label": "Own"})
    own = made.json["id"]
    rows = [
        ("ObjectPermissions", {"SobjectType": "Account", "PermissionsRead": True}),
        (
            "FieldPermissions",
            {"SobjectType": "Account", "Field": "Account.Phone", "PermissionsRead": True},
        ),
    ]
    for sobject, row in rows:
        reply = await as_admin(bare_org, "POST", f"/sobjects/{sobject}", {"ParentId": own, **row})
        assert reply.status == 201, reply.raw
    bare_org.org.as_seller.create("Account", {"Name": "Contoso", "Phone": "1"})
    assert (await bare_org.ask("SELECT Phone FROM Account")).refusal == (400, "INVALID_TYPE")
    await assign(bare_org, "Own")
    [row] = await bare_org.query("SELECT Id, Phone FROM Account")
    assert row["Phone"] == "1"
    refused = await bare_org.patch("Account", row["Id"], Phone="2")
    assert refused.refusal == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    soql = "SELECT Field, Parent.Name FROM FieldPermissions WHERE SobjectType = 'Account'"
    found = (await as_admin(bare_org, "GET", "/query", params={"q": soql})).json["records"]
    assert [(one["Field"], one["Parent"]["Name"]) for one in found] == [("Account.Phone", "Own")]


async def test_a_permission_that_names_no_field_is_refused(bare_org: Sales) -> None:
    own = (await as_admin(bare_org, "POST", "/sobjects/PermissionSet", {"Name": "O", "Label": "O"})).json[
        "id"
    ]
    for field in ("Account.Nope", "Account.Name", "Account.BillingCity", "Opportunity.Amount"):
        row = {"ParentId": own, "SobjectType": "Account", "Field": field, "PermissionsRead": True}
        reply = await as_admin(bare_org, "POST", "/sobjects/FieldPermissions", row)
        assert reply.refusal == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"), field
    row = {"ParentId": own, "SobjectType": "Nope__c", "PermissionsRead": True}
    reply = await as_admin(bare_org, "POST", "/sobjects/ObjectPermissions", row)
    assert reply.refusal == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


async def test_only_who_manages_users_grants_anything(sales: Sales) -> None:
    """And in an org with everything installed, taking the permission set away hides the fields."""
    row = {"Name": "Own", "Label": "Own"}
    refused = (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert (await sales.call("POST", "/sobjects/PermissionSet", row)).refusal == refused
    soql = "SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = 'Cosell_Connector'"
    [given] = await sales.query(soql)
    path = f"/sobjects/PermissionSetAssignment/{given['Id']}"
    assert (await sales.call("DELETE", path)).refusal == refused
    deal = await sales.deal(Audit__c="x", NextStep="y")
    assert (await as_admin(sales, "DELETE", path)).status == 204
    row = await sales.get("Opportunity", deal)
    assert "Audit__c" not in row
    assert row["NextStep"] == "y"
    assert (await sales.ask(f"SELECT Id FROM {SOLUTION}")).refusal == (400, "INVALID_TYPE")


async def test_an_administrator_signs_in_for_the_same_app(sales: Sales) -> None:
    reply = await sales.sign_in(sub=sales.org.administrator)
    assert reply.status == 200
    headers = {"Authorization": f"Bearer {reply.json['access_token']}"}
    who = await sales.call("GET", "/services/oauth2/userinfo", headers=headers)
    assert who.json["preferred_username"] == sales.org.administrator


async def test_permissions_that_are_too_many_can_be_found(sales: Sales) -> None:
    soql = (
        "SELECT PermissionSet.Label FROM PermissionSetAssignment"
        " WHERE AssigneeId = '{}' AND PermissionSet.PermissionsModifyAllData = true"
    )
    assert await sales.query(soql.format(sales.org.user_id)) == []
    [admin] = await sales.query("SELECT Id FROM User WHERE LastName = 'Admin'")
    assert len(await sales.query(soql.format(admin["Id"]))) == 1


async def test_an_org_of_microsofts_package_has_its_fields_under_the_printed_names(
    microsoft_org: Sales,
) -> None:
    """13: the referral id is an external id, and nobody says that it is unique (trap 4)."""
    assert set(await _custom(microsoft_org)) >= {
        "Sync_with_Partner_Center__c",
        "Referral_Identifier__c",
        "Referral_Link__c",
        "Audit__c",
        "How_can_Microsoft_help__c",
        "Products__c",
    }
    described = (await as_admin(microsoft_org, "GET", "/sobjects/Opportunity/describe")).json["fields"]
    key = next(one for one in described if one["name"] == "Referral_Identifier__c")
    assert (key["externalId"], key["unique"], key["length"]) == (True, False, 100)
    visible = [one["name"] for one in described if one["label"] == "Referral visible to Microsoft sellers?"]
    assert len(visible) == 1


async def test_microsofts_connector_left_its_traces_on_old_deals() -> None:
    """13: ✓ in names, lines in the audit, identifiers and links filled."""
    async with Sandbox.serve(base_port=0, org=Org.MICROSOFT) as sandbox:
        deals = sandbox.salesforce_desk.opportunities()
        linked = [one for one in deals if one["referral_id"]]
        assert linked
        assert all(one["name"].startswith("✓ ") for one in linked)
        whole = sandbox.salesforce_desk.opportunity(linked[0]["id"])
        assert whole["audit"].endswith("Partner Center Referral to CRM sync success.")
        assert whole["referral_link"].endswith(linked[0]["referral_id"])


async def test_a_bare_sandbox_is_seeded_with_ordinary_deals_and_works_for_sellers() -> None:
    async with Sandbox.serve(base_port=0, org=Org.BARE) as sandbox:
        deals = sandbox.salesforce_desk.opportunities()
        assert len(deals) > 10
        assert not any(one["referral_id"] or one["sync"] or one["solutions"] for one in deals)
        assert sandbox.partner_center_desk.deals()
        assert "On Hold" not in sandbox.salesforce_desk.stages()


async def test_a_field_the_org_lacks_is_refused_by_its_label() -> None:
    async with visiting(org=Org.BARE) as visitor:
        path = "/control/salesforce/opportunities"
        made = await visitor.post(path, {"name": "Data estate", "amount": 5})
        assert (made["name"], made["sync"]) == ("Data estate", None)
        refused = await visitor.post(f"{path}/{made['id']}/edit", {"sync": True}, status=400)
        assert refused["error"] == "This org has no field “Sync with Partner Center”."
        refused = await visitor.post(f"{path}/{made['id']}/solutions", {"id": "SOL-10001-AAA"}, status=400)
        assert "no object for the solutions" in refused["error"]
        page = await visitor.page(f"/salesforce/opportunities/{made['id']}")
        assert "Data estate" in page
