"""Packs many requests into one `$batch` and reads its answer, whichever form it comes in (2.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeAlias

from cosell.core.errors import Misconfigured
from cosell.systems.dataverse.wire import Answer, dumps, loads

BOUNDARY = "batch_cosell"
_URL = re.compile(r"[!-\[\]-~]+\Z")
_HEADER = re.compile(r"[\t -~]*\Z")
_PARAMETER = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,120})"|([^;\s"]{1,120}))', re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/[0-9.]+[ \t]+([0-9]{3})")
_BLANK = re.compile(rb"\r?\n\r?\n")
LONGEST_URL = 65_000
_LF = 10
_UNREADABLE = 502
_REFERS = ("@odata.bind", "@odata.id")


@dataclass(frozen=True, slots=True)
class Part:
    """One request. `path` stands below the service root and is percent-encoded (`odata.address`).

    Inside a change set `$ref` stands for the row an earlier part made, as a path or as the value of an
    `@odata.bind` or `@odata.id`.
    """

    method: str
    path: str
    ref: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Writes that happen all or not at all."""

    ref: str
    parts: tuple[Part, ...]


Item: TypeAlias = Part | ChangeSet


@dataclass(frozen=True, slots=True)
class Piece:
    """One answer inside a batch's answer."""

    answer: Answer
    content_id: str | None = None


# --- out -------------------------------------------------------------------------------------------


def operations(items: Iterable[Item]) -> int:
    """How many of the thousand operations of a batch these take."""
    return sum(len(item.parts) if isinstance(item, ChangeSet) else 1 for item in items)


def encode(items: Sequence[Item], root: str) -> bytes:
    """The body of a batch; `root` is the path of the service root."""
    lines: list[bytes] = []
    count = 0
    for item in items:
        lines.append(f"--{BOUNDARY}".encode())
        if isinstance(item, Part):
            lines += _request(item, root, {}, None)
            continue
        boundary = f"changeset_{count + 1}"
        lines += [f"Content-Type: multipart/mixed; boundary={boundary}".encode(), b""]
        known: dict[str, str] = {}
        for part in item.parts:
            count += 1
            lines.append(f"--{boundary}".encode())
            lines += _request(part, root, known, str(count))
            known[f"${part.ref}"] = f"${count}"
        lines += [f"--{boundary}--".encode(), b""]
    lines += [f"--{BOUNDARY}--".encode(), b""]
    return b"\r\n".join(lines)


def _request(part: Part, root: str, known: Mapping[str, str], content_id: str | None) -> Iterator[bytes]:
    yield b"Content-Type: application/http"
    yield b"Content-Transfer-Encoding: binary"
    if content_id is not None:
        yield f"Content-ID: {content_id}".encode()
    yield b""
    path = known.get(part.path) or f"{root}{part.path}"
    if len(path) > LONGEST_URL:
        raise ValueError("an address inside a batch holds at most 64 KB")
    if not _URL.match(path):
        raise Misconfigured("An address for Dynamics 365 holds a character no address may hold.")
    yield f"{part.method} {path} HTTP/1.1".encode()
    yield b"Accept: application/json"
    for name, value in part.headers.items():
        if not _HEADER.match(value):
            raise Misconfigured("A header for Dynamics 365 holds a character no header may hold.")
        yield f"{name}: {value}".encode()
    if part.body is None:
        yield from (b"", b"")
        return
    yield from (b"Content-Type: application/json", b"", dumps(_pointing(part.body, known)))


def _pointing(body: Any, known: Mapping[str, str]) -> Any:
    """The body with `$ref` exchanged for the numbers of this batch, where it points to a row."""
    if not known or not isinstance(body, dict):
        return body
    return {
        key: known.get(value, value)
        if isinstance(value, str) and key.endswith(_REFERS)
        else _pointing(value, known)
        for key, value in body.items()
    }


# --- back ------------------------------------------------------------------------------------------


