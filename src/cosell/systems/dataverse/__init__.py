"""Dynamics 365: opportunities with their account, contacts, solutions and team, over the Web API."""

from dataclasses import dataclass

from cosell.core.records import Side
from cosell.systems.dataverse.options import (
    COSELL,
    MICROSOFT,
    Certificate,
    ClientSecret,
    FieldNames,
    FixedToken,
    Options,
    Statuses,
)
from cosell.systems.dataverse.system import Dataverse


@dataclass(frozen=True, slots=True)
class Description:
    """What the product shows about a system."""

    name: str
    label: str
    side: Side


SYSTEM = Description("dynamics", "Dynamics 365", Side.CRM)

__all__ = [
    "COSELL",
    "MICROSOFT",
    "SYSTEM",
    "Certificate",
    "ClientSecret",
    "Dataverse",
    "Description",
    "FieldNames",
    "FixedToken",
    "Options",
    "Statuses",
]
