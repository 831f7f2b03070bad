"""The rules of single fields, each as somebody would say it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cosell.core.mapping import DEFAULT, Conflict, Flow, Rule
from cosell.core.plan import FieldPlan, Ground, Verdict, plan
from cosell.core.reasons import Reason
from cosell.core.records import Consent, Hold, Pair, Resolution, Side
from cosell.core.values import Person, Solution, State, Unreadable, Value

from .meeting import CRM, EARLY, PC, carried_out, decide, ground, link, one, opportunity, referral

ADA, BOB, CYD = (Person(f"{name}@x.example", name, "X", "+1") for name in ("ada", "bob", "cyd"))
FLEET, GRID = Solution("SOL-1-AAA"), Solution("SOL-2-BBB")


def wanted(entry: FieldPlan) -> tuple[Verdict, Reason]:
    return entry.verdict, entry.reason


def test_a_seller_cannot_rename_a_referral_and_is_told_so() -> None:
    """X-1: no PATCH path for the name is published."""
    on = ground(updatable={PC: frozenset(DEFAULT) - {"name"}, CRM: frozenset(DEFAULT)})
    entry = one(
        plan(on, link({"name": Pair("A", "A")}), referral({"name": "A"}), opportunity({"name": "B"})), "name"
    )
    assert wanted(entry) == (Verdict.REFUSE, Reason.NOT_UPDATABLE)


@pytest.mark.parametrize("empty", [None, Decimal(0), Decimal(-5)])
def test_an_empty_or_zero_amount_never_replaces_a_good_one(empty: Value) -> None:
    """C-35, product.md ENV-S04."""
    good = Pair(Decimal(10), Decimal(10))
    entry = decide("deal_value", base=good, partner_center=Decimal(10), crm=empty)
    assert wanted(entry) == (Verdict.REFUSE, Reason.VALUE_NEEDED)


def test_the_last_solution_is_not_taken_off_a_referral() -> None:
    entry = decide("solutions", base=Pair((FLEET,), (FLEET,)), partner_center=(FLEET,), crm=None)
    assert wanted(entry) == (Verdict.REFUSE, Reason.VALUE_NEEDED)


def test_two_people_adding_different_solutions_both_keep_theirs() -> None:
    """SCN-11; INV-2."""
    entry = decide("solutions", base=Pair(None, None), partner_center=(FLEET,), crm=(GRID,))
    assert entry.writes == {PC: (FLEET, GRID), CRM: (FLEET, GRID)}


def test_a_merge_interrupted_after_one_half_still_brings_the_other_half() -> None:
    """INV-9: only entries that landed move the base."""
    on = ground({"solutions": DEFAULT["solutions"]})
    before = link({"solutions": Pair(None, None)})
    seen = {PC: referral({"solutions": (FLEET,)}), CRM: opportunity({"solutions": (GRID,)})}
    _, after, now = carried_out(replace_updatable(on, PC), before, seen)
    assert now[PC].values["solutions"] == (FLEET, GRID)
    assert one(plan(on, after, now[PC], now[CRM]), "solutions").writes == {CRM: (FLEET, GRID)}


def replace_updatable(on: Ground, side: Side) -> Ground:
    return replace(on, updatable={side: frozenset({"solutions"}), side.other: frozenset()})


def test_an_unreadable_value_is_shown_and_never_written_anywhere() -> None:
    """Unknown enum values are never written back (partner-center-api.md 12)."""
    entry = decide(
        "country", base=Pair("NL", "NL"), partner_center=Unreadable("Atlantis", "no such"), crm="NL"
    )
    assert wanted(entry) == (Verdict.REFUSE, Reason.UNREADABLE)


def test_a_flow_that_is_off_keeps_the_change_for_later() -> None:
    on = ground(flows=frozenset(Flow) - {Flow.OUTBOUND_UPDATE})
    known = link({"notes": Pair("a", "a")})
    entry = one(plan(on, known, referral({"notes": "a"}), opportunity({"notes": "b"})), "notes")
    assert wanted(entry) == (Verdict.HOLD, Reason.FLOW_OFF)


def test_contacts_are_frozen_once_microsoft_was_invited() -> None:
    """partner-center-api.md 4.4; X-5: the safe reading."""
    seen = referral({"contacts": (ADA,)}, microsoft_id="M")
    entry = one(
        plan(ground(), link({"contacts": Pair((ADA,), (ADA,))}), seen, opportunity({"contacts": (ADA, BOB)})),
        "contacts",
    )
    assert wanted(entry) == (Verdict.REFUSE, Reason.FROZEN)


# --- the on-hold rule ---------------------------------------------------------------------------------

WAITING = {"state": Pair(State.PENDING, State.PENDING), "notes": Pair("a", "a")}


def test_edits_made_while_on_hold_are_kept_and_go_out_after_acceptance() -> None:
    """ENV-S02, SCN-07."""
    rules = {key: DEFAULT[key] for key in ("state", "notes")}
    known = link(WAITING)
    seen = referral({"state": State.PENDING, "notes": "a"})
    edited = opportunity({"state": State.PENDING, "notes": "b"})
    entry = one(plan(ground(rules), known, seen, edited), "notes")
    assert wanted(entry) == (Verdict.HOLD, Reason.AWAITING_ACCEPTANCE)

    accepted = opportunity({"state": State.ACTIVE, "notes": "b"})
    made, after, now = carried_out(ground(rules), known, {PC: seen, CRM: accepted})
    assert made.writes_to(PC) == {"state": State.ACTIVE}
    assert plan(ground(rules), after, now[PC], now[CRM]).writes_to(PC) == {"notes": "b"}


def test_closing_an_unaccepted_deal_as_lost_declines_it() -> None:
    """product.md B6."""
    lost = opportunity({"state": State.LOST, "notes": "a"})
    made = plan(ground(), link(WAITING), referral({"state": State.PENDING, "notes": "a"}), lost)
    assert made.writes_to(PC) == {"state": State.DECLINED}


def test_winning_an_unaccepted_deal_accepts_it_first() -> None:
    on = ground({"state": DEFAULT["state"]})
    seen = {PC: referral({"state": State.PENDING}), CRM: opportunity({"state": State.WON})}
    first, after, now = carried_out(on, link(WAITING), seen)
    second, _, _ = carried_out(on, after, now)
    assert (first.writes_to(PC), second.writes_to(PC)) == ({"state": State.ACTIVE}, {"state": State.WON})


# --- consent -----------------------------------------------------------------------------------------


def test_the_sellers_own_edit_is_the_consent_and_says_who_and_when() -> None:
    """INV-6."""
    entry = decide("visible", base=Pair(False, False), partner_center=False, crm=True)
    assert entry.writes == {PC: True}
    assert entry.consent is not None
    assert (entry.consent.who, entry.consent.when) == ("Ada Seller", EARLY.isoformat())


def test_a_one_way_step_nobody_is_known_to_have_wanted_is_held() -> None:
    """A value that changed although we touched the record last is no person's act."""
    known = link({"visible": Pair(False, False)})
    entry = one(
        plan(
            ground(), known, referral({"visible": False}), opportunity({"visible": True}, touched_by_us=True)
        ),
        "visible",
    )
    assert wanted(entry) == (Verdict.HOLD, Reason.CONSENT_MISSING)