def decode(content_type: str, body: bytes) -> list[Piece | list[Piece]] | None:
    """The answers in their order, those of a change set as a list; None where it is no multipart."""
    boundary = _boundary(content_type)
    if boundary is None:
        return None
    found: list[Piece | list[Piece]] = []
    for headers, content in _sections(body, boundary):
        inner = _boundary(headers.get("content-type", ""))
        if inner is None:
            found.append(_piece(headers, content))
        else:
            found.append([_piece(some, deep) for some, deep in _sections(content, inner)])
    return found


def _boundary(content_type: str) -> str | None:
    if not content_type.lower().lstrip().startswith("multipart/"):
        return None
    found = _PARAMETER.search(content_type)
    return (found[1] or found[2]) if found is not None else None


def _sections(body: bytes, boundary: str) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and content of each section; what stands before the first and after the last is no section."""
    # The literal comes first, so that the search leaps over megabytes of rows.
    line = re.compile(rb"--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks = [mark for mark in line.finditer(body) if mark.start() == 0 or body[mark.start() - 1] == _LF]
    for mark, following in zip_longest(marks, marks[1:]):
        if mark[1]:
            return
        end = len(body) if following is None else following.start() - 1
        yield _split(body[mark.end() : end].removesuffix(b"\r"))


def _split(raw: bytes) -> tuple[dict[str, str], bytes]:
    """Header lines, then after a blank line the content; either may be missing."""
    if raw.startswith((b"\r\n\r\n", b"\n\n")):
        return {}, raw.lstrip(b"\r\n")
    cut = _BLANK.search(raw)
    head, content = (raw, b"") if cut is None else (raw[: cut.start()], raw[cut.end() :])
    headers: dict[str, str] = {}
    for text in head.decode("latin-1").splitlines():
        name, colon, value = text.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers, content


def _piece(outer: Mapping[str, str], content: bytes) -> Piece:
    """One `application/http` answer; one that cannot be read keeps its place as a gateway's failure."""
    content = content.lstrip(b"\r\n")
    status = _STATUS.match(content)
    if status is None:
        return Piece(Answer(_UNREADABLE), outer.get("content-id"))
    headers, raw = _split(b"\r\n" + content.partition(b"\n")[2])
    told, body = int(status[1]), None
    try:
        body = loads(raw) if raw.strip() else None
    except ValueError:
        if 200 <= told < 300:
            told = _UNREADABLE
    return Piece(Answer(told, body, headers), outer.get("content-id") or headers.get("content-id"))


# --- which answer belongs to which question --------------------------------------------------------


def matched(items: Sequence[Item], pieces: Sequence[Piece | list[Piece]]) -> dict[str, Answer]:
    """Answers by ref. What nobody answered is left out."""
    found: dict[str, Answer] = {}
    number = 0
    for item, got in zip(items, pieces, strict=False):
        if isinstance(item, Part):
            only = got if isinstance(got, Piece) else (got[0] if len(got) == 1 else None)
            if only is not None:
                found[item.ref] = only.answer
            continue
        found.update(_of_set(item, got if isinstance(got, list) else [got], number))
        number += len(item.parts)
    return found


def _of_set(item: ChangeSet, got: Sequence[Piece], before: int) -> dict[str, Answer]:
    failed = next((piece.answer for piece in got if not piece.answer.ok), None)
    if failed is not None:
        # All or nothing: whatever else was answered was rolled back with it.
        return {part.ref: failed for part in item.parts}
    by_id = {piece.content_id: piece.answer for piece in got if piece.content_id is not None}
    numbered = [by_id.get(str(before + at + 1)) for at in range(len(item.parts))]
    if any(answer is None for answer in numbered) and len(got) == len(item.parts):
        numbered = [piece.answer for piece in got]
    return {part.ref: answer for part, answer in zip(item.parts, numbered, strict=True) if answer is not None}
