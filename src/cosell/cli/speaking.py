"""How the command line answers: data on stdout, talk on stderr, one envelope for scripts.

Text out of records is hostile until shown otherwise: `tame` takes the control characters out of it, and
nothing is ever read as markup.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from cosell.core.errors import (
    CosellError,
    Misconfigured,
    NotAllowed,
    Retryable,
    SignedOut,
    Uncertain,
)

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
SLOW = 2.0
"""Seconds after which a person wants to see that something moves."""

DONE, FAILED, USAGE, PARTLY, SIGN_IN, STALE, PENDING, LATER, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 75, 130
"""Exit codes, design.md decision 9."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found out: `data` for scripts, `show` for people."""

    data: Any
    show: Callable[[Voice], None]
    code: int = DONE
    said: bool = False
    """Everything was said while the command ran; nothing is added at its end."""


class Refusal(CosellError):
    """The command cannot be carried out as asked; carries its own exit code."""

    def __init__(self, message: str, *, advice: str = "", exit_code: int = FAILED, data: Any = None) -> None:
        super().__init__(message, advice=advice)
        self.exit_code, self.data = exit_code, data


class Voice:
    """Prints plain lines and tables for people; never interprets what it prints."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", *, style: str = "", indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        said = Text(tame(text), style=style)
        self.console.print(Padding(said, (0, 0, 0, indent), expand=False) if indent else said)

    def table(self, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in head:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(tame(str(cell))) for cell in row))
        self.console.print(table)

    def pairs(self, rows: Iterable[tuple[str, Any]], *, indent: int = 0) -> None:
        """Two columns without a head; falls back to one line each on a narrow terminal."""
        found = [(name, tame(str(value))) for name, value in rows]
        if self.console.width < 60:
            for name, value in found:
                self.line(f"{name}: {value}", indent=indent)
            return
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        for name, value in found:
            grid.add_row(Text(name, style="dim"), Text(value))
        self.console.print(Padding(grid, (0, 0, 0, indent), expand=False))


def tame(text: str) -> str:
    """The text with everything a terminal could obey made visible instead."""
    return "".join(letter if _harmless(letter) else _shown(letter) for letter in text)


def _harmless(letter: str) -> bool:
    return letter == "\n" or letter.isprintable() or unicodedata.category(letter) == "Zs"


def _shown(letter: str) -> str:
    return " " if letter == "\t" else f"\\u{ord(letter):04x}"


def speak(work: Callable[[], Answer], *, as_json: bool) -> None:
    """Does the work, prints its answer in the form asked for, and ends the command with its code."""
    try:
        answer = work()
    except CosellError as error:
        raise typer.Exit(fail(error, as_json=as_json)) from None
    if answer.said:
        pass
    elif as_json:
        put({"ok": answer.code in (DONE, PENDING), "data": answer.data, "error": None})
    else:
        answer.show(Voice(stdout()))
    if answer.code:
        raise typer.Exit(answer.code)


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Runs the one coroutine of a command."""
    return asyncio.run(work)


def put(value: Any) -> None:
    """Writes one JSON document as one line of stdout; escaped so that no terminal obeys it."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")
    sys.stdout.flush()


def fail(error: CosellError, *, as_json: bool) -> int:
    """Says what happened, what was done and what can be done; answers the exit code."""
    did = "" if isinstance(error, Refusal) else error.did
    if as_json:
        said = {"code": error.code, "message": error.message, "did": did, "advice": error.advice}
        put({"ok": False, "data": getattr(error, "data", None), "error": said})
    else:
        say(f"{error.message} {did}".strip(), style="bold red")
        if error.advice:
            say(error.advice)
        if error.detail and os.environ.get("COSELL_DEBUG"):
            say(f"({error.detail})")
    return exit_code(error)


def exit_code(error: CosellError) -> int:
    """The exit code of an error, by what to do next."""
    match error:
        case Refusal():
            return error.exit_code
        case SignedOut() | NotAllowed():
            return SIGN_IN
        case Misconfigured():
            return FAILED
        case Retryable() | Uncertain():
            return LATER
        case _:
            return FAILED


def say(text: str, *, style: str = "") -> None:
    """Talks to the person on stderr."""
    Voice(_console(stderr=True)).line(text, style=style)


@contextlib.contextmanager
def watching(what: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal once something takes longer than two seconds; silent everywhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import Progress

    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        bar: Progress | None = None
        done = 0

        def advance(count: int) -> None:
            nonlocal bar, done
            done += count
            if bar is None and time.monotonic() - started > SLOW and done < total:
                bar = stack.enter_context(Progress(console=_console(stderr=True), transient=True))
                bar.add_task(what, total=total)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done)

        yield advance


def stdout() -> Console:
    """The console for data."""
    return _console(stderr=False)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # Without a terminal nobody wraps: lines stay whole for grep.
    width = None if stream.isatty() or "COLUMNS" in os.environ else 200
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
