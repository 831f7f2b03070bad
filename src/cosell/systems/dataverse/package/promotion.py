"""Carries the solution from staging to production: out as managed, in as a whole (dataverse-api.md 5.2)."""

from __future__ import annotations

import base64
import binascii
import re
from uuid import uuid4

from cosell.core.errors import Rejected, Unavailable
from cosell.systems.dataverse.package.calls import Calls

_RESULT = re.compile(r"<solutionManifest\b.*?<result\b[^>]*?\bresult=\"([a-z]{1,20})\"", re.DOTALL)


async def exported(calls: Calls, *, managed: bool = True) -> bytes:
    """The solution of an environment as a file, whatever was made of it there."""
    answer = await calls.act("ExportSolution", {"SolutionName": calls.solution, "Managed": managed})
    told = answer.row.get("ExportSolutionFile")
    try:
        return base64.b64decode(told if isinstance(told, str) else "", validate=True) or _nothing()
    except binascii.Error:
        return _nothing()


def _nothing() -> bytes:
    raise Unavailable("Dynamics 365 answered nonsense.", detail="ExportSolution without a file")


async def imported(calls: Calls, file: bytes, *, job: str | None = None) -> None:
    """Imports a solution file. Customisations of others stay; can take minutes.

    Raises Rejected where Dynamics 365 took the file and could not carry it out.
    """
    job_id = job or str(uuid4())
    told = {
        "OverwriteUnmanagedCustomizations": False,
        "PublishWorkflows": False,
        "CustomizationFile": base64.b64encode(file).decode(),
        "ImportJobId": job_id,
    }
    await calls.act("ImportSolution", told)
    answer = await calls.get(f"importjobs({job_id})?$select=solutionname,progress,data")
    data = answer.row.get("data") if answer.ok else None
    found = _RESULT.search(data) if isinstance(data, str) else None
    if found is not None and found[1] not in ("success", "warning"):
        raise Rejected(
            "Dynamics 365 could not import the solution.",
            detail=f"import job {job_id}: {found[1]}",
            advice="Look at the import in the maker portal under Solutions, See history.",
            code="import",
        )


async def promote(staging: Calls, production: Calls) -> None:
    """The solution of staging, managed, into production: what was tested is what is used (J-2)."""
    await imported(production, await exported(staging))
