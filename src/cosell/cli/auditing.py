"""The audit for people and for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from cosell.cli.finding import link_named, opened
from cosell.cli.speaking import FAILED, Answer, Voice
from cosell.core.records import Write
from cosell.core.values import encode
from cosell.ports import AuditRow, Store

PAGE = 500


async def listed(config: str | None, named: str | None, *, limit: int) -> Answer:
    """The newest rows."""
    async with opened(config) as env:
        key = (await link_named(env, named)).key if named else None
        rows = [told(row) for row in await env.store.journal(key, limit)]

    def show(voice: Voice) -> None:
        if not rows:
            voice.line("Nothing was written yet.")
        for row in rows:
            head = f"{row['at']} {row['kind']} {row['side']} {row['state']}"
            voice.line(f"#{row['seq'] or '–'} {head} {row['link']}", style="bold")
            for name, one in row["fields"].items():
                voice.line(f"{name}: {shown(one['before'])} → {shown(one['after'])}", indent=2)
            for name, one in row["consents"].items():
                voice.line(f"wanted by {one['who']}, {one['when']}: {name}, {one['act']}", indent=2)
            if row["note"]:
                voice.line(row["note"], indent=2)

    return Answer({"rows": rows}, show)


async def verify(config: str | None) -> Answer:
    """The verdict on the chain."""
    async with opened(config) as env:
        report = await env.store.verify()
    data = {
        "rows": report.rows,
        "head": report.head,
        "bad_seq": report.bad_seq,
        "bad_write": report.bad_write,
        "why": report.why,
    }
    bad = report.bad_seq is not None or bool(report.why)

    def show(voice: Voice) -> None:
        if bad:
            voice.line(
                f"The audit is broken at row {report.bad_seq} (write {report.bad_write}): {report.why}"
            )
            voice.line("Rows before it are whole. Compare with a backup or an anchored head before going on.")
        else:
            voice.line(f"All {report.rows} rows are whole. Head: {report.head or '–'}")

    return Answer(data, show, FAILED if bad else 0)


async def export(config: str | None, named: str | None, *, closed: bool) -> Answer:
    """Every row as one JSON line, newest first."""
    count = 0
    async with opened(config) as env:
        key = (await link_named(env, named)).key if named else None
        async for row in all_rows(env.store, key):
            sys.stdout.write(json.dumps(told(row), default=str) + "\n")
            count += 1
    return Answer({"rows": count}, lambda _: None, said=not closed)


async def all_rows(store: Store, key: str | None) -> AsyncIterator[AuditRow]:
    """All rows, page by page."""
    before: int | None = None
    while True:
        page = await store.journal(key, PAGE, before)
        for row in page:
            yield row
        places = [row.seq for row in page if row.seq is not None]
        if len(page) < PAGE or not places:
            return
        before = min(places)


def told(row: AuditRow) -> dict[str, Any]:
    """One row as plain data."""
    write: Write = row.write
    return {
        "seq": row.seq,
        "hash": row.hash,
        "id": write.id,
        "at": _moment(write.finished_at or write.created_at),
        "link": write.link_key,
        "side": str(write.side),
        "kind": str(write.kind),
        "state": str(write.state),
        "record_id": write.record_id,
        "partner_id": write.partner_id,
        "cause": write.cause,
        "attempt": write.attempt,
        "expected_version": write.expected_version,
        "outcome": write.outcome,
        "note": write.note,
        "fields": {
            name: {"before": encode(one.before), "after": encode(one.after), "reason": one.reason}
            for name, one in write.fields.items()
        },
        "consents": {
            name: {"who": one.who, "when": one.when, "act": one.act} for name, one in write.consents.items()
        },
    }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def shown(value: Any, longest: int = 120) -> str:
    """An encoded value as people read it."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "unreadable" in value:
        return f"{value['unreadable']} (unreadable: {value['why']})"
    if isinstance(value, list):
        return ", ".join(_entry(one) for one in value) or "(none)"
    text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _entry(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    if "email" in one:
        return str(one["email"] or f"{one.get('first_name', '')} {one.get('last_name', '')}".strip())
    quantity = f" × {one['quantity']}" if one.get("quantity") else ""
    return f"{one.get('id', '')}{quantity}"
