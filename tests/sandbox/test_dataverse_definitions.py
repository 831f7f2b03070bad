"""Columns, tables, keys and choices made through the Web API (dataverse-api.md 5.1)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.frame import Org

from .batches import change_set, part, send
from .customizing import (
    CRM,
    IN_SOLUTION,
    OPPORTUNITY,
    SOLUTION,
    Installer,
    column,
    lookup,
    picklist,
    table,
    text,
    words,
)
from .dynamics import DEAL, NOWHERE, WITH_ROW, Dynamics, Json, served_environment

ATTRIBUTES = f"{OPPORTUNITY}/Attributes"


@pytest.fixture
async def installer(bare: Dynamics) -> Installer:
    made = Installer(bare)
    await made.package()
    return made


async def test_a_bare_organization_has_nothing_of_ours(bare: Dynamics) -> None:
    admin = bare.as_admin()
    where = "IsCustomEntity eq true"
    assert (await admin.get("EntityDefinitions", filter=where, select="LogicalName")).rows == []
    names = [one["LogicalName"] for one in (await admin.get(ATTRIBUTES, select="LogicalName")).rows]
    assert "name" in names
    assert not [one for one in names if one.startswith(("cosell_", "msft_"))]
    assert (await admin.get("roles", filter="name eq 'Cosell connector'")).rows == []
    assert (await bare.call("GET", "WhoAmI")).status == 200
    refused = await bare.get("systemforms")
    assert refused.refusal == (403, "0x80040220")
    assert "prvReadSystemForm" in refused.message


async def test_an_organization_may_come_from_microsofts_solution() -> None:
    async with served_environment(Org.MICROSOFT) as served:
        admin = served.as_admin()
        found = await admin.row(f"{ATTRIBUTES}(LogicalName='msft_microsoftpartnercenterreferralidentifier')")
        assert found["AttributeType"] == "String"
        path = f"{ATTRIBUTES}(LogicalName='msft_coselltype')/{CRM}.PicklistAttributeMetadata"
        options = (await admin.row(path, expand="OptionSet"))["OptionSet"]["Options"]
        assert options[0]["Value"] == 299_600_000
        assert (await admin.get(f"{OPPORTUNITY}/Keys")).rows == []
        assert found["IsManaged"] is True
        await admin.deal(msft_microsoftpartnercenterreferralidentifier="R-1")
        (theirs,) = (await admin.get("solutions", filter="ismanaged eq true")).rows
        assert (await admin.call("DELETE", f"solutions({theirs['solutionid']})")).status == 204
        (row,) = (await admin.get("opportunities")).rows
        assert not [name for name in row if name.startswith("msft_")]


@pytest.mark.parametrize(
    ("made", "given", "wrong"),
    [
        (text("nw_Text", 10), "ten", "more than ten"),
        (column("Memo", "nw_Memo", Format="TextArea", MaxLength=10_000), "long\ntext", 5),
        (column("Integer", "nw_Whole", MinValue=0, MaxValue=10, Format="None"), 7, 11),
        (column("Decimal", "nw_Decimal", MinValue=0, MaxValue=10, Precision=2), 1.25, 10.5),
        (column("Double", "nw_Double", MinValue=0, MaxValue=10, Precision=2), 1.25, "x"),
        (column("Money", "nw_Money", PrecisionSource=2), 5, "five"),
        (column("DateTime", "nw_At", Format="DateAndTime"), "2026-05-31T14:03:22Z", "2026-05-31"),
        (
            column("DateTime", "nw_Day", Format="DateOnly", DateTimeBehavior={"Value": "DateOnly"}),
            "2026-05-31",
            "2026-05-31T14:03:22Z",
        ),
        (picklist("nw_Pick", "One", "Two"), 847_770_001, 847_770_002),
        (picklist("nw_Many", "One", "Two", kind="MultiSelectPicklist"), "847770000,847770001", "3"),
        (
            column(
                "Boolean",
                "nw_Flag",
                DefaultValue=False,
                OptionSet={
                    "TrueOption": {"Value": 1, "Label": words("Yes")},
                    "FalseOption": {"Value": 0, "Label": words("No")},
                    "OptionSetType": "Boolean",
                },
            ),
            True,
            "yes",
        ),
    ],
)
async def test_a_new_column_takes_values_at_once(
    installer: Installer, made: Json, given: Any, wrong: Any
) -> None:
    """Column creation is visible to the API without publishing, in rows and in definitions."""
    api, name = installer.api, made["SchemaName"].lower()
    reply = await installer.post(ATTRIBUTES, made)
    assert (reply.status, reply.raw) == (204, b"")
    kind = made["@odata.type"]
    entity = reply.headers["OData-EntityId"].removeprefix(f"{api.root}/")
    shown = await api.row(f"{entity}/{kind}")
    assert (shown["LogicalName"], shown["SchemaName"]) == (name, made["SchemaName"])
    assert (shown["IsCustomAttribute"], shown["IsManaged"]) == (True, False)
    deal = await api.deal(**{name: given})
    assert (await api.row(f"opportunities({deal})"))[name] == given
    assert (await api.patch(f"opportunities({deal})", {name: wrong})).status == 400
    assert f'Name="{name}"'.encode() in (await api.get("$metadata")).raw


async def test_the_columns_of_a_solution_are_listed_in_it(installer: Installer) -> None:
    await installer.add(text("nw_Ref"), picklist("nw_Help", "One"))
    (solution,) = (await installer.api.get("solutions", filter=f"uniquename eq '{SOLUTION}'")).rows
    where = f"_solutionid_value eq {solution['solutionid']}"
    parts = (await installer.api.get("solutioncomponents", filter=where)).rows
    assert sorted(one["componenttype"] for one in parts) == [1, 2, 2]
    (root,) = [one for one in parts if one["componenttype"] == 1]
    assert root["rootcomponentbehavior"] == 1


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (text("nw_Ref"), "0x80047013"),
        (text("NW_REF"), "0x80047013"),
        (text("msft_Ref"), "0x80044366"),
        (text("Ref"), "0x80044366"),
        (text("nw_"), "0x80044366"),
        (text("nw_Ref-1"), "0x80044364"),
        (text("1nw_Ref"), "0x80044365"),
        (text("nw_" + "x" * 60), "0x80044367"),
        ({**text("nw_A"), "DisplayName": words("")}, "0x8004700c"),
        ({**text("nw_A"), "DisplayName": words("x" * 256)}, "0x80044331"),
        ({**text("nw_A"), "DisplayName": words("A", _1042="가")}, "0x80044195"),
        ({**text("nw_A"), "Nonsense": 1}, "0x80060888"),
        ({**text("nw_A"), "@odata.type": f"{CRM}.NonsenseAttributeMetadata"}, "0x80060888"),
        ({**text("nw_A"), "AttributeType": "Memo"}, "0x80040203"),
        (text("nw_A", 4_001), "0x80040203"),
        (column("Decimal", "nw_A", Precision=11), "0x80040203"),
        (column("Integer", "nw_A", MinValue=2, MaxValue=1), "0x80040203"),
        (column("Lookup", "nw_A"), "0x80040203"),
        (column("Picklist", "nw_A"), "0x80040203"),
        (column("Boolean", "nw_A"), "0x80040203"),
        (picklist("nw_A", "One", "Two", first=1) | {"DefaultFormValue": 7}, "0x8004431a"),
    ],
)
async def test_a_definition_that_cannot_be_is_refused_and_leaves_nothing(
    installer: Installer, made: Json, code: str
) -> None:
    await installer.add(text("nw_Ref"))
    assert (await installer.post(ATTRIBUTES, made)).refusal == (400, code)
    names = [one["LogicalName"] for one in (await installer.api.get(ATTRIBUTES)).rows]
    assert "nw_a" not in names


async def test_labels_come_in_the_languages_that_are_switched_on(installer: Installer) -> None:
    api = installer.api
    told = await api.get("RetrieveProvisionedLanguages()")
    assert told.json["RetrieveProvisionedLanguages"] == [1033]
    api.org.settings.languages = frozenset({1042})
    await installer.add(text("nw_A") | {"DisplayName": words("Audit", _1042="감사")})
    path = f"{ATTRIBUTES}(LogicalName='nw_a')"
    shown = await api.row(f"{path}/{CRM}.StringAttributeMetadata")
    assert [one["LanguageCode"] for one in shown["DisplayName"]["LocalizedLabels"]] == [1033, 1042]
    assert shown["DisplayName"]["UserLocalizedLabel"]["Label"] == "Audit"
    changed = {**shown, "@odata.type": f"{CRM}.StringAttributeMetadata", "DisplayName": words("Trail")}
    merging = {"MSCRM.MergeLabels": "true"}
    assert (await api.call("PUT", path, changed, headers=merging)).status == 204
    kept = (await api.row(path))["DisplayName"]["LocalizedLabels"]
    assert [one["Label"] for one in kept] == ["Trail", "감사"]
    assert (await api.call("PUT", path, changed)).status == 204
    assert len((await api.row(path))["DisplayName"]["LocalizedLabels"]) == 1
    api.org.settings.foreign_labels_refused = False
    await installer.add(text("nw_B") | {"DisplayName": words("Audit", _1028="稽核")})
    shown = await api.row(f"{ATTRIBUTES}(LogicalName='nw_b')")
    assert len(shown["DisplayName"]["LocalizedLabels"]) == 1


async def test_a_definition_is_replaced_as_a_whole(installer: Installer) -> None:
    api, path = installer.api, f"{ATTRIBUTES}(LogicalName='nw_a')"
    await installer.add(text("nw_A", 20))
    kind = f"{CRM}.StringAttributeMetadata"
    whole = {**await api.row(f"{path}/{kind}"), "@odata.type": kind, "MaxLength": 40}
    assert (await api.call("PUT", path, whole)).status == 204
    assert (await api.row(f"{path}/{kind}"))["MaxLength"] == 40
    partial = {"@odata.type": kind, "MaxLength": 50}
    assert (await api.call("PUT", path, partial)).refusal == (400, "0x80040203")
    assert (
        await api.call("PUT", path, {**whole, "@odata.type": f"{CRM}.MemoAttributeMetadata"})
    ).status == 400
    assert (await api.call("PATCH", path, whole)).status == 405
    missing = path.replace("nw_a", "nw_b")
    assert (await api.call("PUT", missing, whole)).status == 404


async def test_a_column_goes_with_its_values_unless_something_needs_it(installer: Installer) -> None:
    api = installer.api
    await installer.add(text("nw_Ref"), column("Money", "nw_Fee"))
    await api.deal(nw_ref="R-1", nw_fee=3)
    assert (await installer.key("nw_RefKey", "nw_ref")).status == 204
    path = f"{ATTRIBUTES}(LogicalName='nw_ref')"
    assert (await api.call("DELETE", path)).refusal == (400, "0x8004f01f")
    keys = f"{OPPORTUNITY}/Keys(LogicalName='nw_refkey')"
    assert (await api.call("DELETE", keys)).status == 204
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.call("DELETE", f"{ATTRIBUTES}(LogicalName='nw_fee')")).status == 204
    (row,) = (await api.get("opportunities")).rows
    assert not [name for name in row if name.startswith("nw_")]
    assert (await api.call("DELETE", f"{ATTRIBUTES}(LogicalName='name')")).refusal == (400, "0x80047009")


async def test_a_key_is_built_and_then_finds_rows(installer: Installer) -> None:
    """Pending, InProgress, Active; until then no address by it."""
    api = installer.api
    api.org.settings.key_index_seconds = 10
    await installer.add(text("nw_Ref"))
    reply = await installer.key("nw_RefKey", "nw_ref")
    assert reply.status == 204
    status = f"{OPPORTUNITY}/Keys"

    async def told() -> list[str]:
        found = await api.get(status, select="SchemaName,KeyAttributes,EntityKeyIndexStatus")
        return [one["EntityKeyIndexStatus"] for one in found.rows]

    assert await told() == ["Pending"]
    assert (await api.get("opportunities(nw_ref='R-1')")).refusal == (400, "0x80060890")
    api.frame.clock.advance(5)
    assert await told() == ["InProgress"]
    api.frame.clock.advance(5)
    assert await told() == ["Active"]
    put = await api.call("PATCH", "opportunities(nw_ref='R-1')", DEAL, headers=WITH_ROW)
    assert (put.status, put.json["nw_ref"]) == (201, "R-1")
    assert (await api.call("POST", "opportunities", {**DEAL, "nw_ref": "r-1"})).refusal == (412, "0x80060892")


async def test_a_key_over_values_that_are_not_unique_fails_until_they_are(installer: Installer) -> None:
    api = installer.api
    api.org.settings.key_index_seconds = 0
    await installer.add(text("nw_Ref"))
    deals = [await api.deal(nw_ref="R-1") for _ in range(2)]
    assert (await installer.key("nw_RefKey", "nw_ref")).status == 204
    again = {"EntityLogicalName": "opportunity", "EntityKeyLogicalName": "nw_refkey"}
    (key,) = (await api.get(f"{OPPORTUNITY}/Keys")).rows
    assert key["EntityKeyIndexStatus"] == "Failed"
    await api.patch(f"opportunities({deals[0]})", {"nw_ref": "R-2"})
    assert (await api.call("POST", "ReactivateEntityKey", again)).status == 204
    (key,) = (await api.get(f"{OPPORTUNITY}/Keys")).rows
    assert key["EntityKeyIndexStatus"] == "Active"
    assert (await api.call("POST", "ReactivateEntityKey", again)).refusal == (400, "0x80060897")


async def test_a_key_that_cannot_be_is_refused(installer: Installer) -> None:
    await installer.add(text("nw_Ref"), text("nw_Long", 500), column("Memo", "nw_Memo"))
    assert (await installer.key("nw_RefKey", "nw_ref")).status == 204
    for columns, code in (
        (("nw_ref",), "0x80060894"),
        (("nw_long",), "0x80060895"),
        (("nw_memo",), "0x8006088f"),
        (("nw_nothing",), "0x80060888"),
        ((), "0x80040203"),
    ):
        assert (await installer.key("nw_Other", *columns)).refusal == (400, code), columns
    assert (await installer.key("nw_RefKey", "name")).refusal == (400, "0x80060893")
    assert (await installer.key("other", "name")).refusal == (400, "0x80044366")


async def test_a_new_table_is_a_table_like_any_other(installer: Installer) -> None:
    """Rows, lookups, upsert by key, change tracking, rights and webhooks' messages."""
    api = installer.api
    api.org.settings.key_index_seconds = 0
    await installer.made("EntityDefinitions", table("nw_Solution", "nw_Name"))
    shown = await api.row("EntityDefinitions(LogicalName='nw_solution')")
    assert (shown["EntitySetName"], shown["PrimaryNameAttribute"]) == ("nw_solutions", "nw_name")
    assert (shown["IsCustomEntity"], shown["IsOptimisticConcurrencyEnabled"]) == (True, True)
    relation = lookup("nw_opp_solution", "opportunity", "nw_solution", "nw_OpportunityId", Delete="Cascade")
    await installer.made("RelationshipDefinitions", relation)
    await installer.add(text("nw_Number"), table="nw_solution")
    assert (await installer.key("nw_Key", "nw_number", table="nw_solution")).status == 204
    deal = await api.deal()
    bind = {"nw_OpportunityId@odata.bind": f"/opportunities({deal})"}
    made = await api.call("PATCH", "nw_solutions(nw_number='S-1')", {"nw_name": "Floor", **bind})
    assert made.status == 204
    rows, link = await api.tracked("nw_solutions", select="nw_name")
    assert [one["nw_name"] for one in rows] == ["Floor"]
    below = await api.row(f"opportunities({deal})", expand="nw_opp_solution($select=nw_name)")
    assert [one["nw_name"] for one in below["nw_opp_solution"]] == ["Floor"]
    where = "primaryobjecttypecode eq 'nw_solution'"
    assert len((await api.get("sdkmessagefilters", filter=where)).rows) == 3
    assert (await installer.api.call("DELETE", f"opportunities({deal})")).status == 204
    gone, _ = await api.changes(link)
    assert gone[0]["reason"] == "deleted"
    member = api.org.as_seller.rows("privilege")
    assert "prvReadnw_Solution" in [one["name"] for one in member]


