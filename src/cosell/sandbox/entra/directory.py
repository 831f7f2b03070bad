"""What the directory holds: the tenant, the application, resources, refresh tokens, codes."""

from __future__ import annotations

from dataclasses import dataclass

from cosell.sandbox.frame import Frame

_REFRESH_LIFE = 90 * 86_400
_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Application:
    """A registered application: what it signs in with, and the object id of its service principal."""

    client_id: str
    secret: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation's directory: its names, its one person, its registered applications.

    People sign in to the first application.
    """

    id: str
    domain: str
    person: str
    person_id: str
    applications: tuple[Application, ...]

    @property
    def names(self) -> frozenset[str]:
        """What may stand for this tenant in an address."""
        return frozenset({self.id, self.domain, "common", "organizations"})

    def application(self, client_id: str) -> Application | None:
        return next((one for one in self.applications if one.client_id == client_id.lower()), None)


CONTOSO = Tenant(
    id="5a9d0000-0000-4000-8000-00000000e001",
    domain="contoso.onmicrosoft.example",
    person="ada.jansen@contoso.example",
    person_id="0b3c0000-0000-4000-8000-00000000f001",
    applications=(
        Application(
            "c11e0000-0000-4000-8000-00000000c001",
            "sandbox-secret-of-the-application",
            "5e4f0000-0000-4000-8000-00000000d001",
        ),
    ),
)
"""The directory of the partner whose Partner Center is joined to Salesforce."""


@dataclass(slots=True)
class Switches:
    """How the directory behaves."""

    # Whether a person signs in with a second factor, and so whether the tokens carry the claim.
    mfa: bool = True
    access_token_seconds: int = 3600
    # Entra hands out a new refresh token with each use; the old one normally stays good.
    rotate_refresh_tokens: bool = True
    old_refresh_token_dies: bool = False
    device_approves_itself: bool = True


@dataclass(slots=True)
class Refreshable:
    """A refresh token the directory knows."""

    born: float
    public_client: bool
    revoked: bool = False
    last_used: float = 0.0


@dataclass(slots=True)
class Code:
    """An authorization code waiting to be redeemed, once."""

    born: float
    redirect_uri: str
    challenge: str
    method: str
    audience: str
    scope: str
    nonce: str


@dataclass(slots=True)
class Device:
    """A device that waits for a person to type its code."""

    born: float
    user_code: str
    audience: str
    scope: str
    approved: bool = False
    asked: int = 0


class Directory:
    """The memory of the simulator."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.refreshables: dict[str, Refreshable] = {}
        self.codes: dict[str, Code] = {}
        self.devices: dict[str, Device] = {}

    def clear(self) -> None:
        self.refreshables.clear()
        self.codes.clear()
        self.devices.clear()

    def now(self) -> float:
        return self._frame.clock.now().timestamp()

    def secret_text(self, prefix: str) -> str:
        """An unguessable-looking text that is the same for the same seed."""
        return f"{prefix}{self._frame.dice.getrandbits(256):064x}"

    def new_refresh_token(self, *, public_client: bool = False) -> str:
        token = self.secret_text("1.Sandbox")
        if len(self.refreshables) >= _KEPT:
            self.refreshables.pop(next(iter(self.refreshables)))
        now = self.now()
        self.refreshables[token] = Refreshable(now, public_client, last_used=now)
        return token

    def restore(self, token: str) -> None:
        """Makes a refresh token of earlier good again."""
        now = self.now()
        self.refreshables[token] = Refreshable(now, public_client=False, last_used=now)

    def is_lapsed(self, token: Refreshable) -> bool:
        """Whether nobody used the token for ninety days."""
        return self.now() - token.last_used > _REFRESH_LIFE

    def revoke_all(self) -> None:
        for token in self.refreshables.values():
            token.revoked = True
