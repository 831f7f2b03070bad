"""The permission set of the connector's user: what is mapped in this org, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.inventory import Inventory
from cosell.systems.salesforce.metadata import element, every, gather, put, said
from cosell.systems.salesforce.needs import Sheet
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.package_source import PERMISSION_SET, SELLERS, Part, the

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
    objects = {str(sheet): inventory.names.get(sheet, "") for sheet in Sheet}
    names = {name: "" if name.endswith("__c") else name for name in _every_field()} | dict(fields)
    names["Opportunity.Amount"] = f"Opportunity.{options.value_field}"
    names["Opportunity.Description"] = f"Opportunity.{options.fields.notes}"
    if Sheet.LEAD in inventory.names:
        names["Lead.Description"] = f"Lead.{options.lead_fields.notes}"
    else:
        names |= {name: "" for name in names if name.startswith("Lead.")}
    return Called(objects, names)


def _every_field() -> list[str]:
    return [
        said(one, "field") for one in every(the("PermissionSet", PERMISSION_SET).body, "fieldPermissions")
    ]


def composed(names: Called, inventory: Inventory, options: Options) -> Part:
    """The permission set of the connector's user for the names of this org."""
    part = _renamed(the("PermissionSet", PERMISSION_SET), names)
    body = part.body
    body.extend(_further(options))
    pointing = names.field(f"{Sheet.SOLUTION}.Opportunity__c")
    if _seen(pointing, inventory) is not None:
        # A lookup in place of our master-detail needs a right; a master-detail is demanded, and goes again.
        body.append(_right(pointing, write=True))
    gather(body)
    for one in list(every(body, "fieldPermissions")):
        column = _seen(said(one, "field"), inventory)
        if column is not None and column.required:
            # What every row must fill is everybody's; to name it fails the deploy (12.1).
            body.remove(one)
        elif column is not None and column.calculated:
            put(one, "editable", False)
    return part


def for_sellers(names: Called) -> Part:
    """The permission set of people for the names of this org."""
    return _renamed(the("PermissionSet", SELLERS), names)


def _renamed(part: Part, names: Called) -> Part:
    body = part.changed()
    for one in list(body):
        if one.tag == "fieldPermissions":
            _rename(body, one, "field", names.field(said(one, "field")))
        elif one.tag == "objectPermissions":
            _rename(body, one, "object", names.object(said(one, "object")))
    return Part(part.kind, part.name, body)


def only(part: Part, names: Collection[str]) -> Part:
    """Of a permission set, what it says of these objects and fields."""
    body = part.changed()
    for kind, key in _KEYS.items():
        for one in list(every(body, kind)):
            if said(one, key) not in names:
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


def _seen(field: str, inventory: Inventory) -> Column | None:
    sheet, _, name = field.partition(".")
    found = inventory.seen.get(sheet)
    return found.get(name) if found is not None else None


def joined(part: Part, granted: Mapping[str, frozenset[str]]) -> Part:
    """The permission set with everything it grants already: an upgrade takes nothing away."""
    body = part.changed()
    known = {said(one, key): one for kind, key in _KEYS.items() for one in every(body, kind)}
    for name, present in granted.items():
        if name not in known:
            kind = "fieldPermissions" if "." in name else "objectPermissions"
            known[name] = element(kind, (_KEYS[kind], name), *((right, False) for right in _ALL[kind]))
            body.append(known[name])
        for right in present:
            put(known[name], right, True)
    gather(body)
    return Part(part.kind, part.name, body)


_KEYS = {"fieldPermissions": "field", "objectPermissions": "object"}
_ALL = {
    "fieldPermissions": ("editable", "readable"),
    "objectPermissions": (
        *("allowCreate", "allowDelete", "allowEdit", "allowRead"),
        *("modifyAllRecords", "viewAllRecords"),
    ),
}


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
    return column is not None and (column.writable or not write)
