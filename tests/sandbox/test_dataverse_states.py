"""Winning, losing, reopening, qualifying (dataverse-api.md sections 3 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.dataverse.columns import Choice

from .dynamics import DEAL, NOWHERE, REFERRAL, Dynamics, Json


async def test_a_win_closes_the_deal_and_leaves_the_closing_activity(dynamics: Dynamics) -> None:
    """The documented payload."""
    deal = await dynamics.deal(estimatedvalue=100)
    body = {
        "Status": 3,
        "OpportunityClose": {
            "@odata.type": "Microsoft.Dynamics.CRM.opportunityclose",
            "subject": "Won: Contoso",
            "actualend": "2026-05-31T00:00:00Z",
            "actualrevenue": 125000.00,
            "description": "...",
            "opportunityid@odata.bind": f"/opportunities({deal})",
        },
    }
    reply = await dynamics.call("POST", "WinOpportunity", body)
    assert (reply.status, reply.raw) == (204, b"")
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["statecode"], row["statuscode"]) == (1, 3)
    assert (row["actualvalue"], row["actualclosedate"]) == (125000.0, "2026-05-31")
    [close] = (await dynamics.get(f"opportunities({deal})/Opportunity_OpportunityClose")).rows
    assert close["subject"] == "Won: Contoso"
    assert (close["opportunitystatecode"], close["opportunitystatuscode"]) == (1, 3)
    assert (close["statecode"], close["actualrevenue"]) == (1, 125000.0)


async def test_a_win_takes_the_estimate_and_the_day_where_nothing_is_told(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(estimatedvalue=100)
    assert (await dynamics.close("WinOpportunity", deal)).status == 204
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["statuscode"], row["actualvalue"]) == (3, 100.0)
    assert row["actualclosedate"] == dynamics.frame.clock.now().date().isoformat()


async def test_a_loss_may_name_the_competitor(dynamics: Dynamics) -> None:
    deal, rival = await dynamics.deal(), await dynamics.create("competitors", name="Rival")
    named = {"competitorid@odata.bind": f"/competitors({rival})"}
    assert (await dynamics.close("LoseOpportunity", deal, 5, **named)).status == 204
    [close] = (await dynamics.get("opportunitycloses", expand="competitorid($select=name)")).rows
    assert close["competitorid"]["name"] == "Rival"


@pytest.mark.parametrize(("status", "kept"), [(4, 4), (5, 5), (-1, 4)])
async def test_a_loss_keeps_its_reason(dynamics: Dynamics, status: int, kept: int) -> None:
    deal = await dynamics.deal(estimatedvalue=100)
    assert (await dynamics.close("LoseOpportunity", deal, status)).status == 204
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["statecode"], row["statuscode"], row["actualvalue"]) == (2, kept, None)


async def test_a_reason_the_organization_added_is_taken(dynamics: Dynamics) -> None:
    column = dynamics.org.schema.column("opportunity", "statuscode")
    more = (*column.choices, Choice(727_000_000, "No budget", state=2))
    dynamics.org.schema.change_column("opportunity", "statuscode", choices=more)
    deal = await dynamics.deal()
    assert (await dynamics.close("LoseOpportunity", deal, 727_000_000)).status == 204


@pytest.mark.parametrize(
    ("message", "status"), [("WinOpportunity", 1), ("WinOpportunity", 4), ("LoseOpportunity", 3)]
)
async def test_a_reason_of_another_state_is_refused(dynamics: Dynamics, message: str, status: int) -> None:
    deal = await dynamics.deal()
    assert (await dynamics.close(message, deal, status)).refusal == (400, "0x80048408")
    assert (await dynamics.row(f"opportunities({deal})"))["statecode"] == 0
    assert (await dynamics.get("opportunitycloses")).rows == []


async def test_a_closed_deal_is_not_closed_again(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    await dynamics.close("WinOpportunity", deal)
    for message in ("WinOpportunity", "LoseOpportunity"):
        assert (await dynamics.close(message, deal)).refusal == (400, "0x80040515")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"Status": 3}, (400, "0x80043b15")),
        ({"Status": 3, "OpportunityClose": {"subject": "x"}}, (400, "0x80043b15")),
        ({"OpportunityClose": {}}, (400, "0x80040203")),
        ({"Status": "3", "OpportunityClose": {}}, (400, "0x80040203")),
        (
            {
                "Status": 3,
                "OpportunityClose": {"opportunityid@odata.bind": f"/opportunities({NOWHERE})"},
            },
            (404, "0x80040217"),
        ),
        ({"Status": 3, "OpportunityClose": {"nonsense": 1}}, (400, "0x80060888")),
    ],
)
async def test_a_close_without_its_parts_is_refused(
    dynamics: Dynamics, body: Json, refusal: tuple[int, str]
) -> None:
    assert (await dynamics.call("POST", "WinOpportunity", body)).refusal == refusal


@pytest.mark.parametrize(
    "body", [{"statecode": 0, "statuscode": 1}, {"statecode": 0}, {"statecode": 0, "statuscode": 2}]
)
async def test_a_closed_deal_is_reopened_by_a_patch(dynamics: Dynamics, body: Json) -> None:
    deal = await dynamics.deal(estimatedvalue=5)
    await dynamics.close("WinOpportunity", deal)
    assert (await dynamics.patch(f"opportunities({deal})", body, If_Match="*")).status == 204
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["statecode"], row["statuscode"]) == (0, body.get("statuscode", 1))
    assert row["actualvalue"] == 5
    assert (await dynamics.patch(f"opportunities({deal})", {"name": "Open again"})).status == 204


async def test_reopening_may_empty_what_the_closing_wrote(dynamics: Dynamics) -> None:
    dynamics.org.settings.reopening_clears_actuals = True
    deal = await dynamics.deal(estimatedvalue=5)
    await dynamics.close("WinOpportunity", deal)
    await dynamics.patch(f"opportunities({deal})", {"statecode": 0})
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["actualvalue"], row["actualclosedate"]) == (None, None)


async def test_an_open_deal_is_not_reopened(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    path = f"opportunities({deal})"
    assert (await dynamics.patch(path, {"statecode": 0})).refusal == (400, "0x8004051a")
    dynamics.org.settings.reopening_open_refused = False
    assert (await dynamics.patch(path, {"statecode": 0, "statuscode": 2})).status == 204


async def test_a_deal_goes_on_hold_and_back_by_its_reason_alone(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(statuscode=2)
    path = f"opportunities({deal})"
    assert (await dynamics.row(path))["statuscode"] == 2
    assert (await dynamics.patch(path, {"statuscode": 1})).status == 204
    assert (await dynamics.patch(path, {"statuscode": 5})).refusal == (400, "0x80048408")


async def test_a_closed_deal_refuses_changes_until_it_is_reopened(dynamics: Dynamics) -> None:
    """Unknown of the product: a switch."""
    deal = await dynamics.deal()
    await dynamics.close("LoseOpportunity", deal)
    path = f"opportunities({deal})"
    assert (await dynamics.patch(path, {"name": "New"})).refusal == (400, "0x80040233")
    assert (await dynamics.patch(path, {"statuscode": 5})).refusal == (400, "0x80040233")
    both = {"statecode": 0, "name": "New"}
    assert (await dynamics.patch(path, both)).refusal == (400, "0x80040233")
    dynamics.org.settings.reopening_takes_values = True
    assert (await dynamics.patch(path, both)).status == 204
    await dynamics.close("LoseOpportunity", deal)
    dynamics.org.settings.closed_rows_read_only = False
    assert (await dynamics.patch(path, {"name": "Closed and new"})).status == 204


async def test_a_deal_is_not_born_closed(dynamics: Dynamics) -> None:
    reply = await dynamics.call("POST", "opportunities", {**DEAL, "statecode": 1})
    assert reply.refusal == (400, "0x80100005")
    reply = await dynamics.call("POST", "opportunities", {**DEAL, "statuscode": 3})
    assert reply.refusal == (400, "0x80048408")


async def test_other_tables_change_their_state_by_a_patch(dynamics: Dynamics) -> None:
    account = await dynamics.create("accounts", name="Contoso")
    await dynamics.patch(f"accounts({account})", {"statecode": 1})
    row = await dynamics.row(f"accounts({account})")
    assert (row["statecode"], row["statuscode"]) == (1, 2)
    lead = await dynamics.create("leads", subject="Call", lastname="Moreau", companyname="Contoso")
    await dynamics.patch(f"leads({lead})", {"statecode": 2, "statuscode": 6})
    assert (await dynamics.row(f"leads({lead})"))["statuscode"] == 6
    wrong = await dynamics.patch(f"leads({lead})", {"statecode": 0, "statuscode": 6})
    assert wrong.refusal == (400, "0x80048408")


async def lead(dynamics: Dynamics, **fields: Any) -> str:
    known = {
        "subject": "Cloud",
        "firstname": "Ada",
        "lastname": "Moreau",
        "companyname": "Contoso",
        "emailaddress1": "ada@contoso.example",
        "address1_city": "Lyon",
        "estimatedamount": 500,
        "estimatedclosedate": "2027-01-31",
        REFERRAL: "R-9",
    }
    return await dynamics.create("leads", **{**known, **fields})


def wishes(**changes: Any) -> Json:
    return {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": 3, **changes}


async def test_a_qualified_lead_becomes_account_contact_and_opportunity(dynamics: Dynamics) -> None:
    lead_id = await lead(dynamics)
    action = f"leads({lead_id})/Microsoft.Dynamics.CRM.QualifyLead"
    reply = await dynamics.call("POST", action, wishes())
    assert reply.status == 200
    made = {one["@odata.type"]: one for one in reply.json["value"]}
    account = made["#Microsoft.Dynamics.CRM.account"]["accountid"]
    contact = made["#Microsoft.Dynamics.CRM.contact"]["contactid"]
    deal = await dynamics.row(
        f"opportunities({made['#Microsoft.Dynamics.CRM.opportunity']['opportunityid']})"
    )
    assert (deal["name"], deal["estimatedvalue"]) == ("Cloud", 500.0)
    assert deal["_originatingleadid_value"] == lead_id
    assert (deal["_customerid_value"], deal["_parentcontactid_value"]) == (account, contact)
    assert deal[REFERRAL] is None
    person = await dynamics.row(f"contacts({contact})")
    assert (person["fullname"], person["_parentcustomerid_value"]) == ("Ada Moreau", account)
    assert (await dynamics.row(f"accounts({account})"))["address1_city"] == "Lyon"
    row = await dynamics.row(f"leads({lead_id})")
    assert (row["statecode"], row["statuscode"]) == (1, 3)
    assert row["_qualifyingopportunityid_value"] == deal["opportunityid"]
    assert (await dynamics.call("POST", action, wishes())).refusal == (400, "0x80040203")


async def test_a_lead_is_qualified_into_what_is_asked_for(dynamics: Dynamics) -> None:
    dynamics.org.settings.qualifying_copies_custom_columns = True
    lead_id = await lead(dynamics)
    customer = await dynamics.create("accounts", name="Known")
    [euro] = (await dynamics.get("transactioncurrencies", filter="isocurrencycode eq 'EUR'")).rows
    body = wishes(
        CreateAccount=False,
        CreateContact=False,
        Status=-1,
        OpportunityCustomerId={"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": customer},
        OpportunityCurrencyId={"transactioncurrencyid": euro["transactioncurrencyid"]},
    )
    action = f"leads({lead_id})/Microsoft.Dynamics.CRM.QualifyLead"
    [made] = (await dynamics.call("POST", action, body)).rows
    deal = await dynamics.row(f"opportunities({made['opportunityid']})")
    assert (deal["_customerid_value"], deal[REFERRAL]) == (customer, "R-9")
    assert deal["_transactioncurrencyid_value"] == euro["transactioncurrencyid"]


@pytest.mark.parametrize(
    "changes",
    [{"Status": 1}, {"Status": None}, {"CreateAccount": None}, {"OpportunityCustomerId": {"x": 1}}],
)
async def test_a_qualification_that_makes_no_sense_leaves_nothing(dynamics: Dynamics, changes: Json) -> None:
    lead_id = await lead(dynamics)
    action = f"leads({lead_id})/Microsoft.Dynamics.CRM.QualifyLead"
    assert (await dynamics.call("POST", action, wishes(**changes))).status == 400
    assert (await dynamics.get("accounts")).rows == []
    assert (await dynamics.row(f"leads({lead_id})"))["statecode"] == 0


async def test_only_leads_are_qualified(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    action = f"opportunities({deal})/Microsoft.Dynamics.CRM.QualifyLead"
    assert (await dynamics.call("POST", action, wishes())).status == 400
    assert (
        await dynamics.call("POST", f"leads({NOWHERE})/Microsoft.Dynamics.CRM.QualifyLead", wishes())
    ).status == 404
    assert (
        await dynamics.call("POST", f"opportunities({deal})/Microsoft.Dynamics.CRM.Nonsense", {})
    ).status == 404
