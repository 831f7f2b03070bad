"""What every answer means: one row a test (partner-center-api.md 2.8)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.core.errors import (
    CosellError,
    Gone,
    Misconfigured,
    NotAllowed,
    Rejected,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.http import Reply
from cosell.systems.partner_center.outcomes import Act, complaint, error, field_of
from tests.sandbox.microsoft import example

READ, LIST, CREATE, CHANGE = Act.READ, Act.LIST, Act.CREATE, Act.CHANGE


def outcome(status: int, act: Act, body: bytes = b"", **headers: str) -> CosellError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error(Reply(status, named, body, act in (READ, LIST), "Partner Center"), act)


@pytest.mark.parametrize(
    ("status", "read", "listed", "create", "change"),
    [
        (301, Unavailable, Unavailable, Uncertain, Uncertain),
        (302, Unavailable, Unavailable, Uncertain, Uncertain),
        (400, Rejected, Rejected, Rejected, Rejected),
        (401, SignedOut, SignedOut, SignedOut, SignedOut),
        (403, Gone, NotAllowed, NotAllowed, Rejected),
        (404, Gone, Misconfigured, Misconfigured, Gone),
        (405, Rejected, Rejected, Rejected, Rejected),
        (406, Rejected, Rejected, Rejected, Rejected),
        (408, Unavailable, Unavailable, Uncertain, Uncertain),
        (409, Stale, Stale, Stale, Stale),
        (410, Gone, Misconfigured, Misconfigured, Gone),
        (411, Rejected, Rejected, Rejected, Rejected),
        (412, Stale, Stale, Stale, Stale),
        (413, Rejected, Rejected, Rejected, Rejected),
        (415, Rejected, Rejected, Rejected, Rejected),
        (416, Rejected, Rejected, Rejected, Rejected),
        (422, Rejected, Rejected, Rejected, Rejected),
        (423, Unavailable, Unavailable, Unavailable, Unavailable),
        (429, Throttled, Throttled, Throttled, Throttled),
        (500, Unavailable, Unavailable, Uncertain, Uncertain),
        (501, Rejected, Rejected, Rejected, Rejected),
        (502, Unavailable, Unavailable, Uncertain, Uncertain),
        (503, Unavailable, Unavailable, Uncertain, Uncertain),
        (504, Unavailable, Unavailable, Uncertain, Uncertain),
        (507, Rejected, Rejected, Rejected, Rejected),
        (509, Throttled, Throttled, Throttled, Throttled),
        (599, Unavailable, Unavailable, Uncertain, Uncertain),
    ],
)
def test_each_status_has_one_meaning_for_each_act(
    status: int,
    read: type[CosellError],
    listed: type[CosellError],
    create: type[CosellError],
    change: type[CosellError],
) -> None:
    found = {act: type(outcome(status, act)) for act in (READ, LIST, CREATE, CHANGE)}
    assert found == {READ: read, LIST: listed, CREATE: create, CHANGE: change}


def test_a_busy_service_that_names_a_time_surely_did_nothing() -> None:
    for act in (READ, CREATE, CHANGE):
        found = outcome(503, act, retry_after="7")
        assert isinstance(found, Throttled)
        assert found.retry_after == 7.0


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        (b"", {"retry_after": "57"}, 57.0),
        (b"", {}, None),
        (b"", {"retry_after": "tomorrow"}, None),
        (b'{"statusCode":429,"message":"Rate limit is exceeded. Try again in 57 seconds."}', {}, 57.0),
        (b'{"statusCode":429,"message":"Slow down."}', {}, None),
        (b"<html>", {}, None),
    ],
)
def test_the_time_to_wait_is_read_from_header_or_gateway_body(
    body: bytes, headers: dict[str, str], seconds: float | None
) -> None:
    """Partner-center-api.md 2.8."""
    found = outcome(429, READ, body, **headers)
    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


def test_missing_multi_factor_authentication_is_said_as_such() -> None:
    """Partner-center-api.md 1.2: code 900421."""
    found = outcome(401, LIST, b'{"error":{"code":"900421","message":"MFA"}}')
    assert isinstance(found, SignedOut)
    assert found.code == "mfa_required"
    assert "multi-factor" in found.message


def test_conditional_access_wants_a_new_sign_in() -> None:
    """Partner-center-api.md 1.2."""
    for act in (READ, LIST, CREATE, CHANGE):
        assert isinstance(outcome(403, act, b'{"error":{"code":"insufficient_claims"}}'), SignedOut)
        assert isinstance(outcome(403, act, www_authenticate='Bearer error="insufficient_claims"'), SignedOut)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("example-error-400", 400, Rejected),
        ("example-error-412", 412, Stale),
        ("example-error-429-gateway", 429, Throttled),
        ("example-error-403", 403, NotAllowed),
    ],
)
def test_the_documented_bodies_are_understood(name: str, status: int, kind: type[CosellError]) -> None:
    import orjson

    found = outcome(status, LIST, orjson.dumps(example(name)))
    assert isinstance(found, kind)
    assert f"status {status}" in found.detail


def test_a_refusal_names_the_field_by_the_name_people_know() -> None:
    found = outcome(
        400,
        CREATE,
        b'{"error":{"code":"invalidRequest","message":"no","target":"customerProfile.address.country"}}',
    )
    assert isinstance(found, Rejected)
    assert found.fields == ("country",)
    assert "country" in found.message


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("details.dealValue", "deal_value"),
        ("/details/dealValue", "deal_value"),
        ("$.Details.DealValue", "deal_value"),
        ("details.requirements.solutions[0].id", "solutions"),
        ("/team/0/email", "team"),
        ("customerProfile.team", "contacts"),
        ("substatus", "state"),
        ("registrations", "registrations"),
        ("ETag", "ETag"),
        ("", ""),
    ],
)
def test_wire_paths_are_matched_to_fields_however_they_are_spelled(target: str, field: str) -> None:
    assert field_of(target) == field


def test_the_deepest_code_is_kept_for_the_operator() -> None:
    """Partner-center-api.md 2.8: innerError can nest."""
    inner: dict[str, Any] = {"code": "99918", "message": "x"}
    for level in range(3):
        inner = {"code": f"level{level}", "innerError": inner}
    found = complaint({"error": {"code": "invalidRequest", "innerError": inner}})
    assert (found.code, found.inner) == ("invalidRequest", "99918")


def test_what_a_refusal_quotes_of_a_person_does_not_reach_the_log() -> None:
    """INV-13."""
    body = b'{"error":{"code":"x","message":"The member ines.vos@fabrikam.example, +31 10 555 0100 is bad"}}'
    found = outcome(400, CHANGE, body)
    assert "ines" not in found.detail
    assert "555" not in found.detail
    assert "is bad" in found.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b"[" * 5000,
        b'"text"',
        b'{"error":[]}',
        b'{"error":"invalid"}',
        b'{"error":{"code":5,"message":[],"target":{},"innerError":[]}}',
        b'{"error":{"innerError":{"innerError":{"innerError":null}}}}',
        b"\xff\xfe\x00",
        b'{"error":{"code":"' + b"x" * 100_000 + b'"}}',
    ],
)
def test_a_refusal_with_any_body_at_all_is_still_a_refusal(body: bytes) -> None:
    """Reliability.md 8.2: error body as array, HTML."""
    found = outcome(400, CHANGE, body)
    assert isinstance(found, Rejected)
    assert len(found.message) < 300
