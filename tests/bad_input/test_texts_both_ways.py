"""Every hostile text in every text field of both systems travels through the whole product and stays text.

reliability.md 8.3: the other side holds exactly the normal form, and nothing that shows it obeys it.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest

from cosell.core import values as normal
from cosell.wiring.keyring import LiveSecrets
from cosell.wiring.logs import start_logging
from tests.bad_input.conftest import House
from tests.bad_input.hostile_texts import LONG, TEXTS, obeyed
from tests.scenarios.conftest import SOL, in_days


def form(text: str) -> str:
    """The normal form of a text that is not empty."""
    found = normal.text(text)
    assert isinstance(found, str)
    return found


def portal_deal(text: str, number: int) -> dict[str, Any]:
    """A deal of the portal with one text wherever there is room for one."""
    person = {"firstName": text, "lastName": text, "phoneNumber": "+31105550111", "title": text}
    return {
        "name": f"{number} {text}",
        "customerProfile": {
            "name": text,
            "address": {"addressLine1": text, "city": text, "postalCode": "3011 BB", "country": "NL"},
            "team": [{**person, "email": f"kim{number}@harbour.example"}],
        },
        "details": {
            "notes": text,
            "dealValue": 75000,
            "currency": "EUR",
            "closingDateTime": f"{in_days(60)}T00:00:00Z",
            "requirements": {"solutions": [{"id": SOL, "name": text, "type": "Name"}]},
        },
        "team": [{**person, "email": f"ada{number}@partner.example"}],
    }


async def test_every_text_arrives_from_partner_center_as_its_normal_form(house: House) -> None:
    desk = house.desk
    made = {desk.portal(**portal_deal(text, n)): (n, text) for n, text in enumerate(TEXTS)}
    await desk.sync()
    seller = desk.sandbox.salesforce.as_seller
    accounts = {row["Id"]: row for row in seller.rows("Account")}
    contacts = {row["Email"]: row for row in seller.rows("Contact")}
    for referral, (n, text) in made.items():
        (row,) = desk.opportunities(referral)
        account, contact = accounts[row["AccountId"]], contacts[f"kim{n}@harbour.example"]
        found = {
            "name": row["Name"],
            "notes": row["Description"],
            "customer": account["Name"],
            "street": account["BillingStreet"],
            "city": account["BillingCity"],
            "first name": contact["FirstName"],
            "last name": contact["LastName"],
        }
        assert found == {**dict.fromkeys(found, form(text)), "name": f"✔ {form(f'{n} {text}')}"}, text
    await nothing_is_left_to_do(house)


def two_lines(street: str) -> str:
    """A street as Partner Center has room for it."""
    first, _, rest = street.partition("\n")
    return f"{first}\n{rest.replace(chr(10), ', ')}" if rest else first


def seller_deal(house: House, text: str, number: int) -> str:
    """An opportunity with one text wherever there is room for one."""
    seller = house.desk.sandbox.salesforce.as_seller
    account = seller.create(
        "Account",
        {
            "Name": f"{text} {number}",
            "BillingStreet": text,
            "BillingCity": text,
            "BillingPostalCode": "3011 AA",
            "BillingCountry": "NL",
        },
    )
    row = seller.create(
        "Opportunity",
        {
            "Name": f"{number} {text}",
            "AccountId": account,
            "StageName": "Qualification",
            "Amount": 50000,
            "CurrencyIsoCode": "EUR",
            "CloseDate": in_days(90),
            "Description": text,
            "NextStep": text,
            "Sync_with_Partner_Center__c": True,
        },
    )
    person = {
        "FirstName": text,
        "LastName": text,
        "Email": f"ines{number}@x.example",
        "Phone": "+31105550100",
    }
    contact = seller.create("Contact", {"AccountId": account, **person})
    seller.create("OpportunityContactRole", {"OpportunityId": row, "ContactId": contact, "IsPrimary": True})
    house.desk.add_solution(row, SOL)
    return row


async def test_every_text_arrives_from_salesforce_as_its_normal_form(house: House) -> None:
    made = {seller_deal(house, text, n): (n, text) for n, text in enumerate(TEXTS)}
    await house.desk.sync()
    for row, (n, text) in made.items():
        (referral,) = house.desk.referrals_of(row)
        customer = referral["customerProfile"]
        (contact,) = customer["team"]
        found = {
            "name": referral["name"],
            "notes": referral["details"]["notes"],
            "customer": customer["name"],
            "street": "\n".join(filter(None, (customer["address"][f"addressLine{line}"] for line in (1, 2)))),
            "city": customer["address"]["city"],
            "first name": contact["firstName"],
            "last name": contact["lastName"],
        }
        wanted = {
            **dict.fromkeys(found, form(text)),
            "name": form(f"{n} {text}"),
            "street": two_lines(form(text)),
            "customer": form(f"{text} {n}"),
        }
        assert found == wanted, text
    await nothing_is_left_to_do(house)


async def test_an_edit_to_any_text_travels_and_comes_back_unchanged(house: House) -> None:
    """To and fro: what arrived is not taken for an edit of the other side."""
    desk = house.desk
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    for text in (*TEXTS, LONG):
        desk.change(referral, details__notes=text)
        await everything_arrives(house)
        assert desk.row(row["Id"])["Description"] == form(text), text[:80]
        desk.edit(row["Id"], Description=f"{text}!")
        await everything_arrives(house)
        assert desk.referral(referral)["details"]["notes"] == form(f"{text}!"), text[:80]
    for empty in ("   ", "\r\n\t", "\u00a0", ""):
        desk.change(referral, details__notes="Something.")
        await everything_arrives(house)
        desk.change(referral, details__notes=empty)
        await everything_arrives(house)
        assert desk.row(row["Id"])["Description"] is None
    await nothing_is_left_to_do(house)


async def everything_arrives(house: House) -> None:
    """Salesforce's precondition has whole seconds: what comes within one of our own write waits it out."""
    await house.desk.sync()
    house.desk.clock.leap(5)
    await house.desk.sync()


