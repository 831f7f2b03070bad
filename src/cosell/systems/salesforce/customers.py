"""Finds the accounts that may be the customer of a new deal, in one call; which one it is, others decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cosell.core.companies import is_cjk, opening
from cosell.core.domains import domain_of, domain_of_site
from cosell.core.matching import Account, Customer, customer_of
from cosell.core.records import Values
from cosell.countries import code_of
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.client import Part, query_part
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.soql import literal, literals, long_id, moment, select

MOST_DOMAINS = 5
_OLDEST = "ORDER BY CreatedDate,Id LIMIT"
SAME, SITES, OPENING, CONTACTS = ("same", 60), ("sites", 40), ("opening", 50), ("contacts", 50)
"""The questions, each with the most rows it may bring."""


async def accounts(access: Access, values: Values, duns: str | None) -> tuple[Account, ...]:
    """Candidates, oldest first, each once with everything the answers tell of it."""
    customer = customer_of(values, duns)
    if customer is None:
        return ()
    tools = await access.tools()
    asking = _Asking(tools, access.options.country_field)
    answers = await access.client.reads(list(asking.parts(customer)), purpose="find the customer")
    found: dict[str, Account] = {}
    for ref, answer in answers.items():
        for row in await access.client.rows(answer, purpose="find the customer"):
            one = asking.of_contact(row) if ref == CONTACTS[0] else asking.account(row)
            if one is not None:
                known = found.get(one.id, one)
                found[one.id] = replace(known, domains=known.domains | one.domains)
    return tuple(found.values())


class _Asking:
    """The questions to one org, and how their rows are read."""

    def __init__(self, tools: Tools, country_field: str) -> None:
        schema = tools.schema
        wanted = {key: schema.account[key] for key in ("country", "postal_code") if key in schema.account}
        self._columns: Mapping[str, Column] = {**wanted, **schema.known_by}
        self._by_code = schema.account["country"].name != country_field
        self._contacts = bool(schema.contact)
        self._names = ("Id", "Name", "CreatedDate", *(column.name for column in self._columns.values()))

    def parts(self, customer: Customer) -> Iterable[Part]:
        domains = sorted(customer.domains)[:MOST_DOMAINS]
        yield self._of_accounts(SAME, self._same(customer))
        if domains and "website" in self._columns:
            site = self._columns["website"].name
            yield self._of_accounts(SITES, _any_like(site, (f"%{one}%" for one in domains)))
        if begins := self._opening(customer):
            yield self._of_accounts(OPENING, begins)
        if domains and self._contacts:
            columns = ("Email", "AccountId", *(f"Account.{name}" for name in self._names))
            where = f"WHERE {_any_like('Email', (f'%@{one}' for one in domains))} {_OLDEST} {CONTACTS[1]}"
            yield query_part(select(columns, "Contact", where), CONTACTS[0])

    def _of_accounts(self, question: tuple[str, int], condition: str) -> Part:
        ref, most = question
        return query_part(select(self._names, "Account", f"WHERE {condition} {_OLDEST} {most}"), ref)

    def _same(self, customer: Customer) -> str:
        condition = f"Name = {literal(customer.name)}"
        if customer.duns and "duns" in self._columns:
            spellings = dict.fromkeys((customer.duns, "".join(filter(str.isalnum, customer.duns))))
            condition += f" OR {self._columns['duns'].name} IN {literals(spellings)}"
        return condition

    def _opening(self, customer: Customer) -> str:
        """Names that begin alike; within words that know no spaces, the form may stand in front."""
        begins = opening(customer.name)
        if customer.country is None or (len(begins) < 2 and not is_cjk(begins)):
            return ""
        pattern = f"%{begins}%" if is_cjk(begins) else f"{begins}%"
        condition = f"Name LIKE {literal(pattern)}"
        if self._by_code:
            # Only codes can be asked for: a country's name may stand there in any language.
            condition += f" AND {self._columns['country'].name} = {literal(customer.country)}"
        return condition

    def of_contact(self, row: Mapping[str, Any]) -> Account | None:
        """The account of a contact, known by the contact's domain."""
        parent, email = row.get("Account"), row.get("Email")
        one = self.account(parent) if isinstance(parent, dict) else None
        domain = domain_of(email) if isinstance(email, str) else None
        return one and replace(one, domains=one.domains | ({domain} if domain else set()))

    def account(self, row: Mapping[str, Any]) -> Account | None:
        """The account of a row; None where it is not one."""
        account_id = long_id(raw) if isinstance(raw := row.get("Id"), str) else None
        if account_id is None:
            return None
        site, country = domain_of_site(self._word(row, "website")), self._word(row, "country")
        return Account(
            account_id,
            name=str(row.get("Name") or ""),
            postal_code=self._word(row, "postal_code") or None,
            country=code_of(country) if country else None,
            duns=self._word(row, "duns") or None,
            domains=frozenset((site,) if site else ()),
            created_at=_moment(row.get("CreatedDate")),
        )

    def _word(self, row: Mapping[str, Any], key: str) -> str:
        found = row.get(self._columns[key].name) if key in self._columns else None
        return found if isinstance(found, str) else ""


def _any_like(column: str, patterns: Iterable[str]) -> str:
    """A domain holds no wildcard but `_`, which stands for itself as well; they are compared afterwards."""
    return "(" + " OR ".join(f"{column} LIKE {literal(one)}" for one in patterns) + ")"


def _moment(raw: Any) -> datetime | None:
    try:
        return moment(raw) if isinstance(raw, str) else None
    except ValueError:
        return None
