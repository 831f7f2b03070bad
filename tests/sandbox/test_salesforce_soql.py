"""SOQL as the Salesforce sandbox reads it (salesforce-api.md section 5)."""

from __future__ import annotations

import pytest

from cosell.sandbox.salesforce.fields import Field, area

from .sales import DEAL, SOLUTION, VERSION, Sales

_ROWS = (
    {"Name": "Alpha", "Amount": 10, "CloseDate": "2027-01-01", "StageName": "Prospecting"},
    {"Name": "beta", "Amount": 20.5, "CloseDate": "2027-02-01", "StageName": "On Hold", "NextStep": "Call"},
    {"Name": "Gamma's", "Amount": None, "CloseDate": "2027-03-01", "StageName": "Closed Won"},
    {"Name": "100% back\\slash", "Amount": 1000, "CloseDate": "2028-01-01", "StageName": "Closed Lost"},
)


async def _four(sales: Sales) -> None:
    for row in _ROWS:
        sales.org.as_seller.create("Opportunity", row)


@pytest.mark.parametrize(
    ("where", "letters"),
    [
        ("", "ABGB"),
        ("WHERE Name = 'alpha'", "A"),
        ("WHERE Name != 'ALPHA'", "BGB"),
        ("WHERE Name <> 'ALPHA'", "BGB"),
        ("where name='Beta' or NAME = 'Alpha'", "AB"),
        ("WHERE Name IN ('beta','Gamma\\'s')", "BG"),
        ("WHERE Name NOT IN ('beta')", "AGB"),
        ("WHERE NOT Name = 'beta'", "AGB"),
        ("WHERE NOT (Name = 'beta' OR Name = 'Alpha')", "GB"),
        ("WHERE Name LIKE 'a%'", "A"),
        ("WHERE Name LIKE '_eta'", "B"),
        ("WHERE Name LIKE '%\\%%'", "B"),
        ("WHERE Name LIKE '%back\\\\slash'", "B"),
        ("WHERE (NOT Name LIKE '%a%') ", ""),
        ("WHERE Amount = 10", "A"),
        ("WHERE Amount = 10.0", "A"),
        ("WHERE Amount > 10 AND Amount <= 1000", "BB"),
        ("WHERE Amount < 20.5", "A"),
        ("WHERE Amount >= 20.5", "BB"),
        ("WHERE Amount = null", "G"),
        ("WHERE Amount != null", "ABB"),
        ("WHERE NextStep = null", "AGB"),
        ("WHERE NextStep = ''", "AGB"),
        ("WHERE NextStep = 'CALL'", "B"),
        ("WHERE NextStep > 'b'", "B"),
        ("WHERE IsClosed = true", "GB"),
        ("WHERE IsClosed = FALSE AND IsWon = false", "AB"),
        ("WHERE IsWon != false", "G"),
        ("WHERE CloseDate = 2027-02-01", "B"),
        ("WHERE CloseDate > 2027-02-01 AND CloseDate < 2028-01-01", "G"),
        ("WHERE CloseDate IN (2027-01-01, 2027-03-01)", "AG"),
        ("WHERE StageName IN ('Closed Won','Closed Lost') AND (Amount = 1000 OR Amount = null)", "GB"),
        ("WHERE Amount = 10 OR Amount = 1e3", "AB"),
        ("WHERE CreatedDate >= 2020-01-01T00:00:00Z", "ABGB"),
        ("WHERE CreatedDate < 2020-01-01T00:00:00+01:00", ""),
        ("WHERE CreatedDate = TODAY", "ABGB"),
        ("WHERE CreatedDate = LAST_N_DAYS:3", "ABGB"),
        ("WHERE CreatedDate < TODAY", ""),
        ("WHERE CreatedDate = THIS_YEAR AND CreatedDate = THIS_MONTH AND CreatedDate = THIS_WEEK", "ABGB"),
        ("WHERE CreatedDate = YESTERDAY OR CreatedDate = LAST_QUARTER OR CreatedDate = N_DAYS_AGO:2", ""),
        ("WHERE CreatedDate > YESTERDAY AND CreatedDate <= TODAY AND CreatedDate >= TODAY", "ABGB"),
        ("WHERE CreatedDate != TOMORROW AND CreatedDate != NEXT_N_DAYS:5", "ABGB"),
        ("WHERE Owner.Name = 'Alex Moreau'", "ABGB"),
        ("WHERE Account.Name = null", "ABGB"),
        ("WHERE Opportunity.Name = 'Alpha'", "A"),
        ("ORDER BY Name", "BABG"),
        ("ORDER BY Name DESC", "GBAB"),
        ("ORDER BY Amount", "GABB"),
        ("ORDER BY Amount ASC NULLS LAST", "ABBG"),
        ("ORDER BY Amount DESC NULLS LAST", "BBAG"),
        ("ORDER BY IsClosed DESC, Name", "BGAB"),
        ("ORDER BY Name LIMIT 2", "BA"),
        ("ORDER BY Name LIMIT 2 OFFSET 1", "AB"),
        ("ORDER BY Name OFFSET 3", "G"),
        ("LIMIT 0", ""),
        ("ORDER BY SystemModstamp, Id LIMIT 3", "ABG"),
    ],
)
async def test_conditions_orders_and_cuts_select_the_right_rows(
    sales: Sales, where: str, letters: str
) -> None:
    """Text compares without case; null matches != but no comparison."""
    await _four(sales)
    initials = {"Alpha": "A", "beta": "B", "Gamma's": "G", "100% back\\slash": "B"}
    assert "".join(initials[name] for name in await sales.names(where)) == letters


