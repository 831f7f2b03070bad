"""A supervisor starts it, watches it, counts what it does, and stops it."""

from __future__ import annotations

import socket

from tests.process.plant import Plant, until
from tests.process.test_ending import linked


def test_it_tells_its_supervisor_how_it_stands_from_the_first_moment_to_the_last(plant: Plant) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(plant.folder / "notify"))
        ear.settimeout(20)
        plant.more = {"NOTIFY_SOCKET": str(plant.folder / "notify"), "WATCHDOG_USEC": "200000"}
        with plant.running() as run:
            assert ear.recv(4096).startswith(b"READY=1")
            assert ear.recv(4096) == b"WATCHDOG=1"
            linked(plant, run, 1)
            status, numbers = run.page("/metrics")
            assert status == 200
            assert 'cosell_links{environment="plant",state="linked"} 1.0' in numbers
            assert (
                'cosell_writes_total{environment="plant",kind="create",side="crm",state="done"} 1.0'
                in numbers
            )
            assert 'system="Salesforce"' in numbers
            assert "Deal 0" not in numbers
            assert run.page("/health/ready")[0] == 200
            assert run.terminate() < 3
        said = until(lambda: _last(ear))
        assert said.startswith(b"STOPPING=1")
        assert run.process.returncode == 0


def _last(ear: socket.socket) -> bytes:
    """The newest thing said that is no sign of life."""
    said = ear.recv(4096)
    return b"" if said == b"WATCHDOG=1" else said
