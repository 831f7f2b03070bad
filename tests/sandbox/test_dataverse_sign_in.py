"""Tokens, users, roles, impersonation, headers (dataverse-api.md sections 1, 2.1, 2.10)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Fault, Frame

from .dynamics import ALL_NOTES, DEAL, NOWHERE, WITH_ROW, Dynamics, Reply


async def bare(dynamics: Dynamics, path: str = "WhoAmI", **headers: str) -> Reply:
    """A request with headers of the caller's and no other."""
    async with dynamics.http.get(f"{dynamics.root}/{path}", headers=headers) as answer:
        return Reply(answer.status, answer.headers, await answer.read())


async def test_who_asks_without_a_token_learns_the_tenant_and_the_resource(dynamics: Dynamics) -> None:
    """Section 1.4."""
    reply = await bare(dynamics)
    assert reply.status == 401
    expected = (
        f"Bearer authorization_uri={dynamics.entra.base_url}/{dynamics.org.tenant}/oauth2/authorize,"
        f" resource_id={dynamics.org.base_url}/"
    )
    assert reply.headers["WWW-Authenticate"] == expected


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer nonsense", "Basic abc", ""])
async def test_a_header_that_is_no_token_is_refused(dynamics: Dynamics, header: str) -> None:
    assert (await bare(dynamics, Authorization=header)).status == 401


async def test_tokens_for_others_and_tokens_that_expired_are_refused(dynamics: Dynamics) -> None:
    elsewhere = Entra(Frame(), base_url="http://login.example")
    elsewhere.resources["http://other.example"] = "http://other.example"
    foreign = elsewhere.issue_app_only("http://other.example")
    assert (await bare(dynamics, Authorization=f"Bearer {foreign}")).status == 401
    token = dynamics.entra.issue_app_only(dynamics.org.base_url, lifetime=60)
    assert (await bare(dynamics, Authorization=f"Bearer {token}")).status == 200
    dynamics.frame.clock.advance(61)
    late = await bare(dynamics, Authorization=f"Bearer {token}")
    assert late.status == 401
    assert "WWW-Authenticate" in late.headers
    assert (await dynamics.call("GET", "WhoAmI")).status == 200, "the lasting token lasts"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_application_signs_in_with_its_secret(dynamics: Dynamics, slash: str) -> None:
    """Section 1.1."""
    form = {
        "grant_type": "client_credentials",
        "client_id": dynamics.org.client_id,
        "client_secret": dynamics.org.client_secret,
        "scope": f"{dynamics.org.base_url}{slash}/.default",
    }
    url = f"{dynamics.entra.base_url}/{dynamics.org.tenant}/oauth2/v2.0/token"
    async with dynamics.http.post(url, data=form) as answer:
        assert answer.status == 200, await answer.text()
        token = (await answer.json())["access_token"]
    reply = await bare(dynamics, Authorization=f"Bearer {token}")
    assert reply.json["UserId"] == dynamics.org.user_id


@pytest.mark.parametrize("path", ["WhoAmI", "WhoAmI()"])
async def test_who_am_i_tells_the_user_the_unit_and_the_organization(dynamics: Dynamics, path: str) -> None:
    """Section 1.5."""
    reply = await dynamics.call("GET", path)
    assert reply.json["UserId"] == dynamics.org.user_id
    assert reply.json["OrganizationId"] == dynamics.org.organization_id
    context = f"{dynamics.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
    assert reply.json["@odata.context"] == context
    unit = await dynamics.row(f"businessunits({reply.json['BusinessUnitId']})")
    assert unit["businessunitid"] == reply.json["BusinessUnitId"]


async def test_the_organization_tells_its_currency_and_its_days(dynamics: Dynamics) -> None:
    select = "name,_basecurrencyid_value,expirechangetrackingindays"
    [row] = (await dynamics.get("organizations", select=select)).rows
    assert row["expirechangetrackingindays"] == 7
    currency = await dynamics.row(f"transactioncurrencies({row['_basecurrencyid_value']})")
    assert currency["isocurrencycode"] == "USD"


