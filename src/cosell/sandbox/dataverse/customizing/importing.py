"""Makes an environment hold what a solution file says (sheet 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Column, Table, Target
from cosell.sandbox.dataverse.customizing import choices, columns, keys, tables
from cosell.sandbox.dataverse.customizing.components import (
    Behaviour,
    Kind,
    put_in,
    solution_named,
)
from cosell.sandbox.dataverse.customizing.contents import Contents, Manifest, RolePart, Row, TablePart
from cosell.sandbox.dataverse.customizing.forms import check_form, check_view, layer
from cosell.sandbox.dataverse.customizing.furnishing import grant
from cosell.sandbox.dataverse.customizing.rules import check as check_row
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import DataverseError, privilege_id, refusal
from cosell.sandbox.dataverse.org import Org, wire_moment
from cosell.sandbox.dataverse.security import all_privileges
from cosell.sandbox.dataverse.store import Ref

HOLDING = "_Upgrade"


class Import:
    """One import; whoever calls takes everything back when it is refused."""

    def __init__(self, org: Org, actor: Actor, contents: Contents, *, overwrite: bool, holding: bool) -> None:
        self._org, self._actor, self._contents = org, actor, contents
        self._overwrite, self._managed = overwrite, contents.manifest.managed
        self._name = contents.manifest.name + (HOLDING if holding else "")
        self._solution: Row = {}

    def run(self) -> Row:
        """The row of the solution that is installed then."""
        _check_modes(self._org, self._contents.manifest)
        self._check_required()
        self._solution = self._row()
        for shared in self._contents.choices:
            choices.store_shared(self._org, replace(shared, managed=self._managed))
            self._put(Kind.CHOICE, metadata_id("options", shared.name))
        for part in self._contents.tables:
            self._table(part)
        self._relations()
        for part in self._contents.tables:
            self._keys(part)
        for part in self._contents.tables:
            self._pages(part)
        for role in self._contents.roles:
            self._role(role)
        return self._solution

    def _put(self, kind: Kind, object_id: str, behaviour: Behaviour | None = None) -> None:
        put_in(self._org, self._actor, self._solution, kind, object_id, behaviour)

    def _check_required(self) -> None:
        org, made = self._org, {part.name for part in self._contents.tables if part.added}
        needed = [part.name for part in self._contents.tables if not part.added]
        needed += [one.referenced for one in self._contents.relations]
        needed += [name for kind, name, _ in self._contents.manifest.roots if kind == Kind.TABLE]
        missing = [name for name in needed if name not in made and name not in org.schema.tables]
        for kind, name, parent in self._contents.manifest.required:
            table = org.schema.tables.get(parent or name)
            if table is None or (kind == Kind.COLUMN and name not in table.columns):
                missing.append(name)
        if missing:
            raise _lacks(self._contents.manifest, missing)

    def _row(self) -> Row:
        """The solution's row and that of its publisher, made or brought up to date."""
        told, org = self._contents.manifest, self._org
        known = org.store.table("publisher").ids_where("uniquename", told.publisher["uniquename"])
        publishers, solutions = org.schema.table("publisher"), org.schema.table("solution")
        if known:
            publisher_id = known[0]
        else:
            publisher: Row = {"publisherid": org.new_id(), **told.publisher}
            check_row(org, self._actor, publishers, None, publisher)
            publisher_id = org.insert(publishers, publisher, self._actor)["publisherid"]
        fields: Row = {
            "friendlyname": str(told.label),
            "version": told.version,
            "publisherid": Ref("publisher", publisher_id),
            "ismanaged": self._managed,
            "installedon": wire_moment(org.now()),
        }
        old = solution_named(org, self._name)
        if old is not None:
            return org.replace(solutions, {**old, **fields}, self._actor)
        row: Row = {"solutionid": org.new_id(), **fields, "uniquename": self._name, "isvisible": True}
        check_row(org, self._actor, solutions, None, row)
        return org.insert(solutions, row, self._actor)

    def _table(self, part: TablePart) -> None:
        org, table = self._org, self._org.schema.tables.get(part.name)
        if table is None:
            table = self._made(part)
        roots = {name: behaviour for kind, name, behaviour in self._contents.manifest.roots if kind == 1}
        if table.custom or part.columns or part.keys:
            self._put(Kind.TABLE, metadata_id(table.name), Behaviour(roots.get(part.name, Behaviour.LISTED)))
        for column in part.columns:
            if column.kind != "lookup":
                self._column(table, column)
        if part.primary_name and table.primary_name is None:
            table.primary_name = part.primary_name
        org.schema.touch()

    def _made(self, part: TablePart) -> Table:
        told = part.added or {}
        made = tables.described(
            self._org,
            part.schema_name,
            told["label"],
            told["plural"],
            entity_set=told["entity_set"],
            ownership=told["ownership"],
            change_tracking=told["change_tracking"],
            description=told["description"],
            managed=self._managed,
        )
        tables.install(self._org, self._actor, made)
        return made

    def _column(self, table: Table, column: Column) -> None:
        known = table.columns.get(column.name)
        if known is not None and known.kind != column.kind:
            place = f"{table.name}.{column.name}"
            text = f"An error occurred while importing a Solution: {place} is of another type."
            raise refusal(400, "0x80048033", text)
        if known is not None and not known.custom:
            return
        made = replace(column, managed=self._managed if known is None else known.managed)
        if made.option_set:
            shared = self._org.schema.option_sets.get(made.option_set)
            if shared is None:
                raise _lacks(self._contents.manifest, [made.option_set])
            made = replace(made, choices=shared.choices)
        if known is None or not self._managed or self._overwrite or known.managed:
            table.add(*columns.beside(table, made))
        self._put(Kind.COLUMN, metadata_id(table.name, column.name))

    def _relations(self) -> None:
        lookups = {
            (part.name, column.name): column
            for part in self._contents.tables
            for column in part.columns
            if column.kind == "lookup"
        }
        for one in self._contents.relations:
            table = self._org.schema.tables.get(one.referencing)
            column = lookups.get((one.referencing, one.attribute))
            if table is None or (column is None and one.attribute not in table.columns):
                raise _lacks(self._contents.manifest, [f"{one.referencing}.{one.attribute}"])
            self._put(Kind.RELATIONSHIP, metadata_id("relationship", one.name, one.referencing))
            if one.attribute not in table.columns and column is not None:
                target = Target(one.referenced, column.schema_name, one.name, one.on_delete)
                self._org.schema.add_column(
                    table.name, replace(column, targets=(target,), managed=self._managed)
                )
            self._put(Kind.COLUMN, metadata_id(one.referencing, one.attribute))

    def _keys(self, part: TablePart) -> None:
        table = self._org.schema.table(part.name)
        for key in part.keys:
            missing = [one for one in key.columns if one not in table.columns]
            if missing:
                raise _lacks(self._contents.manifest, missing)
            if key.name not in {one.name for one in table.keys}:
                made = keys.begun(self._org, replace(key, managed=self._managed))
                self._org.schema.add_key(table.name, made)
            self._put(Kind.KEY, metadata_id("key", table.name, key.name))

    def _pages(self, part: TablePart) -> None:
        for kind, name, rows in (
            (Kind.VIEW, "savedquery", part.views),
            (Kind.FORM, "systemform", part.forms),
        ):
            for row in rows:
                check = check_view if kind is Kind.VIEW else check_form
                check(self._org, row)
                self._page(kind, name, {**row, "iscustomizable": True, "ismanaged": self._managed})

    def _page(self, kind: Kind, name: str, row: Row) -> None:
        """What is new is seen at once; a change of what is there waits for publishing if it is unmanaged."""
        table, org = self._org.schema.table(name), self._org
        row_id = row[table.primary_id]
        old = org.store.get(name, row_id)
        if name == "savedquery":
            row |= {"statecode": 0, "statuscode": 1}
        if old is None:
            org.insert(table, row, self._actor)
        elif self._managed:
            org.replace(table, {**old, **row}, self._actor)
        else:
            org.store.put(layer(name), row_id, {**old, **row, "versionnumber": org.next_version()})
        self._put(kind, row_id)

    def _role(self, part: RolePart) -> None:
        org, table = self._org, self._org.schema.table("role")
        known = {name.lower() for name in all_privileges(org.schema)}
        missing = [name for name, _ in part.privileges if name.lower() not in known]
        if missing:
            raise _lacks(self._contents.manifest, missing)
        row: Row = {"name": part.name, "ismanaged": self._managed, "iscustomizable": True}
        row |= {"roleid": part.id, "businessunitid": Ref("businessunit", org.business_unit)}
        old = org.store.get("role", part.id)
        if old is None:
            org.insert(table, row, self._actor)
        else:
            org.replace(table, {**old, **row}, self._actor)
        for one in org.store.table("roleprivileges").ids_where("roleid", part.id):
            org.store.put("roleprivileges", one, None)
        for name, depth in part.privileges:
            grant(org, part.id, privilege_id(name), depth)
        self._put(Kind.ROLE, part.id)


