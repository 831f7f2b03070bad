"""sObject collections and trees of the Salesforce sandbox (salesforce-api.md 7.2, 7.3)."""

from __future__ import annotations

from typing import Any

import pytest

from .sales import DEAL, Json, Sales


def _row(sobject: str, **fields: Any) -> Json:
    return {"attributes": {"type": sobject}, **fields}


async def _many(
    sales: Sales, method: str, *rows: Json, path: str = "", all_or_none: bool = False
) -> list[Json]:
    body = {"allOrNone": all_or_none, "records": list(rows)}
    reply = await sales.call(method, f"/composite/sobjects{path}", body)
    assert reply.status == 200, reply.raw
    found: list[Json] = reply.json
    return found


async def test_rows_are_created_updated_and_deleted_together(sales: Sales) -> None:
    made = await _many(sales, "POST", _row("Account", Name="A"), {"Name": "B", **_row("Account")})
    assert [set(row) for row in made] == [{"id", "success", "errors"}] * 2
    ids = [row["id"] for row in made]
    changed = await _many(
        sales, "PATCH", _row("Account", Id=ids[0], Site="One"), _row("Account", id=ids[1], Site="Two")
    )
    assert [row["success"] for row in changed] == [True, True]
    assert [(await sales.get("Account", row_id))["Site"] for row_id in ids] == ["One", "Two"]
    params = {"ids": ",".join(ids), "allOrNone": "false"}
    gone = await sales.call("DELETE", "/composite/sobjects", params=params)
    assert gone.json == [{"id": row_id, "success": True, "errors": []} for row_id in ids]
    again = await sales.call("DELETE", "/composite/sobjects", params=params)
    assert [row["errors"][0]["statusCode"] for row in again.json] == ["ENTITY_IS_DELETED"] * 2


async def test_a_row_fails_alone_or_takes_all_with_it(sales: Sales) -> None:
    rows = (_row("Account", Name="A"), _row("Account"), _row("Account", Name="C"))
    alone = await _many(sales, "POST", *rows)
    assert [row["success"] for row in alone] == [True, False, True]
    together = await _many(sales, "POST", *rows, all_or_none=True)
    codes = [row["errors"][0]["statusCode"] for row in together]
    assert codes == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert await sales.names("ORDER BY Name", sobject="Account") == ["A", "C"]


async def test_upsert_by_key_says_what_was_created(sales: Sales) -> None:
    path = "/Opportunity/Referral_Identifier__c"
    row = _row("Opportunity", Referral_Identifier__c="r1", **DEAL)
    [made] = await _many(sales, "PATCH", row, path=path)
    assert (made["success"], made["created"]) == (True, True)
    change = _row("Opportunity", Referral_Identifier__c="R1", Amount=5)
    [changed] = await _many(sales, "PATCH", change, path=path)
    assert changed == {"id": made["id"], "success": True, "errors": [], "created": False}
    [nameless] = await _many(sales, "PATCH", _row("Opportunity", **DEAL), path=path)
    assert nameless["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    unknown = {"records": [row]}
    assert (await sales.call("PATCH", "/composite/sobjects/Opportunity/NextStep", unknown)).status == 404


async def test_upsert_by_a_null_id_creates(sales: Sales) -> None:
    """7.2, recorded."""
    [made] = await _many(sales, "PATCH", _row("Account", Id=None, Name="A"), path="/Account/Id")
    assert made["created"] is True
    change = _row("Account", Id=made["id"], Name="B")
    [changed] = await _many(sales, "PATCH", change, path="/Account/Id")
    assert changed["created"] is False


async def test_upsert_by_email_finds_contacts_and_refuses_the_ambiguous(sales: Sales) -> None:
    await sales.create("Contact", LastName="A", Email="a@contoso.example")
    change = _row("Contact", Email="a@contoso.example", Title="CEO")
    [changed] = await _many(sales, "PATCH", change, path="/Contact/Email")
    assert changed["created"] is False
    await sales.create("Contact", LastName="B", Email="a@contoso.example")
    [ambiguous] = await _many(sales, "PATCH", change, path="/Contact/Email")
    assert ambiguous["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_rows_are_read_in_order_with_null_for_the_missing(sales: Sales, method: str) -> None:
    """7.2 and 16: POST with ids and fields is a read."""
    first, second = await sales.deal(Name="One"), await sales.deal(Name="Two")
    ids, fields = [second, "006000000000000AAA", first[:15]], ["Name", "Amount"]
    if method == "GET":
        params = {"ids": ",".join(ids), "fields": ",".join(fields)}
        reply = await sales.call("GET", "/composite/sobjects/Opportunity", params=params)
    else:
        reply = await sales.call("POST", "/composite/sobjects/Opportunity", {"ids": ids, "fields": fields})
    assert [row and row["Name"] for row in reply.json] == ["Two", None, "One"]
    assert set(reply.json[0]) == {"attributes", "Name", "Amount"}
    unknown = {"ids": ids, "fields": ["Nope"]}
    assert (await sales.call("POST", "/composite/sobjects/Opportunity", unknown)).status == 400


async def test_row_errors_are_those_of_collections(sales: Sales) -> None:
    results = await _many(
        sales,
        "PATCH",
        _row("Opportunity", Id="006000000000000AAA", Amount=1),
        _row("Opportunity", Id="x", Amount=1),
        _row("Opportunity", Amount=1),
        _row("Nope", Id="006000000000000AAA"),
    )
    codes = [row["errors"][0]["statusCode"] for row in results]
    assert codes == ["INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "MISSING_ARGUMENT", "INVALID_TYPE"]


async def test_collections_take_200_rows_and_10_chunks(sales: Sales) -> None:
    rows = [_row("Account", Name=f"{number}") for number in range(200)]
    assert all(row["success"] for row in await _many(sales, "POST", *rows))
    for method in ("POST", "PATCH"):
        over = await sales.call(method, "/composite/sobjects", {"records": [*rows, *rows[:1]]})
        assert over.status == 400
    mixed = [_row(name, Name="x", LastName="x") for _ in range(6) for name in ("Account", "Contact")]
    assert (await sales.call("POST", "/composite/sobjects", {"records": mixed})).status == 400
    assert len(await _many(sales, "POST", *mixed[:10])) == 10
    assert (await sales.call("DELETE", "/composite/sobjects", params={"ids": ""})).status == 400


async def test_a_tree_plants_children_under_their_parents(sales: Sales) -> None:
    """7.3: what the vendor's command line imports."""
    contact = {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "Ito"}
    account = {
        "attributes": {"type": "Account", "referenceId": "a1"},
        "Name": "Contoso",
        "Contacts": {"records": [contact]},
    }
    reply = await sales.call("POST", "/composite/tree/Account/", {"records": [account]})
    assert reply.status == 201
    assert reply.json["hasErrors"] is False
    made = {one["referenceId"]: one["id"] for one in reply.json["results"]}
    assert (await sales.get("Contact", made["c1"]))["AccountId"] == made["a1"]


async def test_a_tree_is_planted_whole_or_not_at_all(sales: Sales) -> None:
    contact = {"attributes": {"type": "Contact", "referenceId": "c1"}, "FirstName": "No last name"}
    account = {
        "attributes": {"type": "Account", "referenceId": "a1"},
        "Name": "Contoso",
        "Contacts": {"records": [contact]},
    }
    reply = await sales.call("POST", "/composite/tree/Account", {"records": [account]})
    assert reply.status == 400
    [bad] = reply.json["results"]
    assert (reply.json["hasErrors"], bad["referenceId"]) == (True, "c1")
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert await sales.names("", sobject="Account") == []
