"""Signing in to Dataverse: dataverse-api.md 1."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cosell.core.errors import (
    CosellError,
    Misconfigured,
    NotAllowed,
    SignedOut,
    Throttled,
    Unavailable,
)
from cosell.http import AiohttpTransport, AsgiTransport, Transport
from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Frame
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.options import Certificate, ClientSecret, FixedToken, Options
from tests.sandbox.microsoft import free_socket, serving

from .dynamicsdesk import AUTHORITY, ORG, Script, client_over
from .office import OwnClock

SECRET = ClientSecret("secret-of-the-app")
WHO = {"UserId": "00000000-0000-4000-8000-000000000009"}


@cache
def certificate(name: str = "cosell") -> str:
    """A private key and its certificate in one PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + made.public_bytes(serialization.Encoding.PEM)).decode()


@dataclass(slots=True)
class Desk:
    """A real directory, and an environment that answers by hand and checks nothing."""

    entra: Entra
    script: Script
    transport: Transport
    options: Options
    clock: OwnClock

    def client(self, login: Any, **options: Any) -> Client:
        known = {"tenant": self.entra.tenant, "authority": self.entra.base_url, **options}
        chosen = Options(ORG, self.entra.client_id, login, **known)
        return client_over(self.transport, chosen, self.clock)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    entra = Entra(Frame(seed=7), base_url="https://login.example")
    entra.resources[ORG] = ORG
    script = Script()
    script.on("WhoAmI", WHO)
    transport = AsgiTransport({ORG: script.app, entra.base_url: entra.app})
    yield Desk(entra, script, transport, Options(ORG, entra.client_id, SECRET), OwnClock())


async def who(client: Client) -> str:
    """Who we are, as the environment says; raises what a refusal means."""
    answer = await client.get("WhoAmI", purpose="who")
    if not answer.ok:
        raise answer.error(safe=True)
    return str(answer.row["UserId"])


def used(script: Script) -> list[str]:
    """The tokens of all requests so far."""
    return [one.headers["authorization"].removeprefix("Bearer ") for one in script.asked]


# --- the ways in -----------------------------------------------------------------------------------


async def test_a_secret_signs_in_over_microsofts_own_library() -> None:
    async with desk() as here:
        assert await who(here.client(ClientSecret(here.entra.client_secret))) == WHO["UserId"]
        (token,) = used(here.script)
        assert here.entra.admit(token, {ORG}).app_only


async def test_a_certificate_signs_in_as_well() -> None:
    async with desk() as here:
        public = certificate().partition("-----BEGIN CERTIFICATE-----")
        here.entra.trust_certificate(here.entra.client_id, "".join(public[1:]))
        assert await who(here.client(Certificate(certificate()))) == WHO["UserId"]
        with pytest.raises(SignedOut, match="does not know the certificate"):
            await who(here.client(Certificate(certificate("somebody else"))))


async def test_it_works_over_real_sockets_too() -> None:
    sock, url = free_socket()
    entra = Entra(Frame(seed=7), base_url=url)
    entra.resources[url] = url
    options = Options(
        url, entra.client_id, ClientSecret(entra.client_secret), tenant=entra.tenant, authority=url
    )
    async with serving(entra.app, sock):
        client = client_over(AiohttpTransport(), options, OwnClock())
        try:
            assert len((await client.sign_in.session()).token) > 100
        finally:
            await client.aclose()


async def test_a_fixed_token_is_used_until_it_ends_and_then_a_person_is_asked() -> None:
    script = Script()
    script.on("WhoAmI", b"", 401)
    with pytest.raises(SignedOut, match="expired"):
        await who(script.client(login=FixedToken("fixed")))
    assert used(script) == ["fixed"]


# --- how often -------------------------------------------------------------------------------------


def token(name: str, life: int = 3600) -> dict[str, object]:
    return {"token_type": "Bearer", "expires_in": life, "access_token": name}


def signing_in(*names: str, life: int = 3600) -> Script:
    """An environment and an authority that gives these tokens in turn."""
    script = Script()
    for name in names:
        script.on("/oauth2/v2.0/token", token(name, life))
    return script


async def test_many_calls_at_once_fetch_one_token() -> None:
    script = signing_in("one")
    script.on("WhoAmI", WHO)
    client = script.client(login=SECRET)
    await asyncio.gather(*(who(client) for _ in range(8)))
    assert len(script.paths("/oauth2/")) == 1


