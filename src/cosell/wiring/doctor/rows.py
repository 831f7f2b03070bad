"""Every prerequisite and trouble of Microsoft's connectors, and what became of it (product.md A1, A11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the acceptance list."""

    asks: str
    gone: str = ""
    """Why nobody has to look after it any more; empty where a check proves it."""
    crm: str = ""
    """The CRM it is about, by name; empty for every one."""


_NO_FLOWS = "Power Automate is not needed."

ROWS: Mapping[str, Row] = {
    "PRE-01": Row("A valid partner id (MPN id, PartnerID)"),
    "PRE-02": Row("A solution that is co-sell ready"),
    "PRE-03": Row("The partner id of the account is that of the solution"),
    "PRE-04": Row("The co-sell referrals can be seen"),
    "PRE-05": Row("The connection's user is a Referrals admin"),
    "PRE-06": Row("Dynamics: an administrator installs, and only installs", crm="dynamics"),
    "PRE-07": Row("Salesforce: an administrator installs, and only installs", crm="salesforce"),
    "PRE-08": Row("An active Power Automate account of the CRM admin", _NO_FLOWS),
    "PRE-09": Row("A Power Automate environment with a database", _NO_FLOWS),
    "PRE-10": Row("A Power Automate licence", _NO_FLOWS),
    "PRE-11": Row("Room for the data"),
    "PRE-12": Row("A currency that suits, set in the CRM"),
    "PRE-13": Row("The sales team are users of the CRM"),
    "PRE-14": Row("Salesforce needs no Dynamics subscription", _NO_FLOWS),
    "PRE-15": Row("Salesforce: Notes", crm="salesforce"),
    "PRE-16": Row("Salesforce: Opportunity Teams", crm="salesforce"),
    "PRE-17": Row("The connector's fields and objects"),
    "PRE-18": Row("The related list of solutions on the page", crm="salesforce"),
    "PRE-19": Row("The field for the currency"),
    "PRE-20": Row("The customer's country as a two-letter code"),
    "TRB-1.1": Row("How many calls an update costs, and what is left of the quota"),
    "TRB-1.2": Row("Who may create sections in the CRM", "An administrator: the installer shows what."),
    "TRB-1.3": Row("Do sellers need a role in Partner Center?"),
    "TRB-1.4": Row("What to set up in the CRM first"),
    "TRB-1.5": Row("What the environment needs"),
    "TRB-1.6": Row("A Dynamics subscription for Salesforce?", _NO_FLOWS),
    "TRB-2.1": Row("WorkflowTriggerNotFound", _NO_FLOWS),
    "TRB-2.2": Row("Sign-in error when Partner Center is added"),
    "TRB-2.3": Row("“Requires updates” on a flow", _NO_FLOWS),
    "TRB-2.4": Row("Cannot add connections to a flow", _NO_FLOWS),
    "TRB-2.5": Row("Flows do not turn on"),
    "TRB-3.1": Row("Failures while running"),
    "TRB-3.2": Row("A referral is not in sync"),
    "TRB-3.3": Row("How to make sure that both ways work"),
    "TRB-3.4": Row("The connector was disconnected, a referral missed"),
    "TRB-3.5": Row("Access denied"),
    "TRB-3.6": Row("The account's country code is missing"),
    "TRB-3.7": Row("“Solution ID is required”"),
    "TRB-3.8": Row("A deal of Partner Center is not in the CRM, without an error"),
    "TRB-4.1": Row("Leads do not arrive"),
    "TRB-4.2": Row("A lead arrives as a lead"),
    "TRB-4.3": Row("No event ever comes after registration: several tenants"),
    "TRB-4.4": Row("Duplicate opportunities"),
    "TRB-4.5": Row("Which version?"),
    "TRB-4.6": Row("XRM API 0x80040216", "Only mapped fields are read."),
    "TRB-4.7": Row("“Requires the property item/Status”: the lead's status"),
    "TRB-4.8": Row("Where are the logs?"),
    "TRB-4.9": Row("What updates Partner Center → CRM?"),
    "TRB-4.10": Row("What updates CRM → Partner Center?"),
    "TRB-4.11": Row("Still stuck", "The issue tracker; the doctor's JSON belongs to it."),
}
