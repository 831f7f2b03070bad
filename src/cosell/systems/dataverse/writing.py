"""Turns updates into requests: an opportunity's row, solutions, contacts and closing; or a lead's row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cosell.core.errors import Rejected, Stale
from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Person, Solution, State, Value
from cosell.ports import Update
from cosell.systems.dataverse import closing
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.children import ANY, Children
from cosell.systems.dataverse.client import REPRESENTATION
from cosell.systems.dataverse.closing import NO_TURN, Turn
from cosell.systems.dataverse.columns import Columns
from cosell.systems.dataverse.leads import DISQUALIFIED, PERSON
from cosell.systems.dataverse.lengths import fitting
from cosell.systems.dataverse.odata import address, row
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema


@dataclass(frozen=True, slots=True)
class Draft:
    """The requests of one update, in their order; empty where there is nothing to say."""

    parts: tuple[Part, ...]
    row: str = ""
    """The ref of the write that answers with the row as it then stands; empty where there is none."""
    closes: bool = False
    """The row changes once more after that write."""


NOTHING = Draft(())


class Writer:
    """Writes opportunities and leads of one schema."""

    def __init__(
        self,
        schema: Schema,
        options: Options,
        *,
        columns: tuple[str, ...],
        lead_columns: tuple[str, ...] = (),
    ) -> None:
        """`columns`: what the answer to a write of a row is to bring."""
        self._schema, self._options = schema, options
        self._select, self._lead_select = ",".join(columns), ",".join(lead_columns)
        signs = options.display_check_mark
        self.deals = Columns(schema, options, schema.deals.name, schema.writable, signs=signs)
        self.leads: Columns | None = None
        if schema.leads is not None:
            self.leads = Columns(schema, options, "lead", schema.lead, signs=False)
        self.children = Children(schema, options, self.deals)

    def draft(self, update: Update, at: int, known: Mapping[tuple[str, str], str]) -> Draft:
        """The requests of one update. Raises Rejected for what cannot be said in Dynamics 365.

        `known`: contacts that exist already, by account id and e-mail address.
        """
        is_lead = update.seen.kind is RecordKind.LEAD
        able = self._schema.capabilities
        _refuse_unwritable(update.values, able.leads if is_lead else able.updatable)
        if update.guard and update.seen.version is None:
            # The last read brought no usable version; writing without one would be blind (INV-1).
            raise Stale("The record has to be read again before it is written.")
        return self._lead(update, f"u{at}") if is_lead else self._deal(update, f"u{at}", known)

    # --- opportunities -----------------------------------------------------------------------------

    def _deal(self, update: Update, ref: str, known: Mapping[tuple[str, str], str]) -> Draft:
        wanted = update.values.get("state")
        turn = closing.turn(self._schema, update.seen, wanted) if "state" in update.values else NO_TURN
        if closing.is_closed(update.seen) and turn.reopen is None and self._options.closed_rows == "leave":
            return _closed(update)
        guarded = update.guard and self._schema.deals.concurrency
        guard = _guard(update, kept=guarded)
        path = row(self._schema.deals.set, update.record_id)
        parts: list[Part] = []
        if turn.reopen is not None:
            parts.append(Part("PATCH", path, f"{ref}o", dict(turn.reopen), guard))
            guard = ANY
        body = self._body(self.deals, update, guarded=guarded) | dict(turn.columns)
        if "contacts" in update.values:
            people, tied = self.children.contacts(update, f"{ref}c", known)
            parts += people
            body |= tied
        if not body and turn.close is not None and "If-Match" in guard:
            # An action takes no precondition: the write of the row carries it for both.
            body = {self._schema.needed("sync"): update.seen.enrolled}
        if body:
            headers = {**guard, "Prefer": REPRESENTATION}
            parts.append(Part("PATCH", address(path, {"$select": self._select}), f"{ref}r", body, headers))
        if "solutions" in update.values:
            parts += self.children.solutions(update, f"{ref}s")
        if turn.close is not None:
            name = update.values.get("name", update.seen.values.get("name"))
            parts.append(closing.action(turn.close, f"/{path}", name, f"{ref}z"))
        return Draft(tuple(parts), f"{ref}r" if body else "", turn.close is not None)

    def _body(self, columns: Columns, update: Update, *, guarded: bool) -> dict[str, Any]:
        body = columns.body(update.values, update.seen)
        body |= columns.marks(update.marks, update.values, update.seen, guarded=guarded)
        referral_id = update.marks.referral_id or update.external_id
        return body | columns.identity(update.write_id, referral_id, enroll=update.marks.enroll)

    # --- leads -------------------------------------------------------------------------------------

    def _lead(self, update: Update, ref: str) -> Draft:
        table = self._schema.leads
        if self.leads is None or table is None:
            raise Rejected("This environment keeps no leads for the connector.", code="read_only")
        turn = self._lead_turn(update.seen, update.values)
        if update.seen.values.get("state") is not State.PENDING and not turn.columns:
            return _closed(update)
        guarded = update.guard and table.concurrency
        body = self._body(self.leads, update, guarded=guarded) | dict(turn.columns)
        if "contacts" in update.values:
            body |= self.lead_person(update.values["contacts"])
        if not body:
            return NOTHING
        headers = {**_guard(update, kept=guarded), "Prefer": REPRESENTATION}
        path = address(row(table.set, update.record_id), {"$select": self._lead_select})
        return Draft((Part("PATCH", path, f"{ref}r", body, headers),), f"{ref}r")

    def _lead_turn(self, seen: Snapshot, values: Mapping[str, Value]) -> Turn:
        """Qualifying is the seller's act; an unhappy end is written as the status reason of the settings."""
        wanted, present = values.get("state"), seen.values.get("state")
        if "state" not in values or wanted is present:
            return NO_TURN
        lost = self._schema.lead_lost
        if wanted in (State.ACTIVE, State.WON) or present is State.ACTIVE:
            raise Rejected(
                "Only a person can qualify a lead.",
                fields=("state",),
                advice="Qualify the lead in Dynamics 365; the sync goes on with the opportunity.",
                code="convert_lead",
            )
        if wanted is State.PENDING or lost is None:
            raise Rejected("Only a person can reopen or end a lead.", fields=("state",), code="read_only")
        if present is not State.PENDING:
            return NO_TURN
        return Turn(columns={"statecode": DISQUALIFIED, "statuscode": lost.value})

    def lead_person(self, contacts: Value) -> dict[str, Any]:
        """The one person a lead has room for: the first of the contacts who has a last name."""
        listed = contacts if isinstance(contacts, tuple) else ()
        person = next((one for one in listed if isinstance(one, Person) and one.last_name), None)
        if person is None:
            raise Rejected(
                "A lead is a person, and no contact of the referral has a last name.",
                fields=("contacts",),
                advice="Add a customer contact in Partner Center, or accept the referral there.",
                code="required",
            )
        words = {"email": person.email, "first_name": person.first_name}
        words |= {"last_name": person.last_name, "phone": person.phone}
        columns = {key: self._schema.lead[role] for key, role in PERSON.items() if role in self._schema.lead}
        return {
            column.name: fitting("contacts", words[key], column, self._options) or None
            for key, column in columns.items()
        }


def solutions_in(values: Mapping[str, Value]) -> Iterator[Solution]:
    """The solutions a write is about."""
    listed = values.get("solutions")
    if isinstance(listed, tuple):
        yield from (one for one in listed if isinstance(one, Solution))


def _guard(update: Update, *, kept: bool) -> dict[str, str]:
    """The precondition: the version that was read; never none, else a row that is gone would be made anew."""
    version = update.seen.version
    return {"If-Match": version} if kept and version is not None else ANY


def _closed(update: Update) -> Draft:
    """Nothing is written to a closed row; signs of ours stay away, values are refused."""
    fields = tuple(key for key in update.values if key != "state")
    if not fields:
        return NOTHING
    raise Rejected(
        "It is closed in Dynamics 365, and a closed record cannot be changed there.",
        fields=fields,
        advice="Reopen it in Dynamics 365 if it is to go on.",
        code="closed",
    )


def _refuse_unwritable(values: Mapping[str, Value], allowed: frozenset[str]) -> None:
    unwritable = tuple(sorted(key for key in values if key not in allowed))
    if unwritable:
        raise Rejected(
            f"Dynamics 365 does not take {', '.join(unwritable)} from the connector.",
            fields=unwritable,
            code="read_only",
        )
