"""GET of the collection: options, pages, next links (2.1)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from hmac import compare_digest
from secrets import token_bytes
from typing import Any, Literal
from urllib.parse import quote

import orjson

from cosell.sandbox.partner_center import odata
from cosell.sandbox.partner_center.errors import Refusal, invalid
from cosell.sandbox.partner_center.records import Record, Records, SortKey
from cosell.sandbox.partner_center.switches import Switches

_ORDER = re.compile(r"\s*(createdDateTime|updatedDateTime)(?:\s+(asc|desc))?\s*\Z", re.IGNORECASE)
_KNOWN = {"$filter", "$orderby", "$select", "$top", "$skip", "$skiptoken", "$count", "$expand"}
_SECRET = token_bytes(32)
_SEAL_LENGTH = 12
DOCUMENTED_HOST = "api.partner.microsoft.com"


@dataclass(frozen=True, slots=True)
class Query:
    """A list request, or the rest of one that a skip token carries on."""

    filter: str = ""
    orderby: str = ""
    select: str = ""
    top: int | None = None
    skip: int = 0
    after: SortKey | None = None

    def token(self) -> str:
        state = orjson.dumps([self.filter, self.orderby, self.select, self.top, self.skip, self.after])
        return urlsafe_b64encode(_seal(state) + state).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records and how to go on."""

    records: list[Record]
    total: int
    select: tuple[str, ...]
    next: Query | None


def read(options: Mapping[str, str]) -> Query:
    """The query of a request's options; a skip token stands for all the others."""
    given = {name.lower(): value for name, value in options.items() if name.startswith("$")}
    for name in given:
        if name not in _KNOWN:
            raise invalid(name, f"The query option {name} is not supported.")
    if "$skiptoken" in given:
        return _from_token(given["$skiptoken"])
    return Query(
        filter=given.get("$filter", ""),
        orderby=given.get("$orderby", ""),
        select=given.get("$select", ""),
        top=_whole(given, "$top"),
        skip=_whole(given, "$skip") or 0,
    )


