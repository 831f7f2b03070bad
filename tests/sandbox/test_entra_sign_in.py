"""The Secure Application Model in a browser: one sign-in with a second factor, consent, a code (1.2).

Beyond partner-center-api.md the pages follow learn.microsoft.com/entra/identity-platform
(v2-oauth2-auth-code-flow, reply-url, reference-error-codes) and RFC 6749, 7636 and 8252.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest

from cosell.sandbox.entra import PARTNER_CENTER, WEBHOOKS

from .microsoft import Microsoft, Reply
from .person import Page, Person, told
from .visitor import visiting

BACK = "http://localhost:49152"
VERIFIER = "v" * 50
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def person(microsoft: Microsoft) -> Person:
    return Person(microsoft.session, microsoft.entra.email)


def address(microsoft: Microsoft, version: Any = 2, **changes: str) -> str:
    """Where an application sends a person who is to sign in."""
    middle = "oauth2/v2.0" if version == 2 else "oauth2"
    asked = {
        "client_id": microsoft.entra.client_id,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "s p&x=1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    if version == 2:
        asked["scope"] = f"{PARTNER_CENTER}/.default offline_access openid"
    else:
        asked["resource"] = PARTNER_CENTER
    wanted = {name: value for name, value in {**asked, **changes}.items() if value}
    return f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/{middle}/authorize?{urlencode(wanted)}"


async def redeemed(microsoft: Microsoft, code: str, version: Any = 2, **changes: str) -> Reply:
    """What the token endpoint says to a code; without a secret unless one is given."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        "client_secret": "",
        **changes,
    }
    return await microsoft.sign_in(version=version, tenant=None, **form)


async def refreshed(microsoft: Microsoft, token: str, **form: str) -> Reply:
    form = {"grant_type": "refresh_token", "refresh_token": token, **form}
    return await microsoft.sign_in(version=1, tenant=None, **form)


def amr(token: str) -> list[str]:
    found: list[str] = jwt.decode(token, options={"verify_signature": False})["amr"]
    return found


@pytest.mark.parametrize("version", [1, 2])
async def test_one_sign_in_leads_to_both_apis(microsoft: Microsoft, person: Person, version: int) -> None:
    """partner-center-api.md 1.2: one sign-in with MFA, then one refresh token for both resources."""
    back = await person.sign_in(address(microsoft, version=version))
    assert person.seen == ["password", "factor", "consent"]
    assert isinstance(back, str)
    assert back.startswith(f"{BACK}/?"), "an address without a path comes back with its slash (reply-url)"
    assert told(back)["state"] == "s p&x=1"
    first = (await redeemed(microsoft, told(back)["code"], version=version)).json
    assert amr(first["access_token"]) == ["pwd", "mfa"]
    microsoft.token = first["access_token"]
    assert (await microsoft.call("GET")).status == 200
    second = await refreshed(microsoft, first["refresh_token"], resource=WEBHOOKS, client_secret="")
    microsoft.webhooks_token = second.json["access_token"]
    assert (await microsoft.registration("GET", "/events")).status == 200


async def test_consent_is_asked_once(microsoft: Microsoft, person: Person) -> None:
    await person.sign_in(address(microsoft))
    person.seen.clear()
    await person.sign_in(address(microsoft))
    assert "consent" not in person.seen
    await person.sign_in(address(microsoft, prompt="consent"))
    assert "consent" in person.seen


async def test_a_browser_that_is_signed_in_is_not_asked_who_is_there(
    microsoft: Microsoft, person: Person
) -> None:
    microsoft.entra.switches.browser_session = True
    microsoft.entra.switches.consent = "granted"
    assert "code" in told(await person.sign_in(address(microsoft)))
    assert "code" in told(await person.sign_in(address(microsoft, prompt="none")))
    assert person.seen == []
    assert "code" in told(await person.sign_in(address(microsoft, prompt="login")))
    assert person.seen == ["password", "factor"]


