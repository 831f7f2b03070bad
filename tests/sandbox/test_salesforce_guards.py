"""Conditional requests to the Salesforce sandbox (salesforce-api.md 6.4)."""

from __future__ import annotations

from typing import Any

import pytest

from .sales import DEAL, EXTERNAL, Sales, part, statuses


async def test_a_stale_write_is_refused_and_nothing_is_written(sales: Sales) -> None:
    """The guarded write: the instant read with the row goes into If-Unmodified-Since."""
    row_id = await sales.deal()
    path, read_at = f"/sobjects/Opportunity/{row_id}", sales.http_date()
    sales.frame.clock.advance(1)
    sales.org.as_seller.update("Opportunity", row_id, {"Amount": 10})
    guard = {"If-Unmodified-Since": read_at}
    refused = await sales.call("PATCH", path, {"Amount": 99}, headers=guard)
    assert refused.status == 412
    assert isinstance(refused.json, list)
    assert (await sales.get("Opportunity", row_id))["Amount"] == 10.0
    fresh = {"If-Unmodified-Since": sales.http_date()}
    assert (await sales.call("PATCH", path, {"Amount": 99}, headers=fresh)).status == 204


async def test_a_read_is_conditional_too(sales: Sales) -> None:
    row_id = await sales.deal()
    path, written = f"/sobjects/Opportunity/{row_id}", sales.http_date()
    earlier = sales.http_date(-1)

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await sales.call("GET", path, headers=named)).status

    assert await status(If_Modified_Since=written) == 304
    assert await status(If_Modified_Since=earlier) == 200
    assert await status(If_Unmodified_Since=written) == 200
    assert await status(If_Unmodified_Since=earlier) == 412
    assert await status(If_Modified_Since="last week") == 200
    assert (await sales.call("GET", path)).headers["Last-Modified"] == written


async def test_the_etag_of_an_account_guards_reads_and_writes(sales: Sales) -> None:
    """ETag and If-Match: Account alone; a gzipped answer's suffix counts as the same tag."""
    path = f"/sobjects/Account/{await sales.create('Account', Name='Contoso')}"
    tag = (await sales.call("GET", path)).headers["ETag"]
    assert tag[0] == tag[-1] == '"'
    for same in (tag, f"W/{tag}", f'{tag[:-1]}-gzip"', f'{tag[:-1]}--gzip"', f'"x", {tag}', "*"):
        assert (await sales.call("GET", path, headers={"If-None-Match": same})).status == 304
        assert (await sales.call("GET", path, headers={"If-Match": same})).status == 200
        refused = await sales.call("PATCH", path, {"Site": "x"}, headers={"If-None-Match": same})
        assert refused.status == 412
    assert (await sales.call("PATCH", path, {"Site": "HQ"}, headers={"If-Match": tag})).status == 204
    assert (await sales.call("PATCH", path, {"Site": "No"}, headers={"If-Match": tag})).status == 412
    assert (await sales.call("GET", path, headers={"If-Match": tag})).status == 412


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("If-Unmodified-Since", "2026-11-20T09:15:00Z"),
        ("If-Unmodified-Since", "Fri, 99 Nov 2026 09:15:00 GMT"),
        ("If-Unmodified-Since", "Fri, 20 Nov 2026 09:15:00 +0100"),
        ("If-Match", "no quotes"),
    ],
)
async def test_an_invalid_condition_on_a_write_is_400(sales: Sales, header: str, value: str) -> None:
    path = f"/sobjects/Account/{await sales.create('Account', Name='Contoso')}"
    assert (await sales.call("PATCH", path, {"Site": "x"}, headers={header: value})).status == 400
    assert await sales.call("GET", path)


async def test_conditions_do_not_hold_for_delete(sales: Sales) -> None:
    """6.4: DELETE is not supported, so the row is gone."""
    row_id = await sales.deal()
    stale = {"If-Unmodified-Since": sales.http_date(-60)}
    assert (await sales.call("DELETE", f"/sobjects/Opportunity/{row_id}", headers=stale)).status == 204


