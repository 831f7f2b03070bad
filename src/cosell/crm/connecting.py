"""What a system declares so that `cosell connect` can lead a person to a proven connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cosell.crm import Site

NEW = "new"
"""The answer that has a key pair made here."""

Answers = Mapping[str, str]


def _always(_: Answers) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a person is asked, and why."""

    name: str
    """The setting it answers, under the system's table; also how a script names the answer."""
    asks: str
    explains: str
    """One sentence: where the answer is found, or what depends on it."""
    default: str = ""
    choices: tuple[str, ...] = ()
    secret: bool = False
    lines: bool = False
    """A secret of several lines, such as a key: typed never, read from a file or made here."""
    can_make: bool = False
    """Whether `new` is an answer: a key pair is made here, and the person uploads its certificate."""
    optional: bool = False
    aside: bool = False
    """Not a setting: it is kept with the connection, or only used while connecting."""
    end_of: str = ""
    """The secret whose last day this is."""
    expert: bool = False
    """Asked only of who wants every question; everybody else gets the default."""
    wanted: Callable[[Answers], bool] = _always
    """Whether it is asked at all, given the answers before it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a system said once it was signed in to."""

    who: str
    """The user or application, as the system names it."""
    where: str
    """The organisation or environment it belongs to."""
    notes: tuple[str, ...] = ()
    """What a person should know although the connection works."""
    renewed: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets that were exchanged for newer ones while proving, by the names of their questions."""


class Prove(Protocol):
    """Signs in, reads something harmless and asks who we are; raises CosellError with what to do."""

    async def __call__(self, section: Any, site: Site) -> Proof: ...


@dataclass(frozen=True, slots=True)
class Connecting:
    """How one system is connected to."""

    questions: Sequence[Question]
    prove: Prove
    replaces: tuple[str, ...] = ()
    """Settings that the answers stand in for, and that are taken out of the file."""
    upload: str = ""
    """Where a certificate that was made here is to be uploaded."""

    @property
    def secrets(self) -> Sequence[Question]:
        """The questions whose answers are secret."""
        return [one for one in self.questions if one.secret]
