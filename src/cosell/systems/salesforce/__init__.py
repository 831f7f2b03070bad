"""Salesforce: opportunities with their account, contacts, solutions and team, over REST.

system = Salesforce(Options(...), transport=..., clock=...)
await system.prepare()   # signs in and finds out what the org has; every method does so at first use
"""

from dataclasses import dataclass

from cosell.core.records import Side
from cosell.systems.salesforce.options import (
    ClientSecret,
    FieldNames,
    FixedToken,
    Jwt,
    LeadFields,
    LeadStatuses,
    Options,
    Stages,
)
from cosell.systems.salesforce.system import Salesforce


@dataclass(frozen=True, slots=True)
class Description:
    """What the product shows about a system."""

    name: str
    label: str
    side: Side


SYSTEM = Description("salesforce", "Salesforce", Side.CRM)

__all__ = [
    "SYSTEM",
    "ClientSecret",
    "Description",
    "FieldNames",
    "FixedToken",
    "Jwt",
    "LeadFields",
    "LeadStatuses",
    "Options",
    "Salesforce",
    "Stages",
]
