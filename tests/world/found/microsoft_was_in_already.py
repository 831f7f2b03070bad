"""Help chosen on a deal that Microsoft had sent asked Microsoft a second time.

Found as a break of INV-12 by seed 28 at 365987c.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=28,
    steps=(
        Step(at=0.0, act="from_microsoft", deal=0, key="", n=1),
        Step(at=170.691, act="help", deal=0, key="", n=104),
        Step(at=237.581, act="stage_active", deal=0, key="", n=103),
    ),
    faults={},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="events",
    poll_partner_center=60.0,
    poll_crm=20.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="ask",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
