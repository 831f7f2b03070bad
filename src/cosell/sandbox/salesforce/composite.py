"""`/composite`, `/composite/graph` and `/composite/batch` (reference 7.1, 7.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cosell.sandbox.salesforce.errors import HALTED_TEXT, SalesforceError, entry, refusal
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.references import filled, filled_url, mentioned
from cosell.sandbox.salesforce.wire import NO_BODY, Call, Reply, parameters, segments

Answer = Callable[[Call], Reply]
MOST_PARTS = 25
MOST_QUERIES = 5
MOST_NODES = 500
MOST_GRAPHS = 75
_FORBIDDEN = frozenset({"accept", "authorization", "content-type"})
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"})
_VERSIONED = re.compile(r"^/services/data/v(\d+\.\d)(/[^?]*)?(?:\?(.*))?$", re.DOTALL)
# The guide shows all three beginnings.
_BATCH_URL = re.compile(r"^(?:/services/data/|/)?v(\d+\.\d)(/[^?]*)?(?:\?(.*))?$", re.DOTALL)
_REFERENCE_ID = re.compile(r"^\w+$", re.ASCII)
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


@dataclass(frozen=True, slots=True)
class Part:
    """One checked subrequest."""

    name: str
    method: str
    url: str
    body: Any
    headers: Mapping[str, str]

    def needs(self) -> set[str]:
        return mentioned(self.url) | mentioned(self.body)

    def kind(self) -> tuple[str, str]:
        """What may be collated with it: same method and object."""
        return self.method, "/".join(self.url.split("?")[0].split("/")[4:6])

    @property
    def conditional(self) -> bool:
        return any(name in self.headers for name in _CONDITIONS)


class Composites:
    """Runs several calls as one."""

    def __init__(self, org: Org, answer: Answer) -> None:
        self._org, self._answer = org, answer

    def composite(self, call: Call) -> Reply:
        """Runs the subrequests of one composite; 200 whatever became of them (trap 2)."""
        body = _object(call.body)
        parts = _parts(body.get("compositeRequest"), most=MOST_PARTS, call=call)
        collate = body.get("collateSubrequests", call.api >= 49) is not False
        return Reply(200, self._run(call, parts, all_or_none=body.get("allOrNone") is True, collate=collate))

    def graph(self, call: Call) -> Reply:
        """Runs several composites, each all or nothing."""
        graphs = _object(call.body).get("graphs")
        if not isinstance(graphs, list) or not graphs or len(graphs) > MOST_GRAPHS:
            raise _bad(f"graphs must list 1 to {MOST_GRAPHS} graphs")
        checked = [
            (_graph_id(one), _parts(one.get("compositeRequest"), most=MOST_NODES, call=call, graph=True))
            for one in graphs
        ]
        if sum(len(parts) for _, parts in checked) > MOST_NODES:
            raise _bad(f"at most {MOST_NODES} nodes in all graphs")
        answers = []
        for graph_id, parts in checked:
            made = self._run(call, parts, all_or_none=True, collate=False)
            worked = all(one["httpStatusCode"] < 300 for one in made["compositeResponse"])
            answers.append({"graphId": graph_id, "graphResponse": made, "isSuccessful": worked})
        return Reply(200, {"graphs": answers})

    def batch(self, call: Call) -> Reply:
        """Runs independent calls in order; nothing is rolled back."""
        body = _object(call.body)
        requests = body.get("batchRequests")
        if not isinstance(requests, list) or not 0 < len(requests) <= MOST_PARTS:
            raise _bad(f"batchRequests must list 1 to {MOST_PARTS} requests")
        results: list[dict[str, Any]] = []
        failed = False
        for one in requests:
            if failed and body.get("haltOnError") is True:
                halted = [entry("BATCH_PROCESSING_HALTED", "Batch processing halted per request")]
                results.append({"statusCode": 412, "result": halted})
                continue
            reply = self._batch_part(call, _object(one))
            failed = failed or reply.failed
            results.append({"statusCode": reply.status, "result": reply.body})
        return Reply(200, {"hasErrors": failed, "results": results})

    def _batch_part(self, call: Call, one: Mapping[str, Any]) -> Reply:
        match = _BATCH_URL.match(str(one.get("url", "")))
        if match is None:
            return Reply(404, [entry("NOT_FOUND", "The requested resource does not exist")])
        body = one.get("richInput", NO_BODY)
        return self._inner(call, str(one.get("method", "")), match, body, call.headers)

    def _run(self, call: Call, parts: list[Part], *, all_or_none: bool, collate: bool) -> dict[str, Any]:
        mark = self._org.store.mark()
        replies: dict[str, Reply] = {}
        for part in _ordered(parts) if collate else parts:
            replies[part.name] = self._part(call, part, replies)
            if all_or_none and replies[part.name].failed:
                self._org.store.undo(mark)
                replies = {part.name: replies[part.name]}
                break
        halted = Reply(400, [entry("PROCESSING_HALTED", HALTED_TEXT)])
        return {"compositeResponse": [_told(part, replies.get(part.name, halted)) for part in parts]}

    def _part(self, call: Call, part: Part, replies: Mapping[str, Reply]) -> Reply:
        results = {name: reply.body for name, reply in replies.items() if not reply.failed}
        try:
            url, body = filled_url(part.url, results), filled(part.body, results)
        except SalesforceError as refused:
            return Reply(refused.status, refused.entries)
        match = _VERSIONED.match(url)
        if match is None:
            return Reply(404, [entry("NOT_FOUND", "The requested resource does not exist")])
        return self._inner(call, part.method, match, body, {**_inherited(call), **part.headers})

    def _inner(
        self, call: Call, method: str, match: re.Match[str], body: Any, headers: Mapping[str, str]
    ) -> Reply:
        inner = Call(
            method,
            segments(match[2] or ""),
            parameters(match[3] or ""),
            headers,
            body,
            match[1],
            call.actor,
        )
        return self._answer(inner)


def _inherited(call: Call) -> dict[str, str]:
    """The headers of the whole request that hold for its parts: options, never conditions."""
    return {name: value for name, value in call.headers.items() if name.startswith("sforce-")}


def _ordered(parts: list[Part]) -> list[Part]:
    """The order in which a collating server may run them: alike ones together, references kept."""
    left, done, made = list(parts), set[str](), []
    while left:
        ready = [part for part in left if part.needs() <= done] or left[:1]
        first = ready[0]
        alike = [part for part in ready if part.kind() == first.kind() and not part.conditional]
        group = [first] if first.conditional else alike
        made.extend(group)
        done.update(part.name for part in group)
        left = [part for part in left if part not in group]
    return made


def _told(part: Part, reply: Reply) -> dict[str, Any]:
    return {
        "body": reply.body,
        "httpHeaders": reply.headers,
        "httpStatusCode": reply.status,
        "referenceId": part.name,
    }


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise refusal(400, "JSON_PARSER_ERROR", "The request body must be a JSON object")
    return body


def _graph_id(one: Any) -> str:
    graph_id = _object(one).get("graphId")
    if not isinstance(graph_id, str) or not graph_id:
        raise _bad("every graph needs a graphId")
    return graph_id


def _bad(message: str) -> SalesforceError:
    return refusal(400, "INVALID_INPUT", message)


def _parts(listed: Any, *, most: int, call: Call, graph: bool = False) -> list[Part]:
    if not isinstance(listed, list) or not listed:
        raise _bad("compositeRequest must list at least one subrequest")
    if len(listed) > most:
        raise refusal(400, "LIMIT_EXCEEDED", f"at most {most} subrequests are allowed")
    parts = [_checked(_object(one), call) for one in listed]
    names = [part.name for part in parts]
    if len(set(names)) != len(names):
        raise _bad("Duplicate referenceId provided")
    heavy = sum(1 for part in parts if _is_heavy(part.url))
    if heavy > MOST_QUERIES and not graph:
        text = f"at most {MOST_QUERIES} query and collection subrequests are allowed"
        raise refusal(400, "LIMIT_EXCEEDED", text)
    return parts


def _is_heavy(url: str) -> bool:
    inside = segments(url.split("?", 1)[0])[3:]
    return inside[:1] in (("query",), ("queryAll",)) or inside[:2] == ("composite", "sobjects")


def _checked(one: Mapping[str, Any], call: Call) -> Part:
    method, url, name = one.get("method"), one.get("url"), one.get("referenceId")
    if not isinstance(method, str) or method not in _METHODS:
        raise _bad(f"Invalid method: {method}")
    if not isinstance(name, str) or not name or (call.api >= 52 and not _REFERENCE_ID.match(name)):
        raise _bad(f"Invalid reference id: {name}. It holds letters, digits and underscores only")
    if not isinstance(url, str) or not _VERSIONED.match(url):
        raise _bad(f"Invalid url: {url}. It must start with /services/data/vXX.X/")
    if not _is_heavy(url) and segments(url.split("?", 1)[0])[3:4] != ("sobjects",):
        raise _bad(f"Unsupported resource in a composite request: {url}")
    headers = {str(k).lower(): str(v) for k, v in _object(one.get("httpHeaders") or {}).items()}
    wrong = _FORBIDDEN & headers.keys()
    if wrong:
        raise _bad(f"Header not allowed in a subrequest: {', '.join(sorted(wrong))}")
    return Part(name, method, url, one.get("body", NO_BODY), headers)
