"""Where the sandbox is, and the ways to point clients at it whose addresses are fixed."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter


class Detour(HTTPAdapter):
    """Sends what was meant for a vendor's host to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        request.url = self._url + request.url.partition(urlsplit(request.url).netloc)[2]
        return super().send(request, *args, **options)


class AsyncDetour(httpx.AsyncHTTPTransport):
    """The same for clients made with httpx."""

    def __init__(self, url: str, ca_file: str) -> None:
        super().__init__(verify=ssl.create_default_context(cafile=ca_file))
        self._url = httpx.URL(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        to = self._url
        request.url = request.url.copy_with(scheme=to.scheme, host=to.host, port=to.port)
        return await super().handle_async_request(request)


@pytest.fixture(scope="session")
def sandbox() -> dict[str, Any]:
    """The description of a sandbox that runs with TLS."""
    described: dict[str, Any] = json.loads(Path(os.environ["COSELL_SANDBOX"]).read_text())
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        os.environ[name] = described["ca_file"]
    return described


@pytest.fixture
def session(sandbox: dict[str, Any]) -> Iterator[requests.Session]:
    """A session for which every Salesforce host is the sandbox."""
    with requests.Session() as session:
        for host in ("login", "test", "contoso.my"):
            session.mount(f"https://{host}.salesforce.com", Detour(sandbox["salesforce"]["login_url"]))
        yield session


@pytest.fixture
def detour(sandbox: dict[str, Any]) -> httpx.AsyncHTTPTransport:
    """A transport for which every host is the Salesforce of the sandbox."""
    return AsyncDetour(sandbox["salesforce"]["login_url"], sandbox["ca_file"])
