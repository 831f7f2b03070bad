"""Referrals in normal forms, and how few calls it takes to read them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import Gone, Stale
from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Person, Solution, State, Unreadable
from cosell.ports import Creation
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.wire import Reader, kind
from tests.sandbox.microsoft import example, private_deal
from tests.systems.office import (
    Office,
    always,
    deal,
    error_of,
    listing,
    office,
    referral,
    scripted,
)


@pytest.fixture
async def pc() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


def read(own: Any, microsoft: Any = None, *, complete: bool = True) -> Snapshot:
    return Reader(("microsoft.com", "microsoft.example"), co_sell_only=True).engagement(
        own, microsoft, complete=complete
    )


@pytest.mark.parametrize(
    ("ids", "duns"),
    [
        ([{"profileType": "External", "id": "X1"}, {"profileType": "Duns", "id": "123456789"}], "123456789"),
        ([{"profileType": "Duns", "id": "123456789"}] * 2, "123456789"),
        ([{"profileType": "Duns", "id": "1"}, {"profileType": "Duns", "id": "2"}], None),
        ([{"profileType": "Duns", "id": " "}], None),
        ([{"profileType": "Duns", "id": 7}], None),
        ({}, None),
        (None, None),
    ],
)
def test_the_customers_duns_number_is_read_where_there_is_one(ids: Any, duns: str | None) -> None:
    """M-26; two numbers are none."""
    own = example("example-referral-shared-partner")
    own["customerProfile"]["ids"] = ids
    assert read(own).duns == duns


async def test_partner_center_keeps_no_accounts(pc: Office) -> None:
    assert await pc.system.accounts({"customer_name": "Contoso"}, None) == ()


def test_the_documented_deal_is_read_in_full() -> None:
    """Partner-center-api.md 3, 5; product.md B2."""
    found = read(example("example-referral-shared-partner"), example("example-referral-shared-microsoft"))
    assert found.values == {
        "name": "Warehouse AI programme",
        "deal_value": Decimal(180000),
        "currency": "EUR",
        "close_date": date(2026, 3, 31),
        "notes": "Customer wants a proof of concept in Q1.",
        "state": State.ACTIVE,
        "visible": True,
        "help": "ProofOfConceptOrDemo",
        "customer_name": "Fabrikam Logistics Ltd",
        "address_line": "12 Harbour Road",
        "city": "Rotterdam",
        "region": None,
        "postal_code": "3011 AA",
        "country": "NL",
        "contacts": (Person("ines.vos@fabrikam.example", "Ines", "Vos", "+31105550100"),),
        "team": (Person("ada.jansen@contoso.example", "Ada", "Jansen", "+31205550111"),),
        "microsoft_id": "7-EXAMPLE0001",
        "program": None,
        "solutions": (
            Solution("3f0f0000-0000-4000-8000-00000000e501"),
            Solution("SOL-10001-AAA"),
        ),
        "microsoft_state": "active",
    }
    assert found.version == '"84001c9d-0000-0100-0000-6788b2340000"'
    assert found.partner_id == "7f1c2c9e-0000-4000-8000-00000000c0de"
    assert found.microsoft_id == "a2000000-0000-4000-8000-000000000002"
    assert found.engagement_id == "22222222-2222-4222-8222-222222222222"
    assert found.changed_at == datetime(2026, 1, 15, 10, 30, 12, 765432, UTC)
    assert (found.enrolled, found.complete, found.firm) == (True, True, True)


@pytest.mark.parametrize(
    ("name", "expected", "enrolled"),
    [
        ("example-referral-independent-private", "deal", True),
        ("example-referral-shared-partner", "deal", True),
        ("example-referral-inbound-cosell-new", "deal", True),
        ("example-lead-qualified", "lead", False),
        ("example-lead-marketplace", "marketplace_lead", False),
    ],
)
def test_leads_are_told_from_deals_by_the_documented_table(name: str, expected: str, enrolled: bool) -> None:
    """Partner-center-api.md 3.6; ENV-S07."""
    found = read(example(name))
    assert found.facts["kind"] == expected
    assert found.enrolled is enrolled
    assert (found.kind is RecordKind.LEAD) is (expected != "deal")


def test_leads_are_deals_of_ours_where_the_setting_says_so() -> None:
    """ENV-S07, ENV-D02."""
    reader = Reader((), co_sell_only=False)
    found = reader.engagement(example("example-lead-qualified"), None, complete=True)
    assert (found.enrolled, found.facts["kind"]) == (True, "lead")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inviteContext": {"invitedBy": {"organizationId": "another-partner"}}}, "deal"),
        ({"inviteContext": None}, "deal"),
        ({"inviteContext": None, "direction": None}, "deal"),
        ({"inviteContext": None, "direction": "Incoming"}, "lead"),
        ({"inviteContext": {"invitedBy": {"organizationId": "MSFT"}}}, "lead"),
        ({"qualification": "Direct"}, "marketplace_lead"),
        ({"qualification": "MarketingQualified"}, "lead"),
        ({"qualification": "Direct", "type": "Shared"}, "deal"),
        ({"referralSource": "AppSource", "callToAction": "Contact me"}, "deal"),
    ],
)
def test_the_kind_rests_on_type_qualification_and_inviter_only(changes: Any, expected: str) -> None:
    """Partner-center-api.md 3.6."""
    assert kind(referral(**changes)) == expected


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (("New", "Pending"), State.PENDING),
        (("New", "Received"), State.PENDING),
        (("Active", "Accepted"), State.ACTIVE),
        (("Closed", "Won"), State.WON),
        (("Closed", "Lost"), State.LOST),
        (("Closed", "Declined"), State.DECLINED),
        (("Closed", "Expired"), State.EXPIRED),
        (("Closed", "Error"), State.ERROR),
        (("Active", "Won"), None),
        (("None", "None"), None),
        (("Paused", "Waiting"), None),
        ((7, []), None),
    ],
)
def test_a_status_pair_is_one_word_or_unreadable(pair: tuple[Any, Any], expected: State | None) -> None:
    """Partner-center-api.md 4.1."""
    found = read(referral(status=pair[0], substatus=pair[1])).values["state"]
    if expected is None:
        assert isinstance(found, Unreadable)
    else:
        assert found is expected


def test_null_and_missing_everywhere_still_make_a_snapshot() -> None:
    """Partner-center-api.md 3: treat every field as nullable."""
    full = example("example-referral-shared-partner")
    records: list[dict[str, Any]] = [
        {"id": "x"},
        {"id": "x", **dict.fromkeys([key for key in full if key != "id"])},
        {"id": "x", **{key: {} for key in full if key != "id"}},
        {"id": "x", **{key: [None, 1, "a", []] for key in full if key != "id"}},
        {"id": "x", **{key: 5 for key in full if key != "id"}},
    ]
    for record in records:
        found = read(record)
        assert found.id == "x"
        assert found.version is None
        assert found.values["visible"] is False or isinstance(found.values["visible"], Unreadable)


def test_an_address_of_two_lines_is_kept_apart_by_a_line_break() -> None:
    address = {"addressLine1": "Tower B", "addressLine2": "12 Harbour Road", "region": "South Holland"}
    found = read(referral(customerProfile__address=address)).values
    assert found["address_line"] == "Tower B\n12 Harbour Road"
    assert found["region"] == "South Holland"


def test_microsofts_sellers_are_no_part_of_our_team() -> None:
    """Partner-center-api.md 3.3: where they appear is unknown."""
    ours = {"email": "ada@contoso.example", "firstName": "Ada"}
    seller = {"email": "Kofi@Microsoft.com", "firstName": "Kofi"}
    found = read(referral(team=[ours, seller], type="Shared")).values["team"]
    assert found == (Person("ada@contoso.example", "Ada"),)


def test_our_team_stays_ours_where_microsofts_referral_repeats_it() -> None:
    """Partner-center-api.md 2.3: the second referral is created with our whole body."""
    ours = {"email": "ada@contoso.example", "firstName": "Ada"}
    found = read(referral(team=[ours], type="Shared"), referral(2, organizationId="msft", team=[ours]))
    assert found.values["team"] == (Person("ada@contoso.example", "Ada"),)


def test_what_was_asked_of_microsoft_stands_on_microsofts_referral() -> None:
    """M-09. A deal that Microsoft sent asks nothing of Microsoft."""
    asked = {"assistanceRequestCode": "QuotesOrLicensing", "invitedBy": {"organizationId": "ours"}}
    microsoft = referral(2, organizationId="msft", inviteContext=asked, status="New", substatus="Pending")
    assert read(referral(), microsoft).values["help"] == "QuotesOrLicensing"
    assert read(referral(), microsoft).values["microsoft_state"] == "pending"
    assert read(referral(inviteContext=asked)).values["help"] == "QuotesOrLicensing"
    assert read(referral(inviteContext=asked, direction="Incoming")).values["help"] is None
    sent = {**asked, "invitedBy": {"organizationId": "msft"}}
    assert read(referral(inviteContext=sent)).values["help"] is None
    assert read(referral(), referral(2, organizationId="msft", inviteContext=sent)).values["help"] is None
    odd = {**asked, "assistanceRequestCode": "TeleportTheServers"}
    assert isinstance(read(referral(inviteContext=odd)).values["help"], Unreadable)


def test_what_only_microsofts_referral_tells_is_left_out_where_it_was_not_read() -> None:
    found = read(referral(type="Shared"), complete=False)
    assert {"help", "microsoft_state", "microsoft_id"}.isdisjoint(found.values)
    assert found.complete is False
    known = read(referral(trackingInfo={"microsoftMsxId": "7-X"}), complete=False)
    assert known.values["microsoft_id"] == "7-X"


def test_an_unusable_etag_is_no_version() -> None:
    for tag in ('"x"\r\nX-Evil: 1', '"é"', '"' + "x" * 300 + '"', 7, None, ""):
        assert read(referral(eTag=tag)).version is None


def test_a_solution_of_an_unknown_type_is_shown_and_never_written_back() -> None:
    """Partner-center-api.md 12: unknown enum."""
    solutions = [{"id": "SOL-1-AAA", "type": "Bundle"}]
    found = read(referral(details__requirements={"solutions": solutions})).values["solutions"]
    assert isinstance(found, Unreadable)


# --- calls -----------------------------------------------------------------------------------------


async def test_a_private_deal_nobody_knows_costs_one_call(pc: Office) -> None:
    made = await pc.microsoft.post(private_deal())
    pc.forget_calls()
    found = await pc.read(made["id"])
    assert found.complete
    assert pc.calls() == 1


async def test_a_shared_deal_nobody_knows_costs_two_calls_and_one_from_then_on(pc: Office) -> None:
    made = pc.microsoft.partner_center.referrals.create_outbound_in_portal(
        {**example("example-create-cosell-step1-own")}
    )
    pc.forget_calls()
    first = await pc.read(made["id"])
    assert pc.calls() == 2
    assert first.values["microsoft_state"] == "pending"
    assert (await pc.read(made["id"])) == first
    assert pc.calls() == 3


async def test_microsofts_id_answers_with_ours(pc: Office) -> None:
    """Ports: an id of Microsoft's referral answers with the snapshot of ours."""
    made = await pc.cosell()
    assert made.microsoft_id is not None
    newcomer = pc.newcomer()
    for system in (pc.system, newcomer.system):
        found = (await system.get_many([made.microsoft_id]))[made.microsoft_id]
        assert isinstance(found, Snapshot)
        assert found.id == made.id
        assert found.values["help"] == "ProofOfConceptOrDemo"


