"""Does something in the running sandbox and shows what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from cosell.cli.speaking import LATER, USAGE, Answer, Refusal, Voice
from cosell.sandbox.shell.verbs import Control, SandboxRefused, SandboxUnreachable
from cosell.wiring.places import locate


def move(act: Callable[[Control], Any], *, url: str | None, full: bool = False) -> Answer:
    """Carries out one verb in the sandbox at `url`, or in the one that runs from here."""
    try:
        data = act(Control(url or running_sandbox()))
    except SandboxUnreachable as error:
        raise Refusal(
            str(error), advice="Start one with `cosell run` or `cosell sandbox`.", exit_code=LATER
        ) from None
    except SandboxRefused as error:
        raise Refusal(str(error)) from None
    return Answer(data, lambda voice: show(voice, data if full else _brief(data)))


def _brief(data: Any) -> Any:
    """A deal without the rows behind it; `cosell sandbox deal` shows those too."""
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in _BEHIND}


_BEHIND = frozenset(("ours", "theirs", "account_row", "solution_rows", "contacts", "team"))


def running_sandbox() -> str:
    """Where the sandbox answers: as the running environment noted it, else at the usual port."""
    if (told := os.environ.get("COSELL_SANDBOX")) is not None:
        return told
    note = locate(None, os.environ).running()
    if note and isinstance(note.get("sandbox"), str):
        return str(note["sandbox"])
    return f"http://127.0.0.1:{os.environ.get('COSELL_BASE_PORT', '8800')}"


def named(pairs: list[str]) -> dict[str, Any]:
    """`amount=90000 sync=true name=Acme` as values: JSON where it is JSON, else text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise Refusal(f"«{pair}» is not of the form NAME=VALUE.", exit_code=USAGE)
        if name.strip() in _OPTIONS:
            raise Refusal(f"{name.strip()} is not set this way.", advice="See --help.", exit_code=USAGE)
        found[name.strip()] = _value(value)
    return found


_OPTIONS = ("self", "by", "deal_id", "system")
"""Names that have an option or argument of their own."""


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def make(control: Control, kind: str, wanted: Mapping[str, Any], *, system: str | None = None) -> Any:
    """Makes a deal of one of the kinds, in the first system that knows it unless another is named."""
    makers: dict[str, Callable[..., Any]] = {
        "inbound": control.new_deal,
        "referral": control.new_referral,
        "opportunity": control.new_opportunity,
        "lead": control.new_lead,
    }
    if kind not in makers:
        raise Refusal(f"«{kind}» is none of {', '.join(makers)}.", exit_code=USAGE)
    return makers[kind](**wanted) if system is None else makers[kind](system=system, **wanted)


def show(voice: Voice, data: Any) -> None:
    """Shows any answer of the sandbox: lists of alike things as tables, the rest as indented lines."""
    for name, value in data.items() if isinstance(data, dict) else [("", data)]:
        if _is_table(value):
            _show_table(voice, name, value)
        elif isinstance(value, dict | list):
            voice.line(f"{name}:")
            for line in json.dumps(value, indent=2, ensure_ascii=False, default=str).splitlines():
                voice.line(line, indent=2)
        else:
            voice.line(f"{name}: {_word(value)}")


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(row, dict) for row in value)


def _show_table(voice: Voice, name: str, rows: list[dict[str, Any]]) -> None:
    flat = [key for key in rows[0] if not any(isinstance(row.get(key), dict | list) for row in rows)]
    columns = [key for key in _DEAL_COLUMNS if key in flat] if {"id", "name"} <= {*flat} else flat
    voice.line(f"{name} ({len(rows)})", style="bold")
    if voice.console.width < 80:
        for row in rows:
            voice.line(" · ".join(_word(row.get(key)) for key in columns), indent=2)
        return
    voice.table(columns, ([_word(row.get(key)) for key in columns] for row in rows))


_DEAL_COLUMNS = ("id", "status", "substatus", "stage", "sync", "value", "amount", "currency", "name")
"""What a line about a deal shows; `cosell sandbox deal` and --json show the rest."""


def _word(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
