"""Turns rows of Salesforce into snapshots, and knows the one query that brings such rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cosell.core import values as normal
from cosell.core.answers import help_value
from cosell.core.marks import unmarked
from cosell.core.records import Side, Snapshot
from cosell.core.values import Person, Solution, Unreadable, Value
from cosell.countries import code_of
from cosell.systems.salesforce.client import Client
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.schema import Schema
from cosell.systems.salesforce.soql import http_date, literals, long_id, moment, select

ROLES, TEAM = "OpportunityContactRoles", "OpportunityTeamMembers"
_PLAIN: Mapping[str, Callable[[Any], Value]] = {
    "deal_value": normal.money,
    "currency": normal.currency,
    "close_date": normal.day,
    "notes": normal.text,
    "visible": normal.flag,
    "microsoft_id": normal.text,
    "program": normal.text,
}


class Reader:
    """Reads opportunities of one schema."""

    def __init__(self, schema: Schema, options: Options, user_id: str | None) -> None:
        self.schema, self._user_id = schema, user_id
        own = schema.opportunity
        self._plain = [(key, name, form) for key, form in _PLAIN.items() if (name := schema.name(key))]
        self._sync, self._referral_id = schema.needed("sync"), schema.needed("referral_id")
        self._help, self._stamp, self._audit = schema.name("help"), schema.name("stamp"), schema.name("audit")
        self._account = [
            (k, c.name) for k, c in schema.account.items() if k not in ("country", "region_code")
        ]
        self._country = schema.account["country"].name
        self._corporate = None if "currency" in own else options.corporate_currency
        self._contact = {key: column.name for key, column in schema.contact.items()}
        self._user = {key: column.name for key, column in schema.user.items()}
        self._unread = schema.unread
        self._select = select(self._columns(), "Opportunity")

    def _columns(self) -> Iterable[str]:
        """Everything that is mapped and nothing else (CUS-14)."""
        own = {column.name: None for column in self.schema.opportunity.values()}
        own.pop(self.schema.name("referral_link") or "", None)
        yield from ("Id", "IsClosed", "IsWon", "OwnerId", "AccountId", "LastModifiedDate", "LastModifiedById")
        yield "LastModifiedBy.Name"
        if self.schema.has_lines:
            yield "HasOpportunityLineItem"
        yield from own
        yield from (f"Account.{column}" for _, column in self._account)
        yield f"Account.{self._country}"
        yield from (f"Owner.{column}" for column in self._user.values())
        yield from self._children()

    def _children(self) -> Iterable[str]:
        if self._contact:
            people = (f"Contact.{name}" for name in self._contact.values())
            yield f"({select(('Id', 'ContactId', *people), ROLES)})"
        if self.schema.solution is not None:
            solution = self.schema.solution
            more = (solution.id, solution.label, solution.quantity, solution.price)
            yield f"({select(dict.fromkeys(('Id', *filter(None, more))), solution.children)})"
        if self.schema.teams:
            people = (f"User.{name}" for name in self._user.values())
            yield f"({select(('Id', 'UserId', *people), TEAM)})"

    def by_ids(self, ids: Iterable[str]) -> str:
        """The query for these opportunities; the ids must be well-formed."""
        return f"{self._select} WHERE Id IN {literals(ids)}"

    def by_referral(self, referral_ids: Iterable[str]) -> str:
        """The query for opportunities that carry one of these referral ids, oldest first."""
        return f"{self._select} WHERE {self._referral_id} IN {literals(referral_ids)} ORDER BY CreatedDate,Id"

    @property
    def _lists(self) -> tuple[str, ...]:
        solution = self.schema.solution
        return (ROLES, TEAM, solution.children) if solution is not None else (ROLES, TEAM)

    def children_of(self, row: Mapping[str, Any]) -> Iterable[str]:
        """Ids of the child rows that came with an opportunity."""
        for name in self._lists:
            yield from (
                child_id for child in _rows(row, name) if isinstance(child_id := child.get("Id"), str)
            )

    async def whole(self, rows: Sequence[dict[str, Any]], client: Client) -> None:
        """Fetches the rest of child lists that did not fit into their parent's row."""
        for row in rows:
            for name in self._lists:
                nested = row.get(name)
                if isinstance(nested, dict) and nested.get("done") is False:
                    row[name] = {"records": await client.more(nested, purpose="children"), "done": True}

    def snapshot(self, row: Mapping[str, Any], since: float | None) -> Snapshot | None:
        """The row in normal forms; None where it is no opportunity.

        `since` is a server time before which it surely was not read: once the second of the last change
        was over by then, no later change can hide behind the same version (reliability.md 13).
        """
        row_id = long_id(raw) if isinstance(raw := row.get("Id"), str) else None
        if row_id is None:
            return None
        facts: dict[str, str] = {}
        values, mark = self._values(row, facts)
        changed_at = moment_of(row.get("LastModifiedDate"))
        modifier = row.get("LastModifiedById")
        return Snapshot(
            side=Side.CRM,
            id=row_id,
            values=values,
            version=None if changed_at is None else http_date(changed_at),
            firm=changed_at is not None and since is not None and since >= int(changed_at.timestamp()) + 1,
            partner_id=word_of(row.get(self._referral_id)),
            enrolled=row.get(self._sync) is True,
            stamp=word_of(row.get(self._stamp)) if self._stamp else None,
            touched_by=word_of(inner(row, "LastModifiedBy").get("Name")),
            touched_by_us=None if self._user_id is None else modifier == self._user_id,
            changed_at=changed_at,
            mark=mark,
            audit=word_of(row.get(self._audit)) if self._audit else None,
            facts=facts,
            lasting="products" not in facts,
            unread=self._unread,
        )

    def _values(self, row: Mapping[str, Any], facts: dict[str, str]) -> tuple[dict[str, Value], str | None]:
        found: dict[str, Value] = {}
        mark = None
        raw_name = row.get("Name")
        if isinstance(raw_name, str):
            raw_name, mark = unmarked(raw_name)
        found["name"] = None if raw_name is None else normal.text(raw_name)
        for key, column, form in self._plain:
            raw = row.get(column)
            found[key] = None if raw is None else form(raw)
        if self._corporate is not None:
            found["currency"] = self._corporate
        if self._help is not None:
            found["help"] = _help(row.get(self._help))
        closed, won = row.get("IsClosed") is True, row.get("IsWon") is True
        stage = row.get("StageName")
        if "state" not in self._unread:
            found["state"] = self.schema.stages.meaning(str(stage or ""), closed=closed, won=won)
        self._read_account(row, found, facts)
        self._read_children(row, found, facts)
        if row.get("HasOpportunityLineItem") is True:
            facts["products"] = "yes"
        return found, mark

    def _read_account(self, row: Mapping[str, Any], found: dict[str, Value], facts: dict[str, str]) -> None:
        account = inner(row, "Account")
        for key, column in self._account:
            raw = account.get(column)
            found[key] = None if raw is None else normal.text(raw)
        found["country"] = country_of(account.get(self._country))
        if isinstance(account_id := row.get("AccountId"), str):
            facts["account"] = account_id

    def _read_children(self, row: Mapping[str, Any], found: dict[str, Value], facts: dict[str, str]) -> None:
        if self._contact:
            people = []
            for role in _rows(row, ROLES):
                person = person_of(inner(role, "Contact"), self._contact)
                people.append(person)
                if isinstance(contact_id := role.get("ContactId"), str) and person.key.strip():
                    facts.setdefault(f"contact:{person.key}", contact_id)
            found["contacts"] = normal.people(people)
        if self.schema.solution is not None:
            found["solutions"] = self._solutions(row, facts)
        if self._user:
            found["team"] = self._team(row)

    def _solutions(self, row: Mapping[str, Any], facts: dict[str, str]) -> Value:
        table = self.schema.solution
        assert table is not None
        found = []
        for child in _rows(row, table.children):
            solution_id = word_of(child.get(table.id))
            if solution_id is None:
                continue
            quantity = _amount(child.get(table.quantity)) if table.quantity else None
            price = _amount(child.get(table.price)) if table.price else None
            if isinstance(quantity, Unreadable) or isinstance(price, Unreadable):
                return Unreadable(solution_id[:80], "has a quantity or price that is no number")
            name = word_of(child.get(table.label)) if table.label else None
            solution = Solution(solution_id, quantity, price, name or "")
            _remember(facts, f"solution:{solution.key}", child.get("Id"))
            found.append(solution)
        return normal.solutions(found)

    def _team(self, row: Mapping[str, Any]) -> Value:
        """The owner and the opportunity's team; our own user is nobody a customer should call."""
        people = []
        if self._user_id is None or row.get("OwnerId") != self._user_id:
            people.append(person_of(inner(row, "Owner"), self._user))
        for member in _rows(row, TEAM) if self.schema.teams else ():
            if self._user_id is None or member.get("UserId") != self._user_id:
                people.append(person_of(inner(member, "User"), self._user))
        return normal.people(people)


