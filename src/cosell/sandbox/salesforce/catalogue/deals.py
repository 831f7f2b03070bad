"""Opportunity with its 41 fields and its children, products and price books (reference 11.1, 11.3-11.5)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.catalogue.customers import SOURCES
from cosell.sandbox.salesforce.fields import (
    Field,
    SObject,
    area,
    currency_code,
    day,
    flag,
    moment,
    money,
    number,
    owner,
    pick,
    ref,
    sobject,
    text,
)

FIXED: dict[str, Any] = {"createable": False, "updateable": False}
# Name, forecast category, its name, probability, closed, won. "On Hold" is the stage a co-sell team adds.
STAGES = (
    ("Prospecting", "Pipeline", "Pipeline", 10, False, False),
    ("On Hold", "Pipeline", "Pipeline", 10, False, False),
    ("Qualification", "Pipeline", "Pipeline", 10, False, False),
    ("Needs Analysis", "Pipeline", "Pipeline", 20, False, False),
    ("Value Proposition", "Pipeline", "Pipeline", 50, False, False),
    ("Id. Decision Makers", "Pipeline", "Pipeline", 60, False, False),
    ("Perception Analysis", "Pipeline", "Pipeline", 70, False, False),
    ("Proposal/Price Quote", "Pipeline", "Pipeline", 75, False, False),
    ("Negotiation/Review", "Pipeline", "Pipeline", 90, False, False),
    ("Closed Won", "Closed", "Closed", 100, True, True),
    ("Closed Lost", "Omitted", "Omitted", 0, True, False),
)
_ROLES = (
    "Business User|Decision Maker|Economic Buyer|Economic Decision Maker|Evaluator|Executive Sponsor"
    "|Influencer|Technical Buyer|Other"
)
_TEAM_ROLES = (
    "Account Manager|Channel Manager|Executive Sponsor|Lead Qualifier|Opportunity Owner|Pre-Sales Consultant"
    "|Sales Manager|Sales Rep"
)


def _opportunity() -> SObject:
    return sobject(
        "Opportunity",
        "Opportunity",
        "Opportunities",
        "006",
        ref("AccountId", "Account ID", "Account", "Opportunities", cascade=True),
        flag("IsPrivate", "Private"),
        text("Name", "Name", 120, nillable=False, name_field=True, id_lookup=True),
        area("Description", "Description", 32_000),
        pick("StageName", "Stage", "|".join(stage[0] for stage in STAGES), nillable=False),
        money("Amount", "Amount"),
        number("Probability", "Probability (%)", 3, 0, "percent", defaulted=True),
        money("ExpectedRevenue", "Expected Amount", **FIXED),
        number("TotalOpportunityQuantity", "Quantity", 18, 2),
        day("CloseDate", "Close Date", nillable=False),
        pick("Type", "Opportunity Type", "Existing Business|New Business"),
        text("NextStep", "Next Step", 255),
        pick("LeadSource", "Lead Source", SOURCES),
        flag("IsClosed", "Closed", **FIXED),
        flag("IsWon", "Won", **FIXED),
        pick(
            "ForecastCategory",
            "Forecast Category",
            "Omitted|Pipeline|BestCase|MostLikely|Forecast|Closed",
            40,
            nillable=False,
            defaulted=True,
            restricted=True,
            **FIXED,
        ),
        pick(
            "ForecastCategoryName",
            "Forecast Category",
            "Omitted|Pipeline|Best Case|Commit|Closed",
            defaulted=True,
            restricted=True,
        ),
        ref("CampaignId", "Campaign ID", "Campaign", "Opportunities"),
        flag("HasOpportunityLineItem", "Has Line Item", **FIXED),
        ref("Pricebook2Id", "Price Book ID", "Pricebook2", "Opportunities"),
        owner(),
        day("LastActivityDate", "Last Activity", **FIXED),
        number("PushCount", "Push Count", 9, 0, "int", **FIXED),
        moment("LastStageChangeDate", "Last Stage Change Date", **FIXED),
        number("FiscalQuarter", "Fiscal Quarter", 9, 0, "int", **FIXED),
        number("FiscalYear", "Fiscal Year", 9, 0, "int", **FIXED),
        text("Fiscal", "Fiscal Period", 6, **FIXED),
        ref("ContactId", "Contact ID", "Contact", updateable=False),
        moment("LastViewedDate", "Last Viewed Date", **FIXED),
        moment("LastReferencedDate", "Last Referenced Date", **FIXED),
        flag("HasOpenActivity", "Has Open Activity", **FIXED),
        flag("HasOverdueTask", "Has Overdue Task", **FIXED),
        ref("LastAmountChangedHistoryId", "Opportunity History ID", "OpportunityHistory", **FIXED),
        ref("LastCloseDateChangedHistoryId", "Opportunity History ID", "OpportunityHistory", **FIXED),
        currency_code(),
    )


def _stage() -> SObject:
    return sobject(
        "OpportunityStage",
        "Opportunity Stage",
        "Opportunity Stages",
        "01J",
        text("MasterLabel", "Master Label", 255, name_field=True),
        text("ApiName", "API Name", 255),
        flag("IsActive", "Is Active"),
        number("SortOrder", "Sort Order", 9, 0, "int"),
        flag("IsClosed", "Closed"),
        flag("IsWon", "Won"),
        pick("ForecastCategory", "Forecast Category", "Omitted|Pipeline|BestCase|MostLikely|Forecast|Closed"),
        pick("ForecastCategoryName", "Forecast Category Name", "Omitted|Pipeline|Best Case|Commit|Closed"),
        number("DefaultProbability", "Probability (%)", 3, 0, "percent"),
        text("Description", "Description", 255),
        createable=False,
        updateable=False,
        deletable=False,
        replicateable=False,
    )


def _contact_role() -> SObject:
    return sobject(
        "OpportunityContactRole",
        "Opportunity Contact Role",
        "Opportunity Contact Role",
        "00K",
        ref(
            "OpportunityId",
            "Opportunity ID",
            "Opportunity",
            "OpportunityContactRoles",
            nillable=False,
            updateable=False,
            cascade=True,
        ),
        ref("ContactId", "Contact ID", "Contact", "OpportunityContactRoles", nillable=False, cascade=True),
        pick("Role", "Role", _ROLES, 40),
        flag("IsPrimary", "Primary"),
        currency_code(),
        recycle_bin=False,
    )


def _team_member() -> SObject:
    parent: dict[str, Any] = {"nillable": False, "updateable": False, "cascade": True}
    return sobject(
        "OpportunityTeamMember",
        "Opportunity Team Member",
        "Opportunity Team Member",
        "00q",
        ref("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityTeamMembers", **parent),
        ref("UserId", "User ID", "User", "OpportunityTeams", nillable=False, updateable=False),
        text("Name", "Name", 361, name_field=True, **FIXED),
        Field("PhotoUrl", "Photo URL", "url", 255, createable=False, updateable=False),
        text("Title", "Title", 80, **FIXED),
        pick("TeamMemberRole", "Team Role", _TEAM_ROLES, 40),
        pick("OpportunityAccessLevel", "Opportunity Access", "*Read|Edit|All", 40, restricted=True),
        currency_code(),
        recycle_bin=False,
        feature="opportunity_teams",
    )


def _line_item() -> SObject:
    parent: dict[str, Any] = {"nillable": False, "updateable": False, "cascade": True}
    return sobject(
        "OpportunityLineItem",
        "Opportunity Product",
        "Opportunity Product",
        "00k",
        ref("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityLineItems", **parent),
        number("SortOrder", "Sort Order", 9, 0, "int"),
        ref("PricebookEntryId", "Price Book Entry ID", "PricebookEntry", updateable=False),
        ref("Product2Id", "Product ID", "Product2", "OpportunityLineItems", updateable=False),
        text("ProductCode", "Product Code", 255, **FIXED),
        text("Name", "Opportunity Product Name", 376, name_field=True, **FIXED),
        number("Quantity", "Quantity", 18, 2, nillable=False),
        money("TotalPrice", "Total Price"),
        money("UnitPrice", "Sales Price"),
        money("ListPrice", "List Price", **FIXED),
        day("ServiceDate", "Date"),
        text("Description", "Line Description", 255),
        currency_code(),
        feature="products",
    )


def _products() -> list[SObject]:
    return [
        sobject(
            "Product2",
            "Product",
            "Products",
            "01t",
            text("Name", "Product Name", 255, nillable=False, name_field=True, id_lookup=True),
            text("ProductCode", "Product Code", 255),
            area("Description", "Product Description", 4_000),
            flag("IsActive", "Active"),
            feature="products",
        ),
        sobject(
            "Pricebook2",
            "Price Book",
            "Price Books",
            "01s",
            text("Name", "Price Book Name", 255, nillable=False, name_field=True, id_lookup=True),
            flag("IsActive", "Active"),
            flag("IsStandard", "Is Standard Price Book", **FIXED),
            text("Description", "Description", 255),
        ),
        sobject(
            "PricebookEntry",
            "Price Book Entry",
            "Price Book Entries",
            "01u",
            text("Name", "Product Name", 255, name_field=True, **FIXED),
            ref("Pricebook2Id", "Price Book ID", "Pricebook2", "PricebookEntries", nillable=False),
            ref("Product2Id", "Product ID", "Product2", "PricebookEntries", nillable=False),
            money("UnitPrice", "List Price", nillable=False),
            flag("IsActive", "Active"),
            flag("UseStandardPrice", "Use Standard Price"),
            currency_code(),
            feature="products",
        ),
    ]


def deal_objects() -> list[SObject]:
    """The opportunity and what hangs on it."""
    return [_opportunity(), _stage(), _contact_role(), _team_member(), _line_item(), *_products()]
