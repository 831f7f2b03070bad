"""Who and what belongs to a deal: contacts, the sales team, the owner, solutions (M-11…M-16, M-22, B10)."""

from __future__ import annotations

from .conftest import BOTH, OTHER_SOL, SOL, Desk, Furnish


def _user(desk: Desk, first: str, last: str, email: str) -> str:
    person = {"first": first, "last": last, "email": email, "phone": "+31105550199"}
    return desk.seller.create("user", person)


# --- contacts --------------------------------------------------------------------------------------


@BOTH
async def test_an_edited_contact_travels_although_their_number_stays_the_same(desk: Desk, crm: str) -> None:
    """C-34, M-15 U→."""
    opportunity = desk.opportunity()
    await desk.sync()
    (contact,) = desk.seller.contacts(opportunity)
    desk.seller.update("contact", contact["id"], {"phone": "+31999"})
    if crm == "dynamics":
        # An edit of a contact alone is found by the sweep there, unless watch_people is on.
        await desk.engine.sweep()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    (contact,) = referral["customerProfile"]["team"]
    assert contact["phoneNumber"] == "+31999"
    assert contact["email"].startswith("ines.vos")


async def test_a_contact_added_to_the_deal_joins_the_referral(desk: Desk) -> None:
    """M-15 U→."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.seller.add_contact(opportunity, first="지훈", last="김", email="jh@x.example", phone="1")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    names = {(one["firstName"], one["lastName"]) for one in referral["customerProfile"]["team"]}
    assert names == {("Ines", "Vos"), ("지훈", "김")}


@BOTH
async def test_a_deal_from_microsoft_brings_its_customer_and_contact_once(desk: Desk) -> None:
    """M-11…M-15 C←: account by name and postal code, contact by e-mail, with its place on the deal."""
    first, second = desk.inbound(), desk.inbound(name="Second deal")
    await desk.sync()
    rows = [desk.opportunities(one)[0] for one in (first, second)]
    (account,) = [row for row in desk.seller.rows("account") if row["name"] == "Contoso Harbour BV"]
    assert {row["account"] for row in rows} == {account["id"]}
    address = (account["street"], account["city"], account["postal_code"])
    assert address == ("Kade 1", "Rotterdam", "3011 BB")
    assert account["country"] == "NL"
    contacts = desk.seller.rows("contact")
    (contact,) = [row for row in contacts if row["email"] == "kim.bos@harbour.example"]
    for row in rows:
        assert [one["id"] for one in desk.seller.contacts(row["id"])] == [contact["id"]]


@BOTH
async def test_after_microsoft_was_invited_an_edited_contact_stays_in_the_crm(desk: Desk, crm: str) -> None:
    """X-5: read-only after sharing, as far as anybody knows; the deal goes on."""
    opportunity = desk.opportunity(help="General or Other")
    await desk.sync()
    (contact,) = desk.seller.contacts(opportunity)
    desk.seller.update("contact", contact["id"], {"phone": "+31999"})
    if crm == "dynamics":
        # An edit of a contact alone is found by the sweep there, unless watch_people is on.
        await desk.engine.sweep()
    desk.edit(opportunity, value=51)
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


@BOTH
async def test_a_new_owner_takes_the_old_ones_place(desk: Desk) -> None:
    """M-16 U→, J-10."""
    opportunity = desk.opportunity()
    await desk.sync()
    successor = _user(desk, "Lena", "Sand", "lena@partner.example")
    desk.edit(opportunity, owner=successor)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert [one["email"] for one in referral["team"]] == ["lena@partner.example"]


@BOTH
async def test_the_owner_of_an_incoming_deal_is_found_by_e_mail(furnished: Furnish) -> None:
    """J-4: owner by e-mail in the team; the rest of the team comes along."""
    desk = await furnished()
    ada = _user(desk, "Ada", "Seller", "ada@partner.example")
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["owner"] == ada


@BOTH
async def test_microsofts_seller_stays_on_the_referral_when_our_team_changes(desk: Desk) -> None:
    """partner-center-api.md 3.3: Microsoft's people are not ours to remove."""
    team = [
        {"firstName": "M", "lastName": "S", "phoneNumber": "+1", "email": "ms@microsoft.com"},
    ]
    referral = desk.inbound(team=team)
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.edit(row["id"], state="active")
    await desk.sync()
    desk.edit(row["id"], owner=_user(desk, "Lena", "Sand", "lena@partner.example"))
    await desk.sync()
    emails = {one["email"] for one in desk.referral(referral)["team"]}
    assert emails == {"ms@microsoft.com", "lena@partner.example"}


# --- solutions -------------------------------------------------------------------------------------


@BOTH
async def test_quantity_and_price_of_a_solution_reach_partner_center(desk: Desk) -> None:
    """M-22, B10, FLW-D09, FLW-S08: at creation and afterwards."""
    opportunity = desk.opportunity(solutions=[])
    row = desk.add_solution(opportunity, SOL, quantity=3, price=99.5)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    (solution,) = referral["details"]["requirements"]["solutions"]
    assert (solution["quantity"], solution["price"], solution["currency"]) == (3, 99.5, "EUR")
    desk.seller.update("solution", row, {"quantity": 4})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    (solution,) = referral["details"]["requirements"]["solutions"]
    assert (solution["quantity"], solution["price"]) == (4, 99.5)


@BOTH
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
    (solution,) = desk.seller.solutions(row["id"])
    assert (solution["quantity"], solution["price"], solution["name"]) == (2, 10, "Fleet Optimizer")
    other = {**wanted, "id": OTHER_SOL, "name": "Other"}
    desk.change(referral, details__requirements__solutions=[{**wanted, "price": 12}, other])
    await desk.sync()
    solutions = desk.seller.solutions(row["id"])
    assert {(one["solution"], one["price"]) for one in solutions} == {(SOL, 12), (OTHER_SOL, 10)}


@BOTH
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
    desk.add_solution(row["id"], third)
    await desk.sync()
    assert desk.solutions_of(row["id"]) == {SOL, OTHER_SOL, third}
    found = desk.referral(referral)["details"]["requirements"]["solutions"]
    assert {one["id"] for one in found} == {SOL, OTHER_SOL, third}


# --- what else Microsoft tells ---------------------------------------------------------------------


@BOTH
async def test_the_programme_of_a_deal_is_shown(desk: Desk) -> None:
    """FLD-D09, FLD-S09, M-21."""
    referral = desk.portal()
    await desk.sync()
    desk.change(referral, referralProgram="Partner of the year")
    await desk.sync()
    assert desk.opportunities(referral)[0]["program"] == "Partner of the year"


@BOTH
async def test_korean_and_chinese_words_travel_untouched(desk: Desk) -> None:
    """C-42."""
    opportunity = desk.opportunity(name="서울 물류 분석", notes="첫 줄\n둘째 줄 — 臺灣港口 🚢")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["name"] == "서울 물류 분석"
    assert referral["details"]["notes"] == "첫 줄\n둘째 줄 — 臺灣港口 🚢"
    desk.change(referral["id"], details__notes="變更：第二季\n다음 단계")
    await desk.sync()
    assert desk.row(opportunity)["notes"] == "變更：第二季\n다음 단계"
    assert await desk.sync() == 0
