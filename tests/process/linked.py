"""A settings file that knows nothing yet, beside a sandbox that plays the vendors over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import ssl
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest

from cosell.cli.entry import run
from cosell.sandbox.shell.verbs import Control
from cosell.wiring.environment import Environment, environment
from cosell.wiring.places import locate
from tests.cli.conftest import Said
from tests.process.plant import PROGRAM, Run


@contextlib.contextmanager
def secure_sandbox() -> Iterator[Control]:
    """The controls of an empty sandbox that serves https under an authority of its own."""
    command = [*PROGRAM, "sandbox", "--base-port", "0", "--empty", "--tls"]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            index = ca = ""
            for line in iter(process.stdout.readline, ""):
                index = line.split()[-1] if line.startswith("Sandbox ") else index
                if "SSL_CERT_FILE=" in line:
                    ca = line.strip().partition("SSL_CERT_FILE=")[2]
                    break
            yield Control(index, ca)
        finally:
            process.kill()
            process.wait()


@dataclass
class Desk:
    """A folder with a settings file, the person in front of it, and the administrators of the vendors."""

    folder: Path
    control: Control
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    told: dict[str, Any] = field(init=False)
    seen: list[str] = field(default_factory=list)
    """Everything any command said."""

    def __post_init__(self) -> None:
        self.told = self.control.description()
        for name in ("COSELL_CONFIG", "COSELL_DATA", "COSELL_KEY", "COSELL_DEBUG"):
            self.monkeypatch.delenv(name, raising=False)
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setenv("COLUMNS", "200")

    @property
    def file(self) -> Path:
        return self.folder / "cosell.toml"

    @property
    def text(self) -> str:
        return self.file.read_text("utf-8")

    def begin(self, crm: str) -> None:
        """A new settings file, in which only the environment is filled in."""
        assert self.cosell("init", "--crm", crm).code == 0
        text = self.text.replace('"production"', '"sandbox"').replace(
            '# ca_file = "extra-authorities.pem"', f'ca_file = "{self.control.ca_file}"'
        )
        self.file.write_text(text, "utf-8")

    def cosell(self, *words: str) -> Said:
        """One command; what it says is remembered, to be searched for secrets."""
        self.capsys.readouterr()
        code = run(words)
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        self.seen.append(out + err)
        return Said(code, out, err)

    def connect(self, system: str, *words: str, **answers: str) -> Said:
        """`cosell connect` as a script calls it."""
        said = [part for name, value in answers.items() for part in ("--answer", f"{name}={value}")]
        return self.cosell("connect", system, "--non-interactive", *said, *words)

    def partner_center(self, *words: str, **answers: str) -> Said:
        """The same, with everything known of the sandbox's first account."""
        entra = self.told["entra"]
        self.monkeypatch.setenv("CLIENT_SECRET", entra["client_secret"])
        self.monkeypatch.setenv("REFRESH_TOKEN", entra["refresh_token"])
        known = {
            "tenant": entra["tenant"],
            "client_id": entra["client_id"],
            "client_secret": "env:CLIENT_SECRET",
            "authority": entra["authority"],
            "url": self.told["partner_center"]["url"],
            "webhooks_url": self.told["webhooks"]["url"],
        }
        return self.connect("partner-center", *words, **{**known, **answers})

    def salesforce(self, *words: str, **answers: str) -> Said:
        salesforce = self.told["salesforce"]
        self.secret("salesforce.key", salesforce["private_key_pem"])
        known = {
            "login_url": salesforce["login_url"],
            "client_id": salesforce["client_id"],
            "username": salesforce["username"],
            "private_key": "file:salesforce.key",
        }
        return self.connect("salesforce", *words, **{**known, **answers})

    def second_account(self, *words: str, **answers: str) -> Said:
        """Partner Center again, with the account that is joined to Dynamics 365."""
        half = self.told["second_account"]
        self.monkeypatch.setenv("CLIENT_SECRET", half["entra"]["client_secret"])
        self.monkeypatch.setenv("REFRESH_TOKEN", half["entra"]["refresh_token"])
        known = {
            "tenant": half["entra"]["tenant"],
            "client_id": half["entra"]["client_id"],
            "client_secret": "env:CLIENT_SECRET",
            "refresh_token": "env:REFRESH_TOKEN",
            "authority": half["entra"]["authority"],
            "url": half["partner_center"]["url"],
            "webhooks_url": half["webhooks"]["url"],
        }
        return self.connect("partner-center", *words, **{**known, **answers})

    def dynamics(self, *words: str, **answers: str) -> Said:
        dataverse = self.told["dataverse"]
        self.monkeypatch.setenv("DYNAMICS_SECRET", dataverse["client_secret"])
        known = {
            "url": dataverse["url"],
            "authority": self.told["second_account"]["entra"]["authority"],
            "client_id": dataverse["client_id"],
            "credential": "env:DYNAMICS_SECRET",
        }
        return self.connect("dynamics", *words, **{**known, **answers})

    def secret(self, name: str, value: str) -> Path:
        """A file that only its owner can read."""
        path = self.folder / name
        path.write_text(value, "utf-8")
        path.chmod(0o600)
        return path

    def inside(self, work: Callable[[Environment], Coroutine[Any, Any, Any]]) -> Any:
        """Does something with the environment, as another process would."""

        async def opened() -> Any:
            async with environment(locate(None, os.environ), os.environ) as env:
                return await work(env)

        return asyncio.run(opened())

    @contextlib.contextmanager
    def running(self) -> Iterator[Run]:
        """`cosell run` in a process of its own, which is killed at the end."""
        errors = self.folder / "stderr"
        with errors.open("w") as said:
            process = subprocess.Popen(
                [*PROGRAM, "run", "--json", "--log", "json", "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith('{"ok": true'), first + errors.read_text()
            yield Run(process, json.loads(first)["data"]["urls"]["web"])
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    # --- the person's browser ----------------------------------------------------------------------

    def signs_in_when_asked(
        self, fill: dict[str, str] | None = None, *, meanwhile: Callable[[], object] = lambda: None
    ) -> list[str]:
        """A person follows the address that is opened; the list holds the pages they end at."""
        titles: list[str] = []

        def visited(url: str) -> bool:
            meanwhile()
            threading.Thread(target=lambda: titles.append(self.visit(url, fill or {}))).start()
            return True

        self.monkeypatch.setattr("cosell.cli.signing_in.webbrowser.open", visited)
        return titles

    def visit(self, url: str, fill: dict[str, str]) -> str:
        """Goes to an address and through its forms, as a browser would; answers the last page."""
        context = ssl.create_default_context(cafile=self.control.ca_file)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(CookieJar()),
        )
        with opener.open(url, timeout=20) as answer:
            page, here = str(answer.read(), "utf-8"), answer.url
        for _ in range(8):
            form = re.search(r"<form[^>]*>.*?</form>", page, re.DOTALL)
            if form is None:
                break
            page, here = self._sent(opener, form[0], here, fill)
        return page

    def _sent(self, opener: Any, form: str, here: str, fill: dict[str, str]) -> tuple[str, str]:
        action = re.search(r'action="([^"]*)"', form)
        fields = {}
        for tag in re.findall(r"<(?:input|button)[^>]*>", form):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name is not None and name[1] not in fields:
                fields[name[1]] = unescape(value[1]) if value is not None else ""
        fields |= {name: value for name, value in fill.items() if name in fields}
        where = urljoin(here, unescape(action[1]) if action is not None else "")
        with opener.open(where, urlencode(fields).encode(), timeout=20) as answer:
            page: str = answer.read().decode()
            return page, answer.url
