"""msal, azure-identity and Microsoft's own Dataverse client against the simulated environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import uuid4

import msal
import pytest
import requests
from azure.identity import CertificateCredential, ClientSecretCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.labels import Label, LocalizedLabel
from PowerPlatform.Dataverse.models.relationship import (
    LookupAttributeMetadata,
    OneToManyRelationshipMetadata,
)
from PowerPlatform.Dataverse.models.upsert import UpsertItem

REFERRAL = "cosell_referralidentifier"


@pytest.fixture
def access(sandbox: dict[str, Any]) -> dict[str, Any]:
    """The environment with the authority that gives its tokens."""
    return {**sandbox["dataverse"], "authority": sandbox["second_account"]["entra"]["authority"]}


@pytest.fixture
def credential(access: dict[str, Any]) -> ClientSecretCredential:
    return ClientSecretCredential(
        access["tenant"],
        access["client_id"],
        access["client_secret"],
        authority=access["authority"],
        disable_instance_discovery=True,
    )


@pytest.fixture
def client(access: dict[str, Any], credential: ClientSecretCredential) -> Iterator[DataverseClient]:
    with DataverseClient(access["url"], credential) as client:
        yield client


def who(access: dict[str, Any], token: str) -> requests.Response:
    url = f"{access['url']}/api/data/v9.2/WhoAmI"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


@pytest.mark.parametrize("slash", ["", "/"])
def test_azure_identity_signs_in_to_the_environment(
    access: dict[str, Any], credential: ClientSecretCredential, slash: str
) -> None:
    token = credential.get_token(f"{access['url']}{slash}/.default").token
    assert who(access, token).status_code == 200


def test_msal_learns_where_to_sign_in_from_the_refusal(access: dict[str, Any]) -> None:
    """dataverse-api.md 1.4: tenant and resource without a token."""
    refused = requests.get(f"{access['url']}/api/data/v9.2/WhoAmI", timeout=10)
    assert refused.status_code == 401
    parts = refused.headers["WWW-Authenticate"].removeprefix("Bearer ").split(", ")
    told = dict(one.split("=", 1) for one in parts)
    application = msal.ConfidentialClientApplication(
        access["client_id"],
        client_credential=access["client_secret"],
        authority=told["authorization_uri"].removesuffix("/oauth2/authorize"),
        instance_discovery=False,
    )
    given = application.acquire_token_for_client([f"{told['resource_id'].rstrip('/')}/.default"])
    assert who(access, given["access_token"]).status_code == 200


def test_azure_identity_signs_in_with_a_certificate(sandbox: dict[str, Any], access: dict[str, Any]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "connector")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=30))
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    wish = {"system": "entra_2", "client_id": access["client_id"], "certificate_pem": public.decode()}
    index = sandbox["partner_center"]["url"].rpartition(":")
    url = f"{index[0]}:{int(index[2]) - 1}/control/tokens/certificates"
    assert requests.post(url, json=wish, timeout=10).status_code == 200
    credential = CertificateCredential(
        access["tenant"],
        access["client_id"],
        certificate_data=private + public,
        authority=access["authority"],
        disable_instance_discovery=True,
    )
    token = credential.get_token(f"{access['url']}/.default").token
    assert who(access, token).status_code == 200


def test_a_record_is_created_read_changed_and_deleted(client: DataverseClient) -> None:
    made = client.records.create("account", {"name": "Foreign Ltd", "industrycode": "Consulting"})
    found = client.records.retrieve("account", made, select=["name", "industrycode"])
    assert found is not None
    assert (found["name"], found["industrycode"]) == ("Foreign Ltd", 7)
    client.records.update("account", made, {"telephone1": "1"})
    client.records.delete("account", made)
    assert client.records.retrieve("account", made) is None


def test_many_records_are_created_changed_and_upserted(client: DataverseClient) -> None:
    """CreateMultiple, UpdateMultiple, UpsertMultiple and the single upsert by alternate key."""
    mark = uuid4().hex
    ids = client.records.create("opportunity", [{"name": f"{mark} {n}"} for n in range(3)])
    client.records.update("opportunity", ids, {"description": mark})
    items = [UpsertItem({REFERRAL: f"{mark}-{n}"}, {"name": f"{mark} U{n}"}) for n in range(2)]
    client.records.upsert("opportunity", items)
    client.records.upsert("opportunity", items[:1])
    query = client.query.builder("opportunity").select("name", "description")
    found = list(query.where(col("name").startswith(mark)).order_by("name").execute())
    assert [row["name"].removeprefix(mark) for row in found] == [" 0", " 1", " 2", " U0", " U1"]
    assert [row["description"] for row in found[:3]] == [mark] * 3


def test_pages_are_followed_to_their_end(client: DataverseClient) -> None:
    mark = uuid4().hex
    client.records.create("contact", [{"lastname": f"{mark} {n}"} for n in range(5)])
    query = client.query.builder("contact").select("lastname").where(col("lastname").startswith(mark))
    assert len(list(query.page_size(2).execute())) == 5


def test_a_batch_reads_and_a_change_set_refers_to_its_own_rows(client: DataverseClient) -> None:
    batch = client.batch.new()
    batch.records.create("account", {"name": "In a batch"})
    with batch.changeset() as changes:
        account = changes.records.create("account", {"name": "In a change set"})
        changes.records.create("opportunity", {"name": "Deal", "customerid_account@odata.bind": account})
    batch.tables.get("opportunity")
    result = batch.execute()
    assert not result.has_errors
    assert [one.status_code for one in result.responses] == [204, 204, 204, 200]
    _, made, deal, _ = result.responses
    found = client.records.retrieve("opportunity", deal.entity_id, select=["_customerid_value"])
    assert found is not None
    assert found["_customerid_value"] == made.entity_id


def test_a_failed_change_set_leaves_nothing(client: DataverseClient) -> None:
    mark = uuid4().hex
    batch = client.batch.new()
    with batch.changeset() as changes:
        changes.records.create("account", {"name": mark})
        changes.records.create("account", {"name": "x" * 161})
    batch.records.create("account", {"name": f"{mark} after"})
    result = batch.execute(continue_on_error=True)
    assert [one.status_code for one in result.responses] == [400, 204]
    found = client.query.builder("account").select("name").where(col("name").startswith(mark)).execute()
    assert [row["name"] for row in found] == [f"{mark} after"]


def test_definitions_are_read(client: DataverseClient) -> None:
    told = client.tables.get("opportunity")
    assert told is not None
    assert told.entity_set_name == "opportunities"
    columns = client.tables.list_columns("opportunity", select=["LogicalName", "AttributeType"])
    assert {"name", "cosell_stamp"} <= {one["LogicalName"] for one in columns}
    typed = client.tables.list_columns("opportunity", typed=True)
    assert 300 in [one.get("MaxLength") for one in typed]
    assert [REFERRAL] in [one.key_attributes for one in client.tables.get_alternate_keys("opportunity")]
    assert client.tables.list_table_relationships("cosell_opportunitysolution")


@pytest.fixture
def customizer(access: dict[str, Any]) -> Iterator[DataverseClient]:
    """The same client with the rights of whoever installs."""
    if "admin" not in access:
        pytest.skip("this sandbox tells of no administrator")
    admin = ClientSecretCredential(
        access["tenant"],
        access["admin"]["client_id"],
        access["admin"]["client_secret"],
        authority=access["authority"],
        disable_instance_discovery=True,
    )
    with DataverseClient(access["url"], admin) as client:
        yield client


class Mood(Enum):
    HIGH = 1
    LOW = 2


def test_a_table_with_columns_keys_and_lookups_is_made_and_removed(customizer: DataverseClient) -> None:
    tables, name = customizer.tables, f"new_Mood{uuid4().hex[:6]}"
    columns = {
        "new_Code": "string",
        "new_Story": "memo",
        "new_Count": {"type": "int", "min_value": 1, "max_value": 5},
        "new_Part": "decimal",
        "new_Share": "float",
        "new_Day": "datetime",
        "new_Yes": "bool",
        "new_Mood": Mood,
    }
    made = tables.create(name, columns)
    logical = name.lower()
    assert made.entity_set_name == f"{logical}s"
    tables.add_columns(name, {"new_Later": "string"})
    tables.update_column(name, "new_Later", {"max_length": 40})
    typed = {one["LogicalName"]: one for one in tables.list_columns(name, typed=True)}
    assert typed["new_later"]["MaxLength"] == 40
    key = tables.create_alternate_key(name, "new_CodeKey", ["new_code"])
    with pytest.raises(HttpError) as unprefixed:
        tables.create_lookup_field(logical, "new_OpportunityId", "opportunity")
    assert unprefixed.value.details["service_error_code"] == "0x80044366"
    label = Label([LocalizedLabel("Opportunity", 1033)])
    lookup = LookupAttributeMetadata("new_OpportunityId", label)
    relation = OneToManyRelationshipMetadata(f"new_opp_{logical}", "opportunity", logical, "opportunityid")
    tables.create_one_to_many_relationship(lookup, relation)
    fields = {"new_name": "One", "new_code": "A", "new_count": 3, "new_mood": 2, "new_yes": True}
    row_id = customizer.records.create(logical, fields)
    assert customizer.records.retrieve(logical, row_id)["new_mood"] == 2
    with pytest.raises(HttpError) as refused:
        customizer.records.update(logical, row_id, {"new_count": 6})
    assert refused.value.details["service_error_code"] == "0x8004432f"
    with pytest.raises(HttpError) as twice:
        tables.add_columns(name, {"new_Later": "string"})
    assert twice.value.details["service_error_code"] == "0x80047013"
    tables.delete_alternate_key(name, key.metadata_id)
    tables.remove_columns(name, "new_Code")
    tables.delete(name)
    assert tables.get(name) is None


def test_a_refusal_carries_its_code(client: DataverseClient) -> None:
    with pytest.raises(HttpError) as refused:
        client.records.create("opportunity", {"name": "x" * 301})
    assert refused.value.details["service_error_code"] == "0x80044331"


def test_the_metadata_is_valid_against_the_schema_of_oasis(access: dict[str, Any]) -> None:
    """With `COSELL_ODATA_SCHEMAS`: the folder that holds edmx.xsd and edm.xsd of the OData committee."""
    folder = os.environ.get("COSELL_ODATA_SCHEMAS")
    if not folder:
        pytest.skip("COSELL_ODATA_SCHEMAS names no folder")
    from lxml import etree

    schema = etree.XMLSchema(etree.parse(Path(folder) / "edmx.xsd"))
    headers = {"Authorization": f"Bearer {access['access_token']}"}
    url = f"{access['url']}/api/data/v9.2/$metadata?annotations=true"
    schema.assertValid(etree.fromstring(requests.get(url, headers=headers, timeout=10).content))
