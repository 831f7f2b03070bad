"""What an administrator does to the sign-ins of the sandbox: secrets, certificates, withdrawn consent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosell.cli.acting import do
from cosell.cli.options import Json, Url
from cosell.cli.sandbox import sandbox

__all__ = ["sandbox"]

System = Annotated[str, typer.Argument(metavar="SYSTEM", help="entra, entra_2, salesforce or dataverse.")]


@sandbox.command()
def secret(
    system: System = "entra",
    new: Annotated[bool, typer.Option("--new", help="Make one more; the others stay good.")] = False,
    lifetime: Annotated[
        str | None,
        typer.Option("--lifetime", metavar="SPAN", help="How long the new one is good, such as 30d."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="KEY", help="End the one of this id at once, or the oldest."),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show the secrets and certificates that an application may sign in with, make one, or end one.

    \b
    Examples:
      cosell sandbox secret entra
      cosell sandbox secret entra --new --lifetime 30d
      cosell sandbox secret entra --end oldest
    """
    if new and end is not None:
        raise typer.BadParameter("make the new one first, and end the old one when it is not used any more")
    if end is not None:
        key_id = end
        do(lambda control: control.end_secret(key_id, system), url=url, as_json=as_json)
    elif new:
        do(lambda control: control.new_secret(system, lifetime=lifetime), url=url, as_json=as_json)
    else:
        do(lambda control: control.secrets(system), url=url, as_json=as_json)


@sandbox.command()
def certificate(
    system: System,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The certificate, as PEM.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Register a certificate that an application may sign in with instead of its secret.

    \b
    Examples:
      cosell sandbox certificate dataverse cosell.pem
    """
    do(lambda control: control.register_certificate(_read(file), system), url=url, as_json=as_json)


def _read(file: Path) -> str:
    from cosell.cli.speaking import Refusal

    try:
        return file.read_text("utf-8", "replace")
    except OSError as trouble:
        raise Refusal(f"{file} cannot be read: {trouble.strerror}.") from None


@sandbox.command()
def revoke(system: System, url: Url = None, as_json: Json = False) -> None:
    """Withdraw a sign-in: refresh tokens end, or the application user is taken away.

    \b
    Examples:
      cosell sandbox revoke entra
    """
    do(lambda control: control.revoke(system), url=url, as_json=as_json)


@sandbox.command(name="sign-in")
def sign_in(
    system: System = "entra",
    without_mfa: Annotated[
        bool, typer.Option("--without-mfa", help="Without a second factor; Partner Center will refuse it.")
    ] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Let a person sign in again, past all pages; shows the new refresh token where there is one.

    \b
    Examples:
      cosell sandbox sign-in entra
      cosell sandbox sign-in entra --without-mfa
    """
    do(lambda control: control.sign_in(system, mfa=not without_mfa), url=url, as_json=as_json)
