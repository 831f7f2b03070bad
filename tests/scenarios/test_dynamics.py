"""What is Dynamics 365's own: columns, settings and flows (FLD-D, ENV-D, FLW-D)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cosell.core.mapping import Flow
from cosell.core.records import LinkState
from cosell.systems.dataverse.settings import DynamicsFields

from .conftest import OTHER_SOL, SOL, Desk, Furnish
from .dynamics_seller import DynamicsSeller

pytestmark = pytest.mark.parametrize("crm", ["dynamics"], indirect=True)
HELP = 727_000_005
"""«General or Other» among the choices of the connector's own column."""


def raw(desk: Desk, opportunity: str) -> dict[str, Any]:
    """The row under Dynamics 365's own names only."""
    return desk.sandbox.dataverse.as_seller.get("opportunity", opportunity)


# --- the columns (FLD-D01…D11) ---------------------------------------------------------------------


async def test_a_shared_deal_fills_every_column_of_the_section(desk: Desk) -> None:
    """SCN-01; FLD-D01, FLD-D02, FLD-D03, FLD-D04, FLD-D06, FLD-D07, FLD-D08, FLD-D09; M-01…M-22 C→."""
    opportunity = desk.opportunity(help="General or Other")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    theirs = desk.microsofts(referral["id"])
    assert theirs is not None
    desk.referrals.microsoft_accepts(theirs["id"])
    desk.change(referral["id"], referralProgram="Partner of the year")
    await desk.sync()
    row = raw(desk, opportunity)
    assert row["cosell_syncwithpartnercenter"] is True
    assert row["cosell_referralidentifier"] == referral["id"]
    assert (
        row["cosell_referrallink"] == f"https://partner.microsoft.com/referrals/v2/inbox?id={referral['id']}"
    )
    assert row["cosell_howcanmicrosofthelp"] == HELP
    assert row["cosell_visibletomicrosoft"] is True
    assert row["cosell_microsoftcrmidentifier"]
    assert row["cosell_referralprogram"] == "Partner of the year"
    assert "Referral created in Partner Center." in row["cosell_audit"]
    assert (row["statecode"], row["statuscode"]) == (0, 1)


async def test_a_shared_deal_tells_partner_center_customer_people_money_and_dates(desk: Desk) -> None:
    """SCN-01, FLW-D03; M-01…M-05, M-11…M-17 C→."""
    opportunity = desk.opportunity(value=1234.5, currency="CHF", notes="ノート")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    profile, details = referral["customerProfile"], referral["details"]
    address = profile["address"]
    assert profile["name"] == "Fabrikam 1 Logistics"
    assert (address["addressLine1"], address["city"]) == ("12 Harbour Road", "Rotterdam")
    assert (address["postalCode"], address["country"]) == ("3011 AA", "NL")
    assert [(one["firstName"], one["lastName"]) for one in profile["team"]] == [("Ines", "Vos")]
    assert (float(details["dealValue"]), details["currency"], details["notes"]) == (1234.5, "CHF", "ノート")
    assert details["closingDateTime"].startswith(str(raw(desk, opportunity)["estimatedclosedate"]))
    assert [one["email"] for one in referral["team"]] == ["alex.moreau@cosell.example"]
    assert referral["externalReferenceId"] == opportunity


async def test_a_deal_of_the_portal_fills_customer_people_and_catalogue(desk: Desk) -> None:
    """SCN-05, FLW-D06; FLD-D10, FLD-D11, CUS-15; M-01…M-22 C←."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    account = desk.seller.row("account", row["account"])
    assert (account["name"], account["country"]) == ("Contoso Harbour BV", "NL")
    assert (account["street"], account["postal_code"]) == ("Kade 1", "3011 BB")
    (contact,) = desk.seller.contacts(row["id"])
    assert (contact["first"], contact["last"]) == ("Kim", "Bos")
    assert contact["account"] == row["account"]
    assert row["isrevenuesystemcalculated"] is False
    (solution,) = desk.seller.solutions(row["id"])
    (known,) = desk.sandbox.dataverse.as_seller.rows("cosell_solutiondetail")
    assert (known["cosell_solutionidentifier"], known["cosell_name"]) == (SOL, "Fleet Optimizer")
    assert solution["solution"] == SOL


async def test_a_seller_may_choose_a_solution_from_the_catalogue_alone(desk: Desk) -> None:
    """SCN-11, FLD-D10, FLD-D11: the related row names the catalogue's, which carries the identifier."""
    seller = desk.sandbox.dataverse.as_seller
    known = {"cosell_name": "Claims Desk", "cosell_solutionidentifier": OTHER_SOL}
    detail = seller.create("cosell_solutiondetail", known)
    opportunity = desk.opportunity(solutions=[])
    chosen = {"cosell_opportunityid": opportunity, "cosell_solutiondetailid": detail}
    seller.create("cosell_opportunitysolution", chosen)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert [one["id"] for one in referral["details"]["requirements"]["solutions"]] == [OTHER_SOL]


