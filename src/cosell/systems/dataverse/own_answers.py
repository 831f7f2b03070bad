"""The values of our own choice «How can Microsoft help?», whatever language its labels are shown in."""

from __future__ import annotations

from collections.abc import Mapping

from cosell.core.fields import Help

FIRST_VALUE = 72_700
"""The publisher's number: its values begin at ten thousand times that (dataverse-api.md 5.1)."""
HELP_VALUES: Mapping[int, Help] = {FIRST_VALUE * 10_000 + at: answer for at, answer in enumerate(Help)}
