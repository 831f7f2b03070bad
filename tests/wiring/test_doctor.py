"""The doctor: each prerequisite by name, on whatever is set up (PRE-01…PRE-20, TRB-…)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cosell.core.reasons import Who
from cosell.ports import Finding
from cosell.sandbox.shell.composition import Sandbox
from cosell.wiring.doctor import Examination, examine
from cosell.wiring.doctor.rows import ROWS

HEAD = """\
[environment]
name = "here"
kind = "sandbox"

[web]
public_url = "https://cosell.example"

"""
PARTNER_CENTER = """\
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

"""
SALESFORCE = """\
[salesforce]
environment = "sandbox"
login_url = "{login_url}"
client_id = "{client_id}"
username = "{username}"
private_key = "env:SALESFORCE_KEY"

[salesforce.stages]
active = "Qualification"
on_hold = "On Hold"
"""
DYNAMICS = """\
[dynamics]
environment = "sandbox"
url = "{url}"
authority = "{authority}"
tenant = "{tenant}"
client_id = "{client_id}"
client_secret = "env:DYNAMICS_SECRET"
"""


@dataclass(frozen=True, slots=True)
class Surgery:
    """A sandbox, and a folder with settings that join it."""

    sandbox: Sandbox
    folder: Path
    environ: dict[str, str]

    async def look(self, *tables: str, fix: bool = False, file: str = "cosell.toml") -> Examination:
        """Writes a file of these tables and has it looked over."""
        if tables:
            (self.folder / file).write_text(HEAD + "".join(tables), "utf-8")
        return await examine(str(self.folder / file), self.environ, fix=fix)

    @property
    def partner_center(self) -> str:
        return PARTNER_CENTER.format(**self.sandbox.description)

    def joined(self, crm: str) -> tuple[str, str]:
        """The tables of one of the sandbox's partners, who each have a CRM and a Partner Center account."""
        if crm == "salesforce":
            return self.partner_center, self.salesforce
        account = self.sandbox.description["second_account"]
        secrets = account["entra"]
        self.environ.update(ENTRA_SECRET=secrets["client_secret"], REFRESH_TOKEN=secrets["refresh_token"])
        return PARTNER_CENTER.format(**account), self.dynamics

    @property
    def salesforce(self) -> str:
        return SALESFORCE.format(**self.sandbox.description["salesforce"])

    @property
    def dynamics(self) -> str:
        told = self.sandbox.description["second_account"]["entra"]
        return DYNAMICS.format(**{**self.sandbox.description["dataverse"], "authority": told["authority"]})


@pytest.fixture
async def surgery(tmp_path: Path) -> AsyncIterator[Surgery]:
    async with Sandbox.serve(base_port=0) as sandbox:
        told = sandbox.description
        secrets = {
            "ENTRA_SECRET": told["entra"]["client_secret"],
            "REFRESH_TOKEN": told["entra"]["refresh_token"],
            "SALESFORCE_KEY": told["salesforce"]["private_key_pem"],
            "DYNAMICS_SECRET": told["dataverse"]["client_secret"],
        }
        yield Surgery(sandbox, tmp_path, secrets)


def by_name(found: Examination) -> dict[str, Finding]:
    return {one.name: one for one in found.findings}


def wrong(found: Examination) -> dict[str, Finding]:
    return {one.name: one for one in found.findings if not one.ok}


@pytest.mark.parametrize("crm", ["salesforce", "dynamics"])
async def test_every_prerequisite_and_every_trouble_that_is_left_has_a_check(
    surgery: Surgery, crm: str
) -> None:
    found = await surgery.look(*surgery.joined(crm))
    assert wrong(found) == {}
    proven = {row for one in found.findings for row in one.rows}
    assert proven <= ROWS.keys()
    wanted = {row for row, one in ROWS.items() if not one.gone and one.crm in ("", crm)}
    assert sorted(wanted - proven) == []
    assert sorted(row for row in proven if ROWS[row].gone) == []


async def test_nobody_is_told_what_to_do_without_being_told_who_can(surgery: Surgery) -> None:
    broken = surgery.salesforce.replace('on_hold = "On Hold"', 'on_hold = "Never"')
    for crm in (surgery.salesforce, surgery.dynamics, broken):
        found = await surgery.look(surgery.partner_center, crm)
        assert [one.name for one in found.findings if one.advice and one.who is None] == []


async def test_before_anything_is_set_up_each_connection_says_so_and_the_rest_is_checked(
    surgery: Surgery,
) -> None:
    found = by_name(await surgery.look('[partner_center]\nenvironment = "sandbox"\n'))
    assert "[partner_center] tenant is missing" in found["settings"].message
    assert not found["partner_center: settings"].ok
    assert found["disk"].ok
    assert found["audit"].ok