async def test_solution_ids_of_old_deals_are_read_from_the_products_column(furnished: Furnish) -> None:
    """FLD-D05: kept for compatibility; read and never written."""
    desk = await furnished(crm={"fields": DynamicsFields(products="stepname")})
    opportunity = desk.opportunity(solutions=[], stepname=f"{SOL}; {OTHER_SOL}")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert {one["id"] for one in referral["details"]["requirements"]["solutions"]} == {SOL, OTHER_SOL}
    assert raw(desk, opportunity)["stepname"] == f"{SOL}; {OTHER_SOL}"


async def test_an_organisation_with_microsofts_columns_goes_on_with_them(furnished: Furnish) -> None:
    """J-13, FLD-D01…D09; dataverse-api.md 7: `names = "microsoft"`, both ways, without a stamp."""
    desk = await furnished(crm={"names": "microsoft"})
    schema = desk.sandbox.dataverse.schema
    schema.install_microsoft_columns()
    for name in [one for one in schema.table("opportunity").columns if one.startswith("cosell_")]:
        schema.drop_column("opportunity", name)
    help_wanted = {"msft_microsoftpartnercenterhelp": 299_600_005}
    opportunity = plain_deal(
        desk, name="Old deal", msft_microsoftpartnercenterreferralsync=True, **help_wanted
    )
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    row = raw(desk, opportunity)
    assert row["msft_microsoftpartnercenterreferralidentifier"] == referral["id"]
    assert referral["id"] in row["msft_microsoftpartnercenterreferrallink"]
    assert row["msft_microsoftpartnercenterreferralvisible"] is True
    assert "Referral created" in row["msft_microsoftpartnercenterreferralsyncaudit"]
    assert desk.microsofts(referral["id"]) is not None
    desk.change(referral["id"], details__dealValue=4711)
    await desk.sync()
    assert raw(desk, opportunity)["estimatedvalue"] == 4711

    inbound = desk.inbound()
    await desk.sync()
    seller = desk.sandbox.dataverse.as_seller
    name = "msft_microsoftpartnercenterreferralidentifier"
    (made,) = [one for one in seller.rows("opportunity") if one[name] == inbound]
    assert made["statuscode"] == 2
    seller.update("opportunity", made["opportunityid"], {"statuscode": 1})
    await desk.sync()
    assert desk.referral(inbound)["status"] == "Active"
    assert await desk.sync() == 0


async def test_without_a_unique_key_a_lost_answer_makes_no_twin(furnished: Furnish) -> None:
    """INV-3: Microsoft's columns have no alternate key, so a creation is looked for before it is repeated."""
    desk = await furnished()
    desk.seller.let_referral_ids_repeat()
    referral = desk.inbound()
    await desk.engine.poll(desk.env.systems().partner_center.side)
    desk.harm("crm", "lose", method="POST", path="/$batch", times=2)
    await desk.sync_over(600)
    assert len(desk.opportunities(referral)) == 1
    assert (await desk.link(referral)).state is LinkState.LINKED


def plain_deal(desk: Desk, **columns: Any) -> str:
    """A complete deal of an organisation whose opportunity has none of our columns."""
    assert isinstance(desk.seller, DynamicsSeller)
    seller = desk.sandbox.dataverse.as_seller
    place = {"address1_line1": "Kade 1", "address1_city": "Rotterdam", "address1_country": "NL"}
    account = seller.create("account", {"name": "Fabrikam", **place})
    person = {"firstname": "I", "lastname": "V", "emailaddress1": "i@fabrikam.example", "telephone1": "+31"}
    contact = seller.create("contact", {**person, "parentcustomerid": ("account", account)})
    money = {"estimatedvalue": 500, "transactioncurrencyid": desk.seller.currency("EUR")}
    row = {"customerid": ("account", account), "parentcontactid": contact, **money}
    made = seller.create("opportunity", {**row, "estimatedclosedate": "2027-05-31", **columns})
    desk.add_solution(made, SOL)
    return made


# --- settings (ENV-D01…D05) ------------------------------------------------------------------------


async def test_without_the_check_mark_the_name_is_left_alone(furnished: Furnish) -> None:
    """SCN-04, ENV-D01 = No."""
    desk = await furnished(crm={"check_mark": False})
    opportunity = desk.opportunity(name="Plain", solutions=[])
    await desk.sync()
    assert desk.row(opportunity)["name"] == "Plain"
    desk.add_solution(opportunity, SOL)
    await desk.sync()
    assert len(desk.referrals_of(opportunity)) == 1
    assert desk.row(opportunity)["name"] == "Plain"
    referral = desk.portal(name="From there")
    await desk.sync()
    assert desk.opportunities(referral)[0]["name"] == "From there"


