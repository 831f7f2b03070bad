"""What is changed and what people see: forms and views between the two (sheet 5.1, steps 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from xml.etree.ElementTree import Element

from cosell.sandbox.dataverse.calls import Actor, Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.forms import LAYERED, bad_xml, layer, parsed
from cosell.sandbox.dataverse.customizing.locking import changing
from cosell.sandbox.dataverse.errors import bad_request, no_segment, not_allowed
from cosell.sandbox.dataverse.lists import Lists
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.records import Records
from cosell.sandbox.dataverse.store import Row

_TABLE_OF = {"systemform": "objecttypecode", "savedquery": "returnedtypecode"}
_SECTIONS = frozenset(
    {"entities", "optionsets", "ribbons", "dashboards", "sitemaps", "webresources", "workflows", "activities"}
    | {"settings", "nodes", "securityroles"}
)


class Publishing:
    """Answers the messages that publish, and the functions that look before it."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lists = Lists(org)

    def resources(self) -> dict[str, Callable[[Call], Reply]]:
        """Who answers which first segment of a path."""
        return {"PublishXml": self.some, "PublishAllXml": self.all}

    def bound(self) -> dict[str, Callable[[Call, Table], Reply]]:
        return {"RetrieveUnpublishedMultiple": self.unpublished}

    def bound_to_row(self, records: Records) -> dict[str, Callable[[Call, Table, str], Reply]]:
        def one(call: Call, table: Table, row_id: str) -> Reply:
            self._check(call, table)
            row = newest(self._org, table, row_id)
            return records.read(call, table, row)

        return {"RetrieveUnpublished": one}

    def all(self, call: Call) -> Reply:
        """Everything that waits."""
        if call.method != "POST":
            raise not_allowed(call.method)
        with changing(self._org, call, "prvPublishCustomization", "PublishAll"):
            publish(self._org, call.actor, None)
        return Reply(204)

    def some(self, call: Call) -> Reply:
        """What the parameter names."""
        if call.method != "POST":
            raise not_allowed(call.method)
        given = call.json().get("ParameterXml")
        if not isinstance(given, str):
            raise bad_request("The parameter ParameterXml is missing.")
        root = parsed(given)
        if root.tag != "importexportxml" or {one.tag for one in root} - _SECTIONS:
            raise bad_xml("The parameter names nothing that can be published.")
        names = self._names(root)
        with changing(self._org, call, "prvPublishCustomization", "Publish"):
            publish(self._org, call.actor, names)
        return Reply(204)

    def _names(self, root: Element) -> set[str]:
        names = {str(one.text or "").strip().lower() for one in root.iterfind("entities/entity")}
        unknown = names - set(self._org.schema.tables)
        if unknown:
            raise bad_xml(f"There is no entity '{sorted(unknown)[0]}'.")
        return names

    def unpublished(self, call: Call, table: Table) -> Reply:
        """The rows as they were last changed."""
        self._check(call, table)
        rows = [newest(self._org, table, one) for one in self._org.store.table(table.name).live]
        rows += [row for row in self._org.store.rows(layer(table.name)) if row not in rows]
        path = f"{table.entity_set}/Microsoft.Dynamics.CRM.RetrieveUnpublishedMultiple()"
        return self._lists.answer(call, table, rows, path, table.entity_set)

    def _check(self, call: Call, table: Table) -> None:
        if table.name not in LAYERED:
            raise no_segment(call.path.rpartition("/")[2])
        if call.method != "GET":
            raise not_allowed(call.method)


def newest(org: Org, table: Table, row_id: str) -> Row:
    """A row as it was last changed, published or not."""
    return org.store.get(layer(table.name), row_id) or org.store.table(table.name).live[row_id]


def publish(org: Org, actor: Actor, names: Collection[str] | None) -> None:
    """Lets people see what was changed of some tables' forms and views, or of all."""
    for name, owner in _TABLE_OF.items():
        table = org.schema.table(name)
        for row in org.store.rows(layer(name)):
            if names is not None and row.get(owner) not in names:
                continue
            row_id = row[table.primary_id]
            org.store.put(layer(name), row_id, None)
            if org.store.get(name, row_id) is None:
                org.insert(table, row, actor)
            else:
                org.replace(table, row, actor)
