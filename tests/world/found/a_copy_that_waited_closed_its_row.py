"""A second copy waited in line; its refusal was taken for that of the first, which had landed meanwhile.

Found as a break of INV-7 by seed 88 at 1ce8cd9.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=88,
    steps=(
        Step(at=0.0, act="open_for_help", deal=0, key="", n=1),
        Step(at=92.358, act="closed_before", deal=1, key="", n=2),
        Step(at=132.848, act="from_microsoft", deal=2, key="", n=3),
        Step(at=145.683, act="half_pair", deal=4, key="", n=5),
        Step(at=166.533, act="portal_deal", deal=3, key="", n=4),
        Step(at=258.43, act="sync_off", deal=4, key="", n=101),
        Step(at=655.483, act="clear_all", deal=0, key="notes", n=0),
    ),
    faults={"lost": 0.3, "late": 0.1, "throttled": 0.1, "drift": 0.3},
    partner_center_precondition="version",
    crm_precondition="version",
    dynamics=False,
    signals="events",
    poll_partner_center=20.0,
    poll_crm=90.0,
    processes=1,
    lease=120.0,
    parallel=1,
    kill_at=(),
    conflict="partner_center",
    tight_brake=True,
    whole_polls=True,
    rounds=False,
    leads="",
    restore=None,
    restore_told=True,
)
