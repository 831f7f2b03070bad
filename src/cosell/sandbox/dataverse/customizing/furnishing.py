"""What an administrator finds in a fresh environment: roles, privileges, publishers, solutions, forms."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.catalogue.microsoft import microsoft_columns
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.components import Kind, put_in
from cosell.sandbox.dataverse.customizing.form_texts import (
    ACCOUNT_FORM,
    OPEN_FETCH,
    OPEN_LAYOUT,
    OPPORTUNITY_FORM,
)
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import privilege_id
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import Schema
from cosell.sandbox.dataverse.security import (
    ADMINISTRATOR,
    CUSTOMIZER,
    ON_BEHALF,
    PACKING,
    RIGHTS,
    Depth,
    all_privileges,
    table_privileges,
)
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.frame import Org as Given

CONNECTOR, SALESPERSON, BASIC = "Cosell connector", "Salesperson", "Basic User"
ADMINISTRATORS, CUSTOMIZERS = "System Administrator", "System Customizer"
DEFAULT_SOLUTION = "fd140aaf-4df4-11dd-bd17-0019b9312238"
ACTIVE_SOLUTION = "fd140aae-4df4-11dd-bd17-0019b9312238"
"""The same ids in every environment."""
_HOME = uuid.UUID("5c7b0000-0000-4000-8000-00000000da7c")
_SALES = frozenset(
    {"account", "contact", "lead", "opportunity", "opportunityproduct", "opportunityclose", "annotation"}
    | {"connection"}
)
_OWN = frozenset({"account", "contact", "annotation", "connection"})


def known_id(*names: str) -> str:
    """An id that is the same in every environment."""
    return str(uuid.uuid5(_HOME, "/".join(names)))


def furnish_roles(org: Org, system: Actor, unit: Ref) -> dict[str, str]:
    """Creates privileges and roles; the ids of the roles by their names."""
    rows, pairs = _pattern(org.schema.given)
    org.store.table("privilege").load(rows)
    org.store.table("roleprivileges").load(pairs)
    made = {}
    if org.schema.given is Given.READY:
        made[CONNECTOR] = _add_known(org, system, "role", CONNECTOR, businessunitid=unit)
    for name in (SALESPERSON, BASIC):
        made[name] = _add_known(org, system, "role", name, businessunitid=unit)
    for name, template in ((ADMINISTRATORS, ADMINISTRATOR), (CUSTOMIZERS, CUSTOMIZER)):
        add(org, system, "roletemplate", roletemplateid=template, name=name)
        link = Ref("roletemplate", template)
        made[name] = _add_known(org, system, "role", name, businessunitid=unit, roletemplateid=link)
    return made


@cache
def _pattern(given: Given) -> tuple[dict[str, Row], dict[str, Row]]:
    """The privileges of a fresh environment and what its roles hold of them, described once for all."""
    schema = Schema(given)
    rows = [
        _privilege(name, 0, {Depth.GLOBAL}) for name, one in all_privileges(schema).items() if one is None
    ]
    for table in schema.tables.values():
        rows += _privileges(table)
    granted = [*_to_sellers(schema, SALESPERSON, _SALES), *_to_sellers(schema, BASIC, _OWN)]
    if given is Given.READY:
        granted += _to_connector(schema)
    return (
        {row["privilegeid"]: {**row, "versionnumber": 1} for row in rows},
        {f"{row['roleid']}|{row['privilegeid']}": {**row, "versionnumber": 1} for row in granted},
    )


def _privileges(table: Table) -> list[Row]:
    reaches = set(Depth) if table.ownership == "UserOwned" else {Depth.GLOBAL}
    return [_privilege(name, 1 << RIGHTS.index(right), reaches) for name, right in table_privileges(table)]


def _privilege(name: str, right: int, reaches: set[Depth]) -> Row:
    row: Row = {"privilegeid": privilege_id(name), "name": name, "accessright": right}
    return row | {f"canbe{one.word.lower()}": one in reaches for one in Depth}


def _pair(role: str, privilege: str, depth: Depth) -> Row:
    return {"roleid": role, "privilegeid": privilege, "privilegedepthmask": depth.mask}


def _to_connector(schema: Schema) -> Iterator[Row]:
    """All that a connector may need of rows, and nothing of customizations but to look at them."""
    role = known_id("role", CONNECTOR)
    for name, table in all_privileges(schema).items():
        if name == ON_BEHALF or (table is not None and _is_for_rows(table, name)):
            yield _pair(role, privilege_id(name), Depth.GLOBAL)


def _is_for_rows(table: Table, name: str) -> bool:
    return table.name not in PACKING or name.startswith("prvRead")


def _to_sellers(schema: Schema, name: str, tables: frozenset[str]) -> Iterator[Row]:
    """Everything on some tables, and to read what is nobody's own."""
    role = known_id("role", name)
    for table in schema.tables.values():
        shared = table.ownership != "UserOwned" and table.name not in PACKING
        for privilege, right in table_privileges(table):
            if table.name in tables or (table.custom and name == SALESPERSON):
                depth = Depth.BASIC if table.ownership == "UserOwned" else Depth.GLOBAL
                yield _pair(role, privilege_id(privilege), depth)
            elif right == "Read" and shared:
                yield _pair(role, privilege_id(privilege), Depth.GLOBAL)


