"""The files people deploy with say what the documentation promises. No container engine runs here.

What was not run is written in docs/how-to/deploy.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy/systemd/cosell.service"
CONTAINERFILE = ROOT / "deploy/container/Containerfile"
COMPOSE = ROOT / "deploy/container/compose.yaml"


# --- systemd -----------------------------------------------------------------------------------------


def unit() -> dict[str, dict[str, list[str]]]:
    """Sections, keys and all values of each."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, separator, value = line.partition("=")
            assert separator, line
            section.setdefault(name, []).append(value)
    return found


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    """The program is not installed here; another one that is stands in for it."""
    draft = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8")
    assert text.count("/opt/cosell/.venv/bin/cosell") == 1
    draft.write_text(text.replace("/opt/cosell/.venv/bin/cosell", sys.executable), "utf-8")
    assert complaints(draft) == []


def complaints(draft: Path) -> list[str]:
    """What systemd says about this unit; nothing on a machine that has no systemd."""
    if shutil.which("systemd-analyze") is None:
        return []
    done = subprocess.run(
        ["systemd-analyze", "verify", str(draft)], capture_output=True, text=True, check=False, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if draft.name in line]
    return said or ([] if done.returncode == 0 else [done.stderr])


def test_the_unit_speaks_the_protocol_the_product_speaks() -> None:
    service = unit()["Service"]
    assert service["Type"] == ["notify"]
    assert int(service["WatchdogSec"][0]) >= 10
    assert int(service["TimeoutStopSec"][0]) > 3
    (command,) = service["ExecStart"]
    assert command.split()[1:] == ["run", "--config", "/etc/cosell/cosell.toml", "--log", "json"]


def test_the_unit_may_do_little() -> None:
    service = unit()["Service"]
    for name, value in (
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("StateDirectory", "cosell"),
        ("StateDirectoryMode", "0700"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ):
        assert service[name] == [value], name
    assert service["User"] != ["root"]


def test_secrets_reach_the_unit_as_credentials_only() -> None:
    service = unit()["Service"]
    for credential in service["LoadCredential"]:
        name, _, path = credential.partition(":")
        assert path == f"/etc/cosell/secrets/{name}"
    assert service["Environment"] == ["COSELL_KEY_FILE=%d/sealing-key"]


# --- container ---------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """The instructions in order, continuations joined."""
    text = re.sub(r"\\\n\s*", "", CONTAINERFILE.read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def test_the_linter_finds_no_fault_with_the_containerfile() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, "--no-color", CONTAINERFILE], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_built_from_locked_packages_and_runs_as_nobody_in_particular() -> None:
    told = instructions()
    bases = {value.split()[0] for name, value in told if name == "FROM"}
    (base,) = bases
    assert re.fullmatch(r"docker\.io/library/python:\d+\.\d+-slim-[a-z]+", base)
    names = [name for name, _ in told]
    assert names.count("FROM") == 2
    assert "ADD" not in names
    last = told[len(names) - 1 - names[::-1].index("FROM") :]
    users = [value for name, value in last if name == "USER"]
    assert users == ["10001:10001"]
    after = names[::-1].index("USER")
    assert "RUN" not in names[len(names) - after :]
    installs = [value for name, value in told if name == "RUN" and "pip install" in value]
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)
    assert ("STOPSIGNAL", "SIGTERM") in last
    assert any(name == "HEALTHCHECK" and "/health/live" in value for name, value in last)
    assert dict(last)["ENTRYPOINT"] == '["cosell"]'  # no shell in between: it is told to stop itself


def test_what_the_image_copies_is_there() -> None:
    for name, value in instructions():
        if name == "COPY" and "--from=" not in value:
            for source in value.split()[:-1]:
                assert (ROOT / source).exists(), source


# --- compose -----------------------------------------------------------------------------------------


def compose() -> dict[str, Any]:
    told = yaml.safe_load(COMPOSE.read_text("utf-8"))
    assert isinstance(told, dict)
    return told


KNOWN = {
    "image": str,
    "build": dict,
    "restart": str,
    "user": str,
    "read_only": bool,
    "cap_drop": list,
    "security_opt": list,
    "tmpfs": list,
    "pids_limit": int,
    "mem_limit": str,
    "stop_grace_period": str,
    "environment": dict,
    "ports": list,
    "volumes": list,
    "secrets": list,
    "networks": list,
    "logging": dict,
}
"""What the compose specification calls the parts of a service that this file uses, and their forms."""


def test_the_compose_file_uses_what_the_specification_knows() -> None:
    told = compose()
    assert told.keys() <= {"name", "services", "networks", "volumes", "secrets"}
    for service in told["services"].values():
        for key, value in service.items():
            assert isinstance(value, KNOWN[key]), key


def test_the_container_may_do_little() -> None:
    service = compose()["services"]["cosell"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "privileged" not in service
    writable = [one for one in service["volumes"] if not one.endswith(":ro")]
    assert writable == ["data:/var/lib/cosell"]


def test_secrets_reach_the_container_as_files_only() -> None:
    told = compose()
    service = told["services"]["cosell"]
    assert set(service["secrets"]) == set(told["secrets"])
    assert all(set(one) == {"file"} for one in told["secrets"].values())
    assert service["environment"] == {"COSELL_KEY_FILE": "/run/secrets/sealing-key"}


def test_everything_named_is_declared() -> None:
    told = compose()
    service = told["services"]["cosell"]
    assert set(service["networks"]) <= set(told["networks"])
    named = [one.partition(":")[0] for one in service["volumes"]]
    assert {one for one in named if not one.startswith(".")} == set(told["volumes"])
    build = service["build"]
    context = (COMPOSE.parent / build["context"]).resolve()
    assert (context / build["dockerfile"]).resolve() == CONTAINERFILE
