"""The names and labels of new components: what may be said and how long it may be (sheet 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse.columns import Words
from cosell.sandbox.dataverse.customizing.components import Package
from cosell.sandbox.dataverse.definitions.labels import LANGUAGE
from cosell.sandbox.dataverse.errors import bad_request, refusal
from cosell.sandbox.dataverse.org import Org

LONGEST_RELATIONSHIP = 100
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]{1,7}")
_MARKED = ("LocalizedLabels", "UserLocalizedLabel")


def schema_name(
    org: Org, given: Mapping[str, Any], kind: str, package: Package, key: str = "SchemaName"
) -> str:
    """The name in a definition, of a form and with a prefix that the environment takes."""
    name = given.get(key)
    if not isinstance(name, str) or not name:
        raise refusal(400, "0x80044366", _prefix_text("", kind))
    if not re.fullmatch(r"\w+", name, re.ASCII):
        text = (
            f"Identifier {name} for type {kind} can only consist of alpha-numeric and underscore characters."
        )
        raise refusal(400, "0x80044364", text)
    if not name[0].isalpha():
        text = (
            f"Identifers should start with a letter. The schema name {name} for type {kind} doesn't start"
            " with letter."
        )
        raise refusal(400, "0x80044365", text)
    longest = LONGEST_RELATIONSHIP if kind == "Relationship" else org.settings.longest_schema_name
    if len(name) > longest:
        text = (
            f"Identifiers cannot be more than {longest} characters long. The provided schema name {name}"
            f" length for type {kind} is greater than maxlength {longest} characters."
        )
        raise refusal(400, "0x80044367", text)
    prefix, bar, rest = name.partition("_")
    if not bar or not rest or prefix.lower() not in package.prefixes:
        raise refusal(400, "0x80044366", _prefix_text(name, kind))
    return name


def _prefix_text(name: str, kind: str) -> str:
    return (
        f"The schema name {name} for type {kind} is invalid or missing. Custom attribute, entity, entitykey,"
        " option set and relationship names must start with a valid customization prefix. The prefix for a"
        " solution component should match the prefix that is specified for the publisher of the solution."
    )


def is_prefix(text: Any) -> bool:
    """Whether a publisher may have this prefix: 2 to 8 letters and digits, a letter first, not mscrm."""
    return (
        isinstance(text, str) and _PREFIX.fullmatch(text) is not None and not text.lower().startswith("mscrm")
    )


def label(org: Org, given: Any, what: str, *, required: bool = False, old: str = "") -> str:
    """The words of a label; with `old`, its other languages stay beside them."""
    found = _languages(org, given, what)
    kept = _kept(old)
    texts = {**kept, **found}
    base = texts.pop(LANGUAGE, "")
    if required and not base:
        raise refusal(400, "0x8004700c", f"The specified display name of {what} is not valid.")
    return Words(base, texts) if texts else base


def _kept(old: str) -> dict[int, str]:
    others = old.others if isinstance(old, Words) else {}
    return {LANGUAGE: str(old), **others} if old else {}


def _languages(org: Org, given: Any, what: str) -> dict[int, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not {one for one in given if "@" not in one} <= {*_MARKED}:
        raise bad_request(f"The label of {what} is not of type 'Microsoft.Dynamics.CRM.Label'.")
    found: dict[int, str] = {}
    for one in given.get("LocalizedLabels") or ():
        text, language = one.get("Label"), one.get("LanguageCode")
        if not isinstance(text, str) or not isinstance(language, int):
            raise bad_request(f"A label of {what} needs 'Label' and 'LanguageCode'.")
        if language not in {LANGUAGE, *org.settings.languages}:
            if org.settings.foreign_labels_refused:
                text = f"The language code {language} is not valid for this organization."
                raise refusal(400, "0x80044195", text)
            continue
        if len(text) > org.settings.longest_label:
            limit = org.settings.longest_label
            text = f"A validation error occurred. A label of {what} is longer than {limit} characters."
            raise refusal(400, "0x80044331", text)
        found[language] = text
    return found
