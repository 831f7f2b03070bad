"""Many requests in one call: dataverse-api.md 2.8."""

from __future__ import annotations

from decimal import Decimal
from email import message_from_bytes
from email.message import Message
from typing import Any

import orjson
import pytest

from cosell.core.errors import CosellError, Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from cosell.systems.dataverse.batch import (
    BOUNDARY,
    ChangeSet,
    Part,
    Piece,
    decode,
    encode,
    matched,
)
from cosell.systems.dataverse.client import LOOKUPS, read
from cosell.systems.dataverse.wire import dumps, loads

from .dynamicsdesk import ROOT, Script, part, refused

ID = "4624aa00-0000-4000-8000-000000000001"
OTHER = "4624aa00-0000-4000-8000-000000000002"
GET = Part("GET", f"opportunities({ID})?$select=name", "one")
PATCH = Part("PATCH", f"opportunities({ID})", "own", {"name": "New"}, {"If-Match": 'W/"81"'})
CLOSE = Part("POST", "WinOpportunity", "close", {"Status": 3})


# --- what is sent ----------------------------------------------------------------------------------


def sent(*items: Part | ChangeSet) -> list[Message]:
    """The parts of an encoded batch, as somebody else's parser reads them."""
    raw = encode(items, "/api/data/v9.2/")
    whole = message_from_bytes(f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"\r\n\r\n'.encode() + raw)
    found = whole.get_payload()
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, Message)]


def payload(message: Message) -> bytes:
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    return text


def test_a_read_is_one_part_with_an_empty_line_after_its_headers() -> None:
    (only,) = sent(GET)
    assert only["content-type"] == "application/http"
    assert only["content-transfer-encoding"] == "binary"
    lines = payload(only).split(b"\r\n")
    assert lines[0] == f"GET /api/data/v9.2/opportunities({ID})?$select=name HTTP/1.1".encode()
    assert lines[1:3] == [b"Accept: application/json", b""]


def test_a_change_set_nests_its_writes_and_numbers_them() -> None:
    _, nested, after = sent(GET, ChangeSet("w1", (PATCH, CLOSE)), ChangeSet("w2", (PATCH,)))
    assert nested.get_content_type() == "multipart/mixed"
    inner = nested.get_payload()
    assert [one["content-id"] for one in inner] == ["1", "2"]  # type: ignore[index]
    assert [one["content-id"] for one in after.get_payload()] == ["3"]  # type: ignore[index]
    head, _, body = payload(inner[0]).partition(b"\r\n\r\n")  # type: ignore[arg-type, index]
    assert b'If-Match: W/"81"' in head
    assert orjson.loads(body) == {"name": "New"}


def test_a_later_write_points_to_a_row_an_earlier_one_makes() -> None:
    """The names of this batch become the numbers of the wire, where they point and nowhere else."""
    account = Part("POST", "accounts", "account", {"name": "$account"})
    deal = Part("POST", "opportunities", "deal", {"customerid_account@odata.bind": "$account", "name": "$x"})
    close = Part("PATCH", "$deal", "again", {"description": "$deal"})
    (nested,) = sent(ChangeSet("w", (account, deal, close)))
    bodies = [payload(one).split(b"\r\n\r\n")[1] for one in nested.get_payload()]  # type: ignore[arg-type]
    assert orjson.loads(bodies[0]) == {"name": "$account"}
    assert orjson.loads(bodies[1]) == {"customerid_account@odata.bind": "$1", "name": "$x"}
    assert payload(nested.get_payload()[2]).startswith(b"PATCH $2 HTTP/1.1")  # type: ignore[arg-type, index]
    assert orjson.loads(bodies[2]) == {"description": "$deal"}


@pytest.mark.parametrize(
    "broken",
    [
        Part("GET", "accounts HTTP/1.1\r\nX: y", "r"),
        Part("GET", "accounts name", "r"),
        Part("PATCH", "accounts", "r", {}, {"If-Match": "W/1\r\nX: y"}),
    ],
)
def test_no_text_of_anybody_adds_a_line(broken: Part) -> None:
    with pytest.raises(Misconfigured):
        encode([broken], "/api/data/v9.2/")


def test_an_address_longer_than_a_batch_takes_is_never_sent() -> None:
    with pytest.raises(ValueError, match="64 KB"):
        encode([Part("GET", "accounts?$filter=" + "x" * 70_000, "r")], "/api/data/v9.2/")