def test_a_consent_noted_before_still_counts_for_the_same_value_only() -> None:
    noted = {"state": Consent(State.WON, "Ada", "t", "stage")}
    base = {"state": Pair(State.ACTIVE, State.ACTIVE)}
    for now, verdict in ((State.WON, Verdict.WRITE), (State.LOST, Verdict.HOLD)):
        theirs = opportunity({"state": now}, touched_by_us=True)
        entry = one(
            plan(ground(), link(base, consents=noted), referral({"state": State.ACTIVE}), theirs), "state"
        )
        assert entry.verdict is verdict


def test_at_a_first_meeting_no_one_way_step_is_taken() -> None:
    """INV-6, INV-11."""
    for key, mine, theirs in (
        ("visible", False, True),
        ("help", None, "GeneralOrOther"),
        ("state", State.ACTIVE, State.WON),
    ):
        base = {} if key == "state" else {"state": Pair(State.ACTIVE, State.ACTIVE)}
        known = replace(link(), base=base)
        entry = one(plan(ground(), known, referral({key: mine}), opportunity({key: theirs})), key)
        assert entry.verdict is Verdict.HOLD, key


def test_what_microsoft_saw_cannot_be_taken_back() -> None:
    """C-32, LIM-10."""
    entry = decide("visible", base=Pair(True, True), partner_center=True, crm=False)
    assert wanted(entry) == (Verdict.REFUSE, Reason.IRREVERSIBLE)


def test_asking_for_help_makes_the_deal_visible_too() -> None:
    """FLD-S07: help implies visible; SCN-08."""
    base = {"visible": Pair(False, False), "help": Pair(None, None)}
    made = plan(
        ground(),
        link(base),
        referral({"visible": False, "help": None}),
        opportunity({"visible": False, "help": "GeneralOrOther"}),
    )
    assert made.writes_to(PC) == {"visible": True, "help": "GeneralOrOther"}
    assert one(made, "visible").consent is not None


