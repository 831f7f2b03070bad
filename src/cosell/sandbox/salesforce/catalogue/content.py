"""Notes, classic and enhanced (reference 11.6)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.fields import (
    Field,
    SObject,
    area,
    flag,
    number,
    owner,
    pick,
    ref,
    sobject,
    text,
)

FIXED: dict[str, Any] = {"createable": False, "updateable": False}


def _classic_note() -> SObject:
    return sobject(
        "Note",
        "Note",
        "Notes",
        "002",
        ref(
            "ParentId",
            "Parent ID",
            "Opportunity|Account|Contact|Lead",
            "Notes",
            nillable=False,
            updateable=False,
            cascade=True,
        ),
        text("Title", "Title", 80, nillable=False, name_field=True),
        flag("IsPrivate", "Private"),
        area("Body", "Body", 32_000),
        owner(),
    )


def _content_note() -> SObject:
    return sobject(
        "ContentNote",
        "Note",
        "Notes",
        None,
        text("Title", "Title", 255, nillable=False, name_field=True),
        Field("Content", "Content", "base64", 52_428_800),
        text("FileType", "File Type", 20, **FIXED),
        number("ContentSize", "Content Size", 9, 0, "int", **FIXED),
        text("TextPreview", "Text Preview", 255, **FIXED),
        ref("OwnerId", "Owner ID", "User", nillable=False, defaulted=True, updateable=False),
        feature="notes",
        replicateable=False,
    )


def _document() -> SObject:
    return sobject(
        "ContentDocument",
        "Content Document",
        "Content Documents",
        "069",
        text("Title", "Title", 255, nillable=False, name_field=True),
        text("FileType", "File Type", 20, **FIXED),
        number("ContentSize", "Content Size", 9, 0, "int", **FIXED),
        owner(),
        feature="notes",
        createable=False,
    )


def _link() -> SObject:
    targets = "Opportunity|Account|Contact|Lead|User"
    return sobject(
        "ContentDocumentLink",
        "Content Document Link",
        "Content Document Links",
        "06A",
        ref(
            "LinkedEntityId",
            "Linked Entity ID",
            targets,
            "ContentDocumentLinks",
            nillable=False,
            updateable=False,
            cascade=True,
        ),
        ref(
            "ContentDocumentId",
            "ContentDocument ID",
            "ContentDocument",
            "ContentDocumentLinks",
            nillable=False,
            updateable=False,
            cascade=True,
        ),
        pick("ShareType", "Share Type", "V|C|I", 40, nillable=False, restricted=True),
        pick("Visibility", "Visibility", "*AllUsers|InternalUsers|SharedUsers", 40, restricted=True),
        feature="notes",
        recycle_bin=False,
    )


def content_objects() -> list[SObject]:
    """Classic notes, and with the switch `notes` the enhanced ones."""
    return [_classic_note(), _content_note(), _document(), _link()]
