"""An administrator changes fields while an integration works, and takes it back (product.md J-9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cosell.sandbox.shell.verbs import Control, SandboxRefused

from .sales import Sales
from .visitor import Visitor, visiting

HERE = "/control/salesforce/fields"
AUDIT = "Opportunity.Audit__c"


async def do(act: Callable[[], Any]) -> Any:
    """Runs a blocking verb beside the sandbox it speaks to."""
    return await asyncio.to_thread(act)


async def test_a_field_that_is_removed_comes_back_with_its_values_and_rights(sales: Sales) -> None:
    deal = await sales.deal(Audit__c="Kept", Referral_Identifier__c="r-1")
    before = (await sales.call("GET", "/sobjects/Opportunity/describe")).json["fields"]
    sales.org.drift.remove("Opportunity", "Audit__c")
    assert (await sales.ask("SELECT Audit__c FROM Opportunity")).refusal == (400, "INVALID_FIELD")
    assert (await sales.patch("Opportunity", deal, Audit__c="x")).refusal == (400, "INVALID_FIELD")
    assert sales.org.drift.changed() == [AUDIT]
    sales.org.drift.restore("Opportunity", "Audit__c")
    assert (await sales.get("Opportunity", deal))["Audit__c"] == "Kept"
    assert (await sales.call("GET", "/sobjects/Opportunity/describe")).json["fields"] == before
    assert sales.org.drift.changed() == []


async def test_a_renamed_field_is_found_by_either_name(sales: Sales) -> None:
    deal = await sales.deal(Audit__c="One")
    sales.org.drift.rename("Opportunity", "Audit__c", "Trail__c")
    row = await sales.get("Opportunity", deal)
    assert (row["Trail__c"], "Audit__c" in row) == ("One", False)
    sales.org.drift.rename("Opportunity", "Trail__c", "History__c")
    await sales.patch("Opportunity", deal, History__c="Two")
    sales.org.drift.restore("Opportunity", "History__c")
    assert (await sales.get("Opportunity", deal))["Audit__c"] == "Two"


async def test_rights_are_taken_from_the_integration_user_alone(sales: Sales) -> None:
    deal = await sales.deal(Audit__c="Kept")
    sales.org.drift.hide("Opportunity", "audit__c")
    assert "Audit__c" not in await sales.get("Opportunity", deal)
    assert sales.org.as_seller.get("Opportunity", deal)["Audit__c"] == "Kept"
    sales.org.drift.restore("Opportunity", "Audit__c")
    sales.org.drift.lock("Opportunity", "Audit__c")
    assert (await sales.get("Opportunity", deal))["Audit__c"] == "Kept"
    refused = await sales.patch("Opportunity", deal, Audit__c="x")
    assert refused.refusal == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    sales.org.drift.restore("Opportunity", "Audit__c")
    assert (await sales.patch("Opportunity", deal, Audit__c="x")).status == 204


@pytest.mark.parametrize(("kind", "value"), [("Number", 5), ("Checkbox", True), ("Date", "2027-01-31")])
async def test_a_retyped_field_takes_other_values_until_it_is_restored(
    sales: Sales, kind: str, value: Any
) -> None:
    deal = await sales.deal(Microsoft_CRM_Identifier__c="crm-1")
    other = await sales.deal()
    sales.org.drift.retype("Opportunity", "Microsoft_CRM_Identifier__c", kind)
    refused = await sales.patch("Opportunity", other, Microsoft_CRM_Identifier__c="crm-2")
    assert refused.refusal == (400, "JSON_PARSER_ERROR")
    assert (await sales.patch("Opportunity", other, Microsoft_CRM_Identifier__c=value)).status == 204
    assert (await sales.get("Opportunity", deal))["Microsoft_CRM_Identifier__c"] in (None, False)
    sales.org.drift.restore("Opportunity", "Microsoft_CRM_Identifier__c")
    assert (await sales.get("Opportunity", deal))["Microsoft_CRM_Identifier__c"] == "crm-1"


async def test_a_required_field_must_be_in_every_new_row(sales: Sales) -> None:
    sales.org.drift.require("Opportunity", "NextStep")
    row = {"Name": "x", "StageName": "Prospecting", "CloseDate": "2027-01-31"}
    refused = await sales.call("POST", "/sobjects/Opportunity", row)
    assert refused.refusal == (400, "REQUIRED_FIELD_MISSING")
    sales.org.drift.restore("Opportunity", "NextStep")
    assert (await sales.call("POST", "/sobjects/Opportunity", row)).status == 201


async def test_picklist_values_come_go_and_change_their_names(sales: Sales) -> None:
    field, old = "How_can_Microsoft_help__c", "Quotes or Licensing"
    deal = await sales.deal(How_can_Microsoft_help__c=old)
    sales.org.drift.rename_value("Opportunity", field, old, "Quotes")
    assert (await sales.get("Opportunity", deal))[field] == "Quotes"
    refused = await sales.patch("Opportunity", deal, How_can_Microsoft_help__c=old)
    assert refused.refusal == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    sales.org.drift.add_value("Opportunity", field, "Something new")
    assert (await sales.patch("Opportunity", deal, How_can_Microsoft_help__c="Something new")).status == 204
    sales.org.drift.remove_value("Opportunity", field, "General or Other")
    refused = await sales.patch("Opportunity", deal, How_can_Microsoft_help__c="General or Other")
    assert refused.status == 400
    sales.org.drift.restore("Opportunity", field)
    assert (await sales.patch("Opportunity", deal, How_can_Microsoft_help__c=old)).status == 204


async def test_stages_are_listed_as_they_are_now(sales: Sales) -> None:
    held = await sales.deal(StageName="On Hold")
    moved = await sales.deal(StageName="On Hold", Name="Moved")
    soql = "SELECT ApiName, IsActive FROM OpportunityStage ORDER BY SortOrder"
    before = await sales.query(soql)
    sales.org.drift.rename_value("Opportunity", "StageName", "On Hold", "Parked")
    sales.org.drift.add_value("Opportunity", "StageName", "Legal")
    sales.org.drift.remove_value("Opportunity", "StageName", "Qualification")
    active = [row["ApiName"] for row in await sales.query(soql) if row["IsActive"]]
    assert {"Parked", "Legal"} <= set(active)
    assert not {"On Hold", "Qualification"} & set(active)
    assert (await sales.get("Opportunity", held))["StageName"] == "Parked"
    await sales.patch("Opportunity", moved, StageName="Closed Won")
    sales.org.drift.restore("Opportunity", "StageName")
    assert await sales.query(soql) == before
    assert (await sales.get("Opportunity", held))["StageName"] == "On Hold"
    assert (await sales.get("Opportunity", moved))["StageName"] == "Closed Won"


async def test_the_quota_can_be_used_up_and_given_back(sales: Sales) -> None:
    sales.org.fill_quota(left=1)
    assert (await sales.call("GET", "/limits")).status == 200
    assert (await sales.call("GET", "/limits")).refusal == (403, "REQUEST_LIMIT_EXCEEDED")
    sales.org.restore_quota()
    assert (await sales.call("GET", "/limits")).status == 200


async def test_the_controls_change_fields_by_name() -> None:
    async with visiting(empty=True) as visitor:
        told = await visitor.post(f"{HERE}/{AUDIT}", {"rename": "Trail__c"})
        assert told == {"field": AUDIT, "done": "rename", "changed": [AUDIT]}
        assert (await visitor.get(HERE))["changed"] == [AUDIT]
        assert (await visitor.post(f"{HERE}/Opportunity.Trail__c", {"restore": True}))["changed"] == []
        await visitor.post(f"{HERE}/Opportunity.StageName", {"rename_value": "On Hold", "to": "Parked"})
        assert "Parked" in visitor.sandbox.salesforce_desk.stages()
        told = await visitor.post("/control/salesforce/quota", {"left": 3})
        assert told["left"] == 3
        assert (await visitor.post("/control/salesforce/quota", {"restore": True}))["left"] > 1000
        assert await visitor.post("/control/salesforce/layout", {"field": "NextStep"}) == {
            "added": "NextStep"
        }
        await _refused(visitor)


async def _refused(visitor: Visitor) -> None:
    """Everything the controls do not take."""
    for path, wish, status in (
        (f"{HERE}/Audit__c", {"hide": True}, 400),
        (f"{HERE}/{AUDIT}", {}, 400),
        (f"{HERE}/{AUDIT}", {"hide": True, "remove": True}, 400),
        (f"{HERE}/{AUDIT}", {"hide": False}, 400),
        (f"{HERE}/{AUDIT}", {"rename": "Trail"}, 400),
        (f"{HERE}/{AUDIT}", {"rename": "Referral_Link__c"}, 400),
        (f"{HERE}/{AUDIT}", {"retype": "Nonsense"}, 400),
        (f"{HERE}/{AUDIT}", {"add_value": "x"}, 400),
        (f"{HERE}/{AUDIT}", {"restore": True}, 400),
        (f"{HERE}/Opportunity.Amount", {"remove": True}, 400),
        (f"{HERE}/Opportunity.Amount", {"retype": "Text"}, 400),
        (f"{HERE}/Opportunity.StageName", {"remove_value": "Nonsense"}, 400),
        (f"{HERE}/Opportunity.Nope__c", {"hide": True}, 404),
        (f"{HERE}/Nope.Nope__c", {"remove": True}, 404),
        ("/control/entra/fields/a.b", {"hide": True}, 404),
        ("/control/salesforce/layout", {"field": "Nope"}, 404),
    ):
        assert (await visitor.post(path, wish, status=status))["error"]


async def test_the_verbs_reach_the_controls() -> None:
    async with visiting(empty=True) as visitor:
        control = Control(visitor.sandbox.urls["index"])
        await do(lambda: control.field("salesforce", AUDIT, remove=True))
        assert (await do(lambda: control.fields("salesforce")))["changed"] == [AUDIT]
        assert (await do(lambda: control.field("salesforce", AUDIT, restore=True)))["changed"] == []
        assert (await do(lambda: control.quota(left=2)))["left"] == 2
        await do(lambda: control.quota(restore=True))
        with pytest.raises(SandboxRefused, match="exactly one"):
            await do(lambda: control.field("salesforce", AUDIT))
