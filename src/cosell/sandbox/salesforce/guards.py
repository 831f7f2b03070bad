"""Conditional requests: dates with a grain of one second, ETags for Account alone (reference 6.4)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import orjson

from cosell.sandbox.salesforce.errors import SalesforceError, refusal
from cosell.sandbox.salesforce.org import read_moment
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.wire import Call, Reply

_HTTP_DATE = re.compile(r"^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [A-Z]{2,3}$")
_TAG = re.compile(r'(?:W/)?"([^"]*)"|(\*)')
_READS = ("GET", "HEAD")


def http_date(at: datetime) -> str:
    """The moment as HTTP headers write it."""
    return format_datetime(at.astimezone(UTC), usegmt=True)


def precondition_failed() -> SalesforceError:
    """The vendor's code is unknown; clients should look at the status alone."""
    message = "The resource was modified since it was last retrieved"
    return refusal(412, "PRECONDITION_FAILED", message)


def etag(row: Row) -> str:
    """The ETag of a row, quotes included."""
    digest = hashlib.sha1(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), usedforsecurity=False).digest()
    return f'"{base64.b64encode(digest).decode()}"'


def check_row(call: Call, sobject: str, row: Row) -> Reply | None:
    """A 304 where nothing changed; refuses with 412; None where the call may go on."""
    changed = read_moment(row["LastModifiedDate"])
    found = check_dates(call, changed)
    if sobject != "Account":
        return found
    return found or _check_tags(call, row)


def check_dates(call: Call, changed: datetime) -> Reply | None:
    """The two date conditions against a moment of last change."""
    unmodified = _date(call, "if-unmodified-since")
    if unmodified is not None and changed > unmodified:
        raise precondition_failed()
    since = _date(call, "if-modified-since")
    if since is not None and call.method in _READS and changed <= since:
        return Reply(304, None, {"Last-Modified": http_date(changed)})
    return None


def _date(call: Call, header: str) -> datetime | None:
    value = call.headers.get(header)
    if value is None:
        return None
    if _HTTP_DATE.match(value.strip()):
        with contextlib.suppress(ValueError):
            found = parsedate_to_datetime(value.strip())
            # A zone nobody knows leaves the moment without one.
            if found.tzinfo is not None:
                return found
    if call.method in _READS:
        return None
    raise refusal(400, "INVALID_HEADER", f"The value of the header {header} is not valid: {value}")


def _check_tags(call: Call, row: Row) -> Reply | None:
    mine = etag(row)
    if "if-match" in call.headers and not _matches(call, "if-match", mine):
        raise precondition_failed()
    if "if-none-match" in call.headers and _matches(call, "if-none-match", mine):
        if call.method in _READS:
            return Reply(304, None, {"ETag": mine})
        raise precondition_failed()
    return None


def _matches(call: Call, header: str, mine: str) -> bool:
    tags = list(_TAG.finditer(call.headers[header]))
    if not tags and call.method not in _READS:
        raise refusal(400, "INVALID_HEADER", f"The value of the header {header} is not valid")
    # A gzipped answer carries its encoding in the tag.
    return any(tag[2] or re.sub(r"--?gzip$", "", tag[1]) == mine.strip('"') for tag in tags)
