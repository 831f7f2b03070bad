"""Log lines are events with fields; no secret, no traceback, no control character (INV-13)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from cosell.wiring.keyring import LiveSecrets
from cosell.wiring.logs import start_logging

SECRET = "s3cr3t-token-value"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Puts the handlers of the test runner back."""
    root, own = logging.getLogger(), logging.getLogger("cosell")
    kept, level, own_level = root.handlers[:], root.level, own.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)
    own.setLevel(own_level)


def logged(form: str, *, level: str = "info") -> tuple[logging.Logger, io.StringIO]:
    live, stream = LiveSecrets(), io.StringIO()
    live.add(SECRET)
    start_logging(live, form=form, level=level, stream=stream)
    return logging.getLogger("cosell.test"), stream


def test_a_line_is_an_event_with_fields() -> None:
    log, stream = logged("words")
    log.info("write.sent", extra={"link": "d-1", "cause": "a poll"})
    assert stream.getvalue().rstrip().endswith('info cosell.test write.sent link=d-1 cause="a poll"')


def test_a_line_for_machines_is_one_json_object() -> None:
    log, stream = logged("json")
    log.info("write.sent", extra={"link": "d-1\nforged", "count": 3})
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["link"], told["count"]) == ("write.sent", "d-1\nforged", 3)


@pytest.mark.parametrize("form", ["words", "json"])
def test_a_secret_becomes_stars_wherever_it_stands(form: str) -> None:
    log, stream = logged(form)
    log.warning("sent %s", SECRET, extra={"url": f"https://x/?t={SECRET}"})
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("***") == 2


@pytest.mark.parametrize("form", ["words", "json"])
def test_an_exception_shows_its_kind_and_place_and_nothing_it_says(form: str) -> None:
    log, stream = logged(form)
    try:
        raise ValueError(f"{SECRET} of Mrs Example")
    except ValueError:
        log.exception("reconcile.fault")
    told = stream.getvalue()
    assert len(told.splitlines()) == 1
    assert "ValueError" in told
    assert "test_logs" in told
    assert "Mrs Example" not in told


def test_control_characters_cannot_forge_a_line_or_paint_a_terminal() -> None:
    log, stream = logged("words")
    log.info("a\r\nb", extra={"title": "\x1b[31mred\x1b[0m\u202e"})
    (line,) = stream.getvalue().splitlines()
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_other_libraries_are_quiet_below_warnings() -> None:
    _, stream = logged("words")
    logging.getLogger("aiohttp.access").info("GET /?token=x")
    assert stream.getvalue() == ""
