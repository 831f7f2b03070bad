"""The options of a deploy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from cosell.sandbox.salesforce.errors import json_error

_TEST_LEVELS = ("NoTestRun", "RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg", "RunRelevantTests")
_BOOLEANS = {
    "allowMissingFiles": False,
    "autoUpdatePackage": False,
    "checkOnly": False,
    "ignoreWarnings": False,
    "performRetrieve": False,
    "purgeOnDelete": False,
    "rollbackOnError": False,
    "singlePackage": False,
}


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """How a package is to be applied; `told` are the options as the answers repeat them."""

    told: Mapping[str, Any]

    @property
    def check_only(self) -> bool:
        return bool(self.told["checkOnly"])

    @property
    def rollback_on_error(self) -> bool:
        return bool(self.told["rollbackOnError"])

    @property
    def single_package(self) -> bool:
        return bool(self.told["singlePackage"])

    @property
    def ignore_warnings(self) -> bool:
        return bool(self.told["ignoreWarnings"])

    @property
    def allow_missing_files(self) -> bool:
        return bool(self.told["allowMissingFiles"])

    @property
    def auto_update_package(self) -> bool:
        return bool(self.told["autoUpdatePackage"])


def read_options(raw: bytes) -> DeployOptions:
    """The options in the JSON part of a request; what it does not say is false."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        raise json_error(f"{wrong.msg} at [line:{wrong.lineno}, column:{wrong.colno}]") from wrong
    given = body.get("deployOptions") if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise json_error('The part "json" must hold an object with deployOptions')
    told: dict[str, Any] = {**_BOOLEANS, "runTests": None, "testLevel": None}
    for name, value in given.items():
        if name not in told:
            raise json_error(f'Unrecognized field "{name}" in deployOptions')
        if name in _BOOLEANS and not isinstance(value, bool):
            raise json_error(f"Cannot deserialize instance of boolean from the value of {name}")
        told[name] = value
    if told["testLevel"] not in (None, *_TEST_LEVELS):
        raise json_error(f"Unknown testLevel: {told['testLevel']}")
    if not isinstance(told["runTests"], list | None):
        raise json_error("runTests must be a list")
    return DeployOptions(told)
