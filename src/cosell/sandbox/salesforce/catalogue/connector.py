"""The fields and the object a co-sell connector uses (reference 13 and its default names)."""

from __future__ import annotations

from cosell.sandbox.salesforce.fields import (
    Field,
    SObject,
    area,
    currency_code,
    flag,
    money,
    number,
    pick,
    ref,
    sobject,
    text,
)

HELP = (
    "Workload Specific Value Proposition|Customer Technical Architecture|Proof Of Concept or Demo"
    "|Quotes or Licensing|Post Sales Customer Success|General or Other"
)


def extend_opportunity(opportunity: SObject) -> None:
    """Adds the connector's fields to Opportunity."""
    opportunity.add(
        flag("Sync_with_Partner_Center__c", "Sync with Partner Center"),
        text(
            "Referral_Identifier__c",
            "Referral Identifier",
            100,
            external_id=True,
            unique=True,
            id_lookup=True,
        ),
        Field("Referral_Link__c", "Referral Link", "url", 255),
        pick("How_can_Microsoft_help__c", "How can Microsoft help?", HELP),
        flag("Referral_visible_to_Microsoft__c", "Referral visible to Microsoft sellers?"),
        text("Microsoft_CRM_Identifier__c", "Microsoft CRM Identifier"),
        text("Referral_Program__c", "Referral Program"),
        area("Audit__c", "Audit", 100_000),
        text("Cosell_Stamp__c", "Cosell Stamp"),
    )


def extend_lead(lead: SObject) -> None:
    """Adds the connector's fields to Lead, under the names of those on Opportunity."""
    lead.add(
        flag("Sync_with_Partner_Center__c", "Sync with Partner Center"),
        text(
            "Referral_Identifier__c",
            "Referral Identifier",
            100,
            external_id=True,
            unique=True,
            id_lookup=True,
        ),
        Field("Referral_Link__c", "Referral Link", "url", 255),
        area("Audit__c", "Audit", 100_000),
        text("Cosell_Stamp__c", "Cosell Stamp"),
    )


def catalogue_object() -> SObject:
    """The solutions a seller chooses from, as an administrator may keep them (FLD-D11)."""
    return sobject(
        "Microsoft_Solution_Detail__c",
        "Microsoft Solution Detail",
        "Microsoft Solution Details",
        "a01",
        text("Name", "Solution Name", 80, name_field=True, id_lookup=True, defaulted=True),
        text(
            "Solution_Identifier__c",
            "Solution Identifier",
            100,
            external_id=True,
            unique=True,
            id_lookup=True,
        ),
        text("Type__c", "Type", 100),
        text("Publisher_Name__c", "Publisher Name", 200),
    )


def connector_object() -> SObject:
    """The solutions of an opportunity, one row each."""
    return sobject(
        "Microsoft_Partner_Center_Solution__c",
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
        number("Quantity__c", "Quantity", 18, 2),
        money("Price__c", "Price"),
    )
