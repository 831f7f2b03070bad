"""Where the program begins: parses the command line and turns every ending into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from cosell.cli import speaking
from cosell.cli.app import app


def run(arguments: Sequence[str]) -> int:
    """Runs one command; answers its exit code and never lets a traceback out."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter shows a question mark, not a crash.
            stream.reconfigure(errors="replace")
    as_json = "--json" in arguments
    try:
        code = _command()(args=list(arguments), prog_name="cosell", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except (typer.Abort, KeyboardInterrupt):
        return speaking.INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Whoever read us has read enough, which the parser turns into SystemExit; without this Python
        # complains while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return speaking.DONE
    except Exception as error:
        return _ended_by(error, as_json=as_json)


def _command() -> Any:
    return typer.main.get_command(app)


def _ended_by(error: Exception, *, as_json: bool) -> int:
    told = getattr(error, "format_message", None)
    if told is None:
        if os.environ.get("COSELL_DEBUG"):
            raise error
        return speaking.fail(_unforeseen(error), as_json=as_json)
    if as_json:
        refusal = speaking.Refusal(str(told()), advice="See --help.", exit_code=speaking.USAGE)
        refusal.code = "usage"
        return speaking.fail(refusal, as_json=True)
    _usage_of(error)
    speaking.say(f"Error: {told()}")
    return speaking.USAGE


def _usage_of(error: Exception) -> None:
    context = getattr(error, "ctx", None)
    if context is not None:
        speaking.say(context.get_usage())
        speaking.say(f"Try «{context.command_path} --help».")


def _unforeseen(error: Exception) -> speaking.Refusal:
    where, traceback = "", error.__traceback__
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.startswith("cosell"):
            where = f" in {module}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    refusal = speaking.Refusal(
        f"Something unforeseen happened ({type(error).__name__}{where}).",
        advice="This is a bug. Set COSELL_DEBUG=1 and repeat the command to see all of it.",
    )
    refusal.code = "unforeseen"
    return refusal
