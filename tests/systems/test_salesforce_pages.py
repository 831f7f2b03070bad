"""Our section on a page layout of the org: put in where it belongs, taken out again, nothing else moved."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from cosell.systems.salesforce.metadata import every, parsed, said, shown
from cosell.systems.salesforce.needs import needs
from cosell.systems.salesforce.options import FieldNames
from cosell.systems.salesforce.pages import SECTION, adding, changed, layout_name, step, taking

FIELDS = {need.part: need.part for need in needs(FieldNames(), None)}
SOLUTIONS = "Microsoft_Partner_Center_Solution__c.Opportunity__c"
LAYOUT = b"""<?xml version="1.0" encoding="UTF-8"?>
<records xmlns="http://soap.sforce.com/2006/04/metadata">
    <fullName>Opportunity-Sales</fullName>
    <excludeButtons>Submit</excludeButtons>
    <layoutSections>
        <customLabel>false</customLabel>
        <label>Opportunity Information</label>
        <layoutColumns>
            <layoutItems><behavior>Required</behavior><field>Name</field></layoutItems>
        </layoutColumns>
        <layoutColumns/>
        <style>TwoColumnsTopToBottom</style>
    </layoutSections>
    <layoutSections>
        <label>Custom Links</label>
        <layoutColumns/>
        <style>CustomLinks</style>
    </layoutSections>
    <relatedLists><relatedList>RelatedNoteList</relatedList></relatedLists>
    <showEmailCheckbox>false</showEmailCheckbox>
</records>
"""


def layout(raw: bytes = LAYOUT) -> Element:
    return parsed(raw)


def labels(page: Element) -> list[str]:
    return [said(one, "label") for one in page.findall("layoutSections")]


def fields(page: Element) -> list[str]:
    return [said(one, "field") for one in every(page, "layoutSections", "layoutColumns", "layoutItems")]


def test_the_section_comes_before_the_links_and_shows_every_field_a_seller_needs() -> None:
    after, diff = changed(layout(), adding(FIELDS))
    assert labels(after) == ["Opportunity Information", SECTION, "Custom Links"]
    assert fields(after)[:4] == [
        "Name",
        "Sync_with_Partner_Center__c",
        "How_can_Microsoft_help__c",
        "Referral_visible_to_Microsoft__c",
    ]
    # The stamp is the connector's own and says nothing to a seller.
    assert "Cosell_Stamp__c" not in fields(after)
    assert [line for line in diff.splitlines()[2:] if line.startswith("-")] == []


def test_what_the_sync_fills_cannot_be_edited_on_the_page() -> None:
    after, _ = changed(layout(), adding(FIELDS))
    behaviors = {
        said(one, "field"): said(one, "behavior")
        for one in every(after, "layoutSections", "layoutColumns", "layoutItems")
    }
    assert behaviors["Referral_Identifier__c"] == behaviors["Audit__c"] == "Readonly"
    assert behaviors["How_can_Microsoft_help__c"] == "Edit"


def test_the_related_list_of_solutions_follows_those_that_are_there() -> None:
    """PRE-18."""
    after, _ = changed(layout(), adding(FIELDS))
    assert [said(one, "relatedList") for one in after.findall("relatedLists")] == [
        "RelatedNoteList",
        SOLUTIONS,
    ]
    assert [one.tag for one in after][-2:] == ["relatedLists", "showEmailCheckbox"]


def test_a_second_time_nothing_changes() -> None:
    once, _ = changed(layout(), adding(FIELDS))
    again, diff = changed(once, adding(FIELDS))
    assert diff == ""
    assert shown(again) == shown(once)
    assert step("Sales", diff).diff == ""


def test_a_field_that_stands_on_the_page_already_is_not_put_there_twice() -> None:
    there = LAYOUT.replace(b"<field>Name</field>", b"<field>Audit__c</field>")
    after, _ = changed(layout(there), adding(FIELDS))
    assert fields(after).count("Audit__c") == 1


def test_a_section_of_that_name_is_filled_up_and_not_doubled() -> None:
    there = LAYOUT.replace(b"Opportunity Information", SECTION.encode())
    after, _ = changed(layout(there), adding(FIELDS))
    assert labels(after) == [SECTION, "Custom Links"]
    assert {"Name", "Sync_with_Partner_Center__c", "Audit__c"} <= {*fields(after)}


def test_the_fields_are_those_the_org_has_in_place_of_ours() -> None:
    adopted = {**FIELDS, "Opportunity.Audit__c": "Opportunity.msft__Audit__c"}
    after, _ = changed(layout(), adding(adopted))
    assert "msft__Audit__c" in fields(after)
    assert "Audit__c" not in fields(after)


def test_taking_the_section_out_leaves_the_page_as_it_was() -> None:
    with_it, _ = changed(layout(), adding(FIELDS))
    without, _ = changed(with_it, taking(FIELDS))
    assert shown(without) == shown(layout())


def test_what_others_put_into_our_section_stays_when_we_go() -> None:
    with_it, _ = changed(layout(), adding(FIELDS))
    section = next(one for one in with_it.findall("layoutSections") if said(one, "label") == SECTION)
    item = parsed(b"<layoutItems><behavior>Edit</behavior><field>NextStep</field></layoutItems>")
    section.findall("layoutColumns")[0].append(item)
    without, _ = changed(with_it, taking(FIELDS))
    assert fields(without) == ["Name", "NextStep"]


def test_a_page_is_meant_with_or_without_the_name_of_its_object() -> None:
    assert layout_name("Sales") == layout_name("Opportunity-Sales") == "Opportunity-Sales"
