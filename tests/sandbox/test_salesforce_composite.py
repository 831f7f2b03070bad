"""Composite, graph and batch of the Salesforce sandbox (salesforce-api.md 7.1, 7.3)."""

from __future__ import annotations

from typing import Any

import pytest

from .sales import DEAL, EXTERNAL, SOLUTION, VERSION, Json, Sales, part, statuses


async def test_one_composite_makes_a_whole_deal_and_counts_as_one_call(sales: Sales) -> None:
    used = sales.org.calls_used
    answers = await sales.composite(
        part("deal", "PATCH", f"{EXTERNAL}/ref-1", DEAL),
        part("who", "POST", "/sobjects/Contact", {"LastName": "Ito"}),
        part(
            "role",
            "POST",
            "/sobjects/OpportunityContactRole",
            {"OpportunityId": "@{deal.id}", "ContactId": "@{who.id}", "IsPrimary": True},
        ),
        part("s1", "POST", f"/sobjects/{SOLUTION}", {"Opportunity__c": "@{deal.id}", "Name": "S @{who.id}"}),
        part("read", "GET", "/query/?q=SELECT Id, ContactId FROM Opportunity WHERE Id = '@{deal.id}'"),
        allOrNone=True,
    )
    assert statuses(answers) == [201, 201, 201, 201, 200]
    assert [answer["referenceId"] for answer in answers] == ["deal", "who", "role", "s1", "read"]
    assert answers[0]["httpHeaders"]["Location"].startswith(f"{VERSION}/sobjects/Opportunity/006")
    contact = answers[1]["body"]["id"]
    assert answers[4]["body"]["records"][0]["ContactId"] == contact
    assert await sales.names("", sobject=SOLUTION) == [f"S {contact}"]
    assert sales.org.calls_used == used + 2


async def test_a_rollback_is_complete(sales: Sales) -> None:
    """Rows made, changed and deleted before the failure are as they were, stamps and all."""
    changed, gone = await sales.deal(Name="Changed"), await sales.deal(Name="Gone")
    child = await sales.create(SOLUTION, Opportunity__c=gone, Name="S")
    before = [await sales.get("Opportunity", changed), await sales.get("Opportunity", gone)]
    sales.frame.clock.advance(5)
    answers = await sales.composite(
        part("a", "PATCH", f"/sobjects/Opportunity/{changed}", {"Amount": 5, "Referral_Identifier__c": "r"}),
        part("b", "DELETE", f"/sobjects/Opportunity/{gone}"),
        part("c", "PATCH", f"{EXTERNAL}/new", DEAL),
        part("d", "PATCH", "/sobjects/Opportunity/006000000000000AAA", {"Amount": 1}),
        allOrNone=True,
    )
    assert statuses(answers) == [400, 400, 400, 404]
    assert [await sales.get("Opportunity", changed), await sales.get("Opportunity", gone)] == before
    assert (await sales.get(SOLUTION, child))["IsDeleted"] is False
    assert await sales.names("ORDER BY Name") == ["Changed", "Gone"]
    assert (await sales.call("GET", f"{EXTERNAL}/r")).status == 404
    window = {"start": sales.moment(-120), "end": sales.moment(120)}
    deleted = await sales.call("GET", "/sobjects/Opportunity/deleted", params=window)
    assert deleted.json["deletedRecords"] == []


