"""A lead was given an account of its own, which doubled the one its customer had from an earlier deal.

Found as a break of J-4 by seed 1364 at e3da645; it was the simulated CRM that made the account, no CRM does.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=1364,
    steps=(
        Step(at=187.461, act="portal_deal", deal=1, key="", n=2),
        Step(at=209.11, act="lead", deal=0, key="", n=1),
    ),
    faults={},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="all",
    poll_partner_center=60.0,
    poll_crm=90.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="partner_center",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
    leads="declining",
)
