"""Opportunity and lead, closing activities and what they name (sheet sections 3 and 6)."""

from __future__ import annotations

from cosell.sandbox.dataverse.catalogue.customers import INDUSTRIES, address
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.drafting import (
    READ_ONLY,
    active,
    currency,
    day,
    flag,
    look,
    memo,
    moment,
    money,
    pick,
    state,
    table,
    text,
    to,
    whole,
)

FORECAST = "Pipeline|Best case|Committed|Omitted|Won|Lost"


def deal_tables() -> list[Table]:
    return [_opportunity(), _close(), _lead(), _campaign(), _competitor()]


def _customer(name: str, label: str, table_name: str) -> Column:
    return look(
        name,
        label,
        to("account", f"{name}_account", f"{table_name}_customer_accounts", "cascade"),
        to("contact", f"{name}_contact", f"{table_name}_customer_contacts", "cascade"),
        required="ApplicationRequired",
    )


def _opportunity() -> Table:
    return table(
        "opportunity",
        "opportunities",
        "Opportunity",
        "Opportunities",
        3,
        text("name", "Topic", 300, required="ApplicationRequired"),
        _customer("customerid", "Potential Customer", "opportunity"),
        look("parentaccountid", "Account", to("account", "parentaccountid", "opportunity_parent_account")),
        look("parentcontactid", "Contact", to("contact", "parentcontactid", "opportunity_parent_contact")),
        memo("description", "Description"),
        money("estimatedvalue", "Est. Revenue"),
        day("estimatedclosedate", "Est. Close Date"),
        whole("closeprobability", "Probability", 0, 100),
        money("actualvalue", "Actual Revenue"),
        day("actualclosedate", "Actual Close Date"),
        day("finaldecisiondate", "Final Decision Date"),
        flag("isrevenuesystemcalculated", "Revenue"),
        pick("salesstage", "Sales Stage", "0 Qualify|1 Develop|2 Propose|3 Close"),
        text("stepname", "Pipeline Phase", 200),
        pick("opportunityratingcode", "Rating", "1 Hot|2 Warm|3 Cold", default=2),
        pick("msdyn_forecastcategory", "Forecast category", FORECAST, first=100_000_001, default=100_000_001),
        pick(
            "purchasetimeframe",
            "Purchase Timeframe",
            "0 Immediate|1 This Quarter|2 Next Quarter|3 This Year|4 Unknown",
        ),
        money("budgetamount", "Budget Amount", low=0),
        text("emailaddress", "Email Address", 100, format="Email"),
        look(
            "originatingleadid",
            "Originating Lead",
            to("lead", "originatingleadid", "opportunity_originating_lead"),
        ),
        look("campaignid", "Source Campaign", to("campaign", "campaignid", "campaign_opportunities")),
        look(
            "pricelevelid",
            "Price List",
            to("pricelevel", "pricelevelid", "price_level_opportunties", "restrict"),
        ),
        currency("opportunity"),
        state(
            (0, "Open", "1 In Progress|2 On Hold"),
            (1, "Won", "3 Won"),
            (2, "Lost", "4 Canceled|5 Out-Sold"),
        ),
        schema_name="Opportunity",
        change_tracking=True,
        has_notes=True,
    )


def _close() -> Table:
    return table(
        "opportunityclose",
        "opportunitycloses",
        "Opportunity Close",
        "Opportunity Close Activities",
        4208,
        text("subject", "Subject", 200),
        memo("description", "Description"),
        money("actualrevenue", "Actual Revenue"),
        moment("actualend", "Close Date"),
        look(
            "opportunityid",
            "Opportunity",
            to("opportunity", "opportunityid", "Opportunity_OpportunityClose", "cascade"),
        ),
        look(
            "competitorid",
            "Competitor",
            to("competitor", "competitorid", "competitor_opportunity_activities"),
        ),
        whole("opportunitystatecode", "Opportunity State", **READ_ONLY),
        whole("opportunitystatuscode", "Opportunity Status Code", **READ_ONLY),
        currency("opportunityclose"),
        state((0, "Open", "1 Open"), (1, "Completed", "2 Completed"), (2, "Canceled", "3 Canceled")),
        schema_name="OpportunityClose",
        primary_id="activityid",
        primary_name="subject",
        activity=True,
        can_change_tracking=False,
    )


def _lead() -> Table:
    return table(
        "lead",
        "leads",
        "Lead",
        "Leads",
        4,
        text("subject", "Topic", 300, required="ApplicationRequired"),
        text("firstname", "First Name", 50),
        text("lastname", "Last Name", 50, required="ApplicationRequired"),
        text("fullname", "Name", 160, **READ_ONLY),
        text("companyname", "Company Name", 100, required="ApplicationRequired"),
        text("emailaddress1", "Email", 100, format="Email"),
        text("telephone1", "Business Phone", 50, format="Phone"),
        text("mobilephone", "Mobile Phone", 50, format="Phone"),
        text("jobtitle", "Job Title", 100),
        text("websiteurl", "Website", 200, format="Url"),
        address(),
        memo("description", "Description"),
        money("estimatedamount", "Est. Value", low=0),
        day("estimatedclosedate", "Est. Close Date"),
        money("budgetamount", "Budget Amount", low=0),
        whole("numberofemployees", "No. of Employees", 0, 1_000_000),
        pick("industrycode", "Industry", INDUSTRIES, first=1),
        pick("leadsourcecode", "Lead Source", "3 External Referral|4 Partner|8 Web"),
        look(
            "parentaccountid",
            "Parent Account for lead",
            to("account", "parentaccountid", "lead_parent_account"),
        ),
        look(
            "parentcontactid",
            "Parent Contact for lead",
            to("contact", "parentcontactid", "lead_parent_contact"),
        ),
        look(
            "qualifyingopportunityid",
            "Qualifying Opportunity",
            to("opportunity", "qualifyingopportunityid", "lead_qualifying_opportunity"),
        ),
        currency("lead"),
        state(
            (0, "Open", "1 New|2 Contacted"),
            (1, "Qualified", "3 Qualified"),
            (2, "Disqualified", "4 Lost|5 Cannot Contact|6 No Longer Interested|7 Canceled"),
        ),
        schema_name="Lead",
        primary_name="fullname",
        change_tracking=True,
        has_notes=True,
    )


def _campaign() -> Table:
    return table(
        "campaign",
        "campaigns",
        "Campaign",
        "Campaigns",
        4400,
        text("name", "Name", 128, required="ApplicationRequired"),
        active(),
        schema_name="Campaign",
    )


def _competitor() -> Table:
    return table(
        "competitor",
        "competitors",
        "Competitor",
        "Competitors",
        123,
        text("name", "Name", 100, required="ApplicationRequired"),
        schema_name="Competitor",
        ownership="OrganizationOwned",
    )
