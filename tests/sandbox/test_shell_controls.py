"""The control API: each verb has its effect where a client of the vendor can see it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from cosell.sandbox.frame import SYSTEMS

from .visitor import Visitor, visiting

INBOUND = "Factory monitoring for the Nürnberg plant"
WAITING = "Canteiro conectado"
PRIVATE = "Catch-to-shelf traceability"
LINKED = "Fleet planning for the canal depot"


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with visiting() as visitor:
        yield visitor


async def _verb(visitor: Visitor, name: str, act: str, body: Any = None, *, status: int = 200) -> Any:
    deal = await visitor.deal_named(name)
    return await visitor.post(f"/control/partner_center/referrals/{deal['id']}/{act}", body, status=status)


async def test_microsoft_accepts_the_deal_that_waits_for_it(visitor: Visitor) -> None:
    """partner-center-api.md 11 row 4: the answer brings Microsoft's CRM id and a seller."""
    after = await _verb(visitor, WAITING, "accept")
    theirs = await visitor.referral(after["theirs"]["id"])
    assert (theirs["status"], theirs["substatus"]) == ("Active", "Accepted")
    assert theirs["trackingInfo"]["microsoftMsxId"] == after["msx_id"]
    assert theirs["team"]


async def test_we_accept_the_deal_that_waits_for_us(visitor: Visitor) -> None:
    after = await _verb(visitor, INBOUND, "accept")
    ours = await visitor.referral(after["id"])
    assert (ours["status"], ours["substatus"]) == ("Active", "Accepted")


async def test_the_wrong_side_cannot_answer(visitor: Visitor) -> None:
    refusal = await _verb(visitor, INBOUND, "accept", {"by": "microsoft"}, status=400)
    assert "partner" in refusal["error"]
    ours = await visitor.referral((await visitor.deal_named(INBOUND))["id"])
    assert ours["status"] == "New"


async def test_a_deal_nobody_is_asked_about_cannot_be_accepted(visitor: Visitor) -> None:
    refusal = await _verb(visitor, PRIVATE, "accept", status=400)
    assert refusal["error"].startswith("Nobody is asked")


async def test_a_decline_carries_its_reason(visitor: Visitor) -> None:
    after = await _verb(visitor, INBOUND, "decline", {"reason": "Budget not adequate"})
    ours = await visitor.referral(after["id"])
    assert (ours["status"], ours["substatus"]) == ("Closed", "Declined")
    assert ours["statusReason"] == "Budget not adequate"


async def test_one_unanswered_deal_expires_at_once_and_no_other(visitor: Visitor) -> None:
    after = await _verb(visitor, INBOUND, "expire")
    assert (await visitor.referral(after["id"]))["substatus"] == "Expired"
    deals = (await visitor.get("/control/deals"))["partner_center"]
    assert sum(deal["waits_for"] == "partner" for deal in deals) == 3


async def test_fourteen_days_later_every_unanswered_deal_has_expired(visitor: Visitor) -> None:
    """partner-center-api.md 11 row 11."""
    before = datetime.fromisoformat((await visitor.get("/control/clock"))["now"])
    moved = await visitor.post("/control/clock", {"advance": "15d"})
    assert datetime.fromisoformat(moved["now"]) - before >= timedelta(days=15)
    deals = (await visitor.get("/control/deals"))["partner_center"]
    assert not any(deal["waits_for"] for deal in deals)
    inbound = await visitor.deal_named(INBOUND)
    assert (await visitor.referral(inbound["id"]))["substatus"] == "Expired"


@pytest.mark.parametrize("outcome", ["won", "lost", "error"])
async def test_a_deal_is_closed_for_good(visitor: Visitor, outcome: str) -> None:
    after = await _verb(visitor, LINKED, "close", {"outcome": outcome, "reason": "Others"})
    assert (await visitor.referral(after["id"]))["substatus"] == outcome.capitalize()
    refusal = await _verb(visitor, LINKED, "edit", {"value": 5}, status=400)
    assert "closed" in refusal["error"]


