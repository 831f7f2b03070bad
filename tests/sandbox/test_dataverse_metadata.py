"""The metadata endpoints as public clients ask them, and `$metadata` (sections 3, 4.1, 5.1)."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from cosell.sandbox.dataverse.csdl import EDM, EDMX, NAMESPACE, document
from cosell.sandbox.dataverse.schema import Schema

from .dynamics import Dynamics, Json, Reply

OPPORTUNITY = "EntityDefinitions(LogicalName='opportunity')"
CRM = "Microsoft.Dynamics.CRM"


async def test_a_table_is_found_by_its_logical_name_or_its_id(dynamics: Dynamics) -> None:
    one = await dynamics.row(OPPORTUNITY, select="LogicalName,EntitySetName,PrimaryIdAttribute")
    assert one["@odata.context"].endswith(
        "$metadata#EntityDefinitions(LogicalName,EntitySetName,PrimaryIdAttribute)/$entity"
    )
    assert (one["EntitySetName"], one["PrimaryIdAttribute"]) == ("opportunities", "opportunityid")
    same = await dynamics.row(f"EntityDefinitions({one['MetadataId']})")
    assert same["SchemaName"] == "Opportunity"
    assert same["DisplayName"]["UserLocalizedLabel"]["Label"] == "Opportunity"
    missing = await dynamics.get("EntityDefinitions(LogicalName='nothing')")
    assert missing.status == 404


async def test_what_a_set_up_checks_is_told(dynamics: Dynamics) -> None:
    """4.1 and 2.7: change tracking and optimistic concurrency."""
    names = "ChangeTrackingEnabled,CanChangeTrackingBeEnabled,IsOptimisticConcurrencyEnabled"
    told = await dynamics.row(OPPORTUNITY, select=names)
    assert told["ChangeTrackingEnabled"] is True
    assert told["CanChangeTrackingBeEnabled"]["Value"] is True
    assert told["IsOptimisticConcurrencyEnabled"] is True
    dynamics.org.settings.untracked_tables = frozenset({"opportunity"})
    dynamics.org.settings.unguarded_tables = frozenset({"opportunity"})
    told = await dynamics.row(OPPORTUNITY, select=names)
    assert (told["ChangeTrackingEnabled"], told["IsOptimisticConcurrencyEnabled"]) == (False, False)


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("LogicalName eq 'account'", ["account"]),
        ("LogicalName eq 'account' or LogicalName eq 'lead'", ["account", "lead"]),
        ("IsCustomEntity eq true", ["cosell_opportunitysolution", "cosell_solutiondetail"]),
        ("IsPrivate eq false and startswith(SchemaName,'cosell_Sol')", ["cosell_solutiondetail"]),
        ("not (ObjectTypeCode gt 2)", ["account", "contact"]),
        ("CanChangeTrackingBeEnabled/Value eq true and ObjectTypeCode eq 3", ["opportunity"]),
        ("MetadataId eq 00000000-0000-0000-0000-000000000000", []),
    ],
)
async def test_tables_are_listed_by_a_filter(dynamics: Dynamics, where: str, names: list[str]) -> None:
    reply = await dynamics.get("EntityDefinitions", filter=where, select="LogicalName")
    assert sorted(row["LogicalName"] for row in reply.rows) == names


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("EntityDefinitions", {"filter": "Nonsense eq 1"}),
        ("EntityDefinitions", {"filter": "LogicalName eq"}),
        ("EntityDefinitions", {"filter": "LogicalName is 'x'"}),
        ("EntityDefinitions", {"select": "Nonsense"}),
        ("EntityDefinitions", {"expand": "Nonsense"}),
        ("EntityDefinitions", {"top": "1"}),
        (f"{OPPORTUNITY}/Attributes", {"select": "MaxLength"}),
        (f"{OPPORTUNITY}/Attributes", {"expand": "OptionSet"}),
        (f"{OPPORTUNITY}/Nonsense", {}),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    dynamics: Dynamics, path: str, options: dict[str, str]
) -> None:
    assert (await dynamics.get(path, headers=None, **options)).status == 400


async def test_columns_are_expanded_with_the_table(dynamics: Dynamics) -> None:
    expand = "Attributes($select=LogicalName,AttributeType;$filter=IsPrimaryName eq true),Keys"
    found = await dynamics.row(OPPORTUNITY, select="LogicalName", expand=expand)
    (name,) = found["Attributes"]
    assert (name["LogicalName"], name["AttributeType"]) == ("name", "String")
    assert name["@odata.type"] == f"#{CRM}.StringAttributeMetadata"
    (key,) = found["Keys"]
    assert key["KeyAttributes"] == ["cosell_referralidentifier"]
    assert key["EntityKeyIndexStatus"] == "Active"


async def test_a_column_shows_what_its_kind_adds_when_nothing_is_selected(dynamics: Dynamics) -> None:
    shown = await _columns(dynamics)
    assert shown["name"]["MaxLength"] == 300
    assert shown["estimatedvalue"]["PrecisionSource"] == 2
    assert shown["estimatedclosedate"]["DateTimeBehavior"] == {"Value": "DateOnly"}
    assert shown["customerid"]["Targets"] == ["account", "contact"]
    kinds = {name: shown[name]["AttributeType"] for name in ("customerid", "ownerid", "parentaccountid")}
    assert kinds == {"customerid": "Customer", "ownerid": "Owner", "parentaccountid": "Lookup"}
    assert shown["description"]["@odata.type"] == f"#{CRM}.MemoAttributeMetadata"
    assert shown["cosell_stamp"]["IsCustomAttribute"] is True


async def _columns(dynamics: Dynamics) -> dict[str, Json]:
    rows = (await dynamics.get(f"{OPPORTUNITY}/Attributes")).rows
    return {row["LogicalName"]: row for row in rows}


async def test_one_column_is_found_by_name_or_id_and_cast_to_its_type(dynamics: Dynamics) -> None:
    """As Microsoft's Python client reads a definition before it puts it back."""
    path = f"{OPPORTUNITY}/Attributes(LogicalName='name')"
    one = await dynamics.row(path, select="MetadataId,SchemaName")
    assert one["@odata.type"] == f"#{CRM}.StringAttributeMetadata"
    cast = await dynamics.row(f"{path}/{CRM}.StringAttributeMetadata", select="MaxLength")
    assert (cast["MaxLength"], "@odata.type" in cast) == (300, False)
    assert await dynamics.row(f"{OPPORTUNITY}/Attributes({one['MetadataId']})", select="LogicalName")
    assert (await dynamics.get(f"{path}/{CRM}.MemoAttributeMetadata")).status == 404
    assert (await dynamics.get(f"{OPPORTUNITY}/Attributes(LogicalName='nothing')")).status == 404
    assert (await dynamics.get(f"{path}/{CRM}.Nonsense")).status == 404
    label = await dynamics.row(f"{path}/DisplayName")
    assert label["value"]["LocalizedLabels"][0]["Label"] == "Topic"


