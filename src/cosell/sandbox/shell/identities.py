"""The two partners of the sandbox: one works in Salesforce, the other in Dynamics 365."""

from __future__ import annotations

from dataclasses import dataclass

from cosell.sandbox.dataverse import INSTALLER
from cosell.sandbox.entra import CONTOSO, Application, Tenant
from cosell.sandbox.partner_center import Organization
from cosell.sandbox.partner_center.service import ORGANIZATION, SOLUTIONS
from cosell.sandbox.shell.seed.people import FABRIKAM_SELLERS, SELLERS
from cosell.sandbox.shell.seed.story import Seller


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a Partner Center account belongs to: its directory, its solutions, its sellers."""

    tenant: Tenant
    organization: Organization
    solutions: tuple[dict[str, str], ...]
    sellers: tuple[Seller, ...]


FIRST = Identity(CONTOSO, ORGANIZATION, SOLUTIONS, SELLERS)
DATAVERSE_APPLICATION = Application(
    "c11e0000-0000-4000-8000-00000000c003",
    "sandbox-secret-of-the-dataverse-application",
    "5e4f0000-0000-4000-8000-00000000d003",
)
"""What signs in to Dataverse as its application user."""
SECOND = Identity(
    Tenant(
        id="5a9d0000-0000-4000-8000-00000000e002",
        domain="fabrikam.onmicrosoft.example",
        person="noor.haddad@fabrikam.example",
        person_id="0b3c0000-0000-4000-8000-00000000f002",
        applications=(
            Application(
                "c11e0000-0000-4000-8000-00000000c002",
                "sandbox-secret-of-the-second-application",
                "5e4f0000-0000-4000-8000-00000000d002",
            ),
            DATAVERSE_APPLICATION,
            INSTALLER,
        ),
    ),
    Organization("7d23e5ca-0000-4000-8000-00000000a002", "Fabrikam Consulting GmbH", "6000002"),
    (
        {"id": "SOL-20001-AAA", "name": "Fabrikam Records Room"},
        {"id": "SOL-20002-BBB", "name": "Fabrikam Claims Desk"},
        {"id": "SOL-20003-CCC", "name": "Fabrikam Harbour Twin"},
        {"id": "SOL-20004-DDD", "name": "Fabrikam Seed to Shelf"},
    ),
    FABRIKAM_SELLERS,
)
