"""The ``$filter`` of the metadata endpoints: comparisons of a definition's properties with literals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cosell.sandbox.dataverse.errors import bad_request, no_property

Definition = Mapping[str, Any]
Test = Callable[[Definition], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>(?:Microsoft\.Dynamics\.CRM\.\w+)?'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w/.]*)|(?P<mark>[(),]))"
)
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, two: bool(one == two),
    "ne": lambda one, two: bool(one != two),
    "gt": lambda one, two: one is not None and two is not None and bool(one > two),
    "ge": lambda one, two: one is not None and two is not None and bool(one >= two),
    "lt": lambda one, two: one is not None and two is not None and bool(one < two),
    "le": lambda one, two: one is not None and two is not None and bool(one <= two),
}
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda one, two: two in one,
}
_WORDS = {"true": True, "false": False, "null": None}


def test_of(text: str, type_name: str) -> Test:
    """The test that a filter is; a refusal where it cannot be read."""
    reader = _Reader(text, type_name)
    test = reader.either()
    reader.end()
    return test


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str, type_name: str) -> None:
        self._text, self._type = text, type_name
        self._tokens, place = [], 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._wrong()
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()
        self._tokens.append(("end", ""))
        self._place = 0

    def either(self) -> Test:
        tests = [self._all()]
        while self._take("word", "or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda one: any(test(one) for test in tests)

    def end(self) -> None:
        if self._tokens[self._place][0] != "end":
            raise self._wrong()

    def _all(self) -> Test:
        tests = [self._single()]
        while self._take("word", "and"):
            tests.append(self._single())
        return tests[0] if len(tests) == 1 else lambda one: all(test(one) for test in tests)

    def _single(self) -> Test:
        if self._take("word", "not"):
            test = self._single()
            return lambda one: not test(one)
        if self._take("mark", "("):
            test = self.either()
            self._need("mark", ")")
            return test
        kind, word = self._next()
        if kind != "word":
            raise self._wrong()
        return self._function(word) if word in _FUNCTIONS else self._comparison(word)

    def _function(self, name: str) -> Test:
        self._need("mark", "(")
        kind, path = self._next()
        self._need("mark", ",")
        wanted = self._literal()
        self._need("mark", ")")
        if kind != "word" or not isinstance(wanted, str):
            raise self._wrong()
        act = _FUNCTIONS[name]
        return lambda one: isinstance(found := self._found(one, path), str) and act(found, wanted)

    def _comparison(self, path: str) -> Test:
        kind, operator = self._next()
        if kind != "word" or operator not in _COMPARES:
            raise self._wrong()
        wanted, compares = self._literal(), _COMPARES[operator]
        return lambda one: compares(self._found(one, path), wanted)

    def _literal(self) -> Any:
        kind, text = self._next()
        if kind == "text":
            return text.partition("'")[2][:-1].replace("''", "'")
        if kind == "guid":
            return text.lower()
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "word" and text in _WORDS:
            return _WORDS[text]
        raise self._wrong()

    def _found(self, one: Definition, path: str) -> Any:
        found: Any = one
        for name in path.split("/"):
            if not isinstance(found, Mapping) or name not in found:
                raise no_property(name, self._type)
            found = found[name]
        return found

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._place]
        self._place += 1
        if token[0] == "end":
            raise self._wrong()
        return token

    def _take(self, kind: str, text: str) -> bool:
        if self._tokens[self._place] != (kind, text):
            return False
        self._place += 1
        return True

    def _need(self, kind: str, text: str) -> None:
        if not self._take(kind, text):
            raise self._wrong()

    def _wrong(self) -> Exception:
        return bad_request(f"Syntax error in the filter '{self._text}'.")
