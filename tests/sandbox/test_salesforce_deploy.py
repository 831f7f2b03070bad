"""Deploying metadata over REST (salesforce-api.md 12.1, 12.2)."""

from __future__ import annotations

import pytest

from . import packages
from .packages import DEPLOY, FIELDS, OBJECT, WHOLE, as_admin, assign, deploy, packed, post, problems
from .sales import DEAL, Sales

EXTERNAL = "/sobjects/Opportunity/Cosell_Referral_Id__c"


async def _names(sales: Sales, sobject: str = "Opportunity") -> list[str]:
    reply = await sales.call("GET", f"/sobjects/{sobject}/describe")
    return [one["name"] for one in reply.json["fields"] if one["custom"]] if reply.status == 200 else []


async def test_a_package_becomes_schema_that_works(bare_org: Sales) -> None:
    """12.2: Pending, InProgress, Succeeded; then fields can be read, written and found by."""
    reply = await post(bare_org, packed(WHOLE))
    assert reply.status == 201
    assert reply.json["deployOptions"]["singlePackage"] is True
    assert (reply.json["deployResult"]["status"], reply.json["deployResult"]["done"]) == ("Pending", False)
    seen = []
    while "Succeeded" not in seen:
        told = (await as_admin(bare_org, "GET", f"{DEPLOY}/{reply.json['id']}?includeDetails=true")).json
        seen.append(told["deployResult"]["status"])
    assert seen == ["InProgress", "Succeeded"]
    result = told["deployResult"]
    assert result["success"] is True
    assert result["numberComponentsDeployed"] == result["numberComponentsTotal"] == 11
    assert {one["fullName"] for one in result["details"]["componentSuccesses"]} >= {OBJECT, "package.xml"}
    await assign(bare_org)
    assert await _names(bare_org) == [*FIELDS]
    made = await bare_org.call("PATCH", f"{EXTERNAL}/r-1", {**DEAL, "Cosell_Sync__c": True, "Amount": 5})
    assert (made.status, made.json["created"]) == (201, True)
    again = await bare_org.call("PATCH", f"{EXTERNAL}/R-1", {"Cosell_Help__c": "General or Other"})
    assert (again.status, again.json["id"]) == (200, made.json["id"])
    row = {"Name": "One", "Opportunity__c": made.json["id"], "Solution_Id__c": "SOL-1"}
    await bare_org.create(OBJECT, **row)
    [deal] = await bare_org.query(
        "SELECT Cosell_Sync__c, (SELECT Solution_Id__c FROM Cosell_Solutions__r) FROM Opportunity"
    )
    assert deal["Cosell_Sync__c"] is True
    assert deal["Cosell_Solutions__r"]["records"][0]["Solution_Id__c"] == "SOL-1"
    [view] = await bare_org.query("SELECT Name FROM ListView WHERE DeveloperName = 'Cosell_Synced'")
    assert view["Name"] == "Co-sell deals"


