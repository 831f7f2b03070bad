"""What one request was answered, and JSON in which amounts keep their digits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from cosell.core.errors import CosellError, Unavailable
from cosell.http import parse_json
from cosell.systems.dataverse.odata import ETAG, guid
from cosell.systems.dataverse.outcomes import error_of

# A float keeps fifteen digits; an amount of Dataverse may have seventeen (dataverse-api.md 2.2).
_LONG_NUMBER = re.compile(rb":\s*-?(?=[0-9.]{17})[0-9]+\.[0-9]+")


def loads(body: bytes) -> Any:
    """Parses JSON strictly and exactly. Raises ValueError."""
    if _LONG_NUMBER.search(body):
        try:
            return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("too deeply nested") from None
    return parse_json(body)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def dumps(body: Any) -> bytes:
    """JSON in one line, decimals digit by digit."""
    return orjson.dumps(body, default=_exact)


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} has no place in a request")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request, or one part of a batch, was answered."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    since: float | None = None
    """The server's time, epoch seconds, before which the answer surely was not read; None: not told."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def row(self) -> dict[str, Any]:
        """The one row of the body; empty where there is none."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def etag(self) -> str | None:
        """The row's version after this request, where it was told."""
        told = self.row.get(ETAG) or self.headers.get("etag")
        return told if isinstance(told, str) and told else None

    @property
    def row_id(self) -> str | None:
        """The id of the row that was written, as the headers name it; None where they name a key."""
        where = self.headers.get("odata-entityid") or self.headers.get("location") or ""
        return guid(where[:-1].rpartition("(")[2]) if where.endswith(")") else None

    def error(self, *, safe: bool, creating: bool = False) -> CosellError:
        """What the refusal means; `safe`: nothing could have been changed (see `outcomes.error_of`)."""
        return error_of(self.status, self.body, self.headers, safe=safe, creating=creating)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: list[dict[str, Any]]
    next: str | None = None
    """Where the next page is; to be handed to `Client.follow` as it stands."""
    delta: str | None = None
    """Where later changes are told: on the last page of a tracked read."""
    since: float | None = None


def page_of(answer: Answer) -> Page:
    """One page. Raises what a refusal means; nonsense is Unavailable."""
    if not answer.ok:
        raise answer.error(safe=True)
    listed = answer.row.get("value")
    if not isinstance(listed, list):
        raise Unavailable("Dynamics 365 answered nonsense.", detail="a list without values")
    rows = [one for one in listed if isinstance(one, dict)]
    return Page(rows, _link(answer, "@odata.nextLink"), _link(answer, "@odata.deltaLink"), answer.since)


def _link(answer: Answer, name: str) -> str | None:
    link = answer.row.get(name)
    return link if isinstance(link, str) and link else None
