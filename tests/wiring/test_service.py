"""What systemd hears of us (sd_notify)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosell.wiring.service import Service


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        yield sock


def environ(ear: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(ear.getsockname()), **more}


def heard(ear: socket.socket) -> list[str]:
    return ear.recv(4096).decode().splitlines()


async def test_it_says_ready_and_alive_and_that_it_is_stopping(ear: socket.socket) -> None:
    service = Service(environ(ear, WATCHDOG_USEC="20000", WATCHDOG_PID=str(os.getpid())))
    with service.working(lambda: True):
        assert heard(ear)[0] == "READY=1"
        await asyncio.sleep(0)
        assert heard(ear) == ["WATCHDOG=1"]
    assert "STOPPING=1" in heard(ear)


async def test_an_engine_that_died_gives_no_sign_of_life(ear: socket.socket) -> None:
    with Service(environ(ear, WATCHDOG_USEC="20000")).working(lambda: False):
        assert heard(ear)[0] == "READY=1"
        await asyncio.sleep(0.05)
    assert "STOPPING=1" in heard(ear)


async def test_a_watchdog_for_somebody_else_is_none_of_ours(ear: socket.socket) -> None:
    assert Service(environ(ear, WATCHDOG_USEC="20000", WATCHDOG_PID="1")).every is None
    assert Service(environ(ear, WATCHDOG_USEC="no number")).every is None
    assert Service(environ(ear, WATCHDOG_USEC="30000000")).every == 15.0


async def test_without_a_supervisor_nothing_is_said_and_nothing_breaks(tmp_path: Path) -> None:
    assert Service({}).tell(READY="1") is False
    assert Service({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell(READY="1") is False


async def test_a_name_in_the_abstract_space_is_understood() -> None:
    name = f"cosell-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        assert Service({"NOTIFY_SOCKET": "@" + name}).tell(READY="1") is True
        assert sock.recv(100) == b"READY=1"
