"""One simulated Salesforce org behind an ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from cosell.sandbox.frame import Answer, Frame
from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce.application import App
from cosell.sandbox.salesforce.door import Door
from cosell.sandbox.salesforce.drift import Drift
from cosell.sandbox.salesforce.errors import ready_answers
from cosell.sandbox.salesforce.fresh import furnish, list_currencies
from cosell.sandbox.salesforce.metadata.layouts import (
    OPPORTUNITY_LAYOUT,
    beside,
    first_layout,
    renamed,
    without,
)
from cosell.sandbox.salesforce.metadata.soap import Soap
from cosell.sandbox.salesforce.oauth import OAuth
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.quota import Quota
from cosell.sandbox.salesforce.rest import Rest
from cosell.sandbox.salesforce.rules import Rules
from cosell.sandbox.salesforce.schema import Schema
from cosell.sandbox.salesforce.sellers import Sellers
from cosell.sandbox.salesforce.sessions import Sessions
from cosell.sandbox.salesforce.settings import Settings
from cosell.sandbox.salesforce.transactions import SlowTransaction
from cosell.sandbox.salesforce.writing import Writer


class Salesforce:
    """A strict Salesforce for clients, with a side door for people (`as_seller`)."""

    def __init__(self, frame: Frame, *, base_url: str, org: Kind = Kind.READY) -> None:
        self.frame = frame
        self.base_url = base_url.rstrip("/")
        self.faults: dict[str, Answer] = ready_answers()
        self._org = Org(frame, org)
        self._org.on_switch = list_currencies
        self._org.on_field_moved = self._field_moved
        writer = Writer(self._org, Rules(self._org).check)
        self._quota = Quota(self._org, self.base_url)
        self._rest = Rest(self._org, writer, self._quota)
        self._sessions = Sessions(self._org)
        self._app = App("cosell sandbox")
        self.drift = Drift(self._org)
        self.as_seller = Sellers(self._org, writer)
        oauth = OAuth(self._org, self._app, self._sessions, self.base_url)
        soap = Soap(self._org, self._sessions, self._quota)
        door = Door(self._org, self._rest, self._sessions, self._quota)
        self.app = Starlette(
            routes=[
                Route("/services/oauth2/token", oauth.token, methods=["GET", "POST"]),
                Route("/services/oauth2/revoke", oauth.revoke, methods=["POST"]),
                Route("/services/oauth2/userinfo", oauth.userinfo, methods=["GET", "POST"]),
                Route("/id/{org}/{user}", oauth.identity, methods=["GET", "POST"]),
                Route("/services/Soap/m/{version}", soap.answer, methods=["POST"]),
                Route("/services/data", door),
                Mount("/services/data", door),
                Route("/", _front_page),
            ]
        )
        self.reset()

    @property
    def settings(self) -> Settings:
        """The switches of the org."""
        return self._org.settings

    @property
    def schema(self) -> Schema:
        """Objects and fields, which may drift at any time."""
        return self._org.schema

    @property
    def application(self) -> App:
        """The external client app, whose secrets and certificates can be rotated."""
        return self._app

    @property
    def client_id(self) -> str:
        return self._app.client_id

    @property
    def client_secret(self) -> str:
        return self._app.client_secret

    @property
    def username(self) -> str:
        return self._app.username

    @property
    def private_key_pem(self) -> str:
        return self._app.private_key_pem

    @property
    def access_token(self) -> str:
        """A token that does not expire, only `revoke` ends it."""
        return self._sessions.static_token

    @property
    def administrator(self) -> str:
        """The user name of the administrator, for whom the app may sign in as well."""
        return self._app.administrator

    @property
    def admin_token(self) -> str:
        """The administrator's token, which does not expire either."""
        return self._sessions.admin_token

    @property
    def kind(self) -> Kind:
        """What was in the org before anybody came."""
        return self._org.kind

    @property
    def refresh_token(self) -> str:
        """The refresh token that holds at present."""
        return self._sessions.refresh_token

    @property
    def organization_id(self) -> str:
        return self._org.org_id

    @property
    def user_id(self) -> str:
        """The id of the integration user."""
        return self._org.integration_user

    @property
    def calls_used(self) -> int:
        """API calls counted in the last 24 hours."""
        return self._quota.used

    def reset(self) -> None:
        """Returns the org to the day it was made; what was handed to the integration stays good."""
        self._org.empty()
        self._app.reset()
        self.drift.reset()
        self._rest.reset()
        self._quota.reset()
        furnish(self._org, self._app.username, self._app.administrator)
        custom = [one.name for one in self.schema.object("Opportunity").fields.values() if one.custom]
        self._org.documents["Layout", OPPORTUNITY_LAYOUT] = first_layout(custom)
        self._sessions.reset()

    def _field_moved(self, sobject: str, old: str, new: str | None) -> None:
        """Lets the layouts follow a field that is renamed or gone."""
        for key, layout in self._org.documents.items():
            if key[0] == "Layout" and key[1].startswith(f"{sobject}-"):
                gone = frozenset({old.lower()})
                self._org.documents[key] = renamed(layout, old, new) if new else without(layout, gone)

    def rearrange_layout(self, field: str) -> None:
        """An administrator puts one more field on the page of an opportunity."""
        layout = self._org.documents["Layout", OPPORTUNITY_LAYOUT]
        self._org.documents["Layout", OPPORTUNITY_LAYOUT] = beside(
            layout, self.schema.field("Opportunity", field)
        )

    def open_transaction(self) -> SlowTransaction:
        """Begins a transaction whose rows are stamped now and seen only after its commit."""
        return self.as_seller.open_transaction()

    def fill_quota(self, left: int = 0) -> None:
        """Leaves but a few calls of the day's share, as when another integration used it up."""
        self.settings.daily_api_calls = self.calls_used + left

    def restore_quota(self) -> None:
        """Gives the org its usual number of calls a day."""
        self.settings.daily_api_calls = Settings().daily_api_calls

    def expire_sessions(self) -> None:
        """Ends every session; tokens must be fetched again. The lasting token stays good."""
        self._sessions.expire()

    def revoke(self) -> None:
        """Takes the app's permission away, as an administrator would; no sign-in works until `approve`."""
        self._sessions.revoke()

    def approve(self) -> None:
        """Gives the permission back."""
        self._sessions.approve()


async def _front_page(request: Request) -> Response:
    return Response("Salesforce", media_type="text/plain")