async def test_an_application_without_a_user_is_no_member(dynamics: Dynamics) -> None:
    dynamics.org.settings.application_user = False
    reply = await dynamics.call("GET", "WhoAmI")
    assert reply.refusal == (403, "0x80072560")
    assert reply.message == "The user is not a member of the organization."


async def test_a_user_without_roles_is_sent_away_and_a_role_lets_it_in(dynamics: Dynamics) -> None:
    """Sections 1.2 and 1.5."""
    dynamics.org.settings.application_roles = False
    assert (await dynamics.call("GET", "WhoAmI")).refusal == (403, "0x80042f09")
    dynamics.org.settings.application_roles = True
    [role] = (await dynamics.get("roles", filter="name eq 'Cosell connector'")).rows
    roles = f"systemusers({dynamics.org.user_id})/systemuserroles_association"
    assert [one["name"] for one in (await dynamics.get(roles)).rows] == ["Cosell connector"]
    held = f"{roles}({role['roleid']})/$ref"
    assert (await dynamics.as_admin().call("DELETE", held)).status == 204
    assert (await dynamics.call("GET", "WhoAmI")).refusal == (403, "0x80042f09")


async def test_roles_are_given_by_reference(dynamics: Dynamics) -> None:
    user = await dynamics.create("systemusers", firstname="New", lastname="User")
    [role] = (await dynamics.get("roles", filter="name eq 'Salesperson'")).rows
    roles = f"systemusers({user})/systemuserroles_association"
    wanted = {"@odata.id": f"{dynamics.root}/roles({role['roleid']})"}
    refused = await dynamics.call("POST", f"{roles}/$ref", wanted)
    assert (refused.refusal, "prvAssignRole" in refused.message) == ((403, "0x80040220"), True)
    admin = dynamics.as_admin()
    assert (await admin.call("POST", f"{roles}/$ref", wanted)).status == 204
    assert [one["name"] for one in (await dynamics.get(roles)).rows] == ["Salesperson"]
    nobody = {"@odata.id": f"roles({NOWHERE})"}
    assert (await admin.call("POST", f"{roles}/$ref", nobody)).status == 404
    assert (await admin.call("POST", f"{roles}/$ref", {"@odata.id": f"teams({NOWHERE})"})).status == 400


async def test_members_of_a_team_are_given_by_reference_from_either_side(dynamics: Dynamics) -> None:
    team = await dynamics.create("teams", name="Partners")
    user = {"@odata.id": f"systemusers({dynamics.org.user_id})"}
    members = f"teams({team})/teammembership_association"
    assert (await dynamics.call("POST", f"{members}/$ref", user)).status == 204
    teams = f"systemusers({dynamics.org.user_id})/teammembership_association"
    assert [row["name"] for row in (await dynamics.get(teams)).rows] == ["Partners"]
    assert (await dynamics.call("PATCH", members, {})).status == 405
    assert (
        await dynamics.call("DELETE", f"{members}/$ref?$id=systemusers({dynamics.org.user_id})")
    ).status == 204
    assert (await dynamics.get(teams)).rows == []


