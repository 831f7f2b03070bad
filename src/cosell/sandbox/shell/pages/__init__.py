"""The pages for people: an index, and one desk for each system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cosell.sandbox.shell.pages.dataverse import DataversePages
from cosell.sandbox.shell.pages.index import IndexPage
from cosell.sandbox.shell.pages.partner_center import PartnerCenterPages, Where
from cosell.sandbox.shell.pages.salesforce import SalesforcePages

if TYPE_CHECKING:
    from starlette.requests import Request

    from cosell.sandbox.shell.composition import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """Every page of the sandbox."""

    async def add_slash(request: Request) -> Response:
        return RedirectResponse(request.url.path + "/", status_code=308)

    contoso = Where("partner-center", "salesforce", "Salesforce")
    fabrikam = Where("partner-center-2", "dynamics", "Dynamics 365")
    homes = ("partner-center", "salesforce", "partner-center-2", "dynamics")
    return [
        Route("/", IndexPage(sandbox).show),
        *(Route(f"/{home}", add_slash) for home in homes),
        *PartnerCenterPages(sandbox, sandbox.first, sandbox.salesforce_desk, contoso).routes(),
        *SalesforcePages(sandbox).routes(),
        *PartnerCenterPages(sandbox, sandbox.second, sandbox.dataverse_desk, fabrikam).routes(),
        *DataversePages(sandbox).routes(),
    ]
