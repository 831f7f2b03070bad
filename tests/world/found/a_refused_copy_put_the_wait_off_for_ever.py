"""A creation went unanswered and its repeats were refused; each refusal began the wait for the first anew.

Found as a break of INV-22 by seed 2179 at e3da645.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=17,
    steps=(Step(at=104.404, act="lead_nobody", deal=2, key="", n=20000),),
    faults={"lost": 0.1},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="sweep",
    poll_partner_center=20.0,
    poll_crm=20.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="crm",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
    leads="declining",
)
