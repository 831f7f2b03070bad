"""Metadata packages as an administrator deploys them, and a plain client for the deploy resource."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from .sales import VERSION, Json, Reply, Sales

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
DEPLOY = "/metadata/deployRequest"
BOUNDARY = "----a boundary".replace(" ", "-")
OBJECT = "Cosell_Solution__c"
TEXT = "<length>100</length><type>Text</type>"


def manifest(members: Mapping[str, list[str]], version: str = "67.0") -> str:
    """A package.xml."""
    types = "".join(
        f"<types>{''.join(f'<members>{one}</members>' for one in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return document("Package", f"{types}<version>{version}</version>")


def document(root: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {NS}>{inside}</{root}>'


def field(name: str, label: str, inside: str) -> str:
    return f"<fields><fullName>{name}</fullName><label>{label}</label>{inside}</fields>"


def opportunity(*fields: str) -> dict[str, str]:
    """The file of Opportunity with custom fields."""
    return {"objects/Opportunity.object": document("CustomObject", "".join(fields))}


CHECKBOX = field("Cosell_Sync__c", "Sync", "<defaultValue>false</defaultValue><type>Checkbox</type>")
KEY = field(
    "Cosell_Referral_Id__c",
    "Referral Identifier",
    "<caseSensitive>false</caseSensitive><externalId>true</externalId><unique>true</unique>" + TEXT,
)
PICK = field(
    "Cosell_Help__c",
    "How can Microsoft help?",
    "<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>"
    "<value><fullName>Quotes or Licensing</fullName><default>false</default><label>Quotes</label></value>"
    "<value><fullName>General or Other</fullName><default>false</default><label>Other</label></value>"
    "</valueSetDefinition></valueSet>",
)
AUDIT = field(
    "Cosell_Audit__c",
    "Audit",
    "<inlineHelpText>What was done</inlineHelpText><length>100000</length><type>LongTextArea</type>"
    "<visibleLines>4</visibleLines>",
)
VIEW = (
    "<listViews><fullName>Cosell_Synced</fullName><columns>OPPORTUNITY.NAME</columns>"
    "<columns>Cosell_Sync__c</columns><filterScope>Everything</filterScope><filters><field>Cosell_Sync__c</field>"
    "<operation>equals</operation><value>1</value></filters><label>Co-sell deals</label></listViews>"
)
MASTER = field(
    "Opportunity__c",
    "Opportunity",
    "<referenceTo>Opportunity</referenceTo><relationshipLabel>Solutions</relationshipLabel>"
    "<relationshipName>Cosell_Solutions</relationshipName><relationshipOrder>0</relationshipOrder>"
    "<reparentableMasterDetail>false</reparentableMasterDetail><type>MasterDetail</type>"
    "<writeRequiresMasterRead>false</writeRequiresMasterRead>",
)
SOLUTION_FILE = document(
    "CustomObject",
    MASTER
    + field("Solution_Id__c", "Solution Id", TEXT)
    + "<deploymentStatus>Deployed</deploymentStatus><label>Microsoft Solution</label>"
    "<nameField><label>Solution Name</label><type>Text</type></nameField>"
    "<pluralLabel>Microsoft Solutions</pluralLabel><sharingModel>ControlledByParent</sharingModel>",
)
TAB_FILE = document("CustomTab", "<customObject>true</customObject><motif>Custom57: Building Block</motif>")
LAYOUT_NAME = f"{OBJECT}-Microsoft Solution Layout"


def layout(*fields: str, more: str = "") -> str:
    items = "".join(
        f"<layoutItems><behavior>Edit</behavior><field>{one}</field></layoutItems>" for one in fields
    )
    return document(
        "Layout",
        f"<layoutSections><label>Information</label><layoutColumns>{items}</layoutColumns>"
        f"<style>OneColumn</style></layoutSections>{more}",
    )


def granted(name: str, *, edit: bool = True) -> str:
    editable = str(edit).lower()
    return (
        f"<fieldPermissions><editable>{editable}</editable><field>{name}</field>"
        "<readable>true</readable></fieldPermissions>"
    )


def allowed(name: str, *acts: str) -> str:
    """Object permissions for the named acts, such as Create."""
    flags = "".join(
        f"<allow{act}>{str(act in acts).lower()}</allow{act}>" for act in ("Create", "Delete", "Edit", "Read")
    )
    return (
        f"<objectPermissions>{flags}<modifyAllRecords>false</modifyAllRecords><object>{name}</object>"
        "<viewAllRecords>false</viewAllRecords></objectPermissions>"
    )


FIELDS = ("Cosell_Sync__c", "Cosell_Referral_Id__c", "Cosell_Help__c", "Cosell_Audit__c")
OBJECTS = (
    allowed("Account", "Read", "Create", "Edit"),
    allowed("Contact", "Read", "Create", "Edit"),
    allowed("Opportunity", "Read", "Create", "Edit"),
    allowed(OBJECT, "Read", "Create", "Edit", "Delete"),
)
GRANTS = "".join(granted(f"Opportunity.{one}") for one in (*FIELDS, "Amount", "Description", "AccountId"))
PERMISSIONS = document(
    "PermissionSet",
    GRANTS
    + granted(f"{OBJECT}.Solution_Id__c")
    + "<hasActivationRequired>false</hasActivationRequired><label>Cosell Connector</label>"
    + "".join(OBJECTS)
    + "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>",
)
WHOLE: Mapping[str, str] = {
    **opportunity(CHECKBOX, KEY, PICK, AUDIT, VIEW),
    f"objects/{OBJECT}.object": SOLUTION_FILE,
    f"tabs/{OBJECT}.tab": TAB_FILE,
    f"layouts/{LAYOUT_NAME.replace(' ', '%20')}.layout": layout("Name", "Opportunity__c", "Solution_Id__c"),
    "permissionsets/Cosell_Connector.permissionset": PERMISSIONS,
    "package.xml": manifest(
        {
            "CustomField": [f"Opportunity.{one}" for one in FIELDS],
            "ListView": ["Opportunity.Cosell_Synced"],
            "CustomObject": [OBJECT],
            "CustomTab": [OBJECT],
            "Layout": [LAYOUT_NAME],
            "PermissionSet": ["Cosell_Connector"],
        }
    ),
}
"""Everything a connector installs."""


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
    return made.getvalue()


def multipart(zipped: bytes, options: Json, *, part: str = "json", zip_first: bool = False) -> bytes:
    """The body of a deploy request."""
    said = json.dumps({"deployOptions": options}).encode()
    parts = [
        f'Content-Disposition: form-data; name="{part}"\r\nContent-Type: application/json\r\n\r\n'.encode()
        + said,
        b'Content-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
        b"Content-Type: application/zip\r\n\r\n" + zipped,
    ]
    if zip_first:
        parts.reverse()
    mark = b"--" + BOUNDARY.encode()
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


OPTIONS: Json = {"checkOnly": False, "rollbackOnError": True, "singlePackage": True, "testLevel": "NoTestRun"}


async def as_admin(sales: Sales, method: str, path: str, body: Any = None, **options: Any) -> Reply:
    """One request of the administrator."""
    headers = {"Authorization": f"Bearer {sales.org.admin_token}", **options.pop("headers", {})}
    return await sales.call(method, path, body, headers=headers, **options)


async def post(sales: Sales, zipped: bytes, *, admin: bool = True, **options: Any) -> Reply:
    """Sends a package."""
    dialect = {name: options.pop(name) for name in ("part", "zip_first") if name in options}
    token = sales.org.admin_token if admin else sales.org.access_token
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    body = multipart(zipped, {**OPTIONS, **options}, **dialect)
    url = sales.org.base_url + VERSION + DEPLOY
    async with sales.http.post(url, data=io.BytesIO(body), headers=headers) as answer:
        return Reply(answer.status, answer.headers, await answer.read())


async def deploy(sales: Sales, files: Mapping[str, str | bytes] = WHOLE, **options: Any) -> Json:
    """Sends a package and looks until it is over; gives the result with its details."""
    reply = await post(sales, packed(files), **options)
    assert reply.status == 201, reply.raw
    while True:
        told = await as_admin(sales, "GET", f"{DEPLOY}/{reply.json['id']}?includeDetails=true")
        assert told.status == 200, told.raw
        result: Json = told.json["deployResult"]
        if result["done"]:
            return result


def problems(result: Json) -> dict[str, str]:
    """The problem of each component that failed, by its full name."""
    return {one["fullName"]: one["problem"] for one in result["details"]["componentFailures"]}


async def assign(sales: Sales, name: str = "Cosell_Connector", user: str | None = None) -> str:
    """Assigns a permission set to a user, the integration user if not said."""
    soql = f"SELECT Id FROM PermissionSet WHERE Name = '{name}'"
    reply = await as_admin(sales, "GET", "/query", params={"q": soql})
    body = {"AssigneeId": user or sales.org.user_id, "PermissionSetId": reply.json["records"][0]["Id"]}
    made = await as_admin(sales, "POST", "/sobjects/PermissionSetAssignment", body)
    assert made.status == 201, made.raw
    return str(made.json["id"])
