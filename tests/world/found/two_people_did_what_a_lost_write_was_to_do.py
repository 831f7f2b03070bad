"""A write that was refused passed for done, because a person had put the very value it was to bring.

Both sides chose the same currency; the write went unanswered, and what stood in Partner Center afterwards
was the person's. Found as a break of INV-7 by seed 793 at e3da645.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=9,
    steps=(
        Step(at=0.0, act="open", deal=0, key="", n=1),
        Step(at=100.0, act="both", deal=0, key="currency", n=100),
    ),
    faults={"lost": 0.3},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="polls",
    poll_partner_center=90.0,
    poll_crm=20.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="ask",
    tight_brake=False,
    whole_polls=True,
    rounds=False,
)