async def test_a_stale_part_takes_its_composite_back(sales: Sales) -> None:
    """7.1: the condition stands in the httpHeaders of the subrequest."""
    stale, fresh = await sales.deal(Name="Stale"), await sales.deal(Name="Fresh")
    read_at = sales.http_date()
    sales.frame.clock.advance(2)
    sales.org.as_seller.update("Opportunity", stale, {"Amount": 10})
    parts = [
        part("a", "PATCH", f"/sobjects/Opportunity/{fresh}", {"Amount": 1}, If_Unmodified_Since=read_at),
        part("b", "PATCH", f"/sobjects/Opportunity/{stale}", {"Amount": 1}, if_unmodified_since=read_at),
    ]
    answers = await sales.composite(*parts, allOrNone=True)
    assert statuses(answers) == [400, 412]
    assert answers[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert (await sales.get("Opportunity", fresh))["Amount"] is None
    answers = await sales.composite(*parts, allOrNone=False)
    assert statuses(answers) == [204, 412]
    assert answers[0]["body"] is None


@pytest.mark.parametrize("honoured", [False, True])
async def test_upsert_looks_at_conditions_only_where_switched_on(sales: Sales, honoured: bool) -> None:
    """Unknown of the vendor (section 17); the default is the trap."""
    sales.org.settings.upsert_honours_conditions = honoured
    await sales.deal(Referral_Identifier__c="ref")
    stale = {"If-Unmodified-Since": sales.http_date(-60)}
    reply = await sales.call("PATCH", f"{EXTERNAL}/ref", {"Amount": 1}, headers=stale)
    assert reply.status == (412 if honoured else 200)


async def test_update_only_forbids_the_create(sales: Sales) -> None:
    """6.3; the status of a miss is unknown and a switch."""
    path, body = f"{EXTERNAL}/ref?updateOnly=true", DEAL
    assert (await sales.call("PATCH", path, body)).status == 404
    sales.org.settings.update_only_miss_status = 400
    assert (await sales.call("PATCH", path, body)).status == 400
    await sales.deal(Referral_Identifier__c="ref")
    assert (await sales.call("PATCH", path, {"Amount": 1})).status == 200


async def test_a_description_is_sent_once_until_the_schema_changes(sales: Sales) -> None:
    """Section 4: If-Modified-Since, 304 with an empty body; permission changes count."""
    for path in ("/sobjects", "/sobjects/Opportunity/describe"):
        first = await sales.call("GET", path)
        since = {"If-Modified-Since": first.headers["Last-Modified"]}
        again = await sales.call("GET", path, headers=since)
        assert (again.status, again.raw) == (304, b"")
        sales.frame.clock.advance(5)
        sales.org.settings.hidden_fields = frozenset({f"Opportunity.Amount{len(path)}"})
        changed = await sales.call("GET", path, headers=since)
        assert changed.status == 200
    [answer] = await sales.composite(
        part("d", "GET", "/sobjects/Opportunity/describe", If_Modified_Since=sales.http_date(60))
    )
    assert (answer["httpStatusCode"], answer["body"]) == (304, None)
    assert "Last-Modified" in answer["httpHeaders"]


async def test_writes_move_the_stamps_even_without_a_difference(sales: Sales) -> None:
    row_id = await sales.deal(Amount=1)
    before: dict[str, Any] = await sales.get("Opportunity", row_id)
    sales.frame.clock.advance(3)
    await sales.patch("Opportunity", row_id, Amount=1)
    after = await sales.get("Opportunity", row_id)
    assert after["SystemModstamp"] == after["LastModifiedDate"] > before["SystemModstamp"]
    assert after["CreatedDate"] == before["CreatedDate"]


async def test_the_system_moves_only_its_own_stamp(sales: Sales) -> None:
    """10.2: SystemModstamp is never behind LastModifiedDate; a guard does not see it."""
    row_id = await sales.deal()
    read_at = sales.http_date()
    sales.frame.clock.advance(3)
    sales.org.as_seller.touch("Opportunity", row_id)
    row = await sales.get("Opportunity", row_id)
    assert row["SystemModstamp"] > row["LastModifiedDate"]
    guard = {"If-Unmodified-Since": read_at}
    path = f"/sobjects/Opportunity/{row_id}"
    assert (await sales.call("PATCH", path, {"Amount": 1}, headers=guard)).status == 204
