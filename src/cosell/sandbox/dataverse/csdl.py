"""Describes the environment in OData's own schema language: the answer of ``$metadata``."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from cosell.sandbox.dataverse.columns import Column, Table, Target
from cosell.sandbox.dataverse.schema import Schema

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"
NAMESPACE = "Microsoft.Dynamics.CRM"
KEYS = "OData.Community.Keys.V1"
CAPABILITIES = "Org.OData.Capabilities.V1"
_VOCABULARIES = {
    KEYS: "http://vocabularies.odata.org/OData.Community.Keys.V1.xml",
    CAPABILITIES: "http://vocabularies.odata.org/Org.OData.Capabilities.V1.xml",
}
_TYPES = {
    "string": "String",
    "memo": "String",
    "multipicklist": "String",
    "boolean": "Boolean",
    "integer": "Int32",
    "picklist": "Int32",
    "state": "Int32",
    "status": "Int32",
    "bigint": "Int64",
    "decimal": "Decimal",
    "money": "Decimal",
    "double": "Double",
    "lookup": "Guid",
    "uniqueidentifier": "Guid",
}
_ACTIONS: dict[str, dict[str, str]] = {
    name: {"OpportunityClose": "mscrm.opportunityclose", "Status": "Edm.Int32"}
    for name in ("WinOpportunity", "LoseOpportunity")
}
_CUSTOMIZING: dict[str, tuple[dict[str, str], str | None]] = {
    "PublishXml": ({"ParameterXml": "Edm.String"}, None),
    "PublishAllXml": ({}, None),
    "ExportSolution": (
        {"SolutionName": "Edm.String", "Managed": "Edm.Boolean"},
        "mscrm.ExportSolutionResponse",
    ),
    "ImportSolution": (
        {
            "OverwriteUnmanagedCustomizations": "Edm.Boolean",
            "PublishWorkflows": "Edm.Boolean",
            "CustomizationFile": "Edm.Binary",
            "ImportJobId": "Edm.Guid",
        },
        None,
    ),
    "DeleteAndPromote": ({"UniqueName": "Edm.String"}, "mscrm.DeleteAndPromoteResponse"),
    "ReactivateEntityKey": ({"EntityLogicalName": "Edm.String", "EntityKeyLogicalName": "Edm.String"}, None),
}
"""The messages of an installer whose parameters are plain values."""
_BULK = {"CreateMultiple": "mscrm.CreateMultipleResponse", "UpdateMultiple": None, "UpsertMultiple": None}
_QUALIFYING = {
    "CreateAccount": "Edm.Boolean",
    "CreateContact": "Edm.Boolean",
    "CreateOpportunity": "Edm.Boolean",
    "OpportunityCurrencyId": "mscrm.transactioncurrency",
    "OpportunityCustomerId": "mscrm.crmbaseentity",
    "Status": "Edm.Int32",
}
_RESPONSES = {
    "ExportSolutionResponse": {"ExportSolutionFile": "Edm.Binary"},
    "DeleteAndPromoteResponse": {"SolutionId": "Edm.Guid"},
    "RetrieveProvisionedLanguagesResponse": {"RetrieveProvisionedLanguages": "Collection(Edm.Int32)"},
    "WhoAmIResponse": {"BusinessUnitId": "Edm.Guid", "UserId": "Edm.Guid", "OrganizationId": "Edm.Guid"},
    "BooleanManagedProperty": {
        "Value": "Edm.Boolean",
        "CanBeChanged": "Edm.Boolean",
        "ManagedPropertyLogicalName": "Edm.String",
    },
    "CreateMultipleResponse": {"Ids": "Collection(Edm.Guid)"},
    "OrganizationDetail": {
        "OrganizationId": "Edm.Guid",
        "FriendlyName": "Edm.String",
        "OrganizationVersion": "Edm.String",
        "EnvironmentId": "Edm.String",
        "Geo": "Edm.String",
        "TenantId": "Edm.String",
        "UrlName": "Edm.String",
        "UniqueName": "Edm.String",
        "State": "mscrm.OrganizationState",
        "Endpoints": "mscrm.EndpointCollection",
    },
    "RetrieveCurrentOrganizationResponse": {"Detail": "mscrm.OrganizationDetail"},
    "EndpointCollection": {
        "Count": "Edm.Int32",
        "IsReadOnly": "Edm.Boolean",
        "Keys": "Collection(mscrm.EndpointType)",
        "Values": "Collection(Edm.String)",
    },
}
_ENUMS = {
    "EndpointAccessType": ("Default", "Internet", "Intranet"),
    "EndpointType": ("OrganizationService", "OrganizationDataService", "WebApplication"),
    "OrganizationState": ("Enabled", "Disabled"),
}
_OWNERS = frozenset({"systemuser", "team"})

register_namespace("edmx", EDMX)


def document(schema: Schema, *, annotations: bool = False) -> bytes:
    """The CSDL document of every table; with `annotations`, what each is capable of too."""
    root = Element(f"{{{EDMX}}}Edmx", {"Version": "4.0"})
    for namespace, uri in _VOCABULARIES.items():
        reference = SubElement(root, f"{{{EDMX}}}Reference", {"Uri": uri})
        SubElement(reference, f"{{{EDMX}}}Include", {"Namespace": namespace})
    services = SubElement(root, f"{{{EDMX}}}DataServices")
    body = SubElement(services, "Schema", {"xmlns": EDM, "Namespace": NAMESPACE, "Alias": "mscrm"})
    SubElement(body, "EntityType", {"Name": "crmbaseentity", "Abstract": "true"})
    owners = {"Name": "principal", "BaseType": "mscrm.crmbaseentity", "Abstract": "true"}
    SubElement(body, "EntityType", owners)
    for table in schema.tables.values():
        _entity_type(body, schema, table)
    _plain_types(body)
    _operations(body, schema.tables.values())
    container = SubElement(body, "EntityContainer", {"Name": "System"})
    for table in schema.tables.values():
        _entity_set(container, schema, table, annotations=annotations)
    _imports(container)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _entity_type(body: Element, schema: Schema, table: Table) -> None:
    base = "principal" if table.name in _OWNERS else "crmbaseentity"
    made = SubElement(body, "EntityType", {"Name": table.name, "BaseType": f"mscrm.{base}"})
    key = SubElement(made, "Key")
    SubElement(key, "PropertyRef", {"Name": table.primary_id})
    for column in table.columns.values():
        _property(made, column)
    for column in table.columns.values():
        _navigations(made, schema, column)
    for name, back in sorted(schema.backward(table.name).items()):
        type_name = f"Collection(mscrm.{back.table.name})"
        facets = {"Name": name, "Type": type_name, "Partner": back.target.navigation}
        SubElement(made, "NavigationProperty", facets)
    for name, other in schema.paired(table.name):
        facets = {"Name": name, "Type": f"Collection(mscrm.{other})", "Partner": name}
        SubElement(made, "NavigationProperty", facets)
    if table.keys:
        _alternate_keys(made, table)


def _property(made: Element, column: Column) -> None:
    if column.kind == "managedproperty":
        SubElement(made, "Property", {"Name": column.wire, "Type": "mscrm.BooleanManagedProperty"})
        return
    if column.kind == "datetime":
        type_name = "Date" if column.date_only else "DateTimeOffset"
    else:
        type_name = _TYPES[column.kind]
    facets = {"Name": column.wire, "Type": f"Edm.{type_name}"}
    if column.kind in ("string", "memo") and column.length:
        facets["MaxLength"] = str(column.length)
    if type_name == "Decimal":
        facets["Scale"] = "variable"
    SubElement(made, "Property", facets)


def _navigations(made: Element, schema: Schema, column: Column) -> None:
    """One property per name; owners share theirs, which then leads to what owners have in common."""
    named: dict[str, list[Target]] = {}
    for target in column.targets:
        if target.table in schema.tables:
            named.setdefault(target.navigation, []).append(target)
    for name, targets in named.items():
        if len(targets) > 1:
            SubElement(made, "NavigationProperty", {"Name": name, "Type": "mscrm.principal"})
            continue
        (target,) = targets
        facets = {"Name": name, "Type": f"mscrm.{target.table}", "Partner": target.collection}
        property_ = SubElement(made, "NavigationProperty", facets)
        there = schema.tables[target.table].primary_id
        constraint = {"Property": column.wire, "ReferencedProperty": there}
        SubElement(property_, "ReferentialConstraint", constraint)


def _alternate_keys(made: Element, table: Table) -> None:
    term = SubElement(made, "Annotation", {"Term": f"{KEYS}.AlternateKeys"})
    records = SubElement(term, "Collection")
    for key in table.keys:
        record = SubElement(records, "Record", {"Type": f"{KEYS}.AlternateKey"})
        value = SubElement(record, "PropertyValue", {"Property": "Key"})
        refs = SubElement(value, "Collection")
        for name in key.columns:
            ref = SubElement(refs, "Record", {"Type": f"{KEYS}.PropertyRef"})
            wire = table.columns[name].wire
            SubElement(ref, "PropertyValue", {"Property": "Alias", "String": wire})
            SubElement(ref, "PropertyValue", {"Property": "Name", "PropertyPath": wire})


def _plain_types(body: Element) -> None:
    for name, members in _ENUMS.items():
        made = SubElement(body, "EnumType", {"Name": name})
        for value, member in enumerate(members):
            SubElement(made, "Member", {"Name": member, "Value": str(value)})
    for name, fields in _RESPONSES.items():
        made = SubElement(body, "ComplexType", {"Name": name})
        for field, type_name in fields.items():
            SubElement(made, "Property", {"Name": field, "Type": type_name})


def _operations(body: Element, tables: Iterable[Table]) -> None:
    made = SubElement(body, "Function", {"Name": "WhoAmI"})
    SubElement(made, "ReturnType", {"Type": "mscrm.WhoAmIResponse", "Nullable": "false"})
    made = SubElement(body, "Function", {"Name": "RetrieveCurrentOrganization"})
    access = {"Name": "AccessType", "Type": "mscrm.EndpointAccessType", "Nullable": "false"}
    SubElement(made, "Parameter", access)
    SubElement(made, "ReturnType", {"Type": "mscrm.RetrieveCurrentOrganizationResponse"})
    for name, parameters in _ACTIONS.items():
        made = SubElement(body, "Action", {"Name": name})
        for parameter, type_name in parameters.items():
            facets = {"Name": parameter, "Type": type_name, "Nullable": "false"}
            SubElement(made, "Parameter", facets)
    _installing(body)
    _qualifying(body)
    for table in tables:
        for name, response in _BULK.items():
            made = SubElement(body, "Action", {"Name": name, "IsBound": "true"})
            rows = f"Collection(mscrm.{table.name})"
            for parameter in ("entityset", "Targets"):
                facets = {"Name": parameter, "Type": rows, "Nullable": "false"}
                SubElement(made, "Parameter", facets)
            if response:
                SubElement(made, "ReturnType", {"Type": response, "Nullable": "false"})


def _installing(body: Element) -> None:
    """What an installer sends, and the languages it asks for."""
    made = SubElement(body, "Function", {"Name": "RetrieveProvisionedLanguages"})
    answer = {"Type": "mscrm.RetrieveProvisionedLanguagesResponse", "Nullable": "false"}
    SubElement(made, "ReturnType", answer)
    for name, (parameters, response) in _CUSTOMIZING.items():
        made = SubElement(body, "Action", {"Name": name})
        for parameter, type_name in parameters.items():
            facets = {"Name": parameter, "Type": type_name, "Nullable": "false"}
            SubElement(made, "Parameter", facets)
        if response:
            SubElement(made, "ReturnType", {"Type": response, "Nullable": "false"})


def _qualifying(body: Element) -> None:
    """QualifyLead, which is bound to the lead."""
    made = SubElement(body, "Action", {"Name": "QualifyLead", "IsBound": "true"})
    for name, type_name in (("entity", "mscrm.lead"), *_QUALIFYING.items()):
        facets = {"Name": name, "Type": type_name}
        if name not in ("OpportunityCurrencyId", "OpportunityCustomerId"):
            facets["Nullable"] = "false"
        SubElement(made, "Parameter", facets)
    SubElement(made, "ReturnType", {"Type": "Collection(mscrm.crmbaseentity)", "Nullable": "false"})


def _entity_set(container: Element, schema: Schema, table: Table, *, annotations: bool) -> None:
    facets = {"Name": table.entity_set, "EntityType": f"{NAMESPACE}.{table.name}"}
    made = SubElement(container, "EntitySet", facets)
    bound = {
        target.navigation: schema.tables[target.table].entity_set
        for column in table.columns.values()
        for target in column.targets
        if target.table in schema.tables and not _is_shared(column, target)
    }
    bound |= {name: back.table.entity_set for name, back in schema.backward(table.name).items()}
    bound |= {name: schema.tables[other].entity_set for name, other in schema.paired(table.name)}
    for path, target in sorted(bound.items()):
        SubElement(made, "NavigationPropertyBinding", {"Path": path, "Target": target})
    if annotations and table.change_tracking:
        term = SubElement(made, "Annotation", {"Term": f"{CAPABILITIES}.ChangeTracking"})
        record = SubElement(term, "Record")
        SubElement(record, "PropertyValue", {"Property": "Supported", "Bool": "true"})


def _is_shared(column: Column, target: Target) -> bool:
    return sum(one.navigation == target.navigation for one in column.targets) > 1


def _imports(container: Element) -> None:
    for name in ("WhoAmI", "RetrieveCurrentOrganization", "RetrieveProvisionedLanguages"):
        SubElement(container, "FunctionImport", {"Name": name, "Function": f"{NAMESPACE}.{name}"})
    for name in (*_ACTIONS, *_CUSTOMIZING):
        SubElement(container, "ActionImport", {"Name": name, "Action": f"{NAMESPACE}.{name}"})
