"""Has a person sign in to Partner Center: in a browser on this machine, or with a code on another device."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Mapping
from typing import Protocol

from cosell.cli.speaking import say
from cosell.systems.partner_center.signing_in import SigningIn
from cosell.wiring.connecting import Bench
from cosell.wiring.loopback import listening


class Way(Protocol):
    """How the person wants to sign in."""

    @property
    def device(self) -> bool: ...
    @property
    def browser(self) -> bool: ...
    @property
    def redirect_port(self) -> int: ...


async def fresh_token(bench: Bench, values: Mapping[str, str], way: Way) -> str:
    """The refresh token of a person who signed in just now."""
    async with bench.person(values) as signing_in:
        token = await (_on_device(signing_in) if way.device else _in_browser(signing_in, way))
    return bench.secrets.live.add(token)


async def _in_browser(signing_in: SigningIn, way: Way) -> str:
    async with listening(way.redirect_port) as loopback:
        asked = signing_in.ask(loopback.redirect)
        loopback.state = asked.state
        say("Sign in as the person with the role Referrals admin, and complete the second factor. Open:")
        # As one whole line, however narrow the terminal: an address that was broken cannot be opened.
        sys.stderr.write(f"{asked.url}\n")
        if way.browser:
            webbrowser.open(asked.url)
        say("Waiting for the browser to come back …")
        return await signing_in.redeem(asked, asked.code(await loopback.answer()))


async def _on_device(signing_in: SigningIn) -> str:
    waiting = await signing_in.begin()
    say("On any device with a browser, sign in as the person with the role Referrals admin.")
    say(f"Open {waiting.address} and enter the code {waiting.user_code}")
    return await signing_in.wait(waiting)
