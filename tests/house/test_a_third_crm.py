"""The promise of the house: a third CRM is one package with its mapping and quality, and nothing else.

The source is copied, the toy of tests/conformance is put among its systems, and everything is asked of it
that is asked of the others. No other file of the copy is touched.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cosell.core.guards import Policy
from cosell.core.mapping import Conflict, parse
from cosell.core.records import Side
from cosell.core.values import State, decode
from cosell.engine import Engine, Pace
from cosell.store import memory, open_store
from tests.conformance import toy
from tests.systems.office import deal
from tests.world import crm, loop, partner_center
from tests.world.client import Client
from tests.world.faults import Faults
from tests.world.ledger import Ledger
from tests.world.loop import VirtualLoop, WorldClock, WorldDice
from tests.world.process import Process, Reaper
from tests.world.scene import Bell
from tests.world.sometimes import Sometimes
from tests.world.story import Story

ROOT = Path(__file__).parents[2]
FILE = """\
[environment]
name = "third"
kind = "sandbox"

[partner_center]
environment = "sandbox"
tenant = "{entra[tenant]}"
client_id = "{entra[client_id]}"
client_secret = "env:ENTRA_SECRET"
refresh_token = "env:REFRESH_TOKEN"
url = "{partner_center[url]}"
webhooks_url = "{webhooks[url]}"
authority = "{entra[authority]}"
organization_id = "{partner_center[organization_id]}"

