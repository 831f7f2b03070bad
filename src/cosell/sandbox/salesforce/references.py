"""`@{ref.path}` in the parts of a composite request (reference 7.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cosell.sandbox.salesforce.errors import SalesforceError, refusal

_REFERENCE = re.compile(r"@\{([^{}]+)\}")
_ENCODED = re.compile(r"%40%7B(.+?)%7D", re.IGNORECASE)
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def mentioned(part: Any) -> set[str]:
    """The reference ids a url or body mentions."""
    if isinstance(part, str):
        return {_owner(match[1]) for match in _REFERENCE.finditer(_plain(part))}
    if isinstance(part, Mapping):
        return {name for value in part.values() for name in mentioned(value)}
    if isinstance(part, list):
        return {name for value in part for name in mentioned(value)}
    return set()


def filled_url(url: str, results: Mapping[str, Any]) -> str:
    """The url with every reference replaced."""
    return _REFERENCE.sub(lambda match: quote(str(_look_up(match[1], results)), safe=""), _plain(url))


def filled(part: Any, results: Mapping[str, Any]) -> Any:
    """The body with every reference replaced; a value that is one reference keeps its type."""
    if isinstance(part, str):
        whole = _REFERENCE.fullmatch(part)
        if whole:
            return _look_up(whole[1], results)
        return _REFERENCE.sub(lambda match: str(_look_up(match[1], results)), part)
    if isinstance(part, Mapping):
        return {name: filled(value, results) for name, value in part.items()}
    if isinstance(part, list):
        return [filled(value, results) for value in part]
    return part


def _plain(url: str) -> str:
    return _ENCODED.sub(lambda match: "@{" + match[1] + "}", url)


def _owner(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _look_up(path: str, results: Mapping[str, Any]) -> Any:
    owner = _owner(path)
    value = results.get(owner)
    steps = [match[1] if match[1] is not None else int(match[2]) for match in _STEP.finditer(path)][1:]
    for step in steps:
        value = _step(value, step)
    if value is None:
        raise _unresolved(path, owner)
    return value


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, Mapping) else None


def _unresolved(path: str, owner: str) -> SalesforceError:
    text = f"Invalid reference specified. No value for {path} found in {owner}"
    return refusal(400, "PROCESSING_HALTED", text)
