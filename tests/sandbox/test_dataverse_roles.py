"""Roles, their privileges and how far these reach (dataverse-api.md 1.2, 1.3)."""

from __future__ import annotations

import pytest

from .customizing import Installer, table, text
from .dynamics import DEAL, NOWHERE, Dynamics, Json

CRM = "Microsoft.Dynamics.CRM"


async def privileges(api: Dynamics, *names: str) -> dict[str, str]:
    where = " or ".join(f"name eq '{one}'" for one in names)
    rows = (await api.get("privileges", filter=where, select="privilegeid,name")).rows
    return {one["name"]: one["privilegeid"] for one in rows}


async def role_of(api: Dynamics, depth: str = "Global", *names: str) -> str:
    """A new role with these privileges, given to the connector's user instead of what it had."""
    unit = (await api.call("GET", "WhoAmI")).json["BusinessUnitId"]
    bind = {"businessunitid@odata.bind": f"/businessunits({unit})"}
    role = await api.create("roles", name="Co-sell", **bind)
    found = await privileges(api, *names)
    assert set(found) == set(names)
    asked = [{"PrivilegeId": one, "Depth": depth} for one in found.values()]
    path = f"roles({role})/{CRM}.AddPrivilegesRole"
    assert (await api.call("POST", path, {"Privileges": asked})).status == 204
    roles = f"systemusers({api.org.user_id})/systemuserroles_association"
    for old in (await api.get(roles)).rows:
        assert (await api.call("DELETE", f"{roles}({old['roleid']})/$ref")).status == 204
    given = {"@odata.id": f"{api.root}/roles({role})"}
    assert (await api.call("POST", f"{roles}/$ref", given)).status == 204
    return role


async def held(api: Dynamics) -> dict[str, str]:
    path = f"systemusers({api.org.user_id})/{CRM}.RetrieveUserPrivileges()"
    found = (await api.as_admin().row(path))["RolePrivileges"]
    return {one["PrivilegeName"]: one["Depth"] for one in found}


async def test_the_rights_of_a_role_decide(bare: Dynamics) -> None:
    admin = bare.as_admin()
    assert (await bare.call("GET", "opportunities")).refusal == (403, "0x80040220")
    await role_of(admin, "Global", "prvReadOpportunity", "prvCreateOpportunity")
    assert (await bare.call("GET", "opportunities")).rows == []
    deal = await bare.deal()
    refused = await bare.patch(f"opportunities({deal})", {"name": "Changed"})
    assert refused.refusal == (403, "0x80040220")
    assert "is missing prvWriteOpportunity privilege" in refused.message
    assert await held(bare) == {"prvReadOpportunity": "Global", "prvCreateOpportunity": "Global"}


async def test_a_right_reaches_as_far_as_it_was_given(bare: Dynamics) -> None:
    """Change tracking needs the whole organization (trap 5)."""
    admin = bare.as_admin()
    names = [f"prv{one}Opportunity" for one in ("Read", "Write", "Create")]
    await role_of(admin, "Basic", *names)
    others = await admin.deal()
    mine = await bare.deal()
    assert [one["opportunityid"] for one in (await bare.get("opportunities")).rows] == [mine]
    assert (await bare.get(f"opportunities({others})")).refusal == (403, "0x80048306")
    assert (await bare.patch(f"opportunities({others})", DEAL)).refusal == (403, "0x80048306")
    tracking = {"Prefer": "odata.track-changes"}
    assert (await bare.call("GET", "opportunities", headers=tracking)).refusal == (403, "0x80040220")
    assert set((await held(bare)).values()) == {"Basic"}


async def test_the_privileges_of_a_role_are_told_replaced_and_removed(bare: Dynamics) -> None:
    admin = bare.as_admin()
    role = await role_of(admin, "Global", "prvReadOpportunity", "prvReadAccount")

    async def told() -> dict[str, str]:
        found = (await admin.row(f"RetrieveRolePrivilegesRole(RoleId={role})"))["RolePrivileges"]
        return {one["PrivilegeName"]: one["Depth"] for one in found}

    assert await told() == {"prvReadOpportunity": "Global", "prvReadAccount": "Global"}
    contact = (await privileges(admin, "prvReadContact"))["prvReadContact"]
    body: Json = {"Privileges": [{"PrivilegeId": contact, "Depth": "Local"}]}
    assert (await admin.call("POST", f"roles({role})/{CRM}.ReplacePrivilegesRole", body)).status == 204
    assert await told() == {"prvReadContact": "Local"}
    gone = {"PrivilegeId": contact}
    assert (await admin.call("POST", f"roles({role})/{CRM}.RemovePrivilegeRole", gone)).status == 204
    assert await told() == {}
    by_reference = f"roles({role})/roleprivileges_association/$ref"
    given = {"@odata.id": f"privileges({contact})"}
    assert (await admin.call("POST", by_reference, given)).status == 400
    assert (await admin.call("DELETE", f"roles({role})")).status == 204
    assert (await bare.call("GET", "WhoAmI")).refusal == (403, "0x80042f09")