async def nothing_is_left_to_do(house: House) -> None:
    """At rest nobody writes (INV-4), and the journal is whole (INV-7)."""
    before = len(await house.running.env.store.journal(None, 100_000))
    await house.running.engine.sweep()
    await house.desk.sync()
    assert len(await house.running.env.store.journal(None, 100_000)) == before
    report = await house.running.env.store.verify()
    assert (report.bad_seq, report.why) == (None, "")


class Page(HTMLParser):
    """Notes what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_nothing_that_shows_such_text_obeys_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminal, JSON, audit export, status page and log, with one deal held for every text."""
    desk, log = house.desk, io.StringIO()
    start_logging(LiveSecrets(), stream=log, level="debug")
    made = {desk.portal(**portal_deal(text, n)): text for n, text in enumerate(TEXTS)}
    await desk.sync()
    for referral, text in made.items():
        (row,) = desk.opportunities(referral)
        desk.edit(row["Id"], Description=f"{text} ours")
        desk.change(referral, details__notes=f"{text} theirs")
    await desk.sync()
    shown: Mapping[str, str] = {
        " ".join(words): await house.cosell(*words)
        for words in (
            ("status",),
            ("plan",),
            ("audit", "list", "--limit", "1000"),
            *(("explain", referral) for referral in list(made)[::6]),
        )
    }
    for command, text in shown.items():
        assert obeyed(text) == [], command
        assert "Traceback" not in text
    everything = "\n".join(shown.values())
    for said in ("[bold red]markup[/]", ":warning:", "=HYPERLINK(", "<script>", "\\u001b[2J", "\\u202e"):
        assert said in everything
    for words in (("audit", "export"), ("plan", "--json"), ("status", "--json")):
        out = await house.cosell(*words)
        assert out.isascii()
        assert obeyed(out) == []
        assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
    assert all(not obeyed(line) for line in log.getvalue().splitlines())
    assert not any(form(text) in log.getvalue() for text in TEXTS if len(text) > 12)
    page = Page()
    page.feed((await house.visitor.ask("GET", "/")).body.decode())
    assert page.tags.isdisjoint({"script", "img", "iframe", "form"})
    assert not any(name.startswith("on") for name in page.attributes)
    await asyncio.sleep(0)
    logging.getLogger().handlers.clear()
