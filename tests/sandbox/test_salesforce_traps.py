"""The sixteen traps of salesforce-api.md section 0, as the sandbox sets them."""

from __future__ import annotations

from cosell.sandbox.salesforce.fields import area

from .sales import DEAL, EXTERNAL, SOLUTION, VERSION, Sales, part, statuses


async def test_errors_are_arrays_oauth_errors_objects_and_rows_of_collections_say_status_code(
    sales: Sales,
) -> None:
    """salesforce-api.md 0 trap 1."""
    plain = await sales.call("POST", "/sobjects/Contact", {"FirstName": "No last name"})
    assert plain.errors[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert plain.errors[0]["fields"] == ["LastName"]
    oauth = await sales.token(grant_type="nonsense")
    assert oauth.json["error"] == "unsupported_grant_type"
    rows = {"records": [{"attributes": {"type": "Contact"}, "FirstName": "No last name"}]}
    [row] = (await sales.call("POST", "/composite/sobjects", rows)).json
    assert row["success"] is False
    assert "id" not in row
    assert row["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert "errorCode" not in row["errors"][0]


async def test_a_composite_answers_200_and_halts_the_innocent_before_and_after_the_failure(
    sales: Sales,
) -> None:
    """Trap 2; nothing of the composite stays."""
    answers = await sales.composite(
        part("first", "POST", "/sobjects/Account", {"Name": "Contoso"}),
        part("bad", "POST", "/sobjects/Contact", {"LastName": "X", "Email": "Not a real email address"}),
        part("last", "POST", "/sobjects/Account", {"Name": "Fabrikam"}),
        allOrNone=True,
    )
    assert statuses(answers) == [400, 400, 400]
    codes = [answer["body"][0]["errorCode"] for answer in answers]
    assert codes == ["PROCESSING_HALTED", "INVALID_EMAIL_ADDRESS", "PROCESSING_HALTED"]
    assert await sales.names("", sobject="Account") == []


async def test_upsert_creates_updates_and_says_which(sales: Sales) -> None:
    """Trap 3, first two outcomes; 204 without a body before version 46."""
    made = await sales.call("PATCH", f"{EXTERNAL}/ref-1", DEAL)
    assert made.status == 201
    assert made.json["created"] is True
    assert made.headers["Location"] == f"{VERSION}/sobjects/Opportunity/{made.json['id']}"
    again = await sales.call("PATCH", f"{EXTERNAL}/ref-1", {"Amount": 5})
    assert again.status == 200
    assert again.json == {"id": made.json["id"], "success": True, "errors": [], "created": False}
    old = await sales.call("PATCH", f"/services/data/v45.0{EXTERNAL}/ref-1", {"Amount": 6})
    assert (old.status, old.raw) == (204, b"")


async def test_an_ambiguous_upsert_is_300_with_the_paths_and_writes_nothing(sales: Sales) -> None:
    """Trap 3, third outcome."""
    sales.org.settings.unique_referral_id = False
    sales.org.settings.view_all_data = True
    ids = [await sales.deal(Referral_Identifier__c="twin") for _ in range(2)]
    reply = await sales.call("PATCH", f"{EXTERNAL}/twin", {"Amount": 99})
    assert reply.status == 300
    assert reply.json == [f"{VERSION}/sobjects/Opportunity/{row_id}" for row_id in ids]
    assert [(await sales.get("Opportunity", row_id))["Amount"] for row_id in ids] == [None, None]


async def test_an_upsert_by_what_is_no_external_id_is_not_found(sales: Sales) -> None:
    """Trap 3, fourth outcome."""
    reply = await sales.call("PATCH", "/sobjects/Opportunity/NextStep/x", DEAL)
    assert reply.refusal == (404, "NOT_FOUND")
    assert reply.errors[0]["message"] == "The requested resource does not exist"


async def test_upsert_by_an_external_id_that_is_not_unique_needs_view_all_data(sales: Sales) -> None:
    """Trap 4."""
    sales.org.settings.unique_referral_id = False
    assert (await sales.call("PATCH", f"{EXTERNAL}/ref-1", DEAL)).refusal == (
        403,
        "INSUFFICIENT_ACCESS_OR_READONLY",
    )
    sales.org.settings.view_all_data = True
    assert (await sales.call("PATCH", f"{EXTERNAL}/ref-1", DEAL)).status == 201


async def test_the_amount_of_an_opportunity_with_products_is_silently_ignored(sales: Sales) -> None:
    """Trap 5: 204, other fields are written, the amount stays the sum of the products."""
    row_id = await sales.deal(Amount=10)
    sales.org.as_seller.add_product(row_id, unit_price=250.0, quantity=2)
    reply = await sales.patch("Opportunity", row_id, Amount=1, NextStep="Call")
    assert reply.status == 204
    row = await sales.get("Opportunity", row_id)
    assert (row["Amount"], row["NextStep"], row["HasOpportunityLineItem"]) == (500.0, "Call", True)


async def test_currency_and_team_do_not_exist_until_switched_on(sales: Sales) -> None:
    """Trap 6."""
    sales.org.settings.multi_currency = False
    sales.org.settings.opportunity_teams = False
    assert (await sales.ask("SELECT CurrencyIsoCode FROM Opportunity")).refusal == (400, "INVALID_FIELD")
    assert (await sales.ask("SELECT Id FROM OpportunityTeamMember")).refusal == (400, "INVALID_TYPE")
    described = await sales.call("GET", "/sobjects/OpportunityTeamMember/describe")
    assert described.refusal == (404, "NOT_FOUND")
    sales.org.settings.multi_currency = True
    sales.org.settings.opportunity_teams = True
    assert (await sales.ask("SELECT CurrencyIsoCode FROM Opportunity")).status == 200
    assert (await sales.ask("SELECT Id FROM OpportunityTeamMember")).status == 200


async def test_free_text_in_a_country_picklist_is_refused_and_the_code_is_taken(sales: Sales) -> None:
    """Trap 7."""
    account = {"Name": "Contoso", "BillingCountry": "DE"}
    assert (await sales.call("POST", "/sobjects/Account", account)).status == 201
    sales.org.settings.state_country_picklists = True
    refused = await sales.call("POST", "/sobjects/Account", account)
    assert refused.refusal == (400, "FIELD_INTEGRITY_EXCEPTION")
    assert refused.errors[0]["fields"] == ["BillingCountry"]
    row_id = await sales.create("Account", Name="Contoso", BillingCountryCode="DE")
    row = await sales.get("Account", row_id)
    assert (row["BillingCountry"], row["BillingCountryCode"]) == ("Germany", "DE")


async def test_a_row_is_stamped_when_written_and_seen_when_committed(sales: Sales) -> None:
    """Trap 8: a poll for later stamps than the last one misses it."""
    async with sales.org.as_seller.begin_slow_transaction() as slow:
        late = slow.create("Opportunity", {**DEAL, "Name": "Late"})
        sales.frame.clock.advance(60)
        await sales.deal(Name="Early")
        [seen] = await sales.query("SELECT Name, SystemModstamp FROM Opportunity")
        assert seen["Name"] == "Early"
    watermark = seen["SystemModstamp"][:19] + "Z"
    missed = await sales.names(f"WHERE SystemModstamp > {watermark}")
    assert missed == []
    assert (await sales.get("Opportunity", late))["SystemModstamp"] < seen["SystemModstamp"]


async def test_deleted_roles_and_team_members_are_told_by_get_deleted_alone(sales: Sales) -> None:
    """Trap 9."""
    deal = await sales.deal()
    contact = await sales.create("Contact", LastName="Ito")
    role = await sales.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact)
    member = await sales.create("OpportunityTeamMember", OpportunityId=deal, UserId=sales.org.user_id)
    solution = await sales.create(SOLUTION, Opportunity__c=deal, Name="Solution")
    window = {"start": sales.moment(-600), "end": sales.moment(600)}
    for sobject, row_id, kept in (
        ("OpportunityContactRole", role, False),
        ("OpportunityTeamMember", member, False),
        (SOLUTION, solution, True),
    ):
        assert (await sales.call("DELETE", f"/sobjects/{sobject}/{row_id}")).status == 204
        soql = f"SELECT Id FROM {sobject} WHERE IsDeleted = true"
        assert bool(await sales.query(soql, path="/queryAll")) is kept
        listed = await sales.call("GET", f"/sobjects/{sobject}/deleted/", params=window)
        assert [one["id"] for one in listed.json["deletedRecords"]] == [row_id]


async def test_change_lists_drop_the_seconds_of_both_ends(sales: Sales) -> None:
    """Trap 10: the window reaches back to the full minute."""
    await sales.deal()
    row_id = await sales.deal(Name="Gone")
    await sales.call("DELETE", f"/sobjects/Opportunity/{row_id}")
    sales.frame.clock.advance(60)
    # Both began after the writes; without their seconds they enclose them.
    window = {"start": sales.moment(-35), "end": sales.moment(0)}
    listed = await sales.call("GET", "/sobjects/Opportunity/deleted", params=window)
    assert [one["id"] for one in listed.json["deletedRecords"]] == [row_id]
    early = {"start": sales.moment(-180), "end": sales.moment(-25)}
    assert (await sales.call("GET", "/sobjects/Opportunity/updated", params=early)).json["ids"] == []


async def test_tokens_have_no_expiry_and_end_with_401(sales: Sales) -> None:
    """Trap 11."""
    token = (await sales.sign_in()).json
    assert "expires_in" not in token
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert (await sales.call("GET", "/limits", headers=headers)).status == 200
    sales.org.expire_sessions()
    ended = await sales.call("GET", "/limits", headers=headers)
    assert ended.status == 401
    assert ended.errors == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def test_only_accounts_have_etags_the_others_have_dates_of_one_second(sales: Sales) -> None:
    """Trap 12: If-Match on an opportunity guards nothing."""
    account = await sales.create("Account", Name="Contoso")
    deal = await sales.deal()
    assert "ETag" in (await sales.call("GET", f"/sobjects/Account/{account}")).headers
    assert "ETag" not in (await sales.call("GET", f"/sobjects/Opportunity/{deal}")).headers
    stale = {"If-Match": '"nothing"'}
    for sobject, row_id, status in (("Account", account, 412), ("Opportunity", deal, 204)):
        path = f"/sobjects/{sobject}/{row_id}"
        assert (await sales.call("PATCH", path, {"Name": "New"}, headers=stale)).status == status
    path, guard = f"/sobjects/Opportunity/{deal}", {"If-Unmodified-Since": sales.http_date()}
    sales.org.as_seller.update("Opportunity", deal, {"NextStep": "An edit of the same second"})
    assert (await sales.call("PATCH", path, {"NextStep": "Overwrites it"}, headers=guard)).status == 204
    sales.frame.clock.advance(1)
    sales.org.as_seller.update("Opportunity", deal, {"NextStep": "An edit a second later"})
    assert (await sales.call("PATCH", path, {"NextStep": "Too late"}, headers=guard)).status == 412


async def test_next_page_is_a_path_and_two_long_texts_make_pages_of_200(sales: Sales) -> None:
    """Trap 13."""
    sales.org.schema.add_field("Opportunity", area("Story__c", "Story", 32_000))
    for number in range(201):
        sales.org.as_seller.create("Opportunity", {**DEAL, "Name": f"Deal {number}"})
    reply = await sales.ask("SELECT Id, Audit__c, Story__c FROM Opportunity")
    assert len(reply.json["records"]) == 200
    assert reply.json["totalSize"] == 201
    path = reply.json["nextRecordsUrl"]
    assert path.startswith(f"{VERSION}/query/01g")
    rest = (await sales.call("GET", path)).json
    assert (len(rest["records"]), rest["done"]) == (1, True)
    assert "nextRecordsUrl" not in rest
    assert len(await sales.query("SELECT Id, Audit__c FROM Opportunity")) == 201


async def test_an_address_with_headers_over_16384_bytes_is_refused(sales: Sales) -> None:
    """Trap 14: 414 for the address alone, 431 with the headers."""
    long_list = ",".join(["'006000000000000AAA'"] * 900)
    soql = f"SELECT Id FROM Opportunity WHERE Id IN ({long_list})"
    assert (await sales.ask(soql)).status == 414
    padded = {"X-Padding": "x" * 8_000, "X-More": "x" * 8_300}
    assert (await sales.call("GET", "/limits", headers=padded)).status == 431
    assert (await sales.call("GET", "/limits", headers={"X-Padding": "x" * 8_000})).status == 200


async def test_a_created_row_is_referred_to_by_id_and_a_read_one_by_capital_id(sales: Sales) -> None:
    """Trap 15."""
    answers = await sales.composite(
        part("made", "POST", "/sobjects/Account", {"Name": "Contoso"}),
        part("right", "POST", "/sobjects/Contact", {"LastName": "A", "AccountId": "@{made.id}"}),
        part("wrong", "POST", "/sobjects/Contact", {"LastName": "B", "AccountId": "@{made.Id}"}),
        part("read", "GET", "/query?q=SELECT+Id+FROM+Account"),
        part("also", "PATCH", "/sobjects/Account/@{read.records[0].Id}", {"Site": "HQ"}),
        part("not", "PATCH", "/sobjects/Account/@{read.records[0].id}", {"Site": "HQ"}),
        allOrNone=False,
    )
    assert statuses(answers) == [201, 201, 400, 200, 204, 400]
    assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    message = "Invalid reference specified. No value for read.records[0].id found in read"
    assert answers[5]["body"][0]["message"] == message


async def test_an_external_client_app_that_is_not_installed_cannot_sign_in(sales: Sales) -> None:
    """Trap 16."""
    sales.org.settings.app_installed = False
    refused = await sales.sign_in()
    assert refused.status == 400
    assert refused.json == {
        "error": "app_not_found",
        "error_description": "External client app is not installed in this org",
    }
