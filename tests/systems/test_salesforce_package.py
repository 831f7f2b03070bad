"""The Salesforce package: well formed, within Salesforce's limits, and exactly what the settings name."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from cosell.core.errors import Misconfigured
from cosell.core.fields import HELP_LABELS
from cosell.systems.salesforce import SYSTEM
from cosell.systems.salesforce.metadata import NAMESPACE, every, parsed, rendered, said
from cosell.systems.salesforce.needs import needs
from cosell.systems.salesforce.options import FieldNames, FixedToken, LeadFields, Options
from cosell.systems.salesforce.package_archive import files, removal, zipped
from cosell.systems.salesforce.package_source import FOLDER, LANGUAGES, PERMISSION_SET, of, parts, the
from cosell.systems.salesforce.settings import SalesforceSettings

FILES = sorted(FOLDER.rglob("*.xml"))
NEEDS = needs(FieldNames(), LeadFields())
LABEL, HELP, NAME = 40, 510, 40
"""Characters of a label, of a field's help, and of an API name without its ending."""

FIELD = {"fullName", "label", "inlineHelpText", "type", "required"}
KNOWN = {
    "CustomObject": {
        *("label", "pluralLabel", "description", "nameField", "deploymentStatus", "sharingModel"),
        "enableReports",
    },
    "CustomField": {
        *(*FIELD, "defaultValue", "length", "externalId", "unique", "caseSensitive", "valueSet"),
        *("visibleLines", "precision", "scale", "referenceTo", "relationshipLabel", "relationshipName"),
        *("relationshipOrder", "reparentableMasterDetail", "writeRequiresMasterRead"),
    },
    "ListView": {"fullName", "label", "filterScope", "filters", "columns"},
    "CustomObjectTranslation": {"caseValues", "nameFieldLabel"},
    "CustomFieldTranslation": {"help", "label", "name", "picklistValues", "relationshipLabel"},
    "CustomTab": {"customObject", "motif"},
    "Layout": {"layoutSections"},
    "PermissionSet": {
        *("label", "description", "hasActivationRequired"),
        *("fieldPermissions", "objectPermissions"),
    },
}
"""salesforce-api.md 12.1, and for translations Salesforce's metadata types; a slip of the pen is none."""
TYPES = {"Checkbox", "Text", "Url", "Picklist", "LongTextArea", "MasterDetail", "Number", "Currency"}


# --- form --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_every_file_is_of_salesforces_namespace_and_has_known_elements_alone(file: Path) -> None:
    raw = file.read_bytes()
    assert raw.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    root = fromstring(raw)
    space, _, kind = root.tag.removeprefix("{").partition("}")
    assert space == NAMESPACE
    assert {one.tag.rpartition("}")[2] for one in root} <= KNOWN[kind]
    assert {one.tag.startswith(f"{{{NAMESPACE}}}") for one in root.iter()} == {True}
    assert [one.tag for one in root.iter() if one.attrib] == []


def test_the_project_is_one_that_salesforces_own_command_line_takes() -> None:
    told = json.loads((FOLDER / "sfdx-project.json").read_text("utf-8"))
    assert told["packageDirectories"] == [{"path": "force-app", "default": True}]
    # Another host than one of Salesforce's and the newest command line refuses the project.
    assert told["sfdcLoginUrl"] == "https://login.salesforce.com"
    assert told["sourceApiVersion"] == SalesforceSettings.model_fields["api_version"].default


def test_each_name_label_and_help_text_is_within_salesforces_limits() -> None:
    wrong = [
        f"{one.name}: {text}" for one in parts() for text, most in _limited(one.body) if len(text) > most
    ]
    assert wrong == []
    names = [one.name.rpartition(".")[2] for one in parts() if one.kind in ("CustomField", "CustomObject")]
    assert [name for name in names if len(name.removesuffix("__c")) > NAME or not name.endswith("__c")] == []


