"""What each refusal of Salesforce means: salesforce-api.md 3."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.core.errors import (
    CosellError,
    Gone,
    NotAllowed,
    Rejected,
    Retryable,
    SchemaDrift,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.systems.salesforce.outcomes import error_of, matches_of, refusals

TABLE: list[tuple[int, str, str, type[CosellError]]] = [
    (401, "INVALID_SESSION_ID", "Session expired or invalid", SignedOut),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Throttled),
    (403, "API_DISABLED_FOR_ORG", "", NotAllowed),
    (403, "API_CURRENTLY_DISABLED", "", NotAllowed),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", Rejected),
    (400, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", Rejected),
    (404, "NOT_FOUND", "The requested resource does not exist", Gone),
    (404, "ENTITY_IS_DELETED", "entity is deleted", Gone),
    (400, "ENTITY_IS_DELETED", "entity is deleted", Gone),
    (400, "INVALID_TYPE", "sObject type 'XYZZY' is not supported.", SchemaDrift),
    (400, "INVALID_FIELD", "No such column 'ApiName' on entity 'X'.", SchemaDrift),
    (400, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Name.", SchemaDrift),
    (400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", Rejected),
    (400, "STRING_TOO_LONG", "Account Name: data value too large", Rejected),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value", Rejected),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Closing needs an amount", Rejected),
    (400, "FIELD_INTEGRITY_EXCEPTION", "There's a problem with this country", Rejected),
    (400, "DUPLICATE_VALUE", "duplicate value found", Rejected),
    (400, "DUPLICATES_DETECTED", "Use one of these records?", Rejected),
    (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Retryable),
    (400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", Rejected),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Trigger: execution of AfterUpdate", Rejected),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "caused by: UNABLE_TO_LOCK_ROW", Retryable),
    (400, "INVALID_EMAIL_ADDRESS", "invalid email address: x", Rejected),
    (400, "QUERY_TIMEOUT", "", Retryable),
    (400, "INVALID_QUERY_LOCATOR", "", Retryable),
    (503, "SERVER_UNAVAILABLE", "server too busy", Unavailable),
    (400, "SOMETHING_NEW", "of next year", Rejected),
]


@pytest.mark.parametrize(("status", "code", "text", "kind"), TABLE)
def test_each_code_says_who_has_to_act(status: int, code: str, text: str, kind: type[CosellError]) -> None:
    error = error_of(status, [{"errorCode": code, "message": text}], safe=False)
    assert type(error) is kind
    assert len(error.message) > 10
    assert code in error.detail


@pytest.mark.parametrize(
    ("status", "safe", "kind"),
    [
        (412, False, Stale),
        (500, True, Unavailable),
        (500, False, Uncertain),
        (502, False, Uncertain),
        (503, False, Unavailable),
        (420, False, Unavailable),
        (410, True, SchemaDrift),
        (404, True, Gone),
        (403, True, NotAllowed),
        (414, True, Rejected),
    ],
)
def test_a_status_without_a_readable_body_says_it_too(
    status: int, safe: bool, kind: type[CosellError]
) -> None:
    """A write the edge lost track of stays unknown (INV-10)."""
    bodies: list[Any] = [None, "<html>", [], [None], [1], {}]
    for body in bodies:
        assert type(error_of(status, body, safe=safe)) is kind


def test_a_429_waits_as_long_as_it_is_asked() -> None:
    """Salesforce itself throttles with 403; a gateway before it speaks plain HTTP."""
    for asked in (None, 7.0):
        error = error_of(429, None, safe=False, retry_after=asked)
        assert isinstance(error, Throttled)
        assert error.retry_after == asked


def test_the_admins_own_words_reach_the_seller_and_the_fields_are_named() -> None:
    body = [
        {
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "Ask Finance before closing\r\n\x1b[31mred",
            "fields": ["StageName"],
        }
    ]
    error = error_of(400, body, safe=False)
    assert isinstance(error, Rejected)
    assert "Ask Finance before closing" in error.message
    assert error.message.isprintable()
    assert error.fields == ("StageName",)


def test_drift_names_the_column_or_object() -> None:
    column = error_of(400, [{"errorCode": "INVALID_FIELD", "message": "No such column 'A__c' on"}], safe=True)
    sobject = error_of(400, [{"errorCode": "INVALID_TYPE", "message": "sObject type 'B__c' is"}], safe=True)
    assert isinstance(column, SchemaDrift)
    assert isinstance(sobject, SchemaDrift)
    assert (column.fields, sobject.fields) == (("A__c",), ("B__c",))


def test_of_several_entries_the_cause_counts_and_not_what_it_halted() -> None:
    """Trap 2."""
    halted = {"errorCode": "PROCESSING_HALTED", "message": "rolled back"}
    cause = {"errorCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}
    assert isinstance(error_of(400, [halted, cause], safe=False), Retryable)


@pytest.mark.parametrize("key", ["duplicateResut", "duplicateResult"])
def test_both_spellings_of_a_duplicate_answer_are_read(key: str) -> None:
    """salesforce-api.md 3: the captures misspell the key."""
    match = {"matchRecords": [{"record": {"Id": "0038M0000016Wv8QAE"}}]}
    result = {"allowSave": False, "duplicateRule": "Standard_Contact_Duplicate_Rule", "matchResults": [match]}
    entry = {"errorCode": "DUPLICATES_DETECTED", "message": "m", key: result}
    error = error_of(400, [entry], safe=False)
    assert "Standard_Contact_Duplicate_Rule" in error.message
    assert "0038M0000016Wv8QAE" in error.detail
    assert matches_of(refusals([entry])[0]) == ("0038M0000016Wv8QAE",)


@pytest.mark.parametrize(
    "result", [None, [], "x", {"matchResults": "x"}, {"matchResults": [None, {"matchRecords": 1}]}]
)
def test_a_mangled_duplicate_answer_is_still_a_refusal(result: object) -> None:
    entry = {"errorCode": "DUPLICATES_DETECTED", "message": "m", "duplicateResult": result}
    assert isinstance(error_of(400, [entry], safe=False), Rejected)


def test_what_somebody_typed_is_quoted_in_no_detail() -> None:
    """INV-13: the texts of these refusals repeat the value."""
    for code in ("INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG"):
        body = [{"errorCode": code, "message": "Email: anna@private.example", "fields": ["Email"]}]
        error = error_of(400, body, safe=False)
        assert "anna" not in error.message + error.detail
        assert "Email" in error.message
