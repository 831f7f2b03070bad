"""Whatever is true of the real service: one life of a deal under every position of every switch.

Each switch of the simulator is a question Microsoft leaves open (partner-center-api.md 11, 12).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cosell.core.records import Snapshot
from cosell.core.values import Person, State
from cosell.ports import Creation, Invitation
from tests.systems.office import ANNA, Office, deal, office

SWITCHES: list[dict[str, Any]] = [
    {},
    {"terminal_refusal": 409},
    {"next_link": "good", "page_size": 2, "top_cap": 2},
    {"next_link": "foreign", "page_size": 2, "top_cap": 2},
    {"page_size": 1, "top_cap": 1},
    {"paging": "offset", "page_size": 2, "top_cap": 2},
    {"count": "total"},
    {"count": "absent"},
    {"filter_comparisons": False},
    {"filter_or": False},
    {"spurious_412_put": 1.0, "put_without_if_match": 412},
    {"etag_header": False},
    {"one_post_cosell": True},
    {"transitions": "pairs"},
    {"closing_as_error": True},
    {"reason_required": True},
    {"name_patchable": True},
    {"contacts_freeze_after_share": False},
    {"marketplace_intent_required": True},
    {"catalogue_solutions_only": True},
    {"extra_properties": {"brandNew": {"a": 1}, "details.more": [1]}},
    {"new_enum_values": {"quality": "Sparkling", "registrationStatus": "Orbiting"}},
    {"deal_value_form": "string"},
    {"role": "referrals-user", "role_email": ANNA.email},
    {"seller_in_own_team": True},
]


async def life(pc: Office) -> None:
    """Created, shared, accepted, changed, won; seen by a second connection all the way."""
    made = await pc.system.create(Creation("w", "006A", deal(help="QuotesOrLicensing", visible=True)))
    shared = await pc.system.invite(Invitation("w", made, "QuotesOrLicensing", "Please join."))
    again = await pc.system.invite(Invitation("w", made, "QuotesOrLicensing", "Please join."))
    assert shared.microsoft_id == again.microsoft_id is not None
    assert len(pc.microsoft.partner_center.referrals.all()) == 2
    pc.microsoft.partner_center.referrals.microsoft_accepts(shared.id)
    seen = await pc.read(shared.id)
    assert seen.values["microsoft_state"] == "active"
    assert str(seen.values["microsoft_id"]).startswith("7-")
    assert seen.values["team"] == (ANNA,)
    clara = Person("clara@contoso.example", "Clara", "Bos", "+31205550113")
    changed = await pc.write(seen, deal_value=Decimal("75000.25"), team=(ANNA, clara), notes=None)
    assert isinstance(changed, Snapshot), changed
    assert changed.values["deal_value"] == Decimal("75000.25")
    assert changed.values["team"] == (ANNA, clara)
    assert await pc.read(shared.id) == changed
    (found,) = await pc.system.find("006A")
    assert found == changed
    won = await pc.write(changed, state=State.LOST)
    assert isinstance(won, Snapshot), won
    assert won.values["state"] is State.LOST
    assert not isinstance(await pc.write(won, notes="too late"), Snapshot)


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda one: " ".join(one) or "documented")
async def test_a_deal_lives_its_life_whatever_the_service_does(switches: dict[str, Any]) -> None:
    async with office() as pc:
        for name, value in switches.items():
            assert hasattr(pc.microsoft.partner_center.switches, name)
            setattr(pc.microsoft.partner_center.switches, name, value)
        await life(pc)


async def test_a_moody_service_is_written_to_without_version_after_a_fresh_read() -> None:
    """Partner-center-api.md 6, advice; C-02."""
    async with office() as pc:
        made = await pc.system.create(Creation("w", "006A", deal()))
        pc.microsoft.partner_center.switches.spurious_412_patch = 1.0
        assert not isinstance(await pc.write(made, notes="x"), Snapshot)
        fresh = await pc.read(made.id)
        assert fresh == made
        assert isinstance(await pc.write(fresh, notes="x", guard=False), Snapshot)
