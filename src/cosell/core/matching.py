"""Which of the CRM's accounts is the customer of a deal: ranked, and chosen only where it is clear.

Each account earns points for what speaks for it and loses some for what speaks against it. It is taken
without asking only at the bar or above, and only where no other comes near it (CUS-12, J-4). A name that is
merely alike never reaches the default bar, and counts nothing for an account of another country.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cosell.core.companies import ALIKE, Name, likeness, name_of
from cosell.core.domains import telling_domains
from cosell.core.records import Link, Values
from cosell.core.values import Person

ACCOUNT = "account"
"""The resolution by which a person says whose deal it is."""

# What speaks for an account.
SAME_DUNS = 90
SAME_NAME_AND_CODE = 90
"""The seed product's own rule, CUS-12."""
SAME_BUT_FORM_AND_CODE = 80
SAME_NAME = 80
SAME_BUT_FORM = 65
OTHER_FORM = 50
ALIKE_NAME = 50
SAME_CODE = 15
"""On top of a name that is not the same to the letter."""
SAME_DOMAIN = 50
# A name alone, where the country of one of the two is not known, and where it is another.
NAME_SOMEWHERE, BARE_SOMEWHERE = 55, 45
NAME_ABROAD = 30
# What speaks against it.
OTHER_DUNS = -40
OTHER_CODE = -15
OTHER_COUNTRY = -15

BAR = 80
"""The default bar."""
WORTH_ASKING = 50
"""Below it nobody is asked: it is somebody else."""
CLEARLY = 15
"""How far the second best must be below the best."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the CRM that may be the customer."""

    id: str
    name: str
    postal_code: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2; None where the record has none or one that cannot be read."""
    duns: str | None = None
    domains: frozenset[str] = frozenset()
    """Lower-case domains of its website and of its contacts' e-mail addresses."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """What a deal tells of its customer."""

    name: str
    postal_code: str | None = None
    country: str | None = None
    duns: str | None = None
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account with its points and the reasons in words."""

    account: Account
    points: int
    reasons: tuple[str, ...]


class Unsure(StrEnum):
    """What to do where it is not clear whose deal it is."""

    HOLD = "hold"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Caution:
    """How sure one must be."""

    unsure: Unsure = Unsure.HOLD
    bar: int = BAR


CAREFUL = Caution()


class Whose(StrEnum):
    """The verdict on the customer of a deal."""

    KNOWN = "known"
    """An account is there, and it is used."""
    NEW = "new"
    """A new account is made of the customer's values."""
    UNCLEAR = "unclear"
    """A person must say."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose deal it is, and why."""

    verdict: Whose
    account_id: str | None = None
    why: str = ""
    candidates: tuple[Candidate, ...] = ()
    """Best first."""


def customer_of(values: Values, duns: str | None = None) -> Customer | None:
    """The customer as a deal tells of it; None where it does not even tell a name.

    Addresses of the deal's own team, given as the customer's contacts, tell nothing about the customer.
    """
    name, code, country = (values.get(key) for key in ("customer_name", "postal_code", "country"))
    if not isinstance(name, str):
        return None
    return Customer(
        name,
        code if isinstance(code, str) else None,
        country if isinstance(country, str) else None,
        duns,
        telling_domains(_emails(values, "contacts"), not_of=_emails(values, "team")),
    )


def choose(customer: Customer, accounts: Iterable[Account], caution: Caution = CAREFUL) -> Choice:
    """The verdict; the same for the same accounts in whatever order they come."""
    ranked = rank(customer, accounts)
    likely = tuple(one for one in ranked if one.points >= WORTH_ASKING)
    if not likely:
        return Choice(Whose.NEW, why="no account resembles it", candidates=ranked)
    best = likely[0]
    second = likely[1].points if len(likely) > 1 else 0
    if best.points >= caution.bar and best.points - second >= CLEARLY:
        return _taken(best, likely)
    if caution.unsure is Unsure.HOLD:
        return Choice(Whose.UNCLEAR, why=_doubt(likely, caution), candidates=likely)
    if best.points >= caution.bar:
        # One more of an account that exists several times is the only answer that helps nobody.
        return _taken(best, likely)
    return Choice(Whose.NEW, why="no account is surely the customer", candidates=likely)


def rank(customer: Customer, accounts: Iterable[Account]) -> tuple[Candidate, ...]:
    """Candidates with any point, best first; equal ones oldest first, so that chance has no say."""
    found = {account.id: account for account in sorted(accounts, key=_fixed)}
    weighed = (_weighed(customer, account) for account in found.values())
    return tuple(sorted((one for one in weighed if one.points > 0), key=_order))


def answered(link: Link, customer: Customer) -> Choice | None:
    """A person's answer, as long as the deal still names the customer that person saw."""
    answer = link.resolutions.get(ACCOUNT)
    if answer is None or answer.partner_center != customer.name:
        return None
    chosen = answer.crm if isinstance(answer.crm, str) else None
    return Choice(Whose.KNOWN if chosen else Whose.NEW, chosen, f"chosen by {answer.who}")


