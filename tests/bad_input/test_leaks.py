"""Nothing leaks (INV-13): every byte the product leaves is looked through for marked secrets and people.

Marked are: client secret, refresh tokens, access tokens, signed assertions, private key, webhook signatures,
and the names, addresses and numbers of people. Systems echo the secrets in their errors.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import orjson
import pytest

from cosell.core.errors import CosellError
from cosell.http import AiohttpTransport, Reply, Request, Timeouts
from cosell.sandbox.frame import Answer, Fault
from cosell.wiring.logs import AsJson, Redacting, start_logging
from tests.bad_input.conftest import House

PEOPLE = ("Zyxanthe", "Quorvald", "zyxanthe.quorvald@leak.example", "+31999888777", "Leakstraat 99")
_FORM = ("refresh_token", "client_secret", "assertion")
_ANSWER = ("access_token", "refresh_token", "id_token")


class Wire:
    """Notes every secret that passes between the product and the systems."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: dict[str, set[str]] = {}
        """By the origin of the system that was sent them, or gave them."""
        self.last: dict[str, str] = {}
        """The access token of the last call, by origin."""
        send = AiohttpTransport.send

        async def noting(one: AiohttpTransport, request: Request, waits: Timeouts, most: int) -> Reply:
            known = self._asked(request)
            reply = await send(one, request, waits, most)
            self._answered(reply, known)
            return reply

        monkeypatch.setattr(AiohttpTransport, "send", noting)

    @property
    def secrets(self) -> set[str]:
        return set().union(*self.known.values())

    def of(self, url: str) -> str:
        """What the system at `url` could repeat to us."""
        return " ".join(sorted(self.known.get(url, ())))

    def _asked(self, request: Request) -> set[str]:
        origin = "/".join(request.url.split("/")[:3])
        known = self.known.setdefault(origin, set())
        if bearer := dict(request.headers).get("authorization", "").partition(" ")[2]:
            known.add(bearer)
            self.last[origin] = bearer
        if "urlencoded" in dict(request.headers).get("content-type", ""):
            form = dict(parse_qsl(request.body.decode()))
            known |= {form[name] for name in _FORM if name in form}
        return known

    def _answered(self, reply: Reply, known: set[str]) -> None:
        told = reply.json_or_none()
        if isinstance(told, dict):
            known |= {str(told[name]) for name in _ANSWER if told.get(name)}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


@pytest.fixture
def log(house: House) -> Iterator[io.StringIO]:
    """All log lines in both forms, down to the least important."""
    written = io.StringIO()
    start_logging(house.running.env.live, stream=written, level="debug")
    second = logging.StreamHandler(written)
    second.setFormatter(AsJson())
    second.addFilter(Redacting(house.running.env.live))
    logging.getLogger().addHandler(second)
    logging.getLogger().setLevel(logging.DEBUG)
    yield written
    logging.getLogger().handlers.clear()
    logging.getLogger().setLevel(logging.WARNING)


def people_of_a_deal() -> dict[str, object]:
    first, last, email, phone, street = PEOPLE
    person = {"firstName": first, "lastName": last, "email": email, "phoneNumber": phone}
    return {
        "customerProfile": {
            "name": f"{last} BV",
            "address": {"addressLine1": street, "city": "Delft", "postalCode": "3011 BB", "country": "NL"},
            "team": [person],
        },
        "team": [person],
    }


