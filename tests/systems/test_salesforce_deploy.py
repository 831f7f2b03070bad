"""Deploys over REST and single pieces over SOAP, against answers written from salesforce-api.md 12."""

from __future__ import annotations

import email
import io
import json
import zipfile
from typing import Any

import pytest

from cosell.core.errors import (
    CosellError,
    NotAllowed,
    Rejected,
    Retryable,
    SignedOut,
    Unavailable,
    Uncertain,
)
from cosell.http import AsgiTransport, Http
from cosell.systems.salesforce.client import Client
from cosell.systems.salesforce.deploying import UNSEEN, Deployer
from cosell.systems.salesforce.metadata import element, said
from cosell.systems.salesforce.options import ClientSecret, FixedToken, Options
from cosell.systems.salesforce.package_archive import files
from cosell.systems.salesforce.package_source import of
from cosell.systems.salesforce.soap import Pieces

from .office import OwnClock
from .salesfloor import Script

HOME = "https://acme.my.salesforce.com"
ID = "0Af5g00000abcdeCAA"
CONTENT = files(of("CustomField", ["Opportunity.Audit__c"]), "67.0")
BEGUN = {"id": ID, "deployResult": {"id": ID, "status": "Pending", "done": False, "success": False}}
DONE = {"status": "Succeeded", "done": True, "success": True}
TOKEN = {
    "access_token": "00D!fresh",
    "instance_url": HOME,
    "id": "https://login.salesforce.com/id/00D5g000001cUWYEA2/0055g00000AbCdEAAV",
    "token_type": "Bearer",
}


def result(**told: Any) -> dict[str, Any]:
    return {"id": ID, "deployResult": {"id": ID, **told}}


def failure(name: str, problem: str, kind: str = "CustomField") -> dict[str, Any]:
    entry = {"componentType": kind, "fullName": name, "problem": problem, "problemType": "Error"}
    return result(status="Failed", done=True, success=False, details={"componentFailures": [entry]})


def client_of(script: Script, clock: OwnClock | None = None, **options: Any) -> tuple[Client, OwnClock]:
    clock = clock or OwnClock()
    chosen = Options(HOME, "client", **{"login": FixedToken("00D!secret"), **options})
    transport = AsgiTransport({HOME: script.app})
    return Client(lambda origin: Http(transport, name="Salesforce", allow=(origin,)), chosen, clock), clock


def deployer_of(script: Script) -> tuple[Deployer, OwnClock]:
    client, clock = client_of(script)
    return Deployer(client, clock), clock


# --- deploys -----------------------------------------------------------------------------------------


async def test_a_deploy_sends_options_and_archive_and_looks_until_it_is_done() -> None:
    script = Script()
    script.on("deployRequest/", result(status="Pending", done=False))
    script.on("deployRequest/", result(status="InProgress", done=False))
    script.on("deployRequest/", result(**DONE))
    script.on("deployRequest", BEGUN, 201)
    deployer, clock = deployer_of(script)
    await deployer.deploy(CONTENT)
    method, path, headers, body = script.asked[0]
    assert (method, path.partition("?")[0]) == ("POST", "/services/data/v67.0/metadata/deployRequest")
    head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
    sent = [one for one in email.message_from_bytes(head + body).walk() if not one.is_multipart()]
    options, archive = (raw for one in sent if isinstance(raw := one.get_payload(decode=True), bytes))
    told = json.loads(options)["deployOptions"]
    assert (told["checkOnly"], told["rollbackOnError"], told["testLevel"]) == (False, True, "NoTestRun")
    assert [one.get_filename() for one in sent] == [None, "deploy.zip"]
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert set(packed.namelist()) == {"package.xml", "objects/Opportunity.object"}
    looks = [path for method, path, *_ in script.asked if method == "GET"]
    assert len(looks) == 3
    assert all("includeDetails=true" in look for look in looks)
    assert clock.offset > 0


async def test_what_a_deploy_would_fail_for_is_found_out_without_deploying() -> None:
    script = Script()
    script.on("deployRequest/", failure("Opportunity.Audit__c", "Cannot change which type this field is"))
    script.on("deployRequest", BEGUN, 201)
    deployer, _ = deployer_of(script)
    (found,) = await deployer.tried(CONTENT)
    assert str(found) == "Opportunity.Audit__c: Cannot change which type this field is"
    assert b'"checkOnly":true' in script.asked[0][3]