async def test_we_edit_our_referral_in_the_portal(visitor: Visitor) -> None:
    changes = {"value": 98765.4, "currency": "USD", "close_date": "2027-03-31", "notes": "Größer"}
    after = await _verb(visitor, LINKED, "edit", changes)
    details = (await visitor.referral(after["id"]))["details"]
    assert (details["dealValue"], details["currency"], details["notes"]) == (98765.4, "USD", "Größer")
    assert details["closingDateTime"].startswith("2027-03-31T00:00:00")


async def test_other_words_for_the_same_field_are_understood(visitor: Visitor) -> None:
    after = await _verb(visitor, LINKED, "edit", {"deal_value": 5, "description": "Five"})
    assert (after["value"], after["ours"]["details"]["notes"]) == (5, "Five")
    deal = await visitor.deal_named(LINKED, system="salesforce")
    here = f"/control/salesforce/opportunities/{deal['id']}/edit"
    after = await visitor.post(here, {"value": 6, "notes": "Six"})
    assert (after["amount"], after["description"]) == (6, "Six")


async def test_the_microsoft_seller_edits_microsofts_referral_and_not_ours(visitor: Visitor) -> None:
    before = (await visitor.deal_named(LINKED))["value"]
    after = await _verb(visitor, LINKED, "edit", {"value": 1234, "by": "microsoft"})
    assert (await visitor.referral(after["theirs"]["id"]))["details"]["dealValue"] == 1234
    assert (await visitor.referral(after["id"]))["details"]["dealValue"] == before


async def test_the_microsoft_seller_edits_the_deal_microsoft_sent(visitor: Visitor) -> None:
    after = await _verb(visitor, INBOUND, "edit", {"notes": "Call on Monday", "by": "microsoft"})
    assert (await visitor.referral(after["id"]))["details"]["notes"] == "Call on Monday"


async def test_no_microsoft_seller_edits_a_private_deal(visitor: Visitor) -> None:
    refusal = await _verb(visitor, PRIVATE, "edit", {"value": 5, "by": "microsoft"}, status=400)
    assert "No Microsoft seller" in refusal["error"]


async def test_microsoft_sends_a_deal_with_what_was_said_and_the_rest_made_up(visitor: Visitor) -> None:
    """product.md SCN-07: a new Microsoft referral lands here and waits 14 days."""
    wanted = {"name": "데이터 플랫폼", "value": 70000, "currency": "KRW", "country": "KR", "customer": "대한"}
    wanted |= {"contact": {"first_name": "민", "last_name": "이", "email": "min@daehan.example"}}
    sent = await visitor.post("/control/partner_center/inbound", wanted)
    ours = await visitor.referral(sent["id"])
    assert (ours["status"], ours["substatus"], ours["direction"]) == ("New", "Pending", "Incoming")
    assert ours["name"] == "데이터 플랫폼"
    assert ours["customerProfile"]["address"]["country"] == "KR"
    assert [one["email"] for one in ours["customerProfile"]["team"]] == ["min@daehan.example"]
    assert ours["details"]["requirements"]["solutions"]
    assert ours["expirationDateTime"]


async def test_a_colleague_makes_a_deal_in_the_portal_and_asks_microsoft(visitor: Visitor) -> None:
    """product.md SCN-05."""
    wanted = {"name": "Portal deal", "help": "QuotesOrLicensing", "solutions": ["SOL-10004-DDD"]}
    made = await visitor.post("/control/partner_center/referrals", wanted)
    ours, theirs = await visitor.referral(made["id"]), await visitor.referral(made["theirs"]["id"])
    assert (ours["status"], ours["direction"]) == ("Active", "Outgoing")
    assert theirs["substatus"] == "Pending"
    assert ours["engagementId"] == theirs["engagementId"]
    assert [one["id"] for one in ours["details"]["requirements"]["solutions"]] == ["SOL-10004-DDD"]


