"""Finds the columns of a deal in the tables of an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cosell.core import drift
from cosell.core.errors import Misconfigured, SchemaDrift
from cosell.core.fields import FIELDS
from cosell.ports import Lack
from cosell.systems.dataverse import demands, lacking
from cosell.systems.dataverse.abilities import NOTHING, capabilities
from cosell.systems.dataverse.metadata import Choice, Column, Table
from cosell.systems.dataverse.options import COSELL, Options
from cosell.systems.dataverse.schema import Currency, DetailTable, Organization, Schema, SolutionTable
from cosell.systems.dataverse.statuses import Status, StatusBook

LABELS: Mapping[str, tuple[str, ...]] = {
    "sync": ("Sync with Partner Center",),
    "referral_id": ("Referral Identifier",),
    "referral_link": ("Referral Link",),
    "help": ("How can Microsoft help?",),
    "visible": ("Microsoft Partner Center Referral Visibility", "Visible to Microsoft"),
    "microsoft_id": ("Microsoft CRM Identifier",),
    "program": ("Referral Program",),
    "audit": ("Audit",),
    "stamp": ("Cosell Stamp",),
    "products": (),
    "notes": (),
}
"""The labels of product.md A9a by which a column of another name is recognised."""
NEEDED = ("sync", "referral_id")
_ACCOUNT: Mapping[str, str] = {
    "address_line": "address1_line1",
    "city": "address1_city",
    "region": "address1_stateorprovince",
    "postal_code": "address1_postalcode",
    "website": "websiteurl",
    "email": "emailaddress1",
}
_LEAD: Mapping[str, str] = {
    "name": "subject",
    "customer_name": "companyname",
    "deal_value": "estimatedamount",
    "currency": "transactioncurrencyid",
    "notes": "description",
    "address_line": "address1_line1",
    "city": "address1_city",
    "region": "address1_stateorprovince",
    "postal_code": "address1_postalcode",
    "country": "address1_country",
    "contact_email": "emailaddress1",
    "contact_first_name": "firstname",
    "contact_last_name": "lastname",
    "contact_phone": "telephone1",
    "state": "statuscode",
}
"""The lead's own columns (dataverse-api.md 6)."""
_ON_LEADS = ("sync", "referral_id", "referral_link", "program", "audit", "stamp", "microsoft_id")


def build(
    options: Options,
    tables: Mapping[str, Table],
    currencies: Sequence[tuple[Currency, bool]],
    organization: Organization,
    *,
    running: bool = False,
) -> Schema:
    """The schema of these tables. SchemaDrift where something needed is missing.

    `running`: it was good before; what has become wrong since is lacking, and stops nothing else.
    """
    return _Build(options, tables, running=running).schema(currencies, organization)


