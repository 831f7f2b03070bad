"""A submitted form as the pages read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request

from cosell.sandbox.shell.wishes import Refused, read_form


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form; a field nobody filled is an empty text."""

    fields: dict[str, list[str]]

    def text(self, name: str) -> str:
        # Browsers send line ends as CR LF whatever the text had before.
        return next(iter(self.fields.get(name, ())), "").replace("\r\n", "\n").strip()

    def all(self, name: str) -> list[str]:
        return [value for value in self.fields.get(name, ()) if value.strip()]

    def ticked(self, name: str) -> bool:
        return self.text(name) == "on"

    def number(self, name: str) -> int | float | None:
        """The number in a field, with or without thousands marks; nothing when it is empty."""
        text = self.text(name).replace(",", "").replace(" ", "")
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value) > Decimal(10) ** 18:
            raise Refused(f"“{self.text(name)}” is not a number that fits here.")
        return int(value) if value == value.to_integral_value() else float(value)


async def read(request: Request) -> Form:
    """The form in the body of a request."""
    return Form(await read_form(request))


def different(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Only what the person changed, so that a form left open overwrites nothing else."""
    return {name: value for name, value in wanted.items() if not _same(before[name], value)}


def _same(before: Any, after: Any) -> bool:
    if before in (None, "") and after in (None, ""):
        return True
    if isinstance(before, str) and isinstance(after, str):
        return before.replace("\r\n", "\n") == after
    return bool(before == after)
