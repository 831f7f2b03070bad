"""Who and what belongs to a deal: contacts, the sales team, the owner, solutions (M-11…M-16, M-22, B10)."""

from __future__ import annotations

from typing import Any

from .conftest import OTHER_SOL, SOL, SOLUTION, Desk, Furnish


def _user(desk: Desk, first: str, last: str, email: str, **fields: Any) -> str:
    return desk.sandbox.salesforce.as_seller.create(
        "User",
        {
            "FirstName": first,
            "LastName": last,
            "Email": email,
            "Phone": "+31105550199",
            "Username": email,
            "IsActive": True,
            **fields,
        },
    )


def _rows(desk: Desk, sobject: str, opportunity: str, parent: str = "OpportunityId") -> list[Any]:
    return [row for row in desk.sandbox.salesforce.as_seller.rows(sobject) if row[parent] == opportunity]


# --- contacts --------------------------------------------------------------------------------------


async def test_an_edited_contact_travels_although_their_number_stays_the_same(desk: Desk) -> None:
    """C-34, M-15 U→."""
    opportunity = desk.opportunity()
    await desk.sync()
    (role,) = _rows(desk, "OpportunityContactRole", opportunity)
    desk.sandbox.salesforce.as_seller.update("Contact", role["ContactId"], {"Phone": "+31999"})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    (contact,) = referral["customerProfile"]["team"]
    assert contact["phoneNumber"] == "+31999"
    assert contact["email"].startswith("ines.vos")


async def test_a_contact_added_to_the_deal_joins_the_referral(desk: Desk) -> None:
    """M-15 U→."""
    opportunity = desk.opportunity()
    await desk.sync()
    seller, account = desk.sandbox.salesforce.as_seller, desk.row(opportunity)["AccountId"]
    contact = seller.create(
        "Contact",
        {"AccountId": account, "FirstName": "지훈", "LastName": "김", "Email": "jh@x.example", "Phone": "1"},
    )
    seller.create("OpportunityContactRole", {"OpportunityId": opportunity, "ContactId": contact})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    names = {(one["firstName"], one["lastName"]) for one in referral["customerProfile"]["team"]}
    assert names == {("Ines", "Vos"), ("지훈", "김")}


async def test_a_deal_from_microsoft_brings_its_customer_and_contact_once(desk: Desk) -> None:
    """M-11…M-15 C←: account by name and postal code, contact by e-mail, with its role."""
    first, second = desk.inbound(), desk.inbound(name="Second deal")
    await desk.sync()
    rows = [desk.opportunities(one)[0] for one in (first, second)]
    accounts = desk.sandbox.salesforce.as_seller.rows("Account")
    (account,) = [row for row in accounts if row["Name"] == "Contoso Harbour BV"]
    assert {row["AccountId"] for row in rows} == {account["Id"]}
    address = (account["BillingStreet"], account["BillingCity"], account["BillingPostalCode"])
    assert address == ("Kade 1", "Rotterdam", "3011 BB")
    assert account["BillingCountry"] == "NL"
    contacts = desk.sandbox.salesforce.as_seller.rows("Contact")
    (contact,) = [row for row in contacts if row["Email"] == "kim.bos@harbour.example"]
    for row in rows:
        (role,) = _rows(desk, "OpportunityContactRole", row["Id"])
        assert role["ContactId"] == contact["Id"]


async def test_after_microsoft_was_invited_an_edited_contact_stays_in_the_crm(desk: Desk) -> None:
    """X-5: read-only after sharing, as far as anybody knows; the deal goes on."""
    opportunity = desk.opportunity(How_can_Microsoft_help__c="General or Other")
    await desk.sync()
    (role,) = _rows(desk, "OpportunityContactRole", opportunity)
    desk.sandbox.salesforce.as_seller.update("Contact", role["ContactId"], {"Phone": "+31999"})
    desk.edit(opportunity, Amount=51)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["customerProfile"]["team"][0]["phoneNumber"] == "+31105550100"
    assert float(referral["details"]["dealValue"]) == 51


# --- team ------------------------------------------------------------------------------------------


async def test_owner_and_opportunity_team_are_the_referrals_team(desk: Desk) -> None:
    """M-16, PRE-16."""
    opportunity = desk.opportunity()
    colleague = _user(desk, "Noor", "Haan", "noor@partner.example")
    desk.sandbox.salesforce.as_seller.create(
        "OpportunityTeamMember",
        {"OpportunityId": opportunity, "UserId": colleague, "TeamMemberRole": "Sales Rep"},
    )
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    emails = {one["email"] for one in referral["team"]}
    assert "noor@partner.example" in emails
    assert len(emails) == 2


async def test_a_new_owner_takes_the_old_ones_place(desk: Desk) -> None:
    """M-16 U→, J-10."""
    opportunity = desk.opportunity()
    await desk.sync()
    successor = _user(desk, "Lena", "Sand", "lena@partner.example")
    desk.edit(opportunity, OwnerId=successor)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert [one["email"] for one in referral["team"]] == ["lena@partner.example"]


