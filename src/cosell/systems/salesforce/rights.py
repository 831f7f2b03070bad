"""The permission set of the connector's user: what is mapped in this org, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from cosell.systems.salesforce.inventory import Inventory
from cosell.systems.salesforce.metadata import element, every, put, said
from cosell.systems.salesforce.needs import Sheet
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.package_source import PERMISSION_SET, Part, the

_ADDRESSES = {"Account.BillingAddress": "BillingStreet", "Lead.Address": "Street"}
"""Rights to an address go by its compound; a part of it tells whether it is seen."""


_CURRENCY = "CurrencyIsoCode"
"""No right is needed for it, and none can be given where an org has a single currency."""


@dataclass(frozen=True, slots=True)
class Called:
    """How the org calls what the package names; nothing where it is not wanted or not there."""

    objects: Mapping[str, str]
    fields: Mapping[str, str]
    """By full name in the package."""

    def object(self, name: str) -> str:
        return self.objects.get(name, name)

    def field(self, name: str) -> str:
        return self.fields.get(name, name)


def called(inventory: Inventory, fields: Mapping[str, str], options: Options) -> Called:
    """The names of this org: `fields` for those of the package, the settings for the others."""
    objects = {str(sheet): name for sheet, name in inventory.names.items()}
    names = {name: "" if name.endswith("__c") else name for name in _every_field()} | dict(fields)
    names["Opportunity.Amount"] = f"Opportunity.{options.value_field}"
    names["Opportunity.Description"] = f"Opportunity.{options.fields.notes}"
    if Sheet.LEAD in inventory.names:
        names["Lead.Description"] = f"Lead.{options.lead_fields.notes}"
    else:
        objects["Lead"] = ""
        names |= {name: "" for name in names if name.startswith("Lead.")}
    return Called(objects, names)


def _every_field() -> list[str]:
    return [
        said(one, "field") for one in every(the("PermissionSet", PERMISSION_SET).body, "fieldPermissions")
    ]


def composed(names: Called, inventory: Inventory, options: Options) -> Part:
    """The permission set for the names of this org."""
    part = the("PermissionSet", PERMISSION_SET)
    body = part.changed()
    body.extend(_further(options))
    for one in list(body):
        if one.tag == "fieldPermissions":
            _rename(body, one, "field", names.field(said(one, "field")))
        elif one.tag == "objectPermissions":
            _rename(body, one, "object", names.object(said(one, "object")))
    for one in list(every(body, "fieldPermissions")):
        if _is_demanded(said(one, "field"), inventory):
            body.remove(one)
    return Part(part.kind, part.name, body)


def _further(options: Options) -> Iterable[Element]:
    """Rights to fields that only the settings know of."""
    if not options.country_field.startswith("Billing"):
        yield _right(f"Account.{options.country_field}", write=True)
    if options.duns_field:
        yield _right(f"Account.{options.duns_field}", write=False)
    if options.currency_field != _CURRENCY:
        yield _right(f"Opportunity.{options.currency_field}", write=True)


def _right(name: str, *, write: bool) -> Element:
    return element("fieldPermissions", ("editable", write), ("field", name), ("readable", True))


def _rename(body: Element, entry: Element, key: str, name: str) -> None:
    if name:
        put(entry, key, name)
    else:
        body.remove(entry)


def _is_demanded(field: str, inventory: Inventory) -> bool:
    """A field that every row must fill is everybody's; to name it fails the deploy (12.1)."""
    sheet, _, name = field.partition(".")
    found = inventory.seen.get(sheet)
    column = found.get(name) if found is not None else None
    return column is not None and column.required


def joined(part: Part, present: Element | None) -> Part:
    """The permission set with everything it grants already: an upgrade takes nothing away."""
    if present is None:
        return part
    body = deepcopy(present)
    for inner in body.findall("fullName"):
        body.remove(inner)
    for kind, key in (("fieldPermissions", "field"), ("objectPermissions", "object")):
        known = {said(one, key): one for one in body.findall(kind)}
        for wanted in every(part.body, kind):
            entry = known.get(said(wanted, key))
            if entry is None:
                body.append(deepcopy(wanted))
            else:
                _raise(entry, wanted)
    return Part(part.kind, part.name, body)


def _raise(entry: Element, wanted: Element) -> None:
    for right in wanted:
        if right.text == "true":
            put(entry, right.tag, "true")


def lacking(part: Part, inventory: Inventory) -> list[str]:
    """What the connector's user does not see or may not do, of what the permission set grants."""
    found = []
    for one in every(part.body, "objectPermissions"):
        sheet = inventory.own.get(said(one, "object"))
        if (
            sheet is None
            or not sheet.creatable
            or (said(one, "allowDelete") == "true" and not sheet.deletable)
        ):
            found.append(said(one, "object"))
    for one in every(part.body, "fieldPermissions"):
        if not _sees(said(one, "field"), inventory, write=said(one, "editable") == "true"):
            found.append(said(one, "field"))
    return found


def _sees(field: str, inventory: Inventory, *, write: bool) -> bool:
    owner, _, name = field.partition(".")
    sheet = inventory.own.get(owner)
    column = sheet.get(_ADDRESSES.get(field, name)) if sheet is not None else None
    if column is None:
        return False
    # A right to edit does not make a formula of somebody else's writable.
    return column.writable or not write or not name.endswith("__c") or "__" in name.removesuffix("__c")
