"""Tells systemd how it stands, in the protocol of sd_notify: a datagram, which needs no library."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping


class Service:
    """The supervisor that started us, if it wants to hear; silent where there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.every = _half(environ)
        """Seconds between two signs of life; None where nobody waits for them."""

    def tell(self, **said: str) -> bool:
        """Sends such as READY=1; False where nobody hears. Never raises: the work does not depend on it."""
        if not self._address:
            return False
        # A name in the abstract space begins with a zero byte, which the variable writes as @.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        text = "\n".join(f"{name}={value}" for name, value in said.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.connect(address)
                sock.sendall(text.encode())
        except OSError:
            return False
        return True

    @contextlib.contextmanager
    def working(self, alive: Callable[[], bool]) -> Iterator[None]:
        """Says that it works while the block runs, with a sign of life as long as `alive` says so."""
        self.tell(READY="1", STATUS="Keeps the two systems in step.", MAINPID=str(os.getpid()))
        beating = asyncio.get_running_loop().create_task(self._beat(alive))
        try:
            yield
        finally:
            beating.cancel()
            self.stopping()

    def stopping(self) -> None:
        """It finishes what is in hand, and takes nothing new."""
        self.tell(STOPPING="1", STATUS="Finishes what is in hand.")

    async def _beat(self, alive: Callable[[], bool]) -> None:
        while self.every is not None:
            if alive():
                self.tell(WATCHDOG="1")
            await asyncio.sleep(self.every)


def _half(environ: Mapping[str, str]) -> float | None:
    """Half of the time systemd waits, where it waits for this very process."""
    told, meant = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not told.isdigit() or int(told) == 0 or (meant and meant != str(os.getpid())):
        return None
    return int(told) / 2_000_000
