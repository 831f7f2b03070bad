"""A credential is replaced while deals are written, and no write fails or is lost (J-8)."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from cosell.core.records import Snapshot
from cosell.crm.certificates import make, public_part
from cosell.http import AiohttpTransport
from cosell.ports import System
from cosell.systems.dataverse.options import Either
from cosell.systems.dataverse.system import Dataverse
from cosell.systems.partner_center.connection import open_connection
from cosell.systems.salesforce.options import ClientSecret, Jwt
from tests.sandbox.microsoft import private_deal
from tests.systems import dynamicsfloor, office, salesfloor
from tests.systems.dynamicsdesk import place

ROUNDS = 2
DEALS = 3


@dataclass
class Turning:
    """A credential as the database keeps it: the current value, and those beside it."""

    kept: list[str]
    seen: set[str] = field(default_factory=set)

    async def values(self) -> Sequence[str]:
        self.seen.update(self.kept)
        return list(self.kept)

    def known(self) -> Iterable[str]:
        return self.seen


Act = Callable[[], object]


async def nothing_is_lost(
    system: System, update: Callable[..., object], ids: Sequence[str], acts: Sequence[Act], expire: Act
) -> dict[str, Decimal]:
    """Writes to all deals before, while and after each act; every write must be stored.

    Each act is followed by the end of every session, so that the next write has to sign in anew.
    """
    value = Decimal(1000)
    wanted: dict[str, Decimal] = {}
    for act in (list, *acts):
        act()
        expire()
        for _ in range(ROUNDS):
            value += 1
            found = await asyncio.gather(*(_written(system, update, one, value) for one in ids))
            assert all(found), f"a write failed after {act}"
            wanted |= dict.fromkeys(ids, value)
    return wanted


async def _written(system: System, update: Callable[..., object], record: str, value: Decimal) -> bool:
    read = (await system.get_many([record]))[record]
    assert isinstance(read, Snapshot), read
    wanted = update(read, deal_value=value)
    answers = await system.update_many([wanted])  # type: ignore[list-item]
    return all(isinstance(one, Snapshot) for one in answers.values())


async def stored(system: System, wanted: dict[str, Decimal]) -> bool:
    read = await system.get_many(list(wanted))
    return {key: one.values["deal_value"] for key, one in read.items() if isinstance(one, Snapshot)} == wanted


# --- Partner Center --------------------------------------------------------------------------------


async def test_partner_center_goes_on_while_secret_and_sign_in_are_replaced() -> None:
    """Partner-center-api.md 1.2: a new client secret, then a new sign-in of the person."""
    async with office.office() as pc:
        entra = pc.microsoft.entra
        drawer = entra.drawer()
        first = drawer.secrets()[0]["key_id"]
        secret, token = Turning([entra.client_secret]), Turning([entra.refresh_token])
        connection = open_connection(
            pc.options,
            transport=AiohttpTransport(),
            keyring=office.Drawer(),
            clock=pc.clock,
            refresh_token=token,
            client_secret=secret,
        )
        pc.others.append(connection)
        ids = [(await pc.microsoft.post(private_deal(name=f"Deal {n}")))["id"] for n in range(DEALS)]

        def enter_secret() -> None:
            secret.kept.append(drawer.new_secret()["secret"])

        def switch_secret() -> None:
            secret.kept.reverse()

        def enter_token() -> None:
            token.kept.append(entra.sign_in())

        def person_s_old_sign_in_ends() -> None:
            entra.revoke_refresh_tokens()
            token.kept[1] = entra.sign_in()

        def switch_token() -> None:
            token.kept.reverse()

        def forget() -> None:
            del token.kept[1:]
            del secret.kept[1:]

        acts = (
            enter_secret,
            switch_secret,
            lambda: drawer.end_secret(first),
            enter_token,
            person_s_old_sign_in_ends,
            switch_token,
            forget,
        )
        wanted = await nothing_is_lost(
            connection.system, office.update, ids, acts, entra.expire_access_tokens
        )
        assert await stored(connection.system, wanted)


async def test_a_secret_that_ended_before_the_switch_does_not_stop_partner_center() -> None:
    """J-8: the next credential is tried where the current one is refused."""
    async with office.office() as pc:
        drawer = pc.microsoft.entra.drawer()
        first = drawer.secrets()[0]["key_id"]
        secret = Turning([pc.microsoft.entra.client_secret, drawer.new_secret()["secret"]])
        connection = open_connection(
            pc.options,
            transport=AiohttpTransport(),
            keyring=office.Drawer(),
            clock=pc.clock,
            refresh_token=pc.microsoft.entra.refresh_token,
            client_secret=secret,
        )
        pc.others.append(connection)
        drawer.end_secret(first)
        assert (await connection.system.changes(None)).cursor


# --- Salesforce ------------------------------------------------------------------------------------


async def test_salesforce_goes_on_while_the_certificate_is_replaced() -> None:
    """Salesforce-api.md 2.2: the app knows the old certificate and the new one, then the new one alone."""
    async with salesfloor.opened() as floor:
        app = floor.org.application
        first = next(iter(app.public_keys))
        key, pem = Turning([floor.org.private_key_pem]), make("next")
        system = floor.another(login=Jwt(floor.org.username, key))
        ids = [floor.deal() for _ in range(DEALS)]
        try:
            acts: Sequence[Act] = (
                lambda: app.trust_certificate(public_part(pem)),
                lambda: key.kept.append(pem),
                lambda: app.end_secret(first),
                key.kept.reverse,
                lambda: key.kept.pop(),
            )
            wanted = await nothing_is_lost(system, salesfloor.update, ids, acts, floor.org.expire_sessions)
            assert await stored(system, wanted)
        finally:
            await system.aclose()


async def test_salesforce_goes_on_while_the_consumer_secret_is_replaced() -> None:
    async with salesfloor.opened() as floor:
        app = floor.org.application
        first = next(iter(app.good_secrets))
        secret = Turning([floor.org.client_secret])
        system = floor.another(login=ClientSecret(secret))
        ids = [floor.deal() for _ in range(DEALS)]
        try:
            acts: Sequence[Act] = (
                lambda: secret.kept.append(app.new_secret()["secret"]),
                lambda: app.end_secret(first),
                secret.kept.reverse,
                lambda: secret.kept.pop(),
            )
            wanted = await nothing_is_lost(system, salesfloor.update, ids, acts, floor.org.expire_sessions)
            assert await stored(system, wanted)
        finally:
            await system.aclose()


# --- Dynamics 365 ----------------------------------------------------------------------------------


async def test_dynamics_goes_on_from_secret_to_secret_to_certificate() -> None:
    """Dataverse-api.md 1.1: a secret, another one, and a certificate instead of it."""
    made = place()
    made.frame.clock = salesfloor.Still()
    credential, entra = Turning([made.entra.client_secret]), made.entra
    options = dataclasses.replace(made.options, login=Either(credential))
    system = Dataverse(options, transport=made.transport, clock=made.clock)
    floor = dynamicsfloor.Floor(made.frame, made.org, system, made.clock, made.transport, options)
    try:
        drawer = entra.drawer()
        first = drawer.secrets()[0]["key_id"]
        pem = make("next")
        ids = [floor.deal() for _ in range(DEALS)]

        def certificate() -> None:
            entra.trust_certificate(entra.client_id, public_part(pem))
            credential.kept.append(pem)

        def only_the_certificate() -> None:
            for one in drawer.secrets():
                if one["kind"] == "secret":
                    drawer.end_secret(one["key_id"])

        acts: Sequence[Act] = (
            lambda: credential.kept.append(drawer.new_secret()["secret"]),
            credential.kept.reverse,
            lambda: drawer.end_secret(first),
            lambda: credential.kept.pop(),
            certificate,
            only_the_certificate,
            lambda: credential.kept.pop(0),
        )
        wanted = await nothing_is_lost(system, dynamicsfloor.update, ids, acts, entra.expire_access_tokens)
        assert await stored(system, wanted)
    finally:
        await system.aclose()
