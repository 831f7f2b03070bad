"""A poll asked for before our own write counted as fresh, and our value went back as an edit.

Found as a break of INV-4 by seed 153 at 52c3807.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=153,
    steps=(
        Step(at=40.755, act="open", deal=0, key="", n=1),
        Step(at=43.438, act="open", deal=1, key="", n=2),
        Step(at=179.504, act="both", deal=1, key="notes", n=106),
        Step(at=377.095, act="edit_crm", deal=0, key="close_date", n=105),
        Step(at=377.59, act="edit_portal", deal=0, key="close_date", n=109),
    ),
    faults={"slow": 0.3, "page_repeated": 0.03, "signed_out": 0.1},
    partner_center_precondition="version",
    crm_precondition="second",
    signals="polls",
    poll_partner_center=90.0,
    poll_crm=60.0,
    processes=1,
    lease=15.0,
    kill_at=(),
    conflict="partner_center",
    tight_brake=False,
    whole_polls=False,
    rounds=False,
)
