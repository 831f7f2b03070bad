"""The rules of the house that an import checker can see (design.md 3)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "src" / "cosell" / "core").glob("*.py"))
FORBIDDEN = {
    "asyncio",
    "logging",
    "os",
    "time",
    "random",
    "secrets",
    "sqlite3",
    "pathlib",
    "socket",
    "threading",
}


def imported(file: Path) -> Iterator[str]:
    """The names of the top-level packages a file imports."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "core imports by full names"
            yield node.module or ""


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.name)
def test_the_core_stands_on_the_standard_library_alone(file: Path) -> None:
    for name in imported(file):
        top = name.partition(".")[0]
        assert name.startswith("cosell.core") or top in sys.stdlib_module_names, name
        assert top not in FORBIDDEN, name


def test_every_contract_between_the_packages_is_kept() -> None:
    """The same as `lint-imports`; a change that only a colleague's machine would refuse is refused here."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_help_and_version_load_neither_database_nor_network_nor_settings() -> None:
    code = (
        "import sys\n"
        "from cosell.cli.entry import run\n"
        "run(['--help']); run(['run', '--help']); run(['sandbox', 'edit', '--help']); run(['version'])\n"
        "heavy = {'sqlalchemy', 'aiohttp', 'cosell.config', 'uvicorn', 'starlette', 'babel', 'jinja2'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SETTINGS = """\
[environment]
name = "trial"
kind = "production"

[partner_center]
environment = "production"
tenant = "t"
client_id = "c"
refresh_token = "env:REFRESH_TOKEN"
organization_id = "o"

[salesforce]
environment = "production"
login_url = "https://login.salesforce.com"
instance_url = "https://example.my.salesforce.com"
client_id = "c"
username = "u"
private_key = "env:KEY"
"""


def test_a_look_at_a_salesforce_connection_loads_neither_the_network_nor_another_crm(tmp_path: Path) -> None:
    (tmp_path / "cosell.toml").write_text(SETTINGS, "utf-8")
    code = (
        "import asyncio, sys\n"
        "from cosell.cli.entry import run\n"
        "from cosell.store import open_store\n"
        "from cosell.wiring.places import locate\n"
        "from cosell.wiring.world import FairDice\n"
        "place = locate('cosell.toml', {})\n"
        "place.prepare()\n"
        "store = open_store(place.database, environment=place.name, dice=FairDice())\n"
        "asyncio.run(store.load(0.0))\n"
        "asyncio.run(store.aclose())\n"
        "assert run(['status', '--json']) == 0\n"
        "assert run(['explain', 'nobody']) != 0\n"
        "heavy = {'azure', 'msal', 'aiohttp', 'cosell.systems.dataverse.system', 'cosell.sandbox'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_running_with_settings_of_ones_own_loads_no_simulator() -> None:
    """They would cost every installation some megabytes (docs/performance.md, memory)."""
    code = (
        "import sys\n"
        "import cosell.cli.running, cosell.engine, cosell.wiring.systems\n"
        "sys.exit(', '.join(sorted(m for m in sys.modules if m.startswith('cosell.sandbox'))) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