def test_help_waits_while_the_visibility_it_needs_stands_refused() -> None:
    """A refused step is not tried again for as long as nothing changed: each try is the user's quota."""
    base = {"visible": Pair(False, False), "help": Pair(None, None)}
    refused = Hold(Reason.REJECTED, 0.0, False, False)
    waits = plan(
        ground(),
        link(base, holds={"visible": refused}),
        referral({"visible": False, "help": None}),
        opportunity({"visible": False, "help": "GeneralOrOther"}),
    )
    assert waits.empty
    assert wanted(one(waits, "visible")) == (Verdict.HOLD, Reason.REJECTED)
    assert wanted(one(waits, "help")) == (Verdict.HOLD, Reason.NOT_VISIBLE)


def test_help_goes_once_the_refused_visibility_changes() -> None:
    base = {"visible": Pair(False, False), "help": Pair(None, None)}
    refused = Hold(Reason.REJECTED, 0.0, False, False)
    known = link(
        base, holds={"visible": refused, "help": Hold(Reason.NOT_VISIBLE, 0.0, None, "GeneralOrOther")}
    )
    goes = plan(
        ground(),
        known,
        referral({"visible": False, "help": None}),
        opportunity({"visible": True, "help": "GeneralOrOther"}),
    )
    assert goes.writes_to(PC) == {"visible": True, "help": "GeneralOrOther"}


def test_help_once_asked_for_cannot_be_changed() -> None:
    """inviteContext has no PATCH path (partner-center-api.md 2.4)."""
    entry = decide(
        "help",
        base=Pair("GeneralOrOther", "GeneralOrOther"),
        partner_center="GeneralOrOther",
        crm="QuotesOrLicensing",
    )
    assert wanted(entry) == (Verdict.REFUSE, Reason.IRREVERSIBLE)


# --- holds and their ends ----------------------------------------------------------------------------

ASK = Rule("notes", conflict=Conflict.ASK)


def test_a_persons_answer_settles_the_values_that_person_saw_and_no_others() -> None:
    base = Pair("a", "a")
    answer = {"notes": Resolution(CRM, "b", "c", "Ada", 1.0)}
    entry = decide("notes", base=base, partner_center="b", crm="c", rule=ASK, resolutions=answer)
    assert (wanted(entry), entry.writes) == ((Verdict.WRITE, Reason.RESOLVED), {PC: "c"})
    moved = decide("notes", base=base, partner_center="b", crm="d", rule=ASK, resolutions=answer)
    assert wanted(moved) == (Verdict.HOLD, Reason.CONFLICT)


def test_a_hold_never_causes_a_write() -> None:
    """Monotone in holds (reliability.md 6.3)."""
    for reason in (Reason.DOUBT, Reason.BY_PERSON, Reason.REJECTED, Reason.CONFLICT):
        for mine, theirs in (("a", "b"), ("b", "a"), ("b", "c"), ("a", "a")):
            free = decide("notes", base=Pair("a", "a"), partner_center=mine, crm=theirs)
            held = decide(
                "notes",
                base=Pair("a", "a"),
                partner_center=mine,
                crm=theirs,
                holds={"notes": Hold(reason, 1.0, mine, theirs)},
            )
            assert not (held.writes and not free.writes)


def test_a_value_the_other_side_refused_is_tried_again_only_when_it_changed() -> None:
    refused = {"notes": Hold(Reason.REJECTED, 1.0, "a", "b")}
    same = decide("notes", base=Pair("a", "a"), partner_center="a", crm="b", holds=refused)
    assert wanted(same) == (Verdict.HOLD, Reason.REJECTED)
    other = decide("notes", base=Pair("a", "a"), partner_center="a", crm="c", holds=refused)
    assert other.writes == {PC: "c"}


def test_a_deal_held_by_a_person_is_left_alone_whole() -> None:
    held = link({"notes": Pair("a", "a")}, holds={"*": Hold(Reason.BY_PERSON, 1.0)})
    made = plan(ground(), held, referral({"notes": "b"}), opportunity({"notes": "a"}))
    assert made.empty
    assert wanted(one(made, "notes")) == (Verdict.HOLD, Reason.BY_PERSON)


def test_a_stage_once_known_is_not_forgotten_because_a_read_does_not_tell_it() -> None:
    known = link({"state": Pair(State.PENDING, None)})
    empty = {"state": None}
    found = plan(ground(), known, referral({**empty, "notes": None}), opportunity({**empty, "notes": "a"}))
    assert "state" not in found.agreed
    assert one(found, "notes").reason is Reason.AWAITING_ACCEPTANCE


def test_a_field_that_was_not_read_is_left_alone() -> None:
    known = link({"notes": Pair("a", "a")})
    made = plan(ground(), known, referral({}, complete=False), opportunity({"notes": "b"}))
    assert wanted(one(made, "notes")) == (Verdict.SAME, Reason.NOT_READ)
