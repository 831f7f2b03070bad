"""Carries out a `$batch`: one operation after the other, change sets whole or not at all (2.8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cosell.sandbox.dataverse import multipart
from cosell.sandbox.dataverse.batch_items import (
    ChangeSet,
    Item,
    Operation,
    below_root,
    read,
    resolved,
    undeclared,
)
from cosell.sandbox.dataverse.calls import Actor, Call, Reply
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, not_allowed
from cosell.sandbox.dataverse.org import Org

Answers = Callable[[Call], Reply]
ActingFor = Callable[[Actor, Mapping[str, str]], Actor]
_REFERENCE = re.compile(r"/?\$([A-Za-z0-9._~-]+)")
_REFERRING = ("@odata.bind", "@odata.id")


class _Failed(Exception):
    """Leaves a change set so that nothing of it stays."""

    def __init__(self, reply: Reply, content_id: str | None) -> None:
        super().__init__(reply.status)
        self.reply, self.content_id = reply, content_id


class Batch:
    """Answers ``POST $batch``; every operation goes the way a call by itself goes."""

    def __init__(self, org: Org, answer: Answers, acting_for: ActingFor) -> None:
        self._org, self._answer, self._acting_for = org, answer, acting_for

    def __call__(self, call: Call) -> Reply:
        if call.method != "POST":
            raise not_allowed(call.method)
        if not isinstance(call.body, bytes):
            raise bad_request("A batch holds no batch.")
        takes_lf = self._org.settings.batch_takes_lf
        items = read(call.body, call.headers.get("content-type", ""), takes_lf=takes_lf)
        go_on = call.prefers.continue_on_error
        parts = []
        for item in items:
            part, failed = self._carried_out(item, call)
            if failed is not None and not go_on:
                return self._document(self._status(failed), [part])
            parts.append(part)
        reply = self._document(200, parts)
        if go_on:
            reply.headers["Preference-Applied"] = "odata.continue-on-error"
        return reply

    def _status(self, failed: int) -> int:
        return failed if self._org.settings.batch_tells_status_of_failure else 400

    def _document(self, status: int, parts: list[bytes]) -> Reply:
        boundary = f"batchresponse_{self._org.new_id()}"
        headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
        return Reply(status, multipart.joined(parts, boundary), headers)

    def _carried_out(self, item: Item, call: Call) -> tuple[bytes, int | None]:
        """The part of the answer, and the status if it tells of a failure."""
        if isinstance(item, ChangeSet):
            return self._change_set(item, call)
        reply = self._one(item, call, {})
        return self._part(reply, item.content_id), reply.status if reply.failed else None

    def _change_set(self, item: ChangeSet, call: Call) -> tuple[bytes, int | None]:
        known: dict[str, str] = {}
        parts = []
        try:
            with self._org.transaction():
                for operation in item.operations:
                    reply = self._one(operation, call, known)
                    if reply.failed:
                        raise _Failed(reply, operation.content_id)
                    parts.append(self._part(reply, operation.content_id))
        except _Failed as failed:
            return self._part(failed.reply, failed.content_id), failed.reply.status
        return multipart.nested_part(parts, f"changesetresponse_{self._org.new_id()}"), None

    def _one(self, operation: Operation, call: Call, known: dict[str, str]) -> Reply:
        try:
            inner = self._call(operation, call, known)
        except DataverseError as refused:
            return Reply.refused(refused)
        reply = self._answer(inner)
        if operation.content_id and not reply.failed:
            written = self._written(inner, reply)
            if written:
                known[operation.content_id] = written
        return reply

    def _call(self, operation: Operation, call: Call, known: Mapping[str, str]) -> Call:
        request = operation.request
        address = below_root(resolved(request.target, known), call.root)
        path, _, query = address.partition("?")
        if path.lower().startswith("$batch"):
            raise bad_request("A batch cannot hold another batch.")
        inner = replace(
            call,
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            body=request.body,
            actor=self._acting_for(call.actor, request.headers),
        )
        if operation.content_id and b"$" in request.body:
            inner = inner.with_body(_linked(inner.json(), known))
        return inner

    def _written(self, call: Call, reply: Reply) -> str | None:
        """The address of the row an operation made or changed."""
        told = reply.headers.get("OData-EntityId")
        if told:
            return told
        table = self._org.schema.by_set(call.path)
        if call.method == "POST" and table is not None and isinstance(reply.body, dict):
            return f"{call.root}/{table.entity_set}({reply.body[table.primary_id]})"
        return f"{call.root}/{call.path}" if call.method in ("PATCH", "PUT") else None

    def _part(self, reply: Reply, content_id: str | None) -> bytes:
        headers = {"OData-Version": "4.0", **reply.headers}
        if reply.failed:
            headers["REQ_ID"] = self._org.new_id()
        entity = headers.get("OData-EntityId")
        if entity is not None:
            headers.setdefault("Location", entity)
        content = reply.content()
        if content:
            many = isinstance(reply.body, dict) and "value" in reply.body
            kind = "application/json; odata.metadata=minimal" + ("; odata.streaming=true" if many else "")
            headers.setdefault("Content-Type", kind)
        return multipart.response_part(reply.status, headers, content, content_id=content_id)


def _linked(body: Any, known: Mapping[str, str], *, refers: bool = False) -> Any:
    """The body with every ``$n`` that stands for a row replaced by the row's address."""
    if isinstance(body, dict):
        return {name: _linked(value, known, refers=name.endswith(_REFERRING)) for name, value in body.items()}
    if isinstance(body, list):
        return [_linked(one, known, refers=refers) for one in body]
    match = _REFERENCE.fullmatch(body) if refers and isinstance(body, str) else None
    if match is None:
        return body
    if match[1] not in known:
        raise undeclared(match[1])
    return known[match[1]]
