"""Turns updates into requests: the opportunity's row, its solutions, its contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from cosell.core.answers import help_choices
from cosell.core.errors import Rejected, Stale
from cosell.core.fields import HELP_LABELS, Help
from cosell.core.marks import audit_text, link_to, marked
from cosell.core.records import Snapshot
from cosell.core.values import State, Unreadable, Value
from cosell.ports import Marks, Update
from cosell.systems.salesforce.children import Children, number
from cosell.systems.salesforce.client import Part
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.schema import Schema

LISTS = ("solutions", "contacts")
NAME_LENGTH = 120


@dataclass(slots=True)
class Draft:
    """The parts of one update, in the order in which they are sent."""

    row: Part | None
    """The write of the opportunity's own row; it carries the precondition and the stamp."""
    children: list[Part] = field(default_factory=list)


class Writer:
    """Writes opportunities of one schema."""

    def __init__(self, schema: Schema, options: Options) -> None:
        self._schema, self._options = schema, options
        self.children = Children(schema, options)
        help_column = schema.opportunity.get("help")
        # The org's own spelling of each answer, else Microsoft's label.
        self._help = dict(HELP_LABELS) | help_choices(help_column.choices) if help_column is not None else {}
        audit = schema.opportunity.get("audit")
        self._audit_limit = min(options.audit_limit, audit.length or options.audit_limit) if audit else 0

    # --- the row -----------------------------------------------------------------------------------

    def draft(self, update: Update, at: int, known: Mapping[tuple[str, str], str]) -> Draft:
        """The requests of one update. Raises Rejected for what cannot be said in Salesforce.

        `known`: contacts that exist already, by account id and e-mail address.
        """
        self._refuse_unwritable(update.values, self._schema.capabilities.updatable)
        guard = update.seen.version if update.guard else None
        if update.guard and guard is None:
            # The last read brought no usable version; writing without one would be blind (INV-1).
            raise Stale("The opportunity has to be read again before it is written.")
        body = self.body(update.values, update.seen)
        body.update(self.marks(update.marks, update.values, update.seen, guarded=guard is not None))
        referral_id = update.marks.referral_id or update.external_id
        body.update(self.identity(update.write_id, referral_id, enroll=update.marks.enroll))
        row = None
        if body:
            headers = {"If-Unmodified-Since": guard} if guard else None
            row = Part("PATCH", f"/sobjects/Opportunity/{update.record_id}", f"u{at}", body, headers)
        draft = Draft(row)
        if "solutions" in update.values:
            draft.children += self.children.solutions(update, f"u{at}s")
        if "contacts" in update.values:
            draft.children += self.children.contacts(update, f"u{at}c", known)
        return draft

    def _refuse_unwritable(self, values: Mapping[str, Value], allowed: frozenset[str]) -> None:
        unwritable = tuple(sorted(key for key in values if key not in allowed))
        if unwritable:
            raise Rejected(
                f"Salesforce does not take {', '.join(unwritable)} from the connector.",
                fields=unwritable,
                code="read_only",
            )

    def body(self, values: Mapping[str, Value], seen: Snapshot | None) -> dict[str, Any]:
        """The opportunity's own fields among `values`."""
        body: dict[str, Any] = {}
        for key, value in values.items():
            if key in LISTS or key not in self._schema.opportunity:
                continue
            if isinstance(value, Unreadable):
                raise Rejected(f"The value for {key} {value.why}.", fields=(key,), code="unreadable")
            if self._skipped(key, value, seen):
                continue
            if key == "deal_value" and self._is_computed(seen):
                raise Rejected(
                    "The products of the opportunity make its deal value; Salesforce would ignore another.",
                    fields=("deal_value",),
                    advice="Change the products, or set the deal value in Partner Center to their sum.",
                    code="computed",
                )
            body[self._schema.needed(key)] = self._wire(key, value)
        return body

    def _skipped(self, key: str, value: Value, seen: Snapshot | None) -> bool:
        if key == "name" and seen is not None:
            return True  # `marks` writes it, sign included
        # A stage that means the same already is the seller's own choice among several.
        return key == "state" and seen is not None and seen.values.get("state") == self._meant(value)

    def _is_computed(self, seen: Snapshot | None) -> bool:
        """Whether product lines make the amount: another is ignored without a word (trap 5)."""
        return self._options.value_field == "Amount" and seen is not None and "products" in seen.facts

    def _meant(self, value: Value) -> Value:
        unhappy = (State.DECLINED, State.EXPIRED, State.ERROR)
        return State.LOST if value in unhappy else value

    def _wire(self, key: str, value: Value) -> Any:
        if key == "state" and isinstance(value, State):
            return self._schema.stages.stage_for(value)
        if key == "visible":
            return value is True
        if key == "help" and isinstance(value, str):
            return self._help_choice(value)
        if isinstance(value, Decimal):
            return number(value)
        if isinstance(value, date):
            return value.isoformat()
        if value is None or isinstance(value, str):
            return value
        raise Rejected(f"The value for {key} has no form in Salesforce.", fields=(key,), code="unreadable")

    def _help_choice(self, value: str) -> str:
        try:
            return self._help[Help(value)]
        except (ValueError, KeyError):
            raise Rejected(
                "The kind of help is none of the six that Salesforce offers.", fields=("help",), code="choice"
            ) from None

    # --- marks -------------------------------------------------------------------------------------

    def marks(
        self, marks: Marks, values: Mapping[str, Value], seen: Snapshot, *, guarded: bool
    ) -> dict[str, Any]:
        """The name with its sign, and the Audit text, where they change."""
        body: dict[str, Any] = {}
        audit = self._schema.written("audit")
        if audit is not None and marks.trail is not None:
            text = audit_text(marks.trail, seen.audit, limit=self._audit_limit)
            if text != (seen.audit or ""):
                body[audit] = text
        name = self._name(marks, values, seen, guarded)
        if name is not None:
            body["Name"] = name
        return body

    def _name(self, marks: Marks, values: Mapping[str, Value], seen: Snapshot, guarded: bool) -> str | None:
        mark = (marks.mark or seen.mark) if self._options.display_check_mark else None
        if "name" in values:
            return marked(str(values["name"] or ""), mark, limit=NAME_LENGTH)
        known = seen.values.get("name")
        if not self._options.display_check_mark or marks.mark in (None, seen.mark):
            return None
        # Without a precondition a remembered name could overwrite a newer one for the sake of a sign.
        return marked(known, mark, limit=NAME_LENGTH) if isinstance(known, str) and guarded else None

    def first_marks(self, marks: Marks, values: Mapping[str, Value]) -> dict[str, Any]:
        """The same for a new opportunity."""
        sign = marks.mark if self._options.display_check_mark else None
        body: dict[str, Any] = {"Name": marked(str(values.get("name") or ""), sign, limit=NAME_LENGTH)}
        audit = self._schema.written("audit")
        if audit is not None and marks.trail:
            body[audit] = audit_text(marks.trail, None, limit=self._audit_limit)
        return body

    def identity(self, write_id: str, referral_id: str | None, *, enroll: bool) -> dict[str, Any]:
        """Stamp, counterpart's id and link, and the switch."""
        body: dict[str, Any] = {}
        stamp, link = self._schema.written("stamp"), self._schema.written("referral_link")
        if stamp is not None and self._schema.capabilities.stamp:
            body[stamp] = write_id
        if referral_id is not None:
            body[self._schema.needed("referral_id")] = referral_id
            if link is not None:
                body[link] = link_to(self._options.referral_link, referral_id)
        if enroll:
            body[self._schema.needed("sync")] = True
        return body
