"""Two workers of one process recalled the lost fields at once; one forgot what the other had found.

Found as a break of J-9 by seed 1873 at 877f856.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=1873,
    steps=(
        Step(at=254.626, act="from_microsoft", deal=0, key="", n=1),
        Step(at=268.722, act="pair", deal=1, key="", n=2),
    ),
    faults={"drift": 0.9},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="all",
    poll_partner_center=60.0,
    poll_crm=90.0,
    processes=2,
    lease=120.0,
    kill_at=(1048,),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
    restore=(350.314, 611.891),
)
