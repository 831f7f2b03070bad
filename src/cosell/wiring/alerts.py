"""What a person should know: one row while it lasts, one log line when it comes, one when it goes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosell.ports import Clock, Store

PREFIX = "alert:"
log = logging.getLogger("cosell.alerts")


@dataclass(frozen=True, slots=True)
class Alert:
    """One standing alert."""

    code: str
    message: str
    advice: str
    since: float


class StoredAlerts:
    """Keeps alerts in the store, so that any process and the next start can show them."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, str | None] = {}

    async def raise_(self, code: str, message: str, advice: str = "") -> None:
        """Raises an alert; of one that stands already only the words are kept up to date."""
        standing, now = await self._standing(code), self._clock.now()
        since = now if standing is None else _read(code, standing).since
        row = json.dumps({"message": message, "advice": advice, "since": since})
        if row == standing:
            return
        await self._store.set_setting(PREFIX + code, row, "cosell", now)
        self._known[code] = row
        if standing is None:
            log.warning("alert.raised", extra={"code": code, "text": message})

    async def clear(self, code: str) -> None:
        """Clears an alert; one that does not stand costs nothing."""
        if await self._standing(code) is None:
            return
        await self._store.set_setting(PREFIX + code, None, "cosell", self._clock.now())
        self._known[code] = None
        log.info("alert.cleared", extra={"code": code})

    async def _standing(self, code: str) -> str | None:
        # Clearing is asked for after every success; the database is asked only the first time.
        if code not in self._known:
            self._known[code] = await self._store.setting(PREFIX + code)
        return self._known[code]


async def standing(store: Store) -> Sequence[Alert]:
    """All alerts that stand, oldest first."""
    return read(await store.settings(PREFIX))


def read(rows: Mapping[str, str]) -> Sequence[Alert]:
    """The alerts in setting rows, oldest first; a damaged row is shown as it is."""
    found = [_read(name.removeprefix(PREFIX), row) for name, row in rows.items()]
    return sorted(found, key=lambda alert: (alert.since, alert.code))


def _read(code: str, row: str) -> Alert:
    try:
        told = json.loads(row)
        return Alert(code, str(told["message"]), str(told["advice"]), float(told["since"]))
    except (ValueError, KeyError, TypeError):
        return Alert(code, row[:200], "", 0.0)
