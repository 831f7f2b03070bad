"""`/composite/sobjects` and `/composite/tree`: up to 200 rows in one call (reference 7.2, 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from cosell.sandbox.salesforce.errors import (
    ROLLED_BACK_TEXT,
    SalesforceError,
    json_error,
    malformed_id,
    not_found,
    refusal,
)
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.rows import check_key_right, existing, matches, record
from cosell.sandbox.salesforce.schema import Seen, View
from cosell.sandbox.salesforce.wire import NO_BODY, Call, Reply, method_not_allowed
from cosell.sandbox.salesforce.writing import Writer

MOST_ROWS = 200
MOST_CHUNKS = 10
Result = dict[str, Any]


class Collections:
    """Answers calls that carry many rows."""

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer

    def answer(self, call: Call) -> Reply:
        """`/composite/sobjects[/X[/Field]]`."""
        path = call.path[2:]
        if len(path) == 0:
            rows = {"POST": self._create, "PATCH": self._update, "DELETE": self._delete}
            if call.method not in rows:
                raise method_not_allowed(call, "DELETE", "PATCH", "POST")
            return rows[call.method](call)
        if len(path) == 1:
            return self._read(call, _object_named(self._org.view(call.actor), path[0]))
        if len(path) == 2 and call.method == "PATCH":
            return self._upsert(call, _object_named(self._org.view(call.actor), path[0]), path[1])
        raise not_found() if len(path) > 2 else method_not_allowed(call, "PATCH")

    def tree(self, call: Call) -> Reply:
        """`/composite/tree/X`: rows with their children, all or nothing."""
        if call.method != "POST" or len(call.path) != 3:
            raise method_not_allowed(call, "POST")
        seen = _object_named(self._org.view(call.actor), call.path[2])
        body = call.body if isinstance(call.body, Mapping) else {}
        made: list[Result] = []
        mark = self._org.store.mark()
        try:
            self._plant(call, seen, _rows(body), None, made)
        except _TreeTrouble as trouble:
            self._org.store.undo(mark)
            bad = {"referenceId": trouble.name, "errors": trouble.errors}
            return Reply(400, {"hasErrors": True, "results": [bad]})
        return Reply(201, {"hasErrors": False, "results": made})

    def _plant(
        self, call: Call, seen: Seen, rows: list[Any], parent: tuple[str, str] | None, made: list[Result]
    ) -> None:
        view = self._org.view(call.actor)
        for row in rows:
            name = _attributes(row).get("referenceId", "")
            own, below = _split_children(seen, row)
            if parent is not None:
                own[parent[0]] = parent[1]
            try:
                if len(made) >= MOST_ROWS:
                    raise refusal(400, "INVALID_INPUT", f"at most {MOST_ROWS} records in a tree")
                row_id = self._writer.create(call.actor, seen, own)["Id"]
            except SalesforceError as refused:
                raise _TreeTrouble(name, refused.as_row_errors()) from refused
            made.append({"referenceId": name, "id": row_id})
            for children, inner in below:
                child, field = seen.children[children.lower()]
                found = _object_named(view, child)
                self._plant(call, found, _rows(inner), (field.name, row_id), made)

    def _create(self, call: Call) -> Reply:
        view = self._org.view(call.actor)

        def one(row: Mapping[str, Any]) -> Result:
            seen = _typed(view, row)
            made = self._writer.create(call.actor, seen, row, allow_duplicate=call.allows_duplicates)
            return {"id": made["Id"], "success": True, "errors": []}

        return self._each(_records(call.body), one, all_or_none=_all_or_none(call.body))

    def _update(self, call: Call) -> Reply:
        view = self._org.view(call.actor)

        def one(row: Mapping[str, Any]) -> Result:
            seen = _typed(view, row)
            row_id, body = _take_id(seen, row)
            if row_id is None:
                raise refusal(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
            existing(self._org, seen, row_id)
            self._writer.update(call.actor, seen, row_id, body)
            return {"id": row_id, "success": True, "errors": []}

        return self._each(_records(call.body), one, all_or_none=_all_or_none(call.body))

    def _upsert(self, call: Call, seen: Seen, name: str) -> Reply:
        field = seen.fields.get(name.lower())
        if field is None or not field.key:
            raise not_found()
        check_key_right(self._org, call, field)
        records = _records(call.body)
        if len({str(_attributes(row).get("type", seen.name)).lower() for row in records}) > 1:
            raise refusal(400, "INVALID_INPUT", "an upsert takes rows of one type")

        def one(row: Mapping[str, Any]) -> Result:
            return self._upsert_one(call, seen, field, row)

        return self._each(records, one, all_or_none=_all_or_none(call.body))

    def _upsert_one(self, call: Call, seen: Seen, field: Field, row: Mapping[str, Any]) -> Result:
        key = next((value for name, value in row.items() if name.lower() == field.name.lower()), None)
        body = {name: value for name, value in row.items() if name.lower() != field.name.lower()}
        if field.type == "id":
            found = [long_id(str(key)) or ""] if key else []
        else:
            if key is None:
                raise refusal(400, "MISSING_ARGUMENT", f"{field.name} not specified", [])
            found = matches(self._org, seen, field, key)
        if len(found) > 1:
            text = f"{field.name}: more than one record found for external id field: {found}"
            raise refusal(400, "DUPLICATE_EXTERNAL_ID", text, [field.name])
        if found:
            existing(self._org, seen, found[0])
            self._writer.update(call.actor, seen, found[0], body)
            return {"id": found[0], "success": True, "errors": [], "created": False}
        if field.type != "id":
            body[field.name] = key
        made = self._writer.create(call.actor, seen, body, allow_duplicate=call.allows_duplicates)
        return {"id": made["Id"], "success": True, "errors": [], "created": True}

    def _delete(self, call: Call) -> Reply:
        view = self._org.view(call.actor)
        ids = [one for one in call.query.get("ids", "").split(",") if one]
        _check_count(ids)

        def one(asked: str) -> Result:
            row_id = long_id(asked)
            seen = _object_of(view, row_id) if row_id else None
            if row_id is None or seen is None:
                raise malformed_id("Record ID", asked)
            existing(self._org, seen, row_id)
            self._writer.delete(call.actor, seen, row_id)
            return {"id": row_id, "success": True, "errors": []}

        return self._each(ids, one, all_or_none=call.query.get("allOrNone", "").lower() == "true")

    def _read(self, call: Call, seen: Seen) -> Reply:
        if call.method == "POST":
            body = call.body if isinstance(call.body, Mapping) else {}
            ids, names = body.get("ids"), body.get("fields")
        elif call.method == "GET":
            ids = [one for one in call.query.get("ids", "").split(",") if one]
            names = [one for one in call.query.get("fields", "").split(",") if one]
        else:
            raise method_not_allowed(call, "GET", "POST")
        if not isinstance(ids, list) or not isinstance(names, list) or not ids or not names:
            raise refusal(400, "INVALID_INPUT", "ids and fields are required")
        return Reply(200, [self._read_one(call, seen, str(one), names) for one in ids])

    def _read_one(self, call: Call, seen: Seen, asked: str, names: list[Any]) -> Any:
        row = self._org.store.get(seen.name, long_id(asked) or "")
        if row is None or row.get("IsDeleted"):
            return None
        return record(seen, row, call.base, ",".join(str(name) for name in names))

    def _each(self, items: list[Any], one: Callable[[Any], Result], *, all_or_none: bool) -> Reply:
        """Every row by itself; with `all_or_none` one refusal takes the others back."""
        start = self._org.store.mark()
        results: list[Result] = []
        for item in items:
            mark = self._org.store.mark()
            try:
                results.append(one(item))
            except SalesforceError as refused:
                self._org.store.undo(mark)
                results.append({"success": False, "errors": refused.as_row_errors()})
        if all_or_none and not all(result["success"] for result in results):
            self._org.store.undo(start)
            results = [_rolled_back() if result["success"] else result for result in results]
        return Reply(200, results)


class _TreeTrouble(Exception):
    def __init__(self, name: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(name)
        self.name, self.errors = name, errors


def _rolled_back() -> Result:
    trouble = {
        "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "message": ROLLED_BACK_TEXT,
        "fields": [],
    }
    return {"success": False, "errors": [trouble]}


def _object_named(view: View, name: str) -> Seen:
    found = view.find(name)
    if found is None:
        raise not_found()
    return found


def _object_of(view: View, row_id: str) -> Seen | None:
    return next((seen for seen in view.objects.values() if seen.object.prefix == row_id[:3]), None)


def _typed(view: View, row: Mapping[str, Any]) -> Seen:
    name = _attributes(row).get("type")
    found = view.find(name) if isinstance(name, str) else None
    if found is None:
        raise refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def _take_id(seen: Seen, row: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The id of a row, spelled `Id` or `id`, and the rest of it."""
    given = next((value for name, value in row.items() if name.lower() == "id"), None)
    body = {name: value for name, value in row.items() if name.lower() != "id"}
    if given is None:
        return None, body
    row_id = long_id(given) if isinstance(given, str) else None
    if row_id is None:
        raise malformed_id(f"{seen.object.label} ID", given)
    return row_id, body