@pytest.mark.parametrize(
    ("privilege", "method", "path", "body"),
    [
        ("prvReadOpportunity", "GET", "opportunities", None),
        ("prvReadOpportunity", "GET", f"opportunities({NOWHERE})", None),
        ("prvReadAccount", "GET", "opportunities?$expand=parentaccountid", None),
        ("prvReadAccount", "GET", "opportunities?$filter=parentaccountid/name eq 'x'", None),
        ("prvReadNote", "GET", "opportunities?$expand=Opportunity_Annotation", None),
        ("prvCreateOpportunity", "POST", "opportunities", DEAL),
        ("prvCreateOpportunity", "PATCH", f"opportunities({NOWHERE})", DEAL),
        ("prvWriteOpportunity", "PATCH", "opportunities({deal})", DEAL),
        ("prvDeleteOpportunity", "DELETE", "opportunities({deal})", None),
        ("prvAppendToAccount", "PATCH", "opportunities({deal})", "link"),
        ("prvAppendOpportunity", "PATCH", "opportunities({deal})", "link"),
        ("prvAssignOpportunity", "PATCH", "opportunities({deal})", "owner"),
        ("prvWriteOpportunity", "POST", "WinOpportunity", "close"),
        ("prvreadopportunity", "GET", "opportunities", None),
    ],
)
async def test_a_missing_privilege_is_named(
    dynamics: Dynamics, privilege: str, method: str, path: str, body: Any
) -> None:
    deal, account = await dynamics.deal(), await dynamics.create("accounts", name="Contoso")
    bodies = {
        "link": {"parentaccountid@odata.bind": f"/accounts({account})"},
        "owner": {"ownerid@odata.bind": f"/systemusers({dynamics.org.user_id})"},
        "close": {"Status": 3, "OpportunityClose": {"opportunityid@odata.bind": f"/opportunities({deal})"}},
    }
    dynamics.org.settings.missing_privileges = frozenset({privilege})
    wanted = bodies[body] if isinstance(body, str) else body
    reply = await dynamics.call(method, path.replace("{deal}", deal), wanted)
    assert reply.refusal == (403, "0x80040220")
    assert dynamics.org.user_id in reply.message
    assert privilege.lower() in reply.message.lower()


async def test_sellers_are_not_bound_by_the_connectors_role(dynamics: Dynamics) -> None:
    dynamics.org.settings.missing_privileges = frozenset({"prvCreateOpportunity", "prvReadOpportunity"})
    assert dynamics.org.as_seller.create("opportunity", {"name": "By hand"})


async def test_a_person_signs_in_as_the_user_of_that_address(dynamics: Dynamics) -> None:
    token = dynamics.entra.issue(dynamics.org.base_url)
    stranger = await bare(dynamics, Authorization=f"Bearer {token}")
    assert stranger.refusal == (403, "0x80072560")
    seller = dynamics.org.as_seller.rows("systemuser")[1]["systemuserid"]
    dynamics.org.as_seller.update("systemuser", seller, {"internalemailaddress": dynamics.entra.email})
    known = await bare(dynamics, Authorization=f"Bearer {token}")
    assert known.json["UserId"] == seller


async def test_a_call_for_a_seller_is_signed_by_both(dynamics: Dynamics) -> None:
    """Sections 1.3 and 2.1."""
    seller = dynamics.org.as_seller.rows("systemuser")[1]
    for header, value in (
        ("CallerObjectId", seller["azureactivedirectoryobjectid"]),
        ("MSCRMCallerID", seller["systemuserid"]),
    ):
        reply = await dynamics.call("POST", "opportunities", DEAL, headers={header: value, **WITH_ROW})
        row = reply.json
        assert row["_createdby_value"] == row["_modifiedby_value"] == seller["systemuserid"]
        assert row["_createdonbehalfby_value"] == dynamics.org.user_id
        assert row["_modifiedonbehalfby_value"] == dynamics.org.user_id
        assert row["_ownerid_value"] == seller["systemuserid"]
        await dynamics.patch(f"opportunities({row['opportunityid']})", {"name": "Own"})
        row = await dynamics.row(f"opportunities({row['opportunityid']})")
        assert row["_modifiedby_value"] == dynamics.org.user_id
        assert row["_modifiedonbehalfby_value"] is None
    assert (await dynamics.call("GET", "WhoAmI", headers={"MSCRMCallerID": NOWHERE})).status == 400
    dynamics.org.settings.may_impersonate = False
    refused = await dynamics.call("GET", "WhoAmI", headers={"MSCRMCallerID": seller["systemuserid"]})
    assert refused.refusal == (403, "0x8004a110")


