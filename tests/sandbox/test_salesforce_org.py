"""The objects of the Salesforce sandbox and the switches of its org (salesforce-api.md 4, 11)."""

from __future__ import annotations

import base64

import pytest

from cosell.sandbox.salesforce.catalogue.connector import HELP
from cosell.sandbox.salesforce.fields import Choice, Field, sobject, text
from cosell.sandbox.salesforce.ids import suffix
from cosell.sandbox.salesforce.transactions import SlowTransaction

from .sales import DEAL, SOLUTION, Json, Sales

STANDARD_FIELDS = 41
_LISTED_KEYS = """
aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete
caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula
defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted
externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable
highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField
namePointing nillable permissionable picklistValues polymorphicForeignKey precision queryByDistance
referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete
restrictedPicklist scale searchPrefilterable soapType sortable type unique updateable
writeRequiresMasterRead
"""
FIELD_KEYS = set(_LISTED_KEYS.split())


async def _fields(sales: Sales, name: str) -> dict[str, Json]:
    reply = await sales.call("GET", f"/sobjects/{name}/describe/")
    assert reply.status == 200, reply.raw
    return {one["name"]: one for one in reply.json["fields"]}


@pytest.mark.parametrize(
    ("fifteen", "tail"),
    [("0015500001QdQWa", "AAN"), ("0037e00001WZ30q", "AAD"), ("0017e00001W4GYR", "AA3")],
)
def test_the_suffix_of_an_id_is_that_of_recorded_ids(fifteen: str, tail: str) -> None:
    """Section 1."""
    assert suffix(fifteen) == tail


async def test_every_listed_object_can_be_described_with_57_keys_a_field(sales: Sales) -> None:
    """Sections 4 and 16: discovery tools describe them all."""
    listed = (await sales.call("GET", "/sobjects/")).json
    assert (listed["encoding"], listed["maxBatchSize"]) == ("UTF-8", 200)
    for one in listed["sobjects"]:
        described = (await sales.call("GET", f"/sobjects/{one['name']}/describe")).json
        assert described["name"] == one["name"]
        assert all(set(field) == FIELD_KEYS for field in described["fields"])
        basic = (await sales.call("GET", one["urls"]["sobject"])).json
        assert basic["objectDescribe"]["keyPrefix"] == one["keyPrefix"]
        assert basic["recentItems"] == []


async def test_the_opportunity_has_the_recorded_41_fields_and_the_connectors(sales: Sales) -> None:
    """11.1; the currency is the 42nd where there are several."""
    fields = await _fields(sales, "Opportunity")
    custom = [name for name in fields if name.endswith("__c")]
    assert len(fields) - len(custom) == STANDARD_FIELDS + 1
    sales.org.settings.multi_currency = False
    assert len(await _fields(sales, "Opportunity")) - len(custom) == STANDARD_FIELDS
    assert custom == [
        "Sync_with_Partner_Center__c",
        "Referral_Identifier__c",
        "Referral_Link__c",
        "How_can_Microsoft_help__c",
        "Referral_visible_to_Microsoft__c",
        "Microsoft_CRM_Identifier__c",
        "Referral_Program__c",
        "Audit__c",
        "Cosell_Stamp__c",
    ]
    key = fields["Referral_Identifier__c"]
    assert (key["externalId"], key["unique"], key["idLookup"], key["length"]) == (True, True, True, 100)
    assert (fields["Audit__c"]["length"], fields["Audit__c"]["filterable"]) == (100_000, False)
    labels = [one["value"] for one in fields["How_can_Microsoft_help__c"]["picklistValues"]]
    assert labels == HELP.split("|")
    required = [
        name
        for name, one in fields.items()
        if one["createable"] and not one["nillable"] and not one["defaultedOnCreate"]
    ]
    assert required == ["Name", "StageName", "CloseDate"]