async def test_choices_come_with_the_cast_and_the_expansion(dynamics: Dynamics) -> None:
    path = f"{OPPORTUNITY}/Attributes/{CRM}.PicklistAttributeMetadata"
    reply = await dynamics.get(path, select="LogicalName", expand="OptionSet($select=Options)")
    found = {row["LogicalName"]: row["OptionSet"]["Options"] for row in reply.rows}
    help_options = found["cosell_howcanmicrosofthelp"]
    assert [one["Value"] for one in help_options] == list(range(727000000, 727000006))
    assert help_options[0]["Label"]["LocalizedLabels"][0]["LanguageCode"] == 1033
    one = f"{OPPORTUNITY}/Attributes(LogicalName='salesstage')/{CRM}.PicklistAttributeMetadata/OptionSet"
    labels = [
        option["Label"]["UserLocalizedLabel"]["Label"] for option in (await dynamics.row(one))["Options"]
    ]
    assert labels == ["Qualify", "Develop", "Propose", "Close"]


async def test_status_reasons_say_their_state_and_states_their_default(dynamics: Dynamics) -> None:
    """Section 3: how an org's own status reasons are learnt."""
    status = (
        await dynamics.get(
            f"{OPPORTUNITY}/Attributes/{CRM}.StatusAttributeMetadata",
            select="LogicalName",
            expand="OptionSet",
        )
    ).rows
    pairs = {option["Value"]: option["State"] for option in status[0]["OptionSet"]["Options"]}
    assert pairs == {1: 0, 2: 0, 3: 1, 4: 2, 5: 2}
    state = (
        await dynamics.get(f"{OPPORTUNITY}/Attributes/{CRM}.StateAttributeMetadata", expand="OptionSet")
    ).rows
    defaults = {option["Value"]: option["DefaultStatus"] for option in state[0]["OptionSet"]["Options"]}
    assert defaults == {0: 1, 1: 3, 2: 4}


async def test_a_yes_no_column_has_two_options(dynamics: Dynamics) -> None:
    path = f"{OPPORTUNITY}/Attributes(LogicalName='cosell_syncwithpartnercenter')"
    found = await dynamics.row(f"{path}/{CRM}.BooleanAttributeMetadata", expand="OptionSet")
    assert found["OptionSet"]["TrueOption"]["Label"]["UserLocalizedLabel"]["Label"] == "Yes"