async def test_many_calls_at_once_share_a_refusal_as_well() -> None:
    """A wrong secret is tried once and not once for each call that waits; the next look tries it again."""
    script = Script()
    script.on("/oauth2/", entra_error(7000215), 401)
    client = script.client(login=SECRET)
    found = await asyncio.gather(*(who(client) for _ in range(8)), return_exceptions=True)
    assert {type(one) for one in found} == {SignedOut}
    assert len(script.paths("/oauth2/")) == 1
    with pytest.raises(SignedOut):
        await who(client)
    assert len(script.paths("/oauth2/")) == 2


async def test_many_calls_that_find_their_token_refused_fetch_one_more() -> None:
    """Single flight: a new token is fetched once, and each call is repeated once."""
    script = signing_in("one", "two")
    for _ in range(4):
        script.on("WhoAmI", b"", 401)
    script.on("WhoAmI", WHO)
    client = script.client(login=SECRET)
    await asyncio.gather(*(who(client) for _ in range(4)))
    assert len(script.paths("/oauth2/")) == 2
    assert len(script.paths("WhoAmI")) == 8


async def test_a_token_that_is_refused_for_ever_is_renewed_once_only() -> None:
    """reliability.md 5: 401 for ever."""
    script = signing_in("one", "two")
    script.on("WhoAmI", b"<html>", 401)
    with pytest.raises(SignedOut):
        await who(script.client(login=SECRET))
    assert len(script.paths("/oauth2/")) == 2
    assert len(script.paths("WhoAmI")) == 2


async def test_a_write_is_repeated_with_its_precondition() -> None:
    """A guarded write must not become a blind one."""
    script = signing_in("one", "two")
    script.on("accounts", b"", 401)
    script.on("accounts", b"", 204)
    change = Part("PATCH", "accounts(1)", "w", {"name": "A"}, {"If-Match": 'W/"5"'})
    assert (await script.client(login=SECRET).send(change, purpose="write")).ok
    assert [one.headers["if-match"] for one in script.asked if one.method == "PATCH"] == ['W/"5"'] * 2


async def test_a_token_is_renewed_before_it_ends() -> None:
    script = signing_in("one", "two")
    script.on("WhoAmI", WHO)
    clock = OwnClock()
    client = script.client(clock, login=SECRET)
    await who(client)
    clock.offset += 3200
    await who(client)
    assert len(script.paths("/oauth2/")) == 1
    clock.offset += 200
    await who(client)
    assert len(script.paths("/oauth2/")) == 2


# --- what is asked ---------------------------------------------------------------------------------


async def test_the_token_is_asked_for_the_environment_itself() -> None:
    script = signing_in("one")
    script.on("WhoAmI", WHO)
    await who(script.client(login=SECRET))
    asked = next(one for one in script.asked if "/oauth2/" in one.path)
    assert asked.path == "/contoso.example/oauth2/v2.0/token"
    assert b"scope=https%3A%2F%2Forg.crm.dynamics.com%2F.default" in asked.body
    assert b"grant_type=client_credentials" in asked.body


CHALLENGE = "Bearer authorization_uri={}/{}/oauth2/authorize, resource_id=https://org.crm.dynamics.com/"


async def test_the_environment_names_its_tenant_where_the_settings_do_not() -> None:
    """1.4."""
    script = signing_in("one")
    challenge = CHALLENGE.format(AUTHORITY, "5a9d0000-0000-4000-8000-00000000e001")
    script.on("/api/data/v9.2/WhoAmI", WHO)
    script.on("/api/data/v9.2/", b"", 401, WWW_Authenticate=challenge)
    await who(script.client(login=SECRET, tenant=None))
    assert script.asked[0].path == "/api/data/v9.2/"
    assert "authorization" not in script.asked[0].headers
    assert script.paths("/oauth2/") == ["/5a9d0000-0000-4000-8000-00000000e001/oauth2/v2.0/token"]


@pytest.mark.parametrize(
    ("status", "challenge", "kind"),
    [
        (401, CHALLENGE.format("https://login.evil.example", "t"), Misconfigured),
        (401, CHALLENGE.format(AUTHORITY + ".evil.example", "t"), Misconfigured),
        (401, "Bearer resource_id=https://org.crm.dynamics.com/", Misconfigured),
        (401, "", Misconfigured),
        (404, "", Misconfigured),
        (200, "", Misconfigured),
        (503, "", Unavailable),
    ],
)
async def test_a_secret_goes_to_no_authority_that_an_environment_makes_up(
    status: int, challenge: str, kind: type[CosellError]
) -> None:
    script = signing_in("one")
    script.on("/api/data/v9.2/", b"", status, WWW_Authenticate=challenge)
    with pytest.raises(kind):
        await who(script.client(login=SECRET, tenant=None))
    assert script.paths("/oauth2/") == []