@pytest.mark.parametrize("version", ["v9.0", "v9.1", "v9.2", "V9.2"])
async def test_three_versions_are_served(dynamics: Dynamics, version: str) -> None:
    reply = await dynamics.call("GET", f"{dynamics.org.base_url}/api/data/{version}/WhoAmI")
    assert reply.status == 200
    assert f"/api/data/{version.lower()}/$metadata" in reply.json["@odata.context"]


@pytest.mark.parametrize("version", ["v8.2", "v9.3", "v10.0", ""])
async def test_other_versions_are_not_found(dynamics: Dynamics, version: str) -> None:
    reply = await dynamics.call("GET", f"{dynamics.org.base_url}/api/data/{version}")
    assert reply.status == 404


async def test_answers_carry_the_headers_worth_logging(dynamics: Dynamics) -> None:
    reply = await dynamics.call("GET", "WhoAmI")
    assert reply.headers["OData-Version"] == "4.0"
    assert reply.headers["REQ_ID"] == reply.headers["x-ms-service-request-id"]
    assert "x-ms-ratelimit-burst-remaining-xrm-requests" in reply.headers
    other = await dynamics.call("GET", "WhoAmI")
    assert other.headers["REQ_ID"] != reply.headers["REQ_ID"]


async def test_the_service_document_lists_the_sets(dynamics: Dynamics) -> None:
    listed = (await dynamics.call("GET", "")).json["value"]
    assert {"name": "opportunities", "kind": "EntitySet", "url": "opportunities"} in listed


@pytest.mark.parametrize(
    "headers",
    [{"OData-Version": "3.0"}, {"OData-MaxVersion": "5"}, {"Content-Type": "text/plain"}],
)
async def test_headers_of_another_protocol_are_refused(dynamics: Dynamics, headers: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json", **headers}
    reply = await dynamics.call("POST", "opportunities", headers=headers, data=b'{"name": "x"}')
    assert reply.refusal == (400, "0x80060888")


async def test_a_body_that_is_too_large_is_413(dynamics: Dynamics) -> None:
    dynamics.org.settings.largest_body = 10
    assert (await dynamics.call("POST", "opportunities", DEAL)).status == 413


async def test_errors_tell_more_to_who_asks_for_annotations(dynamics: Dynamics) -> None:
    """Section 2.10."""
    path = f"accounts({NOWHERE})"
    plain = (await dynamics.call("GET", path)).json["error"]
    assert set(plain) == {"code", "message"}
    for headers in (
        ALL_NOTES,
        {"Prefer": 'odata.include-annotations="Microsoft.PowerApps.CDS.ErrorDetails*"'},
    ):
        told = (await dynamics.call("GET", path, headers=headers)).json["error"]
        assert "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus" in told
        assert "@Microsoft.PowerApps.CDS.TraceText" in told


async def test_wishes_nobody_knows_are_not_echoed(dynamics: Dynamics) -> None:
    headers = {"Prefer": 'respond-async, odata.include-annotations="*"; return=representation'}
    reply = await dynamics.call("POST", "opportunities", DEAL, headers=headers)
    assert reply.status == 201
    applied = reply.headers["Preference-Applied"]
    assert applied == 'return=representation,odata.include-annotations="*"'
    minimal = await dynamics.call("POST", "opportunities", DEAL, headers={"Prefer": "return=minimal"})
    assert minimal.status == 204


async def test_a_wish_nobody_can_read_is_refused(dynamics: Dynamics) -> None:
    for size in ("x", "0", "-1", ""):
        reply = await dynamics.get("opportunities", headers={"Prefer": f"odata.maxpagesize={size}"})
        assert reply.refusal == (400, "0x80060888")


async def test_every_ready_answer_can_be_injected(dynamics: Dynamics) -> None:
    for name, answer in dynamics.org.faults.items():
        dynamics.frame.faults.append(Fault("dataverse", "answer", answer=answer))
        reply = await dynamics.call("GET", "WhoAmI")
        assert reply.status == answer.status, name
        assert reply.raw == answer.body, name
    assert (await dynamics.call("GET", "WhoAmI")).status == 200
