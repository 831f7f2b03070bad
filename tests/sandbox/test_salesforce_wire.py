"""What the Salesforce sandbox tolerates because public clients send it (salesforce-api.md section 16)."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from .sales import DEAL, EXTERNAL, Sales

_TOOLS = (31, 50, 51, 59, 61, 68)


@pytest.mark.parametrize("version", _TOOLS)
async def test_every_supported_version_answers_in_its_own_paths(sales: Sales, version: int) -> None:
    base = f"/services/data/v{version}.0"
    made = await sales.call("POST", f"{base}/sobjects/Account", {"Name": "A"})
    assert made.headers["Location"] == f"{base}/sobjects/Account/{made.json['id']}"
    found = (await sales.call("GET", f"{base}/query?q=SELECT+Id+FROM+Account")).json
    assert found["records"][0]["attributes"]["url"].startswith(f"{base}/sobjects/Account/001")
    listed = (await sales.call("GET", base)).json
    assert listed["sobjects"] == f"{base}/sobjects"


async def test_the_versions_are_listed_to_anybody(sales: Sales) -> None:
    """Section 1: unauthenticated, with the release names."""
    for path in ("/services/data", "/services/data/"):
        async with sales.http.get(sales.org.base_url + path) as answer:
            assert answer.status == 200
            versions = {one["version"]: one for one in await answer.json()}
    assert versions["66.0"]["label"] == "Spring '26"
    assert versions["67.0"] == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}
    assert versions["68.0"]["label"] == "Winter '27"
    assert "30.0" not in versions


@pytest.mark.parametrize("path", ["/limits", "/sobjects", "/sobjects/Account/describe", "/sobjects/Account"])
async def test_a_trailing_slash_makes_no_difference(sales: Sales, path: str) -> None:
    assert (await sales.call("GET", path)).status == (await sales.call("GET", path + "/")).status == 200


async def test_spaces_in_a_query_are_plus_or_percent(sales: Sales) -> None:
    await sales.deal(Name="A+B")
    for query in (
        "SELECT+Name+FROM+Opportunity+WHERE+Name='A%2BB'",
        "SELECT%20Name%20FROM%20Opportunity%20WHERE%20Name='A%2BB'",
        "SELECT%20Name+FROM%0AOpportunity%09WHERE+Name%3D%27A%2BB%27",
    ):
        for path in ("/query", "/query/"):
            reply = await sales.call("GET", f"{path}?q={query}")
            assert reply.json["totalSize"] == 1


async def test_chunked_and_zipped_bodies_are_read(sales: Sales) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"Name": '
        yield b'"Chunked"}'

    headers = {"Content-Type": "application/json"}
    reply = await sales.call("POST", "/sobjects/Account", data=chunks(), headers=headers)
    assert reply.status == 201
    packed = gzip.compress(json.dumps({"Name": "Zipped"}).encode())
    headers["Content-Encoding"] = "gzip"
    assert (await sales.call("POST", "/sobjects/Account", data=packed, headers=headers)).status == 201
    for broken in (packed[:-4], b"not gzip"):
        reply = await sales.call("POST", "/sobjects/Account", data=broken, headers=headers)
        assert reply.refusal == (400, "JSON_PARSER_ERROR")

    async def form() -> AsyncIterator[bytes]:
        yield b"grant_type=client_credentials"
        yield f"&client_id={sales.org.client_id}&client_secret={sales.org.client_secret}".encode()
        yield b"&redirect_uri=http%3A%2F%2Flocalhost"

    url = f"{sales.org.base_url}/services/oauth2/token"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    async with sales.http.post(url, data=form(), headers=kind) as answer:
        assert answer.status == 200


async def test_header_names_and_schemes_have_no_case(sales: Sales) -> None:
    url = f"{sales.org.base_url}/services/data/v67.0/sobjects/Account"
    headers = {
        "AUTHORIZATION": f"bearer {sales.org.access_token}",
        "CONTENT-TYPE": "Application/JSON; charset=utf-8",
    }
    async with sales.http.post(url, data=b'{"name": "A"}', headers=headers) as answer:
        assert answer.status == 201
    headers["AUTHORIZATION"] = f"OAuth {sales.org.access_token}"
    async with sales.http.get(url, headers=headers) as answer:
        assert answer.status == 200


async def test_unknown_headers_are_ignored(sales: Sales) -> None:
    headers = {
        "X-PrettyPrint": "1",
        "Sforce-Call-Options": "client=cosell",
        "Sforce-Line-Ending": "LF",
        "Sforce-Mru": "updateMru=false",
        "Sforce-Auto-Assign": "FALSE",
        "X-Anything": "x",
    }
    assert (await sales.call("POST", "/sobjects/Account", {"Name": "A"}, headers=headers)).status == 201


async def test_head_on_a_row_has_headers_and_no_body(sales: Sales) -> None:
    row_id = await sales.create("Account", Name="A")
    reply = await sales.call("HEAD", f"/sobjects/Account/{row_id}")
    assert (reply.status, reply.raw) == (200, b"")
    assert reply.headers["ETag"]
    assert (await sales.call("HEAD", "/sobjects/Account/001000000000000AAA")).status == 404


async def test_a_method_may_ride_in_the_query(sales: Sales) -> None:
    row_id = await sales.deal()
    path = f"/sobjects/Opportunity/{row_id}?_HttpMethod=PATCH"
    assert (await sales.call("POST", path, {"Amount": 5})).status == 204
    assert (await sales.get("Opportunity", row_id))["Amount"] == 5.0


async def test_external_ids_are_decoded_segment_by_segment(sales: Sales) -> None:
    """6.1: %20 and %2F; a plus is a plus."""
    for value, quoted in (("a b", "a%20b"), ("a/b", "a%2Fb"), ("a+b", "a+b"), ("ä?&", "%C3%A4%3F%26")):
        url = URL(f"{sales.org.base_url}/services/data/v67.0{EXTERNAL}/{quoted}", encoded=True)
        headers = {"Authorization": f"Bearer {sales.org.access_token}"}
        async with sales.http.patch(url, json=DEAL, headers=headers) as answer:
            made = await answer.json()
        assert (await sales.get("Opportunity", made["id"]))["Referral_Identifier__c"] == value


async def test_ids_of_15_characters_and_of_changed_case_are_found(sales: Sales) -> None:
    row_id = await sales.deal()
    for given in (row_id[:15], row_id.lower(), row_id.upper()):
        assert (await sales.get("Opportunity", given))["Id"] == row_id


async def test_a_row_is_read_in_the_fields_asked_for(sales: Sales) -> None:
    row_id = await sales.deal()
    path = f"/sobjects/Opportunity/{row_id}"
    reply = await sales.call("GET", path, params={"fields": "Name,stagename"})
    assert set(reply.json) == {"attributes", "Name", "StageName"}
    refused = await sales.call("GET", path, params={"fields": "Name,Nope"})
    assert refused.refusal == (400, "INVALID_FIELD")


async def test_tools_find_the_organisation_the_user_and_permission_sets(sales: Sales) -> None:
    """2.4 and 16; ScratchOrgInfo does not exist here."""
    soql = "SELECT Id, Name, IsSandbox, InstanceName, OrganizationType, NamespacePrefix FROM Organization"
    [org] = await sales.query(soql)
    assert (org["Id"], org["IsSandbox"]) == (sales.org.organization_id, False)
    user = await sales.get("User", sales.org.user_id)
    assert user["Username"] == sales.org.username
    [found] = await sales.query(f"SELECT Id FROM User WHERE Username = '{sales.org.username}'")
    assert found["Id"] == sales.org.user_id
    [granted] = await sales.query(
        f"SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = '{sales.org.user_id}'"
        " AND PermissionSet.IsOwnedByProfile = false"
    )
    assert granted["PermissionSet"]["Name"] == "Cosell_Connector"
    assert (await sales.ask("SELECT Id FROM ScratchOrgInfo")).refusal == (400, "INVALID_TYPE")
    listed = (await sales.call("GET", "/")).json
    identity = listed["identity"].removeprefix(sales.org.base_url)
    assert (await sales.call("GET", identity)).json["user_id"] == sales.org.user_id


async def test_values_go_out_as_recorded(sales: Sales) -> None:
    """Section 1, data types on the wire."""
    row = await sales.get("Opportunity", await sales.deal(Amount=10, Referral_Identifier__c="x"))
    stamp = sales.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    assert row["CreatedDate"] == row["SystemModstamp"] == stamp
    assert (row["Amount"], row["CloseDate"], row["IsPrivate"]) == (10.0, "2027-01-31", False)
    assert row["FiscalYear"] == 2027
    raw = (await sales.call("GET", f"{EXTERNAL}/x")).raw
    assert b'"Amount":10.0' in raw
    assert b'"FiscalQuarter":1,' in raw


async def test_answers_are_json_in_utf8_and_not_cached(sales: Sales) -> None:
    reply = await sales.call("GET", "/limits")
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert "no-store" in reply.headers["Cache-Control"]
    assert "Content-Encoding" not in reply.headers


async def test_a_client_that_leaves_in_the_middle_of_its_body_does_nothing(sales: Sales) -> None:
    host, port = sales.org.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /services/data/v67.0/sobjects/Account HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {sales.org.access_token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    )
    writer.write(head.encode() + b'{"Name": "Half')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await sales.names("", sobject="Account") == []