async def test_the_children_of_an_opportunity_have_their_recorded_names(sales: Sales) -> None:
    described = (await sales.call("GET", "/sobjects/Opportunity/describe")).json
    names = {one["childSObject"]: one["relationshipName"] for one in described["childRelationships"]}
    assert names == {
        "OpportunityContactRole": "OpportunityContactRoles",
        "OpportunityTeamMember": "OpportunityTeamMembers",
        "OpportunityLineItem": "OpportunityLineItems",
        "Note": "Notes",
        "ContentDocumentLink": "ContentDocumentLinks",
        "Lead": None,
        SOLUTION: "Microsoft_Partner_Center_Solutions__r",
    }


async def test_inactive_picklist_values_stay_listed_and_cannot_be_written(sales: Sales) -> None:
    """Section 4."""
    field = Field(
        "Tier__c",
        "Tier",
        "picklist",
        255,
        choices=(Choice("Gold", default=True), Choice("Lead", active=False)),
        restricted=True,
    )
    sales.org.schema.add_field("Opportunity", field)
    listed = (await _fields(sales, "Opportunity"))["Tier__c"]["picklistValues"]
    assert [(one["value"], one["active"]) for one in listed] == [("Gold", True), ("Lead", False)]
    assert (await sales.get("Opportunity", await sales.deal()))["Tier__c"] == "Gold"
    refused = await sales.call("POST", "/sobjects/Opportunity", {**DEAL, "Tier__c": "Lead"})
    assert refused.refusal == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


async def test_the_schema_drifts_while_clients_look(sales: Sales) -> None:
    schema = sales.org.schema
    schema.add_field("Opportunity", text("Region__c", "Region", 10, nillable=False))
    reply = await sales.call("POST", "/sobjects/Opportunity", DEAL)
    assert reply.errors[0]["fields"] == ["Region__c"]
    schema.change_field("Opportunity", "Region__c", nillable=True, label="Sales region")
    assert (await _fields(sales, "Opportunity"))["Region__c"]["label"] == "Sales region"
    await sales.deal(Region__c="EMEA")
    schema.add_object(
        sobject("Rival__c", "Rival", "Rivals", "a01", text("Name", "Name", 80, name_field=True))
    )
    await sales.create("Rival__c", Name="Fabrikam")
    schema.drop_object("Rival__c")
    assert (await sales.call("GET", "/sobjects/Rival__c/describe")).status == 404
    for standard in ("Amount", "StageName"):
        with pytest.raises(ValueError, match="standard field"):
            schema.drop_field("Opportunity", standard)


async def test_stages_decide_probability_forecast_and_closing(sales: Sales) -> None:
    """11.1: Probability follows the stage unless given in the same write."""
    row_id = await sales.deal(StageName="Qualification", Amount=200)
    row = await sales.get("Opportunity", row_id)
    assert (row["Probability"], row["ExpectedRevenue"], row["ForecastCategoryName"]) == (
        10.0,
        20.0,
        "Pipeline",
    )
    await sales.patch("Opportunity", row_id, StageName="Negotiation/Review", Probability=33)
    assert (await sales.get("Opportunity", row_id))["Probability"] == 33.0
    sales.frame.clock.advance(5)
    await sales.patch("Opportunity", row_id, StageName="Closed Won")
    row = await sales.get("Opportunity", row_id)
    assert (row["IsClosed"], row["IsWon"], row["Probability"]) == (True, True, 100.0)
    assert row["LastStageChangeDate"] == row["LastModifiedDate"]
    await sales.patch("Opportunity", row_id, StageName="Closed Lost")
    row = await sales.get("Opportunity", row_id)
    assert (row["IsClosed"], row["IsWon"], row["ForecastCategory"]) == (True, False, "Omitted")


