"""What became of an unanswered write: every pattern of what a fresh read can show (INV-10)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from cosell.core.records import Consent, FieldWrite, Pair, Side, Snapshot, Write, WriteKind
from cosell.core.settle import Settlement, Verdict, settle
from cosell.core.values import Solution, Value

SENT = FieldWrite(before="a", after="b", source="b")
BASE: Mapping[str, Pair] = {"notes": Pair("a", "a"), "name": Pair("a", "a")}


def update(
    side: Side, *, expected: str | None = "1", fields: Mapping[str, FieldWrite] | None = None
) -> Write:
    return Write(
        "w1", "d", side, WriteKind.UPDATE, "x", "y", fields or {"notes": SENT}, expected, sent_at=100.0
    )


def judged(
    write: Write,
    notes: Value,
    *,
    version: str,
    stamp: str | None = None,
    by_us: bool | None = None,
    now: float = 101.0,
    **values: Value,
) -> Settlement:
    seen = Snapshot(
        write.side, "x", {"notes": notes, **values}, version=version, stamp=stamp, touched_by_us=by_us
    )
    return settle(write, seen, BASE, stamped=write.side is Side.CRM, patience=60.0, now=now)


def test_a_stamped_record_nobody_touched_since_holds_what_the_server_made_of_the_value() -> None:
    """Lesson 5: the server's rewriting must not look like an edit."""
    found = judged(update(Side.CRM), "b rewritten", version="2", stamp="w1", by_us=True)
    assert (found.verdict, found.base["notes"]) == (Verdict.LANDED, Pair("b", "b rewritten"))


def test_a_stamped_record_touched_since_is_believed_only_where_it_equals_what_was_sent() -> None:
    """Lesson 7."""
    same = judged(update(Side.CRM), "b", version="3", stamp="w1", by_us=False)
    assert (same.verdict, same.base, same.doubts) == (Verdict.LANDED, {"notes": Pair("b", "b")}, ())
    moved = judged(update(Side.CRM), "c", version="3", stamp="w1", by_us=False)
    assert (moved.verdict, moved.base, moved.doubts) == (Verdict.LANDED, {}, ("notes",))


def test_a_list_of_a_record_nobody_touched_may_have_been_edited_all_the_same() -> None:
    """Solutions and people are records of their own: to take their edit for the server's would lose it."""
    two = (Solution("SOL-1", quantity=Decimal(1)), Solution("SOL-2", quantity=Decimal(1)))
    write = update(Side.CRM, fields={"solutions": FieldWrite(before=(), after=two, source=two)})
    for stands, doubts in ((two, ()), (two[:1], ("solutions",))):
        seen = Snapshot(Side.CRM, "x", {"solutions": stands}, version="2", stamp="w1", touched_by_us=True)
        found = settle(write, seen, {}, stamped=True, patience=60.0, now=101.0)
        assert (found.verdict, found.doubts) == (Verdict.LANDED, doubts)
        assert set(found.base) == {"solutions"} - set(doubts)


def test_what_a_read_could_not_bring_is_in_doubt_and_never_taken_for_as_sent() -> None:
    """J-9: the field was lost meanwhile; a rounded amount would come back as the seller's edit (INV-4)."""
    sent = {"notes": SENT, "name": SENT}
    for by_us in (True, False):
        seen = Snapshot(Side.CRM, "x", {"notes": "b"}, version="2", stamp="w1", touched_by_us=by_us)
        found = settle(update(Side.CRM, fields=sent), seen, BASE, stamped=True, patience=60.0, now=101.0)
        assert (found.verdict, found.base, found.doubts) == (
            Verdict.LANDED,
            {"notes": Pair("b", "b")},
            ("name",),
        )
    seen = Snapshot(Side.PARTNER_CENTER, "x", {"notes": "a"}, version="2")
    unknown = settle(
        update(Side.PARTNER_CENTER, fields=sent), seen, BASE, stamped=False, patience=60.0, now=101.0
    )
    assert (unknown.verdict, unknown.base, unknown.doubts) == (Verdict.UNKNOWN, {}, ("name",))


def test_a_record_without_our_stamp_at_another_version_proves_the_write_absent_for_good() -> None:
    """Lesson 2: its precondition can no longer hold."""
    assert judged(update(Side.CRM), "a", version="2", stamp="w0").verdict is Verdict.ABSENT


