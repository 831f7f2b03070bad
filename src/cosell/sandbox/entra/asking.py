"""Reads what applications ask of the directory, whichever endpoint they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.clients import Asked
from cosell.sandbox.entra.directory import Tenant
from cosell.sandbox.frame import Frame

_LARGEST_FORM = 64 * 1024
_FORM = "application/x-www-form-urlencoded"


class Reader:
    """Reads requests to one directory and writes its refusals."""

    def __init__(self, frame: Frame, tenant: Tenant, base_url: str) -> None:
        self._frame, self._tenant, self._base_url = frame, tenant, base_url

    async def asked(self, request: Request, *, version: int) -> Asked:
        """A request to a token endpoint of this tenant."""
        self.check_tenant(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            raise refusals.missing("grant_type")
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        url = f"{self._base_url}{request.url.path}"
        return Asked(await form(request), basic.strip() if scheme.lower() == "basic" else "", version, url)

    def check_tenant(self, request: Request) -> None:
        """Refuses the name of a directory that is not this one."""
        tenant = request.path_params["tenant"]
        if tenant.lower() not in self._tenant.names:
            raise refusals.unknown_tenant(tenant)

    def refused(self, refusal: refusals.Refusal) -> Response:
        """A refusal as an application gets it."""
        return as_json(self.body(refusal), status=refusal.status)

    def body(self, refusal: refusals.Refusal) -> dict[str, Any]:
        """A refusal with its marks of time and place."""
        return refusal.body(self._frame.clock.now(), self._base_url)


async def form(request: Request) -> dict[str, str]:
    """The fields of a submitted form; of a field that comes twice the last one."""
    raw = (await request.body())[:_LARGEST_FORM]
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


def as_json(body: Mapping[str, Any], *, status: int = 200) -> Response:
    """An answer that nobody on the way may keep."""
    headers = {"cache-control": "no-store", "pragma": "no-cache"}
    return Response(orjson.dumps(body), status, headers, "application/json; charset=utf-8")
