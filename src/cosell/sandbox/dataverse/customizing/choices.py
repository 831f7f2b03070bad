"""Choices: the options of a column, those that tables share, and what adds or changes one (sheet 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cosell.sandbox.dataverse.columns import CHOICES, Choice, Column, OptionSet
from cosell.sandbox.dataverse.customizing.components import Package
from cosell.sandbox.dataverse.customizing.naming import label, schema_name
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import bad_request, invalid, refusal
from cosell.sandbox.dataverse.org import Org

BIND = "GlobalOptionSet@odata.bind"
SET = "GlobalOptionSetDefinitions"


def chosen(org: Org, column: Column, given: Mapping[str, Any], package: Package) -> Column:
    """A new choice column with its own options, or bound to options that tables share."""
    if BIND in given:
        shared = shared_at(org, str(given[BIND]))
        return replace(column, choices=shared.choices, option_set=shared.name)
    options = given.get("OptionSet") or given.get("GlobalOptionSet")
    if not isinstance(options, dict):
        raise invalid(f"The attribute {column.name} needs an OptionSet.")
    if options.get("IsGlobal"):
        found = org.schema.option_sets.get(str(options.get("Name")))
        if found is None:
            raise refusal(400, "0x80048403", "Invalid OptionSet: there is no global choice of that name.")
        return replace(column, choices=found.choices, option_set=found.name)
    return replace(
        column, choices=read_options(org, options.get("Options"), column.name, package.first_value)
    )


def shared_at(org: Org, address: str) -> OptionSet:
    """The shared choice an address leads to, by its id or its name."""
    key = address.strip("/").removeprefix(f"{SET}(").removesuffix(")")
    if not address.strip("/").startswith(f"{SET}("):
        raise bad_request(f"Invalid URI: '{address}' does not address a choice.")
    name = key.partition("=")[2].strip("'") if "=" in key else ""
    for one in org.schema.option_sets.values():
        if one.name == name or metadata_id("options", one.name) == key.lower():
            return one
    raise refusal(404, "0x80040217", f"OptionSet {key} Does Not Exist")


def read_options(org: Org, given: Any, what: str, first: int) -> tuple[Choice, ...]:
    """The options of a definition; values that are left out are given in order."""
    if not isinstance(given, list):
        raise invalid(f"The options of {what} must be a list.")
    made: list[Choice] = []
    for one in given:
        if not isinstance(one, dict):
            raise invalid(f"An option of {what} must be an object.")
        value = _value(one.get("Value"), made, what, first)
        made.append(Choice(value, label(org, one.get("Label"), f"an option of {what}", required=True)))
    return tuple(made)


def _value(value: Any, known: Iterable[Choice], what: str, first: int) -> int:
    taken = {one.value for one in known}
    if value is None:
        return next(number for number in range(first, first + 10_000) if number not in taken)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"The value of an option of {what} must be a whole number.")
    if value in taken:
        raise refusal(400, "0x80047010", f"An option of {what} with the value {value} already exists.")
    return value


def read_shared(org: Org, given: Mapping[str, Any], package: Package) -> OptionSet:
    """A new choice that tables may share."""
    kind = str(given.get("@odata.type", "")).lstrip("#")
    if kind != "Microsoft.Dynamics.CRM.OptionSetMetadata":
        raise bad_request(f"A type named '{kind}' cannot be created as a choice.")
    name = schema_name(org, given, "OptionSet", package, "Name")
    if name.lower() in {one.lower() for one in org.schema.option_sets}:
        text = "An OptionSet with the specified name already exists. Please specify a unique name."
        raise refusal(400, "0x80044345", text)
    if given.get("OptionSetType", "Picklist") != "Picklist" or given.get("IsGlobal", True) is not True:
        raise invalid("A choice created here is global and of the type Picklist.")
    return OptionSet(
        name,
        label(org, given.get("DisplayName"), f"the choice {name}", required=True),
        read_options(org, given.get("Options") or [], name, package.first_value),
        label(org, given.get("Description"), f"the choice {name}"),
        package.managed,
    )


def store_shared(org: Org, made: OptionSet) -> None:
    """Keeps a shared choice, and lets every column of it have its options."""
    org.schema.option_sets[made.name] = made
    for table in org.schema.tables.values():
        for column in list(table.columns.values()):
            if column.option_set == made.name:
                table.columns[column.name] = replace(column, choices=made.choices)
    org.schema.touch()


def users_of(org: Org, name: str) -> list[str]:
    """The columns that show a shared choice."""
    return [
        f"{table.name}.{column.name}"
        for table in org.schema.tables.values()
        for column in table.columns.values()
        if column.option_set == name
    ]


def drop_shared(org: Org, name: str) -> None:
    """Removes a shared choice nobody shows."""
    users = users_of(org, name)
    if users:
        text = (
            "This option set cannot be deleted. The current set of entities that reference this option set"
            f" are: {', '.join(users)}. These references must be removed before this option set can be"
            " deleted"
        )
        raise refusal(400, "0x80048417", text)
    del org.schema.option_sets[name]
    org.schema.touch()


class Options:
    """The options an action names: those of one column, or those tables share."""

    def __init__(self, org: Org, given: Mapping[str, Any]) -> None:
        self._org = org
        self._shared: OptionSet | None = None
        self._place: tuple[str, str] | None = None
        if given.get("OptionSetName"):
            self._shared = org.schema.option_sets.get(str(given["OptionSetName"]))
            if self._shared is None:
                raise refusal(400, "0x80048403", "Invalid OptionSet")
            self.name, self.choices = self._shared.name, self._shared.choices
            return
        column = self._column(given)
        self.name, self.choices = column.name, column.choices
        if column.option_set:
            raise refusal(
                400, "0x80048403", f"The options of {column.name} are those of {column.option_set}."
            )

    def _column(self, given: Mapping[str, Any]) -> Column:
        table = self._org.schema.tables.get(str(given.get("EntityLogicalName")))
        column = table.columns.get(str(given.get("AttributeLogicalName"))) if table is not None else None
        if table is None or column is None:
            raise invalid("Name the choice: OptionSetName, or EntityLogicalName and AttributeLogicalName.")
        if column.kind not in CHOICES - {"state", "status"}:
            text = "You can add option values only to picklist and status attributes."
            raise refusal(400, "0x80044320", text)
        self._place = table.name, column.name
        return column

    def find(self, value: Any) -> Choice:
        found = next((one for one in self.choices if one.value == value), None)
        if found is None:
            raise invalid(f"The choice {self.name} has no option with the value {value}.")
        return found

    def insert(self, given: Mapping[str, Any], package: Package) -> int:
        """Adds an option at the end; its value."""
        value = _value(given.get("Value"), self.choices, self.name, package.first_value)
        words = label(self._org, given.get("Label"), f"the option {value}", required=True)
        self._store((*self.choices, Choice(value, words)))
        return value

    def update(self, given: Mapping[str, Any]) -> None:
        """Gives an option another label."""
        old = self.find(given.get("Value"))
        if not isinstance(given.get("MergeLabels"), bool):
            raise bad_request("The parameter MergeLabels is missing.")
        kept = old.label if given["MergeLabels"] else ""
        words = label(self._org, given.get("Label"), f"the option {old.value}", required=True, old=kept)
        self._store(tuple(replace(one, label=words) if one is old else one for one in self.choices))

    def delete(self, value: Any) -> None:
        """Removes an option; rows that hold it keep its number."""
        old = self.find(value)
        self._store(tuple(one for one in self.choices if one is not old))

    def order(self, values: Any) -> None:
        """Puts the options in the order of their values."""
        if not isinstance(values, list) or sorted(values) != sorted(one.value for one in self.choices):
            raise invalid("Values must name every option once.")
        self._store(tuple(self.find(one) for one in values))

    def _store(self, made: tuple[Choice, ...]) -> None:
        if self._shared is not None:
            store_shared(self._org, replace(self._shared, choices=made))
        elif self._place is not None:
            self._org.schema.change_column(*self._place, choices=made)
