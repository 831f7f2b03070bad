"""The first page: what runs where, what to try, and every control with an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from cosell.sandbox.shell.control import VERBS
from cosell.sandbox.shell.pages.ink import print_page

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

_PLACES = (
    ("partner_center", "Partner Center", "Referrals API", "/partner-center/", "See the referrals"),
    ("webhooks", "Partner Center webhooks", "Registration, signed events", "", ""),
    ("entra", "Entra ID", "Tokens for Partner Center", "", ""),
    ("salesforce", "Salesforce", "Sign-in and REST API", "/salesforce/", "See the opportunities"),
    ("dataverse", "Dynamics 365", "Dataverse Web API", "/dynamics/", "See the opportunities"),
    ("partner_center_2", "Partner Center 2", "Referrals API", "/partner-center-2/", "See the referrals"),
    ("webhooks_2", "Partner Center webhooks 2", "Registration, signed events", "", ""),
    ("entra_2", "Entra ID 2", "Tokens for Partner Center 2 and Dataverse", "", ""),
)


class IndexPage:
    """The page at the root of the base port."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def show(self, _request: Request) -> Response:
        sandbox = self._sandbox
        calls = sandbox.frame.calls
        deals = {
            "partner_center": len(sandbox.partner_center_desk.deals()),
            "salesforce": len(sandbox.salesforce_desk.opportunities()),
            "dataverse": len(sandbox.dataverse_desk.opportunities()),
            "partner_center_2": len(sandbox.partner_center_desk_2.deals()),
        }
        places = [
            {
                "name": name,
                "what": what,
                "url": sandbox.urls[key],
                "page": page,
                "page_name": page_name,
                "deals": deals.get(key),
                "calls": sum(count for (system, _, _), count in calls.items() if system == key),
            }
            for key, name, what, page, page_name in _PLACES
        ]
        return print_page(
            "index.html",
            now=sandbox.frame.clock.now(),
            places=places,
            steps=self._steps(),
            verbs=VERBS,
            root_certificate=f"{sandbox.urls['webhooks']}/cert/root.cer",
            ca_file=str(sandbox.ca_file) if sandbox.ca_file else "",
        )

    def _steps(self) -> list[dict[str, str]]:
        """Commands that work as they stand, on deals that are there now."""
        sandbox = self._sandbox
        base = sandbox.urls["index"]
        trust = f"--cacert {sandbox.ca_file} " if sandbox.ca_file else ""
        asked = next((deal for deal in sandbox.partner_center_desk.deals() if deal["waits_for"]), None)
        opportunity = next(
            (one for one in sandbox.salesforce_desk.opportunities() if one["referral_id"]), None
        )
        steps: list[dict[str, Any]] = [
            {"what": "List the deals of every system", "command": f"curl {trust}{base}/control/deals"}
        ]

        def post(what: str, path: str, body: str) -> None:
            command = f"curl {trust}-X POST {base}{path} \\\n  -d '{body}'"
            steps.append({"what": what, "command": command})

        post(
            "A Microsoft seller sends you a deal",
            "/control/partner_center/inbound",
            '{"name": "Data estate"}',
        )
        if asked:
            where = f"/control/partner_center/referrals/{asked['id']}/accept"
            post("Whoever is asked accepts a deal", where, "{}")
        if opportunity:
            where = f"/control/salesforce/opportunities/{opportunity['id']}/edit"
            post("A seller changes the amount in Salesforce", where, '{"amount": 99000}')
        in_dynamics = next(iter(sandbox.dataverse_desk.opportunities()), None)
        if in_dynamics:
            where = f"/control/dataverse/opportunities/{in_dynamics['id']}/edit"
            post("A seller changes the amount in Dynamics 365", where, '{"amount": 99000}')
        post("Let two weeks pass", "/control/clock", '{"advance": "14d"}')
        return steps
