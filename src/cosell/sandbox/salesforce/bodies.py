"""Reads the body of a write against the schema: names, permissions, types, references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cosell.sandbox.salesforce.errors import (
    SalesforceError,
    entry,
    is_deleted,
    json_error,
    malformed_id,
    refusal,
)
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.values import accept, wrong_type


@dataclass(slots=True)
class Reading:
    """The accepted values by canonical field name, and what was wrong with the rest."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)


def read_body(org: Org, seen: Seen, body: object, *, creating: bool) -> dict[str, Any]:
    """The values a body would store, or every refusal its fields deserve at once."""
    if not isinstance(body, Mapping):
        raise json_error("The HTTP entity body is required, but this request has no entity body.")
    named = _name_fields(org, seen, body, creating=creating)
    _check_permission(seen, [one for one, _ in named], creating=creating)
    reading = Reading()
    for one, value in named:
        try:
            reading.values[one.name] = _accept(org, one, value)
        except SalesforceError as refused:
            if refused.code == "JSON_PARSER_ERROR":
                raise
            reading.problems.extend(refused.entries)
    _check_required(seen, reading, creating=creating)
    if reading.problems:
        raise SalesforceError(400, reading.problems)
    return reading.values


def _name_fields(org: Org, seen: Seen, body: Mapping[str, Any], *, creating: bool) -> list[tuple[Field, Any]]:
    named: list[tuple[Field, Any]] = []
    for name, value in body.items():
        if name == "attributes":
            continue
        lower = name.lower()
        one = seen.fields.get(lower)
        if one is not None and one.type == "id":
            _refuse_id(creating=creating)
        if one is None and lower in seen.parents and isinstance(value, Mapping):
            one, value = seen.parents[lower], _by_foreign_key(org, seen.parents[lower], value)
        if one is None or one.type == "address":
            message = f"No such column '{name}' on sobject of type {seen.name}"
            raise refusal(400, "INVALID_FIELD", message)
        named.append((one, value))
    return named


def _refuse_id(*, creating: bool) -> None:
    if creating:
        message = "cannot specify Id in an insert call"
        raise refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, ["Id"])
    raise refusal(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")


def _by_foreign_key(org: Org, one: Field, value: Mapping[str, Any]) -> str:
    """The id of the one parent row that carries the given external id."""
    keys = [(name, wanted) for name, wanted in value.items() if name != "attributes"]
    name, wanted = keys[0] if keys else ("", None)
    for target in one.reference_to if isinstance(wanted, str | int | float) else ():
        key = org.schema.objects[target.lower()].fields.get(name.lower())
        if key is None or not key.key:
            continue
        table = org.store.table(target)
        ids = [i for i in table.ids_where(key.name, wanted) if not table.rows[i].get("IsDeleted")]
        if len(ids) == 1:
            return ids[0]
    entity = one.reference_to[0]
    message = f"Foreign key external ID: {wanted} not found for field {name} in entity {entity}"
    raise refusal(400, "INVALID_FIELD", message, [])


def _check_permission(seen: Seen, fields: list[Field], *, creating: bool) -> None:
    bad = [
        one.name
        for one in fields
        if not (one.createable if creating else one.updateable) or one.name.lower() in seen.locked
    ]
    if bad:
        message = (
            f"Unable to create/update fields: {', '.join(bad)}. Please check the security settings of this"
            " field and verify that it is read/write for your profile or permission set."
        )
        raise refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, bad)


def _accept(org: Org, one: Field, value: Any) -> Any:
    if one.type == "reference" and value is not None:
        return _reference(org, one, value)
    return accept(one, value, trim=org.settings.trim_text)


def _reference(org: Org, one: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise wrong_type(one, value)
    if value == "":
        return None
    row_id = long_id(value)
    if row_id is None or not org.has_prefix(one, row_id):
        raise malformed_id(one.label, value, one.name)
    found = org.target_of(one, row_id)
    if found is None:
        raise refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    if found[1].get("IsDeleted"):
        raise SalesforceError(400, is_deleted().entries)
    return row_id


def _check_required(seen: Seen, reading: Reading, *, creating: bool) -> None:
    troubled = {name for problem in reading.problems for name in problem.get("fields", ())}
    missing = []
    for one in seen.object.fields.values():
        if one.nillable or not one.createable or one.name in troubled:
            continue
        if one.name in reading.values:
            if reading.values[one.name] is None:
                missing.append(one.name)
        elif creating and one.required:
            missing.append(one.name)
    if missing:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        reading.problems.insert(0, entry("REQUIRED_FIELD_MISSING", text, missing))
