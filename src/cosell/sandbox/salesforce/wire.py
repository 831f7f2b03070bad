"""One call to the REST API and its reply, whether it came by itself or inside a composite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.org import Actor

NO_BODY: Any = object()


@dataclass(frozen=True, slots=True)
class Call:
    """A request after `/services/data/vXX.X`, with decoded path segments and lower-case header names."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    version: str
    actor: Actor

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"

    @property
    def api(self) -> float:
        return float(self.version)

    @property
    def allows_duplicates(self) -> bool:
        """Whether the caller overrides alert rules for duplicates."""
        wish = self.headers.get("sforce-duplicate-rule-header", "")
        return "allowsave=true" in wish.lower().replace(" ", "")


@dataclass(slots=True)
class Reply:
    """Status, JSON body (None: empty) and extra headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it counts as an error for a transaction; 300 wrote nothing, 304 is no error."""
        return self.status >= 300 and self.status != 304


def segments(path: str) -> tuple[str, ...]:
    """The decoded segments of a path; empty ones do not count, so trailing slashes are optional."""
    return tuple(unquote(part) for part in path.split("/") if part)


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query string; ``+`` and ``%20`` both mean space."""
    return dict(parse_qsl(query, keep_blank_values=True))


def method_not_allowed(call: Call, *allowed: str) -> Exception:
    text = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(allowed)}"
    return refusal(405, "METHOD_NOT_ALLOWED", text)
