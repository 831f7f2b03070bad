"""Solution files: what an administrator imports without us, unmanaged for staging, managed for production."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cosell.systems.dataverse.package.customizations import customizations, texts
from cosell.systems.dataverse.package.model import PACKAGE
from cosell.systems.dataverse.package.parts import ENGLISH, Package

_ALWAYS = (2020, 1, 1, 0, 0, 0)
"""The date of every member, so that the same package is the same file to the byte."""
_TABLE, _ROLE = "1", "20"
"""The types of root components (dataverse-api.md 5.2); columns, keys and views come with their table."""
_CONTENT_TYPES = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="xml" ContentType="application/octet-stream" /></Types>'
)
_ADDRESS = (
    "AddressNumber", "AddressTypeCode", "City", "County", "Country", "Fax", "FreightTermsCode",
    "ImportSequenceNumber", "Latitude", "Line1", "Line2", "Line3", "Longitude", "Name", "PostalCode",
    "PostOfficeBox", "PrimaryContactName", "ShippingMethodCode", "StateOrProvince", "Telephone1",
    "Telephone2", "Telephone3", "TimeZoneRuleVersionNumber", "UPSZone", "UTCOffset",
    "UTCConversionTimeZoneCode",
)  # fmt: skip


def write(folder: Path) -> Sequence[Path]:
    """Writes both solution files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    version = PACKAGE.version.replace(".", "_")
    made = []
    for managed, ending in ((False, ""), (True, "_managed")):
        path = folder / f"{PACKAGE.name}_{version}{ending}.zip"
        path.write_bytes(solution_file(PACKAGE, managed=managed))
        made.append(path)
    return made


def solution_file(package: Package, *, managed: bool) -> bytes:
    """One solution file; the same bytes for the same package."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in (
            ("[Content_Types].xml", _CONTENT_TYPES),
            ("solution.xml", _bytes(manifest(package, managed=managed))),
            ("customizations.xml", _bytes(customizations(package))),
        ):
            member = ZipInfo(name, _ALWAYS)
            member.compress_type = ZIP_DEFLATED
            archive.writestr(member, content)
    return buffer.getvalue()


def _bytes(root: Element) -> bytes:
    indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()


# --- the manifest ----------------------------------------------------------------------------------


def manifest(package: Package, *, managed: bool) -> Element:
    """`solution.xml`: whose solution it is and what it is made of."""
    root = Element(
        "ImportExportXml",
        version="9.2.0.0",
        SolutionPackageVersion="9.2",
        languagecode=str(ENGLISH),
        generatedBy="Cosell",
    )
    told = SubElement(root, "SolutionManifest")
    SubElement(told, "UniqueName").text = package.name
    texts(told, "LocalizedNames", "LocalizedName", package.label)
    texts(told, "Descriptions", "Description", package.description)
    SubElement(told, "Version").text = package.version
    SubElement(told, "Managed").text = "1" if managed else "0"
    _publisher(told, package)
    _components(SubElement(told, "RootComponents"), package)
    SubElement(told, "MissingDependencies")
    return root


def _publisher(told: Element, package: Package) -> None:
    ours = package.publisher
    publisher = SubElement(told, "Publisher")
    SubElement(publisher, "UniqueName").text = ours.name
    texts(publisher, "LocalizedNames", "LocalizedName", ours.label)
    texts(publisher, "Descriptions", "Description", ours.description)
    for name in ("EMailAddress", "SupportingWebsiteUrl"):
        _empty(publisher, name)
    SubElement(publisher, "CustomizationPrefix").text = ours.prefix
    SubElement(publisher, "CustomizationOptionValuePrefix").text = str(ours.first_value)
    addresses = SubElement(publisher, "Addresses")
    for number in ("1", "2"):
        address = SubElement(addresses, "Address")
        for name in _ADDRESS:
            if name == "AddressNumber":
                SubElement(address, name).text = number
            else:
                _empty(address, name)


def _empty(parent: Element, name: str) -> None:
    SubElement(parent, name, {"xmlns:xsi": _XSI, "xsi:nil": "true"})


_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def _components(listed: Element, package: Package) -> None:
    """The tables; of Microsoft's only what is added (behavior 1), of ours all there is (behavior 0)."""
    for addition in package.additions:
        SubElement(listed, "RootComponent", type=_TABLE, schemaName=addition.table, behavior="1")
    for table in package.tables:
        SubElement(listed, "RootComponent", type=_TABLE, schemaName=table.name, behavior="0")
    SubElement(listed, "RootComponent", type=_ROLE, id=f"{{{package.role.id}}}", behavior="0")