async def test_without_a_page_the_application_learns_what_is_missing(
    microsoft: Microsoft, person: Person
) -> None:
    silent = address(microsoft, prompt="none")
    answer = told(await person.sign_in(silent))
    assert (answer["error"], answer["state"]) == ("login_required", "s p&x=1")
    microsoft.entra.switches.browser_session = True
    answer = told(await person.sign_in(silent))
    assert answer["error"] == "consent_required"
    assert answer["error_description"].startswith("AADSTS65001: ")


@pytest.mark.parametrize("step", ["password", "factor", "consent"])
async def test_who_gives_up_goes_back_with_access_denied(
    microsoft: Microsoft, person: Person, step: str
) -> None:
    answer = told(await person.sign_in(address(microsoft), cancel_at=step))
    assert (answer["error"], answer["state"]) == ("access_denied", "s p&x=1")
    assert "AADSTS65004" in answer["error_description"]


async def test_a_wrong_password_or_code_is_asked_for_again(microsoft: Microsoft) -> None:
    for wrong, number in (
        ({"username": "nobody@contoso.example"}, "AADSTS50034"),
        ({"username": microsoft.entra.email, "password": "guess"}, "AADSTS50126"),
        ({"username": microsoft.entra.email, "factor": "000000"}, "AADSTS500121"),
    ):
        options: dict[str, Any] = wrong
        page = await Person(microsoft.session, **options).sign_in(address(microsoft))
        assert isinstance(page, Page)
        assert number in page.text


async def test_an_address_that_is_not_registered_is_never_gone_to(
    microsoft: Microsoft, person: Person
) -> None:
    """reply-url: AADSTS50011; on this machine any port will do, but not any path (RFC 8252, 7.3)."""
    for wrong in (
        "https://evil.example",
        f"{BACK}/callback",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "https://localhost:49152",
        "http://localhost:port",
        "javascript:alert(1)",
    ):
        page = await person.page(address(microsoft, redirect_uri=wrong))
        assert page.status == 400
        assert "AADSTS50011" in page.text
    for right in ("http://localhost", "http://localhost:1", "http://127.0.0.1:65535"):
        assert (await person.page(address(microsoft, redirect_uri=right))).step == "password"


async def test_an_administrator_registers_further_addresses(microsoft: Microsoft, person: Person) -> None:
    microsoft.entra.register_redirect("http://localhost/signed-in?x=1")
    microsoft.entra.register_redirect("https://cosell.example/signed-in")
    back = await person.sign_in(address(microsoft, redirect_uri="http://localhost:7/signed-in?x=1"))
    assert isinstance(back, str)
    assert back.startswith("http://localhost:7/signed-in?x=1&code=")
    elsewhere = await person.sign_in(address(microsoft, redirect_uri="https://cosell.example/signed-in"))
    assert urlsplit(str(elsewhere)).netloc == "cosell.example"
    for unfit in ("http://cosell.example", "ftp://localhost", "http://"):
        with pytest.raises(ValueError, match="must begin with"):
            microsoft.entra.register_redirect(unfit)


async def test_who_cannot_be_the_application_is_shown_a_page(microsoft: Microsoft, person: Person) -> None:
    for changes, number in (
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS700016"),
        ({"client_id": ""}, "AADSTS900144"),
        ({"redirect_uri": ""}, "AADSTS900144"),
    ):
        page = await person.page(address(microsoft, **changes))
        assert page.status == 400
        assert number in page.text
    stranger = address(microsoft).replace(microsoft.entra.tenant, "nobody.example")
    assert "AADSTS90002" in (await person.page(stranger)).text


async def test_a_wrong_question_is_answered_at_the_reply_address(
    microsoft: Microsoft, person: Person
) -> None:
    """RFC 6749, 4.1.2.1: with the state, and without a code."""
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "https://graph.example/.default"}, "invalid_resource"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_mode": "smoke"}, "invalid_request"),
    ):
        answer = told(await person.sign_in(address(microsoft, **changes)))
        assert (answer["error"], answer["state"]) == (error, "s p&x=1")
        assert "code" not in answer


