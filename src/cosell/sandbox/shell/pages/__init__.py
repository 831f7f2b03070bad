"""The pages for people: an index, and one desk for each system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cosell.sandbox.shell.pages.index import IndexPage
from cosell.sandbox.shell.pages.partner_center import PartnerCenterPages
from cosell.sandbox.shell.pages.salesforce import SalesforcePages

if TYPE_CHECKING:
    from starlette.requests import Request

    from cosell.sandbox.shell.composition import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """Every page of the sandbox."""

    async def add_slash(request: Request) -> Response:
        return RedirectResponse(request.url.path + "/", status_code=308)

    return [
        Route("/", IndexPage(sandbox).show),
        Route("/partner-center", add_slash),
        Route("/salesforce", add_slash),
        *PartnerCenterPages(sandbox).routes(),
        *SalesforcePages(sandbox).routes(),
    ]
