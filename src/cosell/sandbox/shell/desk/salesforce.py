"""The desk of a seller in Salesforce: opportunities with their account, contacts, team and solutions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from cosell.sandbox.salesforce import Salesforce, SalesforceError
from cosell.sandbox.salesforce.catalogue.connector import HELP
from cosell.sandbox.shell.desk.administrator import Administrator
from cosell.sandbox.shell.desk.opportunity import FIELDS, SAME, contact_row, fields_of, line_of, solution_row
from cosell.sandbox.shell.salesforce_names import Names
from cosell.sandbox.shell.wishes import Refused, Wish, renamed

HELP_LABELS = tuple(HELP.split("|"))
ROLES = ("Decision Maker", "Technical Buyer", "Economic Buyer", "Business User", "Influencer", "Other")

T = TypeVar("T")


def allowed(act: Callable[[], T]) -> T:
    """What `act` gives, with the org's own refusal told as ours."""
    try:
        return act()
    except SalesforceError as refusal:
        raise Refused(f"Salesforce does not take this: {refusal}") from None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An opportunity to be, with what has to be made along with it."""

    fields: dict[str, Any]
    account_id: str | None
    account: str | None
    country: str | None
    solutions: list[dict[str, Any]]
    contact: dict[str, Any]
    team: list[str]


class SalesforceDesk(Administrator):
    """Sees and changes opportunities as the people who work in the org."""

    def __init__(self, org: Salesforce) -> None:
        super().__init__("Salesforce", org)
        self._org, self._seller, self._names = org, org.as_seller, Names(org)
        self._commits: list[asyncio.TimerHandle] = []

    def opportunities(self) -> list[dict[str, Any]]:
        """A line for every opportunity, the last changed first."""
        accounts = {row["Id"]: row for row in self._seller.rows("Account")}
        solutions: dict[str, list[str]] = {}
        for row in self._solutions():
            solutions.setdefault(row["Opportunity__c"], []).append(row["Solution_Identifier__c"])
        rows = sorted(self._opportunities(), key=lambda row: str(row["SystemModstamp"]), reverse=True)
        return [line_of(row, accounts.get(row["AccountId"]), solutions.get(row["Id"], [])) for row in rows]

    def opportunity(self, row_id: str) -> dict[str, Any]:
        """One opportunity with everything that belongs to it."""
        row = self._opportunity(row_id)
        accounts = {one["Id"]: one for one in self._seller.rows("Account")}
        account = accounts.get(row["AccountId"])
        solutions = [one for one in self._solutions() if one["Opportunity__c"] == row["Id"]]
        return {
            **line_of(row, account, [one["Solution_Identifier__c"] for one in solutions]),
            "description": row["Description"],
            "next_step": row["NextStep"],
            "audit": row["Audit__c"],
            "referral_link": row["Referral_Link__c"],
            "microsoft_crm_id": row["Microsoft_CRM_Identifier__c"],
            "referral_program": row["Referral_Program__c"],
            "owner": self._user_name(row["OwnerId"]),
            "account_row": account,
            "solution_rows": solutions,
            "contacts": self._contacts(row["Id"]),
            "team": self._team(row["Id"]),
        }

    def linked(self, referral_id: str, external_id: str | None) -> str | None:
        """The id of the opportunity that names this referral, or that the referral names."""
        for row in self._opportunities():
            named = external_id is not None and str(row["Id"])[:15] == external_id[:15]
            if named or row["Referral_Identifier__c"] == referral_id:
                return str(row["Id"])
        return None

    def stages(self) -> list[str]:
        """The stages of the org in their order."""
        rows = [row for row in self._seller.rows("OpportunityStage") if row["IsActive"]]
        return [row["ApiName"] for row in sorted(rows, key=lambda row: row["SortOrder"])]

    def accounts(self) -> list[dict[str, Any]]:
        return sorted(self._seller.rows("Account"), key=lambda row: str(row["Name"]))

    def users(self) -> list[dict[str, Any]]:
        """The people who can own an opportunity or be on its team."""
        return [row for row in self._seller.rows("User") if row["IsActive"] and row["UserType"] == "Standard"]

    def create(self, wish: Wish) -> str:
        """Creates an opportunity, its account and contact when they are new, and its solutions."""
        wish = Wish(renamed(wish.rest(), SAME))
        fields = {
            "Name": wish.text("name"),
            "StageName": wish.text("stage", "Prospecting"),
            "CloseDate": wish.day("close_date", self._in_days(60)).isoformat(),
        }
        wanted = _Wanted(
            fields,
            wish.text("account_id", None),
            wish.text("account", None),
            wish.text("country", None),
            [solution_row(one) for one in wish.items("solutions", [])],
            wish.rest_of("contact"),
            [self._user_id(one) for one in wish.items("team", [])],
        )
        fields |= self._names.actual(fields_of(wish.rest()))
        return allowed(lambda: self._create(wanted))

    def edit(self, row_id: str, changes: Mapping[str, Any]) -> None:
        """Changes fields of an opportunity, by the desk's words or by their API names."""
        fields = fields_of(changes)
        if not fields:
            raise Refused(f"Name a field to change: {', '.join(FIELDS)}.")
        wanted, given = self._opportunity(row_id)["Id"], self._names.actual(fields)
        if given:
            allowed(lambda: self._seller.update("Opportunity", wanted, given))

    def edit_slowly(self, row_id: str, changes: Mapping[str, Any], *, seconds: float) -> None:
        """Changes an opportunity in a transaction that others see only when it commits, `seconds` later."""
        fields, wanted = self._names.actual(fields_of(changes)), self._opportunity(row_id)["Id"]
        transaction = self._org.open_transaction()
        try:
            allowed(lambda: transaction.update("Opportunity", wanted, fields))
        except Refused:
            transaction.rollback()
            raise

        def commit() -> None:
            # A commit that is refused rolls back, as it does for a person who has gone home.
            with contextlib.suppress(SalesforceError):
                transaction.commit()

        self._commits.append(asyncio.get_running_loop().call_later(seconds, commit))

    def forget(self) -> None:
        """Lets no transaction of before commit any more."""
        for commit in self._commits:
            commit.cancel()
        self._commits.clear()

    def delete(self, row_id: str) -> None:
        """Deletes an opportunity as the Delete button does."""
        wanted = self._opportunity(row_id)["Id"]
        allowed(lambda: self._seller.delete("Opportunity", wanted))

    def add_solution(self, row_id: str, wish: Mapping[str, Any]) -> str:
        """Adds a solution to an opportunity."""
        opportunity = self._opportunity(row_id)["Id"]
        return allowed(lambda: self._add_solution(opportunity, solution_row(wish)))

    def remove_child(self, row_id: str, kind: str, child_id: str) -> None:
        """Takes a solution, a contact or a team member off an opportunity."""
        opportunity = self.opportunity(row_id)
        sobject, listed = _CHILDREN[kind]
        sobject = sobject or self._names.solution or ""
        if not any(row["Id"] == child_id for row in opportunity[listed]):
            raise Refused("That is not, or no longer, on this opportunity.", status=404)
        allowed(lambda: self._seller.delete(sobject, child_id))

    def add_contact(self, row_id: str, wish: Wish) -> str:
        """Adds a contact to an opportunity; a new person becomes a contact of its account."""
        row = self._opportunity(row_id)
        role, primary = wish.text("role", "Decision Maker"), wish.truth("primary", False)
        person = contact_row(wish.rest())
        return allowed(lambda: self._add_contact(row["Id"], row["AccountId"], person, role, primary=primary))

    def add_team_member(self, row_id: str, user: str, *, role: str = "Sales Rep") -> str:
        """Puts a user on the team of an opportunity."""
        fields = {"OpportunityId": self._opportunity(row_id)["Id"], "UserId": self._user_id(user)}
        fields["TeamMemberRole"] = role
        return allowed(lambda: self._seller.create("OpportunityTeamMember", fields))

    def _create(self, wanted: _Wanted) -> str:
        account_id = wanted.account_id or self._account(wanted.account, wanted.country)
        row_id = self._seller.create("Opportunity", {**wanted.fields, "AccountId": account_id})
        for solution in wanted.solutions:
            self._add_solution(row_id, solution)
        if wanted.contact:
            self._add_contact(row_id, account_id, contact_row(wanted.contact), "Decision Maker", primary=True)
        for user_id in wanted.team:
            member = {"OpportunityId": row_id, "UserId": user_id, "TeamMemberRole": "Sales Rep"}
            self._seller.create("OpportunityTeamMember", member)
        return row_id

    def _add_solution(self, row_id: str, fields: dict[str, Any]) -> str:
        given = self._names.actual_solution({**fields, "Opportunity__c": row_id})
        return self._seller.create(self._names.solution or "", given)

    def _account(self, name: str | None, country: str | None) -> str | None:
        """The account of this name, made when there is none."""
        if not name:
            return None
        known = [str(row["Id"]) for row in self._seller.rows("Account") if row["Name"] == name]
        return (
            known[0] if known else self._seller.create("Account", {"Name": name, "BillingCountry": country})
        )

    def _add_contact(
        self, row_id: str, account_id: str | None, person: dict[str, Any], role: str, *, primary: bool
    ) -> str:
        known = [
            str(row["Id"])
            for row in self._seller.rows("Contact")
            if row["AccountId"] == account_id and row["Email"] and row["Email"] == person.get("Email")
        ]
        contact_id = (
            known[0] if known else self._seller.create("Contact", {**person, "AccountId": account_id})
        )
        fields = {"OpportunityId": row_id, "ContactId": contact_id, "Role": role, "IsPrimary": primary}
        return self._seller.create("OpportunityContactRole", fields)

    def _opportunity(self, row_id: str) -> dict[str, Any]:
        """The row whose id this is, or begins with; the last three letters of an id may be missing."""
        wanted = row_id.strip()
        rows = [row for row in self._opportunities() if wanted and str(row["Id"]).startswith(wanted)]
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise Refused(f"{len(rows)} opportunities have ids that begin with “{wanted}”.")
        raise Refused(f"There is no opportunity “{wanted}”.", status=404)

    def _opportunities(self) -> list[dict[str, Any]]:
        return [self._names.usual(row) for row in self._seller.rows("Opportunity")]

    def _solutions(self) -> list[dict[str, Any]]:
        """The solutions of all opportunities; none in an org without an object for them."""
        name = self._names.solution
        return [self._names.usual_solution(row) for row in self._rows(name)] if name else []

    def _children(self, sobject: str, parent: str, row_id: str) -> list[dict[str, Any]]:
        return [row for row in self._rows(sobject) if row[parent] == row_id]

    def _rows(self, sobject: str) -> list[dict[str, Any]]:
        try:
            return self._seller.rows(sobject)
        except SalesforceError:
            # Opportunity teams can be switched off, and then the object does not exist.
            return []

    def _contacts(self, row_id: str) -> list[dict[str, Any]]:
        people = {row["Id"]: row for row in self._seller.rows("Contact")}
        roles = self._children("OpportunityContactRole", "OpportunityId", row_id)
        return [{**role, "person": people.get(role["ContactId"])} for role in roles]

    def _team(self, row_id: str) -> list[dict[str, Any]]:
        members = self._children("OpportunityTeamMember", "OpportunityId", row_id)
        return [{**member, "user": self._user_name(member["UserId"])} for member in members]

    def _user_name(self, user_id: str | None) -> str:
        names = {row["Id"]: row["Name"] for row in self._seller.rows("User")}
        return names.get(user_id) or "—"

    def _user_id(self, wanted: Any) -> str:
        for row in self._seller.rows("User"):
            if wanted and wanted in (row["Id"], row["Username"], row["Email"], row["Name"]):
                return str(row["Id"])
        raise Refused(f"There is no user “{wanted}”.")

    def _in_days(self, days: int) -> Any:
        return (self._org.frame.clock.now() + timedelta(days=days)).date()


_CHILDREN = {
    "solutions": ("", "solution_rows"),
    "contacts": ("OpportunityContactRole", "contacts"),
    "team": ("OpportunityTeamMember", "team"),
}
