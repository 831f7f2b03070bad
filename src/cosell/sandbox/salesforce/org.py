"""The state of one org: settings, schema, rows, ids, time, and who sees what."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cosell.sandbox.frame import Frame
from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.fields import Field, SObject
from cosell.sandbox.salesforce.ids import IdMint
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.rights import TABLES, Rights, rights_of
from cosell.sandbox.salesforce.schema import Schema, View
from cosell.sandbox.salesforce.settings import Settings
from cosell.sandbox.salesforce.store import Row, Store

NO_PREFIX = "069"
"""An object without a prefix of its own is a ContentNote; its id is that of its ContentDocument."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts."""

    user_id: str
    secured: bool
    """Whether the rights of the user hold: for every call, not on the pages for people."""


def wire_moment(at: datetime) -> str:
    """A moment as Salesforce writes it: UTC, no colon in the offset, milliseconds always zero."""
    # strftime writes the year 999 with three digits.
    return at.astimezone(UTC).isoformat()[:19] + ".000+0000"


def read_moment(wire: str) -> datetime:
    """The moment behind the wire form."""
    return datetime.strptime(wire[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


class Org:
    """Everything the parts of the simulator share."""

    def __init__(self, frame: Frame, kind: Kind = Kind.READY) -> None:
        self.frame, self.kind = frame, kind
        self.mint: IdMint
        self.settings = Settings()
        self.schema = Schema(kind)
        self.store = Store()
        self.schema.on_rename = self._rename
        self.documents: dict[tuple[str, str], Node] = {}
        """Metadata that is nothing but its text, such as layouts, by type and full name."""
        self.org_id = ""
        self.integration_user = ""
        self.administrator = ""
        self.default_seller = ""
        self.open_since: dict[int, datetime] = {}
        self.locked: dict[str, int] = {}
        self.transaction: int | None = None
        self.on_field_moved: Callable[[str, str, str | None], None] = lambda *_: None
        self.on_switch: Callable[[Org], None] = lambda _: None
        self._views: dict[str, View] = {}
        self._schema_seen: object = None
        self.schema_changed_at = self.now()
        self.empty()

    def empty(self) -> None:
        """Forgets all rows and settings; the dice decide the ids to come."""
        fresh = Settings()
        for name in Settings.__dataclass_fields__:
            setattr(self.settings, name, getattr(fresh, name))
        self.schema.reset()
        self.documents = {}
        self.store.tables.clear()
        self.store.settle()
        self.mint = IdMint(random.Random(self.frame.dice.getrandbits(64)))
        self.open_since.clear()
        self.locked.clear()

    def now(self) -> datetime:
        return self.frame.clock.now().replace(microsecond=0)

    def stamp(self) -> str:
        return wire_moment(self.now())

    def view(self, actor: Actor) -> View:
        """The schema as `actor` sees it right now."""
        granted = tuple(self.store.table(name).version for name in TABLES)
        fingerprint = (self.schema.generation, self.settings.fingerprint(), granted)
        if fingerprint != self._schema_seen:
            self._schema_seen = fingerprint
            self._views.clear()
            self.schema_changed_at = self.now()
            self.on_switch(self)
        user = actor.user_id if actor.secured else ""
        found = self._views.get(user)
        if found is None:
            found = self._views[user] = self.schema.view(self.settings, self.rights(actor))
        return found

    def rights(self, actor: Actor) -> Rights:
        """What `actor` may do; the switches take from the integration user alone."""
        if not actor.secured:
            return Rights(person=True)
        rights = rights_of(self.store, actor.user_id)
        if actor.user_id != self.integration_user:
            return rights
        return replace(
            rights,
            hidden=frozenset(name.lower() for name in self.settings.hidden_fields),
            locked=frozenset(name.lower() for name in self.settings.readonly_fields),
        )

    def seller(self, user: str | None = None) -> Actor:
        """A person by id, user name or full name; the first seller if not said."""
        if user is None:
            return Actor(self.default_seller, secured=False)
        for row in self.store.live("User"):
            if user in (row["Id"], row["Id"][:15], row.get("Username"), row.get("Name"), row.get("Email")):
                return Actor(row["Id"], secured=False)
        raise refusal(400, "INVALID_CROSS_REFERENCE_KEY", f"no such user: {user}", [])

    def insert(self, sobject: SObject, row: Row, by: str) -> Row:
        """Stores a new row with its id and audit fields."""
        stamp = self.stamp()
        row_id = row.get("Id") or self.mint.make(sobject.prefix or NO_PREFIX)
        made: Row = {"Id": row_id}
        made.update((name, value) for name, value in row.items() if value is not None)
        made.update(
            CreatedDate=stamp,
            CreatedById=by,
            LastModifiedDate=stamp,
            LastModifiedById=by,
            SystemModstamp=stamp,
        )
        self.store.put(sobject.name, row_id, made)
        return made

    def replace(self, table: str, row: Row, *, by: str | None, system: bool = False) -> Row:
        """Stores a changed row with a new stamp; `system` moves SystemModstamp alone."""
        self.check_lock(row["Id"])
        stamp = self.stamp()
        kept = {name: value for name, value in row.items() if value is not None}
        kept["SystemModstamp"] = stamp
        if not system:
            kept["LastModifiedDate"] = stamp
            kept["LastModifiedById"] = by or row["LastModifiedById"]
        self.store.put(table, row["Id"], kept)
        return kept

    def check_lock(self, row_id: str) -> None:
        """Refuses a row that another, still open transaction has written."""
        if self.locked.get(row_id, self.transaction) != self.transaction:
            text = f"unable to obtain exclusive access to this record or 1 records: {row_id[:15]}"
            raise refusal(400, "UNABLE_TO_LOCK_ROW", text, [])

    def target_of(self, field: Field, row_id: str) -> tuple[str, Row] | None:
        """The object and row a reference points to, deleted ones included."""
        for name in field.reference_to:
            row = self.store.get(name, row_id)
            if row is not None:
                return name, row
        return None

    def has_prefix(self, field: Field, row_id: str) -> bool:
        """Whether an id can belong to an object the field may point to."""
        prefixes = [
            self.schema.objects[name.lower()].prefix
            for name in field.reference_to
            if name.lower() in self.schema.objects
        ]
        return not prefixes or row_id[:3] in prefixes

    def _rename(self, sobject: str, old: str, new: str | None) -> None:
        self.store.table(sobject).rename(old, new)
        self.on_field_moved(sobject, old, new)
        self._rename_grants(f"{sobject}.{old}", f"{sobject}.{new}" if new else None)

    def _rename_grants(self, old: str, new: str | None) -> None:
        """Lets the permission sets that name a field follow it."""
        grants = self.store.table("FieldPermissions")
        for row_id in grants.ids_where("Field", old):
            row = grants.rows[row_id]
            grants.put(row_id, {**row, "Field": new} if new else None)
