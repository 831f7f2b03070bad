"""Lets one change of definitions happen at a time, to whoever may make it (sheet 5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cosell.sandbox.dataverse.calls import Call
from cosell.sandbox.dataverse.errors import refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import require_named


@contextmanager
def changing(org: Org, call: Call, privilege: str, operation: str = "EntityCustomization") -> Iterator[None]:
    """Checks the right and the lock; what is done inside is taken back when the request is refused."""
    require_named(org, call.actor, privilege)
    if org.settings.customization_locks > 0:
        org.settings.customization_locks -= 1
        text = (
            f"Cannot start another [{operation}] because there is a previous [{operation}] running at this"
            " moment. Use Solution History for more details."
        )
        raise refusal(org.settings.customization_lock_status, "0x80071151", text)
    org.schema.keep()
    yield
