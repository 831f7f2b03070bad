"""What the desk reads of Dynamics 365: rows by id, their lines in lists, who is who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from cosell.sandbox.dataverse import Dataverse, DataverseError
from cosell.sandbox.dataverse.catalogue.connector import SOLUTION
from cosell.sandbox.dataverse.fresh import SALES_TEAM, STAKEHOLDER
from cosell.sandbox.shell.desk.dynamics_words import LEAD, OPPORTUNITY, SHARED, label_of
from cosell.sandbox.shell.dynamics_names import Names
from cosell.sandbox.shell.wishes import Refused

Row = dict[str, Any]
WHOLE_ID = 36
ROLES = {"contact": STAKEHOLDER, "systemuser": SALES_TEAM}


class Book:
    """Looks things up; changes nothing."""

    def __init__(self, org: Dataverse) -> None:
        self._org, self._seller, self._names = org, org.as_seller, Names(org)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table; none where the environment does not have it."""
        if not self._names.has(table):
            return []
        return [self._names.told(table, row) for row in self._seller.rows(table)]

    def found(self, table: str, wanted: str) -> Row:
        """The row whose id this is, or begins with."""
        wanted, key = wanted.strip().lower(), f"{table}id"
        if len(wanted) == WHOLE_ID:
            with suppress(DataverseError):
                return self._names.told(table, self._seller.get(table, wanted))
        rows = [row for row in self.rows(table) if wanted and str(row[key]).startswith(wanted)]
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise Refused(f"{len(rows)} records have ids that begin with “{wanted}”.")
        raise Refused(f"There is no {table} “{wanted}”.", status=404)

    def opportunities(self) -> list[Row]:
        """A line for every opportunity, the last changed first."""
        solutions: dict[str, list[str]] = {}
        for row in self.rows(SOLUTION):
            solutions.setdefault(_id(row["cosell_opportunityid"]), []).append(
                str(row["cosell_solutionidentifier"])
            )
        accounts, currencies = self._accounts(), self._currencies()
        return [
            self.opportunity_line(row, accounts, currencies, solutions.get(row["opportunityid"], []))
            for row in _latest(self.rows("opportunity"))
        ]

    def leads(self) -> list[Row]:
        """A line for every lead, the last changed first."""
        currencies = self._currencies()
        return [self.lead_line(row, currencies) for row in _latest(self.rows("lead"))]

    def opportunity(self, row: Row) -> Row:
        """One opportunity with everything that belongs to it."""
        row_id = row["opportunityid"]
        solutions = [one for one in self.rows(SOLUTION) if _id(one["cosell_opportunityid"]) == row_id]
        ids = [str(one["cosell_solutionidentifier"]) for one in solutions]
        accounts = self._accounts()
        return {
            **self.opportunity_line(row, accounts, self._currencies(), ids),
            **self._words(row, OPPORTUNITY, ("description", "audit", *_REFERRAL)),
            "probability": row["closeprobability"],
            "owner": self.user_name(row["ownerid"]),
            "account_row": _plain(accounts.get(_id(row["customerid"]))),
            "solution_rows": [_plain(one) for one in solutions],
            "contacts": self.contacts(row),
            "team": self.team(row_id),
        }

    def lead(self, row: Row) -> Row:
        """One lead in full."""
        return {
            **self.lead_line(row, self._currencies()),
            **self._words(row, LEAD, ("first_name", "last_name", "email", "phone", "description", "audit")),
            **self._words(row, LEAD, _REFERRAL),
            "owner": self.user_name(row["ownerid"]),
        }

    def opportunity_line(
        self, row: Row, accounts: Mapping[str, Row], currencies: Mapping[str, str], solutions: list[str]
    ) -> Row:
        account = accounts.get(_id(row["customerid"]))
        return {
            "id": row["opportunityid"],
            "name": row["name"],
            "account": account["name"] if account else None,
            "country": account["address1_country"] if account else None,
            "stage": self.label("opportunity", "salesstage", row["salesstage"]),
            **self._state("opportunity", row),
            "amount": row["estimatedvalue"],
            "currency": currencies.get(_id(row["transactioncurrencyid"])),
            "close_date": row["estimatedclosedate"],
            **self._sharing("opportunity", row),
            "solutions": solutions,
            "changed": row["modifiedon"],
        }

    def lead_line(self, row: Row, currencies: Mapping[str, str]) -> Row:
        return {
            "id": row["leadid"],
            "name": row["subject"],
            "company": row["companyname"],
            "person": row["fullname"],
            "country": row["address1_country"],
            **self._state("lead", row),
            "amount": row["estimatedamount"],
            "currency": currencies.get(_id(row["transactioncurrencyid"])),
            "close_date": row["estimatedclosedate"],
            **self._sharing("lead", row),
            "changed": row["modifiedon"],
        }

    def label(self, table: str, column: str, value: Any) -> str | None:
        actual = self._names.actual(table, column)
        return None if actual is None else label_of(self._org.schema.column(table, actual), value)

    def contacts(self, row: Row) -> list[Row]:
        """The people of the customer on an opportunity: its contact first, then its stakeholders."""
        people = {one["contactid"]: one for one in self.rows("contact")}
        first = people.get(_id(row["parentcontactid"]))
        found: list[Row] = [{"id": None, "primary": True, "person": _plain(first)}] if first else []
        for tie in self.ties(row["opportunityid"], "contact"):
            person = people.get(_id(tie["record2id"]))
            found.append({"id": tie["connectionid"], "primary": False, "person": _plain(person)})
        return found

    def team(self, row_id: str) -> list[Row]:
        """The sellers on an opportunity beside its owner."""
        return [
            {"id": tie["connectionid"], "user": self.user_name(tie["record2id"])}
            for tie in self.ties(row_id, "systemuser")
        ]

    def ties(self, row_id: str, kind: str) -> list[Row]:
        """The connections of an opportunity to rows of a kind, seen from the opportunity."""
        return [
            tie
            for tie in self.rows("connection")
            if _id(tie["record1id"]) == row_id and tie["record2id"] and tie["record2id"][0] == kind
        ]

    def role(self, kind: str) -> str | None:
        """The id of the role in which rows of a kind are connected."""
        found = (one for one in self.rows("connectionrole") if one["name"] == ROLES[kind])
        return next((str(one["connectionroleid"]) for one in found), None)

    def user_name(self, owner: Any) -> str:
        names = {one["systemuserid"]: one["fullname"] for one in self.rows("systemuser")}
        return names.get(_id(owner)) or "—"

    def user(self, wanted: Any) -> str:
        """The id of a user by id, name or e-mail address."""
        for row in self.rows("systemuser"):
            if wanted and wanted in (row["systemuserid"], row["fullname"], row["internalemailaddress"]):
                return str(row["systemuserid"])
        raise Refused(f"There is no user “{wanted}”.")

    def currency(self, code: Any) -> str:
        """The id of a currency by its ISO code."""
        for row in self.rows("transactioncurrency"):
            if row["isocurrencycode"] == code:
                return str(row["transactioncurrencyid"])
        raise Refused(f"This environment does not know the currency “{code}”.")

    def _accounts(self) -> dict[str, Row]:
        return {row["accountid"]: row for row in self.rows("account")}

    def _currencies(self) -> dict[str, str]:
        rows = self.rows("transactioncurrency")
        return {row["transactioncurrencyid"]: str(row["isocurrencycode"]) for row in rows}

    def _state(self, table: str, row: Row) -> Row:
        return {
            "status": self.label(table, "statuscode", row["statuscode"]),
            "closed": row["statecode"] != 0,
            "won": row["statecode"] == 1,
        }

    def _sharing(self, table: str, row: Row) -> Row:
        return {
            "sync": row["cosell_syncwithpartnercenter"],
            "help": self.label(table, SHARED["help"], row["cosell_howcanmicrosofthelp"]),
            "visible": row["cosell_visibletomicrosoft"],
            "referral_id": row["cosell_referralidentifier"],
        }

    @staticmethod
    def _words(row: Row, words: Mapping[str, str], names: Iterable[str]) -> Row:
        return {name: row[words[name]] for name in names}


_REFERRAL = ("referral_link", "microsoft_crm_id", "referral_program")


def _id(reference: Any) -> str:
    return str(reference[1]) if reference else ""


def _plain(row: Row | None) -> Row | None:
    """A row whose lookups are ids alone."""
    return row and {name: value[1] if isinstance(value, tuple) else value for name, value in row.items()}


def _latest(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (str(row["modifiedon"]), row["versionnumber"]), reverse=True)
