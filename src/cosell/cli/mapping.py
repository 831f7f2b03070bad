"""The commands that look at the mapping."""

from __future__ import annotations

from typing import Annotated

import typer

from cosell.cli.options import Config, Json

mapping = typer.Typer(help="Look at the mapping and check it.", no_args_is_help=True, rich_markup_mode=None)


@mapping.command("lint")
def lint(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A mapping file; else the one in use.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check a mapping, also against the fields both systems have; exits with 1 and the reasons.

    \b
    Examples:
      cosell mapping lint
      cosell mapping lint mapping.toml
    """
    from cosell.cli import charting, speaking

    speaking.speak(lambda: speaking.wait(charting.lint(config, file)), as_json=as_json)


@mapping.command("show")
def show(config: Config = None, as_json: Json = False) -> None:
    """Show for every field which way it travels and who wins.

    \b
    Examples:
      cosell mapping show
    """
    from cosell.cli import charting, speaking

    speaking.speak(lambda: charting.show(config), as_json=as_json)
