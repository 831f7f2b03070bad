"""Log lines: one event with fields a line, on stderr, without secrets and without control characters."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO, Any

from cosell.wiring.keyring import LiveSecrets

LONGEST = 2000
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class Redacting(logging.Filter):
    """Stars every live secret out of a line before anything formats it (INV-13)."""

    def __init__(self, live: LiveSecrets) -> None:
        super().__init__()
        self._live = live

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._live.redact(record.getMessage()), None
        for name, value in _fields(record).items():
            if isinstance(value, str):
                setattr(record, name, self._live.redact(value))
        if record.exc_info and record.exc_info[0] is not None:
            # A traceback can quote anything, a secret and a person's name included.
            record.error = record.exc_info[0].__name__
            record.where = _place(record.exc_info[2])
            record.exc_info, record.exc_text = None, None
        return True


def _place(traceback: Any) -> str:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        module = traceback.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}.{code.co_name}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " < ".join(reversed(places[-6:]))


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _ORDINARY}


class AsWords(logging.Formatter):
    """`12:00:01 warning cosell.alerts alert.raised code=signed_out`: for people."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        said = [when, record.levelname.lower(), record.name, _tame(record.getMessage())]
        said += [f"{name}={_quoted(value)}" for name, value in _fields(record).items()]
        return " ".join(said)[:LONGEST]


class AsJson(logging.Formatter):
    """One JSON object a line: for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage()[:LONGEST],
            **{name: _plain(value) for name, value in _fields(record).items()},
        }
        return json.dumps(line, default=str)


def _plain(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value


def _tame(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _quoted(value: Any) -> str:
    text = _tame(str(value))
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def start_logging(
    live: LiveSecrets, *, form: str = "words", level: str = "info", stream: IO[str] | None = None
) -> None:
    """Sends all log lines of the product to stderr in one form; other libraries speak up from warnings on."""
    outlet = logging.StreamHandler(stream or sys.stderr)
    outlet.setFormatter(AsJson() if form == "json" else AsWords())
    outlet.addFilter(Redacting(live))
    root = logging.getLogger()
    root.handlers[:] = [outlet]
    root.setLevel(logging.WARNING)
    logging.getLogger("cosell").setLevel(level.upper())
