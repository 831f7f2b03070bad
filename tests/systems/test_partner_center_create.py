"""New deals: ours first, Microsoft's by an act of its own, and never two of either (2.3, 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import orjson
import pytest

from cosell.core.errors import Rejected, Unavailable, Uncertain
from cosell.core.fields import Help
from cosell.core.records import Snapshot
from cosell.core.values import Solution, State
from cosell.ports import Creation, Invitation
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.compose import microsofts_referral, own_referral
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.wire import Reader
from tests.sandbox.microsoft import example, private_deal
from tests.systems.office import (
    ADVISOR,
    ANNA,
    BORIS,
    Office,
    always,
    deal,
    listing,
    office,
    referral,
    scripted,
)

SCHEMA = example("referral-create.schema")


@pytest.fixture
async def pc() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


def halves(pc: Office) -> int:
    """Referrals there are, ours and Microsoft's."""
    return len(pc.microsoft.partner_center.referrals.all())


def body(options: Options | None = None, **changes: Any) -> dict[str, Any]:
    """The body of our own referral, checked against the published contract."""
    found = own_referral(Creation("w", "006A", deal(**changes)), options or Options())
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return orjson.loads(orjson.dumps(found))  # type: ignore[no-any-return]


def test_a_private_deal_is_written_as_documented() -> None:
    """Partner-center-api.md 2.3, example-create-private.json."""
    assert body() == {
        "name": "Cold chain rollout",
        "externalReferenceId": "006A",
        "qualification": "SalesQualified",
        "type": "Independent",
        "customerProfile": {
            "name": "Fabrikam Logistics",
            "address": {
                "addressLine1": "12 Harbour Road",
                "city": "Rotterdam",
                "postalCode": "3011 AA",
                "country": "NL",
            },
            "team": [
                {
                    "firstName": "Boris",
                    "lastName": "Vos",
                    "phoneNumber": "+31205550112",
                    "email": "boris.vos@fabrikam.example",
                }
            ],
        },
        "consent": {
            "consentToToShareInfoWithOthers": True,
            "consentToContact": True,
            "consentToMicrosoftToContactSpecificPartners": True,
            "consentToShareReferralWithMicrosoftSellers": False,
        },
        "details": {
            "notes": "First call went well.",
            "dealValue": 50000.5,
            "currency": "EUR",
            "closingDateTime": "2027-03-31T00:00:00Z",
            "requirements": {
                "solutions": [{"id": "SOL-10001-AAA", "name": "Contoso Fleet Optimizer", "type": "Name"}],
                "additionalRequirements": {
                    "iot": {},
                    "attributes": [{"type": "CustomerMarketplaceIntent", "id": "HaveNotDecided"}],
                },
            },
        },
        "team": [
            {
                "firstName": "Anna",
                "lastName": "Smit",
                "phoneNumber": "+31205550111",
                "email": "anna.smit@contoso.example",
            }
        ],
        "target": [],
    }


def test_a_deal_seen_by_microsoft_without_help_is_independent_and_consented() -> None:
    """Partner-center-api.md 2.3: partner-led."""
    found = body(visible=True)
    assert found["type"] == "Independent"
    assert found["target"] == []
    assert found["consent"]["consentToShareReferralWithMicrosoftSellers"] is True


def test_help_makes_the_deal_shared_and_asks_nobody_yet() -> None:
    """Partner-center-api.md 2.3 step 1, 12: nobody knows whether the code alone would invite Microsoft."""
    offered = (Solution("CloudMigration"), ADVISOR)
    found = body(help="QuotesOrLicensing", solutions=offered)
    assert found["type"] == "Shared"
    assert found["target"] == [{"type": "SolutionProfile", "id": "SOL-10001-AAA"}]
    assert found["consent"]["consentToShareReferralWithMicrosoftSellers"] is True
    assert "inviteContext" not in found


def test_settings_fill_what_the_crm_leaves_open() -> None:
    options = Options(team_fallback=(ANNA,), publisher="Contoso", marketplace_intent="Yes", mpn_id="6000001")
    found = own_referral(
        Creation("w", "006A", deal(team=None, program="Azure", address_line="A\nB\n\n C ")), options
    )
    assert found["team"][0]["email"] == ANNA.email
    assert found["mpnId"] == "6000001"
    assert found["referralProgram"] == "Azure"
    assert found["details"]["requirements"]["solutions"][0]["publisherName"] == "Contoso"
    attributes = found["details"]["requirements"]["additionalRequirements"]["attributes"]
    assert attributes == [{"type": "CustomerMarketplaceIntent", "id": "Yes"}]
    address = found["customerProfile"]["address"]
    assert (address["addressLine1"], address["addressLine2"]) == ("A", "B, C")


async def test_a_new_deal_is_one_call_and_answers_what_was_stored(pc: Office) -> None:
    made = await pc.system.create(Creation("w", "006A", deal()))
    assert pc.calls() == 1
    expected = {**deal(), "state": State.ACTIVE, "program": None}
    assert made.values == {**expected, "microsoft_id": None, "microsoft_state": None}
    assert (made.partner_id, made.complete, made.enrolled) == ("006A", True, True)
    assert await pc.read(made.id) == made


