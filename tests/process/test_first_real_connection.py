"""The commands of the page on the first real connection alone, from nothing to a synced deal in each CRM."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.sandbox.person import Person

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-real-connection.md"
COMMAND = ".venv/bin/cosell "
PROGRAM = [sys.executable, "-m", "cosell"]
PATIENCE = 120.0
NOT_YET = ("doctor", "connect salesforce")
"""What does not succeed at its first time, as the text says."""


def commands() -> Iterator[str]:
    """Every command of the page, in its order."""
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who types what the page says, in a folder of his own."""

    folder: Path
    base: int

    def words(self, line: str) -> list[str]:
        """The command, with the sandbox's ports where they are free on this machine."""
        for offset in range(9):
            line = line.replace(f":880{offset}", f":{self.base + offset}")
        return [*PROGRAM, *shlex.split(line.removeprefix(COMMAND))]

    @property
    def environ(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COSELL_")}
        return {
            **inherited,
            "SSL_CERT_FILE": str(self.folder / "papers" / "ca.pem"),
            "COSELL_SANDBOX": f"https://127.0.0.1:{self.base}",
        }

    def start(self, line: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.words(line), cwd=self.folder, env=self.environ, text=True, stdin=subprocess.DEVNULL, **more
        )

    def type(self, line: str) -> tuple[int, str]:
        done = self.start(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = done.communicate(timeout=PATIENCE)
        return done.returncode, said

    def connect(self, line: str) -> tuple[int, str]:
        """Starts the sign-in, and goes to the page it names with the code it shows."""
        with self.start(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as waiting:
            assert waiting.stdout is not None
            seen = ""
            while (found := re.search(r"Open (\S+) and enter the code (\S+)\n", seen)) is None:
                letter = waiting.stdout.read(1)
                assert letter, seen
                seen += letter
            asyncio.run(self._sign_in(found[1], found[2], "noor" if "-secret-2" in line else "ada"))
            said, _ = waiting.communicate(timeout=PATIENCE)
        return waiting.returncode, seen + said

    async def _sign_in(self, where: str, code: str, first_name: str) -> None:
        (person,) = re.findall(rf"{first_name}\.\S+@\S+\.example", PAGE.read_text("utf-8"))
        trusted = ssl.create_default_context(cafile=str(self.folder / "papers" / "ca.pem"))
        async with aiohttp.ClientSession() as http:
            await Person(http, person.strip("`,"), ssl=trusted).type_code(where, code)

    def deals(self, system: str) -> list[dict[str, Any]]:
        code, said = self.type(f"sandbox deals {system} --json")
        assert code == 0, said
        found: list[dict[str, Any]] = json.loads(said)["data"][system]
        return found


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    for base in range(20_000 + os.getpid() % 20_000, 60_000, count):
        taken = []
        try:
            for port in range(base, base + count):
                one = socket.socket()
                taken.append(one)
                one.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for one in taken:
                one.close()
        return base
    raise AssertionError("no free ports")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path, free_ports(9))
    (line,) = [one for one in commands() if "sandbox --tls" in one]
    environ = {name: value for name, value in made.environ.items() if name != "SSL_CERT_FILE"}
    words = [*made.words(line), "--base-port", str(made.base)]
    with subprocess.Popen(words, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        while "Try:" not in (line := sandbox.stdout.readline()):
            assert line, "the sandbox did not start"
        yield made
        sandbox.terminate()


def test_the_page_alone_leads_from_nothing_to_a_synced_deal_for_each_crm(reader: Reader) -> None:
    """J-1, CAP-01…CAP-06: the first day of a customer, with the vendors played over TLS."""
    first_time: set[str] = set()
    for line in commands():
        if not line.startswith(COMMAND) or "sandbox --tls" in line:
            assert line.startswith(("make check", "export SSL_CERT_FILE", COMMAND)), line
            continue
        verb = " ".join(shlex.split(line)[1:3] if " connect " in line else shlex.split(line)[1:2])
        code, said = reader.connect(line) if "--device" in line else reader.type(line)
        early = verb in NOT_YET and verb not in first_time
        first_time.add(verb)
        hidden = verb == "doctor" and "lost audit" in said
        assert (code != 0) is (early or hidden) or code == 3, (line, said)
    ours = {one["name"] for one in reader.deals("partner_center")}
    theirs = {one["name"] for one in reader.deals("partner_center_2")}
    assert "Quay sensors" in ours
    assert "Berth calendar" in theirs
    linked = [one for one in reader.deals("salesforce") if one["referral_id"]]
    assert len(linked) > 5
    assert any(one["name"].endswith("Quay sensors") for one in linked)
    assert any(one["referral_id"] for one in reader.deals("dataverse"))
