"""`/sobjects/X/…`: single rows by id and by external id, describe, change lists."""

from __future__ import annotations

import base64
from typing import Any
from zlib import crc32

import orjson

from cosell.sandbox.salesforce.describe import brief, describe_all, describe_object
from cosell.sandbox.salesforce.errors import (
    NOT_FOUND_TEXT,
    is_deleted,
    json_error,
    malformed_id,
    not_found,
    refusal,
)
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.guards import check_dates, check_row, etag, http_date
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.org import Org, read_moment
from cosell.sandbox.salesforce.replication import deleted_rows, updated_rows
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.soql.paths import reader
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.wire import NO_BODY, Call, Reply, method_not_allowed
from cosell.sandbox.salesforce.writing import Writer


class Rows:
    """Answers everything under `/sobjects`."""

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer
        self._described: dict[object, tuple[Any, str]] = {}

    def answer(self, call: Call) -> Reply:
        path = call.path[1:]
        if not path:
            return self._all_objects(call)
        seen = self._org.view(call.actor).find(path[0])
        if seen is None:
            raise not_found()
        if len(path) == 1:
            return self._object(call, seen)
        if len(path) == 2:
            special = {"describe": self._describe, "updated": self._updated, "deleted": self._deleted}
            handler = special.get(path[1].lower())
            return handler(call, seen) if handler else self._by_id(call, seen, path[1])
        if len(path) == 3:
            return self._by_key(call, seen, path[1], path[2])
        raise not_found()

    def _all_objects(self, call: Call) -> Reply:
        _only(call, "GET", "HEAD")
        return self._cached(call, "*", lambda: describe_all(self._org.view(call.actor), call.base))

    def _describe(self, call: Call, seen: Seen) -> Reply:
        _only(call, "GET", "HEAD")
        view = self._org.view(call.actor)
        return self._cached(call, seen.name, lambda: describe_object(view, seen, call.base))

    def _cached(self, call: Call, what: str, make: Any) -> Reply:
        """A description, made once until the schema changes; 304 if it is older than the caller's."""
        view = self._org.view(call.actor)
        changed = self._org.schema_changed_at
        key = (view.mark, what, call.version)
        if key not in self._described:
            if len(self._described) > 200:
                self._described.clear()
            made = make()
            self._described[key] = made, f'"{crc32(orjson.dumps(made)):08x}"'
        body, tag = self._described[key]
        early = check_dates(call, changed)
        reply = early if early is not None else Reply(200, body)
        reply.headers |= {"ETag": tag, "Last-Modified": http_date(changed)}
        return reply

    def _object(self, call: Call, seen: Seen) -> Reply:
        if call.method == "POST":
            row = self._writer.create(call.actor, seen, _body(call), allow_duplicate=call.allows_duplicates)
            return _created(call, seen, row["Id"])
        _only(call, "HEAD", "GET", "POST")
        return Reply(200, {"objectDescribe": brief(seen, call.base), "recentItems": []})

    def _updated(self, call: Call, seen: Seen) -> Reply:
        _only(call, "GET")
        return Reply(200, updated_rows(self._org, seen, call.query))

    def _deleted(self, call: Call, seen: Seen) -> Reply:
        _only(call, "GET")
        return Reply(200, deleted_rows(self._org, seen, call.query))

    def _by_id(self, call: Call, seen: Seen, asked: str) -> Reply:
        _only(call, "DELETE", "GET", "HEAD", "PATCH")
        row_id = long_id(asked)
        if row_id is None or (seen.object.prefix and row_id[:3] != seen.object.prefix):
            raise malformed_id(f"{seen.object.label} ID", asked)
        return self._on_row(call, seen, row_id)

    def _on_row(self, call: Call, seen: Seen, row_id: str) -> Reply:
        if call.method == "DELETE":
            self._writer.delete(call.actor, seen, row_id)
            return Reply(204)
        row = self._writer.row(seen, row_id)
        early = check_row(call, seen.name, row)
        if early is not None:
            return early
        if call.method == "PATCH":
            self._writer.update(call.actor, seen, row_id, _body(call))
            return Reply(204)
        headers = {"Last-Modified": http_date(read_moment(row["LastModifiedDate"]))}
        if seen.name == "Account":
            headers["ETag"] = etag(row)
        return Reply(200, record(seen, row, call.base, call.query.get("fields")), headers)

    def _by_key(self, call: Call, seen: Seen, name: str, value: str) -> Reply:
        field = seen.fields.get(name.lower())
        if field is None or not field.key:
            return self._blob(call, seen, name, value)
        if field.type == "id":
            return self._by_id(call, seen, value)
        _only(call, "DELETE", "GET", "HEAD", "PATCH", "POST")
        if call.method in ("PATCH", "POST"):
            check_key_right(self._org, call, field)
        found = matches(self._org, seen, field, value)
        if len(found) > 1:
            return Reply(300, [f"{call.base}/sobjects/{seen.name}/{row_id}" for row_id in found])
        if call.method in ("PATCH", "POST"):
            return self._upsert(call, seen, field, value, found)
        if not found:
            text = f"Provided external ID field does not exist or is not accessible: {value}"
            raise not_found(text)
        return self._on_row(call, seen, found[0])

    def _upsert(self, call: Call, seen: Seen, field: Field, value: str, found: list[str]) -> Reply:
        body = _body(call)
        check_upsert_body(field, body)
        if not found:
            if call.query.get("updateOnly", "").lower() == "true":
                raise refusal(self._org.settings.update_only_miss_status, "NOT_FOUND", NOT_FOUND_TEXT)
            made = self._writer.create(
                call.actor, seen, {**body, field.name: value}, allow_duplicate=call.allows_duplicates
            )
            reply = _created(call, seen, made["Id"])
            reply.body["created"] = True
            return reply
        if self._org.settings.upsert_honours_conditions:
            check_row(call, seen.name, self._writer.row(seen, found[0]))
        self._writer.update(call.actor, seen, found[0], body)
        if call.api < 46:
            return Reply(204)
        return Reply(200, {"id": found[0], "success": True, "errors": [], "created": False})

    def _blob(self, call: Call, seen: Seen, asked: str, name: str) -> Reply:
        """The content of a base64 field, raw."""
        field, row_id = seen.fields.get(name.lower()), long_id(asked)
        if field is None or field.type != "base64" or row_id is None:
            raise not_found()
        _only(call, "GET", "HEAD")
        row = self._writer.row(seen, row_id)
        return Reply(200, base64.b64decode(row.get(field.name) or ""))


