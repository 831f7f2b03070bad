"""msal and azure-identity at the token endpoint, and requests at the two APIs of Partner Center."""

from __future__ import annotations

import webbrowser
from threading import Thread
from typing import Any

import msal
import pytest
import requests
from azure.identity import ClientSecretCredential, DeviceCodeCredential
from person import Person, told

REFERRALS = ["https://api.partner.microsoft.com/.default"]
WEBHOOKS = ["https://api.partnercenter.microsoft.com/.default"]
BACK = "http://localhost:1"


@pytest.fixture
def entra(sandbox: dict[str, Any]) -> dict[str, Any]:
    return {**sandbox["entra"], "tenanted": f"{sandbox['entra']['authority']}/{sandbox['entra']['tenant']}"}


@pytest.fixture
def application(entra: dict[str, Any]) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        entra["client_id"],
        client_credential=entra["client_secret"],
        authority=entra["tenanted"],
        instance_discovery=False,
    )


def referrals(sandbox: dict[str, Any], token: str, query: str = "?$top=1") -> requests.Response:
    url = f"{sandbox['partner_center']['url']}/v1.0/engagements/referrals{query}"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_msal_redeems_a_refresh_token(
    sandbox: dict[str, Any], application: msal.ConfidentialClientApplication, entra: dict[str, Any]
) -> None:
    given = application.acquire_token_by_refresh_token(entra["refresh_token"], scopes=REFERRALS)
    assert referrals(sandbox, given["access_token"]).status_code == 200
    (person,) = application.get_accounts()
    assert application.acquire_token_silent(WEBHOOKS, person)["access_token"]


@pytest.fixture
def public(entra: dict[str, Any]) -> msal.PublicClientApplication:
    return msal.PublicClientApplication(
        entra["client_id"], authority=entra["tenanted"], instance_discovery=False
    )


@pytest.fixture
def person(entra: dict[str, Any]) -> Person:
    return Person(entra)


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_msal_completes_a_sign_in_with_code_proof_and_nonce(
    sandbox: dict[str, Any], application: msal.ConfidentialClientApplication, person: Person, mode: str
) -> None:
    flow = application.initiate_auth_code_flow(REFERRALS, redirect_uri=BACK, response_mode=mode)
    assert "code_challenge_method=S256" in flow["auth_uri"]
    given = told(person.sign_in(flow["auth_uri"]))
    token = application.acquire_token_by_auth_code_flow(flow, given)
    assert referrals(sandbox, token["access_token"]).status_code == 200


class _Browser(webbrowser.BaseBrowser):
    """What msal opens instead of the browser of whoever runs the tests."""

    def __init__(self, person: Person) -> None:
        super().__init__("sandbox")
        self._person = person

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        Thread(target=self._person.sign_in, args=(url,), kwargs={"deliver": True}).start()
        return True


def test_msal_signs_a_person_in_on_loopback_without_a_secret(
    sandbox: dict[str, Any], public: msal.PublicClientApplication, person: Person
) -> None:
    webbrowser.register("sandbox", None, _Browser(person), preferred=True)
    token = public.acquire_token_interactive(REFERRALS, timeout=20)
    assert referrals(sandbox, token["access_token"]).status_code == 200
    (known,) = public.get_accounts()
    assert public.acquire_token_silent(WEBHOOKS, known)["access_token"]


def test_msal_signs_a_device_in_and_learns_of_a_refusal(
    sandbox: dict[str, Any], public: msal.PublicClientApplication, person: Person
) -> None:
    flow = public.initiate_device_flow(REFERRALS)
    person.type_code(flow["verification_uri"], flow["user_code"])
    token = public.acquire_token_by_device_flow(flow)
    assert referrals(sandbox, token["access_token"]).status_code == 200
    flow = public.initiate_device_flow(REFERRALS)
    person.type_code(flow["verification_uri"], flow["user_code"], cancel_at="consent")
    assert public.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_azure_identity_signs_in_an_application_and_a_device(
    sandbox: dict[str, Any], entra: dict[str, Any], person: Person
) -> None:
    options = {"authority": entra["authority"], "disable_instance_discovery": True}
    secret = ClientSecretCredential(entra["tenant"], entra["client_id"], entra["client_secret"], **options)
    token = secret.get_token(*WEBHOOKS).token
    url = f"{sandbox['webhooks']['url']}/webhooks/v1/registration/events"
    assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 200
    device = DeviceCodeCredential(
        entra["client_id"],
        tenant_id=entra["tenant"],
        prompt_callback=lambda where, code, _: person.type_code(where, code),
        **options,
    )
    assert referrals(sandbox, device.get_token(*REFERRALS).token).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "?$filter=status eq 'New' and qualification eq 'SalesQualified'",
        "?$filter=customerProfile/address/country eq 'US' and direction eq 'Incoming'",
        "?$top=10&$filter=(type eq 'Shared' and direction eq 'Incoming')&$orderby=createdDateTime desc",
        "?$filter=team/any(t:t/email eq 'r2d2@contoso.com')&$orderby=createdDateTime desc",
    ],
)
def test_documented_queries_are_answered_as_they_are_written(sandbox: dict[str, Any], query: str) -> None:
    token = sandbox["partner_center"]["access_token"]
    assert referrals(sandbox, token, query).status_code == 200
