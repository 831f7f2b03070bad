"""Turns canonical values into the columns of an opportunity or a lead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cosell.core.answers import help_choices
from cosell.core.errors import Rejected
from cosell.core.fields import HELP_LABELS, Help
from cosell.core.marks import audit_text, link_to, marked
from cosell.core.records import Snapshot
from cosell.core.values import Unreadable, Value
from cosell.ports import Marks
from cosell.systems.dataverse.lengths import fitting
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.rows import answer_of
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.streets import columns_of_street, lines_of

APART = frozenset(("solutions", "contacts", "team", "state"))
"""Fields that are no single column: `writing`, `children` and `closing` see to them."""


class Columns:
    """Writes the columns of one table of one schema."""

    def __init__(
        self, schema: Schema, options: Options, table: str, own: Mapping[str, Column], *, signs: bool
    ) -> None:
        """`signs`: the seller sees by a sign before the name how the sync fares (ENV-D01)."""
        self._signs = signs
        self._schema, self._options, self._table = schema, options, table
        self.own = own
        self._help = _help_choices(own.get("help"))
        audit = own.get("audit")
        self._street = columns_of_street(schema.tables[table], own=own)
        self._audit_limit = min(options.audit_limit, audit.length or options.audit_limit) if audit else 0
        self._name_limit = own["name"].length or 300

    # --- values ------------------------------------------------------------------------------------

    def body(self, values: Mapping[str, Value], seen: Snapshot | None) -> dict[str, Any]:
        """The columns among `values`. Raises Rejected for what cannot be said."""
        body: dict[str, Any] = {}
        for key, value in values.items():
            if key in APART or key not in self.own:
                continue
            if key == "name" and seen is not None:
                continue  # `marks` writes it, sign included
            if key == "deal_value" and self._is_computed(seen):
                raise Rejected(
                    "The products of the opportunity make its deal value, and would overwrite another.",
                    fields=("deal_value",),
                    advice="Change the products, or set the deal value in Partner Center to their sum.",
                    code="computed",
                )
            if isinstance(value, Unreadable):
                raise Rejected(f"The value for {key} {value.why}.", fields=(key,), code="unreadable")
            body |= self._wire(key, value)
        return body

    def _is_computed(self, seen: Snapshot | None) -> bool:
        """Whether product lines make the revenue: they overwrite it without a word (dataverse-api.md 3)."""
        return self._options.value_field == "estimatedvalue" and seen is not None and "products" in seen.facts

    def _wire(self, key: str, value: Value) -> dict[str, Any]:
        column = self.own[key]
        if key == "address_line":
            return lines_of(value, self._street, self._options)
        if key == "currency" and column.is_lookup:
            return self.currency(value)
        if key == "help":
            return {column.name: self._help_choice(value)}
        if key == "visible":
            return {column.name: value is True}
        if isinstance(value, str):
            return {column.name: fitting(key, value, column, self._options)}
        if value is None or isinstance(value, Decimal):
            return {column.name: value}
        if isinstance(value, date):
            return {column.name: value.isoformat()}
        raise Rejected(f"The value for {key} has no form in Dynamics 365.", fields=(key,), code="unreadable")

    def currency(self, value: Value, table: str | None = None) -> dict[str, Any]:
        """Binds a row to a currency of the organization; nothing is ever converted (dataverse-api.md 6)."""
        if value is None:
            raise Rejected(
                "Amounts in Dynamics 365 always have a currency.",
                fields=("currency",),
                advice="Choose the currency in Partner Center.",
                code="required",
            )
        known = self._schema.currencies.get(value) if isinstance(value, str) else None
        if known is None:
            raise Rejected(
                f"Dynamics 365 has no active currency {str(value)[:3]}.",
                fields=("currency",),
                advice="Add or activate the currency in Dynamics 365; amounts are never converted.",
                code="currency",
            )
        name = self._options.currency_field if table is None else "transactioncurrencyid"
        bind = self._schema.bind(table or self._table, name, "transactioncurrency")
        currencies = self._schema.tables["transactioncurrency"].set
        return {bind: f"/{currencies}({known.id})"} if bind is not None else {}

    def _help_choice(self, value: Value) -> Any:
        if value is None:
            return None
        try:
            return self._help[Help(str(value))]
        except (ValueError, KeyError):
            raise Rejected(
                "The kind of help is none that Dynamics 365 offers.",
                fields=("help",),
                advice="Add the value to the choice in Dynamics 365.",
                code="choice",
            ) from None

    # --- marks -------------------------------------------------------------------------------------

    def marks(
        self, marks: Marks, values: Mapping[str, Value], seen: Snapshot, *, guarded: bool
    ) -> dict[str, Any]:
        """The name with its sign, and the Audit text, where they change."""
        body: dict[str, Any] = {}
        audit = self.own.get("audit")
        if audit is not None and marks.trail is not None:
            text = audit_text(marks.trail, seen.audit, limit=self._audit_limit)
            if text != (seen.audit or ""):
                body[audit.name] = text
        name = self._name(marks, values, seen, guarded)
        if name is not None:
            body[self.own["name"].name] = name
        return body

    def _name(self, marks: Marks, values: Mapping[str, Value], seen: Snapshot, guarded: bool) -> str | None:
        mark = (marks.mark or seen.mark) if self._signs else None
        if "name" in values:
            return self._marked(values["name"], mark)
        known = seen.values.get("name")
        if not self._signs or marks.mark in (None, seen.mark):
            return None
        # Without a precondition a remembered name could overwrite a newer one for the sake of a sign.
        return self._marked(known, mark) if isinstance(known, str) and guarded else None

    def _marked(self, name: Value, mark: str | None) -> str:
        text = fitting("name", str(name or ""), self.own["name"], self._options)
        return marked(text, mark, limit=self._name_limit)

    def first_marks(self, marks: Marks, values: Mapping[str, Value]) -> dict[str, Any]:
        """The same for a new row."""
        sign = marks.mark if self._signs else None
        body: dict[str, Any] = {self.own["name"].name: self._marked(values.get("name"), sign)}
        audit = self.own.get("audit")
        if audit is not None and marks.trail:
            body[audit.name] = audit_text(marks.trail, None, limit=self._audit_limit)
        return body

    def identity(self, write_id: str, referral_id: str | None, *, enroll: bool) -> dict[str, Any]:
        """Stamp, counterpart's id and link, and the switch."""
        body: dict[str, Any] = {}
        stamp, sync = self.own.get("stamp"), self.own.get("sync")
        if stamp is not None and self._schema.capabilities.stamp:
            body[stamp.name] = write_id
        if referral_id is not None and "referral_id" in self.own:
            body[self.own["referral_id"].name] = referral_id
            link = self.own.get("referral_link")
            if link is not None:
                body[link.name] = link_to(self._options.referral_link, referral_id)
        if enroll and sync is not None:
            body[sync.name] = True
        return body


def _help_choices(column: Column | None) -> dict[Help, Any]:
    """What stores each answer: the number of a choice, or in a column of text Microsoft's label."""
    if column is None:
        return {}
    if not column.choices:
        return dict(HELP_LABELS)
    found = help_choices((str(choice.value), answer_of(choice, column)) for choice in column.choices)
    return {answer: int(value) for answer, value in found.items()}
