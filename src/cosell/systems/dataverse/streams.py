"""The tables whose changes concern a deal, and what of each row has to be known (dataverse-api.md 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from cosell.core.errors import Unavailable
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import TRACK_CHANGES, page_size, read
from cosell.systems.dataverse.odata import ETAG, guid, moment, stamp
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema

DEAL, SOLUTION, CONNECTION, LEAD = "deal", "solution", "connection", "lead"
CONTACT, ACCOUNT = "contact", "account"
RECORDS = (DEAL, LEAD)
"""Streams whose rows are what links are about; the others lead to deals."""
_CHILD_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """One changed row."""

    id: str
    parent: str | None = None
    """The opportunity it belongs to, where it is none itself."""
    deleted: bool = False
    """Of a deleted row nothing but its id is told."""
    ours: bool = True
    """It is enrolled or carries a referral's id."""
    open: bool = True
    stamp: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Changed rows of one table."""

    name: str
    set: str
    key: str
    columns: tuple[str, ...]
    tracked: bool
    """By change tracking; else by the time of the last change, which shows no deletions."""
    page: int
    ours: str = ""
    """The condition that a row concerns us, for reads that may have one."""
    parent: str = ""
    sync: str = ""
    referral_id: str = ""

    @property
    def id(self) -> str:
        """The name under which a cursor knows it: another choice of columns makes it another stream."""
        return f"{self.name}.{crc32(','.join((self.set, *self.columns, str(self.tracked))).encode()):08x}"

    def beginning(self, since: int | None) -> Part:
        """The read that a watch over this table begins with: tracked ones bring the whole table."""
        query = {"$select": ",".join(self.columns)}
        if self.tracked:
            return read(self.set, query, ref=self.name, prefer=(TRACK_CHANGES, page_size(self.page)))
        condition = [f"({self.ours})"] if self.ours else []
        if since is not None:
            condition.append(f"modifiedon ge {stamp(since)}")
        if condition:
            query["$filter"] = " and ".join(condition)
        query["$orderby"] = f"modifiedon asc,{self.key} asc"
        return read(self.set, query, ref=self.name, prefer=self.prefer)

    @property
    def prefer(self) -> tuple[str, ...]:
        """What goes along with every page of it."""
        return (page_size(self.page),)

    def row(self, raw: Mapping[str, Any]) -> Row | None:
        """One entry of a page; None where it is none. Unavailable for a row without its time of change."""
        if raw.get("reason") is not None and self.key not in raw:
            row_id = guid(raw.get("id"))
            return Row(row_id, deleted=True) if row_id is not None else None
        row_id = guid(raw.get(self.key))
        if row_id is None:
            return None
        try:
            at = int(moment(str(raw.get("modifiedon"))).timestamp())
        except (ValueError, OverflowError):
            # Passing over it would lose a change nobody has looked at (INV-21).
            raise Unavailable("Dynamics 365 answered a row without its time of change.") from None
        named = raw.get(self.referral_id) if self.referral_id else None
        free = not (self.sync or self.referral_id)
        return Row(
            id=row_id,
            parent=guid(raw.get(self.parent)) if self.parent else None,
            ours=free or raw.get(self.sync) is True or bool(named),
            open=raw.get("statecode") in (0, None),
            stamp=at,
            version=str(raw.get(ETAG) or ""),
        )


def streams(schema: Schema, options: Options) -> Iterator[Stream]:
    """One request each in a poll of an environment where nothing happened."""
    tracking = options.watcher == "change_tracking"
    deals = schema.deals
    sync, referral_id = schema.needed("sync"), schema.needed("referral_id")
    yield Stream(
        DEAL,
        deals.set,
        deals.id,
        (deals.id, "modifiedon", "statecode", sync, referral_id),
        tracking and deals.change_tracking,
        options.walk_page,
        ours=f"{sync} eq true or {referral_id} ne null",
        sync=sync,
        referral_id=referral_id,
    )
    solution = schema.solution
    if solution is not None:
        lookup = solution.opportunity.shown
        columns = (solution.key, "modifiedon", lookup)
        tracked = tracking and solution.tracked
        yield Stream(SOLUTION, solution.set, solution.key, columns, tracked, _CHILD_PAGE, parent=lookup)
    yield from _leads(schema, tracking)
    yield from _around(schema, options, tracking)


def _around(schema: Schema, options: Options, tracking: bool) -> Iterator[Stream]:
    """What the settings have watched beyond the deals themselves."""
    table = schema.tables.get("connection") if options.connections else None
    if table is not None:
        lookup = "_record1id_value"
        tracked = tracking and table.change_tracking
        columns = (table.id, "modifiedon", lookup)
        yield Stream(CONNECTION, table.set, table.id, columns, tracked, _CHILD_PAGE, parent=lookup)
    for name in (CONTACT, ACCOUNT) if options.watch_people else ():
        table = schema.tables.get(name)
        if table is not None:
            tracked = tracking and table.change_tracking
            yield Stream(name, table.set, table.id, (table.id, "modifiedon"), tracked, _CHILD_PAGE)


def _leads(schema: Schema, tracking: bool) -> Iterator[Stream]:
    table = schema.leads
    referral = schema.lead.get("referral_id")
    if table is None or referral is None or not schema.capabilities.leads:
        return
    sync = schema.lead.get("sync")
    columns = (table.id, "modifiedon", "statecode", referral.name, *([sync.name] if sync else ()))
    yield Stream(
        LEAD,
        table.set,
        table.id,
        columns,
        tracking and table.change_tracking,
        _CHILD_PAGE,
        ours=f"{referral.name} ne null" + (f" or {sync.name} eq true" if sync else ""),
        sync=sync.name if sync else "",
        referral_id=referral.name,
    )


def rows_in(stream: Stream, raw: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [row for one in raw if (row := stream.row(one)) is not None]
