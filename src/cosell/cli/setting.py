"""Shows the settings in force, and changes single ones in the file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cosell.cli.speaking import USAGE, Answer, Refusal, Voice
from cosell.config import parse_settings
from cosell.config.editing import Plain, difference, edited
from cosell.config.reading import read_text
from cosell.core.errors import Misconfigured
from cosell.wiring.places import locate, meant


def shown(config: str | None) -> Answer:
    """Every setting by its dotted name, with its value and where it comes from."""
    place = locate(config, os.environ)
    if place.settings is None:
        raise Refusal("The sandbox has no settings file.", advice="Write one of your own: cosell init")
    found = {name: {"value": value, "from": origin} for name, value, origin in _every(place.settings, "")}

    def show(voice: Voice) -> None:
        rows = ((name, one["value"], one["from"]) for name, one in found.items())
        voice.table(("Setting", "Value", "From"), rows)

    return Answer(found, show)


def _every(model: BaseModel, path: str) -> Iterable[tuple[str, Any, str]]:
    for name in type(model).model_fields:
        value, dotted = getattr(model, name), f"{path}.{name}".lstrip(".")
        if isinstance(value, BaseModel):
            yield from _every(value, dotted)
        else:
            plain = model.model_dump(mode="json", include={name})[name]
            yield dotted, plain, "file" if name in model.model_fields_set else "default"


def changed(config: str | None, pairs: Iterable[str]) -> Answer:
    """The file with these settings changed, and what changed in it."""
    file = meant(config, os.environ)
    if not isinstance(file, Path):
        raise Refusal("The sandbox has no settings file.", advice="Write one of your own: cosell init")
    before = text = read_text(file)
    for table, changes in _by_table(pairs).items():
        text = edited(text, table, changes, name=file.name)
        _refuse_wrong(text, file.name, table, changes)
    replaced = file.with_name(f"{file.name}.new")
    replaced.write_text(text, "utf-8")
    replaced.chmod(file.stat().st_mode)
    replaced.replace(file)
    told = difference(before, text, file.name)
    return Answer({"file": str(file), "difference": told}, lambda voice: voice.line(told or "As it was."))


def _by_table(pairs: Iterable[str]) -> Mapping[str, dict[str, Plain]]:
    found: dict[str, dict[str, Plain]] = {}
    for pair in pairs:
        name, equals, said = pair.partition("=")
        table, dot, key = name.strip().rpartition(".")
        if not equals or not dot or not key:
            raise Refusal(f"«{pair[:60]}» is not of the form TABLE.NAME=VALUE.", exit_code=USAGE)
        found.setdefault(table, {})[key] = _value(said)
    return found


def _value(said: str) -> Plain:
    """A number, true, false or a list where it reads as one, else the text itself."""
    try:
        value = tomllib.loads(f"value = {said}")["value"]
    except tomllib.TOMLDecodeError:
        return said
    return value if isinstance(value, str | bool | int | float | list) else said


def _refuse_wrong(text: str, name: str, table: str, changes: Mapping[str, Plain]) -> None:
    """Refuses what the file may not say; that another table is unfinished is nobody's fault here."""
    try:
        parse_settings(text, name)
    except Misconfigured as error:
        if any(f"[{table}] {key}" in error.message for key in changes):
            raise
