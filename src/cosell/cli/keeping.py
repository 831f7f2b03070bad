"""Backups and the way back."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path

from cosell.cli.deciding import person
from cosell.cli.finding import opened
from cosell.cli.speaking import Answer, Refusal, Voice
from cosell.wiring import backups
from cosell.wiring.keyring import find_key
from cosell.wiring.places import locate


async def backup(config: str | None, file: str | None, *, with_key: bool) -> Answer:
    """Writes a backup of the environment."""
    async with opened(config) as env:
        target = _target(file, env.place.name)
        key = find_key(env.place.data, env.place.name, os.environ) if with_key else None
        manifest = await backups.back_up(env, target, key=key)
    data = {"file": str(target), "bytes": target.stat().st_size, **asdict(manifest)}

    def show(voice: Voice) -> None:
        links, rows = manifest.counts["link"], manifest.audit_rows
        voice.line(f"Wrote {target}: {links} links, {rows} rows of the audit, read back and whole.")
        if manifest.with_key:
            voice.line("The sealing key is in it: whoever has the file can sign in as the connector.")
        else:
            voice.line("The sealing key is not in it (COSELL_KEY or the .key file): keep that elsewhere.")

    return Answer(data, show)


def _target(file: str | None, environment: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    target = Path(file or f"{environment}-{stamp}.backup").absolute()
    if target.exists():
        raise Refusal(f"{target} exists already; it was left as it is.", advice="Name another file.")
    return target


def _source(file: str) -> Path:
    source = Path(file)
    if not source.is_file():
        raise Refusal(f"There is no file {file[:200]}.")
    return source.absolute()


async def restore(config: str | None, file: str) -> Answer:
    """Puts a backup in the place of the database."""
    done = await backups.restore(locate(config, os.environ), _source(file), who=person())
    data = {
        "made_at": done.manifest.made_at,
        "audit_rows": done.manifest.audit_rows,
        "to_look_at": done.to_look_at,
        "replaced": None if done.aside is None else str(done.aside),
        "carried_over": done.carried_over,
    }

    def show(voice: Voice) -> None:
        voice.line(f"The database is that of {done.manifest.made} again.")
        if done.aside is not None:
            voice.line(f"What it replaces is kept: {done.aside}")
        voice.line(
            f"It is older than the two systems: the next run compares {done.to_look_at} links anew, believes "
            "nothing before, and makes nothing new until all were seen. It says when that is over."
        )
        voice.line("Start it: cosell run")

    return Answer(data, show)
