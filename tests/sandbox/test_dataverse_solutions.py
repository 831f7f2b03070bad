"""Solutions exported, imported, upgraded and uninstalled (dataverse-api.md 5.2)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from cosell.sandbox.frame import Org

from .customizing import (
    CRM,
    OPPORTUNITY,
    SOLUTION,
    Installer,
    column,
    lookup,
    picklist,
    table,
    text,
    words,
)
from .dynamics import DEAL, Dynamics, Json, Reply, served_environment

JOB = "0b0b0000-0000-4000-8000-00000000aaaa"


@pytest.fixture
async def production() -> AsyncIterator[Dynamics]:
    """A second organisation, as bare as the first."""
    async with served_environment(Org.BARE) as served:
        served.org.settings.key_index_seconds = 0
        yield served.as_admin()


@pytest.fixture
async def installer(bare: Dynamics) -> Installer:
    """Staging, with a solution that holds one of everything."""
    bare.org.settings.key_index_seconds = 0
    made = Installer(bare)
    await made.package()
    flag = {
        "TrueOption": {"Value": 1, "Label": words("On")},
        "FalseOption": {"Value": 0, "Label": words("Off")},
    }
    await made.add(
        text("nw_Ref"),
        column("Boolean", "nw_Flag", OptionSet=flag),
        picklist("nw_Help", "One", "Two"),
        column("Memo", "nw_Audit", MaxLength=9_000),
        column("DateTime", "nw_Day", Format="DateOnly", DateTimeBehavior={"Value": "DateOnly"}),
    )
    await made.key("nw_RefKey", "nw_ref")
    await made.made("EntityDefinitions", table("nw_Solution", "nw_Name"))
    await made.add(
        column("Decimal", "nw_Quantity", Precision=2), column("Money", "nw_Price"), table="nw_solution"
    )
    relation = lookup("nw_opp_solution", "opportunity", "nw_solution", "nw_OpportunityId", Delete="Cascade")
    await made.made("RelationshipDefinitions", relation)
    fetch = '<fetch><entity name="opportunity"><attribute name="nw_ref"/></entity></fetch>'
    view = {"name": "Shared", "returnedtypecode": "opportunity", "querytype": 0, "fetchxml": fetch}
    await made.post("savedqueries", view)
    unit = (await made.api.call("GET", "WhoAmI")).json["BusinessUnitId"]
    role = {"name": "Co-sell", "businessunitid@odata.bind": f"/businessunits({unit})"}
    role_id = (await made.post("roles", role)).row_id
    (right,) = (await made.api.get("privileges", filter="name eq 'prvReadnw_Solution'")).rows
    asked = {"Privileges": [{"PrivilegeId": right["privilegeid"], "Depth": "Global"}]}
    await made.api.call("POST", f"roles({role_id})/{CRM}.AddPrivilegesRole", asked)
    return made


async def exported(api: Dynamics, *, managed: bool) -> str:
    reply = await api.call("POST", "ExportSolution", {"SolutionName": SOLUTION, "Managed": managed})
    assert reply.status == 200, reply.raw
    return str(reply.json["ExportSolutionFile"])


def asked(file: str, **more: Any) -> Json:
    wanted = {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": True, "CustomizationFile": file}
    return {**wanted, "ImportJobId": JOB, **more}


async def imported(api: Dynamics, file: str, **more: Any) -> Reply:
    return await api.call("POST", "ImportSolution", asked(file, **more))


def parts(file: str) -> dict[str, ElementTree.Element]:
    with ZipFile(BytesIO(base64.b64decode(file))) as archive:
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


def rezipped(file: str, old: bytes, new: bytes) -> str:
    """The same file with a change in its texts."""
    buffer = BytesIO()
    with ZipFile(BytesIO(base64.b64decode(file))) as archive, ZipFile(buffer, "w") as made:
        for name in archive.namelist():
            made.writestr(name, archive.read(name).replace(old, new))
    return base64.b64encode(buffer.getvalue()).decode()


async def test_an_export_holds_three_files_and_what_the_solution_holds(installer: Installer) -> None:
    found = parts(await exported(installer.api, managed=True))
    assert set(found) == {"[Content_Types].xml", "solution.xml", "customizations.xml"}
    told = found["solution.xml"].find("SolutionManifest")
    assert told is not None
    assert [told.findtext(one) for one in ("UniqueName", "Version", "Managed")] == [SOLUTION, "1.0.0.0", "1"]
    assert told.findtext("Publisher/CustomizationPrefix") == "nw"
    roots = {
        (one.get("type"), one.get("schemaName")): one.get("behavior") for one in told.iter("RootComponent")
    }
    assert roots["1", "opportunity"] == "1"
    assert roots["1", "nw_solution"] == "0"
    names = [one.findtext("LogicalName") for one in found["customizations.xml"].iter("attribute")]
    assert {"nw_ref", "nw_help", "nw_quantity", "nw_price", "nw_opportunityid"} <= set(names)
    assert "nw_price_base" not in names


async def test_a_managed_solution_brings_everything_to_production(
    installer: Installer, production: Dynamics
) -> None:
    file = await exported(installer.api, managed=True)
    assert (await imported(production, file)).status == 204
    job = await production.row(f"importjobs({JOB})", select="solutionname,progress,data")
    assert (job["solutionname"], job["progress"]) == (SOLUTION, 100)
    result = ElementTree.fromstring(job["data"]).find(".//solutionManifest/result")
    assert result is not None
    assert result.get("result") == "success"
    (solution,) = (await production.get("solutions", filter=f"uniquename eq '{SOLUTION}'")).rows
    assert solution["ismanaged"] is True
    shown = await production.row(f"{OPPORTUNITY}/Attributes(LogicalName='nw_ref')")
    assert (shown["IsManaged"], shown["SchemaName"]) == (True, "nw_Ref")
    deal = await production.deal(nw_ref="R-1", nw_flag=True, nw_help=847_770_001, nw_day="2026-05-31")
    assert (await production.row("opportunities(nw_ref='R-1')"))["opportunityid"] == deal
    bind = {"nw_OpportunityId@odata.bind": f"/opportunities({deal})"}
    await production.create("nw_solutions", nw_name="Floor", nw_quantity=1.5, nw_price=3, **bind)
    assert [one["name"] for one in (await production.get("roles", filter="name eq 'Co-sell'")).rows]
    assert (await production.get("savedqueries", filter="name eq 'Shared'")).rows
    assert (await imported(production, file, ImportJobId=None)).status == 204, "a second time changes nothing"


async def test_uninstalling_a_managed_solution_takes_its_data_along(
    installer: Installer, production: Dynamics
) -> None:
    await imported(production, await exported(installer.api, managed=True))
    await production.deal(nw_ref="R-1")
    (solution,) = (await production.get("solutions", filter=f"uniquename eq '{SOLUTION}'")).rows
    path = f"solutions({solution['solutionid']})"
    column_path = f"{OPPORTUNITY}/Attributes(LogicalName='nw_ref')"
    assert (await production.call("DELETE", column_path)).refusal == (400, "0x80040203")
    assert (await production.patch(path, {"friendlyname": "x"})).refusal == (400, "0x8004f024")
    export = await production.call("POST", "ExportSolution", {"SolutionName": SOLUTION, "Managed": False})
    assert export.refusal == (400, "0x80048036")
    assert (await production.call("DELETE", path)).status == 204
    (row,) = (await production.get("opportunities")).rows
    assert not [name for name in row if name.startswith("nw_")]
    assert (await production.get("nw_solutions")).status == 404
    assert (await production.get("roles", filter="name eq 'Co-sell'")).rows == []
    assert (await production.get("privileges", filter="name eq 'prvReadnw_Solution'")).rows == []


async def test_deleting_an_unmanaged_solution_leaves_what_it_held(installer: Installer) -> None:
    api = installer.api
    (solution,) = (await api.get("solutions", filter=f"uniquename eq '{SOLUTION}'")).rows
    assert (await api.call("DELETE", f"solutions({solution['solutionid']})")).status == 204
    where = f"_solutionid_value eq {solution['solutionid']}"
    assert (await api.get("solutioncomponents", filter=where)).rows == []
    await api.deal(nw_ref="R-1")
    (default,) = (await api.get("solutions", filter="uniquename eq 'Default'")).rows
    assert (await api.call("DELETE", f"solutions({default['solutionid']})")).refusal == (400, "0x8004f005")


async def test_an_unmanaged_solution_is_imported_and_stays_editable(
    installer: Installer, production: Dynamics
) -> None:
    file = await exported(installer.api, managed=False)
    assert (await imported(production, file)).status == 204
    managed = await exported(installer.api, managed=True)
    assert (await imported(production, managed, ImportJobId=None)).refusal == (400, "0x80048040")
    path = f"{OPPORTUNITY}/Attributes(LogicalName='nw_audit')"
    assert (await production.row(path))["IsManaged"] is False
    assert (await production.call("DELETE", path)).status == 204


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<Type>nvarchar</Type>", b"<Type>nonsense</Type>", "0x8004801a"),
        (b"<Managed>1</Managed>", b"<Managed>7</Managed>", "0x8004801a"),
        (b"<UniqueName>NorthwindCosell</UniqueName>", b"", "0x8004801a"),
        (
            b"<CustomizationPrefix>nw</CustomizationPrefix>",
            b"<CustomizationPrefix>x</CustomizationPrefix>",
            "0x80040203",
        ),
        (b"<ReferencedEntityName>Opportunity<", b"<ReferencedEntityName>nowhere<", "0x8004801d"),
        (b'name="prvReadnw_Solution"', b'name="prvReadNothing"', "0x8004801d"),
        (b"<AttributeName>nw_ref<", b"<AttributeName>nw_nothing<", "0x8004801d"),
        (
            b"<MissingDependencies />",
            b'<MissingDependencies><MissingDependency><Required type="1" schemaName="msdyn_thing" />'
            b"</MissingDependency></MissingDependencies>",
            "0x8004801d",
        ),
        (b"<Roles>", b"<optionsets /><Roles>", "0x8004801a"),
        (b"<ImportExportXml>", b"<ImportExportXml", "0x8004801a"),
    ],
)
async def test_a_file_that_cannot_be_imported_leaves_nothing_but_its_job(
    installer: Installer, production: Dynamics, old: bytes, new: bytes, code: str
) -> None:
    file = rezipped(await exported(installer.api, managed=True), old, new)
    assert (await imported(production, file)).refusal == (400, code)
    job = await production.row(f"importjobs({JOB})")
    assert f'errorcode="{code}"' in job["data"]
    assert (await production.get(f"{OPPORTUNITY}/Attributes(LogicalName='nw_ref')")).status == 404
    assert (await production.get("nw_solutions")).status == 404
    assert (await production.get("solutions", filter=f"uniquename eq '{SOLUTION}'")).rows == []


async def test_what_is_no_solution_file_is_refused(production: Dynamics) -> None:
    empty = BytesIO()
    with ZipFile(empty, "w") as archive:
        archive.writestr("solution.xml", "<ImportExportXml/>")
    for file in (
        "nonsense",
        base64.b64encode(b"no zip").decode(),
        base64.b64encode(empty.getvalue()).decode(),
    ):
        assert (await imported(production, file, ImportJobId=None)).refusal == (400, "0x80048060")
    assert (await imported(production, "", Nonsense=1)).status == 400
    assert (await production.call("POST", "ImportSolution", {"CustomizationFile": ""})).status == 400


async def test_an_import_may_be_staged_and_run_as_a_job(installer: Installer, production: Dynamics) -> None:
    file = await exported(installer.api, managed=True)
    staged = await production.call("POST", "StageSolution", {"CustomizationFile": file})
    results = staged.json["StageSolutionResults"]
    assert (results["StageSolutionStatus"], results["SolutionDetails"]["IsManaged"]) == ("Passed", True)
    wanted = asked(file) | {"SolutionParameters": {"StageSolutionUploadId": results["StageSolutionUploadId"]}}
    del wanted["CustomizationFile"]
    begun = await production.call("POST", "ImportSolutionAsync", wanted)
    job = await production.row(f"asyncoperations({begun.json['AsyncOperationId']})")
    assert (job["statecode"], job["statuscode"], job["message"]) == (3, 30, None)
    assert (await production.row(f"importjobs({begun.json['ImportJobKey']})"))["progress"] == 100
    wrong = rezipped(file, b"<Type>nvarchar</Type>", b"<Type>nonsense</Type>")
    failed = await production.call("POST", "ImportSolutionAsync", asked(wrong, ImportJobId=None))
    job = await production.row(f"asyncoperations({failed.json['AsyncOperationId']})")
    assert (job["statecode"], job["statuscode"]) == (3, 31)
    assert "XSD validation failed" in job["message"]


async def test_an_upgrade_takes_the_place_of_what_was_there(
    installer: Installer, production: Dynamics
) -> None:
    """HoldingSolution and DeleteAndPromote: what the new version lacks is gone then."""
    await imported(production, await exported(installer.api, managed=True))
    await production.deal(nw_ref="R-1", nw_audit="old")
    path = f"{OPPORTUNITY}/Attributes(LogicalName='nw_audit')"
    assert (await installer.api.call("DELETE", path)).status == 204
    newer = await exported(installer.api, managed=True)
    holding = {"HoldingSolution": True, "ImportJobId": None}
    assert (await imported(production, newer, **holding)).status == 204
    assert (await production.get(path)).status == 200, "both versions are there"
    promoted = await production.call("POST", "DeleteAndPromote", {"UniqueName": SOLUTION})
    assert promoted.status == 200
    assert (await production.get(path)).status == 404
    assert [row["nw_ref"] for row in (await production.get("opportunities")).rows] == ["R-1"]
    again = await production.call("POST", "DeleteAndPromote", {"UniqueName": SOLUTION})
    assert again.refusal == (400, "0x8004853b")
    assert (await production.call("POST", "StageAndUpgrade", asked(newer, ImportJobId=None))).status == 204


async def test_a_form_that_shows_a_managed_column_holds_the_solution(
    installer: Installer, production: Dynamics
) -> None:
    await imported(production, await exported(installer.api, managed=True))
    (form,) = (await production.get("systemforms", filter="objecttypecode eq 'opportunity'")).rows
    shown = form["formxml"].replace('datafieldname="stepname"', 'datafieldname="nw_ref"')
    await production.patch(f"systemforms({form['formid']})", {"formxml": shown})
    await production.call("POST", "PublishAllXml", {})
    (solution,) = (await production.get("solutions", filter=f"uniquename eq '{SOLUTION}'")).rows
    refused = await production.call("DELETE", f"solutions({solution['solutionid']})")
    assert refused.refusal == (400, "0x8004f01d")


async def test_components_are_put_in_and_taken_out(installer: Installer) -> None:
    api = installer.api
    made = await api.call("POST", f"{OPPORTUNITY}/Attributes", text("nw_Later"))
    body = {"ComponentId": made.row_id, "ComponentType": 2, "SolutionUniqueName": SOLUTION}
    put = await api.call("POST", "AddSolutionComponent", {**body, "AddRequiredComponents": False})
    assert put.status == 200
    found = await api.get("solutioncomponents", filter=f"objectid eq {made.row_id}")
    assert [one["solutioncomponentid"] for one in found.rows] == [put.json["id"]]
    out = {**body, "SolutionComponent": {"solutioncomponentid": made.row_id}}
    assert (await api.call("POST", "RemoveSolutionComponent", out)).status == 200
    assert (await api.call("POST", "RemoveSolutionComponent", out)).refusal == (400, "0x8004f021")
    nowhere = {**body, "ComponentId": JOB}
    assert (await api.call("POST", "AddSolutionComponent", nowhere)).status == 404


async def test_who_may_not_customize_may_not_import_or_export(
    installer: Installer, dynamics: Dynamics
) -> None:
    file = await exported(installer.api, managed=True)
    refused = await imported(dynamics, file)
    assert (refused.refusal, "prvImportCustomization" in refused.message) == ((403, "0x80040220"), True)
    export = await dynamics.call("POST", "ExportSolution", {"SolutionName": "Cosell", "Managed": False})
    assert (export.refusal, "prvExportCustomization" in export.message) == ((403, "0x80040220"), True)
    assert (await dynamics.call("POST", "opportunities", DEAL)).status == 204
