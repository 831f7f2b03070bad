"""Brings the connector's parts into a Dynamics 365 environment over the Web API, and takes them out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from cosell.core.errors import (
    CosellError,
    Misconfigured,
    NotAllowed,
    Rejected,
    SignedOut,
    Unavailable,
)
from cosell.crm import Site
from cosell.crm.installing import Act, Admin, Step, Wish
from cosell.http import Http, Timeouts, origin
from cosell.systems.dataverse.auth import SignIn
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.opening import options
from cosell.systems.dataverse.options import FixedToken, Options
from cosell.systems.dataverse.package import adopting, bodies, planning, removing
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.columns import built
from cosell.systems.dataverse.package.looking import State, look
from cosell.systems.dataverse.package.model import PACKAGE
from cosell.systems.dataverse.package.tasks import Task, stands_in_the_way
from cosell.systems.dataverse.settings import DynamicsSettings

_PATIENT = Timeouts(connect=10.0, read=300.0, total=360.0)
"""A table takes a minute to be made, an import several."""
_SETTLED = (Act.KEEP, Act.BY_HAND)
_OWN_ADVICE = (
    "Give the application user the roles System Customizer and, for the security role, System Administrator "
    "for the time of the installation; or install with the access token of an administrator."
)
_ADMIN_ADVICE = "The access token has to be that of a user with the role System Administrator."
_NOTHING = "Nothing was changed."
_ENDED = "Let the administrator make a new access token, and run the command again: what is done is kept."


def open_installer(section: DynamicsSettings, site: Site, admin: Admin) -> DynamicsInstaller:
    """The installer of the environment these settings describe; nothing is called yet."""
    if admin.username:
        raise Misconfigured(
            "Dynamics 365 does not let an application sign in for a user by name.",
            advice="Give an administrator's access token, or let the application user install (System "
            "Customizer).",
        )
    chosen = options(section, site.credential)
    if admin.token:
        chosen = replace(chosen, login=FixedToken(admin.token))
    return DynamicsInstaller(chosen, site, advice=_ADMIN_ADVICE if admin.token else _OWN_ADVICE)


class DynamicsInstaller:
    """Installs into one environment."""

    def __init__(self, options: Options, site: Site, *, advice: str) -> None:
        """`advice`: what somebody is told whose right does not reach."""
        self._options = options
        sign_in: list[SignIn] = []
        http = Http(
            site.transport,
            name="Dynamics 365",
            allow=(options.environment_url,),
            concurrency=1,
            timeouts=_PATIENT,
            secrets=lambda: [secret for one in sign_in for secret in one.secrets()],
            clock=site.clock,
        )
        sign_in.append(SignIn(options, transport=site.transport, environment=http, clock=site.clock))
        site.hide(sign_in[0].secrets)
        self._client = Client(http, sign_in[0], options, site.clock)
        root = f"{origin(options.environment_url)}/api/data/v{options.api_version}/"
        self._calls = Calls(self._client, site.clock, solution=PACKAGE.name, root=root)
        self._advice = advice
        self._begun = False

    async def plan(self, wish: Wish) -> Sequence[Step]:
        """What `install` would do now; reads only."""
        with self._advising():
            return [one.step for one in await self._tasks(wish)]

    async def install(self, wish: Wish, told: Callable[[Step], None]) -> Sequence[Step]:
        """Does what the plan says; a second run changes nothing. An interrupted run is simply run again."""
        with self._advising():
            found = await self._tasks(wish)
            if way := stands_in_the_way(found):
                raise Rejected(
                    f"The installation is blocked. {way}", advice="Decide that first.", code="blocked"
                )
            await self._carry_out(found, told)
            await self._verify(wish)
        return [one.step for one in found]

    async def removal(self, wish: Wish) -> Sequence[Step]:
        """What `uninstall` would do now; reads only."""
        with self._advising():
            return [one.step for one in removing.tasks(PACKAGE, await self._look(), wish, self._calls)]

    async def uninstall(self, wish: Wish, told: Callable[[Step], None]) -> Sequence[Step]:
        """Removes what the removal names."""
        with self._advising():
            found = removing.tasks(PACKAGE, await self._look(), wish, self._calls)
            await self._carry_out(found, told)
        return [one.step for one in found]

    async def settings(self, wish: Wish) -> Mapping[str, str]:
        """What the settings file must say so that the connector uses what is there."""
        if not wish.adopt:
            return {}
        with self._advising():
            taken = adopting.adopted(await self._look())
        return adopting.settings(taken) if taken else {}

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    @contextmanager
    def _advising(self) -> Iterator[None]:
        """Says of every trouble what became of the work, and who has the right that lacks."""
        try:
            yield
        except CosellError as why:
            why.did = "What was done before is kept; nothing else was changed." if self._begun else _NOTHING
            if isinstance(why, NotAllowed):
                why.advice = self._advice
            if isinstance(why, SignedOut) and isinstance(self._options.login, FixedToken):
                why.advice = _ENDED
            raise

    # --- the work ----------------------------------------------------------------------------------

    async def _look(self) -> State:
        return await look(self._calls, PACKAGE, self._options.client_id)

    async def _tasks(self, wish: Wish) -> list[Task]:
        state = await self._look()
        return planning.tasks(PACKAGE, state, wish, self._taken(state, wish), self._calls)

    def _taken(self, state: State, wish: Wish) -> Mapping[str, str]:
        """The columns of others: those the settings name, and on adoption those of Microsoft's solution."""
        found = adopting.named(self._options.fields)
        return {**adopting.adopted(state), **found} if wish.adopt else found

    async def _carry_out(self, found: Sequence[Task], told: Callable[[Step], None]) -> None:
        """One after the other: Dynamics 365 refuses to be customised twice at a time."""
        changed: list[str] = []
        for task in found:
            if task.do is None:
                continue
            if changed and not task.publishes:
                await self._publish(changed)
            await task.do()
            self._begun = True
            if task.publishes and task.publishes not in changed:
                changed.append(task.publishes)
            told(task.step)
        if changed:
            await self._publish(changed)

    async def _publish(self, tables: list[str]) -> None:
        """Shows sellers what was changed; a deleted table has nothing to show."""
        await self._calls.act("PublishXml", bodies.publication(tables))
        tables.clear()

    async def _verify(self, wish: Wish) -> None:
        """Reads everything back: an index that is still being built is waited for, a gap is an error."""
        state = await self._look()
        taken = self._taken(state, wish)
        for table, key in adopting.adapted(PACKAGE, taken).all_keys():
            present = state.tables[table].keys.get(key.columns) if table in state.tables else None
            if present is not None and not present.active:
                await built(table, key, self._calls)
        left = [
            one.step.what
            for one in planning.tasks(PACKAGE, state, wish, taken, self._calls)
            if one.step.act not in _SETTLED
        ]
        if left:
            raise Unavailable(
                f"Dynamics 365 took everything, and does not show this yet: {', '.join(left)}. Install again "
                "in a minute; what is done is kept."
            )
