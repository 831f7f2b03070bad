"""An unanswered amount was settled while its field was out of reach; the CRM had rounded it.

Found as a break of INV-4 by seed 1548 at 1ce8cd9.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=1548,
    steps=(
        Step(at=0.0, act="open_for_help", deal=3, key="", n=4),
        Step(at=10.818, act="open_off", deal=4, key="", n=5),
        Step(at=17.512, act="half_pair", deal=1, key="", n=2),
        Step(at=56.876, act="sync_off", deal=3, key="", n=103),
        Step(at=82.353, act="open_bare", deal=0, key="", n=1),
        Step(at=190.375, act="portal_deal", deal=2, key="", n=3),
        Step(at=207.901, act="help", deal=3, key="", n=110),
        Step(at=210.11, act="solutions_portal", deal=1, key="name", n=115),
        Step(at=279.309, act="stage_active", deal=4, key="", n=109),
        Step(at=411.693, act="edit_crm", deal=4, key="customer_name", n=112),
        Step(at=432.902, act="both", deal=0, key="name", n=113),
        Step(at=483.309, act="both", deal=2, key="deal_value", n=102),
    ),
    faults={
        "torn": 0.3,
        "unavailable": 0.1,
        "read_failed": 0.3,
        "page_repeated": 0.1,
        "poison": 0.1,
        "outage": 0.03,
        "drift": 0.3,
    },
    partner_center_precondition="version",
    crm_precondition="second",
    dynamics=False,
    signals="polls",
    poll_partner_center=90.0,
    poll_crm=60.0,
    processes=2,
    lease=15.0,
    parallel=8,
    kill_at=(),
    conflict="ask",
    tight_brake=False,
    whole_polls=True,
    rounds=True,
    leads="",
    restore=None,
    restore_told=True,
)