async def test_the_list_of_stages_is_queried_not_guessed(sales: Sales) -> None:
    """11.1 OpportunityStage, with an on-hold stage besides the default ones."""
    soql = "SELECT ApiName, MasterLabel, IsActive, IsClosed, IsWon, DefaultProbability FROM OpportunityStage"
    rows = await sales.query(f"{soql} ORDER BY SortOrder")
    assert [row["ApiName"] for row in rows] == [
        "Prospecting",
        "On Hold",
        "Qualification",
        "Needs Analysis",
        "Value Proposition",
        "Id. Decision Makers",
        "Perception Analysis",
        "Proposal/Price Quote",
        "Negotiation/Review",
        "Closed Won",
        "Closed Lost",
    ]
    assert [row["ApiName"] for row in rows if row["IsClosed"] and row["IsWon"]] == ["Closed Won"]
    assert [row["ApiName"] for row in rows if row["IsClosed"] and not row["IsWon"]] == ["Closed Lost"]


async def test_currencies_are_those_of_the_org(sales: Sales) -> None:
    sales.org.settings.currencies = ("CHF", "USD")
    values = (await _fields(sales, "Opportunity"))["CurrencyIsoCode"]["picklistValues"]
    assert [(one["value"], one["defaultValue"]) for one in values] == [("CHF", False), ("USD", True)]
    rows = await sales.query("SELECT IsoCode FROM CurrencyType WHERE IsActive = true ORDER BY IsoCode")
    assert [row["IsoCode"] for row in rows] == ["CHF", "USD"]
    assert (await sales.get("Opportunity", await sales.deal()))["CurrencyIsoCode"] == "USD"
    deal = await sales.deal(CurrencyIsoCode="CHF")
    solution = await sales.create(SOLUTION, Opportunity__c=deal, Name="S", Price__c=12.5)
    assert (await sales.get(SOLUTION, solution))["CurrencyIsoCode"] == "CHF"


async def test_country_picklists_keep_code_and_label_in_step(sales: Sales) -> None:
    """11.2."""
    assert "BillingCountryCode" not in await _fields(sales, "Account")
    sales.org.settings.state_country_picklists = True
    fields = await _fields(sales, "Account")
    assert {"value": "DE", "label": "Germany", "active": True, "defaultValue": False, "validFor": None} in (
        fields["BillingCountryCode"]["picklistValues"]
    )
    row_id = await sales.create("Account", Name="A", BillingCountry="Germany")
    assert (await sales.get("Account", row_id))["BillingCountryCode"] == "DE"
    await sales.patch("Account", row_id, BillingCountryCode="US", BillingStateCode="WA")
    row = await sales.get("Account", row_id)
    assert (row["BillingCountry"], row["BillingState"]) == ("United States", "Washington")
    assert row["BillingAddress"]["countryCode"] == "US"
    for bad in ({"BillingCountryCode": "XX"}, {"BillingCountry": "Deutschland"}, {"BillingState": "Bavaria"}):
        refused = await sales.patch("Account", row_id, **bad)
        assert refused.refusal == (400, "FIELD_INTEGRITY_EXCEPTION")
    contact = {"LastName": "Ito", "MailingCountry": "Nowhere"}
    refused = await sales.call("POST", "/sobjects/Contact", contact)
    assert refused.errors == [
        {
            "message": "There's a problem with this country, even though it may appear correct. Please select"
            " a country/territory from the list of valid countries.: Mailing Country",
            "errorCode": "FIELD_INTEGRITY_EXCEPTION",
            "fields": ["MailingCountry"],
        }
    ]
    await sales.patch("Account", row_id, BillingCountryCode=None, BillingStateCode=None)
    row = await sales.get("Account", row_id)
    assert (row["BillingCountry"], row["BillingAddress"]) == (None, None)


async def test_an_address_is_told_as_a_whole_and_written_in_parts(sales: Sales) -> None:
    """Section 1, recorded shape."""
    row_id = await sales.create("Account", Name="A", BillingCity="Köln", BillingCountry="DE")
    assert (await sales.get("Account", row_id))["BillingAddress"] == {
        "city": "Köln",
        "country": "DE",
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": None,
        "state": None,
        "street": None,
    }
    assert (await sales.patch("Account", row_id, BillingAddress={"city": "Bonn"})).status == 400


