"""The section of the opportunity's main form: one piece added, every other byte left alone."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from cosell.core.errors import Rejected
from cosell.systems.dataverse.package import forms
from cosell.systems.dataverse.package.bodies import Tongue
from cosell.systems.dataverse.package.model import PACKAGE

NAME = PACKAGE.section.name
COLUMNS = {one.name: one for one in PACKAGE.addition("opportunity").columns}
SECTION = forms.section_xml(PACKAGE, COLUMNS, Tongue())
INSIDE = (
    '<section name="summary" id="{1}"><labels><label description="요약 &amp; «é»"/></labels><rows/></section>'
)


def form(sections: str = f"<sections>{INSIDE}</sections>", before: str = "") -> str:
    return (
        f'<form  density = "x"><tabs>{before}<tab name="main"><columns><column width="100%">{sections}'
        "</column></columns></tab></tabs><!-- kept --></form>"
    )


HIDDEN = '<tab visible="false"><columns><column><sections/></column></columns></tab>'


@pytest.mark.parametrize(
    "before",
    [form(), form("<sections/>"), form("<sections></sections>"), form(before=HIDDEN), form("<sections />")],
)
def test_the_section_comes_in_and_goes_out_again(before: str) -> None:
    after = forms.with_section(before, SECTION, NAME)
    assert forms.has_section(after, NAME)
    assert not forms.has_section(before, NAME)
    assert after.replace(SECTION, "") in (
        before,
        before.replace("<sections />", "<sections></sections>"),
        before.replace("<sections/>", "<sections></sections>", 1),
    )
    assert forms.without_section(after, NAME) == after.replace(SECTION, "")
    assert forms.without_section(before, NAME) == before


def test_it_stands_behind_the_others_of_the_first_column_that_is_shown() -> None:
    root = ElementTree.fromstring(forms.with_section(form(before=HIDDEN), SECTION, NAME))
    hidden, shown = root.iter("tab")
    assert [one.get("name") for one in hidden.iter("section")] == []
    assert [one.get("name") for one in shown.iter("section")] == ["summary", NAME]


def test_sellers_type_into_the_first_three_and_see_the_rest() -> None:
    """product.md A9a: which are for editing."""
    controls = list(ElementTree.fromstring(SECTION).iter("control"))
    typed = [one.get("datafieldname") for one in controls if one.get("disabled") == "false"]
    assert typed == [
        "cosell_syncwithpartnercenter",
        "cosell_howcanmicrosofthelp",
        "cosell_visibletomicrosoft",
    ]
    assert {one.get("datafieldname") for one in controls} - {None} == set(PACKAGE.section.columns)
    # FLD-D10: the solutions of the deal as a list.
    assert controls[-1].findtext("parameters/TargetEntityType") == "cosell_opportunitysolution"


def test_the_difference_shows_added_lines_alone() -> None:
    after = forms.with_section(form(), SECTION, NAME)
    told = forms.difference(form(), after, "Sales").splitlines()[2:]
    assert all(line.startswith(("+", " ", "@@")) for line in told)
    assert sum(line.startswith("+") for line in told) == len(SECTION.replace("><", ">\n<").splitlines())


@pytest.mark.parametrize(
    "broken", ["<form><tabs>", "<form/>", '<!DOCTYPE x [<!ENTITY a "b">]><form>&a;</form>', ""]
)
def test_a_form_without_a_place_or_sense_is_left_alone(broken: str) -> None:
    with pytest.raises(Rejected):
        forms.with_section(broken, SECTION, NAME)


def test_labels_follow_what_the_environment_speaks() -> None:
    korean = Tongue((1042,), 1042)
    german = Tongue((1031,), 1031)
    for tongue, words in ((korean, "Microsoft 파트너 센터"), (german, "Microsoft Partner Center")):
        root = ElementTree.fromstring(forms.section_xml(PACKAGE, COLUMNS, tongue))
        labels = root.findall("labels/label")
        assert [(one.get("description"), one.get("languagecode")) for one in labels] == [
            (words, str(tongue.base))
        ]
