"""Waits on this machine's own loopback for the browser that comes back from a sign-in (RFC 8252, 7.3)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl, urlsplit

from cosell.core.errors import Misconfigured, SignedOut

LONGEST = 16 * 1024
"""Bytes of a request; a code is a few thousand at most."""
PATIENCE = 600.0
"""Seconds a person has: as long as a code lives."""
_HEAD = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n"
    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n\r\n"
)
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Cosell</title>'
    '<body style="font-family: system-ui, sans-serif; max-width: 32rem; margin: 4rem auto">'
    "<h1>{title}</h1><p>{text}</p></body></html>"
)


class Loopback:
    """One address of this machine, and what came to it."""

    def __init__(self) -> None:
        self.redirect = ""
        """What the browser is sent back to."""
        self.state = ""
        """What an answer to our question repeats; any other is not ours, and changes nothing."""
        self._came: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()

    async def answer(self, patience: float | None = None) -> Mapping[str, str]:
        """What the browser brought along."""
        try:
            return await asyncio.wait_for(self._came, PATIENCE if patience is None else patience)
        except TimeoutError:
            raise SignedOut(
                "Nobody came back from the sign-in in time.",
                advice="Try again; without a browser on this machine: cosell connect partner-center --device",
            ) from None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request: the one that brings the code, and any other with a shrug."""
        try:
            raw = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10.0)
            line = raw.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")
            found = self._read(line)
            writer.write(_told("200 OK", *_WORDS[found]) if found else _told("404 Not Found", *_NOTHING))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _read(self, line: list[str]) -> str:
        """Takes the answer out of a request line; says what became of it."""
        if len(line) != 3 or line[0] != "GET":
            return ""
        parts = urlsplit(line[1])
        told = dict(parse_qsl(parts.query))
        ours = bool(self.state) and compare_digest(told.get("state", "").encode(), self.state.encode())
        if not ours or parts.path != "/" or not ("code" in told or "error" in told):
            return ""
        if not self._came.done():
            self._came.set_result(told)
        return "error" if "error" in told else "code"


_WORDS = {
    "code": ("You are signed in.", "You can close this page; Cosell goes on in the terminal."),
    "error": ("The sign-in did not succeed.", "You can close this page; the terminal says why."),
}
_NOTHING = ("There is nothing here.", "Cosell waits for the sign-in to come back to this address.")


def _told(status: str, title: str, text: str) -> bytes:
    page = _PAGE.format(title=title, text=text).encode()
    return _HEAD.format(status=status, length=len(page)).encode() + page


@contextlib.asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Loopback]:
    """Listens on 127.0.0.1 while the block runs; port 0 takes any free one."""
    made = Loopback()
    try:
        server = await asyncio.start_server(made.serve, "127.0.0.1", port, limit=LONGEST)
    except OSError:
        raise Misconfigured(
            f"Port {port} of this machine is taken.", advice="Choose another one with --redirect-port."
        ) from None
    async with server:
        made.redirect = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        yield made
