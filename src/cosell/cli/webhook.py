"""The commands that see and change where Partner Center sends its events."""

from __future__ import annotations

from typing import Annotated

import typer

from cosell.cli.options import Config, Json

webhook = typer.Typer(
    help="See and change where Partner Center sends its events.", no_args_is_help=True, rich_markup_mode=None
)


@webhook.command("status")
def status(config: Config = None, as_json: Json = False) -> None:
    """Show who receives Partner Center's events now.

    \b
    Examples:
      cosell webhook status
    """
    from cosell.cli import hooking, speaking

    speaking.speak(lambda: speaking.wait(hooking.status(config)), as_json=as_json)


@webhook.command("register")
def register(
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take the events over from whoever receives them now.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Have all four events sent to this installation; a foreign receiver is left alone without --overwrite.

    \b
    Examples:
      cosell webhook register
      cosell webhook register --overwrite
    """
    from cosell.cli import hooking, speaking

    speaking.speak(lambda: speaking.wait(hooking.register(config, overwrite=overwrite)), as_json=as_json)


@webhook.command("test")
def try_out(
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=1, help="How long to wait for Microsoft.")
    ] = 60.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Have Microsoft send an event for a test, and tell how far it came; twice a minute at most.

    \b
    Examples:
      cosell webhook test
      cosell webhook test --wait 300
    """
    from cosell.cli import hooking, speaking

    speaking.speak(lambda: speaking.wait(hooking.try_out(config, patience=wait)), as_json=as_json)


@webhook.command("release")
def release(config: Config = None, as_json: Json = False) -> None:
    """Give the events back to whom they were taken from; where they come here from the start, stop them.

    \b
    Examples:
      cosell webhook release
    """
    from cosell.cli import hooking, speaking

    speaking.speak(lambda: speaking.wait(hooking.release(config)), as_json=as_json)
