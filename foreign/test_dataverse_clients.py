"""azure-identity and Microsoft's own Dataverse client at the Web API, neither of them bent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.models.upsert import UpsertItem

KEY = "cosell_referralidentifier"


@pytest.fixture
def dataverse(sandbox: dict[str, Any]) -> dict[str, Any]:
    """How to reach Dynamics 365, and where to sign in."""
    return {**sandbox["dataverse"], "authority": sandbox["second_account"]["entra"]["authority"]}


@pytest.fixture
def credential(dataverse: dict[str, Any]) -> ClientSecretCredential:
    return ClientSecretCredential(
        dataverse["tenant"],
        dataverse["client_id"],
        dataverse["client_secret"],
        authority=dataverse["authority"],
        disable_instance_discovery=True,
    )


@pytest.fixture
def client(dataverse: dict[str, Any], credential: ClientSecretCredential) -> Iterator[DataverseClient]:
    with DataverseClient(dataverse["url"], credential) as client:
        yield client


def new_key() -> str:
    return f"R-{uuid.uuid4()}"


def test_azure_identity_gets_a_token_for_the_environment(
    dataverse: dict[str, Any], credential: ClientSecretCredential
) -> None:
    token = credential.get_token(f"{dataverse['url']}/.default").token
    url = f"{dataverse['url']}/api/data/v9.2/WhoAmI"
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.json()["UserId"]


def test_rows_are_created_read_changed_and_deleted(client: DataverseClient) -> None:
    account = client.records.create("account", {"name": "Contoso", "industrycode": "Accounting"})
    client.records.update("account", account, {"telephone1": "1"})
    found = client.records.retrieve("account", account, select=["name", "telephone1"])
    assert (found["name"], found["telephone1"]) == ("Contoso", "1")
    client.records.delete("account", account)
    assert client.records.retrieve("account", account) is None


def test_many_rows_travel_in_one_message(client: DataverseClient) -> None:
    name = new_key()
    made = client.records.create("opportunity", [{"name": name}, {"name": name}])
    client.records.update("opportunity", made, {"description": "Told twice"})
    options = {"select": ["name", "description"], "filter": f"name eq '{name}'"}
    pages = list(client.records.list("opportunity", page_size=1, **options))
    assert {row["description"] for row in pages} == {"Told twice"}


def test_upserts_find_the_row_by_its_key(client: DataverseClient) -> None:
    key = new_key()
    for name in ("First", "Second"):
        client.records.upsert("opportunity", [UpsertItem(alternate_key={KEY: key}, record={"name": name})])
    options = {"select": ["name"], "filter": f"{KEY} eq '{key}'"}
    assert [row["name"] for row in client.records.list("opportunity", **options)] == ["Second"]
    both = [UpsertItem(alternate_key={KEY: one}, record={"name": "Third"}) for one in (key, new_key())]
    client.records.upsert("opportunity", both)


def test_tables_columns_and_keys_are_described(client: DataverseClient) -> None:
    assert client.tables.get("opportunity").entity_set_name == "opportunities"
    columns = {one["LogicalName"] for one in client.tables.list_columns("opportunity")}
    assert {"name", "statecode", KEY} <= columns
    assert [KEY] in [one.key_attributes for one in client.tables.get_alternate_keys("opportunity")]


def test_a_change_set_refers_to_its_own_rows(client: DataverseClient) -> None:
    batch = client.batch.new()
    with batch.changeset() as changes:
        account = changes.records.create("account", {"name": "Contoso"})
        changes.records.create("opportunity", {"name": "Deal", "customerid_account@odata.bind": account})
    answers = batch.execute().responses
    assert [answer.status_code for answer in answers] == [204, 204]
    deal = client.records.retrieve("opportunity", answers[1].entity_id, select=["_customerid_value"])
    assert deal["_customerid_value"] == answers[0].entity_id
