"""Finds out what an environment has: everything in one call, asked again now and then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cosell.core.errors import Gone, Misconfigured, NotAllowed, SchemaDrift
from cosell.systems.dataverse import metadata
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.building import build
from cosell.systems.dataverse.client import Client, read
from cosell.systems.dataverse.metadata import Table
from cosell.systems.dataverse.odata import guid, is_name
from cosell.systems.dataverse.options import FieldNames, Options
from cosell.systems.dataverse.schema import Currency, Organization, Schema
from cosell.systems.dataverse.wire import Answer, page_of

NEEDED = ("opportunity", "account", "transactioncurrency")
FURTHER = ("contact", "systemuser", "lead", "connection")
_TABLE = (
    "LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,ChangeTrackingEnabled,"
    "CanChangeTrackingBeEnabled,IsOptimisticConcurrencyEnabled"
)
_COLUMN = (
    "LogicalName,AttributeType,DisplayName,RequiredLevel,IsValidForRead,IsValidForCreate,IsValidForUpdate"
)
_RELATION = (
    "ReferencingAttribute,ReferencingEntity,ReferencedEntity,"
    "ReferencingEntityNavigationPropertyName,ReferencedEntityNavigationPropertyName"
)
_KEY = "SchemaName,KeyAttributes,EntityKeyIndexStatus"
_WITH_TEXTS = frozenset(("opportunity", "account", "contact", "lead"))
_WITH_CHOICES: Mapping[str, tuple[str, ...]] = {"opportunity": ("Picklist", "Status"), "lead": ("Status",)}
_MISSING = (Gone, SchemaDrift)


class Discovery:
    """Asks an environment for its schema."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client, self._options = client, options
        for name in _all_names(options):
            if name and not is_name(name):
                raise Misconfigured(f"«{name}» cannot be the name of a column or table of Dynamics 365.")

    async def schema(self, *, just_changed: bool = False, running: bool = False) -> Schema:
        """The present schema. SchemaDrift where something needed is missing.

        `just_changed` also sees what an administrator did half a minute ago (`Consistency: Strong`).
        `running`: it was good before; what has become wrong since is lacking, and stops nothing else.
        """
        names = self._names()
        parts = [*_about_us(), *(part for name in names for part in self._questions(name))]
        if just_changed:
            parts = [replace(part, headers={**part.headers, "Consistency": "Strong"}) for part in parts]
        answers = await self._client.reads(parts, purpose="describe")
        tables = {name: table for name in names if (table := await self._table(name, answers)) is not None}
        for name in NEEDED:
            if name not in tables:
                raise SchemaDrift(f"Dynamics 365 does not know the table {name}.", fields=(name,))
        currencies = await self._currencies(answers["currencies"])
        organization = _organization(answers, currencies)
        return build(self._options, _with_children(tables), currencies, organization, running=running)

    def _names(self) -> tuple[str, ...]:
        fields = self._options.fields
        return (*NEEDED, *FURTHER, *filter(None, (fields.solution_table, fields.detail_table)))

    def _questions(self, name: str) -> Iterator[Part]:
        where = f"EntityDefinitions(LogicalName='{name}')"
        yield read(where, {"$select": _TABLE}, ref=f"{name}:table")
        yield read(f"{where}/Attributes", {"$select": _COLUMN}, ref=f"{name}:columns")
        yield read(f"{where}/ManyToOneRelationships", {"$select": _RELATION}, ref=f"{name}:relations")
        own = name not in (*NEEDED, *FURTHER)
        if name in _WITH_TEXTS or own:
            for kind in ("String", "Memo"):
                query = {"$select": "LogicalName,MaxLength"}
                yield read(_cast(where, kind), query, ref=f"{name}:{kind}")
        for kind in _WITH_CHOICES.get(name, ()):
            # A choice that tables share lists its options under the other name.
            both = "OptionSet,GlobalOptionSet" if kind == "Picklist" else "OptionSet"
            query = {"$select": "LogicalName", "$expand": both}
            yield read(_cast(where, kind), query, ref=f"{name}:{kind}")
        if own or name in _WITH_CHOICES:
            yield read(f"{where}/Keys", {"$select": _KEY}, ref=f"{name}:keys")

    async def _table(self, name: str, answers: Mapping[str, Answer]) -> Table | None:
        """The table as it is; None where there is none."""
        own = await self._own(f"{name}:table", answers)
        if own is None:
            return None
        columns = metadata.columns_of(await self._all(f"{name}:columns", answers))
        navigations = metadata.navigations_of(await self._all(f"{name}:relations", answers))
        lengths = await self._lengths(name, answers)
        choices = await self._choices(name, answers)
        full = {
            key: replace(
                column,
                length=lengths.get(key, 0),
                choices=choices.get(key, ()),
                navigation=navigations.get(key, {}),
            )
            for key, column in columns.items()
        }
        return Table(
            name=name,
            set=str(own.get("EntitySetName") or ""),
            id=str(own.get("PrimaryIdAttribute") or ""),
            label=str(own.get("PrimaryNameAttribute") or ""),
            columns=full,
            keys=metadata.keys_of(await self._all(f"{name}:keys", answers)),
            children=metadata.children_of(await self._all(f"{name}:relations", answers)),
            change_tracking=own.get("ChangeTrackingEnabled") is True,
            trackable=metadata.truth(own.get("CanChangeTrackingBeEnabled")),
            concurrency=own.get("IsOptimisticConcurrencyEnabled") is True,
        )

    async def _lengths(self, name: str, answers: Mapping[str, Answer]) -> dict[str, int]:
        rows = [row for kind in ("String", "Memo") for row in await self._all(f"{name}:{kind}", answers)]
        return {
            str(row.get("LogicalName")).lower(): row["MaxLength"]
            for row in rows
            if isinstance(row.get("MaxLength"), int)
        }

    async def _choices(
        self, name: str, answers: Mapping[str, Answer]
    ) -> dict[str, tuple[metadata.Choice, ...]]:
        kinds = _WITH_CHOICES.get(name, ())
        rows = [row for kind in kinds for row in await self._all(f"{name}:{kind}", answers)]
        return {str(row.get("LogicalName")).lower(): metadata.choices_of(row) for row in rows}

    async def _own(self, ref: str, answers: Mapping[str, Answer]) -> Mapping[str, Any] | None:
        answer = answers[ref]
        if answer.ok:
            return answer.row
        why = answer.error(safe=True)
        if isinstance(why, _MISSING):
            return None
        raise why

    async def _all(self, ref: str, answers: Mapping[str, Answer]) -> list[dict[str, Any]]:
        return await self._client.rows(answers[ref], purpose="describe") if ref in answers else []

    async def _currencies(self, answer: Answer) -> list[tuple[Currency, bool]]:
        """The currencies of the organization, and whether each is active."""
        found = []
        for row in await self._client.rows(answer, purpose="describe"):
            row_id, code = guid(row.get("transactioncurrencyid")), row.get("isocurrencycode")
            if row_id is not None and isinstance(code, str):
                digits = row.get("currencyprecision")
                made = Currency(row_id, code.strip().upper(), digits if isinstance(digits, int) else 2)
                found.append((made, row.get("statecode") == 0))
        return found