def _whole(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\s*\d{1,9}\s*", text, re.ASCII):
        raise invalid(name, f"{name} is a whole number.")
    return int(text)


def _from_token(token: str) -> Query:
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raw = b""
    seal, state = raw[:_SEAL_LENGTH], raw[_SEAL_LENGTH:]
    if not compare_digest(seal, _seal(state)):
        raise invalid("$skiptoken", "The skip token is not valid.")
    filter_text, orderby, select, top, skip, after = orjson.loads(state)
    return Query(filter_text, orderby, select, top, skip, None if after is None else (after[0], after[1]))


def _seal(state: bytes) -> bytes:
    """Marks a token as ours, so that nobody builds one by hand and then relies on its inside."""
    return blake2b(state, key=_SECRET, digest_size=_SEAL_LENGTH).digest()


class Listing:
    """Answers list queries over the records."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    def page(self, records: Records, query: Query, *, now: int, visible: odata.Test | None) -> Page:
        """One page; `visible` limits it to what the caller's role may see."""
        order = _order(query.orderby)
        node = odata.parse(query.filter, self._switches) if query.filter.strip() else None
        select = _select(query.select)
        candidates = _candidates(records, node, order, query.after)
        tests = [test for test in (node.test() if node else None, visible) if test]
        matching = _matching(candidates, tests, now)
        size = self._size(query)
        if self._switches.count == "total":
            everything = list(matching)
            found, total = everything[query.skip : query.skip + size + 1], len(everything)
        else:
            found, total = _some(matching, query.skip, size + 1), 0
        kept = found[:size]
        following = self._next(query, order, kept) if len(found) > size else None
        return Page(kept, total, select, following)

    def _size(self, query: Query) -> int:
        switches = self._switches
        if query.top is None:
            return switches.page_size
        # A page may be larger than the default, never larger than the cap (section 8).
        return max(min(query.top, switches.top_cap), 0)

    def _next(self, query: Query, order: _Order, kept: list[Record]) -> Query | None:
        if not kept:
            return None
        left = None if query.top is None else query.top - len(kept)
        if self._switches.top_means == "total" and left is not None:
            if left <= 0:
                return None
            query = replace(query, top=left)
        if self._switches.paging == "offset":
            return replace(query, skip=query.skip + len(kept))
        return replace(query, skip=0, after=order.key(kept[-1]))

    def link(self, query: Query, base_url: str) -> str:
        """The next link in the form the switch says; the documented one is wrong in two ways (2.1)."""
        token = quote(query.token(), safe="")
        if self._switches.next_link == "good":
            return f"{base_url}/v1.0/engagements/referrals?$skiptoken={token}"
        host = DOCUMENTED_HOST if self._switches.next_link == "foreign" else base_url.split("://", 1)[-1]
        return f"http://{host}/v1.0/referrals?$skiptoken={token}"


@dataclass(frozen=True, slots=True)
class _Order:
    field: Literal["created", "updated"] = "created"
    descending: bool = False

    def key(self, record: Record) -> SortKey:
        return record.created if self.field == "created" else record.updated


def _order(text: str) -> _Order:
    if not text.strip():
        return _Order()
    match = _ORDER.match(text)
    if match is None:
        raise invalid("$orderby", "Only createdDateTime and updatedDateTime, asc or desc, can be ordered by.")
    field: Literal["created", "updated"] = "created" if match[1].lower() == "createddatetime" else "updated"
    return _Order(field, (match[2] or "asc").lower() == "desc")


def _select(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _candidates(
    records: Records, node: odata.Node | None, order: _Order, after: SortKey | None
) -> Iterable[Record]:
    """The records that can match at all, in order, as few as an index allows."""
    parts = odata.conjuncts(node) if node else []
    for part in parts:
        if isinstance(part, odata.Comparison) and (part.operand, part.operator) == ("engagementId", "eq"):
            return _in_order(records.engagement(str(part.value)), order, after)
    low, high = (None, after) if order.descending else (after, None)
    if order.field == "created":
        floor = _floor(parts)
        if after is None and floor is not None:
            changed = records.by_updated.between(floor, None, descending=False)
            return _in_order(list(changed), order, after)
        return records.by_created.between(low, high, descending=order.descending)
    floor = _floor(parts)
    low = floor if low is None or (floor is not None and floor > low) else low
    return records.by_updated.between(low, high, descending=order.descending)


def _floor(parts: list[odata.Node]) -> SortKey | None:
    """A sort key below every record that a condition on the time of change lets through."""
    floors = [
        part.value
        for part in parts
        if isinstance(part, odata.Comparison)
        and part.operand == "updateddatetime"
        and part.operator in ("ge", "gt", "eq")
        and isinstance(part.value, int)
    ]
    return (max(floors), 0) if floors else None


def _in_order(records: list[Record], order: _Order, after: SortKey | None) -> list[Record]:
    found = sorted(records, key=order.key, reverse=order.descending)
    if after is None:
        return found
    if order.descending:
        return [one for one in found if order.key(one) < after]
    return [one for one in found if order.key(one) > after]


def _matching(candidates: Iterable[Record], tests: list[odata.Test], now: int) -> Iterable[Record]:
    for record in candidates:
        if record.listed_from <= now and all(test(record) for test in tests):
            yield record


def _some(matching: Iterable[Record], skip: int, count: int) -> list[Record]:
    found: list[Record] = []
    for place, record in enumerate(matching):
        if place >= skip:
            found.append(record)
            if len(found) >= count:
                break
    return found


def selected(body: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The chosen properties of a referral, in the wire's own spelling."""
    spelled = {name.lower(): name for name in body}
    unknown = [name for name in names if name.lower() not in spelled]
    if unknown:
        raise unknown_property(unknown[0])
    return {spelled[name.lower()]: body[spelled[name.lower()]] for name in names}


def unknown_property(name: str) -> Refusal:
    return invalid("$select", f"A referral has no property {name}.")
