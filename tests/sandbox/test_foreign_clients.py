"""What clients that nobody here wrote send, each case found by pointing such a client at the sandbox.

`foreign/README.md` says how to point them at it again.
"""

from __future__ import annotations

import asyncio
import re
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from cryptography import x509
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.entra import PARTNER_CENTER, WEBHOOKS
from cosell.sandbox.shell.authority import Authority, found_authority
from cosell.sandbox.shell.serving import Serving

from .microsoft import Microsoft, free_socket, private_deal
from .person import Person, told
from .sales import VERSION, Sales

SCOPE = f"{PARTNER_CENTER}/.default offline_access openid profile"


def identity_of(answer: dict[str, Any], microsoft: Microsoft) -> dict[str, Any]:
    """The claims of an identity token as a client reads them."""
    token = answer["id_token"]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    assert found["aud"] == microsoft.entra.client_id
    assert found["preferred_username"] == microsoft.entra.email
    assert {"iss", "exp", "iat", "sub", "oid", "tid"} <= set(found)
    return found


async def code_for(microsoft: Microsoft, **extra: str) -> str:
    """Signs the person in as a browser would and gives the code."""
    asked = {
        "client_id": microsoft.entra.client_id,
        "response_type": "code",
        "redirect_uri": "http://localhost:9",
        "scope": SCOPE,
        **extra,
    }
    url = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/oauth2/v2.0/authorize"
    person = Person(microsoft.session, microsoft.entra.email)
    return told(await person.sign_in(f"{url}?{urlencode(asked)}"))["code"]


async def test_msal_finds_its_nonce_in_the_identity_token(microsoft: Microsoft) -> None:
    """`openid` and the nonce stand in the first request of its code flow, the code alone in the second."""
    verifier = "v" * 50
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    options = {"code_challenge": challenge, "code_challenge_method": "S256", "nonce": "n-1"}
    code = await code_for(microsoft, **options, client_info="1")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost:9"}
    reply = await microsoft.sign_in(version=2, **form, code_verifier=verifier)
    assert identity_of(reply.json, microsoft)["nonce"] == "n-1"


async def test_a_code_asked_without_openid_brings_no_identity(microsoft: Microsoft) -> None:
    code = await code_for(microsoft, scope=f"{PARTNER_CENTER}/.default")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost:9"}
    assert "id_token" not in (await microsoft.sign_in(version=2, **form)).json


async def test_a_device_that_asked_for_openid_learns_who_signed_in(microsoft: Microsoft) -> None:
    """msal and azure-identity send the scopes with the first request only."""
    url = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/oauth2/v2.0/devicecode"
    asked = {"client_id": microsoft.entra.client_id, "scope": SCOPE}
    device = (await microsoft.ask("POST", url, data=asked)).json
    microsoft.entra.approve_device(device["user_code"])
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    form = {"grant_type": grant, "device_code": device["device_code"], "client_secret": ""}
    reply = await microsoft.sign_in(version=2, **form)
    assert "nonce" not in identity_of(reply.json, microsoft)


async def test_the_official_command_line_signs_in_with_exp_in_milliseconds(sales: Sales) -> None:
    """@salesforce/core 8 sends `exp` as milliseconds since 1970 plus 300, and the service takes it."""
    assert (await sales.sign_in(exp=int(time.time() * 1000) + 300)).status == 200
    old = await sales.sign_in(exp=int((time.time() - 3600) * 1000))
    assert old.json["error_description"] == "expired assertion"


@pytest.mark.parametrize("start", ["v67.0", "/v67.0", VERSION])
async def test_a_batch_takes_every_documented_form_of_a_url(sales: Sales, start: str) -> None:
    """7.3; aiosalesforce sends the whole path, as the guide lists the resources."""
    batch = {"batchRequests": [{"method": "GET", "url": f"{start}/sobjects/Account/describe"}]}
    reply = await sales.call("POST", "/composite/batch", batch)
    (result,) = reply.json["results"]
    assert (result["statusCode"], result["result"]["name"]) == (200, "Account")


@pytest.mark.parametrize("zone", ["GMT", "UTC", "UT"])
async def test_a_condition_may_name_its_zone_as_the_guide_does(sales: Sales, zone: str) -> None:
    """6.4; the guide's format is `EEE, dd MMM yyyy HH:mm:ss z`."""
    path = f"/sobjects/Opportunity/{await sales.deal()}"
    now, earlier = (sales.http_date(seconds).replace("GMT", zone) for seconds in (0, -60))
    assert (
        await sales.call("PATCH", path, {"Amount": 1}, headers={"If-Unmodified-Since": now})
    ).status == 204
    stale = await sales.call("PATCH", path, {"Amount": 2}, headers={"If-Unmodified-Since": earlier})
    assert stale.status == 412


