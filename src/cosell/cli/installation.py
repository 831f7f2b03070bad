"""The commands that bring our fields and rights into the CRM, with their words."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from cosell.cli.options import Config, Json

Crm: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[CRM]", help="The CRM; else the one of the settings file.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Show every step and every difference; change nothing.")
]
Pending: TypeAlias = Annotated[
    bool, typer.Option("--exit-code", help="With --dry-run: exit with 6 when something would be changed.")
]
As: TypeAlias = Annotated[
    str | None,
    typer.Option("--as", metavar="USERNAME", help="Work with the rights of this user of the CRM."),
]
Token: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="REFERENCE",
        help="Work with an access token that lies here: env:NAME or file:PATH.",
    ),
]
Page: TypeAlias = Annotated[
    str | None,
    typer.Option("--page", metavar="NAME", help="The page layout or form that shows our section."),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def install(
    crm: Crm = None,
    dry_run: DryRun = False,
    username: As = None,
    token: Token = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Use the fields that Microsoft's own package left, not ours.")
    ] = False,
    page: Page = None,
    yes: Yes = False,
    pending: Pending = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Bring the fields and rights that the sync needs into the CRM; a second time changes nothing.

    Shows every step and asks before it changes anything. Nothing of anybody else's is replaced.

    \b
    Exit codes: 0 done, 1 something stands in the way, 4 a right is missing, 6 changes are pending (only with
    --dry-run --exit-code).

    \b
    Examples:
      cosell install salesforce --dry-run
      cosell install salesforce --as admin@example.com --page "Opportunity Layout"
      cosell install --token env:ADMIN_TOKEN --yes
    """
    from cosell.cli import installing, speaking

    asked = installing.Asked(
        crm=crm, username=username, token=token, adopt=adopt, page=page, dry_run=dry_run, yes=yes,
        pending=pending, as_json=as_json,
    )  # fmt: skip
    speaking.speak(lambda: speaking.wait(installing.install(config, asked)), as_json=as_json)


def uninstall(
    crm: Crm = None,
    dry_run: DryRun = False,
    username: As = None,
    token: Token = None,
    data: Annotated[
        bool, typer.Option("--data", help="Also fields and objects, with everything that stands in them.")
    ] = False,
    page: Page = None,
    yes: Yes = False,
    pending: Pending = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take out of the CRM what `install` brought; what holds data of yours stays, unless --data.

    \b
    Exit codes: as of cosell install.

    \b
    Examples:
      cosell uninstall salesforce --dry-run
      cosell uninstall salesforce --as admin@example.com --data
    """
    from cosell.cli import installing, speaking

    asked = installing.Asked(
        crm=crm, username=username, token=token, data=data, page=page, dry_run=dry_run, yes=yes,
        pending=pending, as_json=as_json,
    )  # fmt: skip
    speaking.speak(lambda: speaking.wait(installing.uninstall(config, asked)), as_json=as_json)


def package(
    crm: Crm = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where to write it.")] = "package",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the same as files, for an administrator who installs it with the vendor's own tools.

    \b
    Examples:
      cosell package salesforce --out cosell-salesforce
    """
    from cosell.cli import installing, speaking

    speaking.speak(lambda: installing.package(config, crm, out), as_json=as_json)
