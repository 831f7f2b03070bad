"""Turns single values of Dataverse rows into normal forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cosell.core import answers
from cosell.core import values as normal
from cosell.core.values import Person, Unreadable, Value
from cosell.countries import code_of
from cosell.systems.dataverse.metadata import Choice, Column
from cosell.systems.dataverse.odata import moment
from cosell.systems.dataverse.options import COSELL
from cosell.systems.dataverse.own_answers import HELP_VALUES

PLAIN: Mapping[str, Callable[[Any], Value]] = {
    "deal_value": normal.money,
    "close_date": normal.day,
    "notes": normal.text,
    "visible": normal.flag,
    "microsoft_id": normal.text,
    "program": normal.text,
    "customer_name": normal.text,
    "address_line": normal.text,
    "city": normal.text,
    "region": normal.text,
    "postal_code": normal.text,
}
"""Fields that one column holds in a form of its own."""


def inner(row: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
    """The row behind an expanded lookup; empty where there is none."""
    found = row.get(key) if key is not None else None
    return found if isinstance(found, dict) else {}


def word(raw: Any) -> str | None:
    """A text in normal form; None where it is empty or none."""
    cleaned = normal.text(raw) if isinstance(raw, str) else None
    return cleaned if isinstance(cleaned, str) else None


def plain(key: str, raw: Any) -> Value:
    """The normal form of one column's value."""
    if raw is None:
        return None
    return country(raw) if key == "country" else PLAIN[key](raw)


def country(raw: Any) -> Value:
    """The two-letter code of what somebody typed; nothing is guessed."""
    cleaned = word(raw)
    if cleaned is None:
        return None
    return code_of(cleaned) or Unreadable(cleaned[:80], "is no country we know; use its two-letter code")


def help_of(raw: Any, column: Column) -> Value:
    """The answer behind a choice's value, or behind a text where the column holds one."""
    if raw is None:
        return None
    label = next((answer_of(choice, column) for choice in column.choices if choice.value == raw), str(raw))
    return answers.help_value(label) if label.strip() else None


def answer_of(choice: Choice, column: Column) -> str:
    """What a choice says in words we know: in any of its languages, else by the values of our own column."""
    for label in (choice.label, *choice.labels):
        if answers.help_of(label) is not None or answers.is_no_help(label):
            return label
    ours = HELP_VALUES.get(choice.value) if column.name == COSELL.help else None
    return choice.label if ours is None else ours.value


def currency(
    row: Mapping[str, Any],
    column: Column,
    expanded: str | None,
    *,
    known: Mapping[str, str],
    own: str | None,
) -> Value:
    """The ISO code behind a lookup to a currency, or in a column of text; `own` where there is none.

    `expanded`: the navigation property under which the currency was read along. `known`: codes by id.
    """
    raw = row.get(column.shown)
    if raw is None:
        return own
    if not column.is_lookup:
        return normal.currency(raw)
    code = inner(row, expanded).get("isocurrencycode") or known.get(str(raw).lower())
    return Unreadable(str(raw)[:80], "is no currency we know") if code is None else normal.currency(code)


def instant(raw: Any) -> datetime | None:
    try:
        return moment(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def whole(raw: Any) -> int | None:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def person(row: Mapping[str, Any], columns: Mapping[str, Column]) -> Person:
    """A person in the columns email, first_name, last_name and phone."""
    words = {key: word(row.get(column.name)) or "" for key, column in columns.items()}
    return Person(
        words.get("email", ""),
        words.get("first_name", ""),
        words.get("last_name", ""),
        words.get("phone", ""),
    )
