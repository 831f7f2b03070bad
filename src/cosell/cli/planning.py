"""What would be written, without writing."""

from __future__ import annotations

from typing import Any

from cosell.cli import customers
from cosell.cli.auditing import shown
from cosell.cli.finding import link_named, opened
from cosell.cli.speaking import DONE, PARTLY, PENDING, Answer, Voice, watching
from cosell.core.fields import FIELDS
from cosell.core.plan import FieldPlan, Verdict
from cosell.core.reasons import text
from cosell.core.records import LinkState
from cosell.core.values import encode
from cosell.engine import Preview
from cosell.ports import LinkFilter

FORMAT = 1
"""Grows when the JSON form changes in a way that scripts feel."""
AT_ONCE = 50
_QUIET = (LinkState.IGNORED, LinkState.GONE)


async def plan(config: str | None, named: str | None, *, pending: bool) -> Answer:
    """The plan of one link or of all; nothing is written anywhere."""
    async with opened(config) as env:
        engine = env.engine()
        if named:
            keys = [(await link_named(env, named)).key]
        else:
            links = await env.store.links(LinkFilter(limit=100_000))
            keys = [link.key for link in links if link.state not in _QUIET]
        found: list[Preview] = []
        with watching("Reading both sides", total=len(keys)) as advance:
            for start in range(0, len(keys), AT_ONCE):
                found += await engine.preview(keys[start : start + AT_ONCE])
                advance(min(AT_ONCE, len(keys) - start))
    data = {
        "format": FORMAT,
        "links": [told(one) for one in found],
        "writes": sum(one.writes for one in found),
        "failed": sum(one.error is not None for one in found),
    }
    errors = [one.error for one in found if one.error is not None]
    if errors and len(errors) == len(found):
        # Nothing at all could be read: that is no plan, and the exit code says when to try again.
        raise errors[0]
    code = PARTLY if data["failed"] else PENDING if pending and data["writes"] else DONE
    return Answer(data, lambda voice: show(voice, data, everything=named is not None), code)


def told(one: Preview) -> dict[str, Any]:
    """One link's plan as plain data."""
    return {
        "link": one.link.key,
        "referral": one.link.partner_center_id,
        "opportunity": one.link.crm_id,
        "state": str(one.link.state),
        "creates": str(one.creates) if one.creates else None,
        "customer": customers.told(one.customer),
        "problems": [{"field": p.field, "says": p.says, "fix": p.fix} for p in one.problems],
        "error": one.error.message if one.error else None,
        "fields": [_field(field) for field in one.fields],
    }


def _field(one: FieldPlan) -> dict[str, Any]:
    return {
        "field": one.field,
        "verdict": str(one.verdict),
        "reason": str(one.reason),
        "says": text(one.reason).says,
        "partner_center": encode(one.partner_center),
        "crm": encode(one.crm),
        "writes": {str(side): encode(value) for side, value in one.writes.items()},
    }


def show(voice: Voice, data: dict[str, Any], *, everything: bool) -> None:
    """Only what would change or is kept from changing; for one link, every field."""
    for link in data["links"]:
        _show_link(voice, link, everything=everything)
    links, writes = len(data["links"]), data["writes"]
    if not links:
        voice.line("No deal is known yet, so there is nothing to plan.", style="bold")
        voice.line("cosell run, or cosell sync --all, reads both systems and brings their deals together;")
        voice.line("with dry_run = true under [environment] it writes nothing and cosell plan shows it all.")
        return
    voice.line(
        f"{links} deal{'' if links == 1 else 's'} looked at, {writes} would be written, nothing was."
        + (f" {data['failed']} could not be read." if data["failed"] else ""),
        style="bold",
    )


def _show_link(voice: Voice, link: dict[str, Any], *, everything: bool) -> None:
    loud = [one for one in link["fields"] if everything or one["verdict"] != Verdict.SAME]
    if not (loud or link["creates"] or link["customer"] or link["problems"] or link["error"]):
        return
    voice.line(f"{link['link']} ({link['referral'] or '–'} · {link['opportunity'] or '–'})", style="bold")
    if link["error"]:
        voice.line(f"! {link['error']}", indent=2)
    if link["creates"]:
        voice.line(f"+ creates the missing half in {link['creates']}", indent=2, style="green")
    customers.show(voice, link["customer"], indent=2)
    for problem in link["problems"]:
        voice.line(f"! {problem['says']} {problem['fix']}", indent=2)
    for one in loud:
        _show_field(voice, one)


def _show_field(voice: Voice, one: dict[str, Any]) -> None:
    label = FIELDS[one["field"]].label
    for side, value in one["writes"].items():
        voice.line(f"~ {label}, {side}: {shown(one[side])} → {shown(value)}", indent=2, style="yellow")
    if not one["writes"]:
        sign = {"same": "=", "hold": "‖", "refuse": "×"}[one["verdict"]]
        voice.line(f"{sign} {label}: {one['says']}", indent=2)
