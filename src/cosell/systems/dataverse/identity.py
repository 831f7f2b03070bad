"""Microsoft's identity library over our own way out; imported only where somebody signs in to Dataverse."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

from azure.core.pipeline.policies import ContentDecodePolicy
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.identity.aio import CertificateCredential, ClientSecretCredential

from cosell.core.errors import Misconfigured
from cosell.http import Http, Reply
from cosell.systems.dataverse.options import Certificate, ClientSecret

# The library would log once more, in its own words, what we raise and what somebody else reports.
logging.getLogger("azure.identity").setLevel(logging.ERROR)


class Carrier(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Carries the library's requests to the configured authority and nowhere else.

    The library refuses an authority that is not https. It is told the https address of the same host, and the
    request goes to the authority of the settings, which may be plain http on this machine's own loopback. A
    certificate's assertion names the https address then, so that a directory without TLS refuses it: sign in
    with a secret there.
    """

    def __init__(self, http: Http, authority: str, checked: Callable[[Reply], Reply]) -> None:
        self._http, self._authority, self._checked = http, authority, checked
        self.host = authority.partition("//")[2]

    async def send(self, request: HttpRequest, **_: Any) -> AsyncHttpResponse:
        """Sends once; a refusal is raised as what it means and never reaches the library."""
        asked = request.content
        form = {str(k): str(v) for k, v in asked.items()} if isinstance(asked, dict) else None
        reply = await self._http.call(
            request.method,
            f"{self._authority}{request.url[request.url.find('/', 8) :]}",
            form=form,
            purpose="sign in",
            safe=True,
        )
        return _Response(request, self._checked(reply))

    async def open(self) -> None:
        """Does nothing: connections belong to whoever made the client."""

    async def close(self) -> None:
        """Does nothing: connections belong to whoever made the client."""

    async def __aexit__(self, *_: Any) -> None:
        await self.close()


class _Response(AsyncHttpResponse):
    """A whole reply in the library's form."""

    def __init__(self, request: HttpRequest, reply: Reply) -> None:
        self._request, self._reply = request, reply
        self._encoding: str | None = "utf-8"

    @property
    def request(self) -> HttpRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._reply.status

    @property
    def headers(self) -> MutableMapping[str, str]:
        return dict(self._reply.headers)

    @property
    def reason(self) -> str:
        return ""

    @property
    def content_type(self) -> str | None:
        return self._reply.headers.get("content-type")

    @property
    def is_closed(self) -> bool:
        return True

    @property
    def is_stream_consumed(self) -> bool:
        return True

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        return self._reply.body

    def text(self, encoding: str | None = None) -> str:
        return self._reply.body.decode(encoding or self._encoding or "utf-8", "replace")

    def json(self) -> Any:
        return self._reply.json()

    def raise_for_status(self) -> None:
        """Does nothing: refusals were raised before."""

    async def read(self) -> bytes:
        return self._reply.body

    async def iter_raw(self, **_: Any) -> AsyncIterator[bytes]:
        yield self._reply.body

    async def iter_bytes(self, **_: Any) -> AsyncIterator[bytes]:
        yield self._reply.body

    async def close(self) -> None:
        """Does nothing: the reply is whole."""

    async def __aexit__(self, *_: Any) -> None:
        await self.close()


async def fetch(
    login: ClientSecret | Certificate, *, tenant: str, client_id: str, scope: str, carrier: Carrier
) -> tuple[str, int]:
    """A new token and the epoch second at which it ends; no cache is asked."""
    # Only what decodes the answer: the library's other policies retry, log and ask the environment.
    common: dict[str, Any] = {
        "authority": f"https://{carrier.host}",
        "transport": carrier,
        "policies": [ContentDecodePolicy()],
    }
    try:
        credential = _credential(login, tenant, client_id, common)
    except (ValueError, TypeError) as why:
        raise Misconfigured(
            "Tenant, client id, secret or certificate for Dynamics 365 cannot be used.",
            detail=type(why).__name__,
            advice="The certificate is one PEM text of an RSA private key and its certificate.",
        ) from None
    found = await credential.get_token(scope)
    return found.token, found.expires_on


def _credential(
    login: ClientSecret | Certificate, tenant: str, client_id: str, common: dict[str, Any]
) -> ClientSecretCredential | CertificateCredential:
    if isinstance(login, ClientSecret):
        return ClientSecretCredential(tenant, client_id, login.secret, **common)
    password = login.password.encode() if login.password is not None else None
    return CertificateCredential(
        tenant, client_id, certificate_data=login.pem.encode(), password=password, **common
    )
