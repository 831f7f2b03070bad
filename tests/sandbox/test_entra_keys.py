"""Several secrets and certificates side by side, each with its end; over the control API and the command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cosell.sandbox.entra import PARTNER_CENTER
from cosell.sandbox.entra.clients import ASSERTION
from cosell.sandbox.salesforce.application import App
from cosell.sandbox.shell.keepers import SecretKeeper

from .microsoft import Microsoft, Reply
from .visitor import Visitor, visiting


async def shown(microsoft: Microsoft, secret: str) -> Reply:
    return await microsoft.sign_in(
        version=1, tenant=None, grant_type="client_credentials", resource=PARTNER_CENTER, client_secret=secret
    )


async def test_two_secrets_are_good_side_by_side_until_one_ends(microsoft: Microsoft) -> None:
    drawer = microsoft.entra.drawer()
    (first,) = drawer.secrets()
    made = drawer.new_secret(lifetime=30 * 86_400)
    for secret in (microsoft.entra.client_secret, made["secret"]):
        assert (await shown(microsoft, secret)).status == 200
    drawer.end_secret(first["key_id"])
    refused = await shown(microsoft, microsoft.entra.client_secret)
    assert (refused.status, refused.json["error"]) == (401, "invalid_client")
    assert refused.json["error_codes"] == [7000222]
    assert (await shown(microsoft, made["secret"])).status == 200
    microsoft.frame.clock.advance(31 * 86_400)
    assert (await shown(microsoft, made["secret"])).json["error_codes"] == [7000222]
    assert (await shown(microsoft, made["key_id"])).json["error_codes"] == [7000215]


async def test_the_value_of_a_secret_is_told_once(microsoft: Microsoft) -> None:
    drawer = microsoft.entra.drawer()
    made = drawer.new_secret()
    listed = drawer.secrets()
    assert {one["key_id"] for one in listed} >= {made["key_id"]}
    assert made["secret"] not in str(listed)
    assert listed[-1]["hint"] == made["secret"][:3]
    microsoft.entra.reset()
    assert len(drawer.secrets()) == 1


def key_pair(*, days: int = 365) -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cosell")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=days))
    certificate = builder.sign(key, hashes.SHA256())
    return key, certificate.public_bytes(serialization.Encoding.PEM).decode()


async def with_certificate(microsoft: Microsoft, key: rsa.RSAPrivateKey) -> Reply:
    url = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/oauth2/token"
    client_id = microsoft.entra.client_id
    expires = microsoft.frame.clock.now().timestamp() + 300
    claims: dict[str, Any] = {"aud": url, "iss": client_id, "sub": client_id, "exp": expires}
    return await microsoft.sign_in(
        version=1,
        tenant=None,
        grant_type="client_credentials",
        resource=PARTNER_CENTER,
        client_secret="",
        client_assertion_type=ASSERTION,
        client_assertion=jwt.encode(claims, key, algorithm="RS256"),
    )


async def test_two_certificates_are_good_side_by_side_until_one_ends(microsoft: Microsoft) -> None:
    drawer = microsoft.entra.drawer()
    (old, old_pem), (new, new_pem) = key_pair(days=10), key_pair()
    told = [drawer.trust(pem) for pem in (old_pem, new_pem)]
    assert [(await with_certificate(microsoft, key)).status for key in (old, new)] == [200, 200]
    microsoft.frame.clock.advance(11 * 86_400)
    assert (await with_certificate(microsoft, old)).json["error_codes"] == [700027]
    assert (await with_certificate(microsoft, new)).status == 200
    drawer.end_secret(told[1]["key_id"].lower())
    assert (await with_certificate(microsoft, new)).json["error_codes"] == [700027]


@pytest.mark.parametrize("system", ["entra", "entra_2", "dataverse"])
async def test_an_administrator_of_the_sandbox_changes_the_secrets(system: str) -> None:
    async with visiting(empty=True) as visitor:
        (first,) = (await visitor.get(f"/control/secrets/{system}"))["secrets"]
        made = await visitor.post(f"/control/secrets/{system}", {"lifetime": "30d"})
        assert await answers(visitor, system, made["secret"]) == 200
        await visitor.post(f"/control/secrets/{system}/{first['key_id']}/end")
        ended = (await visitor.get(f"/control/secrets/{system}"))["secrets"][0]
        assert ended["ends"] is not None
        refused = await visitor.post(f"/control/secrets/{system}/nothing/end", status=404)
        assert "no key" in refused["error"]
    assert made["client_id"]


async def answers(visitor: Visitor, system: str, secret: str) -> int:
    described = visitor.sandbox.description
    accounts = {"entra": described, "entra_2": described["second_account"]}
    account = accounts.get(system, described["second_account"])
    client = described["dataverse"] if system == "dataverse" else account["entra"]
    url = f"{account['entra']['authority']}/{account['entra']['tenant']}/oauth2/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": secret,
        "resource": PARTNER_CENTER,
    }
    async with visitor.http.post(url, data=form) as answer:
        return answer.status


async def test_the_oldest_good_key_can_be_meant_without_its_id(microsoft: Microsoft) -> None:
    drawer = microsoft.entra.drawer()
    made = drawer.new_secret()
    assert drawer.end_secret("oldest")["key_id"] == drawer.secrets()[0]["key_id"]
    assert drawer.end_secret("oldest")["key_id"] == made["key_id"]
    with pytest.raises(LookupError):
        drawer.end_secret("oldest")


def test_the_app_of_salesforce_is_kept_alike() -> None:
    application = App("a seed")
    keeper: SecretKeeper = application
    made = keeper.new_secret()
    assert made["secret"] == application.client_secret
    keeper.end_secret("oldest")
    assert list(application.good_secrets) == [made["key_id"]]
    keeper.end_secret(made["key_id"])
    for absent in ("oldest", made["key_id"]):
        with pytest.raises(LookupError):
            keeper.end_secret(absent)
    with pytest.raises(ValueError, match="does not end by itself"):
        keeper.new_secret(lifetime=1.0)


async def test_a_system_without_secrets_says_which_have_some() -> None:
    async with visiting(empty=True) as visitor:
        refused = await visitor.get("/control/secrets/partner_center", status=404)
        assert "entra" in refused["error"]


async def test_the_controls_register_addresses_and_answer_devices() -> None:
    async with visiting(empty=True) as visitor:
        made = await visitor.post(
            "/control/tokens/redirects", {"redirect_uri": "https://cosell.example/signed-in"}
        )
        assert made["client_id"] == visitor.sandbox.entra.client_id
        await visitor.post("/control/tokens/redirects", {"redirect_uri": "http://x.example"}, status=400)
        await visitor.post("/control/tokens/devices", {"code": "NOBODY"}, status=400)
        weak = await visitor.post("/control/tokens/sign-in", {"system": "entra", "mfa": False})
        assert weak["refresh_token"] == visitor.sandbox.entra.refresh_token
