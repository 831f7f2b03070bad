"""Values nobody else gives, ugly on purpose (reliability.md 8.3)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from cosell.core.fields import FIELDS, Help, Kind
from cosell.core.values import Person, Solution, Value, normalise

UGLY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}} ${jndi:ldap://x}",
    "O'Neil % _ \\ \" ; DROP TABLE link --",
    '=HYPERLINK("http://x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\tstarts with a tab",
    "two\r\nlines\rof\nthree kinds",
    "\x1b[31mred\x1b[0m",
    "right to left \u202e override",
    "zero\u200bwidth\u200djoined",
    "combining Z\u0351\u036b\u0343\u036a\u0302\u036b storm",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family",
    "lone \ud83d surrogate",
    "e\u0301 decomposed against \u00e9",
    "hard\u00a0space and \uff11\uff12 full width",
    "\u0130stanbul \u0131 Stra\u00dfe",
    "\ud55c\uad6d\uc5b4 \u4e2d\u6587 \u0627\u0644\u0639 \u0939\u093f\u0928",
    "  outer spaces  ",
    "NUL \x00 inside",
    "null",
    "1e999",
    "2026-02-29",
    "!!python/object:os.system",
    "\u2714 a mark of our own",
    "long " + "x" * 500,
)
CURRENCIES = ("EUR", "USD", "JPY", "GBP", "CHF")
COUNTRIES = ("NL", "DE", "US", "KR", "BR")


def fresh(key: str, n: int) -> Value:
    """The `n`-th value of a field: unique where the field has room for it."""
    match FIELDS[key].kind:
        case Kind.TEXT:
            return normalise(Kind.TEXT, f"{n}:{UGLY[n % len(UGLY)]} ~{n}")
        case Kind.MONEY:
            return Decimal(1000 + 7 * n) + (Decimal(0), Decimal("0.5"), Decimal("0.126"))[n % 3]
        case Kind.CURRENCY:
            return CURRENCIES[n % len(CURRENCIES)]
        case Kind.DATE:
            return date(2026, 3, 1) + timedelta(days=n)
        case Kind.FLAG:
            return n % 2 == 0
        case Kind.CHOICE:
            return tuple(Help)[n % len(Help)].value
        case Kind.COUNTRY:
            return COUNTRIES[n % len(COUNTRIES)]
        case Kind.PEOPLE:
            return (person(n),)
        case Kind.SOLUTIONS:
            return (solution(n),)
        case _:
            raise ValueError(key)


def person(n: int) -> Person:
    return Person(f"p{n}@example.com", f"First {n}", str(fresh("name", n))[:40], f"+31 {n:09d}")


def solution(n: int) -> Solution:
    return Solution(f"SOL-{10000 + n}-ABC", quantity=Decimal(1 + n % 5))
