"""Looks for the accounts that may be the customer of a deal, in one call; core/matching decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cosell.core.companies import is_cjk, opening
from cosell.core.domains import domain_of, domain_of_site
from cosell.core.matching import Account, Customer, customer_of
from cosell.core.records import Values
from cosell.systems.dataverse import rows
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.odata import guid, literal, within
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.workbench import Lists, Workbench

MOST = 200
_MOST_DOMAINS = 10
_MOST_ALIKE = 100
NAME, DUNS, PLACE, PEOPLE, WORD = "name", "duns", "domain", "people", "word"
_OF_CONTACT = "parentcustomerid"


async def accounts(bench: Workbench, values: Values, duns: str | None) -> list[Account]:
    """Candidates by name, DUNS number, domains of the contacts, and first word in the same country."""
    customer = customer_of(values, duns)
    if customer is None:
        return []
    asked = _Question((await bench.tools()).schema, customer)
    lists = await bench.lists(list(asked.parts()), purpose="accounts")
    return list(asked.found(lists).values())[:MOST]


class _Question:
    """What is known of the customer, and how to look for it in one schema."""

    def __init__(self, schema: Schema, customer: Customer) -> None:
        self._schema, self._table, self._customer = schema, schema.tables["account"], customer
        self._duns = customer.duns if "duns" in schema.account else None
        self._domains = sorted(customer.domains)[:_MOST_DOMAINS]
        wanted = [column.name for column in schema.account.values()]
        self._select = ",".join(dict.fromkeys((self._table.id, "createdon", *wanted)))

    # --- questions ---------------------------------------------------------------------------------

    def parts(self) -> Iterator[Part]:
        """The reads of one batch."""
        name = self._schema.account["customer_name"].name
        yield self._accounts(f"{name} eq {literal(self._customer.name)}", NAME)
        if self._duns is not None:
            numbers = {self._duns, "".join(one for one in self._duns if one.isalnum())}
            yield self._accounts(within(self._schema.account["duns"].name, sorted(numbers)), DUNS)
        if self._domains:
            conditions = list(self._at_domains())
            if conditions:
                yield self._accounts(" or ".join(conditions), PLACE)
            yield from self._people()
        begins = opening(self._customer.name)
        if self._customer.country is not None and (len(begins) > 1 or is_cjk(begins)):
            # Within words that know no spaces, the legal form may stand in front.
            alike = "contains" if is_cjk(begins) else "startswith"
            yield self._accounts(f"{alike}({name},{literal(begins)})", WORD, most=_MOST_ALIKE)

    def _accounts(self, condition: str, ref: str, *, most: int = MOST) -> Part:
        query = {
            "$select": self._select,
            "$filter": f"({condition}) and statecode eq 0",
            "$orderby": f"createdon asc,{self._table.id} asc",
            "$top": str(most),
        }
        return read(self._table.set, query, ref=ref)

    def _at_domains(self) -> Iterator[str]:
        website, email = self._schema.account.get("website"), self._schema.account.get("email")
        for domain in self._domains:
            if website is not None:
                yield f"contains({website.name},{literal(domain)})"
            if email is not None:
                yield f"endswith({email.name},{literal(f'@{domain}')})"

    def _people(self) -> Iterator[Part]:
        table, lookup = self._schema.tables.get("contact"), None
        if table is not None and self._schema.contact:
            lookup = table.get(_OF_CONTACT)
        navigation = lookup.navigation.get("account") if lookup is not None else None
        if table is None or navigation is None:
            return
        email = self._schema.contact["email"].name
        at = " or ".join(f"endswith({email},{literal(f'@{domain}')})" for domain in self._domains)
        query = {
            "$select": email,
            "$expand": f"{navigation}($select={self._select})",
            "$filter": f"({at}) and statecode eq 0",
            "$top": str(MOST),
        }
        yield read(table.set, query, ref=PEOPLE)

    # --- answers -----------------------------------------------------------------------------------

    def found(self, lists: Lists) -> dict[str, Account]:
        """The accounts by id, the surest questions first."""
        found: dict[str, Account] = {}
        for ref in (NAME, DUNS, PLACE):
            for row in lists.get(ref, ()):
                self._add(found, row, ())
        for row in lists.get(PEOPLE, ()):
            self._add_employer(found, row)
        for row in lists.get(WORD, ()):
            # The country is free text in Dynamics 365, so it is compared here.
            if _country(row, self._schema) in (None, self._customer.country):
                self._add(found, row, ())
        return found

    def _add_employer(self, found: dict[str, Account], row: Mapping[str, Any]) -> None:
        table = self._schema.tables["contact"]
        lookup = table.get(_OF_CONTACT)
        account = rows.inner(row, lookup.navigation.get("account") if lookup is not None else None)
        if account:
            self._add(found, account, (row.get(self._schema.contact["email"].name),))

    def _add(self, found: dict[str, Account], row: Mapping[str, Any], emails: Iterable[Any]) -> None:
        row_id = guid(row.get(self._table.id))
        if row_id is None:
            return
        own = self._schema.account
        word = {key: rows.word(row.get(column.name)) for key, column in own.items()}
        before = found[row_id].domains if row_id in found else frozenset()
        told = {domain_of(one) for one in (word.get("email"), *emails) if isinstance(one, str)}
        told.add(domain_of_site(word.get("website") or ""))
        found[row_id] = Account(
            id=row_id,
            name=word.get("customer_name") or "",
            postal_code=word.get("postal_code"),
            country=_country(row, self._schema),
            duns=word.get("duns"),
            domains=before | frozenset(one for one in told if one),
            created_at=rows.instant(row.get("createdon")),
        )


def _country(row: Mapping[str, Any], schema: Schema) -> str | None:
    code = rows.country(row.get(schema.account["country"].name))
    return code if isinstance(code, str) else None
