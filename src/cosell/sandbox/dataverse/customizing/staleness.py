"""Definitions as a server sees them that has not heard of the last changes (sheet 2.1: Consistency)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cosell.sandbox.dataverse.calls import Call
from cosell.sandbox.dataverse.org import Org


@contextmanager
def stale(org: Org, call: Call) -> Iterator[None]:
    """Shows the schema of a while ago to who does not ask for a consistent one, where the switch says so."""
    if (call.header("consistency") or "").strip().lower() == "strong":
        yield
        return
    since = org.frame.clock.now().timestamp() - org.settings.metadata_lag_seconds
    old = next((kept for at, kept in org.past if at > since), None)
    if old is None:
        yield
        return
    schema = org.schema
    now = (schema.tables, schema.many, schema.option_sets)
    schema.tables, schema.many, schema.option_sets = old.tables, old.many, old.option_sets
    schema.touch()
    try:
        yield
    finally:
        schema.tables, schema.many, schema.option_sets = now
        schema.touch()