def _limited(body: Element) -> Iterable[tuple[str, int]]:
    for name, most in (("label", LABEL), ("pluralLabel", LABEL), ("inlineHelpText", HELP), ("help", HELP)):
        if body.find(name) is not None:
            yield said(body, name), most
    for one in every(body, "caseValues"):
        yield said(one, "value"), LABEL


def test_every_field_has_a_known_type_and_what_that_type_demands() -> None:
    for one in of("CustomField"):
        kind = said(one.body, "type")
        assert kind in TYPES
        assert kind != "Text" or 0 < int(said(one.body, "length")) <= 255
        assert kind != "LongTextArea" or 256 <= int(said(one.body, "length")) <= 131_072
        assert kind != "Checkbox" or said(one.body, "defaultValue") == "false"


def test_the_referral_id_is_an_external_id_and_unique_wherever_it_stands() -> None:
    """Trap 4 of salesforce-api.md: without both, Salesforce accepts doubles."""
    keys = of("CustomField", ("Opportunity.Referral_Identifier__c", "Lead.Referral_Identifier__c"))
    assert len(keys) == 2
    for one in keys:
        assert (said(one.body, "externalId"), said(one.body, "unique")) == ("true", "true")
        assert said(one.body, "caseSensitive") == "false"


# --- the settings ------------------------------------------------------------------------------------


def test_the_package_makes_exactly_the_fields_that_the_settings_name_by_default() -> None:
    assert {one.name for one in of("CustomField")} == {need.part for need in NEEDS}
    assert all(need.name == need.ours for need in NEEDS)


def test_the_package_makes_exactly_the_objects_that_the_settings_name_by_default() -> None:
    names = {FieldNames().solution_object, FieldNames().detail_object}
    assert {one.name for one in of("CustomObject")} == names
    assert {one.name for one in of("CustomTab")} == names
    assert {one.name.partition("-")[0] for one in of("Layout")} == names


def test_every_label_is_one_by_which_the_connector_recognises_the_field() -> None:
    for need in NEEDS:
        assert said(the("CustomField", need.part).body, "label") in need.labels


def test_the_answers_to_how_microsoft_can_help_are_those_of_microsoft() -> None:
    body = the("CustomField", "Opportunity.How_can_Microsoft_help__c").body
    values = [said(one, "fullName") for one in every(body, "valueSet", "valueSetDefinition", "value")]
    assert values == list(HELP_LABELS.values())


def test_the_permission_set_names_exactly_what_is_mapped() -> None:
    options = Options("https://login.salesforce.com", "", FixedToken(""))
    body = the("PermissionSet", PERMISSION_SET).body
    granted = {said(one, "field"): said(one, "editable") == "true" for one in every(body, "fieldPermissions")}
    details = {one.name for one in of("CustomField") if said(one.body, "type") == "MasterDetail"}
    custom = {need.part: True for need in NEEDS if need.part not in details}
    standard = {
        f"Opportunity.{options.value_field}": True,
        f"Opportunity.{options.fields.notes}": True,
        "Opportunity.AccountId": True,
        # The parts of an address, the country among them, go by their compound.
        f"Account.{options.country_field.removesuffix('Country')}Address": True,
        "Account.Website": False,
        "Contact.AccountId": True,
        "Contact.Email": True,
        f"Contact.{options.contact_phone}": True,
        "Lead.Address": True,
        f"Lead.{options.lead_fields.notes}": True,
        "Lead.Email": True,
        "Lead.Phone": True,
    }
    assert granted == {**custom, **standard}
    assert all(said(one, "readable") == "true" for one in every(body, "fieldPermissions"))


def test_the_permission_set_gives_no_more_than_the_connector_does() -> None:
    body = the("PermissionSet", PERMISSION_SET).body
    rights = {said(one, "object"): one for one in every(body, "objectPermissions")}
    assert {*rights} == {
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        *(one.name for one in of("CustomObject")),
    }
    for name, one in rights.items():
        assert {said(one, "viewAllRecords"), said(one, "modifyAllRecords")} == {"false"}
        assert (said(one, "allowDelete") == "true") == (name == FieldNames().solution_object)
    assert body.find("userPermissions") is None


