"""Webhook steps: how they are registered, what they hear, what becomes of a delivery (4.3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .dynamics import DEAL, Dynamics, Json
from .microsoft import free_socket, serving

SECRET = '<settings><setting name="x-connector-key" value="s3cret"/></settings>'


@dataclass(slots=True)
class Listener:
    """An address that hears execution contexts and answers what it is told to."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.heard.append((dict(request.headers), await request.body(), request.url.query))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    @property
    def contexts(self) -> list[Json]:
        return [json.loads(body) for _, body, _ in self.heard]

    @property
    def messages(self) -> list[str]:
        return [str(one["MessageName"]) for one in self.contexts]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    sock, url = free_socket()
    listener.url = f"{url}/hook?tenant=1"
    app = Starlette(routes=[Route("/hook", listener.answer, methods=["POST"])])
    async with serving(app, sock):
        yield listener


@pytest.fixture
async def listener(dynamics: Dynamics) -> AsyncIterator[Listener]:
    async with listening() as heard:
        yield heard
        await dynamics.org.aclose()


async def register(
    dynamics: Dynamics,
    listener: Listener,
    message: str,
    *,
    table: str = "opportunity",
    endpoint: Json | None = None,
    **step: Any,
) -> str:
    """A webhook and a step for one message, as the sheet registers them."""
    hook = {"name": "Connector", "contract": 8, "authtype": 5, "authvalue": SECRET, "url": listener.url}
    service = await dynamics.create("serviceendpoints", **{**hook, **(endpoint or {})})
    found = await dynamics.get("sdkmessages", filter=f"name eq '{message}'", select="sdkmessageid")
    where = f"primaryobjecttypecode eq '{table}' and sdkmessageid/name eq '{message}'"
    filters = await dynamics.get("sdkmessagefilters", filter=where, select="sdkmessagefilterid")
    body: Json = {
        "name": f"Connector {message}",
        "mode": 1,
        "stage": 40,
        "rank": 1,
        "asyncautodelete": True,
        "supporteddeployment": 0,
        "sdkmessageid@odata.bind": f"/sdkmessages({found.rows[0]['sdkmessageid']})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filters.rows[0]['sdkmessagefilterid']})",
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({service})",
    }
    return await dynamics.create("sdkmessageprocessingsteps", **{**body, **step})


async def test_a_change_reaches_the_webhook_with_its_headers_and_its_key(
    dynamics: Dynamics, listener: Listener
) -> None:
    deal = await dynamics.deal()
    step = await register(dynamics, listener, "Update")
    await dynamics.patch(f"opportunities({deal})", {"name": "Changed", "estimatedvalue": 5, "salesstage": 2})
    await dynamics.org.settled()
    ((headers, body, query),) = listener.heard
    (context,) = listener.contexts
    assert headers["x-connector-key"] == "s3cret"
    assert query == "tenant=1"
    assert headers["x-ms-dynamics-organization"] == "cosellsandbox"
    assert headers["x-ms-dynamics-entity-name"] == "opportunity"
    assert headers["x-ms-dynamics-request-name"] == context["MessageName"] == "Update"
    assert headers["x-ms-correlation-request-id"] == context["CorrelationId"]
    assert (context["PrimaryEntityName"], context["PrimaryEntityId"]) == ("opportunity", deal)
    assert (context["Depth"], context["Mode"], context["Stage"]) == (1, 1, 40)
    assert context["InitiatingUserId"] == dynamics.org.user_id
    assert context["OwningExtension"]["Id"] == step
    assert b"http:\\/\\/schemas.microsoft.com\\/xrm" in body
    target = context["InputParameters"][0]["value"]
    assert target["__type"].startswith("Entity:")
    values = {one["key"]: one["value"] for one in target["Attributes"]}
    assert set(values) == {"name", "estimatedvalue", "salesstage"}
    assert values["name"] == "Changed"
    assert values["estimatedvalue"]["Value"] == 5
    assert values["salesstage"]["__type"].startswith("OptionSetValue:")
    assert target["FormattedValues"] == [{"key": "salesstage", "value": "Propose"}]


