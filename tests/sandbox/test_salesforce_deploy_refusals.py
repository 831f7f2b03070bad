"""What a deploy is refused for, component by component (salesforce-api.md 12.1, 12.2)."""

from __future__ import annotations

import pytest

from . import packages
from .packages import (
    CHECKBOX,
    GRANTS,
    LAYOUT_NAME,
    OBJECT,
    SOLUTION_FILE,
    TEXT,
    WHOLE,
    allowed,
    deploy,
    document,
    field,
    granted,
    layout,
    manifest,
    opportunity,
    problems,
)
from .sales import Sales

URL = "<type>Url</type>"


async def _problem(sales: Sales, *fields: str) -> str:
    """The problem of the one failing field among those deployed to Opportunity."""
    files = {**opportunity(*fields), "package.xml": manifest({"CustomObject": ["Opportunity"]})}
    [problem] = problems(await deploy(sales, files)).values()
    return problem


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (field("X__c", "X" * 41, URL), "Value too long for field: MasterLabel maximum length is:40"),
        (
            field("X__c", "X", f"<inlineHelpText>{'h' * 511}</inlineHelpText>{URL}"),
            "Value too long for field: InlineHelpText maximum length is:510",
        ),
        (field(f"{'X' * 41}__c", "X", URL), "Value too long for field: DeveloperName maximum length is:40"),
        (field("X__y__c", "X", URL), "The Field Name can only contain underscores and alphanumeric"),
        (field("Nope", "X", URL), "Could not resolve standard field's name."),
        (field("X__c", "X", "<type>Nope</type>"), "'Nope' is not a valid value for the enum 'FieldType'"),
        (field("X__c", "X", "<type>Text</type>"), "Must specify 'length' for a CustomField of type Text"),
        (
            field("X__c", "X", f"<length>9</length>{URL}"),
            "Can not specify 'length' for a CustomField",
        ),
        (
            field("X__c", "X", f"<nope>1</nope>{URL}"),
            "Element nope invalid at this location in type",
        ),
        (field("X__c", "X", f"<type>Text</type>{URL}"), "Element type is duplicated at this location"),
        (
            packages.AUDIT.replace("100000", "131073"),
            "must be between 1 and 131072",
        ),
        (
            field(
                "X__c",
                "X",
                "<referenceTo>Nope__c</referenceTo><relationshipName>Xs</relationshipName><type>Lookup</type>",
            ),
            "referenceTo value of 'Nope__c' does not resolve to a valid sObject type",
        ),
        (
            field(
                "X__c",
                "X",
                "<referenceTo>Account</referenceTo><relationshipName>Ys</relationshipName><type>Lookup</type>",
            )
            + field(
                "Y__c",
                "Y",
                "<referenceTo>Account</referenceTo><relationshipName>Ys</relationshipName><type>Lookup</type>",
            ),
            "There is already a Child Relationship named Ys on Account.",
        ),
        (
            field("X__c", "X", "<type>Picklist</type><valueSet><valueSetName>G</valueSetName></valueSet>"),
            "In field: valueSetName - no GlobalValueSet named G found",
        ),
    ],
)
async def test_a_field_that_cannot_be_is_refused(bare_org: Sales, made: str, problem: str) -> None:
    assert problem in await _problem(bare_org, made)


async def test_a_name_that_comes_twice_is_refused(bare_org: Sales) -> None:
    files = {
        **opportunity(CHECKBOX, CHECKBOX),
        "package.xml": manifest({"CustomField": ["Opportunity.Cosell_Sync__c"]}),
    }
    found = problems(await deploy(bare_org, files))
    assert found == {"Opportunity.Cosell_Sync__c": "Duplicate name 'Opportunity.Cosell_Sync__c' specified"}


@pytest.mark.parametrize(
    ("first", "then", "problem"),
    [
        (
            CHECKBOX,
            field("Cosell_Sync__c", "S", URL),
            "Cannot update a field from a Checkbox",
        ),
        (
            field("X__c", "X", TEXT),
            packages.AUDIT.replace("Cosell_Audit__c", "X__c"),
            "Cannot update a field",
        ),
        (packages.AUDIT, field("Cosell_Audit__c", "A", TEXT), "Cannot update a field from a LongTextArea"),
        (
            field("X__c", "X", TEXT),
            field("X__c", "X", "<type>Date</type>"),
            "field to a Date",
        ),
    ],
)
async def test_a_type_that_would_lose_data_is_not_changed(
    bare_org: Sales, first: str, then: str, problem: str
) -> None:
    files = {**opportunity(first), "package.xml": manifest({"CustomObject": ["Opportunity"]})}
    await deploy(bare_org, files)
    assert problem in await _problem(bare_org, then)


