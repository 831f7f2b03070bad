"""Reads and writes multipart/mixed bodies of HTTP messages, as `$batch` carries them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))\s*(?:;|$)', re.IGNORECASE)
_LONGEST_BOUNDARY = 70
_REQUEST_LINE = re.compile(r"(?P<method>[A-Za-z]+) +(?P<target>\S.*?) +HTTP/\d(?:\.\d)?\s*")
_OLDER_NAMES = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}


class Malformed(Exception):
    """A body that is not the multipart document it claims to be; the text says where."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part with its own headers, their names in lower case."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request inside a part."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def boundary_of(content_type: str) -> str | None:
    """The boundary named by a multipart/mixed content type, quoted or not; None when it is no such type."""
    if content_type.partition(";")[0].strip().lower() != "multipart/mixed":
        return None
    match = _BOUNDARY.search(content_type)
    found = (match[1] or match[2]).rstrip() if match else ""
    return found if 0 < len(found) <= _LONGEST_BOUNDARY else None


def split(body: bytes, boundary: str, *, takes_lf: bool) -> list[Part]:
    """The parts between the boundary's lines; what stands before the first and after the last is not read."""
    end = rb"\r?\n" if takes_lf else rb"\r\n"
    line = re.compile(
        rb"(?:^|" + end + rb")--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=" + end + rb"|$)"
    )
    marks = list(line.finditer(body))
    if not marks or not any(mark[1] for mark in marks):
        raise Malformed(f"The boundary '{boundary}' is never closed")
    parts = []
    for here, there in pairwise(marks):
        if here[1]:
            break
        parts.append(_part(body[here.end() : there.start()], end))
    return parts


def request_in(part: Part, *, takes_lf: bool) -> Request:
    """The request that a part of type application/http carries."""
    if part.kind != "application/http":
        raise Malformed(f"A part of type '{part.kind}' carries no request")
    if part.headers.get("content-transfer-encoding", "").strip().lower() != "binary":
        raise Malformed("A part carries a request without 'Content-Transfer-Encoding: binary'")
    end = rb"\r?\n" if takes_lf else rb"\r\n"
    (first, *lines), body = _cut(part.body, end)
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise Malformed(f"'{first[:80]}' is not a request line")
    return Request(match["method"].upper(), match["target"], _headers(lines), body)


def response_part(
    status: int, headers: Mapping[str, str], body: bytes, *, content_id: str | None = None
) -> bytes:
    """A part that carries an HTTP response."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    reason = _OLDER_NAMES.get(status) or HTTPStatus(status).phrase
    lines += ["", f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def nested_part(parts: Iterable[bytes], boundary: str) -> bytes:
    """A part that is a multipart document of its own."""
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + joined(parts, boundary)


def joined(parts: Iterable[bytes], boundary: str) -> bytes:
    """The whole document."""
    mark = f"--{boundary}".encode()
    pieces = [mark + b"\r\n" + part + b"\r\n" for part in parts]
    return b"".join([*pieces, mark + b"--\r\n"])


def _part(raw: bytes, end: bytes) -> Part:
    # The line end after the boundary belongs to the boundary.
    head, body = _cut(re.sub(rb"\A" + end, b"", raw, count=1), end)
    return Part(_headers(head), body)


def _cut(raw: bytes, end: bytes) -> tuple[list[str], bytes]:
    """The head of a message as lines, and its body; without a body the head must still end in a line end."""
    blank = re.search(end + end, raw)
    if blank is None and re.search(end + rb"\Z", raw) is None:
        raise Malformed("A blank line is missing after the headers")
    head, body = (raw, b"") if blank is None else (raw[: blank.start()], raw[blank.end() :])
    return [_text(line) for line in re.split(end, head)], body


def _headers(lines: Iterable[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or "\n" in line:
            raise Malformed(f"The message header '{line[:80]}' is malformed")
        found[name.strip().lower()] = value.strip()
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("A header is not text") from None
