"""The tables of a fresh environment, as data."""

from dataclasses import replace
from functools import cache

from cosell.sandbox.dataverse.catalogue.connector import connector_tables, extend
from cosell.sandbox.dataverse.catalogue.customers import customer_tables
from cosell.sandbox.dataverse.catalogue.customizing import customizing_tables
from cosell.sandbox.dataverse.catalogue.deals import deal_tables
from cosell.sandbox.dataverse.catalogue.hooks import hook_tables
from cosell.sandbox.dataverse.catalogue.microsoft import microsoft_columns
from cosell.sandbox.dataverse.catalogue.people import people_tables
from cosell.sandbox.dataverse.catalogue.products import product_tables
from cosell.sandbox.dataverse.catalogue.ties import tie_tables
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.frame import Org

__all__ = ["fresh_tables"]


def fresh_tables(given: Org = Org.READY) -> list[Table]:
    """Every table of a fresh environment, with what it was given of a connector's columns."""
    return [replace(one, columns=dict(one.columns), keys=list(one.keys)) for one in _pattern(given)]


@cache
def _pattern(given: Org) -> tuple[Table, ...]:
    """Described once for all environments; nobody but `fresh_tables` sees it."""
    tables = [*customer_tables(), *deal_tables(), *product_tables(), *tie_tables(), *people_tables()]
    tables += [*hook_tables(), *customizing_tables()]
    if given is Org.READY:
        for one in tables:
            if one.name in ("opportunity", "lead"):
                extend(one)
        tables += connector_tables()
    elif given is Org.MICROSOFT:
        next(one for one in tables if one.name == "opportunity").add(*microsoft_columns())
    return tuple(tables)
