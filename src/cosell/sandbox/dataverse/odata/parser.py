"""Parses `$filter` by recursive descent into the tree."""

from __future__ import annotations

from collections.abc import Mapping

from cosell.sandbox.dataverse.errors import DataverseError, not_simulated
from cosell.sandbox.dataverse.odata.lexer import Token, tokens, trouble
from cosell.sandbox.dataverse.odata.tree import (
    And,
    Comparison,
    Condition,
    Function,
    Lambda,
    Literal,
    Name,
    Not,
    Operand,
    Or,
    TextTest,
)

CRM = "Microsoft.Dynamics.CRM."
_OPERATORS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_TEXT = frozenset({"contains", "startswith", "endswith"})
_VALUES = frozenset({"string", "guid", "moment", "day", "number"})
_WORDS = _OPERATORS | {"and", "or", "not"}


def parse_filter(text: str, aliases: Mapping[str, str]) -> Condition:
    """The tree of a whole `$filter`."""
    parser = _Parser(text, aliases)
    made = parser.disjunction()
    if parser.here.kind != "end":
        raise parser.wrong()
    return made


class _Parser:
    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self.text = text
        self.tokens = tokens(text, aliases)
        self.place = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def wrong(self, message: str = "Syntax error") -> DataverseError:
        return trouble(self.text, self.here.at, message)

    def take(self) -> Token:
        token = self.here
        if token.kind == "end":
            raise self.wrong("The expression ends too early")
        self.place += 1
        return token

    def at(self, mark: str) -> bool:
        return self.here.text == mark and self.here.kind in ("mark", "name")

    def expect(self, mark: str) -> None:
        if not self.at(mark):
            raise self.wrong(f"'{mark}' expected")
        self.place += 1

    def disjunction(self) -> Condition:
        terms = [self.conjunction()]
        while self.at("or"):
            self.take()
            terms.append(self.conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def conjunction(self) -> Condition:
        terms = [self.term()]
        while self.at("and"):
            self.take()
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def term(self) -> Condition:
        if self.at("not"):
            self.take()
            return Not(self.term())
        if self.at("("):
            self.take()
            inside = self.disjunction()
            self.expect(")")
            return inside
        following = self.tokens[min(self.place + 1, len(self.tokens) - 1)]
        if self.here.kind == "name" and following.text == "(" and following.kind == "mark":
            return self._truth(self.call())
        return self.comparison()

    def _truth(self, made: Condition) -> Condition:
        """A function may be compared with true or false."""
        if self.here.text not in ("eq", "ne") or self.here.kind != "name":
            return made
        equal = self.take().text == "eq"
        word = self.take().text
        if word not in ("true", "false"):
            raise self.wrong()
        return made if equal == (word == "true") else Not(made)

    def comparison(self) -> Comparison:
        left = self.operand()
        operator = self.take()
        if operator.kind != "name" or operator.text not in _OPERATORS:
            self.place -= 1
            raise self.wrong("An operator is expected")
        return Comparison(left, operator.text, self.operand())

    def operand(self) -> Operand:
        if self.here.kind == "name" and self.here.text not in ("null", "true", "false"):
            return self.name()
        return self.literal()

    def name(self) -> Name:
        token = self.take()
        if token.kind != "name" or token.text in _WORDS or "$" in token.text:
            self.place -= 1
            raise self.wrong("A property is expected")
        return Name(tuple(token.text.split("/")))

    def literal(self) -> Literal:
        token = self.take()
        if token.kind in _VALUES:
            return Literal(token.kind, token.text)
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal("boolean", token.text)
        if token.kind == "name" and token.text == "null":
            return Literal("null", "")
        self.place -= 1
        raise self.wrong("A value is expected")

    def call(self) -> Condition:
        function = self.take().text
        self.expect("(")
        if function.startswith(CRM):
            return self._named(function.removeprefix(CRM))
        if function in _TEXT:
            name = self.name()
            self.expect(",")
            value = self.literal()
            self.expect(")")
            return TextTest(function, name, value)
        path = function.split("/")
        if path[-1] in ("any", "all") and len(path) > 1:
            return self._lambda(tuple(path[:-1]), every=path[-1] == "all")
        raise not_simulated(f"the function {function}")

    def _named(self, function: str) -> Function:
        name: Name | None = None
        values: tuple[Literal, ...] = ()
        while not self.at(")"):
            parameter = self.take().text
            self.expect("=")
            if parameter == "PropertyName":
                name = self._property()
            elif parameter == "PropertyValue":
                values = (self.literal(),)
            elif parameter == "PropertyValues":
                values = self._listed()
            else:
                raise self.wrong(f"The parameter '{parameter}' is unknown")
            if not self.at(")"):
                self.expect(",")
        self.expect(")")
        if name is None:
            raise self.wrong("PropertyName is missing")
        return Function(function, name, values)

    def _property(self) -> Name:
        """The name of a property, quoted as the documentation has it, or bare."""
        if self.here.kind == "string":
            return Name(tuple(self.take().text.split("/")))
        return self.name()

    def _listed(self) -> tuple[Literal, ...]:
        self.expect("[")
        made: list[Literal] = []
        while not self.at("]"):
            made.append(self.literal())
            if not self.at("]"):
                self.expect(",")
        self.expect("]")
        return tuple(made)

    def _lambda(self, path: tuple[str, ...], *, every: bool) -> Lambda:
        if self.at(")") and not every:
            self.take()
            return Lambda(path, every, "", None)
        variable = self.take().text
        self.expect(":")
        condition = self.disjunction()
        self.expect(")")
        return Lambda(path, every, variable, condition)
