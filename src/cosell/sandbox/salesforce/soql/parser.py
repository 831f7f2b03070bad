"""Parses SOQL by recursive descent into the tree."""

from __future__ import annotations

from cosell.sandbox.salesforce.errors import SalesforceError, refusal
from cosell.sandbox.salesforce.soql.lexer import Token, tokens, trouble, unexpected
from cosell.sandbox.salesforce.soql.tree import (
    And,
    Comparison,
    Condition,
    Fields,
    Literal,
    Name,
    Not,
    Or,
    Order,
    Select,
)

LARGEST_OFFSET = 2_000
_CLAUSES = frozenset({"WHERE", "ORDER", "LIMIT", "OFFSET", "GROUP", "USING", "FOR", "WITH", "HAVING"})
_AFTER_ALIAS = _CLAUSES | {"AND", "OR", "SELECT", "FROM"}
_RESERVED = frozenset({"SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "LIMIT", "ORDER"})
_UNSIMULATED = frozenset({"GROUP", "USING", "FOR", "WITH", "HAVING"})


def parse_query(soql: str) -> Select:
    """The tree of a whole query."""
    parser = _Parser(soql)
    made = parser.select()
    parser.expect_end()
    return made


def parse_condition(text: str) -> Condition:
    """The tree of what may stand after WHERE."""
    parser = _Parser(text)
    made = parser.condition()
    parser.expect_end()
    return made


class _Parser:
    def __init__(self, soql: str) -> None:
        self.soql = soql
        self.tokens = tokens(soql)
        self.place = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def wrong(self, token: Token | None = None) -> SalesforceError:
        return unexpected(self.soql, token or self.here)

    def at_word(self, word: str) -> bool:
        return self.here.word() == word

    def take_word(self, *words: str) -> Token:
        if self.here.word() not in words:
            raise self.wrong()
        return self.take()

    def at_mark(self, mark: str) -> bool:
        return self.here.kind == "mark" and self.here.text == mark

    def take_mark(self, mark: str) -> None:
        if not self.at_mark(mark):
            raise self.wrong()
        self.take()

    def expect_end(self) -> None:
        if self.here.kind != "end":
            raise self.wrong()

    def name(self) -> Name:
        token = self.take()
        if token.kind != "name" or token.word() in _RESERVED:
            raise self.wrong(token)
        return Name(tuple(token.text.split(".")), token.at)

    def select(self) -> Select:
        at = self.take_word("SELECT").at
        count, items = self.items()
        self.take_word("FROM")
        source = self.name()
        alias = self.alias()
        where: Condition | None = None
        order: tuple[Order, ...] = ()
        limit: int | None = None
        offset = 0
        if self.at_word("WHERE"):
            self.take()
            where = self.condition()
        if self.at_word("ORDER"):
            order = self.order()
        if self.at_word("LIMIT"):
            limit = self.whole_number()
        if self.at_word("OFFSET"):
            offset = self.whole_number()
            if offset > LARGEST_OFFSET:
                message = f"Maximum SOQL offset allowed is {LARGEST_OFFSET}"
                raise refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", message)
        self.refuse_unsimulated()
        return Select(tuple(items), count, source, alias, where, order, limit, offset, at)

    def refuse_unsimulated(self) -> None:
        if self.here.word() in _UNSIMULATED:
            message = f"the sandbox does not simulate {self.here.word()} clauses"
            raise trouble("MALFORMED_QUERY", self.soql, self.here.at, message)

    def alias(self) -> str | None:
        if self.at_word("AS"):
            self.take()
        if self.here.kind == "name" and self.here.word() not in _AFTER_ALIAS:
            return self.take().text
        return None

    def items(self) -> tuple[bool, list[Name | Select | Fields]]:
        made: list[Name | Select | Fields] = []
        while True:
            if self.at_mark("("):
                self.take()
                made.append(self.select())
                self.take_mark(")")
            elif self.tokens[self.place + 1].text == "(" and self.here.kind == "name":
                special = self.call()
                if special is None:
                    return True, made
                made.append(special)
            else:
                made.append(self.name())
            if not self.at_mark(","):
                return False, made
            self.take()

    def call(self) -> Fields | None:
        """``count()`` as None, or ``FIELDS(x)``."""
        word = self.take()
        self.take_mark("(")
        if word.word() == "COUNT" and self.at_mark(")") and self.place == 3:
            self.take()
            return None
        if word.word() == "FIELDS":
            which = self.take_word("ALL", "STANDARD", "CUSTOM")
            self.take_mark(")")
            return Fields(which.word(), word.at)
        message = f"the sandbox does not simulate the function {word.text}()"
        raise trouble("MALFORMED_QUERY", self.soql, word.at, message)

    def whole_number(self) -> int:
        self.take()
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            raise self.wrong(token)
        return int(token.text)

    def order(self) -> tuple[Order, ...]:
        self.take()
        self.take_word("BY")
        made: list[Order] = []
        while True:
            field = self.name()
            descending = self.here.word() == "DESC"
            if self.here.word() in ("ASC", "DESC"):
                self.take()
            nulls_last = False
            if self.at_word("NULLS"):
                self.take()
                nulls_last = self.take_word("FIRST", "LAST").word() == "LAST"
            made.append(Order(field, descending, nulls_last))
            if not self.at_mark(","):
                return tuple(made)
            self.take()

    def condition(self) -> Condition:
        first = self.term()
        joiner = self.here.word()
        if joiner not in ("AND", "OR"):
            return first
        terms = [first]
        while self.at_word(joiner):
            self.take()
            terms.append(self.term())
        if self.here.word() in ("AND", "OR"):
            raise self.wrong()  # AND and OR mix only with brackets.
        return And(tuple(terms)) if joiner == "AND" else Or(tuple(terms))

    def term(self) -> Condition:
        if self.at_word("NOT"):
            self.take()
            return Not(self.term())
        if self.at_mark("("):
            self.take()
            inside = self.condition()
            self.take_mark(")")
            return inside
        return self.comparison()

    def comparison(self) -> Comparison:
        field = self.name()
        if self.here.kind == "operator":
            operator = self.take().text
            return Comparison(field, "!=" if operator == "<>" else operator, self.literal())
        if self.at_word("LIKE"):
            self.take()
            return Comparison(field, "LIKE", self.literal())
        negated = self.at_word("NOT")
        if negated:
            self.take()
        if self.here.word() in ("INCLUDES", "EXCLUDES") and not negated:
            return Comparison(field, self.take().word(), self.listed())
        self.take_word("IN")
        return Comparison(field, "IN", self.listed(), negated)

    def listed(self) -> tuple[Literal, ...] | Select:
        self.take_mark("(")
        if self.at_word("SELECT"):
            inner = self.select()
            self.take_mark(")")
            return inner
        made = [self.literal()]
        while self.at_mark(","):
            self.take()
            made.append(self.literal())
        self.take_mark(")")
        return tuple(made)

    def literal(self) -> Literal:
        token = self.take()
        if token.kind in ("string", "number", "date", "datetime"):
            return Literal(token.kind, token.text, token.at)
        word = token.word()
        if word in ("TRUE", "FALSE"):
            return Literal("boolean", word, token.at)
        if word == "NULL":
            return Literal("null", word, token.at)
        if word and "." not in word and word not in _RESERVED:
            return self.period(token)
        raise self.wrong(token)

    def period(self, token: Token) -> Literal:
        """A date literal, with its number of days where it has one."""
        if not self.at_mark(":"):
            return Literal("period", token.word(), token.at)
        self.take()
        days = self.take()
        if days.kind != "number" or not days.text.isdigit():
            raise self.wrong(days)
        return Literal("period", f"{token.word()}:{days.text}", token.at)
