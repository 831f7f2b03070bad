"""What is installed into Dynamics 365: one model, and the solution files made of it."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zipfile import ZipFile

import pytest

from cosell.core.answers import help_of
from cosell.core.fields import Help
from cosell.systems.dataverse import SYSTEM
from cosell.systems.dataverse.metadata import Choice, Column
from cosell.systems.dataverse.options import COSELL
from cosell.systems.dataverse.own_answers import FIRST_VALUE, HELP_VALUES
from cosell.systems.dataverse.package.deal_columns import HELP
from cosell.systems.dataverse.package.files import solution_file
from cosell.systems.dataverse.package.model import PACKAGE
from cosell.systems.dataverse.package.parts import CHINESE, ENGLISH, KOREAN, LANGUAGES, Text
from cosell.systems.dataverse.rights import ORGANIZATION, needed
from cosell.systems.dataverse.rows import answer_of
from cosell.systems.dataverse.settings import DynamicsFields

ROOT_ORDER = (
    "Entities", "Roles", "Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps",
    "EntityRelationships", "OrganizationSettings", "optionsets", "Languages",
)  # fmt: skip


# --- the model -------------------------------------------------------------------------------------


def test_the_model_names_exactly_the_columns_of_the_default_settings() -> None:
    names = DynamicsFields()
    on_deals = {
        getattr(names, role)
        for role in DynamicsFields.model_fields
        if not role.startswith(("solution_", "detail_")) and role not in ("notes", "products")
    }
    assert {one.name for one in PACKAGE.addition("opportunity").columns} == on_deals
    assert {one.name for one in PACKAGE.addition("lead").columns} < on_deals
    detail, solution = PACKAGE.tables
    assert (detail.name, solution.name) == (names.detail_table, names.solution_table)
    assert {detail.primary.name, *(one.name for one in detail.columns)} == {
        names.detail_id,
        names.detail_name,
        names.detail_type,
        names.detail_publisher,
    }
    made = {solution.primary.name, *(one.name for one in solution.columns)}
    made |= {one.name for one in solution.lookups}
    assert made == {
        names.solution_opportunity,
        names.solution_id,
        names.solution_name,
        names.solution_quantity,
        names.solution_price,
        names.solution_detail,
    }


def test_the_role_holds_what_the_check_asks_for_and_no_more() -> None:
    """reliability.md 12: least privilege."""
    asked = needed(COSELL, leads=True, learns=True, connections=False)
    assert PACKAGE.role.rights == asked | dict(ORGANIZATION)
    assert "Delete" not in PACKAGE.role.rights["opportunity"]


def test_the_referral_id_and_the_catalogue_have_their_keys() -> None:
    assert {(table, key.columns) for table, key in PACKAGE.all_keys()} == {
        ("opportunity", (COSELL.referral_id,)),
        ("lead", (COSELL.referral_id,)),
        (COSELL.detail_table, (COSELL.detail_id,)),
    }


def test_every_text_is_told_in_three_languages() -> None:
    """English, Korean and the Chinese of Taiwan; a name may be the same in all of them."""
    for text in _texts(PACKAGE):
        by_language = text.by_language()
        assert set(by_language) == {ENGLISH, KOREAN, CHINESE} == set(LANGUAGES)
        assert all(words.strip() == words and words for words in by_language.values())


def test_names_carry_our_prefix_and_keys_fit_into_an_index() -> None:
    """dataverse-api.md 5.1: at most 900 bytes a key; names stay short enough for any database."""
    for addition in PACKAGE.additions:
        for column in addition.columns:
            assert len(column.name) <= 41
            assert column.name.startswith(f"{PACKAGE.publisher.prefix}_")
        for key in addition.keys:
            assert sum(one.length for one in addition.columns if one.name in key.columns) * 2 <= 900


def test_each_answer_has_a_value_of_the_publisher_and_labels_that_are_understood() -> None:
    assert {one.value for one in HELP.options} == set(range(FIRST_VALUE * 10_000, FIRST_VALUE * 10_000 + 6))
    assert [help_of(one.label.english) for one in HELP.options] == list(Help)


@pytest.mark.parametrize(
    "label", ["워크로드별 가치 제안", "特定工作負載的價值主張", "whatever an admin typed"]
)
def test_our_own_choice_is_understood_in_an_organisation_that_speaks_no_english(label: str) -> None:
    choice = Choice(FIRST_VALUE * 10_000, label, labels=(label,))
    ours = Column(HELP.name, "How?", "Picklist", choices=(choice,))
    assert answer_of(choice, ours) == HELP_VALUES[choice.value].value == "WorkloadSpecificValueProposition"
    assert answer_of(choice, Column("msft_other", "How?", "Picklist", choices=(choice,))) == label


def test_a_choice_is_understood_by_any_of_its_languages() -> None:
    choice = Choice(1, "견적", labels=("견적", "Quotes or Licensing"))
    assert answer_of(choice, Column("x", "", "Picklist", choices=(choice,))) == "Quotes or Licensing"


# --- the solution files ----------------------------------------------------------------------------


def opened(*, managed: bool = False) -> dict[str, Element]:
    with ZipFile(BytesIO(solution_file(PACKAGE, managed=managed))) as archive:
        assert set(archive.namelist()) == {"[Content_Types].xml", "solution.xml", "customizations.xml"}
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


def test_the_files_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    assert SYSTEM.package is not None
    first = [one.read_bytes() for one in SYSTEM.package(tmp_path / "a")]
    second = [one.read_bytes() for one in SYSTEM.package(tmp_path / "b")]
    assert first == second
    names = sorted(one.name for one in (tmp_path / "a").iterdir())
    assert names == ["CosellConnector_1_0_0_0.zip", "CosellConnector_1_0_0_0_managed.zip"]


@pytest.mark.parametrize("managed", [False, True])
def test_the_manifest_says_what_kind_of_solution_it_is(managed: bool) -> None:
    told = opened(managed=managed)["solution.xml"].find("SolutionManifest")
    assert told is not None
    assert told.findtext("UniqueName") == "CosellConnector"
    assert told.findtext("Managed") == ("1" if managed else "0")
    publisher = told.find("Publisher")
    assert publisher is not None
    assert publisher.findtext("CustomizationPrefix") == "cosell"
    assert publisher.findtext("CustomizationOptionValuePrefix") == "72700"


def test_of_microsofts_tables_only_what_is_listed_belongs_to_the_solution() -> None:
    """dataverse-api.md 5.2: behavior 1; of our own tables all there is."""
    listed = opened()["solution.xml"].iter("RootComponent")
    tables = {one.get("schemaName"): one.get("behavior") for one in listed if one.get("type") == "1"}
    assert tables == {
        "opportunity": "1",
        "lead": "1",
        "cosell_solutiondetail": "0",
        "cosell_opportunitysolution": "0",
    }


def test_the_sections_stand_in_the_order_the_import_wants() -> None:
    root = opened()["customizations.xml"]
    assert tuple(one.tag for one in root) == ROOT_ORDER
    assert [one.text for one in root.iter("Language")] == [str(code) for code in LANGUAGES]


def test_every_column_key_lookup_view_and_right_of_the_model_is_in_the_file() -> None:
    root = opened()["customizations.xml"]
    found = {
        entity.findtext("Name", "").lower(): {
            one.findtext("LogicalName") for one in entity.iter("attribute") if "PhysicalName" in one.attrib
        }
        for entity in root.iter("Entity")
    }
    for addition in PACKAGE.additions:
        assert found[addition.table] == {one.name for one in addition.columns}
    for table in PACKAGE.tables:
        own = {table.primary.name, *(one.name for one in table.columns)}
        own |= {one.name for one in table.lookups}
        assert found[table.name] == own | {f"{table.name}id"}
    keys = {one.findtext("LogicalName") for one in root.iter("EntityKey")}
    assert keys == {key.name for _, key in PACKAGE.all_keys()}
    lookups = {one.get("Name") for one in root.iter("EntityRelationship")}
    assert lookups == {one.relationship for table in PACKAGE.tables for one in table.lookups}
    views = {one.text for one in root.iter("savedqueryid")}
    assert views == {f"{{{one.id}}}" for one in PACKAGE.views}
    rights = sum(len(one) for one in PACKAGE.role.rights.values())
    assert {one.get("level") for one in root.iter("RolePrivilege")} == {"Global"}
    assert len(list(root.iter("RolePrivilege"))) == rights


def test_labels_and_descriptions_are_there_in_three_languages() -> None:
    root = opened()["customizations.xml"]
    for attribute in root.iter("attribute"):
        if "PhysicalName" not in attribute.attrib:
            continue
        shown = [one.get("languagecode") for one in attribute.findall("displaynames/displayname")]
        assert shown == [str(code) for code in LANGUAGES]
    labels = [one.get("languagecode") for one in root.iter("label")]
    assert set(labels) == {str(code) for code in LANGUAGES}


def test_no_table_of_microsofts_brings_a_form_of_ours() -> None:
    """Main forms are never overwritten (ADR 0007)."""
    root = opened()["customizations.xml"]
    assert list(root.iter("FormXml")) == []
    unmodified = {one.get("Name") for one in root.iter("entity") if one.get("unmodified") == "1"}
    assert unmodified == {"Opportunity", "Lead"}


def _texts(part: object) -> Iterator[Text]:
    if isinstance(part, Text):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _texts(one)
    elif hasattr(part, "__dataclass_fields__"):
        for name in part.__dataclass_fields__:
            yield from _texts(getattr(part, name))
