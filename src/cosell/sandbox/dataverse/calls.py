"""One call to the Web API and its reply, whether it came by itself or inside a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson

from cosell.sandbox.dataverse.errors import DataverseError, bad_request

Body = bytes | dict[str, Any]
DETAILS = "Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; roles and switches hold for a `secured` actor only, sellers may do what they like."""

    user_id: str
    secured: bool = False
    on_behalf_of: str | None = None
    """The user a call is made for; the row then says ``modifiedonbehalfby`` the actor."""
    detects_duplicates: bool = False
    """Whether a duplicate is refused: the Web API looks for them only when it is asked to."""

    @property
    def writes_as(self) -> str:
        return self.on_behalf_of or self.user_id


@dataclass(frozen=True, slots=True)
class Call:
    """A request below the service root: path and query as they came, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Body = b""
    root: str = ""
    """The absolute service root, ``https://host/api/data/v9.2``."""
    actor: Actor = Actor("")

    def with_body(self, body: Body) -> Call:
        return replace(self, body=body)

    def header(self, name: str) -> str | None:
        """A header, None if it is absent; ``If-None-Match: null`` counts as absent."""
        value = self.headers.get(name)
        if value is not None and name == "if-none-match" and value.strip() == "null":
            return None
        return value

    def options(self) -> dict[str, str]:
        """The query options, decoded; one given twice is refused."""
        made: dict[str, str] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            if name in made:
                raise bad_request(f"Query option '{name}' was specified more than once.")
            made[name] = value
        return made

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, numbers with a point as Decimal."""
        if isinstance(self.body, dict):
            return self.body
        return read_json(self.body)

    @property
    def prefers(self) -> Preferences:
        return Preferences.read(self.headers.get("prefer", ""))

    @property
    def wants_details(self) -> bool:
        """Whether a refusal should carry its annotations."""
        return wants_details(self.headers)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the Prefer header asks for."""

    representation: bool = False
    minimal: bool = False
    page_size: int | None = None
    track: bool = False
    continue_on_error: bool = False
    annotations: tuple[str, ...] = ()

    @classmethod
    def read(cls, header: str) -> Preferences:
        """The wishes of a header; unknown ones are nobody's."""
        found: dict[str, Any] = {}
        for wish in _split(header):
            name, _, value = wish.partition("=")
            value = value.strip().strip('"')
            match name.strip().lower():
                case "return":
                    found["representation"] = value == "representation"
                    found["minimal"] = value == "minimal"
                case "odata.maxpagesize" | "maxpagesize":
                    found["page_size"] = _page_size(value)
                case "odata.track-changes":
                    found["track"] = True
                case "odata.continue-on-error" | "continue-on-error":
                    found["continue_on_error"] = value.lower() != "false"
                case "odata.include-annotations":
                    found["annotations"] = tuple(one.strip() for one in value.split(",") if one.strip())
        return cls(**found)

    def wants(self, annotation: str) -> bool:
        """Whether an annotation such as ``OData.Community.Display.V1.FormattedValue`` is asked for."""
        return any(_matches(pattern, annotation) for pattern in self.annotations)


@dataclass(slots=True)
class Reply:
    """Status, body (JSON, or ready bytes with their content type; None: empty) and extra headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.status >= 400

    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else write_json(self.body)

    @classmethod
    def refused(cls, error: DataverseError, *, details: bool = False) -> Reply:
        return cls(error.status, error.body(details=details), dict(error.headers))


def wants_details(headers: Mapping[str, str]) -> bool:
    """Whether errors should carry their annotations (2.10); a Prefer header nobody can read asks for none."""
    try:
        return Preferences.read(headers.get("prefer", "")).wants(DETAILS)
    except DataverseError:
        return False


def read_json(raw: bytes) -> dict[str, Any]:
    """A JSON object, or a refusal."""
    try:
        found = json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, UnicodeDecodeError, RecursionError) as wrong:
        text = "Error reading JObject from JsonReader. Path '', line 0, position 0."
        raise DataverseError(400, "0x80060888", text) from wrong
    if not isinstance(found, dict):
        raise DataverseError(400, "0x80060888", "The request body must be a JSON object.")
    return found


def write_json(body: Any) -> bytes:
    """JSON in which decimal numbers keep their scale."""
    return orjson.dumps(body, default=_number)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"not JSON: {value!r}")


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _split(header: str) -> list[str]:
    """The wishes of a header: commas inside quotes do not divide."""
    parts, quoted, start = [], False, 0
    for place, letter in enumerate(header):
        if letter == '"':
            quoted = not quoted
        elif letter in ",;" and not quoted:
            parts.append(header[start:place])
            start = place + 1
    parts.append(header[start:])
    return [part.strip() for part in parts if part.strip()]


def _page_size(value: str) -> int:
    if value.isdigit() and int(value) >= 1:
        return int(value)
    raise bad_request(f"The value '{value}' of odata.maxpagesize is not a positive number.")


def _matches(pattern: str, annotation: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith("*"):
        return annotation.startswith(pattern[:-1].rstrip("."))
    return pattern == annotation
