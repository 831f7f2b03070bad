"""A creation found by another way lost its base; an old value went over a newer edit.

Found as a break of INV-2 by seed 32 at 365987c.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=32,
    steps=(
        Step(at=0.0, act="portal_deal", deal=2, key="", n=3),
        Step(at=32.79, act="open_for_help", deal=0, key="", n=1),
        Step(at=81.47, act="both", deal=0, key="notes", n=117),
        Step(at=107.101, act="portal_deal", deal=4, key="", n=5),
        Step(at=144.822, act="open", deal=1, key="", n=2),
        Step(at=146.234, act="delete", deal=3, key="", n=100),
        Step(at=147.949, act="portal_won", deal=2, key="", n=103),
        Step(at=171.744, act="half_pair", deal=3, key="", n=4),
        Step(at=176.396, act="edit_crm", deal=3, key="notes", n=102),
        Step(at=178.054, act="edit_portal", deal=3, key="name", n=104),
        Step(at=178.45, act="edit_portal", deal=3, key="notes", n=119),
        Step(at=178.717, act="edit_all_referrals", deal=3, key="", n=107),
        Step(at=179.519, act="edit_crm", deal=3, key="name", n=120),
        Step(at=275.293, act="portal_accept", deal=3, key="", n=112),
        Step(at=288.897, act="edit_portal", deal=1, key="name", n=111),
        Step(at=289.825, act="edit_portal", deal=1, key="name", n=123),
        Step(at=302.795, act="edit_crm", deal=3, key="city", n=101),
        Step(at=303.978, act="edit_portal", deal=3, key="notes", n=118),
        Step(at=317.561, act="stage_lost", deal=0, key="", n=106),
        Step(at=330.699, act="both", deal=4, key="currency", n=113),
        Step(at=336.009, act="visible", deal=4, key="", n=110),
        Step(at=361.727, act="stage_active", deal=3, key="", n=108),
        Step(at=374.254, act="edit_crm", deal=2, key="team", n=109),
        Step(at=377.144, act="edit_portal", deal=2, key="notes", n=122),
    ),
    faults={
        "lost": 0.03,
        "torn": 0.1,
        "unavailable": 0.03,
        "slow": 0.3,
        "read_failed": 0.1,
        "webhook_lost": 0.03,
        "page_repeated": 0.1,
        "outage": 0.3,
    },
    partner_center_precondition="version",
    crm_precondition="second",
    signals="all",
    poll_partner_center=20.0,
    poll_crm=90.0,
    processes=1,
    lease=15.0,
    kill_at=(30, 45),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