async def test_a_deal_without_help_stays_private(visitor: Visitor) -> None:
    made = await visitor.post("/control/partner_center/referrals", {"name": "Quiet deal"})
    ours = await visitor.referral(made["id"])
    assert made["theirs"] is None
    assert ours["consent"]["consentToShareReferralWithMicrosoftSellers"] is False


async def test_a_deal_is_found_by_the_beginning_of_its_id(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED)
    for wanted in (deal["id"][:13], deal["id"].upper(), deal["engagement_id"], deal["microsoft"]["id"]):
        assert (await visitor.get(f"/control/partner_center/referrals/{wanted}"))["id"] == deal["id"]


async def test_an_unknown_deal_is_a_404_with_a_sentence(visitor: Visitor) -> None:
    for path in ("partner_center/referrals/ffffffff-nothing", "salesforce/opportunities/006zzzzzzzzzzzzzzz"):
        refusal = await visitor.get(f"/control/{path}", status=404)
        assert refusal["error"].startswith("There is no")


async def test_a_seller_creates_an_opportunity_with_everything_around_it(visitor: Visitor) -> None:
    """product.md SCN-02: the seller's side of a deal that will be shared."""
    wanted = {
        "name": "Kvällståg Göteborg",
        "account": "Västtrafik Söder AB",
        "country": "SE",
        "amount": 125000.5,
        "currency": "SEK",
        "close_date": "2027-02-28",
        "sync": True,
        "help": "General or Other",
        "solutions": ["SOL-10001-AAA", {"id": "SOL-10002-BBB", "name": "Cold", "quantity": 3}],
        "contact": {
            "first_name": "Åke",
            "last_name": "Öst",
            "email": "ake@vast.example",
            "phone": "+46 31 1",
        },
        "team": ["ada.jansen@contoso.example"],
    }
    made = await visitor.post("/control/salesforce/opportunities", wanted)
    soql = (
        "SELECT Name, Amount, CurrencyIsoCode, CloseDate, Sync_with_Partner_Center__c, "
        "Account.BillingCountry, (SELECT Solution_Identifier__c FROM "
        "Microsoft_Partner_Center_Solutions__r ORDER BY Solution_Identifier__c), "
        "(SELECT Contact.Email, IsPrimary FROM OpportunityContactRoles), "
        f"(SELECT User.Email FROM OpportunityTeamMembers) FROM Opportunity WHERE Id = '{made['id']}'"
    )
    (row,) = await visitor.query(soql)
    assert (row["Name"], row["Amount"], row["CurrencyIsoCode"]) == ("Kvällståg Göteborg", 125000.5, "SEK")
    assert (row["CloseDate"], row["Sync_with_Partner_Center__c"]) == ("2027-02-28", True)
    assert row["Account"]["BillingCountry"] == "SE"
    solutions = row["Microsoft_Partner_Center_Solutions__r"]["records"]
    assert [one["Solution_Identifier__c"] for one in solutions] == ["SOL-10001-AAA", "SOL-10002-BBB"]
    assert row["OpportunityContactRoles"]["records"][0]["Contact"]["Email"] == "ake@vast.example"
    assert row["OpportunityTeamMembers"]["records"][0]["User"]["Email"] == "ada.jansen@contoso.example"


async def test_a_seller_edits_fields_by_word_or_by_api_name(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED, system="salesforce")
    changes = {"amount": 777, "stage": "Perception Analysis", "Audit__c": "seen", "description": ""}
    await visitor.post(f"/control/salesforce/opportunities/{deal['id']}/edit", changes)
    (row,) = await visitor.query(
        f"SELECT Amount, StageName, Audit__c, Description FROM Opportunity WHERE Id = '{deal['id']}'"
    )
    assert (row["Amount"], row["StageName"], row["Audit__c"]) == (777, "Perception Analysis", "seen")
    assert row["Description"] is None