@pytest.mark.parametrize(
    ("soql", "token"),
    [
        ("SELECT Id FROM", "<EOF>"),
        ("SELECT FROM Opportunity", "FROM"),
        ("Id FROM Opportunity", "Id"),
        ("SELECT Id, FROM Opportunity", "FROM"),
        ("SELECT Id Name FROM Opportunity", "Name"),
        ("SELECT Id FROM Opportunity WHERE", "<EOF>"),
        ("SELECT Id FROM Opportunity WHERE Name", "<EOF>"),
        ("SELECT Id FROM Opportunity WHERE Name = ", "<EOF>"),
        ("SELECT Id FROM Opportunity WHERE Name = Alpha OR", "<EOF>"),
        ("SELECT Id FROM Opportunity WHERE Name = 'a' AND Amount = 1 OR Amount = 2", "OR"),
        ("SELECT Id FROM Opportunity WHERE Name = 'a' extra", "extra"),
        ("SELECT Id FROM Opportunity WHERE Name IN 'a'", "a"),
        ("SELECT Id FROM Opportunity WHERE Name IN ()", ")"),
        ("SELECT Id FROM Opportunity WHERE (Name = 'a'", "<EOF>"),
        ("SELECT Id FROM Opportunity LIMIT many", "many"),
        ("SELECT Id FROM Opportunity ORDER Name", "Name"),
        ("SELECT Id FROM Opportunity WHERE Name = 'unclosed", "'"),
        ("SELECT Id FROM Opportunity WHERE CreatedDate > 2026-11-20T09:15:00 01:00", "-"),
        ("SELECT Id FROM Opportunity; DROP", ";"),
    ],
)
async def test_a_malformed_query_names_the_unexpected_token(sales: Sales, soql: str, token: str) -> None:
    """Section 3 MALFORMED_QUERY; a `+` sent unencoded arrives as a space."""
    reply = await sales.ask(soql)
    assert reply.refusal == (400, "MALFORMED_QUERY")
    assert f"unexpected token: '{token}" in reply.errors[0]["message"]


