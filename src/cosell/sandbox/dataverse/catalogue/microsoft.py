"""The columns of Microsoft's own connector, for organizations that come from it (sheet section 7).

Names are those of one public export; the option values are unknown but for one, the tables of its later
lookups are unknown altogether, so those are left out.
"""

from __future__ import annotations

from dataclasses import replace

from cosell.sandbox.dataverse.catalogue.connector import HELP
from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.drafting import flag, pick, text

FIRST_VALUE = 299_600_000


def microsoft_columns() -> tuple[Column, ...]:
    """What Microsoft's solution adds to opportunity, as far as it is known."""
    start = "msft_microsoftpartnercenter"
    made = (
        flag(f"{start}referralsync", "Sync with Partner Center"),
        text(f"{start}referralidentifier", "Referral identifier"),
        text(f"{start}referrallink", "Referral link", 400),
        pick(f"{start}help", "How can Microsoft help?", HELP, first=FIRST_VALUE),
        text(f"{start}solutions", "Products", 2_000),
        text(f"{start}referralsyncaudit", "Audit", 4_000),
        flag(f"{start}referralvisible", "Visible to Microsoft"),
        text(f"{start}referralprogram", "Referral program"),
        text("msft_microsoftcrmidentifier", "Microsoft CRM identifier"),
        pick("msft_coselltype", "Co-sell type", "Co-sell", first=FIRST_VALUE),
    )
    return tuple(replace(one, added=True, managed=True) for one in made)