async def test_create_and_delete_are_heard_with_what_they_carry(
    dynamics: Dynamics, listener: Listener
) -> None:
    account = await dynamics.create("accounts", name="Contoso")
    await register(dynamics, listener, "Create")
    await register(dynamics, listener, "Delete")
    deal = await dynamics.deal(**{"customerid_account@odata.bind": f"/accounts({account})"})
    await dynamics.call("DELETE", f"opportunities({deal})")
    await dynamics.org.settled()
    made, gone = sorted(listener.contexts, key=lambda one: str(one["MessageName"]))
    assert made["OutputParameters"] == [{"key": "id", "value": deal}]
    values = {one["key"]: one["value"] for one in made["InputParameters"][0]["value"]["Attributes"]}
    assert (values["customerid"]["LogicalName"], values["customerid"]["Id"]) == ("account", account)
    assert values["estimatedclosedate"].startswith("/Date(")
    assert gone["InputParameters"][0]["value"]["__type"].startswith("EntityReference:")
    assert gone["PrimaryEntityId"] == deal


async def test_filtering_columns_are_asked_even_when_a_value_stays_as_it_was(
    dynamics: Dynamics, listener: Listener
) -> None:
    """2.6: unchanged values still fire."""
    deal = await dynamics.deal()
    await register(dynamics, listener, "Update", filteringattributes="name, description")
    await dynamics.patch(f"opportunities({deal})", {"salesstage": 1})
    await dynamics.org.settled()
    assert listener.heard == []
    await dynamics.patch(f"opportunities({deal})", {"name": DEAL["name"]})
    await dynamics.org.settled()
    assert listener.messages == ["Update"]


async def test_a_won_deal_is_told_as_won_and_as_changed(dynamics: Dynamics, listener: Listener) -> None:
    deal = await dynamics.deal()
    await register(dynamics, listener, "Win")
    await register(dynamics, listener, "Update")
    await dynamics.close("WinOpportunity", deal)
    await dynamics.org.settled()
    assert sorted(listener.messages) == ["Update", "Win"]


async def test_a_refused_request_is_heard_by_nobody(dynamics: Dynamics, listener: Listener) -> None:
    await register(dynamics, listener, "Create")
    await dynamics.call("POST", "opportunities", {"name": "x" * 301})
    await dynamics.org.settled()
    assert listener.heard == []


async def test_a_disabled_step_and_another_table_are_not_told(dynamics: Dynamics, listener: Listener) -> None:
    step = await register(dynamics, listener, "Create")
    await dynamics.create("accounts", name="Contoso")
    await dynamics.patch(f"sdkmessageprocessingsteps({step})", {"statecode": 1, "statuscode": 2})
    await dynamics.deal()
    await dynamics.org.settled()
    assert listener.heard == []


async def test_sellers_are_heard_as_clients_are(dynamics: Dynamics, listener: Listener) -> None:
    deal = await dynamics.deal()
    await register(dynamics, listener, "Update")
    dynamics.org.as_seller.update("opportunity", deal, {"name": "By hand"})
    await dynamics.org.settled()
    assert listener.messages == ["Update"]
    assert listener.contexts[0]["UserId"] != dynamics.org.user_id


@pytest.mark.parametrize(
    ("authtype", "authvalue", "query"),
    [(4, "s3 cret", "tenant=1&code=s3+cret"), (6, SECRET, "tenant=1&x-connector-key=s3cret")],
)
async def test_the_proof_may_stand_in_the_address(
    dynamics: Dynamics, listener: Listener, authtype: int, authvalue: str, query: str
) -> None:
    await register(dynamics, listener, "Create", endpoint={"authtype": authtype, "authvalue": authvalue})
    await dynamics.deal()
    await dynamics.org.settled()
    assert [heard[2] for heard in listener.heard] == [query]


