"""How can Microsoft help? The six answers between the wire's words and a CRM's choices (product.md B8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosell.core.fields import HELP_LABELS, Help
from cosell.core.values import Unreadable, Value


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


def help_value(text: str) -> Value:
    """The normal form of a chosen label: one of the six codes, None for «no help»."""
    answer = help_of(text)
    if answer is not None:
        return answer.value
    return None if is_no_help(text) else Unreadable(text[:80], "is none of the six answers")


def help_choices(choices: Iterable[tuple[str, str]]) -> dict[Help, str]:
    """The value that stores each answer, of the value and label of every choice; the last of several."""
    found: dict[Help, str] = {}
    for value, label in choices:
        answer = help_of(value) or help_of(label)
        if answer is not None:
            found[answer] = value
    return found
