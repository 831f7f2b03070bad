"""Cuts a `$filter` into tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cosell.sandbox.dataverse.errors import DataverseError, bad_request

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
  | (?P<text>"(?:[^"\\]|\\.)*")
  | (?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})
  | (?P<moment>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d))
  | (?P<day>\d{4}-\d\d-\d\d(?![\dT]))
  | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<alias>@\w+)
  | (?P<name>\$?[A-Za-z_]\w*(?:[./]\$?[A-Za-z_]\w*)*)
  | (?P<mark>[(),:=\[\]])
  | (?P<wrong>\S)
  | (?P<end>$)
    )""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text with its kind and place."""

    kind: str
    text: str
    at: int


def trouble(text: str, at: int, message: str = "Syntax error") -> DataverseError:
    """The refusal of an expression that cannot be read."""
    return bad_request(f"{message} at position {at} in '{text}'.")


def tokens(text: str, aliases: Mapping[str, str]) -> list[Token]:
    """All tokens of an expression, parameter aliases put in, an end mark last."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "end"
        token = Token(kind, match[kind], match.start(kind))
        if kind == "wrong":
            raise trouble(text, token.at)
        if kind == "alias":
            value = aliases.get(token.text)
            if value is None:
                raise trouble(text, token.at, f"The parameter alias '{token.text}' has no value")
            found.extend(tokens(value, {})[:-1])
            continue
        found.append(_unquoted(token))
        if kind == "end":
            break
    return found


def _unquoted(token: Token) -> Token:
    if token.kind == "string":
        return Token("string", token.text[1:-1].replace("''", "'"), token.at)
    if token.kind == "text":
        return Token("string", re.sub(r"\\(.)", r"\1", token.text[1:-1]), token.at)
    return token
