"""One section and one related list on the administrator's own page layout; everything else stays as it is.

A deployed layout would replace theirs. So theirs is read, the block put in, the difference shown, and the
whole written back only after somebody has seen it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from difflib import unified_diff
from xml.etree.ElementTree import Element

from cosell.core.errors import Misconfigured
from cosell.crm.installing import Act, Step
from cosell.systems.salesforce.metadata import element, every, said, shown
from cosell.systems.salesforce.needs import Sheet
from cosell.systems.salesforce.soap import Pieces

SECTION = "Microsoft Partner Center"
"""As Microsoft's own section is called (product.md A9)."""
_EDITED = ("sync", "help", "visible")
_TOLD = ("referral_id", "referral_link", "microsoft_id", "program", "audit")
_ROLES = {
    "sync": "Sync_with_Partner_Center__c",
    "help": "How_can_Microsoft_help__c",
    "visible": "Referral_visible_to_Microsoft__c",
    "referral_id": "Referral_Identifier__c",
    "referral_link": "Referral_Link__c",
    "microsoft_id": "Microsoft_CRM_Identifier__c",
    "program": "Referral_Program__c",
    "audit": "Audit__c",
}
_ORDER = (
    "fullName",
    "customButtons",
    "customConsoleComponents",
    "emailDefault",
    "excludeButtons",
    "feedLayout",
    "headers",
    "layoutSections",
    "miniLayout",
    "multilineLayoutFields",
    "platformActionList",
    "quickActionList",
    "relatedContent",
    "relatedLists",
)
"""How the elements of a layout follow one another; what is not named comes later."""
_LINKS = "CustomLinks"
_ITEMS = ("layoutSections", "layoutColumns", "layoutItems")

Change = Callable[[Element], None]


def layout_name(page: str) -> str:
    """The full name of a layout of opportunities."""
    return page if page.startswith("Opportunity-") else f"Opportunity-{page}"


async def read(pieces: Pieces, page: str) -> Element:
    """The layout as it stands now. Misconfigured where there is none of that name."""
    found = await pieces.read("Layout", layout_name(page))
    if found is None:
        raise Misconfigured(
            f"Opportunities have no page layout «{page[:80]}» in Salesforce.",
            did="Nothing was changed.",
            advice="Setup, Object Manager, Opportunity, Page Layouts shows the names.",
        )
    return found


def changed(layout: Element, change: Change) -> tuple[Element, str]:
    """The layout after a change, and the difference; no difference where nothing changes."""
    after = deepcopy(layout)
    change(after)
    before, now = shown(layout).splitlines(), shown(after).splitlines()
    name = said(layout, "fullName")
    return after, "\n".join(unified_diff(before, now, f"{name} (now)", f"{name} (then)", lineterm=""))


def step(page: str, diff: str, *, act: Act = Act.CHANGE) -> Step:
    """The step for a page."""
    if not diff:
        return Step(f"page layout {page}", Act.KEEP)
    return Step(
        f"page layout {page}", act, f"the section «{SECTION}» and the related list of solutions", diff
    )


def by_hand() -> Step:
    """What a person does where no page was named."""
    how = (
        f"In Setup, Object Manager, Opportunity, Page Layouts: add a section «{SECTION}» with the fields "
        "above, and the related list of solutions. Or name the layout: --page «Opportunity Layout». Where a "
        "Lightning page uses dynamic forms, add the fields there."
    )
    return Step("page layouts of Opportunity", Act.BY_HAND, how)


# --- in --------------------------------------------------------------------------------------------


def adding(fields: Mapping[str, str]) -> Change:
    """Puts in whatever of ours the layout lacks; `fields` as the org calls those of the package."""

    def change(layout: Element) -> None:
        there = {
            said(one, "field") for one in every(layout, "layoutSections", "layoutColumns", "layoutItems")
        }
        columns = [list(_items(fields, roles, there)) for roles in (_EDITED, _TOLD)]
        if any(columns):
            _section(layout, columns)
        _related(layout, fields)

    return change


def _items(fields: Mapping[str, str], roles: Iterable[str], there: set[str]) -> Iterable[Element]:
    for role in roles:
        name = fields.get(f"{Sheet.OPPORTUNITY}.{_ROLES[role]}", "").rpartition(".")[2]
        if name and name not in there:
            behavior = "Edit" if role in _EDITED else "Readonly"
            yield element("layoutItems", ("behavior", behavior), ("field", name))


def _section(layout: Element, columns: Sequence[Sequence[Element]]) -> None:
    """Our section, made or filled up."""
    present = next((one for one in layout.findall("layoutSections") if said(one, "label") == SECTION), None)
    if present is not None and present.find("layoutColumns") is not None:
        for column, items in zip(_two(present.findall("layoutColumns")), columns, strict=True):
            column.extend(items)
        return
    made = element(
        "layoutSections",
        ("customLabel", True),
        ("detailHeading", True),
        ("editHeading", True),
        ("label", SECTION),
        *(element("layoutColumns", *items) for items in columns),
        ("style", "TwoColumnsTopToBottom"),
    )
    links = [at for at, one in enumerate(layout) if said(one, "style") == _LINKS]
    layout.insert(links[0] if links else _place(layout, "layoutSections"), made)


def _two(columns: Sequence[Element]) -> tuple[Element, Element]:
    return columns[0], columns[-1]


def _related(layout: Element, fields: Mapping[str, str]) -> None:
    pointing = fields.get(f"{Sheet.SOLUTION}.Opportunity__c")
    if not pointing or any(said(one, "relatedList") == pointing for one in layout.findall("relatedLists")):
        return
    ours = ("Solution_Identifier__c", "Quantity__c", "Price__c")
    shown_too = [
        fields[name].rpartition(".")[2] for one in ours if (name := f"{Sheet.SOLUTION}.{one}") in fields
    ]
    columns = [("fields", name) for name in ("NAME", *shown_too)]
    made = element("relatedLists", *columns, ("relatedList", pointing))
    layout.insert(_place(layout, "relatedLists"), made)


def _place(layout: Element, name: str) -> int:
    """Where an element of this name goes: after its like, and before what follows."""
    rank = {one: at for at, one in enumerate(_ORDER)}
    before = [at for at, one in enumerate(layout) if rank.get(one.tag, len(rank)) <= rank[name]]
    return before[-1] + 1 if before else 0


# --- out -------------------------------------------------------------------------------------------


def taking(fields: Mapping[str, str]) -> Change:
    """Takes out our section and related list; fields that stand elsewhere on the page stay there."""
    ours = {name.rpartition(".")[2] for name in fields.values()}
    pointing = fields.get(f"{Sheet.SOLUTION}.Opportunity__c")

    def change(layout: Element) -> None:
        for section in list(layout.findall("layoutSections")):
            if said(section, "label") == SECTION:
                _emptied(layout, section, ours)
        for one in list(layout.findall("relatedLists")):
            if pointing and said(one, "relatedList") == pointing:
                layout.remove(one)

    return change


def _emptied(layout: Element, section: Element, ours: set[str]) -> None:
    """Takes our fields out of a section, and the section where nothing else is left in it."""
    for column in section.findall("layoutColumns"):
        for item in list(column.findall("layoutItems")):
            if said(item, "field") in ours:
                column.remove(item)
    if not list(every(section, "layoutColumns", "layoutItems")):
        layout.remove(section)