def add_privileges(org: Org, table: Table) -> None:
    """The privileges of a new table."""
    for row in _privileges(table):
        org.store.put("privilege", row["privilegeid"], {**row, "versionnumber": org.next_version()})


def drop_privileges(org: Org, table: Table) -> None:
    """Removes the privileges of a table that goes, from the roles too."""
    pairs = org.store.table("roleprivileges")
    for name, _ in table_privileges(table):
        for one in pairs.ids_where("privilegeid", privilege_id(name)):
            org.store.put("roleprivileges", one, None)
        org.store.put("privilege", privilege_id(name), None)


def grant(org: Org, role_id: str, named: str, depth: Depth) -> None:
    """Gives a privilege, by its id, to a role."""
    pair = {**_pair(role_id, named, depth), "versionnumber": org.next_version()}
    org.store.put("roleprivileges", f"{role_id}|{named}", pair)


def furnish_packages(org: Org, system: Actor) -> None:
    """Creates the publishers, solutions, forms and views that are there before anybody comes."""
    default = _publisher(org, system, "DefaultPublishercosellsandbox", "Default Publisher", "new", 10_000)
    for row_id, name in ((DEFAULT_SOLUTION, "Default"), (ACTIVE_SOLUTION, "Active")):
        _solution(org, system, name, default, solutionid=row_id, friendlyname=f"{name} Solution")
    house = _publisher(org, system, "fabrikam", "Fabrikam", "fab", 24_000)
    _solution(org, system, "FabrikamSales", house, friendlyname="Fabrikam Sales")
    match org.schema.given:
        case Given.READY:
            ours = _publisher(org, system, "cosell", "Cosell", "cosell", 72_700)
            _solution(org, system, "Cosell", ours, friendlyname="Cosell")
        case Given.MICROSOFT:
            theirs = _publisher(org, system, "msft", "Microsoft", "msft", 29_960)
            name = "Partner Center Referrals Synchronization for Dynamics 365"
            # What it is really called is not published; nobody may rely on this name.
            unique = "msft_PartnerCenterReferrals"
            made = _solution(org, system, unique, theirs, friendlyname=name, ismanaged=True)
            for column in microsoft_columns():
                column_id = metadata_id("opportunity", column.name)
                put_in(org, system, {"solutionid": made}, Kind.COLUMN, column_id)
    for table, xml in (("opportunity", OPPORTUNITY_FORM), ("account", ACCOUNT_FORM)):
        fields = {"objecttypecode": table, "type": 2, "formxml": xml, "isdefault": True}
        _add_known(org, system, "systemform", table, name=table.capitalize(), **fields, **_OPEN)
    view = {"returnedtypecode": "opportunity", "querytype": 0, "isdefault": True, "statecode": 0}
    view |= {"statuscode": 1, "fetchxml": OPEN_FETCH, "layoutxml": OPEN_LAYOUT}
    _add_known(org, system, "savedquery", "opportunity", name="Open Opportunities", **view, **_OPEN)


_OPEN = {"iscustomizable": True, "ismanaged": True}


def _publisher(org: Org, system: Actor, unique: str, name: str, prefix: str, values: int) -> Ref:
    fields = {
        "uniquename": unique,
        "friendlyname": name,
        "customizationprefix": prefix,
        "customizationoptionvalueprefix": values,
        "isreadonly": False,
    }
    return Ref(
        "publisher", add(org, system, "publisher", publisherid=known_id("publisher", unique), **fields)
    )


def _solution(org: Org, system: Actor, unique: str, publisher: Ref, **more: Any) -> str:
    fields: dict[str, Any] = {
        "solutionid": known_id("solution", unique),
        "uniquename": unique,
        "version": "1.0.0.0",
        "publisherid": publisher,
        "ismanaged": False,
        "isvisible": True,
    }
    return add(org, system, "solution", **{**fields, **more})


def _add_known(org: Org, system: Actor, table: str, key: str, **row: Any) -> str:
    primary = org.schema.table(table).primary_id
    return add(org, system, table, **{"name": key, **row, primary: known_id(table, key)})


def add(org: Org, actor: Actor, table_name: str, /, **row: Any) -> str:
    """Stores a row as it is; its id."""
    table = org.schema.table(table_name)
    return str(org.insert(table, row, actor)[table.primary_id])
