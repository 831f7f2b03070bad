"""A CRM that lacked a needed field from the start was only asked once a day whether it has it now.

Found as a break of J-9 by seed 1394 at 877f856.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=1394,
    steps=(Step(at=76.395, act="from_microsoft", deal=0, key="", n=1),),
    faults={"drift": 0.3},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="all",
    poll_partner_center=90.0,
    poll_crm=20.0,
    processes=1,
    lease=120.0,
    kill_at=(10,),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