async def test_the_owner_of_an_incoming_deal_is_found_by_e_mail(furnished: Furnish) -> None:
    """J-4: owner by e-mail in the team; the rest of the team comes along."""
    desk = await furnished()
    ada = _user(desk, "Ada", "Seller", "ada@partner.example")
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["OwnerId"] == ada


async def test_microsofts_seller_stays_on_the_referral_when_our_team_changes(desk: Desk) -> None:
    """partner-center-api.md 3.3: Microsoft's people are not ours to remove."""
    team = [
        {"firstName": "M", "lastName": "S", "phoneNumber": "+1", "email": "ms@microsoft.com"},
    ]
    referral = desk.inbound(team=team)
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.edit(row["Id"], StageName="Qualification")
    await desk.sync()
    desk.edit(row["Id"], OwnerId=_user(desk, "Lena", "Sand", "lena@partner.example"))
    await desk.sync()
    emails = {one["email"] for one in desk.referral(referral)["team"]}
    assert emails == {"ms@microsoft.com", "lena@partner.example"}


# --- solutions -------------------------------------------------------------------------------------


async def test_quantity_and_price_of_a_solution_reach_partner_center(desk: Desk) -> None:
    """M-22, B10, FLW-S08: at creation and afterwards."""
    opportunity = desk.opportunity(solutions=[])
    row = desk.add_solution(opportunity, SOL)
    seller = desk.sandbox.salesforce.as_seller
    seller.update(SOLUTION, row, {"Quantity__c": 3, "Price__c": 99.5})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    (solution,) = referral["details"]["requirements"]["solutions"]
    assert (solution["quantity"], solution["price"], solution["currency"]) == (3, 99.5, "EUR")
    seller.update(SOLUTION, row, {"Quantity__c": 4})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    (solution,) = referral["details"]["requirements"]["solutions"]
    assert (solution["quantity"], solution["price"]) == (4, 99.5)


async def test_quantity_and_price_of_a_solution_reach_the_crm(desk: Desk) -> None:
    """M-22 C←, U←."""
    wanted = {
        "id": SOL,
        "name": "Fleet Optimizer",
        "type": "Name",
        "quantity": 2,
        "price": 10,
        "currency": "EUR",
    }
    referral = desk.portal()
    desk.change(referral, details__requirements__solutions=[wanted])
    await desk.sync()
    (row,) = desk.opportunities(referral)
    (solution,) = _rows(desk, SOLUTION, row["Id"], "Opportunity__c")
    assert (solution["Quantity__c"], solution["Price__c"], solution["Name"]) == (2, 10, "Fleet Optimizer")
    other = {**wanted, "id": OTHER_SOL, "name": "Other"}
    desk.change(referral, details__requirements__solutions=[{**wanted, "price": 12}, other])
    await desk.sync()
    solutions = _rows(desk, SOLUTION, row["Id"], "Opportunity__c")
    assert {(one["Solution_Identifier__c"], one["Price__c"]) for one in solutions} == {
        (SOL, 12),
        (OTHER_SOL, 10),
    }


async def test_a_solution_added_on_each_side_is_kept_on_both(desk: Desk) -> None:
    """Lists are merged entry by entry."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    present = desk.referral(referral)["details"]["requirements"]["solutions"]
    third = "SOL-10003-CCC"
    desk.change(
        referral, details__requirements__solutions=[*present, {"id": OTHER_SOL, "name": "O", "type": "Name"}]
    )
    desk.add_solution(row["Id"], third)
    await desk.sync()
    assert desk.solutions_of(row["Id"]) == {SOL, OTHER_SOL, third}
    found = desk.referral(referral)["details"]["requirements"]["solutions"]
    assert {one["id"] for one in found} == {SOL, OTHER_SOL, third}


# --- what else Microsoft tells ---------------------------------------------------------------------


async def test_the_programme_of_a_deal_is_shown(desk: Desk) -> None:
    """FLD-S09, M-21."""
    referral = desk.portal()
    await desk.sync()
    desk.change(referral, referralProgram="Partner of the year")
    await desk.sync()
    assert desk.opportunities(referral)[0]["Referral_Program__c"] == "Partner of the year"


async def test_korean_and_chinese_words_travel_untouched(desk: Desk) -> None:
    """C-42."""
    opportunity = desk.opportunity(Name="서울 물류 분석", Description="첫 줄\n둘째 줄 — 臺灣港口 🚢")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["name"] == "서울 물류 분석"
    assert referral["details"]["notes"] == "첫 줄\n둘째 줄 — 臺灣港口 🚢"
    desk.change(referral["id"], details__notes="變更：第二季\n다음 단계")
    await desk.sync()
    assert desk.row(opportunity)["Description"] == "變更：第二季\n다음 단계"
    assert await desk.sync() == 0
