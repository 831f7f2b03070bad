"""What a seller sees of the sync on a CRM record: the sign before the name, the Audit text, the link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

SIGNS = {"ok": "✔ ", "failed": "✘ "}
MARKS = {"✔": "ok", "✓": "ok", "✅": "ok", "✘": "failed", "✗": "failed", "❌": "failed", "✖": "failed"}
_MARKED = re.compile(rf"\s*([{''.join(MARKS)}])[\ufe0e\ufe0f\s]*(?:[{''.join(MARKS)}][\ufe0e\ufe0f\s]*)*")


def marked(name: str, mark: Literal["ok", "failed"] | str | None, *, limit: int) -> str:
    """The name as it is stored: the sign goes before it unless the name would then be cut."""
    sign = SIGNS.get(mark or "", "")
    return sign + name if units(sign + name) <= limit else name


def unmarked(name: str) -> tuple[str, str | None]:
    """The name without the sign before it, and what that sign meant; signs elsewhere are the name's own."""
    found = _MARKED.match(name)
    return (name, None) if found is None else (name[found.end() :], MARKS[found[1]])


def audit_text(trail: Sequence[str], present: str | None, *, limit: int) -> str:
    """Our lines, newest first, above every other line that stands there already; whole lines within `limit`.

    Lines that others wrote, Microsoft's connector among them, are kept as long as there is room.
    """
    ours = [" ".join(line.split()) for line in trail]
    known = set(ours)
    older = [line for line in (present or "").splitlines() if line.strip() and line.strip() not in known]
    kept: list[str] = []
    room = limit
    for line in (*ours, *older):
        # Salesforce keeps a line end as two characters.
        room -= units(line) + 2
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def link_to(template: str, referral_id: str) -> str:
    """The address of the referral, with its id quoted."""
    return template.replace("{id}", quote(referral_id, safe=""))


def units(text: str) -> int:
    """Length as both CRMs count it: characters beyond the first 65,536 count twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2
