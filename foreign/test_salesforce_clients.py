"""simple-salesforce and aiosalesforce, as their documentation uses them."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from aiosalesforce import Salesforce as AsyncSalesforce
from aiosalesforce.auth import JwtBearerFlow
from simple_salesforce import Salesforce, format_soql
from simple_salesforce.exceptions import SalesforceError

DEAL = {"StageName": "Prospecting", "CloseDate": "2027-01-31"}


@pytest.fixture
def simple(sandbox: dict[str, Any], session: requests.Session) -> Salesforce:
    access = sandbox["salesforce"]
    return Salesforce(
        username=access["username"],
        consumer_key=access["client_id"],
        privatekey=access["private_key_pem"],
        session=session,
    )


def test_simple_salesforce_describes_everything_it_is_told_of(simple: Salesforce) -> None:
    for one in simple.describe()["sobjects"]:
        assert getattr(simple, one["name"]).describe()["name"] == one["name"]


def test_simple_salesforce_lives_a_row(simple: Salesforce) -> None:
    key = str(uuid.uuid4())
    by_key = f"Referral_Identifier__c/{key}"
    assert simple.Opportunity.upsert(by_key, {"Name": "New", **DEAL}) == 201
    assert simple.Opportunity.upsert(by_key, {"Name": "Newer"}) == 200
    row = simple.Opportunity.get_by_custom_id("Referral_Identifier__c", key)
    stale = {"If-Unmodified-Since": "Mon, 23 Mar 2015 00:00:00 GMT"}
    with pytest.raises(SalesforceError) as refused:
        simple.Opportunity.update(row["Id"], {"Name": "Old"}, headers=stale)
    assert refused.value.status == 412
    assert simple.Opportunity.delete(row["Id"]) == 204
    now = datetime.now(UTC)
    window = now - timedelta(minutes=10), now + timedelta(minutes=2)
    gone = simple.Opportunity.deleted(*window)["deletedRecords"]
    assert row["Id"] in [one["id"] for one in gone]


def test_simple_salesforce_turns_pages(simple: Salesforce) -> None:
    mark = uuid.uuid4().hex
    for _ in range(2):
        rows = [{"attributes": {"type": "Account"}, "Name": mark} for _ in range(150)]
        made = simple.restful("composite/sobjects", method="POST", json={"records": rows})
        assert all(one["success"] for one in made)
    pages = {"Sforce-Query-Options": "batchSize=200"}
    soql = format_soql("SELECT Id FROM Account WHERE Name = {}", mark)
    found = simple.query_all(soql, headers=pages)
    assert len({row["Id"] for row in found["records"]}) == 300


def test_simple_salesforce_rearranges_a_layout(sandbox: dict[str, Any]) -> None:
    """Its SOAP client checks every answer against the vendor's own WSDL."""
    access = sandbox["salesforce"]
    host, token = urlsplit(access["instance_url"]).netloc, access["admin"]["access_token"]
    metadata = Salesforce(instance=host, session_id=token, version="66.0").mdapi
    [listed] = metadata.list_metadata([metadata.ListMetadataQuery(type="Layout")])
    layout = metadata.Layout.read(listed.fullName)
    items = layout.layoutSections[0].layoutColumns[0].layoutItems
    if "NextStep" not in [one.field for one in items]:
        items.append(metadata.LayoutItem(behavior="Edit", field="NextStep"))
    metadata.Layout.update(layout)
    again = metadata.Layout.read(listed.fullName)
    fields = [one.field for one in again.layoutSections[0].layoutColumns[0].layoutItems]
    assert fields == [one.field for one in items]
    items.append(metadata.LayoutItem(behavior="Edit", field="Nope__c"))
    with pytest.raises(Exception, match="no CustomField named Opportunity"):
        metadata.Layout.update(layout)


def test_aiosalesforce_signs_in_batches_and_composes(
    sandbox: dict[str, Any], detour: httpx.AsyncHTTPTransport, tmp_path: Path
) -> None:
    access = sandbox["salesforce"]
    key = tmp_path / "key.pem"
    key.write_text(access["private_key_pem"])

    async def live() -> None:
        async with httpx.AsyncClient(transport=detour) as http:
            auth = JwtBearerFlow(access["client_id"], access["username"], key)
            client = AsyncSalesforce(http, "https://contoso.my.salesforce.com", auth)
            account = await client.sobject.create("Account", {"Name": "Contoso"})
            async with client.composite.batch(halt_on_error=True) as batch:
                read = batch.sobject.get("Account", account)
                gone = batch.sobject.delete("Account", account)
            assert (read.record["Name"], gone.status_code) == ("Contoso", 204)
            async with client.composite(all_or_none=True) as whole:
                parent = whole.sobject.create("Account", {"Name": "Fabrikam"})
                child = {"LastName": "Ng", "AccountId": str(parent.reference.id)}
                contact = whole.sobject.create("Contact", child)
            assert contact.id.startswith("003")

    asyncio.run(live())
