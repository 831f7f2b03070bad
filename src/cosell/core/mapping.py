"""The mapping: for each field, which way it goes and who wins. TOML, no expressions (decision 4)."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cosell.core.errors import Misconfigured
from cosell.core.fields import CUSTOMER, FIELDS
from cosell.core.records import Side


class Direction(StrEnum):
    """Which way values travel."""

    BOTH = "both"
    INWARD = "inward"
    """Partner Center to CRM."""
    OUTWARD = "outward"
    """CRM to Partner Center."""
    NONE = "none"

    def carries_to(self, side: Side) -> bool:
        if self is Direction.BOTH:
            return True
        return self is (Direction.OUTWARD if side is Side.PARTNER_CENTER else Direction.INWARD)


class Conflict(StrEnum):
    """Who wins when both sides changed one field since they last agreed."""

    PARTNER_CENTER = "partner_center"
    CRM = "crm"
    NEWEST = "newest"
    """The later change by the systems' own change times, never by our clock."""
    ASK = "ask"
    """Nobody: the field is held until a person decides."""


class First(StrEnum):
    """What happens when two existing records meet for the first time and differ (INV-11)."""

    FILL = "fill"
    """An empty side takes the other's value; two different values are held."""
    PARTNER_CENTER = "partner_center"
    CRM = "crm"
    ASK = "ask"


class Flow(StrEnum):
    """A named pipeline that can be switched off by itself (product.md A5)."""

    INBOUND_REFERRAL = "inbound_referral"
    """FLW-S05: Partner Center to CRM, create and update."""
    INBOUND_MICROSOFT = "inbound_microsoft"
    """FLW-S04: what Microsoft changes on its own referral."""
    OUTBOUND_CREATE = "outbound_create"
    """FLW-S03: a new referral from an opportunity, and the invitation to Microsoft."""
    OUTBOUND_UPDATE = "outbound_update"
    """FLW-S06, FLW-S07: changes of the opportunity."""
    OUTBOUND_SOLUTIONS = "outbound_solutions"
    """FLW-S08: changes of the solutions on the opportunity."""
    REPAIR = "repair"
    """The sweep that compares every link."""


MICROSOFT_FIELDS = frozenset({"microsoft_id", "microsoft_state"})


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field travels."""

    field: str
    create: Direction = Direction.BOTH
    update: Direction = Direction.BOTH
    conflict: Conflict = Conflict.NEWEST
    first: First = First.FILL

    def flow_to(self, side: Side) -> Flow:
        """The flow that carries this field's changes to `side`."""
        if side is Side.CRM:
            return Flow.INBOUND_MICROSOFT if self.field in MICROSOFT_FIELDS else Flow.INBOUND_REFERRAL
        if self.field == "help":
            return Flow.OUTBOUND_CREATE
        return Flow.OUTBOUND_SOLUTIONS if self.field == "solutions" else Flow.OUTBOUND_UPDATE


def _default() -> Iterable[Rule]:
    both, inward, outward, none = Direction.BOTH, Direction.INWARD, Direction.OUTWARD, Direction.NONE
    special = {
        "name": Rule("name", conflict=Conflict.PARTNER_CENTER),
        "state": Rule("state", conflict=Conflict.PARTNER_CENTER),
        "help": Rule("help", create=both, update=outward, conflict=Conflict.ASK),
        "visible": Rule("visible", conflict=Conflict.PARTNER_CENTER),
        "contacts": Rule("contacts", update=outward),
        "team": Rule("team", update=outward, conflict=Conflict.CRM),
        "microsoft_id": Rule("microsoft_id", create=inward, update=inward, first=First.PARTNER_CENTER),
        "microsoft_state": Rule("microsoft_state", create=inward, update=inward, first=First.PARTNER_CENTER),
        "program": Rule("program", create=inward, update=inward, first=First.PARTNER_CENTER),
    }
    for key in FIELDS:
        if key in special:
            yield special[key]
        elif key in CUSTOMER:
            yield Rule(key, create=both, update=none)
        else:
            yield Rule(key)


DEFAULT: Mapping[str, Rule] = {rule.field: rule for rule in _default()}
"""The mapping without any file (product.md B2, columns C→ C← U→ U←)."""


def parse(text: str, over: Mapping[str, Rule] | None = None) -> Mapping[str, Rule]:
    """The mapping `over` (everybody's default) changed by the `[field]` tables of a TOML text.

    Raises Misconfigured, naming the place and the nearest right word, for anything it does not know.
    """
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Misconfigured(f"The mapping is not readable TOML: {error}") from error
    rules = dict(DEFAULT if over is None else over)
    for key, table in tables.items():
        if key not in FIELDS:
            raise Misconfigured(
                f"The mapping names a field «{key}» that does not exist.{_nearest(key, FIELDS)}"
            )
        if not isinstance(table, dict):
            raise Misconfigured(f"In the mapping, «{key}» must be a table such as [{key}].")
        rules[key] = _rule(rules[key], table)
    return rules


_PARTS: dict[str, type[StrEnum]] = {
    "create": Direction,
    "update": Direction,
    "conflict": Conflict,
    "first": First,
}


def _rule(base: Rule, table: dict[str, Any]) -> Rule:
    chosen: dict[str, Any] = {name: getattr(base, name) for name in _PARTS}
    for name, word in table.items():
        if name not in _PARTS:
            raise Misconfigured(f"[{base.field}] has no setting «{name}».{_nearest(name, _PARTS)}")
        words = [str(member) for member in _PARTS[name]]
        if word not in words:
            near = _nearest(str(word), words)
            raise Misconfigured(f"[{base.field}] {name} = {word!r} is not one of {', '.join(words)}.{near}")
        chosen[name] = _PARTS[name](word)
    return Rule(base.field, **chosen)


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word[:80], list(words), n=1)
    return f" Did you mean «{near[0]}»?" if near else ""


_READ_ONLY = frozenset({"microsoft_id", "microsoft_state", "program"})


def lint(rules: Mapping[str, Rule]) -> list[str]:
    """What is wrong with a mapping that parses, as sentences; empty when it may run."""
    problems = []
    for rule in rules.values():
        if rule.field in _READ_ONLY and Direction.OUTWARD in (rule.create, rule.update):
            problems.append(f"[{rule.field}] Only Microsoft sets this field; it cannot travel outward.")
        elif rule.field in _READ_ONLY and Direction.BOTH in (rule.create, rule.update):
            problems.append(f"[{rule.field}] Only Microsoft sets this field; it can only travel inward.")
        if rule.field in CUSTOMER and rule.update.carries_to(Side.PARTNER_CENTER):
            problems.append(
                f"[{rule.field}] Partner Center never changes the customer of a referral; "
                "update can be none or inward."
            )
        if rule.field == "name" and rule.conflict is Conflict.CRM:
            problems.append(
                "[name] Partner Center publishes no way to rename a deal, so the CRM cannot win a conflict."
            )
    if rules["currency"].update is not rules["deal_value"].update:
        problems.append(
            "[currency] An amount without its currency means nothing: let both travel the same way."
        )
    return problems
