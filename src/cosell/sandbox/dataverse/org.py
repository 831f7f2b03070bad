"""The state of one environment: settings, schema, rows, ids, versions, time."""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, refusal
from cosell.sandbox.dataverse.schema import Kept, Schema
from cosell.sandbox.dataverse.settings import Settings
from cosell.sandbox.dataverse.store import Ref, Row, Store
from cosell.sandbox.frame import Frame
from cosell.sandbox.frame import Org as Given

FIRST_VERSION = 1_000_000


def wire_moment(at: datetime) -> str:
    """A moment as Dataverse writes it: UTC, whole seconds."""
    # strftime writes the year 999 with three digits.
    return at.astimezone(UTC).isoformat()[:19] + "Z"


class Org:
    """Everything the parts of the simulator share."""

    def __init__(self, frame: Frame, given: Given = Given.READY) -> None:
        self.frame = frame
        self.settings = Settings()
        self.schema = Schema(given)
        self.schema.on_rename = lambda table, old, new: self.store.table(table).rename(old, new)
        self.store = Store()
        self.organization_id = ""
        self.business_unit = ""
        self.application_user = ""
        self.administrator = ""
        self.default_seller = ""
        self.base_currency = ""
        self.version = FIRST_VERSION
        self.open_since: dict[int, int] = {}
        """The versions at which the open slow transactions began."""
        self.locked: dict[str, int] = {}
        self.slow: int | None = None
        self.named: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
        """Who wrote a row in this request, and the columns that were named, even those given as they were."""
        self.held: dict[str, tuple[object, dict[str, Any]]] = {}
        """What users' roles grant, remembered with the state of the roles it was derived from."""
        self.past: deque[tuple[float, Kept]] = deque(maxlen=50)
        """The schema before each of the last changes, with the time of the change."""
        self.building_keys = False
        """Whether the index of an alternate key is not ready yet."""
        self._ids = random.Random()
        self.empty()

    def empty(self) -> None:
        """Forgets all rows and settings; the dice decide the ids to come."""
        fresh = Settings()
        for name in Settings.__dataclass_fields__:
            setattr(self.settings, name, getattr(fresh, name))
        self.schema.reset()
        self.store.tables.clear()
        self.held.clear()
        self.past.clear()
        self.building_keys = False
        self.store.settle()
        self._ids = random.Random(self.frame.dice.getrandbits(64))
        self.version = FIRST_VERSION
        self.open_since.clear()
        self.locked.clear()

    def now(self) -> datetime:
        return self.frame.clock.now().replace(microsecond=0)

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._ids.getrandbits(128), version=4))

    def next_version(self) -> int:
        self.version += 1
        return self.version

    def settled_version(self) -> int:
        """The version below which nothing can appear any more: no open transaction began earlier."""
        return min([self.version, *self.open_since.values()])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or, when an exception leaves it, nothing of it."""
        mark, kept = self.store.mark(), len(self.schema.kept)
        try:
            yield
        except BaseException:
            self.store.undo(mark)
            self.schema.go_back(kept)
            raise

    def settle(self) -> None:
        """Ends a request: what it did is done."""
        if self.schema.kept and self.settings.metadata_lag_seconds > 0:
            self.past.append((self.frame.clock.now().timestamp(), self.schema.kept[0]))
        self.schema.kept.clear()
        self.store.settle()

    def seller(self, user: str | None = None) -> Actor:
        """A person by id, name, e-mail address or sign-in name; the first seller if not said."""
        if user is None:
            return Actor(self.default_seller)
        for row in self.store.rows("systemuser"):
            names = (row["systemuserid"], row.get("fullname"), row.get("internalemailaddress"))
            if user in (*names, row.get("domainname")):
                return Actor(row["systemuserid"])
        raise refusal(400, "0x80040217", f"systemuser With Id = {user} Does Not Exist")

    def note(self, table: Table, row_id: str, actor: Actor, names: Iterable[str]) -> None:
        """Remembers until the request has ended who wrote which columns of a row."""
        before = self.named.get((table.name, row_id), ("", frozenset()))[1]
        self.named[table.name, row_id] = (actor.user_id, before | frozenset(names))

    def insert(self, table: Table, row: Row, actor: Actor) -> Row:
        """Stores a new row with its id, stamps and version."""
        at = wire_moment(self.now())
        made: Row = {table.primary_id: row.get(table.primary_id) or self.new_id()}
        made.update((name, value) for name, value in row.items() if value is not None)
        created = made.pop("overriddencreatedon", None)
        made.update(self._signed("created", actor), createdon=f"{created}T00:00:00Z" if created else at)
        if created is not None:
            made["overriddencreatedon"] = at[:10]
        return self._store(table, made, actor, at)

    def replace(self, table: Table, row: Row, actor: Actor) -> Row:
        """Stores a changed row with new stamps and a new version."""
        self.check_lock(row[table.primary_id])
        kept = {name: value for name, value in row.items() if value is not None}
        kept.pop("modifiedonbehalfby", None)
        return self._store(table, kept, actor, wire_moment(self.now()))

    def _store(self, table: Table, row: Row, actor: Actor, at: str) -> Row:
        row.update(self._signed("modified", actor), modifiedon=at, versionnumber=self.next_version())
        self.store.put(table.name, row[table.primary_id], row)
        return row

    def _signed(self, act: str, actor: Actor) -> Row:
        signed: Row = {f"{act}by": Ref("systemuser", actor.writes_as)}
        if actor.on_behalf_of is not None:
            signed[f"{act}onbehalfby"] = Ref("systemuser", actor.user_id)
        return signed

    def bury(self, table: Table, row_id: str) -> None:
        """Removes a row; a tombstone stays."""
        self.check_lock(row_id)
        self.store.put(table.name, row_id, None, self.next_version())

    def check_lock(self, row_id: str) -> None:
        """Refuses a row that another, still open transaction has written."""
        if self.locked.get(row_id, self.slow) != self.slow:
            raise DataverseError(500, "0x80040216", "An unexpected error occurred. SQL timeout expired.")