async def test_microsofts_answer_and_id_are_seen(pc: Office) -> None:
    """M-20, M-29."""
    made = await pc.cosell()
    pc.microsoft.partner_center.referrals.microsoft_accepts(made.id)
    found = await pc.read(made.id)
    assert found.values["microsoft_state"] == "active"
    assert str(found.values["microsoft_id"]).startswith("7-")


async def test_an_unknown_id_is_gone_and_hides_no_other_answer(pc: Office) -> None:
    made = await pc.microsoft.post(private_deal())
    unknown = "a0000000-0000-4000-8000-00000000dead"
    odd = ("", "../registration", "x/y", "%2e%2e", "a b", "é", "x" * 500)
    found = await pc.system.get_many([unknown, made["id"], *odd])
    assert isinstance(found[made["id"]], Snapshot)
    assert all(isinstance(found[one], Gone) for one in (unknown, *odd))


async def test_a_deal_outside_the_role_is_gone_and_stops_nothing(pc: Office) -> None:
    """INV-14; partner-center-api.md 1.3, trap 11."""
    made = await pc.microsoft.post(private_deal())
    pc.microsoft.partner_center.switches.role = "referrals-user"
    pc.microsoft.partner_center.switches.role_email = "nobody@contoso.example"
    found = (await pc.system.get_many([made["id"]]))[made["id"]]
    assert isinstance(found, Gone)
    assert found.code == "out_of_sight"


