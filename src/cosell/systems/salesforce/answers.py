"""How can Microsoft help? The six answers between the wire's words and an org's picklist (product.md B8)."""

from __future__ import annotations

from collections.abc import Mapping

from cosell.core.fields import HELP_LABELS, Help
from cosell.systems.salesforce.describe import Column


def _letters(text: str) -> str:
    """Only the letters of a label, so that its spellings meet: «Proof of concept / Demo» says «or»."""
    return "".join(c for c in text.replace("/", " or ").casefold() if c.isalnum())


HELP_BY_LETTERS: Mapping[str, Help] = {
    **{_letters(label): answer for answer, label in HELP_LABELS.items()},
    **{_letters(answer.value): answer for answer in Help},
}
NO_HELP = frozenset({"none", _letters("No help required at this point of time")})


def help_of(text: str) -> Help | None:
    """The answer a label or code stands for, without regard to case and signs (product.md B8)."""
    return HELP_BY_LETTERS.get(_letters(text))


def is_no_help(text: str) -> bool:
    return _letters(text) in NO_HELP


def known_answers(column: Column) -> frozenset[Help]:
    """The answers a picklist has a value for."""
    found = {help_of(value) or help_of(label) for value, label in column.choices}
    return frozenset(one for one in found if one is not None)


def help_choices(column: Column) -> dict[Help, str]:
    """What to store for each answer: the org's own spelling of it, else Microsoft's label."""
    found = dict(HELP_LABELS)
    for value, label in column.choices:
        answer = help_of(value) or help_of(label)
        if answer is not None:
            found[answer] = value
    return found
