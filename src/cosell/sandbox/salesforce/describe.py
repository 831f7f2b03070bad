"""What describe says of an object: 57 keys a field, as recorded from a real org (reference 4)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.fields import CHOICES, NUMERIC, Field, SObject
from cosell.sandbox.salesforce.rights import is_permissionable
from cosell.sandbox.salesforce.schema import Seen, View

MASTER_RECORD_TYPE = "012000000000000AAA"
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "double": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "base64": "xsd:base64Binary",
}


def describe_field(owner: SObject, one: Field, *, locked: bool) -> dict[str, Any]:
    """One field in full."""
    countable = one.type not in NUMERIC
    return {
        "aggregatable": one.filterable and one.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": one.length * 3 if countable and one.type not in ("id", "reference") else one.length,
        "calculated": one.calculated,
        "calculatedFormula": None,
        "cascadeDelete": one.cascade,
        "caseSensitive": one.case_sensitive,
        "compoundFieldName": one.compound,
        "controllerName": _controller(one),
        "createable": one.createable and not locked,
        "custom": one.custom,
        "defaultValue": one.default() if one.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": one.defaulted,
        "dependentPicklist": one.type == "picklist" and one.name.endswith("StateCode"),
        "deprecatedAndHidden": False,
        "digits": one.precision if one.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": one.external_id,
        "extraTypeInfo": "plaintextarea" if one.type == "textarea" else None,
        "filterable": one.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": one.filterable and one.type not in ("currency", "double", "percent", "datetime"),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": one.id_lookup,
        "inlineHelpText": one.help_text,
        "label": one.label,
        "length": one.length,
        "mask": None,
        "maskType": None,
        "name": one.name,
        "nameField": one.name_field,
        "namePointing": len(one.reference_to) > 1,
        "nillable": one.nillable,
        "permissionable": is_permissionable(owner, one),
        "picklistValues": [
            {
                "active": choice.active,
                "defaultValue": choice.default,
                "label": choice.label or choice.value,
                "validFor": None,
                "value": choice.value,
            }
            for choice in (one.choices if one.type in CHOICES else ())
        ],
        "polymorphicForeignKey": len(one.reference_to) > 1,
        "precision": one.precision if one.type != "int" else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(one.reference_to),
        "relationshipName": one.relationship,
        "relationshipOrder": 0 if one.master else None,
        "restrictedDelete": False,
        "restrictedPicklist": one.restricted,
        "scale": one.scale,
        "searchPrefilterable": one.type == "reference",
        "soapType": _SOAP.get(one.type, "xsd:string"),
        "sortable": one.filterable,
        "type": one.type,
        "unique": one.unique,
        "updateable": one.updateable and not locked,
        "writeRequiresMasterRead": False,
    }


def _controller(one: Field) -> str | None:
    if one.name.endswith("StateCode") and one.type == "picklist":
        return one.name.replace("StateCode", "CountryCode")
    return None


def brief(seen: Seen, base: str) -> dict[str, Any]:
    """One object as the list of all objects tells it."""
    one = seen.object
    path = f"{base}/sobjects/{one.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": seen.createable,
        "custom": one.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": seen.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": one.prefix,
        "label": one.label,
        "labelPlural": one.plural,
        "layoutable": one.createable,
        "mergeable": one.name in ("Account", "Contact", "Lead"),
        "mruEnabled": one.createable,
        "name": one.name,
        "queryable": True,
        "replicateable": one.replicateable,
        "retrieveable": True,
        "searchable": one.createable,
        "triggerable": one.updateable,
        "undeletable": seen.deletable and one.recycle_bin,
        "updateable": seen.updateable,
        "urls": {
            "rowTemplate": f"{path}/{{ID}}",
            "describe": f"{path}/describe",
            "sobject": path,
        },
    }


def describe_all(view: View, base: str) -> dict[str, Any]:
    """The list of all objects."""
    objects = [brief(seen, base) for _, seen in sorted(view.objects.items())]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def describe_object(view: View, seen: Seen, base: str) -> dict[str, Any]:
    """One object in full, with its fields and children."""
    one, path = seen.object, f"{base}/sobjects/{seen.name}"
    urls = {
        "compactLayouts": f"{path}/describe/compactLayouts",
        "rowTemplate": f"{path}/{{ID}}",
        "approvalLayouts": f"{path}/describe/approvalLayouts",
        "uiDetailTemplate": "/{ID}",
        "uiEditTemplate": "/{ID}/e",
        "describe": f"{path}/describe",
        "uiNewRecord": f"/{seen.object.prefix}/e",
        "layouts": f"{path}/describe/layouts",
        "sobject": path,
    }
    return {
        **brief(seen, base),
        "actionOverrides": [],
        "childRelationships": _children(view, seen),
        "compactLayoutable": seen.object.createable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(one, each, locked=key in seen.locked) for key, each in seen.fields.items()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "developerName": "Master",
                "master": True,
                "name": "Master",
                "recordTypeId": MASTER_RECORD_TYPE,
                "urls": {"layout": f"{path}/describe/layouts/{MASTER_RECORD_TYPE}"},
            }
        ],
        "searchLayoutable": seen.object.createable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": f"All {seen.object.plural.lower()}", "name": "everything"},
            {"label": f"My {seen.object.plural.lower()}", "name": "mine"},
        ],
        "urls": urls,
    }


def _children(view: View, seen: Seen) -> list[dict[str, Any]]:
    made = []
    for other in view.objects.values():
        for one in other.fields.values():
            if seen.name in one.reference_to:
                made.append(
                    {
                        "cascadeDelete": one.cascade,
                        "childSObject": other.name,
                        "deprecatedAndHidden": False,
                        "field": one.name,
                        "junctionIdListNames": [],
                        "junctionReferenceTo": [],
                        "relationshipName": one.children,
                        "restrictedDelete": False,
                    }
                )
    return made
