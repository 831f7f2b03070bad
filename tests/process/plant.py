"""A sandbox and a `cosell run`, each a process of its own, and what bad luck does to the second one."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosell.sandbox.shell.verbs import Control

PROGRAM = (sys.executable, "-m", "cosell")
PATIENCE = 60.0
NAME = "plant"
HOUR = 3600.0
SETTINGS = """\
[environment]
name = "plant"
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
certificate_origins = "{webhooks[url]}"
certificate_subjects = "*.example"
certificate_roots = "root.pem"

[salesforce]
environment = "sandbox"
login_url = "{salesforce[login_url]}"
client_id = "{salesforce[client_id]}"
username = "{salesforce[username]}"
private_key = "file:salesforce.pem"

[salesforce.stages]
active = "Qualification"
on_hold = ["On Hold"]

[pace]
poll_partner_center = {poll}
poll_crm = {poll}

[brake]
links = 100000
clears = 100000

[web]
port = {port}
public_url = "http://127.0.0.1:{port}"
"""


def until(true: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What `true` answers once it answers something; fails when it never does."""
    deadline = time.monotonic() + patience
    while True:
        if found := true():
            return found
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


@contextlib.contextmanager
def sandbox() -> Iterator[Control]:
    """The controls of an empty sandbox in a process of its own, on free ports; it must have no complaint."""
    command = [*PROGRAM, "sandbox", "--base-port", "0", "--empty"]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            index = next(line.split()[-1] for line in lines if line.startswith("Sandbox "))
            yield Control(index)
        finally:
            process.kill()
        errors.seek(0)
        assert errors.read() == ""


@dataclass
class Run:
    """One life of `cosell run`."""

    process: subprocess.Popen[str]
    web: str

    def page(self, path: str) -> tuple[int, str]:
        """Status and body of a page; status 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.web + path, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""

    @property
    def status(self) -> Any:
        return json.loads(self.page("/status.json")[1])["environments"][0]

    def largest_file(self, size: int = resource.RLIM_INFINITY) -> None:
        """Lets no file grow beyond `size` bytes: a write beyond fails as on a disk that is full."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def kill(self) -> None:
        """No goodbye."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> float:
        """Seconds it took to end after SIGTERM."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - began


@dataclass
class Plant:
    """A folder with settings that join the connector to the sandbox, and the verbs of its people."""

    folder: Path
    control: Control
    port: int = field(default_factory=free_port)
    poll: float = 1.0
    more: dict[str, str] = field(default_factory=dict)
    """Further variables of its processes."""
    told: dict[str, Any] = field(init=False)
    _lives: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        told = self.told = self.control.description()
        (self.folder / "cosell.toml").write_text(
            SETTINGS.format(**told, port=self.port, poll=self.poll), "utf-8"
        )
        for name, secret in (
            ("refresh-token", told["entra"]["refresh_token"]),
            ("salesforce.pem", told["salesforce"]["private_key_pem"]),
        ):
            (self.folder / name).write_text(secret, "utf-8")
            (self.folder / name).chmod(0o600)
        with urllib.request.urlopen(f"{told['webhooks']['url']}/cert/root.cer") as answer:
            (self.folder / "root.pem").write_text(ssl.DER_cert_to_PEM_cert(answer.read()), "ascii")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COSELL_")}
        secret = self.told["entra"]["client_secret"]
        return {**kept, "ENTRA_SECRET": secret, "COSELL_WHO": "ada", **self.more}

    @property
    def data(self) -> Path:
        return self.folder / "cosell-data" / NAME

    @property
    def database(self) -> Path:
        return self.data / f"{NAME}.db"

    @property
    def errors(self) -> str:
        """Everything every life said on stderr."""
        return "".join(file.read_text("utf-8") for file in sorted(self.folder.glob("stderr-*")))

    def cosell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in a process of its own."""
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def asked(self, *words: str) -> Any:
        """The data of a command that must go well."""
        done = self.cosell(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["data"]

    @contextlib.contextmanager
    def running(self) -> Iterator[Run]:
        """One life; whatever of it is left at the end is killed."""
        self._lives += 1
        command = [*PROGRAM, "run", "--json", "--log", "json"]
        with (self.folder / f"stderr-{self._lives:03}").open("w") as errors:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith('{"ok": true'), said + self.errors
            yield Run(process, json.loads(said)["data"]["urls"]["web"])
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def rows(self, query: str, *values: Any) -> Sequence[Any]:
        with closing(sqlite3.connect(self.database, timeout=10)) as raw:
            return raw.execute(query, values).fetchall()

    def change(self, *statements: str) -> None:
        """What somebody with an editor for databases could do while nobody runs."""
        with closing(sqlite3.connect(self.database, timeout=10)) as raw:
            for statement in statements:
                raw.execute(statement)
            raw.commit()

    def an_hour_passes(self) -> None:
        """Moves every time the next life counts from into the past, as if it began an hour later."""
        self.change(
            f"UPDATE inbox SET not_before = not_before - {HOUR}, lease_until = lease_until - {HOUR}",
            f"UPDATE write SET sent_at = sent_at - {HOUR} WHERE seq IS NULL",
            f"UPDATE link SET changed_at = changed_at - {HOUR}",
        )
