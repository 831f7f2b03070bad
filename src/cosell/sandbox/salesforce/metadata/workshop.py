"""The org as a deploy works on it: everything it does can be taken back until it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cosell.sandbox.salesforce.fields import SObject
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.store import Row


@dataclass(slots=True)
class Workshop:
    """One deploy at work."""

    org: Org
    by: str
    gone_fields: list[tuple[str, str]] = field(default_factory=list)
    gone_objects: list[str] = field(default_factory=list)
    _objects: dict[str, SObject] = field(default_factory=dict)
    _documents: dict[tuple[str, str], Node] = field(default_factory=dict)
    _mark: int = 0

    def begin(self) -> None:
        """Remembers how everything was."""
        self._objects = {
            key: replace(one, fields=dict(one.fields)) for key, one in self.org.schema.objects.items()
        }
        self._documents = dict(self.org.documents)
        self._mark = self.org.store.mark()

    def take_back(self) -> None:
        """Leaves everything as it was."""
        self.org.schema.objects = self._objects
        self.org.schema.generation += 1
        self.org.documents = self._documents
        self.org.store.undo(self._mark)

    def keep(self) -> None:
        """Makes it last; what was removed loses its data for good."""
        for sobject, name in self.gone_fields:
            self.org.store.table(sobject).rename(name, None)
        for name in self.gone_objects:
            self.org.store.tables.pop(name, None)
        self.org.schema.generation += 1

    def insert(self, sobject: str, row: Row) -> str:
        """A new row of a setup object."""
        return str(self.org.insert(self.org.schema.object(sobject), row, self.by)["Id"])

    def remove_rows(self, table: str, field_name: str, value: str) -> None:
        """Removes the rows of a setup object that carry a value."""
        rows = self.org.store.table(table)
        for row_id in rows.ids_where(field_name, value):
            self.org.store.put(table, row_id, None)

    def changed(self) -> None:
        """Lets everybody see the schema anew."""
        self.org.schema.generation += 1

    def store_document(self, kind: str, name: str, node: Node) -> bool:
        """Keeps a component that is nothing but its text; true if it is new."""
        known = (kind, name) in self.org.documents
        self.org.documents[kind, name] = node
        return not known
