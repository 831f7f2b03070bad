"""The whole simulator in one object: its application, its records, its switches and ready answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosell.sandbox.entra import PARTNER_CENTER, Entra
from cosell.sandbox.frame import Answer, Frame
from cosell.sandbox.partner_center import errors
from cosell.sandbox.partner_center.api import Api
from cosell.sandbox.partner_center.ledger import Announces, Ledger, Organization
from cosell.sandbox.partner_center.operations import Operations
from cosell.sandbox.partner_center.people import Referrals
from cosell.sandbox.partner_center.switches import Switches
from cosell.sandbox.switchboard import rest

ORGANIZATION = Organization("7d23e5ca-0000-4000-8000-00000000a001", "Contoso Partner BV", "6000001")
SOLUTIONS: tuple[dict[str, str], ...] = (
    {"id": "SOL-10001-AAA", "name": "Contoso Fleet Optimizer"},
    {"id": "SOL-10002-BBB", "name": "Contoso Cold Chain Monitor"},
    {"id": "SOL-10003-CCC", "name": "Contoso Shop Floor Insights"},
    {"id": "SOL-10004-DDD", "name": "Contoso Grid Planner"},
    {"id": "SOL-10005-EEE", "name": "Contoso Care Scheduler"},
)


class PartnerCenter:
    """Partner Center with no partner but ours and no Microsoft seller but whoever calls the verbs.

    `app` serves the API, `referrals` holds the records and the verbs, `switches` say what may be true of
    the real service, `faults` are ready answers to be made to happen through `frame.faults`.
    """

    def __init__(
        self,
        frame: Frame,
        *,
        base_url: str,
        webhook_sender: Announces,
        entra: Entra,
        organization: Organization = ORGANIZATION,
        solutions: Iterable[Mapping[str, str]] = SOLUTIONS,
    ) -> None:
        self.frame, self.base_url = frame, base_url.rstrip("/")
        self.organization_id, self.organization_name = organization.id, organization.name
        self.mpn_id = organization.mpn_id
        self.solutions = [dict(one) for one in solutions]
        self.switches = Switches()
        self.faults: dict[str, Answer] = errors.ready_answers()
        # Tokens for the documented resource only; a test may add another.
        self.audiences = [PARTNER_CENTER]
        self._ledger = Ledger(
            frame,
            base_url=self.base_url,
            organization=organization,
            switches=self.switches,
            announces=webhook_sender,
        )
        self.referrals = Referrals(self._ledger)
        catalogue = {one["id"] for one in self.solutions}
        operations = Operations(self._ledger, self.referrals, catalogue)
        api = Api(self._ledger, operations, entra, base_url=self.base_url, audiences=self.audiences)
        self.app = api.app

    def reset(self) -> None:
        """Forgets every referral and puts the switches back."""
        rest(self.switches)
        self._ledger.clear()
