"""Validation rules of the administrator, checked on the row as it would be stored."""

from __future__ import annotations

from cosell.sandbox.salesforce.errors import SalesforceError, entry
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.settings import ValidationRule
from cosell.sandbox.salesforce.soql import compile_condition
from cosell.sandbox.salesforce.soql.paths import reader
from cosell.sandbox.salesforce.store import Row


class Rules:
    """Tells every rule a row breaks, all at once, in the administrator's own words."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def check(self, seen: Seen, row: Row) -> None:
        broken = [
            entry("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [rule.field] if rule.field else [])
            for rule in self._org.settings.validation_rules
            if rule.sobject == seen.name and self._breaks(rule, row)
        ]
        if broken:
            raise SalesforceError(400, broken)

    def _breaks(self, rule: ValidationRule, row: Row) -> bool:
        # Rules see all fields, whatever the user may see.
        view = self._org.view(self._org.seller())
        if isinstance(rule.condition, str):
            return compile_condition(self._org, view, rule.sobject, rule.condition)(row)
        seen = view.objects[rule.sobject.lower()]
        return bool(rule.condition({one.name: reader(one)(row) for one in seen.fields.values()}))