def inner(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = row.get(key)
    return found if isinstance(found, dict) else {}


def _rows(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    nested = row.get(key)
    records = nested.get("records") if isinstance(nested, dict) else None
    return [one for one in records if isinstance(one, dict)] if isinstance(records, list) else []


def word_of(raw: Any) -> str | None:
    cleaned = normal.text(raw) if isinstance(raw, str) else None
    return cleaned if isinstance(cleaned, str) else None


def _amount(raw: Any) -> Any:
    return None if raw is None else normal.money(raw)


def moment_of(raw: Any) -> datetime | None:
    try:
        return moment(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def country_of(raw: Any) -> Value:
    cleaned = word_of(raw)
    if cleaned is None:
        return None
    return code_of(cleaned) or Unreadable(cleaned[:80], "is no country we know; use its two-letter code")


def _help(raw: Any) -> Value:
    cleaned = word_of(raw)
    return None if cleaned is None else help_value(cleaned)


def person_of(row: Mapping[str, Any], names: Mapping[str, str]) -> Person:
    words = {key: word_of(row.get(name)) or "" for key, name in names.items()}
    return Person(
        words.get("email", ""),
        words.get("first_name", ""),
        words.get("last_name", ""),
        words.get("phone", ""),
    )


def _remember(facts: dict[str, str], key: str, row_id: Any) -> None:
    if isinstance(row_id, str):
        facts[key] = f"{facts[key]},{row_id}" if key in facts else row_id
