"""A backup taken while the sync runs, an accident, and the way back (INV-24, J-6)."""

from __future__ import annotations

import json
import zipfile

from tests.process.plant import Plant, until
from tests.process.test_ending import description, linked, opportunities, rests


def test_a_restored_backup_adds_holds_and_loses_nothing(plant: Plant) -> None:
    """Deals are made and edited after the backup; the restore doubles none and takes no edit back."""
    backup = plant.folder / "night.backup"
    with plant.running() as run:
        carried, disputed, quiet = linked(plant, run, 3)
        told = plant.asked("backup", str(backup))
        assert told["counts"]["link"] == 3
        assert told["environment"] == "plant"
        plant.control.edit(carried, notes="Carried after the backup.")
        plant.control.edit(disputed, notes="There.")
        until(lambda: description(plant, carried) == "Carried after the backup." and rests(run))
        until(lambda: description(plant, disputed) == "There." and rests(run))
        late = str(plant.control.new_referral(name="After the backup")["id"])
        until(lambda: late in opportunities(plant) and rests(run))
        run.terminate()
    plant.control.edit(opportunities(plant)[disputed]["id"], description="Edited while nobody looked.")
    before = set(opportunities(plant))
    ((rows,),) = plant.rows("SELECT max(seq) FROM write")

    done = plant.asked("restore", str(backup))
    assert done["to_look_at"] == 3
    verdict = plant.asked("audit", "verify")
    assert verdict["bad_seq"] is None
    assert verdict["rows"] == told["audit_rows"] + 1 < rows
    assert plant.rows("SELECT note FROM write WHERE note LIKE 'ada restored the backup of %'")

    with plant.running() as run:
        until(lambda: run.status["links"]["linked"] == 4 and rests(run))
        assert set(opportunities(plant)) == before
        assert description(plant, carried) == "Carried after the backup."
        assert description(plant, disputed) == "Edited while nobody looked."
        attention = {one["reason"]: one["count"] for one in run.status["attention"]}
        assert attention["restored"] == 1
        plant.asked("resolve", disputed, "notes", "--take", "crm")
        until(lambda: "restored" not in {one["reason"] for one in run.status["attention"]} and rests(run))
        assert "Edited while nobody looked." in json.dumps(plant.control.deal(disputed))
        assert run.status["careful"]["on"] is True
        run.terminate()
    assert plant.asked("audit", "verify")["bad_seq"] is None
    assert (plant.data / done["replaced"].rpartition("/")[2]).exists()
    assert quiet in before


def test_a_backup_says_what_it_is_and_holds_no_key_unless_asked(plant: Plant) -> None:
    with plant.running() as run:
        linked(plant, run, 1)
        plain, whole = plant.folder / "plain.backup", plant.folder / "whole.backup"
        assert "key is not in it" in plant.cosell("backup", str(plain)).stdout
        assert "key is in it" in plant.cosell("backup", str(whole), "--with-key").stdout
        refused = plant.cosell("restore", str(plain), "--json")
        assert "already runs the environment plant" in json.loads(refused.stdout)["error"]["message"]
        run.terminate()
    with zipfile.ZipFile(plain) as packed:
        assert sorted(packed.namelist()) == ["cosell.db", "cosell.toml", "manifest.json"]
        manifest = json.loads(packed.read("manifest.json"))
    assert plain.stat().st_mode & 0o077 == 0
    assert manifest["audit_head"] == plant.asked("audit", "verify")["head"]
    with zipfile.ZipFile(whole) as packed:
        assert packed.read("sealing.key").strip() == (plant.data / "plant.key").read_bytes().strip()
