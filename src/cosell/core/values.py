"""Normal forms: two systems mean the same exactly when the normal forms are equal.

Each kind of field has one normal form. Normalising twice changes nothing, and what cannot be brought
into the form becomes `Unreadable`, which is shown and never written anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias, assert_never

from cosell.core.fields import FIELDS, Kind


class State(StrEnum):
    """Where a deal stands: one word for status and substatus (partner-center-api.md 4.1)."""

    PENDING = "pending"
    ACTIVE = "active"
    WON = "won"
    LOST = "lost"
    DECLINED = "declined"
    EXPIRED = "expired"
    ERROR = "error"

    @property
    def terminal(self) -> bool:
        """No edit is accepted any more (LIM-09)."""
        return self not in (State.PENDING, State.ACTIVE)


@dataclass(frozen=True, slots=True)
class Person:
    """A contact or team member; one e-mail address is one person (partner-center-api.md 3.3)."""

    email: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    baggage: str = field(default="", compare=False)
    """What else the system of origin keeps with the person, carried back unread when the list is replaced."""

    @property
    def key(self) -> str:
        return self.email.casefold() or f"{self.first_name} {self.last_name}".casefold()


@dataclass(frozen=True, slots=True)
class Solution:
    """A co-sell solution on a deal; one id is one solution."""

    id: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    name: str = field(default="", compare=False)
    baggage: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        return self.id.casefold()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that has no normal form: kept to be shown, never compared as equal, never written."""

    raw: str
    why: str


Value: TypeAlias = (
    str | Decimal | date | bool | State | tuple[Person, ...] | tuple[Solution, ...] | Unreadable | None
)
"""A normal form. None means the field is empty; empty text and an empty list do not exist beside it."""

SOLUTION_ID = re.compile(r"SOL-[0-9]+-[A-Z]{3,}\Z")
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE)
CATEGORY = re.compile(r"[A-Za-z][A-Za-z0-9]{2,60}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:\Z|[T ])")
_MAX_DIGITS = 18


def well_formed_solution(solution_id: str) -> bool:
    """Tells a solution id by its looks: SOL-…, GUID or category word (partner-center-api.md 2.7)."""
    return any(form.match(solution_id) for form in (SOLUTION_ID, GUID, CATEGORY))


def normalise(kind: Kind, raw: Any) -> Value:
    """Brings `raw` into the normal form of `kind`; never raises, answers Unreadable instead."""
    if raw is None or isinstance(raw, Unreadable):
        return raw
    return _NORMAL_FORMS[kind](raw)


