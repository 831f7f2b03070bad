"""Partner Center is input too: any answer ends in a snapshot or a declared error (reliability.md 8.2)."""

from __future__ import annotations

import gzip
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from cosell.core.errors import CosellError, Gone, Retryable, Unavailable, Uncertain
from cosell.core.records import Snapshot
from cosell.core.values import Unreadable, encode
from cosell.ports import Creation, Invitation
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.compose import microsofts_referral, patch
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.wire import Reader
from tests.systems.office import ORIGIN, always, deal, error_of, listing, referral, scripted, update

SINCE = '{"at":1700000000}'


def read(**changes: Any) -> Snapshot:
    return Reader(("microsoft.com",), co_sell_only=True).engagement(referral(**changes), None, complete=True)


NONSENSE = [
    Answer(200, b""),
    Answer(200, b"<!doctype html><title>Sign in to your account</title>", {"content-type": "text/html"}),
    Answer(200, b'{"value":['),
    Answer(200, orjson.dumps(listing([referral()]))[:-30]),
    Answer(200, orjson.dumps(referral()).decode().encode("utf-16")),
    Answer(200, b"\xc3\x28"),
    Answer(200, b"[" * 200_000),
    Answer(200, b'{"a":' * 200_000),
    Answer(200, b"null"),
    Answer(200, b"7"),
    Answer(200, b'"text"'),
    Answer(200, b"[]"),
    Answer(200, b"{}"),
    Answer(200, b'{"value":null}'),
    Answer(200, b'{"value":{}}'),
    Answer(200, b'{"value":"x","id":5}'),
    Answer(200, b'{"id":NaN,"value":NaN}'),
    Answer(200, b"plain", {"content-encoding": "gzip"}),
    Answer(200, b"x", {"content-encoding": "br"}),
    Answer(200, gzip.compress(b" " * 40_000_000), {"content-encoding": "gzip"}),
    Answer(204),
    Answer(302, b"", {"location": "https://login.evil.test/"}),
    Answer(200, b"\x00" * 1000),
]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
async def test_nonsense_to_a_read_is_tried_again_and_to_a_write_is_settled_first(answer: Answer) -> None:
    """INV-10."""
    system, script = scripted(lambda *_: answer)
    assert isinstance(await error_of(system, referral()["id"]), Unavailable)
    for cursor in (None, SINCE):
        with pytest.raises(Unavailable):
            await system.changes(cursor)
    with pytest.raises(Unavailable):
        await system.find("006A")
    with pytest.raises(Uncertain):
        await system.create(Creation("w", "006A", deal()))
    seen = read()
    with pytest.raises(Unavailable):
        await system.invite(Invitation("w", seen, "GeneralOrOther"))
    written = (await system.update_many([update(seen, notes="x")]))["w1"]
    assert isinstance(written, Snapshot if _says_nothing(answer) else Uncertain)
    assert not any(request.startswith("GET https") for request in script.requests)


def _says_nothing(answer: Answer) -> bool:
    """An accepted write may come without a body (2.4)."""
    return 200 <= answer.status < 300 and not answer.body.strip()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10000", Decimal(10000)),
        (" 10000.50 ", Decimal("10000.5")),
        (10000, Decimal(10000)),
        (0.1, Decimal("0.1")),
        (1e15, Decimal(10**15)),
        (-5, Decimal(-5)),
        (12.3456, Decimal("12.3456")),
        (0, Decimal(0)),
        (None, None),
        ("", None),
        ("ten", Unreadable),
        ("10,000", Unreadable),
        ("Infinity", Unreadable),
        ("NaN", Unreadable),
        (True, Unreadable),
        ([], Unreadable),
        ({"amount": 5}, Unreadable),
        ("1e300", Unreadable),
        ("9" * 100_000, Unreadable),
        (1e300, Unreadable),
    ],
)
def test_amounts_in_every_form_are_exact_or_unreadable(value: object, expected: Any) -> None:
    """Trap 5: the documentation shows text where numbers come."""
    found = read(details__dealValue=value).values["deal_value"]
    assert isinstance(found, Unreadable) if expected is Unreadable else found == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-31T00:00:00Z", date(2026, 3, 31)),
        ("2026-03-31T23:59:59.9999999Z", date(2026, 3, 31)),
        ("2026-03-31", date(2026, 3, 31)),
        ("2026-03-31T00:00:00", date(2026, 3, 31)),
        ("2026-03-31T00:00:00+14:00", date(2026, 3, 31)),
        ("2028-02-29T00:00:00Z", date(2028, 2, 29)),
        ("0001-01-01T00:00:00Z", date(1, 1, 1)),
        ("9999-12-31T23:59:59Z", date(9999, 12, 31)),
        (None, None),
        ("", None),
        ("2027-02-29T00:00:00Z", Unreadable),
        ("31/03/2026", Unreadable),
        ("tomorrow", Unreadable),
        (1774915200, Unreadable),
        ([], Unreadable),
    ],
)
def test_dates_in_every_form_are_a_day_or_unreadable(value: object, expected: Any) -> None:
    """Trap 6."""
    found = read(details__closingDateTime=value).values["close_date"]
    assert isinstance(found, Unreadable) if expected is Unreadable else found == expected


