"""The doctor: every check with what was found, what to do about it, and who can."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from cosell.cli.speaking import DONE, FAILED, SIGN_IN, Answer, Voice
from cosell.ports import Finding
from cosell.wiring.doctor import examine

_MARKS = {"ok": "✔", "advice": "!", "failed": "✘"}


async def doctor(config: str | None, *, fix: bool = False) -> Answer:
    """Every check that can be made; with `fix` what is safe to mend is mended first."""
    found = await examine(config, os.environ, fix=fix)
    told = [_told(one) for one in found.findings]
    data = {"healthy": found.healthy, "mended": list(found.mended), "findings": told}
    code = DONE if found.healthy else SIGN_IN if found.needs_sign_in else FAILED
    return Answer(data, lambda voice: show(voice, data), code)


def _told(one: Finding) -> dict[str, Any]:
    return {
        "name": one.name,
        "ok": one.ok,
        "level": "failed" if not one.ok else "advice" if one.advice else "ok",
        "message": one.message,
        "advice": one.advice,
        "who": str(one.who) if one.who is not None and one.advice else None,
        "rows": list(one.rows),
        "page": one.page,
        "fix": one.mend.what if one.mend is not None else None,
    }


def show(voice: Voice, data: dict[str, Any]) -> None:
    """One line a check, what needs somebody last: there it is seen."""
    findings = data["findings"]
    for level in ("ok", "advice", "failed"):
        for one in findings:
            if one["level"] == level:
                _line(voice, one)
    for what in data["mended"]:
        voice.line(f"Done: {what.removeprefix('to ')}.", style="bold")
    count = Counter(one["level"] for one in findings)
    if data["healthy"]:
        more = f" {count['advice']} of them advise something." if count["advice"] else ""
        voice.line(f"All is well: {len(findings)} checks passed.{more}", style="bold")
    else:
        voice.line(f"{count['failed']} of {len(findings)} checks failed.", style="bold")
    if any(one["fix"] for one in findings):
        voice.line("What the doctor can mend by himself, he mends with: cosell doctor --fix")


def _line(voice: Voice, one: dict[str, Any]) -> None:
    rows = f" [{', '.join(one['rows'])}]" if one["rows"] and one["level"] != "ok" else ""
    voice.line(f"{_MARKS[one['level']]} {one['name']}: {one['message']}{rows}")
    if one["advice"]:
        whose = f" ({one['who']})" if one["who"] else ""
        voice.line(f"{one['advice']}{whose}", indent=2)
