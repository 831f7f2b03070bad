"""What comes with a deploy request: the parts of its body, the files of its zip, its manifests."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from urllib.parse import unquote

from cosell.sandbox.salesforce.errors import SalesforceError, refusal
from cosell.sandbox.salesforce.markup import METADATA, Node, XmlTrouble, parse
from cosell.sandbox.salesforce.metadata.trouble import Trouble

LARGEST_ZIP = 39 * 1024 * 1024
LARGEST_UNPACKED = 400 * 1024 * 1024
MOST_FILES = 10_000
MANIFEST = "package.xml"
DESTRUCTIVE = ("destructiveChangesPre.xml", "destructiveChanges.xml", "destructiveChangesPost.xml")
_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_NAME = re.compile(r'[;\s]name="?([^";]*)"?', re.IGNORECASE)


def parts_of(content_type: str, raw: bytes) -> dict[str, bytes]:
    """The parts of a multipart body by their names, in whatever order they came."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        text = f"Content type '{content_type}' not supported; use multipart/form-data"
        raise refusal(415, "UNSUPPORTED_MEDIA_TYPE", text)
    mark = b"--" + found[1].encode()
    parts: dict[str, bytes] = {}
    for section in (b"\r\n" + raw).split(b"\r\n" + mark)[1:]:
        if section.startswith(b"--"):
            return parts
        head, gap, body = section.partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8", "replace"))
        if not gap or name is None:
            break
        parts[name[1]] = body
    raise refusal(400, "INVALID_MULTIPART_REQUEST", "The multipart body is cut off or malformed")


@dataclass(slots=True)
class Archive:
    """The files of one package, by their path inside it."""

    files: dict[str, bytes] = field(default_factory=dict)

    def manifest(self, name: str) -> Manifest | None:
        """The named manifest; None where the package has none."""
        raw = self.files.get(name)
        return None if raw is None else read_manifest(raw)


def open_archive(raw: bytes, *, single: bool) -> Archive:
    """The files of a zip; those of its first folder, where it is to hold several packages."""
    if len(raw) > LARGEST_ZIP:
        raise _limit("Maximum size of request reached. Maximum size of a deploy zip is 39 MB.")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as zipped:
            return Archive(_files(zipped, single=single))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as wrong:
        raise refusal(400, "INVALID_ZIP", f"The zip file could not be read: {wrong}") from wrong


def _files(zipped: zipfile.ZipFile, *, single: bool) -> dict[str, bytes]:
    listed = [one for one in zipped.infolist() if not one.is_dir()]
    if len(listed) > MOST_FILES:
        raise _limit(f"The zip file holds more than {MOST_FILES:,} files.")
    if sum(one.file_size for one in listed) > LARGEST_UNPACKED:
        raise _limit("The zip file is larger than 400 MB unpacked.")
    files = {one.filename: zipped.read(one) for one in listed}
    if single:
        return files
    inside = [name for name in files if name.endswith(f"/{MANIFEST}") and name.count("/") == 1]
    folder = inside[0].split("/")[0] + "/" if inside else "\0"
    return {name.removeprefix(folder): data for name, data in files.items() if name.startswith(folder)}


def _limit(text: str) -> SalesforceError:
    return refusal(400, "LIMIT_EXCEEDED", text)


@dataclass(slots=True)
class Manifest:
    """What a package.xml names: members by type."""

    version: str
    members: dict[str, list[Node]] = field(default_factory=dict)

    def names(self, kind: str, name: str) -> bool:
        """Whether a component is named, by itself or by a star."""
        listed = {one.text for one in self.members.get(kind, [])}
        return name in listed or "*" in listed


def read_manifest(raw: bytes) -> Manifest:
    """The members of a manifest."""
    try:
        top = parse(raw)
    except XmlTrouble as wrong:
        raise Trouble(f"Error parsing file: {wrong.problem}", Node("", line=wrong.line)) from None
    if top.tag != "Package" or top.space != METADATA:
        raise Trouble(f"Error parsing file: Element {{{top.space}}}{top.tag} invalid at this location", top)
    made = Manifest(top.value("version") or "")
    for types in top.all("types"):
        name = types.value("name")
        if not name:
            raise Trouble("Error parsing file: Element types has no name", types)
        made.members.setdefault(name, []).extend(types.all("members"))
    return made


def component_name(path: str, suffix: str) -> str:
    """The full name of the component in a file: file names are percent-encoded."""
    return unquote(path.rsplit("/", 1)[-1].removesuffix(suffix))