async def test_a_table_that_cannot_be_is_refused(installer: Installer) -> None:
    await installer.made("EntityDefinitions", table("nw_Solution", "nw_Name"))
    nothing: list[Json] = []
    for body, code in (
        (table("nw_Solution", "nw_Name"), "0x8004700b"),
        (table("Solution", "nw_Name"), "0x80044366"),
        (table("nw_Other", "nw_Name", Attributes=nothing), "0x80040203"),
        (table("nw_Other", "nw_Name", OwnershipType="None"), "0x80040203"),
        (table("nw_Other", "nw_Name", IsActivity=True), "0x80040203"),
        (table("nw_Other", "nw_Name", Nonsense=1), "0x80060888"),
        (table("nw_Other", "Name"), "0x80044366"),
    ):
        assert (await installer.post("EntityDefinitions", body)).refusal == (400, code), body
    assert (await installer.api.get("nw_others")).status == 404


async def test_change_tracking_is_switched_on_and_stays_on(installer: Installer) -> None:
    api, path = installer.api, "EntityDefinitions(LogicalName='lead')"
    api.org.schema.table("lead").change_tracking = False
    whole = await api.row(path)
    assert (await api.call("PUT", path, {**whole, "ChangeTrackingEnabled": True})).status == 204
    assert (await api.row(path))["ChangeTrackingEnabled"] is True
    assert (await api.call("PUT", path, {**whole, "ChangeTrackingEnabled": False})).status == 400


