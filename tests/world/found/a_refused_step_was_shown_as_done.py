"""Partner Center refused to show the deal to Microsoft; the CRM showed it as done, and it was tried for ever.

Found as a break of INV-4 by seed 13833 at 26d4b9b.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=13833,
    steps=(Step(at=0.0, act="pair", deal=0, key="", n=1), Step(at=8.566, act="help", deal=0, key="", n=101)),
    faults={"poison": 0.3},
    partner_center_precondition="version",
    crm_precondition="version",
    dynamics=False,
    signals="events",
    poll_partner_center=60.0,
    poll_crm=90.0,
    processes=1,
    lease=15.0,
    parallel=1,
    kill_at=(),
    conflict="crm",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
    leads="",
    restore=(157.445, 170.178),
    restore_told=False,
)
