"""Bytes over sockets."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from cosell.core.errors import Misconfigured
from cosell.http.messages import NoAnswer, NotSent, Reply, Request, Timeouts, unpacked
from cosell.http.observing import Observer
from cosell.http.origins import is_loopback


class AiohttpTransport:
    """HTTP/1.1 over sockets: no cookies, no redirects, no proxy from the environment, no second try."""

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        connections: int = 64,
        allow_private: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self.observer = observer
        self._ca_file, self._connections, self._allow_private = ca_file, connections, allow_private
        self._session: aiohttp.ClientSession | None = None
        self._waits: dict[Timeouts, aiohttp.ClientTimeout] = {}

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        """Sends once; the body is limited as it arrives and as it unpacks."""
        session = self._session or self._open()
        try:
            async with session.request(
                request.method,
                # The caller encoded it; a second encoding would change what is asked.
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                timeout=self._waits.get(timeouts) or self._wait(timeouts),
                allow_redirects=False,
            ) as response:
                headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.raw_headers}
                raw = await _read(response, max_body)
            return Reply(
                response.status, headers, unpacked(raw, headers.get("content-encoding", ""), max_body)
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as why:
            raise NotSent(type(why).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as why:
            raise NoAnswer(type(why).__name__) from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _wait(self, timeouts: Timeouts) -> aiohttp.ClientTimeout:
        wait = aiohttp.ClientTimeout(
            total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.read
        )
        self._waits[timeouts] = wait
        return wait

    def _open(self) -> aiohttp.ClientSession:
        trust = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                trust.load_verify_locations(self._ca_file)
            except (OSError, ssl.SSLError):
                raise Misconfigured(f"The CA file {self._ca_file} cannot be read.") from None
        connector = aiohttp.TCPConnector(
            ssl=trust, limit=self._connections, resolver=PublicResolver(allow_private=self._allow_private)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"user-agent": "cosell", "accept-encoding": "gzip, deflate"},
        )
        # aiohttp would send GET, PUT and DELETE again when a kept connection breaks; INV-10 forbids it.
        self._session._retry_connection = False
        return self._session


async def _read(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    if (response.content_length or 0) > max_body:
        raise NoAnswer("more than the size limit")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_body:
            raise NoAnswer("more than the size limit")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class PublicResolver(AbstractResolver):
    """Resolves names and refuses answers that point into private networks, whatever the DNS says."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._inner: AbstractResolver | None = None
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of `host`; this machine's own only under the name localhost."""
        if self._inner is None:
            self._inner = ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        if self._allow_private:
            return found
        if is_loopback(host.lower()):
            return [one for one in found if is_loopback(one["host"])]
        public = [one for one in found if _is_public(one["host"])]
        if not public:
            raise OSError(None, "the name points into a private network")
        return public

    async def close(self) -> None:
        if self._inner is not None:
            await self._inner.close()


def _is_public(address: str) -> bool:
    with contextlib.suppress(ValueError):
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return parsed.is_global and not parsed.is_multicast
    return False
