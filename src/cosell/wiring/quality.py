"""How good a system is, by its own account: quality.toml beside its code, checked against one list of rules.

A rule is `done`, with the test that shows it where the rule cannot be checked by looking, or `exempt`, with
the reason in a sentence. The file also declares what a field may lose on its way and how long a text may be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

from cosell.core.errors import Misconfigured
from cosell.core.fields import FIELDS

FILE = "quality.toml"
LOSSES = ("length", "rounding", "choice", "time zone", "union", "joined")
"""length: cut. rounding: fewer digits. choice: another word of the same meaning, or only those that exist.
time zone: another day. union: what stood there stays. joined: lines become fewer."""


class Tier(StrEnum):
    """How much a rule is a matter of course."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise."""

    name: str
    tier: Tier
    says: str
    looked_at: bool = False
    """Whether a test can see by itself that it is kept."""


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("conformance", Tier.BRONZE, "Passes the whole suite, at the port and over its HTTP.", True),
        Rule("outcome-table", Tier.BRONZE, "Every documented status and code has one meaning.", True),
        Rule("own-mapping", Tier.BRONZE, "What it wants of the mapping is free of faults.", True),
        Rule("strict-typing", Tier.BRONZE, "Type-checked strictly, with nothing ignored.", True),
        Rule("small-modules", Tier.BRONZE, "No module is longer than 400 lines.", True),
        Rule("known-limitations", Tier.BRONZE, "What it loses and what nobody knows is written down.", True),
        Rule("connection-guide", Tier.BRONZE, "A page leads an administrator through the connection.", True),
        Rule("test-before-configure", Tier.BRONZE, "A check tests everything needed and changes nothing."),
        Rule("appropriate-polling", Tier.SILVER, "A quiet poll costs the fewest calls the API allows."),
        Rule("parallel-updates", Tier.SILVER, "How many requests run at once is set, not left to chance."),
        Rule("reauthentication", Tier.SILVER, "A lapsed sign-in is renewed, or said with what to do."),
        Rule("throttling", Tier.SILVER, "Waits as long as the other side asks."),
        Rule("log-when-unavailable", Tier.SILVER, "Says once that it is away, and once that it is back."),
        Rule("secrets-kept", Tier.SILVER, "No secret in a log, an error or a page."),
        Rule("diagnostics", Tier.GOLD, "`cosell doctor` shows what matters, and nothing private."),
        Rule("repair-advice", Tier.GOLD, "Each trouble found says what to do about it."),
        Rule("schema-drift", Tier.GOLD, "A field that vanishes while running is named, not passed over."),
        Rule("bulk", Tier.GOLD, "Reads and writes many records in a call, as far as the API allows."),
        Rule("figures", Tier.GOLD, "Calls and times are measured and published."),
        Rule("setup-and-remove", Tier.GOLD, "Installs what it needs, and removes it without a trace."),
        Rule("removal-guide", Tier.GOLD, "A page says how to take the connection away."),
    )
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a system says about one rule."""

    rule: Rule
    exempt: bool
    comment: str = ""
    shown_by: str = ""
    """The test that shows it, as `path::name`."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One quality.toml."""

    rules: Mapping[str, Entry]
    lossy: Mapping[str, str]
    """By field: the kind of loss, and why."""
    longest: Mapping[str, int]
    """By field: characters a text may have."""


def quality_of(package: str) -> Quality:
    """The quality.toml inside the package with this import name."""
    try:
        text = resources.files(package).joinpath(FILE).read_text("utf-8")
    except (OSError, ModuleNotFoundError):
        raise Misconfigured(f"{package} has no {FILE}.") from None
    return parse(text, package)


def parse(text: str, where: str = FILE) -> Quality:
    """Reads the file; Misconfigured names whatever is unknown, missing or without a reason."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as why:
        raise Misconfigured(f"{where}: {FILE} is not readable TOML: {why}") from None
    strange = told.keys() - {"rules", "lossy", "longest"}
    if strange:
        raise _wrong(where, f"has no section {sorted(strange)[0]}")
    given = _table(told, "rules", where)
    if unknown := given.keys() - RULES.keys():
        raise _wrong(where, f"knows no rule {sorted(unknown)[0]}")
    if missing := RULES.keys() - given.keys():
        raise _wrong(where, f"says nothing about {', '.join(sorted(missing))}")
    entries = {name: _entry(RULES[name], given[name], where) for name in RULES}
    return Quality(entries, _lossy(told, where), _longest(told, where))


def _wrong(where: str, what: str) -> Misconfigured:
    return Misconfigured(f"{where}: {FILE} {what}.")


def _table(told: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = told.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(where, f"wants a table under {name}")
    return table


def _entry(rule: Rule, said: Any, where: str) -> Entry:
    match said:
        case "done" if rule.looked_at:
            return Entry(rule, exempt=False)
        case {"done": str(test)} if len(said) == 1 and "::" in test:
            return Entry(rule, exempt=False, shown_by=test)
        case {"exempt": str(reason)} if len(said) == 1 and len(reason.split()) >= 3:
            return Entry(rule, exempt=True, comment=reason)
        case "done":
            raise _wrong(where, f"names no test that shows {rule.name}")
        case "exempt" | {"exempt": _}:
            raise _wrong(where, f"gives no reason why {rule.name} is exempt")
        case _:
            raise _wrong(where, f"says neither done nor exempt of {rule.name}")


def _lossy(told: Mapping[str, Any], where: str) -> Mapping[str, str]:
    table = _table(told, "lossy", where)
    for key, why in table.items():
        kind, _, reason = str(why).partition(": ")
        if key not in FIELDS:
            raise _wrong(where, f"declares a field {key} that does not exist")
        if kind not in LOSSES or not reason:
            raise _wrong(where, f"must say of {key} which of {', '.join(LOSSES)}, and why, after a colon")
    return table


def _longest(told: Mapping[str, Any], where: str) -> Mapping[str, int]:
    table = _table(told, "longest", where)
    for key, length in table.items():
        if key not in FIELDS or not isinstance(length, int) or isinstance(length, bool) or length < 1:
            raise _wrong(where, f"has no sensible longest {key}")
    return table
