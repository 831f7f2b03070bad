"""Signing in to the Salesforce sandbox (salesforce-api.md section 2)."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .sales import JWT_BEARER, Sales
from .visitor import visiting


def _foreign_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


async def test_a_signed_assertion_opens_a_session_with_just_the_documented_keys(sales: Sales) -> None:
    """2.2: no refresh token, no issued_at, no expires_in."""
    reply = await sales.sign_in()
    assert reply.status == 200
    assert set(reply.json) == {"access_token", "scope", "instance_url", "id", "token_type"}
    assert reply.json["instance_url"] == sales.org.base_url
    assert reply.json["token_type"] == "Bearer"
    assert "!" in reply.json["access_token"]
    headers = {"Authorization": f"Bearer {reply.json['access_token']}"}
    who = await sales.call("GET", "/services/oauth2/userinfo", headers=headers)
    assert who.json["preferred_username"] == sales.org.username
    org_id, user_id = reply.json["id"].split("/")[-2:]
    assert (org_id, user_id) == (who.json["organization_id"], who.json["user_id"])


@pytest.mark.parametrize("ahead", [180, 300, 0, -60])
@pytest.mark.parametrize("form", [int, str])
async def test_exp_may_be_text_and_a_little_past(sales: Sales, ahead: int, form: type) -> None:
    """2.2: simple-salesforce sends a string, aiosalesforce now+300, CumulusCI now+0."""
    assert (await sales.sign_in(exp=form(int(time.time()) + ahead))).status == 200


@pytest.mark.parametrize("aud", ["https://test.salesforce.com", "https://login.salesforce.com/", "own"])
async def test_every_documented_audience_is_accepted(sales: Sales, aud: str) -> None:
    assert (await sales.sign_in(aud=sales.org.base_url if aud == "own" else aud)).status == 200


@pytest.mark.parametrize(
    ("claims", "error", "part"),
    [
        ({"iss": "someone"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody@cosell.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"aud": "https://example.org"}, "invalid_grant", "audience"),
        ({"exp": 1_600_000_000}, "invalid_grant", "expired"),
        ({"exp": 4_000_000_000}, "invalid_grant", "invalid assertion"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
        ({"exp": None}, "invalid_grant", "invalid assertion"),
    ],
)
async def test_a_wrong_claim_is_refused_in_the_recorded_words(
    sales: Sales, claims: dict[str, Any], error: str, part: str
) -> None:
    """2.3: 400 and an object."""
    reply = await sales.sign_in(**claims)
    assert reply.status == 400
    assert reply.json["error"] == error
    assert part in reply.json["error_description"]


async def test_an_assertion_of_another_key_or_algorithm_is_refused(sales: Sales) -> None:
    assert (await sales.sign_in(key=_foreign_key())).json["error_description"] == "invalid assertion"
    claims = {"iss": sales.org.client_id, "sub": sales.org.username, "exp": int(time.time()) + 60}
    shared = jwt.encode(claims, "a secret that both sides know, long enough", algorithm="HS256")
    unsigned = jwt.encode(claims, "", algorithm="none")
    for assertion in (shared, unsigned, "not.a.token", "", "a"):
        reply = await sales.token(grant_type=JWT_BEARER, assertion=assertion)
        assert reply.status == 400
        assert reply.json == {"error": "invalid_grant", "error_description": "invalid assertion"}


async def test_a_user_who_is_not_admin_approved_is_refused(sales: Sales) -> None:
    """2.3 `invalid_app_access`: by the app's policy, or because it is another user."""
    other = {
        "error": "invalid_app_access",
        "error_description": "user is not admin approved to access this app",
    }
    assert (await sales.sign_in(sub="alex.moreau@cosell.example")).json == other
    sales.org.settings.admin_approved = False
    assert (await sales.sign_in()).json == other
    sales.org.settings.user_approved = False
    assert (await sales.sign_in()).json["error_description"] == "user hasn't approved this consumer"


async def test_client_credentials_come_in_the_form_or_by_basic(sales: Sales) -> None:
    """2.2: issued_at is milliseconds as text."""
    org = sales.org
    form = await sales.token(
        grant_type="client_credentials", client_id=org.client_id, client_secret=org.client_secret
    )
    assert set(form.json) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
        "api_instance_url",
    }
    assert form.json["issued_at"].isdigit()
    assert len(form.json["issued_at"]) == 13
    packed = base64.b64encode(f"{org.client_id}:{org.client_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {packed}"}
    data = {"grant_type": "client_credentials"}
    async with sales.http.post(f"{org.base_url}/services/oauth2/token", data=data, headers=headers) as answer:
        assert answer.status == 200


