"""kill -9 at random moments of a backlog (INV-9): nothing is lost, nothing is doubled, the audit holds."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.process.plant import Plant, Run, until

SOLUTION = "SOL-10001-AAA"
KILLS = 5
"""In each of two stories."""


@dataclass
class People:
    """They make deals and edit them on both sides, each field on one side only, and note what they did."""

    plant: Plant
    dice: random.Random
    account: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    """By referral id: the notes last written in Partner Center."""
    amounts: dict[str, int] = field(default_factory=dict)
    """By opportunity id: the amount last written in Salesforce."""
    made: Counter[str] = field(default_factory=Counter)

    def referral(self) -> str:
        self.made["referral"] += 1
        made = self.plant.control.new_referral(name=f"Portal deal {self.made['referral']}")
        return str(made["id"])

    def opportunity(self) -> str:
        self.made["opportunity"] += 1
        number = self.made["opportunity"]
        made = self.plant.control.new_opportunity(
            name=f"Seller deal {number}",
            account_id=self.account,
            amount=1000 + number,
            currency="EUR",
            stage="Qualification",
            sync=True,
            solutions=[{"id": SOLUTION}],
            contact={
                "first_name": "Ines",
                "last_name": f"Vos {number}",
                "email": f"ines{number}@fabrikam.example",
                "phone": "+31105550100",
            },
        )
        return str(made["id"])

    def live_a_little(self, round_: int) -> None:
        """New deals on both sides, and edits of whatever is linked."""
        for _ in range(3):
            self.referral()
        self.opportunity()
        deals = self.plant.control.deals()
        for referral in deals["partner_center"]:
            if self.dice.random() < 0.5:
                self.notes[referral["id"]] = text = f"Portal note {round_}"
                self.plant.control.edit(referral["id"], notes=text)
        for row in deals["salesforce"]:
            if self.dice.random() < 0.5:
                self.amounts[row["id"]] = amount = self.dice.randrange(2000, 900_000)
                self.plant.control.edit(row["id"], amount=amount)


def quiet(run: Run) -> bool:
    """Whether every key rests and no write is open."""
    status = run.status
    waiting = status["waiting"]
    return not any(waiting[name] for name in ("due", "later", "running", "unanswered_writes"))


def in_step(plant: Plant, people: People) -> list[str]:
    """What is not as it must be: one line for each deal that lacks something or has it twice."""
    deals = plant.control.deals()
    ours, theirs = deals["partner_center"], deals["salesforce"]
    wanted = people.made["referral"] + people.made["opportunity"]
    wrong = []
    if (len(ours), len(theirs)) != (wanted, wanted):
        wrong.append(f"{wanted} deals became {len(ours)} referrals and {len(theirs)} opportunities")
    named = Counter(row["external_reference_id"] for row in ours)
    wrong += [f"{count} referrals name {one}" for one, count in named.items() if count > 1]
    by_referral: dict[str, Any] = {row["referral_id"]: row for row in theirs}
    holds = dict(plant.rows("SELECT partner_center_id, holds FROM link"))
    for referral in ours:
        row = by_referral.get(referral["id"])
        if row is None:
            wrong.append(f"{referral['name']} has no opportunity")
            continue
        whole = plant.control.deal(row["id"])
        note = people.notes.get(referral["id"])
        if note is not None and whole["description"] != note and "notes" not in holds[referral["id"]]:
            wrong.append(f"{referral['name']}: «{note}» became «{whole['description']}»")
        amount = people.amounts.get(row["id"])
        lost = amount is not None and float(referral["value"]) != amount
        if lost and "deal_value" not in holds[referral["id"]]:
            wrong.append(f"{referral['name']}: {amount} became {referral['value']}")
    return wrong


@pytest.mark.parametrize("seed", [8, 21])
def test_kills_lose_and_double_nothing(plant: Plant, seed: int) -> None:
    people = People(plant, random.Random(seed))
    people.referral()
    with plant.running() as run:
        plant.asked("webhook", "register")
        until(lambda: plant.control.deals()["salesforce"] and quiet(run))
        (row,) = plant.control.deals()["salesforce"]
        people.account = plant.control.deal(row["id"])["account_row"]["Id"]
        plant.control.slow(0.02)
        people.live_a_little(0)
        time.sleep(people.dice.random() * 0.8)
        run.kill()
    for round_ in range(1, KILLS):
        plant.an_hour_passes()
        people.live_a_little(round_)
        with plant.running() as run:
            time.sleep(people.dice.random() * 0.8)
            run.kill()
    plant.control.slow(0)
    plant.an_hour_passes()
    with plant.running() as run:
        until(lambda: quiet(run) and not in_step(plant, people))
        run.terminate()
    assert in_step(plant, people) == []
    verdict = plant.asked("audit", "verify")
    assert verdict["bad_seq"] is None
    assert verdict["rows"] > people.made["referral"]
    assert plant.rows("PRAGMA integrity_check") == [("ok",)]
