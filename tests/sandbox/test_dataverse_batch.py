"""`$batch` in the dialects of public clients, with change sets that happen whole or not (2.8)."""

from __future__ import annotations

from typing import Any

import pytest

from .batches import BOUNDARY, END, answers, change_set, document, part, post, send
from .dynamics import DEAL, NOWHERE, Dynamics

RELATED = "opportunities({})/parentaccountid"


@pytest.mark.parametrize("form", ["absolute", "rooted", "relative", "rooted without a slash"])
async def test_a_request_line_may_be_absolute_rooted_or_relative(dynamics: Dynamics, form: str) -> None:
    root = {
        "absolute": f"{dynamics.root}/",
        "rooted": "/api/data/v9.2/",
        "relative": "",
        "rooted without a slash": "api/data/v9.2/",
    }[form]
    made, listed = answers(
        await send(
            dynamics, part(f"POST {root}opportunities", DEAL), part(f"GET {root}opportunities?$select=name")
        )
    )
    assert made.status == 204
    assert made.headers["location"] == made.headers["odata-entityid"]
    assert [row["name"] for row in listed.json["value"]] == [DEAL["name"]]
    assert listed.headers["content-type"] == "application/json; odata.metadata=minimal; odata.streaming=true"


@pytest.mark.parametrize(
    "content_type",
    [
        f'multipart/mixed; boundary="{BOUNDARY}"',
        f"multipart/mixed; boundary={BOUNDARY}",
        f"multipart/mixed;boundary={BOUNDARY}",
        f'Multipart/Mixed;Boundary="{BOUNDARY}"; charset=utf-8',
    ],
)
async def test_a_boundary_may_be_quoted_and_spaced_as_clients_like(
    dynamics: Dynamics, content_type: str
) -> None:
    body = document([part("GET WhoAmI")])
    (reply,) = answers(await post(dynamics, body, content_type=content_type))
    assert reply.json["UserId"] == dynamics.org.user_id


