"""Translations of labels: refused for languages the administrator has not switched on."""

from __future__ import annotations

from cosell.sandbox.salesforce.metadata.components import Component
from cosell.sandbox.salesforce.metadata.custom_fields import MOST_HELP, MOST_LABEL
from cosell.sandbox.salesforce.metadata.trouble import Trouble, check_elements, check_length, no_such, words
from cosell.sandbox.salesforce.metadata.workshop import Workshop

_OBJECT = frozenset({"nameFieldLabel", "startsWith", "gender"})
_OBJECT_MANY = words(
    """caseValues fields layouts quickActions recordTypes sharingReasons validationRules webLinks
    workflowTasks"""
)
_FIELD = words("name label help description gender startsWith relationshipLabel lookupFilter")
_PICK = frozenset({"masterLabel", "translation"})
_GLOBAL_MANY = words(
    """customApplications customLabels customTabs customPageWebLinks flowDefinitions quickActions
    reportTypes scontrols prompts globalPicklists"""
)


def deploy_object_translation(work: Workshop, one: Component) -> bool:
    """Translates an object and its fields; true if the language had none for it."""
    owner, _, language = one.name.rpartition("-")
    _check_language(work, language)
    holder = work.org.schema.objects.get(owner.lower())
    if holder is None:
        raise no_such("CustomObject", owner, where="fullName", at=one.node)
    check_elements(one.node, "CustomObjectTranslation", _OBJECT, _OBJECT_MANY)
    for node in one.node.all("fields"):
        check_elements(node, "CustomFieldTranslation", _FIELD, frozenset({"picklistValues", "caseValues"}))
        name = node.value("name") or ""
        field = holder.fields.get(name.lower())
        if field is None:
            raise no_such("CustomField", f"{owner}.{name}", where="name", at=node)
        check_length(node, "label", "Label", MOST_LABEL)
        check_length(node, "help", "Help", MOST_HELP)
        known = {choice.label or choice.value for choice in field.choices}
        for value in node.all("picklistValues"):
            check_elements(value, "PicklistValueTranslation", _PICK)
            if value.value("masterLabel") not in known:
                text = f"Picklist value: {value.value('masterLabel')} in picklist: {name} not found"
                raise Trouble(text, value)
    return work.store_document(one.kind, one.name, one.node)


def deploy_translation(work: Workshop, one: Component) -> bool:
    """Translates tabs, labels and the like; true if the language had none."""
    _check_language(work, one.name)
    check_elements(one.node, "Translations", frozenset(), _GLOBAL_MANY)
    for tab in one.node.all("customTabs"):
        name = tab.value("name") or ""
        if ("CustomTab", name) not in work.org.documents:
            raise no_such("CustomTab", name, where="name", at=tab)
    return work.store_document(one.kind, one.name, one.node)


def _check_language(work: Workshop, language: str) -> None:
    enabled = work.org.settings.languages
    if not enabled:
        raise Trouble("Not available for deploy for this organization")
    if language not in enabled:
        # The vendor's own words for this case are not known.
        raise Trouble(f"Language {language} is not enabled in the Translation Workbench of this organization")