async def test_a_slow_transaction_is_stamped_now_and_seen_later(visitor: Visitor) -> None:
    """salesforce-api.md 10.2: rows may appear behind a watermark."""
    deal = await visitor.deal_named(LINKED, system="salesforce")
    here = f"/control/salesforce/opportunities/{deal['id']}/edit"
    soql = f"SELECT Amount, SystemModstamp FROM Opportunity WHERE Id = '{deal['id']}'"
    await visitor.post(here, {"amount": 4711, "commit_after": 3600})
    assert (await visitor.query(soql))[0]["Amount"] == deal["amount"]
    refusal = await visitor.post(here, {"amount": 1}, status=400)
    assert "UNABLE_TO_LOCK_ROW" in refusal["error"] or "exclusive access" in refusal["error"]
    await visitor.post("/control/reset")
    await visitor.post(here, {"amount": 4712, "commit_after": 0})
    assert (await visitor.query(soql))[0]["Amount"] == 4712


async def test_salesforces_own_refusal_reaches_the_person(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED, system="salesforce")
    path = f"/control/salesforce/opportunities/{deal['id']}/edit"
    refusal = await visitor.post(path, {"help": "Pray for us"}, status=400)
    assert refusal["error"].startswith("Salesforce does not take this")


async def test_solutions_contacts_and_team_come_and_go(visitor: Visitor) -> None:
    """product.md SCN-11."""
    deal = await visitor.deal_named(PRIVATE, system="salesforce")
    here = f"/control/salesforce/opportunities/{deal['id']}"
    await visitor.post(f"{here}/solutions", {"id": "SOL-10005-EEE", "quantity": 2, "price": 10})
    await visitor.post(f"{here}/contacts", {"last_name": "Ní Bhriain", "email": "nib@oneill.example"})
    full = await visitor.post(f"{here}/team", {"user": "Kenji Watanabe"})
    assert full["solutions"] == ["SOL-10002-BBB", "SOL-10005-EEE"]
    assert [one["person"]["LastName"] for one in full["contacts"]] == ["O'Neill", "Ní Bhriain"]
    assert {one["user"] for one in full["team"]} == {"Ada Jansen", "Kenji Watanabe"}
    for kind, rows in (("solutions", "solution_rows"), ("contacts", "contacts"), ("team", "team")):
        await visitor.ask("DELETE", f"{here}/{kind}/{full[rows][-1]['Id']}")
    after = await visitor.get(here)
    assert [len(after[rows]) for rows in ("solution_rows", "contacts", "team")] == [1, 1, 1]


async def test_a_deleted_opportunity_is_gone(visitor: Visitor) -> None:
    deal = await visitor.deal_named(PRIVATE, system="salesforce")
    await visitor.post(f"/control/salesforce/opportunities/{deal['id']}/delete")
    assert await visitor.query(f"SELECT Id FROM Opportunity WHERE Id = '{deal['id']}'") == []


async def test_the_next_requests_get_the_named_fault(visitor: Visitor) -> None:
    """partner-center-api.md 11 row 10."""
    deal = await visitor.deal_named(LINKED)
    wish = {"system": "partner_center", "fault": "429", "times": 2, "method": "GET", "path": deal["id"]}
    await visitor.post("/control/faults", wish)
    access = visitor.sandbox.description["partner_center"]
    url = f"{access['url']}/v1.0/engagements/referrals/{deal['id']}"
    seen = []
    for _ in range(3):
        headers = {"authorization": f"Bearer {access['access_token']}"}
        async with visitor.http.get(url, headers=headers) as answer:
            seen.append((answer.status, "retry-after" in answer.headers))
    assert seen == [(429, True), (429, True), (200, False)]


