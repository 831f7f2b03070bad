"""Writes a first `cosell.toml`: every setting with its meaning, the required ones to be filled in."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cosell.config.models import settings_with, tables
from cosell.crm import Crm
from cosell.sections import FILL_IN, Section, Tag

HEAD = """\
# Settings of Cosell. Lines that begin with # show the defaults; remove the # to change one.
# Secrets never stand here: write env:NAME for an environment variable or file:/path for a file, or let
# `cosell connect` ask for them, prove them and keep them sealed.
# `cosell doctor` checks this file and both connections.
"""

_FIRST: dict[str, str] = {
    "partner_center.tenant": FILL_IN,
    "partner_center.client_id": FILL_IN,
    "partner_center.refresh_token": "env:COSELL_REFRESH_TOKEN",
}
"""What a new file says where a setting has no default, or needs one of two."""
_SHOWN: dict[str, str] = {
    "environment.ca_file": "extra-authorities.pem",
    "partner_center.client_secret": "env:COSELL_CLIENT_SECRET",
    "partner_center.organization_id": "a1b2c3",
    "partner_center.certificate_roots": "roots.pem",
    "web.public_url": "https://cosell.example.com",
}
"""Examples for settings whose default is nothing."""


@dataclass(frozen=True, slots=True)
class New:
    """What is known of an environment before its connections are."""

    kind: Tag = Tag.PRODUCTION
    name: str = ""
    """Empty: as its kind."""
    ca_file: str = ""


def template(crm: Crm, new: New | None = None) -> str:
    """The whole file of an environment that joins this CRM; it reads back once it is filled in."""
    return "\n".join([HEAD, *_Template(crm, new or New()).lines()]) + "\n"


class _Template:
    """The lines of one file."""

    def __init__(self, crm: Crm, new: New) -> None:
        self._fields = tables(settings_with(crm))
        tagged = ("environment.kind", "partner_center.environment", f"{crm.name}.environment")
        self._first = _FIRST | dict.fromkeys(tagged, str(new.kind))
        self._first |= {"environment.name": new.name or str(new.kind)}
        self._first |= {"environment.ca_file": new.ca_file} if new.ca_file else {}
        self._first |= {f"{crm.name}.{name}": said for name, said in crm.first.items()}
        self._shown = _SHOWN | {f"{crm.name}.{name}": said for name, said in crm.shown.items()}

    def lines(self) -> list[str]:
        """Every table with every setting."""
        return self._tables(self._fields, "")

    def _tables(self, fields: Mapping[str, FieldInfo], path: str) -> list[str]:
        lines, deeper = [], []
        for name, field in fields.items():
            kind, dotted = field.annotation, f"{path}.{name}".lstrip(".")
            if isinstance(kind, type) and issubclass(kind, Section):
                inner = self._tables(kind.model_fields, dotted)
                deeper += [f"[{dotted}]", *_told(kind.__doc__), *inner, ""]
            elif dotted == "mapping":
                deeper += ["# [mapping.deal_value]", *_told(field.description), '# conflict = "crm"', ""]
            else:
                default = field.get_default(call_default_factory=True)
                lines += [*_told(field.description), self._line(dotted, name, default)]
        return [*lines, *([""] if lines and deeper else []), *deeper]

    def _line(self, dotted: str, name: str, default: Any) -> str:
        if dotted in self._first:
            return f"{name} = {json.dumps(self._first[dotted])}"
        value = self._shown.get(dotted, "") if default is None or default is PydanticUndefined else default
        return f"# {name} = {_toml(value)}"


def _told(text: str | None) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join((text or "").split()), 100)]


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value), ensure_ascii=False)
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)
