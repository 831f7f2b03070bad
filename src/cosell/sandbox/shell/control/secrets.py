"""The verbs about what an application signs in with: one more secret, the end of an old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.keepers import SecretKeeper, keepers
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox


def show_secrets(sandbox: Sandbox, wish: Wish, *, system: str) -> dict[str, Any]:
    """The secrets and certificates of an application by their ids and ends, without their values."""
    wish.done()
    return {"system": system, "secrets": [dict(one) for one in _keeper(sandbox, system).secrets()]}


def new_secret(sandbox: Sandbox, wish: Wish, *, system: str) -> dict[str, Any]:
    """An administrator makes one more secret; its value is told this once. The others stay good."""
    lifetime = wish.seconds("lifetime", None)
    wish.done()
    try:
        return {"system": system, **_keeper(sandbox, system).new_secret(lifetime=lifetime)}
    except ValueError as trouble:
        raise Refused(str(trouble)) from None


def end_secret(sandbox: Sandbox, wish: Wish, *, system: str, key_id: str) -> dict[str, Any]:
    """Ends a secret or certificate at once, as its last day would."""
    wish.done()
    try:
        return {"system": system, **_keeper(sandbox, system).end_secret(key_id)}
    except LookupError as trouble:
        raise Refused(f"Not ended: {trouble.args[0]}.", status=404) from None


def _keeper(sandbox: Sandbox, system: str) -> SecretKeeper:
    known = keepers(sandbox)
    if system not in known:
        raise Refused(f"“{system}” has no secrets; those that do: {', '.join(known)}.", status=404)
    return known[system]


VERBS = (
    Verb("GET", "/control/secrets/{system}", show_secrets),
    Verb("POST", "/control/secrets/{system}", new_secret, '{"lifetime": "30d"}'),
    Verb("POST", "/control/secrets/{system}/{key_id}/end", end_secret),
)
