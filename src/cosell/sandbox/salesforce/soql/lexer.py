"""Cuts SOQL into tokens and says where a mistake stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cosell.sandbox.salesforce.errors import SalesforceError, refusal

LONGEST_QUERY = 100_000
LONGEST_LITERAL = 4_000
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d(?![\dT]))
  | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
  | (?P<operator><=|>=|!=|<>|=|<|>)
  | (?P<mark>[(),:])
  | (?P<wrong>\S)
  | (?P<end>$)
    )""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text with its kind and place."""

    kind: str
    text: str
    at: int

    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else ""


def trouble(code: str, soql: str, at: int, message: str) -> SalesforceError:
    """A refusal with the line, the caret and the column, as the vendor prints them."""
    row = soql.count("\n", 0, at) + 1
    line_start = soql.rfind("\n", 0, at) + 1
    column = at - line_start
    line_end = soql.find("\n", at)
    line = soql[line_start : line_end if line_end >= 0 else len(soql)]
    first = max(0, column - 60)
    shown = line[first : column + 40]
    text = f"\n{shown}\n{' ' * (column - first)}^\nERROR at Row:{row}:Column:{column + 1}\n{message}"
    return refusal(400, code, text)


def unexpected(soql: str, token: Token) -> SalesforceError:
    """The refusal of a token that cannot stand where it stands."""
    shown = token.text if token.kind != "end" else "<EOF>"
    return trouble("MALFORMED_QUERY", soql, token.at, f"unexpected token: '{shown}'")


def tokens(soql: str) -> list[Token]:
    """All tokens of a query, an end mark last."""
    if len(soql) > LONGEST_QUERY:
        message = f"SOQL statements cannot be longer than {LONGEST_QUERY} characters."
        raise refusal(400, "MALFORMED_QUERY", message)
    found: list[Token] = []
    for match in _TOKEN.finditer(soql):
        kind = match.lastgroup or "end"
        token = Token(kind, match[kind], match.start(kind))
        if kind == "wrong":
            raise unexpected(soql, token)
        if kind == "string":
            token = Token(kind, _unquoted(soql, token), token.at)
        found.append(token)
        if kind == "end":
            break
    return found


def _unquoted(soql: str, token: Token) -> str:
    inside = token.text[1:-1]
    if "\\" in inside:
        inside = _ESCAPE.sub(lambda match: _unescaped(soql, token, match[1]), inside)
    if len(inside) > LONGEST_LITERAL:
        raise trouble("MALFORMED_QUERY", soql, token.at, "string literal is too long")
    return inside


def _unescaped(soql: str, token: Token, escape: str) -> str:
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    if escape in _ESCAPES:
        return _ESCAPES[escape]
    if escape in "%_":
        # LIKE takes these two escapes; they reach the pattern as they are.
        return "\\" + escape
    raise trouble(
        "MALFORMED_QUERY", soql, token.at, f"Illegal escape sequence '\\{escape}' in string literal"
    )