def test_a_record_still_at_the_expected_version_may_be_written_again_word_for_word() -> None:
    for side in Side:
        assert judged(update(side), "a", version="1", stamp="w0").verdict is Verdict.AGAIN


def test_without_a_precondition_the_write_may_still_be_on_its_way_until_patience_ends() -> None:
    for side in Side:
        bare = update(side, expected=None)
        early = judged(bare, "a", version="1", now=130.0)
        assert (early.verdict, early.wait) == (Verdict.WAIT, 30.0)
        late = judged(bare, "a", version="1", now=161.0)
        assert late.verdict is (Verdict.ABSENT if side is Side.CRM else Verdict.UNKNOWN)


def test_without_a_stamp_a_value_that_stands_there_is_agreed_but_proves_no_author() -> None:
    """A person may have made the same edit while the write was refused (INV-7)."""
    found = judged(update(Side.PARTNER_CENTER), "b", version="2")
    assert (found.verdict, found.base["notes"]) == (Verdict.STANDS, Pair("b", "b"))


def test_without_a_stamp_a_third_value_is_a_doubt_and_never_a_guess() -> None:
    """reliability.md 1.5: doubt becomes a hold."""
    found = judged(update(Side.PARTNER_CENTER), "c", version="2")
    assert (found.verdict, found.doubts) == (Verdict.UNKNOWN, ("notes",))


def test_without_a_stamp_one_field_that_stands_there_does_not_speak_for_the_others() -> None:
    write = update(Side.PARTNER_CENTER, fields={"notes": SENT, "name": SENT})
    found = judged(write, "b", version="2", name="a")
    assert (found.verdict, set(found.base), found.doubts) == (Verdict.STANDS, {"notes"}, ("name",))


def test_an_invitation_is_over_once_microsofts_referral_is_there_and_waits_until_then() -> None:
    invited = Write(
        "w1",
        "d",
        Side.PARTNER_CENTER,
        WriteKind.INVITE,
        "x",
        "y",
        {"help": FieldWrite(None, "GeneralOrOther", "GeneralOrOther")},
        sent_at=100.0,
    )
    there = Snapshot(Side.PARTNER_CENTER, "x", {"help": "GeneralOrOther"}, microsoft_id="M")
    missing = Snapshot(Side.PARTNER_CENTER, "x", {"help": None})

    def ask(seen: Snapshot, now: float) -> Settlement:
        return settle(invited, seen, {}, stamped=False, patience=60.0, now=now)

    assert ask(there, 101.0).verdict is Verdict.STANDS
    assert ask(missing, 130.0).verdict is Verdict.WAIT
    assert ask(missing, 161.0).verdict is Verdict.ABSENT


def test_a_step_nobody_can_take_back_is_never_sent_again_but_wished_anew() -> None:
    """INV-6: whoever wanted it may have thought better of it since."""
    step = replace(
        update(Side.PARTNER_CENTER, fields={"visible": FieldWrite(False, True, True)}),
        consents={"visible": Consent(True, "Ada", "t", "visible")},
    )
    seen = Snapshot(Side.PARTNER_CENTER, "x", {"visible": False}, version="1")

    def ask(now: float) -> Settlement:
        return settle(step, seen, {}, stamped=False, patience=60.0, now=now)

    assert (ask(130.0).verdict, ask(130.0).wait) == (Verdict.WAIT, 30.0)
    assert ask(161.0).verdict is Verdict.ABSENT


def test_a_later_read_never_turns_landed_into_absent() -> None:
    """reliability.md 6.3: never both, and time only adds certainty."""
    ends = {Verdict.ABSENT, Verdict.UNKNOWN}
    for side, value, version, stamp, by_us, expected in itertools.product(
        Side, ("a", "b", "c"), ("1", "2"), ("w0", "w1"), (True, False), ("1", None)
    ):
        write = update(side, expected=expected)
        early = judged(write, value, version=version, stamp=stamp, by_us=by_us, now=101.0)
        late = judged(write, value, version=version, stamp=stamp, by_us=by_us, now=500.0)
        if early.verdict in (Verdict.LANDED, Verdict.STANDS):
            assert late.verdict is early.verdict
        if early.verdict in ends:
            assert late.verdict is early.verdict