async def test_text_may_become_an_address_and_values_left_out_stay_inactive(bare_org: Sales) -> None:
    package = {"package.xml": manifest({"CustomObject": ["Opportunity"]})}
    await deploy(bare_org, {**opportunity(field("X__c", "X", TEXT), packages.PICK), **package})
    fewer = packages.PICK.replace("General or Other", "Something Else")
    result = await deploy(bare_org, {**opportunity(field("X__c", "X", URL), fewer), **package})
    assert result["success"] is True
    choices = bare_org.org.schema.field("Opportunity", "Cosell_Help__c").choices
    assert [(one.value, one.active) for one in choices] == [
        ("Quotes or Licensing", True),
        ("Something Else", True),
        ("General or Other", False),
    ]


async def test_files_and_manifest_must_name_the_same(bare_org: Sales) -> None:
    fields = ["Opportunity.Cosell_Sync__c", "Opportunity.Gone__c"]
    files = {
        **opportunity(CHECKBOX),
        "layouts/Opportunity-Other.layout": layout("Name"),
        "package.xml": manifest({"CustomField": fields, "Nope": ["x"]}),
    }
    found = problems(await deploy(bare_org, files))
    assert found == {
        "Opportunity-Other": "Not in package.xml",
        "Opportunity.Gone__c": (
            "An object 'Opportunity.Gone__c' of type CustomField was named in package.xml, but was not found"
            " in zipped directory"
        ),
        "Nope": "Unknown type name 'Nope' specified in package.xml",
    }
    del files["layouts/Opportunity-Other.layout"]
    files["package.xml"] = manifest({"CustomField": fields})
    assert (await deploy(bare_org, files, allowMissingFiles=True))["success"] is True


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<CustomObject", "Error parsing file:"),
        ('<!DOCTYPE x [<!ENTITY e "v">]><CustomObject>&e;</CustomObject>', "DOCTYPE is not allowed"),
        ("<CustomObject/>", "invalid at this location"),
        (document("Layout", ""), "invalid at this location"),
    ],
)
async def test_a_file_that_is_no_metadata_is_refused(bare_org: Sales, text: str, problem: str) -> None:
    files = {
        "objects/Opportunity.object": text,
        "package.xml": manifest({"CustomObject": ["Opportunity"]}),
    }
    result = await deploy(bare_org, files)
    assert problem in problems(result)["Opportunity"]
    broken = await deploy(bare_org, {"package.xml": text})
    assert list(problems(broken)) == ["package.xml"]
    old = {"package.xml": manifest({}, version="12.0")}
    assert problems(await deploy(bare_org, old)) == {"package.xml": "Invalid version specified: 12.0"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "<sharingModel>ControlledByParent",
            "<sharingModel>ReadWrite",
            "Cannot set sharingModel to ReadWrite on a CustomObject with a MasterDetail relationship field",
        ),
        ("<deploymentStatus>Deployed</deploymentStatus>", "", "Must specify a non-empty deploymentStatus"),
        ("<type>Text</type></nameField>", "<type>Date</type></nameField>", "must be Text or AutoNumber"),
    ],
)
async def test_an_object_that_contradicts_itself_is_refused(
    bare_org: Sales, old: str, new: str, problem: str
) -> None:
    files = {
        f"objects/{OBJECT}.object": SOLUTION_FILE.replace(old, new),
        "package.xml": manifest({"CustomObject": [OBJECT]}),
    }
    assert problem in problems(await deploy(bare_org, files))[OBJECT]


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        (granted("Opportunity.Name"), "You cannot deploy to a required field: Opportunity.Name"),
        (
            granted(f"{OBJECT}.Opportunity__c"),
            f"deploy to a required field: {OBJECT}.Opportunity__c",
        ),
        (granted("Opportunity.Nope__c"), "In field: field - no CustomField named Opportunity.Nope__c found"),
        (granted("Account.BillingCity"), "In field: field - no CustomField named Account.BillingCity found"),
        (granted("Nope__c.X__c"), "In field: field - no CustomObject named Nope__c found"),
        (allowed("Nope__c", "Read"), "In field: object - no CustomObject named Nope__c found"),
        (
            allowed("Account", "Edit"),
            "Permission Edit Account depends on permission(s): Read Account",
        ),
        (
            allowed("Opportunity", "Read"),
            "Read Opportunity depends on permission(s): Read Account",
        ),
        (
            allowed(OBJECT, "Read"),
            f"Permission Read {OBJECT} depends on permission(s): Read Opportunity",
        ),
        (
            "<userPermissions><enabled>true</enabled><name>Nope</name></userPermissions>",
            "Unknown user permission: Nope",
        ),
        (
            "<tabSettings><tab>Nope__c</tab><visibility>Visible</visibility></tabSettings>",
            "In field: tab - no CustomTab named Nope__c found",
        ),
        (
            granted("Account.BillingAddress") + "<label>Twice</label>" + granted("Account.Phone"),
            "is duplicated at this location in type PermissionSet",
        ),
    ],
)
async def test_a_permission_set_that_cannot_be_is_refused(bare_org: Sales, inside: str, problem: str) -> None:
    """12.1: no required or master-detail fields."""
    await deploy(bare_org)
    files = {
        "permissionsets/Other.permissionset": document("PermissionSet", f"{inside}<label>Other</label>"),
        "package.xml": manifest({"PermissionSet": ["Other"]}),
    }
    assert problem in problems(await deploy(bare_org, files))["Other"]


