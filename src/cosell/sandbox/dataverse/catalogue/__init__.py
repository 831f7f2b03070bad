"""The tables of a fresh environment, as data."""

from dataclasses import replace
from functools import cache

from cosell.sandbox.dataverse.catalogue.connector import connector_tables, extend
from cosell.sandbox.dataverse.catalogue.customers import customer_tables
from cosell.sandbox.dataverse.catalogue.deals import deal_tables
from cosell.sandbox.dataverse.catalogue.hooks import hook_tables
from cosell.sandbox.dataverse.catalogue.people import people_tables
from cosell.sandbox.dataverse.catalogue.products import product_tables
from cosell.sandbox.dataverse.catalogue.ties import tie_tables
from cosell.sandbox.dataverse.columns import Table

__all__ = ["fresh_tables"]


def fresh_tables() -> list[Table]:
    """Every table of a fresh environment in which the connector's columns are installed."""
    return [replace(one, columns=dict(one.columns), keys=list(one.keys)) for one in _pattern()]


@cache
def _pattern() -> tuple[Table, ...]:
    """Described once for all environments; nobody but `fresh_tables` sees it."""
    tables = [*customer_tables(), *deal_tables(), *product_tables(), *tie_tables(), *people_tables()]
    for one in tables:
        if one.name in ("opportunity", "lead"):
            extend(one)
    return (*tables, *hook_tables(), *connector_tables())