class _Build:
    """Resolves every name once."""

    def __init__(self, options: Options, tables: Mapping[str, Table], *, running: bool) -> None:
        self.options, self.tables, self.running = options, tables, running
        self.missing: list[str] = []
        self.lacks: dict[str, Lack] = {}

    def schema(self, currencies: Sequence[tuple[Currency, bool]], organization: Organization) -> Schema:
        opportunity = self._opportunity()
        lead = self._lead()
        made = Schema(
            tables=self.tables,
            opportunity=opportunity,
            account=self._account(),
            contact=self._person("contact", "emailaddress1", self.options.contact_phone),
            user=self._person("systemuser", "internalemailaddress", self.options.user_phone),
            lead=lead,
            solution=self._solution(),
            details=self._details(),
            currencies={one.code: one for one, active in currencies if active},
            organization=organization,
            statuses=StatusBook(
                _statuses(opportunity["state"]), self.options.statuses, strict=not self.running
            ),
            lead_status=self._lead_status(lead, "lead_status", self.options.lead_status, 0),
            lead_lost=self._lead_status(lead, "lead_lost", self.options.lead_lost, 2),
            capabilities=NOTHING,
            demanded=tuple(self._demanded(with_leads=bool(lead))),
            missing=tuple(self.missing),
            currency_ids={one.id: one.code for one, _ in currencies},
            lacks=self.lacks,
        )
        made = lacking.completed(made)
        return replace(made, capabilities=capabilities(made, self.options))

    def _demanded(self, *, with_leads: bool) -> Iterator[str]:
        for name in ("opportunity", "account", *(("lead",) if with_leads and self.options.leads else ())):
            given = self.options.defaults.get(name, {})
            demands.refuse_wrong(self.tables[name], given, f"{name}_defaults")
            yield from demands.unfilled(self.tables[name], given)

    def _opportunity(self) -> dict[str, Column]:
        table = self.tables["opportunity"]
        found: dict[str, Column] = {}
        for role, labels in LABELS.items():
            name = getattr(self.options.fields, role)
            column = table.resolve(name, labels)
            if column is not None:
                found[role] = column
            elif role in NEEDED:
                raise _absent(table, name)
            elif name:
                self.missing.append(f"opportunity.{name}")
                self._lack(role, "opportunity", name, next(iter(labels), ""))
            if self.running and role in NEEDED and column is not None and not lacking.fits(role, column):
                raise _retyped(table, column)
        for key, name in (("name", "name"), ("close_date", "estimatedclosedate"), ("state", "statuscode")):
            found[key] = _required(table, name)
        value = table.get(self.options.value_field)
        if value is not None:
            found["deal_value"] = value
        elif not self.running:
            raise _absent(table, self.options.value_field)
        else:
            self._lack("deal_value", "opportunity", self.options.value_field)
        found["currency"] = _required(table, self.options.currency_field)
        return found

    def _lack(self, part: str, table: str, name: str, label: str = "") -> None:
        key = drift.field_of(part)
        label = label or (FIELDS[key].label if key in FIELDS else "")
        self.lacks[part] = lacking.unseen(f"{table}.{name}", label)

    def _account(self) -> dict[str, Column]:
        table = self.tables["account"]
        country = _required(table, self.options.country_field)
        found = {"customer_name": _required(table, "name"), "country": country}
        named = {**_ACCOUNT, "duns": self.options.duns_field}
        for key, name in named.items():
            column = table.get(name) if name else None
            if column is not None:
                found[key] = column
            elif name and key == "duns":
                self.missing.append(f"account.{name}")
            elif name and key in FIELDS:
                self._lack(key, "account", name)
        return found

    def _person(self, name: str, email: str, phone: str) -> dict[str, Column]:
        """The columns of a person; none where people cannot be told apart by their e-mail addresses."""
        table, field = self.tables.get(name), "contacts" if name == "contact" else "team"
        if table is None:
            self.missing.append(name)
            self.lacks[field] = lacking.unseen(name, "")
            return {}
        named = {"email": email, "first_name": "firstname", "last_name": "lastname", "phone": phone}
        found = {key: column for key, word in named.items() if word and (column := table.get(word))}
        for key, word in named.items():
            if word and key not in found:
                # A list in which a part of each person is out of sight is not believed.
                self._lack(f"{field}.{key}", name, word)
        if "email" in found and "last_name" in found:
            return found
        self.missing.append(f"{name}.{email}")
        return {}

    def _lead(self) -> dict[str, Column]:
        table = self.tables.get("lead")
        if table is None or table.get("subject") is None:
            return {}
        found = {key: column for key, name in _LEAD.items() if (column := table.get(name))}
        for role in _ON_LEADS:
            name = getattr(self.options.fields, role)
            # Microsoft's solution has no columns on leads that we know of: there ours stand in (ADR 0019).
            column = table.get(name) or table.get(getattr(COSELL, role)) if name else None
            if column is not None:
                found[role] = column
        return found

    def _lead_status(
        self, lead: Mapping[str, Column], setting: str, wanted: str, state: int
    ) -> Choice | None:
        """The status reason a setting names; nothing is preset (CUS-13)."""
        if not wanted or "state" not in lead:
            return None
        found = lead["state"].choice(wanted)
        if (found is None or found.state != state) and self.running:
            self.missing.append(f"lead.{lead['state'].name}={wanted}")
            return None
        if found is None or found.state != state:
            known = ", ".join(one.label for one in lead["state"].choices if one.state == state)
            kind = "open" if state == 0 else "disqualified"
            raise Misconfigured(
                f"The lead has no {kind} status reason «{wanted}» (CUS-13).",
                advice=f"Set {setting} to one of: {known}; empty leaves it to Dynamics 365.",
            )
        return found

    def _solution(self) -> SolutionTable | None:
        names = self.options.fields
        table = self.tables.get(names.solution_table)
        if table is None:
            self.missing += [names.solution_table] if names.solution_table else []
            if names.solution_table:
                self.lacks["solutions"] = lacking.unseen(names.solution_table, "")
            return None
        lookup, key = table.get(names.solution_opportunity), table.get(names.solution_id)
        parent = lookup.navigation.get("opportunity") if lookup is not None else None
        children = [
            child.navigation
            for child in self.tables["opportunity"].children_of(table.name)
            if child.column == names.solution_opportunity
        ]
        if lookup is None or key is None or parent is None or not children:
            absent = names.solution_id if key is None else names.solution_opportunity
            self.missing.append(f"{table.name}.{absent}")
            self.lacks["solutions"] = lacking.unseen(self.missing[-1], "")
            return None
        for part, name in (("quantity", names.solution_quantity), ("price", names.solution_price)):
            if name and table.get(name) is None:
                self._lack(f"solutions.{part}", table.name, name)
        detail = table.get(names.solution_detail)
        return SolutionTable(
            name=table.name,
            set=table.set,
            key=table.id,
            children=children[0],
            opportunity=lookup,
            parent=parent,
            id=key,
            label=self._noted(table, names.solution_name),
            quantity=self._noted(table, names.solution_quantity),
            price=self._noted(table, names.solution_price),
            detail=detail.navigation.get(names.detail_table) if detail is not None else None,
            tracked=table.change_tracking,
        )

    def _details(self) -> DetailTable | None:
        names = self.options.fields
        table = self.tables.get(names.detail_table)
        key = table.get(names.detail_id) if table is not None else None
        if table is None or key is None:
            self.missing += [names.detail_table] if names.detail_table else []
            return None
        return DetailTable(
            set=table.set,
            key=table.id,
            id=key,
            label=self._noted(table, names.detail_name),
            # A comfort for whoever looks something up; an installation may do without.
            type=table.get(names.detail_type),
            publisher=table.get(names.detail_publisher),
        )

    def _noted(self, table: Table, name: str) -> Column | None:
        """The column, or a note that it is missing."""
        column = table.get(name) if name else None
        if column is None and name:
            self.missing.append(f"{table.name}.{name}")
        return column


def _statuses(column: Column) -> list[Status]:
    """The status reasons with the state each belongs to; one without a state says nothing."""
    return [Status(one.value, one.label, one.state) for one in column.choices if one.state is not None]


def _required(table: Table, name: str) -> Column:
    column = table.get(name)
    if column is None:
        raise _absent(table, name)
    return column


def _retyped(table: Table, column: Column) -> SchemaDrift:
    return SchemaDrift(
        f"{table.name}.{column.name} is a column of the type {column.type} now, which tells no deal.",
        fields=(f"{table.name}.{column.name}",),
        advice="Make it a column of its old type again; nothing can be synced without it.",
    )


def _absent(table: Table, name: str) -> SchemaDrift:
    return SchemaDrift(
        f"The table {table.name} of Dynamics 365 has no column {name}. Install the connector's columns, or "
        "set another name.",
        fields=(f"{table.name}.{name}",),
    )
