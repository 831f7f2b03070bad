"""The fields of Microsoft's own package as far as they are known (reference 13).

Printed names stand as printed; of the others only the label is known, and the name is what Salesforce
proposes for such a label. No public source names a namespace, so there is none here.
"""

from __future__ import annotations

from cosell.sandbox.salesforce.catalogue.connector import HELP
from cosell.sandbox.salesforce.fields import (
    Field,
    SObject,
    area,
    currency_code,
    flag,
    pick,
    ref,
    sobject,
    text,
)

SOLUTION = "Microsoft_Partner_Center_Solution__c"


def extend_opportunity(opportunity: SObject) -> None:
    """Adds Microsoft's fields to Opportunity; the referral id is an external id that is not unique."""
    opportunity.add(
        flag("Sync_with_Partner_Center__c", "Sync with Partner Center"),
        pick("How_can_Microsoft_help__c", "How can Microsoft help?", HELP),
        flag("Referral_visible_to_Microsoft_sellers__c", "Referral visible to Microsoft sellers?"),
        text("Microsoft_CRM_Identifier__c", "Microsoft CRM Identifier"),
        text("Referral_Identifier__c", "Referral Identifier", 100, external_id=True, id_lookup=True),
        Field("Referral_Link__c", "Referral Link", "url", 255),
        area("Audit__c", "Audit", 100_000),
        text("Referral_Program__c", "Referral Program"),
        text("Products__c", "Products"),
    )


def solution_object() -> SObject:
    """Microsoft Partner Center Solutions, one row a solution."""
    return sobject(
        SOLUTION,
        "Microsoft Partner Center Solution",
        "Microsoft Partner Center Solutions",
        "a00",
        text("Name", "Solution Name", 80, name_field=True, id_lookup=True, defaulted=True),
        currency_code(),
        ref(
            "Opportunity__c",
            "Opportunity",
            "Opportunity",
            "Microsoft_Partner_Center_Solutions__r",
            nillable=False,
            updateable=False,
            cascade=True,
            master=True,
        ),
        text("Solution_Identifier__c", "Solution Identifier"),
    )