async def test_a_table_goes_when_nobody_looks_at_it(installer: Installer) -> None:
    api = installer.api
    for name in ("nw_One", "nw_Two"):
        await installer.made("EntityDefinitions", table(name, "nw_Name"))
    relation = lookup("nw_one_two", "nw_one", "nw_two", "nw_OneId")
    made = await installer.made("RelationshipDefinitions", relation)
    again = await installer.post("RelationshipDefinitions", relation)
    assert again.refusal == (400, "0x8004432b")
    one = "EntityDefinitions(LogicalName='nw_one')"
    assert (await api.call("DELETE", one)).refusal == (400, "0x8004f01f")
    assert (await api.call("DELETE", f"RelationshipDefinitions({made})")).status == 204
    assert (await api.call("DELETE", one)).status == 204
    assert (await api.get("nw_ones")).status == 404
    assert (await api.call("DELETE", OPPORTUNITY)).refusal == (400, "0x80047008")
    assert (await api.call("DELETE", f"RelationshipDefinitions({NOWHERE})")).status == 404


async def test_tables_share_a_choice(installer: Installer) -> None:
    api = installer.api
    options = [{"Value": 847_770_000, "Label": words("One")}, {"Label": words("Two")}]
    shared = {
        "@odata.type": f"{CRM}.OptionSetMetadata",
        "Name": "nw_Help",
        "DisplayName": words("Help"),
        "IsGlobal": True,
        "OptionSetType": "Picklist",
        "Options": options,
    }
    made = await installer.made("GlobalOptionSetDefinitions", shared)
    assert (await installer.post("GlobalOptionSetDefinitions", shared)).refusal == (400, "0x80044345")
    bind = {"GlobalOptionSet@odata.bind": f"/GlobalOptionSetDefinitions({made})"}
    await installer.add(column("Picklist", "nw_Help", **bind))
    insert = {"OptionSetName": "nw_Help", "Label": words("Three")}
    reply = await installer.post("InsertOptionValue", insert)
    assert reply.json["NewOptionValue"] == 847_770_002
    await api.deal(nw_help=847_770_002)
    update = {"OptionSetName": "nw_Help", "Value": 847_770_002, "Label": words("Third"), "MergeLabels": False}
    assert (await api.call("POST", "UpdateOptionValue", update)).status == 204
    path = f"{ATTRIBUTES}(LogicalName='nw_help')/{CRM}.PicklistAttributeMetadata"
    shown = (await api.row(path, expand="GlobalOptionSet,OptionSet"))["GlobalOptionSet"]
    labels = [one["Label"]["UserLocalizedLabel"]["Label"] for one in shown["Options"]]
    assert (shown["Name"], labels) == ("nw_Help", ["One", "Two", "Third"])
    delete = {"OptionSetName": "nw_Help", "Value": 847_770_002}
    assert (await api.call("POST", "DeleteOptionValue", delete)).status == 204
    assert (await api.call("POST", "opportunities", {**DEAL, "nw_help": 847_770_002})).status == 400
    kept = f"GlobalOptionSetDefinitions({made})"
    assert (await api.row(kept))["Name"] == "nw_Help"
    assert (await api.call("DELETE", kept)).refusal == (400, "0x80048417")
    assert (await api.call("DELETE", f"{ATTRIBUTES}(LogicalName='nw_help')")).status == 204
    assert (await api.call("DELETE", kept)).status == 204