async def test_a_refused_deploy_names_each_part_with_its_reason() -> None:
    script = Script()
    script.on("deployRequest/", failure("Opportunity.Audit__c", "Cannot change\nthe type"))
    script.on("deployRequest", BEGUN, 201)
    deployer, _ = deployer_of(script)
    with pytest.raises(Rejected, match=r"Opportunity\.Audit__c: Cannot change the type") as refused:
        await deployer.deploy(CONTENT)
    assert "Nothing was changed" in refused.value.did


async def test_a_deploy_that_ends_without_naming_a_part_tells_how_it_ended() -> None:
    script = Script()
    script.on("deployRequest/", result(status="Canceled", done=True, success=False))
    script.on("deployRequest", BEGUN, 201)
    deployer, _ = deployer_of(script)
    with pytest.raises(Rejected, match="ended as Canceled"):
        await deployer.deploy(CONTENT)


async def test_a_missing_right_is_told_with_the_ways_to_get_it() -> None:
    script = Script()
    script.on("deployRequest", [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}], 403)
    deployer, _ = deployer_of(script)
    with pytest.raises(NotAllowed) as refused:
        await deployer.tried(CONTENT)
    assert "Modify Metadata" in refused.value.advice
    assert "--as" in refused.value.advice


async def test_looks_that_fail_do_not_end_a_deploy_that_goes_on() -> None:
    script = Script()
    script.on("deployRequest/", [{"errorCode": "SERVER_UNAVAILABLE", "message": "?"}], 503)
    script.on("deployRequest/", result(**DONE))
    script.on("deployRequest", BEGUN, 201)
    deployer, _ = deployer_of(script)
    await deployer.deploy(CONTENT)


async def test_looks_that_fail_again_and_again_are_told() -> None:
    script = Script()
    script.on("deployRequest/", [{"errorCode": "SERVER_UNAVAILABLE", "message": "?"}], 503)
    script.on("deployRequest", BEGUN, 201)
    deployer, _ = deployer_of(script)
    with pytest.raises(Retryable):
        await deployer.deploy(CONTENT)
    assert sum(1 for method, *_ in script.asked if method == "GET") == UNSEEN


async def test_a_deploy_that_never_ends_is_left_to_a_person() -> None:
    script = Script()
    script.on("deployRequest/", result(status="InProgress", done=False))
    script.on("deployRequest", BEGUN, 201)
    deployer, _ = deployer_of(script)
    with pytest.raises(Retryable, match=ID) as waited:
        await deployer.deploy(CONTENT)
    assert "Deployment Status" in waited.value.advice


@pytest.mark.parametrize(("check_only", "kind"), [(True, Unavailable), (False, Uncertain)])
async def test_a_deploy_without_an_answer_may_run_and_a_check_changes_nothing(
    check_only: bool, kind: type[CosellError]
) -> None:
    async def silent(*_: Any) -> None:
        raise ConnectionError

    chosen = Options(HOME, "client", FixedToken("00D!secret"))
    transport = AsgiTransport({HOME: silent})
    client = Client(lambda origin: Http(transport, name="Salesforce", allow=(origin,)), chosen, OwnClock())
    deployer = Deployer(client, OwnClock())
    with pytest.raises(kind):
        await (deployer.tried(CONTENT) if check_only else deployer.deploy(CONTENT))


@pytest.mark.parametrize("body", [{}, {"id": 5}, [], {"id": "../../x"}])
async def test_an_answer_that_names_no_deploy_is_nonsense(body: Any) -> None:
    script = Script()
    script.on("deployRequest", body, 201)
    deployer, _ = deployer_of(script)
    with pytest.raises(Unavailable, match="nonsense"):
        await deployer.tried(CONTENT)


# --- SOAP --------------------------------------------------------------------------------------------