def same_duns(one: str | None, other: str | None) -> bool:
    """Whether both are one DUNS number, however its digits are grouped."""
    pair = [_digits(one), _digits(other)]
    return bool(pair[0]) and pair[0] == pair[1]


def _order(one: Candidate) -> tuple[int, bool, str, str]:
    born = one.account.created_at
    return -one.points, born is None, born.isoformat() if born else "", one.account.id


def _fixed(one: Account) -> tuple[str, ...]:
    words = (one.id, one.name, one.postal_code, one.country, one.duns, one.created_at)
    return (*map(str, words), *sorted(one.domains))


def _taken(best: Candidate, likely: tuple[Candidate, ...]) -> Choice:
    return Choice(Whose.KNOWN, best.account.id, ", ".join(best.reasons), likely)


def _doubt(likely: Sequence[Candidate], caution: Caution) -> str:
    if likely[0].points < caution.bar:
        return "no account is surely the customer"
    return "several accounts are equally likely the customer"


# --- points ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Weight:
    points: int = 0
    reasons: tuple[str, ...] = ()

    def plus(self, points: int, reason: str) -> _Weight:
        return replace(self, points=self.points + points, reasons=(*self.reasons, reason))


def _weighed(customer: Customer, account: Account) -> Candidate:
    weight = _by_name(customer, account)
    if same_duns(customer.duns, account.duns):
        weight = weight.plus(SAME_DUNS, "same DUNS number")
    elif customer.duns and account.duns:
        weight = weight.plus(OTHER_DUNS, "another DUNS number")
    if customer.domains & account.domains:
        weight = weight.plus(SAME_DOMAIN, "a contact at the same domain")
    if _abroad(customer, account) and weight.points > 0:
        weight = weight.plus(OTHER_COUNTRY, "another country")
    return Candidate(account, max(0, weight.points), weight.reasons)


def _by_name(customer: Customer, account: Account) -> _Weight:
    ours, theirs = name_of(customer.name), name_of(account.name)
    codes = (_squeezed(customer.postal_code), _squeezed(account.postal_code))
    if not ours.bare or not theirs.bare:
        return _Weight()
    same_code = bool(codes[0]) and codes[0] == codes[1]
    if same_code and _same(ours, theirs):
        return _Weight(SAME_NAME_AND_CODE, ("same name and postal code",))
    weight = _by_words(ours, theirs, customer, account, same_code=same_code)
    if weight.points and all(codes) and not same_code:
        weight = weight.plus(OTHER_CODE, "another postal code")
    return weight


def _same(ours: Name, theirs: Name) -> bool:
    """Whether it is one name, a legal form written out or shortened included."""
    return ours.whole == theirs.whole or (ours.bare == theirs.bare and ours.forms == theirs.forms)


def _by_words(ours: Name, theirs: Name, customer: Customer, account: Account, *, same_code: bool) -> _Weight:
    near = customer.country is not None and customer.country == account.country
    if _same(ours, theirs):
        return _placed(_Weight(SAME_NAME, ("same name",)), NAME_SOMEWHERE, customer, account)
    if ours.bare == theirs.bare:
        return _by_form(ours, theirs, customer, account, same_code=same_code)
    alike = likeness(ours, theirs) if near else 0.0
    if alike < ALIKE:
        return _Weight()
    weight = _Weight(
        ALIKE_NAME + int(50 * (alike - ALIKE)), (f"a name {int(alike * 100)}% alike", "same country")
    )
    return weight.plus(SAME_CODE, "same postal code") if same_code else weight


def _by_form(ours: Name, theirs: Name, customer: Customer, account: Account, *, same_code: bool) -> _Weight:
    """Names that differ in their legal form only: one that lacks it says less than two that contradict."""
    if ours.forms and theirs.forms and ours.forms != theirs.forms:
        found = _placed(
            _Weight(OTHER_FORM, ("same name with another legal form",)), NAME_ABROAD, customer, account
        )
        return found.plus(SAME_CODE, "same postal code") if same_code else found
    words = "same name but for the legal form"
    if same_code:
        return _Weight(SAME_BUT_FORM_AND_CODE, (words, "same postal code"))
    return _placed(_Weight(SAME_BUT_FORM, (words,)), BARE_SOMEWHERE, customer, account)


def _placed(weight: _Weight, somewhere: int, customer: Customer, account: Account) -> _Weight:
    """The weight in the same country; less where a country is unknown, little where it is another."""
    if customer.country is None or account.country is None:
        return replace(weight, points=somewhere)
    if customer.country != account.country:
        return replace(weight, points=NAME_ABROAD)
    return weight.plus(0, "same country")


def _abroad(customer: Customer, account: Account) -> bool:
    return None not in (customer.country, account.country) and customer.country != account.country


def _emails(values: Values, key: str) -> tuple[str, ...]:
    people = values.get(key)
    return tuple(one.email for one in people if isinstance(one, Person)) if isinstance(people, tuple) else ()


def _squeezed(text: str | None) -> str:
    return "".join((text or "").split()).casefold()


def _digits(duns: str | None) -> str:
    return "".join(letter for letter in duns or "" if letter.isalnum()).casefold()