async def test_the_contact_of_a_new_deal_becomes_its_primary_contact(sales: Sales) -> None:
    """11.1 ContactId: on create only."""
    contact = await sales.create("Contact", FirstName="Aya", LastName="Ito")
    deal = await sales.deal(ContactId=contact)
    [role] = await sales.query("SELECT Contact.Name, IsPrimary, OpportunityId FROM OpportunityContactRole")
    assert (role["Contact"]["Name"], role["IsPrimary"], role["OpportunityId"]) == ("Aya Ito", True, deal)
    refused = await sales.patch("Opportunity", deal, ContactId=contact)
    assert refused.refusal == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


async def test_an_opportunity_has_one_primary_role(sales: Sales) -> None:
    """11.3; the same pair may exist twice."""
    deal, contact = await sales.deal(), await sales.create("Contact", LastName="Ito")
    role = {"OpportunityId": deal, "ContactId": contact, "IsPrimary": True}
    first = await sales.create("OpportunityContactRole", **role)
    second = await sales.create("OpportunityContactRole", **role)
    assert (await sales.get("OpportunityContactRole", first))["IsPrimary"] is False
    assert (await sales.get("OpportunityContactRole", second))["IsPrimary"] is True
    moved = await sales.patch("OpportunityContactRole", first, OpportunityId=deal)
    assert moved.refusal == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


async def test_team_members_are_users_and_carry_their_name(sales: Sales) -> None:
    """11.4."""
    deal, contact = await sales.deal(), await sales.create("Contact", LastName="Ito")
    outside = {"OpportunityId": deal, "UserId": contact}
    refused = await sales.call("POST", "/sobjects/OpportunityTeamMember", outside)
    assert refused.refusal == (400, "MALFORMED_ID")
    member = await sales.create("OpportunityTeamMember", OpportunityId=deal, UserId=sales.org.user_id)
    row = await sales.get("OpportunityTeamMember", member)
    assert (row["Name"], row["OpportunityAccessLevel"]) == ("Cosell Integration", "Read")


async def test_products_take_the_amount_over(sales: Sales) -> None:
    """11.5; the opportunity's stamp moves with the sum."""
    deal = await sales.deal(Amount=10)
    sales.frame.clock.advance(5)
    line = sales.org.as_seller.add_product(deal, unit_price=100.0, quantity=3)
    row = await sales.get("Opportunity", deal)
    assert (row["Amount"], row["TotalOpportunityQuantity"]) == (300.0, 3.0)
    assert row["SystemModstamp"] > row["CreatedDate"]
    await sales.patch("OpportunityLineItem", line, Quantity=1)
    assert (await sales.get("Opportunity", deal))["Amount"] == 100.0
    for lacking in ({"Quantity": 1, "UnitPrice": 1}, {"Quantity": 1}, {}):
        reply = await sales.call("POST", "/sobjects/OpportunityLineItem", {"OpportunityId": deal, **lacking})
        assert reply.refusal == (400, "REQUIRED_FIELD_MISSING")
    await sales.call("DELETE", f"/sobjects/OpportunityLineItem/{line}")
    row = await sales.get("Opportunity", deal)
    assert row["HasOpportunityLineItem"] is False
    assert (await sales.patch("Opportunity", deal, Amount=7)).status == 204
    assert (await sales.get("Opportunity", deal))["Amount"] == 7.0