async def test_relationships_tell_the_names_of_both_ends(dynamics: Dynamics) -> None:
    """Trap 3: navigation properties are case-sensitive and carry the target."""
    out = (await dynamics.get(f"{OPPORTUNITY}/ManyToOneRelationships")).rows
    ends = {
        (one["ReferencingAttribute"], one["ReferencedEntity"]): one["ReferencingEntityNavigationPropertyName"]
        for one in out
    }
    assert ends["customerid", "account"] == "customerid_account"
    where = "ReferencingEntity eq 'cosell_opportunitysolution'"
    (child,) = (await dynamics.get(f"{OPPORTUNITY}/OneToManyRelationships", filter=where)).rows
    assert child["ReferencingEntityNavigationPropertyName"] == "cosell_OpportunityId"
    assert child["CascadeConfiguration"]["Delete"] == "Cascade"
    pairs = await dynamics.get("EntityDefinitions(LogicalName='systemuser')/ManyToManyRelationships")
    assert {one["SchemaName"] for one in pairs.rows} == {
        "systemuserroles_association",
        "teammembership_association",
    }
    one = await dynamics.row(f"RelationshipDefinitions(SchemaName='{child['SchemaName']}')")
    assert one["MetadataId"] == child["MetadataId"]
    named = await dynamics.get("RelationshipDefinitions", filter="SchemaName eq 'teammembership_association'")
    assert named.rows[0]["@odata.type"] == f"#{CRM}.ManyToManyRelationshipMetadata"
    cast = await dynamics.get(f"RelationshipDefinitions/{CRM}.ManyToManyRelationshipMetadata")
    assert len(cast.rows) == 3


async def test_keys_are_listed_and_found_by_their_names(dynamics: Dynamics) -> None:
    (key,) = (await dynamics.get(f"{OPPORTUNITY}/Keys", select="SchemaName,EntityKeyIndexStatus")).rows
    assert key["SchemaName"] == "cosell_OpportunityReferralKey"
    found = await dynamics.row(f"{OPPORTUNITY}/Keys(SchemaName='{key['SchemaName']}')")
    assert found["MetadataId"] == key["MetadataId"]


async def test_no_choice_is_shared_before_somebody_makes_one(dynamics: Dynamics) -> None:
    assert (await dynamics.get("GlobalOptionSetDefinitions")).rows == []
    assert (await dynamics.get("GlobalOptionSetDefinitions(Name='x')")).status == 404


@pytest.mark.parametrize(
    "call",
    [
        f"RetrieveCurrentOrganization(AccessType={CRM}.EndpointAccessType'Default')",
        f"RetrieveCurrentOrganization(AccessType=@p1)?@p1={CRM}.EndpointAccessType'Default'",
    ],
)
async def test_the_organization_tells_its_ids_and_addresses(dynamics: Dynamics, call: str) -> None:
    detail = (await dynamics.call("GET", call)).json["Detail"]
    assert detail["OrganizationId"] == dynamics.org.organization_id
    assert detail["TenantId"] == dynamics.org.tenant
    assert detail["Endpoints"]["Values"][0] == f"{dynamics.org.base_url}/"
    assert (await dynamics.get("RetrieveCurrentOrganization()")).status == 400


def _where(name: str, value: Any, operator: str = "Equals") -> Json:
    condition = {"PropertyName": name, "ConditionOperator": operator, "Value": {"Value": value}}
    return {"Conditions": [condition]}


async def test_chosen_properties_of_chosen_columns_come_in_one_answer(dynamics: Dynamics) -> None:
    """As Microsoft's Python client reads typed columns: RetrieveMetadataChanges."""
    columns = {"PropertyNames": ["LogicalName", "AttributeType", "MaxLength"]}
    named = _where("LogicalName", ["name", "salesstage"], "In")
    query = {
        "Properties": {"PropertyNames": ["LogicalName", "Attributes"]},
        "Criteria": _where("LogicalName", "opportunity"),
        "AttributeQuery": {"Properties": columns, "Criteria": named},
    }

    async def asked(query: Any) -> Reply:
        params = {"@p1": query if isinstance(query, str) else json.dumps(query)}
        return await dynamics.call("GET", "RetrieveMetadataChanges(Query=@p1)", params=params)

    (table,) = (await asked(query)).json["EntityMetadata"]
    assert set(table) == {"MetadataId", "LogicalName", "Attributes"}
    found = {one["LogicalName"]: one for one in table["Attributes"]}
    assert (found["name"]["MaxLength"], found["salesstage"]["AttributeType"]) == (300, "Picklist")
    assert "MaxLength" not in found["salesstage"]
    whole = {"Properties": {"AllProperties": True}, "Criteria": _where("LogicalName", "role")}
    (role,) = (await asked(whole)).json["EntityMetadata"]
    assert role["EntitySetName"] == "roles"
    assert {one["LogicalName"] for one in role["Attributes"]} >= {"name", "roleid"}
    assert (await asked("nonsense")).status == 400
    assert (await asked({"Criteria": _where("Nonsense", 1)})).status == 400
    assert (await asked({"Criteria": _where("LogicalName", 1, "GreaterThan")})).status == 501
    assert (await dynamics.get("RetrieveMetadataChanges()")).status == 400


