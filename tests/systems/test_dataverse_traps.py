"""The traps of dataverse-api.md 0, and what nobody knows about Dataverse: whatever it does, we hold."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import (
    CosellError,
    Gone,
    Rejected,
    Retryable,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.core.records import RecordKind
from cosell.core.values import Person, Solution, State
from cosell.http import Reply, Request, Timeouts
from cosell.ports import Marks
from cosell.systems.dataverse.options import MICROSOFT, FieldNames

from .dynamicsfloor import ANNA, BORIS, REFERRAL, Floor, creation, opened, stored, update


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened(connections=True) as one:
        yield one


class Ear:
    """Hears every request on its way, the ones inside batches too."""

    def __init__(self, floor: Floor) -> None:
        self._send = floor.transport.send
        self.heard: list[tuple[str, str, str]] = []
        """Method, path, and headers with body."""

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        text = request.body.decode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        self.heard.append((request.method, request.url, f"{headers}\r\n{text}"))
        for part in re.split(r"\r\n--[a-z_0-9]+(?:--)?\r\n", text):
            line = re.search(r"^(GET|POST|PATCH|PUT|DELETE) (\S+) HTTP", part, re.MULTILINE)
            if line is not None:
                self.heard.append((line[1], line[2], part[line.end() :]))
        return await self._send(request, timeouts, max_body)

    def all(self, method: str) -> list[tuple[str, str]]:
        return [(path, rest) for verb, path, rest in self.heard if verb == method]


async def everything(floor: Floor) -> Ear:
    """A day with every kind of read and write."""
    ear = Ear(floor)
    floor.system = floor.over(ear.send)
    made = await floor.system.create(creation())
    lead = await floor.system.create(
        creation("r-lead", kind=RecordKind.LEAD, solutions=None, close_date=None)
    )
    marks = Marks(trail=("Received.",), mark="ok")
    corrected = Person(ANNA.email, "Anna", "Vos", "+31")
    solutions = (Solution("SOL-10001-AAA", Decimal(9)), Solution("SOL-3-CCC"))
    after = stored(
        await floor.write(made, notes="x", contacts=(corrected, BORIS), solutions=solutions, marks=marks)
    )
    stored(await floor.write(lead, notes="x"))
    won = stored(await floor.write(after, state=State.WON))
    stored(await floor.write(won, state=State.ACTIVE, notes="again"))
    await floor.settle()
    floor.edit(made.id, description="by the seller")
    await floor.settle()
    await floor.system.accounts(creation().values, None)
    return ear


async def test_no_patch_ever_goes_without_a_condition(floor: Floor) -> None:
    """Trap 1: a PATCH of nothing makes a row."""
    patches = (await everything(floor)).all("PATCH")
    assert patches
    assert all(re.search(r"^if-(none-)?match: \S", rest, re.I | re.M) for _, rest in patches)


async def test_a_state_is_never_patched_to_closed(floor: Floor) -> None:
    """Trap 2: winning and losing are actions."""
    ear = await everything(floor)
    assert not any('"statecode":1' in rest or '"statecode":2' in rest for _, rest in ear.all("PATCH"))
    assert any("WinOpportunity" in path for path, _ in ear.all("POST"))


async def test_lookups_are_bound_and_never_written_as_values(floor: Floor) -> None:
    """Trap 3."""
    ear = await everything(floor)
    bodies = [rest for verb in ("POST", "PATCH") for _, rest in ear.all(verb)]
    assert not any(re.search(r'"_\w+_value"\s*:', rest) for rest in bodies)
    assert any('"customerid_account@odata.bind"' in rest for rest in bodies)


async def test_no_skip_and_no_query_option_beside_change_tracking(floor: Floor) -> None:
    """Traps 4 and 5."""
    ear = await everything(floor)
    asked = [(path, rest) for path, rest in ear.all("GET")]
    assert not any("$skip=" in path for path, _ in asked)
    tracked = [path for path, rest in asked if "track-changes" in rest]
    assert tracked
    assert not any(re.search(r"\$(filter|orderby|expand|top)=", path) for path in tracked)


async def test_no_key_column_stands_in_an_upserts_body(floor: Floor) -> None:
    """Trap 9: the catalogue is the one place where a key stands in an address."""
    patches = [one for one in (await everything(floor)).all("PATCH") if "cosell_solutiondetails(" in one[0]]
    assert patches
    assert not any('"cosell_solutionidentifier"' in rest for _, rest in patches)


async def test_throttling_says_how_long_to_wait(floor: Floor) -> None:
    """Trap 10: 429 with Retry-After, for reads, writes and looks alike."""
    seen = await floor.read(floor.deal())
    await floor.settle()
    acts: list[Any] = [
        lambda: floor.system.get_many([seen.id]),
        lambda: floor.poll(),
        lambda: floor.system.create(creation()),
    ]
    for act in acts:
        floor.settings.throttle_next = 1
        with pytest.raises(Throttled) as why:
            await act()
        assert why.value.retry_after is not None
        floor.later(300)
    floor.settings.throttle_next = 1
    answer = await floor.write(seen, notes="x")
    assert isinstance(answer, Throttled)
    assert floor.row(seen.id)["description"] is None


# --- what nobody knows -----------------------------------------------------------------------------


async def test_reopening_may_or_may_not_take_values_along(floor: Floor) -> None:
    for takes in (False, True):
        floor.settings.reopening_takes_values = takes
        deal = floor.deal()
        floor.org.as_seller.win(deal)
        after = stored(await floor.write(await floor.read(deal), state=State.ACTIVE, notes="again"))
        assert (after.values["state"], after.values["notes"]) == (State.ACTIVE, "again")


@pytest.mark.parametrize("tells", [False, True])
async def test_a_failed_part_of_a_batch_is_only_its_own(floor: Floor, tells: bool) -> None:
    floor.settings.batch_tells_status_of_failure = tells
    first, second = await floor.read(floor.deal()), await floor.read(floor.deal())
    floor.edit(first.id, description="by the seller")
    answers = await floor.system.update_many(
        [update(first, write_id="a", notes="x"), update(second, write_id="b", notes="x")]
    )
    assert isinstance(answers["a"], Stale)
    assert stored(answers["b"]).values["notes"] == "x"


@pytest.mark.parametrize("location", [False, True])
async def test_a_create_may_or_may_not_tell_where_the_row_is(floor: Floor, location: bool) -> None:
    floor.settings.location_on_create = floor.settings.entity_id_with_representation = location
    made = await floor.system.create(creation())
    assert made == await floor.read(made.id)


async def test_a_table_without_versions_is_written_without_a_precondition() -> None:
    """dataverse-api.md 2.7: 0x8006088d otherwise; the engine is told by the capabilities."""
    async with opened() as floor:
        floor.org.schema.table("opportunity").optimistic_concurrency = False
        await floor.prepare()
        assert floor.system.capabilities.precondition == "none"
        assert floor.system.capabilities.guarded == frozenset()
        seen = await floor.read(floor.deal())
        assert stored(await floor.write(seen, notes="x")).values["notes"] == "x"


async def test_a_duplicate_rule_refuses_where_the_settings_ask_for_it() -> None:
    """dataverse-api.md 9: 0x80040333 is an answer for people, whatever its status."""
    async with opened(duplicate_detection="stop") as floor:
        floor.account()
        with pytest.raises(Rejected) as why:
            await floor.system.create(creation())
        assert why.value.code == "duplicates"
        assert floor.rows() == []


async def test_microsofts_own_columns_can_be_used_instead_of_ours() -> None:
    """dataverse-api.md 7: with their names; what they lack stands in ours."""
    async with opened(fields=MICROSOFT) as floor:
        ours, theirs = FieldNames(), MICROSOFT
        for role in FieldNames.__slots__:
            old, new = getattr(ours, role), getattr(theirs, role)
            if old != new and old.startswith("cosell_") and new:
                for table in ("opportunity", "lead"):
                    if old in floor.org.schema.table(table).columns:
                        floor.org.schema.rename_column(table, old, new)
        made = await floor.system.create(creation())
        assert (made.partner_id, made.enrolled, made.values["help"]) == (
            REFERRAL,
            True,
            "ProofOfConceptOrDemo",
        )
        row = floor.row(made.id)
        assert row["msft_microsoftpartnercenterreferralidentifier"] == REFERRAL
        assert row["cosell_stamp"] == "w1"


async def test_old_solution_ids_in_a_text_are_read_until_there_are_rows(floor: Floor) -> None:
    """FLD-D05: kept for old data, and never written."""
    floor.restart(fields=replace(FieldNames(), products="cosell_referralprogram"))
    deal = floor.deal(cosell_referralprogram="SOL-1-AAA; SOL-2-BBB")
    seen = await floor.read(deal)
    assert seen.values["solutions"] == (Solution("SOL-1-AAA"), Solution("SOL-2-BBB"))
    wanted = (Solution("SOL-1-AAA"), Solution("SOL-3-CCC"))
    after = stored(await floor.write(seen, solutions=wanted))
    assert after.values["solutions"] == wanted
    assert floor.row(deal)["cosell_referralprogram"] == "SOL-1-AAA; SOL-2-BBB"


# --- trouble on the wire ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop", "lose", "garble"])
async def test_whatever_breaks_a_write_leaves_it_uncertain_or_undone(floor: Floor, kind: str) -> None:
    """INV-10: never reported as done, never as refused."""
    seen = await floor.read(floor.deal())
    floor.fault(kind, "$batch")
    answer = await floor.write(seen, notes="x", solutions=(Solution("SOL-1-AAA"),))
    assert isinstance(answer, (Uncertain, Retryable))
    assert isinstance(answer, Uncertain) or floor.row(seen.id)["description"] is None


@pytest.mark.parametrize("kind", ["drop", "lose", "garble"])
async def test_whatever_breaks_a_read_is_tried_again(floor: Floor, kind: str) -> None:
    deal = floor.deal()
    await floor.prepare()
    floor.fault(kind, "$batch")
    with pytest.raises(Unavailable):
        await floor.system.get_many([deal])
    assert (await floor.read(deal)).id == deal


async def test_a_change_that_is_not_shown_is_settled_by_the_next_read(floor: Floor) -> None:
    """INV-10: of a list nobody knows what was stored."""
    seen = await floor.read(floor.deal())
    send = floor.transport.send

    async def blind(request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        """The looks after a write bring no row."""
        reply = await send(request, timeouts, max_body)
        if b"\r\nPATCH " not in request.body:
            return reply
        return replace(reply, body=re.sub(rb'"value":\[\{.*?\}\]', b'"value":[]', reply.body))

    floor.system = floor.over(blind)
    assert isinstance(await floor.write(seen, solutions=(Solution("SOL-1-AAA"),)), Uncertain)
    after = stored(await floor.write(await floor.read(seen.id), notes="x"))
    assert (after.values["notes"], after.complete) == ("x", False)


async def test_a_full_read_without_a_link_for_later_is_no_full_read(floor: Floor) -> None:
    floor.deal()
    send = floor.transport.send

    async def forgetful(request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        reply = await send(request, timeouts, max_body)
        return replace(reply, body=reply.body.replace(b"@odata.deltaLink", b"@odata.otherLink"))

    floor.system = floor.over(forgetful)
    with pytest.raises(Unavailable):
        await floor.poll()


async def test_an_empty_batch_of_work_costs_nothing(floor: Floor) -> None:
    await floor.prepare()
    assert await floor.system.update_many([]) == {}
    assert await floor.system.get_many([]) == {}
    assert floor.calls() == 0


async def test_ids_that_are_none_are_refused_without_a_call(floor: Floor) -> None:
    seen = await floor.read(floor.deal())
    floor.forget()
    wild = "x) or 1 eq (1"
    assert isinstance(await floor.write(replace(seen, id=wild), notes="x"), CosellError)
    found = await floor.system.get_many([wild])
    assert isinstance(found[wild], Gone)
    assert floor.calls() == 0
