"""Duplicate rules: the refusal of a create that looks like a row already there (reference 3)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.errors import SalesforceError
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.settings import DuplicateRule
from cosell.sandbox.salesforce.store import Row, folded


def check_duplicates(org: Org, seen: Seen, row: Row, *, alerts: bool) -> None:
    """Refuses a twin under a block rule, and with `alerts` under an alert rule too."""
    for rule in org.settings.duplicate_rules:
        if rule.sobject == seen.name and (rule.block or alerts):
            twins = _twins(org, rule, row)
            if twins:
                raise SalesforceError(400, [_body(rule, twins, org.settings.newest_version)])


def _twins(org: Org, rule: DuplicateRule, row: Row) -> list[Row]:
    first = rule.fields[0]
    if row.get(first) is None:
        return []
    table = org.store.table(rule.sobject)
    candidates = [table.rows[row_id] for row_id in table.ids_where(first, row[first])]
    return [
        other
        for other in candidates
        if not other.get("IsDeleted")
        and all(folded(other.get(name)) == folded(row.get(name)) for name in rule.fields)
    ]


def _body(rule: DuplicateRule, twins: list[Row], version: int) -> dict[str, Any]:
    url = f"/services/data/v{version}.0/sobjects/{rule.sobject}/"
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": rule.sobject, "url": url + twin["Id"]}, "Id": twin["Id"]},
        }
        for twin in twins
    ]
    result = {
        "entityType": rule.sobject,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": matches,
        "rule": f"Standard_{rule.sobject}_Match_Rule_v1_1",
        "size": len(matches),
        "success": True,
    }
    # The vendor's own spelling of the key, as captured from real orgs.
    return {
        "duplicateResut": {
            "allowSave": not rule.block,
            "duplicateRule": rule.name,
            "duplicateRuleEntityType": rule.sobject,
            "errorMessage": rule.message,
            "matchResults": [result],
        },
        "errorCode": "DUPLICATES_DETECTED",
        "message": rule.message,
    }
