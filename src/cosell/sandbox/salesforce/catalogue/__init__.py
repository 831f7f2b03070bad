"""The objects of a fresh org, as data."""

from cosell.sandbox.salesforce.catalogue.connector import (
    catalogue_object,
    connector_object,
    extend_lead,
    extend_opportunity,
)
from cosell.sandbox.salesforce.catalogue.content import content_objects
from cosell.sandbox.salesforce.catalogue.customers import customer_objects
from cosell.sandbox.salesforce.catalogue.deals import deal_objects
from cosell.sandbox.salesforce.catalogue.setup import setup_objects
from cosell.sandbox.salesforce.fields import SObject

__all__ = ["fresh_objects"]


def fresh_objects() -> list[SObject]:
    """Every object of a fresh org in which the connector's fields are installed."""
    objects = [*customer_objects(), *deal_objects(), *content_objects(), *setup_objects()]
    extend_opportunity(next(one for one in objects if one.name == "Opportunity"))
    extend_lead(next(one for one in objects if one.name == "Lead"))
    return [*objects, connector_object(), catalogue_object()]
