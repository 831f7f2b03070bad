"""What a seller sees of the sync on an opportunity: the sign before the name, and the Audit text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

NAME_LENGTH = 120
SIGNS = {"ok": "✔ ", "failed": "✘ "}


def marked(name: str, mark: Literal["ok", "failed"] | str | None, *, limit: int = NAME_LENGTH) -> str:
    """The name as it is stored: the sign goes before it unless the name would then be cut."""
    sign = SIGNS.get(mark or "", "")
    return sign + name if _units(sign + name) <= limit else name


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
        room -= _units(line) + 2
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def link_to(template: str, referral_id: str) -> str:
    """The address of the referral, with its id quoted."""
    return template.replace("{id}", quote(referral_id, safe=""))


def _units(text: str) -> int:
    """Length as Salesforce counts it: characters beyond the first 65,536 count twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2