# --- languages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_field_says_in_every_language_what_it_is_for(tag: str) -> None:
    for one in of("CustomField"):
        owner, _, name = one.name.partition(".")
        words = the("CustomFieldTranslation", f"{owner}-{tag}.{name}").body
        assert said(words, "name") == name
        assert said(words, "label")
        assert said(words, "help")
        assert said(one.body, "inlineHelpText")
        choices = [
            said(value, "label") for value in every(one.body, "valueSet", "valueSetDefinition", "value")
        ]
        assert [said(value, "masterLabel") for value in every(words, "picklistValues")] == choices
    fields = len(of("CustomField"))
    assert sum(1 for one in of("CustomFieldTranslation") if f"-{tag}." in one.name) == fields


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_object_of_ours_has_a_name_in_every_language(tag: str) -> None:
    for one in of("CustomObject"):
        words = the("CustomObjectTranslation", f"{one.name}-{tag}").body
        assert [said(value, "value") for value in every(words, "caseValues")] != [""]
        assert said(words, "nameFieldLabel")


# --- the archive -------------------------------------------------------------------------------------


def test_the_archive_holds_one_file_an_object_and_names_every_part() -> None:
    made = files(parts(), "67.0")
    objects = {name for name in made if name.startswith("objects/")}
    assert objects == {f"objects/{one}.object" for one in ("Opportunity", "Lead", *_own())}
    opportunity = parsed(made["objects/Opportunity.object"])
    assert len(opportunity.findall("fields")) == 9
    assert [said(one, "fullName") for one in every(opportunity, "listViews")] == ["Cosell_Synced"]
    # A whole standard object is nobody's to deploy.
    manifest = {
        said(one, "name"): [member.text for member in one.findall("members")]
        for one in parsed(made["package.xml"]).findall("types")
    }
    assert manifest["CustomObject"] == sorted(_own())
    assert set(manifest["CustomField"]) == {one.name for one in of("CustomField")}
    assert "CustomFieldTranslation" not in manifest


def _own() -> list[str]:
    return [one.name for one in of("CustomObject")]


def test_the_same_parts_make_the_same_bytes() -> None:
    once, again = (zipped(files(some, "67.0")) for some in (parts(), parts()[::-1]))
    assert once == again
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_removal_names_what_goes_and_nothing_that_stays() -> None:
    made = removal({"CustomField": ["Opportunity.Audit__c"]}, "67.0")
    assert parsed(made["package.xml"]).findall("types") == []
    (only,) = parsed(made["destructiveChanges.xml"]).findall("types")
    assert (said(only, "name"), said(only, "members")) == ("CustomField", "Opportunity.Audit__c")


def test_what_is_written_out_is_the_project_and_the_archive(tmp_path: Path) -> None:
    assert SYSTEM.package is not None
    written = SYSTEM.package(tmp_path / "out")
    assert all(file.is_file() for file in written)
    assert (tmp_path / "out" / "sfdx-project.json") in written
    fields = list((tmp_path / "out").rglob("*.field-meta.xml"))
    assert len(fields) == len(of("CustomField"))
    assert (tmp_path / "out" / "cosell-salesforce.zip").read_bytes() == zipped(files(parts(), "67.0"))


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert SYSTEM.package is not None
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Misconfigured, match="cannot be written"):
        SYSTEM.package(tmp_path / "taken")


# --- reading XML -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>",
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_a_document_that_could_expand_or_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parsed(raw)


def test_what_is_written_reads_back_the_same() -> None:
    body = the("CustomField", "Opportunity.Cosell_Stamp__c").body
    again = parsed(rendered(body))
    assert [(one.tag, one.text) for one in again] == [(one.tag, one.text) for one in body]
