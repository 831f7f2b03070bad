"""What the directory holds: the tenant, the application, resources, refresh tokens, codes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from cosell.sandbox.frame import Frame

_REFRESH_LIFE = 90 * 86_400
_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Application:
    """A registered application: its first secret, the object id of its service principal, where it may be.

    `redirects` are the reply addresses its administrator registered; the port of one on this machine does
    not count (RFC 8252, 7.3).
    """

    client_id: str
    secret: str
    object_id: str
    redirects: tuple[str, ...] = ("http://localhost", "http://127.0.0.1")
    name: str = "Co-sell connector"


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
    password: str = "sandbox"  # noqa: S105 - stands on the page where it is asked for
    second_factor: str = "246810"
    """What the person's authenticator shows, always."""

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
    # Whether an application may sign people in without showing a secret ("Allow public client flows").
    public_clients: bool = True
    # How the reply addresses are registered: "web" takes codes with a secret only, "mobile" without one only;
    # "both" takes either, as an application with addresses of both kinds would.
    redirects_as: Literal["both", "web", "mobile"] = "both"
    # "granted": by an administrator, for everybody; "withheld": by one, from everybody.
    consent: Literal["asked", "granted", "withheld"] = "asked"
    # "blocked": no token for anybody; "second_factor": none for who signed in without one.
    conditional_access: Literal["off", "blocked", "second_factor"] = "off"
    # Whether the person's browser is signed in already, so that it is not asked who is there.
    browser_session: bool = False
    device_approves_itself: bool = False
    device_interval: int = 5
    # So many polls of a device are told to slow down (RFC 8628, 3.5).
    slow_down_next: int = 0


@dataclass(slots=True)
class Refreshable:
    """A refresh token the directory knows, and how the person behind it signed in."""

    born: float
    client_id: str
    public_client: bool
    mfa: bool = True
    revoked: bool = False
    last_used: float = 0.0


@dataclass(frozen=True, slots=True)
class Question:
    """What an application asked for when it sent a person to sign in."""

    client_id: str
    audience: str
    scope: str
    redirect_uri: str = ""
    state: str = ""
    response_mode: str = "query"
    challenge: str = ""
    method: str = ""
    nonce: str = ""
    prompt: str = ""
    login_hint: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code waiting to be redeemed, once."""

    born: float
    question: Question
    mfa: bool


@dataclass(slots=True)
class Device:
    """A device that waits for a person to type its code."""

    born: float
    user_code: str
    question: Question
    approved: bool = False
    declined: bool = False
    mfa: bool = True
    asked: int = 0


@dataclass(slots=True)
class Visit:
    """A person in front of the sign-in pages, and how far they have come."""

    born: float
    question: Question
    device: Device | None = None
    passed: set[str] = field(default_factory=set)


class Directory:
    """The memory of the simulator."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.refreshables: dict[str, Refreshable] = {}
        self.codes: dict[str, Code] = {}
        self.devices: dict[str, Device] = {}
        self.visits: dict[str, Visit] = {}
        self.consented: set[str] = set()
        self.redirects: dict[str, list[str]] = {}

    def clear(self) -> None:
        for memory in (self.refreshables, self.codes, self.devices, self.visits, self.redirects):
            memory.clear()
        self.consented.clear()

    def now(self) -> float:
        return self._frame.clock.now().timestamp()

    def secret_text(self, prefix: str) -> str:
        """An unguessable-looking text that is the same for the same seed."""
        return f"{prefix}{self._frame.dice.getrandbits(256):064x}"

    def new_id(self) -> str:
        """A GUID that is the same for the same seed."""
        return str(uuid.UUID(int=self._frame.dice.getrandbits(128), version=4))

    def new_refresh_token(self, client_id: str, *, public_client: bool = False, mfa: bool = True) -> str:
        token = self.secret_text("1.Sandbox")
        _make_room(self.refreshables)
        now = self.now()
        self.refreshables[token] = Refreshable(now, client_id, public_client, mfa, last_used=now)
        return token

    def restore(self, token: str, client_id: str) -> None:
        """Makes a refresh token of earlier good again."""
        now = self.now()
        self.refreshables[token] = Refreshable(now, client_id, public_client=False, last_used=now)

    def new_code(self, question: Question, *, mfa: bool) -> str:
        """An authorization code for the answer to a question."""
        code = self.secret_text("0.Code")
        _make_room(self.codes)
        self.codes[code] = Code(self.now(), question, mfa)
        return code

    def new_visit(self, question: Question, device: Device | None = None) -> tuple[str, Visit]:
        """A person begins to sign in; the text names the visit to their browser."""
        name = self.secret_text("")
        _make_room(self.visits)
        visit = Visit(self.now(), question, device)
        self.visits[name] = visit
        return name, visit

    def new_device(self, question: Question) -> tuple[str, str]:
        """The codes of a device that begins to wait: its own, and the one a person types."""
        device_code = self.secret_text("DEVICE")
        user_code = f"{self._frame.dice.getrandbits(36):09X}"
        _make_room(self.devices)
        self.devices[device_code] = Device(self.now(), user_code, question)
        return device_code, user_code

    def device_of(self, user_code: str) -> Device | None:
        """The device that shows this code and still waits."""
        wanted = user_code.strip().upper()
        waiting = (one for one in self.devices.values() if not one.approved and not one.declined)
        return next((one for one in waiting if one.user_code == wanted), None)

    def is_lapsed(self, token: Refreshable) -> bool:
        """Whether nobody used the token for ninety days."""
        return self.now() - token.last_used > _REFRESH_LIFE

    def revoke_all(self) -> None:
        for token in self.refreshables.values():
            token.revoked = True


def _make_room(memory: dict[str, Any]) -> None:
    if len(memory) >= _KEPT:
        memory.pop(next(iter(memory)))