async def test_a_code_can_come_back_in_a_fragment_or_a_form(microsoft: Microsoft, person: Person) -> None:
    back = await person.sign_in(address(microsoft, response_mode="fragment"))
    assert urlsplit(str(back)).fragment
    assert (await redeemed(microsoft, told(back)["code"])).status == 200
    page = await person.sign_in(address(microsoft, response_mode="form_post"))
    assert isinstance(page, Page)
    assert page.action == BACK
    assert page.fields["state"] == "s p&x=1"
    assert (await redeemed(microsoft, page.fields["code"])).status == 200


def number(reply: Reply) -> tuple[str, int]:
    return reply.json["error"], reply.json["error_codes"][0]


async def test_a_code_is_good_once_for_whom_it_was_made(microsoft: Microsoft, person: Person) -> None:
    """RFC 7636: a public client shows its verifier; a copied code is worth nothing without it."""
    for changes, expected in (
        ({"code_verifier": "w" * 50}, ("invalid_grant", 501481)),
        ({"code_verifier": ""}, ("invalid_grant", 501481)),
        ({"redirect_uri": "http://localhost:1"}, ("invalid_grant", 500112)),
    ):
        code = told(await person.sign_in(address(microsoft)))["code"]
        assert number(await redeemed(microsoft, code, **changes)) == expected
    code = told(await person.sign_in(address(microsoft)))["code"]
    assert (await redeemed(microsoft, code)).status == 200
    assert number(await redeemed(microsoft, code, client_secret=microsoft.entra.client_secret))[1] == 54005


async def test_a_public_client_proves_itself_by_s256_alone(microsoft: Microsoft, person: Person) -> None:
    plain = address(microsoft, code_challenge=VERIFIER, code_challenge_method="plain")
    code = told(await person.sign_in(plain))["code"]
    assert number(await redeemed(microsoft, code)) == ("invalid_request", 9002325)
    none = address(microsoft, code_challenge="", code_challenge_method="")
    code = told(await person.sign_in(none))["code"]
    assert number(await redeemed(microsoft, code)) == ("invalid_client", 7000218)
    secret = microsoft.entra.client_secret
    assert (await redeemed(microsoft, code, client_secret=secret, code_verifier="")).status == 200
    microsoft.entra.switches.public_clients = False
    code = told(await person.sign_in(address(microsoft)))["code"]
    assert number(await redeemed(microsoft, code)) == ("invalid_client", 7000218)


async def test_the_kind_of_address_decides_whether_a_secret_is_shown(
    microsoft: Microsoft, person: Person
) -> None:
    """reference-error-codes: a Web address wants one (7000218), one of a device forbids it (700025)."""
    secret = microsoft.entra.client_secret
    for platform, shown, number_told in (("web", "", 7000218), ("mobile", secret, 700025)):
        microsoft.entra.switches.redirects_as = platform  # type: ignore[assignment]
        code = told(await person.sign_in(address(microsoft)))["code"]
        assert number(await redeemed(microsoft, code, client_secret=shown)) == ("invalid_client", number_told)
        code = told(await person.sign_in(address(microsoft)))["code"]
        other = "" if shown else secret
        assert (await redeemed(microsoft, code, client_secret=other)).status == 200


async def test_a_code_does_not_last(microsoft: Microsoft, person: Person) -> None:
    code = told(await person.sign_in(address(microsoft)))["code"]
    microsoft.frame.clock.advance(601)
    assert number(await redeemed(microsoft, code)) == ("invalid_grant", 70008)