@pytest.mark.parametrize("system", SYSTEMS)
async def test_any_system_answers_the_status_it_is_told(visitor: Visitor, system: str) -> None:
    await visitor.post("/control/faults", {"system": system, "status": 503, "retry_after": 7})
    async with visitor.http.get(visitor.sandbox.urls[system] + "/") as answer:
        assert (answer.status, answer.headers["retry-after"]) == (503, "7")


async def test_a_lost_answer_is_carried_out_and_never_told(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED)
    await visitor.post("/control/faults", {"system": "partner_center", "kind": "lose", "method": "PATCH"})
    access = visitor.sandbox.description["partner_center"]
    url = f"{access['url']}/v1.0/engagements/referrals/{deal['id']}"
    patch = [{"op": "replace", "path": "/details/notes", "value": "it happened"}]
    headers = {"authorization": f"Bearer {access['access_token']}"}
    with pytest.raises(aiohttp.ClientConnectionError):
        await visitor.http.patch(url, json=patch, headers=headers)
    assert (await visitor.referral(deal["id"]))["details"]["notes"] == "it happened"


async def test_a_lost_answer_may_be_a_504_instead(visitor: Visitor) -> None:
    wish = {"system": "entra", "kind": "lose", "status": 504}
    await visitor.post("/control/faults", wish)
    async with visitor.http.get(visitor.sandbox.urls["entra"] + "/common/discovery/instance") as answer:
        assert answer.status == 504


async def test_faults_that_wait_are_shown_and_can_be_taken_back(visitor: Visitor) -> None:
    await visitor.post("/control/faults", {"system": "salesforce", "kind": "garble", "times": 5})
    shown = await visitor.get("/control/faults")
    assert [(one["system"], one["kind"], one["times"]) for one in shown["waiting"]] == [
        ("salesforce", "garble", 5)
    ]
    assert "900421" in shown["named"]["partner_center"]
    assert (await visitor.ask("DELETE", "/control/faults")) == {"taken_back": 1}
    assert (await visitor.get("/control/faults"))["waiting"] == []


async def test_latency_is_set_for_one_system_or_for_all(visitor: Visitor) -> None:
    await visitor.post("/control/latency", {"seconds": 0.01})
    shown = await visitor.post("/control/latency", {"system": "salesforce", "seconds": "0.002"})
    assert shown["seconds"]["salesforce"] == 0.002
    assert shown["seconds"]["partner_center"] == 0.01
    assert visitor.sandbox.frame.delay_of("salesforce") == 0.002
    shown = await visitor.post("/control/latency", {"seconds": 0})
    assert set(shown["seconds"].values()) == {0.0}


async def test_events_can_be_dropped_doubled_and_stopped(visitor: Visitor) -> None:
    """partner-center-api.md 11 row 12."""
    webhooks = visitor.sandbox.webhooks
    webhooks.switches.attempts = 1
    webhooks.register(visitor.sandbox.urls["index"] + "/nobody", ["referral-created"])

    async def sent_after(settings: dict[str, Any]) -> int:
        before = len(webhooks.deliveries)
        await visitor.post("/control/events", settings)
        await visitor.post("/control/partner_center/inbound", {})
        await webhooks.settled()
        return len(webhooks.deliveries) - before

    assert await sent_after({"drop": 1}) == 0
    assert await sent_after({"duplicate": 1}) == 2
    assert await sent_after({"delay": 0}) == 1
    assert await sent_after({"on": False}) == 0
    assert await sent_after({"on": True}) == 1
    shown = await visitor.get("/control/events")
    assert shown["registered"]["events"] == ["referral-created"]
    assert (shown["drop"], shown["duplicate"]) == (0, 0)
    assert [one["results"] for one in shown["last"]] == [[404]] * 4


