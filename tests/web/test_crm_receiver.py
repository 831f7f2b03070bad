"""Webhooks of a CRM: the key before the body, an id and nothing else of it (dataverse-api.md 4.3)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cosell import web
from cosell.core.errors import Misconfigured
from cosell.crm import Hint
from cosell.sections.secrets import Reference
from cosell.systems.dataverse.hinting import LARGEST, open_hints
from cosell.systems.dataverse.settings import DynamicsSettings
from cosell.web import app
from tests.web.conftest import KEY, Product, Reply, Visitor

HOOK = "/webhooks/crm/sandbox"
DEAL = "a1b2c3d4-0000-4000-8000-00000000000a"
RIGHT = {"x-connector-key": KEY}


def context(table: Any = "opportunity", row_id: Any = DEAL, **more: Any) -> bytes:
    """An execution context as Dataverse serialises it: every slash is escaped."""
    whole = {
        "CorrelationId": "b1000000-0000-4000-8000-000000000001",
        "InputParameters": [
            {
                "key": "Target",
                "value": {
                    "__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts",
                    "Attributes": [{"key": "name", "value": "Ünder/way"}],
                    "Id": row_id,
                },
            }
        ],
        "MessageName": "Update",
        "OperationCreatedOn": "/Date(1506384247000-0700)/",
        "PrimaryEntityId": row_id,
        "PrimaryEntityName": table,
        **more,
    }
    return json.dumps(whole, ensure_ascii=False).replace("/", "\\/").encode()


async def tell(
    visitor: Visitor, body: bytes, headers: Mapping[str, str] | None = RIGHT, query: str = ""
) -> Reply:
    """One delivery."""
    named = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return await visitor.ask("POST", HOOK + query, body, named)


async def test_a_message_with_the_key_passes_its_id(visitor: Visitor, product: Product) -> None:
    reply = await tell(visitor, context())
    assert (reply.status, reply.body) == (202, b"")
    assert product.hints == [Hint(DEAL)]
    assert product.heard == []


async def test_the_key_may_stand_in_the_address(visitor: Visitor, product: Product) -> None:
    """authtype 4, Webhook Key."""
    assert (await tell(visitor, context(), None, f"?tenant=1&code={KEY}")).status == 202
    assert product.hints == [Hint(DEAL)]


async def test_a_message_too_large_for_its_parameters_still_names_its_record(
    visitor: Visitor, product: Product
) -> None:
    shed: dict[str, Any] = {
        "InputParameters": [],
        "ParentContext": None,
        "PreEntityImages": [],
        "PostEntityImages": [],
    }
    headers = {**RIGHT, "x-ms-dynamics-msg-size-exceeded": "true"}
    assert (await tell(visitor, context(**shed), headers)).status == 202
    assert product.hints == [Hint(DEAL)]


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (None, ""),
        ({"x-connector-key": ""}, ""),
        ({"x-connector-key": KEY[:-1]}, ""),
        ({"x-connector-key": KEY + "x"}, ""),
        ({"x-connector-key": KEY.upper()}, ""),
        ({"x-connector-key": f"{KEY}, {KEY}"}, ""),
        ({"x-connector-key": "x" * 8000}, ""),
        ({"x-connector-key": "\xff\xfe"}, ""),
        (RIGHT, "?code=wrong"),
        (None, f"?code={KEY}&code=wrong"),
        (None, f"?Code={KEY}"),
        (None, f"?x-connector-key={KEY}"),
        (None, "?" + "&".join(f"a{at}=1" for at in range(100)) + f"&code={KEY}"),
        ({"authorization": f"Bearer {KEY}"}, ""),
    ],
)
async def test_without_exactly_the_key_nothing_is_taken(
    visitor: Visitor, product: Product, headers: dict[str, str] | None, query: str
) -> None:
    reply = await tell(visitor, context(), headers, query)
    assert (reply.status, reply.body) == (401, b"")
    assert product.hints == []


async def test_a_stranger_is_refused_before_its_body_is_read(visitor: Visitor, product: Product) -> None:
    """The body never comes, and the answer does."""
    head = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    reply = await visitor.say(head.encode())
    assert reply is not None
    assert (reply.status, reply.headers["connection"]) == (401, "close")
    assert product.hints == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"\x00\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"opportunity"',
        b'{"PrimaryEntityName": "opportunity"',
        b'{"PrimaryEntityName": NaN}',
        context(row_id=None),
        context(row_id=7),
        context(row_id="opportunities(1)"),
        context(row_id=f"{DEAL}' or 1 eq 1"),
        context(row_id="00000000-0000-0000-0000-000000000000"),
        context("cosell_opportunitysolution"),
    ],
)
async def test_what_names_no_record_is_taken_and_leads_to_a_poll_at_most(
    visitor: Visitor, product: Product, body: bytes
) -> None:
    assert (await tell(visitor, body)).status == 202
    assert product.hints == [Hint(poll=True)]


@pytest.mark.parametrize("table", ["account", "annotation", "lead", "", None, 7, ["opportunity"], "x" * 9000])
async def test_another_table_is_taken_and_leads_to_nothing(
    visitor: Visitor, product: Product, table: Any
) -> None:
    assert (await tell(visitor, context(table))).status == 202
    assert product.hints == [Hint()]


@pytest.mark.parametrize("row_id", [DEAL.upper(), f"{{{DEAL}}}", f" {DEAL} "])
async def test_an_id_has_one_spelling(visitor: Visitor, product: Product, row_id: str) -> None:
    await tell(visitor, context("Opportunity", row_id))
    assert product.hints == [Hint(DEAL)]


async def test_a_body_has_a_limit_though_its_sender_has_the_key(visitor: Visitor, product: Product) -> None:
    assert (await tell(visitor, context(padding="x" * 300_000))).status == 202
    assert (await tell(visitor, b"x" * (LARGEST + 1))).status == 413
    assert product.hints == [Hint(DEAL)]


async def test_a_hint_that_could_not_be_kept_is_to_be_sent_again(visitor: Visitor, product: Product) -> None:
    """Dataverse sends once more after 503, and after hardly anything else."""
    product.broken = True
    assert (await tell(visitor, context())).status == 503


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_only_post_is_taken(visitor: Visitor, product: Product, method: str) -> None:
    reply = await visitor.ask(method, HOOK, headers=RIGHT)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert product.hints == []


async def test_a_flood_is_slowed_down_and_leaves_partner_centers_events_alone(
    visitor: Visitor, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "EVENTS_AT_ONCE", 3.0)
    face = product.face()
    with web.listen("127.0.0.1", 0) as sock:
        async with web.serving(web.build({"sandbox": face}), sock) as address:
            other = Visitor(address)
            assert [(await tell(other, context())).status for _ in range(4)] == [202, 202, 202, 429]
            assert (await other.post()).status == 202


async def test_a_crm_that_sends_no_webhooks_has_no_address_for_them(product: Product) -> None:
    with web.listen("127.0.0.1", 0) as sock:
        silent = replace(product.face(), hints=None)
        async with web.serving(web.build({"sandbox": silent}), sock) as address:
            assert (await tell(Visitor(address), context())).status == 404
    assert product.hints == []


async def test_neither_key_stands_in_any_log(
    visitor: Visitor, product: Product, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await tell(visitor, context(), None, f"?code={KEY}")
    for _ in range(3):
        await tell(visitor, context(), {"x-connector-key": "the-wrong-k3y"}, "?code=wr0ng")
    product.broken = True
    await tell(visitor, context())
    written = " ".join(f"{row.getMessage()} {row.__dict__}" for row in caplog.records)
    assert [one for one in caplog.records if one.name == "cosell.webhook"]
    assert KEY not in written
    assert "the-wrong-k3y" not in written
    assert "wr0ng" not in written


def settings(**changes: Any) -> DynamicsSettings:
    told = {"environment": "sandbox", "url": "https://example.crm.dynamics.com", "client_id": "c"}
    return DynamicsSettings.model_validate({**told, **changes})


def given(setting: str, reference: Reference | None, *, lines: bool = False) -> str | None:
    return None if reference is None else reference.fetch(setting, {}, None, lines=lines)  # type: ignore[arg-type]


def test_without_a_key_there_are_no_hints() -> None:
    assert open_hints(settings(), given, leads=True) is None


@pytest.mark.parametrize(
    "key", ["sh0rt", "x" * 257, "with a space in between", 'quoted"quoted"quoted"', "ключ" * 8]
)
def test_a_key_that_cannot_travel_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        open_hints(settings(webhook_key=Reference.given(key)), given, leads=True)
    assert key not in f"{caught.value.message} {caught.value.advice} {caught.value.detail}"


def test_leads_are_looked_at_where_leads_are_kept_and_people_where_they_are_watched() -> None:
    section = settings(webhook_key=Reference.given(KEY))
    kept, not_kept = (open_hints(section, given, leads=leads) for leads in (True, False))
    assert kept is not None
    assert not_kept is not None
    assert kept.read(context("lead")) == Hint(DEAL)
    assert not_kept.read(context("lead")) == Hint()
    watching = open_hints(section.model_copy(update={"watch_people": True}), given, leads=False)
    assert watching is not None
    assert watching.read(context("contact")) == Hint(poll=True)
    assert not_kept.read(context("contact")) == Hint()
    assert KEY not in kept.advice("https://cosell.example/webhooks/crm/x")