@pytest.mark.parametrize(
    "value",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "x", 5, None, {}],
)
async def test_times_of_change_at_the_edge_of_time_stop_no_poll(value: object) -> None:
    page = listing([referral(1, updatedDateTime=value), referral(2)])
    system, _ = scripted(always(200, page), try_filters=False)
    assert len((await system.changes(SINCE)).snapshots) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"details__currency": "EURO"}, "currency"),
        ({"details__currency": 978}, "currency"),
        ({"details__notes": 5}, "notes"),
        ({"details__notes": ["a"]}, "notes"),
        ({"name": {"text": "x"}}, "name"),
        ({"customerProfile__address": {"country": "Netherlands"}}, "country"),
        ({"customerProfile__address": {"country": 5}}, "country"),
        ({"customerProfile__address": {"addressLine1": 5}}, "address_line"),
        ({"consent": {"consentToShareReferralWithMicrosoftSellers": "yes"}}, "visible"),
        ({"status": "Sleeping"}, "state"),
        ({"referralProgram": 5}, "program"),
        ({"trackingInfo": {"microsoftMsxId": 5}}, "microsoft_id"),
        ({"details__requirements": {"solutions": [{"id": "SOL-1-AAA", "type": "New"}]}}, "solutions"),
    ],
)
def test_what_has_another_type_is_shown_and_cannot_be_written_back(
    changes: dict[str, Any], field: str
) -> None:
    """Partner-center-api.md 12: never write it back."""
    found = read(**changes)
    assert isinstance(found.values[field], Unreadable)
    with pytest.raises(CosellError):
        patch(update(found, **{field: found.values[field]}), Options())


@pytest.mark.parametrize(
    "people",
    [
        None,
        {},
        "x",
        7,
        [None, None],
        [[], "a", 5],
        [{}],
        [{"email": None}],
        [{"email": 5, "firstName": [], "lastName": {}, "phoneNumber": True}],
        [{"email": "A@x.test"}, {"email": "a@X.test"}],
        [{"email": f"p{n}@x.test", "firstName": "P"} for n in range(5000)],
        [{"email": "a@x.test", "contactPreference": {"deep": {"er": [{}] * 50}}}],
        [{"email": "x" * 1_000_000}],
    ],
)
def test_people_of_every_shape_are_read_each_once(people: object) -> None:
    """Reliability.md 8.2: 5,000 contacts, null in a list."""
    found = read(team=people, customerProfile__team=people)
    for key in ("team", "contacts"):
        value = found.values[key]
        assert value is None or isinstance(value, tuple)
        keys = [one.key for one in value or ()]
        assert keys == sorted(set(keys))
        assert encode(value) is None or orjson.dumps(encode(value))


async def test_null_and_strangers_in_a_page_do_not_hide_the_rest() -> None:
    rows: list[Any] = [None, 5, "x", [], {}, {"id": None}, {"id": 7}, {"id": ""}, referral(1)]
    system, _ = scripted(always(200, {"value": rows}), try_filters=False)
    changes = await system.changes(SINCE)
    assert [one.id for one in changes.snapshots] == [referral(1)["id"]]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/steal?$skiptoken=2",
        "http://api.partner.microsoft.com/v1.0/referrals?$skiptoken=2",
        "//evil.test/?$skiptoken=2",
        "https://user:pass@evil.test/?$skiptoken=2",
        "javascript:alert(1)?$skiptoken=2",
        "/elsewhere?$skiptoken=2",
        "?$skiptoken=2",
        "https://evil.test/?$skiptoken=2#https://evil.test",
        "https://evil.test/?$filter=updatedDateTime ge 2020-01-01T00:00:00Z&$skiptoken=2",
        'https://evil.test/?$skiptoken=2&x="<>\\^`{|}é\r\nHost: evil.test',
    ],
)
async def test_a_next_link_leads_to_our_own_base_and_nowhere_else(link: str) -> None:
    """Partner-center-api.md 2.1: keep the query only. Reliability.md 8.2."""

    def answer(method: str, path: str, sent: bytes) -> Answer:
        page = listing([referral(2)]) if "skiptoken=2" in path else listing([referral(1)], link)
        return always(200, page)(method, path, sent)

    system, script = scripted(answer, try_filters=False)
    changes = await system.changes(SINCE)
    assert len(changes.snapshots) == 2
    assert len(script.asked) == 2
    assert all(path.startswith("/v1.0/engagements/referrals?") for _, path, _, _ in script.asked)
    assert all(headers["host"] == ORIGIN[8:] for _, _, headers, _ in script.asked)


