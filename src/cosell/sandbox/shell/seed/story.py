"""The words the seed is told in: customers, contacts, sellers, solutions, deals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Fate(Enum):
    """What has happened to a deal in Partner Center so far."""

    INBOUND = "sent by Microsoft, waiting for our answer"
    LEAD = "a lead of a customer, waiting for our answer"
    ACCEPTED = "co-sell, accepted by Microsoft"
    WAITING = "co-sell, waiting for Microsoft"
    PRIVATE = "private"
    PARTNER_LED = "partner-led, visible to Microsoft"
    WE_DECLINED = "sent by Microsoft, declined by us"
    MICROSOFT_DECLINED = "co-sell, declined by Microsoft"
    EXPIRED = "sent by Microsoft, never answered"
    WON = "co-sell, won"
    LOST = "partner-led, lost"
    NOT_THERE = "in the CRM only"


class Presence(Enum):
    """How the CRM knows the deal."""

    NOT_THERE = "in Partner Center only"
    LINKED = "linked, both ids on both records"
    OFF = "an opportunity, sync off"
    READY = "an opportunity, sync on and complete"
    INCOMPLETE = "an opportunity, sync on, but something is missing"


@dataclass(frozen=True, slots=True)
class Seller:
    first: str
    last: str
    email: str
    title: str
    phone: str

    @property
    def full_name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True)
class Contact:
    first: str
    last: str
    email: str
    phone: str
    title: str


@dataclass(frozen=True, slots=True)
class Customer:
    name: str
    street: str
    city: str
    state: str
    postal_code: str
    country: str
    size: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class Deal:
    """One deal of the seed; `value` is its middle, the dice move it by up to a tenth."""

    name: str
    customer: Customer
    value: Decimal
    currency: str
    closes_in_days: int
    notes: str
    solutions: tuple[str, ...]
    fate: Fate
    crm: Presence = Presence.NOT_THERE
    help: str | None = None
    sellers: tuple[int, ...] = (0,)
    stage: str = "Qualification"
    visible: bool = False
    age_days: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prospect:
    """A lead that is only a seller's so far."""

    subject: str
    customer: Customer
    value: Decimal
    currency: str
    seller: int
    notes: str