async def test_wrong_client_credentials_are_told_apart(sales: Sales) -> None:
    org = sales.org
    grant = {"grant_type": "client_credentials"}
    wrong_id = await sales.token(**grant, client_id="x", client_secret=org.client_secret)
    assert wrong_id.json == {"error": "invalid_client_id", "error_description": "client identifier invalid"}
    wrong_secret = await sales.token(**grant, client_id=org.client_id, client_secret="x")
    assert wrong_secret.json == {"error": "invalid_client", "error_description": "invalid client credentials"}
    org.settings.run_as_user = False
    unset = await sales.token(**grant, client_id=org.client_id, client_secret=org.client_secret)
    assert unset.json == {
        "error": "invalid_grant",
        "error_description": "no client credentials user enabled",
    }


async def test_a_refresh_token_rotates_where_the_app_says_so(sales: Sales) -> None:
    """2.2: the new one must be stored, the old one is dead."""
    org = sales.org
    form = {"grant_type": "refresh_token", "client_id": org.client_id, "client_secret": org.client_secret}
    first = org.refresh_token
    plain = await sales.token(**form, refresh_token=first)
    assert plain.status == 200
    assert "refresh_token" not in plain.json
    org.settings.rotate_refresh_tokens = True
    rotated = await sales.token(**form, refresh_token=first)
    assert rotated.json["refresh_token"] == org.refresh_token != first
    stale = await sales.token(**form, refresh_token=first)
    assert stale.json == {"error": "invalid_grant", "error_description": "expired access/refresh token"}


async def test_unknown_grants_and_passwords_are_refused(sales: Sales) -> None:
    assert (await sales.token(grant_type="device")).json == {
        "error": "unsupported_grant_type",
        "error_description": "grant type not supported",
    }
    password = await sales.token(grant_type="password", username="a", password="b")
    assert password.json == {"error": "invalid_grant", "error_description": "authentication failure"}


async def test_a_revoked_app_is_locked_out_until_it_is_approved_again(sales: Sales) -> None:
    org = sales.org
    token = (await sales.sign_in()).json["access_token"]
    org.revoke()
    assert (await sales.sign_in()).json["error_description"] == "user hasn't approved this consumer"
    for dead in (token, org.access_token):
        headers = {"Authorization": f"Bearer {dead}"}
        assert (await sales.call("GET", "/limits", headers=headers)).refusal == (401, "INVALID_SESSION_ID")
    org.approve()
    assert (await sales.sign_in()).status == 200


async def test_a_session_ends_by_policy_on_the_clock_of_the_sandbox(sales: Sales) -> None:
    """2.5: the session length is the org's policy; the lasting token of the description stays."""
    sales.org.settings.session_seconds = 900
    headers = {"Authorization": f"Bearer {(await sales.sign_in()).json['access_token']}"}
    sales.frame.clock.advance(900)
    assert (await sales.call("GET", "/limits", headers=headers)).status == 200
    sales.frame.clock.advance(1)
    assert (await sales.call("GET", "/limits", headers=headers)).status == 401
    assert (await sales.call("GET", "/limits")).status == 200


async def test_one_session_can_be_closed_by_its_token(sales: Sales) -> None:
    token = (await sales.sign_in()).json["access_token"]
    url = f"{sales.org.base_url}/services/oauth2/revoke"
    async with sales.http.post(url, data={"token": token}) as answer:
        assert answer.status == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert (await sales.call("GET", "/limits", headers=headers)).status == 401
    async with sales.http.post(url, data={"token": token}) as answer:
        assert answer.status == 400


async def test_calls_without_a_bearer_are_refused(sales: Sales) -> None:
    url = f"{sales.org.base_url}/services/data/v67.0/limits"
    async with sales.http.get(url) as answer:
        assert answer.status == 401
        assert (await answer.json())[0]["errorCode"] == "INVALID_AUTH_HEADER"
    for header in ("Bearer", "Bearer x", "Basic eDp5"):
        async with sales.http.get(url, headers={"authorization": header}) as answer:
            assert answer.status == 401
            assert (await answer.json())[0]["errorCode"] == "INVALID_SESSION_ID"


async def test_the_identity_tells_who_and_refuses_dead_tokens_with_403(sales: Sales) -> None:
    """2.4, 2.5."""
    path = f"/id/{sales.org.organization_id}/{sales.org.user_id}"
    who = await sales.call("GET", path)
    assert who.json["username"] == sales.org.username
    assert who.json["urls"]["rest"].endswith("/services/data/v{version}/")
    dead = {"Authorization": "Bearer dead"}
    refused = await sales.call("GET", path, headers=dead)
    assert (refused.status, refused.raw) == (403, b"Bad_OAuth_Token")
    assert (await sales.call("GET", "/services/oauth2/userinfo", headers=dead)).status == 403
    assert (await sales.call("GET", "/id/00D000000000000/005000000000000")).status == 404
    by_query = await sales.call("GET", path, params={"format": "json", "oauth_token": sales.org.access_token})
    assert by_query.status == 200


