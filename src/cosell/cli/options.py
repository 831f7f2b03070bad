"""Options that every command shares, worded once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON on stdout.")]
Config: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help="The settings file, or the name of one of the sandbox's environments; else COSELL_CONFIG, "
        "else ./cosell.toml.",
    ),
]
LinkName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="LINK", help="A link key, a referral id, an opportunity id, or a pasted address of either."
    ),
]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The sandbox's index address; else the one running here."),
]