async def test_an_unfinished_crm_hides_nothing_of_partner_center(surgery: Surgery) -> None:
    unfinished = surgery.salesforce.replace(surgery.sandbox.description["salesforce"]["username"], "fill in")
    found = by_name(await surgery.look(surgery.partner_center, unfinished))
    assert "username is still to be filled in" in found["settings"].message
    assert found["partner_center: sign-in"].ok
    assert not found["salesforce: settings"].ok
    assert "salesforce: sign-in" not in found


async def test_a_file_without_any_crm_yet_is_looked_over_as_far_as_it_goes(surgery: Surgery) -> None:
    found = by_name(await surgery.look(surgery.partner_center))
    assert "there must be a table" in found["settings"].message
    assert found["partner_center: role"].ok


async def test_an_unfinished_partner_center_hides_nothing_of_the_crm(surgery: Surgery) -> None:
    half = surgery.partner_center.replace(surgery.sandbox.description["entra"]["tenant"], "fill in")
    found = by_name(await surgery.look(half, surgery.dynamics))
    assert not found["partner_center: settings"].ok
    assert found["dynamics: sign-in"].ok
    assert found["dynamics: privileges"].ok


async def test_a_secret_that_cannot_be_had_hides_its_own_connection_alone(surgery: Surgery) -> None:
    del surgery.environ["SALESFORCE_KEY"]
    found = by_name(await surgery.look(surgery.partner_center, surgery.salesforce))
    assert "SALESFORCE_KEY" in found["secrets"].message
    assert found["partner_center: sign-in"].ok
    assert "salesforce: sign-in" not in found


async def test_a_file_nobody_can_read_is_the_only_finding(surgery: Surgery) -> None:
    (surgery.folder / "cosell.toml").write_text("[environment\n", "utf-8")
    (finding,) = (await surgery.look()).findings
    assert "not readable TOML" in finding.message
    assert finding.who is Who.OPERATOR


async def test_deals_in_a_currency_the_crm_lacks_are_named_before_they_wait(surgery: Surgery) -> None:
    """PRE-12, TRB-1.4: tried with Partner Center's own recent deals."""
    (deal, *_) = [one for one in surgery.sandbox.partner_center_desk.deals() if one["status"] == "Active"]
    surgery.sandbox.partner_center_desk.edit(deal["id"], {"currency": "ISK"})
    for crm, name in ((surgery.salesforce, "salesforce"), (surgery.dynamics, "dynamics")):
        found = wrong(await surgery.look(surgery.partner_center, crm))
        assert "ISK" in found[f"{name}: currencies of deals"].message


async def test_people_of_recent_deals_who_are_no_users_are_named(surgery: Surgery) -> None:
    """PRE-13."""
    seller = surgery.sandbox.salesforce.as_seller
    for one in seller.rows("User"):
        seller.update("User", one["Id"], {"Email": "somebody@else.example"})
    found = by_name(await surgery.look(surgery.partner_center, surgery.salesforce))
    team = found["salesforce: sales team"]
    assert team.ok
    assert "@" in team.message
    assert team.who is Who.CRM_ADMIN


async def test_what_is_safe_is_mended_and_looked_at_again(surgery: Surgery) -> None:
    tables = (surgery.partner_center, surgery.salesforce)
    await surgery.look(*tables)
    data = surgery.folder / "cosell-data" / "here"
    os.chmod(data, 0o755)
    surgery.sandbox.webhooks.register(
        "https://cosell.example/webhooks/partner-center/here", ("referral-created",)
    )
    before = await surgery.look(*tables)
    assert not by_name(before)["events"].ok
    assert by_name(before)["data directory"].mend is not None
    after = await surgery.look(*tables, fix=True)
    assert len(after.mended) == 2
    assert wrong(after) == {}
    assert data.stat().st_mode & 0o077 == 0


async def test_an_alert_that_stands_is_a_finding(surgery: Surgery) -> None:
    from cosell.wiring.environment import environment
    from cosell.wiring.places import locate

    tables = (surgery.partner_center, surgery.salesforce)
    await surgery.look(*tables)
    async with environment(
        locate(str(surgery.folder / "cosell.toml"), surgery.environ), surgery.environ
    ) as env:
        await env.alerts.raise_("silence", "No event came for a day.", "Register again.")
    found = wrong(await surgery.look(*tables))
    assert found["alert: silence"].advice == "Register again."
