"""Prints pages from the templates; everything that came from a record is escaped."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

TEMPLATES = Path(__file__).parent.parent / "templates"


def money(value: Any, currency: str | None) -> str:
    """An amount as people read it, such as ``1,240,000.50 EUR``."""
    if value is None or value == "":
        return "—"
    try:
        text = f"{Decimal(str(value)):,.2f}".removesuffix(".00")
    except (InvalidOperation, ValueError):
        text = str(value)
    return f"{text} {currency}" if currency else text


def plain(value: Any) -> str:
    """A number as a person types it, without a needless ``.0``."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def day(value: Any) -> str:
    """A date as people read it, such as ``30 Nov 2026``; what is no date is shown as it is."""
    if not value:
        return "—"
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return f"{found.day} {found:%b %Y}" if isinstance(found, date) else str(value)


def web_address(value: Any) -> str:
    """The address when it is a plain web link, else nothing: a record may hold any text."""
    text = str(value or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("https", "http") and parts.hostname else ""


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(money=money, plain=plain, day=day, web_address=web_address)


def print_page(template: str, *, status: int = 200, **values: Any) -> Response:
    """The page made of a template and its values."""
    html = _ENVIRONMENT.get_template(template).render(**values)
    # A lone surrogate can live in a record and cannot be sent.
    return HTMLResponse(html.encode("utf-8", "replace"), status, {"cache-control": "no-store"})


def go_to(path: str) -> Response:
    """Sends the browser on after a change, so that reloading does not repeat it."""
    return RedirectResponse(path, status_code=303)
