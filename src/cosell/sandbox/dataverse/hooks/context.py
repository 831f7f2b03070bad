"""Writes an execution context as Dataverse serialises it for a webhook."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.store import Ref, Row

LARGEST = 256 * 1024
CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
_DROPPED: dict[str, Any] = {
    "ParentContext": None,
    "InputParameters": [],
    "PreEntityImages": [],
    "PostEntityImages": [],
}

Message = Literal["Create", "Update", "Delete", "Win", "Lose"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one row; `changed` are the columns that were written."""

    message: Message
    table: Table
    row_id: str
    row: Row
    changed: frozenset[str]
    user_id: str
    correlation_id: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the event happened."""

    organization_id: str
    organization_name: str
    business_unit: str
    at: datetime


def serialised(event: Event, setting: Setting, *, step_id: str, operation_id: str) -> tuple[bytes, bool]:
    """The body, and whether it had to shed its parameters because it was too large."""
    context = _context(event, setting, step_id=step_id, operation_id=operation_id)
    body = _escaped(context)
    if len(body) <= LARGEST:
        return body, False
    return _escaped({**context, **_DROPPED}), True


def _context(event: Event, setting: Setting, *, step_id: str, operation_id: str) -> dict[str, Any]:
    step: dict[str, Any] = {
        "__type": f"EntityReference:{CONTRACTS}",
        "Id": step_id,
        "KeyAttributes": [],
        "LogicalName": "sdkmessageprocessingstep",
        "Name": None,
        "RowVersion": None,
    }
    return {
        "BusinessUnitId": setting.business_unit,
        "CorrelationId": event.correlation_id,
        "Depth": 1,
        "InitiatingUserId": event.user_id,
        "InputParameters": _inputs(event),
        "IsExecutingOffline": False,
        "IsInTransaction": False,
        "IsOfflinePlayback": False,
        "IsolationMode": 1,
        "MessageName": event.message,
        "Mode": 1,
        "OperationCreatedOn": _moment(setting.at),
        "OperationId": operation_id,
        "OrganizationId": setting.organization_id,
        "OrganizationName": setting.organization_name,
        "OutputParameters": [{"key": "id", "value": event.row_id}] if event.message == "Create" else [],
        "OwningExtension": step,
        "ParentContext": None,
        "PostEntityImages": [],
        "PreEntityImages": [],
        "PrimaryEntityId": event.row_id,
        "PrimaryEntityName": event.table.name,
        "RequestId": event.correlation_id,
        "SecondaryEntityName": "none",
        "SharedVariables": [],
        "Stage": 40,
        "UserId": event.user_id,
    }


def _inputs(event: Event) -> list[dict[str, Any]]:
    if event.message == "Delete":
        return [{"key": "Target", "value": _reference(event.table.name, event.row_id)}]
    if event.message in ("Win", "Lose"):
        reference = _reference(event.table.name, event.row_id)
        close = _entity("opportunityclose", None, [{"key": "opportunityid", "value": reference}], [], None)
        status = {"__type": f"OptionSetValue:{CONTRACTS}", "Value": event.row.get("statuscode")}
        return [{"key": "OpportunityClose", "value": close}, {"key": "Status", "value": status}]
    columns = [one for name, one in event.table.columns.items() if name in event.changed]
    attributes = [{"key": one.name, "value": _value(one, event.row.get(one.name))} for one in columns]
    labels = [
        {"key": one.name, "value": choice.label}
        for one in columns
        if isinstance(value := event.row.get(one.name), int) and (choice := one.choice(value))
    ]
    target = _entity(event.table.name, event.row_id, attributes, labels, event.version)
    return [{"key": "Target", "value": target}]


def _entity(
    name: str, row_id: str | None, attributes: list[Any], labels: list[Any], version: int | None
) -> dict[str, Any]:
    return {
        "__type": f"Entity:{CONTRACTS}",
        "Attributes": attributes,
        "EntityState": None,
        "FormattedValues": labels,
        "Id": row_id or "00000000-0000-0000-0000-000000000000",
        "KeyAttributes": [],
        "LogicalName": name,
        "RelatedEntities": [],
        "RowVersion": None if version is None else str(version),
    }


def _reference(table: str, row_id: str) -> dict[str, Any]:
    return {
        "__type": f"EntityReference:{CONTRACTS}",
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table,
        "Name": None,
        "RowVersion": None,
    }


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Ref):
        return _reference(value.table, value.id)
    if column.kind == "money":
        return {"__type": f"Money:{CONTRACTS}", "Value": float(value)}
    if column.kind in ("picklist", "state", "status"):
        return {"__type": f"OptionSetValue:{CONTRACTS}", "Value": value}
    if column.kind == "multipicklist":
        return [{"Value": one} for one in value]
    if column.kind == "datetime":
        return _moment(datetime.fromisoformat(value).replace(tzinfo=UTC))
    return float(value) if isinstance(value, Decimal) else value


def _moment(at: datetime) -> str:
    return f"/Date({int(at.timestamp() * 1000)})/"


def _escaped(context: dict[str, Any]) -> bytes:
    # Dataverse's serialiser escapes every slash; a slash stands nowhere in JSON but inside texts.
    return json.dumps(context, ensure_ascii=False).replace("/", "\\/").encode()
