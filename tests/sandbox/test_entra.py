"""The token endpoint: grants, rotation, refusals, discovery (partner-center-api.md 1.2)."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cosell.sandbox.entra import CONTOSO, PARTNER_CENTER, WEBHOOKS, Application, Entra, Tenant
from cosell.sandbox.entra.clients import ASSERTION

from .microsoft import Microsoft, Reply


def claims(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


async def refreshed(microsoft: Microsoft, version: int = 1, **form: str) -> Reply:
    token = form.pop("refresh_token", microsoft.entra.refresh_token)
    return await microsoft.sign_in(version=version, grant_type="refresh_token", refresh_token=token, **form)


async def test_a_refresh_token_is_redeemed_with_numbers_as_text(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2: the documented request of the v1 endpoint."""
    reply = await refreshed(microsoft, resource=PARTNER_CENTER, scope="openid")
    assert reply.status == 200
    expected = {"token_type", "scope", "expires_in", "ext_expires_in", "expires_on", "not_before"}
    expected |= {"resource", "access_token", "refresh_token", "id_token"}
    assert set(reply.json) == expected
    assert (reply.json["expires_in"], reply.json["token_type"]) == ("3600", "Bearer")
    assert reply.headers["Cache-Control"] == "no-store"
    said = claims(reply.json["access_token"])
    assert (said["aud"], said["amr"], said["tid"]) == (
        PARTNER_CENTER,
        ["pwd", "mfa"],
        microsoft.entra.tenant,
    )
    microsoft.token = reply.json["access_token"]
    assert (await microsoft.call("GET")).status == 200