SPACES = (
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def soap(inner: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope {SPACES}><soapenv:Body>{inner}'
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def fault(code: str, text: str = "no") -> bytes:
    told = f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>"
    return soap(f"<soapenv:Fault>{told}</soapenv:Fault>")


LAYOUT = (
    '<readMetadataResponse><result><records xsi:type="Layout"><fullName>Opportunity-Sales</fullName>'
    "<layoutSections><label>A &amp; B</label></layoutSections></records></result></readMetadataResponse>"
)
PATH = "/services/Soap/m/67.0"
XML = {"content-type": "text/xml; charset=UTF-8"}


async def test_a_piece_is_read_with_the_token_in_its_envelope() -> None:
    script = Script()
    script.on(PATH, soap(LAYOUT), headers=XML)
    client, _ = client_of(script)
    found = await Pieces(client, "67.0").read("Layout", "Opportunity-Sales")
    assert found is not None
    assert said(found, "fullName") == "Opportunity-Sales"
    assert found.findtext("layoutSections/label") == "A & B"
    assert found.attrib == {}
    _, _, headers, body = script.asked[0]
    assert headers["content-type"].startswith("text/xml")
    assert b"<sessionId>00D!secret</sessionId>" in body
    assert b"<fullNames>Opportunity-Sales</fullNames>" in body


async def test_a_piece_that_is_not_there_is_none() -> None:
    script = Script()
    nothing = '<readMetadataResponse><result><records xsi:nil="true"/></result></readMetadataResponse>'
    script.on(PATH, soap(nothing), headers=XML)
    client, _ = client_of(script)
    assert await Pieces(client, "67.0").read("Layout", "Opportunity-Gone") is None


async def test_a_piece_is_updated_as_what_it_is() -> None:
    script = Script()
    good = "<updateMetadataResponse><result><success>true</success></result></updateMetadataResponse>"
    script.on(PATH, soap(good), headers=XML)
    client, _ = client_of(script)
    await Pieces(client, "67.0").update("Layout", element("records", ("fullName", "Opportunity-Sales")))
    body = script.asked[0][3]
    assert b'<metadata xsi:type="Layout"><fullName>Opportunity-Sales</fullName></metadata>' in body


async def test_an_update_that_is_refused_tells_why() -> None:
    script = Script()
    bad = (
        "<updateMetadataResponse><result><errors><message>Field is twice</message></errors>"
        "<success>false</success></result></updateMetadataResponse>"
    )
    script.on(PATH, soap(bad), headers=XML)
    client, _ = client_of(script)
    with pytest.raises(Rejected, match=r"Opportunity-Sales\. Field is twice"):
        await Pieces(client, "67.0").update("Layout", element("records", ("fullName", "Opportunity-Sales")))


async def test_an_expired_session_is_renewed_once_also_where_it_stands_in_the_envelope() -> None:
    script = Script()
    script.on(PATH, fault("INVALID_SESSION_ID"), 500, headers=XML)
    script.on(PATH, soap(LAYOUT), headers=XML)
    script.on("/services/oauth2/token", {**TOKEN, "access_token": "00D!first"})
    script.on("/services/oauth2/token", TOKEN)
    client, _ = client_of(script, login=ClientSecret("shh"))
    assert await Pieces(client, "67.0").read("Layout", "Opportunity-Sales") is not None
    calls = [body for _, path, _, body in script.asked if PATH in path]
    assert b"00D!first" in calls[0]
    assert b"00D!fresh" in calls[1]


@pytest.mark.parametrize(
    ("raw", "status", "kind"),
    [
        (fault("INSUFFICIENT_ACCESS"), 500, NotAllowed),
        (fault("INVALID_SESSION_ID"), 500, SignedOut),
        (fault("UNKNOWN_EXCEPTION"), 500, Unavailable),
        (fault("INVALID_TYPE"), 500, Rejected),
        (b"<html>maintenance</html>", 503, Unavailable),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 200, Unavailable),
        (b"", 403, NotAllowed),
    ],
)
async def test_every_refusal_of_the_service_has_its_meaning(
    raw: bytes, status: int, kind: type[CosellError]
) -> None:
    script = Script()
    script.on(PATH, raw, status, headers=XML)
    client, _ = client_of(script)
    with pytest.raises(kind):
        await Pieces(client, "67.0").read("Layout", "Opportunity-Sales")
