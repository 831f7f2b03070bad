"""Reads as much of a settings file as is right, so that one unfinished connection hides nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from cosell.config.models import PartnerCenterSettings, Settings
from cosell.config.reading import parse_tables, read, read_text, rules
from cosell.core.errors import CosellError, Misconfigured
from cosell.core.records import Side
from cosell.crm import Crm, named, supported
from cosell.sections import FILL_IN, Section, Tag
from cosell.sections.secrets import Reference

NOWHERE = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Partial:
    """Settings in which some connections may be stand-ins that reach nothing."""

    settings: Settings | None
    """None where not even the environment can be told."""
    absent: frozenset[Side] = frozenset()
    """The connections whose tables are missing or unfinished."""
    problem: CosellError | None = None
    """What is wrong with the file; None where nothing is."""


def read_partly(path: Path) -> Partial:
    """The settings in the file at `path`, with stand-ins for connections that are not set up yet.

    Never raises for what the file says; an unreadable file is a Partial without settings.
    """
    try:
        return Partial(read(path))
    except CosellError as error:
        problem = error
    try:
        tables = tomllib.loads(read_text(path))
    except (CosellError, tomllib.TOMLDecodeError, RecursionError):
        return Partial(None, problem=problem)
    for sides in _subsets(Side):
        settings = _with_stand_ins(tables, frozenset(sides), path)
        if settings is not None:
            return Partial(settings, frozenset(sides), problem)
    return Partial(None, problem=problem)


def without(settings: Settings, side: Side) -> Settings:
    """The same settings with a stand-in for one connection: its secrets cannot be had."""
    crm, kind = named(settings.crm_name), str(settings.environment.kind)
    name = settings.crm_name if side is Side.CRM else "partner_center"
    table = _crm_stand_in(crm, kind) if side is Side.CRM else _partner_center_stand_in(kind)
    model = type(getattr(settings, name))
    return settings.model_copy(update={name: model.model_validate(table)}).lying_in(settings.folder)


def _subsets(sides: Iterable[Side]) -> Iterable[tuple[Side, ...]]:
    """One connection, the other, then both: the fewest stand-ins first."""
    every = list(sides)
    return chain.from_iterable(combinations(every, size) for size in range(1, len(every) + 1))


def _with_stand_ins(tables: Mapping[str, Any], sides: frozenset[Side], path: Path) -> Settings | None:
    environment = tables.get("environment")
    kind = environment.get("kind", "") if isinstance(environment, dict) else ""
    changed = dict(tables)
    if Side.PARTNER_CENTER in sides:
        changed["partner_center"] = _partner_center_stand_in(kind)
    if Side.CRM in sides:
        present = [name for name in supported() if name in tables] or list(supported())[:1]
        for name in present:
            changed.pop(name, None)
        changed[present[0]] = _crm_stand_in(named(present[0]), kind)
    try:
        settings = parse_tables(changed, path.name).lying_in(path.parent)
        rules(settings)
    except Misconfigured:
        return None
    return settings


def _partner_center_stand_in(kind: str) -> dict[str, Any]:
    first = {"tenant": "-", "client_id": "-", "refresh_token": Reference.given("-")}
    return {"environment": kind, **_nowhere(PartnerCenterSettings, kind), **first}


def _crm_stand_in(crm: Crm, kind: str) -> dict[str, Any]:
    first = {name: _nothing(said, kind) for name, said in crm.first.items()}
    return {"environment": kind, **_nowhere(crm.settings, kind), **first}


def _nowhere(section: type[Section], kind: str) -> dict[str, str]:
    """A sandbox may not so much as name the vendors' own hosts."""
    if kind != Tag.SANDBOX:
        return {}
    defaults = {name: str(field.default) for name, field in section.model_fields.items()}
    hosts = [name for name, said in defaults.items() if said.startswith("https://") and "{" not in said]
    return dict.fromkeys(hosts, NOWHERE)


def _nothing(said: str, kind: str) -> Any:
    """What stands for a setting of a connection that is not set up, in the form the setting has."""
    if said == FILL_IN:
        return "-"
    if said.startswith(("env:", "file:")):
        return Reference.given("-")
    return NOWHERE if kind == Tag.SANDBOX and said.startswith("https://") else said