async def test_a_condition_in_another_zone_is_the_same_instant(sales: Sales) -> None:
    """The guide's own example ends in MST, seven hours behind."""
    path = f"/sobjects/Opportunity/{await sales.deal()}"
    for zone, hours in (("MST", 7), ("EST", 5)):
        local = sales.http_date(-3600 * hours).replace("GMT", zone)
        guard = {"If-Unmodified-Since": local}
        assert (await sales.call("PATCH", path, {"Amount": 1}, headers=guard)).status == 204, zone
        guard = {"If-Unmodified-Since": sales.http_date(-3600 * hours - 60).replace("GMT", zone)}
        assert (await sales.call("PATCH", path, {"Amount": 1}, headers=guard)).status == 412, zone


@pytest.fixture
def authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Authority]:
    """Three authorities; this machine trusts the first."""
    folders = [tmp_path / name for name in ("machine", "sandbox", "staging")]
    for folder in folders:
        folder.mkdir()
    made = [found_authority(folder, host="127.0.0.1") for folder in folders]
    monkeypatch.setenv("SSL_CERT_FILE", str(made[0].ca_file))
    return made


async def test_an_authority_is_trusted_besides_those_of_the_machine(
    microsoft: Microsoft, authorities: list[Authority]
) -> None:
    """A callback behind a public certificate still gets its events when the sandbox runs with TLS."""
    hooks, arrived = microsoft.webhooks, list[bytes]()
    hooks.switches.attempts = 1

    async def take(request: Request) -> Response:
        arrived.append(await request.body())
        return Response(status_code=202)

    async def reached(authority: Authority) -> bool:
        sock, url = free_socket()
        serving = Serving()
        await serving.open(
            Starlette(routes=[Route("/hook", take, methods=["POST"])]), sock, pem=authority.server_pem
        )
        hooks.register(url.replace("http:", "https:") + "/hook", ["referral-created"])
        before = len(arrived)
        await microsoft.post(private_deal())
        await hooks.settled()
        await serving.close()
        return len(arrived) == before + 1

    assert [await reached(one) for one in authorities] == [True, False, False]
    hooks.trust(authorities[1].ca_file.read_text())
    assert [await reached(one) for one in authorities] == [True, True, False]
    hooks.trust(authorities[2].ca_file.read_text())
    assert [await reached(one) for one in authorities] == [True, True, True]


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Opportunity/describe"])
async def test_a_description_carries_the_tag_that_was_recorded(sales: Sales, path: str) -> None:
    """salesforce-api.md 1 and 4: beside Last-Modified, on the 304 too, the same until something changes."""
    first = await sales.call("GET", path)
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{8}"', tag)
    same = await sales.call("GET", path, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert (same.status, same.raw, same.headers["ETag"]) == (304, b"", tag)
    sales.frame.clock.advance(60)
    sales.org.settings.opportunity_teams = not sales.org.settings.opportunity_teams
    assert (await sales.call("GET", path)).headers["ETag"] != tag


async def test_a_missed_update_only_speaks_the_words_of_not_found(sales: Sales) -> None:
    """salesforce-api.md 3 and 6.3."""
    body = {"Name": "x", "StageName": "Prospecting", "CloseDate": "2027-01-31"}
    reply = await sales.call("PATCH", "/sobjects/Opportunity/Referral_Identifier__c/r?updateOnly=true", body)
    assert reply.errors[0]["message"] == "The requested resource does not exist"


@pytest.mark.parametrize("second_factor", [True, False])
async def test_a_client_may_ask_whether_its_token_has_a_second_factor(
    microsoft: Microsoft, second_factor: bool
) -> None:
    """partner-center-api.md 1.2: `ValidateMfa: true` is answered with `isMfaCompliant`."""
    microsoft.entra.switches.mfa = second_factor
    microsoft.token = microsoft.entra.issue(PARTNER_CENTER)
    microsoft.webhooks_token = microsoft.entra.issue(WEBHOOKS)
    status = 200 if second_factor else 401
    for ask, path in ((microsoft.call, ""), (microsoft.registration, "/events")):
        reply = await ask("GET", path, headers={"ValidateMfa": "true"})
        assert (reply.status, reply.headers["isMfaCompliant"]) == (status, str(second_factor).lower())
        assert "isMfaCompliant" not in (await ask("GET", path)).headers


async def test_an_application_alone_is_asked_for_no_second_factor(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2: app-only is exempt."""
    microsoft.webhooks_token = microsoft.entra.issue_app_only(WEBHOOKS)
    reply = await microsoft.registration("GET", "/events", headers={"ValidateMfa": "true"})
    assert reply.status == 200
    assert "isMfaCompliant" not in reply.headers


HEAD = b"""POST /echo HTTP/1.1
Host: localhost
Connection: Upgrade, HTTP2-Settings
Upgrade: h2c
HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA
Content-Length: %d

"""


@pytest.mark.parametrize("pieces", ["one", "head and body", "byte by byte"])
async def test_an_offer_of_http2_is_passed_over_and_the_body_is_read(pieces: str) -> None:
    """The HTTP client of Java offers `h2c` with every plain request; a server need not take it up."""

    async def echo(request: Request) -> Response:
        return Response(await request.body())

    sock, url = free_socket()
    serving = Serving()
    await serving.open(Starlette(routes=[Route("/echo", echo, methods=["POST"])]), sock, pem=None)
    # What looks like the offer in a body is content.
    body = b"first line\r\nUpgrade: h2c\r\n\r\nUpgrade: h2c\r\n"
    head = (HEAD % len(body)).replace(b"\n", b"\r\n")
    cut = {"one": [head + body], "head and body": [head, body]}
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    for _ in range(2):
        for part in cut.get(pieces) or [bytes([one]) for one in head + body]:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        length = re.search(rb"content-length: (\d+)", answer)
        assert length is not None
        assert await reader.readexactly(int(length[1])) == body
    writer.close()
    await writer.wait_closed()
    await serving.close()


@pytest.mark.parametrize("form", ["der", "pem"])
async def test_the_root_of_the_signing_certificates_can_be_fetched(microsoft: Microsoft, form: Any) -> None:
    """partner-center-api.md 7.3 and row 12: a receiver of its own needs something to check the chain by."""
    microsoft.webhooks.switches.certificate_form = form
    raw = (await microsoft.ask("GET", f"{microsoft.webhooks.base_url}/cert/root.cer")).raw
    load = x509.load_pem_x509_certificate if form == "pem" else x509.load_der_x509_certificate
    assert load(raw) == x509.load_pem_x509_certificate(microsoft.webhooks.root_certificate_pem)


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00Z", "0999-12-31T23:59:59+14:00"])
async def test_a_year_before_1000_is_a_date_like_any_other(sales: Sales, start: str) -> None:
    """Too long ago for a change list, and before everything in a query."""
    name = await sales.create("Account", Name="Contoso")
    for kind in ("updated", "deleted"):
        query = {"start": start, "end": sales.moment()}
        reply = await sales.call("GET", f"/sobjects/Account/{kind}", params=query)
        assert reply.refusal == (400, "INVALID_REPLICATION_DATE")
    found = await sales.query(f"SELECT Id FROM Account WHERE CreatedDate > {start.replace('+14:00', 'Z')}")
    assert [row["Id"] for row in found] == [name]


@pytest.mark.parametrize("method", [["GET"], {"GET": 1}, 7, None])
async def test_a_method_that_is_no_text_is_refused(sales: Sales, method: Any) -> None:
    one = {"method": method, "url": f"{VERSION}/sobjects/Account/describe", "referenceId": "r"}
    assert (await sales.call("POST", "/composite", {"compositeRequest": [one]})).status == 400
    graphs = {"graphs": [{"graphId": "1", "compositeRequest": [one]}]}
    assert (await sales.call("POST", "/composite/graph", graphs)).status == 400
    batch = {"batchRequests": [{"method": method, "url": "v67.0/limits"}]}
    assert (await sales.call("POST", "/composite/batch", batch)).json["hasErrors"] is True


@pytest.mark.parametrize("packed", ["\u00e9", "=", "YTpi", "/w==", ""])
async def test_a_basic_header_that_cannot_be_read_is_a_wrong_secret(
    microsoft: Microsoft, sales: Sales, packed: str
) -> None:
    for version in (1, 2):
        middle = "oauth2/token" if version == 1 else "oauth2/v2.0/token"
        url = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/{middle}"
        form = {"grant_type": "client_credentials", "scope": f"{WEBHOOKS}/.default"}
        reply = await microsoft.ask("POST", url, data=form, headers={"Authorization": f"Basic {packed}"})
        assert reply.status in (400, 401)
        assert reply.json["error"] in ("invalid_client", "unauthorized_client", "invalid_request")
    url = f"{sales.org.base_url}/services/oauth2/token"
    form = {"grant_type": "client_credentials"}
    async with sales.http.post(url, data=form, headers={"Authorization": f"Basic {packed}"}) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"] == "invalid_client_id"
