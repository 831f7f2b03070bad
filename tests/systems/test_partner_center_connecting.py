"""A sign-in to Partner Center is proven on both resources, and for its second factor (1.2, 1.3)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from cosell.core.errors import NotAllowed, SignedOut
from cosell.crm.connecting import Proof
from cosell.http import AiohttpTransport, AsgiTransport
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.auth import StaticTokens
from cosell.systems.partner_center.connecting import prove
from cosell.systems.partner_center.connection import open_connection
from cosell.systems.partner_center.options import REFERRALS_RESOURCE, WEBHOOKS_RESOURCE, Options
from tests.systems.office import ORIGIN, Drawer, OwnClock, Script, office

PERSON = {"upn": "ada@contoso.example"}
EMPTY: dict[str, Any] = {"value": []}


def token(**claims: Any) -> str:
    middle = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    return f"header.{middle}.signature"


async def proven(
    claims: Mapping[str, Any],
    *,
    status: int = 200,
    webhooks: int = 404,
    body: Any = EMPTY,
    compliant: str | None = None,
) -> tuple[Proof, Script]:
    """A proof with answers written by hand."""

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        if "registration" in path:
            return Answer(webhooks, b"")
        headers = {} if compliant is None else {"isMfaCompliant": compliant}
        return Answer(status, orjson.dumps(body), headers)

    script = Script(answer)
    transport = AsgiTransport({ORIGIN: script})
    options = Options(base_url=ORIGIN, webhooks_url=ORIGIN, tenant="contoso")
    tokens = StaticTokens({REFERRALS_RESOURCE: token(**claims), WEBHOOKS_RESOURCE: token(**claims)})
    connection = open_connection(
        options, transport=transport, keyring=Drawer(), clock=OwnClock(), tokens=tokens
    )
    return await prove(connection, options, transport), script


async def test_the_proof_says_who_signed_in_and_reads_on_both_resources() -> None:
    async with office() as pc:
        transport = AiohttpTransport()
        proof = await prove(pc.connection, pc.options, transport)
        await transport.aclose()
        assert proof.who == "ada.jansen@contoso.example"
        assert proof.notes == ()
        assert {name for name, _, _ in pc.microsoft.frame.calls} >= {"partner_center", "webhooks"}


async def test_the_read_asks_whether_microsoft_counts_a_second_factor() -> None:
    """Partner-center-api.md 1.2: `ValidateMfa: true`, answered by `isMfaCompliant`."""
    _, script = await proven({**PERSON, "amr": ["pwd", "mfa"]}, compliant="true")
    assert script.asked[0][2]["validatemfa"] == "true"
    assert script.asked[0][1].endswith("$top=1")


@pytest.mark.parametrize(
    ("claims", "compliant"),
    [
        ({"amr": ["pwd"]}, None),
        ({"amr": ["pwd"]}, "false"),
        ({"amr": ["pwd", "mfa"]}, "false"),
        ({}, "false"),
    ],
)
async def test_a_sign_in_without_a_second_factor_is_refused(
    claims: dict[str, Any], compliant: str | None
) -> None:
    with pytest.raises(SignedOut) as caught:
        await proven({**PERSON, **claims}, compliant=compliant)
    assert caught.value.code == "mfa_required"
    assert "complete the second factor" in caught.value.advice


async def test_where_nobody_tells_the_person_is_warned() -> None:
    proof, _ = await proven(PERSON)
    assert proof.who == "ada@contoso.example"
    assert "second factor" in proof.notes[0]


async def test_a_token_that_cannot_be_read_is_none_of_our_business() -> None:
    proof, _ = await proven({}, compliant="true")
    assert proof.who == "the person who signed in"
    assert proof.where == "tenant contoso"


async def test_a_missing_role_names_who_gives_it() -> None:
    """Partner-center-api.md 1.3."""
    with pytest.raises(NotAllowed) as caught:
        await proven({**PERSON, "amr": ["mfa"]}, status=403)
    assert "Referrals admin" in caught.value.advice


async def test_a_missing_right_on_webhooks_is_told_and_no_more() -> None:
    proof, _ = await proven({**PERSON, "amr": ["mfa"]}, webhooks=403)
    assert "Helpdesk agent" in proof.notes[0]


async def test_the_organisation_is_named_where_a_referral_tells() -> None:
    record = {"id": "a-1", "organizationName": "Contoso", "direction": "Outgoing"}
    proof, _ = await proven({**PERSON, "amr": ["mfa"]}, body={"value": [record]})
    assert proof.where == "Contoso"
