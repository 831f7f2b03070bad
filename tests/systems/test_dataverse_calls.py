"""How an installation speaks to Dynamics 365: one call at a time, again where that is safe, never twice."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.core.errors import CosellError, Misconfigured, Rejected, Retryable
from cosell.crm import Site
from cosell.crm.installing import Admin
from cosell.sections.credentials import Given
from cosell.sections.secrets import Reference
from cosell.systems.dataverse import SYSTEM
from cosell.systems.dataverse.package import promotion
from cosell.systems.dataverse.package.calls import LOCKED, WAITS, Calls
from cosell.systems.dataverse.settings import DynamicsSettings

from .dynamicsdesk import ORG, Script
from .office import OwnClock

DONE: dict[str, Any] = {"status": 204}


def trouble(code: str, message: str = "no") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def calls_over(script: Script, clock: OwnClock | None = None) -> Calls:
    clock = clock or OwnClock()
    client = script.client(clock)
    return Calls(client, clock, solution="CosellConnector", root=f"{ORG}/api/data/v9.2/")


async def test_what_is_created_belongs_to_our_solution() -> None:
    script = Script()
    script.on("Attributes", **DONE)
    await calls_over(script).create(
        "EntityDefinitions(LogicalName='opportunity')/Attributes", {"a": 1}, at="x"
    )
    assert script.asked[0].headers["mscrm.solutionuniquename"] == "CosellConnector"


async def test_what_was_just_changed_is_read_past_every_cache() -> None:
    script = Script()
    script.on("publishers", {"value": []})
    await calls_over(script).rows("publishers")
    assert script.asked[0].headers["consistency"] == "Strong"


@pytest.mark.parametrize("code", ["0x80047013", "0x80060304", "0x80060893", "0x80060894", "0x80040237"])
async def test_what_exists_already_is_no_trouble(code: str) -> None:
    """dataverse-api.md 9: idempotent success."""
    script = Script()
    script.on("Attributes", trouble(code), 400)
    assert (await calls_over(script).create("x/Attributes", {}, at="there")).ok


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_a_locked_environment_is_waited_for(status: int) -> None:
    script, clock = Script(), OwnClock()
    script.on("Attributes", trouble(LOCKED, "Cannot start another [EntityCustomization]"), status)
    script.on("Attributes", **DONE)
    assert (await calls_over(script, clock).create("x/Attributes", {}, at="there")).ok
    assert clock.offset == WAITS[0]


async def test_a_lock_that_stays_is_told() -> None:
    script = Script()
    script.on("Attributes", trouble(LOCKED), 429)
    with pytest.raises(Retryable, match="customis"):
        await calls_over(script).create("x/Attributes", {}, at="there")
    assert len(script.paths("Attributes")) == len(WAITS) + 1


async def test_a_change_without_an_answer_is_found_done() -> None:
    script = Script()
    script.on("Attributes", b"gateway", 502)
    script.on("there", {"LogicalName": "x"})
    assert (await calls_over(script).create("x/Attributes", {}, at="there")).ok
    assert [one.method for one in script.asked] == ["POST", "GET"]


async def test_what_was_not_made_after_all_is_made() -> None:
    script = Script()
    script.on("Attributes", b"gateway", 502)
    script.on("there", trouble("0x80040217"), 404)
    script.on("Attributes", **DONE)
    assert (await calls_over(script).create("x/Attributes", {}, at="there")).ok
    assert [one.method for one in script.asked] == ["POST", "GET", "POST"]


async def test_throttling_is_obeyed() -> None:
    script, clock = Script(), OwnClock()
    script.on("Attributes", trouble("0x80072322"), 429, retry_after="90")
    script.on("Attributes", **DONE)
    await calls_over(script, clock).create("x/Attributes", {}, at="there")
    assert clock.offset == 90


async def test_what_is_gone_already_is_removed() -> None:
    script = Script()
    script.on("roles", trouble("0x80040217"), 404)
    assert (await calls_over(script).remove("roles(1)")).ok


async def test_a_change_of_a_row_never_makes_one() -> None:
    """dataverse-api.md trap 1."""
    script = Script()
    script.on("systemforms", **DONE)
    await calls_over(script).change("systemforms(1)", {"formxml": "<form/>"})
    assert script.asked[0].headers["if-match"] == "*"


async def test_definitions_keep_labels_of_other_languages() -> None:
    script = Script()
    script.on("Attributes", **DONE)
    await calls_over(script).define("x/Attributes(LogicalName='a')", {})
    assert script.asked[0].method == "PUT"
    assert script.asked[0].headers["mscrm.mergelabels"] == "true"


# --- promotion -------------------------------------------------------------------------------------


async def test_a_solution_goes_out_of_staging_managed_and_into_production() -> None:
    """dataverse-api.md 5.2; product.md J-2, INS-10."""
    staging, production = Script(), Script()
    staging.on("ExportSolution", {"ExportSolutionFile": "UEsDBA=="})
    production.on("ImportSolution", **DONE)
    production.on("importjobs", {"progress": 100.0, "data": job("success")})
    await promotion.promote(calls_over(staging), calls_over(production))
    assert staging.asked[0].json == {"SolutionName": "CosellConnector", "Managed": True}
    told = production.asked[0].json
    assert told["CustomizationFile"] == "UEsDBA=="
    assert told["OverwriteUnmanagedCustomizations"] is False
    assert told["ImportJobId"] in production.asked[1].path


async def test_an_import_that_failed_is_told() -> None:
    script = Script()
    script.on("ImportSolution", **DONE)
    script.on("importjobs", {"progress": 40.0, "data": job("failure")})
    with pytest.raises(Rejected, match="could not import"):
        await promotion.imported(calls_over(script), b"PK")


async def test_an_export_without_a_file_is_no_file() -> None:
    script = Script()
    script.on("ExportSolution", {"ExportSolutionFile": "%%%"})
    with pytest.raises(CosellError, match="nonsense"):
        await promotion.exported(calls_over(script))


def job(result: str) -> str:
    return (
        "<importexportxml><solutionManifests><solutionManifest id='x'>"
        f'<result result="{result}" errorcode="0"/></solutionManifest></solutionManifests></importexportxml>'
    )


# --- whose rights ----------------------------------------------------------------------------------


def test_a_user_by_name_is_refused_with_what_to_do_instead() -> None:
    section = DynamicsSettings.model_validate(
        {"environment": "sandbox", "url": ORG, "client_id": "c", "client_secret": "env:SECRET"}
    )

    def secret(setting: str, reference: Reference | None, *, lines: bool = False) -> str | None:
        return "s"

    def credential(setting: str, reference: Reference | None, *, lines: bool = False) -> Given:
        return Given("s")

    site = Site(None, OwnClock(), secret, credential, lambda _: None)  # type: ignore[arg-type]
    assert SYSTEM.installer is not None
    with pytest.raises(Misconfigured, match="by name") as refused:
        SYSTEM.installer(section, site, Admin(username="admin@contoso.example"))
    assert "access token" in refused.value.advice
