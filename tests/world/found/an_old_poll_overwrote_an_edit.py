"""A poll asked for before our own write counted as fresh, and an old value went over a new one.

Found as a break of INV-2 by seed 313 at 52c3807.
"""

from ..people import Step
from ..scene import Setting

SETTING = Setting(
    seed=313,
    steps=(
        Step(at=0.0, act="open_for_help", deal=3, key="", n=4),
        Step(at=0.0, act="portal_deal", deal=4, key="", n=5),
        Step(at=30.634, act="stage_lost", deal=4, key="", n=110),
        Step(at=62.545, act="edit_all_referrals", deal=4, key="", n=106),
        Step(at=120.631, act="edit_portal", deal=3, key="name", n=103),
        Step(at=128.659, act="contacts_crm", deal=4, key="close_date", n=108),
        Step(at=129.894, act="sync_off", deal=4, key="", n=102),
    ),
    faults={"webhook_lost": 0.3, "webhook_doubled": 0.1, "page_skipped": 0.1, "signed_out": 0.1},
    partner_center_precondition="version",
    crm_precondition="version",
    signals="all",
    poll_partner_center=60.0,
    poll_crm=20.0,
    processes=1,
    lease=120.0,
    kill_at=(),
    conflict="newest",
    tight_brake=True,
    whole_polls=True,
    rounds=True,
)