@pytest.mark.parametrize(
    ("one", "status"),
    [
        ({"PrivilegeId": NOWHERE, "Depth": "Global"}, 404),
        ({"PrivilegeId": "", "Depth": "Everywhere"}, 400),
        ({"PrivilegeId": "", "Depth": "Basic"}, 400),
        ({"PrivilegeId": "", "Depth": "Global", "Nonsense": 1}, 400),
    ],
)
async def test_a_privilege_that_cannot_be_given_is_refused(bare: Dynamics, one: Json, status: int) -> None:
    admin = bare.as_admin()
    role = await role_of(admin, "Global", "prvReadOpportunity")
    shared = (await privileges(admin, "prvReadPublisher"))["prvReadPublisher"]
    body = {"Privileges": [{**one, "PrivilegeId": one["PrivilegeId"] or shared}]}
    assert (await admin.call("POST", f"roles({role})/{CRM}.AddPrivilegesRole", body)).status == status


async def test_who_may_not_change_roles_is_told_so(dynamics: Dynamics) -> None:
    (role,) = (await dynamics.get("roles", filter="name eq 'Cosell connector'")).rows
    path = f"roles({role['roleid']})/{CRM}.AddPrivilegesRole"
    assert (await dynamics.call("POST", path, {"Privileges": []})).refusal == (403, "0x80040220")
    (admin,) = (await dynamics.get("roles", filter="name eq 'System Administrator'")).rows
    path = f"roles({admin['roleid']})/{CRM}.AddPrivilegesRole"
    assert (await dynamics.as_admin().call("POST", path, {"Privileges": []})).status == 400


async def test_who_acts_for_a_seller_may_do_what_both_may(dynamics: Dynamics) -> None:
    """1.3: effective rights are the intersection of both users."""
    sellers = dynamics.org.as_seller.rows("systemuser")
    (alex,) = [one["systemuserid"] for one in sellers if one["fullname"] == "Alex Moreau"]
    as_alex = {"MSCRMCallerID": alex}
    assert (await dynamics.call("POST", "opportunities", DEAL, headers=as_alex)).status == 204
    assert (await dynamics.call("POST", "competitors", {"name": "Rival"})).status == 204
    refused = await dynamics.call("POST", "competitors", {"name": "Other"}, headers=as_alex)
    assert refused.refusal == (403, "0x80040220")
    assert f"(Id={alex}, type=8) is missing prvCreateCompetitor" in refused.message


async def test_a_new_table_has_privileges_for_roles(bare: Dynamics) -> None:
    installer = Installer(bare)
    await installer.package()
    await installer.made("EntityDefinitions", table("nw_Solution", "nw_Name"))
    await role_of(installer.api, "Global", "prvReadnw_Solution")
    assert (await bare.get("nw_solutions")).rows == []
    assert (await bare.call("POST", "nw_solutions", {"nw_name": "x"})).refusal == (403, "0x80040220")


async def test_a_secured_column_is_empty_for_who_has_no_profile(bare: Dynamics) -> None:
    """Column-level security: reads show nothing, writes are refused."""
    installer = Installer(bare)
    await installer.package()
    await installer.add({**text("nw_Secret"), "IsSecured": True})
    names = [f"prv{one}Opportunity" for one in ("Read", "Write", "Create")]
    await role_of(installer.api, "Global", *names)
    deal = await installer.api.deal(nw_secret="x")
    assert (await installer.api.row(f"opportunities({deal})"))["nw_secret"] == "x"
    assert (await bare.row(f"opportunities({deal})"))["nw_secret"] is None
    assert (await bare.patch(f"opportunities({deal})", {"nw_secret": "y"})).refusal == (403, "0x8004f507")
    asked = await bare.get("opportunities", filter="nw_secret eq 'x'")
    assert asked.refusal == (403, "0x8004f506")
