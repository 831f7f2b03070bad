"""The settings file from the command line: what is in force, and changing single lines of it."""

from __future__ import annotations

from typing import Annotated

import typer

from cosell.cli.options import Config, Json

settings = typer.Typer(
    help="See which settings are in force, and change single ones.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@settings.command("show")
def show(config: Config = None, as_json: Json = False) -> None:
    """Show every setting in force and whether the file or the default says so; secrets by reference only.

    \b
    Examples:
      cosell settings show
      cosell settings show --json
    """
    from cosell.cli import setting, speaking

    speaking.speak(lambda: setting.shown(config), as_json=as_json)


@settings.command("set")
def change(
    pairs: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE...", help="Such as pace.sweep_at=02:30."),
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Change settings in the file; comments and everything else stay as they are.

    \b
    Examples:
      cosell settings set salesforce.stages.on_hold="On Hold"
      cosell settings set flows.inbound_lead=false pace.poll_crm=30
      cosell settings set salesforce.stages.won='["Closed Won", "Closed Won – Renewal"]'
    """
    from cosell.cli import setting, speaking

    speaking.speak(lambda: setting.changed(config, pairs), as_json=as_json)
