"""The desk of a seller in Dynamics 365: opportunities and leads with all that belongs to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from cosell.sandbox.dataverse import Dataverse, DataverseError
from cosell.sandbox.dataverse.catalogue.connector import CATALOGUE, SOLUTION
from cosell.sandbox.shell.desk.administrator import Administrator
from cosell.sandbox.shell.desk.dynamics_book import Book
from cosell.sandbox.shell.desk.dynamics_words import (
    LEAD,
    OPPORTUNITY,
    SAME,
    columns_of,
    contact_row,
    solution_row,
)
from cosell.sandbox.shell.dynamics_names import Names
from cosell.sandbox.shell.wishes import Refused, Wish, renamed

OPEN, WON, LOST = 0, 1, 2
T = TypeVar("T")


def allowed(act: Callable[[], T]) -> T:
    """What `act` gives, with the environment's own refusal told as ours."""
    try:
        return act()
    except DataverseError as refusal:
        raise Refused(f"Dynamics 365 does not take this: {refusal.message}") from None


class DataverseDesk(Administrator):
    """Sees and changes opportunities and leads as the people who work in the environment."""

    def __init__(self, org: Dataverse) -> None:
        super().__init__("Dynamics 365", org)
        self._org, self._seller, self._book = org, org.as_seller, Book(org)
        self._names = Names(org)
        self._commits: list[asyncio.TimerHandle] = []

    def opportunities(self) -> list[dict[str, Any]]:
        """A line for every opportunity, the last changed first."""
        return self._book.opportunities()

    def opportunity(self, row_id: str) -> dict[str, Any]:
        """One opportunity with everything that belongs to it."""
        return self._book.opportunity(self._book.found("opportunity", row_id))

    def leads(self) -> list[dict[str, Any]]:
        """A line for every lead, the last changed first."""
        return self._book.leads()

    def lead(self, row_id: str) -> dict[str, Any]:
        """One lead in full."""
        return self._book.lead(self._book.found("lead", row_id))

    def linked(self, referral_id: str, external_id: str | None) -> str | None:
        """The id of the opportunity that names this referral, or that the referral names."""
        for row in self._book.rows("opportunity"):
            named = external_id is not None and row["opportunityid"] == external_id.lower()
            if named or row["cosell_referralidentifier"] == referral_id:
                return str(row["opportunityid"])
        return None

    def accounts(self) -> list[dict[str, Any]]:
        return sorted(self._book.rows("account"), key=lambda row: str(row["name"]))

    def users(self) -> list[dict[str, Any]]:
        """The people who can own an opportunity."""
        rows = self._book.rows("systemuser")
        return [row for row in rows if row["internalemailaddress"] and not row["applicationid"]]

    def currencies(self) -> list[str]:
        return sorted(str(row["isocurrencycode"]) for row in self._book.rows("transactioncurrency"))

    def choices(self, table: str, column: str) -> list[str]:
        """The labels of a choice, in their order; none where the environment has no such column."""
        actual = self._names.actual(table, column)
        return [] if actual is None else [one.label for one in self._org.schema.column(table, actual).choices]

    def create(self, wish: Wish) -> str:
        """Creates an opportunity, its account and contact when they are new, and its solutions."""
        wish = Wish(renamed(wish.rest(), SAME))
        fields = {
            "name": wish.text("name"),
            "stage": wish.text("stage", "Qualify"),
            "close_date": wish.day("close_date", self._in_days(60)).isoformat(),
        }
        account_id, account = wish.text("account_id", None), wish.text("account", None)
        country, contact = wish.text("country", None), wish.rest_of("contact")
        solutions = [solution_row(one) for one in wish.items("solutions", [])]
        team = [self._book.user(one) for one in wish.items("team", [])]
        columns = self._columns("opportunity", {**fields, **wish.rest()}, OPPORTUNITY)

        def make() -> str:
            customer = account_id or self._account(account, country)
            linked = {"customerid": ("account", customer), "parentaccountid": customer} if customer else {}
            row_id = self._seller.create("opportunity", {**columns, **linked})
            for solution in solutions:
                self._add_solution(row_id, solution)
            if contact:
                self._add_contact(row_id, contact_row(contact), primary=True)
            for user_id in team:
                self._tie(row_id, "systemuser", user_id)
            return row_id

        return allowed(make)

    def edit(self, row_id: str, changes: Mapping[str, Any]) -> None:
        """Changes an opportunity by the desk's words or by column names; a status may close or reopen it."""
        row = self._book.found("opportunity", row_id)
        columns = self._columns("opportunity", changes, OPPORTUNITY)
        if not columns:
            raise Refused(f"Name something to change: {', '.join(OPPORTUNITY)}.")
        status = columns.pop("statuscode", None)
        allowed(lambda: self._edit(row, columns, status))

    def edit_slowly(self, row_id: str, changes: Mapping[str, Any], *, seconds: float) -> None:
        """Changes an opportunity in a transaction that others see only when it commits, `seconds` later."""
        wanted = self._book.found("opportunity", row_id)["opportunityid"]
        columns = self._columns("opportunity", changes, OPPORTUNITY)
        transaction = self._org.open_transaction()
        try:
            allowed(lambda: transaction.update("opportunity", wanted, columns))
        except Refused:
            transaction.rollback()
            raise

        def commit() -> None:
            # A commit that is refused rolls back, as it does for a person who has gone home.
            with contextlib.suppress(DataverseError):
                transaction.commit()

        self._commits.append(asyncio.get_running_loop().call_later(seconds, commit))

    def forget(self) -> None:
        """Lets no transaction of before commit any more."""
        for commit in self._commits:
            commit.cancel()
        self._commits.clear()

    def delete(self, row_id: str) -> None:
        """Deletes an opportunity as the Delete button does."""
        wanted = self._book.found("opportunity", row_id)["opportunityid"]
        allowed(lambda: self._seller.delete("opportunity", wanted))

    def add_solution(self, row_id: str, wish: Mapping[str, Any]) -> None:
        """Adds a solution to an opportunity."""
        wanted, fields = self._book.found("opportunity", row_id)["opportunityid"], solution_row(wish)
        allowed(lambda: self._add_solution(wanted, fields))

    def add_contact(self, row_id: str, wish: Wish) -> None:
        """Adds a contact to an opportunity; a new person becomes a contact of its account."""
        wanted = self._book.found("opportunity", row_id)["opportunityid"]
        primary, person = wish.truth("primary", False), contact_row(wish.rest())
        allowed(lambda: self._add_contact(wanted, person, primary=primary))

    def add_team_member(self, row_id: str, user: str) -> None:
        """Puts a user on the team of an opportunity."""
        wanted, user_id = self._book.found("opportunity", row_id)["opportunityid"], self._book.user(user)
        allowed(lambda: self._tie(wanted, "systemuser", user_id))

    def remove_child(self, row_id: str, kind: str, child_id: str) -> None:
        """Takes a solution, a contact or a team member off an opportunity."""
        deal = self.opportunity(row_id)
        known = {
            "solutions": [one[f"{SOLUTION}id"] for one in deal["solution_rows"]],
            "contacts": [one["id"] for one in deal["contacts"]],
            "team": [one["id"] for one in deal["team"]],
        }
        if child_id not in known[kind]:
            raise Refused("That is not, or no longer, on this opportunity.", status=404)
        table = SOLUTION if kind == "solutions" else "connection"
        allowed(lambda: self._seller.delete(table, child_id))

    def create_lead(self, wish: Wish) -> str:
        """Creates a lead."""
        fields = renamed(wish.rest(), SAME)
        given = Wish(fields)
        given.text("name")
        columns = self._columns("lead", {"last_name": "Unknown", "company": fields["name"], **fields}, LEAD)
        return allowed(lambda: self._seller.create("lead", columns))

    def edit_lead(self, row_id: str, changes: Mapping[str, Any]) -> None:
        """Changes a lead; a new status may disqualify it."""
        row, columns = self._book.found("lead", row_id), self._columns("lead", changes, LEAD)
        if not columns:
            raise Refused(f"Name something to change: {', '.join(LEAD)}.")
        if "statuscode" in columns:
            columns["statecode"] = self._state_of("lead", columns["statuscode"])
            if columns["statecode"] == WON:
                raise Refused("A lead is qualified by the verb of that name.")
        allowed(lambda: self._seller.update("lead", row["leadid"], columns))

    def qualify(self, row_id: str) -> dict[str, str]:
        """A seller qualifies a lead: account, contact and opportunity come of it."""
        wanted = self._book.found("lead", row_id)["leadid"]
        return allowed(lambda: self._seller.qualify(wanted))

    def _columns(self, table: str, changes: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
        named = {word: self._names.actual(table, name) for word, name in words.items()}
        here = {word: name for word, name in named.items() if name is not None}
        columns = columns_of(changes, here, self._org.schema.table(table).columns)
        if isinstance(code := columns.get("transactioncurrencyid"), str) and len(code) <= 5:
            columns["transactioncurrencyid"] = self._book.currency(code)
        if "ownerid" in columns:
            columns["ownerid"] = ("systemuser", self._book.user(columns["ownerid"]))
        return columns

    def _edit(self, row: Mapping[str, Any], columns: Mapping[str, Any], status: int | None) -> None:
        """Reopens first and closes last, as a closed opportunity takes no changes."""
        row_id, state = row["opportunityid"], row["statecode"]
        wanted = state if status is None else self._state_of("opportunity", status)
        if state != OPEN and wanted == OPEN:
            self._seller.reopen(row_id)
        changes = {**columns, "statuscode": status} if status is not None and wanted == OPEN else columns
        if changes:
            self._seller.update("opportunity", row_id, changes)
        if status is not None and wanted == WON:
            self._seller.win(row_id, status=status)
        elif status is not None and wanted == LOST:
            self._seller.lose(row_id, status=status)

    def _state_of(self, table: str, status: int) -> int:
        choice = self._org.schema.column(table, "statuscode").choice(status)
        if choice is None or choice.state is None:
            raise Refused(f"There is no status {status}.")
        return choice.state

    def _account(self, name: str | None, country: str | None) -> str | None:
        """The account of this name, made when there is none."""
        if not name:
            return None
        known = [str(row["accountid"]) for row in self._book.rows("account") if row["name"] == name]
        fields = {"name": name, "address1_country": country}
        return known[0] if known else self._seller.create("account", fields)

    def _add_solution(self, row_id: str, solution: Mapping[str, Any]) -> None:
        if not self._names.has(SOLUTION):
            raise Refused("This environment has no table for solutions.")
        catalogue = {
            row["cosell_solutionidentifier"]: row[f"{CATALOGUE}id"] for row in self._book.rows(CATALOGUE)
        }
        fields = {name: value for name, value in solution.items() if value is not None}
        fields |= {"cosell_opportunityid": row_id}
        if known := catalogue.get(solution["cosell_solutionidentifier"]):
            fields["cosell_solutiondetailid"] = known
        self._seller.create(SOLUTION, fields)

    def _add_contact(self, row_id: str, person: Mapping[str, Any], *, primary: bool) -> None:
        customer = self._book.found("opportunity", row_id)["customerid"]
        known = [
            str(row["contactid"])
            for row in self._book.rows("contact")
            if row["parentcustomerid"] == customer
            and row["emailaddress1"]
            and row["emailaddress1"] == person.get("emailaddress1")
        ]
        fields = {name: value for name, value in person.items() if value is not None}
        if customer:
            fields["parentcustomerid"] = customer
        contact_id = known[0] if known else self._seller.create("contact", fields)
        if primary:
            self._seller.update("opportunity", row_id, {"parentcontactid": contact_id})
        else:
            self._tie(row_id, "contact", contact_id)

    def _tie(self, row_id: str, kind: str, other_id: str) -> None:
        fields: dict[str, Any] = {"record1id": ("opportunity", row_id), "record2id": (kind, other_id)}
        if role := self._book.role(kind):
            fields["record2roleid"] = role
        self._seller.create("connection", fields)

    def _in_days(self, days: int) -> Any:
        return (self._org.frame.clock.now() + timedelta(days=days)).date()
