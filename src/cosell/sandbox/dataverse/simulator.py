"""One simulated Dataverse environment behind an ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from cosell.sandbox.dataverse.batch import Batch
from cosell.sandbox.dataverse.bulk import Bulk
from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.customizing.definitions import Definitions
from cosell.sandbox.dataverse.customizing.roles import Roles
from cosell.sandbox.dataverse.customizing.solutions import Solutions
from cosell.sandbox.dataverse.door import SERVICE, Door
from cosell.sandbox.dataverse.drift import Drift
from cosell.sandbox.dataverse.errors import ready_answers
from cosell.sandbox.dataverse.fresh import INSTALLER, furnish
from cosell.sandbox.dataverse.hooks.post import Parcel
from cosell.sandbox.dataverse.hooks.steps import Hooks
from cosell.sandbox.dataverse.hooks.steps import furnish as list_messages
from cosell.sandbox.dataverse.limits import Limits
from cosell.sandbox.dataverse.limits import ready_answers as throttled_answers
from cosell.sandbox.dataverse.metadata import Metadata
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.publishing import Publishing
from cosell.sandbox.dataverse.rest import Rest
from cosell.sandbox.dataverse.schema import Schema
from cosell.sandbox.dataverse.sellers import Sellers
from cosell.sandbox.dataverse.settings import Settings
from cosell.sandbox.dataverse.sign_in import SignIn
from cosell.sandbox.dataverse.transactions import SlowTransaction
from cosell.sandbox.dataverse.writing import Writer
from cosell.sandbox.entra import Application, Entra
from cosell.sandbox.frame import Answer, Frame
from cosell.sandbox.frame import Org as Given

_LONG = 10_000_000.0


class Dataverse:
    """A strict Dataverse for clients, with a side door for people (`as_seller`).

    Tokens are those of `entra` for the resource `base_url`; `application`, or the first one of the tenant,
    has a user here, and so has `administrator`, which may customize; `org` says what was there before.
    """

    def __init__(
        self,
        frame: Frame,
        *,
        base_url: str,
        entra: Entra,
        application: Application | None = None,
        administrator: Application = INSTALLER,
        org: Given = Given.READY,
    ) -> None:
        self.frame = frame
        self.base_url = base_url.rstrip("/")
        self.faults: dict[str, Answer] = {**ready_answers(), **throttled_answers()}
        self._entra = entra
        entra.resources[self.base_url] = self.base_url
        self._org = Org(frame, org)
        writer = Writer(self._org)
        self._limits = Limits(self._org)
        rest = Rest(self._org, writer)
        sign_in = SignIn(self._org, entra, self.base_url)
        rest.resources["$batch"] = Batch(self._org, rest.answer, sign_in.acting_for)
        rest.resources |= Metadata(self._org, tenant=entra.tenant).resources()
        rest.resources |= Definitions(self._org, dict(rest.resources)).resources()
        publishing = Publishing(self._org)
        rest.resources |= publishing.resources()
        rest.bound |= publishing.bound()
        rest.bound_to_row |= publishing.bound_to_row(rest.records)
        self._solutions = Solutions(self._org)
        rest.resources |= self._solutions.resources()
        roles = Roles(self._org)
        rest.resources |= roles.resources()
        rest.bound_to_row |= roles.bound_to_row()
        rest.bound |= Bulk(self._org, writer).actions()
        self.as_seller = Sellers(self._org, writer)
        door = Door(self._org, rest, sign_in, self._limits, self.base_url)
        self.app = Starlette(routes=[Route(SERVICE, door), Mount(SERVICE, door), Route("/", _front_page)])
        self.drift = Drift(self._org)
        """What an administrator changes about columns while somebody works with them."""
        self._hooks = Hooks(self._org)
        self._org.store.on_settle = self._hooks.committed
        self.client_secret = application.secret if application else entra.client_secret
        self.access_token = entra.issue_app_only(
            self.base_url, application=application, lifetime=_LONG, static=True
        )
        """A token of the application that only `entra.expire_access_tokens(static=True)` ends."""
        self._application = entra.admit(self.access_token, {self.base_url})
        self._administrator = administrator
        self.admin_token = entra.issue_app_only(
            self.base_url, application=administrator, lifetime=_LONG, static=True
        )
        """A token of who installs, with the rights of System Administrator; it lasts as long."""
        self.reset()

    @property
    def settings(self) -> Settings:
        """The switches of the environment."""
        return self._org.settings

    @property
    def schema(self) -> Schema:
        """Tables and columns, which may drift at any time."""
        return self._org.schema

    @property
    def tenant(self) -> str:
        return self._entra.tenant

    @property
    def client_id(self) -> str:
        return self._application.client_id

    @property
    def given(self) -> Given:
        """What the organization was given before anybody came."""
        return self.schema.given

    @property
    def admin_client_id(self) -> str:
        """The application that may customize; it signs in with `admin_client_secret`."""
        return self._administrator.client_id

    @property
    def admin_client_secret(self) -> str:
        return self._administrator.secret

    @property
    def deliveries(self) -> list[Parcel]:
        """The last few hundred execution contexts sent to webhooks or on their way, the oldest first."""
        return list(self._hooks.post.remembered)

    @property
    def organization_id(self) -> str:
        return self._org.organization_id

    @property
    def user_id(self) -> str:
        """The id of the application's user."""
        return self._org.application_user

    def reset(self) -> None:
        """Returns the environment to the day it was made; the lasting token stays good."""
        self._org.empty()
        self.drift.reset()
        self._solutions.forget()
        self._limits.reset()
        self._hooks.post.forget()
        furnish(self._org, self._application.client_id, self._application.object_id, self._administrator)
        list_messages(self._org, Actor(self._org.application_user))
        self._org.store.settle()

    def trust(self, ca_pem: str) -> None:
        """Trusts this authority too when a webhook is https."""
        self._hooks.post.trust(ca_pem)

    async def settled(self) -> None:
        """Returns when no execution context is on its way."""
        await self._hooks.post.settled()

    async def aclose(self) -> None:
        """Stops the deliveries to webhooks."""
        await self._hooks.post.aclose()

    def open_transaction(self) -> SlowTransaction:
        """Begins a transaction whose rows are stamped now and seen only after its commit."""
        return self.as_seller.open_transaction()


async def _front_page(request: Request) -> Response:
    return Response("Dynamics 365", media_type="text/plain")
