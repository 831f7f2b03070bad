"""A strict simulator of Microsoft Dataverse with Dynamics 365 Sales, and a side door for sellers."""

from cosell.sandbox.dataverse.errors import DataverseError
from cosell.sandbox.dataverse.fresh import INSTALLER
from cosell.sandbox.dataverse.settings import PlugIn, Settings
from cosell.sandbox.dataverse.simulator import Dataverse

__all__ = ["INSTALLER", "Dataverse", "DataverseError", "PlugIn", "Settings"]