@pytest.mark.parametrize("code", [one.value for one in Help])
async def test_asking_microsoft_makes_one_second_referral(pc: Office, code: str) -> None:
    """Partner-center-api.md 2.3 step 2, 5."""
    made = await pc.cosell(code)
    assert halves(pc) == 2
    assert made.values["help"] == code
    assert made.values["microsoft_state"] == "pending"
    assert made.values["visible"] is True
    assert made.complete
    assert await pc.read(made.id) == made


async def test_a_deal_for_microsoft_repeats_the_customer_and_names_no_twin(pc: Office) -> None:
    """Partner-center-api.md 2.3: must step 2 repeat the whole body? (assume yes)."""
    made = await pc.system.create(Creation("w", "006A", deal(help="GeneralOrOther", visible=True)))
    own = pc.microsoft.partner_center.referrals.get(made.id)
    assert own is not None
    found = microsofts_referral(Invitation("w", made, "GeneralOrOther", "Join us."), own, Options())
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["engagementId"] == made.engagement_id
    assert found["target"] == [{"type": "BusinessProfileLocation", "id": "msft"}]
    assert found["inviteContext"] == {"notes": "Join us.", "assistanceRequestCode": "GeneralOrOther"}
    assert found["customerProfile"]["name"] == "Fabrikam Logistics"
    assert [one["email"] for one in found["customerProfile"]["team"]] == [BORIS.email]
    assert "externalReferenceId" not in found


async def test_every_documented_referral_can_be_repeated_for_microsoft() -> None:
    for name in ("example-referral-shared-partner", "example-referral-independent-private"):
        own = example(name)
        seen = Reader((), co_sell_only=True).engagement(own, None, complete=True)
        found = microsofts_referral(Invitation("w", seen, "GeneralOrOther"), own, Options())
        jsonschema.Draft202012Validator(SCHEMA).validate(found)


async def test_an_invitation_that_went_through_unseen_is_not_repeated(pc: Office) -> None:
    """Partner-center-api.md 12: half a success is resumed, never repeated."""
    made = await pc.system.create(Creation("w", "006A", deal(help="GeneralOrOther")))
    wish = Invitation("w2", made, "GeneralOrOther")
    pc.fault("lose", "POST")
    with pytest.raises(Uncertain):
        await pc.system.invite(wish)
    assert halves(pc) == 2
    pc.forget_calls()
    found = await pc.system.invite(wish)
    assert halves(pc) == 2
    assert pc.calls("POST") == 0
    assert found.values["help"] == "GeneralOrOther"


async def test_an_invitation_that_never_arrived_is_sent_when_asked_again(pc: Office) -> None:
    made = await pc.system.create(Creation("w", "006A", deal(help="GeneralOrOther")))
    pc.fault("drop", "POST")
    with pytest.raises(Uncertain):
        await pc.system.invite(Invitation("w2", made, "GeneralOrOther"))
    assert halves(pc) == 1
    await pc.system.invite(Invitation("w2", made, "GeneralOrOther"))
    assert halves(pc) == 2


async def test_a_service_that_invites_on_its_own_is_not_asked_a_second_time(pc: Office) -> None:
    """Partner-center-api.md 2.3, 12: one POST against two."""
    pc.microsoft.partner_center.switches.one_post_cosell = True
    made = await pc.cosell()
    assert halves(pc) == 2
    portal = pc.microsoft.partner_center.referrals.create_outbound_in_portal(
        {**example("example-create-cosell-step1-own")}
    )
    pc.forget_calls()
    seen = replace(made, id=portal["id"], engagement_id=portal["engagementId"])
    found = await pc.system.invite(Invitation("w", seen, "ProofOfConceptOrDemo"))
    assert pc.calls("POST") == 0
    assert found.id == portal["id"]


async def test_a_private_deal_can_become_a_shared_one_later(pc: Office) -> None:
    """Partner-center-api.md 2.3: upgrade after creation."""
    made = await pc.system.create(Creation("w", "006A", deal()))
    visible = await pc.write(made, visible=True)
    assert isinstance(visible, Snapshot)
    found = await pc.system.invite(Invitation("w", visible, "GeneralOrOther"))
    assert (found.values["help"], found.values["microsoft_state"]) == ("GeneralOrOther", "pending")
    assert await pc.newcomer().system.get_many([made.id]) == {made.id: found}


async def test_a_failed_look_after_the_invitation_is_not_a_failed_invitation(pc: Office) -> None:
    made = await pc.system.create(Creation("w", "006A", deal(help="GeneralOrOther")))
    pc.microsoft.frame.faults.clear()
    lists: list[str] = []

    def answer(method: str, path: str, sent: bytes) -> Answer:
        own = {**referral(type="Shared"), "customerProfile": {"name": "F", "address": {}, "team": []}}
        if method == "POST":
            return always(200, {**own, "id": "micro", "organizationId": "msft"})(method, path, sent)
        if "filter" in path:
            lists.append(path)
            if len(lists) > 1:
                return Answer(503)
            return always(200, listing([own]))(method, path, sent)
        return always(200, own)(method, path, sent)

    system, script = scripted(answer)
    seen = replace(made, id=referral()["id"], engagement_id=referral()["engagementId"])
    found = await system.invite(Invitation("w", seen, "GeneralOrOther"))
    assert (found.version, found.complete, found.microsoft_id) == (None, False, "micro")
    assert sum(one.startswith("POST") for one in script.requests) == 1


