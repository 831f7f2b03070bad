"""The pages for people: they render, their forms work, and hostile text stays text."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import pytest

from .visitor import Visitor, visiting

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}",
    "{% raw %}${jndi:ldap://x}",
    "O'Neil & \\ % _",
    "</textarea></title><b>",
    "‮fdp.exe\u200b\x1b[31m",
    "  only spaces around  ",
    "👩‍👩‍👧‍👦 Ünïcödé 한국어 العربية",
)
INBOUND = "Factory monitoring for the Nürnberg plant"
LINKED = "Fleet planning for the canal depot"


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with visiting() as visitor:
        yield visitor


async def test_the_index_says_what_runs_where_and_what_to_try(visitor: Visitor) -> None:
    page = await visitor.page("/")
    for url in visitor.sandbox.urls.values():
        assert url in page
    assert "curl" in page
    assert "/sandbox.json" in page
    assert f"{visitor.sandbox.urls['webhooks']}/cert/root.cer" in page
    assert 'href="/partner-center/"' in page
    assert 'href="/salesforce/"' in page


async def test_every_command_on_the_index_works_as_it_stands(visitor: Visitor) -> None:
    page = await visitor.page("/")
    commands = re.findall(r"-X POST http://[^/]+(/control/\S+) \\\n  -d &#39;(.+?)&#39;", page)
    assert len(commands) == 5
    for path, body in commands:
        await visitor.post(path, json.loads(body.replace("&#34;", '"')))


async def test_every_control_is_listed_with_its_promise(visitor: Visitor) -> None:
    page = await visitor.page("/")
    assert "POST /control/reset" in page
    assert "Forgets everything and plants the seed again." in page


async def test_every_page_carries_the_strict_policy_and_no_script(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED)
    opportunity = await visitor.deal_named(LINKED, system="salesforce")
    for path in (
        "/",
        "/partner-center/",
        "/partner-center/new",
        "/partner-center/inbound",
        f"/partner-center/referrals/{deal['id']}",
        "/salesforce/",
        "/salesforce/new",
        "/partner-center-2/",
        "/partner-center-2/new",
        "/dynamics/",
        "/dynamics/new",
        "/dynamics/leads",
        "/dynamics/leads/new",
        f"/salesforce/opportunities/{opportunity['id']}",
        "/nothing/here",
    ):
        async with visitor.http.get(visitor.sandbox.urls["index"] + path) as answer:
            page = await answer.text()
            policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert '<html lang="en">' in page


async def test_the_stylesheet_is_served_from_here(visitor: Visitor) -> None:
    async with visitor.http.get(visitor.sandbox.urls["index"] + "/static/sandbox.css") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/css"


async def test_the_referrals_are_listed_with_microsofts_answer(visitor: Visitor) -> None:
    page = await visitor.page("/partner-center/")
    for name in (INBOUND, LINKED, "물류 데이터 분석 도입", "さくら精密工業株式会社"):
        assert name in page
    waiting = await visitor.page("/partner-center/?show=you")
    assert INBOUND in waiting
    assert LINKED not in waiting


async def test_the_buttons_of_a_referral_do_what_they_say(visitor: Visitor) -> None:
    deal = await visitor.deal_named(INBOUND)
    here = f"/partner-center/referrals/{deal['id']}"
    assert "This deal waits for you" in await visitor.page(here)
    status, page = await visitor.submit(f"{here}/accept", {"by": "partner"})
    assert status == 200
    assert "Accepted." in page
    assert "This deal waits for" not in page
    status, page = await visitor.submit(
        f"{here}/close", {"by": "partner", "outcome": "lost", "reason": "Others"}
    )
    assert status == 200
    assert (await visitor.referral(deal["id"]))["substatus"] == "Lost"


async def test_the_microsoft_seller_answers_on_the_same_page(visitor: Visitor) -> None:
    deal = await visitor.deal_named("Canteiro conectado")
    here = f"/partner-center/referrals/{deal['id']}"
    assert "This deal waits for the Microsoft seller" in await visitor.page(here)
    _, page = await visitor.submit(f"{here}/accept", {"by": "microsoft"})
    after = await visitor.deal_named("Canteiro conectado")
    assert after["msx_id"]
    assert after["msx_id"] in page


async def test_an_answer_that_comes_too_late_is_told_and_changes_nothing(visitor: Visitor) -> None:
    deal = await visitor.deal_named(INBOUND)
    here = f"/partner-center/referrals/{deal['id']}"
    await visitor.submit(f"{here}/decline", {"by": "partner", "reason": "Others"})
    status, page = await visitor.submit(f"{here}/accept", {"by": "partner"})
    assert status == 400
    assert "Nobody is asked" in page
    assert (await visitor.referral(deal["id"]))["substatus"] == "Declined"


async def test_the_edit_form_changes_only_what_was_edited(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED)
    before = await visitor.referral(deal["id"])
    form = {
        "by": "partner",
        "value": str(before["details"]["dealValue"]),
        "currency": before["details"]["currency"],
        "close_date": before["details"]["closingDateTime"][:10],
        "notes": "First line\r\nsecond line",
    }
    _, page = await visitor.submit(f"/partner-center/referrals/{deal['id']}/edit", form)
    assert "Saved." in page
    after = await visitor.referral(deal["id"])
    assert after["details"] == {**before["details"], "notes": "First line\nsecond line"}
    _, page = await visitor.submit(f"/partner-center/referrals/{deal['id']}/edit", form)
    assert "Nothing was different" in page
    assert (await visitor.referral(deal["id"]))["eTag"] == after["eTag"]


async def test_a_deal_is_sent_as_microsoft_from_the_form(visitor: Visitor) -> None:
    form = [("name", "日本の案件"), ("value", "1,250,000"), ("currency", "JPY"), ("help", "GeneralOrOther")]
    form += [("solutions", "SOL-10003-CCC"), ("solutions", "SOL-10004-DDD"), ("country", "JP")]
    status, page = await visitor.submit("/partner-center/inbound", form)
    assert status == 200
    assert "14 days to answer" in page
    ours = await visitor.referral((await visitor.deal_named("日本の案件"))["id"])
    assert (ours["details"]["dealValue"], ours["details"]["currency"]) == (1_250_000, "JPY")
    assert ours["inviteContext"]["assistanceRequestCode"] == "GeneralOrOther"
    solutions = [one["id"] for one in ours["details"]["requirements"]["solutions"]]
    assert solutions == ["SOL-10003-CCC", "SOL-10004-DDD"]


async def test_a_form_filled_in_wrongly_comes_back_with_what_was_typed(visitor: Visitor) -> None:
    status, page = await visitor.submit("/partner-center/new", {"name": "Typed", "value": "a lot"})
    assert status == 400
    assert 'value="Typed"' in page
    assert "is not a number" in page
    status, page = await visitor.submit("/salesforce/new", {"name": "Typed", "close_date": "soon"})
    assert status == 400
    assert 'value="Typed"' in page


async def test_a_seller_edits_an_opportunity_and_nothing_else_moves(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED, system="salesforce")
    here = f"/salesforce/opportunities/{deal['id']}"
    full = await visitor.get(f"/control/salesforce/opportunities/{deal['id']}")
    form = {
        "name": full["name"],
        "stage": "Value Proposition",
        "amount": "300,000",
        "close_date": full["close_date"],
        "description": full["description"],
        "help": full["help"],
        "sync": "on",
        "visible": "on",
    }
    _, page = await visitor.submit(here, form)
    assert "Saved." in page
    after = await visitor.get(f"/control/salesforce/opportunities/{deal['id']}")
    changed = {name for name in full if full[name] != after[name]}
    assert changed - {"changed"} == {"stage", "amount"}
    _, page = await visitor.submit(here, form)
    assert "Nothing was different" in page


async def test_a_seller_makes_an_opportunity_and_adds_to_it(visitor: Visitor) -> None:
    form = [("name", "Neue Chance"), ("stage", "Qualification"), ("amount", "5000.25"), ("currency", "EUR")]
    form += [
        ("close_date", "2027-01-31"),
        ("account", "Frische Fische KG"),
        ("country", "DE"),
        ("sync", "on"),
    ]
    form += [("solutions", "SOL-10001-AAA"), ("last_name", "Fischer"), ("email", "f@fische.example")]
    status, page = await visitor.submit("/salesforce/new", form)
    assert status == 200
    assert "was created" in page
    deal = await visitor.deal_named("Neue Chance", system="salesforce")
    here = f"/salesforce/opportunities/{deal['id']}"
    await visitor.submit(f"{here}/solutions", {"solution": "SOL-10005-EEE", "quantity": "2"})
    await visitor.submit(f"{here}/contacts", {"last_name": "Hecht", "role": "Influencer", "primary": "on"})
    users = await visitor.query("SELECT Id FROM User WHERE Email = 'kenji.watanabe@contoso.example'")
    _, page = await visitor.submit(f"{here}/team", {"user": users[0]["Id"]})
    assert "Kenji Watanabe" in page
    full = await visitor.get(f"/control{here}")
    assert (full["amount"], full["account"], full["country"]) == (5000.25, "Frische Fische KG", "DE")
    assert full["solutions"] == ["SOL-10001-AAA", "SOL-10005-EEE"]
    solution = full["solution_rows"][0]["Id"]
    _, page = await visitor.submit(f"{here}/solutions/{solution}/remove", {})
    assert "Removed." in page
    _, page = await visitor.submit(f"{here}/delete", {})
    assert "Neue Chance" not in page


async def test_the_opportunity_shows_its_referral_and_its_audit(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED, system="salesforce")
    here = f"/control/salesforce/opportunities/{deal['id']}/edit"
    await visitor.post(here, {"audit": "2026-11-21 09:05 - done", "name": "✔ " + LINKED})
    page = await visitor.page(f"/salesforce/opportunities/{deal['id']}")
    assert f"/partner-center/referrals/{deal['referral_id']}" in page
    assert "2026-11-21 09:05 - done" in page
    assert "✔ " + LINKED in page


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_a_referral_stays_text(visitor: Visitor, text: str) -> None:
    """reliability.md 8.3 and 8.4."""
    contact = {"first_name": text, "last_name": text, "email": "a@b.example", "title": text}
    wanted = {"name": text, "notes": text, "customer": text, "city": text, "contact": contact}
    sent = await visitor.post("/control/partner_center/inbound", wanted)
    await visitor.post(f"/control/partner_center/referrals/{sent['id']}/decline", {"reason": text})
    for path in ("/partner-center/", f"/partner-center/referrals/{sent['id']}"):
        _assert_harmless(await visitor.page(path), text)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_an_opportunity_stays_text(visitor: Visitor, text: str) -> None:
    """reliability.md 8.3 and 8.4."""
    wanted = {"name": text, "description": text, "account": text, "audit": text, "next_step": text}
    wanted |= {"contact": {"last_name": text}, "solutions": [{"id": text, "name": text}]}  # type: ignore[dict-item]
    wanted |= {"referral_link": text, "referral_id": text, "microsoft_crm_id": text}
    made = await visitor.post("/control/salesforce/opportunities", wanted)
    for path in ("/salesforce/", f"/salesforce/opportunities/{made['id']}", "/salesforce/new"):
        _assert_harmless(await visitor.page(path), text)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_an_address_or_a_form_stays_text(visitor: Visitor, text: str) -> None:
    status, page = await visitor.submit("/partner-center/new", {"name": text, "value": text, "city": text})
    assert status == 400
    _assert_harmless(page, text)
    status, page = await visitor.submit("/salesforce/new", {"name": text, "amount": text, "stage": text})
    assert status == 400
    _assert_harmless(page, text)


async def test_a_referral_link_is_a_link_only_when_it_is_a_web_address(visitor: Visitor) -> None:
    deal = await visitor.deal_named(LINKED, system="salesforce")
    page = await visitor.page(f"/salesforce/opportunities/{deal['id']}")
    assert 'rel="noopener noreferrer">Open in Partner Center' in page
    edit = f"/control/salesforce/opportunities/{deal['id']}/edit"
    await visitor.post(edit, {"referral_link": "javascript:alert(1)"})
    page = await visitor.page(f"/salesforce/opportunities/{deal['id']}")
    assert 'href="javascript' not in page
    assert "Open in Partner Center" not in page


async def test_a_page_that_does_not_exist_is_told_kindly(visitor: Visitor) -> None:
    for path in ("/nothing", "/partner-center/referrals/nothing", "/salesforce/opportunities/nothing"):
        page = await visitor.page(path, status=404)
        assert "That was not done" in page


async def test_a_form_sent_from_another_site_is_refused(visitor: Visitor) -> None:
    deal = await visitor.deal_named(INBOUND)
    url = f"{visitor.sandbox.urls['index']}/partner-center/referrals/{deal['id']}/accept"
    headers = {"origin": "http://evil.example"}
    async with visitor.http.post(url, data={"by": "partner"}, headers=headers) as answer:
        assert answer.status == 403
    assert (await visitor.referral(deal["id"]))["status"] == "New"


async def test_no_page_changes_anything_by_being_opened(visitor: Visitor) -> None:
    deal = await visitor.deal_named(INBOUND)
    await visitor.page(f"/partner-center/referrals/{deal['id']}/accept", status=405)
    assert (await visitor.referral(deal["id"]))["status"] == "New"


def _assert_harmless(page: str, text: str) -> None:
    """No tag, attribute or template came out of the text."""
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert 'href="javascript' not in page
    assert "49" not in re.findall(r"<h1>.*?</h1>", page, re.DOTALL)[0]
    if text.startswith("</textarea>"):
        assert page.count("</title>") == 1
