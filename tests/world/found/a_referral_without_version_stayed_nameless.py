"""A referral without version that names no opportunity passed for Microsoft's own, and was left alone.

Found as a break of INV-18 by seed 1298 at e3da645.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=1298,
    steps=(
        Step(at=3.373, act="portal_deal", deal=0, key="", n=1),
        Step(at=127.485, act="edit_portal", deal=0, key="team", n=102),
    ),
    faults={"lost": 0.3, "page_repeated": 0.3, "poison": 0.1},
    partner_center_precondition="none",
    crm_precondition="version",
    signals="polls",
    poll_partner_center=90.0,
    poll_crm=90.0,
    processes=1,
    lease=15.0,
    kill_at=(),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
