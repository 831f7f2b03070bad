"""The seed and the desk of a Dynamics 365 in which no connector was, or Microsoft's own."""

from __future__ import annotations

import pytest

from cosell.sandbox.dataverse import INSTALLER, Dataverse
from cosell.sandbox.frame import Frame, Org
from cosell.sandbox.shell.account import Account
from cosell.sandbox.shell.desk.dataverse import DataverseDesk
from cosell.sandbox.shell.identities import DATAVERSE_APPLICATION, SECOND
from cosell.sandbox.shell.seed import deals_2
from cosell.sandbox.shell.seed.in_dataverse import CHECKED, InDataverse
from cosell.sandbox.shell.seed.people import FABRIKAM_SELLERS
from cosell.sandbox.shell.seed.plant import plant
from cosell.sandbox.shell.wishes import Refused, Wish

URLS = {name: f"http://{name.replace('_', '-')}.example" for name in ("partner_center", "webhooks", "entra")}


def planted(given: Org) -> Dataverse:
    """An environment of that kind with the deals of the second seed."""
    frame = Frame(seed=3)
    account = Account(frame, SECOND, URLS, ca_pem=None)
    org = Dataverse(
        frame,
        base_url="http://dynamics.example",
        entra=account.entra,
        application=DATAVERSE_APPLICATION,
        org=given,
    )
    names = {one["id"]: one["name"] for one in account.partner_center.solutions}
    plant(
        account.partner_center,
        InDataverse(org, names, FABRIKAM_SELLERS),
        deals_2.DEALS,
        sellers=FABRIKAM_SELLERS,
    )
    return org


def test_a_bare_environment_has_deals_of_which_microsoft_knows_nothing() -> None:
    org = planted(Org.BARE)
    desk = DataverseDesk(org)
    rows = desk.opportunities()
    assert len(rows) > 8
    assert {row["referral_id"] for row in rows} == {None}
    assert {row["sync"] for row in rows} == {None}
    assert not any(row["solutions"] for row in rows)
    assert desk.choices("opportunity", "cosell_howcanmicrosofthelp") == []
    whole = desk.opportunity(rows[0]["id"])
    assert (whole["audit"], whole["solution_rows"]) == (None, [])


def test_a_seller_of_a_bare_environment_says_nothing_to_microsoft() -> None:
    desk = DataverseDesk(planted(Org.BARE))
    made = desk.create(Wish({"name": "Plain deal", "account": "Contoso"}))
    desk.edit(made, {"amount": 5})
    assert desk.opportunity(made)["amount"] == 5
    with pytest.raises(Refused, match="There is no sync here"):
        desk.edit(made, {"sync": True})
    with pytest.raises(Refused, match="no table for solutions"):
        desk.add_solution(made, {"id": "SOL-20001-AAA"})


def test_an_environment_of_microsofts_solution_has_its_marks_and_its_columns() -> None:
    """Section 7, and J-13: a check mark in the name, a line in the audit."""
    org = planted(Org.MICROSOFT)
    linked = [row for row in DataverseDesk(org).opportunities() if row["referral_id"]]
    assert len(linked) == 6
    assert all(row["name"].startswith(CHECKED) for row in linked)
    row = org.as_seller.get("opportunity", linked[0]["id"])
    assert row["msft_microsoftpartnercenterreferralidentifier"] == linked[0]["referral_id"]
    assert row["msft_microsoftpartnercenterreferralsyncaudit"].endswith("Referral to CRM sync success")
    assert row["msft_microsoftpartnercentersolutions"].startswith("SOL-")
    assert not [name for name in row if name.startswith("cosell_")]


def test_who_installs_signs_in_with_a_secret_of_its_own() -> None:
    org = planted(Org.BARE)
    assert (org.admin_client_id, org.admin_client_secret) == (INSTALLER.client_id, INSTALLER.secret)
    assert SECOND.tenant.application(org.admin_client_id) is INSTALLER
    assert org.given is Org.BARE
