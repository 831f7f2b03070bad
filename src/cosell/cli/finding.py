"""Finds the environment and the deal a person means."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

from cosell.cli.speaking import Refusal
from cosell.core.records import Link
from cosell.wiring.environment import Environment, environment
from cosell.wiring.places import SANDBOXES, Place, locate

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_OPPORTUNITY = re.compile(r"(?<![A-Za-z0-9])006[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?(?![A-Za-z0-9])")
LONGEST = 4000


@contextlib.asynccontextmanager
async def opened(config: str | None, *, new: bool = False) -> AsyncIterator[Environment]:
    """The environment meant, its database open beside whoever else has it open.

    `new` makes the database of an environment with settings; looking at one must not.
    """
    place = locate(config, os.environ)
    if place.settings is None or not new:
        known(place)
    async with environment(place, os.environ) as env:
        yield env


def known(place: Place) -> None:
    """Refuses an environment that has no database yet; looking at it must not make one."""
    if not place.database.exists():
        raise Refusal(
            f"There is no database of the environment {place.name} yet ({place.database}).",
            advice="Start the sync first: cosell run",
        )


async def link_named(env: Environment, named: str) -> Link:
    """The link a person means by a key, an id of either record, or a pasted address."""
    for name in candidates(named):
        link = await env.store.link(name)
        if link is not None:
            return link
    raise Refusal(
        f"No deal is known by «{named[:200]}».",
        advice="Give a link key, a referral id, an opportunity id, or the address of one of the two."
        + _elsewhere(env.place.name),
    )


def _elsewhere(name: str) -> str:
    """Where else the deal may be: both sandbox environments run in one process."""
    others = [one for one in SANDBOXES if one != name] if name in SANDBOXES else []
    return f" For a deal of the other environment: --config {others[0]}." if others else ""


def candidates(named: str) -> list[str]:
    """What the text may mean, the likeliest first."""
    text = named.strip()[:LONGEST]
    found = [text] if text and "://" not in text else []
    if "://" in text:
        parts = urlsplit(text)
        # The last id in an address is the record; those before it are what it lies in.
        text = unquote(f"{parts.path}?{parts.query}#{parts.fragment}")
    for form in (_OPPORTUNITY, _GUID):
        found += reversed(form.findall(text))
    found += [one.lower() for one in found if _GUID.fullmatch(one)]
    return list(dict.fromkeys(found))