async def test_a_switch_changes_what_a_client_meets(visitor: Visitor) -> None:
    await visitor.post("/control/switches/partner_center", {"page_size": 3})
    access = visitor.sandbox.description["partner_center"]
    url = f"{access['url']}/v1.0/engagements/referrals"
    headers = {"authorization": f"Bearer {access['access_token']}"}
    async with visitor.http.get(url, headers=headers) as answer:
        assert len((await answer.json())["value"]) == 3


async def test_an_org_setting_takes_the_opportunity_teams_away(visitor: Visitor) -> None:
    """salesforce-api.md 11.4: the object exists only with Opportunity Teams enabled."""
    await visitor.post("/control/switches/salesforce", {"opportunity_teams": False})
    access = visitor.sandbox.description["salesforce"]
    root = f"{access['instance_url']}/services/data/v{access['api_version']}"
    url = f"{root}/sobjects/OpportunityTeamMember/describe"
    headers = {"authorization": f"Bearer {access['access_token']}"}
    async with visitor.http.get(url, headers=headers) as answer:
        assert answer.status == 404
    deal = await visitor.deal_named(LINKED, system="salesforce")
    assert (await visitor.get(f"/control/salesforce/opportunities/{deal['id']}"))["team"] == []


async def test_every_switch_can_be_set_to_where_it_stands(visitor: Visitor) -> None:
    for system, positions in (await visitor.get("/control/switches")).items():
        assert positions
        assert await visitor.post(f"/control/switches/{system}", positions) == positions


async def test_switches_of_an_org_take_lists_and_rules(visitor: Visitor) -> None:
    rule = {"sobject": "Opportunity", "condition": "Amount > 1000000", "message": "Too good to be true"}
    wish = {"hidden_fields": ["Opportunity.Amount"], "session_seconds": 60, "validation_rules": [rule]}
    shown = await visitor.post("/control/switches/salesforce", wish)
    assert shown["hidden_fields"] == ["Opportunity.Amount"]
    assert shown["session_seconds"] == 60.0
    assert shown["validation_rules"][0]["message"] == "Too good to be true"


async def test_calls_are_counted_by_system_and_address_and_forgotten_on_request(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED)
    await visitor.ask("DELETE", "/control/calls")
    await visitor.referral(deal["id"])
    await visitor.referral(deal["id"])
    counted = await visitor.get("/control/calls")
    assert counted["total"] == counted["systems"]["partner_center"] == 2
    assert counted["calls"] == [
        {
            "system": "partner_center",
            "method": "GET",
            "path": f"/v1.0/engagements/referrals/{deal['id']}",
            "count": 2,
        }
    ]
    assert (await visitor.ask("DELETE", "/control/calls"))["total"] == 2
    assert (await visitor.get("/control/calls"))["total"] == 0


async def test_a_reset_forgets_everything_and_plants_again(visitor: Visitor) -> None:
    described = visitor.sandbox.description
    before = _figures(await visitor.get("/control/deals"))
    await _verb(visitor, INBOUND, "accept")
    await visitor.post("/control/clock", {"advance": "1w"})
    await visitor.post("/control/faults", {"system": "entra", "status": 500})
    await visitor.post("/control/switches/salesforce", {"products": False})
    await visitor.post("/control/latency", {"system": "entra", "seconds": 0.001})
    await visitor.post("/control/events", {"duplicate": 3})
    await visitor.post("/control/reset")
    assert (await visitor.deal_named(INBOUND))["status"] == "New"
    assert (await visitor.get("/control/faults"))["waiting"] == []
    assert (await visitor.get("/control/switches/salesforce"))["products"] is True
    assert (await visitor.get("/control/events"))["duplicate"] == 0
    assert (await visitor.get("/control/latency"))["seconds"]["entra"] == 0
    assert _figures(await visitor.get("/control/deals")) == before
    # Whoever was told the credentials before can go on using them.
    await visitor.referral((await visitor.deal_named(INBOUND))["id"])
    assert visitor.sandbox.description["partner_center"] == described["partner_center"]


