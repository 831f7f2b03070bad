"""getUpdated and getDeleted: which rows changed or went between two minutes (reference 10.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cosell.sandbox.salesforce.errors import SalesforceError, not_found, refusal
from cosell.sandbox.salesforce.org import Org, read_moment, wire_moment
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.values import moment_of

UPDATED_DAYS = 30
_DATE_ONLY = re.compile(r"^\d{4}-\d\d-\d\d$")


def updated_rows(org: Org, seen: Seen, query: Mapping[str, str]) -> dict[str, Any]:
    """The ids of the rows created or changed in the window."""
    start, end = _window(org, seen, query, timedelta(days=UPDATED_DAYS))
    ids = [row["Id"] for row in _between(org, seen, start, end) if not row.get("IsDeleted")]
    _check_count(org, len(ids))
    return {"ids": ids, "latestDateCovered": wire_moment(_covered(org, end))}


def deleted_rows(org: Org, seen: Seen, query: Mapping[str, str]) -> dict[str, Any]:
    """The ids of the rows deleted in the window, those included that never reached the recycle bin."""
    kept = timedelta(days=org.settings.delete_log_days)
    start, end = _window(org, seen, query, kept)
    gone = [
        {"id": row["Id"], "deletedDate": row["SystemModstamp"]}
        for row in _between(org, seen, start, end)
        if row.get("IsDeleted")
    ]
    _check_count(org, len(gone))
    return {
        "deletedRecords": gone,
        "earliestDateAvailable": wire_moment(org.now() - kept),
        "latestDateCovered": wire_moment(_covered(org, end)),
    }


def _between(org: Org, seen: Seen, start: datetime, end: datetime) -> list[dict[str, Any]]:
    last = wire_moment(end)
    made = []
    for row in org.store.table(seen.name).since(wire_moment(start)[:19]):
        if row["SystemModstamp"] > last:
            break
        made.append(row)
    return made


def _covered(org: Org, end: datetime) -> datetime:
    """Never later than now, nor than the start of the oldest transaction still open."""
    return min([end, org.now(), *org.open_since.values()])


def _window(org: Org, seen: Seen, query: Mapping[str, str], longest: timedelta) -> tuple[datetime, datetime]:
    if not seen.object.replicateable:
        raise not_found()
    start, end = _moment(query, "start"), _moment(query, "end")
    if start >= end:
        raise _bad_date("startDate must be at least one minute before endDate")
    if start < (org.now() - longest).replace(second=0):
        raise _bad_date("startDate before org replication enabled date")
    return start, end


def _moment(query: Mapping[str, str], name: str) -> datetime:
    """A bound without its seconds: the platform drops them (trap 10)."""
    value = query.get(name, "")
    if _DATE_ONLY.match(value):
        value += "T00:00:00Z"
    wire = moment_of(value)
    if wire is None:
        raise _bad_date(f"{name} is not a valid date-time: {value}")
    return read_moment(wire).replace(second=0, tzinfo=UTC)


def _check_count(org: Org, count: int) -> None:
    if count > org.settings.replication_ids_limit:
        message = f"exceeded the limit of {org.settings.replication_ids_limit} ids"
        raise refusal(400, "EXCEEDED_ID_LIMIT", message)


def _bad_date(message: str) -> SalesforceError:
    return refusal(400, "INVALID_REPLICATION_DATE", message)
