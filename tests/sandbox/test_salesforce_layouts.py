"""Layouts over SOAP (salesforce-api.md 12.1: a write replaces the whole layout)."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from cosell.sandbox.salesforce.markup import METADATA, Node, parse, written
from cosell.sandbox.salesforce.metadata.soap import ENVELOPE

from .sales import Reply, Sales

NAME = "Opportunity-Opportunity Layout"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


async def _soap(sales: Sales, call: str, *, token: str | None = None, **headers: str) -> Reply:
    session = escape(token if token is not None else sales.org.admin_token)
    text = (
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" {XSI}><soapenv:Header>'
        f'<SessionHeader xmlns="{METADATA}"><sessionId>{session}</sessionId></SessionHeader></soapenv:Header>'
        f"<soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>"
    )
    return await _send(sales, text, **headers)


async def _send(sales: Sales, text: str, version: str = "67.0", **headers: str) -> Reply:
    given = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""', **headers}
    kept = {name: value for name, value in given.items() if value}
    url = f"{sales.org.base_url}/services/Soap/m/{version}"
    async with sales.http.post(url, data=text.encode(), headers=kept) as answer:
        return Reply(answer.status, answer.headers, await answer.read())


def _body(reply: Reply) -> Node:
    """What the one answer in the envelope says."""
    body = parse(reply.raw).find("Body")
    assert body is not None
    return body.children[0]


def _read(*names: str, kind: str = "Layout") -> str:
    asked = "".join(f"<fullNames>{one}</fullNames>" for one in names)
    return f'<readMetadata xmlns="{METADATA}"><type>{kind}</type>{asked}</readMetadata>'


def _update(inside: str, name: str = NAME, kind: str = "Layout") -> str:
    told = f'<metadata xsi:type="{kind}"><fullName>{name}</fullName>{inside}</metadata>'
    return f'<updateMetadata xmlns="{METADATA}">{told}</updateMetadata>'


async def _layout(sales: Sales) -> list[Node]:
    """The content of the layout of opportunities."""
    result = _body(await _soap(sales, _read(NAME))).find("result")
    assert result is not None
    [record] = result.children
    assert (record.kind, record.value("fullName")) == ("Layout", NAME)
    return [one for one in record.children if one.tag != "fullName"]


def _fault(reply: Reply) -> tuple[int, str | None]:
    return reply.status, _body(reply).value("faultcode")


async def test_a_layout_is_listed_read_changed_and_written_back(bare_org: Sales) -> None:
    listing = f'<listMetadata xmlns="{METADATA}"><queries><type>Layout</type></queries></listMetadata>'
    listed = _body(await _soap(bare_org, listing))
    assert [one.value("fullName") for one in listed.all("result")] == [NAME]
    before = await _layout(bare_org)
    text = "".join(written(one) for one in before)
    item = "<layoutItems><behavior>Edit</behavior><field>NextStep</field></layoutItems>"
    section = (
        "<layoutSections><customLabel>true</customLabel><label>Ours</label><layoutColumns>"
        f"{item}</layoutColumns><style>OneColumn</style></layoutSections>"
    )
    last = text.rindex("</layoutSections>") + len("</layoutSections>")
    result = _body(await _soap(bare_org, _update(text[:last] + section + text[last:])))
    assert [(one.value("fullName"), one.value("success")) for one in result.all("result")] == [(NAME, "true")]
    sections = [one for one in await _layout(bare_org) if one.tag == "layoutSections"]
    assert sections[-1].value("label") == "Ours"
    assert len(sections) == 1 + sum(one.tag == "layoutSections" for one in before)


async def test_somebody_else_may_change_the_layout_between_read_and_write(bare_org: Sales) -> None:
    before = "".join(written(one) for one in await _layout(bare_org))
    bare_org.org.rearrange_layout("NextStep")
    assert "NextStep" in "".join(written(one) for one in await _layout(bare_org))
    await _soap(bare_org, _update(before))
    assert "NextStep" not in "".join(written(one) for one in await _layout(bare_org))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("<field>Amount", "<field>Nope__c"), "INVALID_CROSS_REFERENCE_KEY", "no CustomField named"),
        (("<field>Amount", "<field>Type"), "FIELD_INTEGRITY_EXCEPTION", "is duplicated in the layout"),
        (("<field>Name", "<field>NextStep"), "FIELD_INTEGRITY_EXCEPTION", "required layout field: Name"),
    ],
)
async def test_a_layout_that_cannot_be_is_refused_in_the_result(
    bare_org: Sales, change: tuple[str, str], code: str, message: str
) -> None:
    text = "".join(written(one) for one in await _layout(bare_org)).replace(*change)
    result = _body(await _soap(bare_org, _update(text))).find("result")
    assert result is not None
    assert result.value("success") == "false"
    errors = result.find("errors")
    assert errors is not None
    assert errors.value("statusCode") == code
    assert message in (errors.value("message") or "")


async def test_a_name_nobody_knows_is_nil_or_an_error(bare_org: Sales) -> None:
    reply = await _soap(bare_org, _read("Opportunity-Nope"))
    assert b'<records xsi:nil="true"/>' in reply.raw
    result = _body(await _soap(bare_org, _update("", name="Opportunity-Nope"))).find("result")
    assert result is not None
    assert result.value("success") == "false"


async def test_calls_that_are_none_end_in_a_fault(bare_org: Sales) -> None:
    assert _fault(await _soap(bare_org, _read(NAME), token="")) == (500, "sf:INVALID_SESSION_ID")
    reply = await _soap(bare_org, _read(NAME), token="00D!nonsense")
    assert _body(reply).value("faultstring") == (
        "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"
    )
    own = await _soap(bare_org, _read(NAME), token=bare_org.org.access_token)
    assert _fault(own) == (500, "sf:INSUFFICIENT_ACCESS")
    assert _fault(await _soap(bare_org, _read("X", kind="Nope"))) == (500, "sf:INVALID_TYPE")
    assert _fault(await _soap(bare_org, _read(*["X"] * 11))) == (500, "sf:EXCEEDED_ID_LIMIT")
    assert _fault(await _soap(bare_org, "<nope/>")) == (500, "soapenv:Client")
    assert _fault(await _soap(bare_org, _read(NAME), SOAPAction="")) == (500, "soapenv:Client")
    assert _fault(await _send(bare_org, "<Envelope")) == (500, "soapenv:Client")
    assert _fault(await _send(bare_org, "<Envelope/>", version="12.0")) == (500, "sf:UNSUPPORTED_API_VERSION")


async def test_a_layout_follows_fields_that_are_renamed_or_gone(sales: Sales) -> None:
    sales.org.schema.rename_field("Opportunity", "Audit__c", "History__c")
    sales.org.schema.drop_field("Opportunity", "Referral_Link__c")
    text = "".join(written(one) for one in await _layout(sales))
    assert "History__c" in text
    assert "Audit__c" not in text
    assert "Referral_Link__c" not in text
    result = _body(await _soap(sales, _update(text))).find("result")
    assert result is not None
    assert result.value("success") == "true"
