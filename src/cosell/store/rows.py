"""Links and writes as rows and back, exactly.

Only one thing does not survive: half a surrogate pair in a plain text column becomes a question mark,
because no database takes it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Row

from cosell.core.fields import FIELDS, Kind
from cosell.core.records import (
    Consent,
    FieldWrite,
    Hold,
    Link,
    LinkState,
    Pair,
    Resolution,
    Side,
    Write,
    WriteKind,
    WriteState,
)
from cosell.core.values import Unreadable, Value, decode, encode

Columns: TypeAlias = dict[str, Any]
"""One row by column name."""

ERASED = Unreadable("", "was erased")
"""Stands where a personal value stood."""

PERSONAL = frozenset(key for key, field in FIELDS.items() if field.personal)

_TEXT_KINDS = (Kind.TEXT, Kind.CHOICE, Kind.CURRENCY, Kind.COUNTRY)
_TEXTS = frozenset(key for key, field in FIELDS.items() if field.kind in _TEXT_KINDS)


def dump(value: Any) -> str:
    """JSON text of plain values."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half a surrogate pair; the slow writer escapes it
        return json.dumps(value, separators=(",", ":"))


def parse(stored: str) -> Any:
    """What `dump` was given."""
    try:
        return orjson.loads(stored)
    except orjson.JSONDecodeError:
        return json.loads(stored)


