"""The plan of a link whose half in the CRM is a lead (SCN-09, TRB-4.2, INV-6, INV-11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core import guards
from cosell.core import plan as planning
from cosell.core.mapping import DEFAULT, Flow
from cosell.core.plan import FieldPlan, Ground, Verdict
from cosell.core.reasons import Reason
from cosell.core.records import Link, Pair, RecordKind, Resolution, Side, Snapshot
from cosell.core.values import State, Value

LEAD_FIELDS = frozenset({"customer_name", "notes", "state"})
GROUND = Ground(
    rules=DEFAULT,
    flows=frozenset(Flow),
    updatable={Side.PARTNER_CENTER: frozenset({"notes", "state"}), Side.CRM: frozenset({"notes", "name"})},
    leads=frozenset({"notes", "state"}),
)
OPEN = {"customer_name": "Contoso", "notes": "as agreed", "state": State.PENDING}
AGREED = Link("d-1", "r", "00Q1", base={key: Pair(value, value) for key, value in OPEN.items()})


def planned(
    referral: dict[str, Value], lead: dict[str, Value], link: Link = AGREED, ground: Ground = GROUND
) -> dict[str, FieldPlan]:
    theirs = Snapshot(Side.PARTNER_CENTER, "r", {**OPEN, "name": "Fleet", **referral}, kind=RecordKind.LEAD)
    ours = Snapshot(Side.CRM, "00Q1", {**OPEN, **lead}, kind=RecordKind.LEAD, touched_by="Ines")
    return {one.field: one for one in planning.plan(ground, link, theirs, ours).fields}


@pytest.mark.parametrize("state", [State.ACTIVE, State.WON])
def test_an_acceptance_elsewhere_waits_for_the_seller_to_convert(state: State) -> None:
    found = planned({"state": state}, {})["state"]
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.CONVERT_LEAD)


def test_it_waits_at_a_first_meeting_too() -> None:
    found = planned({"state": State.ACTIVE}, {}, replace(AGREED, base={}))["state"]
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.CONVERT_LEAD)


def test_nobodys_answer_converts_a_lead() -> None:
    answer = Resolution(Side.PARTNER_CENTER, State.ACTIVE, State.LOST, "Ada", 1.0)
    link = replace(AGREED, resolutions={"state": answer})
    found = planned({"state": State.ACTIVE}, {"state": State.LOST}, link)["state"]
    assert (found.verdict, found.writes) == (Verdict.HOLD, {})


def test_a_disqualified_lead_declines_with_the_sellers_consent() -> None:
    found = planned({}, {"state": State.LOST})["state"]
    assert found.writes == {Side.PARTNER_CENTER: State.DECLINED}
    assert found.consent is not None
    assert found.consent.who == "Ines"


def test_a_lead_disqualified_before_they_met_declines_nothing() -> None:
    found = planned({}, {"state": State.LOST}, replace(AGREED, base={}))["state"]
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.FIRST_MEETING_DIFFERS)


def test_a_lead_we_touched_last_declines_nothing() -> None:
    referral = Snapshot(Side.PARTNER_CENTER, "r", OPEN, kind=RecordKind.LEAD)
    lead = Snapshot(Side.CRM, "00Q1", {**OPEN, "state": State.LOST}, kind=RecordKind.LEAD, touched_by_us=True)
    found = {one.field: one for one in planning.plan(GROUND, AGREED, referral, lead).fields}["state"]
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.CONSENT_MISSING)


def test_what_a_lead_lacks_leaves_no_past() -> None:
    """INV-11: the opportunity it becomes has the field, and its value there is news."""
    referral = Snapshot(Side.PARTNER_CENTER, "r", {**OPEN, "name": "Fleet"}, kind=RecordKind.LEAD)
    lead = Snapshot(Side.CRM, "00Q1", OPEN, kind=RecordKind.LEAD)
    assert "name" not in planning.plan(GROUND, AGREED, referral, lead).agreed


def test_only_what_a_lead_takes_is_written_to_it() -> None:
    narrow = replace(GROUND, leads=frozenset())
    found = planned({"notes": "newer"}, {}, ground=narrow)["notes"]
    assert (found.verdict, found.reason) == (Verdict.REFUSE, Reason.NOT_UPDATABLE)
    assert planned({"notes": "newer"}, {})["notes"].writes == {Side.CRM: "newer"}


@pytest.mark.parametrize(
    ("flow", "referral", "lead"),
    [(Flow.INBOUND_LEAD, {"notes": "newer"}, {}), (Flow.OUTBOUND_LEAD, {}, {"state": State.LOST})],
)
def test_leads_have_flows_of_their_own(
    flow: Flow, referral: dict[str, Value], lead: dict[str, Value]
) -> None:
    off = replace(GROUND, flows=frozenset(Flow) - {flow})
    (key,) = {**referral, **lead}
    found = planned(referral, lead, ground=off)[key]
    assert (found.verdict, found.reason) == (Verdict.HOLD, Reason.FLOW_OFF)


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (RecordKind.LEAD, State.PENDING, True),
        (RecordKind.LEAD, State.ACTIVE, False),
        (RecordKind.OPPORTUNITY, State.PENDING, False),
    ],
)
def test_only_a_lead_nobody_accepted_arrives_as_one(kind: RecordKind, state: State, expected: bool) -> None:
    referral = Snapshot(Side.PARTNER_CENTER, "r", {"state": state}, kind=kind)
    assert guards.enters_as_lead(referral) is expected


def test_a_lead_of_the_crm_is_never_introduced() -> None:
    lead = Snapshot(Side.CRM, "00Q1", OPEN, kind=RecordKind.LEAD)
    assert not guards.enters_partner_center(lead)