async def troubles(house: House, wire: Wire) -> list[CosellError]:
    """Deals both ways, while systems fail in ways that repeat what they were sent; answers the errors."""
    desk, errors = house.desk, []
    referral = desk.portal(**people_of_a_deal())
    opportunity = desk.opportunity()
    await desk.sync()
    await house.event(orjson.dumps({"EventName": "referral-updated", "ResourceUri": f"https://x/{referral}"}))
    (row,) = desk.opportunities(referral)
    urls, people = house.sandbox.urls, " ".join(PEOPLE)
    ours, theirs = (f"{wire.of(urls[one])} {people}" for one in ("partner_center", "salesforce"))
    bodies = {
        "partner_center": {
            "error": {"code": "invalidRequest", "message": ours, "details": [{"target": ours}]}
        },
        "salesforce": [
            {"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": theirs, "fields": [theirs]}
        ],
        "entra": {"error": "invalid_request", "error_description": wire.of(urls["entra"])},
    }
    for status in (400, 401, 403, 404, 409, 429, 500):
        for system, body in bodies.items():
            answer = Answer(status, orjson.dumps(body), {"content-type": "application/json", "x-echo": "x"})
            for kind, one in (("answer", answer), ("lose", answer), ("garble", None)):
                house.sandbox.frame.faults.append(Fault(system, kind, path="/", answer=one))  # type: ignore[arg-type]
        desk.change(referral, details__notes=f"To salesforce {status}")
        desk.edit(opportunity, Description=f"To Partner Center {status}")
        desk.edit(row["Id"], Amount=1000 + status)
        for side in house.running.engine.room.desks:
            try:
                await house.running.engine.poll(side)
            except CosellError as error:
                errors.append(error)
        await house.running.engine.drain()
        desk.clock.leap(120)
    house.sandbox.frame.faults.clear()
    house.sandbox.entra.expire_access_tokens()
    house.sandbox.salesforce.expire_sessions()
    await desk.sync_over(1200, 300)
    return errors


COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("webhook", "status"),
    ("mapping", "show"),
    ("plan", "--json"),
    ("audit", "list", "--limit", "1000"),
    ("audit", "export"),
    ("audit", "verify"),
)


async def test_no_secret_and_no_person_stands_where_it_must_not(
    house: House, wire: Wire, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSELL_DEBUG", "1")
    errors = await troubles(house, wire)
    assert errors
    assert set(wire.last.values()) <= set(house.running.env.live)
    key = house.sandbox.salesforce.private_key_pem
    told = house.sandbox.description
    secrets = {
        *wire.secrets,
        *house.signatures,
        told["entra"]["client_secret"],
        told["entra"]["refresh_token"],
        *(line for line in key.splitlines() if not line.startswith("-----")),
    }
    assert len(secrets) > 30
    said = {" ".join(words): await house.cosell(*words) for words in COMMANDS}
    for link in await house.links():
        said[f"explain {link.key}"] = await house.cosell("explain", link.key)
    pages = {
        path: (await house.visitor.ask("GET", path)).body.decode()
        for path in ("/", "/status.json", "/health/ready", "/health/live", "/nowhere")
    }
    files = {
        str(file): file.read_bytes().decode("latin-1")
        for file in house.data.rglob("*")
        if file.is_file() and file.suffix != ".key"
    }
    assert any(name.endswith(".db") for name in files)
    thrown = {
        f"error {number}": f"{error!r} {error} {error.message} {error.detail} {error.__cause__!r}"
        for number, error in enumerate(errors)
    }
    for place, text in {**said, **pages, **files, **thrown, "log": log.getvalue()}.items():
        found = [secret[:12] for secret in secrets if secret in text]
        assert found == [], place
    private = {**pages, "log": log.getvalue(), "status": said["status"], "doctor": said["doctor"]}
    for place, text in private.items():
        assert [one for one in PEOPLE if one in text or json.dumps(one)[1:-1] in text] == [], place
    assert "Traceback" not in log.getvalue()


async def test_a_sealed_secret_opens_with_its_key_only(house: House) -> None:
    """A copy of the database alone opens nothing."""
    await house.desk.sync()
    (key,) = [file for file in house.data.iterdir() if file.suffix == ".key"]
    assert key.stat().st_mode & 0o077 == 0
    assert _files_of_others(house.data) == []


def _files_of_others(folder: Path) -> list[str]:
    return [file.name for file in (folder, *folder.iterdir()) if file.stat().st_mode & 0o002]
