"""The calls of an installation: one at a time, patient with a locked environment, past every cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from cosell.core.errors import CosellError, Gone, Retryable, Throttled, Uncertain
from cosell.ports import Clock
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.outcomes import EXISTS
from cosell.systems.dataverse.wire import Answer

LOCKED = "0x80071151"
"""Somebody else customises the environment at the moment."""
WAITS = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0)
"""Seconds between the attempts at one change."""
STRONG = {"Consistency": "Strong"}
_PURPOSE = "install"


class Calls:
    """Reads and changes the definitions of one environment."""

    def __init__(self, client: Client, clock: Clock, *, solution: str, root: str) -> None:
        """`solution`: where what is created belongs."""
        self._client, self._clock = client, clock
        self.solution, self.root = solution, root
        """`root`: the address of the Web API, where a row has to be named in full."""

    async def reads(self, parts: Sequence[Part]) -> dict[str, Answer]:
        """Reads in few calls; what was changed a moment ago is seen (dataverse-api.md 5.1)."""
        asked = [replace(part, headers={**part.headers, **STRONG}) for part in parts]
        return await self._client.reads(asked, purpose=_PURPOSE)

    async def get(self, path: str) -> Answer:
        """One read."""
        return (await self.reads([Part("GET", path, "only")]))["only"]

    async def rows(self, path: str) -> list[dict[str, object]]:
        """All rows of a list."""
        return await self._client.rows(await self.get(path), purpose=_PURPOSE)

    async def create(self, path: str, body: object, *, at: str, component: bool = True) -> Answer:
        """Makes something that then stands `at` an address, as a part of our solution.

        One that exists already is no trouble; after a lost answer it is looked for before it is made again.
        """
        headers = {"MSCRM.SolutionUniqueName": self.solution} if component else {}
        part = Part("POST", path, "made", body, headers)

        async def is_there() -> bool:
            return (await self.get(at)).ok

        return await self._patient(part, done=(EXISTS,), settled=is_there)

    async def associate(self, path: str, row: str) -> Answer:
        """Ties a row to another one; a tie that exists is no trouble."""
        body = {"@odata.id": f"{self.root}{row}"}
        return await self._patient(Part("POST", f"{path}/$ref", "tied", body), done=(EXISTS,))

    async def act(self, path: str, body: object) -> Answer:
        """Calls an action."""
        return await self._patient(Part("POST", path, "act", body), done=())

    async def change(self, path: str, body: object) -> Answer:
        """Changes columns of a row that exists."""
        # Without the header a row that is gone would be made anew (dataverse-api.md trap 1).
        return await self._patient(Part("PATCH", path, "changed", body, {"If-Match": "*"}), done=())

    async def define(self, path: str, body: object) -> Answer:
        """Puts a complete definition in the place of one; labels in other languages stay."""
        headers = {"MSCRM.SolutionUniqueName": self.solution, "MSCRM.MergeLabels": "true"}
        return await self._patient(Part("PUT", path, "changed", body, headers), done=())

    async def remove(self, path: str) -> Answer:
        """Deletes something; what is gone already is no trouble."""
        return await self._patient(Part("DELETE", path, "gone"), done=(), gone=True)

    async def wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def _patient(
        self,
        part: Part,
        *,
        done: tuple[str, ...],
        gone: bool = False,
        settled: Callable[[], Awaitable[bool]] | None = None,
    ) -> Answer:
        """Sends a change until it is answered. Each may be repeated: what exists is not made twice."""
        waits = iter(WAITS)
        while True:
            try:
                answer = await self._client.send(part, purpose=_PURPOSE)
                if answer.ok:
                    return answer
                raise self._meaning(answer)
            except CosellError as why:
                if why.code in done or (gone and isinstance(why, Gone)):
                    return Answer(204)
                pause = next(waits, None)
                if pause is None or not isinstance(why, (Retryable, Uncertain)):
                    raise
                asked = why.retry_after if isinstance(why, Throttled) else None
                await self._clock.sleep(max(pause, asked or 0.0))
                if settled is not None and await settled():
                    return Answer(204)

    def _meaning(self, answer: Answer) -> CosellError:
        why = answer.error(safe=False)
        said: Mapping[str, object] = answer.row.get("error") or {}
        if str(said.get("code", "")).lower() == LOCKED:
            return Retryable(
                "Somebody else is customising Dynamics 365 at the moment.",
                detail=f"status {answer.status}; {LOCKED}",
            )
        return why
