"""What is sent, and what may become of it on the way: the declared losses, told apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from cosell.core.fields import FIELDS, Help, Kind
from cosell.core.records import Values
from cosell.core.values import Person, Solution, State, Value

MULTILINE = frozenset({"notes", "address_line"})
TEXTS = {
    "emoji": "Rollout 🚚 for 👩‍👩‍👧‍👦 in 🇳🇱",
    "right to left": "عقد سلسلة التبريد – שרשרת קירור",
    "four bytes": "𠀋𝄞𝔘𐍈",
    "signs": '<b>O\'Neil & "Co"</b> % _ \\ {{7*7}} ; --',
    "composed": "Łódź Ørsted İstanbul 한국어 हिन्दी",
}
LINES = "First line\n\n\tthird, after an empty one\nfourth"

_SAMPLES: dict[str, tuple[Value, ...]] = {
    "name": ("Cold chain, phase two", "x" * 130),
    "deal_value": (Decimal("0.01"), Decimal("98765432.1"), Decimal("1000.125")),
    "currency": ("EUR", "JPY"),
    "close_date": (date(2028, 2, 29), date(2027, 12, 31), date(2030, 1, 1)),
    "notes": ("Two\nlines", "n" * 600),
    "visible": (True,),
    "state": (State.ACTIVE, State.WON, State.LOST),
    "customer_name": ("Fabrikam & Søn", "Contoso Foods"),
    "address_line": ("Stationsplein 1", "Harbour Road 12\nGate 4\nDock 2"),
    "city": ("Utrecht", "København"),
    "region": ("North Holland", None),
    "postal_code": ("3511 ED", "1050"),
    "country": ("NL", "DK"),
    "contacts": (
        (Person("boris.vos@fabrikam.example", "Boris", "Vos", "+31205550112"),),
        (
            Person("anna.smit@fabrikam.example", "Anna", "Smit", "+31205550111"),
            Person("zoë@fabrikam.example".replace("ë", "e"), "Zoë", "Żak", "+31205550113"),
        ),
    ),
    "team": ((Person("ada.jansen@contoso.example", "Ada", "Jansen", "+31205550114"),),),
    "solutions": (
        (Solution("SOL-10001-AAA", Decimal(2), Decimal("99.5")),),
        (Solution("SOL-10001-AAA", Decimal(3), Decimal("0.1")), Solution("SOL-10002-BBB")),
    ),
    "microsoft_id": ("7-1A2B3C4D5E",),
    "program": ("Solution Assessment",),
    "help": tuple(word.value for word in Help),
}


def samples(key: str) -> tuple[Value, ...]:
    """Values that show what a field can lose."""
    return _SAMPLES[key]


def is_text(key: str) -> bool:
    return FIELDS[key].kind is Kind.TEXT


def loss(key: str, sent: Value, got: Value) -> str | None:
    """What became of a value on its way there and back; None where it came back as it went.

    A word of the LOSSES that quality.toml explains, or a sentence where it is none of them.
    """
    if got == sent or (FIELDS[key].kind is Kind.FLAG and not sent and not got):
        return None
    match sent, got:
        case State(), State():
            return "choice"
        case str(), str() if _without_breaks(sent) == _without_breaks(got):
            return "joined"
        case str(), str() if sent.startswith(got):
            return "length"
        case Decimal(), Decimal() if _rounds(sent, got):
            return "rounding"
        case date(), date() if abs((sent - got).days) == 1:
            return "time zone"
        case tuple(), tuple() if _all_round(sent, got):
            return "rounding"
        case tuple(), tuple() if set(sent) <= set(got):
            return "union"
        case tuple(), tuple() | None if set(got or ()) <= set(sent):
            return "choice"
        case _:
            return f"{sent!r} came back as {got!r}"


def _rounds(sent: Decimal | None, got: Decimal | None) -> bool:
    """Whether digits were lost and nothing else; a currency without cents keeps none."""
    if sent is None or got is None:
        return sent == got
    whole = got == got.to_integral_value() and abs(sent - got) < 1
    return whole or abs(sent - got) < Decimal("0.01")


def _all_round(sent: tuple[object, ...], got: tuple[object, ...]) -> bool:
    return len(sent) == len(got) and all(
        one == other
        or (
            isinstance(one, Solution)
            and isinstance(other, Solution)
            and one.id == other.id
            and _rounds(one.quantity, other.quantity)
            and _rounds(one.price, other.price)
        )
        for one, other in zip(sent, got, strict=True)
    )


def _without_breaks(text: str) -> str:
    return text.replace("\n", " ").replace(", ", " ").replace(",", "")


def losses(sent: Values, got: Values) -> dict[str, str]:
    """What became of each value that was sent."""
    found = {key: loss(key, value, got.get(key)) for key, value in sent.items()}
    return {key: what for key, what in found.items() if what is not None}
