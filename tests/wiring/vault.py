"""A small Azure Key Vault over TLS with the sign-in it sends its callers to, as its REST contract says.

`GET /secrets/NAME[/VERSION]` without a token is answered 401 with a challenge that names authority and
resource; the client signs in there, asks once more, and gets `{"value", "id", "attributes"}`.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "token-for-the-vault"


@dataclass
class Vault:
    """What it keeps, and what was asked of it."""

    url: str
    ca: Path
    kept: dict[str, str] = field(default_factory=dict)
    open: bool = True
    asked: list[str] = field(default_factory=list)


@contextmanager
def vault(folder: Path) -> Iterator[Vault]:
    """A vault on this machine while the block runs."""
    ca, chain = _certificates(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made = Vault(f"https://127.0.0.1:{server.server_port}", ca)
    _Handler.vault = made
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    vault: Vault

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.vault.asked.append(path)
        if path.endswith("openid-configuration"):
            root = f"{self.vault.url}/tenant"
            ends = {
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "issuer": f"{root}/v2.0",
            }
            return self._answer(200, ends)
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            challenge = f'Bearer authorization="{self.vault.url}/tenant", resource="https://vault.azure.net"'
            return self._answer(401, _error("Unauthorized"), {"WWW-Authenticate": challenge})
        if not self.vault.open:
            return self._answer(403, _error("Forbidden"))
        name = path.removeprefix("secrets/").partition("/")[0]
        if name not in self.vault.kept:
            return self._answer(404, _error("SecretNotFound"))
        told = {"value": self.vault.kept[name], "id": f"{self.vault.url}/secrets/{name}/1", "attributes": {}}
        return self._answer(200, told)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _error(code: str) -> Any:
    return {"error": {"code": code, "message": "refused"}}


def _certificates(folder: Path) -> tuple[Path, Path]:
    """An authority's certificate, and a chain with its key for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a vault of this machine")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca, chain = folder / "vault-ca.pem", folder / "vault.pem"
    ca.write_bytes(public)
    chain.write_bytes(private + public)
    return ca, chain