async def test_a_reset_can_leave_nothing(visitor: Visitor) -> None:
    assert await visitor.post("/control/reset", {"empty": True}) == {"seed": 0, "empty": True}
    deals = await visitor.get("/control/deals")
    assert deals == {"partner_center": [], "salesforce": [], "partner_center_2": [], "dataverse": []}


async def test_revoked_refresh_tokens_are_refused_until_a_person_signs_in_again(visitor: Visitor) -> None:
    entra = visitor.sandbox.description["entra"]

    async def redeem(token: str) -> int:
        form = {
            "grant_type": "refresh_token",
            "client_id": entra["client_id"],
            "client_secret": entra["client_secret"],
            "refresh_token": token,
            "resource": "https://api.partner.microsoft.com",
        }
        url = f"{entra['authority']}/{entra['tenant']}/oauth2/token"
        async with visitor.http.post(url, data=form) as answer:
            return answer.status

    assert await redeem(entra["refresh_token"]) == 200
    await visitor.post("/control/tokens/revoke", {"system": "entra"})
    assert await redeem(entra["refresh_token"]) == 400
    fresh = (await visitor.post("/control/tokens/sign-in"))["refresh_token"]
    assert await redeem(fresh) == 200
    assert visitor.sandbox.description["entra"]["refresh_token"] == fresh


async def _salesforce_login(visitor: Visitor) -> tuple[int, str]:
    """Signs in as the integration does; the status and the token."""
    access = visitor.sandbox.description["salesforce"]
    form = {name: access[name] for name in ("client_id", "client_secret")}
    form["grant_type"] = "client_credentials"
    url = access["login_url"] + "/services/oauth2/token"
    async with visitor.http.post(url, data=form) as answer:
        return answer.status, str((await answer.json()).get("access_token"))


