"""The store port on one database: each verb is one order, answered after its commit."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TypeVar, cast

from cosell.core.errors import Misconfigured, Unavailable
from cosell.core.records import Link, Side, Write, WriteState
from cosell.ports import AuditRow, ChainReport, Dice, LinkFilter, Load, Poke, Taken
from cosell.store import chain, doubting, folding, inbox, journal, links, names, schema
from cosell.store.changes import Change, Release
from cosell.store.commit import Desk, GroupCommit, InlineDesk, OnCommit, Order, ThreadDesk, Work
from cosell.store.sqlite import PATIENCE, Database, Memory, check_file, complaints, connect_file
from cosell.store.transaction import Transaction

T = TypeVar("T")
log = logging.getLogger("cosell.store")

DIGEST_KEY = "chain.key"
"""The secret that keys the digests of personal values, made with the database."""


class SqlStore:
    """The Store of one environment. Made by `open_store`."""

    def __init__(self, desk: Desk, dice: Dice, digest_key: bytes) -> None:
        self._desk = desk
        self._dice = dice
        self._digest_key = digest_key
        self._trouble: Unavailable | None = None

    @property
    def trouble(self) -> Unavailable | None:
        return self._trouble

    # --- inbox

    async def poke(self, pokes: Sequence[Poke], now: float) -> None:
        if pokes:
            await self._write(partial(inbox.poke, pokes=pokes, now=now, token=self._dice.token))

    async def poke_keys(self, keys: Sequence[str], cause: str, now: float) -> None:
        rows = [inbox.poke_row(key, cause, now) for key in dict.fromkeys(keys)]
        if rows:
            await self._write(partial(inbox.poke_rows, rows=rows))

    async def poke_all(self, cause: str, now: float) -> int:
        return await self._write(partial(inbox.poke_all, cause=cause, now=now))

    async def advance(self, cursor_name: str, cursor: str, pokes: Sequence[Poke], now: float) -> None:
        def together(transaction: Transaction) -> None:
            inbox.poke(transaction, pokes, now, token=self._dice.token)
            names.move_cursor(transaction, cursor_name, cursor, now=now)

        await self._write(together)

    async def take(self, limit: int, owner: str, now: float, lease_for: float) -> Sequence[Taken]:
        work = partial(inbox.take, limit=limit, owner=owner, now=now, lease_for=lease_for)
        return await self._write(work, surely=False)

    async def renew(self, taken: Sequence[Taken], now: float, lease_for: float) -> None:
        work = partial(inbox.renew, taken=taken, now=now, lease_for=lease_for)
        await self._write(work, surely=False)

    async def free_leases(self, gone: Callable[[str], bool]) -> int:
        return await self._write(partial(inbox.free_leases, gone=gone), surely=False)

    async def next_due(self, now: float) -> float | None:
        return await self._read(partial(inbox.next_due, now=now))

    async def load(self, now: float) -> Load:
        return await self._read(partial(inbox.load, now=now))

    # --- what rests on a lease

    async def done(self, taken: Taken, now: float, not_before: float | None = None) -> None:
        """As the port says; nothing is put off for longer than a quarter of an hour."""
        if not_before is not None:
            not_before = min(not_before, now + inbox.FAR - 1)
        await self._change(Change(taken, release=Release(not_before)))

    async def begin(
        self, taken: Taken, write: Write, link: Link | None = None, *, known: str | None = None
    ) -> Link:
        if write.state is not WriteState.OPEN:
            raise ValueError(f"{write.id} is to begin and is {write.state} already")
        return await self._change(Change(taken, link=link, opened=write, known=known))

    async def sent_again(self, taken: Taken, write: Write) -> None:
        await self._change(Change(taken, sent_again=write))

    async def finish(
        self, taken: Taken, writes: Sequence[Write], link: Link, *, known: str | None = None
    ) -> Link:
        for write in writes:
            if write.state is WriteState.OPEN:
                raise ValueError(f"{write.id} is to be finished and is still open")
        return await self._change(Change(taken, link=link, finished=tuple(writes), known=known))

    async def save(self, taken: Taken, link: Link) -> Link:
        return await self._change(Change(taken, link=link))

    async def join(self, taken: Taken, other_key: str) -> None:
        if taken.key == other_key:
            raise ValueError(f"{other_key} cannot be folded into itself")
        await self._write(partial(folding.join, taken=taken, other_key=other_key))

    # --- links and journal

    async def links_of(self, side: Side, ids: Sequence[str]) -> Mapping[str, Link]:
        return await self._read(partial(links.links_of, side=side, ids=ids))

    async def link_of_engagement(self, engagement_id: str) -> Link | None:
        return await self._read(partial(links.link_of_engagement, engagement_id=engagement_id))

    async def link(self, key_or_id: str) -> Link | None:
        return await self._read(partial(links.link, key_or_id=key_or_id))

    async def links(self, which: LinkFilter) -> Sequence[Link]:
        return await self._read(partial(links.links, which=which))

    async def decide(self, link: Link, decision: Write, now: float) -> Link:
        return await self._write(
            partial(journal.decide, link=link, decision=decision, now=now, digest_key=self._digest_key)
        )

    async def known_writes(self, ids: Sequence[str]) -> frozenset[str]:
        return await self._read(partial(journal.known, ids=ids))

    async def distrust(self, decision: Write, setting: tuple[str, str], now: float) -> int:
        return await self._write(
            partial(
                doubting.distrust, decision=decision, setting=setting, now=now, digest_key=self._digest_key
            )
        )

    async def journal(
        self, link_key: str | None, limit: int, before: int | None = None
    ) -> Sequence[AuditRow]:
        return await self._read(partial(journal.journal, link_key=link_key, limit=limit, before=before))

    async def verify(self) -> ChainReport:
        """As the port says, page by page, so that others are served in between."""
        report, more = ChainReport(rows=0, head=""), True
        while more:
            report, more = await self._read(partial(chain.check_page, so_far=report, key=self._digest_key))
        return report

    # --- values by name

    async def cursor(self, name: str) -> str | None:
        return await self._read(partial(names.cursor, name=name))

    async def hold_lease(self, name: str, owner: str, now: float, lease_for: float) -> bool:
        return await self._write(
            partial(names.hold_lease, name=name, owner=owner, now=now, lease_for=lease_for)
        )

    async def release_lease(self, name: str, owner: str) -> None:
        await self._write(partial(names.release_lease, name=name, owner=owner))

    async def setting(self, name: str) -> str | None:
        return await self._read(partial(names.setting, name=name))

    async def set_setting(self, name: str, value: str | None, who: str, now: float) -> None:
        await self._write(partial(names.set_setting, name=name, value=value, who=who, now=now))

    async def amend(
        self, name: str, change: Callable[[str | None], str | None], who: str, now: float
    ) -> tuple[str | None, str | None]:
        return await self._write(partial(names.amend, name=name, change=change, who=who, now=now))

    async def settings(self, prefix: str) -> Mapping[str, str]:
        return await self._read(partial(names.settings, prefix=prefix))

    async def secret(self, name: str) -> bytes | None:
        return await self._read(partial(names.secret, name=name))

    async def set_secret(self, name: str, sealed: bytes, now: float) -> None:
        await self._write(partial(names.set_secret, name=name, sealed=sealed, now=now))

    async def aclose(self) -> None:
        """Finishes what was asked for and lets go of the database."""
        await self._desk.aclose()

    # --- orders

    async def _change(self, change: Change) -> Link:
        for named in (change.link and change.link.key, change.opened and change.opened.link_key):
            if named not in (None, change.taken.key):
                raise ValueError(f"{named} is not the key that was taken, {change.taken.key}")
        return cast(Link, await self._order(change, writes=True))

    async def _write(self, work: Work[T], *, surely: bool = True) -> T:
        return cast(T, await self._order(work, writes=True, surely=surely))

    async def _read(self, work: Work[T]) -> T:
        return cast(T, await self._order(work, writes=False))

    async def _order(self, work: Change | Work[T], *, writes: bool, surely: bool = True) -> object:
        order = Order(work, writes, asyncio.get_running_loop().create_future())
        self._desk.put(order)
        try:
            answer: object = await order.answer
        except Unavailable as error:
            if writes:
                self._note(error)
            raise
        if writes and surely:
            # What may have found nothing to write proves nothing about the disk.
            self._note(None)
        return answer

    def _note(self, trouble: Unavailable | None) -> None:
        """Remembers how writing went, and says so when that changes."""
        if (self._trouble is None) is not (trouble is None):
            if trouble is not None:
                log.error("store.trouble", extra={"error": trouble.code})
            else:
                log.warning("store.well")
        self._trouble = trouble


def open_store(
    where: str | PathLike[str] | Memory,
    *,
    environment: str,
    dice: Dice,
    inline: bool = False,
    migrate: bool = True,
    on_commit: OnCommit | None = None,
    patience: float = PATIENCE,
) -> SqlStore:
    """Opens, and where needed makes or upgrades, the database; needs no running loop.

    `where` is a path, a `sqlite:///` URL, or a `Memory` that worlds share and reopen; that is always inline.
    `inline` works on the event loop without a thread. `migrate=False` refuses tables that are not today's.
    `on_commit` is called right before and after each commit that changes something; what it raises reaches
    all whose orders that commit carries, which is how a world is killed there. `patience` is how many seconds
    a database locked by another program is waited for.
    """
    if isinstance(where, Memory):
        database, inline = where.database(), True
    else:
        database = _file(_path_of(fspath(where)), migrate=migrate, patience=patience)
    try:
        digest_key = _digest_key(database, environment, dice if inline else None)
    except BaseException:
        database.close()
        raise
    commits = GroupCommit(database, environment, digest_key=digest_key, on_commit=on_commit)
    desk: Desk = InlineDesk(commits) if inline else ThreadDesk(commits)
    return SqlStore(desk, dice, digest_key)


def memory() -> Memory:
    """A new migrated database in memory; cheap once the process has made the first."""
    return Memory(schema.template())


def migrate(where: str | PathLike[str]) -> str:
    """Makes or upgrades the database without opening a store; answers its version."""
    path = _path_of(fspath(where))
    _present(path)
    return schema.migrate(path)


def schema_version(where: str | PathLike[str]) -> str | None:
    """The version of the tables in an existing database."""
    path = _path_of(fspath(where))
    check_file(path)
    return schema.schema_version(path)


def _path_of(where: str) -> Path:
    scheme, found, rest = where.partition("://")
    if not found:
        return Path(where)
    if scheme != "sqlite" or not rest.startswith("/"):
        raise Misconfigured(
            "This version of Cosell keeps its data in an SQLite file only.",
            detail=f"the database setting begins with {scheme}://",
            advice="Set the database to a file, such as cosell-data/cosell.db.",
            code="store_kind",
        )
    return Path(rest.removeprefix("/"))


def _present(path: Path) -> None:
    if not path.exists():
        schema.create(path)
    check_file(path)


def _file(path: Path, *, migrate: bool, patience: float) -> Database:
    _present(path)
    raw = connect_file(path, patience=patience)
    try:
        with complaints():
            version = schema.version_of(raw)
            if version != schema.HEAD and not migrate:
                raise schema.outdated(path.name, version)
            if version != schema.HEAD:
                schema.upgrade(raw, path.name)
        return Database(raw)
    except BaseException:
        raw.close()
        raise


def _digest_key(database: Database, environment: str, dice: Dice | None) -> bytes:
    """The key of this environment; made once, by the world's dice where there is a world."""
    with database.transaction(writing=False) as connection:
        found = names.secret(Transaction(connection, environment), DIGEST_KEY)
    if found is not None:
        return found
    with database.transaction(writing=True) as connection:
        transaction = Transaction(connection, environment)
        found = names.secret(transaction, DIGEST_KEY)  # somebody else may have opened it at the same time
        if found is None:
            token = secrets.token_bytes(32) if dice is None else dice.token().encode()
            found = hashlib.sha256(token).digest()
            names.set_secret(transaction, DIGEST_KEY, found, now=0.0)
    return found
