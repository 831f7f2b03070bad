"""A Dataverse connection against the simulator, and against answers written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from cosell.http import AsgiTransport, Http
from cosell.sandbox.dataverse import Dataverse
from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Answer, Fault, Frame, Watched, send_answer
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.auth import SignIn
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.options import ClientSecret, FixedToken, Options
from cosell.systems.dataverse.schema import Schema

from .office import OwnClock

ORG = "https://org.crm.dynamics.com"
AUTHORITY = "https://login.microsoftonline.com"
ROOT = f"{ORG}/api/data/v9.2"
OPTIONS = Options(ORG, "client", FixedToken("token-of-somebody"), tenant="contoso.example")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(slots=True)
class Script:
    """Answers requests by hand, the next answer for each path in turn; the last one stays."""

    answers: list[tuple[str, Answer]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def on(self, path: str, body: Any = b"", status: int = 200, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("content-type", "application/json; odata.metadata=minimal")
        self.answers.append((path, Answer(status, raw, named)))

    def on_batch(self, *parts: str, status: int = 200, boundary: str = "batchresponse_1") -> None:
        """An answer to a batch whose parts are given without their outer headers."""
        outer = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        body = "".join(f"--{boundary}\r\n{outer}{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
        kind = f"multipart/mixed; boundary={boundary}"
        self.on("$batch", body.encode(), status, content_type=kind)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        query = scope["query_string"].decode()
        path = scope["path"] + (f"?{query}" if query else "")
        self.asked.append(Asked(scope["method"], path, headers, body))
        await send_answer(send, self._answer(path))

    def _answer(self, path: str) -> Answer:
        fitting = [one for one in self.answers if one[0] in path]
        if not fitting:
            return Answer(404, b'{"error":{"code":"0x80060888","message":"?"}}')
        if sum(1 for one in self.answers if one[0] == fitting[0][0]) > 1:
            self.answers.remove(fitting[0])
        return fitting[0][1]

    def paths(self, part: str = "") -> list[str]:
        """The paths asked for so far that contain `part`."""
        return [one.path for one in self.asked if part in one.path]

    def client(self, clock: OwnClock | None = None, **options: Any) -> Client:
        """A client that gets these answers, from the environment and from the authority alike."""
        chosen = replace(OPTIONS, **options)
        transport = AsgiTransport({chosen.environment_url: self.app, chosen.authority: self.app})
        return client_over(transport, chosen, clock or OwnClock())


def client_over(transport: Any, options: Options, clock: OwnClock) -> Client:
    """A client of one environment over a transport."""
    secrets: list[Callable[[], Any]] = []
    environment = Http(
        transport,
        name="Dynamics 365",
        allow=(options.environment_url,),
        secrets=lambda: [one for source in secrets for one in source()],
        clock=clock,
    )
    sign_in = SignIn(options, transport=transport, environment=environment, clock=clock)
    secrets.append(sign_in.secrets)
    return Client(environment, sign_in, options, clock)


def part(status: int, body: Any = None, **headers: str) -> str:
    """One answer inside a batch's answer."""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    text = "" if body is None else orjson.dumps(body).decode()
    return f"HTTP/1.1 {status} X\r\n{named}OData-Version: 4.0\r\n\r\n{text}"


def refused(status: int, code: str, message: str = "no") -> str:
    """A refusal inside a batch's answer."""
    return part(status, {"error": {"code": code, "message": message}})


# --- against the simulator -------------------------------------------------------------------------


@dataclass(slots=True)
class Place:
    """A simulated environment with its directory, and a connection to it in the test's own thread."""

    frame: Frame
    entra: Entra
    org: Dataverse
    clock: OwnClock
    transport: AsgiTransport
    options: Options
    found: list[Schema] = field(default_factory=list)

    def access(self, **options: Any) -> Access:
        """One more connection to the environment."""
        chosen = replace(self.options, **options)
        client = client_over(self.transport, chosen, self.clock)
        return Access(client, chosen, self.clock, found=self.found.append)

    def calls(self, path: str = "") -> int:
        """Requests the environment has seen since the last `forget`."""
        counted = self.frame.calls.items()
        return sum(n for (name, _, where), n in counted if name == "dataverse" and path in where)

    def forget(self) -> None:
        self.frame.calls.clear()

    def fault(self, kind: Any, path: str = "", *, times: int = 1, answer: str = "") -> None:
        """The next matching requests meet a misfortune."""
        ready = self.org.faults[answer] if answer else None
        self.frame.faults.append(Fault("dataverse", kind, "*", path, times=times, answer=ready))


def place(**options: Any) -> Place:
    """A fresh environment."""
    frame = Frame(seed=5)
    entra = Entra(frame, base_url=AUTHORITY)
    org = Dataverse(frame, base_url=ORG, entra=entra)
    login = ClientSecret(entra.client_secret)
    chosen = replace(Options(ORG, entra.client_id, login, tenant=entra.tenant), **options)
    apps: dict[str, ASGIApp] = {ORG: Watched(org.app, "dataverse", frame), AUTHORITY: entra.app}
    return Place(frame, entra, org, OwnClock(), AsgiTransport(apps), chosen)