def parts_of(org: Org, solution: Row) -> Iterator[tuple[int, str]]:
    """The components of a solution, by type and id."""
    rows = org.store.table("solutioncomponent")
    for one in rows.ids_where("solutionid", Ref("solution", solution["solutionid"])):
        yield rows.live[one]["componenttype"], rows.live[one]["objectid"]


def _check_modes(org: Org, told: Manifest) -> None:
    """Refuses a file whose mode is not that of the solution that is there."""
    old = solution_named(org, told.name)
    if old is None or bool(old.get("ismanaged")) == told.managed:
        return
    if old.get("ismanaged"):
        text = f"Solution '{told.name}' already exists in this system as managed and cannot be upgraded."
        raise refusal(400, "0x80048038", text)
    text = (
        "The solution is already installed on this system as an unmanaged solution and the package supplied"
        " is attempting to install it in managed mode. Import can only update solutions when the modes match."
        " Uninstall the current solution and try again."
    )
    raise refusal(400, "0x80048040", text)


def _lacks(told: Manifest, missing: list[str]) -> DataverseError:
    text = f"The following solution cannot be imported: {told.name}. Some dependencies are missing."
    return refusal(
        400, "0x8004801d", f"{text} The missing dependencies are: {', '.join(sorted(set(missing)))}"
    )