def text(raw: Any) -> Value:
    """One line-ending, composed characters, no outer white space; empty is None."""
    if not isinstance(raw, str):
        return Unreadable(str(raw)[:80], "is not text")
    if not raw.isascii():
        raw = unicodedata.normalize("NFC", raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    if "\r" in raw:
        raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    return raw.replace("\x00", "").strip() or None


def money(raw: Any) -> Value:
    """A decimal of at most 18 digits without trailing zeros; text as "10000" is accepted (trap 5)."""
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        return Unreadable(str(raw)[:80], "is not an amount")
    if isinstance(raw, str) and not raw.strip():
        return None
    if isinstance(raw, (str, int)) and len(str(raw)) > 64:
        return Unreadable(str(raw)[:80], "is too large")
    try:
        amount = Decimal(repr(raw) if isinstance(raw, float) else raw)
    except InvalidOperation:
        return Unreadable(str(raw)[:80], "is not an amount")
    if not amount.is_finite() or amount.adjusted() >= _MAX_DIGITS or amount.adjusted() < -_MAX_DIGITS:
        return Unreadable(str(raw)[:80], "is not a usable amount")
    return plain(amount)


def plain(amount: Decimal) -> Decimal:
    """The same amount without exponent and trailing zeros, so that equal amounts look equal."""
    if amount == amount.to_integral_value():
        return amount.quantize(Decimal(1)) + Decimal(0)
    return amount.normalize()


def currency(raw: Any) -> Value:
    """Three capital letters, ISO 4217."""
    return _code(raw, _CURRENCY, "is not a three-letter currency code")


def country(raw: Any) -> Value:
    """Two capital letters, ISO 3166-1 alpha-2. Names are translated before, by the side that reads them."""
    return _code(raw, _COUNTRY, "is not a two-letter country code")


def _code(raw: Any, form: re.Pattern[str], why: str) -> Value:
    cleaned = text(raw)
    if not isinstance(cleaned, str):
        return cleaned
    code = cleaned.upper()
    return code if form.match(code) else Unreadable(cleaned[:80], why)


def day(raw: Any) -> Value:
    """The calendar day as written; the time of day does not count (partner-center-api.md 9, trap 6)."""
    if isinstance(raw, datetime):
        return raw.date()
    if isinstance(raw, date):
        return raw
    if not isinstance(raw, str):
        return Unreadable(str(raw)[:80], "is not a date")
    if not raw.strip():
        return None
    found = _DATE.match(raw.strip())
    try:
        return date(*map(int, found.groups())) if found else Unreadable(raw[:80], "is not a date")
    except ValueError:
        return Unreadable(raw[:80], "is not a date")


def flag(raw: Any) -> Value:
    """True or False; empty is None."""
    if isinstance(raw, bool):
        return raw
    return Unreadable(str(raw)[:80], "is neither yes nor no")


def choice(raw: Any) -> Value:
    """One word out of a list, kept as text; which words are allowed is the mapping's business."""
    return text(raw)


def state(raw: Any) -> Value:
    """A `State`."""
    try:
        return State(raw)
    except ValueError:
        return Unreadable(str(raw)[:80], "is not a known status")


def people(raw: Any) -> Value:
    """Persons sorted by key, each once; the last mention of a person wins."""
    return _each_once(raw, Person, "is not a list of persons")


def solutions(raw: Any) -> Value:
    """Solutions sorted by key, each once."""
    return _each_once(raw, Solution, "is not a list of solutions")


def _each_once(raw: Any, kind: type[Person] | type[Solution], why: str) -> Value:
    if not isinstance(raw, Iterable) or isinstance(raw, (str, bytes, Mapping)):
        return Unreadable(str(raw)[:80], why)
    found: dict[str, Any] = {}
    for item in raw:
        if not isinstance(item, kind):
            return Unreadable(str(item)[:80], why)
        if item.key.strip():
            found[item.key] = item
    return tuple(found[key] for key in sorted(found)) or None


_NORMAL_FORMS: dict[Kind, Callable[[Any], Value]] = {
    Kind.TEXT: text,
    Kind.MONEY: money,
    Kind.CURRENCY: currency,
    Kind.DATE: day,
    Kind.FLAG: flag,
    Kind.CHOICE: choice,
    Kind.COUNTRY: country,
    Kind.STATE: state,
    Kind.PEOPLE: people,
    Kind.SOLUTIONS: solutions,
}


def encode(value: Value) -> Any:
    """Turns a normal form into plain JSON values; `decode` with the field's kind turns it back."""
    match value:
        case None | bool() | str():
            return value
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case Unreadable(raw, why):
            return {"unreadable": raw, "why": why}
        case tuple():
            return [_encode_item(item) for item in value]
        case _:
            assert_never(value)


def _encode_item(item: Person | Solution) -> dict[str, Any]:
    if isinstance(item, Person):
        return {
            "email": item.email,
            "first_name": item.first_name,
            "last_name": item.last_name,
            "phone": item.phone,
            "baggage": item.baggage,
        }
    return {
        "id": item.id,
        "quantity": None if item.quantity is None else str(item.quantity),
        "price": None if item.price is None else str(item.price),
        "name": item.name,
        "baggage": item.baggage,
    }


def decode(key: str, stored: Any) -> Value:
    """Turns what `encode` made back into the normal form of field `key`."""
    if stored is None or isinstance(stored, bool):
        return stored
    if isinstance(stored, dict):
        return Unreadable(stored["unreadable"], stored["why"])
    match FIELDS[key].kind:
        case Kind.MONEY:
            return Decimal(stored)
        case Kind.DATE:
            return date.fromisoformat(stored)
        case Kind.STATE:
            return State(stored)
        case Kind.PEOPLE:
            return tuple(Person(**item) for item in stored)
        case Kind.SOLUTIONS:
            return tuple(_decode_solution(item) for item in stored)
        case _:
            return str(stored)


def _decode_solution(item: dict[str, Any]) -> Solution:
    amounts = {k: None if item[k] is None else Decimal(item[k]) for k in ("quantity", "price")}
    return Solution(item["id"], **amounts, name=item["name"], baggage=item["baggage"])


def same_id(one: str | None, other: str | None) -> bool:
    """Whether two record ids name the same record, in whatever form people or systems wrote them.

    GUIDs are compared without case and braces; the 15- and 18-character forms of one id are equal
    (salesforce-api.md 1).
    """
    if one is None or other is None:
        return False
    if one == other:
        return True
    if {len(one), len(other)} == {15, 18}:
        return one[:15] == other[:15]
    bare = [text.strip("{} ").casefold() for text in (one, other)]
    return bare[0] == bare[1] and GUID.match(bare[0]) is not None
