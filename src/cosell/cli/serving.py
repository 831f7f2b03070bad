"""Serves the sandbox alone, for foreign clients and for staging."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from cosell.cli.papers import hand_over
from cosell.cli.speaking import USAGE, Answer, Refusal, Voice, put, stdout
from cosell.sandbox.frame import Org
from cosell.sandbox.shell.composition import Options, Sandbox, run_forever
from cosell.sandbox.shell.serving import PortInUse


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the sandbox is to be served."""

    host: str
    base_port: int
    tls: bool
    seed: int | None
    empty: bool
    org: Org
    as_json: bool
    papers: str | None = None
    """A folder for what the administrators of the simulated organisations would hand over."""


def serve(wanted: Wanted) -> Answer:
    """Serves until Ctrl-C; with --json the description comes first, as one line of stdout."""
    options = Options(wanted.host, wanted.base_port, wanted.tls, wanted.seed, wanted.empty, wanted.org)

    def started(sandbox: Sandbox) -> None:
        if wanted.papers is not None:
            hand_over(sandbox.description, Path(wanted.papers))
        if wanted.as_json:
            put(sandbox.description)
        else:
            introduce(Voice(stdout()), sandbox)

    try:
        asyncio.run(run_forever(options, started=started))
    except PortInUse as error:
        raise Refusal(str(error)) from None
    return Answer(None, lambda _: None, said=True)


def org_named(name: str) -> Org:
    """What is to be installed in the CRMs, by its name on the command line."""
    try:
        return Org(name)
    except ValueError:
        raise Refusal(f"«{name}» is none of {', '.join(Org)}.", exit_code=USAGE) from None


def introduce(voice: Voice, sandbox: Sandbox) -> None:
    """Prints what runs where."""
    voice.line("The sandbox runs. Ctrl-C ends it.", style="bold")
    voice.pairs(rows(sandbox))
    if sandbox.ca_file is not None:
        voice.line(f"Its certificates are trusted where SSL_CERT_FILE={sandbox.ca_file}")
    voice.line("Try: cosell sandbox deals")


def rows(sandbox: Sandbox) -> list[tuple[str, str]]:
    """What runs where, a line each."""
    names = {
        "index": "Sandbox",
        "partner_center": "Partner Center",
        "webhooks": "Webhooks",
        "entra": "Entra ID",
        "salesforce": "Salesforce",
        "dataverse": "Dynamics 365",
        "partner_center_2": "Partner Center 2",
        "webhooks_2": "Webhooks 2",
        "entra_2": "Entra ID 2",
    }
    return [(names.get(place, place), url) for place, url in sandbox.urls.items()]
