"""The connector as a user runs it: `cosell run` with a settings file, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = """\
[environment]
name = "bench"
kind = "sandbox"

[partner_center]
environment = "sandbox"
tenant = "{entra[tenant]}"
client_id = "{entra[client_id]}"
client_secret = "env:ENTRA_SECRET"
refresh_token = "file:refresh-token"
url = "{partner_center[url]}"
webhooks_url = "{webhooks[url]}"
authority = "{entra[authority]}"
organization_id = "{partner_center[organization_id]}"
certificate_origins = ["{webhooks[url]}"]
certificate_subjects = ["*.example"]
certificate_roots = "roots.pem"

[salesforce]
environment = "sandbox"
login_url = "{salesforce[login_url]}"
instance_url = "{salesforce[instance_url]}"
client_id = "{salesforce[client_id]}"
username = "{salesforce[username]}"
private_key = "file:salesforce.pem"

[salesforce.stages]
active = ["Qualification"]
on_hold = ["On Hold"]

[web]
port = {port}

[matching]
unsure = "create"

[pace]
poll_partner_center = {pace}
poll_crm = {pace}
"""
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Service:
    """One running `cosell run`, and what the machine says of it."""

    process: subprocess.Popen[bytes]
    address: str
    started_in: float
    """Seconds from the start of the process until it said it was ready."""

    @property
    def cpu(self) -> float:
        """Seconds of processor time used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def memory(self) -> float:
        """Megabytes held."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE / 1e6

    def kill(self) -> None:
        """Ends it at once, without a word."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Asks it to leave, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.kill()


def prepare(folder: Path, told: dict[str, Any], *, pace: float) -> None:
    """Writes the settings file and the secrets beside it."""
    port = _free_port()
    (folder / "cosell.toml").write_text(SETTINGS.format(**told, port=port, pace=pace))
    (folder / "roots.pem").write_bytes(told["roots"])
    for name, secret in (
        ("refresh-token", told["entra"]["refresh_token"]),
        ("salesforce.pem", told["salesforce"]["private_key_pem"]),
    ):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)


async def start(folder: Path, told: dict[str, Any]) -> Service:
    """Starts it and returns when it says it is ready."""
    lines = (folder / "cosell.toml").read_text().splitlines()
    port = next(int(line.split()[2]) for line in lines if line.startswith("port"))
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "cosell", "run", "--config", str(folder / "cosell.toml"), "--json"],
        cwd=folder,
        env={**os.environ, "ENTRA_SECRET": told["entra"]["client_secret"], "COSELL_LOG": "error"},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "stderr").open("ab"),
    )
    address = f"http://127.0.0.1:{port}"
    while not await asyncio.to_thread(_ready, address):
        if process.poll() is not None or time.monotonic() - began > 60:
            process.kill()
            raise RuntimeError((folder / "stderr").read_text()[-2000:])
        await asyncio.sleep(0.01)
    return Service(process, address, time.monotonic() - began)


def _ready(address: str) -> bool:
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{address}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
