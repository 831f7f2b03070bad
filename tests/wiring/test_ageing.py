"""Age and end of every credential are watched, and somebody is told in time (J-8)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cosell.config import settings_of
from cosell.crm.certificates import GOOD_FOR, make
from cosell.sections.secrets import Reference
from cosell.systems.partner_center.auth import KEY
from cosell.wiring.ageing import DAY, ages, findings, warn
from cosell.wiring.alerts import standing
from cosell.wiring.connections import Connected, Kept, Turns
from cosell.wiring.environment import Environment, environment
from cosell.wiring.places import Place


def settings(**dynamics: Any) -> Any:
    table = {"url": "https://example.crm.dynamics.com", "client_id": "app", **dynamics}
    return settings_of(
        {
            "environment": {"name": "staging", "kind": "staging"},
            "partner_center": {
                "environment": "staging",
                "tenant": "contoso",
                "client_id": "app",
                "refresh_token": Reference.parse("sealed:partner_center.refresh_token"),
            },
            "dynamics": {"environment": "staging", **table},
        }
    )


@pytest.fixture
async def env(tmp_path: Path) -> AsyncIterator[Environment]:
    chosen = settings(credential=Reference.parse("sealed:dynamics.credential"))
    async with environment(Place("staging", tmp_path), {}, settings=chosen) as made:
        yield made


async def keep(env: Environment, *, days: float | None, waiting: bool = False) -> None:
    now = env.clock.now()
    kept = Kept(
        "a-secret-of-dynamics", since=now - 300 * DAY, ends=None if days is None else now + days * DAY
    )
    turns = Turns(kept, replace(kept, value="the-next-secret") if waiting else None)
    await env.connections.write("dynamics", Connected("Cosell", "Contoso", now, {"credential": turns}))


async def alerts(env: Environment) -> dict[str, str]:
    return {one.code: f"{one.message} {one.advice}" for one in await standing(env.store)}


@pytest.mark.parametrize(
    ("days", "code", "says"),
    [
        (29.5, "credential_ends.dynamics.credential.30", "ends in 29 days"),
        (6.5, "credential_ends.dynamics.credential.7", "ends in 6 days"),
        (0.5, "credential_ends.dynamics.credential.1", "ends today"),
        (-3, "credential_ends.dynamics.credential.1", "has ended"),
    ],
)
async def test_a_secret_that_ends_is_warned_about(
    env: Environment, days: float, code: str, says: str
) -> None:
    await keep(env, days=days)
    await warn(env)
    ((found, text),) = (await alerts(env)).items()
    assert found == code
    assert says in text
    assert "cosell connect dynamics --rotate" in text


async def test_each_step_is_said_once_and_replacing_clears_it(env: Environment) -> None:
    for days in (29.5, 6.5, 6.4):
        await keep(env, days=days)
        await warn(env)
    assert list(await alerts(env)) == ["credential_ends.dynamics.credential.7"]
    await keep(env, days=400)
    await warn(env)
    assert await alerts(env) == {}


async def test_one_that_waits_beside_it_is_what_to_do(env: Environment) -> None:
    await keep(env, days=3, waiting=True)
    await warn(env)
    assert "cosell connect dynamics --switch" in "".join((await alerts(env)).values())


@pytest.mark.parametrize("days", [None, 31.0])
async def test_nobody_is_told_about_what_has_time(env: Environment, days: float | None) -> None:
    await keep(env, days=days)
    await warn(env)
    assert await alerts(env) == {}


async def test_a_refresh_token_that_nobody_used_for_long_is_warned_about(env: Environment) -> None:
    """Product.md J-8: 90 days without use, which nobody documents; the number is a setting."""
    used = env.clock.now() - 70 * DAY
    await env.keyring.put(KEY, json.dumps({"from": "x", "token": "y", "used": used}))
    await warn(env)
    ((code, text),) = (await alerts(env)).items()
    assert code == "credential_ends.partner_center.refresh_token.30"
    assert "cosell connect partner-center" in text


async def test_a_certificate_tells_its_own_end(tmp_path: Path) -> None:
    born = datetime.now(UTC) - GOOD_FOR + timedelta(days=5, hours=1)
    file = tmp_path / "dynamics.pem"
    file.write_text(make("cosell", born))
    file.chmod(0o600)
    chosen = settings(certificate=Reference.parse(f"file:{file}"))
    async with environment(Place("staging", tmp_path), {}, settings=chosen) as env:
        certificate = next(one for one in await ages(env) if one.name == "certificate")
        assert certificate.days(env.clock.now()) == 5
        await warn(env)
        assert "certificate of dynamics ends in 5 days" in "".join((await alerts(env)).values())


async def test_the_doctor_is_given_one_check_for_each_credential(env: Environment) -> None:
    await keep(env, days=3)
    found = {one.name: one for one in await findings(env)}
    assert found["credential partner-center refresh_token"].ok
    ending = found["credential dynamics credential"]
    assert not ending.ok
    assert ending.page == "how-to/rotate-a-secret.md"
