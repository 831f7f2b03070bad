"""What all benches over a simulator have in common: misfortunes, and the line they happen on."""

from __future__ import annotations

from collections.abc import Callable, Collection

from cosell.http import Request
from cosell.sandbox.frame import Answer, Fault, Frame
from tests.conformance.bench import Setup, To, Trouble
from tests.conformance.line import Line

IsWrite = Callable[[Request], bool | None]
"""Whether a request to the simulator writes records or reads them; None where it does neither."""


class Served:
    """One simulator behind one line."""

    def __init__(self, frame: Frame, name: str, is_write: IsWrite) -> None:
        self.line = Line()
        self._frame, self._name, self._is_write = frame, name, is_write

    def arrivals(self) -> int:
        return sum(count for (name, _, _), count in self._frame.calls.items() if name == self._name)

    def unprepared(self) -> Setup:
        raise NotImplementedError("this system declares no set-up of its own")

    def secrets(self) -> Collection[str]:
        return self.line.secrets

    def shown(self) -> Collection[str]:
        return self.line.shown

    def strike(self, trouble: Trouble, to: To) -> None:
        body, wait = b'{"message":"Slow down."}', {"retry-after": "7"}
        match trouble:
            case "throttled":
                self.answer(Answer(429, body), to)
            case "throttled_with_wait":
                self.answer(Answer(429, body, wait), to)
            case "answer_lost":
                self._meets(to, Fault(self._name, "lose"))
            case "out_of_reach":
                self._when(to, self._cut)

    def answer(self, answer: Answer, to: To) -> None:
        self._meets(to, Fault(self._name, "answer", answer=answer))

    def garble(self) -> None:
        self._meets("read", Fault(self._name, "garble"))

    def dawdle(self) -> None:
        def late() -> None:
            self._frame.faults.insert(0, Fault(self._name, "slow", seconds=0.5))
            self.line.hurried = True

        self._when("read", late)

    def calm(self) -> None:
        """Forgets every misfortune that has not come to pass."""
        self.line.awaited.clear()
        self._frame.faults.clear()

    def expire_tokens_at(self, request: int) -> None:
        self.line.at = (self.line.sent + request, self.expire_tokens)

    def expire_tokens(self) -> None:
        raise NotImplementedError

    def _meets(self, to: To, fault: Fault) -> None:
        """The next read or write meets a fault of the simulator's, over the real line."""
        self._when(to, lambda: self._frame.faults.insert(0, fault))

    def _when(self, to: To, act: Callable[[], None]) -> None:
        self.line.awaited.append((lambda request: self._is_write(request) is (to == "write"), act))

    def _cut(self) -> None:
        self.line.cut = True
