"""Opens a settings file that may still be incomplete, so that one of its systems can be connected to."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from cosell.config.reading import draft_of, read_text
from cosell.core.errors import Misconfigured
from cosell.crm import named, supported
from cosell.store import open_store
from cosell.wiring.alerts import StoredAlerts
from cosell.wiring.connectable import PARTNER_CENTER, Which, which
from cosell.wiring.connecting import Bench
from cosell.wiring.connections import Connections
from cosell.wiring.credentials import Secrets
from cosell.wiring.keyring import LiveSecrets, SealedKeyring, find_key
from cosell.wiring.places import Place
from cosell.wiring.world import FairDice, WallClock


@contextlib.asynccontextmanager
async def opened(
    file: Path, word: str, environ: Mapping[str, str], *, live: LiveSecrets | None = None
) -> AsyncIterator[Bench]:
    """The file and the system meant; the file may still lack everything but its [environment]."""
    chosen, text = which(word), read_text(file)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{file.name} is not readable TOML: {str(error)[:200]}.") from None
    environment, _ = draft_of(tables, file.name)
    _refuse_other_crm(tables, chosen, file.name)
    place = Place(environment.name, file.parent / environment.data / environment.name)
    place.prepare()
    store = open_store(place.database, environment=place.name, dice=FairDice())
    try:
        clock, secrets = WallClock(), live or LiveSecrets()
        keyring = SealedKeyring(store, find_key(place.data, place.name, environ), clock=clock, live=secrets)
        finder = Secrets(environ, file.parent, secrets, lambda: Connections(keyring))
        alerts = StoredAlerts(store, clock=clock)
        yield Bench(chosen, file, text, environment, keyring, finder, alerts, clock)
    finally:
        await store.aclose()


def _refuse_other_crm(tables: Mapping[str, Any], chosen: Which, name: str) -> None:
    """One environment joins one CRM; a second table would make the file unreadable."""
    others = [one for one in supported() if one in tables and one != chosen.table]
    if others and chosen.table != PARTNER_CENTER:
        raise Misconfigured(
            f"{name} joins {named(others[0]).label} already.",
            advice="One environment joins one CRM. Write another file: "
            f"cosell init --crm {chosen.table} other.toml",
        )
