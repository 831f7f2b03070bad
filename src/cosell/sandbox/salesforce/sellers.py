"""The people who work in the org: they write as themselves, not as the integration user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cosell.sandbox.salesforce.conversion import Conversion
from cosell.sandbox.salesforce.errors import malformed_id, refusal
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.org import Actor, Org
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.soql.paths import reader
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.transactions import SlowTransaction
from cosell.sandbox.salesforce.writing import Writer

T = TypeVar("T")


class Sellers:
    """Does what a person does on the pages of Salesforce; the rules of the org hold for people too.

    `user` is an id, a user name, an e-mail address or a full name; left out, it is the first seller.
    A refused act raises SalesforceError and leaves nothing behind.
    """

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer

    def create(self, sobject: str, fields: Mapping[str, Any], *, user: str | None = None) -> str:
        """Creates a row and gives its id; duplicate alerts are clicked away."""

        def act(actor: Actor, seen: Seen) -> str:
            return str(self._writer.create(actor, seen, fields, allow_duplicate=True)["Id"])

        return self._act(sobject, user, act)

    def update(
        self, sobject: str, row_id: str, fields: Mapping[str, Any], *, user: str | None = None
    ) -> None:
        """Changes a row."""
        self._act(
            sobject, user, lambda actor, seen: self._writer.update(actor, seen, _id(seen, row_id), fields)
        )

    def delete(self, sobject: str, row_id: str, *, user: str | None = None) -> None:
        """Deletes a row as the Delete button does."""
        self._act(sobject, user, lambda actor, seen: self._writer.delete(actor, seen, _id(seen, row_id)))

    def undelete(self, sobject: str, row_id: str, *, user: str | None = None) -> None:
        """Brings a row back from the recycle bin."""
        self._act(sobject, user, lambda actor, seen: self._writer.undelete(actor, seen, _id(seen, row_id)))

    def convert(
        self, lead_id: str, *, opportunity: str | None = "", user: str | None = None, **fields: Any
    ) -> str | None:
        """Converts a lead, and gives the id of the opportunity it became.

        `opportunity`: the id of one that exists, or None for none at all. `fields` are what the person fills
        in on the new opportunity.
        """

        def act(actor: Actor, seen: Seen) -> str | None:
            row = self._writer.row(seen, _id(seen, lead_id))
            made = Conversion(self._org, self._writer, actor, row)
            return made.carry_out(opportunity, fields)

        return self._act("Lead", user, act)

    def touch(self, sobject: str, row_id: str) -> None:
        """Lets the system touch a row: SystemModstamp moves, LastModifiedDate does not."""

        def act(_: Actor, seen: Seen) -> Row:
            row = self._writer.row(seen, _id(seen, row_id))
            return self._org.replace(seen.name, row, by=None, system=True)

        self._act(sobject, None, act)

    def add_product(
        self,
        opportunity_id: str,
        *,
        unit_price: float,
        quantity: float = 1.0,
        name: str = "Co-sell bundle",
        user: str | None = None,
    ) -> str:
        """Puts a product on an opportunity, with its catalogue entries; it takes the amount over."""
        book = next(row["Id"] for row in self.rows("Pricebook2") if row["IsStandard"])
        product = self.create("Product2", {"Name": name, "IsActive": True}, user=user)
        prices = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": unit_price, "IsActive": True}
        line = {
            "OpportunityId": opportunity_id,
            "PricebookEntryId": self.create("PricebookEntry", prices, user=user),
            "Quantity": quantity,
            "UnitPrice": unit_price,
        }
        return self.create("OpportunityLineItem", line, user=user)

    def get(self, sobject: str, row_id: str) -> dict[str, Any]:
        """The row with every field of the object, null where empty; refused if it is gone."""
        seen = self._seen(sobject, self._org.seller())
        return _whole(seen, self._writer.row(seen, _id(seen, row_id)))

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        """All rows that are not deleted, oldest first, each with every field."""
        seen = self._seen(sobject, self._org.seller())
        return [_whole(seen, row) for row in self._org.store.live(seen.name)]

    def open_transaction(self) -> SlowTransaction:
        """Begins a slow transaction."""
        return SlowTransaction(self._org, self)

    def begin_slow_transaction(self) -> SlowTransaction:
        """Begins a slow transaction, to be used with ``with`` or ``async with``."""
        return self.open_transaction()

    def _act(self, sobject: str, user: str | None, act: Callable[[Actor, Seen], T]) -> T:
        actor = self._org.seller(user)
        seen = self._seen(sobject, actor)
        mark = self._org.store.mark()
        try:
            made = act(actor, seen)
        except BaseException:
            self._org.store.undo(mark)
            raise
        if self._org.transaction is None:
            self._org.store.settle()
        return made

    def _seen(self, sobject: str, actor: Actor) -> Seen:
        seen = self._org.view(actor).find(sobject)
        if seen is None:
            raise refusal(400, "INVALID_TYPE", f"sObject type '{sobject}' is not supported.")
        return seen


def _id(seen: Seen, given: str) -> str:
    row_id = long_id(given)
    if row_id is None:
        raise malformed_id(f"{seen.object.label} ID", given)
    return row_id


def _whole(seen: Seen, row: Row) -> dict[str, Any]:
    return {one.name: reader(one)(row) for one in seen.fields.values()}
