"""The objects of a fresh org, as data."""

from dataclasses import replace

from cosell.sandbox.frame import Org
from cosell.sandbox.salesforce.catalogue import microsoft
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


def fresh_objects(kind: Org = Org.READY) -> list[SObject]:
    """Every object of a fresh org, and what was installed in it by the time the connector came."""
    objects = [*customer_objects(), *deal_objects(), *content_objects(), *setup_objects()]
    opportunity = next(one for one in objects if one.name == "Opportunity")
    match kind:
        case Org.READY:
            lead = next(one for one in objects if one.name == "Lead")
            extend_opportunity(opportunity)
            extend_lead(lead)
            made = [connector_object(), catalogue_object()]
            for one in (opportunity, lead, *made):
                _guard(one)
            return [*objects, *made]
        case Org.MICROSOFT:
            microsoft.extend_opportunity(opportunity)
            return [*objects, microsoft.solution_object()]
        case Org.BARE:
            return objects


def _guard(one: SObject) -> None:
    """Leaves the custom fields of an object, and a custom object, to permission sets."""
    one.guarded = one.custom
    one.fields = {
        key: replace(field, guarded=True) if field.custom else field for key, field in one.fields.items()
    }