async def test_without_all_or_none_each_part_stands_alone(sales: Sales) -> None:
    answers = await sales.composite(
        part("good", "POST", "/sobjects/Account", {"Name": "Contoso"}),
        part("bad", "POST", "/sobjects/Account", {}),
        part("needs", "POST", "/sobjects/Contact", {"LastName": "X", "AccountId": "@{bad.id}"}),
        part("object", "GET", "/sobjects/Nope/describe"),
        part("last", "POST", "/sobjects/Account", {"Name": "Fabrikam"}),
    )
    assert statuses(answers) == [201, 400, 400, 404, 201]
    assert answers[2]["body"] == [
        {
            "message": "Invalid reference specified. No value for bad.id found in bad",
            "errorCode": "PROCESSING_HALTED",
        }
    ]
    assert answers[3] == {
        "body": [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "object",
    }


async def test_an_ambiguous_upsert_fails_its_composite(sales: Sales) -> None:
    """6.3: 300 is final, nothing is written."""
    sales.org.settings.unique_referral_id = False
    sales.org.settings.view_all_data = True
    for _ in range(2):
        await sales.deal(Referral_Identifier__c="twin")
    answers = await sales.composite(
        part("account", "POST", "/sobjects/Account", {"Name": "Contoso"}),
        part("twin", "PATCH", f"{EXTERNAL}/twin", {"Amount": 1}),
        allOrNone=True,
    )
    assert statuses(answers) == [400, 300]
    assert len(answers[1]["body"]) == 2


def _body(*parts: Json, **options: Any) -> Json:
    return {**options, "compositeRequest": list(parts)}


_READ = part("a", "GET", "/sobjects/Account/describe")


@pytest.mark.parametrize(
    "body",
    [
        _body(_READ, _READ),
        _body(*(part(f"r{n}", "GET", "/sobjects/Account/describe") for n in range(26))),
        _body(*(part(f"r{n}", "GET", "/query?q=SELECT+Id+FROM+Account") for n in range(6))),
        _body({**_READ, "referenceId": "not allowed!"}),
        _body({**_READ, "referenceId": ""}),
        _body({"method": "GET", "url": f"{VERSION}/sobjects/Account/describe"}),
        _body({**_READ, "method": "get"}),
        _body({**_READ, "url": "/sobjects/Account/describe"}),
        _body({**_READ, "url": f"{VERSION}/tooling/query?q=SELECT+Id+FROM+ApexClass"}),
        _body({**_READ, "url": f"{VERSION}/composite"}),
        _body({**_READ, "httpHeaders": {"authorization": "Bearer x"}}),
        _body({**_READ, "httpHeaders": {"Content-Type": "application/json"}}),
        _body({**_READ, "httpHeaders": {"Accept": "application/json"}}),
        _body(),
    ],
)
async def test_a_malformed_composite_is_refused_as_a_whole(sales: Sales, body: Json) -> None:
    """7.1: at most 25 parts, 5 of them queries; ids unique; some headers forbidden."""
    reply = await sales.call("POST", "/composite", body)
    assert reply.status == 400
    assert isinstance(reply.json, list)


async def test_the_largest_composite_is_taken(sales: Sales) -> None:
    parts = [part(f"r{n}", "POST", "/sobjects/Account", {"Name": f"{n}"}) for n in range(20)]
    parts += [part(f"q{n}", "GET", "/query?q=SELECT+count()+FROM+Account") for n in range(5)]
    answers = await sales.composite(*parts)
    assert statuses(answers) == [201] * 20 + [200] * 5
    assert answers[-1]["body"]["totalSize"] == 20


async def test_collating_changes_the_order_of_what_does_not_refer(sales: Sales) -> None:
    """7.1: the default since version 49; the count runs after accounts that stand behind it."""
    parts = (
        part("one", "POST", "/sobjects/Account", {"Name": "One"}),
        part("count", "GET", "/query?q=SELECT+count()+FROM+Account"),
        part("two", "POST", "/sobjects/Account", {"Name": "Two"}),
    )
    ordered = await sales.composite(*parts)
    assert ordered[1]["body"]["totalSize"] == 1
    collated = (await sales.call("POST", "/composite", _body(*parts))).json["compositeResponse"]
    assert [one["referenceId"] for one in collated] == ["one", "count", "two"]
    assert collated[1]["body"]["totalSize"] == 4
    old = await sales.call("POST", "/services/data/v48.0/composite", _body(*parts))
    assert old.json["compositeResponse"][1]["body"]["totalSize"] == 5


async def test_collating_keeps_references(sales: Sales) -> None:
    answers = await sales.composite(
        part("a", "POST", "/sobjects/Account", {"Name": "A"}),
        part("c", "POST", "/sobjects/Contact", {"LastName": "C", "AccountId": "@{a.id}"}),
        part("b", "POST", "/sobjects/Account", {"Name": "B", "ParentId": "@{a.id}"}),
        allOrNone=True,
        collateSubrequests=True,
    )
    assert statuses(answers) == [201, 201, 201]


async def test_references_reach_into_urls_encoded_or_not(sales: Sales) -> None:
    answers = await sales.composite(
        part("a", "POST", "/sobjects/Account", {"Name": "A & B"}),
        part("q", "GET", "/query/?q=SELECT+Name+FROM+Account+WHERE+Id='%40%7Ba.id%7D'"),
        part("n", "GET", "/query/?q=SELECT Id FROM Account WHERE Name = '@{q.records[0].Name}'"),
        part("d", "DELETE", "/sobjects/Account/@{n.records[0].Id}"),
    )
    assert statuses(answers) == [201, 200, 200, 204]


async def test_collections_work_inside_a_composite(sales: Sales) -> None:
    rows = [{"attributes": {"type": "Account"}, "Name": "A"}, {"attributes": {"type": "Account"}}]
    answers = await sales.composite(
        part("made", "POST", "/composite/sobjects", {"allOrNone": False, "records": rows}),
        part("named", "PATCH", "/sobjects/Account/@{made[0].id}", {"Site": "HQ"}),
    )
    assert statuses(answers) == [200, 204]
    assert [row["success"] for row in answers[0]["body"]] == [True, False]


async def test_the_parts_may_be_of_another_version_and_are_answered_in_theirs(sales: Sales) -> None:
    one = part("a", "POST", "/sobjects/Account", {"Name": "A"})
    one["url"] = one["url"].replace("v67.0", "v52.0")
    [answer] = await sales.composite(one)
    assert answer["httpHeaders"]["Location"].startswith("/services/data/v52.0/")


async def test_each_graph_is_all_or_nothing_by_itself(sales: Sales) -> None:
    good = _body(part("a", "POST", "/sobjects/Account", {"Name": "Good"}), graphId="1")
    bad = _body(
        part("a", "POST", "/sobjects/Account", {"Name": "Bad"}),
        part("b", "POST", "/sobjects/Contact", {"AccountId": "@{a.id}"}),
        graphId="2",
    )
    reply = await sales.call("POST", "/composite/graph", {"graphs": [good, bad]})
    assert reply.status == 200
    first, second = reply.json["graphs"]
    assert (first["graphId"], first["isSuccessful"]) == ("1", True)
    assert second["isSuccessful"] is False
    codes = [one["body"][0]["errorCode"] for one in second["graphResponse"]["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert await sales.names("", sobject="Account") == ["Good"]


async def test_graphs_have_500_nodes_at_most(sales: Sales) -> None:
    def graph(name: str, count: int) -> Json:
        parts = (part(f"r{n}", "POST", "/sobjects/Account", {"Name": f"{n}"}) for n in range(count))
        return _body(*parts, graphId=name)

    assert (await sales.call("POST", "/composite/graph", {"graphs": [graph("a", 500)]})).status == 200
    over = {"graphs": [graph("a", 400), graph("b", 101)]}
    assert (await sales.call("POST", "/composite/graph", over)).status == 400


async def test_a_batch_runs_independent_calls_and_stops_where_asked(sales: Sales) -> None:
    """7.3: urls begin with the version; nothing is taken back."""
    requests = [
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "v67.0/sobjects/Nope"},
        {"method": "GET", "url": "v60.0/query?q=SELECT+Name+FROM+Account"},
    ]
    reply = await sales.call("POST", "/composite/batch", {"batchRequests": requests})
    assert reply.json["hasErrors"] is True
    assert [one["statusCode"] for one in reply.json["results"]] == [201, 404, 200]
    assert reply.json["results"][2]["result"]["records"][0]["Name"] == "A"
    used = sales.org.calls_used
    halted = await sales.call("POST", "/composite/batch", {"batchRequests": requests, "haltOnError": True})
    assert [one["statusCode"] for one in halted.json["results"]] == [201, 404, 412]
    assert sales.org.calls_used == used + 3
    elsewhere = [{"method": "GET", "url": "limits"}]
    reply = await sales.call("POST", "/composite/batch", {"batchRequests": elsewhere})
    assert reply.json["results"][0]["statusCode"] == 404
