"""The metadata endpoints: tables, columns, keys, relationships, ``$metadata``, the organization."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from cosell.sandbox.dataverse import csdl
from cosell.sandbox.dataverse.addresses import segments
from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.definitions import columns, tables
from cosell.sandbox.dataverse.definitions.attributes import Attributes, name_of
from cosell.sandbox.dataverse.definitions.changes import found_in, query_in
from cosell.sandbox.dataverse.definitions.labels import LANGUAGE, metadata_id
from cosell.sandbox.dataverse.definitions.options import Definition, Options, kept, read, shown
from cosell.sandbox.dataverse.errors import bad_request, no_property, no_segment, not_simulated, refusal
from cosell.sandbox.dataverse.org import Org

NAMESPACE = "Microsoft.Dynamics.CRM"
VERSION = "9.2.24012.00196"
_ACCESS = re.compile(
    r"RetrieveCurrentOrganization\(AccessType=(?:Microsoft\.Dynamics\.CRM\.EndpointAccessType)?'"
    r"(?P<kind>Default|Internet|Intranet)'\)"
)
_QUERY = re.compile(r"RetrieveMetadataChanges\(Query=(?P<query>.*)\)", re.DOTALL)
_TO_MANY = "OneToManyRelationshipMetadata"
_PAIRS = "ManyToManyRelationshipMetadata"


class Metadata:
    """Answers about the schema; it is read here and changed by nobody."""

    def __init__(self, org: Org, *, tenant: str) -> None:
        self._org, self._tenant = org, tenant

    def resources(self) -> dict[str, Callable[[Call], Reply]]:
        """Who answers which first segment of a path."""
        return {
            "$metadata": self.document,
            "EntityDefinitions": self.entity_definitions,
            "RelationshipDefinitions": self.relationship_definitions,
            "GlobalOptionSetDefinitions": self.global_option_sets,
            "RetrieveCurrentOrganization": self.current_organization,
            "RetrieveMetadataChanges": self.metadata_changes,
            "RetrieveProvisionedLanguages": self.languages,
        }

    def document(self, call: Call) -> Reply:
        """The CSDL of everything served."""
        _only_reading(call)
        annotations = call.options().get("annotations", "").lower() == "true"
        return Reply(
            200, csdl.document(self._org.schema, annotations=annotations), {"Content-Type": "application/xml"}
        )

    def entity_definitions(self, call: Call) -> Reply:
        """The tables, one table, or what one table consists of."""
        _only_reading(call)
        first, *tail = (unquote(one) for one in segments(call.path))
        options = read(call.options())
        if first == "EntityDefinitions":
            if tail:
                raise no_segment(tail[0])
            found = [(table, self._table(table)) for table in self._org.schema.tables.values()]
            passed = kept((one for _, one in found), options, "EntityMetadata")
            listed = [self._shown(table, one, options) for table, one in found if one in passed]
            return _listed(call, "EntityDefinitions", options, listed)
        table = self._named_table(first)
        context = f"EntityDefinitions('{table.name}')"
        if not tail:
            return _single(
                call, "EntityDefinitions", options, self._shown(table, self._table(table), options)
            )
        name = tail[0].partition("(")[0]
        if name == "Attributes":
            return self._attributes(call, table, tail, options, context)
        if name in _PARTS:
            return self._part(call, table, tail, options, context)
        return _property(call, self._table(table), tail, context)

    def relationship_definitions(self, call: Call) -> Reply:
        """The relationships, or one by its schema name or id."""
        _only_reading(call)
        first, *tail = (unquote(one) for one in segments(call.path))
        options = read(call.options())
        schema = self._org.schema
        found = [
            {"@odata.type": f"#{NAMESPACE}.{_TO_MANY}", **one}
            for table in schema.tables.values()
            for one in tables.outgoing(schema, table)
        ]
        found += [{"@odata.type": f"#{NAMESPACE}.{_PAIRS}", **one} for one in tables.many_to_many(schema)]
        if tail:
            kind = tail[0].removeprefix(f"{NAMESPACE}.")
            found = [one for one in found if one["@odata.type"].endswith(f".{kind}")]
        if first == "RelationshipDefinitions":
            passed = kept(found, options, "RelationshipMetadataBase")
            return _listed(call, first, options, _plain(passed, options, "RelationshipMetadataBase"))
        one = _chosen(found, first, "SchemaName")
        (made,) = _plain([one], options, "RelationshipMetadataBase")
        return _single(call, "RelationshipDefinitions", options, made)

    def global_option_sets(self, call: Call) -> Reply:
        """The choices that tables share."""
        _only_reading(call)
        first, *tail = (unquote(one) for one in segments(call.path))
        options, kind = read(call.options()), f"{NAMESPACE}.OptionSetMetadata"
        marked = {"@odata.type": f"#{kind}"}
        found = [marked | columns.global_option_set(one) for one in self._org.schema.option_sets.values()]
        if first == "GlobalOptionSetDefinitions":
            return _listed(call, first, options, _plain(kept(found, options, kind), options, kind))
        one = _chosen(found, first, "Name")
        if tail and tail[0].startswith(NAMESPACE):
            one.pop("@odata.type")
        (made,) = _plain([one], options, kind)
        return _single(call, "GlobalOptionSetDefinitions", options, made)

    def current_organization(self, call: Call) -> Reply:
        """Names, ids and addresses of the environment."""
        _only_reading(call)
        if _ACCESS.fullmatch(_with_aliases(call)) is None:
            raise bad_request("The parameter AccessType is missing or is not a value of EndpointAccessType.")
        host = urlsplit(call.root).netloc
        base = call.root.partition("/api/")[0]
        values = {
            "WebApplication": f"{base}/",
            "OrganizationService": f"{base}/XRMServices/2011/Organization.svc",
            "OrganizationDataService": f"{base}/XRMServices/2011/OrganizationData.svc",
        }
        endpoints = {
            "Count": len(values),
            "IsReadOnly": False,
            "Keys": [*values],
            "Values": [*values.values()],
        }
        row = next(iter(self._org.store.rows("organization")), {})
        detail = {
            "OrganizationId": self._org.organization_id,
            "FriendlyName": row.get("name"),
            "OrganizationVersion": VERSION,
            "EnvironmentId": metadata_id("environment", self._org.organization_id),
            "Geo": "EMEA",
            "TenantId": self._tenant,
            "UrlName": host.partition(".")[0].partition(":")[0],
            "UniqueName": f"unq{self._org.organization_id.replace('-', '')[:20]}",
            "State": "Enabled",
            "Endpoints": endpoints,
        }
        context = f"{call.root}/$metadata#{NAMESPACE}.RetrieveCurrentOrganizationResponse"
        return Reply(200, {"@odata.context": context, "Detail": detail})

    def languages(self, call: Call) -> Reply:
        """The languages that are switched on, as the function of that name tells them."""
        _only_reading(call)
        found = [LANGUAGE, *sorted(self._org.settings.languages - {LANGUAGE})]
        context = f"{call.root}/$metadata#{NAMESPACE}.RetrieveProvisionedLanguagesResponse"
        return Reply(200, {"@odata.context": context, "RetrieveProvisionedLanguages": found})

    def metadata_changes(self, call: Call) -> Reply:
        """Chosen properties of chosen tables and columns; without a stamp of earlier there is all of it."""
        _only_reading(call)
        match = _QUERY.fullmatch(_with_aliases(call))
        if match is None:
            raise bad_request("The parameter Query is missing.")
        described = [(table, self._table(table)) for table in self._org.schema.tables.values()]
        context = f"{call.root}/$metadata#{NAMESPACE}.RetrieveMetadataChangesResponse"
        body: dict[str, Any] = {
            "@odata.context": context,
            "ServerVersionStamp": str(self._org.schema.generation),
            "DeletedMetadata": None,
            "EntityMetadata": found_in(query_in(match["query"]), described),
        }
        return Reply(200, body)

    def _table(self, table: Table) -> Definition:
        return tables.table_definition(table, self._org.settings)

    def _named_table(self, segment: str) -> Table:
        return tables.named(self._org.schema, segment.partition("(")[2].removesuffix(")"))

    def _shown(self, table: Table, definition: Definition, options: Options) -> Definition:
        return shown(definition, options, f"{NAMESPACE}.EntityMetadata", partial(self._expansion, table))

    def _expansion(self, table: Table, name: str) -> Callable[[Options], Any] | None:
        if name == "Attributes":
            return lambda options: Attributes(table).listed(None, options)
        if name in _PARTS:
            return lambda options: self._parts(table, name, options)
        return None

    def _parts(self, table: Table, name: str, options: Options) -> list[Definition]:
        schema, type_name = self._org.schema, f"{NAMESPACE}.{_PARTS[name]}"
        found: Iterable[Definition]
        match name:
            case "Keys":
                found = [tables.key_definition(table, key) for key in table.keys]
            case "ManyToOneRelationships":
                found = tables.outgoing(schema, table)
            case "OneToManyRelationships":
                found = tables.incoming(schema, table)
            case _:
                found = tables.many_to_many(schema, table)
        return _plain(kept(found, options, type_name), options, type_name)

    def _part(self, call: Call, table: Table, tail: list[str], options: Options, context: str) -> Reply:
        name, bracket, key = tail[0].partition("(")
        context = f"{context}/{name}"
        if len(tail) > 1:
            raise no_segment(tail[1])
        if not bracket:
            return _listed(call, context, options, self._parts(table, name, options))
        one = _chosen(self._parts(table, name, Options()), f"{name}({key}", "LogicalName", "SchemaName")
        (made,) = _plain([one], options, f"{NAMESPACE}.{_PARTS[name]}")
        return _single(call, context, options, made)

    def _attributes(self, call: Call, table: Table, tail: list[str], options: Options, context: str) -> Reply:
        found, rest = Attributes(table), list(tail)
        first = rest.pop(0)
        cast = rest.pop(0).removeprefix(f"{NAMESPACE}.") if rest and rest[0].startswith(NAMESPACE) else None
        if cast is not None and cast not in columns.CLASSES:
            raise no_segment(f"{NAMESPACE}.{cast}")
        context = f"{context}/Attributes" + (f"/{NAMESPACE}.{cast}" if cast else "")
        if first == "Attributes":
            if rest:
                raise no_segment(rest[0])
            return _listed(call, context, options, found.listed(cast, options))
        column = found.named(first.partition("(")[2].removesuffix(")"), cast)
        if not rest:
            return _single(call, context, options, found.shown(column, cast, options))
        if rest[0] in ("OptionSet", "GlobalOptionSet"):
            made = columns.option_set(table, column)
            if (rest[0] == "GlobalOptionSet") != bool(column.option_set):
                made = None
            if cast is None or made is None:
                raise no_segment(rest[0])
            return _single(call, f"{context}/{rest[0]}", options, made)
        return _property(call, found.shown(column, cast, Options()), rest, context)


_PARTS = {
    "Keys": "EntityKeyMetadata",
    "ManyToOneRelationships": _TO_MANY,
    "OneToManyRelationships": _TO_MANY,
    "ManyToManyRelationships": _PAIRS,
}


def _with_aliases(call: Call) -> str:
    """The path of a function in which parameter aliases are replaced by what they stand for."""
    path = unquote(call.path)
    for name, value in call.options().items():
        if name.startswith("@"):
            path = path.replace(name, value)
    return path


def _only_reading(call: Call) -> None:
    if call.method not in ("GET", "HEAD"):
        raise not_simulated("changes of definitions through the Web API")


def _plain(found: Iterable[Definition], options: Options, type_name: str) -> list[Definition]:
    return [shown(one, options, type_name, lambda _: None) for one in found]


def _chosen(found: Iterable[Definition], segment: str, *names: str) -> Definition:
    key = segment.partition("(")[2].removesuffix(")")
    for one in found:
        if one["MetadataId"] == key.lower() or any(one.get(name) == name_of(key, name) for name in names):
            return one
    raise _unknown(f"definition {key}")


def _unknown(what: str) -> Exception:
    return refusal(404, "0x80040217", f"{what} Does Not Exist")


def _context(call: Call, context: str, options: Options) -> str:
    names = f"({','.join(options.select)})" if options.select else ""
    return f"{call.root}/$metadata#{context}{names}"


def _listed(call: Call, context: str, options: Options, found: list[Definition]) -> Reply:
    return Reply(200, {"@odata.context": _context(call, context, options), "value": found})


def _single(call: Call, context: str, options: Options, found: Definition) -> Reply:
    return Reply(200, {"@odata.context": f"{_context(call, context, options)}/$entity", **found})


def _property(call: Call, found: Definition, path: list[str], context: str) -> Reply:
    if len(path) > 1 or path[0] not in found:
        raise no_property(path[0], f"{NAMESPACE}.EntityMetadata")
    return Reply(
        200, {"@odata.context": f"{call.root}/$metadata#{context}/{path[0]}", "value": found[path[0]]}
    )
