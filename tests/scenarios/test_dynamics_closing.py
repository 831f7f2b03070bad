"""Status reasons and closing in Dynamics 365: acceptance, won, lost, declined (M-06, M-07)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.dataverse.columns import Choice
from cosell.systems.dataverse.settings import DynamicsStatuses

from .conftest import Desk, Furnish

pytestmark = pytest.mark.parametrize("crm", ["dynamics"], indirect=True)


def raw(desk: Desk, opportunity: str) -> dict[str, Any]:
    """The row under Dynamics 365's own names only."""
    return desk.sandbox.dataverse.as_seller.get("opportunity", opportunity)


def closings(desk: Desk, opportunity: str) -> list[dict[str, Any]]:
    rows = desk.sandbox.dataverse.as_seller.rows("opportunityclose")
    return [one for one in rows if one["opportunityid"].id == opportunity]


DRAWER = DynamicsStatuses(active=("Negotiating", "In Progress"), on_hold=("Waiting", "2"), lost=("Out-Sold",))


async def statuses(furnished: Furnish) -> Desk:
    """An organisation with two status reasons more, and settings that name them."""
    desk = await furnished(crm={"statuses": DRAWER})
    schema = desk.sandbox.dataverse.schema
    known = schema.column("opportunity", "statuscode").choices
    more = (Choice(727_001, "Negotiating", state=0), Choice(727_002, "Waiting", state=0))
    schema.change_column("opportunity", "statuscode", choices=(*known, *more))
    return desk


async def test_a_deal_waits_in_the_status_reason_the_organisation_chose(furnished: Furnish) -> None:
    """ENV-S01, ENV-S02 for Dynamics 365 as well: several may share a meaning, the first is written."""
    desk = await statuses(furnished)
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["statuscode"] == 727_002
    desk.edit(row["id"], statuscode=2, value=1)
    await desk.sync()
    assert desk.referral(referral)["status"] == "New"
    assert float(desk.referral(referral)["details"]["dealValue"]) == 75000
    desk.edit(row["id"], statuscode=1)
    await desk.sync()
    await desk.engine.sweep()
    await desk.sync()
    assert desk.referral(referral)["status"] == "Active"
    assert raw(desk, row["id"])["statuscode"] == 1
    assert float(desk.referral(referral)["details"]["dealValue"]) == 1


async def test_an_acceptance_in_the_portal_writes_the_first_active_status_reason(furnished: Furnish) -> None:
    """M-07 U←."""
    desk = await statuses(furnished)
    referral = desk.inbound()
    await desk.sync()
    desk.referrals.partner_accepts(referral)
    await desk.sync()
    assert desk.opportunities(referral)[0]["statuscode"] == 727_001


@pytest.mark.parametrize(
    ("status", "substatus", "expected"),
    [("Closed", "Won", (1, 3)), ("Closed", "Lost", (2, 5)), ("Closed", "Expired", (2, 5))],
)
async def test_a_close_in_partner_center_closes_by_the_action(
    furnished: Furnish, status: str, substatus: str, expected: tuple[int, int]
) -> None:
    """M-06, M-07 U←; dataverse-api.md 3: never a bare statecode, so one closing activity stands there."""
    desk = await statuses(furnished)
    referral = desk.inbound() if substatus == "Expired" else desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    if substatus == "Expired":
        desk.clock.leap(15 * 86400)
        desk.referrals.tick()
    else:
        desk.change(referral, status=status, substatus=substatus)
    await desk.sync()
    closed = raw(desk, row["id"])
    assert (closed["statecode"], closed["statuscode"]) == expected
    (activity,) = closings(desk, row["id"])
    assert activity["subject"] == f"{'Won' if expected[0] == 1 else 'Lost'}: Harbour analytics"
    await desk.engine.sweep()
    await desk.sync()
    assert len(closings(desk, row["id"])) == 1


async def test_values_that_came_with_the_close_are_written_before_it(desk: Desk) -> None:
    """A closed opportunity is read-only, so the last words go in first."""
    referral = desk.portal()
    await desk.sync()
    desk.change(
        referral, status="Closed", substatus="Won", details__dealValue=90000, details__notes="Signed."
    )
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert (row["state"], row["value"], row["notes"]) == ("won", 90000, "Signed.")
    assert row["actualvalue"] == 90000
    assert row["name"] == "✔ Harbour analytics"


@pytest.mark.parametrize(("act", "substatus"), [("win", "Won"), ("lose", "Lost")])
async def test_an_edit_saved_right_before_the_close_goes_out_with_it(
    desk: Desk, act: str, substatus: str
) -> None:
    """M-06, M-07 U→, FLW-D08: the seller's closing leaves one activity, ours none."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, value=65000)
    getattr(desk.sandbox.dataverse.as_seller, act)(opportunity)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert (referral["status"], referral["substatus"]) == ("Closed", substatus)
    assert float(referral["details"]["dealValue"]) == 65000
    assert len(closings(desk, opportunity)) == 1


@pytest.mark.parametrize("code", [4, 5])
async def test_losing_an_unaccepted_deal_for_whatever_reason_declines_it(desk: Desk, code: int) -> None:
    """SCN-07, CAP-04, M-24: on hold, then Canceled or Out-Sold."""
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert raw(desk, row["id"])["statuscode"] == 2
    desk.sandbox.dataverse.as_seller.lose(row["id"], status=code)
    await desk.sync()
    declined = desk.referral(referral)
    assert (declined["status"], declined["substatus"]) == ("Closed", "Declined")
    assert declined["statusReason"]
    (step,) = [one.write for one in await desk.journal(referral) if "state" in one.write.consents]
    assert step.consents["state"].who == "Alex Moreau"


async def test_what_a_closed_deal_still_learns_reopens_nothing(desk: Desk) -> None:
    """`closed_rows = "leave"`: Microsoft's late answer does not open a won opportunity again."""
    opportunity = desk.opportunity(help="General or Other")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    theirs = desk.microsofts(referral["id"])
    assert theirs is not None
    desk.sandbox.dataverse.as_seller.win(opportunity)
    await desk.sync()
    desk.referrals.microsoft_accepts(theirs["id"])
    for _ in range(3):
        await desk.sync()
        await desk.engine.sweep()
    await desk.sync()
    assert desk.row(opportunity)["state"] == "won"
    assert len(closings(desk, opportunity)) == 1
