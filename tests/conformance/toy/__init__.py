"""A CRM that keeps its deals in one JSON file: all there is to a third system, in one package."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosell.core.errors import CosellError, Gone, Rejected, Stale, Unavailable
from cosell.core.fields import FIELDS
from cosell.core.matching import Account
from cosell.core.records import Side, Snapshot, Values
from cosell.core.values import Unreadable, decode, encode
from cosell.crm import Crm, CrmSection, Site
from cosell.ports import (
    Budget,
    Capabilities,
    Changes,
    Creation,
    Finding,
    Invitation,
    Marks,
    Read,
    Update,
    Written,
)
from cosell.sections import Place

US = "connector"
PAGE = 3
OURS = frozenset(FIELDS) - {"microsoft_state"}
CAPABILITIES = Capabilities(
    create="by_key",
    precondition="version",
    stamp=True,
    touched_by=True,
    readable=OURS,
    creatable=OURS,
    updatable=OURS,
    guarded=OURS,
    read_size=100,
    write_size=100,
)


class ToySettings(CrmSection):
    """The connection to a CRM of one file."""

    file: Place
    """The file that holds the deals."""

    @property
    def address(self) -> str:
        """The file."""
        return str(self.file)


class Shelf:
    """The file itself, read and written whole."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def load(self) -> dict[str, Any]:
        """Everything in the file; a file that is not there yet is an empty one."""
        try:
            found: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {"count": 0, "deals": {}}
        except (OSError, ValueError):
            raise Unavailable("The file of deals cannot be read.") from None
        return found

    def save(self, whole: Mapping[str, Any]) -> None:
        """Replaces the file in one step."""
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(whole), "utf-8")
        os.replace(beside, self._file)

    def put(self, deal_id: str | None, values: Values, by: str, **more: Any) -> str:
        """Makes or changes one deal; every change counts up, and the count is its version."""
        whole = self.load()
        whole["count"] += 1
        deal_id = deal_id or f"D{whole['count']:06d}"
        deal = whole["deals"].setdefault(deal_id, {"values": dict.fromkeys(sorted(OURS)), "enrolled": False})
        deal["values"].update({key: encode(value) for key, value in values.items()})
        deal.update(more, version=whole["count"], by=by)
        self.save(whole)
        return deal_id


class Toy:
    """Deals in a file, as a system."""

    name = "toy"
    side = Side.CRM
    capabilities = CAPABILITIES

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        try:
            deals = self.shelf.load()["deals"]
        except CosellError as why:
            return (Finding("file", False, why.message, "Mend the file, or name another."),)
        return (Finding("file", True, f"The file holds {len(deals)} deals."),)

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        deals = self.shelf.load()["deals"]
        return {one: _snapshot(one, deals[one]) if one in deals else Gone("No such deal.") for one in ids}

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        deals = self.shelf.load()["deals"].items()
        return [_snapshot(key, deal) for key, deal in deals if deal.get("partner_id") == partner_id]

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        return ()

    async def create(self, creation: Creation) -> Snapshot:
        missing = tuple(key for key in ("name", "close_date") if creation.values.get(key) is None)
        if missing:
            raise Rejected(f"A deal needs {' and '.join(missing)}.", fields=missing)
        if await self.find(creation.partner_id):
            raise Rejected("There is a deal of this referral.", code="exists")
        marks = {**_marks(creation.marks), "partner_id": creation.partner_id, "stamp": creation.write_id}
        deal_id = self.shelf.put(None, creation.values, US, **marks)
        return _snapshot(deal_id, self.shelf.load()["deals"][deal_id])

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        return {one.write_id: self._update(one) for one in updates}

    def _update(self, update: Update) -> Written:
        deal = self.shelf.load()["deals"].get(update.record_id)
        stray = tuple(key for key in update.values if key not in OURS)
        if deal is None:
            return Gone("No such deal.")
        if update.guard and update.seen.version != str(deal["version"]):
            return Stale("The deal was changed since it was read.")
        if stray or any(isinstance(value, Unreadable) for value in update.values.values()):
            return Rejected("The file does not take this.", fields=stray or tuple(update.values))
        self.shelf.put(update.record_id, update.values, US, **_marks(update.marks), stamp=update.write_id)
        return _snapshot(update.record_id, self.shelf.load()["deals"][update.record_id])

    async def invite(self, invitation: Invitation) -> Snapshot:
        raise Rejected("There is nobody to invite here.", fields=("help",), code="no_act")

    async def changes(self, cursor: str | None) -> Changes:
        since = int(cursor or 0)
        news = sorted((d["version"], key) for key, d in self.shelf.load()["deals"].items())
        page = [one for one in news if one[0] > since][: PAGE + 1]
        shown = await self.get_many([key for _, key in page[:PAGE]])
        whole = tuple(one for one in shown.values() if isinstance(one, Snapshot))
        return Changes(whole, (), str(max([since, *(at for at, _ in page[:PAGE])])), more=len(page) > PAGE)

    def budget(self) -> Budget:
        return Budget()

    async def aclose(self) -> None:
        """Holds nothing."""


def _marks(marks: Marks) -> dict[str, Any]:
    said = {
        "audit": None if marks.trail is None else "\n".join(marks.trail),
        "mark": marks.mark,
        "partner_id": marks.referral_id,
        "enrolled": marks.enroll or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _snapshot(deal_id: str, deal: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        Side.CRM,
        deal_id,
        {key: decode(key, raw) for key, raw in deal["values"].items()},
        version=str(deal["version"]),
        partner_id=deal.get("partner_id"),
        enrolled=deal["enrolled"],
        stamp=deal.get("stamp"),
        touched_by=deal["by"],
        touched_by_us=deal["by"] == US,
        mark=deal.get("mark"),
        audit=deal.get("audit"),
    )


def _open(section: ToySettings, site: Site) -> Toy:
    return Toy(Shelf(section.file))


SYSTEM = Crm(
    "toy",
    "Deals in a file",
    settings=ToySettings,
    open=_open,
    expected=lambda: CAPABILITIES,
    first={"file": "deals.json"},
    mapping='[notes]\nconflict = "crm"\n',
)
