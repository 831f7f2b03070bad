"""The refusals of Salesforce, in the vendor's words (reference section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from cosell.sandbox.frame import Answer

JSON = "application/json;charset=UTF-8"
NOT_FOUND_TEXT = "The requested resource does not exist"
HALTED_TEXT = "The transaction was rolled back since another operation in the same transaction failed."
ROLLED_BACK_TEXT = (
    "Record rolled back because not all records were valid and the request was using AllOrNone header"
)


class SalesforceError(Exception):
    """A refusal: the HTTP status and the entries of the error array."""

    def __init__(self, status: int, entries: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("; ".join(f"{e['errorCode']}: {e['message']}" for e in entries))
        self.status = status
        self.entries = [dict(entry) for entry in entries]

    @property
    def code(self) -> str:
        """The errorCode of the first entry."""
        return str(self.entries[0]["errorCode"])

    def as_row_errors(self) -> list[dict[str, Any]]:
        """The entries as collections and trees spell them: ``statusCode``, and always ``fields`` (trap 1)."""
        renamed = []
        for entry in self.entries:
            rest = {k: v for k, v in entry.items() if k != "errorCode"}
            renamed.append({"statusCode": entry["errorCode"], "fields": [], **rest})
        return renamed


def entry(code: str, message: str, fields: Sequence[str] | None = None) -> dict[str, Any]:
    """One element of an error array."""
    made: dict[str, Any] = {"message": message, "errorCode": code}
    if fields is not None:
        made["fields"] = list(fields)
    return made


def refusal(status: int, code: str, message: str, fields: Sequence[str] | None = None) -> SalesforceError:
    """A refusal with a single entry."""
    return SalesforceError(status, [entry(code, message, fields)])


def not_found(message: str = NOT_FOUND_TEXT) -> SalesforceError:
    return refusal(404, "NOT_FOUND", message)


def is_deleted() -> SalesforceError:
    return refusal(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def malformed_id(label: str, value: object, field: str = "Id") -> SalesforceError:
    return refusal(400, "MALFORMED_ID", f"{label}: id value of incorrect type: {value}", [field])


def json_error(message: str) -> SalesforceError:
    return refusal(400, "JSON_PARSER_ERROR", message)


def _answer(status: int, code: str, message: str, fields: Sequence[str] | None = None) -> Answer:
    return Answer(status, orjson.dumps([entry(code, message, fields)]), {"content-type": JSON})


def ready_answers() -> dict[str, Answer]:
    """Vendor answers by name, for injecting as faults."""
    unknown = "An unexpected error occurred. Please include this ErrorId if you contact support: 1047824829"
    lock = "unable to obtain exclusive access to this record or 1 records: 0065e00000AAAAA"
    return {
        "INVALID_SESSION_ID": _answer(401, "INVALID_SESSION_ID", "Session expired or invalid"),
        "SESSION_NOT_FOR_REST": _answer(
            401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"
        ),
        "REQUEST_LIMIT_EXCEEDED": _answer(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        "CONCURRENT_LIMIT_EXCEEDED": _answer(
            403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        ),
        "API_DISABLED_FOR_ORG": _answer(
            403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
        ),
        "API_CURRENTLY_DISABLED": _answer(
            403, "API_CURRENTLY_DISABLED", "API is currently disabled for this user."
        ),
        "INSUFFICIENT_ACCESS_OR_READONLY": _answer(
            403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", []
        ),
        "UNABLE_TO_LOCK_ROW": _answer(400, "UNABLE_TO_LOCK_ROW", lock, []),
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _answer(
            400,
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "ACME.OppTrigger: execution of AfterUpdate caused by: System.NullPointerException",
            [],
        ),
        "QUERY_TIMEOUT": _answer(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
        "INVALID_QUERY_LOCATOR": _answer(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
        "EXCEEDED_ID_LIMIT": _answer(400, "EXCEEDED_ID_LIMIT", "Too many ids, narrow the date range"),
        "INVALID_REPLICATION_DATE": _answer(
            400, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date"
        ),
        "UNKNOWN_EXCEPTION": _answer(500, "UNKNOWN_EXCEPTION", unknown),
        "SERVER_UNAVAILABLE": _answer(503, "SERVER_UNAVAILABLE", "server too busy"),
        "BAD_GATEWAY": Answer(502, b"<html><body>Bad Gateway</body></html>", {"content-type": "text/html"}),
        "NO_ROUTE": Answer(420, b"", {"content-type": "text/html"}),
    }