async def test_a_read_may_end_with_its_headers_as_microsofts_python_client_writes_it(
    dynamics: Dynamics,
) -> None:
    """One blank line between the headers and the boundary, and no more."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", ""]
    lines += ["GET /api/data/v9.2/WhoAmI HTTP/1.1", "Accept: application/json", ""]
    (reply,) = answers(await send(dynamics, END.join(lines)))
    assert reply.status == 200
    without = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET WhoAmI HTTP/1.1"
    refused = await send(dynamics, without)
    assert refused.refusal == (400, "0x80048d19")


async def test_lines_end_in_carriage_return_and_line_feed_unless_told_otherwise(dynamics: Dynamics) -> None:
    body = document([part("GET WhoAmI", end="\n")], end="\n")
    assert (await post(dynamics, body)).refusal == (400, "0x80048d19")
    dynamics.org.settings.batch_takes_lf = True
    assert [one.status for one in answers(await post(dynamics, body))] == [200]
    body = document([change_set(part("POST accounts", {"name": "A"}, content_id="1"))])
    assert [one.status for one in answers(await post(dynamics, body))] == [204]


@pytest.mark.parametrize(("quoted", "space"), [(True, True), (False, True), (False, False), (True, False)])
async def test_a_change_set_answers_each_operation_under_its_content_id(
    dynamics: Dynamics, quoted: bool, space: bool
) -> None:
    sets = change_set(
        part("POST accounts", {"name": "One"}, content_id="7"),
        part("POST accounts", {"name": "Two"}, content_id="8"),
        quoted=quoted,
        space=space,
    )
    one, two, listed = answers(await send(dynamics, sets, part("GET accounts?$select=name&$orderby=name")))
    assert [(one.status, one.content_id), (two.status, two.content_id)] == [(204, "7"), (204, "8")]
    assert [row["name"] for row in listed.json["value"]] == ["One", "Two"]


async def test_a_reference_stands_for_the_row_of_an_earlier_operation(dynamics: Dynamics) -> None:
    """In the address, in a bind and in @odata.id."""
    found = answers(
        await send(
            dynamics,
            change_set(
                part("POST accounts", {"name": "Contoso"}, content_id="1"),
                part("POST contacts", {"lastname": "Ng"}, content_id="2"),
                part(
                    "POST opportunities",
                    {**DEAL, "customerid_account@odata.bind": "$1"},
                    content_id="3",
                ),
                part("PATCH $3", {"parentcontactid@odata.bind": "$2"}, content_id="4"),
                part("PUT $3/name", {"value": "Renamed"}, content_id="5"),
                part("PUT $3/parentaccountid/$ref", {"@odata.id": "$1"}, content_id="6"),
            ),
        )
    )
    assert [one.status for one in found] == [204] * 6
    row = await dynamics.row(f"opportunities({found[2].row_id})")
    assert row["name"] == "Renamed"
    assert row["_customerid_value"] == row["_parentaccountid_value"] == found[0].row_id
    assert row["_parentcontactid_value"] == found[1].row_id


async def test_a_reference_works_too_when_the_row_itself_was_asked_for(dynamics: Dynamics) -> None:
    """return=representation brings no OData-EntityId (2.5)."""
    wants = ["Prefer: return=representation"]
    sets = change_set(
        part("POST accounts?$select=name", {"name": "Contoso"}, content_id="1", headers=wants),
        part("POST opportunities", {**DEAL, "customerid_account@odata.bind": "$1"}, content_id="2"),
    )
    made, deal = answers(await send(dynamics, sets))
    assert made.status == 201
    row = await dynamics.row(f"opportunities({deal.row_id})")
    assert row["_customerid_value"] == made.json["accountid"]


@pytest.mark.parametrize(
    "operation",
    [
        part("POST opportunities", {**DEAL, "customerid_account@odata.bind": "$9"}, content_id="2"),
        part("PATCH $9", {"name": "x"}, content_id="2"),
    ],
)
async def test_an_undeclared_reference_is_named_in_the_refusal(dynamics: Dynamics, operation: str) -> None:
    sets = change_set(part("POST accounts", {"name": "Contoso"}, content_id="1"), operation)
    reply = await send(dynamics, sets)
    (failed,) = answers(reply)
    assert (reply.status, failed.status) == (400, 400)
    text = "Content-ID Reference: '$9' does not exist in the batch context."
    assert failed.json["error"]["message"] == text
    assert (await dynamics.get("accounts")).rows == []


async def test_a_failed_change_set_leaves_nothing_and_is_one_part(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    sets = change_set(
        part("POST accounts", {"name": "Contoso"}, content_id="1"),
        part(f"PATCH opportunities({deal})", {"name": "Changed"}, content_id="2", headers=["If-Match: *"]),
        part(f"PATCH opportunities({NOWHERE})", {"name": "x"}, content_id="3", headers=["If-Match: *"]),
    )
    reply = await send(dynamics, sets)
    (failed,) = answers(reply)
    assert (reply.status, failed.status, failed.code) == (400, 404, "0x80040217")
    assert failed.headers["req_id"]
    assert (await dynamics.get("accounts")).rows == []
    assert (await dynamics.row(f"opportunities({deal})"))["name"] == DEAL["name"]


async def test_the_first_failure_ends_a_batch_and_what_came_before_it_stays(dynamics: Dynamics) -> None:
    long = {"name": "x" * 301}
    parts = [part("POST accounts", {"name": "A"}), part("POST opportunities", long)]
    parts.append(part("POST accounts", {"name": "B"}))
    reply = await send(dynamics, *parts)
    (failed,) = answers(reply)
    assert (reply.status, failed.status, failed.code) == (400, 400, "0x80044331")
    assert [row["name"] for row in (await dynamics.get("accounts")).rows] == ["A"]


async def test_with_continue_on_error_every_part_has_its_own_status(dynamics: Dynamics) -> None:
    parts = [part("POST accounts", {"name": "A"}), part(f"GET accounts({NOWHERE})")]
    parts.append(change_set(part("DELETE accounts(nonsense)", content_id="1")))
    parts.append(part("POST accounts", {"name": "B"}))
    reply = await send(dynamics, *parts, go_on=True)
    assert (reply.status, reply.headers["Preference-Applied"]) == (200, "odata.continue-on-error")
    assert [one.status for one in answers(reply)] == [204, 404, 400, 204]
    assert len((await dynamics.get("accounts")).rows) == 2


async def test_the_status_of_a_failed_batch_can_be_that_of_the_failure(dynamics: Dynamics) -> None:
    dynamics.org.settings.batch_tells_status_of_failure = True
    assert (await send(dynamics, part(f"GET accounts({NOWHERE})"))).status == 404


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("nonsense", f"multipart/mixed; boundary={BOUNDARY}"),
        (document([part("GET WhoAmI")]), "multipart/mixed"),
        (document([part("GET WhoAmI")]), "application/json"),
        (document([part("GET WhoAmI")])[:-4], f"multipart/mixed; boundary={BOUNDARY}"),
        (document(["Content-Type: application/http\r\n\r\nGET WhoAmI HTTP/1.1\r\n"]), None),
        (document(["Content-Type: text/plain\r\n\r\nGET WhoAmI HTTP/1.1\r\n"]), None),
        (document([part("HELLO")]), None),
        (document([change_set(part("GET accounts", content_id="1"))]), None),
        (document([change_set(part("POST accounts", {"name": "A"}))]), None),
        (
            document([change_set(*[part("POST accounts", {"name": "A"}, content_id="1")] * 2)]),
            None,
        ),
        (document([change_set(change_set(part("POST accounts", {}, content_id="1"), boundary="in"))]), None),
        (document([part("POST accounts", {"name": "A"})] + [part("GET WhoAmI")] * 1000), None),
    ],
)
async def test_a_malformed_batch_is_refused_in_plain_json_before_any_of_it_is_done(
    dynamics: Dynamics, body: str, content_type: str | None
) -> None:
    kind: dict[str, Any] = {"content_type": content_type} if content_type else {}
    reply = await post(dynamics, body, **kind)
    assert reply.status == 400
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.message
    assert (await dynamics.get("accounts")).rows == []


async def test_a_thousand_operations_are_taken(dynamics: Dynamics) -> None:
    reply = await send(dynamics, *[part("GET WhoAmI")] * 1000)
    assert {one.status for one in answers(reply)} == {200}


async def test_a_batch_holds_no_batch_and_nothing_of_another_service(dynamics: Dynamics) -> None:
    inner = part("POST $batch", {"x": 1})
    astray = part("GET https://elsewhere.example/api/data/v9.2/WhoAmI")
    outside = part("GET /api/other")
    found = answers(await send(dynamics, inner, astray, outside, go_on=True))
    assert [one.status for one in found] == [400, 400, 400]


async def test_each_operation_may_act_for_another_user(dynamics: Dynamics) -> None:
    """2.1: impersonation by header; the others act for themselves."""
    seller = next(row for row in dynamics.org.as_seller.rows("systemuser") if row["lastname"] == "Castro")
    acting = [f"MSCRMCallerID: {seller['systemuserid']}"]
    one = part("POST accounts", {"name": "A"}, headers=acting)
    for_seller, for_itself = answers(await send(dynamics, one, part("POST accounts", {"name": "B"})))
    row = await dynamics.row(f"accounts({for_seller.row_id})")
    assert row["_createdby_value"] == seller["systemuserid"]
    assert row["_createdonbehalfby_value"] == dynamics.org.user_id
    assert (await dynamics.row(f"accounts({for_itself.row_id})"))["_createdby_value"] == dynamics.org.user_id
    dynamics.org.settings.may_impersonate = False
    (refused,) = answers(await send(dynamics, one))
    assert (refused.status, refused.code) == (403, "0x8004a110")


async def test_a_batch_is_posted_and_nothing_else(dynamics: Dynamics) -> None:
    assert (await dynamics.call("GET", "$batch")).status == 405
