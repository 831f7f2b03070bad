"""How a verb of the control API is written: a function from the sandbox and a wish to JSON."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.shell.wishes import Wish, read_json

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

Act = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of the control API: where it is, what it does, and a body to try it with."""

    method: str
    path: str
    act: Act
    example: str = ""

    @property
    def promise(self) -> str:
        return (inspect.getdoc(self.act) or "").splitlines()[0]

    def route(self, sandbox: Sandbox) -> Route:
        async def answer(request: Request) -> Response:
            wish = await read_json(request) if self.method != "GET" else Wish(dict(request.query_params))
            result = self.act(sandbox, wish, **request.path_params)
            if inspect.isawaitable(result):
                result = await result
            return answer_json(result)

        return Route(self.path, answer, methods=[self.method])


def answer_json(value: Any, *, status: int = 200) -> Response:
    """A JSON answer that a person can read."""
    body = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, {"content-type": "application/json", "cache-control": "no-store"})