def clean(text: str) -> str:
    """Text that every database takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _number(value: float | None) -> float | None:
    # It is hashed before it is stored, and a database gives back neither an int here nor a minus zero.
    return None if value is None else float(value) + 0.0


# --- links -----------------------------------------------------------------------------------------


def link_columns(link: Link) -> Columns:
    """The row of `link`, environment left out."""
    return {
        "key": clean(link.key),
        "partner_center_id": _clean(link.partner_center_id),
        "crm_id": _clean(link.crm_id),
        "engagement_id": _clean(link.engagement_id),
        "microsoft_id": _clean(link.microsoft_id),
        "state": link.state.value,
        "reason": clean(link.reason),
        "detail": clean(link.detail),
        "name": _name(link),
        "base": dump({k: _sides(pair) for k, pair in link.base.items()}),
        "holds": dump({k: _hold(h) for k, h in link.holds.items()}),
        "consents": dump({k: _consent(c) for k, c in link.consents.items()}),
        "resolutions": dump({k: _resolution(r) for k, r in link.resolutions.items()}),
        "partner_center_version": _clean(link.partner_center_version),
        "crm_version": _clean(link.crm_version),
        "trail": dump(link.trail),
        "trail_written": link.trail_written,
        "mark": _clean(link.mark),
        "failures": link.failures,
        "stale": link.stale,
        "synced_at": _number(link.synced_at),
        "changed_at": _number(link.changed_at),
        "revision": link.revision,
    }


def _name(link: Link) -> str:
    pair = link.base.get("name")
    named = pair and (pair.partner_center or pair.crm)
    return clean(named) if isinstance(named, str) else ""


def _sides(pair: Pair) -> tuple[Any, Any]:
    """Both values encoded. Most are equal or plain text, and a base is most of what a store writes."""
    left, right = pair.partner_center, pair.crm
    coded = left if left.__class__ is str else encode(left)
    if right is left:
        return coded, coded
    return coded, right if right.__class__ is str else encode(right)


def _pair(key: str, left: Any, right: Any) -> Pair:
    """What `_sides` was given, with the same shortcuts."""
    value = _value(key, left)
    return Pair(value, value if left == right else _value(key, right))


def _value(key: str, stored: Any) -> Value:
    if stored.__class__ is str and key in _TEXTS:
        return str(stored)
    return decode(key, stored)


def _hold(hold: Hold) -> tuple[Any, ...]:
    return (hold.reason, hold.since, encode(hold.partner_center), encode(hold.crm), hold.detail)


def _consent(consent: Consent) -> tuple[Any, ...]:
    return (encode(consent.value), consent.who, consent.when, consent.act)


def _resolution(answer: Resolution) -> tuple[Any, ...]:
    return (answer.take.value, encode(answer.partner_center), encode(answer.crm), answer.who, answer.when)


def link_of(row: Row[*tuple[Any, ...]]) -> Link:
    """The link a row of the link table keeps."""
    return Link(
        key=row.key,
        partner_center_id=row.partner_center_id,
        crm_id=row.crm_id,
        engagement_id=row.engagement_id,
        microsoft_id=row.microsoft_id,
        state=LinkState(row.state),
        reason=row.reason,
        detail=row.detail,
        base={k: _pair(k, p, c) for k, (p, c) in parse(row.base).items()},
        holds={
            k: Hold(reason, since, _seen(k, p), _seen(k, c), detail)
            for k, (reason, since, p, c, detail) in parse(row.holds).items()
        },
        consents=_consents_of(row.consents),
        resolutions={
            k: Resolution(Side(take), _seen(k, p), _seen(k, c), who, when)
            for k, (take, p, c, who, when) in parse(row.resolutions).items()
        },
        partner_center_version=row.partner_center_version,
        crm_version=row.crm_version,
        trail=tuple(parse(row.trail)),
        trail_written=row.trail_written,
        mark=row.mark,
        failures=row.failures,
        stale=row.stale,
        synced_at=row.synced_at,
        changed_at=row.changed_at,
        revision=row.revision,
    )


def _seen(key: str, stored: Any) -> Value:
    """A side of a hold or of its answer; what is no field (whose deal it is, core/matching) is text."""
    return decode(key, stored) if key in FIELDS or not isinstance(stored, str) else stored


def _consents_of(stored: str) -> Mapping[str, Consent]:
    return {k: Consent(decode(k, value), *rest) for k, (value, *rest) in parse(stored).items()}


# --- writes ----------------------------------------------------------------------------------------


def write_columns(write: Write, digest_key: bytes) -> Columns:
    """The row of `write`, environment and chain left out.

    Personal values go into a column of their own; beside the others stands only their digest, so that they
    can be erased and the row still proves what it was.
    """
    fields: Columns = {}
    consents: Columns = {}
    personal: dict[str, Columns] = {}
    for key, change in write.fields.items():
        values = (encode(change.before), encode(change.after), encode(change.source))
        if key in PERSONAL:
            personal.setdefault("fields", {})[key] = values
            values = digest(digest_key, write.id, f"fields.{key}", values)  # type: ignore[assignment]
        fields[key] = (values, change.reason)
    for key, consent in write.consents.items():
        given = _consent(consent)
        if key in PERSONAL:
            personal.setdefault("consents", {})[key] = given
            given = digest(digest_key, write.id, f"consents.{key}", given)  # type: ignore[assignment]
        consents[key] = given
    return {
        "id": clean(write.id),
        "link_key": clean(write.link_key),
        "side": write.side.value,
        "kind": write.kind.value,
        "record_id": _clean(write.record_id),
        "partner_id": _clean(write.partner_id),
        "fields": dump(fields),
        "expected_version": _clean(write.expected_version),
        "cause": clean(write.cause),
        "consents": dump(consents),
        "note": clean(write.note),
        "created_at": _number(write.created_at),
        "sent_at": _number(write.sent_at),
        "attempt": write.attempt,
        "state": write.state.value,
        "finished_at": _number(write.finished_at),
        "outcome": clean(write.outcome),
        "personal": dump(personal) if personal else None,
    }


def digest(key: bytes, write_id: str, place: str, values: Any) -> str:
    """A keyed fingerprint of personal values, bound to their place so that equal values look different."""
    return hmac.digest(key, dump((clean(write_id), place, values)).encode(), hashlib.sha256).hex()


def write_of(row: Row[*tuple[Any, ...]]) -> Write:
    """The write a row of the write table keeps; erased values are `ERASED`."""
    personal = parse(row.personal) if row.personal else {}
    return Write(
        id=row.id,
        link_key=row.link_key,
        side=Side(row.side),
        kind=WriteKind(row.kind),
        record_id=row.record_id,
        partner_id=row.partner_id,
        fields={
            k: _field_of(k, personal.get("fields", {}).get(k, values), reason)
            for k, (values, reason) in parse(row.fields).items()
        },
        expected_version=row.expected_version,
        cause=row.cause,
        consents={
            k: _consent_of(k, personal.get("consents", {}).get(k, given))
            for k, given in parse(row.consents).items()
        },
        note=row.note,
        created_at=row.created_at,
        sent_at=row.sent_at,
        attempt=row.attempt,
        state=WriteState(row.state),
        finished_at=row.finished_at,
        outcome=row.outcome,
    )


def _field_of(key: str, values: Any, reason: str) -> FieldWrite:
    if isinstance(values, str):  # a digest, and nothing else is left
        return FieldWrite(ERASED, ERASED, ERASED, reason)
    before, after, source = values
    return FieldWrite(decode(key, before), decode(key, after), decode(key, source), reason)


def _consent_of(key: str, given: Any) -> Consent:
    if isinstance(given, str):
        return Consent(ERASED, "", "", "was erased")
    value, who, when, act = given
    return Consent(decode(key, value), who, when, act)