async def test_a_bad_escape_and_an_overlong_literal_are_malformed(sales: Sales) -> None:
    """Escapes are \\n \\r \\t \\b \\f \\" \\' \\\\ and \\uXXXX, no other; a literal has 4,000 characters."""
    fine = "SELECT Id FROM Opportunity WHERE Name = 'a\\n\\r\\t\\b\\f\\\"\\'\\\\\\u00e4'"
    assert (await sales.ask(fine)).status == 200
    assert (await sales.ask("SELECT Id FROM Opportunity WHERE Name = 'a\\q'")).refusal == (
        400,
        "MALFORMED_QUERY",
    )
    long = f"SELECT Id FROM Opportunity WHERE Name = '{'x' * 4_001}'"
    assert (await sales.ask(long)).refusal == (400, "MALFORMED_QUERY")
    assert (await sales.ask("  ")).refusal == (400, "MALFORMED_QUERY")


async def test_unknown_objects_and_columns_are_shown_with_a_caret(sales: Sales) -> None:
    """Section 3, recorded texts of INVALID_TYPE and INVALID_FIELD."""
    advice = " Please reference your WSDL or the describe call for the appropriate names."
    reply = await sales.ask("select count() from XYZZY")
    assert reply.errors == [
        {
            "errorCode": "INVALID_TYPE",
            "message": "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
            "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure to"
            f" append the '__c' after the entity name.{advice}",
        }
    ]
    reply = await sales.ask("SELECT Id, ApiName FROM Opportunity")
    assert reply.errors == [
        {
            "errorCode": "INVALID_FIELD",
            "message": "\nSELECT Id, ApiName FROM Opportunity\n           ^\nERROR at Row:1:Column:12\n"
            "No such column 'ApiName' on entity 'Opportunity'. If you are attempting to use a custom field,"
            f" be sure to append the '__c' after the custom field name.{advice}",
        }
    ]


@pytest.mark.parametrize(
    "where",
    [
        "WHERE Nope = 1",
        "WHERE Account.Nope = 'x'",
        "WHERE Nope__r.Name = 'x'",
        "WHERE Description = 'long text'",
        "WHERE Audit__c LIKE '%error%'",
        "ORDER BY Description",
        "WHERE Amount = '10'",
        "WHERE Name = 10",
        "WHERE IsWon = 'true'",
        "WHERE CloseDate = '2027-01-01'",
        "WHERE CloseDate > 2027-01-01T00:00:00Z",
        "WHERE SystemModstamp > 2027-01-01",
    ],
)
async def test_fields_that_do_not_exist_or_cannot_be_compared_so_are_refused(
    sales: Sales, where: str
) -> None:
    """Section 4: long text areas cannot be in WHERE; literals have the field's type."""
    assert (await sales.ask(f"SELECT Id FROM Opportunity {where}")).refusal == (400, "INVALID_FIELD")


@pytest.mark.parametrize("where", ["WHERE Id = 'abc'", "WHERE IsWon > false", "WHERE Amount LIKE '1%'"])
async def test_operators_a_field_does_not_have_are_refused(sales: Sales, where: str) -> None:
    reply = await sales.ask(f"SELECT Id FROM Opportunity {where}")
    assert reply.refusal == (400, "INVALID_QUERY_FILTER_OPERATOR")


async def test_an_offset_over_2000_is_refused(sales: Sales) -> None:
    assert (await sales.ask("SELECT Id FROM Opportunity OFFSET 2000")).status == 200
    reply = await sales.ask("SELECT Id FROM Opportunity OFFSET 2001")
    assert reply.refusal == (400, "NUMBER_OUTSIDE_VALID_RANGE")


async def test_count_gives_the_size_and_no_records(sales: Sales) -> None:
    await _four(sales)
    reply = await sales.ask("SELECT count() FROM Opportunity WHERE Amount != null")
    assert reply.json == {"totalSize": 3, "done": True, "records": []}


async def test_ids_match_with_15_and_18_characters(sales: Sales) -> None:
    row_id = await sales.deal()
    for given in (row_id, row_id[:15]):
        found = await sales.query(f"SELECT Id FROM Opportunity WHERE Id = '{given}'")
        assert [row["Id"] for row in found] == [row_id]
    other_case = row_id[:15].swapcase()
    assert await sales.query(f"SELECT Id FROM Opportunity WHERE Id = '{other_case}'") == []