async def test_value_country_and_link_live_where_the_settings_say(furnished: Furnish) -> None:
    """ENV-D03, ENV-D04, FLD-D03; both directions."""
    columns = {"deal_value_field": "budgetamount", "country_field": "address2_country"}
    desk = await furnished(crm={**columns, "referral_link": "https://portal.example/{id}"})
    schema = desk.sandbox.dataverse.schema
    country = schema.column("account", "address1_country")
    schema.add_column("account", replace(country, name="address2_country", schema_name="Address2_Country"))
    opportunity = desk.opportunity(value=5, budgetamount=700)
    account = desk.row(opportunity)["account"]
    desk.seller.update("account", account, {"address2_country": "Belgium"})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert float(referral["details"]["dealValue"]) == 700
    assert referral["customerProfile"]["address"]["country"] == "BE"
    assert desk.row(opportunity)["link"] == f"https://portal.example/{referral['id']}"
    desk.change(referral["id"], details__dealValue=800)
    await desk.sync()
    assert (desk.row(opportunity)["budgetamount"], desk.row(opportunity)["value"]) == (800, 5)


async def test_the_currency_may_stand_in_a_column_of_text(furnished: Furnish) -> None:
    """ENV-D05, M-03 both ways; the lookup of the organisation stays what it is."""
    desk = await furnished(crm={"currency_field": "stepname"})
    opportunity = desk.opportunity(currency="USD", stepname="GBP")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["details"]["currency"] == "GBP"
    desk.change(referral["id"], details__currency="CHF")
    await desk.sync()
    assert (desk.row(opportunity)["stepname"], desk.row(opportunity)["currency"]) == ("CHF", "USD")


async def test_a_currency_the_organisation_lacks_is_held_by_name_and_never_converted(desk: Desk) -> None:
    """M-03; dataverse-api.md 6."""
    referral = desk.portal()
    await desk.sync()
    desk.change(referral, details__currency="SEK", details__notes="Still moving.")
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert (row["currency"], row["value"], row["notes"]) == ("EUR", 75000, "Still moving.")
    assert "SEK" in (await desk.link(referral)).holds["currency"].detail


# --- flows (FLW-D03…D10) ---------------------------------------------------------------------------


async def test_no_new_referral_while_its_flow_is_off(furnished: Furnish) -> None:
    """FLW-D03."""
    desk = await furnished(flows={"outbound_create": False})
    opportunity = desk.opportunity()
    await desk.sync()
    assert desk.referrals_of(opportunity) == []
    assert (await desk.link(opportunity)).reason == "flow_off"


@pytest.mark.parametrize(
    ("flow", "theirs", "ours"),
    [
        ("outbound_update", "75000", "75000"),
        ("inbound_referral", "99000", "75000"),
    ],
)
async def test_an_update_waits_while_its_flow_is_off(
    furnished: Furnish, flow: str, theirs: str, ours: str
) -> None:
    """FLW-D06, FLW-D07, FLW-D08: each by itself; the other direction goes on."""
    desk = await furnished()
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    off(desk, flow)
    if flow == "outbound_update":
        desk.edit(row["id"], value=1)
        desk.change(referral, details__notes="Goes on.")
        await desk.sync()
        assert desk.row(row["id"])["notes"] == "Goes on."
    else:
        desk.change(referral, details__dealValue=99000)
        desk.edit(row["id"], notes="Goes on.")
        await desk.sync()
        assert desk.referral(referral)["details"]["notes"] == "Goes on."
        assert desk.row(row["id"])["value"] == float(ours)
    assert float(desk.referral(referral)["details"]["dealValue"]) == float(theirs)
    assert (await desk.link(referral)).holds["deal_value"].reason == "flow_off"


async def test_microsofts_answer_waits_while_its_flow_is_off(furnished: Furnish) -> None:
    """FLW-D05."""
    desk = await furnished(flows={"inbound_microsoft": False})
    opportunity = desk.opportunity(help="General or Other")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    theirs = desk.microsofts(referral["id"])
    assert theirs is not None
    desk.referrals.microsoft_accepts(theirs["id"])
    await desk.sync()
    assert desk.row(opportunity)["microsoft_id"] is None


async def test_no_opportunity_is_made_while_the_inbound_flow_is_off(furnished: Furnish) -> None:
    """FLW-D04, FLW-D06."""
    desk = await furnished(flows={"inbound_referral": False})
    referral = desk.inbound()
    await desk.sync()
    assert desk.opportunities(referral) == []
    assert (await desk.link(referral)).reason == "flow_off"


async def test_solutions_wait_while_their_flow_is_off(furnished: Furnish) -> None:
    """FLW-D09."""
    desk = await furnished()
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    off(desk, "outbound_solutions")
    desk.add_solution(row["id"], OTHER_SOL)
    desk.edit(row["id"], value=1)
    await desk.sync()
    details = desk.referral(referral)["details"]
    assert [one["id"] for one in details["requirements"]["solutions"]] == [SOL]
    assert float(details["dealValue"]) == 1


def off(desk: Desk, flow: str) -> None:
    policy = desk.engine.room.policy
    desk.engine.room.policy = replace(policy, flows=policy.flows - {Flow(flow)})
