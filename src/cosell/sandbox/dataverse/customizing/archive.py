"""The zip of a solution: its three files, out of base64 and back (sheet 5.2)."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, fromstring, tostring
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from cosell.sandbox.dataverse.errors import DataverseError, invalid, refusal

TYPES, MANIFEST, CUSTOMIZATIONS = "[Content_Types].xml", "solution.xml", "customizations.xml"
LARGEST = 33_554_432
_ALWAYS = (2020, 1, 1, 0, 0, 0)
_CONTENT_TYPES = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="xml" ContentType="application/octet-stream" /></Types>'
)


def opened(text: object) -> tuple[Element, Element]:
    """The manifest and the customizations of a file in base64."""
    if not isinstance(text, str):
        raise invalid("The parameter CustomizationFile must be a file in base64.")
    try:
        archive = ZipFile(BytesIO(base64.b64decode(text, validate=True)))
    except (binascii.Error, BadZipFile, ValueError):
        raise _bad_zip() from None
    with archive:
        names = set(archive.namelist())
        if not {TYPES, MANIFEST, CUSTOMIZATIONS} <= names:
            raise _bad_zip()
        found = [_member(archive, name) for name in (MANIFEST, CUSTOMIZATIONS)]
    return found[0], found[1]


def _member(archive: ZipFile, name: str) -> Element:
    if archive.getinfo(name).file_size > LARGEST:
        raise _bad_zip()
    raw = archive.read(name)
    if b"<!DOCTYPE" in raw:
        raise bad_file("a document type is not allowed", name)
    try:
        root = fromstring(raw)  # noqa: S314 - no document type, so nothing to expand
    except ParseError as wrong:
        raise bad_file(str(wrong), name) from None
    if root.tag != "ImportExportXml":
        raise bad_file(f"the element '{root.tag}' is not declared", name)
    return root


def packed(manifest: Element, customizations: Element) -> str:
    """The file in base64; the same text for the same content."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in (
            (TYPES, _CONTENT_TYPES),
            (MANIFEST, tostring(manifest, encoding="utf-8", xml_declaration=True)),
            (CUSTOMIZATIONS, tostring(customizations, encoding="utf-8", xml_declaration=True)),
        ):
            member = ZipInfo(name, _ALWAYS)
            member.compress_type = ZIP_DEFLATED
            archive.writestr(member, content)
    return base64.b64encode(buffer.getvalue()).decode()


def bad_file(why: str, where: str) -> DataverseError:
    """The refusal of a file that is not of the schema."""
    text = f"The import file is invalid. XSD validation failed with the following error: '{why}'. ({where})"
    return refusal(400, "0x8004801a", text)


def _bad_zip() -> DataverseError:
    text = (
        "The solution file is invalid. The compressed file must contain the following files at its root:"
        " solution.xml, customizations.xml, and [Content_Types].xml. Customization files exported from"
        " previous versions of Microsoft Dynamics 365 are not supported."
    )
    return refusal(400, "0x80048060", text)