def _attributes(row: Any) -> Mapping[str, Any]:
    """The `attributes` of a row, first or last in it, or none."""
    found = row.get("attributes", {}) if isinstance(row, Mapping) else None
    if not isinstance(found, Mapping):
        raise json_error("records must be objects, and their attributes too")
    return found


def _records(body: Any) -> list[Mapping[str, Any]]:
    if body is NO_BODY or not isinstance(body, Mapping):
        raise json_error("The request body must be a JSON object")
    rows = body.get("records")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise json_error("records must be a list of objects")
    types = [_attributes(row).get("type") for row in rows]
    _check_count(rows)
    changes = sum(1 for before, after in pairwise(types) if before != after)
    if changes >= MOST_CHUNKS:
        text = f"Your request contains more than {MOST_CHUNKS} changes of type between records"
        raise refusal(400, "INVALID_INPUT", text)
    return rows


def _check_count(items: list[Any]) -> None:
    if not 0 < len(items) <= MOST_ROWS:
        text = f"The number of records must be between 1 and {MOST_ROWS}"
        raise refusal(400, "INVALID_INPUT", text)


def _all_or_none(body: Mapping[str, Any]) -> bool:
    return body.get("allOrNone") is True


def _rows(body: Mapping[str, Any]) -> list[Any]:
    rows = body.get("records")
    if not isinstance(rows, list):
        raise json_error("records must be a list of objects")
    return rows


def _split_children(seen: Seen, row: Any) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """The row's own fields, and its children by relationship name."""
    if not isinstance(row, Mapping):
        raise json_error("records must be a list of objects")
    own: dict[str, Any] = {}
    below: list[tuple[str, Any]] = []
    for name, value in row.items():
        nested = isinstance(value, Mapping) and "records" in value and name.lower() in seen.children
        if nested:
            below.append((name, value))
        else:
            own[name] = value
    return own, below
