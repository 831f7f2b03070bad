"""The columns and tables a co-sell connector installs, under its default names."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Key, Table
from cosell.sandbox.dataverse.drafting import (
    active,
    currency,
    decimal,
    flag,
    look,
    memo,
    money,
    pick,
    table,
    text,
    to,
)

HELP = (
    "Workload Specific Value Proposition|Customer Technical Architecture|Proof Of Concept or Demo"
    "|Quotes or Licensing|Post Sales Customer Success|General or Other"
)
SOLUTION = "cosell_opportunitysolution"
CATALOGUE = "cosell_solutiondetail"
FIRST_VALUE = 727_000_000
"""Where the choice values of the connector's publisher begin (sheet section 5.1)."""


def extend(target: Table) -> None:
    """Adds the connector's columns and the referral key to opportunity or lead."""
    target.add(
        flag(
            "cosell_syncwithpartnercenter",
            "Sync with Partner Center",
            schema_name="cosell_SyncWithPartnerCenter",
        ),
        text(
            "cosell_referralidentifier", "Referral identifier", 100, schema_name="cosell_ReferralIdentifier"
        ),
        text("cosell_referrallink", "Referral link", 400, schema_name="cosell_ReferralLink", format="Url"),
        pick(
            "cosell_howcanmicrosofthelp",
            "How can Microsoft help?",
            HELP,
            first=FIRST_VALUE,
            schema_name="cosell_HowCanMicrosoftHelp",
        ),
        flag("cosell_visibletomicrosoft", "Visible to Microsoft", schema_name="cosell_VisibleToMicrosoft"),
        text(
            "cosell_microsoftcrmidentifier",
            "Microsoft CRM identifier",
            100,
            schema_name="cosell_MicrosoftCrmIdentifier",
        ),
        text("cosell_referralprogram", "Referral program", 100, schema_name="cosell_ReferralProgram"),
        memo("cosell_audit", "Audit", 100_000, schema_name="cosell_Audit"),
        text("cosell_stamp", "Cosell stamp", 100, schema_name="cosell_Stamp"),
    )
    target.keys.append(
        Key(
            f"cosell_{target.name}referralkey",
            "Referral key",
            ("cosell_referralidentifier",),
            f"cosell_{target.schema_name}ReferralKey",
        )
    )


def connector_tables() -> list[Table]:
    return [_catalogue(), _solutions()]


def _catalogue() -> Table:
    made = table(
        CATALOGUE,
        "cosell_solutiondetails",
        "Microsoft Solution Detail",
        "Microsoft Solution Details",
        10_701,
        text("cosell_name", "Solution name", 200, schema_name="cosell_Name", required="ApplicationRequired"),
        text(
            "cosell_solutionidentifier", "Solution identifier", 100, schema_name="cosell_SolutionIdentifier"
        ),
        text("cosell_solutiontype", "Solution type", 100, schema_name="cosell_SolutionType"),
        text("cosell_publishername", "Publisher name", 200, schema_name="cosell_PublisherName"),
        active(),
        schema_name="cosell_SolutionDetail",
        primary_name="cosell_name",
        change_tracking=True,
        custom=True,
    )
    made.keys.append(
        Key(
            "cosell_solutiondetailkey",
            "Solution key",
            ("cosell_solutionidentifier",),
            "cosell_SolutionDetailKey",
        )
    )
    return made


def _solutions() -> Table:
    """The solutions of an opportunity, one row each."""
    return table(
        SOLUTION,
        "cosell_opportunitysolutions",
        "Opportunity Solution",
        "Opportunity Solutions",
        10_702,
        text("cosell_name", "Solution name", 200, schema_name="cosell_Name"),
        look(
            "cosell_opportunityid",
            "Opportunity",
            to(
                "opportunity",
                "cosell_OpportunityId",
                "cosell_opportunity_cosell_opportunitysolution",
                "cascade",
            ),
            schema_name="cosell_OpportunityId",
            required="ApplicationRequired",
        ),
        look(
            "cosell_solutiondetailid",
            "Solution detail",
            to(
                "cosell_solutiondetail",
                "cosell_SolutionDetailId",
                "cosell_solutiondetail_cosell_opportunitysolution",
            ),
            schema_name="cosell_SolutionDetailId",
        ),
        text(
            "cosell_solutionidentifier", "Solution identifier", 100, schema_name="cosell_SolutionIdentifier"
        ),
        decimal("cosell_quantity", "Quantity", 2, schema_name="cosell_Quantity"),
        money("cosell_price", "Price", schema_name="cosell_Price"),
        currency("cosell_opportunitysolution"),
        active(),
        schema_name="cosell_OpportunitySolution",
        primary_name="cosell_name",
        change_tracking=True,
        custom=True,
    )
