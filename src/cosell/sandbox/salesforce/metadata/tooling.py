"""`/tooling/sobjects/CustomField`: one field a call, with no way back (reference 12.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.salesforce.errors import json_error, not_found, refusal
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.metadata.components import Component
from cosell.sandbox.salesforce.metadata.objects import deploy_field
from cosell.sandbox.salesforce.metadata.trouble import Trouble
from cosell.sandbox.salesforce.metadata.workshop import Workshop
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.wire import Call, Reply, method_not_allowed


class Tooling:
    """Creates custom fields one by one."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, call: Call) -> Reply:
        if tuple(part.lower() for part in call.path[1:]) != ("sobjects", "customfield"):
            raise not_found()
        if call.method != "POST":
            raise method_not_allowed(call, "POST")
        if not self._org.rights(call.actor).may("CustomizeApplication"):
            text = "insufficient access rights on object id"
            raise refusal(403, "INSUFFICIENT_ACCESS_OR_READONLY", text, [])
        name, node = _wanted(call.body)
        owner, _, own = name.partition(".")
        holder = self._org.schema.objects.get(owner.lower())
        if holder is not None and own.lower() in holder.fields:
            text = f"There is already a field named {own} on {holder.name}."
            raise refusal(400, "DUPLICATE_DEVELOPER_NAME", text, ["FullName"])
        work = Workshop(self._org, call.actor.user_id)
        work.begin()
        try:
            deploy_field(work, Component("CustomField", name, "", node))
        except Trouble as trouble:
            work.take_back()
            raise refusal(400, "FIELD_INTEGRITY_EXCEPTION", trouble.problem, []) from None
        work.keep()
        made = {"id": self._org.mint.make("00N"), "success": True, "errors": [], "warnings": [], "infos": []}
        return Reply(201, made)


def _wanted(body: Any) -> tuple[str, Node]:
    """The full name of the field and its definition as the tree a file would hold."""
    if not isinstance(body, Mapping) or not isinstance(body.get("Metadata"), Mapping):
        raise json_error("The body must hold FullName and Metadata")
    name = body.get("FullName")
    if not isinstance(name, str) or "." not in name:
        raise refusal(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName]", ["FullName"])
    node = Node("fields", children=[Node("fullName", text=name.partition(".")[2])])
    for key, value in body["Metadata"].items():
        node.children.extend(_nodes(str(key), value))
    return name, node


def _nodes(key: str, value: Any) -> list[Node]:
    """A JSON value as elements: a list repeats the element, null is none."""
    match value:
        case None:
            return []
        case list():
            return [one for each in value for one in _nodes(key, each)]
        case Mapping():
            return [Node(key, children=[one for name, each in value.items() for one in _nodes(name, each)])]
        case bool():
            return [Node(key, text="true" if value else "false")]
        case _:
            return [Node(key, text=str(value))]