async def test_a_hundred_known_deals_are_read_in_a_handful_of_calls(pc: Office) -> None:
    made = [await pc.microsoft.post(private_deal()) for _ in range(60)]
    shared = [await pc.cosell() for _ in range(20)]
    ids = [one["id"] for one in made] + [one.id for one in shared]
    await pc.system.get_many(ids)
    pc.forget_calls()
    found = await pc.system.get_many(ids)
    assert pc.calls() <= 4
    assert all(isinstance(one, Snapshot) and one.complete for one in found.values())
    assert {one.values["microsoft_state"] for one in found.values() if one.id in ids[60:]} == {"pending"}  # type: ignore[union-attr]


async def test_many_deals_are_still_read_together_where_or_is_not_understood(pc: Office) -> None:
    """Partner-center-api.md 12: try once, remember."""
    pc.microsoft.partner_center.switches.filter_or = False
    made = [await pc.microsoft.post(private_deal()) for _ in range(40)]
    ids = [one["id"] for one in made]
    await pc.system.get_many(ids)
    pc.forget_calls()
    for _ in range(2):
        found = await pc.system.get_many(ids)
        assert all(isinstance(one, Snapshot) and one.complete for one in found.values())
    assert pc.calls() <= 1 + 2 * 2


async def test_after_a_refused_version_the_deal_is_read_by_id(pc: Office) -> None:
    """Lists may lag (12): the list would show the same stale version for ever."""
    made = await pc.system.create(Creation("w", "006A", deal()))
    pc.edit(made.id, details__notes="Edited meanwhile.")
    pc.microsoft.partner_center.switches.index_lag = 3600.0
    assert isinstance(await pc.write(made, deal_value=Decimal(1)), Stale)
    found = await pc.read(made.id)
    assert found.values["notes"] == "Edited meanwhile."