async def test_deployed_fields_obey_their_definition(bare_org: Sales) -> None:
    await deploy(bare_org)
    await assign(bare_org)
    deal = await bare_org.deal(Cosell_Referral_Id__c="r-1")
    twice = await bare_org.call("POST", "/sobjects/Opportunity", {**DEAL, "Cosell_Referral_Id__c": "r-1"})
    assert twice.refusal == (400, "DUPLICATE_VALUE")
    for value, code in (("Tea", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"), ("Quotes or Licensing", None)):
        reply = await bare_org.patch("Opportunity", deal, Cosell_Help__c=value)
        assert reply.status == 204 if code is None else reply.refusal == (400, code)
    assert (await bare_org.patch("Opportunity", deal, Cosell_Referral_Id__c="x" * 101)).refusal == (
        400,
        "STRING_TOO_LONG",
    )
    assert (await bare_org.ask("SELECT Id FROM Opportunity WHERE Cosell_Audit__c = 'x'")).status == 400


async def test_nobody_sees_a_deployed_field_before_a_permission_set_shows_it(bare_org: Sales) -> None:
    """12.1: not even an administrator; describe omits it, a query does not know it, a write is refused."""
    assert (await deploy(bare_org))["success"] is True
    for ask in (bare_org.call, lambda *words: as_admin(bare_org, *words)):
        told = await ask("GET", "/sobjects/Opportunity/describe")
        names = [one["name"] for one in told.json["fields"]] if told.status == 200 else []
        assert not set(FIELDS) & set(names)
    soql = "SELECT Cosell_Sync__c FROM Opportunity"
    assert (await as_admin(bare_org, "GET", "/query", params={"q": soql})).refusal == (400, "INVALID_FIELD")
    row = {**DEAL, "Cosell_Sync__c": True}
    assert (await as_admin(bare_org, "POST", "/sobjects/Opportunity", row)).refusal == (400, "INVALID_FIELD")
    given = await assign(bare_org)
    assert (await bare_org.call("POST", "/sobjects/Opportunity", row)).status == 201
    assert (await as_admin(bare_org, "DELETE", f"/sobjects/PermissionSetAssignment/{given}")).status == 204
    assert (await bare_org.ask(soql)).refusal == (400, "INVALID_TYPE")


@pytest.mark.parametrize("zip_first", [False, True])
@pytest.mark.parametrize("part", ["json", "entity_content"])
async def test_both_dialects_of_the_request_are_understood(
    bare_org: Sales, part: str, zip_first: bool
) -> None:
    """12.2 and 16: the command line sends the zip first and calls the options `entity_content`."""
    assert (await deploy(bare_org, part=part, zip_first=zip_first))["status"] == "Succeeded"


async def test_a_check_leaves_everything_as_it_was(bare_org: Sales) -> None:
    result = await deploy(bare_org, checkOnly=True)
    assert (result["status"], result["checkOnly"]) == ("Succeeded", True)
    soql = "SELECT Id FROM PermissionSet WHERE Name = 'Cosell_Connector'"
    assert (await as_admin(bare_org, "GET", "/query", params={"q": soql})).json["records"] == []
    assert OBJECT.lower() not in bare_org.org.schema.objects


async def test_one_failure_takes_everything_back_where_that_was_asked(bare_org: Sales) -> None:
    bad = packages.field("Bad__c", "", packages.TEXT)
    files = {
        **packages.opportunity(packages.CHECKBOX, bad),
        "package.xml": packages.manifest(
            {"CustomField": ["Opportunity.Cosell_Sync__c", "Opportunity.Bad__c"]}
        ),
    }
    result = await deploy(bare_org, files)
    assert (result["status"], result["success"], result["numberComponentErrors"]) == ("Failed", False, 1)
    [failure] = result["details"]["componentFailures"]
    assert failure["problem"] == "Must specify a non-empty label for the CustomField"
    assert (failure["componentType"], failure["problemType"]) == ("CustomField", "Error")
    assert failure["fileName"] == "objects/Opportunity.object"
    assert failure["lineNumber"] >= 1
    assert "cosell_sync__c" not in bare_org.org.schema.object("Opportunity").fields
    result = await deploy(bare_org, files, rollbackOnError=False)
    assert (result["status"], result["numberComponentsDeployed"]) == ("SucceededPartial", 1)
    assert "cosell_sync__c" in bare_org.org.schema.object("Opportunity").fields


async def test_a_second_deploy_of_the_same_changes_nothing(bare_org: Sales) -> None:
    await deploy(bare_org)
    await assign(bare_org)
    deal = await bare_org.deal(Cosell_Audit__c="Kept", Cosell_Sync__c=True)
    result = await deploy(bare_org)
    assert not any(one["created"] for one in result["details"]["componentSuccesses"])
    assert (await bare_org.get("Opportunity", deal))["Cosell_Audit__c"] == "Kept"


async def test_who_may_not_change_metadata_is_refused(bare_org: Sales) -> None:
    """12.2: Modify Metadata Through Metadata API Functions."""
    reply = await post(bare_org, packed(WHOLE), admin=False)
    assert reply.refusal == (403, "INSUFFICIENT_ACCESS")
    assert "ModifyMetadata" in reply.errors[0]["message"]


async def test_a_deploy_can_be_cancelled_until_it_is_over(bare_org: Sales) -> None:
    reply = await post(bare_org, packed(WHOLE))
    path = f"{DEPLOY}/{reply.json['id']}"
    stop = {"deployResult": {"status": "Canceling"}}
    cancelled = await as_admin(bare_org, "PATCH", path, stop)
    assert cancelled.json["deployResult"]["status"] == "Canceling"
    over = (await as_admin(bare_org, "GET", path)).json["deployResult"]
    assert (over["status"], over["done"], "details" in over) == ("Canceled", True, False)
    assert OBJECT.lower() not in bare_org.org.schema.objects
    assert (await as_admin(bare_org, "PATCH", path, stop)).status == 409
    assert (await as_admin(bare_org, "GET", f"{DEPLOY}/0Af000000000000AAA")).refusal == (404, "NOT_FOUND")


async def test_a_deploy_nobody_looks_at_is_carried_out_all_the_same(bare_org: Sales) -> None:
    await post(bare_org, packed(WHOLE))
    bare_org.frame.clock.advance(60)
    await bare_org.call("GET", "/limits")
    assert OBJECT.lower() in bare_org.org.schema.objects


async def test_requests_that_are_no_package_are_refused(bare_org: Sales) -> None:
    assert (await post(bare_org, b"no zip")).refusal == (400, "INVALID_ZIP")
    assert (await post(bare_org, packed(WHOLE), nonsense=True)).refusal == (400, "JSON_PARSER_ERROR")
    assert (await post(bare_org, packed(WHOLE), part="else")).refusal == (400, "MISSING_ARGUMENT")
    assert (await as_admin(bare_org, "POST", DEPLOY, {"a": 1})).refusal == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (await as_admin(bare_org, "DELETE", DEPLOY)).status == 405
    many = packed({f"classes/{number}.cls": "" for number in range(10_001)})
    assert (await post(bare_org, many)).refusal == (400, "LIMIT_EXCEEDED")


async def test_without_single_package_the_package_lies_in_a_folder(bare_org: Sales) -> None:
    inside = {f"unpackaged/{name}": text for name, text in WHOLE.items()}
    assert (await deploy(bare_org, inside, singlePackage=False))["success"] is True
    for files, single in ((WHOLE, False), (inside, True)):
        assert problems(await deploy(bare_org, files, singlePackage=single)) == {
            "package.xml": "No package.xml found"
        }


async def test_what_a_destructive_change_names_goes_with_its_data(bare_org: Sales) -> None:
    await deploy(bare_org)
    given = await assign(bare_org)
    deal = await bare_org.deal(Cosell_Audit__c="Old", Cosell_Sync__c=True)
    gone = {
        "CustomField": [f"Opportunity.{one}" for one in FIELDS],
        "ListView": ["Opportunity.Cosell_Synced"],
        "CustomObject": [OBJECT],
        "PermissionSet": ["Cosell_Connector"],
    }
    files = {"package.xml": packages.manifest({}), "destructiveChanges.xml": packages.manifest(gone)}
    assert list(problems(await deploy(bare_org, files))) == ["Cosell_Connector"]
    assert (await as_admin(bare_org, "DELETE", f"/sobjects/PermissionSetAssignment/{given}")).status == 204
    result = await deploy(bare_org, files)
    assert result["success"] is True
    assert all(one["deleted"] for one in result["details"]["componentSuccesses"] if one["componentType"])
    assert "cosell_audit__c" not in bare_org.org.schema.object("Opportunity").fields
    assert OBJECT.lower() not in bare_org.org.schema.objects
    await deploy(bare_org)
    await assign(bare_org)
    assert (await bare_org.get("Opportunity", deal))["Cosell_Audit__c"] is None
    missing = {"package.xml": packages.manifest({})}
    missing["destructiveChanges.xml"] = packages.manifest({"CustomField": ["Opportunity.Never__c"]})
    result = await deploy(bare_org, missing)
    assert (result["success"], problems(result)["Opportunity.Never__c"]) == (
        False,
        "No CustomField named: Opportunity.Never__c found",
    )
    result = await deploy(bare_org, missing, ignoreWarnings=True)
    assert result["success"] is True
    assert result["details"]["componentSuccesses"][-1]["problemType"] == "Warning"
