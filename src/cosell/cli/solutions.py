"""The commands of `cosell solutions`, with their words."""

from __future__ import annotations

from typing import Annotated

import typer

from cosell.cli.options import Config, Json

solutions = typer.Typer(
    help="See and fill the catalogue of solutions in the CRM.", no_args_is_help=True, rich_markup_mode=None
)


@solutions.command("list")
def solutions_list(config: Config = None, as_json: Json = False) -> None:
    """List the solutions sellers can choose from.

    \b
    Examples:
      cosell solutions list
      cosell solutions list --json
    """
    from cosell.cli import speaking, stocking

    speaking.speak(lambda: speaking.wait(stocking.listed(config)), as_json=as_json)


@solutions.command("import")
def solutions_import(
    file: Annotated[str, typer.Argument(metavar="FILE.csv", help="The solutions, a line each.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file and say what would be written; write nothing.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add the solutions of a CSV file to the catalogue, and correct those that differ.

    The first line names the columns: Solution Identifier, Solution Name, Type, Publisher Name. A file with a
    bad line is refused as a whole; importing a file twice changes nothing.

    \b
    Exit codes: 0 done, 1 nothing was imported, 3 some solutions were refused by the CRM.

    \b
    Examples:
      cosell solutions import solutions.csv --dry-run
      cosell solutions import solutions.csv
    """
    from cosell.cli import speaking, stocking

    speaking.speak(lambda: speaking.wait(stocking.imported(config, file, dry_run=dry_run)), as_json=as_json)