async def test_the_options_of_a_column_grow_and_are_put_in_order(installer: Installer) -> None:
    api = installer.api
    await installer.add(picklist("nw_Pick", "One", "Two"))
    place = {"EntityLogicalName": "opportunity", "AttributeLogicalName": "nw_pick"}
    taken = {**place, "Value": 847_770_000, "Label": words("Again")}
    assert (await api.call("POST", "InsertOptionValue", taken)).refusal == (400, "0x80047010")
    order = {**place, "Values": [847_770_001, 847_770_000]}
    assert (await api.call("POST", "OrderOption", order)).status == 204
    path = f"{ATTRIBUTES}(LogicalName='nw_pick')/{CRM}.PicklistAttributeMetadata/OptionSet"
    assert [one["Value"] for one in (await api.row(path))["Options"]] == order["Values"]
    name = {"EntityLogicalName": "opportunity", "AttributeLogicalName": "name", "Label": words("x")}
    assert (await api.call("POST", "InsertOptionValue", name)).refusal == (400, "0x80044320")
    assert (await api.call("POST", "UpdateOptionValue", {**taken, "Value": 1})).status == 400


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"customizationprefix": "mscrmx"}, "0x80040203"),
        ({"customizationprefix": "x"}, "0x80040203"),
        ({"customizationprefix": "1x"}, "0x80040203"),
        ({"customizationoptionvalueprefix": 9_999}, "0x80048402"),
        ({"uniquename": "a b"}, "0x8004f01c"),
        ({"friendlyname": None}, "0x80040200"),
    ],
)
async def test_a_publisher_that_cannot_be_is_refused(bare: Dynamics, fields: Json, code: str) -> None:
    whole = {
        "friendlyname": "Northwind",
        "uniquename": "northwind",
        "customizationprefix": "nw",
        "customizationoptionvalueprefix": 84_777,
    }
    reply = await bare.as_admin().call("POST", "publishers", {**whole, **fields})
    assert reply.refusal == (400, code)


