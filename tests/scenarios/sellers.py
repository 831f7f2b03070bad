"""The seller of a scenario, in one vocabulary for every CRM; what only one CRM has goes by its own names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from cosell.sandbox.shell.composition import Sandbox

SOL = "SOL-10001-AAA"
OTHER_SOL = "SOL-10002-BBB"
Row = Mapping[str, Any]


def in_days(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


class Seller(ABC):
    """What a seller does and sees in one CRM.

    Words of an opportunity: id, name, value, currency, close_date, notes, state (active, on_hold, won, lost),
    sync, referral_id, link, help, visible, microsoft_id, program, audit, owner, account. Of a person: id,
    first, last, email, phone. Of a solution: id, solution, quantity, price, name. Of an account: id, name,
    street, city, postal_code, country.
    """

    system: str
    """Where its requests go, as the faults of the sandbox name it."""
    account: str
    """The same of its Partner Center account."""
    nowhere: str
    """The id of an opportunity that is not there."""
    bunches: str
    """Where a deal is created with all that belongs to it."""
    tables: ClassVar[Mapping[str, str]]
    words: ClassVar[Mapping[str, Mapping[str, str]]]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    @abstractmethod
    def people(self) -> Any:
        """The side door of the simulator."""

    @property
    @abstractmethod
    def simulator(self) -> Any: ...

    @property
    @abstractmethod
    def partner_center(self) -> Any:
        """The Partner Center account this CRM is joined to."""

    @property
    @abstractmethod
    def entra(self) -> Any: ...

    @abstractmethod
    def add_contact(self, deal: str, **fields: Any) -> str:
        """Adds a person to the deal; the first is the primary one."""

    @abstractmethod
    def contacts(self, deal: str) -> list[Row]: ...

    @abstractmethod
    def expire_sign_in(self) -> None:
        """Every access token and session ends."""

    @abstractmethod
    def forbid_more_than(self, value: int, message: str) -> None:
        """The organisation refuses deals worth more, in its own words."""

    @abstractmethod
    def add_product(self, deal: str, price: int) -> None:
        """Adds a product line; from then on the products make the deal's value."""

    @abstractmethod
    def let_referral_ids_repeat(self) -> None:
        """Nothing in the CRM keeps referral ids unique."""

    def add_solution(self, deal: str, solution: str, **fields: Any) -> str:
        return self.create("solution", {"deal": deal, "solution": solution, "name": solution, **fields})

    def create(self, kind: str, fields: Mapping[str, Any]) -> str:
        return str(self.people.create(self.tables[kind], self._own(kind, fields)))

    def update(self, kind: str, row_id: str, fields: Mapping[str, Any]) -> None:
        self.people.update(self.tables[kind], row_id, self._own(kind, fields))

    def delete(self, kind: str, row_id: str) -> None:
        self.people.delete(self.tables[kind], row_id)

    def row(self, kind: str, row_id: str) -> Row:
        return self._told(kind, self.people.get(self.tables[kind], row_id))

    def rows(self, kind: str) -> list[Row]:
        return [self._told(kind, one) for one in self.people.rows(self.tables[kind])]

    def solutions(self, deal: str) -> list[Row]:
        return [one for one in self.rows("solution") if one["deal"] == deal]

    def _own(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        words = self.words[kind]
        return {words.get(key, key): value for key, value in fields.items()}

    def _told(self, kind: str, row: Row) -> Row:
        """The row under its own names and under ours."""
        return {**row, **{word: row.get(name) for word, name in self.words[kind].items()}}
