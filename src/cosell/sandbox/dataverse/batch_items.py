"""Reads the body of a `$batch`: single operations and change sets, in the dialects clients write (2.8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cosell.sandbox.dataverse.errors import DataverseError, bad_request
from cosell.sandbox.dataverse.multipart import Malformed, Part, Request, boundary_of, request_in, split

MOST_OPERATIONS = 1_000
_IN_CHANGE_SETS = ("POST", "PUT", "PATCH", "DELETE")
_ROOTED = re.compile(r"/?api/data/v9\.[0-9]+/(?P<rest>.*)", re.DOTALL)
_REFERENCE = re.compile(r"/?\$(?P<name>[A-Za-z0-9._~-]+)(?P<rest>/.*)?", re.DOTALL)
_RESERVED = ("metadata", "batch")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a batch."""

    request: Request
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Requests that happen together or not at all."""

    operations: tuple[Operation, ...]


Item = Operation | ChangeSet


def read(body: bytes, content_type: str, *, takes_lf: bool) -> list[Item]:
    """Everything a batch asks for; a refusal when it is malformed or too long, before any of it is done."""
    boundary = boundary_of(content_type)
    if boundary is None:
        text = f"The content type '{content_type}' of a batch must be multipart/mixed with a boundary."
        raise bad_request(text)
    try:
        items = [_item(part, takes_lf=takes_lf) for part in split(body, boundary, takes_lf=takes_lf)]
    except Malformed as wrong:
        raise _unreadable(str(wrong)) from None
    count = sum(1 if isinstance(one, Operation) else len(one.operations) for one in items)
    if count > MOST_OPERATIONS:
        raise bad_request(f"The batch holds {count} operations; at most {MOST_OPERATIONS} are allowed.")
    return items


def below_root(target: str, root: str) -> str:
    """The address of a request line, below the service root: absolute, rooted or relative as it came."""
    parts = urlsplit(target)
    if parts.scheme:
        # A host compares without case, and a client may name the default port or not.
        if parts.netloc.lower() != urlsplit(root).netloc.lower():
            raise bad_request(f"The request URI '{target}' does not belong to this service.")
        target = target.partition(parts.netloc)[2]
    rooted = _ROOTED.fullmatch(target)
    if rooted:
        return rooted["rest"]
    if parts.scheme or target.startswith("/"):
        raise bad_request(f"The request URI '{target}' is not below the service root.")
    return target


def resolved(target: str, known: Mapping[str, str]) -> str:
    """An address in which a leading ``$n`` stands for the row that an earlier operation wrote."""
    match = _REFERENCE.fullmatch(target)
    if match is None or (match["name"] in _RESERVED and match["name"] not in known):
        return target
    if match["name"] not in known:
        raise undeclared(match["name"])
    return known[match["name"]] + (match["rest"] or "")


def undeclared(name: str) -> DataverseError:
    return bad_request(f"Content-ID Reference: '${name}' does not exist in the batch context.")


def _item(part: Part, *, takes_lf: bool) -> Item:
    if part.kind != "multipart/mixed":
        return Operation(request_in(part, takes_lf=takes_lf), part.headers.get("content-id"))
    boundary = boundary_of(part.headers["content-type"])
    if boundary is None:
        raise Malformed("A change set names no boundary")
    return ChangeSet(tuple(_together(split(part.body, boundary, takes_lf=takes_lf), takes_lf=takes_lf)))


def _together(parts: list[Part], *, takes_lf: bool) -> Iterator[Operation]:
    seen: set[str] = set()
    for part in parts:
        if part.kind == "multipart/mixed":
            raise Malformed("A change set cannot hold another change set or batch")
        request, content_id = request_in(part, takes_lf=takes_lf), part.headers.get("content-id", "")
        if request.method not in _IN_CHANGE_SETS:
            methods = ", ".join(f"'{one}'" for one in _IN_CHANGE_SETS)
            raise bad_request(
                f"An invalid HTTP method '{request.method}' was detected for a request in a change set. "
                f"Requests in change sets only support the HTTP methods {methods}."
            )
        if not content_id:
            raise bad_request(
                "The header with name 'Content-ID' was not present in the header collection of the batch "
                "operation."
            )
        if content_id in seen:
            raise bad_request(
                f"The content ID '{content_id}' was found more than once in the same change set."
            )
        seen.add(content_id)
        yield Operation(request, content_id)


def _unreadable(why: str) -> DataverseError:
    text = f"Error identified in Payload provided by the user for Entity :'', InnerException : {why}."
    return DataverseError(400, "0x80048d19", text)
