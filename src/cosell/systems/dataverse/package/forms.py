"""The section of the opportunity's main form: added to what stands there, every other byte left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.parsers.expat import ExpatError, ParserCreate

from cosell.core.errors import Rejected
from cosell.systems.dataverse.package.bodies import Tongue
from cosell.systems.dataverse.package.parts import Column, FormSection, Kind, Package, Text, id_of
from cosell.systems.dataverse.package.solution_tables import SOLUTION

_CONTROLS: Mapping[Kind, str] = {
    Kind.TEXT: "{4273EDBD-AC1D-40d3-9FB2-095C621B552D}",
    Kind.URL: "{71716B6C-711E-476c-8AB8-5D11542BFB47}",
    Kind.MEMO: "{E0DECE4B-6FC8-4a8f-A065-082708572369}",
    Kind.FLAG: "{67FAC785-CD58-4F9F-ABB3-4B7DDC6ED5ED}",
    Kind.CHOICE: "{3EF39988-22BB-4f0b-BBBE-64B5A3748AEE}",
}
"""The control that shows each kind of column (dataverse-api.md 5.1)."""
_LIST = "{E7A81278-8635-4d9e-8D4D-59480B391C5B}"
_HOME = ["form", "tabs", "tab", "columns", "column", "sections"]
"""Where sections live."""
_FILLED_BY_SELLERS = 3
"""The first columns of the section; those behind are shown and not typed into."""


@dataclass(frozen=True, slots=True)
class Spots:
    """Byte positions in a form: its first list of sections, and our section; beginning and end of each."""

    sections: tuple[int, int] | None
    ours: tuple[int, int] | None


@dataclass(slots=True)
class _Seeker:
    """Walks through a form and notes where things are."""

    raw: bytes
    name: str
    path: list[str] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    latest: int = -1
    hidden: bool = False
    """The tab we are in is not shown."""
    ours_at: int | None = None
    sections: tuple[int, int] | None = None
    ours: tuple[int, int] | None = None

    def start(self, tag: str, attributes: Mapping[str, str], at: int) -> None:
        self.path.append(tag)
        self.begun.append(at)
        self.latest = at
        if tag == "tab":
            self.hidden = attributes.get("visible") == "false"
        if tag == "section" and attributes.get("name") == self.name and self.ours_at is None:
            self.ours_at = at

    def end(self, at: int) -> None:
        begun = self.begun.pop()
        # The end of an empty tag is told behind it, any other one at its closing tag.
        is_empty = self.latest == begun and self.raw[at - 2 : at] == b"/>"
        end = at if is_empty else self.raw.index(b">", at) + 1
        if self.path == _HOME and self.sections is None and not self.hidden:
            self.sections = (begun, end)
        if begun == self.ours_at:
            self.ours = (begun, end)
        self.path.pop()


def section_xml(package: Package, columns: Mapping[str, Column], tongue: Tongue) -> str:
    """The section as it goes into the form."""
    section = package.section
    root = Element("section", name=section.name, id=_braced("section"), showlabel="true", showbar="false")
    root.set("columns", "1")
    _labels(root, section.label, tongue)
    rows = SubElement(root, "rows")
    for at, name in enumerate(section.columns):
        column = columns.get(name)
        if column is not None:
            _row(rows, column, tongue, typed=at < _FILLED_BY_SELLERS)
    _list(rows, section, tongue)
    return tostring(root, encoding="unicode")


def _row(rows: Element, column: Column, tongue: Tongue, *, typed: bool) -> None:
    cell = SubElement(SubElement(rows, "row"), "cell", id=_braced("cell", column.name))
    if column.kind is Kind.MEMO:
        cell.set("rowspan", "4")
    _labels(cell, column.label, tongue)
    SubElement(
        cell,
        "control",
        id=column.name,
        classid=_CONTROLS[column.kind],
        datafieldname=column.name,
        disabled="false" if typed else "true",
    )
    if column.kind is Kind.MEMO:
        # A form wants a row for each that a cell reaches over.
        for _ in range(3):
            SubElement(rows, "row")


def _list(rows: Element, section: FormSection, tongue: Tongue) -> None:
    """The solutions of the deal."""
    cell = SubElement(SubElement(rows, "row"), "cell", id=_braced("cell", "solutions"), rowspan="4")
    _labels(cell, section.solutions, tongue)
    control = SubElement(cell, "control", id="cosell_solutions", classid=_LIST, indicationOfSubgrid="true")
    told = SubElement(control, "parameters")
    view = "{" + id_of("view", "solutions") + "}"
    words = {
        "ViewId": view,
        "IsUserView": "false",
        "RelationshipName": SOLUTION.lookups[0].relationship,
        "TargetEntityType": SOLUTION.name,
        "AutoExpand": "Fixed",
        "RecordsPerPage": "4",
        "EnableQuickFind": "false",
        "EnableViewPicker": "false",
        "ViewIds": view,
    }
    for name, word in words.items():
        SubElement(told, name).text = word
    for _ in range(3):
        SubElement(rows, "row")


def _labels(parent: Element, text: Text, tongue: Tongue) -> None:
    labels = SubElement(parent, "labels")
    for code, words in tongue.texts(text).items():
        SubElement(labels, "label", description=words, languagecode=str(code))


def _braced(*names: str) -> str:
    return "{" + id_of("form", *names) + "}"


# --- in a form -------------------------------------------------------------------------------------


def has_section(form: str, name: str) -> bool:
    """Whether our section stands in the form."""
    return f'name="{name}"' in form and _spots(form, name).ours is not None


def with_section(form: str, section: str, name: str) -> str:
    """The form with our section after the others of its first column. Raises Rejected where it has none."""
    raw, added, place = form.encode(), section.encode(), _spots(form, name).sections
    if place is None:
        raise Rejected(
            "The form has no place for a section.",
            advice="Choose another form, or add the section by hand.",
            code="form",
        )
    begun, end = place
    if raw[end - 2 : end] == b"/>":
        return (raw[:begun] + b"<sections>" + added + b"</sections>" + raw[end:]).decode()
    inside = raw.rindex(b"</", begun, end)
    return (raw[:inside] + added + raw[inside:]).decode()


def without_section(form: str, name: str) -> str:
    """The form without our section; the same text where there is none."""
    ours = _spots(form, name).ours
    if ours is None:
        return form
    raw = form.encode()
    return (raw[: ours[0]] + raw[ours[1] :]).decode()


def difference(before: str, after: str, name: str) -> str:
    """The change as a unified diff, one tag a line: forms are kept as one long line."""
    told = unified_diff(_lines(before), _lines(after), f"{name} (now)", f"{name} (then)", lineterm="")
    return "\n".join(told)


def _lines(form: str) -> list[str]:
    return form.replace("><", ">\n<").splitlines()


def _spots(form: str, name: str) -> Spots:
    if "<!DOCTYPE" in form:
        raise _unreadable()
    raw = form.encode()
    seeker, parser = _Seeker(raw, name), ParserCreate("utf-8")
    parser.StartElementHandler = lambda tag, told: seeker.start(tag, told, parser.CurrentByteIndex)
    parser.EndElementHandler = lambda _: seeker.end(parser.CurrentByteIndex)
    try:
        parser.Parse(raw, True)
    except ExpatError:
        raise _unreadable() from None
    return Spots(seeker.sections, seeker.ours)


def _unreadable() -> Rejected:
    return Rejected(
        "The form in Dynamics 365 cannot be read.", advice="Add the section by hand.", code="form"
    )
