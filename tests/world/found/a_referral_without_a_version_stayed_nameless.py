"""A referral that had refused our id was never asked again, because it came without a version.

The sweep took a read without a version for Microsoft's own referral, which need not name an opportunity.
Found as a break of INV-18 by seed 892 at e3da645.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=138,
    steps=(
        Step(at=1.0, act="from_microsoft", deal=0, key="", n=4),
        Step(at=400.0, act="sync_now", deal=0, key="", n=7),
    ),
    faults={"poison": 0.3, "unavailable": 0.3},
    partner_center_precondition="none",
    crm_precondition="version",
    signals="polls",
    poll_partner_center=20.0,
    poll_crm=60.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="ask",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
