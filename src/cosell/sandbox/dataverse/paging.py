"""The paging cookie: what a next link knows about where to go on (sheet section 2.3, trap 4)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr, unescape

from cosell.sandbox.dataverse.calls import Call
from cosell.sandbox.dataverse.errors import DataverseError, bad_request

_COOKIE = re.compile(
    r'^<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="(True|False)" />$', re.IGNORECASE
)
_LAST = re.compile(r'<row last=("[^"]*"|\'[^\']*\') span="(-?\d+)\.(-?\d+)"')


@dataclass(frozen=True, slots=True)
class Cookie:
    """The page to come, the place of the last row shown, and the span of versions while tracking."""

    page: int
    last: list[Any] = field(default_factory=list)
    tracking: bool = False
    since: int = -1
    until: int = -1

    def text(self) -> str:
        """The cookie as it stands, decoded once, behind ``$skiptoken=``."""
        last = quoteattr(json.dumps(self.last, default=_told))
        inner = (
            f'<cookie page="{self.page - 1}"><row last={last} span="{self.since}.{self.until}" /></cookie>'
        )
        twice = quote(quote(inner, safe=""), safe="")
        return f'<cookie pagenumber="{self.page}" pagingcookie="{twice}" istracking="{self.tracking}" />'


def read_cookie(text: str) -> Cookie:
    """The cookie of a next link, refused if somebody rebuilt it."""
    match = _COOKIE.match(text)
    inside = _LAST.search(unquote(unquote(match[2]))) if match else None
    if match is None or inside is None:
        raise malformed_cookie()
    try:
        raw = unescape(inside[1][1:-1], {"&quot;": '"', "&apos;": "'"})
        last = json.loads(raw, object_hook=lambda one: Decimal(one["d"]))
    except (ValueError, KeyError, TypeError, ArithmeticError):
        raise malformed_cookie() from None
    return Cookie(int(match[1]), last, match[3] == "True", int(inside[2]), int(inside[3]))


def next_link(call: Call, path: str, cookie: Cookie, *, drop: tuple[str, ...] = ()) -> str:
    """The query as it came, with the cookie behind it."""
    gone = ("$skiptoken", "%24skiptoken", *drop)
    kept = [part for part in call.query.split("&") if part and part.partition("=")[0] not in gone]
    return f"{call.root}/{path}?{'&'.join([*kept, '$skiptoken=' + quote(cookie.text(), safe='=/')])}"


def _told(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"d": str(value)}
    raise TypeError(value)


def malformed_cookie() -> DataverseError:
    """The refusal of a cookie that is not one of ours."""
    return bad_request("Malformed paging cookie: send the next link exactly as it came.")