# --- what is refused -------------------------------------------------------------------------------


def entra_error(number: int, error: str = "invalid_client") -> dict[str, object]:
    text = f"AADSTS{number}: something happened to secret-of-the-app. Trace ID: 1"
    return {"error": error, "error_description": text, "error_codes": [number]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, entra_error(7000215), SignedOut, "secret of the application is wrong"),
        (401, entra_error(7000222), SignedOut, "secret of the application has ended"),
        (401, entra_error(700027), SignedOut, "certificate"),
        (401, entra_error(700024), Misconfigured, "clock of this machine"),
        (400, entra_error(700016, "unauthorized_client"), Misconfigured, "does not know the application"),
        (400, entra_error(90002, "invalid_request"), Misconfigured, "tenant does not exist"),
        (400, entra_error(900023, "invalid_request"), Misconfigured, "no valid name"),
        (400, entra_error(500011, "invalid_resource"), Misconfigured, "does not know the environment"),
        (400, entra_error(7000112, "unauthorized_client"), NotAllowed, "disabled"),
        (400, entra_error(53003, "invalid_grant"), NotAllowed, "Conditional Access"),
        (400, entra_error(50000, "invalid_grant"), NotAllowed, "does not let the application"),
        (400, entra_error(1234), Misconfigured, "refuses the application"),
        (400, {"error": "invalid_client"}, Misconfigured, "refuses the application"),
        (429, {}, Throttled, "slow down"),
        (503, b"<html>", Unavailable, "out of order"),
        (400, b"<html>", Unavailable, "out of order"),
        (200, b"<html>", Unavailable, "nonsense"),
        (200, {"token_type": "Bearer"}, Unavailable, "nonsense"),
        (200, {"access_token": "a b", "expires_in": 3600}, Unavailable, "nonsense"),
        (200, {"access_token": "ab", "expires_in": "soon"}, Unavailable, "nonsense"),
        (200, [], Unavailable, "nonsense"),
    ],
)
async def test_each_refusal_says_who_has_to_act(
    status: int, body: object, kind: type[CosellError], says: str
) -> None:
    script = Script()
    script.on("/oauth2/", body, status)
    with pytest.raises(CosellError, match=says) as caught:
        await who(script.client(login=SECRET))
    assert type(caught.value) is kind
    assert "secret-of-the-app" not in caught.value.message + caught.value.detail
    assert len(script.asked) == 1, "nothing is tried again on its own"


@pytest.mark.parametrize(
    "options",
    [
        {"login": Certificate("-----BEGIN NONSENSE-----")},
        {"login": Certificate(certificate(), password="wrong")},
        {"login": SECRET, "tenant": "no tenant / at all"},
        {"login": SECRET, "client_id": ""},
    ],
)
async def test_what_cannot_be_used_is_said_before_anything_is_sent(options: dict[str, Any]) -> None:
    script = Script()
    with pytest.raises(Misconfigured):
        await who(script.client(**options))
    assert script.asked == []


async def test_an_authority_out_of_reach_is_unavailable() -> None:
    client = client_over(AsgiTransport({}), Options(ORG, "client", SECRET, tenant="t"), OwnClock())
    with pytest.raises(Unavailable, match="cannot be reached"):
        await who(client)


# --- what must not be seen -------------------------------------------------------------------------


async def test_secrets_and_tokens_of_late_are_known_and_taken_out_of_answers() -> None:
    """INV-13: a server that echoes the token into an error puts it into no message of ours."""
    script = signing_in("token-number-one")
    echo = {"error": {"code": "0x80040265", "message": "Bearer token-number-one is odd"}}
    script.on("WhoAmI", echo, 400)
    client = script.client(login=SECRET)
    with pytest.raises(CosellError) as caught:
        await who(client)
    assert "token-number-one" not in caught.value.message
    assert {"token-number-one", "secret-of-the-app"} <= set(client.sign_in.secrets())
    assert "secret-of-the-app" not in repr(SECRET) + repr(Options(ORG, "client", SECRET))


def test_whoever_never_signs_in_to_dataverse_never_loads_the_library() -> None:
    code = (
        "import sys, cosell.systems.dataverse, cosell.systems.dataverse.auth, cosell.systems.salesforce; "
        "sys.exit(any(name in sys.modules for name in ('azure', 'msal', 'requests')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
