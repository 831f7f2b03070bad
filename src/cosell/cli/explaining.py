"""Everything about one deal: where it stands, and for every field why (reliability.md 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cosell.cli import customers
from cosell.cli.auditing import shown
from cosell.cli.charting import rule_told
from cosell.cli.finding import link_named, opened
from cosell.cli.speaking import Answer, Voice
from cosell.core.errors import CosellError
from cosell.core.fields import FIELDS
from cosell.core.mapping import Rule
from cosell.core.plan import FieldPlan
from cosell.core.reasons import Reason, Who, text
from cosell.core.records import FieldWrite, Link, Side, Write
from cosell.core.values import encode
from cosell.engine import Preview
from cosell.ports import AuditRow
from cosell.wiring import drift
from cosell.wiring.environment import Environment

WRITES_LOOKED_AT = 500


async def explain(config: str | None, named: str) -> Answer:
    """Reads both sides where they can be reached; else tells what was last agreed, and says so."""
    async with opened(config) as env:
        link = await link_named(env, named)
        live, why_not = await _live(env, link)
        rows = await env.store.journal(link.key, WRITES_LOOKED_AT)
        data = told(link, live, rows, env.rules)
        lost = await drift.told(env.store)
        for one in data["fields"]:
            if one["reason"] == Reason.DRIFT:
                one["held_detail"] = lost.get(one["field"], one["held_detail"])
        data["as_of"] = "now" if why_not is None else "last agreement"
        data["not_read"] = why_not
    return Answer(data, lambda voice: show(voice, data))


async def _live(env: Environment, link: Link) -> tuple[Preview | None, str | None]:
    try:
        found = await env.engine().preview([link.key])
    except CosellError as error:
        return None, error.message
    if not found:
        return None, "The deal is gone."
    return found[0], found[0].error.message if found[0].error else None


def told(
    link: Link, live: Preview | None, rows: Sequence[AuditRow], rules: Mapping[str, Rule]
) -> dict[str, Any]:
    """The whole story as plain data."""
    plans = {one.field: one for one in live.fields} if live else {}
    last = _last_writes(rows)
    words = text(link.reason) if link.reason else None
    return {
        "link": link.key,
        "referral": link.partner_center_id,
        "opportunity": link.crm_id,
        "engagement": link.engagement_id,
        "state": str(link.state),
        "met": bool(link.base),
        "reason": link.reason,
        "says": words.says if words else "",
        "next": _next(words.fix, words.who) if words else "",
        "detail": link.detail,
        "customer": customers.told(live.customer if live else None),
        "problems": [
            {"field": one.field, "says": one.says, "fix": one.fix} for one in (live.problems if live else ())
        ],
        "held_by_person": link.holds["*"].detail if "*" in link.holds else None,
        "failures": link.failures,
        "synced_at": _moment(link.synced_at),
        "changed_at": _moment(link.changed_at),
        "trail": list(link.trail),
        "open_writes": [row.write.id for row in rows if row.seq is None],
        "fields": [
            _field(key, link, live, plans.get(key), last.get(key), rules[key])
            for key in FIELDS
            if key in rules
        ],
    }


def _field(
    key: str,
    link: Link,
    live: Preview | None,
    plan: FieldPlan | None,
    last: tuple[Write, FieldWrite] | None,
    rule: Rule,
) -> dict[str, Any]:
    base, held = link.base.get(key), link.holds.get(key)
    reason = str(plan.reason) if plan else held.reason if held else ""
    words = text(reason) if reason else None
    return {
        "field": key,
        "label": FIELDS[key].label,
        "partner_center": _value(key, link, live, plan, Side.PARTNER_CENTER),
        "crm": _value(key, link, live, plan, Side.CRM),
        "base": {side: encode(base.of(side)) for side in Side} if base else None,
        "rule": rule_told(rule),
        "last_write": _last(last) if last else None,
        "verdict": str(plan.verdict) if plan else "held" if held else "not looked at",
        "writes": {str(side): encode(value) for side, value in plan.writes.items()} if plan else {},
        "reason": reason,
        "says": words.says if words else "",
        "held_since": _moment(held.since) if held else None,
        "held_detail": held.detail if held else "",
        "next": _next(words.fix, words.who) if words else "",
    }


def _value(key: str, link: Link, live: Preview | None, plan: FieldPlan | None, side: Side) -> Any:
    if plan is not None:
        return encode(plan.partner_center if side is Side.PARTNER_CENTER else plan.crm)
    snapshot = (live.partner_center if side is Side.PARTNER_CENTER else live.crm) if live else None
    if snapshot is not None:
        return encode(snapshot.values.get(key))
    held = link.holds.get(key)
    if held is not None:
        return encode(held.partner_center if side is Side.PARTNER_CENTER else held.crm)
    base = link.base.get(key)
    return encode(base.of(side)) if base else None


def _last_writes(rows: Sequence[AuditRow]) -> dict[str, tuple[Write, FieldWrite]]:
    found: dict[str, tuple[Write, FieldWrite]] = {}
    for row in rows:
        for name, one in row.write.fields.items():
            found.setdefault(name, (row.write, one))
    return found


def _last(last: tuple[Write, FieldWrite]) -> dict[str, Any]:
    write, one = last
    return {
        "at": _moment(write.finished_at or write.created_at),
        "side": str(write.side),
        "before": encode(one.before),
        "after": encode(one.after),
        "state": str(write.state),
        "cause": write.cause,
        "who": ", ".join(consent.who for consent in write.consents.values()) or "cosell",
        "reason": one.reason,
    }


def _next(fix: str, who: Who) -> str:
    if not fix:
        return ""
    return fix if who is Who.NOBODY else f"{who}: {fix}"


def _moment(at: float | None) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else None


# --- for people ------------------------------------------------------------------------------------


def show(voice: Voice, data: Mapping[str, Any]) -> None:
    """The deal in a few lines, then each field that has something to say."""
    voice.line(f"Deal {data['link']}: {data['state']}", style="bold")
    voice.pairs(
        [
            ("referral", data["referral"] or "none yet"),
            ("opportunity", data["opportunity"] or "none yet"),
            ("last in step", (data["synced_at"] if data["met"] else None) or "never"),
        ]
    )
    shown_below = data["problems"] or data["customer"]
    for line in (data["says"], "" if shown_below else data["detail"], data["next"]):
        if line:
            voice.line(line)
    if data["held_by_person"] is not None:
        voice.line(f"Held by {data['held_by_person']}. Release: cosell hold {data['link']} --release")
    if data["failures"]:
        voice.line(f"Failed {data['failures']} times in a row; it is tried again by itself.")
    for problem in data["problems"]:
        voice.line(f"Missing: {problem['says']} {problem['fix']}")
    customers.show(voice, data["customer"])
    if data["not_read"]:
        voice.line(f"The two records were not read now ({data['not_read']}) Shown is what was last agreed.")
    for field in data["fields"]:
        _show_field(voice, field)


def _show_field(voice: Voice, field: Mapping[str, Any]) -> None:
    if field["partner_center"] is None and field["crm"] is None and not field["says"]:
        return
    rule = field["rule"]
    voice.line()
    voice.line(f"{field['label']} ({field['field']}): {field['verdict']}", style="bold")
    base = field["base"]
    rows = [
        ("Partner Center", shown(field["partner_center"])),
        ("CRM", shown(field["crm"])),
        ("last agreed", _base(base) if base else "never"),
        ("rule", f"{rule['update_words']}; both changed: {rule['conflict']}; first meeting: {rule['first']}"),
    ]
    if last := field["last_write"]:
        rows.append(
            ("last write", f"{last['at']} to {last['side']} by {last['who']}: {shown(last['after'], 60)}")
        )
    if field["says"]:
        rows.append(("why", f"{field['says']} {field['held_detail']}".strip()))
    if field["next"]:
        rows.append(("next", field["next"]))
    voice.pairs(rows, indent=2)


def _base(base: Mapping[str, Any]) -> str:
    ours, theirs = shown(base["partner_center"]), shown(base["crm"])
    return ours if ours == theirs else f"{ours} / {theirs}"
