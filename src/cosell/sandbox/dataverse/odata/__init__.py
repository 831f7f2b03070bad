"""The query language of the Web API: `$filter`, `$orderby`, `$select`, `$expand`."""

from cosell.sandbox.dataverse.odata.conditions import compile_filter
from cosell.sandbox.dataverse.odata.ordering import Order, read_order
from cosell.sandbox.dataverse.odata.picking import pick
from cosell.sandbox.dataverse.odata.selection import Expand, Selection, read_selection

__all__ = ["Expand", "Order", "Selection", "compile_filter", "pick", "read_order", "read_selection"]
