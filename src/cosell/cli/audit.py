"""The commands that read, check and export the audit."""

from __future__ import annotations

from typing import Annotated

import typer

from cosell.cli.options import Config, Json

audit = typer.Typer(help="Read, check and export the audit.", no_args_is_help=True, rich_markup_mode=None)


@audit.command("list")
def show(
    link: Annotated[
        str | None, typer.Argument(metavar="[LINK]", help="One deal; all of them without.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many rows.")] = 20,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the newest writes and decisions.

    \b
    Examples:
      cosell audit list
      cosell audit list 0069V00000XyZabQAF --limit 100
    """
    from cosell.cli import auditing, speaking

    speaking.speak(lambda: speaking.wait(auditing.listed(config, link, limit=limit)), as_json=as_json)


@audit.command("verify")
def verify(config: Config = None, as_json: Json = False) -> None:
    """Walk the hash chain; exits with 1 and names the first bad row.

    \b
    Examples:
      cosell audit verify
    """
    from cosell.cli import auditing, speaking

    speaking.speak(lambda: speaking.wait(auditing.verify(config)), as_json=as_json)


@audit.command("export")
def export(
    link: Annotated[
        str | None, typer.Argument(metavar="[LINK]", help="One deal; all of them without.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the audit as JSON lines on stdout, newest first; --json ends it with the envelope.

    \b
    Examples:
      cosell audit export > audit.jsonl
    """
    from cosell.cli import auditing, speaking

    speaking.speak(lambda: speaking.wait(auditing.export(config, link, closed=as_json)), as_json=as_json)
