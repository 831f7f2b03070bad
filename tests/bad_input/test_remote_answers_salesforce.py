"""Salesforce answering badly: reliability.md 8.2."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any

import orjson
import pytest

from cosell.core.errors import CosellError, Gone, SchemaDrift, Stale, Unavailable, Uncertain
from cosell.core.records import Snapshot
from cosell.core.values import State, Unreadable
from cosell.sandbox.frame import Answer
from cosell.systems.salesforce.options import FixedToken
from tests.systems.salesfloor import Floor, Script, creation, opened, update

DEAL = "0065e00000AAAAAAA5"
FIELDS = {
    "Opportunity": (
        "Id Name StageName CloseDate Amount CurrencyIsoCode Description HasOpportunityLineItem "
        "Sync_with_Partner_Center__c Referral_Identifier__c Referral_Link__c How_can_Microsoft_help__c "
        "Referral_visible_to_Microsoft__c Microsoft_CRM_Identifier__c Referral_Program__c Audit__c "
        "Cosell_Stamp__c"
    ),
    "Account": "Id Name BillingStreet BillingCity BillingState BillingPostalCode BillingCountry",
    "Contact": "Id Email FirstName LastName Phone",
    "User": "Id Email FirstName LastName Phone",
    "OpportunityContactRole": "Id ContactId",
    "OpportunityTeamMember": "Id UserId",
    "Microsoft_Partner_Center_Solution__c": (
        "Id Name Opportunity__c Solution_Identifier__c Quantity__c Price__c"
    ),
}
STAGES = [
    {"ApiName": "Open", "MasterLabel": "Open", "IsActive": True, "IsClosed": False, "IsWon": False},
    {"ApiName": "On hold", "MasterLabel": "On hold", "IsActive": True, "IsClosed": False, "IsWon": False},
]


TYPES = {
    "Amount": "currency",
    "CloseDate": "date",
    "Sync_with_Partner_Center__c": "boolean",
    "Referral_visible_to_Microsoft__c": "boolean",
}


def describe(name: str) -> dict[str, Any]:
    fields = [
        {
            "name": field,
            "label": field,
            "type": TYPES.get(field, "string"),
            "createable": True,
            "updateable": True,
            "unique": field == "Referral_Identifier__c",
            "relationshipName": "Opportunity__r" if field == "Opportunity__c" else None,
        }
        for field in FIELDS[name].split()
    ]
    child = {
        "childSObject": "Microsoft_Partner_Center_Solution__c",
        "field": "Opportunity__c",
        "relationshipName": "Solutions__r",
    }
    return {
        "name": name,
        "fields": fields,
        "createable": True,
        "deletable": True,
        "childRelationships": [child],
    }


def part(ref: str, body: Any, status: int = 200) -> dict[str, Any]:
    return {"referenceId": ref, "httpStatusCode": status, "httpHeaders": {}, "body": body}


def rows(*records: Any, **more: Any) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records), **more}


def prepared() -> Script:
    """A script whose org is described well."""
    script = Script()
    script.on("/userinfo", {"user_id": "0055e00000AAAAAAA4"})
    answers = [part(f"d{at}", describe(name)) for at, name in enumerate(ORDER)]
    script.on("/composite", {"compositeResponse": [*answers, part("stages", rows(*STAGES))]})
    return script


ORDER = (
    "Opportunity",
    "Account",
    "Contact",
    "OpportunityContactRole",
    "OpportunityTeamMember",
    "User",
    "Microsoft_Partner_Center_Solution__c",
)
ROW: dict[str, Any] = {
    "attributes": {"type": "Opportunity"},
    "Id": DEAL,
    "Name": "Deal",
    "StageName": "Open",
    "LastModifiedDate": "2026-11-20T09:15:00.000+0000",
    "Sync_with_Partner_Center__c": True,
}


async def read(row: Any, **more: Any) -> Snapshot:
    """The snapshot of one row answered by hand."""
    script = prepared()
    script.on("/query", rows(row, **more))
    found = (await script.system().get_many([DEAL]))[DEAL]
    assert isinstance(found, Snapshot), found
    return found


NONSENSE = {
    "html": b"<html><body>Log in</body></html>",
    "empty": b"",
    "truncated": b'{"records":[{"Id":"006',
    "latin-1": '{"records":[{"Id":"é"}]}'.encode("latin-1"),
    "array": b"[]",
    "string": b'"x"',
    "null": b"null",
    "no records": b'{"totalSize":1,"done":true}',
    "deep": b"[" * 100_000,
    "NaN": b'{"records":[],"x":NaN}',
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_to_a_read_is_an_outage_and_not_an_empty_answer(body: bytes) -> None:
    """An empty answer would mean that records are gone."""
    script = prepared()
    script.on("/query", body)
    with pytest.raises(Unavailable):
        await script.system().get_many([DEAL])


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_to_a_write_leaves_it_in_doubt(body: bytes) -> None:
    """INV-10: 200 with an unreadable body may well have been carried out."""
    seen = await read(ROW)
    script = prepared()
    script.on("/composite", body)
    answer = (await script.system().update_many([update(seen, name="Ours")]))["w1"]
    assert isinstance(answer, Uncertain)


@pytest.mark.parametrize(
    "answered",
    [
        [],
        [None, 1, "x", {}, {"referenceId": "u0"}, {"referenceId": "u0", "httpStatusCode": "204"}],
        [part("somebody else's", None, 204)],
    ],
    ids=["none", "garbage", "another"],
)
async def test_a_missing_part_leaves_its_write_in_doubt(answered: list[Any]) -> None:
    seen = await read(ROW)
    script = prepared()
    script.on("/composite", {"compositeResponse": answered})
    answer = (await script.system().update_many([update(seen, name="Ours")]))["w1"]
    assert isinstance(answer, Uncertain)


async def test_a_write_whose_read_back_is_missing_is_done_and_its_version_unknown() -> None:
    seen = await read(ROW)
    script = prepared()
    script.on("/composite", {"compositeResponse": [part("u0", None, 204)]})
    system = script.system()
    answer = (await system.update_many([update(seen, name="Ours")]))["w1"]
    assert isinstance(answer, Snapshot)
    assert (answer.values["name"], answer.version, answer.complete, answer.firm) == (
        "Ours",
        None,
        False,
        False,
    )
    assert isinstance((await system.update_many([update(answer, name="Again")]))["w1"], Stale)


async def test_a_creation_without_an_answer_to_its_parts_is_in_doubt() -> None:
    script = prepared()
    found = [part(ref, rows()) for ref in ("account", "contacts", "users")]
    script.on("/composite", {"compositeResponse": found})
    script.on("/composite", {"compositeResponse": []})
    with pytest.raises(Uncertain):
        await script.system().create(creation())


VALUES: list[tuple[str, Any, str, Any]] = [
    ("Amount", "10000", "deal_value", Decimal(10000)),
    ("Amount", "10000.50", "deal_value", Decimal("10000.5")),
    ("Amount", 1e15, "deal_value", Decimal(10**15)),
    ("Amount", -0.001, "deal_value", Decimal("-0.001")),
    ("Amount", 1e300, "deal_value", Unreadable),
    ("Amount", True, "deal_value", Unreadable),
    ("Amount", [1], "deal_value", Unreadable),
    ("Amount", "ten", "deal_value", Unreadable),
    ("CurrencyIsoCode", "eur", "currency", "EUR"),
    ("CurrencyIsoCode", "EURO", "currency", Unreadable),
    ("CurrencyIsoCode", None, "currency", None),
    ("CloseDate", "2026-12-31T23:30:00+14:00", "close_date", "2026-12-31"),
    ("CloseDate", "2028-02-29", "close_date", "2028-02-29"),
    ("CloseDate", "2027-02-29", "close_date", Unreadable),
    ("CloseDate", "0001-01-01", "close_date", "0001-01-01"),
    ("CloseDate", "9999-12-31", "close_date", "9999-12-31"),
    ("CloseDate", 20261231, "close_date", Unreadable),
    ("StageName", None, "state", State.ACTIVE),
    ("StageName", 7, "state", State.ACTIVE),
    ("Name", 7, "name", Unreadable),
    ("Name", None, "name", None),
    ("Name", "  ", "name", None),
    ("Description", {"a": 1}, "notes", Unreadable),
    ("How_can_Microsoft_help__c", "Everything", "help", Unreadable),
    ("How_can_Microsoft_help__c", 3, "help", None),
    ("Referral_visible_to_Microsoft__c", "yes", "visible", Unreadable),
    ("Referral_visible_to_Microsoft__c", None, "visible", None),
    ("Account", "Contoso", "customer_name", None),
    ("Account", {"Name": ["x"]}, "customer_name", Unreadable),
    ("OpportunityContactRoles", "x", "contacts", None),
    ("OpportunityContactRoles", {"records": [None, 1, {}, {"Contact": None}]}, "contacts", None),
    ("Solutions__r", {"records": [{"Id": "a", "Solution_Identifier__c": 5}, None]}, "solutions", None),
    (
        "Solutions__r",
        {"records": [{"Solution_Identifier__c": "S", "Price__c": "x"}]},
        "solutions",
        Unreadable,
    ),
]


@pytest.mark.parametrize(("column", "raw", "key", "wanted"), VALUES)
async def test_a_value_of_the_wrong_shape_is_shown_as_unreadable_or_absent(
    column: str, raw: Any, key: str, wanted: Any
) -> None:
    value = (await read({**ROW, column: raw})).values[key]
    if wanted is Unreadable:
        assert isinstance(value, Unreadable)
    else:
        assert (str(value) if key == "close_date" else value) == wanted


@pytest.mark.parametrize("when", [None, 5, "", "yesterday", "2026-13-45T99:00:00Z"])
async def test_a_row_without_a_usable_time_has_no_version_and_is_not_firm(when: Any) -> None:
    """So it is never written on: a guarded write needs a version."""
    seen = await read({**ROW, "LastModifiedDate": when})
    assert (seen.version, seen.firm, seen.changed_at) == (None, False, None)


async def test_rows_that_are_no_rows_are_passed_over() -> None:
    script = prepared()
    script.on("/query", rows(None, 1, [], {}, {"Id": None}, {"Id": "x"}, {**ROW}, {**ROW}))
    found = await script.system().get_many([DEAL])
    assert isinstance(found[DEAL], Snapshot)


async def test_an_id_answered_in_other_length_and_case_is_the_same_record() -> None:
    assert (await read({**ROW, "Id": DEAL[:15]})).id == DEAL
    script = prepared()
    script.on("/query", rows({**ROW, "Id": DEAL}))
    assert isinstance((await script.system().get_many([DEAL.lower()]))[DEAL.lower()], Snapshot)


async def test_a_record_that_does_not_come_back_is_gone() -> None:
    script = prepared()
    script.on("/query", rows())
    assert isinstance((await script.system().get_many([DEAL]))[DEAL], Gone)


async def test_five_thousand_contacts_are_read_and_each_counts_once() -> None:
    people = [
        {"ContactId": f"003{n:012}", "Contact": {"Email": f"p{n % 2500}@x.example"}} for n in range(5000)
    ]
    contacts = (await read({**ROW, "OpportunityContactRoles": {"records": people, "done": True}})).values[
        "contacts"
    ]
    assert isinstance(contacts, tuple)
    assert len(contacts) == 2500


# --- pages -----------------------------------------------------------------------------------------


async def test_further_pages_of_rows_and_children_are_fetched() -> None:
    """Trap 13."""
    script = prepared()
    child = {"Solution_Identifier__c": "SOL-2-BBB", "Id": "a002"}
    nested = {
        "records": [{"Solution_Identifier__c": "SOL-1-AAA", "Id": "a001"}],
        "done": False,
        "nextRecordsUrl": "/services/data/v67.0/query/child-1",
    }
    script.on("/query/child-1", rows(child))
    script.on("/query/main-1", rows({**ROW, "Solutions__r": nested}))
    script.on("/query?", rows(done=False, nextRecordsUrl="/services/data/v67.0/query/main-1"))
    found = (await script.system().get_many([DEAL]))[DEAL]
    assert isinstance(found, Snapshot)
    solutions = found.values["solutions"]
    assert isinstance(solutions, tuple)
    assert [one.key for one in solutions] == ["sol-1-aaa", "sol-2-bbb"]


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/query/1",
        "//evil.example/query/1",
        "/services/oauth2/revoke",
        "@evil.example/services/data/v67.0/query/1",
        "",
        None,
        5,
    ],
)
async def test_a_next_page_elsewhere_is_never_followed(where: Any) -> None:
    """reliability.md 8.2: nextLink to another host."""
    script = prepared()
    script.on("/query?", rows(ROW, done=False, nextRecordsUrl=where))
    before = len(script.asked)
    with pytest.raises(Unavailable):
        await script.system().get_many([DEAL])
    assert all(
        "/query" in path or "composite" in path or "userinfo" in path
        for _, path, _, _ in script.asked[before:]
    )


async def test_pages_that_lead_in_a_circle_end() -> None:
    """reliability.md 8.2: nextLink to itself, for ever."""
    script = prepared()
    script.on("/query", rows(ROW, done=False, nextRecordsUrl="/services/data/v67.0/query/again"))
    with pytest.raises(Unavailable):
        await script.system().get_many([DEAL])
    assert len(script.asked) < 10


# --- sizes, encodings, strangers -------------------------------------------------------------------


async def test_a_bomb_and_a_flood_are_cut_off() -> None:
    """reliability.md 8.2: gzip bomb, 100 MB."""
    script = prepared()
    script.on("/query", gzip.compress(b" " * 100_000_000), headers={"content-encoding": "gzip"})
    with pytest.raises(Unavailable):
        await script.system().get_many([DEAL])


async def test_cookies_of_salesforce_are_not_kept() -> None:
    script = prepared()
    script.on("/query", rows(ROW), headers={"set-cookie": "sid=evil"})
    system = script.system()
    for _ in range(2):
        await system.get_many([DEAL])
    assert all("cookie" not in headers for _, _, headers, _ in script.asked)


async def test_an_echoed_token_is_blotted_out() -> None:
    """INV-13."""
    script = prepared()
    body = [
        {"errorCode": "SOMETHING", "message": "Bearer a-secret-token is odd", "fields": ["a-secret-token"]}
    ]
    script.on("/query", body, 400)
    with pytest.raises(CosellError) as caught:
        await script.system(login=FixedToken("a-secret-token")).get_many([DEAL])
    assert "a-secret-token" not in caught.value.message + caught.value.detail


@pytest.mark.parametrize("body", [None, [], "x", {"name": "Opportunity"}, {"fields": "x"}])
async def test_a_schema_nobody_can_read_is_drift(body: Any) -> None:
    script = Script()
    script.on("/userinfo", {"user_id": "0055e00000AAAAAAA4"})
    answers = [part(f"d{at}", body if at == 0 else describe(name)) for at, name in enumerate(ORDER)]
    script.on("/composite", {"compositeResponse": [*answers, part("stages", rows(*STAGES))]})
    with pytest.raises(SchemaDrift):
        await script.system().prepare()


async def test_a_schema_of_odd_fields_is_read_as_far_as_it_goes() -> None:
    odd = describe("Account")
    odd["fields"] += [
        None,
        1,
        {},
        {"name": None},
        {"name": "X", "picklistValues": [None, {"value": 1}], "length": "9"},
    ]
    odd["childRelationships"] = [None, {}, {"childSObject": 5}]
    script = Script()
    script.on("/userinfo", b"<html>", 200)
    answers = [part(f"d{at}", odd if name == "Account" else describe(name)) for at, name in enumerate(ORDER)]
    script.on("/composite", {"compositeResponse": [*answers, part("stages", rows(*STAGES, None, {}))]})
    script.on("/query", rows(ROW))
    with pytest.raises(Unavailable):
        await script.system().prepare()
    script.answers[0] = ("/userinfo", Answer(404))
    found = (await script.system().get_many([DEAL]))[DEAL]
    assert isinstance(found, Snapshot)
    assert found.touched_by_us is None


async def test_a_poll_row_without_its_stamp_stops_the_poll_and_loses_nothing() -> None:
    """INV-21: the watermark may not pass a row nobody could place."""
    async with opened() as floor:
        await _spoiled_poll(floor)


async def _spoiled_poll(floor: Floor) -> None:
    deal = floor.deal()
    await floor.settle()
    floor.edit(deal, Name="Renamed")
    floor.later()
    spoiled = orjson.dumps(
        {"compositeResponse": [part(f"s{at}", rows({"Id": deal, "OpportunityId": deal})) for at in range(5)]}
    )
    floor.fault("answer", "/composite", answer=Answer(200, spoiled, {"content-type": "application/json"}))
    with pytest.raises(Unavailable):
        await floor.poll()
    assert [one.values["name"] for one in (await floor.poll()).snapshots] == ["Renamed"]


async def test_pages_that_are_always_new_and_never_the_last_end_as_well() -> None:
    """reliability.md 8.2: nextLink for ever."""
    script = prepared()
    for number in range(1000):
        here = f"/query/more-{number:04}"
        script.on(
            here, rows(ROW, done=False, nextRecordsUrl=f"/services/data/v67.0/query/more-{number + 1:04}")
        )
    script.on("/query?", rows(ROW, done=False, nextRecordsUrl="/services/data/v67.0/query/more-0000"))
    with pytest.raises(Unavailable):
        await script.system().get_many([DEAL])
    assert len(script.asked) < 300
