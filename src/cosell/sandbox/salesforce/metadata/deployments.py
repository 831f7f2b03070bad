"""`/metadata/deployRequest`: takes packages in, and tells how far each has come."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cosell.sandbox.salesforce.errors import SalesforceError, json_error, not_found, refusal
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.metadata.archive import Archive, open_archive, parts_of
from cosell.sandbox.salesforce.metadata.deploying import Message, Outcome, carry_out
from cosell.sandbox.salesforce.metadata.options import DeployOptions, read_options
from cosell.sandbox.salesforce.metadata.workshop import Workshop
from cosell.sandbox.salesforce.org import Org, wire_moment
from cosell.sandbox.salesforce.wire import Call, Reply, method_not_allowed

KEPT = 50
NO_RIGHT = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
_OVER = frozenset({"Succeeded", "SucceededPartial", "Failed", "Canceled"})


@dataclass(slots=True)
class Deployment:
    """One package on its way into the org."""

    id: str
    options: DeployOptions
    archive: Archive
    by: str
    at: datetime
    status: str = "Pending"
    looks: int = 0
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def over(self) -> bool:
        return self.status in _OVER


class Deployments:
    """The deploys of an org; one is carried out when it was looked at, or when its time has come."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._all: OrderedDict[str, Deployment] = OrderedDict()

    def reset(self) -> None:
        self._all.clear()

    def answer(self, call: Call) -> Reply:
        path = call.path[1:]
        if not path or path[0].lower() != "deployrequest" or len(path) > 2:
            raise not_found()
        if not self._org.rights(call.actor).may("ModifyMetadata"):
            raise refusal(403, "INSUFFICIENT_ACCESS", NO_RIGHT)
        if len(path) == 1:
            if call.method != "POST":
                raise method_not_allowed(call, "POST")
            return self._take(call)
        one = self._all.get(long_id(path[1]) or "")
        if one is None:
            raise not_found()
        if call.method == "PATCH":
            return self._cancel(call, one)
        if call.method not in ("GET", "HEAD"):
            raise method_not_allowed(call, "GET", "HEAD", "PATCH")
        self._look(one)
        return Reply(200, self._told(call, one))

    def catch_up(self) -> None:
        """Carries out what nobody looks at any more."""
        patience = timedelta(seconds=self._org.settings.deploy_seconds)
        for one in self._all.values():
            if not one.over and self._org.now() - one.at > patience:
                self._finish(one)

    def _take(self, call: Call) -> Reply:
        if not isinstance(call.body, bytes):
            raise refusal(415, "UNSUPPORTED_MEDIA_TYPE", "A deploy request is multipart/form-data")
        parts = parts_of(call.headers.get("content-type", ""), call.body)
        said = parts.get("json", parts.get("entity_content"))
        if said is None or "file" not in parts:
            text = "A deploy request needs the parts json and file"
            raise refusal(400, "MISSING_ARGUMENT", text)
        options = read_options(said)
        archive = open_archive(parts["file"], single=options.single_package)
        one = Deployment(self._org.mint.make("0Af"), options, archive, call.actor.user_id, self._org.now())
        self._all[one.id] = one
        while len(self._all) > KEPT:
            self._all.popitem(last=False)
        return Reply(201, self._told(call, one))

    def _cancel(self, call: Call, one: Deployment) -> Reply:
        body = call.body if isinstance(call.body, Mapping) else {}
        wanted = body.get("deployResult")
        if not isinstance(wanted, Mapping) or wanted.get("status") != "Canceling":
            raise json_error('The body must be {"deployResult":{"status":"Canceling"}}')
        if one.over:
            text = f"The deployment is already finished with the status {one.status}"
            raise refusal(409, "INVALID_ID_FIELD", text)
        one.status = "Canceling"
        return Reply(202, self._told(call, one))

    def _look(self, one: Deployment) -> None:
        """Every look brings a deploy on; the one that is cancelled ends instead."""
        if one.over:
            return
        one.looks += 1
        if one.status == "Canceling":
            one.status = "Canceled"
        elif one.looks <= self._org.settings.deploy_looks:
            one.status = "InProgress"
        else:
            self._finish(one)

    def _finish(self, one: Deployment) -> None:
        if one.status == "Canceling":
            one.status = "Canceled"
            return
        try:
            one.outcome = carry_out(Workshop(self._org, one.by), one.archive, one.options)
        except SalesforceError:
            one.status = "Failed"
            return
        partly = not one.options.rollback_on_error and any(_works(each) for each in one.outcome.messages)
        if not one.outcome.failed:
            one.status = "Succeeded"
        else:
            one.status = "SucceededPartial" if partly else "Failed"

    def _told(self, call: Call, one: Deployment) -> dict[str, Any]:
        details = call.query.get("includeDetails", "").lower() == "true"
        told = {"id": one.id, "deployResult": self._result(one, details=details)}
        if call.method == "POST":
            return {**told, "deployOptions": dict(one.options.told)}
        return {**told, "url": f"{call.base}/metadata/deployRequest/{one.id}"}

    def _result(self, one: Deployment, *, details: bool) -> dict[str, Any]:
        result: dict[str, Any] = {
            "id": one.id,
            "success": one.status == "Succeeded",
            "checkOnly": one.options.check_only,
            "ignoreWarnings": one.options.ignore_warnings,
            "rollbackOnError": one.options.rollback_on_error,
            "status": one.status,
            "runTestsEnabled": one.options.told["testLevel"] not in (None, "NoTestRun"),
            "done": one.over,
        }
        if one.status == "Pending":
            return result
        user = self._org.store.get("User", one.by) or {}
        counted = [each for each in one.outcome.messages if each.kind or each.trouble]
        result |= {
            "createdBy": one.by,
            "createdByName": user.get("Name"),
            "createdDate": wire_moment(one.at),
            "startDate": wire_moment(one.at),
            "lastModifiedDate": self._org.stamp(),
            "completedDate": self._org.stamp() if one.over else None,
            "numberComponentsDeployed": sum(1 for each in counted if _works(each)),
            "numberComponentsTotal": len(counted),
            "numberComponentErrors": sum(1 for each in counted if each.fails),
            "numberTestsCompleted": 0,
            "numberTestsTotal": 0,
            "numberTestErrors": 0,
        }
        if details:
            result["details"] = _details(one, wire_moment(one.at))
        return result


def _works(one: Message) -> bool:
    return bool(one.kind) and not one.fails


def _details(one: Deployment, at: str) -> dict[str, Any]:
    messages = one.outcome.messages
    return {
        "componentSuccesses": [_shown(each, at) for each in messages if not each.fails],
        "componentFailures": [_shown(each, at) for each in messages if each.fails],
        "allComponentMessages": [],
        "runTestResult": {
            "numTestsRun": 0,
            "numFailures": 0,
            "totalTime": 0.0,
            "successes": [],
            "failures": [],
            "codeCoverage": [],
            "codeCoverageWarnings": [],
        },
    }


def _shown(one: Message, at: str) -> dict[str, Any]:
    trouble = one.trouble
    return {
        "changed": not one.fails and bool(one.kind) and not one.deleted,
        "columnNumber": trouble.column if trouble else None,
        "componentType": one.kind,
        "created": one.created,
        "createdDate": at,
        "deleted": one.deleted,
        "fileName": one.file,
        "fullName": one.name,
        "lineNumber": trouble.line if trouble else None,
        "problem": trouble.problem if trouble else None,
        "problemType": ("Warning" if trouble.warning else "Error") if trouble else None,
        "requiresProductionTestRun": False,
        "success": not one.fails,
        "warning": bool(trouble and trouble.warning),
    }
