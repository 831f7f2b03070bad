"""A creation whose record became known by its own signal, and was deleted before it was accounted for.

Found as a break of INV-22 by seed 9158 at 87c415b.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=9158,
    steps=(
        Step(at=0.0, act="from_microsoft", deal=2, key="", n=3),
        Step(at=0.0, act="portal_deal", deal=3, key="", n=4),
        Step(at=112.388, act="delete", deal=3, key="", n=108),
    ),
    faults={"unavailable": 0.1},
    partner_center_precondition="version",
    crm_precondition="version",
    dynamics=False,
    signals="events",
    poll_partner_center=20.0,
    poll_crm=90.0,
    processes=2,
    lease=120.0,
    parallel=8,
    kill_at=(11, 75),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
    leads="",
    restore=None,
    restore_told=False,
)