async def test_parents_are_nested_and_null_where_there_is_none(sales: Sales) -> None:
    account = await sales.create("Account", Name="Contoso", BillingCountry="DE")
    await sales.deal(AccountId=account)
    await sales.deal(Name="Lonely")
    first, second = await sales.query(
        "SELECT Name, Account.Name, Account.Owner.Email, Account.BillingCountry FROM Opportunity ORDER BY Id"
    )
    assert first["Account"] == {
        "attributes": {"type": "Account", "url": f"{VERSION}/sobjects/Account/{account}"},
        "Name": "Contoso",
        "Owner": {
            "attributes": {"type": "User", "url": f"{VERSION}/sobjects/User/{sales.org.user_id}"},
            "Email": sales.org.username,
        },
        "BillingCountry": "DE",
    }
    assert second["Account"] is None


async def test_children_are_nested_with_their_own_conditions(sales: Sales) -> None:
    deal, bare = await sales.deal(), await sales.deal(Name="Bare")
    for number in (1, 2, 3):
        await sales.create(SOLUTION, Opportunity__c=deal, Name=f"S{number}", Quantity__c=number)
    first, second = await sales.query(
        "SELECT Id, (SELECT Name, Opportunity__r.Name FROM Microsoft_Partner_Center_Solutions__r"
        " WHERE Quantity__c > 1 ORDER BY Name DESC LIMIT 1), (SELECT Id FROM OpportunityContactRoles)"
        " FROM Opportunity ORDER BY Id"
    )
    assert (first["Id"], second["Id"]) == (deal, bare)
    children = first["Microsoft_Partner_Center_Solutions__r"]
    assert (children["totalSize"], children["done"]) == (1, True)
    assert children["records"][0]["Name"] == "S3"
    assert children["records"][0]["Opportunity__r"]["Name"] == "Factory floor"
    assert first["OpportunityContactRoles"] is None
    assert second["Microsoft_Partner_Center_Solutions__r"] is None


async def test_an_unknown_child_relationship_is_refused(sales: Sales) -> None:
    reply = await sales.ask("SELECT Id, (SELECT Id FROM Nothings__r) FROM Opportunity")
    assert reply.refusal == (400, "INVALID_TYPE")


async def test_a_semi_join_selects_by_the_rows_of_another_object(sales: Sales) -> None:
    deal = await sales.deal(Name="Joined")
    await sales.deal(Name="Not joined")
    inside = f"(SELECT Opportunity__c FROM {SOLUTION} WHERE Quantity__c > 1)"
    assert await sales.names(f"WHERE Id IN {inside}") == []
    await sales.create(SOLUTION, Opportunity__c=deal, Name="S", Quantity__c=2)
    assert await sales.names(f"WHERE Id IN {inside}") == ["Joined"]
    assert await sales.names(f"WHERE Id NOT IN {inside}") == ["Not joined"]


async def test_aliases_and_fields_functions_are_understood(sales: Sales) -> None:
    await sales.deal()
    assert (await sales.query("SELECT o.Id, o.Owner.Name FROM Opportunity o WHERE o.Amount = null"))[0]["Id"]
    [row] = await sales.query("SELECT FIELDS(ALL) FROM Opportunity LIMIT 200")
    assert "Referral_Identifier__c" in row
    assert "StageName" in row
    [row] = await sales.query("SELECT Id, FIELDS(CUSTOM) FROM Opportunity LIMIT 1")
    assert "StageName" not in row
    assert (await sales.ask("SELECT FIELDS(ALL) FROM Opportunity")).refusal == (400, "MALFORMED_QUERY")
    assert (await sales.ask("SELECT Id, Id FROM Opportunity")).refusal == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    "tail", ["GROUP BY Name", "FOR UPDATE", "USING SCOPE mine", "WITH SECURITY_ENFORCED"]
)
async def test_what_is_not_simulated_says_so(sales: Sales, tail: str) -> None:
    reply = await sales.ask(f"SELECT Id FROM Opportunity {tail}")
    assert reply.refusal == (400, "MALFORMED_QUERY")
    assert "the sandbox does not simulate" in reply.errors[0]["message"]


