"""Writes a first `cosell.toml`: every setting with its meaning, the required ones to be filled in."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cosell.config.models import FILL_IN, Section, Settings

HEAD = """\
# Settings of Cosell. Lines that begin with # show the defaults; remove the # to change one.
# Secrets never stand here: write env:NAME for an environment variable or file:/path for a file.
# `cosell doctor` checks this file and both connections.
"""

_FIRST: dict[str, str] = {
    "environment.name": "production",
    "environment.kind": "production",
    "partner_center.environment": "production",
    "partner_center.tenant": FILL_IN,
    "partner_center.client_id": FILL_IN,
    "partner_center.refresh_token": "env:COSELL_REFRESH_TOKEN",
    "salesforce.environment": "production",
    "salesforce.login_url": "https://login.salesforce.com",
    "salesforce.client_id": FILL_IN,
    "salesforce.username": FILL_IN,
    "salesforce.private_key": "file:salesforce.key",
}
"""What a new file says where a setting has no default, or needs one of two."""
_SHOWN: dict[str, str] = {
    "environment.ca_file": "extra-authorities.pem",
    "partner_center.client_secret": "env:COSELL_CLIENT_SECRET",
    "partner_center.organization_id": "a1b2c3",
    "partner_center.certificate_roots": "roots.pem",
    "salesforce.client_secret": "env:COSELL_SALESFORCE_SECRET",
    "salesforce.instance_url": "https://example.my.salesforce.com",
    "salesforce.audience": "https://login.salesforce.com",
    "salesforce.corporate_currency": "EUR",
    "salesforce.contact_role": "Decision Maker",
    "salesforce.default_owner": "005000000000001AAA",
    "web.public_url": "https://cosell.example.com",
}
"""Examples for settings whose default is nothing."""


def template() -> str:
    """The whole file; it reads back once it is filled in."""
    return "\n".join([HEAD, *_tables(Settings, "")]) + "\n"


def _tables(model: type[BaseModel], path: str) -> list[str]:
    lines, deeper = [], []
    for name, field in model.model_fields.items():
        kind, dotted = field.annotation, f"{path}.{name}".lstrip(".")
        if isinstance(kind, type) and issubclass(kind, Section):
            deeper += [f"[{dotted}]", *_told(kind.__doc__), *_tables(kind, dotted), ""]
        elif dotted == "mapping":
            deeper += ["# [mapping.deal_value]", *_told(field.description), '# conflict = "crm"', ""]
        else:
            default = field.get_default(call_default_factory=True)
            lines += [*_told(field.description), _line(dotted, name, default)]
    return [*lines, *([""] if lines and deeper else []), *deeper]


def _told(text: str | None) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join((text or "").split()), 100)]


def _line(dotted: str, name: str, default: Any) -> str:
    if dotted in _FIRST:
        return f"{name} = {json.dumps(_FIRST[dotted])}"
    value = _SHOWN.get(dotted, "") if default is None or default is PydanticUndefined else default
    return f"# {name} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value), ensure_ascii=False)
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)
