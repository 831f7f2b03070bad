"""Plants both seeds: the first partner's in Salesforce, the second partner's in Dynamics 365."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cosell.sandbox.partner_center import PartnerCenter
from cosell.sandbox.shell.seed import deals, deals_2
from cosell.sandbox.shell.seed.in_dataverse import InDataverse
from cosell.sandbox.shell.seed.in_salesforce import InSalesforce
from cosell.sandbox.shell.seed.people import FABRIKAM_SELLERS, SELLERS
from cosell.sandbox.shell.seed.plant import plant

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox


def plant_everything(sandbox: Sandbox) -> None:
    """Fills every system with the deals of its seed."""
    first, second = sandbox.partner_center, sandbox.partner_center_2
    plant(first, InSalesforce(sandbox.salesforce, _names(first)), deals.DEALS, sellers=SELLERS)
    dynamics = InDataverse(sandbox.dataverse, _names(second), FABRIKAM_SELLERS)
    plant(second, dynamics, deals_2.DEALS, sellers=FABRIKAM_SELLERS)
    closes = (sandbox.frame.clock.now() + timedelta(days=90)).date().isoformat()
    for prospect in deals_2.PROSPECTS:
        dynamics.prospect(prospect, closes=closes)


def _names(center: PartnerCenter) -> dict[str, str]:
    return {one["id"]: one["name"] for one in center.solutions}
