"""The second partner: Dynamics 365 with its desk and pages, and a Partner Center account of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from .visitor import JsonObject, Visitor, visiting

LINKED = "Claims desk for motor insurance"
READY = "Cold store ledger"
WON = "Container damage claims"
INBOUND = "Digital twin for the Sandtor quay"
HERE = "/control/dataverse/opportunities"
LEADS = "/control/dataverse/leads"


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with visiting() as visitor:
        yield visitor


async def _deal(visitor: Visitor, name: str) -> JsonObject:
    return await visitor.deal_named(name, system="dataverse")


async def _row(visitor: Visitor, path: str) -> JsonObject:
    """A row as a client of the Web API reads it."""
    access = visitor.sandbox.description["dataverse"]
    headers = {"authorization": f"Bearer {access['access_token']}"}
    async with visitor.http.get(f"{access['url']}/api/data/v9.2/{path}", headers=headers) as answer:
        found: JsonObject = await answer.json()
        assert answer.status == 200, found
        return found


async def test_linked_records_name_each_other_and_agree(visitor: Visitor) -> None:
    found = await visitor.get("/control/deals")
    linked = [one for one in found["dataverse"] if one["referral_id"]]
    assert len(linked) == 6
    for one in linked:
        deal = await visitor.get(f"/control/partner_center_2/referrals/{one['referral_id']}")
        full = await visitor.get(f"{HERE}/{one['id']}")
        assert deal["external_reference_id"] == one["id"]
        for theirs, ours in (
            ("name", "name"),
            ("value", "amount"),
            ("currency", "currency"),
            ("close_date", "close_date"),
            ("visible", "visible"),
            ("customer", "account"),
            ("country", "country"),
        ):
            assert deal[theirs] == one[ours], one["name"]
        assert deal["ours"]["details"]["notes"] == full["description"]
        assert sorted(deal["solutions"]) == sorted(one["solutions"])
        assert full["microsoft_crm_id"] == deal["msx_id"]
        contacts = {person["email"] for person in deal["ours"]["customerProfile"]["team"]}
        assert contacts == {contact["person"]["emailaddress1"] for contact in full["contacts"]}
        team = {f"{person['firstName']} {person['lastName']}" for person in deal["ours"]["team"]}
        assert team == {full["owner"], *(member["user"] for member in full["team"])}
        assert (deal["substatus"] == "Won") == one["won"]


async def test_the_second_seed_has_deals_to_share_and_one_that_cannot_be(visitor: Visitor) -> None:
    rows = (await visitor.get("/control/deals"))["dataverse"]
    on = [row for row in rows if row["sync"] and not row["referral_id"]]
    assert [row["country"] for row in on if not row["country"]] == [None]
    assert len(on) == 4
    assert len([row for row in rows if not row["sync"]]) == 2
    assert len((await visitor.get(LEADS))["leads"]) == 2
    inbound = [one for one in (await visitor.get("/control/deals"))["partner_center_2"] if one["waits_for"]]
    assert len([one for one in inbound if one["direction"] == "Incoming"]) == 5


async def test_two_of_the_inbound_ones_are_leads(visitor: Visitor) -> None:
    """partner-center-api.md 3.6."""
    deals = (await visitor.get("/control/deals"))["partner_center_2"]
    full = [await visitor.get(f"/control/partner_center_2/referrals/{one['id']}") for one in deals]
    leads = [one["ours"] for one in full if one["ours"]["qualification"] == "MarketingQualified"]
    assert [(one["type"], one["substatus"]) for one in leads] == [("Independent", "Received")] * 2
    assert {one["inviteContext"]["invitedBy"]["organizationId"] for one in leads} == {"msft"}


async def test_both_seeds_cause_no_calls_and_no_events(visitor: Visitor) -> None:
    assert (await visitor.get("/control/calls"))["total"] == 0
    assert (await visitor.get("/control/events?system=webhooks_2"))["last"] == []


async def test_a_seller_creates_an_opportunity_with_everything_around_it(visitor: Visitor) -> None:
    wanted = {
        "name": "Kai 7",
        "account": "Neue Werft AG",
        "country": "DE",
        "amount": 125000.5,
        "currency": "EUR",
        "close_date": "2027-02-28",
        "stage": "Develop",
        "sync": True,
        "help": "General or Other",
        "solutions": ["SOL-20003-CCC", {"id": "SOL-20001-AAA", "quantity": 3, "price": 10}],
        "contact": {"first_name": "Kim", "last_name": "Ng", "email": "kim@werft.example"},
        "team": ["matteo.bianchi@fabrikam.example"],
    }
    made = await visitor.post(HERE, wanted)
    assert (made["account"], made["stage"], made["status"]) == ("Neue Werft AG", "Develop", "In Progress")
    assert sorted(made["solutions"]) == ["SOL-20001-AAA", "SOL-20003-CCC"]
    assert made["contacts"][0]["person"]["emailaddress1"] == "kim@werft.example"
    assert [one["user"] for one in made["team"]] == ["Matteo Bianchi"]
    row = await _row(visitor, f"opportunities({made['id']})?$expand=parentcontactid,customerid_account")
    assert row["estimatedvalue"] == 125000.5
    assert row["cosell_howcanmicrosofthelp"] == 727000005
    assert row["customerid_account"]["address1_country"] == "DE"
    assert row["parentcontactid"]["lastname"] == "Ng"


async def test_a_status_closes_an_opportunity_and_reopens_it(visitor: Visitor) -> None:
    """dataverse-api.md 3: by the actions, never by a bare change of the state."""
    deal = await _deal(visitor, READY)
    path = f"{HERE}/{deal['id']}/edit"
    assert (await visitor.post(path, {"status": "On Hold"}))["closed"] is False
    won = await visitor.post(path, {"status": "Won", "amount": 5})
    assert (won["won"], won["amount"]) == (True, 5)
    closes = await _row(visitor, f"opportunities({deal['id']})/Opportunity_OpportunityClose")
    assert [one["actualrevenue"] for one in closes["value"]] == [5]
    lost = await visitor.post(path, {"status": "In Progress", "name": "Again"})
    assert (lost["closed"], lost["name"]) == (False, "Again")
    assert (await visitor.post(path, {"status": "Out-Sold"}))["status"] == "Out-Sold"


async def test_a_slow_change_is_seen_only_when_it_commits(visitor: Visitor) -> None:
    """dataverse-api.md 4: rows may appear behind a watermark of modifiedon."""
    deal = await _deal(visitor, READY)
    path = f"{HERE}/{deal['id']}/edit"
    row = f"opportunities({deal['id']})?$select=estimatedvalue"
    await visitor.post(path, {"amount": 4711, "commit_after": 3600})
    assert (await _row(visitor, row))["estimatedvalue"] == deal["amount"]
    assert "timeout" in (await visitor.post(path, {"amount": 1}, status=400))["error"]
    await visitor.post("/control/reset")
    await visitor.post(path, {"amount": 4712, "commit_after": 0})
    assert (await _row(visitor, row))["estimatedvalue"] == 4712


async def test_children_come_and_go(visitor: Visitor) -> None:
    deal = await _deal(visitor, READY)
    path = f"{HERE}/{deal['id']}"
    await visitor.post(f"{path}/solutions", {"id": "SOL-20001-AAA", "quantity": 2})
    await visitor.post(f"{path}/contacts", {"last_name": "Ng", "email": "ng@w.example", "primary": True})
    await visitor.post(f"{path}/contacts", {"last_name": "Oe", "email": "oe@w.example"})
    full = await visitor.post(f"{path}/team", {"user": "Noor Haddad"})
    people = [one["person"]["lastname"] for one in full["contacts"]]
    assert (people[0], "Oe" in people) == ("Ng", True)
    assert [one["user"] for one in full["team"]] == ["Noor Haddad"]
    gone = [
        ("solutions", full["solution_rows"][0]["cosell_opportunitysolutionid"]),
        ("contacts", full["contacts"][-1]["id"]),
        ("team", full["team"][0]["id"]),
    ]
    for kind, child in gone:
        await visitor.ask("DELETE", f"{path}/{kind}/{child}")
        await visitor.ask("DELETE", f"{path}/{kind}/{child}", status=404)
    after = await visitor.get(path)
    assert [len(after[name]) for name in ("solution_rows", "contacts", "team")] == [1, len(people) - 1, 0]
    await visitor.ask("DELETE", f"{path}/plants/x", status=404)


async def test_leads_are_made_edited_qualified_and_disqualified(visitor: Visitor) -> None:
    wanted = {"name": "Records", "company": "Acme", "last_name": "Ng", "amount": 10, "currency": "EUR"}
    made = await visitor.post(LEADS, wanted)
    assert (made["company"], made["status"], made["currency"]) == ("Acme", "New", "EUR")
    path = f"{LEADS}/{made['id']}"
    edited = await visitor.post(f"{path}/edit", {"sync": True, "status": "Contacted"})
    assert (edited["sync"], edited["status"]) == (True, "Contacted")
    deal = await visitor.post(f"{path}/qualify")
    assert (deal["name"], deal["amount"]) == ("Records", 10)
    assert (await visitor.get(path))["won"] is True
    other = await visitor.post(LEADS, {"name": "Other"})
    lost = await visitor.post(f"{LEADS}/{other['id']}/edit", {"status": "No Longer Interested"})
    assert (lost["closed"], lost["won"]) == (True, False)


@pytest.mark.parametrize(
    ("path", "wish", "why"),
    [
        (HERE, {"name": "x", "colour": 1}, "colour"),
        (HERE, {"name": "x", "currency": "XXX"}, "XXX"),
        (HERE, {"name": "x", "stage": "Nowhere"}, "Qualify"),
        (HERE, {"name": "x", "team": ["nobody@x.example"]}, "nobody@x"),
        (HERE, {"name": "x" * 301}, "Dynamics 365 does not take this"),
        (HERE, {}, "name"),
        (f"{LEADS}/0/edit", {"status": "Lost"}, "lead"),
        ("/control/dataverse/opportunities/ffffffff-nothing/edit", {"name": "x"}, "There is no opportunity"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_refused_with_a_sentence(
    visitor: Visitor, path: str, wish: JsonObject, why: str
) -> None:
    status = 404 if path.endswith("/edit") else 400
    assert why in (await visitor.post(path, wish, status=status))["error"]


async def test_the_second_account_is_a_partner_of_its_own(visitor: Visitor) -> None:
    described = await visitor.get("/sandbox.json")
    first, second = described, described["second_account"]
    for system, keys in (
        ("partner_center", ("url", "organization_id", "mpn_id", "solutions")),
        ("entra", ("authority", "tenant", "client_id", "client_secret", "refresh_token")),
    ):
        for key in keys:
            assert first[system][key] != second[system][key], key
    assert described["dataverse"]["tenant"] == second["entra"]["tenant"]
    headers = {"authorization": f"Bearer {first['partner_center']['access_token']}"}
    url = f"{second['partner_center']['url']}/v1.0/engagements/referrals"
    async with visitor.http.get(url, headers=headers) as answer:
        assert answer.status == 401


async def test_the_verbs_of_partner_center_work_for_the_second_account_too(visitor: Visitor) -> None:
    inbound = await visitor.deal_named(INBOUND, system="partner_center_2")
    path = f"/control/partner_center_2/referrals/{inbound['id']}"
    assert (await visitor.post(f"{path}/accept"))["substatus"] == "Accepted"
    made = await visitor.post("/control/partner_center_2/inbound", {"name": "Fresh"})
    assert made["ours"]["organizationName"] == "Fabrikam Consulting GmbH"
    assert made["solutions"] == ["SOL-20001-AAA"]
    own = await visitor.post("/control/partner_center_2/referrals", {"name": "Ours"})
    assert own["ours"]["team"][0]["email"].endswith("@fabrikam.example")
    assert (await visitor.post("/control/events", {"system": "webhooks_2", "drop": 3}))["drop"] == 3
    assert (await visitor.get("/control/events"))["drop"] == 0


async def test_any_verb_finds_its_deal_by_the_id_alone(visitor: Visitor) -> None:
    deals = await visitor.get("/control/deals")

    async def do(act: str, system: str, name: str, **wish: Any) -> JsonObject:
        wanted = next(one for one in deals[system] if one["name"] == name)["id"]
        return await visitor.post(f"/control/deals/{wanted}/{act}", wish)

    assert (await do("edit", "dataverse", LINKED, amount=7))["amount"] == 7
    assert (await do("close", "dataverse", LINKED, outcome="won"))["won"] is True
    assert (await do("edit", "partner_center_2", INBOUND, by="microsoft", value=8))["value"] == 8
    assert (await do("accept", "partner_center_2", INBOUND))["substatus"] == "Accepted"
    assert (await do("close", "partner_center_2", INBOUND, outcome="lost"))["substatus"] == "Lost"
    assert (await do("expire", "partner_center_2", "Claims intake for hail season"))["substatus"] == "Expired"
    lead = (await visitor.get(LEADS))["leads"][0]
    assert (await visitor.get(f"/control/deals/{lead['id'][:13]}"))["company"] == lead["company"]
    salesforce = deals["salesforce"][0]["id"]
    refusal = await visitor.post(f"/control/deals/{salesforce}/accept", status=400)
    assert refusal["error"] == "This is a record of salesforce; what can be done there: edit."
    assert (await visitor.get("/control/deals/ffffffff-none", status=404))["error"].startswith("There is no")


async def test_a_token_of_the_application_is_taken_away_and_given_back(visitor: Visitor) -> None:
    access = visitor.sandbox.description["dataverse"]
    headers = {"authorization": f"Bearer {access['access_token']}"}

    async def status() -> int:
        async with visitor.http.get(f"{access['url']}/api/data/v9.2/WhoAmI", headers=headers) as answer:
            return answer.status

    await visitor.post("/control/tokens/revoke", {"system": "dataverse"})
    assert await status() == 403
    await visitor.post("/control/tokens/sign-in", {"system": "dataverse"})
    assert await status() == 200
    await visitor.post("/control/tokens/revoke", {"system": "entra_2"})
    given = await visitor.post("/control/tokens/sign-in", {"system": "entra_2"})
    assert given["refresh_token"] != access["client_secret"]
    unknown = {"system": "entra_2", "client_id": "x", "certificate_pem": "y"}
    await visitor.post("/control/tokens/certificates", unknown, status=400)


async def test_the_client_credentials_of_the_description_open_the_environment(visitor: Visitor) -> None:
    """dataverse-api.md 1.1: the second directory gives the token, the first one does not."""
    access = visitor.sandbox.description["dataverse"]
    second = visitor.sandbox.description["second_account"]["entra"]
    form = {
        "grant_type": "client_credentials",
        "client_id": access["client_id"],
        "client_secret": access["client_secret"],
        "scope": f"{access['url']}/.default",
    }
    url = f"{second['authority']}/{access['tenant']}/oauth2/v2.0/token"
    async with visitor.http.post(url, data=form) as answer:
        token = (await answer.json())["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    async with visitor.http.get(f"{access['url']}/api/data/v9.2/WhoAmI", headers=headers) as answer:
        assert (await answer.json())["UserId"] == visitor.sandbox.dataverse.user_id
    form |= {"client_id": second["client_id"], "client_secret": second["client_secret"]}
    async with visitor.http.post(url, data=form) as answer:
        headers = {"authorization": f"Bearer {(await answer.json())['access_token']}"}
    async with visitor.http.get(f"{access['url']}/api/data/v9.2/WhoAmI", headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "0x80072560")


async def test_faults_latency_and_switches_know_the_new_systems(visitor: Visitor) -> None:
    await visitor.post("/control/faults", {"system": "dataverse", "fault": "THROTTLED_REQUESTS"})
    access = visitor.sandbox.description["dataverse"]
    async with visitor.http.get(f"{access['url']}/api/data/v9.2/WhoAmI") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
    await visitor.post("/control/faults", {"system": "dataverse", "status": 500})
    async with visitor.http.get(f"{access['url']}/api/data/v9.2/WhoAmI") as answer:
        assert (await answer.json())["error"]["code"] == "0x80040216"
    await visitor.post("/control/latency", {"system": "partner_center_2", "seconds": 0.001})
    turned = await visitor.post("/control/switches/dataverse", {"requests_limit": None, "throttle_next": 2})
    assert (turned["requests_limit"], turned["throttle_next"]) == (None, 2)
    assert (await visitor.post("/control/switches/webhooks_2", {"attempts": 3}))["attempts"] == 3
    calls = await visitor.get("/control/calls")
    assert calls["systems"]["dataverse"] == 2


async def test_the_clock_expires_what_nobody_answered_in_both_accounts(visitor: Visitor) -> None:
    await visitor.post("/control/clock", {"advance": "15d"})
    for system, name in (("partner_center_2", INBOUND), ("partner_center", "Delivery fleet for 14 stores")):
        assert (await visitor.deal_named(name, system=system))["substatus"] == "Expired"


async def test_a_reset_brings_the_second_partner_back(visitor: Visitor) -> None:
    before = await visitor.get("/control/deals")
    deal = await _deal(visitor, READY)
    await visitor.post(f"{HERE}/{deal['id']}/delete")
    await visitor.get(f"{HERE}/{deal['id']}", status=404)
    await visitor.post("/control/reset", {})
    after = await visitor.get("/control/deals")
    for system in ("partner_center_2", "dataverse"):
        assert [one["id"] for one in after[system]] == [one["id"] for one in before[system]]


async def test_a_seller_sees_and_edits_opportunities_on_the_pages(visitor: Visitor) -> None:
    page = await visitor.page("/dynamics/")
    assert LINKED in page
    assert LINKED not in await visitor.page("/dynamics/?show=closed")
    deal = await _deal(visitor, LINKED)
    path = f"/dynamics/opportunities/{deal['id']}"
    page = await visitor.page(path)
    assert f"/partner-center-2/referrals/{deal['referral_id']}" in page
    assert "Eliška" in page
    form = {
        "name": deal["name"],
        "status": "On Hold",
        "stage": deal["stage"],
        "amount": "1,234.5",
        "close_date": deal["close_date"],
        "description": "Nové datum",
        "sync": "on",
        "help": "General or Other",
        "visible": "on",
    }
    status, page = await visitor.submit(path, form)
    assert (status, "Saved." in page) == (200, True)
    status, page = await visitor.submit(path, form)
    assert "Nothing was different" in page
    found = await visitor.get(f"{HERE}/{deal['id']}")
    assert (found["amount"], found["status"], found["help"]) == (1234.5, "On Hold", "General or Other")
    status, page = await visitor.submit(path, {**form, "name": "x" * 301})
    assert (status, "Dynamics 365 does not take this" in page) == (400, True)


async def test_the_pages_make_close_and_delete_opportunities(visitor: Visitor) -> None:
    form = [("name", "By hand"), ("account", "Acme"), ("country", "NL"), ("amount", "5"), ("currency", "EUR")]
    form += [
        ("solutions", "SOL-20001-AAA"),
        ("last_name", "Ng"),
        ("email", "ng@acme.example"),
        ("sync", "on"),
    ]
    status, page = await visitor.submit("/dynamics/new", form)
    assert (status, "Created." in page) == (200, True)
    deal = await _deal(visitor, "By hand")
    path = f"/dynamics/opportunities/{deal['id']}"
    for kind, wanted in (
        ("solutions", {"solution": "SOL-20002-BBB", "quantity": "2"}),
        ("contacts", {"last_name": "Oe"}),
        ("team", {"user": "Freya Sørensen"}),
    ):
        assert "Added." in (await visitor.submit(f"{path}/{kind}", wanted))[1]
    full = await visitor.get(f"{HERE}/{deal['id']}")
    child = full["solution_rows"][0]["cosell_opportunitysolutionid"]
    assert "Removed." in (await visitor.submit(f"{path}/solutions/{child}/remove", {}))[1]
    status, _ = await visitor.submit(f"{path}/plants", {})
    assert status == 404
    assert (await visitor.submit("/dynamics/new", {"name": ""}))[0] == 400
    assert "was deleted" in (await visitor.submit(f"{path}/delete", {}))[1]


async def test_a_seller_sees_edits_and_qualifies_leads_on_the_pages(visitor: Visitor) -> None:
    assert "Fleet claims" in await visitor.page("/dynamics/leads")
    status, page = await visitor.submit("/dynamics/leads/new", {"name": "New one", "last_name": "Ng"})
    assert (status, "Created." in page) == (200, True)
    assert (await visitor.submit("/dynamics/leads/new", {"name": ""}))[0] == 400
    lead = next(one for one in (await visitor.get(LEADS))["leads"] if one["name"] == "New one")
    path = f"/dynamics/leads/{lead['id']}"
    form = {"name": "New one", "last_name": "Ng", "company": "Acme", "status": "Contacted", "sync": "on"}
    assert "Saved." in (await visitor.submit(path, form))[1]
    assert "Nothing was different" in (await visitor.submit(path, form))[1]
    assert (await visitor.submit(path, {**form, "status": "Qualified"}))[0] == 400
    status, page = await visitor.submit(f"{path}/qualify", {})
    assert (status, "was qualified" in page) == (200, True)
    assert (await visitor.submit(f"{path}/qualify", {}))[0] == 400
    await visitor.page("/dynamics/leads/nothing", status=404)


async def test_the_pages_of_the_second_account_are_its_own(visitor: Visitor) -> None:
    assert "Fabrikam Consulting GmbH" in await visitor.page("/partner-center-2/")
    deal = await visitor.deal_named(LINKED, system="partner_center_2")
    page = await visitor.page(f"/partner-center-2/referrals/{deal['id']}")
    assert f"/dynamics/opportunities/{deal['external_reference_id']}" in page
    inbound = await visitor.deal_named(INBOUND, system="partner_center_2")
    path = f"/partner-center-2/referrals/{inbound['id']}"
    status, page = await visitor.submit(f"{path}/accept", {"by": "partner"})
    assert (status, "Accepted." in page, "/partner-center-2/" in page) == (200, True, True)
    status, page = await visitor.submit(
        "/partner-center-2/inbound", {"name": "Sent", "help": "GeneralOrOther"}
    )
    assert (status, "was sent to you" in page) == (200, True)
    await visitor.page(f"/partner-center/referrals/{inbound['id']}", status=404)
