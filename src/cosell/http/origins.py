"""Where a request may go: exact origins, loopback told from the world."""

from __future__ import annotations

import contextlib
import ipaddress
from urllib.parse import urlsplit

from cosell.core.errors import Misconfigured


def origin(url: str, *, plain_on_loopback: bool = True) -> str:
    """The one spelling of the origin of `url`; Misconfigured where it is not a plain https origin."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    plain = parts.scheme == "http" and plain_on_loopback and is_loopback(host)
    if not host or not host.isascii() or "@" in parts.netloc or not (parts.scheme == "https" or plain):
        raise Misconfigured("An address is not a plain https address.", detail=f"host {host!r}")
    port = parts.netloc.rpartition(":")[2] if parts.port is not None else ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}:{port}" if port else f"{parts.scheme}://{bracketed}"


def is_loopback(host: str) -> bool:
    """Tells whether a host name or address means this machine."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