async def test_nobody_is_invited_to_a_closed_deal_or_with_a_word_microsoft_does_not_know(pc: Office) -> None:
    made = await pc.system.create(Creation("w", "006A", deal()))
    with pytest.raises(Rejected):
        await pc.system.invite(Invitation("w", made, "Unknown"))
    pc.microsoft.partner_center.referrals.close(made.id)
    with pytest.raises(Rejected) as caught:
        await pc.system.invite(Invitation("w", made, "GeneralOrOther"))
    assert caught.value.code == "terminal"
    with pytest.raises(Rejected):
        await pc.system.invite(Invitation("w", replace(made, engagement_id=None), "GeneralOrOther"))
    assert halves(pc) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"deal_value": Decimal(0)}, "deal_value"),
        ({"country": None}, "country"),
        ({"solutions": None}, "solutions"),
        ({"team": None}, "team"),
        ({"customer_name": None}, "customer_name"),
    ],
)
async def test_what_partner_center_demands_is_named_by_field(
    pc: Office, changes: dict[str, Any], field: str
) -> None:
    """Partner-center-api.md 2.3, 2.8; C-13."""
    with pytest.raises(Rejected) as caught:
        await pc.system.create(Creation("w", "006A", deal(**changes)))
    assert caught.value.fields == (field,)
    assert halves(pc) == 0


@pytest.mark.parametrize(("kind", "made"), [("lose", 1), ("garble", 1), ("drop", 0)])
async def test_an_unanswered_create_is_uncertain_and_found_by_the_crm_id(
    pc: Office, kind: str, made: int
) -> None:
    """INV-3, INV-10; partner-center-api.md 12."""
    pc.fault(kind, "POST")
    with pytest.raises(Uncertain):
        await pc.system.create(Creation("w", "006A", deal()))
    found = await pc.system.find("006A")
    assert len(found) == made == halves(pc)
    assert all(one.partner_id == "006A" and one.complete for one in found)


async def test_a_gateway_that_gave_up_leaves_the_create_uncertain(pc: Office) -> None:
    for status in (500, 502, 504, 503, 302, 408):
        pc.fault("answer", "POST", answer=Answer(status))
        with pytest.raises(Uncertain):
            await pc.system.create(Creation("w", "006A", deal()))


async def test_twins_are_all_found_and_microsofts_half_is_none_of_them(pc: Office) -> None:
    """INV-3."""
    first = await pc.cosell()
    second = await pc.system.create(Creation("w", "006CRM", deal(name="Second")))
    await pc.system.create(Creation("w", "006OTHER", deal()))
    microsoft = pc.microsoft.partner_center.referrals.get(first.microsoft_id or "")
    assert microsoft is not None
    pc.microsoft.partner_center.referrals.edit(microsoft["id"], {"externalReferenceId": "006CRM"})
    found = await pc.newcomer().system.find("006CRM")
    assert {one.id for one in found} == {first.id, second.id}
    assert all(one.complete for one in found)
    assert not await pc.system.find("006crm")
    assert not await pc.system.find("")


async def test_looking_for_a_deal_ends_after_the_pages_the_settings_allow() -> None:
    async with office(find_pages=2) as pc:
        pc.microsoft.partner_center.switches.top_cap = 2
        pc.microsoft.partner_center.switches.page_size = 2
        for number in range(6):
            await pc.microsoft.post(private_deal(externalReferenceId=f"006{number}"))
        pc.forget_calls()
        assert await pc.system.find("0065")
        assert not await pc.system.find("0060")
        assert pc.calls() == 2 + 2


async def test_looking_for_a_deal_ends_where_the_list_is_older_than_the_settings_say() -> None:
    pages = [
        listing([referral(1, createdDateTime="2026-06-01T00:00:00Z")], "x?$skiptoken=2"),
        listing([referral(2, createdDateTime="2026-01-01T00:00:00Z")], "x?$skiptoken=3"),
        listing([referral(3, externalReferenceId="006A", createdDateTime="2025-01-01T00:00:00Z")]),
    ]

    def answer(method: str, path: str, sent: bytes) -> Answer:
        place = int(path.rpartition("skiptoken=")[2]) if "skiptoken" in path else 1
        return always(200, pages[place - 1])(method, path, sent)

    system, script = scripted(answer)
    assert not await system.find("006A")
    assert len(script.asked) == 2


async def test_a_create_that_could_not_be_sent_is_unavailable() -> None:
    system, _ = scripted(always(200), listening=False)
    with pytest.raises(Unavailable):
        await system.create(Creation("w", "006A", deal(close_date=date(2027, 1, 1))))
