"""The tables a settings file is made of, and the kinds of values in them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

from cosell.core.errors import Misconfigured
from cosell.sections.secrets import Reference

_STEP = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
FILL_IN = "fill in"
"""Stands in a new file where only its owner knows the value."""


class Tag(StrEnum):
    """What kind of world a connection belongs to."""

    SANDBOX = "sandbox"
    STAGING = "staging"
    PRODUCTION = "production"


def _origin(text: str) -> str:
    """Keeps `text` when it is scheme, host and port and nothing else."""
    parts = _host(text)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must end after the host name or port; leave the path away")
    return text.rstrip("/")


def _public_url(text: str) -> str:
    """Keeps `text` when it is scheme, host, port and perhaps a plain path, under which a proxy serves us."""
    parts = _host(text)
    if "?" in text or "#" in text:
        raise ValueError("must end after its path; leave ? and # away")
    steps = parts.path.rstrip("/").split("/")[1:]
    if not all(_STEP.fullmatch(step) and step.strip(".") for step in steps):
        raise ValueError("may have a path of letters, digits, dots, hyphens and underscores only")
    return text.rstrip("/")


def _host(text: str) -> SplitResult:
    """The parts of an address whose host may be spoken to: https, or http on this machine."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be an address such as https://example.com")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if not _usable_port(parts):
        raise ValueError("must have a port between 1 and 65535")
    return parts


def _usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _time_of_day(text: str) -> str:
    """Keeps `text` when it is a time such as 02:30, or empty."""
    hours, colon, minutes = text.partition(":")
    shaped = colon and len(hours) == len(minutes) == 2 and (hours + minutes).isascii()
    if text and not (shaped and (hours + minutes).isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError("must be a time of day such as 02:30, or empty")
    return text


def _reference(raw: Any) -> Reference:
    if isinstance(raw, Reference):
        return raw
    if not isinstance(raw, str):
        raise ValueError("must be env:NAME or file:/path")
    return Reference.parse(raw)


def _several(raw: Any) -> Any:
    """One word stands for a list of one."""
    return (raw,) if isinstance(raw, str) else tuple(raw) if isinstance(raw, list) else raw


def _word(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if text == FILL_IN:
        raise ValueError("is still to be filled in")
    if text != text.strip() or not text.isprintable():
        raise ValueError("must not have spaces around it or invisible characters in it")
    return text


def _path(raw: Any) -> Path:
    if isinstance(raw, Path):
        return raw
    if not isinstance(raw, str) or not raw.strip() or "\x00" in raw:
        raise ValueError("must be a path")
    return Path(raw)


Secret = Annotated[Reference, BeforeValidator(_reference), PlainSerializer(str)]
Origin = Annotated[str, AfterValidator(_origin)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Word = Annotated[str, AfterValidator(_word)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_several)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_several)]
Place = Annotated[Path, BeforeValidator(_path)]
ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
LinkTemplate = Annotated[str, Field(pattern=r"^(https://|http://127\.0\.0\.1)[^{}\s]*\{id\}[^{}\s]*$")]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]


class Section(BaseModel):
    """One table of the file. Unknown names are refused; numbers are numbers and yes is `true`."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
    )


def refuse_other_machines(setting: str, host: str, kind: Tag) -> None:
    """Raises Misconfigured where a host is this machine's own and should not be, or the other way round."""
    local = host in ("127.0.0.1", "::1", "localhost")
    if kind is Tag.PRODUCTION and local:
        raise Misconfigured(f"This environment is production, but [{setting} points at this machine.")
    if kind is Tag.SANDBOX and not local:
        raise Misconfigured(
            f"This environment is sandbox, but [{setting} points at {host}.",
            advice="The sandbox runs on this machine. Use staging or production for real systems.",
        )