def matches(org: Org, seen: Seen, field: Field, value: Any) -> list[str]:
    """The ids of the rows that carry an external id and are not deleted."""
    if not isinstance(value, str | int | float):
        return []
    table = org.store.table(seen.name)
    return [
        row_id
        for row_id in table.ids_where(field.name, value)
        if not table.rows[row_id].get("IsDeleted")
        and (not field.case_sensitive or table.rows[row_id][field.name] == value)
    ]


def check_upsert_body(field: Field, body: Any) -> None:
    """Refuses a body that repeats the key it is addressed by."""
    if not isinstance(body, dict):
        raise json_error("The HTTP entity body is required, but this request has no entity body.")
    if any(name.lower() == field.name.lower() for name in body):
        text = f"The {field.name} field should not be specified in the sobject data."
        raise refusal(400, "INVALID_FIELD", text, [field.name])


def check_key_right(org: Org, call: Call, field: Field) -> None:
    """A key that is not unique may only be used by who sees all data (trap 4)."""
    all_data = org.settings.view_all_data or org.rights(call.actor).may("ViewAllData")
    if field.unique or not field.external_id or not call.actor.secured or all_data:
        return
    raise refusal(
        403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [field.name]
    )


def record(seen: Seen, row: Row, base: str, names: str | None = None) -> dict[str, Any]:
    """A row as the row resource shows it: the named fields, or all."""
    made: dict[str, Any] = {
        "attributes": {"type": seen.name, "url": f"{base}/sobjects/{seen.name}/{row['Id']}"}
    }
    fields = list(seen.fields.values())
    if names is not None:
        fields = [_named(seen, name.strip()) for name in names.split(",") if name.strip()]
    for one in fields:
        if one.type == "base64":
            blob = f"{base}/sobjects/{seen.name}/{row['Id']}/{one.name}"
            made[one.name] = blob if row.get(one.name) else None
        else:
            made[one.name] = reader(one)(row)
    return made


def _named(seen: Seen, name: str) -> Field:
    found = seen.fields.get(name.lower())
    if found is None:
        raise refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {seen.name}")
    return found


def existing(org: Org, seen: Seen, row_id: str) -> Row:
    """A row for a collection, with the refusals collections give."""
    row = org.store.get(seen.name, row_id)
    if row is None:
        raise refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    if row.get("IsDeleted"):
        raise is_deleted()
    return row


def _created(call: Call, seen: Seen, row_id: str) -> Reply:
    body = {"id": row_id, "success": True, "errors": []}
    return Reply(201, body, {"Location": f"{call.base}/sobjects/{seen.name}/{row_id}"})


def _body(call: Call) -> Any:
    if call.body is NO_BODY:
        raise json_error("The HTTP entity body is required, but this request has no entity body.")
    return call.body


def _only(call: Call, *allowed: str) -> None:
    if call.method not in allowed:
        raise method_not_allowed(call, *allowed)
