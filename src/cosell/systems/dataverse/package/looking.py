"""Looks at an environment: what of the package is there, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cosell.core.errors import Gone, SchemaDrift
from cosell.systems.dataverse import metadata
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.odata import guid, literal, within
from cosell.systems.dataverse.package.bodies import Tongue
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.parts import ENGLISH, LANGUAGES, Package
from cosell.systems.dataverse.wire import Answer, page_of

Row = Mapping[str, Any]
_TABLE = "LogicalName,MetadataId"
_COLUMN = "LogicalName,AttributeType,MetadataId,DisplayName"
_KEY = "LogicalName,SchemaName,MetadataId,KeyAttributes,EntityKeyIndexStatus"
_SOLUTION = "solutionid,version,ismanaged,_publisherid_value"
_USER = "systemuserid,_businessunitid_value"
_PUBLISHER = "publisherid,customizationprefix,customizationoptionvalueprefix"


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """A column as it stands in the environment."""

    type: str
    id: str = ""
    """Of its definition."""
    length: int = 0
    values: frozenset[int] = frozenset()
    labels: tuple[str, ...] = ()
    """What its choices are called, in every language."""
    languages: frozenset[int] = frozenset()
    """Those its own name is told in."""


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table as it stands in the environment."""

    columns: Mapping[str, FoundColumn]
    keys: Mapping[tuple[str, ...], metadata.Key]
    """By the columns they are of."""
    id: str
    """Of its definition."""
    key_ids: Mapping[str, str]
    """Of the definitions of its keys, by their names."""


@dataclass(frozen=True, slots=True)
class Form:
    """A main form of the opportunity."""

    id: str
    name: str
    xml: str
    changeable: bool


@dataclass(frozen=True, slots=True)
class FoundRole:
    """Our security role, and what it may do."""

    id: str
    depths: Mapping[str, str]
    """How far each privilege reaches, by its name in lower case."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything an installation has to know."""

    publisher: Row | None
    solution: Row | None
    tongue: Tongue
    tables: Mapping[str, FoundTable]
    role: FoundRole | None
    user_id: str | None
    """Our application user."""
    assigned: bool
    """It has the role."""
    role_for_user: str | None
    """Our role in the business unit of that user: no other copy of it can be assigned."""
    business_unit: str | None
    """The topmost one, where roles are made."""
    views: frozenset[str]
    forms: tuple[Form, ...]
    publications: frozenset[str]
    """Solutions of our publisher."""
    components: frozenset[str]
    """The ids of what our solution is made of."""

    @property
    def managed(self) -> bool:
        return self.solution is not None and self.solution.get("ismanaged") is True

    def column(self, table: str, name: str) -> FoundColumn | None:
        found = self.tables.get(table)
        return found.columns.get(name) if found is not None else None


async def look(calls: Calls, package: Package, client_id: str) -> State:
    """The environment as it stands now."""
    first = await calls.reads(list(_questions(package, client_id)))
    tables = {name: table for name in _tables(package) if (table := _table(name, first)) is not None}
    solution, publisher = _first(first["solution"]), _first(first["publisher"])
    user = _first(first["user"]) if "user" in first else None
    role_id = _role(first, _business_unit(first))
    second = await calls.reads(list(_further(publisher, solution, user, role_id)))
    return State(
        publisher=publisher,
        solution=solution,
        tongue=_tongue(first),
        tables=tables,
        role=FoundRole(role_id, _depths(second["privileges"])) if role_id is not None else None,
        user_id=guid(user.get("systemuserid")) if user is not None else None,
        assigned=_assigned(second, package.role.name),
        role_for_user=_role(first, guid((user or {}).get("_businessunitid_value"))),
        business_unit=_business_unit(first),
        views=frozenset(_views(package, first)),
        forms=tuple(_forms(first["forms"])),
        publications=frozenset(_names(second.get("publications"), "uniquename")),
        components=frozenset(one.lower() for one in _names(second.get("components"), "objectid")),
    )