def test_amounts_keep_their_digits_both_ways() -> None:
    """dataverse-api.md 2.2: a float would lose the last of them."""
    amount = Decimal("100000000000.0001")
    raw = dumps({"estimatedvalue": amount})
    assert raw == b'{"estimatedvalue":100000000000.0001}'
    assert loads(raw) == {"estimatedvalue": amount}
    assert loads(b'{"estimatedvalue":5000000.0000,"versionnumber":9007199254740993}') == {
        "estimatedvalue": 5000000.0,
        "versionnumber": 9007199254740993,
    }


# --- what comes back -------------------------------------------------------------------------------


def answers(kind: str, body: str, *items: Part | ChangeSet) -> dict[str, tuple[int, Any]]:
    pieces = decode(kind, body.encode())
    assert pieces is not None
    return {ref: (one.status, one.body) for ref, one in matched(items, pieces).items()}


OUTER = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
TWO = (
    f"--batchresponse_7\r\n{OUTER}\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    '{"name":"--batchresponse_7 A"}\r\n'
    f"--batchresponse_7\r\n{OUTER}\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n"
    "--batchresponse_7--\r\n"
)
READS = (Part("GET", "a", "a"), Part("GET", "b", "b"))


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/mixed; boundary=batchresponse_7",
        'multipart/mixed;boundary="batchresponse_7"',
        'Multipart/Mixed; charset=utf-8; Boundary = "batchresponse_7"',
        "multipart/mixed; boundary=batchresponse_7; x=y",
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        TWO,
        TWO.replace("\r\n", "\n"),
        "a preamble\r\n" + TWO + "an epilogue",
        TWO.removesuffix("--batchresponse_7--\r\n"),
        TWO.replace("--batchresponse_7\r\n", "--batchresponse_7 \t\r\n"),
        TWO.replace("Content-Type: application/http", "content-type:application/http"),
    ],
)
def test_every_spelling_of_an_answer_is_read(kind: str, body: str) -> None:
    found = answers(kind, body, *READS)
    assert found == {"a": (200, {"name": "--batchresponse_7 A"}), "b": (204, None)}


@pytest.mark.parametrize("kind", ["application/json", "", "multipart/mixed", "text/html"])
def test_what_is_no_multipart_is_none(kind: str) -> None:
    assert decode(kind, TWO.encode()) is None


def nested(*parts: str, boundary: str = "changesetresponse_9") -> str:
    inner = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return (
        f"--batchresponse_7\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n{inner}"
        f"--{boundary}--\r\n--batchresponse_7--\r\n"
    )


KIND = "multipart/mixed; boundary=batchresponse_7"
SET = ChangeSet("w", (PATCH, CLOSE))


def numbered(number: int, answer: str) -> str:
    return f"{OUTER}Content-ID: {number}\r\n\r\n{answer}"


def test_the_answers_of_a_change_set_are_told_apart_by_their_numbers() -> None:
    body = nested(numbered(2, part(204)), numbered(1, part(200, {"name": "New"})))
    assert answers(KIND, body, SET) == {"own": (200, {"name": "New"}), "close": (204, None)}


def test_without_numbers_their_order_counts() -> None:
    body = nested(f"{OUTER}\r\n{part(200, {})}", f"{OUTER}\r\n{part(204)}")
    assert answers(KIND, body, SET) == {"own": (200, {}), "close": (204, None)}


@pytest.mark.parametrize("inside", [True, False])
def test_a_change_set_that_failed_failed_as_a_whole(inside: bool) -> None:
    """One part tells of it, inside the set's own envelope or in its place."""
    error = refused(412, "0x80060882")
    body = (
        nested(f"{OUTER}\r\n{error}")
        if inside
        else f"--batchresponse_7\r\n{OUTER}\r\n{error}\r\n--batchresponse_7--\r\n"
    )
    found = answers(KIND, body, SET)
    assert {ref: status for ref, (status, _) in found.items()} == {"own": 412, "close": 412}


def test_an_answer_cut_off_in_the_middle_is_no_success() -> None:
    body = f'--batchresponse_7\r\n{OUTER}\r\nHTTP/1.1 200 OK\r\n\r\n{{"name":"A'
    assert answers(KIND, body, READS[0]) == {"a": (502, None)}


def test_what_nobody_answered_is_left_out() -> None:
    pieces: list[Piece | list[Piece]] = decode(KIND, TWO.encode()) or []
    assert set(matched([*READS, Part("GET", "c", "c")], pieces)) == {"a", "b"}


@pytest.mark.parametrize("junk", ["", "x", "--batchresponse_71\r\n", "HTTP/1.1 200 OK\r\n\r\n{}"])
def test_junk_is_no_answer(junk: str) -> None:
    assert answers(KIND, junk, *READS) == {}


def test_an_answer_nobody_can_read_keeps_its_place() -> None:
    """Else the next one would pass for the answer to its question."""
    body = TWO.replace("HTTP/1.1 200 OK", "what is this", 1)
    assert answers(KIND, body, *READS) == {"a": (502, None), "b": (204, None)}


