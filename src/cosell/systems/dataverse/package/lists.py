"""Views as XML: what they fetch and how they show it."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from cosell.systems.dataverse.package.parts import View


def fetch(view: View) -> Element:
    """What a view lists."""
    root = Element("fetch", version="1.0", mapping="logical")
    entity = SubElement(root, "entity", name=view.table)
    SubElement(entity, "attribute", name=f"{view.table}id")
    for name, _ in view.columns:
        SubElement(entity, "attribute", name=name)
    SubElement(entity, "order", attribute=view.order, descending="false")
    if view.where:
        conditions = SubElement(entity, "filter", type="and")
        for name in view.where:
            SubElement(conditions, "condition", attribute=name, operator="eq", value="1")
    return root


def layout(view: View, type_code: int | None = None) -> Element:
    """How it shows them; a solution file leaves the table's type code to where it is imported."""
    grid = Element("grid", name="resultset", jump=view.columns[0][0], select="1", icon="1", preview="1")
    if type_code is not None:
        grid.set("object", str(type_code))
    line = SubElement(grid, "row", name="result", id=f"{view.table}id")
    for name, width in view.columns:
        SubElement(line, "cell", name=name, width=str(width))
    return grid


def text(element: Element) -> str:
    return tostring(element, encoding="unicode")
