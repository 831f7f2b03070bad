"""The echo's shortcut let marks be written without a precondition.

Found as a break of INV-1 by seed 14 at 52c3807.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=14,
    steps=(Step(at=154.509, act="from_microsoft", deal=0, key="", n=1),),
    faults={"throttled": 0.1, "webhook_unknown": 0.1, "page_skipped": 0.1, "signed_out": 0.1},
    partner_center_precondition="version",
    crm_precondition="second",
    signals="all",
    poll_partner_center=20.0,
    poll_crm=90.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="newest",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
