"""CreateMultiple, UpdateMultiple, UpsertMultiple and duplicate detection (2.9, 2.1, trap 9)."""

from __future__ import annotations

from typing import Any

import pytest

from .dynamics import DEAL, NOWHERE, REFERRAL, Dynamics, Reply

KIND = {"@odata.type": "Microsoft.Dynamics.CRM.opportunity"}


async def bulk(dynamics: Dynamics, message: str, *targets: dict[str, Any]) -> Reply:
    body = {"Targets": [{**KIND, **one} for one in targets]}
    return await dynamics.call("POST", f"opportunities/Microsoft.Dynamics.CRM.{message}", body)


def keyed(referral: str, **fields: Any) -> dict[str, Any]:
    return {"@odata.id": f"opportunities({REFERRAL}='{referral}')", **fields}


async def test_many_rows_are_created_and_their_ids_come_in_order(dynamics: Dynamics) -> None:
    reply = await bulk(dynamics, "CreateMultiple", {**DEAL, "name": "A"}, {**DEAL, "name": "B"})
    assert reply.status == 200
    context = f"{dynamics.root}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    assert reply.json["@odata.context"] == context
    names = [(await dynamics.row(f"opportunities({one})"))["name"] for one in reply.json["Ids"]]
    assert names == ["A", "B"]


async def test_many_rows_are_updated_by_their_primary_keys(dynamics: Dynamics) -> None:
    ids = [await dynamics.deal(), await dynamics.deal()]
    targets = [{"opportunityid": one, "name": f"New {n}"} for n, one in enumerate(ids)]
    assert (await bulk(dynamics, "UpdateMultiple", *targets)).status == 204
    assert await dynamics.names("startswith(name,'New')") == ["New 0", "New 1"]
    assert (await bulk(dynamics, "UpdateMultiple", {"name": "x"})).refusal == (400, "0x80040203")


async def test_many_rows_are_upserted_by_alternate_key_or_primary_key(dynamics: Dynamics) -> None:
    known = await dynamics.deal(**{REFERRAL: "R-1"})
    targets = [keyed("R-1", name="Changed"), keyed("R-2", **{**DEAL, "name": "Made"})]
    targets.append({"opportunityid": NOWHERE, **DEAL, "name": "Also made"})
    assert (await bulk(dynamics, "UpsertMultiple", *targets)).status == 204
    assert (await dynamics.row(f"opportunities({known})"))["name"] == "Changed"
    assert (await dynamics.row(f"opportunities({REFERRAL}='R-2')"))["name"] == "Made"
    assert (await dynamics.row(f"opportunities({NOWHERE})"))["name"] == "Also made"


async def test_a_key_told_twice_fails_only_where_the_row_is_made(dynamics: Dynamics) -> None:
    """Trap 9."""
    known = await dynamics.deal(**{REFERRAL: "R-1"})
    twice = keyed("R-1", name="Changed", **{REFERRAL: "R-1"})
    assert (await bulk(dynamics, "UpsertMultiple", twice)).status == 204
    assert (await dynamics.row(f"opportunities({known})"))["name"] == "Changed"
    new = keyed("R-2", **DEAL, **{REFERRAL: "R-2"})
    assert (await bulk(dynamics, "UpsertMultiple", new)).refusal == (400, "0x80040216")


@pytest.mark.parametrize("message", ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"])
async def test_one_refused_row_takes_all_of_them_back(dynamics: Dynamics, message: str) -> None:
    deal = await dynamics.deal(**{REFERRAL: "R-1"})
    named = {"opportunityid": deal} if message != "CreateMultiple" else {}
    good, bad = {**named, "name": "Changed"}, {**named, "name": "x" * 301}
    assert (await bulk(dynamics, message, good, bad)).refusal == (400, "0x80044331")
    assert await dynamics.names("name ne null") == [DEAL["name"]]


async def test_a_target_must_say_its_type_and_there_must_be_one(dynamics: Dynamics) -> None:
    path = "opportunities/Microsoft.Dynamics.CRM.CreateMultiple"
    bodies: tuple[dict[str, Any], ...] = (
        {"Targets": [DEAL]},
        {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "x"}]},
        {"Targets": []},
        {"Targets": "x"},
        {},
        {"Targets": [{**KIND, **DEAL}], "Extra": 1},
    )
    for body in bodies:
        assert (await dynamics.call("POST", path, body)).status == 400, body
    assert (await dynamics.call("GET", path)).status == 405


async def test_duplicates_are_looked_for_only_where_a_call_asks_for_it(dynamics: Dynamics) -> None:
    asks = {"MSCRM.SuppressDuplicateDetection": "false"}
    first = await dynamics.create("accounts", name="Contoso")
    await dynamics.create("accounts", name="contoso")
    again = await dynamics.call("POST", "accounts", {"name": "CONTOSO"}, headers=asks)
    assert again.refusal == (500, "0x80040333")
    other = await dynamics.create("accounts", name="Other")
    path = f"accounts({other})"
    renamed = await dynamics.call("PATCH", path, {"name": "Contoso"}, headers=asks)
    assert renamed.refusal == (500, "0x80040333")
    assert (await dynamics.call("PATCH", path, {"telephone1": "1"}, headers=asks)).status == 204
    same = await dynamics.call("PATCH", f"accounts({first})", {"name": "Contoso"}, headers=asks)
    assert same.status == 204


async def test_the_rules_and_the_status_of_duplicates_are_switches(dynamics: Dynamics) -> None:
    dynamics.org.settings.duplicates_found_status = 412
    dynamics.org.settings.duplicate_rules = frozenset({"opportunity.name"})
    asks = {"MSCRM.SuppressDuplicateDetection": "false"}
    await dynamics.deal()
    assert (await dynamics.call("POST", "opportunities", DEAL, headers=asks)).refusal == (412, "0x80040333")
