"""Every link and every write comes back exactly as it was given."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cosell.core.fields import FIELDS, Kind
from cosell.core.records import (
    Consent,
    FieldWrite,
    Hold,
    Link,
    LinkState,
    Pair,
    Resolution,
    Side,
    Write,
    WriteKind,
    WriteState,
)
from cosell.core.values import Person, Solution, State, Unreadable, Value
from cosell.ports import Poke
from cosell.store import memory, open_store
from cosell.store.rows import dump, parse
from tests.store.things import T0, Dice, take_one

WILD = st.text(st.characters(), max_size=20)  # with halves of surrogate pairs: reliability.md 8.3
TEXT = st.text(max_size=20)
MAYBE = st.none() | TEXT
MONEY = st.decimals(allow_nan=False, allow_infinity=False)
TIME = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**31)

BY_KIND: dict[Kind, st.SearchStrategy[Value]] = {
    **dict.fromkeys((Kind.TEXT, Kind.CHOICE, Kind.CURRENCY, Kind.COUNTRY), WILD),
    Kind.MONEY: MONEY,
    Kind.DATE: st.dates(),
    Kind.FLAG: st.booleans(),
    Kind.STATE: st.sampled_from(State),
    Kind.PEOPLE: st.lists(
        st.builds(Person, WILD, WILD, WILD, WILD, baggage=WILD), min_size=1, max_size=3
    ).map(tuple),
    Kind.SOLUTIONS: st.lists(
        st.builds(Solution, WILD, st.none() | MONEY, st.none() | MONEY, name=WILD, baggage=WILD),
        min_size=1,
        max_size=3,
    ).map(tuple),
}
UNREADABLE = st.builds(Unreadable, WILD, WILD)


def value(key: str) -> st.SearchStrategy[Value]:
    return st.none() | UNREADABLE | BY_KIND[FIELDS[key].kind]


@st.composite
def by_field(draw: st.DrawFn, *parts: object) -> dict[str, list[object]]:
    """For some fields, each part drawn: a strategy, or `value` for a value of the field."""
    keys = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=4))
    return {
        key: [draw(value(key) if part is value else part) for part in parts]  # type: ignore[arg-type]
        for key in keys
    }


def each(made: dict[str, list[object]], kind: type) -> dict[str, object]:
    return {key: kind(*parts) for key, parts in made.items()}


@st.composite
def links(draw: st.DrawFn) -> Link:
    consents = {
        key: Consent(given, who, when, act)  # type: ignore[arg-type]
        for key, (given, who, when, act) in draw(by_field(value, WILD, WILD, WILD)).items()
    }
    return Link(
        key="replaced",
        partner_center_id=draw(MAYBE),
        crm_id=draw(MAYBE),
        engagement_id=draw(MAYBE),
        microsoft_id=draw(MAYBE),
        state=draw(st.sampled_from(LinkState)),
        reason=draw(TEXT),
        detail=draw(TEXT),
        base=each(draw(by_field(value, value)), Pair),  # type: ignore[arg-type]
        holds=each(draw(by_field(WILD, TIME, value, value, WILD)), Hold),  # type: ignore[arg-type]
        consents=consents,
        resolutions=each(draw(by_field(st.sampled_from(Side), value, value, WILD, TIME)), Resolution),  # type: ignore[arg-type]
        partner_center_version=draw(MAYBE),
        crm_version=draw(MAYBE),
        trail=tuple(draw(st.lists(WILD, max_size=3))),
        trail_written=draw(st.booleans()),
        mark=draw(MAYBE),
        failures=draw(COUNT),
        stale=draw(COUNT),
        synced_at=draw(st.none() | TIME),
        changed_at=draw(st.none() | TIME),
    )


@st.composite
def writes(draw: st.DrawFn) -> Write:
    return Write(
        id=draw(TEXT),
        link_key="replaced",
        side=draw(st.sampled_from(Side)),
        kind=draw(st.sampled_from(WriteKind)),
        record_id=draw(MAYBE),
        partner_id=draw(MAYBE),
        fields=each(draw(by_field(value, value, value, WILD)), FieldWrite),  # type: ignore[arg-type]
        expected_version=draw(MAYBE),
        cause=draw(TEXT),
        consents=each(draw(by_field(value, WILD, WILD, WILD)), Consent),  # type: ignore[arg-type]
        note=draw(TEXT),
        created_at=draw(TIME),
        sent_at=draw(TIME),
        attempt=draw(COUNT),
        state=draw(st.sampled_from([state for state in WriteState if state is not WriteState.OPEN])),
        finished_at=draw(st.none() | TIME),
        outcome=draw(TEXT),
    )


@settings(max_examples=150, deadline=None)
@given(link=links(), write=writes())
async def test_any_link_and_write_survive(link: Link, write: Write) -> None:
    """Through begin, take and finish, on a real database, with a chain that holds."""

    shared = memory()
    store = open_store(shared, environment="world", dice=Dice())
    try:
        await store.poke([Poke(Side.CRM, "o1", "poll")], T0)
        taken = await take_one(store)
        link = replace(link, key=taken.key)
        is_open = replace(write, link_key=taken.key, state=WriteState.OPEN)
        saved = await store.begin(taken, is_open, link)
        heir = await take_one(store, T0 + 60)
        assert heir.open_writes == (is_open,)
        assert heir.link == saved == replace(link, revision=1)
        finished = replace(is_open, state=write.state)
        saved = await store.finish(heir, [finished], saved)
        assert await store.link(taken.key) == saved
        assert [row.write for row in await store.journal(taken.key, 9)] == [finished]
        assert (await store.verify()).bad_seq is None
    finally:
        await store.aclose()
        shared.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TIME | WILD,
    lambda inner: st.lists(inner) | st.dictionaries(WILD, inner),
    max_leaves=10,
)


@given(plain=JSON)
def test_json_comes_back_whatever_the_text(plain: object) -> None:
    assert parse(dump(plain)) == plain


async def test_equal_people_keep_their_own_baggage() -> None:
    """Baggage does not count when people are compared, and still comes back from the side it came from."""
    shared = memory()
    store = open_store(shared, environment="world", dice=Dice())
    await store.poke([Poke(Side.CRM, "o1", "poll")], T0)
    taken = await take_one(store)
    left, right = (Person("a@b.c", baggage=where) for where in ("partner center", "crm"))

    await store.save(taken, replace(taken.link, base={"team": Pair((left,), (right,))}))
    link = await store.link(taken.key)
    assert link is not None
    kept = link.base["team"]
    assert isinstance(kept.partner_center, tuple)
    assert isinstance(kept.crm, tuple)
    assert [side[0].baggage for side in (kept.partner_center, kept.crm) if isinstance(side[0], Person)] == [
        "partner center",
        "crm",
    ]
    await store.aclose()
    shared.close()


async def test_half_a_surrogate_pair_in_plain_text_becomes_a_question_mark() -> None:
    shared = memory()
    store = open_store(shared, environment="world", dice=Dice())
    await store.poke([Poke(Side.CRM, "o\udc00", "poll"), Poke(Side.CRM, "o\udc00", "poll")], T0)
    assert (await take_one(store)).link.crm_id == "o?"
    assert list(await store.links_of(Side.CRM, ["o\udc00"])) == ["o\udc00"]
    await store.aclose()
    shared.close()


def test_the_alphabets_cover_every_kind() -> None:
    assert set(BY_KIND) == set(Kind)
