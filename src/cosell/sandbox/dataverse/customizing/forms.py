"""The XML of forms and views: what is in it, and what is wrong with it (sheet 5.1, step 7)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Row

LAYERED = frozenset({"systemform", "savedquery"})
"""What people see only once it is published."""


def layer(table: str) -> str:
    """Where the rows of a table are kept that nobody has published yet."""
    return f"{table} (unpublished)"


def forms_of(org: Org, table: str) -> Iterator[Row]:
    """The forms of a table, published and not."""
    for place in ("systemform", layer("systemform")):
        for row in org.store.rows(place):
            if row.get("objecttypecode") == table:
                yield row


def forms_with(org: Org, table: str, column: str) -> set[str]:
    """The ids of the forms that show a column."""
    found = set()
    for row in forms_of(org, table):
        root = parsed(str(row.get("formxml") or "<form/>"))
        if any(one.get("datafieldname") == column for one in root.iter("control")):
            found.add(str(row["formid"]))
    return found


def parsed(xml: str) -> Element:
    """The root of a document that is well-formed and declares nothing."""
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise bad_xml("a document type is not allowed")
    try:
        return fromstring(xml)  # noqa: S314 - no document type, so nothing to expand
    except ParseError as wrong:
        raise bad_xml(str(wrong)) from None


def bad_xml(why: str) -> DataverseError:
    return refusal(400, "0x80040201", f"Invalid XML. {why}")


def check_form(org: Org, row: Row) -> None:
    """Refuses a form the designer could not open."""
    table = _table_of(org, str(row.get("objecttypecode")))
    root = parsed(str(row.get("formxml") or ""))
    if root.tag != "form":
        raise bad_xml(f"The root of a form is <form>, not <{root.tag}>.")
    for one in root.iter():
        _check_place(one)
    _check_ids(root)
    for control in root.iter("control"):
        name = control.get("datafieldname")
        if name is not None and name not in table.columns:
            raise bad_xml(
                f"The control '{control.get('id')}' shows '{name}', which {table.name} does not have."
            )


_INSIDE = {
    "form": {
        "tabs",
        "header",
        "footer",
        "events",
        "ancestor",
        "hiddencontrols",
        "Navigation",
        "formLibraries",
    }
    | {
        "externaldependencies",
        "formparameters",
        "clientresources",
        "controlDescriptions",
        "DisplayConditions",
    }
    | {"RibbonDiffXml"},
    "tabs": {"tab"},
    "columns": {"column"},
    "column": {"sections"},
    "sections": {"section"},
    "rows": {"row"},
    "row": {"cell"},
}


def _check_place(one: Element) -> None:
    allowed = _INSIDE.get(one.tag)
    for inner in one:
        if allowed is not None and inner.tag not in allowed:
            raise bad_xml(f"The element '{inner.tag}' cannot be a child of '{one.tag}'.")
    if one.tag in ("section", "tab", "cell") and not one.get("id"):
        raise bad_xml(f"A {one.tag} has no id.")


def _check_ids(root: Element) -> None:
    for tags in (("tab", "section", "cell"), ("control",)):
        seen = set()
        for one in root.iter():
            name = (one.get("id") or "").lower()
            if one.tag not in tags or not name:
                continue
            if name in seen and one.tag != "control":
                raise refusal(
                    400,
                    "0x8004f658",
                    f"The label '{one.tag}', id: '{name}' already exists. Supply unique labelid values.",
                )
            seen.add(name)


def check_view(org: Org, row: Row) -> None:
    """Refuses a view whose query or layout names what is not there."""
    table = _table_of(org, str(row.get("returnedtypecode")))
    fetch, layout = parsed(str(row.get("fetchxml") or "")), row.get("layoutxml")
    entity = fetch.find("entity")
    if fetch.tag != "fetch" or entity is None or entity.get("name") != table.name:
        raise bad_xml(f"The query of the view does not fetch '{table.name}'.")
    names = [one.get("name") for one in entity.findall("attribute")]
    names += [one.get("attribute") for one in entity.findall("order")]
    for name in names:
        if name not in table.columns:
            raise bad_xml(f"The query names '{name}', which {table.name} does not have.")
    if layout is not None and parsed(str(layout)).tag != "grid":
        raise bad_xml("The root of a layout is <grid>.")


def _table_of(org: Org, name: str) -> Table:
    found = org.schema.tables.get(name)
    if found is None:
        raise refusal(400, "0x8004024a", f"Metadata not found: there is no entity '{name}'.")
    return found
