"""A creation whose record came to the link by another way was never settled.

Found as a break of INV-22 by seed 65 at 365987c.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=65,
    steps=(
        Step(at=0.0, act="names_nobody", deal=4, key="", n=5),
        Step(at=72.637, act="open", deal=2, key="", n=3),
        Step(at=102.569, act="open_for_help", deal=0, key="", n=1),
        Step(at=201.083, act="open", deal=1, key="", n=2),
        Step(at=344.303, act="sync_off", deal=0, key="", n=105),
        Step(at=361.189, act="both", deal=4, key="close_date", n=103),
    ),
    faults={"late": 0.3, "throttled": 0.3, "page_skipped": 0.03, "page_repeated": 0.3, "signed_out": 0.1},
    partner_center_precondition="version",
    crm_precondition="second",
    signals="polls",
    poll_partner_center=60.0,
    poll_crm=20.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="partner_center",
    tight_brake=False,
    whole_polls=True,
    rounds=True,
)
