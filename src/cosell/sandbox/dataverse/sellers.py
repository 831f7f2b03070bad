"""The people who work in the environment: they write as themselves, whatever the connector's roles are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.closing import LOST, WON, Closing
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.errors import no_property, no_segment
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.qualifying import Qualifying
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.transactions import SlowTransaction
from cosell.sandbox.dataverse.values import guid
from cosell.sandbox.dataverse.writing import Writer

T = TypeVar("T")


class Sellers:
    """Does what a person does on the forms of Dynamics 365; the rules of the environment hold for people too.

    Tables and columns go by their logical names. A lookup takes an id, or ``(table, id)`` where it may point
    to several tables; None clears. `user` is an id, a name or an e-mail address; left out, it is the first
    seller. A refused act raises DataverseError and leaves nothing behind.
    """

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer
        self._closing, self._qualifying = Closing(org, writer), Qualifying(org, writer)

    def create(self, table: str, fields: Mapping[str, Any], *, user: str | None = None) -> str:
        """Creates a row and gives its id."""
        found = self._table(table)
        row = self._act(user, lambda actor: self._writer.create(actor, found, self._body(found, fields)))
        return str(row[found.primary_id])

    def update(self, table: str, row_id: str, fields: Mapping[str, Any], *, user: str | None = None) -> None:
        """Changes a row."""
        found = self._table(table)
        self._act(
            user, lambda actor: self._writer.update(actor, found, _id(row_id), self._body(found, fields))
        )

    def delete(self, table: str, row_id: str, *, user: str | None = None) -> None:
        """Deletes a row as the Delete button does."""
        found = self._table(table)
        self._act(user, lambda actor: self._writer.delete(actor, found, _id(row_id)))

    def win(
        self,
        opportunity_id: str,
        *,
        status: int = -1,
        revenue: float | Decimal | None = None,
        on: str | None = None,
        subject: str = "Won",
        user: str | None = None,
    ) -> None:
        """Closes an opportunity as won, `on` a day."""
        self._close(WON, opportunity_id, status, revenue, on, subject, user)

    def lose(
        self,
        opportunity_id: str,
        *,
        status: int = -1,
        revenue: float | Decimal | None = None,
        on: str | None = None,
        subject: str = "Lost",
        user: str | None = None,
    ) -> None:
        """Closes an opportunity as lost; `status` 4 canceled, 5 out-sold."""
        self._close(LOST, opportunity_id, status, revenue, on, subject, user)

    def reopen(self, opportunity_id: str, *, user: str | None = None) -> None:
        """Opens a closed opportunity again."""
        self.update("opportunity", opportunity_id, {"statecode": 0}, user=user)

    def qualify(
        self,
        lead_id: str,
        *,
        account: bool = True,
        contact: bool = True,
        opportunity: bool = True,
        user: str | None = None,
    ) -> dict[str, str]:
        """Qualifies a lead; gives the ids of what came of it, by table."""
        wishes = {
            "CreateAccount": account,
            "CreateContact": contact,
            "CreateOpportunity": opportunity,
            "Status": -1,
        }
        made = self._act(user, lambda actor: self._qualifying.qualify(actor, _id(lead_id), wishes))
        return {one.table: one.id for one in made}

    def touch(self, table: str, row_id: str, *, user: str | None = None) -> None:
        """Lets a flow or a plug-in write a row without changing it: its version and its stamps move."""
        found = self._table(table)
        self._act(user, lambda actor: self._org.replace(found, self._writer.row(found, _id(row_id)), actor))

    def get(self, table: str, row_id: str) -> dict[str, Any]:
        """The row with every column, null where empty; refused if it is gone."""
        found = self._table(table)
        return _whole(found, self._writer.row(found, _id(row_id)))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows, oldest first, each with every column."""
        found = self._table(table)
        return [_whole(found, row) for row in self._org.store.rows(found.name)]

    def open_transaction(self) -> SlowTransaction:
        """Begins a slow transaction."""
        return SlowTransaction(self._org, self)

    def _close(
        self,
        state: int,
        opportunity_id: str,
        status: int,
        revenue: float | Decimal | None,
        on: str | None,
        subject: str,
        user: str | None,
    ) -> None:
        close: dict[str, Any] = {
            "subject": subject,
            "opportunityid@odata.bind": f"/opportunities({_id(opportunity_id)})",
        }
        if revenue is not None:
            close["actualrevenue"] = revenue
        if on is not None:
            close["actualend"] = f"{on}T00:00:00Z"
        self._act(user, lambda actor: self._closing.close(actor, state, status, close))

    def _act(self, user: str | None, act: Callable[[Actor], T]) -> T:
        actor = self._org.seller(user)
        with self._org.transaction():
            made = act(actor)
        if self._org.slow is None:
            self._org.store.settle()
        return made

    def _table(self, name: str) -> Table:
        found = self._org.schema.tables.get(name)
        if found is None:
            raise no_segment(name)
        return found

    def _body(self, table: Table, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as a request body; a bind is taken as it is."""
        body: dict[str, Any] = {}
        for name, value in fields.items():
            column = table.columns.get(name)
            if column is None or column.kind != "lookup":
                body[name] = value
                continue
            link = self._link(table, column, value)
            navigation = column.targets[0].navigation
            if link is None:
                body[f"{navigation}@odata.bind"] = None
            else:
                target = column.target(link.table) or column.targets[0]
                entity_set = self._org.schema.table(link.table).entity_set
                body[f"{target.navigation}@odata.bind"] = f"/{entity_set}({link.id})"
        return body

    def _link(self, table: Table, column: Column, value: Any) -> Ref | None:
        if value is None:
            return None
        if isinstance(value, tuple | list):
            return Ref(str(value[0]), _id(value[1]))
        for target in column.targets:
            if self._org.store.get(target.table, _id(value)) is not None:
                return Ref(target.table, _id(value))
        raise no_property(f"{column.name} -> {value}", table.type_name)


def _id(given: Any) -> str:
    return guid(given) or str(given)


def _whole(table: Table, row: Row) -> dict[str, Any]:
    return {name: _told(row.get(name)) for name in table.columns}


def _told(value: Any) -> Any:
    """A value as Python's JSON takes it; lookups stay pairs of table and id."""
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) and not isinstance(value, Ref) else value
