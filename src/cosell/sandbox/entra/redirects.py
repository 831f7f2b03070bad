"""Which reply addresses an application may be answered at: those registered, letter for letter (RFC 8252)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlencode, urlsplit

_LOOPBACK = frozenset(("localhost", "127.0.0.1"))


def is_registered(redirect_uri: str, registered: Iterable[str]) -> bool:
    """Whether an address equals a registered one; on this machine's own addresses any port will do."""
    return any(redirect_uri == one or _differs_by_port(redirect_uri, one) for one in registered)


def refuse_unfit(redirect_uri: str) -> None:
    """Raises ValueError for an address that cannot be registered: https, or http on this machine."""
    parts = urlsplit(redirect_uri)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise ValueError("an address must begin with https, or with http://localhost")


def answer_at(redirect_uri: str, answer: dict[str, str], *, mode: str) -> str:
    """The address a browser is sent back to; one without a path is given its slash."""
    parts = urlsplit(redirect_uri)
    bare = redirect_uri if parts.path else f"{parts.scheme}://{parts.netloc}/" + _query(parts)
    if mode == "fragment":
        return f"{bare}#{urlencode(answer)}"
    return f"{bare}{'&' if parts.query else '?'}{urlencode(answer)}"


def origin(redirect_uri: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def _differs_by_port(asked: str, registered: str) -> bool:
    try:
        one, other = urlsplit(asked), urlsplit(registered)
        here = one.hostname in _LOOPBACK and one.username is None and (one.port is None or one.port > 0)
    except ValueError:
        return False
    return here and _portless(one) == _portless(other)


def _portless(parts: SplitResult) -> tuple[str, str | None, str, str, str]:
    return parts.scheme, parts.hostname, parts.path, parts.query, parts.fragment


def _query(parts: SplitResult) -> str:
    return f"?{parts.query}" if parts.query else ""
