"""Carries out one deploy: all of it, or what works of it, or nothing but the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cosell.sandbox.salesforce.metadata.archive import DESTRUCTIVE, MANIFEST, Archive, Manifest
from cosell.sandbox.salesforce.metadata.components import Component, Misfit, read_components
from cosell.sandbox.salesforce.metadata.layouts import check_layout
from cosell.sandbox.salesforce.metadata.objects import (
    deploy_field,
    deploy_list_view,
    deploy_object,
    deploy_tab,
)
from cosell.sandbox.salesforce.metadata.options import DeployOptions
from cosell.sandbox.salesforce.metadata.permission_sets import deploy_permission_set
from cosell.sandbox.salesforce.metadata.removing import remove
from cosell.sandbox.salesforce.metadata.translations import deploy_object_translation, deploy_translation
from cosell.sandbox.salesforce.metadata.trouble import Trouble
from cosell.sandbox.salesforce.metadata.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one component."""

    kind: str
    name: str
    file: str
    trouble: Trouble | None = None
    fails: bool = False
    created: bool = False
    deleted: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of a deploy."""

    messages: list[Message] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(one.fails for one in self.messages)


def carry_out(work: Workshop, archive: Archive, options: DeployOptions) -> Outcome:
    """Applies a package; with errors, or when it is only a check, the org is as it was before."""
    outcome = Outcome()
    work.begin()
    try:
        _all_of(work, archive, options, outcome)
    except BaseException:
        work.take_back()
        raise
    if options.check_only or (outcome.failed and options.rollback_on_error):
        work.take_back()
    else:
        work.keep()
    return outcome


def _all_of(work: Workshop, archive: Archive, options: DeployOptions, outcome: Outcome) -> None:
    try:
        manifest = archive.manifest(MANIFEST)
        if manifest is None:
            raise Trouble("No package.xml found")
        _check_version(work, manifest)
        leaving = {name: archive.manifest(name) for name in DESTRUCTIVE}
    except Trouble as trouble:
        outcome.messages.append(Message("", MANIFEST, MANIFEST, trouble, fails=True))
        return
    outcome.messages.append(Message("", MANIFEST, MANIFEST))
    found, bad = read_components(archive, manifest)
    outcome.messages.extend(_told(one, options) for one in bad)
    for name in DESTRUCTIVE[:2]:
        _remove_all(work, name, leaving[name], options, outcome)
    doubled = {(one.kind, one.name) for one in bad}
    for kind, act in _ORDER:
        for one in found:
            if one.kind == kind and (one.kind, one.name) not in doubled:
                outcome.messages.append(_apply(work, one, act, options))
    _remove_all(work, DESTRUCTIVE[2], leaving[DESTRUCTIVE[2]], options, outcome)


def _check_version(work: Workshop, manifest: Manifest) -> None:
    number = manifest.version.removesuffix(".0")
    if not number.isdigit() or not 31 <= int(number) <= work.org.settings.newest_version:
        raise Trouble(f"Invalid version specified: {manifest.version}")


def _told(one: Misfit, options: DeployOptions) -> Message:
    """A misfit; some are forgiven where the options say so."""
    missing = "was not found in zipped directory" in one.trouble.problem
    extra = one.trouble.problem == "Not in package.xml"
    forgiven = (missing and options.allow_missing_files) or (extra and options.auto_update_package)
    one.trouble.warning = forgiven
    return Message(one.kind, one.name, one.file, one.trouble, fails=not forgiven)


def _apply(
    work: Workshop, one: Component, act: Callable[[Workshop, Component], bool], options: DeployOptions
) -> Message:
    try:
        return Message(one.kind, one.name, one.file, created=act(work, one))
    except Trouble as trouble:
        fails = not (trouble.warning and options.ignore_warnings)
        return Message(one.kind, one.name, one.file, trouble, fails=fails)


def _remove_all(
    work: Workshop, file: str, leaving: Manifest | None, options: DeployOptions, outcome: Outcome
) -> None:
    members = leaving.members.items() if leaving is not None else ()
    for kind, named in sorted(members, key=lambda item: item[0] == "CustomObject"):
        for member in named:
            try:
                remove(work, kind, member.text)
                outcome.messages.append(Message(kind, member.text, file, deleted=True))
            except Trouble as trouble:
                fails = not (trouble.warning and options.ignore_warnings)
                outcome.messages.append(Message(kind, member.text, file, trouble, fails=fails))


def _deploy_layout(work: Workshop, one: Component) -> bool:
    check_layout(work.org.schema, one.name, one.node)
    return work.store_document(one.kind, one.name, one.node)


_ORDER: tuple[tuple[str, Callable[[Workshop, Component], bool]], ...] = (
    ("CustomObject", deploy_object),
    ("CustomField", deploy_field),
    ("ListView", deploy_list_view),
    ("CustomTab", deploy_tab),
    ("Layout", _deploy_layout),
    ("PermissionSet", deploy_permission_set),
    ("CustomObjectTranslation", deploy_object_translation),
    ("Translations", deploy_translation),
)
