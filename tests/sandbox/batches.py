"""Writes `$batch` bodies the way public clients do, and reads what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any

from .dynamics import Dynamics, Reply

END = "\r\n"
BOUNDARY = "batch_4711"


@dataclass(frozen=True, slots=True)
class Answered:
    """One response inside the answer of a batch."""

    status: int
    headers: dict[str, str]
    content_id: str | None
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def row_id(self) -> str:
        return self.headers["odata-entityid"].rpartition("(")[2].rstrip(")")


def part(
    line: str, body: Any = None, *, content_id: str | None = None, headers: Iterable[str] = (), end: str = END
) -> str:
    """A part that asks for one operation."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"{line} HTTP/1.1", *headers]
    if body is not None:
        lines.append("Content-Type: application/json; type=entry")
    return end.join([*lines, "", "" if body is None else json.dumps(body)])


def change_set(
    *parts: str, boundary: str = "changeset_0815", quoted: bool = True, space: bool = True, end: str = END
) -> str:
    """A part that holds a change set."""
    named = f'"{boundary}"' if quoted else boundary
    head = f"Content-Type: multipart/mixed;{' ' if space else ''}boundary={named}"
    return end.join([head, "", document(parts, boundary, end=end)])


def document(parts: Iterable[str], boundary: str = BOUNDARY, *, end: str = END) -> str:
    """The whole body."""
    return "".join(f"--{boundary}{end}{one}{end}" for one in parts) + f"--{boundary}--{end}"


async def send(dynamics: Dynamics, *parts: str, go_on: bool = False) -> Reply:
    """A batch in the form of Microsoft's documentation."""
    return await post(dynamics, document(parts), go_on=go_on)


async def post(
    dynamics: Dynamics,
    body: str,
    *,
    content_type: str = f'multipart/mixed; boundary="{BOUNDARY}"',
    go_on: bool = False,
) -> Reply:
    """Any body as a batch."""
    headers = {"Content-Type": content_type, "OData-MaxVersion": "4.0", "OData-Version": "4.0"}
    if go_on:
        headers["Prefer"] = "odata.continue-on-error"
    return await dynamics.call("POST", "$batch", data=body.encode(), headers=headers)


def answers(reply: Reply) -> list[Answered]:
    """The responses of a batch in their order, those of change sets too."""
    kind = reply.headers["Content-Type"]
    assert kind.startswith("multipart/mixed; boundary=batchresponse_"), reply.raw
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + reply.raw)
    assert not message.defects
    found = []
    for one in message.walk():
        if one.is_multipart():
            assert one is message or one.get_boundary("").startswith("changesetresponse_")
            continue
        assert (one["Content-Type"], one["Content-Transfer-Encoding"]) == ("application/http", "binary")
        found.append(_answered(one["Content-ID"], one.get_payload(decode=True)))
    return found


def _answered(content_id: str | None, payload: Any) -> Answered:
    head, _, body = bytes(payload).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    return Answered(int(first.split(" ")[1]), headers, content_id, body)
