"""The words in which the tables of the catalogue are written: a text, a choice, a lookup, an owner."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.dataverse.columns import Choice, Column, OnDelete, Table, Target

READ_ONLY: dict[str, Any] = {"creatable": False, "updatable": False}


def text(name: str, label: str, length: int = 100, **more: Any) -> Column:
    return Column(name, label, "string", length=length, **{"format": "Text", **more})


def memo(name: str, label: str, length: int = 2_000, **more: Any) -> Column:
    return Column(name, label, "memo", length=length, **{"format": "TextArea", **more})


def flag(name: str, label: str, **more: Any) -> Column:
    choices = (Choice(1, "Yes"), Choice(0, "No"))
    return Column(name, label, "boolean", choices=choices, **{"default": False, **more})


def whole(name: str, label: str, low: int = -2_147_483_648, high: int = 2_147_483_647, **more: Any) -> Column:
    return Column(name, label, "integer", low=low, high=high, **more)


def decimal(name: str, label: str, precision: int = 2, **more: Any) -> Column:
    limits: dict[str, Any] = {"low": -100_000_000_000, "high": 100_000_000_000}
    return Column(name, label, "decimal", precision=precision, **{**limits, **more})


def money(name: str, label: str, **more: Any) -> tuple[Column, Column]:
    """A money column and its read-only twin in the base currency."""
    limits: dict[str, Any] = {"precision": 4, "low": -1_000_000_000_000, "high": 1_000_000_000_000}
    return (
        Column(name, label, "money", **{**limits, **more}),
        Column(f"{name}_base", f"{label} (Base)", "money", **{**limits, **READ_ONLY}),
    )


def moment(name: str, label: str, **more: Any) -> Column:
    return Column(name, label, "datetime", **more)


def day(name: str, label: str, **more: Any) -> Column:
    return Column(name, label, "datetime", date_only=True, **more)


def pick(name: str, label: str, options: str, *, first: int | None = None, **more: Any) -> Column:
    """A choice; `options` are ``1 Hot|2 Warm``, or labels alone numbered from `first`."""
    return Column(name, label, "picklist", choices=choices(options, first), **more)


def choices(options: str, first: int | None = None) -> tuple[Choice, ...]:
    made = []
    for place, option in enumerate(options.split("|")):
        if first is None:
            value, _, label = option.partition(" ")
            made.append(Choice(int(value), label))
        else:
            made.append(Choice(first + place, option))
    return tuple(made)


def state(*options: tuple[int, str, str]) -> tuple[Column, Column]:
    """The state and status columns; an option is (value, label, ``1 In Progress|2 On Hold``)."""
    states: list[Choice] = []
    statuses: list[Choice] = []
    for value, label, reasons in options:
        below = choices(reasons)
        states.append(Choice(value, label, default_status=below[0].value))
        statuses.extend(Choice(one.value, one.label, state=value) for one in below)
    return (
        Column("statecode", "Status", "state", schema_name="StateCode", choices=tuple(states), default=0),
        Column("statuscode", "Status Reason", "status", schema_name="StatusCode", choices=tuple(statuses)),
    )


def to(table: str, navigation: str, collection: str, on_delete: OnDelete = "unlink") -> Target:
    return Target(table, navigation, collection, on_delete)


def look(name: str, label: str, *targets: Target, **more: Any) -> Column:
    """A lookup to one or more tables."""
    return Column(name, label, "lookup", targets=targets, **more)


def active() -> tuple[Column, Column]:
    """The states of most tables."""
    return state((0, "Active", "1 Active"), (1, "Inactive", "2 Inactive"))


def owner(table: str) -> tuple[Column, ...]:
    """Who owns a row: a person or a team, and what follows from that."""
    who = (to("systemuser", "ownerid", f"user_{table}"), to("team", "ownerid", f"team_{table}"))
    return (
        look("ownerid", "Owner", *who, required="SystemRequired"),
        look(
            "owninguser", "Owning User", to("systemuser", "owninguser", f"owning_user_{table}"), **READ_ONLY
        ),
        look("owningteam", "Owning Team", to("team", "owningteam", f"owning_team_{table}"), **READ_ONLY),
        look(
            "owningbusinessunit",
            "Owning Business Unit",
            to("businessunit", "owningbusinessunit", f"business_unit_{table}"),
            **READ_ONLY,
        ),
    )


def currency(table: str) -> tuple[Column, Column]:
    """The currency of a row and the rate at which its money was turned into the base currency."""
    return (
        look(
            "transactioncurrencyid",
            "Currency",
            to("transactioncurrency", "transactioncurrencyid", f"transactioncurrency_{table}", "restrict"),
        ),
        Column(
            "exchangerate", "Exchange Rate", "decimal", precision=10, low=0, high=100_000_000_000, **READ_ONLY
        ),
    )


def stamps(table: str) -> tuple[Column, ...]:
    """Who made and changed a row, and when; every table has them."""

    def by(name: str, label: str) -> Column:
        return look(name, label, to("systemuser", name, f"lk_{table}_{name}"), **READ_ONLY)

    return (
        moment("createdon", "Created On", **READ_ONLY),
        by("createdby", "Created By"),
        by("createdonbehalfby", "Created By (Delegate)"),
        moment("modifiedon", "Modified On", **READ_ONLY),
        by("modifiedby", "Modified By"),
        by("modifiedonbehalfby", "Modified By (Delegate)"),
        day("overriddencreatedon", "Record Created On", updatable=False),
        whole("importsequencenumber", "Import Sequence Number", updatable=False),
        Column("versionnumber", "Version Number", "bigint", **READ_ONLY),
    )


def table(
    name: str, entity_set: str, label: str, plural: str, code: int, *columns: Any, **more: Any
) -> Table:
    """A table with its id, `columns` (single or in groups) and the stamps around them."""
    primary_id = more.pop("primary_id", f"{name}id")
    made = Table(
        name,
        more.pop("schema_name", name),
        entity_set,
        label,
        plural,
        code,
        primary_id,
        more.pop("primary_name", "name"),
        **more,
    )
    made.add(Column(primary_id, label, "uniqueidentifier", required="SystemRequired", updatable=False))
    for one in columns:
        made.add(*(one if isinstance(one, tuple) else (one,)))
    if made.ownership == "UserOwned":
        made.add(*owner(name))
    return made.add(*stamps(name))
