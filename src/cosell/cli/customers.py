"""Whose deal a new one is: the candidates as people see them, and a person's answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cosell.cli import deciding
from cosell.cli.finding import link_named, opened
from cosell.cli.speaking import STALE, USAGE, Answer, Refusal, Voice
from cosell.core.matching import ACCOUNT, Choice, Whose
from cosell.core.records import Link, Resolution, Side

_ID = re.compile(r"\{?[A-Za-z0-9-]{1,64}\}?")
"""Row ids of Salesforce and GUIDs; whether there is such an account, the CRM says."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is asked of `cosell resolve`."""

    field: str | None = None
    take: str | None = None
    account: str | None = None
    new_account: bool = False


async def resolve(config: str | None, named: str, wanted: Answered) -> Answer:
    """Decides a held field, or whose deal it is."""
    whose = wanted.account is not None or wanted.new_account
    if whose and (wanted.field or wanted.take or (wanted.account is not None and wanted.new_account)):
        raise Refusal("--account ID and --new-account each stand alone.", exit_code=USAGE)
    if whose:
        return await _whose(config, named, wanted.account)
    if wanted.field is None or wanted.take is None:
        raise Refusal(
            "Say what is decided: a field with --take crm or --take partner_center, or whose deal it is with "
            "--account ID or --new-account.",
            exit_code=USAGE,
        )
    return await deciding.resolve(config, named, wanted.field, take=wanted.take)


async def _whose(config: str | None, named: str, account: str | None) -> Answer:
    if account is not None and not _ID.fullmatch(account):
        raise Refusal(f"«{account[:40]}» is no id of an account.", exit_code=USAGE)
    async with opened(config) as env:
        link = await link_named(env, named)
        held = link.holds.get(ACCOUNT)
        if held is None:
            raise Refusal(
                f"{link.key} does not wait for an account; there is nothing to decide.",
                advice=f"See: cosell explain {link.key}",
            )
        side = Side.PARTNER_CENTER if account is None else Side.CRM
        answer = Resolution(side, held.partner_center, account, deciding.person(), env.clock.now())

        def changed(found: Link) -> Link:
            now_held = found.holds.get(ACCOUNT)
            if now_held is None or now_held.partner_center != held.partner_center:
                raise Refusal(
                    f"{link.key} changed meanwhile; nothing was decided.",
                    advice=f"Look again: cosell explain {link.key}",
                    exit_code=STALE,
                )
            return replace(found, resolutions={**found.resolutions, ACCOUNT: answer})

        what = "a new account" if account is None else f"account {account}"
        await deciding.decide(env, link, changed, f"{what} chosen by a person")
    return Answer(
        {"key": link.key, "account": account, "new_account": account is None},
        lambda voice: voice.line(f"{link.key}: {what} is taken with the next look."),
    )


# --- in words --------------------------------------------------------------------------------------


def told(choice: Choice | None) -> dict[str, Any] | None:
    """The verdict as plain data; None where no customer is to be found."""
    if choice is None or (choice.verdict is Whose.NEW and not choice.why):
        return None
    return {
        "verdict": str(choice.verdict),
        "account": choice.account_id,
        "why": choice.why,
        "candidates": [
            {
                "account": one.account.id,
                "name": one.account.name,
                "points": one.points,
                "reasons": list(one.reasons),
            }
            for one in choice.candidates
        ],
    }


def show(voice: Voice, customer: Mapping[str, Any] | None, *, indent: int = 0) -> None:
    """Whose deal it would be, and where that is not clear every candidate, best first."""
    if customer is None:
        return
    why, found = customer["why"], customer["candidates"]
    match customer["verdict"]:
        case Whose.KNOWN:
            chosen = customer["account"]
            names = [f"{one['name']} " for one in found if one["account"] == chosen]
            voice.line(f"for an account that is there: {''.join(names)}{chosen} ({why})", indent=indent)
        case Whose.NEW:
            voice.line(f"with a new account ({why})", indent=indent)
        case _:
            voice.line(f"Whose deal it is must be said; {why}:", indent=indent, style="yellow")
            for one in found:
                reasons = ", ".join(one["reasons"])
                said = f"{one['account']}  {one['points']} points  {one['name']}: {reasons}"
                voice.line(said, indent=indent + 2)