async def test_a_solution_that_cannot_be_is_refused(installer: Installer) -> None:
    (publisher,) = (await installer.api.get("publishers", filter="uniquename eq 'northwind'")).rows
    whole = {
        "friendlyname": "Other",
        "uniquename": "Other",
        "version": "1.0",
        "publisherid@odata.bind": f"/publishers({publisher['publisherid']})",
    }
    for fields, code in (
        ({"uniquename": "a-b"}, "0x8004f002"),
        ({"uniquename": SOLUTION}, "0x8004f023"),
        ({"version": "one"}, "0x8004f01e"),
        ({"publisherid@odata.bind": None}, "0x80040200"),
    ):
        reply = await installer.api.call("POST", "solutions", {**whole, **fields})
        assert reply.refusal == (400, code), fields
    unknown = {"MSCRM.SolutionUniqueName": "Nowhere"}
    assert (await installer.post(ATTRIBUTES, text("nw_A"), **unknown)).refusal == (400, "0x8004f002")


async def test_one_customization_at_a_time(installer: Installer) -> None:
    """5.1: a lock, to be tried again."""
    installer.api.org.settings.customization_locks = 1
    refused = await installer.post(ATTRIBUTES, text("nw_A"))
    assert refused.refusal == (429, "0x80071151")
    assert (await installer.post(ATTRIBUTES, text("nw_A"))).status == 204


