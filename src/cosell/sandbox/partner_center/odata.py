"""The `$filter` language: a small recursive-descent parser and what its sentences mean for a referral."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cosell.sandbox.partner_center import moments
from cosell.sandbox.partner_center.documents import value_at
from cosell.sandbox.partner_center.errors import Refusal, invalid
from cosell.sandbox.partner_center.records import Record
from cosell.sandbox.partner_center.switches import Switches

Test = Callable[[Record], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<name>[A-Za-z_@][A-Za-z0-9_./@]*)"
    r"|(?P<sign>[(),:]))",
    re.ASCII,
)
_DEEPEST = 40
_COMPARISONS = ("gt", "ge", "lt", "le")
# Lower-case spelling of each documented operand, and where it stands.
_TEXTS = {
    "engagementid": "engagementId",
    "status": "status",
    "substatus": "substatus",
    "qualification": "qualification",
    "direction": "direction",
    "type": "type",
    "customerprofile/address/country": "customerProfile/address/country",
}
_MOMENTS = ("updateddatetime",)


def _bad(message: str) -> Refusal:
    return invalid("$filter", message)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operand operator literal`; a moment is already in ticks."""

    operand: str
    operator: str
    value: str | int | None

    def test(self) -> Test:
        if self.operand in _MOMENTS:
            return self._moment_test()
        return self._text_test()

    def _moment_test(self) -> Test:
        wanted = self.value if isinstance(self.value, int) else 0
        tests: dict[str, Test] = {
            "eq": lambda record: record.updated[0] == wanted,
            "ne": lambda record: record.updated[0] != wanted,
            "gt": lambda record: record.updated[0] > wanted,
            "ge": lambda record: record.updated[0] >= wanted,
            "lt": lambda record: record.updated[0] < wanted,
            "le": lambda record: record.updated[0] <= wanted,
        }
        return tests[self.operator]

    def _text_test(self) -> Test:
        keys = self.operand.split("/")
        wanted, differs = self.value, self.operator == "ne"
        if self.operand == "engagementId" and isinstance(wanted, str):
            wanted = wanted.lower()
        if len(keys) == 1:
            name = keys[0]
            return lambda record: (record.body.get(name) == wanted) is not differs
        return lambda record: (value_at(record.body, keys) == wanted) is not differs


@dataclass(frozen=True, slots=True)
class TeamHolds:
    """`team/any(t:t/email eq '…')`."""

    email: str

    def test(self) -> Test:
        wanted = self.email.lower()
        return lambda record: any((one["email"] or "").lower() == wanted for one in record.body["team"])


@dataclass(frozen=True, slots=True)
class Junction:
    """`left and right` or `left or right`."""

    operator: str
    left: Node
    right: Node

    def test(self) -> Test:
        left, right = self.left.test(), self.right.test()
        if self.operator == "and":
            return lambda record: left(record) and right(record)
        return lambda record: left(record) or right(record)


@dataclass(frozen=True, slots=True)
class Negation:
    """`not node`."""

    inner: Node

    def test(self) -> Test:
        inner = self.inner.test()
        return lambda record: not inner(record)


Node = Comparison | TeamHolds | Junction | Negation


def parse(text: str, switches: Switches) -> Node:
    """The meaning of a filter, or a refusal of whatever the service does not support."""
    parser = _Parser(_tokens(text), switches)
    node = parser.disjunction(0)
    parser.expect("end", "")
    return node


def conjuncts(node: Node) -> list[Node]:
    """The parts that must all hold, from which an index can be chosen."""
    if isinstance(node, Junction) and node.operator == "and":
        return conjuncts(node.left) + conjuncts(node.right)
    return [node]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place = 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _bad(f"The filter cannot be read at position {place}.")
        tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
        place = match.end()
    return [*tokens, ("end", "")]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], switches: Switches) -> None:
        self._tokens, self._place, self._switches = tokens, 0, switches
        self._texts = _TEXTS | {name.lower(): name for name in switches.filter_operands}

    def disjunction(self, depth: int) -> Node:
        node = self._conjunction(depth)
        while self._take_word("or"):
            self._demand(self._switches.filter_or, "or")
            node = Junction("or", node, self._conjunction(depth))
        return node

    def expect(self, kind: str, text: str) -> None:
        found = self._next()
        if found != (kind, text):
            raise _bad(f"The filter has {found[1]!r} where {text or 'its end'!r} is expected.")

    def _conjunction(self, depth: int) -> Node:
        node = self._negation(depth)
        while self._take_word("and"):
            node = Junction("and", node, self._negation(depth))
        return node

    def _negation(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise _bad("The filter is nested too deeply.")
        if self._take_word("not"):
            self._demand(self._switches.filter_or, "not")
            return Negation(self._negation(depth + 1))
        if self._peek() == ("sign", "("):
            self._next()
            node = self.disjunction(depth + 1)
            self.expect("sign", ")")
            return node
        return self._comparison()

    def _comparison(self) -> Node:
        kind, name = self._next()
        if kind != "name":
            raise _bad(f"The filter has {name!r} where a property is expected.")
        if name.lower().endswith("/any"):
            return self._any(name)
        if self._peek() == ("sign", "("):
            raise _bad(f"The function {name} is not supported.")
        operator = self._operator()
        if name.lower() in _MOMENTS:
            return Comparison(name.lower(), operator, self._moment(name))
        operand = self._texts.get(name.lower())
        if operand is None:
            raise _bad(f"The property {name} is not supported in a filter.")
        if operator in _COMPARISONS:
            raise _bad(f"The operator {operator} is not supported for {name}.")
        return Comparison(operand, operator, self._text(name))

    def _any(self, name: str) -> Node:
        if name.lower() != "team/any":
            raise _bad(f"{name} is not supported in a filter.")
        self.expect("sign", "(")
        kind, variable = self._next()
        self.expect("sign", ":")
        operand = self._next()[1]
        if kind != "name" or operand.lower() != f"{variable.lower()}/email" or self._operator() != "eq":
            raise _bad("Only team/any(t:t/email eq '...') is supported.")
        email = self._text(operand)
        self.expect("sign", ")")
        return TeamHolds(email or "")

    def _operator(self) -> str:
        kind, operator = self._next()
        if kind != "name" or operator not in ("eq", "ne", *_COMPARISONS):
            raise _bad(f"{operator!r} is not an operator of a filter.")
        if operator == "ne":
            self._demand(self._switches.filter_or, operator)
        if operator in _COMPARISONS:
            self._demand(self._switches.filter_comparisons, operator)
        return operator

    def _text(self, name: str) -> str | None:
        kind, text = self._next()
        if (kind, text) == ("name", "null"):
            return None
        if kind != "string":
            raise _bad(f"The property {name} is compared with a text in single quotes.")
        return text[1:-1].replace("''", "'")

    def _moment(self, name: str) -> int:
        kind, text = self._next()
        ticks = moments.parse(text) if kind == "moment" else None
        if ticks is None:
            raise _bad(f"The property {name} is compared with a date such as 2026-01-20T15:00:00Z, unquoted.")
        return ticks

    def _demand(self, supported: bool, operator: str) -> None:
        if not supported:
            raise _bad(f"The operator {operator} is not supported.")

    def _take_word(self, word: str) -> bool:
        if self._peek() != ("name", word):
            return False
        self._place += 1
        return True

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._place]
        if token[0] != "end":
            self._place += 1
        return token
