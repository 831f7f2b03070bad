"""Solutions on their way: export, import, staging, upgrade (sheet 5.2).

The names and parameters beside those of the sheet are those of the Web API reference of
AddSolutionComponent, RemoveSolutionComponent, StageSolution, ImportSolutionAsync and StageAndUpgrade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.customizing.archive import opened, packed
from cosell.sandbox.dataverse.customizing.components import (
    Behaviour,
    Kind,
    member,
    put_in,
    solution_named,
)
from cosell.sandbox.dataverse.customizing.contents import Contents
from cosell.sandbox.dataverse.customizing.importing import HOLDING, Import, parts_of
from cosell.sandbox.dataverse.customizing.locking import changing
from cosell.sandbox.dataverse.customizing.packing import Packing
from cosell.sandbox.dataverse.customizing.removal import uninstall
from cosell.sandbox.dataverse.customizing.unpacking import contents_of
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, invalid, not_allowed, refusal
from cosell.sandbox.dataverse.org import Org, wire_moment
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.values import guid

_IMPORT = frozenset(
    {
        "AsyncRibbonProcessing",
        "ComponentParameters",
        "ConvertToManaged",
        "CustomizationFile",
        "HoldingSolution",
        "ImportJobId",
        "IsTemplateMode",
        "LayerDesiredOrder",
        "OverwriteUnmanagedCustomizations",
        "PublishWorkflows",
        "SkipProductUpdateDependencies",
        "SkipQueueRibbonJob",
        "SolutionParameters",
        "TemplateDisplayNamePrefix",
        "TemplateSuffix",
    }
)
_EXPORT = "An error occurred while exporting a solution."
SUCCEEDED, FAILED, COMPLETED = 30, 31, 3


class Solutions:
    """Answers what moves solutions."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._staged: dict[str, str] = {}

    def forget(self) -> None:
        """Lets go of every staged file."""
        self._staged.clear()

    def resources(self) -> dict[str, Callable[[Call], Reply]]:
        """Who answers which first segment of a path."""
        return {
            "ExportSolution": self.export,
            "ImportSolution": self.take,
            "ImportSolutionAsync": self.take_later,
            "StageSolution": self.stage,
            "StageAndUpgrade": self.upgrade,
            "StageAndUpgradeAsync": self.upgrade_later,
            "DeleteAndPromote": self.promote,
            "AddSolutionComponent": self.add,
            "RemoveSolutionComponent": self.remove,
        }

    def export(self, call: Call) -> Reply:
        """A solution as a file."""
        given = _posted(call)
        name = given.get("SolutionName")
        if not isinstance(name, str) or not isinstance(given.get("Managed"), bool):
            raise bad_request("The parameters SolutionName and Managed are missing.")
        solution = solution_named(self._org, name)
        with changing(self._org, call, "prvExportCustomization", "Export"):
            if solution is None:
                text = "The solution does not exist in this system."
                raise refusal(400, "0x80048037", f"{_EXPORT} {text}")
            if solution.get("ismanaged"):
                raise refusal(400, "0x80048036", f"{_EXPORT} Managed solutions cannot be exported.")
            made = Packing(self._org, solution, managed=given["Managed"])
            file = packed(made.manifest(), made.customizations())
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.ExportSolutionResponse"
        return Reply(200, {"@odata.context": context, "ExportSolutionFile": file})

    def take(self, call: Call) -> Reply:
        """Imports at once; the job tells what became of it, whatever it was."""
        given = self._asked(call)
        refused = self._carried_out(call, given, holding=bool(given.get("HoldingSolution")))
        return Reply(204) if refused is None else Reply.refused(refused, details=call.wants_details)

    def take_later(self, call: Call) -> Reply:
        """Imports in a job of its own, which is over before anybody asks for it."""
        given = self._asked(call)
        refused = self._carried_out(call, given, holding=bool(given.get("HoldingSolution")))
        return self._job(call, "ImportSolutionAsyncResponse", given, refused)

    def upgrade(self, call: Call) -> Reply:
        """Imports beside what is there and lets it take its place."""
        refused = self._upgraded(call, self._asked(call))
        return Reply(204) if refused is None else Reply.refused(refused, details=call.wants_details)

    def upgrade_later(self, call: Call) -> Reply:
        """The same in a job of its own."""
        given = self._asked(call)
        return self._job(call, "StageAndUpgradeAsyncResponse", given, self._upgraded(call, given))

    def stage(self, call: Call) -> Reply:
        """Looks a file over and keeps it for an import."""
        given = _posted(call)
        with changing(self._org, call, "prvImportCustomization", "Import"):
            contents = self._contents(given.get("CustomizationFile"))
        kept = self._org.new_id()
        self._staged[kept] = str(given["CustomizationFile"])
        told = contents.manifest
        missing = [
            {"RequiredComponentSchemaName": name, "RequiredComponentType": kind}
            for kind, name, _ in told.required
        ]
        results = {
            "StageSolutionUploadId": kept,
            "StageSolutionStatus": "Passed",
            "SolutionValidationResults": [],
            "MissingDependencies": missing,
            "SolutionDetails": {
                "SolutionUniqueName": told.name,
                "SolutionFriendlyName": str(told.label),
                "SolutionVersion": told.version,
                "IsManaged": told.managed,
            },
        }
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.StageSolutionResponse"
        return Reply(200, {"@odata.context": context, "StageSolutionResults": results})

    def promote(self, call: Call) -> Reply:
        """Lets a holding solution take the place of the one it is an upgrade of."""
        name = _posted(call).get("UniqueName")
        with changing(self._org, call, "prvImportCustomization", "Upgrade"):
            made = self._promoted(call, str(name))
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.DeleteAndPromoteResponse"
        return Reply(200, {"@odata.context": context, "SolutionId": made})

    def add(self, call: Call) -> Reply:
        """Makes an existing component part of a solution."""
        given = _posted(call)
        kind, object_id, solution = self._component(given)
        with changing(self._org, call, "prvWriteSolution"):
            behaviour = Behaviour.LISTED if given.get("DoNotIncludeSubcomponents") else Behaviour.WHOLE
            put_in(self._org, call.actor, solution, kind, object_id, behaviour)
        row = member(self._org, solution["solutionid"], kind, object_id) or {}
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.AddSolutionComponentResponse"
        return Reply(200, {"@odata.context": context, "id": row.get("solutioncomponentid")})

    def remove(self, call: Call) -> Reply:
        """Takes a component out of a solution; it stays in the environment."""
        given = _posted(call)
        named = given.get("SolutionComponent")
        given["ComponentId"] = (named or {}).get("solutioncomponentid") if isinstance(named, dict) else named
        kind, object_id, solution = self._component(given)
        with changing(self._org, call, "prvWriteSolution"):
            row = member(self._org, solution["solutionid"], kind, object_id)
            if row is None:
                name = solution["uniquename"]
                text = f"Cannot find solution component {object_id} {kind.value} in solution {name}."
                raise refusal(400, "0x8004f021", text)
            self._org.bury(self._org.schema.table("solutioncomponent"), row["solutioncomponentid"])
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.RemoveSolutionComponentResponse"
        return Reply(200, {"@odata.context": context, "id": row["solutioncomponentid"]})

    def _component(self, given: Mapping[str, Any]) -> tuple[Kind, str, Row]:
        object_id = guid(given.get("ComponentId"))
        solution = solution_named(self._org, str(given.get("SolutionUniqueName")))
        if solution is None or solution.get("ismanaged"):
            raise refusal(400, "0x8004f002", "SolutionUniqueName is not that of an unmanaged solution.")
        try:
            kind = Kind(int(given.get("ComponentType") or 0))
        except ValueError:
            raise invalid(f"ComponentType {given.get('ComponentType')} is not taken here.") from None
        if object_id is None or not self._exists(kind, object_id):
            raise refusal(404, "0x80040217", f"Component {given.get('ComponentId')} Does Not Exist")
        return kind, object_id, solution

    def _exists(self, kind: Kind, object_id: str) -> bool:
        schema, rows = self._org.schema, {Kind.ROLE: "role", Kind.VIEW: "savedquery", Kind.FORM: "systemform"}
        if kind in rows:
            return self._org.store.get(rows[kind], object_id) is not None
        ids = {metadata_id("options", one) for one in schema.option_sets}
        for table in schema.tables.values():
            ids |= {metadata_id(table.name), *(metadata_id(table.name, one) for one in table.columns)}
            ids |= {metadata_id("key", table.name, one.name) for one in table.keys}
            for column in table.columns.values():
                ids |= {metadata_id("relationship", to.collection, table.name) for to in column.targets}
        return object_id in ids

    def _asked(self, call: Call) -> dict[str, Any]:
        given = _posted(call)
        unknown = {name for name in given if "@" not in name} - _IMPORT
        if unknown:
            raise bad_request(f"The parameter '{sorted(unknown)[0]}' is not one of this action.")
        for name in ("OverwriteUnmanagedCustomizations", "PublishWorkflows"):
            if not isinstance(given.get(name), bool):
                raise bad_request(f"The parameter {name} is missing or not a Boolean.")
        if given.get("ImportJobId") is not None and guid(given["ImportJobId"]) is None:
            raise refusal(400, "0x80044252", "The requested importjob does not exist.")
        given["ImportJobId"] = guid(given.get("ImportJobId")) or self._org.new_id()
        staged = (given.get("SolutionParameters") or {}).get("StageSolutionUploadId")
        if staged is not None:
            given["CustomizationFile"] = self._staged.get(str(staged))
        return given

    def _contents(self, file: object) -> Contents:
        return contents_of(*opened(file), self._org.settings.languages)

    def _carried_out(self, call: Call, given: Mapping[str, Any], *, holding: bool) -> DataverseError | None:
        """What it was refused with; the job remembers it either way."""
        name, refused = "", None
        begun = wire_moment(self._org.now())
        try:
            with (
                self._org.transaction(),
                changing(self._org, call, "prvImportCustomization", "Import"),
            ):
                contents = self._contents(given.get("CustomizationFile"))
                name = contents.manifest.name
                overwrite = given["OverwriteUnmanagedCustomizations"]
                Import(self._org, call.actor, contents, overwrite=overwrite, holding=holding).run()
        except DataverseError as error:
            if error.status == 403 or error.code == "0x80071151":
                raise
            refused = error
        self._note(call, given["ImportJobId"], name, begun, refused)
        return refused

    def _upgraded(self, call: Call, given: Mapping[str, Any]) -> DataverseError | None:
        contents = self._contents(given.get("CustomizationFile"))
        holding = solution_named(self._org, contents.manifest.name) is not None
        refused = self._carried_out(call, given, holding=holding)
        if refused is None and holding:
            self._promoted(call, contents.manifest.name)
        return refused

    def _promoted(self, call: Call, name: str) -> str:
        old, new = solution_named(self._org, name), solution_named(self._org, name + HOLDING)
        if old is None or new is None or not old.get("ismanaged"):
            text = f"There is no upgrade of a managed solution '{name}' to promote."
            raise refusal(400, "0x8004853b", text)
        uninstall(self._org, old, but=frozenset(parts_of(self._org, new)))
        table, parts = self._org.schema.table("solution"), self._org.schema.table("solutioncomponent")
        link = Ref("solution", old["solutionid"])
        for one in self._org.store.table(parts.name).ids_where("solutionid", link):
            self._org.bury(parts, one)
        self._org.bury(table, old["solutionid"])
        self._org.replace(table, {**new, "uniquename": name}, call.actor)
        return str(new["solutionid"])

    def _note(self, call: Call, job_id: str, name: str, begun: str, refused: DataverseError | None) -> None:
        """The import job, as anybody may read it afterwards."""
        result = "success" if refused is None else "failure"
        code = "0" if refused is None else refused.code
        words = quoteattr("" if refused is None else refused.message)
        data = (
            f'<importexportxml start="{begun}" progress="100" processed="true"><solutionManifests>'
            f'<solutionManifest id={quoteattr(name)} processed="true"><UniqueName>{name}</UniqueName>'
            f'<result result="{result}" errorcode="{code}" errortext={words} /></solutionManifest>'
            "</solutionManifests></importexportxml>"
        )
        row: Row = {
            "importjobid": job_id,
            "name": "Customizations",
            "solutionname": name or None,
            "progress": 100,
            "startedon": begun,
            "completedon": wire_moment(self._org.now()),
            "data": data,
        }
        self._org.insert(self._org.schema.table("importjob"), row, call.actor)

    def _job(self, call: Call, kind: str, given: Mapping[str, Any], refused: DataverseError | None) -> Reply:
        at = wire_moment(self._org.now())
        row: Row = {
            "name": "Import solution",
            "statecode": COMPLETED,
            "statuscode": SUCCEEDED if refused is None else FAILED,
            "startedon": at,
            "completedon": at,
            "message": None if refused is None else refused.message,
            "friendlymessage": None if refused is None else refused.message,
            "ownerid": Ref("systemuser", call.actor.user_id),
        }
        made = self._org.insert(self._org.schema.table("asyncoperation"), row, call.actor)
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.{kind}"
        ids = {"AsyncOperationId": made["asyncoperationid"], "ImportJobKey": given["ImportJobId"]}
        return Reply(200, {"@odata.context": context, **ids})


def _posted(call: Call) -> dict[str, Any]:
    if call.method != "POST":
        raise not_allowed(call.method)
    return call.json()
