"""What happened in a world, told in order of virtual time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution
from cosell.ports import Creation, Invitation, Update

from .loop import VirtualLoop


class Story:
    """A list of events; words are only made of it when somebody reads it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.events: list[tuple[float, str, str, tuple[Any, ...]]] = []

    def tell(self, who: str, what: str, *about: Any) -> None:
        """Notes that `who` did `what` now; what it is about must not change afterwards."""
        self.events.append((self._loop.now, who, what, about))

    def lines(self) -> list[str]:
        """The story as people read it: of a record only what differs from its last mention."""
        speaker = Speaker()
        return [
            f"{at:10.3f}  {who:<10} {what:<26} {'  '.join(map(speaker.show, about))}".rstrip()
            for at, who, what, about in self.events
        ]

    def digest(self) -> str:
        """A fingerprint: two runs of one seed must have the same."""
        return hashlib.sha256("\n".join(self.lines()).encode("utf-8", "surrogatepass")).hexdigest()


class Speaker:
    """Puts things into words, and does not repeat what it said of a record before."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, bool], Mapping[str, Any]] = {}

    def show(self, thing: Any) -> str:
        """A short form for people; the same on every run."""
        match thing:
            case Snapshot():
                who = {True: " by us", False: " by them", None: ""}[thing.touched_by_us]
                head = f"{_id(thing.id)}@{thing.version}{'' if thing.firm else '~'}{who}"
                return f"<{head}{' part' if not thing.complete else ''} {self._news(thing)}>"
            case Mapping():
                return "{" + ", ".join(f"{_id(key)}: {self.show(one)}" for key, one in thing.items()) + "}"
            case tuple() | list():
                return "(" + ", ".join(map(self.show, thing)) + ")"
            case _:
                return show(thing)

    def _news(self, snapshot: Snapshot) -> str:
        about = (snapshot.id, snapshot.complete)
        before = self._told.get(about, {})
        now = {
            **snapshot.values,
            "other": snapshot.partner_id,
            "on": snapshot.enrolled,
            "mark": snapshot.mark,
        }
        self._told[about] = now
        return _values({key: one for key, one in now.items() if key not in before or before[key] != one})


def show(thing: Any) -> str:
    """A short form of one plain thing."""
    match thing:
        case str():
            return _id(thing) if thing.isprintable() else ascii(thing)
        case float():
            return f"{thing:.3f}"
        case BaseException():
            return f"!{type(thing).__name__}({thing})"
        case Update():
            head = f"{thing.write_id[:6]} → {_id(thing.record_id)}{'' if thing.guard else ' UNGUARDED'}"
            marks = f" {thing.marks.mark or ''}{' trail' if thing.marks.trail else ''}"
            ids = "".join(f" id={_id(one)}" for one in (thing.marks.referral_id, thing.external_id) if one)
            return f"[{head}@{thing.seen.version} {_values(thing.values)}{marks}{ids}]"
        case Creation():
            whose = f" of {_id(thing.account_id)}" if thing.account_id else ""
            return f"[{thing.write_id[:6]} new for {_id(thing.partner_id)}{whose} {_values(thing.values)}]"
        case Invitation():
            return f"[{thing.write_id[:6]} invite on {_id(thing.seen.id)} {thing.help}]"
        case Person():
            return f"{thing.email}/{thing.phone}"
        case Solution():
            return f"{thing.id}×{thing.quantity}"
        case tuple():
            return "(" + ", ".join(map(show, thing)) + ")"
        case _:
            return str(thing)


def _id(record_id: Any) -> str:
    """Record ids without their padding."""
    return str(record_id).replace("-0000-4000-8000-", "…").replace("0000000000", "…")


_SHORT = 34


def _values(values: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={ascii(show(one))[1:-1][-_SHORT:]}" for key, one in values.items())
