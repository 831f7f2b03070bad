"""Every refusal of salesforce-api.md section 3 that the sandbox can come to."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.frame import Fault
from cosell.sandbox.salesforce import DuplicateRule, ValidationRule
from cosell.sandbox.salesforce.fields import Field

from .sales import DEAL, EXTERNAL, Sales

COMPOSITE_PATHS = ("", "/sobjects", "/graph", "/batch", "/tree/Account", "/sobjects/Account/Id")
DEEP: Any = []
for _ in range(900):
    DEEP = [DEEP]
ODD: tuple[Any, ...] = (
    *(1, "x", [], {}, {"records": 1}, {"records": [1]}, {"records": [{}]}, {"Name": DEEP}),
    *({"compositeRequest": 1}, {"compositeRequest": []}, {"compositeRequest": [{}, 1]}),
    *({"graphs": 1}, {"graphs": [1]}, {"graphs": [{"graphId": 1}]}, {"graphs": [{"graphId": "a"}]}),
    *({"batchRequests": 1}, {"batchRequests": []}, {"batchRequests": [1]}, {"batchRequests": [{}]}),
    *({"records": [{"attributes": 1}]}, {"records": [{"attributes": None}]}),
    *({"records": [{"attributes": {"type": 1}}]}, {"records": [{"attributes": {"type": "Nope"}}]}),
    {"records": [{"attributes": {"type": "Account"}, "Name": [], "Id": {}}]},
    {"Account": {"Name": ["x"]}, "Owner": {}},
)


async def test_unknown_objects_rows_and_resources_are_not_found(sales: Sales) -> None:
    gone = {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    for path in (
        "/sobjects/Nope",
        "/sobjects/Nope/describe",
        "/tooling",
        "/nope",
        "/sobjects/Opportunity/a/b/c",
    ):
        reply = await sales.call("GET", path)
        assert (reply.status, reply.errors) == (404, [gone])
    unknown = await sales.call("PATCH", "/sobjects/Opportunity/006000000000000AAA", {"Amount": 1})
    assert (unknown.status, unknown.errors) == (404, [gone])
    by_key = await sales.call("GET", f"{EXTERNAL}/nobody")
    assert by_key.status == 404
    message = "Provided external ID field does not exist or is not accessible: nobody"
    assert by_key.errors == [{"message": message, "errorCode": "NOT_FOUND"}]


async def test_a_deleted_row_is_told_from_an_unknown_one(sales: Sales) -> None:
    row_id = await sales.deal()
    path = f"/sobjects/Opportunity/{row_id}"
    assert (await sales.call("DELETE", path)).status == 204
    for method, body in (("GET", None), ("PATCH", {"Amount": 1}), ("DELETE", None)):
        reply = await sales.call(method, path, body)
        assert reply.status == 404
        assert reply.errors == [
            {"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}
        ]


async def test_a_method_a_resource_does_not_have_is_405_with_those_it_has(sales: Sales) -> None:
    row_id = await sales.deal()
    reply = await sales.call("PUT", f"/sobjects/Opportunity/{row_id}", {})
    assert reply.refusal == (405, "METHOD_NOT_ALLOWED")
    assert reply.errors[0]["message"] == "HTTP Method 'PUT' not allowed. Allowed are DELETE,GET,HEAD,PATCH"
    for method, path in (
        ("DELETE", "/sobjects/Opportunity"),
        ("POST", "/query"),
        ("GET", "/composite"),
        ("PUT", "/composite/sobjects"),
        ("POST", "/sobjects/Opportunity/describe"),
        ("PATCH", "/limits"),
        ("POST", "/"),
    ):
        assert (await sales.call(method, path)).refusal == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("bad", ["001900K0001pPuOAAU", "short", "006!00000000000", "006000000000000AA!"])
async def test_an_id_of_another_object_or_form_is_malformed(sales: Sales, bad: str) -> None:
    reply = await sales.call("GET", f"/sobjects/Opportunity/{bad}")
    assert reply.status == 400
    message = f"Opportunity ID: id value of incorrect type: {bad}"
    assert reply.errors == [{"message": message, "errorCode": "MALFORMED_ID", "fields": ["Id"]}]


async def _refused(sales: Sales, fields: dict[str, Any], *, sobject: str = "Opportunity") -> dict[str, Any]:
    """The single error of a create that must be refused with 400."""
    base = DEAL if sobject == "Opportunity" else {}
    reply = await sales.call("POST", f"/sobjects/{sobject}", {**base, **fields})
    assert reply.status == 400, reply.raw
    [error] = reply.errors
    return dict(error)


async def test_unknown_and_read_only_fields_are_refused_by_name(sales: Sales) -> None:
    assert await _refused(sales, {"foo": 1}) == {
        "message": "No such column 'foo' on sobject of type Opportunity",
        "errorCode": "INVALID_FIELD",
    }
    error = await _refused(sales, {"IsWon": True, "FirstName": "Jo"}, sobject="Contact")
    assert error["errorCode"] == "INVALID_FIELD"
    error = await _refused(sales, {"IsWon": True, "SystemModstamp": "2026-01-01T00:00:00Z"})
    assert error["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert error["fields"] == ["IsWon", "SystemModstamp"]
    assert error["message"] == (
        "Unable to create/update fields: IsWon, SystemModstamp. Please check the security settings of this"
        " field and verify that it is read/write for your profile or permission set."
    )
    error = await _refused(sales, {"LastName": "X", "Name": "X"}, sobject="Contact")
    assert error["fields"] == ["Name"]


async def test_an_id_in_a_body_is_refused(sales: Sales) -> None:
    """6.1: the body of an update must not contain Id."""
    row_id = await sales.deal()
    assert (await sales.patch("Opportunity", row_id, Id=row_id)).refusal == (400, "INVALID_FIELD")
    assert (await _refused(sales, {"Id": row_id}))["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


async def test_field_level_security_hides_or_locks_fields(sales: Sales) -> None:
    row_id = await sales.deal(Amount=5, NextStep="Call")
    sales.org.settings.hidden_fields = frozenset({"Opportunity.Amount"})
    sales.org.settings.readonly_fields = frozenset({"Opportunity.NextStep"})
    row = await sales.get("Opportunity", row_id)
    assert "Amount" not in row
    assert row["NextStep"] == "Call"
    assert (await sales.patch("Opportunity", row_id, Amount=6)).refusal == (400, "INVALID_FIELD")
    locked = await sales.patch("Opportunity", row_id, NextStep="Write")
    assert locked.refusal == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert (await sales.ask("SELECT Amount FROM Opportunity")).refusal == (400, "INVALID_FIELD")
    fields = {
        one["name"]: one for one in (await sales.call("GET", "/sobjects/Opportunity/describe")).json["fields"]
    }
    assert "Amount" not in fields
    assert (fields["NextStep"]["createable"], fields["NextStep"]["updateable"]) == (False, False)
    sales.org.as_seller.update("Opportunity", row_id, {"Amount": 7, "NextStep": "A person may"})
    assert sales.org.as_seller.get("Opportunity", row_id)["Amount"] == 7.0


async def test_missing_required_fields_are_all_named(sales: Sales) -> None:
    reply = await sales.call("POST", "/sobjects/Opportunity", {"Amount": 1})
    assert reply.status == 400
    [error] = reply.errors
    assert error["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert error["message"] == "Required fields are missing: [Name, StageName, CloseDate]"
    assert error["fields"] == ["Name", "StageName", "CloseDate"]
    row_id = await sales.deal()
    for empty in (None, "", "   "):
        cleared = await sales.patch("Opportunity", row_id, Name=empty)
        assert cleared.refusal == (400, "REQUIRED_FIELD_MISSING")


async def test_several_wrong_fields_come_as_several_entries(sales: Sales) -> None:
    body = {"FirstName": "x" * 41, "Email": "nope"}
    reply = await sales.call("POST", "/sobjects/Contact", body)
    assert [error["errorCode"] for error in reply.errors] == [
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        "INVALID_EMAIL_ADDRESS",
    ]


async def test_too_long_text_is_refused_with_the_label(sales: Sales) -> None:
    error = await _refused(sales, {"Name": "x" * 256}, sobject="Account")
    assert error == {
        "message": f"Account Name: data value too large: {'x' * 256} (max length=255)",
        "errorCode": "STRING_TOO_LONG",
        "fields": ["Name"],
    }
    await sales.create("Account", Name="x" * 255)


async def test_a_restricted_picklist_takes_its_active_values_only(sales: Sales) -> None:
    error = await _refused(sales, {"How_can_Microsoft_help__c": "Everything"})
    assert error == {
        "message": "How can Microsoft help?: bad value for restricted picklist field: Everything",
        "errorCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "fields": ["How_can_Microsoft_help__c"],
    }
    await sales.deal(How_can_Microsoft_help__c="Quotes or Licensing")
    assert (await _refused(sales, {"CurrencyIsoCode": "XXX"}))["fields"] == ["CurrencyIsoCode"]


async def test_stages_are_free_unless_restricted(sales: Sales) -> None:
    """11.1: unknown stage values are stored by default."""
    row = await sales.get("Opportunity", await sales.deal(StageName="Invented"))
    assert (row["StageName"], row["IsClosed"]) == ("Invented", False)
    sales.org.settings.restricted_picklists = frozenset({"Opportunity.StageName"})
    error = await _refused(sales, {"StageName": "Invented"})
    assert error["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


async def test_validation_rules_speak_the_words_of_the_administrator(sales: Sales) -> None:
    """Declared as a condition or as a function; people obey them too."""
    sales.org.settings.validation_rules = (
        ValidationRule("Opportunity", "StageName = 'Closed Won' AND Amount = null", "No win at no value."),
        ValidationRule("Opportunity", lambda row: row["NextStep"] == "x", "Say more.", field="NextStep"),
    )
    assert await _refused(sales, {"StageName": "Closed Won"}) == {
        "message": "No win at no value.",
        "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "fields": [],
    }
    row_id = await sales.deal(StageName="Closed Won", Amount=1)
    reply = await sales.patch("Opportunity", row_id, Amount=None, NextStep="x")
    assert [error["fields"] for error in reply.errors] == [[], ["NextStep"]]
    with pytest.raises(Exception, match="Say more"):
        sales.org.as_seller.update("Opportunity", row_id, {"NextStep": "x"})


async def test_a_unique_value_is_taken_once_case_aside(sales: Sales) -> None:
    first = await sales.deal(Referral_Identifier__c="Ref-1")
    message = (
        f"duplicate value found: Referral_Identifier__c duplicates value on record with id: {first[:15]}"
    )
    assert await _refused(sales, {"Referral_Identifier__c": "REF-1"}) == {
        "message": message,
        "errorCode": "DUPLICATE_VALUE",
        "fields": [],
    }
    second = await sales.deal(Referral_Identifier__c="ref-2")
    reply = await sales.patch("Opportunity", second, Referral_Identifier__c="ref-1")
    assert reply.refusal == (400, "DUPLICATE_VALUE")
    assert (await sales.patch("Opportunity", first, Referral_Identifier__c="ref-1")).status == 204
    await sales.call("DELETE", f"/sobjects/Opportunity/{first}")
    assert (await sales.patch("Opportunity", second, Referral_Identifier__c="ref-1")).status == 204


async def test_an_alert_rule_can_be_overridden_and_a_block_rule_cannot(sales: Sales) -> None:
    """The key is spelled `duplicateResut` as captured from real orgs."""
    sales.org.settings.duplicate_rules = (DuplicateRule("Contact", ("Email", "LastName")),)
    twin = {"LastName": "Ito", "Email": "ito@contoso.example"}
    first = await sales.create("Contact", **twin)
    error = await _refused(sales, twin, sobject="Contact")
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    found = error["duplicateResut"]
    assert found["allowSave"] is True
    assert found["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}
    assert (await sales.call("POST", "/sobjects/Contact", twin, headers=headers)).status == 201
    sales.org.settings.duplicate_rules = (DuplicateRule("Contact", ("Email",), block=True),)
    blocked = await sales.call("POST", "/sobjects/Contact", twin, headers=headers)
    assert blocked.errors[0]["duplicateResut"]["allowSave"] is False
    assert (await sales.call("POST", "/sobjects/Contact", {"LastName": "Other"})).status == 201


async def test_a_row_in_an_open_transaction_is_locked(sales: Sales) -> None:
    row_id = await sales.deal()
    slow = sales.org.open_transaction()
    slow.update("Opportunity", row_id, {"Amount": 1})
    for method, body in (("PATCH", {"Amount": 2}), ("DELETE", None)):
        reply = await sales.call(method, f"/sobjects/Opportunity/{row_id}", body)
        assert reply.refusal == (400, "UNABLE_TO_LOCK_ROW")
        message = f"unable to obtain exclusive access to this record or 1 records: {row_id[:15]}"
        assert reply.errors[0]["message"] == message
    slow.rollback()
    assert (await sales.patch("Opportunity", row_id, Amount=2)).status == 204


async def test_references_must_point_to_a_row_of_the_right_kind(sales: Sales) -> None:
    account = await sales.create("Account", Name="Contoso")
    contact = await sales.create("Contact", LastName="Ito")
    assert await _refused(sales, {"AccountId": contact}) == {
        "message": f"Account ID: id value of incorrect type: {contact}",
        "errorCode": "MALFORMED_ID",
        "fields": ["AccountId"],
    }
    assert await _refused(sales, {"AccountId": "001000000000000AAA"}) == {
        "message": "invalid cross reference id",
        "errorCode": "INVALID_CROSS_REFERENCE_KEY",
        "fields": [],
    }
    row = await sales.get("Opportunity", await sales.deal(AccountId=account[:15]))
    assert row["AccountId"] == account
    await sales.call("DELETE", f"/sobjects/Account/{account}")
    assert (await _refused(sales, {"AccountId": account}))["errorCode"] == "ENTITY_IS_DELETED"


@pytest.mark.parametrize(
    "address", ["Not a real email address", "a@b", "@contoso.example", "a b@contoso.example", "a@@b.example"]
)
async def test_what_is_no_email_address_is_refused(sales: Sales, address: str) -> None:
    error = await _refused(sales, {"LastName": "X", "Email": address}, sobject="Contact")
    assert error == {
        "message": f"Email: invalid email address: {address}",
        "errorCode": "INVALID_EMAIL_ADDRESS",
        "fields": ["Email"],
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Name", 5),
        ("Name", ["x"]),
        ("Amount", "10"),
        ("Amount", True),
        ("Sync_with_Partner_Center__c", "true"),
        ("Sync_with_Partner_Center__c", None),
        ("CloseDate", "31.12.2026"),
        ("CloseDate", "2026-12-31T00:00:00Z"),
        ("CloseDate", "2026-02-30"),
        ("CloseDate", "1600-01-01"),
        ("AccountId", 7),
        ("Description", {"a": 1}),
    ],
)
async def test_a_value_of_another_json_type_is_a_parser_error(sales: Sales, field: str, value: Any) -> None:
    """6.2; a date with an offset is refused, section 1."""
    error = await _refused(sales, {field: value})
    assert error["errorCode"] == "JSON_PARSER_ERROR"
    assert error["message"].startswith("Cannot deserialize instance of ")


async def test_a_number_beyond_its_precision_is_refused_and_digits_are_rounded(sales: Sales) -> None:
    """Section 1: at most 18 digits."""
    assert (await _refused(sales, {"Amount": 1e16}))["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"
    assert (await _refused(sales, {"Probability": 1000}))["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"
    row = await sales.get("Opportunity", await sales.deal(Amount=10.005))
    assert row["Amount"] == 10.01


async def test_a_body_that_is_no_json_is_refused_with_its_place(sales: Sales) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await sales.call("POST", "/sobjects/Account", data=b'{"Name": ', headers=headers)
    assert reply.refusal == (400, "JSON_PARSER_ERROR")
    assert "[line:1, column:" in reply.errors[0]["message"]
    for body in (b"", b"[]", b'"text"'):
        reply = await sales.call("POST", "/sobjects/Account", data=body, headers=headers)
        assert reply.refusal == (400, "JSON_PARSER_ERROR")
    reply = await sales.call(
        "POST", "/sobjects/Account", data=b"Name=x", headers={"Content-Type": "text/plain"}
    )
    assert reply.refusal == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_the_quota_of_the_day_is_a_403_and_comes_back_with_time(sales: Sales) -> None:
    """Section 9: a rolling 24 hours; the versions list does not count."""
    sales.org.settings.daily_api_calls = 2
    for used in (1, 2):
        reply = await sales.call("GET", "/limits")
        assert reply.headers["Sforce-Limit-Info"] == f"api-usage={used}/2"
    refused = await sales.call("GET", "/limits")
    assert refused.status == 403
    assert refused.errors == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    versions = await sales.call("GET", "/services/data")
    assert versions.status == 200
    assert "Sforce-Limit-Info" not in versions.headers
    sales.frame.clock.advance(25 * 3_600)
    assert (await sales.call("GET", "/limits")).status == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("INVALID_SESSION_ID", 401),
        ("REQUEST_LIMIT_EXCEEDED", 403),
        ("API_DISABLED_FOR_ORG", 403),
        ("UNABLE_TO_LOCK_ROW", 400),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", 400),
        ("QUERY_TIMEOUT", 400),
        ("UNKNOWN_EXCEPTION", 500),
        ("SERVER_UNAVAILABLE", 503),
    ],
)
async def test_named_misfortunes_answer_as_the_vendor_does(sales: Sales, name: str, status: int) -> None:
    sales.frame.faults.append(Fault("salesforce", "answer", answer=sales.org.faults[name]))
    assert (await sales.call("GET", "/limits")).refusal == (status, name)
    assert (await sales.call("GET", "/limits")).status == 200


async def test_retired_versions_are_410_and_unknown_ones_404(sales: Sales) -> None:
    """Section 1: 31.0 and later are supported."""
    assert (await sales.call("GET", "/services/data/v30.0/limits")).refusal == (410, "GONE")
    assert (await sales.call("GET", "/services/data/v31.0/limits")).status == 200
    for version in ("v99.0", "v67", "67.0", "v67.1"):
        assert (await sales.call("GET", f"/services/data/{version}/limits")).status == 404


async def test_no_body_can_make_the_sandbox_stumble(sales: Sales) -> None:
    """Every odd body gets an answer below 500."""
    for path in COMPOSITE_PATHS:
        for method in ("POST", "PATCH"):
            for body in ODD:
                reply = await sales.call(method, f"/composite{path}", json=body)
                assert reply.status < 500, (method, path, body)
    for body in ODD:
        for method, path in (("POST", "/sobjects/Account"), ("PATCH", f"{EXTERNAL}/x")):
            assert (await sales.call(method, path, json=body)).status in (400, 404)


async def test_a_lookup_by_foreign_key_takes_the_external_id_of_the_parent(sales: Sales) -> None:
    """6.2: a relationship by external id inside a body."""
    sales.org.schema.add_field("Account", Field("Ext__c", "Ext", "string", 50, external_id=True, unique=True))
    account = await sales.create("Account", Name="Contoso", Ext__c="C-1")
    row = await sales.get("Opportunity", await sales.deal(Account={"Ext__c": "c-1"}))
    assert row["AccountId"] == account
    error = await _refused(sales, {"Account": {"Ext__c": "none"}})
    assert error["errorCode"] == "INVALID_FIELD"
    assert error["message"].startswith("Foreign key external ID: none not found for field Ext__c")