async def test_a_drifted_schema_shows_at_once(dynamics: Dynamics) -> None:
    dynamics.org.schema.rename_column("opportunity", "cosell_stamp", "cosell_mark")
    shown = await _columns(dynamics)
    assert "cosell_mark" in shown
    assert "cosell_stamp" not in shown
    assert b'Name="cosell_mark"' in (await dynamics.get("$metadata")).raw


async def test_metadata_is_served_as_xml_with_annotations_where_asked(dynamics: Dynamics) -> None:
    plain = await dynamics.get("$metadata")
    assert plain.headers["Content-Type"] == "application/xml"
    assert b"Capabilities.V1.ChangeTracking" not in plain.raw
    told = await dynamics.call("GET", "$metadata?annotations=true")
    assert b"Capabilities.V1.ChangeTracking" in told.raw


class _Csdl:
    """The document of a fresh environment, taken apart."""

    def __init__(self) -> None:
        root = ElementTree.fromstring(document(Schema(), annotations=True))
        assert root.tag == f"{{{EDMX}}}Edmx"
        assert root.get("Version") == "4.0"
        (schema,) = root.iter(f"{{{EDM}}}Schema")
        assert (schema.get("Namespace"), schema.get("Alias")) == (NAMESPACE, "mscrm")
        self.schema = schema
        self.types = {one.get("Name"): one for one in self.all("EntityType")}
        (self.container,) = self.all("EntityContainer")

    def all(self, name: str, under: Any = None) -> list[Any]:
        start = self.schema if under is None else under
        return list(start.iter(f"{{{EDM}}}{name}"))


def test_every_name_in_the_metadata_leads_to_something() -> None:
    """CSDL 4.0: types, keys, partners, constraints and bindings refer to what is declared."""
    csdl = _Csdl()
    declared = {
        one.get("Name") for kind in ("EntityType", "ComplexType", "EnumType") for one in csdl.all(kind)
    }
    for one in csdl.schema.iter():
        for name in ("Type", "BaseType", "EntityType"):
            found = (one.get(name) or "").removeprefix("Collection(").removesuffix(")")
            if found and not found.startswith(("Edm.", "OData.")):
                assert found.rpartition(".")[2] in declared, found
    for entity in csdl.types.values():
        properties = {one.get("Name") for one in csdl.all("Property", entity)}
        assert {one.get("Name") for one in csdl.all("PropertyRef", entity)} <= properties
        for one in csdl.all("NavigationProperty", entity):
            target = csdl.types[
                one.get("Type").removeprefix("Collection(").removesuffix(")").partition(".")[2]
            ]
            back = {other.get("Name") for other in csdl.all("NavigationProperty", target)}
            assert one.get("Partner") is None or one.get("Partner") in back
            for rule in csdl.all("ReferentialConstraint", one):
                assert rule.get("Property") in properties
                there = {other.get("Name") for other in csdl.all("Property", target)}
                assert rule.get("ReferencedProperty") in there
    sets = {one.get("Name"): one for one in csdl.all("EntitySet", csdl.container)}
    for one in sets.values():
        entity = csdl.types[one.get("EntityType").rpartition(".")[2]]
        navigation = {other.get("Name") for other in csdl.all("NavigationProperty", entity)}
        for bound in csdl.all("NavigationPropertyBinding", one):
            assert bound.get("Path") in navigation
            assert bound.get("Target") in sets


def test_no_name_is_declared_twice_in_the_metadata() -> None:
    csdl = _Csdl()
    for one in [csdl.container, *csdl.types.values()]:
        names = [child.get("Name") for child in one if child.get("Name")]
        assert len(names) == len(set(names)), one.get("Name")


def test_every_table_has_its_set_its_key_and_its_columns() -> None:
    csdl, schema = _Csdl(), Schema()
    for table in schema.tables.values():
        entity = csdl.types[table.name]
        assert [one.get("Name") for one in csdl.all("PropertyRef", entity)] == [table.primary_id]
        properties = {one.get("Name") for one in csdl.all("Property", entity)}
        assert properties == {column.wire for column in table.columns.values()}
    sets = {one.get("Name") for one in csdl.all("EntitySet", csdl.container)}
    assert sets == {table.entity_set for table in schema.tables.values()}