async def test_a_permission_set_is_what_its_last_deploy_says(bare_org: Sales) -> None:
    await deploy(bare_org)
    await packages.assign(bare_org)
    fewer = WHOLE["permissionsets/Cosell_Connector.permissionset"].replace(
        granted("Opportunity.Cosell_Audit__c"), ""
    )
    assert granted("Opportunity.Cosell_Audit__c") in GRANTS
    await deploy(bare_org, {**WHOLE, "permissionsets/Cosell_Connector.permissionset": fewer})
    assert (await bare_org.ask("SELECT Cosell_Audit__c FROM Opportunity")).refusal == (400, "INVALID_FIELD")
    [row] = await bare_org.query(
        "SELECT PermissionsEdit FROM FieldPermissions WHERE Field = 'Opportunity.Cosell_Sync__c'"
    )
    assert row["PermissionsEdit"] is True


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (layout("Opportunity__c", "Solution_Id__c"), "must contain an item for required layout field: Name"),
        (layout("Name"), "must contain an item for required layout field: Opportunity__c"),
        (
            layout("Name", "Opportunity__c", "Nope__c"),
            f"In field: field - no CustomField named {OBJECT}.Nope__c found",
        ),
        (layout("Name", "Opportunity__c", "Name"), "Field:Name is duplicated in the layout"),
    ],
)
async def test_a_layout_that_cannot_be_shown_is_refused(bare_org: Sales, file: str, problem: str) -> None:
    path = f"layouts/{LAYOUT_NAME.replace(' ', '%20')}.layout"
    assert problem in problems(await deploy(bare_org, {**WHOLE, path: file}))[LAYOUT_NAME]


async def test_list_views_name_columns_that_are_there(bare_org: Sales) -> None:
    bad = packages.VIEW.replace("<columns>Cosell_Sync__c", "<columns>Nope__c")
    files = {**WHOLE, **opportunity(*packages_fields(), bad)}
    found = problems(await deploy(bare_org, files))
    assert found == {"Opportunity.Cosell_Synced": "Could not resolve list view column: Nope__c"}


def packages_fields() -> tuple[str, ...]:
    return packages.CHECKBOX, packages.KEY, packages.PICK, packages.AUDIT


@pytest.mark.parametrize("language", ["ko", "zh_TW"])
async def test_translations_are_taken_for_languages_that_are_on(bare_org: Sales, language: str) -> None:
    translated = document(
        "CustomObjectTranslation",
        "<fields><help>도움말</help><label>감사</label><name>Cosell_Audit__c</name></fields>",
    )
    name = f"Opportunity-{language}"
    files = {
        f"objectTranslations/{name}.objectTranslation": translated,
        "package.xml": manifest({"CustomObjectTranslation": [name]}),
    }
    unknown = "In field: name - no CustomField named Opportunity.Cosell_Audit__c found"
    assert problems(await deploy(bare_org, files)) == {name: unknown}
    await deploy(bare_org)
    assert (await deploy(bare_org, files))["success"] is True
    bare_org.org.settings.languages = frozenset({"de"})
    assert "is not enabled" in problems(await deploy(bare_org, files))[name]
    bare_org.org.settings.languages = frozenset()
    assert problems(await deploy(bare_org, files))[name] == "Not available for deploy for this organization"
