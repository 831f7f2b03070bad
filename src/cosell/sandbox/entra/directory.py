"""What the directory holds: the tenant, the application, resources, refresh tokens, codes."""

from __future__ import annotations

from dataclasses import dataclass

from cosell.sandbox.frame import Frame

TENANT = "5a9d0000-0000-4000-8000-00000000e001"
DOMAIN = "contoso.onmicrosoft.example"
CLIENT_ID = "c11e0000-0000-4000-8000-00000000c001"
CLIENT_SECRET = "sandbox-secret-of-the-application"  # noqa: S105 - opens nothing but this sandbox
PERSON = "ada.jansen@contoso.example"
_REFRESH_LIFE = 90 * 86_400
_KEPT = 5_000


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