async def test_multipicklists_are_filtered_by_what_they_include(sales: Sales) -> None:
    sales.org.schema.add_field("Opportunity", Field("Clouds__c", "Clouds", "multipicklist", 4_099))
    await sales.deal(Name="Both", Clouds__c="Azure;Teams")
    await sales.deal(Name="One", Clouds__c="Azure")
    assert await sales.names("WHERE Clouds__c INCLUDES ('azure;teams')") == ["Both"]
    assert await sales.names("WHERE Clouds__c EXCLUDES ('Teams')") == ["One"]


async def test_pages_follow_the_batch_size_down_to_200(sales: Sales) -> None:
    """Section 5: 200 to 2000, only a hint."""
    for number in range(450):
        sales.org.as_seller.create("Opportunity", {**DEAL, "Name": f"{number:03}"})
    headers = {"Sforce-Query-Options": "batchSize=50"}
    params = {"q": "SELECT Name FROM Opportunity ORDER BY Name"}
    page = (await sales.call("GET", "/query/", params=params, headers=headers)).json
    names, sizes = [], []
    while True:
        names += [row["Name"] for row in page["records"]]
        sizes.append(len(page["records"]))
        assert page["totalSize"] == 450
        if page["done"]:
            break
        page = (await sales.call("GET", page["nextRecordsUrl"], params=params)).json
    assert sizes == [200, 200, 50]
    assert names == [f"{number:03}" for number in range(450)]


async def test_children_count_for_the_size_of_a_page(sales: Sales) -> None:
    for number in range(60):
        deal = sales.org.as_seller.create("Opportunity", {**DEAL, "Name": f"{number:02}"})
        for child in range(4):
            sales.org.as_seller.create(SOLUTION, {"Opportunity__c": deal, "Name": f"{child}"})
    soql = "SELECT Id, (SELECT Id FROM Microsoft_Partner_Center_Solutions__r) FROM Opportunity"
    headers = {"Sforce-Query-Options": "batchSize=200"}
    reply = await sales.call("GET", "/query", params={"q": soql}, headers=headers)
    assert (len(reply.json["records"]), reply.json["done"]) == (40, False)


async def test_a_cursor_shows_the_rows_of_its_query_and_dies_when_idle(sales: Sales) -> None:
    """Section 3 INVALID_QUERY_LOCATOR; section 5, 15 minutes reported."""
    for number in range(250):
        sales.org.as_seller.create("Opportunity", {**DEAL, "Name": f"{number}"})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    options = {"params": {"q": "SELECT Id, Name FROM Opportunity"}, "headers": headers}
    first = (await sales.call("GET", "/query", **options)).json
    for row in sales.org.as_seller.rows("Opportunity"):
        sales.org.as_seller.update("Opportunity", row["Id"], {"Name": "Changed"})
    second = (await sales.call("GET", first["nextRecordsUrl"])).json
    assert second["records"][0]["Name"] == "200"
    sales.frame.clock.advance(901)
    gone = await sales.call("GET", first["nextRecordsUrl"])
    assert gone.refusal == (400, "INVALID_QUERY_LOCATOR")
    assert (await sales.call("GET", "/query/nonsense")).refusal == (400, "INVALID_QUERY_LOCATOR")


async def test_too_many_open_cursors_close_the_oldest(sales: Sales) -> None:
    sales.org.settings.open_cursors = 2
    for number in range(201):
        sales.org.as_seller.create("Opportunity", {**DEAL, "Name": f"{number}"})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    options = {"params": {"q": "SELECT Id FROM Opportunity"}, "headers": headers}
    pages = [(await sales.call("GET", "/query", **options)).json["nextRecordsUrl"] for _ in range(3)]
    codes = [(await sales.call("GET", page)).status for page in pages]
    assert codes == [400, 200, 200]