@pytest.mark.parametrize(
    ("statuses", "attempts", "failed"),
    [
        ([503, 200], 2, False),
        ([502, 504], 2, True),
        ([500], 1, True),
        ([401], 1, True),
        ([204], 1, False),
    ],
)
async def test_three_answers_are_tried_once_more_and_failures_leave_a_system_job(
    dynamics: Dynamics, listener: Listener, statuses: list[int], attempts: int, failed: bool
) -> None:
    dynamics.org.settings.webhook_retry_seconds = 0.0
    step = await register(dynamics, listener, "Create")
    listener.statuses = list(statuses)
    await dynamics.deal()
    await dynamics.org.settled()
    assert len(listener.heard) == attempts
    assert [one.results for one in dynamics.org.deliveries] == [statuses]
    where = f"statuscode eq 31 and _owningextensionid_value eq {step}"
    jobs = (await dynamics.get("asyncoperations", filter=where, orderby="completedon desc")).rows
    assert len(jobs) == failed
    if failed:
        assert str(statuses[-1]) in jobs[0]["message"]


async def test_a_job_of_a_success_is_kept_where_the_step_wants_it(
    dynamics: Dynamics, listener: Listener
) -> None:
    await register(dynamics, listener, "Create", asyncautodelete=False)
    await dynamics.deal()
    await dynamics.org.settled()
    assert [job["statuscode"] for job in (await dynamics.get("asyncoperations")).rows] == [30]


async def test_a_context_that_is_too_large_sheds_its_parameters(
    dynamics: Dynamics, listener: Listener
) -> None:
    await register(dynamics, listener, "Create")
    deal = await dynamics.deal(cosell_audit="Ü" * 90_000 + "/" * 9_000)
    await dynamics.org.settled()
    ((headers, _, _),) = listener.heard
    assert "x-ms-dynamics-msg-size-exceeded" not in headers
    await register(dynamics, listener, "Create", table="annotation")
    note = {"notetext": "/" * 100_000, "documentbody": "/" * 200_000, "filename": "a.txt"}
    bound = {"objectid_opportunity@odata.bind": f"/opportunities({deal})"}
    reply = await dynamics.call("POST", "annotations", {**note, **bound})
    assert reply.status == 204, reply.raw
    await dynamics.org.settled()
    headers = listener.heard[-1][0]
    assert headers["x-ms-dynamics-msg-size-exceeded"] == "true"
    assert listener.contexts[-1]["InputParameters"] == []


async def test_the_key_of_a_webhook_is_never_told(dynamics: Dynamics, listener: Listener) -> None:
    await register(dynamics, listener, "Create")
    found = await dynamics.get("serviceendpoints", filter="contract eq 8")
    assert b"s3cret" not in found.raw
    assert found.rows[0]["isauthvalueset"] is True
    steps = f"serviceendpoints({found.rows[0]['serviceendpointid']})/serviceendpoint_sdkmessageprocessingstep"
    assert len((await dynamics.get(steps)).rows) == 1


@pytest.mark.parametrize(
    ("endpoint", "step", "why"),
    [
        ({"contract": 1}, {}, "other than webhooks"),
        ({"url": "ftp://x.example"}, {}, "is not valid"),
        ({"url": "nonsense"}, {}, "is not valid"),
        ({}, {"mode": 0}, "synchronous webhook steps"),
        ({}, {"stage": 20}, "post-operation stage"),
    ],
)
async def test_what_cannot_be_registered_is_refused(
    dynamics: Dynamics, listener: Listener, endpoint: Json, step: Json, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        await register(dynamics, listener, "Create", endpoint=endpoint, **step)


async def test_ports_can_be_restricted_as_in_the_product(dynamics: Dynamics) -> None:
    dynamics.org.settings.webhook_ports_restricted = True
    hook = {"name": "Connector", "contract": 8, "authtype": 4, "authvalue": "x"}
    odd = await dynamics.call("POST", "serviceendpoints", {**hook, "url": "https://x.example:8443/"})
    assert odd.refusal == (400, "0x80040203")
    assert await dynamics.create("serviceendpoints", **hook, url="https://x.example/")