@pytest.mark.parametrize("link", ["https://x.test/", "nowhere", "?", "https://x.test/?" + "a" * 7000])
async def test_a_next_link_that_leads_nowhere_is_nonsense_and_not_the_end(link: str) -> None:
    """To stop here would be to skip what follows."""
    system, _ = scripted(always(200, listing([referral()], link)), try_filters=False)
    with pytest.raises(Unavailable):
        await system.changes(SINCE)


@pytest.mark.parametrize("link", [None, "", 5, [], {}])
async def test_no_next_link_in_any_form_is_the_end(link: object) -> None:
    page = {"value": [referral()], "@odata.nextLink": link}
    system, _ = scripted(always(200, page), try_filters=False)
    assert len((await system.changes(SINCE)).snapshots) == 1


def test_ids_are_kept_as_they_are_written() -> None:
    """Reliability.md 8.2: id in other case, with braces."""
    assert read(id="{A0000000-0000-4000-8000-000000000001}").id == "{A0000000-0000-4000-8000-000000000001}"


async def test_an_id_that_could_bend_the_address_is_never_sent() -> None:
    system, script = scripted(always(200, referral()))
    for odd in ("../x", "a?b", "a#b", "a%2fb", "a b", "{a}", "a/b", "a\r\nb", "é", ""):
        assert isinstance(await error_of(system, odd), Gone)
    assert not script.asked


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}} ${jndi:ldap://x}",
    "O'Neil % _ \\ '; DROP TABLE",
    '=HYPERLINK("http://x")',
    "a\r\nSet-Cookie: x=1",
    "\x1b[31mred",
    "\u202egnp.exe\u200b\ufeff",
    "e\u0301" * 50,
    "👨‍👩‍👧‍👦 𝕏",
    "한국어 中文 العربية हिन्दी ıİß",
    "x" * 1_000_000,
    "   ",
    "null",
    "\x00\x01",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_travels_as_text(text: str) -> None:
    """Reliability.md 8.3: text is text, and comes back the same."""
    person = {"email": "p@x.test", "firstName": text, "lastName": text, "phoneNumber": text, "title": text}
    record = referral(
        name=text,
        details__notes=text,
        team=[person],
        customerProfile__team=[person],
        customerProfile__name=text,
        statusReason=text,
        details__requirements={"solutions": [{"id": "SOL-1-AAA", "name": text, "type": "Name"}]},
    )
    system, script = scripted(always(200, record))
    found = (await system.get_many([record["id"]]))[record["id"]]
    assert isinstance(found, Snapshot)
    again = await system.update_many([update(found, notes=found.values["notes"], team=found.values["team"])])
    assert isinstance(again["w1"], Snapshot)
    assert again["w1"].values == found.values
    sent = {one["path"]: one["value"] for one in orjson.loads(script.asked[-1][3])}
    assert sent["/team"][0].get("title") == text
    microsofts_referral(Invitation("w", found, "GeneralOrOther"), record, Options())


async def test_half_a_character_spoils_neither_page_nor_write() -> None:
    """Reliability.md 8.3: unpaired surrogate."""
    raw = orjson.dumps(referral()).replace(b"Warehouse", b"Ware\\ud800house")
    system, _ = scripted(always(200, raw))
    found = (await system.get_many([referral()["id"]]))[referral()["id"]]
    assert isinstance(found, Snapshot)
    assert found.values["name"] == "Ware\ufffdhouse programme"
    assert isinstance((await system.update_many([update(found, notes="x\ufffd")]))["w1"], Snapshot)


@pytest.mark.parametrize("retry_after", ["57", "Wed, 21 Oct 2026 07:28:00 GMT", "", "soon", "-1", "9" * 40])
async def test_a_storm_of_refusals_ends_in_declared_errors(retry_after: str) -> None:
    for status in (423, 429, 503, 509):
        system, _ = scripted(always(status, b"", retry_after=retry_after))
        assert isinstance(await error_of(system, referral()["id"]), Retryable)


async def test_an_etag_that_could_not_be_a_header_is_left_out() -> None:
    record = referral(eTag='"x"\r\nX-Evil: 1')
    system, script = scripted(always(200, record))
    found = (await system.get_many([record["id"]]))[record["id"]]
    assert isinstance(found, Snapshot)
    assert found.version is None
    await system.update_many([update(found, notes="x")])
    assert "if-match" not in script.asked[-1][2]


async def test_new_properties_and_new_words_are_survived() -> None:
    """Partner-center-api.md 11 row 14."""
    record = referral(
        brandNew={"deep": [1, {"er": None}]},
        direction="Sideways",
        qualification="QuantumQualified",
        type="Entangled",
        quality="Sparkling",
        registrationStatus="Orbiting",
    )

    def answer(method: str, path: str, sent: bytes) -> Answer:
        return always(200, listing([record]) if "filter" in path else record)(method, path, sent)

    system, _ = scripted(answer)
    found = (await system.get_many([record["id"]]))[record["id"]]
    assert isinstance(found, Snapshot)
    assert (found.facts["kind"], found.complete) == ("deal", True)