# --- through the client ----------------------------------------------------------------------------


async def test_a_batch_of_reads_is_one_call_and_asks_to_go_on_after_a_failure() -> None:
    script = Script()
    script.on_batch(part(200, {"name": "A"}), refused(404, "0x80040217"))
    found = await script.client().reads([GET, Part("GET", f"opportunities({OTHER})", "two")], purpose="read")
    assert found["one"].row == {"name": "A"}
    assert found["two"].status == 404
    (asked,) = script.asked
    assert asked.headers["prefer"] == "odata.continue-on-error"
    assert asked.headers["content-type"] == f"multipart/mixed; boundary={BOUNDARY}"
    assert (asked.method, asked.path) == ("POST", "/api/data/v9.2/$batch")


async def test_one_request_alone_goes_plainly() -> None:
    script = Script()
    script.on("opportunities", {"name": "A"}, ETag='W/"5"')
    found = await script.client().batch([GET], purpose="read")
    assert found["one"].row == {"name": "A"}
    assert found["one"].etag == 'W/"5"'
    (asked,) = script.asked
    assert asked.headers["odata-version"] == asked.headers["odata-maxversion"] == "4.0"
    assert asked.headers["if-none-match"] == "null"


async def test_an_address_that_is_too_long_travels_inside_a_batch() -> None:
    script = Script()
    script.on_batch(part(200, {"value": []}))
    found = await script.client().get("accounts", {"$filter": "name eq '" + "x" * 9000 + "'"}, purpose="read")
    assert found.row == {"value": []}
    assert script.paths() == ["/api/data/v9.2/$batch"]


async def test_a_thousand_reads_are_one_call_and_one_more_is_two() -> None:
    script = Script()
    script.on_batch(*(part(200, {}) for _ in range(1000)))
    script.on("accounts", {})
    parts = [Part("GET", f"accounts?$top={n}", str(n)) for n in range(1001)]
    assert len(await script.client().reads(parts, purpose="read")) == 1001
    assert len(script.asked) == 2
    with pytest.raises(ValueError, match="1,000"):
        await script.client().batch(parts, purpose="read")


@pytest.mark.parametrize(("items", "kind"), [(READS, Unavailable), ((PATCH, CLOSE), Uncertain)])
async def test_a_batch_that_stops_at_its_first_failure_tells_nothing_of_the_others(
    items: tuple[Part, ...], kind: type[CosellError]
) -> None:
    """A server that passes over our wish to go on answers 400 with the one failed part (INV-10)."""
    script = Script()
    script.on_batch(refused(503, ""), status=400)
    with pytest.raises(kind):
        await script.client().batch(items, purpose="x")


async def test_a_failure_that_stopped_a_batch_of_reads_is_what_is_raised() -> None:
    script = Script()
    script.on_batch(refused(429, "0x80072322"), status=400)
    with pytest.raises(Throttled):
        await script.client().reads(READS, purpose="read")


async def test_a_batch_refused_as_a_whole_raises_what_it_means() -> None:
    script = Script()
    error = {"error": {"code": "0x80072326", "message": "Number of concurrent requests exceeded"}}
    script.on("$batch", error, 429, Retry_After="7")
    script.on("$batch", {"error": {"code": "0x80060888", "message": "Malformed batch"}}, 400)
    script.on("$batch", b"<html>", 404, content_type="text/html")
    script.on("$batch", b"<html>", 502, content_type="text/html")
    client = script.client()
    with pytest.raises(Throttled) as caught:
        await client.batch((PATCH, CLOSE), purpose="write")
    assert caught.value.retry_after == 7
    with pytest.raises(CosellError):
        await client.batch((PATCH, CLOSE), purpose="write")
    with pytest.raises(Misconfigured, match="environment URL"):
        await client.batch((PATCH, CLOSE), purpose="write")
    with pytest.raises(Uncertain):
        await client.batch((PATCH, CLOSE), purpose="write")


async def test_a_batch_of_reads_answered_in_part_is_asked_again_by_whoever_needs_it() -> None:
    script = Script()
    script.on_batch(part(200, {}))
    with pytest.raises(Unavailable, match="a part"):
        await script.client().reads(READS, purpose="read")


async def test_more_answers_than_questions_are_answers_to_nothing() -> None:
    script = Script()
    script.on_batch(part(200, {}), part(200, {}), part(200, {}))
    with pytest.raises(Unavailable, match="nonsense"):
        await script.client().reads(READS, purpose="read")
    with pytest.raises(Uncertain, match="nonsense"):
        await script.client().batch((PATCH, CLOSE), purpose="write")