async def test_one_refresh_token_serves_both_resources(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2: multi-resource refresh tokens."""
    reply = await refreshed(microsoft, version=2, scope=f"{WEBHOOKS}/.default offline_access")
    assert reply.json["expires_in"] == 3600
    microsoft.webhooks_token = reply.json["access_token"]
    assert (await microsoft.registration("GET", "/events")).status == 200
    microsoft.token = reply.json["access_token"]
    assert (await microsoft.call("GET")).status == 401


async def test_each_use_brings_a_new_refresh_token_and_the_old_stays_good(microsoft: Microsoft) -> None:
    first = (await refreshed(microsoft)).json["refresh_token"]
    second = (await refreshed(microsoft, refresh_token=first)).json["refresh_token"]
    assert len({microsoft.entra.refresh_token, first, second}) == 3
    assert (await refreshed(microsoft)).status == 200
    microsoft.entra.switches.old_refresh_token_dies = True
    assert (await refreshed(microsoft, refresh_token=first)).status == 200
    assert (await refreshed(microsoft, refresh_token=first)).json["error"] == "invalid_grant"


async def test_rotation_can_be_off(microsoft: Microsoft) -> None:
    microsoft.entra.switches.rotate_refresh_tokens = False
    assert (await refreshed(microsoft)).json["refresh_token"] == microsoft.entra.refresh_token


def number(reply: Reply) -> tuple[int, str, int]:
    (code,) = reply.json["error_codes"]
    assert reply.json["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(reply.json)
    return reply.status, reply.json["error"], code


async def test_a_revoked_refresh_token_is_an_invalid_grant(microsoft: Microsoft) -> None:
    microsoft.entra.revoke_refresh_tokens()
    assert number(await refreshed(microsoft)) == (400, "invalid_grant", 50173)
    token = microsoft.entra.sign_in()
    assert (await refreshed(microsoft, refresh_token=token)).status == 200


async def test_a_refresh_token_lapses_when_nobody_uses_it(microsoft: Microsoft) -> None:
    for _ in range(3):
        microsoft.frame.clock.advance(60 * 86_400)
        assert (await refreshed(microsoft)).status == 200
    microsoft.frame.clock.advance(91 * 86_400)
    assert number(await refreshed(microsoft)) == (400, "invalid_grant", 70008)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": ""}, (401, "invalid_client", 7000218)),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, (400, "unauthorized_client", 700016)),
        ({"client_id": ""}, (400, "invalid_request", 900144)),
        ({"refresh_token": "nonsense"}, (400, "invalid_grant", 9002313)),
        ({"refresh_token": ""}, (400, "invalid_request", 900144)),
        ({"resource": "https://graph.example"}, (400, "invalid_resource", 500011)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"grant_type": ""}, (400, "invalid_request", 900144)),
        ({"tenant": "nobody.example"}, (400, "invalid_request", 90002)),
    ],
)
async def test_a_request_that_is_wrong_is_refused_with_its_number(
    microsoft: Microsoft, form: dict[str, str], expected: tuple[int, str, int]
) -> None:
    good = {"grant_type": "refresh_token", "refresh_token": microsoft.entra.refresh_token}
    options: dict[str, Any] = {**good, **form}
    assert number(await microsoft.sign_in(**options)) == expected


async def test_a_body_that_is_no_form_is_refused(microsoft: Microsoft) -> None:
    url = f"{microsoft.entra.base_url}/common/oauth2/token"
    assert (await microsoft.ask("POST", url, json={"grant_type": "refresh_token"})).status == 400


async def test_an_application_gets_a_token_of_its_own(microsoft: Microsoft) -> None:
    reply = await microsoft.sign_in(version=2, grant_type="client_credentials", scope=f"{WEBHOOKS}/.default")
    assert "refresh_token" not in reply.json
    said = claims(reply.json["access_token"])
    assert said["idtyp"] == "app"
    assert "amr" not in said
    for scope in ("", f"{WEBHOOKS}/user_impersonation", f"{WEBHOOKS}/.default {PARTNER_CENTER}/.default"):
        refused = await microsoft.sign_in(version=2, grant_type="client_credentials", scope=scope)
        assert refused.status == 400
    assert (await microsoft.sign_in(grant_type="client_credentials")).json["error"] == "invalid_request"


async def test_another_resource_can_be_added(microsoft: Microsoft) -> None:
    microsoft.entra.resources["https://org.crm.example"] = "https://org.crm.example"
    reply = await microsoft.sign_in(
        version=2, grant_type="client_credentials", scope="https://org.crm.example//.default"
    )
    assert claims(reply.json["access_token"])["aud"] == "https://org.crm.example"


async def test_the_secret_may_stand_in_a_basic_header(microsoft: Microsoft) -> None:
    pair = f"{microsoft.entra.client_id}:{microsoft.entra.client_secret}"
    url = f"{microsoft.entra.base_url}/organizations/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": f"{WEBHOOKS}/.default"}
    for basic, status in ((b64encode(pair.encode()).decode(), 200), ("%%%", 401)):
        reply = await microsoft.ask("POST", url, data=form, headers={"Authorization": f"Basic {basic}"})
        assert reply.status == status


async def test_discovery_leads_to_the_token_endpoint_and_the_keys(microsoft: Microsoft) -> None:
    root = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}"
    for version in ("", "/v2.0"):
        found = (await microsoft.ask("GET", f"{root}{version}/.well-known/openid-configuration")).json
        assert found["token_endpoint"] == f"{root}/oauth2{version}/token"
        keys = (await microsoft.ask("GET", found["jwks_uri"])).json
        key = jwt.PyJWKSet.from_dict(keys).keys[0]
        assert jwt.decode(microsoft.token, key, algorithms=["RS256"], audience=PARTNER_CENTER)["upn"]
    unknown = f"{microsoft.entra.base_url}/nobody/v2.0/.well-known/openid-configuration"
    assert (await microsoft.ask("GET", unknown)).status == 400
    instance = (await microsoft.ask("GET", f"{microsoft.entra.base_url}/common/discovery/instance")).json
    assert instance["tenant_discovery_endpoint"].startswith(root)


async def test_an_identity_token_opens_nothing(microsoft: Microsoft) -> None:
    microsoft.token = (await refreshed(microsoft, scope="openid")).json["id_token"]
    assert (await microsoft.call("GET")).status == 401


async def test_reset_keeps_the_refresh_token_that_was_handed_out(microsoft: Microsoft) -> None:
    token = microsoft.entra.refresh_token
    microsoft.entra.revoke_refresh_tokens()
    microsoft.entra.switches.mfa = False
    microsoft.entra.reset()
    reply = await refreshed(microsoft, refresh_token=token)
    assert claims(reply.json["access_token"])["amr"] == ["pwd", "mfa"]


FABRIKAM = Tenant(
    "5a9d0000-0000-4000-8000-00000000e00f",
    "fabrikam.onmicrosoft.example",
    "person@fabrikam.example",
    "0b3c0000-0000-4000-8000-00000000f00f",
    (Application("c11e0000-0000-4000-8000-00000000c00e", "one", "5e4f0000-0000-4000-8000-00000000d00e"),),
)


async def test_a_token_of_another_tenant_is_not_admitted(microsoft: Microsoft) -> None:
    stranger = Entra(microsoft.frame, base_url="http://127.0.0.1:1", tenant=FABRIKAM)
    microsoft.token = stranger.issue(PARTNER_CENTER)
    assert (await microsoft.call("GET")).status == 401


async def test_an_application_token_names_the_application_and_its_principal(microsoft: Microsoft) -> None:
    """dataverse-api.md 1.1: client credentials for `{environment}/.default`, slash or none."""
    microsoft.entra.resources["https://org.crm.example"] = "https://org.crm.example"
    for scope in ("https://org.crm.example/.default", "https://org.crm.example//.default"):
        reply = await microsoft.sign_in(version=2, grant_type="client_credentials", scope=scope)
        caller = microsoft.entra.admit(reply.json["access_token"], ["https://org.crm.example"])
        assert caller.app_only
        assert (caller.client_id, caller.object_id) == (
            CONTOSO.applications[0].client_id,
            CONTOSO.applications[0].object_id,
        )
    for resource in ("https://org.crm.example", "https://org.crm.example/"):
        reply = await microsoft.sign_in(grant_type="client_credentials", resource=resource)
        assert reply.json["resource"] == "https://org.crm.example"


def _certificate() -> tuple[str, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "connector")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=3650))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode(), key


def _assertion(microsoft: Microsoft, key: rsa.RSAPrivateKey, url: str, *, life: float = 600) -> str:
    client, now = microsoft.entra.client_id, microsoft.frame.clock.now().timestamp()
    claims = {"aud": url, "iss": client, "sub": client, "jti": "1", "nbf": now, "exp": now + life}
    return jwt.encode(claims, key, algorithm="PS256")


async def test_a_certificate_proves_an_application_as_well_as_its_secret(microsoft: Microsoft) -> None:
    pem, key = _certificate()
    url = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "scope": f"{WEBHOOKS}/.default",
        "client_secret": "",
        "client_assertion_type": ASSERTION,
    }
    proof = _assertion(microsoft, key, url)
    unknown = await microsoft.sign_in(version=2, **form, client_assertion=proof)
    assert (unknown.status, unknown.json["error_codes"]) == (401, [700027])
    microsoft.entra.trust_certificate(microsoft.entra.client_id, pem)
    assert (await microsoft.sign_in(version=2, **form, client_assertion=proof)).status == 200
    late = _assertion(microsoft, key, url, life=-1)
    assert (await microsoft.sign_in(version=2, **form, client_assertion=late)).json["error_codes"] == [700024]
    astray = _assertion(microsoft, key, "https://elsewhere.example/token")
    assert (await microsoft.sign_in(version=2, **form, client_assertion=astray)).json["error_codes"] == [
        50027
    ]