def _tables(package: Package) -> Iterator[str]:
    yield from (one.table for one in package.additions)
    yield from (one.name for one in package.tables)


def _questions(package: Package, client_id: str) -> Iterator[Part]:
    named = f"uniquename eq {literal(package.publisher.name)}"
    yield read("publishers", {"$select": _PUBLISHER, "$filter": named}, ref="publisher")
    named = f"uniquename eq {literal(package.name)}"
    yield read("solutions", {"$select": _SOLUTION, "$filter": named}, ref="solution")
    yield Part("GET", "RetrieveProvisionedLanguages()", "languages")
    yield read("organizations", {"$select": "languagecode"}, ref="organization")
    yield Part("GET", "WhoAmI", "who")
    top = "_parentbusinessunitid_value eq null"
    yield read("businessunits", {"$select": "businessunitid", "$filter": top}, ref="top")
    if (application := guid(client_id)) is not None:
        ours = f"applicationid eq {application}"
        yield read("systemusers", {"$select": _USER, "$filter": ours}, ref="user")
    named = f"name eq {literal(package.role.name)}"
    yield read("roles", {"$select": "roleid,_businessunitid_value", "$filter": named}, ref="roles")
    ids = within("savedqueryid", [one.id for one in package.views])
    yield read("savedqueries", {"$select": "savedqueryid", "$filter": ids}, ref="views")
    forms = {
        "$select": "formid,name,formxml,iscustomizable",
        "$filter": "objecttypecode eq 'opportunity' and type eq 2",
    }
    yield read("systemforms", forms, ref="forms")
    for name in _tables(package):
        yield from _about(name)


def _about(name: str) -> Iterator[Part]:
    where = f"EntityDefinitions(LogicalName='{name}')"
    yield read(where, {"$select": _TABLE}, ref=f"{name}:table")
    yield read(f"{where}/Attributes", {"$select": _COLUMN}, ref=f"{name}:columns")
    for kind in ("String", "Memo"):
        cast = f"{where}/Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata"
        yield read(cast, {"$select": "LogicalName,MaxLength"}, ref=f"{name}:{kind}")
    cast = f"{where}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    both = {"$select": "LogicalName", "$expand": "OptionSet,GlobalOptionSet"}
    yield read(cast, both, ref=f"{name}:Picklist")
    yield read(f"{where}/Keys", {"$select": _KEY}, ref=f"{name}:keys")


def _further(
    publisher: Row | None, solution: Row | None, user: Row | None, role_id: str | None
) -> Iterator[Part]:
    """What can only be asked with ids."""
    nobody = "00000000-0000-0000-0000-000000000000"
    yield Part("GET", f"RetrieveRolePrivilegesRole(RoleId={role_id or nobody})", "privileges")
    if user is not None:
        path = f"systemusers({guid(user.get('systemuserid'))})/systemuserroles_association"
        yield read(path, {"$select": "roleid,name"}, ref="assigned")
    if publisher is not None:
        ours = f"_publisherid_value eq {guid(publisher.get('publisherid'))}"
        yield read("solutions", {"$select": "uniquename", "$filter": ours}, ref="publications")
    if solution is not None:
        ours = f"_solutionid_value eq {guid(solution.get('solutionid'))}"
        query = {"$select": "objectid,componenttype", "$filter": ours}
        yield read("solutioncomponents", query, ref="components")


# --- answers ---------------------------------------------------------------------------------------


def _rows(answer: Answer | None) -> list[dict[str, Any]]:
    """The rows of a list. Raises what a refusal means."""
    return page_of(answer).rows if answer is not None else []


def _first(answer: Answer) -> Row | None:
    return next(iter(_rows(answer)), None)


def _names(answer: Answer | None, column: str) -> list[str]:
    return [str(row.get(column)) for row in _rows(answer)]