async def test_who_signed_in_without_a_second_factor_is_refused_at_the_api(
    microsoft: Microsoft, person: Person
) -> None:
    """partner-center-api.md 1.2: 401 with error code 900421, for as long as that refresh token lives."""
    microsoft.entra.switches.mfa = False
    code = told(await person.sign_in(address(microsoft)))["code"]
    assert "factor" not in person.seen
    microsoft.entra.switches.mfa = True
    first = (await redeemed(microsoft, code)).json
    later = (await refreshed(microsoft, first["refresh_token"], client_secret="")).json
    for answer in (first, later):
        assert amr(answer["access_token"]) == ["pwd"]
        microsoft.token = answer["access_token"]
        refused = await microsoft.call("GET")
        assert (refused.status, "900421" in refused.raw.decode()) == (401, True)


async def test_withheld_consent_stops_people_and_refresh_tokens(microsoft: Microsoft, person: Person) -> None:
    microsoft.entra.switches.consent = "withheld"
    page = await person.page(address(microsoft))
    answer = told(await person.go_on(page, cancel_at="approval"))
    assert person.seen[-1] == "approval"
    assert answer["error"] == "access_denied"
    refused = await refreshed(microsoft, microsoft.entra.refresh_token)
    assert number(refused) == ("invalid_grant", 65001)
    assert refused.json["suberror"] == "consent_required"


async def test_conditional_access_shuts_the_door(microsoft: Microsoft, person: Person) -> None:
    microsoft.entra.switches.conditional_access = "blocked"
    page = await person.sign_in(address(microsoft))
    assert isinstance(page, Page)
    assert "AADSTS53003" in page.text
    assert number(await refreshed(microsoft, microsoft.entra.refresh_token)) == ("invalid_grant", 53003)


async def test_conditional_access_may_ask_for_a_second_factor_only(
    microsoft: Microsoft, person: Person
) -> None:
    microsoft.entra.switches.conditional_access = "second_factor"
    assert (await refreshed(microsoft, microsoft.entra.refresh_token)).status == 200
    weak = microsoft.entra.sign_in(mfa=False)
    refused = await refreshed(microsoft, weak)
    assert number(refused) == ("interaction_required", 50076)
    assert refused.json["suberror"] == "basic_action"
    assert "code" in told(await person.sign_in(address(microsoft)))


async def test_a_grant_belongs_to_one_application() -> None:
    """RFC 6749, 5.2: a grant that was issued to another client is an invalid one."""
    async with visiting(empty=True) as visitor:
        directory, other = visitor.sandbox.second.entra, visitor.sandbox.dataverse
        form = {
            "grant_type": "refresh_token",
            "refresh_token": directory.refresh_token,
            "client_id": other.client_id,
            "client_secret": other.client_secret,
        }
        url = f"{directory.base_url}/{directory.tenant}/oauth2/token"
        async with visitor.http.post(url, data=form) as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, "invalid_grant")


async def test_a_page_that_was_left_open_too_long_says_so(microsoft: Microsoft, person: Person) -> None:
    page = await person.page(address(microsoft))
    microsoft.frame.clock.advance(3601)
    stale = await person.press(page, username=person.username, password=person.password)
    assert isinstance(stale, Page)
    assert stale.status == 400
    assert "begin anew" in stale.text


async def test_a_step_cannot_be_skipped(microsoft: Microsoft, person: Person) -> None:
    page = await person.page(address(microsoft))
    skipped = await person.open(page.action, {**page.fields, "step": "consent", "answer": "go"})
    assert isinstance(skipped, Page)
    assert skipped.status == 400


async def test_the_pages_cannot_be_framed_and_escape_what_came_in(
    microsoft: Microsoft, person: Person
) -> None:
    page = await person.page(address(microsoft, login_hint='"><script>alert(1)</script>'))
    assert page.fields["username"] == '"><script>alert(1)</script>'
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {BACK};" in policy


async def test_discovery_tells_of_the_proof_key(microsoft: Microsoft) -> None:
    root = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}"
    found: dict[str, Any] = (await microsoft.ask("GET", f"{root}/v2.0/.well-known/openid-configuration")).json
    assert "S256" in found["code_challenge_methods_supported"]
    assert found["response_modes_supported"] == ["query", "fragment", "form_post"]
