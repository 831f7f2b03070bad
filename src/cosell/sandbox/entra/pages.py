"""Prints the sign-in pages; what an application or a visitor sent in is escaped."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "/sandbox/entra.css"
_SCRIPT = "document.forms[0].submit()"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def print_page(template: str, *, status: int = 200, goes_to: str = "", **values: Any) -> Response:
    """A page; `goes_to` is the one other origin its form may lead to, by itself or by a redirect."""
    html = _ENVIRONMENT.get_template(template).render(**values)
    headers = {
        "cache-control": "no-store",
        "content-security-policy": _policy(goes_to),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(html.encode("utf-8", "replace"), status, headers)


async def style(_request: object) -> Response:
    """The look of the pages."""
    return Response((TEMPLATES / "entra.css").read_bytes(), media_type="text/css")


def _policy(goes_to: str) -> str:
    script = b64encode(sha256(_SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'self'; script-src 'sha256-{script}'; "
        f"form-action 'self' {goes_to}; frame-ancestors 'none'; base-uri 'none'"
    )