async def test_an_enhanced_note_is_written_and_linked(sales: Sales) -> None:
    """11.6."""
    deal = await sales.deal()
    content = base64.b64encode(b"<p>Call <b>Aya</b></p>").decode()
    note = await sales.create("ContentNote", Title="Plan", Content=content)
    assert note.startswith("069")
    await sales.create(
        "ContentDocumentLink",
        ContentDocumentId=note,
        LinkedEntityId=deal,
        ShareType="V",
        Visibility="AllUsers",
    )
    soql = "SELECT ContentDocument.Title FROM ContentDocumentLink WHERE LinkedEntityId"
    [found] = await sales.query(f"{soql} = '{deal}'")
    assert found["ContentDocument"]["Title"] == "Plan"
    row = await sales.get("ContentNote", note)
    assert (row["TextPreview"], row["FileType"]) == ("Call Aya", "SNOTE")
    assert (await sales.call("GET", row["Content"])).raw == b"<p>Call <b>Aya</b></p>"
    not_base64 = await sales.call("POST", "/sobjects/ContentNote", {"Title": "x", "Content": "?"})
    assert not_base64.refusal == (400, "JSON_PARSER_ERROR")
    sales.org.settings.notes = False
    assert (await sales.call("GET", "/sobjects/ContentNote/describe")).status == 404


async def test_classic_notes_hang_on_their_parent(sales: Sales) -> None:
    deal = await sales.deal()
    await sales.create("Note", ParentId=deal, Title="Plan", Body="Call Aya")
    [row] = await sales.query("SELECT Id, (SELECT Title FROM Notes) FROM Opportunity")
    assert row["Notes"]["records"][0]["Title"] == "Plan"


async def test_a_lead_has_a_status_and_two_required_names(sales: Sales) -> None:
    """11.2."""
    refused = await sales.call("POST", "/sobjects/Lead", {"FirstName": "Aya"})
    assert refused.errors[0]["fields"] == ["LastName", "Company"]
    row = await sales.get("Lead", await sales.create("Lead", LastName="Ito", Company="Contoso"))
    assert (row["Status"], row["IsConverted"], row["Name"]) == ("Open - Not Contacted", False, "Ito")
    rows = await sales.query("SELECT ApiName FROM LeadStatus WHERE IsDefault = true")
    assert [row["ApiName"] for row in rows] == ["Open - Not Contacted"]


async def test_text_is_trimmed_and_empty_text_is_null(sales: Sales) -> None:
    row_id = await sales.deal(NextStep="  Call  ", Description="")
    row = await sales.get("Opportunity", row_id)
    assert (row["NextStep"], row["Description"]) == ("Call", None)
    sales.org.settings.trim_text = False
    await sales.patch("Opportunity", row_id, NextStep="  Call  ")
    assert (await sales.get("Opportunity", row_id))["NextStep"] == "  Call  "


async def test_limits_and_counts_are_told(sales: Sales) -> None:
    """Section 9; nothing is said of empty objects."""
    await sales.deal()
    limits = (await sales.call("GET", "/limits/")).json
    assert limits["DailyApiRequests"] == {"Max": 100_000, "Remaining": 100_000 - sales.org.calls_used}
    counts = await sales.call("GET", "/limits/recordCount?sObjects=Opportunity,Account")
    assert counts.json == {"sObjects": [{"count": 1, "name": "Opportunity"}]}


async def test_people_are_told_from_the_integration(sales: Sales) -> None:
    """10.4: LastModifiedById is whoever wrote."""
    deal = await sales.deal()
    assert (await sales.get("Opportunity", deal))["LastModifiedById"] == sales.org.user_id
    sales.org.as_seller.update("Opportunity", deal, {"Amount": 1}, user="ines.castro@cosell.example")
    soql = "SELECT LastModifiedBy.Name, CreatedBy.Username FROM Opportunity"
    [row] = await sales.query(soql)
    assert row["LastModifiedBy"]["Name"] == "Ines Castro"
    assert row["CreatedBy"]["Username"] == sales.org.username


def _half_a_transaction(slow: SlowTransaction, row_id: str) -> None:
    """Writes once, then fails."""
    slow.update("Opportunity", row_id, {"Amount": 6})
    slow.update("Opportunity", row_id, {"Amount": "seven"})


