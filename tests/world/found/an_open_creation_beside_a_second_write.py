"""A link completed by another way kept its creation open, and a second write began beside it.

Found as a break of INV-8 by seed 13 at 365987c.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=13,
    steps=(
        Step(at=0.0, act="pair", deal=1, key="", n=2),
        Step(at=22.674, act="pair", deal=3, key="", n=4),
        Step(at=85.681, act="portal_deal", deal=4, key="", n=5),
    ),
    faults={"late": 0.03, "torn": 0.1, "page_repeated": 0.03},
    partner_center_precondition="version",
    crm_precondition="second",
    signals="events",
    poll_partner_center=60.0,
    poll_crm=60.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