async def test_headers_the_settings_want_stand_on_each_write() -> None:
    """dataverse-api.md 2.1: detection of duplicates is off unless a create asks for it."""
    script = Script()
    script.on_batch(part(204), part(204), part(200, {}))
    client = script.client(duplicate_detection="stop", bypass_logic=True)
    items = [Part("POST", "accounts", "a", {}), Part("PATCH", f"opportunities({ID})", "b", {}), READS[0]]
    await client.batch(items, purpose="write")
    body = script.asked[0].body.decode()
    assert body.count("MSCRM.SuppressDuplicateDetection: false") == 1
    assert body.count("MSCRM.BypassBusinessLogicExecution: CustomSync,CustomAsync") == 2


async def test_a_refusal_inside_a_batch_keeps_its_own_retry_after() -> None:
    script = Script()
    throttled = part(429, {"error": {"code": "0x80072322", "message": "m"}}, Retry_After="30")
    script.on_batch(throttled, refused(400, "0x80040200", "The field 'subject' is missing"))
    found = await script.client().batch((PATCH, CLOSE), purpose="write")
    first, second = found["own"].error(safe=False), found["close"].error(safe=False)
    assert isinstance(first, Throttled)
    assert first.retry_after == 30
    assert isinstance(second, Rejected)
    assert second.fields == ("subject",)


# --- pages -----------------------------------------------------------------------------------------


NEXT = f"{ROOT}/opportunities?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E"


async def test_pages_are_followed_by_the_servers_own_links_untouched() -> None:
    """Trap 4: a link that is decoded and encoded again is another link."""
    script = Script()
    script.on("$skiptoken", {"value": [{"n": 2}]})
    script.on("opportunities", {"value": [{"n": 1}], "@odata.nextLink": NEXT})
    client = script.client()
    prefer = ("odata.maxpagesize=1", LOOKUPS)
    found = [
        page async for page in client.pages("opportunities", {"$select": "name"}, prefer=prefer, purpose="x")
    ]
    assert [row["n"] for page in found for row in page.rows] == [1, 2]
    assert script.asked[1].path == NEXT.removeprefix("https://org.crm.dynamics.com")
    assert {one.headers["prefer"] for one in script.asked} == {",".join(prefer)}


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/opportunities?$skiptoken=1",
        "https://org.crm.dynamics.com.evil.example/api/data/v9.2/opportunities",
        "https://org.crm.dynamics.com@evil.example/api/data/v9.2/opportunities",
        "/somewhere/else",
        "http://org.crm.dynamics.com/api/data/v9.2/opportunities",
    ],
)
async def test_a_page_never_leads_anywhere_else(link: str) -> None:
    """The token goes to our environment alone."""
    script = Script()
    script.on("opportunities", {"value": [], "@odata.nextLink": link})
    with pytest.raises(Unavailable, match="leads"):
        await script.client().rows(await script.client().get("opportunities", purpose="x"), purpose="x")
    assert len(script.asked) == 1


async def test_pages_that_go_in_circles_end() -> None:
    script = Script()
    script.on("opportunities", {"value": [], "@odata.nextLink": NEXT})
    with pytest.raises(Unavailable, match="nowhere"):
        await script.client().rows(await script.client().get("opportunities", purpose="x"), purpose="x")


async def test_tracking_is_asked_for_once_and_then_travels_in_the_links() -> None:
    """dataverse-api.md 4.1."""
    script = Script()
    delta = f"{ROOT}/opportunities?$deltatoken=919042%2108%2f22%2f2017"
    script.on("$skiptoken", {"value": [], "@odata.deltaLink": delta})
    script.on("opportunities", {"value": [], "@odata.nextLink": NEXT})
    client = script.client()
    prefer = ("odata.track-changes", "odata.maxpagesize=5")
    found = [page async for page in client.pages("opportunities", prefer=prefer, purpose="x")]
    assert found[-1].delta == delta
    assert [one.headers["prefer"] for one in script.asked] == [
        "odata.track-changes,odata.maxpagesize=5",
        "odata.maxpagesize=5",
    ]


async def test_an_expanded_query_is_encoded_so_that_no_value_ends_it() -> None:
    script = Script()
    script.on("accounts", {"value": []})
    filled = {"$filter": "name eq 'A&B #1 + 50% é'", "$expand": "primarycontactid($select=fullname;$top=1)"}
    await script.client().send(read("accounts", filled, ref="r"), purpose="x")
    assert script.asked[0].path == (
        "/api/data/v9.2/accounts?$filter=name%20eq%20'A%26B%20%231%20%2B%2050%25%20%C3%A9'"
        "&$expand=primarycontactid($select=fullname;$top=1)"
    )