async def test_lists_that_lag_can_be_distrusted_altogether() -> None:
    async with office(fresh_lists=False) as pc:
        made = await pc.system.create(Creation("w", "006A", deal()))
        pc.microsoft.partner_center.switches.index_lag = 3600.0
        pc.edit(made.id, details__notes="Edited meanwhile.")
        assert (await pc.read(made.id)).values["notes"] == "Edited meanwhile."


async def test_an_engagement_that_shows_only_microsofts_half_is_out_of_sight() -> None:
    microsoft = referral(2, organizationId="msft")

    def answer(method: str, path: str, body: bytes) -> Answer:
        return always(200, listing([microsoft]) if "filter" in path else microsoft)(method, path, body)

    system, _ = scripted(answer)
    found = await error_of(system, microsoft["id"])
    assert isinstance(found, Gone)
    assert found.code == "out_of_sight"


async def test_another_partners_referral_in_the_engagement_is_not_taken_for_ours() -> None:
    ours, theirs = referral(1, type="Shared"), referral(2, organizationId="another-partner", type="Shared")
    theirs["engagementId"] = ours["engagementId"]
    theirs["createdDateTime"] = "2020-01-01T00:00:00Z"

    def answer(method: str, path: str, body: bytes) -> Answer:
        return always(200, listing([theirs, ours]) if "filter" in path else ours)(method, path, body)

    system, _ = scripted(answer, organization_id=ours["organizationId"])
    found = (await system.get_many([ours["id"]]))[ours["id"]]
    assert isinstance(found, Snapshot)
    assert found.id == ours["id"]
