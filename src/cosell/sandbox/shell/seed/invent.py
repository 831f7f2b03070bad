"""Makes up what a person did not say about a deal, from the customers and sellers of the seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from cosell.sandbox.shell.seed import people
from cosell.sandbox.shell.seed.story import Customer, Seller

CUSTOMERS = tuple(one for one in vars(people).values() if isinstance(one, Customer))
_CURRENCIES = ("EUR", "USD", "GBP")


def invent_customer(dice: random.Random) -> Customer:
    """One of the customers of the seed."""
    return dice.choice(CUSTOMERS)


def invent_value(dice: random.Random) -> tuple[int, str]:
    """A round value and its currency."""
    return dice.randrange(15_000, 400_000, 500), dice.choice(_CURRENCIES)


def people_of(customer: Customer) -> list[dict[str, Any]]:
    """The contacts of a customer as they stand on a referral."""
    return [
        {
            "firstName": one.first,
            "lastName": one.last,
            "email": one.email,
            "phoneNumber": one.phone,
            "title": one.title,
        }
        for one in customer.contacts
    ]


def team_of(sellers: Iterable[Seller]) -> list[dict[str, Any]]:
    """Our people on a deal as they stand on a referral."""
    return [
        {
            "firstName": one.first,
            "lastName": one.last,
            "email": one.email,
            "phoneNumber": one.phone,
            "title": one.title,
        }
        for one in sellers
    ]
