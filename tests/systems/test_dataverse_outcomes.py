"""What each refusal of Dataverse means: dataverse-api.md 9 and 2.11."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.core.errors import (
    CosellError,
    Gone,
    Misconfigured,
    NotAllowed,
    Rejected,
    Retryable,
    SchemaDrift,
    SignedOut,
    Stale,
    Throttled,
    Twins,
    Unavailable,
    Uncertain,
)
from cosell.systems.dataverse.outcomes import LINK_EXPIRED, NO_TRACKING, error_of

ROWS: list[tuple[int, str, str, type[CosellError], str]] = [
    (404, "0x80040217", "account With Id = 0 Does Not Exist", Gone, "gone"),
    (404, "0x80060888", "Resource not found for the segment 'x'.", SchemaDrift, "schema_drift"),
    (400, "0x80060888", "Could not find a property named 'x' on type 'y'.", SchemaDrift, "schema_drift"),
    (404, "0x0", "Resource not found for the segment 'x'.", SchemaDrift, "schema_drift"),
    (400, "0x0", "Could not find a property named 'x' on type 'y'.", SchemaDrift, "schema_drift"),
    (400, "0x0", "Something else", Rejected, "refused"),
    (412, "0x80060882", "The version doesn't match", Stale, "stale"),
    (400, "0x80060883", "No version was provided", Stale, "stale"),
    (400, "0x8006088d", "Optimistic concurrency isn't enabled", SchemaDrift, "schema_drift"),
    (400, "0x80060890", "The key is not defined", SchemaDrift, "schema_drift"),
    (404, "0x80060891", "No row for the key", Gone, "gone"),
    (412, "0x80060892", "Entity Key violated", Rejected, "exists"),
    (400, "0x80060892", "Entity Key violated", Rejected, "exists"),
    (400, "0x8006089d", "More than one row", Twins, "twins"),
    (412, "0x80040237", "A record with matching key values already exists.", Rejected, "exists"),
    (500, "0x80040333", "A duplicate already exists", Rejected, "duplicates"),
    (412, "0x80040333", "A duplicate already exists", Rejected, "duplicates"),
    (403, "0x80040220", "is missing prvWriteOpportunity privilege", NotAllowed, "not_allowed"),
    (403, "0x80048306", "Access is denied", Rejected, "no_access"),
    (403, "0x80072560", "The user is not a member of the organization.", NotAllowed, "not_allowed"),
    (403, "0x80042f09", "has not been assigned any roles", NotAllowed, "not_allowed"),
    (403, "0x8004a110", "cannot act on behalf", NotAllowed, "not_allowed"),
    (400, "0x80044331", "The length of the 'subject' attribute of the 'task' entity", Rejected, "too_long"),
    (400, "0x8004431a", "A value is out of range", Rejected, "choice"),
    (400, "0x80044330", "A value is out of range", Rejected, "number"),
    (400, "0x8004432f", "A value is out of range", Rejected, "number"),
    (400, "0x80040317", "A value is out of range", Rejected, "number"),
    (400, "0x80040203", "Invalid argument", Rejected, "invalid"),
    (400, "0x80040200", "Required field missing", Rejected, "required"),
    (400, "0x80040265", "Ask the sales desk", Rejected, "automation"),
    (500, "0x80040224", "Unexpected exception from plug-in", Rejected, "automation"),
    (500, "0x80040216", "An unexpected error occurred.", Uncertain, "uncertain"),
    (400, "0x80040216", "An unexpected error occurred.", Rejected, "unexpected"),
    (400, "0x80040515", "The opportunity has already been closed.", Stale, "stale"),
    (400, "0x8004051a", "The opportunity is already open.", Stale, "stale"),
    (400, "0x80040516", "The opportunity cannot be closed.", Rejected, "state"),
    (400, "0x80043b15", "The opportunity id is missing", Rejected, "state"),
    (400, "0x80100005", "This message can not be used", Rejected, "state"),
    (400, "0x80048408", "7 is not a valid status code", Rejected, "state"),
    (400, "0x80040233", "The row is read-only", Rejected, "closed"),
    (400, "0x80048479", "The currency cannot be changed", Rejected, "currency"),
    (400, "0x80072491", "Entity isn't enabled for change tracking.", Misconfigured, NO_TRACKING),
    (400, "0x80044352", "Version stamp has expired.", Retryable, LINK_EXPIRED),
    (410, "0x80044352", "Version stamp has expired.", Retryable, LINK_EXPIRED),
    (410, "", "", Retryable, LINK_EXPIRED),
    (429, "0x80072321", "Combined execution time", Throttled, "throttled"),
    (429, "0x80072322", "Number of requests", Throttled, "throttled"),
    (429, "0x80072326", "Number of concurrent requests", Throttled, "throttled"),
    (429, "-2147015902", "Number of requests", Throttled, "throttled"),
    (400, "0x80047013", "The column exists", Rejected, "exists"),
    (400, "0x80060304", "The column exists", Rejected, "exists"),
    (400, "0x80060893", "The key exists", Rejected, "exists"),
    (400, "0x80060894", "The key exists", Rejected, "exists"),
    (400, "0x8004801d", "A dependency is missing", Rejected, "import"),
    (500, "0x80048033", "The import failed", Uncertain, "uncertain"),
    (400, "0x12345678", "of next year", Rejected, "rejected"),
]


def error(status: int, code: object, text: object = "", *, wait: str | None = None) -> CosellError:
    headers = {} if wait is None else {"retry-after": wait}
    return error_of(status, {"error": {"code": code, "message": text}}, headers, safe=False)


@pytest.mark.parametrize(("status", "code", "text", "kind", "says"), ROWS)
def test_each_row_says_who_has_to_act(
    status: int, code: str, text: str, kind: type[CosellError], says: str
) -> None:
    found = error(status, code, text)
    assert (type(found), found.code) == (kind, says)
    assert found.message
    assert found.message.isprintable()
    assert str(status) in found.detail


@pytest.mark.parametrize(
    ("status", "safe", "kind"),
    [
        (401, True, SignedOut),
        (403, True, NotAllowed),
        (404, True, Gone),
        (405, True, Rejected),
        (408, True, Unavailable),
        (408, False, Uncertain),
        (412, False, Stale),
        (413, False, Rejected),
        (429, False, Throttled),
        (500, True, Unavailable),
        (500, False, Uncertain),
        (501, False, Rejected),
        (502, False, Uncertain),
        (503, False, Uncertain),
        (504, True, Unavailable),
    ],
)
def test_a_status_without_a_readable_body_says_it_too(
    status: int, safe: bool, kind: type[CosellError]
) -> None:
    """A write the gateway lost track of stays unknown (INV-10)."""
    bodies: list[Any] = [None, "<html>", [], {}, {"error": "x"}, {"error": {"code": 7, "message": []}}]
    for body in bodies:
        assert type(error_of(status, body, {}, safe=safe)) is kind


@pytest.mark.parametrize("code", ["", "0x80040237", "0x80060892"])
def test_a_create_only_write_that_finds_the_row_says_it_exists(code: str) -> None:
    """dataverse-api.md 2.7: the 412 of `If-None-Match: *` may come without any code."""
    body = {"error": {"code": code, "message": "A record with matching key values already exists."}}
    found = error_of(412, body, {}, safe=False, creating=True)
    assert (type(found), found.code) == (Rejected, "exists")


def test_a_throttled_call_says_for_how_long() -> None:
    """2.11: Retry-After is obeyed always."""
    found = error(429, "0x80072321", wait="37")
    assert isinstance(found, Throttled)
    assert found.retry_after == 37
    for nonsense in ("", "soon", "-1", "9" * 20):
        odd = error(429, "0x80072321", wait=nonsense)
        assert isinstance(odd, Throttled)
        assert odd.retry_after is None


def test_drift_names_the_column_or_the_table() -> None:
    column = error(400, "0x80060888", "Could not find a property named 'csl_x' on type 'Microsoft.y'.")
    table = error(404, "0x80060888", "Resource not found for the segment 'csl_tables'.")
    assert isinstance(column, SchemaDrift)
    assert isinstance(table, SchemaDrift)
    assert (column.fields, table.fields) == (("csl_x",), ("csl_tables",))
    assert "csl_x" in column.message


def test_a_missing_privilege_is_named() -> None:
    text = "Principal user (Id=0, type=8) is missing prvAppendToAccount privilege (Id=1)"
    assert "prvAppendToAccount" in error(403, "0x80040220", text).message
    assert "it needs" in error(403, "0x80040220", "no").message


def test_a_value_that_is_refused_names_its_column() -> None:
    text = "The length of the 'description' attribute of the 'opportunity' entity exceeded the maximum"
    found = error(400, "0x80044331", text)
    assert isinstance(found, Rejected)
    assert found.fields == ("description",)


def test_the_admins_own_words_reach_the_seller_in_one_clean_line() -> None:
    found = error(400, "0x80040265", "Ask Finance\r\n\x1b[31m before closing" + "x" * 2000)
    assert "Ask Finance" in found.message
    assert found.message.isprintable()
    assert len(found.message) < 500


def test_the_better_text_of_an_inner_error_is_taken_where_there_is_no_other() -> None:
    """2.10."""
    body = {"error": {"code": "0x80040265", "message": "", "innererror": {"message": "Ask Finance"}}}
    assert "Ask Finance" in error_of(400, body, {}, safe=False).message


def test_what_somebody_typed_is_quoted_in_no_detail() -> None:
    """INV-13: texts may repeat values."""
    for status, code, *_ in ROWS:
        assert "anna@contoso" not in error(status, code, "anna@contoso.example").detail


def test_a_code_is_read_whatever_its_spelling() -> None:
    for code in ("0x80060882", "0X80060882", " 0x80060882 ", "-2147088254"):
        assert isinstance(error(400, code), Stale)