async def test_what_was_handed_out_outlives_a_reset(sales: Sales) -> None:
    org = sales.org

    def handed_out() -> tuple[str, ...]:
        lasting = (org.client_id, org.client_secret, org.private_key_pem)
        return (*lasting, org.username, org.user_id, org.access_token, org.refresh_token)

    before = handed_out()
    await sales.deal()
    sales.frame.reset(seed=99)
    org.reset()
    assert handed_out() == before
    assert org.as_seller.rows("Opportunity") == []
    async with aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {org.access_token}"}
        async with http.get(f"{org.base_url}/services/data/v67.0/limits", headers=headers) as answer:
            assert answer.status == 200


def _certificate(key_pem: str) -> str:
    """A certificate that the integration made itself."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cosell")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=30))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


async def test_two_secrets_are_good_side_by_side_until_the_old_one_ends(sales: Sales) -> None:
    """J-8: rotation without an outage."""
    org = sales.org
    first = org.client_secret

    async def answers() -> list[int]:
        form = {"grant_type": "client_credentials", "client_id": org.client_id}
        return [(await sales.token(**form, client_secret=one)).status for one in (first, second)]

    second = org.application.new_secret()["secret"]
    assert org.client_secret == second != first
    assert await answers() == [200, 200]
    with pytest.raises(ValueError, match="end the old one first"):
        org.application.new_secret()
    old, new = (one["key_id"] for one in org.application.secrets() if "secret" in one["key_id"])
    org.application.end_secret(old)
    assert await answers() == [400, 200]
    org.application.end_secret(new)
    assert await answers() == [400, 400]
    org.reset()
    assert org.client_secret == first


async def test_two_certificates_are_good_side_by_side_until_the_old_one_ends(sales: Sales) -> None:
    first = sales.org.private_key_pem
    own = _foreign_key()
    sales.org.application.trust_certificate(_certificate(own))
    assert [(await sales.sign_in(key=key)).status for key in (first, own)] == [200, 200]
    sales.org.application.end_secret("certificate-0")
    assert [(await sales.sign_in(key=key)).status for key in (first, own)] == [400, 200]
    second = sales.org.application.new_certificate()
    assert sales.org.private_key_pem == second
    assert [(await sales.sign_in(key=key)).status for key in (own, second)] == [200, 200]


async def test_an_app_that_is_not_in_this_org_is_told_so(sales: Sales) -> None:
    """2.3: the wrong login host for this org."""
    sales.org.settings.app_installed = False
    assert (await sales.sign_in()).json == {
        "error": "app_not_found",
        "error_description": "External client app is not installed in this org",
    }


async def test_a_clock_that_is_off_is_refused_within_what_the_org_allows(sales: Sales) -> None:
    """2.3: clock off; the skew is a setting, as its true size is not documented."""
    sales.org.settings.jwt_skew_seconds = 10
    refused = await sales.sign_in(exp=int(time.time()) - 60)
    assert refused.json == {"error": "invalid_grant", "error_description": "expired assertion"}


async def test_a_user_without_api_enabled_is_signed_in_and_refused(sales: Sales) -> None:
    """2.1: the integration user needs API Enabled."""
    rows = sales.org.as_seller.rows("PermissionSetAssignment")
    for row in rows:
        if row["AssigneeId"] == sales.org.user_id:
            sales.org.as_seller.delete("PermissionSetAssignment", row["Id"])
    assert (await sales.sign_in()).status == 200
    assert (await sales.call("GET", "/limits")).refusal == (403, "API_CURRENTLY_DISABLED")


async def test_the_controls_rotate_secrets_and_certificates() -> None:
    async with visiting(empty=True) as visitor:
        before = visitor.sandbox.description["salesforce"]
        made = await visitor.post("/control/secrets/salesforce", {})
        assert made["secret"] == visitor.sandbox.description["salesforce"]["client_secret"]
        assert made["secret"] != before["client_secret"]
        ended = await visitor.post("/control/secrets/salesforce/certificate-0/end", {})
        assert ended["key_id"] == "certificate-0"
        again = await visitor.post("/control/secrets/salesforce/certificate-0/end", {}, status=404)
        assert again["error"]
        own = {"system": "salesforce", "client_id": before["client_id"]}
        own["certificate_pem"] = _certificate(_foreign_key())
        told = await visitor.post("/control/tokens/certificates", own)
        assert told == {"registered": before["client_id"], "key_id": "certificate-2", "ends": None}
        own["client_id"] = "nobody"
        assert (await visitor.post("/control/tokens/certificates", own, status=400))["error"]