async def test_definitions_may_be_old_to_who_does_not_ask_for_consistency(installer: Installer) -> None:
    """2.1: up to half a minute."""
    api = installer.api
    api.org.settings.metadata_lag_seconds = 30
    await installer.add(text("nw_A"))
    await installer.add(text("nw_B"))
    for name in ("nw_a", "nw_b"):
        path = f"{ATTRIBUTES}(LogicalName='{name}')"
        assert (await api.get(path)).status == 404
        assert (await api.get(path, headers={"Consistency": "Strong"})).status == 200
    await api.deal(nw_a="x", nw_b="y")
    api.frame.clock.advance(31)
    assert (await api.get(path)).status == 200


async def test_who_may_not_customize_is_told_what_is_missing(dynamics: Dynamics) -> None:
    for path, body, privilege in (
        (ATTRIBUTES, text("cosell_A"), "prvCreateAttribute"),
        ("EntityDefinitions", table("cosell_A", "cosell_Name"), "prvCreateEntity"),
        (
            "RelationshipDefinitions",
            lookup("cosell_a", "account", "lead", "cosell_A"),
            "prvCreateRelationship",
        ),
        ("publishers", {"uniquename": "x"}, "prvCreatePublisher"),
    ):
        refused = await dynamics.call("POST", path, body)
        assert refused.refusal == (403, "0x80040220")
        assert privilege in refused.message


async def test_what_is_refused_half_way_is_taken_back(installer: Installer) -> None:
    api = installer.api
    body = {"Entities": [table("nw_A", "nw_Name"), {}]}
    assert (await installer.post("CreateEntities", body)).status == 400
    header = [f"{name}: {value}" for name, value in IN_SOLUTION.items()]
    made = part(f"POST /api/data/v9.2/{ATTRIBUTES}", text("nw_B"), content_id="1", headers=header)
    wrong = part("POST /api/data/v9.2/opportunities", {"nonsense": 1}, content_id="2")
    assert (await send(api, change_set(made, wrong))).status == 400
    assert (await api.get("nw_as")).status == 404
    assert (await api.get("EntityDefinitions(LogicalName='nw_a')")).status == 404
    assert (await api.get(f"{ATTRIBUTES}(LogicalName='nw_b')")).status == 404