async def test_query_all_shows_the_recycle_bin(sales: Sales) -> None:
    kept, gone = await sales.deal(Name="Kept"), await sales.deal(Name="Gone")
    await sales.call("DELETE", f"/sobjects/Opportunity/{gone}")
    assert [row["Id"] for row in await sales.query("SELECT Id FROM Opportunity")] == [kept]
    rows = await sales.query("SELECT Id, IsDeleted FROM Opportunity", path="/queryAll")
    assert [(row["Id"], row["IsDeleted"]) for row in rows] == [(kept, False), (gone, True)]


async def test_the_watermark_query_pages_by_key_through_one_second(sales: Sales) -> None:
    """10.2: more rows on one second than a page holds."""
    ids = [await sales.deal(Name=f"{number}") for number in range(7)]
    found: list[str] = []
    bound = f"SystemModstamp >= {sales.moment(-60)}"
    for _ in range(4):
        tail = "ORDER BY SystemModstamp, Id LIMIT 2"
        rows = await sales.query(f"SELECT Id, SystemModstamp FROM Opportunity WHERE {bound} {tail}")
        found += [row["Id"] for row in rows]
        stamp = rows[-1]["SystemModstamp"].replace("+0000", "Z")
        bound = f"(SystemModstamp > {stamp}) OR (SystemModstamp = {stamp} AND Id > '{rows[-1]['Id']}')"
    assert found == ids


async def test_milliseconds_do_not_count_in_comparisons(sales: Sales) -> None:
    await sales.deal(Name="Now")
    stamp = sales.now().strftime("%Y-%m-%dT%H:%M:%S")
    assert await sales.names(f"WHERE SystemModstamp = {stamp}.999Z") == ["Now"]
    assert await sales.names(f"WHERE SystemModstamp > {stamp}.000Z") == []


async def test_column_metadata_comes_on_request(sales: Sales) -> None:
    """Section 16: the vendor's command line asks for it."""
    params = {"q": "SELECT Id, Name, Account.Name FROM Opportunity", "columns": "true"}
    reply = (await sales.call("GET", "/query", params=params)).json
    names = [column["columnName"] for column in reply["columnMetadata"]]
    assert names == ["Id", "Name", "Account.Name"]
    assert (reply["entityName"], reply["keyPrefix"], reply["idSelected"]) == ("Opportunity", "006", True)


async def test_a_renamed_or_dropped_field_shows_in_the_next_query(sales: Sales) -> None:
    """Schema drift between two calls."""
    row_id = await sales.deal(Referral_Program__c="Co-sell")
    soql = "SELECT Referral_Program__c FROM Opportunity"
    assert (await sales.query(soql))[0]["Referral_Program__c"] == "Co-sell"
    sales.org.schema.rename_field("Opportunity", "Referral_Program__c", "Program__c")
    assert (await sales.ask(soql)).refusal == (400, "INVALID_FIELD")
    assert (await sales.query("SELECT Program__c FROM Opportunity"))[0]["Program__c"] == "Co-sell"
    sales.org.schema.drop_field("Opportunity", "Program__c")
    assert (await sales.patch("Opportunity", row_id, Program__c="x")).refusal == (400, "INVALID_FIELD")
    sales.org.schema.add_field("Opportunity", area("Program__c", "Program", 1_000))
    assert (await sales.query("SELECT Program__c FROM Opportunity"))[0]["Program__c"] is None


async def test_document_links_must_be_filtered_by_one_of_their_ends(sales: Sales) -> None:
    """11.6."""
    reply = await sales.ask("SELECT Id FROM ContentDocumentLink")
    assert reply.refusal == (400, "MALFORMED_QUERY")
    assert "Implementation restriction" in reply.errors[0]["message"]
    deal = await sales.deal()
    soql = f"SELECT Id FROM ContentDocumentLink WHERE LinkedEntityId = '{deal}'"
    assert await sales.query(soql) == []