def _about_us() -> Iterable[Part]:
    yield Part("GET", "WhoAmI", "who")
    wanted = "name,_basecurrencyid_value,expirechangetrackingindays"
    yield read("organizations", {"$select": wanted}, ref="organization")
    columns = "transactioncurrencyid,isocurrencycode,currencyprecision,statecode"
    yield read("transactioncurrencies", {"$select": columns}, ref="currencies")


def _cast(where: str, kind: str) -> str:
    return f"{where}/Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata"


def _organization(answers: Mapping[str, Answer], currencies: list[tuple[Currency, bool]]) -> Organization:
    who = answers["who"]
    if not who.ok:
        raise who.error(safe=True)
    user_id = guid(who.row.get("UserId"))
    if user_id is None:
        raise NotAllowed("Dynamics 365 does not say who we are.", detail="WhoAmI without UserId")
    answer = answers["organization"]
    # The privilege to read the organization is a comfort: without it two things stay unknown.
    row = next(iter(page_of(answer).rows), {}) if answer.ok else {}
    base = guid(row.get("_basecurrencyid_value"))
    days = row.get("expirechangetrackingindays")
    return Organization(
        user_id=user_id,
        organization_id=guid(who.row.get("OrganizationId")) or "",
        name=str(row.get("name") or ""),
        base_currency=next((one.code for one, _ in currencies if one.id == base), None),
        token_days=days if isinstance(days, int) else None,
    )


def _with_children(tables: Mapping[str, Table]) -> dict[str, Table]:
    """Tables with the collections that point to them instead of those they point to."""
    pointing = [(name, child) for name, table in tables.items() for child in table.children]
    return {
        name: replace(table, children=tuple(child for _, child in pointing if child.parent == name))
        for name, table in tables.items()
    }


def _all_names(options: Options) -> tuple[str, ...]:
    named = [getattr(options.fields, name) for name in FieldNames.__slots__]
    own = (options.country_field, options.value_field, options.currency_field, options.duns_field)
    return (*named, *own, options.contact_phone, options.user_phone)
