"""Forms and views, and what people see of them before and after publishing (dataverse-api.md 5.1)."""

from __future__ import annotations

import pytest

from .customizing import Installer, text
from .dynamics import Dynamics, Json

CRM = "Microsoft.Dynamics.CRM"
MAIN = "objecttypecode eq 'opportunity' and type eq 2"
PUBLISH: Json = {
    "ParameterXml": "<importexportxml><entities><entity>opportunity</entity></entities></importexportxml>"
}
SECTION = (
    '<section name="nw_cosell" id="{11111111-0000-4000-8000-000000000001}" showlabel="true" columns="11">'
    '<labels><label description="Microsoft Partner Center" languagecode="1033" /></labels><rows><row>'
    '<cell id="{11111111-0000-4000-8000-000000000002}"><labels /><control id="nw_ref"'
    ' classid="{4273EDBD-AC1D-40d3-9FB2-095C621B552D}" datafieldname="nw_ref" /></cell></row></rows>'
    "</section>"
)


@pytest.fixture
async def installer(bare: Dynamics) -> Installer:
    made = Installer(bare)
    await made.package()
    await made.add(text("nw_Ref"))
    return made


async def main_form(api: Dynamics) -> Json:
    (form,) = (await api.get("systemforms", filter=MAIN, select="formid,name,formxml,iscustomizable")).rows
    return dict(form)


def with_section(xml: str) -> str:
    return xml.replace("</sections>", f"{SECTION}</sections>", 1)


async def test_the_main_form_holds_what_the_customer_made(bare: Dynamics) -> None:
    form = await main_form(bare.as_admin())
    assert form["name"] == "Opportunity"
    assert form["iscustomizable"] == {
        "Value": True,
        "CanBeChanged": True,
        "ManagedPropertyLogicalName": "iscustomizable",
    }
    assert 'section name="fab_review"' in form["formxml"]


async def test_a_changed_form_is_seen_once_it_is_published(installer: Installer) -> None:
    api = installer.api
    form = await main_form(api)
    path, wanted = f"systemforms({form['formid']})", with_section(form["formxml"])
    assert (await api.patch(path, {"formxml": wanted}, If_Match="*")).status == 204
    assert (await main_form(api))["formxml"] == form["formxml"]
    draft = await api.row(f"{path}/{CRM}.RetrieveUnpublished()")
    assert draft["formxml"] == wanted
    drafts = await api.get(f"systemforms/{CRM}.RetrieveUnpublishedMultiple()", filter=MAIN)
    assert [one["formxml"] for one in drafts.rows] == [wanted]
    assert (await api.call("POST", "PublishXml", PUBLISH)).status == 204
    assert (await main_form(api))["formxml"] == wanted


async def test_a_column_on_a_form_stays(installer: Installer) -> None:
    api = installer.api
    form = await main_form(api)
    path = f"systemforms({form['formid']})"
    await api.patch(path, {"formxml": with_section(form["formxml"])})
    assert (await api.call("POST", "PublishAllXml", {})).status == 204
    column = "EntityDefinitions(LogicalName='opportunity')/Attributes(LogicalName='nw_ref')"
    assert (await api.call("DELETE", column)).refusal == (400, "0x8004f01f")
    await api.patch(path, {"formxml": form["formxml"]})
    await api.call("POST", "PublishAllXml", {})
    assert (await api.call("DELETE", column)).status == 204


@pytest.mark.parametrize(
    "wrong",
    [
        "<form><tabs>",
        "<section/>",
        "<form><nonsense/></form>",
        "<form><tabs><tab><columns/></tab></tabs></form>",
        '<!DOCTYPE form [<!ENTITY x "y">]><form/>',
    ],
)
async def test_a_form_that_is_none_is_refused(installer: Installer, wrong: str) -> None:
    form = await main_form(installer.api)
    reply = await installer.api.patch(f"systemforms({form['formid']})", {"formxml": wrong})
    assert reply.refusal == (400, "0x80040201")


async def test_ids_are_given_once_and_controls_show_what_there_is(installer: Installer) -> None:
    api = installer.api
    form = await main_form(api)
    path, once = f"systemforms({form['formid']})", with_section(form["formxml"])
    assert (await api.patch(path, {"formxml": with_section(once)})).refusal == (400, "0x8004f658")
    wrong = once.replace('datafieldname="nw_ref"', 'datafieldname="nw_nothing"')
    assert (await api.patch(path, {"formxml": wrong})).refusal == (400, "0x80040201")


async def test_a_view_is_made_changed_and_removed(installer: Installer) -> None:
    api = installer.api
    fetch = '<fetch><entity name="opportunity"><attribute name="nw_ref"/></entity></fetch>'
    body = {"name": "Shared", "returnedtypecode": "opportunity", "querytype": 0, "fetchxml": fetch}
    reply = await installer.post("savedqueries", body)
    assert reply.status == 204
    path = f"savedqueries({reply.row_id})"
    parts = (await api.get("solutioncomponents", filter=f"objectid eq {reply.row_id}")).rows
    assert [one["componenttype"] for one in parts] == [26]
    await api.patch(path, {"name": "Shared deals"})
    assert (await api.row(path))["name"] == "Shared"
    await api.call("POST", "PublishXml", PUBLISH)
    assert (await api.row(path))["name"] == "Shared deals"
    wrong = {**body, "fetchxml": fetch.replace("nw_ref", "nw_nothing")}
    assert (await installer.post("savedqueries", wrong)).refusal == (400, "0x80040201")
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.get("solutioncomponents", filter=f"objectid eq {reply.row_id}")).rows == []


async def test_publishing_needs_a_right_and_something_to_publish(installer: Installer) -> None:
    connector = installer.api
    wrong = {
        "ParameterXml": "<importexportxml><entities><entity>nothing</entity></entities></importexportxml>"
    }
    assert (await connector.call("POST", "PublishXml", wrong)).refusal == (400, "0x80040201")
    assert (await connector.call("POST", "PublishXml", {})).status == 400
    connector.org.settings.customization_locks = 1
    locked = await connector.call("POST", "PublishXml", PUBLISH)
    assert (locked.refusal, "[Publish]" in locked.message) == ((429, "0x80071151"), True)


async def test_a_new_view_may_wait_for_publishing_too(installer: Installer) -> None:
    """5.1, unknown: a switch."""
    api = installer.api
    api.org.settings.new_forms_need_publishing = True
    fetch = '<fetch><entity name="opportunity"><attribute name="name"/></entity></fetch>'
    body = {"name": "Shared", "returnedtypecode": "opportunity", "querytype": 0, "fetchxml": fetch}
    made = await installer.post("savedqueries", body)
    assert (await api.get(f"savedqueries({made.row_id})")).status == 404
    await api.call("POST", "PublishXml", PUBLISH)
    assert (await api.row(f"savedqueries({made.row_id})"))["name"] == "Shared"
