"""What can go wrong, typed by what to do next.

    CosellError
    ├── Retryable            surely not applied; trying again is right
    │   ├── Throttled        wait as long as the other side asks
    │   ├── Unavailable      the other side is down or out of reach
    │   └── Stale            the record changed since it was read: read again, decide again
    ├── Uncertain            perhaps applied: settle before anything else (INV-10)
    ├── NeedsHuman           only a person can decide
    │   ├── Rejected         the other side refuses these values
    │   ├── Gone             the record is deleted, merged, or out of our sight
    │   ├── Twins            several records claim to be the same deal (INV-3)
    │   └── Irreversible     a one-way step without consent (INV-6)
    └── NeedsOperator        the connection or the set-up must be mended
        ├── SignedOut        a person must sign in again
        ├── NotAllowed       a right is missing
        ├── SchemaDrift      a mapped field vanished or changed its type
        └── Misconfigured    a setting is wrong

Each carries two messages: `message` is for people and safe to show anywhere; `detail` is for the
operator's log and may name wire fields, never values of personal fields or secrets (INV-13).
"""

from __future__ import annotations


class CosellError(Exception):
    """Something the product foresaw; says what happened, what we did and what you can do."""

    did = "Nothing was changed."
    advice = "Run `cosell doctor` for a closer look."
    page = "reference/errors.md"

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        did: str | None = None,
        advice: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.code = code or _snake(type(self).__name__)
        if did is not None:
            self.did = did
        if advice is not None:
            self.advice = advice


class Retryable(CosellError):
    """Surely not applied; it is tried again by itself."""

    did = "Nothing was changed; it is tried again by itself."
    advice = "Nothing to do unless this stays."


class Throttled(Retryable):
    """The other side asks us to slow down."""

    def __init__(self, message: str, *, retry_after: float | None = None, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after
        """Seconds to wait, as the other side asked; None where it did not say."""


class Unavailable(Retryable):
    """The other side is down, out of reach, or answered nonsense to a read."""


class Stale(Retryable):
    """The record changed since it was read; nothing was written."""


class Uncertain(CosellError):
    """A write left and no answer came: perhaps applied, perhaps not, perhaps later."""

    did = "It is found out before anything else is done with this deal."
    advice = "Nothing to do unless this stays."


class NeedsHuman(CosellError):
    """Only a person can decide; the link is held until one does."""

    did = "The deal is held; nothing was written."


class Rejected(NeedsHuman):
    """The other side refuses these values."""

    def __init__(
        self,
        message: str,
        *,
        fields: tuple[str, ...] = (),
        detail: str = "",
        advice: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, detail=detail, advice=advice, code=code)
        self.fields = fields
        """Wire or canonical names of the fields the other side complains about; may be empty."""


class Gone(NeedsHuman):
    """The record is deleted, merged, or not visible to us any more; never re-created (INV-15)."""


class Twins(NeedsHuman):
    """Several records carry the same counterpart's id."""


class Irreversible(NeedsHuman):
    """A step that cannot be undone lacks a person's consent."""


class NeedsOperator(CosellError):
    """The connection or the set-up must be mended; everything on it waits."""

    did = "Everything on this connection waits; nothing is lost."


class SignedOut(NeedsOperator):
    """The sign-in has lapsed or was revoked; a person must sign in again."""

    advice = "Renew the secret that the settings name for this connection; then: cosell doctor"


class NotAllowed(NeedsOperator):
    """The signed-in user lacks a right."""


class SchemaDrift(NeedsOperator):
    """A mapped field vanished or changed its type."""

    def __init__(
        self, message: str, *, fields: tuple[str, ...] = (), detail: str = "", advice: str | None = None
    ) -> None:
        super().__init__(message, detail=detail, advice=advice)
        self.fields = fields


class Misconfigured(NeedsOperator):
    """A setting is wrong or missing."""

    did = "Nothing was started."
    advice = "Correct the setting named above and start again."


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