async def test_an_expired_salesforce_session_is_answered_401(visitor: Visitor) -> None:
    """salesforce-api.md 2.5."""
    access = visitor.sandbox.description["salesforce"]
    status, token = await _salesforce_login(visitor)
    assert status == 200
    await visitor.post("/control/tokens/expire", {"system": "salesforce"})
    url = f"{access['instance_url']}/services/data/v{access['api_version']}/limits"
    async with visitor.http.get(url, headers={"authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 401
        assert (await answer.json())[0]["errorCode"] == "INVALID_SESSION_ID"


async def test_a_revoked_integration_cannot_sign_in_until_it_is_approved_again(visitor: Visitor) -> None:
    await visitor.post("/control/tokens/revoke", {"system": "salesforce"})
    assert (await _salesforce_login(visitor))[0] == 400
    given = await visitor.post("/control/tokens/sign-in", {"system": "salesforce"})
    assert (await _salesforce_login(visitor))[0] == 200
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    access = visitor.sandbox.description["salesforce"]
    form |= {name: access[name] for name in ("client_id", "client_secret")}
    async with visitor.http.post(f"{access['login_url']}/services/oauth2/token", data=form) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/control/clock", {}, "advance"),
        ("/control/clock", {"advance": "-1d"}, "advance"),
        ("/control/clock", {"advance": 1e400}, "JSON"),
        ("/control/clock", {"advance": "999999999999w"}, "hundred years"),
        ("/control/clock", {"advance": True}, "advance"),
        ("/control/clock", {"advance": "1d", "advanse": 3}, "advanse"),
        ("/control/partner_center/inbound", {"name": "x", "solutions": [["SOL-10001-AAA"]]}, "solution"),
        ("/control/faults", {"system": "moon"}, "salesforce"),
        ("/control/faults", {"system": "entra", "status": 200}, "400"),
        ("/control/faults", {"system": "entra", "times": 1.5}, "whole"),
        ("/control/faults", {"system": "partner_center", "fault": "plague"}, "plague"),
        ("/control/faults", {"system": "partner_center", "fault": "429", "status": 500}, "not both"),
        ("/control/faults", {"system": "entra", "kind": "slow"}, "seconds"),
        ("/control/faults", {"system": "entra", "kind": "drop", "status": 500}, "answer"),
        ("/control/latency", {"seconds": None}, "seconds"),
        ("/control/events", {}, "drop"),
        ("/control/events", {"on": "yes"}, "true or false"),
        ("/control/switches/partner_center", {}, "page_size"),
        ("/control/switches/partner_center", {"pagesize": 2}, "page_size"),
        ("/control/switches/partner_center", {"page_size": "2"}, "whole number"),
        ("/control/switches/partner_center", {"next_link": "wrong"}, "documented"),
        ("/control/switches/salesforce", {"multi_currency": 1}, "true or false"),
        ("/control/switches/salesforce", {"validation_rules": [{"sobject": 1}]}, "list"),
        ("/control/reset", {"seed": "seven"}, "number"),
        ("/control/reset", {"empty": 1}, "true or false"),
        ("/control/tokens/revoke", {"system": "webhooks"}, "entra"),
        ("/control/partner_center/inbound", {"close_date": "31.12.2027"}, "date"),
        ("/control/partner_center/inbound", {"help": "Everything"}, "help"),
        ("/control/partner_center/inbound", {"colour": "red"}, "colour"),
        ("/control/partner_center/inbound", {"solutions": "SOL-10001-AAA"}, "list"),
        ("/control/salesforce/opportunities", {}, "name"),
        ("/control/salesforce/opportunities", {"name": "x", "team": ["nobody@x.example"]}, "nobody@x"),
        ("/control/salesforce/opportunities", {"name": "x", "colour": 1}, "colour"),
        ("/control/salesforce/opportunities", {"name": "x", "solutions": [7]}, "object"),
    ],
)
async def test_a_bad_wish_is_a_400_with_a_sentence_and_changes_nothing(
    visitor: Visitor, path: str, body: Any, word: str
) -> None:
    before = await visitor.get("/control/deals"), await visitor.get("/control/switches")
    refusal = await visitor.post(path, body, status=400)
    assert word in refusal["error"]
    assert set(refusal) == {"error"}
    assert (await visitor.get("/control/deals"), await visitor.get("/control/switches")) == before


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff\xfe", b'"text"', b"[" * 100_000, b"null", b"NaN"])
async def test_a_body_that_is_no_object_is_refused(visitor: Visitor, raw: bytes) -> None:
    async with visitor.http.post(visitor.sandbox.urls["index"] + "/control/clock", data=raw) as answer:
        assert answer.status == 400
        assert "JSON" in (await answer.json())["error"]


async def test_a_body_of_more_than_a_megabyte_is_refused(visitor: Visitor) -> None:
    large = io.BytesIO(b" " * 1_100_000)
    async with visitor.http.post(visitor.sandbox.urls["index"] + "/control/clock", data=large) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_an_unknown_address_or_method_is_told_in_json(visitor: Visitor, method: str) -> None:
    await visitor.ask(method, "/control/nothing", status=404)
    await visitor.ask(method, "/control/deals", status=405)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
async def test_a_page_of_another_site_cannot_move_the_sandbox(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    """reliability.md 8.4."""
    url = visitor.sandbox.urls["index"] + "/control/reset"
    async with visitor.http.post(url, data=b'{"empty": true}', headers=headers) as answer:
        assert answer.status == 403
    assert (await visitor.get("/control/deals"))["partner_center"]


async def test_the_control_calls_themselves_are_not_counted(visitor: Visitor) -> None:
    await visitor.ask("DELETE", "/control/calls")
    await visitor.get("/control/deals")
    assert (await visitor.get("/control/calls"))["total"] == 0


def _figures(deals: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "name", "status", "substatus", "value", "amount", "currency", "stage", "sync")
    return {
        system: sorted([str([line.get(name) for name in names]) for line in lines])
        for system, lines in deals.items()
    }
