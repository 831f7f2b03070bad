"""One patch per update: only changed paths, the version as it was read, and nothing lost in lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import orjson
import pytest
from referencing import Registry, Resource

from cosell.core.errors import Gone, Rejected, Stale, Uncertain
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, State, Unreadable
from cosell.ports import Creation
from cosell.systems.partner_center.compose import UPDATABLE, number, patch
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.wire import Reader
from tests.sandbox.microsoft import example
from tests.systems.office import (
    ADVISOR,
    ANNA,
    BORIS,
    Office,
    always,
    deal,
    office,
    referral,
    scripted,
    update,
)

CLARA = Person("clara@contoso.example", "Clara", "Bos", "+31205550113")


@pytest.fixture
async def pc() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


@pytest.fixture
async def seen(pc: Office) -> Snapshot:
    return await pc.system.create(Creation("w", "006A", deal()))


def seen_from(record: Any) -> Snapshot:
    return Reader(("microsoft.example",), co_sell_only=True).engagement(record, None, complete=True)


def operations(seen: Snapshot, **changes: Any) -> dict[str, Any]:
    """The patch as path to value; checked against the published contract."""
    document = patch(update(seen, **changes), Options())
    registry: Any = Registry().with_resource(
        "https://example.invalid/partner-center/referral-create.schema.json",
        Resource.from_contents(example("referral-create.schema")),
    )
    schema = example("referral-patch.schema")
    jsonschema.Draft202012Validator(schema, registry=registry).validate(document)
    assert {one["op"] for one in document} <= {"replace"}
    return {one["path"]: one["value"] for one in document}


# --- documents -------------------------------------------------------------------------------------


def test_every_field_goes_to_its_published_path_in_its_published_form() -> None:
    """Partner-center-api.md 2.4, traps 5 and 6."""
    seen = seen_from(referral())
    assert operations(
        seen,
        deal_value=Decimal("190000"),
        currency="USD",
        close_date=date(2027, 4, 30),
        notes="Budget confirmed.",
        visible=True,
        contacts=(BORIS,),
        team=(ANNA,),
        solutions=(ADVISOR,),
        program="Azure",
        state=State.WON,
        external_id="006A",
    ) == {
        "/details/dealValue": 190000,
        "/details/currency": "USD",
        "/details/closingDateTime": "2027-04-30T00:00:00Z",
        "/details/notes": "Budget confirmed.",
        "/consent/consentToShareReferralWithMicrosoftSellers": True,
        "/customerProfile/team": [
            {
                "firstName": "Boris",
                "lastName": "Vos",
                "phoneNumber": "+31205550112",
                "email": "boris.vos@fabrikam.example",
            }
        ],
        "/team": [
            {
                "firstName": "Anna",
                "lastName": "Smit",
                "phoneNumber": "+31205550111",
                "email": "anna.smit@contoso.example",
            }
        ],
        "/details/requirements/solutions": [
            {"id": "SOL-10001-AAA", "name": "Contoso Fleet Optimizer", "type": "Name"}
        ],
        "/referralProgram": "Azure",
        "/status": "Closed",
        "/substatus": "Won",
        "/externalReferenceId": "006A",
    }


@pytest.mark.parametrize(
    ("state", "pair", "reason"),
    [
        (State.ACTIVE, ("Active", "Accepted"), None),
        (State.WON, ("Closed", "Won"), None),
        (State.LOST, ("Closed", "Lost"), "Others"),
        (State.DECLINED, ("Closed", "Declined"), "Others"),
    ],
)
def test_status_and_substatus_travel_together_with_the_reason(
    state: State, pair: tuple[str, str], reason: str | None
) -> None:
    """Partner-center-api.md 2.4, 4.2, 4.3."""
    found = operations(seen_from(referral(status="New", substatus="Pending")), state=state)
    assert (found["/status"], found["/substatus"]) == pair
    assert found.get("/statusReason") == reason


@pytest.mark.parametrize("state", [State.PENDING, State.EXPIRED, State.ERROR])
def test_a_status_nobody_may_set_is_refused_before_anything_is_sent(state: State) -> None:
    """Partner-center-api.md 4.2."""
    with pytest.raises(Rejected):
        operations(seen_from(referral()), state=state)


def test_closing_as_error_is_a_switch() -> None:
    document = patch(update(seen_from(referral()), state=State.ERROR), Options(closing_as_error=True))
    assert [one["value"] for one in document] == ["Closed", "Error", "Connector data sync issues"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("visible", False),
        ("visible", None),
        ("deal_value", None),
        ("currency", None),
        ("close_date", None),
        ("team", None),
        ("contacts", None),
        ("solutions", None),
        ("state", None),
        ("notes", Unreadable("?", "is not text")),
        ("name", "New name"),
        ("country", "DE"),
        ("help", "GeneralOrOther"),
        ("microsoft_state", "active"),
    ],
)
def test_what_partner_center_cannot_take_is_refused_by_name(field: str, value: Any) -> None:
    """Partner-center-api.md 2.4, 3.4, 4.4, 5; INV-5."""
    with pytest.raises(Rejected) as caught:
        operations(seen_from(referral()), **{field: value})
    assert caught.value.fields == (field,)


@pytest.mark.parametrize("substatus", ["Won", "Lost", "Declined", "Expired", "Error"])
def test_a_closed_referral_is_never_patched(substatus: str) -> None:
    """LIM-09; partner-center-api.md 12."""
    with pytest.raises(Rejected) as caught:
        operations(seen_from(referral(status="Closed", substatus=substatus)), notes="x")
    assert caught.value.code == "terminal"


def test_contacts_stay_once_microsoft_was_invited_unless_a_setting_says_otherwise() -> None:
    """X-5; partner-center-api.md 4.4."""
    invited = replace(seen_from(referral()), microsoft_id="m")
    with pytest.raises(Rejected):
        operations(invited, contacts=(BORIS,))
    assert patch(update(invited, contacts=(BORIS,)), Options(contacts_frozen_after_share=False))


def test_a_team_that_became_empty_falls_back_to_the_configured_one() -> None:
    document = patch(update(seen_from(referral()), team=None), Options(team_fallback=(ANNA,)))
    assert document[0]["value"][0]["email"] == ANNA.email


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("5", 5),
        ("5.5", 5.5),
        ("0.1", 0.1),
        ("123456789012345678", "123456789012345678"),
        ("1234567890123456.78", "1234567890123456.78"),
        ("0.00000001", 1e-08),
    ],
)
def test_amounts_are_sent_exactly(amount: str, expected: object) -> None:
    assert number(Decimal(amount)) == expected


def test_replacing_a_list_keeps_what_we_do_not_understand() -> None:
    """INV-2: whole-array replacement (2.4)."""
    record = referral(
        team=[
            {
                "email": "ada@contoso.example",
                "firstName": "Ada",
                "lastName": "Jansen",
                "phoneNumber": "1",
                "title": "Lead",
                "contactPreference": {"locale": None, "disableNotifications": True},
                "emailValidationStatus": "Valid",
            },
            {"email": "kofi@microsoft.example", "firstName": "Kofi", "title": "Seller"},
            {"firstName": None, "title": "Nameless"},
        ],
        details__requirements={
            "solutions": [
                {
                    "id": "SOL-1-AAA",
                    "name": "One",
                    "type": "Name",
                    "publisherName": "Contoso",
                    "price": 5,
                    "currency": "USD",
                },
                {"id": None, "name": "no id"},
            ]
        },
    )
    seen = seen_from(record)
    changed = Person("ADA@contoso.example", "Ada", "Bakker", "1")
    document = {
        one["path"]: one["value"]
        for one in patch(
            update(seen, team=(changed, CLARA), solutions=(Solution("SOL-1-AAA", price=Decimal(7)),)),
            Options(),
        )
    }
    assert document["/team"] == [
        {
            "title": "Lead",
            "contactPreference": {"disableNotifications": True},
            "firstName": "Ada",
            "lastName": "Bakker",
            "phoneNumber": "1",
            "email": "ADA@contoso.example",
        },
        {"firstName": "Clara", "lastName": "Bos", "phoneNumber": "+31205550113", "email": CLARA.email},
        {"email": "kofi@microsoft.example", "firstName": "Kofi", "title": "Seller"},
        {"firstName": None, "title": "Nameless"},
    ]
    assert document["/details/requirements/solutions"] == [
        {"type": "Name", "publisherName": "Contoso", "currency": "USD", "id": "SOL-1-AAA", "price": 7},
        {"id": None, "name": "no id"},
    ]


@pytest.mark.parametrize(
    ("solution_id", "kind"),
    [
        ("SOL-34104-EBB", "Name"),
        ("3f0f0000-0000-4000-8000-00000000e501", "Name"),
        ("CloudMigration", "Category"),
    ],
)
def test_a_new_solution_gets_the_type_its_id_tells(solution_id: str, kind: str) -> None:
    """Partner-center-api.md 2.7."""
    found = operations(seen_from(referral()), solutions=(Solution(solution_id, Decimal(2), Decimal("9.5")),))
    assert found["/details/requirements/solutions"] == [
        {"id": solution_id, "type": kind, "quantity": 2, "price": 9.5, "currency": "EUR"}
    ]


def test_a_list_that_cannot_be_read_is_never_replaced() -> None:
    record = referral(details__requirements={"solutions": [{"id": "SOL-1-AAA", "type": "Bundle"}]})
    with pytest.raises(Rejected):
        operations(seen_from(record), solutions=(ADVISOR,))


# --- over the wire ---------------------------------------------------------------------------------


async def test_an_update_is_one_call_and_answers_what_was_stored(pc: Office, seen: Snapshot) -> None:
    pc.forget_calls()
    answer = await pc.write(seen, deal_value=Decimal("12.34"), notes=None, external_id="006B")
    assert isinstance(answer, Snapshot)
    assert pc.calls() == 1
    assert answer.values == {**seen.values, "deal_value": Decimal("12.34"), "notes": None}
    assert (answer.partner_id, answer.complete) == ("006B", True)
    assert answer.version not in (None, seen.version)
    assert await pc.read(seen.id) == answer


async def test_a_stale_etag_is_refused_and_nothing_is_written(pc: Office, seen: Snapshot) -> None:
    """Partner-center-api.md 6; INV-1."""
    pc.edit(seen.id, details__notes="Edited in the portal.")
    assert isinstance(await pc.write(seen, notes="Ours."), Stale)
    assert (await pc.read(seen.id)).values["notes"] == "Edited in the portal."


async def test_the_etag_is_sent_with_its_own_quotes(pc: Office, seen: Snapshot) -> None:
    """Partner-center-api.md 6, trap 4."""
    assert seen.version is not None
    assert seen.version[0] == seen.version[-1] == '"'
    assert isinstance(await pc.write(replace(seen, version=seen.version.strip('"')), notes="x"), Stale)
    assert isinstance(await pc.write(seen, notes="x"), Snapshot)


async def test_a_refusal_without_a_reason_is_stale_and_the_unguarded_write_passes(
    pc: Office, seen: Snapshot
) -> None:
    """C-02: 412 although nothing changed."""
    pc.microsoft.partner_center.switches.spurious_412_patch = 1.0
    assert isinstance(await pc.write(seen, notes="x"), Stale)
    answer = await pc.write(await pc.read(seen.id), notes="x", guard=False)
    assert isinstance(answer, Snapshot)
    assert answer.values["notes"] == "x"


async def test_microsofts_part_stays_as_it_was_last_seen(pc: Office) -> None:
    made = await pc.cosell()
    answer = await pc.write(made, notes="x")
    assert isinstance(answer, Snapshot)
    for key in ("help", "microsoft_state", "microsoft_id"):
        assert answer.values[key] == made.values[key]
    assert (answer.microsoft_id, answer.complete) == (made.microsoft_id, True)


async def test_each_update_ends_on_its_own(pc: Office, seen: Snapshot) -> None:
    other = await pc.system.create(Creation("w2", "006B", deal()))
    unknown = replace(seen, id="a0000000-0000-4000-8000-00000000dead")
    answers = await pc.system.update_many(
        [
            replace(update(seen, notes="one"), write_id="a"),
            replace(update(other, name="two"), write_id="b"),
            replace(update(unknown, notes="three"), write_id="c"),
            replace(update(other, deal_value=Decimal(-1)), write_id="d"),
        ]
    )
    kinds = {key: type(answer) for key, answer in answers.items()}
    assert kinds == {"a": Snapshot, "b": Rejected, "c": Gone, "d": Rejected}
    refused = answers["d"]
    assert isinstance(refused, Rejected)
    assert refused.fields == ("deal_value",)


async def test_an_update_of_nothing_calls_nobody(pc: Office, seen: Snapshot) -> None:
    pc.forget_calls()
    assert await pc.write(seen) == seen
    assert pc.calls() == 0


@pytest.mark.parametrize("terminal_refusal", [400, 409])
async def test_a_deal_closed_meanwhile_is_not_changed(
    pc: Office, seen: Snapshot, terminal_refusal: Any
) -> None:
    """Partner-center-api.md 4.2: the code is unknown."""
    pc.microsoft.partner_center.switches.terminal_refusal = terminal_refusal
    pc.microsoft.partner_center.referrals.close(seen.id, substatus="Lost")
    answer = await pc.write(seen, notes="too late", guard=False)
    assert isinstance(answer, (Rejected, Stale))
    assert (await pc.read(seen.id)).values["notes"] == seen.values["notes"]


async def test_a_list_on_a_remembered_read_is_replaced_only_after_a_fresh_one(
    pc: Office, seen: Snapshot
) -> None:
    """A read remembered from the database lacks what rides along in the list."""
    pc.microsoft.partner_center.switches.seller_in_own_team = True
    seller = {"firstName": "Kofi", "lastName": "M", "phoneNumber": "1", "email": "k@microsoft.example"}
    pc.microsoft.partner_center.referrals.edit(seen.id, [{"path": "/team/-", "value": seller}], by="partner")
    fresh = await pc.read(seen.id)
    remembered = replace(fresh, facts={}, values={"team": (ANNA,)})
    answer = await pc.write(remembered, team=(ANNA, CLARA))
    assert isinstance(answer, Snapshot)
    stored = pc.microsoft.partner_center.referrals.get(seen.id)
    assert stored is not None
    assert [one["email"] for one in stored["team"]] == [ANNA.email, CLARA.email, "k@microsoft.example"]
    assert isinstance(await pc.write(remembered, team=(ANNA,)), Stale)


async def test_every_updatable_field_can_be_written(pc: Office, seen: Snapshot) -> None:
    changes: dict[str, Any] = {
        "deal_value": Decimal(5),
        "currency": "USD",
        "close_date": date(2028, 2, 29),
        "notes": "n",
        "visible": True,
        "contacts": (BORIS, CLARA),
        "team": (ANNA, CLARA),
        "solutions": (Solution("SOL-10002-BBB", Decimal(3), Decimal("10.5")),),
        "program": "Azure",
        "state": State.WON,
    }
    assert changes.keys() == UPDATABLE == pc.system.capabilities.updatable
    answer = await pc.write(seen, **changes)
    assert isinstance(answer, Snapshot)
    assert {key: answer.values[key] for key in changes} == changes


# --- odd answers -----------------------------------------------------------------------------------


async def test_an_accepted_write_without_a_body_is_known_in_part() -> None:
    """Partner-center-api.md 2.4: 204."""
    system, script = scripted(always(204))
    seen = seen_from(referral())
    answer = (await system.update_many([update(seen, notes="x")]))["w1"]
    assert isinstance(answer, Snapshot)
    assert (answer.version, answer.complete, answer.values) == (None, False, {"notes": "x"})
    _, _, headers, body = script.asked[0]
    assert headers["prefer"] == "return=representation"
    assert headers["if-match"] == seen.version
    assert orjson.loads(body) == [{"op": "replace", "path": "/details/notes", "value": "x"}]


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[]", b"{}", b'{"id":7}', b"null"])
async def test_an_accepted_write_with_a_senseless_body_is_uncertain(body: bytes) -> None:
    """INV-10."""
    system, _ = scripted(always(200, body))
    answer = (await system.update_many([update(seen_from(referral()), notes="x")]))["w1"]
    assert isinstance(answer, Uncertain)


async def test_an_unguarded_write_sends_no_version() -> None:
    system, script = scripted(always(200, referral()))
    await system.update_many([update(seen_from(referral()), notes="x", guard=False)])
    assert "if-match" not in script.asked[0][2]


async def test_a_write_is_sent_once_and_once_more_only_with_a_new_token(pc: Office, seen: Snapshot) -> None:
    """Reliability.md 11."""
    for kind, error in (("lose", Uncertain), ("drop", Uncertain), ("garble", Uncertain)):
        fresh = await pc.read(seen.id)
        pc.forget_calls()
        pc.fault(kind, "PATCH")
        assert isinstance(await pc.write(fresh, notes=kind), error)
        assert pc.calls("PATCH") == 1
    fresh = await pc.read(seen.id)
    pc.forget_calls()
    pc.fault("answer", "PATCH", answer="401")
    assert isinstance(await pc.write(fresh, notes="last"), Snapshot)
    assert pc.calls("PATCH") == 2
