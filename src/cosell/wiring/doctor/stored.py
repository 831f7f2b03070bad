"""What the doctor learns from this machine and the database: room, rights, audit, deals, flows."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from cosell.core.reasons import Reason, Who
from cosell.ports import Finding, Mend
from cosell.wiring import ageing, alerts
from cosell.wiring.attention import attention
from cosell.wiring.environment import Environment

LITTLE = 0.05
"""Share of free disk below which the journal is in danger."""
NEEDED = 1024**3
"""Bytes that 10,000 deals with their history need, generously (docs/performance.md; PRE-11)."""
DEPLOY, EXPLAIN, MAPPING = "how-to/deploy.md", "reference/errors.md", "explanation/reading-order.md"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WHOSE: dict[str, Who] = {str(one): one for one in Who}


async def stored(env: Environment) -> list[Finding]:
    """Everything that needs neither of the two systems."""
    return [
        _version(),
        await _audit(env),
        _disk(env.place.data),
        *_private(env.place.data),
        _flows(env),
        *await ageing.findings(env),
        *await _deals(env),
        *await _alerts(env),
    ]


def _version() -> Finding:
    said = f"This is Cosell {version('cosell')}. Every write and decision is in: cosell audit list."
    return Finding("version", True, said, rows=("TRB-4.5", "TRB-4.8"))


async def _audit(env: Environment) -> Finding:
    report = await env.store.verify()
    if report.bad_seq is None and not report.why:
        return Finding("audit", True, f"All {report.rows} rows of the audit are whole.", rows=("TRB-4.8",))
    said = f"The audit is broken at row {report.bad_seq}: {report.why}"
    return Finding("audit", False, said, "Compare with a backup before going on.", who=Who.OPERATOR)


def _disk(data: Path) -> Finding:
    usage = shutil.disk_usage(data)
    rows, room = ("PRE-11", "TRB-1.5"), usage.free / usage.total
    said = f"{room:.0%} of the disk under {data} is free ({usage.free / 1024**3:.1f} GB)."
    if room > LITTLE and usage.free > NEEDED:
        return Finding("disk", True, said, page=DEPLOY, rows=rows)
    advice = "Make room: without a journal nothing is written."
    return Finding("disk", room > LITTLE, said, advice, DEPLOY, rows, Who.OPERATOR)


def _private(data: Path) -> Iterable[Finding]:
    """Whether others of this machine could read what is kept: the database, and the key beside it."""
    if os.name != "posix":
        return
    mode = stat.S_IMODE(data.stat().st_mode)
    if not mode & _OTHERS:
        yield Finding("data directory", True, f"Only its owner can look into {data}.", page=DEPLOY)
        return

    async def close() -> None:
        os.chmod(data, mode & ~_OTHERS)

    yield Finding(
        "data directory",
        True,
        f"Other users of this machine can look into {data}, where customers' data and a key may lie.",
        f"Take the right away from them: chmod go-rwx {data}",
        DEPLOY,
        who=Who.OPERATOR,
        mend=Mend("to take the right to look into the data directory away from other users", close),
    )


def _flows(env: Environment) -> Finding:
    rows = ("TRB-2.5", "TRB-4.1", "TRB-4.9", "TRB-4.10")
    off = [name for name, on in env.settings.flows.model_dump().items() if not on]
    if not off:
        said = "Every flow is switched on; what travels which way: cosell mapping show."
        return Finding("flows", True, said, page=MAPPING, rows=rows)
    return Finding(
        "flows",
        True,
        f"Switched off, so that their changes wait: {', '.join(off)}.",
        "Switch them on under [flows] when their changes are to travel.",
        MAPPING,
        rows,
        Who.OPERATOR,
    )


_OF_DEALS: dict[str, tuple[str, ...]] = {
    Reason.INCOMPLETE: ("TRB-3.2", "TRB-3.6", "TRB-3.7"),
    Reason.UNKNOWN_OPPORTUNITY: ("TRB-3.3", "TRB-3.8"),
    Reason.TERMINAL: ("TRB-3.3",),
    Reason.CONVERT_LEAD: ("TRB-4.2",),
    Reason.TWINS: ("TRB-4.4",),
    Reason.STRUGGLING: ("TRB-3.1", "TRB-3.8"),
    Reason.FAULT: ("TRB-3.1", "TRB-3.8"),
}


async def _deals(env: Environment) -> list[Finding]:
    """What waits for a person, cause by cause; none of it is a fault of the installation."""
    every = tuple(dict.fromkeys(row for rows in _OF_DEALS.values() for row in rows))
    causes = await attention(env.store)
    found = [
        Finding(
            f"deals: {one['reason']}",
            True,
            f"{one['count']} deal{'' if one['count'] == 1 else 's'}: {one['says']}",
            f"{one['fix']} First: {', '.join(one['links'])}".strip(),
            EXPLAIN,
            _OF_DEALS.get(one["reason"], ()),
            _WHOSE.get(one["who"]),
        )
        for one in causes
    ]
    waiting = sum(one["count"] for one in causes)
    said = f"Deals that wait for a person: {waiting or 'none'}."
    return [Finding("deals", True, said, page=EXPLAIN, rows=every), *found]


async def _alerts(env: Environment) -> list[Finding]:
    return [
        Finding(f"alert: {one.code}", False, one.message, one.advice, EXPLAIN, ("TRB-3.1",), Who.OPERATOR)
        for one in await alerts.standing(env.store)
    ]
