"""Finds out by describe what an org has, and assumes nothing (trap 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cosell.core import drift
from cosell.core.errors import Misconfigured, NotAllowed, SchemaDrift
from cosell.core.fields import FIELDS
from cosell.ports import Lack
from cosell.systems.salesforce import defaults, lacking
from cosell.systems.salesforce.abilities import NOTHING, capabilities
from cosell.systems.salesforce.client import Answer, Client, Part, query_part, rows_of
from cosell.systems.salesforce.describe import Column, Table, table
from cosell.systems.salesforce.lead_schema import lead_table
from cosell.systems.salesforce.options import FieldNames, LeadFields, Options
from cosell.systems.salesforce.schema import LeadTable, Schema, SolutionTable
from cosell.systems.salesforce.soql import is_name
from cosell.systems.salesforce.stages import STAGE_QUERY, StageBook, read_stages

LABELS: Mapping[str, tuple[str, ...]] = {
    "sync": ("Sync with Partner Center",),
    "referral_id": ("Referral Identifier", "Referral"),
    "referral_link": ("Referral Link",),
    "help": ("How can Microsoft help?",),
    "visible": ("Referral visible to Microsoft sellers?", "Microsoft Partner Center Referral Visibility"),
    "microsoft_id": ("Microsoft CRM Identifier",),
    "program": ("Referral Program",),
    "audit": ("Audit",),
    "stamp": ("Cosell Stamp",),
    "notes": (),
}
"""The labels of product.md A9b by which a field of another name is recognised."""
NEEDED = ("sync", "referral_id")


class Discovery:
    """Asks the org for its schema: one call, and afterwards only for what changed."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client, self._options = client, options
        self._tables: dict[str, Table | None] = {}
        self._solution_object = options.fields.solution_object
        for name in _all_names(options):
            if name and not is_name(name):
                raise Misconfigured(f"«{name}» cannot be the API name of a field or object of Salesforce.")

    def forget(self) -> None:
        """Has the next question answered in full: a change of this very second would look unchanged."""
        self._tables.clear()

    async def schema(self, *, running: bool = False) -> Schema:
        """The present schema. SchemaDrift where something needed is missing.

        `running`: it was good before; what has become wrong since is lacking, and stops nothing else.
        """
        stages = await self._ask(self._objects())
        opportunity = self._tables.get("Opportunity")
        if opportunity is not None and self._tables.get(self._solution_object) is None:
            child = opportunity.child(self._options.fields.solution_object)
            if child is not None and child[0] != self._solution_object:
                self._solution_object = child[0]
                await self._ask((child[0],))
        return _Build(self._options, self._tables, self._solution_object, running=running).schema(stages)

    def _objects(self) -> tuple[str, ...]:
        standard = ("Opportunity", "Account", "Contact", "OpportunityContactRole", "OpportunityTeamMember")
        leads = ("Lead",) if self._options.leads else ()
        return (*standard, "User", self._solution_object, *leads)

    async def _ask(self, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        parts = [self._part(name, at) for at, name in enumerate(names)]
        answers = await self._client.reads([*parts, query_part(STAGE_QUERY, "stages")], purpose="describe")
        for at, name in enumerate(names):
            self._keep(name, answers[f"d{at}"])
        return rows_of(answers["stages"])

    def _part(self, name: str, at: int) -> Part:
        known = self._tables.get(name)
        headers = {"If-Modified-Since": known.last_modified} if known and known.last_modified else None
        return Part("GET", f"/sobjects/{name}/describe", f"d{at}", headers=headers)

    def _keep(self, name: str, answer: Answer) -> None:
        if answer.status == 304:
            return
        if answer.status in (403, 404):
            self._tables[name] = None
            return
        if not answer.ok:
            raise answer.error(safe=True)
        found = table(answer.body, answer.headers.get("last-modified"))
        if found is None:
            raise SchemaDrift(f"Salesforce describes {name} in a way nobody can read.", fields=(name,))
        self._tables[name] = found


def _all_names(options: Options) -> tuple[str, ...]:
    named = [getattr(options.fields, name) for name in FieldNames.__slots__]
    named += [getattr(options.lead_fields, name) for name in LeadFields.__slots__]
    own = (options.country_field, options.value_field, options.currency_field)
    given = (*options.lead_defaults, *options.opportunity_defaults, *options.account_defaults)
    extra = (*given, options.duns_field or "")
    return (*named, *own, *extra, options.contact_phone, options.user_phone)


class _Build:
    """Resolves every name once."""

    def __init__(
        self, options: Options, tables: Mapping[str, Table | None], solution_object: str, *, running: bool
    ) -> None:
        self.options, self.tables, self.solution_object = options, tables, solution_object
        self.running = running
        self.missing: list[str] = []
        self.lacks: dict[str, Lack] = {}

    def schema(self, stage_rows: Sequence[Mapping[str, Any]]) -> Schema:
        opportunity = self._opportunity()
        account = self._account()
        contact = self._contact()
        solution = self._solution()
        stamp = opportunity.get("stamp")
        stamped = stamp is not None and stamp.writable
        lead, lead_problems = self._lead(stamped)
        team = self.tables.get("OpportunityTeamMember")
        made = Schema(
            opportunity=opportunity,
            account=account,
            known_by=self._known_by(),
            contact=contact,
            user=self._user(),
            solution=solution,
            lead=lead,
            lead_problems=lead_problems,
            teams=team is not None,
            can_add_team=team is not None and team.creatable,
            has_lines=self._need("Opportunity").get("HasOpportunityLineItem") is not None,
            replicateable=frozenset(
                t.name for t in self.tables.values() if t is not None and t.replicateable
            ),
            stages=StageBook(read_stages(stage_rows), self.options.stages, strict=not self.running),
            capabilities=NOTHING,
            demanded=tuple(self._demanded()),
            missing=tuple(self.missing),
            lacks=self.lacks,
        )
        made = lacking.completed(made)
        return replace(made, capabilities=capabilities(made, self.options))

    def _demanded(self) -> Iterable[str]:
        options = self.options
        for name, given, setting in (
            ("Opportunity", options.opportunity_defaults, "opportunity_defaults"),
            ("Account", options.account_defaults, "account_defaults"),
        ):
            sheet = self._need(name)
            defaults.refuse_wrong(sheet, given, setting)
            for field in defaults.unfilled(sheet, (*defaults.GIVEN[name], *given)):
                yield f"{name}.{field}"

    def _need(self, name: str) -> Table:
        found = self.tables.get(name)
        if found is None:
            raise NotAllowed(
                f"The integration user does not see the object {name} in Salesforce.",
                advice=f"Give its permission set read access to {name}.",
            )
        return found

    def _opportunity(self) -> dict[str, Column]:
        found: dict[str, Column] = {}
        sheet = self._need("Opportunity")
        for role, labels in LABELS.items():
            name = getattr(self.options.fields, role)
            column = sheet.resolve(name, labels)
            if column is not None:
                found[role] = column
            elif role in NEEDED:
                raise _absent("Opportunity", name)
            elif name:
                self.missing.append(name)
                self._lack(role, "Opportunity", name, next(iter(labels), ""))
            if self.running and role in NEEDED and column is not None and not lacking.fits(role, column):
                raise _retyped("Opportunity", column)
        for key, name in (("name", "Name"), ("close_date", "CloseDate"), ("state", "StageName")):
            found[key] = _required(sheet, name)
        value = sheet.resolve(self.options.value_field)
        if value is not None:
            found["deal_value"] = value
        elif not self.running:
            raise _absent("Opportunity", self.options.value_field)
        else:
            self._lack("deal_value", "Opportunity", self.options.value_field)
        currency = sheet.get(self.options.currency_field)
        if currency is not None:
            found["currency"] = currency
        else:
            self._lack("currency.own", "Opportunity", self.options.currency_field)
        return found

    def _lead(self, stamped: bool) -> tuple[LeadTable | None, tuple[str, ...]]:
        try:
            return lead_table(self.tables.get("Lead"), self.options, stamped=stamped)
        except Misconfigured as why:
            if not self.running:
                raise
            return None, (why.message,)

    def _lack(self, part: str, sheet: str, name: str, label: str = "") -> None:
        key = drift.field_of(part)
        label = label or (FIELDS[key].label if key in FIELDS else "")
        self.lacks[part] = lacking.unseen(f"{sheet}.{name}", label)

    def _account(self) -> dict[str, Column]:
        sheet = self._need("Account")
        name = self.options.country_field
        # With State and Country Picklists on, the code beside the field is the one form never refused
        # (trap 7).
        country = sheet.get(f"{name}Code") or _required(sheet, name)
        found = {"customer_name": _required(sheet, "Name"), "country": country}
        parts = {
            "address_line": "BillingStreet",
            "city": "BillingCity",
            "region": "BillingState",
            "region_code": "BillingStateCode",
            "postal_code": "BillingPostalCode",
        }
        for key, part in parts.items():
            column = sheet.get(part)
            if column is not None:
                found[key] = column
            elif key in FIELDS:
                self._lack(key, "Account", part)
        return found

    def _known_by(self) -> dict[str, Column]:
        sheet, named = self._need("Account"), {"website": "Website"}
        if self.options.duns_field:
            named["duns"] = self.options.duns_field
        columns = {key: c for key, name in named.items() if (c := sheet.resolve(name)) is not None}
        found = {key: c for key, c in columns.items() if c.filterable and c.type in ("string", "url")}
        if self.options.duns_field and "duns" not in found:
            self.missing.append(f"Account.{self.options.duns_field}")
        return found

    def _contact(self) -> dict[str, Column]:
        sheet, roles = self.tables.get("Contact"), self.tables.get("OpportunityContactRole")
        if sheet is None or roles is None:
            self.missing.append("OpportunityContactRole" if roles is None else "Contact")
            self.lacks["contacts"] = lacking.unseen(self.missing[-1], "")
            return {}
        named = {"email": "Email", "first_name": "FirstName", "last_name": "LastName"}
        named["phone"] = self.options.contact_phone
        found = self._people("contacts", sheet, named)
        if "email" in found and "last_name" in found:
            return found
        self.missing += [name for name in ("Email", "LastName") if sheet.get(name) is None]
        return {}

    def _user(self) -> dict[str, Column]:
        sheet = self.tables.get("User")
        if sheet is None:
            self.lacks["team"] = lacking.unseen("User", "")
            return {}
        named = {"email": "Email", "first_name": "FirstName", "last_name": "LastName"}
        named["phone"] = self.options.user_phone
        return self._people("team", sheet, named)

    def _people(self, field: str, sheet: Table, named: Mapping[str, str]) -> dict[str, Column]:
        """The columns of a person; a list in which one is out of sight is not believed."""
        found = {}
        for key, name in named.items():
            column = sheet.get(name)
            if column is not None:
                found[key] = column
            elif name:
                self._lack(f"{field}.{key}", sheet.name, name)
        return found

    def _solution(self) -> SolutionTable | None:
        names, sheet = self.options.fields, self.tables.get(self.solution_object)
        child = self._need("Opportunity").child(self.solution_object, names.solution_opportunity)
        if sheet is None or child is None:
            self.missing.append(names.solution_object)
            self.lacks["solutions"] = lacking.unseen(names.solution_object, "")
            return None
        pointing, key = sheet.resolve(child[1]), sheet.resolve(names.solution_id)
        if pointing is None or pointing.relationship is None or key is None:
            self.missing.append(f"{sheet.name}.{names.solution_id if key is None else child[1]}")
            self.lacks["solutions"] = lacking.unseen(self.missing[-1], "")
            return None
        for part, name in (("quantity", names.solution_quantity), ("price", names.solution_price)):
            if name and sheet.resolve(name) is None:
                self._lack(f"solutions.{part}", sheet.name, name)
        label = sheet.resolve(names.solution_name)
        return SolutionTable(
            name=sheet.name,
            children=child[2],
            opportunity=pointing.name,
            parent=pointing.relationship,
            id=key.name,
            label=label.name if label is not None else None,
            quantity=_name(sheet.resolve(names.solution_quantity)),
            price=_name(sheet.resolve(names.solution_price)),
            replicateable=sheet.replicateable,
            label_length=label.length if label is not None and label.creatable else 0,
            writable=sheet.creatable and sheet.deletable and key.creatable,
        )


def _name(column: Column | None) -> str | None:
    return column.name if column is not None else None


def _required(sheet: Table, name: str) -> Column:
    column = sheet.resolve(name)
    if column is None:
        raise _absent(sheet.name, name)
    return column


def _retyped(sheet: str, column: Column) -> SchemaDrift:
    return SchemaDrift(
        f"{sheet}.{column.name} is now a field of the type {column.type}, which tells no deal.",
        fields=(f"{sheet}.{column.name}",),
        advice="Give the field its old type back; nothing can be synced without it.",
    )


def _absent(sheet: str, name: str) -> SchemaDrift:
    # A field hidden by field-level security looks exactly like one that does not exist.
    return SchemaDrift(
        f"{sheet}.{name} does not exist in Salesforce, or the integration user may not see it. Install the "
        f"field, or give the permission set read access to it, or set another name.",
        fields=(f"{sheet}.{name}",),
    )
