"""A strict simulator of Salesforce: OAuth, REST, SOQL, composite, and a side door for sellers."""

from cosell.sandbox.salesforce.errors import SalesforceError
from cosell.sandbox.salesforce.settings import DuplicateRule, Settings, ValidationRule
from cosell.sandbox.salesforce.simulator import Salesforce

__all__ = ["DuplicateRule", "Salesforce", "SalesforceError", "Settings", "ValidationRule"]
