"""HTTP/1.1 that passes over a client's offer of another protocol and reads the request all the same."""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PlainHttp(HttpToolsProtocol):
    """Speaks HTTP as uvicorn does, but loses no body to `Upgrade: h2c`, which Java's client always sends.

    The parser stops for good at the end of a head with an offer. RFC 9110 7.8 lets a server ignore the
    offer, so the same head goes, without it, to a new parser, and what follows after it.
    """

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            if self._should_upgrade():
                self._read_on(data[stop.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _should_upgrade(self) -> bool:
        """Whether the head is to be set aside, which uvicorn does for the sake of websockets."""
        return self._get_upgrade() is not None

    def _read_on(self, rest: bytes) -> None:
        version = self.scope["http_version"].encode()
        head = [self.scope["method"].encode(), b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name != b"upgrade":
                head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn sets its own: what follows a `Connection: close` spoils nothing before it.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"".join([*head, b"\r\n", rest]))