[toy]
environment = "sandbox"
file = "{file}"
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """The product with one package more."""

    folder: Path
    environ: dict[str, str]
    deals: Path

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )

    def cosell(self, *words: str) -> Any:
        """What a command tells."""
        done = self.python("-m", "cosell", *words, "--json")
        return json.loads(done.stdout)["data"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("third")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(Path(toy.__file__).parent, folder / "src" / "cosell" / "systems" / "toy")
    shutil.copy(ROOT / ".importlinter", folder)
    environ = {**os.environ, "PYTHONPATH": str(folder / "src")}
    command = [sys.executable, "-m", "cosell", "sandbox", "--base-port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        deals = folder / "deals.json"
        (folder / "cosell.toml").write_text(FILE.format(**told, file=deals), "utf-8")
        environ["ENTRA_SECRET"] = told["entra"]["client_secret"]
        environ["REFRESH_TOKEN"] = told["entra"]["refresh_token"]
        yield Copy(folder, environ, deals)
        process.terminate()


# --- discovered --------------------------------------------------------------------------------------


def test_nothing_in_the_product_names_it() -> None:
    named = [file for file in (ROOT / "src").rglob("*.py") if re.search(r"\btoy\b", file.read_text("utf-8"))]
    assert named == []


def test_it_is_discovered_with_its_settings_explained(copy: Copy) -> None:
    assert copy.cosell("init", "--crm", "toy", "new.toml")["path"] == "new.toml"
    assert 'file = "deals.json"' in (copy.folder / "new.toml").read_text("utf-8")
    copy.python("-m", "cosell.config.reference", "docs")
    assert "## [toy]" in (copy.folder / "docs" / "settings.md").read_text("utf-8")


def test_it_stands_on_the_page_of_systems(copy: Copy) -> None:
    (copy.folder / "docs").mkdir(exist_ok=True)
    copy.python("-m", "cosell.wiring.catalogue", "docs")
    page = (copy.folder / "docs" / "systems.md").read_text("utf-8")
    assert "## Deals in a file" in page
    assert "There is no wire, so no answer has a status." in page


# --- linted --------------------------------------------------------------------------------------------


def test_it_keeps_the_contracts_between_the_packages(copy: Copy) -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = copy.python("-c", code)
    assert done.returncode == 0, done.stdout[-3000:]


def test_its_mapping_is_linted_against_what_it_has(copy: Copy) -> None:
    assert copy.cosell("mapping", "lint") == {"problems": [], "unchecked": ""}
    rules = {one["field"]: one for one in copy.cosell("mapping", "show")["rules"]}
    assert rules["notes"]["conflict"] == "crm"


# --- shown and used ------------------------------------------------------------------------------------


def test_the_doctor_shows_it(copy: Copy) -> None:
    told = copy.cosell("doctor")
    assert told["healthy"], told
    assert "toy: file" in {one["name"] for one in told["findings"]}


def test_the_deals_of_partner_center_arrive_in_its_file(copy: Copy) -> None:
    copy.cosell("sync", "--all")
    found = json.loads(copy.deals.read_text("utf-8"))["deals"].values()
    assert len(found) > 5
    assert all(one["partner_id"] and one["values"]["name"] for one in found)
    assert copy.cosell("plan")["writes"] == 0


def test_the_doctor_says_what_to_do_about_it(copy: Copy) -> None:
    kept = copy.deals.read_text("utf-8") if copy.deals.exists() else '{"count": 0, "deals": {}}'
    copy.deals.write_text("torn", "utf-8")
    told = copy.cosell("doctor")
    copy.deals.write_text(kept, "utf-8")
    (finding,) = [one for one in told["findings"] if not one["ok"]]
    assert finding["advice"] == "Mend the file, or name another."


# --- synced in a world -----------------------------------------------------------------------------------


class World:
    """The toy and a fake Partner Center, joined by the whole engine on virtual time."""

    def __init__(self, virtual: VirtualLoop, file: Path) -> None:
        self.rules = parse(toy.SYSTEM.mapping)
        story, seen = Story(virtual), Sometimes()
        ledger = Ledger(self.rules, virtual, story, seen)
        self.partner_center = partner_center.PartnerCenter(
            partner_center.capabilities("version"), ledger, virtual, story, seen
        )
        other = crm.Crm(crm.capabilities("version"), ledger, virtual, story, seen)
        ledger.servers = {Side.PARTNER_CENTER: self.partner_center, Side.CRM: other}
        self.shelf = toy.Shelf(file)
        dice = random.Random(7)
        process = Process("a", Reaper(frozenset()), virtual, story, died=lambda _: None)
        self.engine = Engine(
            store=open_store(memory(), environment="world", dice=WorldDice(dice)),
            partner_center=Client(self.partner_center, process, Faults({}, dice), dice),
            crm=toy.Toy(self.shelf),
            rules=self.rules,
            policy=Policy(),
            pace=Pace(poll_partner_center=20.0, poll_crm=20.0, sweep_every=1e9, idle=60.0, lease=120.0),
            clock=WorldClock(virtual),
            dice=WorldDice(dice),
            alerts=Bell(story),
            owner="a",
        )

    def deals(self) -> dict[str, Any]:
        found: dict[str, Any] = self.shelf.load()["deals"]
        return found

    def value(self, deal_id: str, key: str) -> Any:
        return decode(key, self.deals()[deal_id]["values"][key])


def test_it_is_kept_in_step_in_a_world(tmp_path: Path) -> None:
    """Both ways: a new deal of each side, an edit of each side, a conflict, and then silence (INV-4)."""

    async def live(virtual: VirtualLoop) -> None:
        world = World(virtual, tmp_path / "deals.json")
        assert world.rules["notes"].conflict is Conflict.CRM
        running = asyncio.ensure_future(world.engine.run())
        ours = {**deal(), "state": State.ACTIVE}
        outward = world.shelf.put(None, ours, "seller", enrolled=True)
        world.partner_center.add(1, {**ours, "name": "From Microsoft", "state": State.PENDING})
        await asyncio.sleep(300)
        (referral,) = [one for one in world.partner_center.alive() if one.partner_id == outward]
        (inward,) = [key for key in world.deals() if key != outward]
        assert referral.values["deal_value"] == ours["deal_value"]
        assert world.value(inward, "name") == "From Microsoft"
        world.partner_center.edit(referral, {"close_date": date(2028, 3, 31)})
        world.shelf.put(outward, {"notes": "The seller's words."}, "seller")
        await asyncio.sleep(200)
        assert world.value(outward, "close_date") == date(2028, 3, 31)
        assert referral.values["notes"] == "The seller's words."
        world.partner_center.edit(referral, {"notes": "Microsoft's words."})
        world.shelf.put(outward, {"notes": "The seller's last words."}, "seller")
        await asyncio.sleep(200)
        assert referral.values["notes"] == "The seller's last words."
        count, revision = world.shelf.load()["count"], referral.revision
        await asyncio.sleep(600)
        assert (world.shelf.load()["count"], referral.revision) == (count, revision)
        world.engine.stop()
        await asyncio.wait([running], timeout=60)

    loop.run(live)
