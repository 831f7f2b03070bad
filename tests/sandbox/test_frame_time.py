"""The sandbox's clock is the only clock its clients see."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import aiohttp

from cosell.sandbox.shell.composition import Sandbox


async def test_answers_carry_the_sandboxs_own_time_also_after_it_was_moved() -> None:
    """salesforce-api.md 10.2: clients take the server's time from the Date header."""
    async with Sandbox.serve(base_port=0, empty=True) as sandbox, aiohttp.ClientSession() as client:
        for moved in (0.0, 86_400.0):
            sandbox.frame.clock.advance(moved)
            for system in ("partner_center", "salesforce", "webhooks", "entra"):
                async with client.get(sandbox.urls[system] + "/") as answer:
                    dates = answer.headers.getall("Date")
                    assert len(dates) == 1
                    away = parsedate_to_datetime(dates[0]) - sandbox.frame.clock.now()
                    assert abs(away.total_seconds()) < 5