def _tongue(answers: Mapping[str, Answer]) -> Tongue:
    """What the environment speaks; what it does not tell is taken to be everything."""
    told = answers["languages"].row.get("RetrieveProvisionedLanguages") if answers["languages"].ok else None
    spoken = tuple(one for one in told if isinstance(one, int)) if isinstance(told, list) else LANGUAGES
    row = next(iter(_rows(answers["organization"])), {}) if answers["organization"].ok else {}
    base = row.get("languagecode")
    if not isinstance(base, int):
        base = ENGLISH if ENGLISH in spoken or not spoken else spoken[0]
    return Tongue(spoken, base, told=isinstance(told, list))


def _business_unit(answers: Mapping[str, Answer]) -> str | None:
    """The topmost one; where that is not told, the one of who asks."""
    found = _first(answers["top"]) if answers["top"].ok else None
    told = found.get("businessunitid") if found is not None else answers["who"].row.get("BusinessUnitId")
    return guid(told)


def _role(answers: Mapping[str, Answer], unit: str | None) -> str | None:
    """Our role in a business unit, else any: those below the topmost hold copies of it."""
    found = _rows(answers["roles"])
    mine = next((row for row in found if guid(row.get("_businessunitid_value")) == unit), None)
    return guid((mine or next(iter(found), {})).get("roleid"))


def _depths(answer: Answer) -> dict[str, str]:
    listed = answer.row.get("RolePrivileges") if answer.ok else None
    named = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(one.get("PrivilegeName")).lower(): str(one.get("Depth")) for one in named}


def _assigned(answers: Mapping[str, Answer], role: str) -> bool:
    return role.casefold() in {one.casefold() for one in _names(answers.get("assigned"), "name")}


def _views(package: Package, answers: Mapping[str, Answer]) -> Iterator[str]:
    ours = {one.id for one in package.views}
    for row in _rows(answers["views"]):
        found = guid(row.get("savedqueryid"))
        if found in ours:
            yield str(found)


def _forms(answer: Answer) -> Iterator[Form]:
    for row in _rows(answer):
        form_id, xml = guid(row.get("formid")), row.get("formxml")
        if form_id is not None and isinstance(xml, str):
            changeable = row.get("iscustomizable")
            open_to_all = changeable is None or changeable is True or metadata.truth(changeable)
            yield Form(form_id, str(row.get("name") or ""), xml, open_to_all)


def _table(name: str, answers: Mapping[str, Answer]) -> FoundTable | None:
    own = answers[f"{name}:table"]
    if not own.ok:
        why = own.error(safe=True)
        if isinstance(why, (Gone, SchemaDrift)):
            return None
        raise why
    lengths = {
        str(row.get("LogicalName")).lower(): row["MaxLength"]
        for kind in ("String", "Memo")
        for row in _rows(answers[f"{name}:{kind}"])
        if isinstance(row.get("MaxLength"), int)
    }
    choices = {
        str(row.get("LogicalName")).lower(): metadata.choices_of(row)
        for row in _rows(answers[f"{name}:Picklist"])
    }
    columns = {
        str(row.get("LogicalName")).lower(): _column(row, lengths, choices)
        for row in _rows(answers[f"{name}:columns"])
    }
    listed = _rows(answers[f"{name}:keys"])
    keys = {one.columns: one for one in metadata.keys_of(listed)}
    ids = {str(row.get("LogicalName")).lower(): str(row.get("MetadataId")).lower() for row in listed}
    return FoundTable(columns, keys, str(own.row.get("MetadataId")).lower(), ids)


def _column(
    row: Row, lengths: Mapping[str, int], choices: Mapping[str, Iterable[metadata.Choice]]
) -> FoundColumn:
    name = str(row.get("LogicalName")).lower()
    listed = tuple(choices.get(name, ()))
    return FoundColumn(
        type=str(row.get("AttributeType") or ""),
        id=str(row.get("MetadataId")).lower(),
        length=lengths.get(name, 0),
        values=frozenset(one.value for one in listed),
        labels=tuple(label for one in listed for label in one.labels or (one.label,)),
        languages=frozenset(metadata.texts_of(row.get("DisplayName"))),
    )
