"""New opportunities from Partner Center: product.md B4, CUS-10 to CUS-12, INV-3, ADR 0011."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import CosellError, Rejected, Uncertain
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, State
from cosell.ports import Marks
from cosell.systems.dataverse.options import Statuses

from .dynamicsfloor import ANNA, BORIS, REFERRAL, Floor, creation, opened, stored

INES = Person("Ines.Castro@cosell.example", "Ines", "Castro")
KOFI = Person("kofi.mensah@cosell.example", "Kofi", "Mensah")


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        await one.prepare()
        yield one


async def test_a_deal_arrives_whole_in_one_call(floor: Floor) -> None:
    """SCN-05, column C←: account, contact, solutions and marks, all or nothing."""
    marks = Marks(trail=("Created from Partner Center.",), mark="ok", referral_id=REFERRAL, enroll=True)
    made = await floor.system.create(creation(marks=marks))
    assert floor.calls() == 1
    assert made.values == {
        "name": "Cold chain rollout",
        "deal_value": Decimal("50000.5"),
        "currency": "EUR",
        "close_date": date(2027, 3, 31),
        "notes": "First call went well.",
        "state": State.ACTIVE,
        "visible": True,
        "help": "ProofOfConceptOrDemo",
        "customer_name": "Contoso Foods",
        "address_line": "Stationsplein 1",
        "city": "Utrecht",
        "region": None,
        "postal_code": "3511 ED",
        "country": "NL",
        "contacts": (ANNA,),
        "team": None,
        "microsoft_id": None,
        "program": None,
        "solutions": (Solution("SOL-10001-AAA", Decimal(2), Decimal("99.5")), Solution("SOL-10002-BBB")),
    }
    assert (made.partner_id, made.enrolled, made.stamp, made.mark, made.touched_by_us) == (
        REFERRAL,
        True,
        "w1",
        "ok",
        True,
    )
    assert {one["lastname"] for one in floor.rows("contact")} == {"Smit", "Vos"}
    row = floor.row(made.id)
    assert (row["name"], row["isrevenuesystemcalculated"]) == ("✔ Cold chain rollout", False)
    assert row["cosell_audit"] == "Created from Partner Center."
    assert row["cosell_referrallink"].endswith(REFERRAL)
    assert made == await floor.read(made.id)


async def test_the_answer_is_a_read_the_next_write_can_rest_on(floor: Floor) -> None:
    made = await floor.system.create(creation())
    wanted = (Solution("SOL-10001-AAA", Decimal(3), Decimal("99.5")),)
    after = stored(await floor.write(made, notes="more", solutions=wanted))
    assert (after.values["notes"], after.values["solutions"]) == ("more", wanted)


async def test_a_second_creation_is_refused_and_changes_nothing(floor: Floor) -> None:
    """INV-3, ADR 0011: the alternate key refuses; what a seller edited meanwhile stays."""
    made = await floor.system.create(creation())
    floor.edit(made.id, description="by the seller")
    with pytest.raises(Rejected) as why:
        await floor.system.create(creation())
    assert why.value.code == "exists"
    assert [len(floor.rows(table)) for table in ("opportunity", "account", "contact")] == [1, 1, 2]
    assert floor.row(made.id)["description"] == "by the seller"
    assert [one.id for one in await floor.system.find(REFERRAL)] == [made.id]


@pytest.mark.parametrize("status", [412, 400])
async def test_the_refusal_is_understood_whatever_its_status(floor: Floor, status: int) -> None:
    """dataverse-api.md 2.7: 412 is inferred, 400 is possible."""
    floor.settings.key_violation_status = status
    await floor.system.create(creation())
    with pytest.raises(Rejected) as why:
        await floor.system.create(creation())
    assert why.value.code == "exists"


async def test_without_an_active_key_the_system_does_not_claim_to_refuse(floor: Floor) -> None:
    before = floor.system.capabilities
    for key in list(floor.org.schema.table("opportunity").keys):
        floor.org.schema.drop_key("opportunity", key.name)
    floor.restart()
    await floor.prepare()
    assert (before.create, floor.system.capabilities.create) == ("by_key", "findable")


async def test_an_unanswered_creation_is_uncertain_and_found_again(floor: Floor) -> None:
    """INV-10."""
    floor.fault("lose", "$batch")
    with pytest.raises(Uncertain):
        await floor.system.create(creation())
    (found,) = await floor.system.find(REFERRAL)
    assert (found.stamp, found.touched_by_us) == ("w1", True)
    with pytest.raises(Rejected):
        await floor.system.create(creation())


async def test_the_account_that_was_chosen_is_used_with_its_people(floor: Floor) -> None:
    """CUS-12: which account it is was decided before; contacts by e-mail within it."""
    account = floor.account(name="Contoso Foods B.V.")
    other = floor.deal()
    stranger = floor.contact(other)
    row = {"firstname": "Anna", "lastname": "Smit", "emailaddress1": ANNA.email.upper(), "telephone1": "1"}
    contact = floor.org.as_seller.create("contact", {**row, "parentcustomerid": ("account", account)})
    floor.forget()
    made = await floor.system.create(creation(account_id=account, contacts=(ANNA,)))
    assert floor.calls() == 2
    assert made.values["customer_name"] == "Contoso Foods B.V."
    assert len(floor.rows("account")) == 2
    assert floor.row(made.id)["parentcontactid"][1] == contact
    assert {one["contactid"] for one in floor.rows("contact")} == {stranger, contact}


@pytest.mark.parametrize(
    ("street", "lines"),
    [
        ("Stationsplein 1", ("Stationsplein 1", None, None)),
        ("Harbour Road 12\nGate 4", ("Harbour Road 12", "Gate 4", None)),
        ("One\n\nTwo\nThree", ("One", "Two, Three", None)),
    ],
)
async def test_a_street_has_a_column_for_each_line(
    floor: Floor, street: str, lines: tuple[str | None, ...]
) -> None:
    """M-12."""
    made = await floor.system.create(creation(address_line=street))
    (account,) = floor.rows("account")
    assert tuple(account[f"address1_line{number}"] for number in (1, 2, 3)) == lines
    assert made.values["address_line"] == "\n".join(line for line in lines if line)


async def test_the_owner_is_who_of_the_team_is_a_user(floor: Floor) -> None:
    """PRE-13, M-16: by the address of the user, without regard to case; others are not invented."""
    stranger = Person("somebody@elsewhere.example", "Some", "Body")
    made = await floor.system.create(creation(team=(INES, KOFI, stranger)))
    assert [one.first_name for one in made.values["team"]] == ["Ines"]  # type: ignore[union-attr]
    assert floor.calls() == 2
    nobody = await floor.system.create(creation("r-2", team=(stranger,)))
    assert floor.row(nobody.id)["ownerid"][1] == floor.org.user_id


async def test_a_disabled_user_owns_nothing(floor: Floor) -> None:
    ines = next(one for one in floor.rows("systemuser") if one["firstname"] == "Ines")
    floor.org.as_seller.update("systemuser", ines["systemuserid"], {"isdisabled": True})
    made = await floor.system.create(creation(team=(INES,)))
    assert floor.row(made.id)["ownerid"][1] == floor.org.user_id


async def test_the_default_owner_of_the_settings_owns_what_nobody_of_the_team_can(floor: Floor) -> None:
    kofi = next(one["systemuserid"] for one in floor.rows("systemuser") if one["firstname"] == "Kofi")
    floor.system = floor.another(default_owner=kofi)
    made = await floor.system.create(creation())
    assert floor.row(made.id)["ownerid"][1] == kofi


async def test_the_whole_team_is_connected_where_the_settings_say_so() -> None:
    async with opened(connections=True) as floor:
        made = await floor.system.create(creation(team=(INES, KOFI)))
        assert made.values["contacts"] == (ANNA, BORIS)
        assert [one.first_name for one in made.values["team"]] == ["Ines", "Kofi"]  # type: ignore[union-attr]


async def test_an_unaccepted_deal_is_on_hold(floor: Floor) -> None:
    """B6: the standard status reason On Hold by default, or another of the settings."""
    made = await floor.system.create(creation(state=State.PENDING))
    assert (made.values["state"], floor.row(made.id)["statuscode"]) == (State.PENDING, 2)


async def test_without_a_status_reason_for_on_hold_an_unaccepted_deal_is_refused() -> None:
    async with opened(statuses=Statuses(on_hold=())) as floor:
        with pytest.raises(Rejected) as why:
            await floor.system.create(creation(state=State.PENDING))
        assert why.value.fields == ("state",)
        assert floor.rows("account") == []


async def test_an_unknown_currency_is_refused_by_name(floor: Floor) -> None:
    with pytest.raises(Rejected) as why:
        await floor.system.create(creation(currency="KRW"))
    assert why.value.fields == ("currency",)
    assert floor.rows() == floor.rows("account") == []


@pytest.mark.parametrize("key", ["name", "close_date", "state", "customer_name"])
async def test_what_an_opportunity_cannot_be_without_is_asked_for(floor: Floor, key: str) -> None:
    """dataverse-api.md 6: the forms demand it, and the API does not."""
    wanted: dict[str, Any] = {key: None}
    with pytest.raises(Rejected) as why:
        await floor.system.create(creation(**wanted))
    assert (why.value.fields, why.value.code) == ((key,), "required")


async def test_a_refused_part_leaves_nothing_behind(floor: Floor) -> None:
    """The change set is atomic: no account without its deal."""
    with pytest.raises(CosellError) as why:
        await floor.system.create(creation(deal_value=Decimal(10) ** 15))
    assert not isinstance(why.value, Uncertain)
    assert floor.rows() == floor.rows("account") == floor.rows("contact") == []


async def test_fifty_solutions_and_contacts_travel_in_one_call(floor: Floor) -> None:
    """LIM-18: a deal may have fifty of them."""
    solutions = tuple(Solution(f"SOL-{n:05}-AAA", Decimal(n + 1)) for n in range(50))
    made = await floor.system.create(creation(solutions=solutions))
    assert floor.calls() == 1
    assert made.values["solutions"] == solutions


async def test_texts_of_any_kind_arrive_as_they_are(floor: Floor) -> None:
    """reliability.md 8.3: quotes, boundaries of a batch and signs of OData are text."""
    text = "O'Neil & Söhne\r\n--batch_cosell\r\nContent-ID: 1\r\n$deal {0} @odata.bind 100% 😀"
    made = await floor.system.create(creation(notes=text.replace("\r\n", "\n"), name="$account '); DROP"))
    assert made.values["notes"] == text.replace("\r\n", "\n")
    assert made.values["name"] == "$account '); DROP"


async def test_a_referral_id_of_any_kind_finds_its_deal(floor: Floor) -> None:
    """dataverse-api.md trap 8: an alternate key of such a value cannot stand in an address."""
    odd = "a/b%&:'?+<>*"
    made = await floor.system.create(creation(odd))
    assert made.partner_id == odd
    assert [one.id for one in await floor.system.find(odd)] == [made.id]


async def test_the_snapshot_names_no_person_as_its_own_user(floor: Floor) -> None:
    made: Snapshot = await floor.system.create(creation())
    assert made.values["team"] is None
    assert replace(made, values={}).touched_by == "# Cosell"


async def test_a_deal_that_is_closed_already_is_made_and_closed_in_one(floor: Floor) -> None:
    """B6: winning is an action, here too."""
    made = await floor.system.create(creation(state=State.WON))
    assert floor.calls() == 1
    assert made.values["state"] is State.WON
    assert [one["subject"] for one in floor.rows("opportunityclose")] == ["Won: Cold chain rollout"]


async def test_what_forms_demand_besides_is_named_by_the_doctor_and_given_by_the_settings(
    floor: Floor,
) -> None:
    """CUS-10."""
    floor.org.schema.change_column("opportunity", "stepname", required="ApplicationRequired")
    floor.org.schema.change_column("account", "accountnumber", required="ApplicationRequired")
    named = {one.name: one for one in await floor.system.check()}["required columns"]
    assert "opportunity.stepname, account.accountnumber" in named.message
    system = floor.another(
        defaults={"opportunity": {"stepname": "1-Qualify"}, "account": {"accountnumber": "new"}}
    )
    try:
        assert "nothing" in {one.name: one for one in await system.check()}["required columns"].message
        made = await system.create(creation())
    finally:
        await system.aclose()
    assert floor.row(made.id)["stepname"] == "1-Qualify"
    assert floor.rows("account")[-1]["accountnumber"] == "new"


@pytest.mark.parametrize("column", ["new_nowhere", "parentaccountid"])
async def test_a_default_for_a_column_that_cannot_take_it_is_refused_at_the_start(
    floor: Floor, column: str
) -> None:
    system = floor.another(defaults={"opportunity": {column: "x"}})
    try:
        with pytest.raises(CosellError, match=column):
            await system.prepare()
    finally:
        await system.aclose()
