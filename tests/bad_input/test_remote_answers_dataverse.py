"""Dataverse answering badly: reliability.md 8.2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosell.core.errors import CosellError, SchemaDrift, Unavailable, Uncertain
from cosell.core.records import Snapshot
from cosell.sandbox.frame import Answer
from cosell.systems.dataverse.batch import Part, decode, matched
from cosell.systems.dataverse.discovery import Discovery
from cosell.systems.dataverse.wire import loads
from tests.systems.dynamicsdesk import OPTIONS, ORG, Script, part
from tests.systems.dynamicsfloor import Floor, creation, opened

BATCH = {"content-type": "multipart/mixed; boundary=batchresponse_1"}
JSON = {"content-type": "application/json"}
HTML = b"<html><body>Log in</body></html>"
NONSENSE = {
    "html": (HTML, {"content-type": "text/html"}),
    "empty": (b"", BATCH),
    "no boundary": (b"x", {"content-type": "multipart/mixed"}),
    "json": (b'{"value":[]}', JSON),
    "null": (b"null", JSON),
    "another boundary": (b"--other\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--other--", BATCH),
    "one part cut off": (b'--batchresponse_1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"value":[{"na', BATCH),
    "no status": (b"--batchresponse_1\r\n\r\n{}\r\n--batchresponse_1--", BATCH),
    "latin-1": ("--batchresponse_1\r\n\r\nHTTP/1.1 200 OK\r\n\r\né".encode("latin-1"), BATCH),
    "deep": (b"--batchresponse_1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, BATCH),
}


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        await one.prepare()
        yield one


def answered(floor: Floor, body: bytes, headers: dict[str, str], *, status: int = 200) -> None:
    """The next batch is answered like this, before it is looked at."""
    floor.fault("answer", "$batch", answer=Answer(status, body, headers))


async def test_nonsense_to_a_read_is_an_outage_and_not_an_empty_answer(floor: Floor) -> None:
    """An empty answer would mean that records are gone."""
    deal = floor.deal()
    for body, headers in NONSENSE.values():
        answered(floor, body, headers)
        with pytest.raises(Unavailable):
            await floor.system.get_many([deal])
    assert (await floor.read(deal)).values["name"] == "Cold chain"


async def test_nonsense_to_a_write_leaves_it_in_doubt(floor: Floor) -> None:
    """INV-10: 200 with an unreadable body may well have been carried out."""
    seen = await floor.read(floor.deal())
    for name, (body, headers) in NONSENSE.items():
        answered(floor, body, headers)
        assert isinstance(await floor.write(seen, name="Ours"), Uncertain), name


async def test_nonsense_to_any_call_of_a_creation_is_an_outage_or_leaves_it_in_doubt(floor: Floor) -> None:
    await floor.system.create(creation())
    for at, (body, headers) in enumerate(NONSENSE.values()):
        fresh = creation(f"0f1e2d3c-0000-4000-8000-0000000000{at + 10}", customer_name=f"Firm {at}")
        answered(floor, body, headers)
        with pytest.raises((Unavailable, Uncertain)):
            await floor.system.create(fresh)


async def test_an_answer_cut_in_half_after_the_write_leaves_it_in_doubt_or_tells_what_was_stored(
    floor: Floor,
) -> None:
    seen = await floor.read(floor.deal())
    floor.fault("garble", "$batch")
    written = await floor.write(seen, name="Ours")
    assert isinstance(written, (Uncertain, Snapshot))
    assert floor.row(seen.id)["name"].endswith("Ours")


LISTS: dict[str, Any] = {
    "no values": {},
    "values of another kind": {"value": {"a": 1}},
    "a list": [],
    "a text": "x",
    "null": None,
}


async def test_a_list_without_values_is_an_outage_of_a_poll_and_moves_no_cursor(floor: Floor) -> None:
    await floor.settle()
    before = floor.cursor
    for body in LISTS.values():
        floor.fault("answer", answer=Answer(200, orjson.dumps(body), JSON))
        with pytest.raises(Unavailable):
            await floor.poll()
        assert floor.cursor == before


async def test_null_and_strangers_in_a_list_do_not_hide_the_rest() -> None:
    script = Script()
    script.on("opportunities", {"value": [None, 1, "x", [], {"opportunityid": "a"}]})
    client = script.client()
    found = await client.rows(await client.get("opportunities", purpose="x"), purpose="x")
    assert found == [{"opportunityid": "a"}]


async def test_a_next_page_elsewhere_is_never_followed() -> None:
    script = Script()
    script.on("opportunities", {"value": [], "@odata.nextLink": "https://evil.example/api/data/v9.2/x"})
    client = script.client()
    with pytest.raises(Unavailable):
        await client.rows(await client.get("opportunities", purpose="x"), purpose="x")
    assert [one.headers["host"] for one in script.asked] == [ORG.removeprefix("https://")]


@pytest.mark.parametrize(
    "told", [{}, {"UserId": None}, {"UserId": 7}, {"UserId": "not an id"}, {"UserId": "' or 1 eq 1"}]
)
async def test_an_environment_that_does_not_say_who_we_are_is_not_used(told: dict[str, object]) -> None:
    script = Script()
    script.on("$batch", orjson.dumps(told), content_type="application/json")
    with pytest.raises(CosellError):
        await Discovery(script.client(), OPTIONS).schema()


async def test_a_schema_nobody_can_read_is_drift_or_an_outage() -> None:
    """Metadata of another shape is no schema with everything missing."""
    bodies: list[dict[str, Any]] = [{}, {"value": []}, {"value": None}, {"value": [{"LogicalName": 7}]}]
    for body in bodies:
        script = Script()
        who = part(200, {"UserId": "00000000-0000-4000-8000-000000000009"})
        script.on_batch(who, *(part(200, body) for _ in range(46)))
        with pytest.raises((SchemaDrift, Unavailable)):
            await Discovery(script.client(), OPTIONS).schema()


VALUES: list[tuple[str, object]] = [
    ("estimatedvalue", "ten"),
    ("estimatedvalue", [1]),
    ("estimatedvalue", 1e300),
    ("estimatedclosedate", "31.12.2027"),
    ("estimatedclosedate", 7),
    ("name", 7),
    ("description", {"a": 1}),
    ("statecode", "Open"),
    ("statuscode", None),
    ("modifiedon", "yesterday"),
    ("_customerid_value", 5),
    ("customerid_account", []),
    ("cosell_visibletomicrosoft", "yes"),
    ("cosell_howcanmicrosofthelp", "General"),
    ("cosell_syncwithpartnercenter", 1),
    ("@odata.etag", 5),
]


async def test_a_value_of_the_wrong_shape_stops_no_read(floor: Floor) -> None:
    deal = floor.deal()
    for column, value in VALUES:
        row = {
            "opportunityid": deal,
            "name": "Cold chain",
            "statecode": 0,
            "statuscode": 1,
            "cosell_syncwithpartnercenter": True,
            "@odata.etag": 'W/"1"',
            column: value,
        }
        # The opportunities, and the solutions that hang on them.
        lists = [{"value": [row]}, {"value": []}]
        parts = [b"--batchresponse_1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + orjson.dumps(one) for one in lists]
        answered(floor, b"\r\n".join(parts) + b"\r\n--batchresponse_1--\r\n", BATCH)
        found = (await floor.system.get_many([deal]))[deal]
        assert isinstance(found, Snapshot), column
        assert found.id == deal


# --- anything at all -------------------------------------------------------------------------------

PIECES = [
    b"--b\r\n",
    b"--b--",
    b"--b",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 412 No\r\n",
    b"HTTP/1.1 abc\r\n",
    b"Content-Type: application/http\r\n",
    b"Content-Type: multipart/mixed; boundary=c\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-ID: 1\r\n",
    b"--c\r\n",
    b"--c--",
    b'{"a":1}',
    b"{",
    b"\x00\xff",
]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_any_pieces_of_a_batch_in_any_order_are_answers_or_none(body: bytes) -> None:
    items = [Part("GET", "a", "a"), Part("GET", "b", "b")]
    pieces = decode("multipart/mixed; boundary=b", body)
    assert pieces is not None
    found = matched(items, pieces)
    assert set(found) <= {"a", "b"}
    assert all(100 <= one.status <= 999 for one in found.values())


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_bytes_are_json_or_a_value_error(body: bytes) -> None:
    try:
        loads(body)
    except ValueError:
        return
