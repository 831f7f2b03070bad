"""Secrets that may be replaced while they are in use: asked for at each sign-in, never remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cosell.core.errors import NeedsOperator

T = TypeVar("T")


class Credential(Protocol):
    """One secret of a connection."""

    async def values(self) -> Sequence[str]:
        """What is good now, best first: the current value, then those that stand beside it.

        At least one; raises Misconfigured where it cannot be had.
        """
        ...

    def known(self) -> Iterable[str]:
        """Every value seen so far, for whoever keeps them out of messages (INV-13)."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """A credential that stays as it is."""

    value: str = field(repr=False)

    async def values(self) -> Sequence[str]:
        return (self.value,)

    def known(self) -> Iterable[str]:
        return (self.value,)


def live(secret: str | Credential) -> Credential:
    """The secret as one that may change; a text is one that does not."""
    return Given(secret) if isinstance(secret, str) else secret


async def first_accepted(credential: Credential, use: Callable[[str], Awaitable[T]]) -> T:
    """What `use` makes of the first value that is not refused; the refusal of the first where all are.

    While a secret is being replaced two of them stand side by side, and which one the other side still
    takes changes at a moment of its own choosing (J-8).
    """
    refusal: NeedsOperator | None = None
    for value in await credential.values():
        try:
            return await use(value)
        except NeedsOperator as why:
            refusal = refusal or why
    assert refusal is not None, "a credential has at least one value"
    raise refusal
