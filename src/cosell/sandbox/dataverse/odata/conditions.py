"""Turns `$filter` into a function of a row, refusing what a column cannot be compared with."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from cosell.sandbox.dataverse.columns import NUMBERS, TEXTS, Column
from cosell.sandbox.dataverse.errors import DataverseError, bad_request
from cosell.sandbox.dataverse.odata.equality import equality
from cosell.sandbox.dataverse.odata.functions import compile_function
from cosell.sandbox.dataverse.odata.parser import parse_filter
from cosell.sandbox.dataverse.odata.paths import Read, Scope
from cosell.sandbox.dataverse.odata.tree import (
    And,
    Comparison,
    Condition,
    Function,
    Lambda,
    Literal,
    Name,
    Not,
    Or,
    TextTest,
)
from cosell.sandbox.dataverse.odata.typed import comparable, typed
from cosell.sandbox.dataverse.store import Row
from cosell.sandbox.dataverse.values import edm

Test = Callable[[Row], bool]
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def compile_filter(scope: Scope, text: str, aliases: Mapping[str, str]) -> Test:
    """The whole `$filter` as a function of a row."""
    return compile_test(scope, parse_filter(text, aliases))


def compile_test(scope: Scope, condition: Condition) -> Test:
    match condition:
        case And(terms):
            every = [compile_test(scope, term) for term in terms]
            return lambda row: all(test(row) for test in every)
        case Or(terms):
            if (found := equality(scope, condition)) is not None:
                read, values = found.read, found.values
                return lambda row: read(row) in values
            some = [compile_test(scope, term) for term in terms]
            return lambda row: any(test(row) for test in some)
        case Not(term):
            inside = compile_test(scope, term)
            return lambda row: not inside(row)
        case Comparison():
            return _comparison(scope, condition)
        case TextTest():
            return _text_test(scope, condition)
        case Function():
            return compile_function(scope, condition)
        case Lambda():
            return _lambda(scope, condition)


def _lambda(scope: Scope, one: Lambda) -> Test:
    backward, rows = scope.below(one.path)
    if one.condition is None:
        return lambda row: bool(rows(row))
    inside = compile_test(scope.within(backward.table, one.variable), one.condition)
    if one.every:
        return lambda row: all(inside(below) for below in rows(row))
    return lambda row: any(inside(below) for below in rows(row))


def _comparison(scope: Scope, one: Comparison) -> Test:
    left, right, word = one.left, one.right, one.operator
    if isinstance(left, Literal):
        left, right, word = right, left, _FLIPPED.get(word, word)
    if isinstance(left, Literal):
        raise bad_request("A comparison needs a property.")
    column, read = scope.column(left.parts)
    if isinstance(right, Name):
        other, read_other = scope.column(right.parts)
        _check_alike(column, other)
        return _against(word, comparable(column, read), comparable(other, read_other))
    value = typed(column, right)
    return _against(word, comparable(column, read), lambda _: value)


def _check_alike(column: Column, other: Column) -> None:
    if _family(column) != _family(other):
        text = "A binary operator with incompatible types was detected. Found operand types"
        raise bad_request(f"{text} '{edm(column)}' and '{edm(other)}'.")


def _family(column: Column) -> str:
    if column.kind in NUMBERS:
        return "number"
    return "text" if column.kind in TEXTS else edm(column)


def _against(word: str, left: Read, right: Read) -> Test:
    if word == "eq":
        return lambda row: left(row) == right(row)
    if word == "ne":
        return lambda row: left(row) != right(row)
    ordered = _ORDERED[word]

    def test(row: Row) -> bool:
        mine, other = left(row), right(row)
        return mine is not None and other is not None and ordered(mine, other)

    return test


def _text_test(scope: Scope, one: TextTest) -> Test:
    column, read = scope.column(one.name.parts)
    if column.kind not in TEXTS or one.value.kind != "string":
        raise _no_text(one.function, column)
    text = one.value.text
    start = "" if one.function == "startswith" else ".*"
    stop = "" if one.function == "endswith" else ".*"
    wild = _wildcards(text) if scope.org.settings.like_wildcards else re.escape(text)
    pattern = re.compile(start + wild + stop, re.IGNORECASE | re.DOTALL)
    return lambda row: (value := read(row)) is not None and pattern.fullmatch(value) is not None


def _no_text(function: str, column: Column) -> DataverseError:
    return bad_request(f"No function signature for the function '{function}' fits '{edm(column)}'.")


def _wildcards(text: str) -> str:
    """The wildcards of SQL's LIKE: ``%`` any text, ``_`` one letter, ``[a-c]`` one of these."""
    made, at = [], 0
    while at < len(text):
        letter = text[at]
        stop = text.find("]", at + 2) if letter == "[" else -1
        if stop > 0:
            made.append(_one_of(text[at + 1 : stop]))
            at = stop
        else:
            made.append({"%": ".*", "_": "."}.get(letter) or re.escape(letter))
        at += 1
    return "".join(made)


def _one_of(letters: str) -> str:
    """One of some letters, as a pattern; a range that runs backwards holds nothing."""
    inside = letters.replace("\\", "\\\\")
    try:
        re.compile(f"[{inside}]")
    except re.error:
        return "(?!)"
    return f"[{inside}]"