async def test_a_transaction_shows_its_rows_all_at_once_or_never(sales: Sales) -> None:
    seller = sales.org.as_seller
    kept = await sales.deal(Name="Kept")
    slow = seller.open_transaction()
    made = slow.create("Opportunity", {**DEAL, "Name": "Made"})
    slow.update("Opportunity", made, {"Amount": 5})
    slow.create(SOLUTION, {"Opportunity__c": made, "Name": "S"})
    slow.delete("Opportunity", kept)
    assert await sales.names("") == ["Kept"]
    assert seller.rows(SOLUTION) == []
    slow.commit()
    assert await sales.names("") == ["Made"]
    assert seller.get("Opportunity", made)["Amount"] == 5.0
    with pytest.raises(ValueError, match="over"):
        slow.commit()
    with pytest.raises(Exception, match="JSON_PARSER_ERROR"), seller.begin_slow_transaction() as other:
        _half_a_transaction(other, made)
    assert seller.get("Opportunity", made)["Amount"] == 5.0


async def test_a_transaction_whose_unique_value_was_taken_is_rolled_back(sales: Sales) -> None:
    slow = sales.org.open_transaction()
    slow.create("Opportunity", {**DEAL, "Referral_Identifier__c": "ref"})
    slow.create("Opportunity", {**DEAL, "Name": "Also lost"})
    await sales.deal(Name="First", Referral_Identifier__c="ref")
    with pytest.raises(Exception, match="DUPLICATE_VALUE"):
        slow.commit()
    assert await sales.names("") == ["First"]


async def test_the_same_dice_make_the_same_ids(sales: Sales) -> None:
    sales.frame.reset(seed=5)
    sales.org.reset()
    first = [await sales.deal() for _ in range(3)]
    sales.frame.reset(seed=5)
    sales.org.reset()
    assert [await sales.deal() for _ in range(3)] == first == sorted(first)
    sales.frame.reset(seed=6)
    sales.org.reset()
    assert await sales.deal() != first[0]


async def test_a_converted_lead_points_to_what_it_became_and_takes_no_more_edits(sales: Sales) -> None:
    """11.2: account, contact and, unless told otherwise, an opportunity."""
    lead = await sales.create("Lead", LastName="Ito", FirstName="Aya", Company="Contoso", Email="a@c.example")
    made = sales.org.as_seller.convert(lead, Amount=5)
    row = await sales.get("Lead", lead)
    assert (row["IsConverted"], row["ConvertedOpportunityId"]) == (True, made)
    deal = await sales.get("Opportunity", str(made))
    assert (deal["AccountId"], deal["Amount"], deal["IsClosed"]) == (row["ConvertedAccountId"], 5, False)
    assert (await sales.get("Contact", row["ConvertedContactId"]))["Email"] == "a@c.example"
    refused = await sales.call("PATCH", f"/sobjects/Lead/{lead}", {"Phone": "1"})
    assert (refused.status, refused.errors[0]["errorCode"]) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")


async def test_a_lead_can_be_converted_into_nothing_or_into_an_opportunity_that_exists(sales: Sales) -> None:
    first = await sales.create("Lead", LastName="Ito", Company="Contoso")
    assert sales.org.as_seller.convert(first, opportunity=None) is None
    assert (await sales.get("Lead", first))["ConvertedOpportunityId"] is None
    deal = await sales.deal()
    second = await sales.create("Lead", LastName="Abe", Company="Contoso")
    assert sales.org.as_seller.convert(second, opportunity=deal) == deal
    rows = await sales.query("SELECT Id FROM Account WHERE Name = 'Contoso'")
    assert len(rows) == 1


async def test_an_org_may_copy_fields_of_its_own_on_conversion(sales: Sales) -> None:
    sales.org.settings.lead_field_mapping = (("Referral_Identifier__c", "Referral_Identifier__c"),)
    lead = await sales.create("Lead", LastName="Ito", Company="Contoso", Referral_Identifier__c="r-1")
    made = sales.org.as_seller.convert(lead)
    assert (await sales.get("Opportunity", str(made)))["Referral_Identifier__c"] == "r-1"
