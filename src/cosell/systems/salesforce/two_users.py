"""The connector's own user, and the administrator with whose rights the installer works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cosell.core.errors import Misconfigured, SignedOut
from cosell.crm.installing import Admin
from cosell.http import Http, Transport
from cosell.ports import Clock
from cosell.systems.salesforce.access import who
from cosell.systems.salesforce.client import Client
from cosell.systems.salesforce.deploying import Deployer
from cosell.systems.salesforce.options import FixedToken, Jwt, Options
from cosell.systems.salesforce.soap import Pieces


class TwoUsers:
    """Signs in as both; without an administrator one user is both."""

    def __init__(self, options: Options, admin: Admin, *, transport: Transport, clock: Clock) -> None:
        self._options, self._admin = options, admin
        self._transport, self._clock = transport, clock
        self.own = self._client(options)
        """As the connector will work."""
        self._other: Client | None = None
        self.id = ""
        """The connector's own user, once signed in."""

    @property
    def admin(self) -> Client:
        """As whoever has the rights to install."""
        return self._other or self.own

    @property
    def deployer(self) -> Deployer:
        return Deployer(self.admin, self._clock)

    @property
    def pieces(self) -> Pieces:
        return Pieces(self.admin, self._options.api_version)

    async def sign_in(self) -> None:
        """Signs in as each of them, once."""
        if not self.id:
            user = await who(self.own)
            if user is None:
                raise SignedOut("Salesforce does not tell who the connector signs in as.")
            self.id = user
        if self._other is None and (self._admin.username or self._admin.token):
            self._other = self._client(await self._admin_options())

    async def _admin_options(self) -> Options:
        if self._admin.token:
            # The token goes where our own sign-in has led, and nowhere else.
            where = (await self.own.sign_in.session()).origin
            return replace(self._options, login=FixedToken(self._admin.token), instance_url=where)
        if not isinstance(self._options.login, Jwt):
            raise Misconfigured(
                "Only an app that signs in by JWT can sign in for another user.",
                did="Nothing was changed.",
                advice="Hand over an administrator's access token instead: --token env:NAME.",
            )
        return replace(self._options, login=Jwt(self._admin.username, self._options.login.private_key))

    def _client(self, options: Options) -> Client:
        def http(origin: str) -> Http:
            return Http(
                self._transport, name="Salesforce", allow=(origin,), secrets=self.secrets, clock=self._clock
            )

        return Client(http, options, self._clock)

    def secrets(self) -> Iterable[str]:
        """What must not be seen in any log."""
        if self._admin.token:
            yield self._admin.token
        for client in {self.own, self.admin}:
            yield from client.sign_in.secrets()

    async def aclose(self) -> None:
        """Lets go of connections."""
        for client in {self.own, self.admin}:
            await client.aclose()
