"""Brings our fields and rights into the CRM and back out: first the plan, then a question, then the deed."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from cosell.cli.speaking import FAILED, PENDING, USAGE, Answer, Refusal, Voice, stdout
from cosell.crm import Crm, named, supported
from cosell.crm.installing import Act, Admin, Installer, Step, Wish
from cosell.sections.secrets import Reference
from cosell.wiring.environment import Environment, environment
from cosell.wiring.places import Place, locate

MARKS = {
    Act.KEEP: "✔",
    Act.CREATE: "+",
    Act.CHANGE: "~",
    Act.REMOVE: "-",
    Act.BY_HAND: "✋",
    Act.BLOCKED: "✘",
}
PLANNED = {
    Act.KEEP: "stays",
    Act.CREATE: "will be made",
    Act.CHANGE: "will be changed",
    Act.REMOVE: "will be removed",
    Act.BY_HAND: "by hand",
    Act.BLOCKED: "stands in the way",
}
DONE_WITH = {**PLANNED, Act.CREATE: "made", Act.CHANGE: "changed", Act.REMOVE: "removed"}
CHANGING = frozenset((Act.CREATE, Act.CHANGE, Act.REMOVE))

Told = Callable[[Step], None]
Look = Callable[[Installer, Wish], Awaitable[Sequence[Step]]]
Do = Callable[[Installer, Wish, Told], Awaitable[Sequence[Step]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said on the command line."""

    crm: str | None
    username: str | None = None
    token: str | None = None
    adopt: bool = False
    page: str | None = None
    data: bool = False
    dry_run: bool = False
    yes: bool = False
    pending: bool = False
    as_json: bool = False

    @property
    def wish(self) -> Wish:
        return Wish(adopt=self.adopt, page=self.page or "", data=self.data)


@dataclass(frozen=True, slots=True)
class _Verbs:
    """One of the two directions."""

    look: Look
    do: Do
    question: str


_IN = _Verbs(lambda i, wish: i.plan(wish), lambda i, wish, told: i.install(wish, told), "Install this?")
_OUT = _Verbs(lambda i, wish: i.removal(wish), lambda i, wish, told: i.uninstall(wish, told), "Remove this?")


async def install(config: str | None, asked: Asked) -> Answer:
    """Shows what would be done, asks, and does it."""
    return await _carried_out(config, asked, _IN)


async def uninstall(config: str | None, asked: Asked) -> Answer:
    """The same the other way round."""
    return await _carried_out(config, asked, _OUT)


async def _carried_out(config: str | None, asked: Asked, verbs: _Verbs) -> Answer:
    admin = _admin(asked)
    _refuse_silence(asked)
    async with environment(locate(config, os.environ), os.environ) as env:
        crm = _meant(env, asked.crm)
        async with env.installer(admin) as installer:
            steps = await verbs.look(installer, asked.wish)
            settings = await installer.settings(asked.wish) if verbs is _IN else {}
            return await _answered(crm, asked, verbs, installer, steps, settings)


async def _answered(
    crm: Crm,
    asked: Asked,
    verbs: _Verbs,
    installer: Installer,
    steps: Sequence[Step],
    settings: Mapping[str, str],
) -> Answer:
    changes = [one for one in steps if one.act in CHANGING]
    blocked = any(one.act is Act.BLOCKED for one in steps)
    code = FAILED if blocked else PENDING if changes and asked.dry_run and asked.pending else 0
    if asked.dry_run or blocked or not changes:
        data = _data(crm, steps, settings, changed=False)
        return Answer(data, lambda voice: _show_plan(voice, crm, steps, settings), code)
    voice = Voice(stdout())
    if not asked.as_json:
        _show_plan(voice, crm, steps, {})
    if not asked.yes and not typer.confirm(verbs.question, err=True):
        raise Refusal("Nothing was changed.")

    def told(step: Step) -> None:
        if not asked.as_json and step.act in CHANGING:
            voice.line(_line(step, DONE_WITH))

    done = await verbs.do(installer, asked.wish, told)
    data = _data(crm, done, settings, changed=True)
    return Answer(data, lambda voice: _show_end(voice, crm, done, settings))


def _refuse_silence(asked: Asked) -> None:
    """Without a terminal nobody can be asked."""
    if asked.dry_run or asked.yes or (sys.stdin.isatty() and not asked.as_json):
        return
    raise Refusal(
        "This changes the CRM, and there is nobody to ask.",
        advice="Look first with --dry-run; then say --yes.",
        exit_code=USAGE,
    )


def _admin(asked: Asked) -> Admin:
    if asked.username and asked.token:
        raise Refusal("Either --as or --token tells whose rights to use, not both.", exit_code=USAGE)
    if asked.token is None:
        return Admin(username=asked.username or "")
    try:
        reference = Reference.parse(asked.token)
    except ValueError:
        # What was written may be the token itself, so it is not repeated.
        raise Refusal(
            "--token takes where the token lies, not the token.",
            advice="Write env:NAME for an environment variable, or file:PATH for a file.",
            exit_code=USAGE,
        ) from None
    return Admin(token=reference.fetch("--token", os.environ, Path.cwd()))


def _meant(env: Environment, crm: str | None) -> Crm:
    """The CRM of the environment; refuses where another one was named."""
    present = env.settings.crm_name
    if crm is not None and named(crm).name != present:
        raise Refusal(
            f"The environment {env.place.name} belongs to {named(present).label}, not to {named(crm).label}.",
            advice="Name the settings file, or the sandbox's environment, of the other one with --config.",
            exit_code=USAGE,
        )
    return named(present)


# --- files -------------------------------------------------------------------------------------------


def package(config: str | None, crm: str | None, out: str) -> Answer:
    """Writes the package of a CRM."""
    chosen = named(crm) if crm is not None else _of_settings(locate(config, os.environ))
    if chosen.package is None:
        raise Refusal(f"There is no package for {chosen.label}.", exit_code=USAGE)
    written = [str(file) for file in chosen.package(Path(out))]

    def show(voice: Voice) -> None:
        voice.line(f"Wrote {len(written)} files for {chosen.label} to {out}.")

    return Answer({"crm": chosen.name, "files": written}, show)


def _of_settings(place: Place) -> Crm:
    if place.settings is None:
        raise Refusal(
            "Which CRM? There is no settings file that would tell.",
            advice=f"Name one: {', '.join(supported())}.",
            exit_code=USAGE,
        )
    return named(place.settings.crm_name)


# --- words -------------------------------------------------------------------------------------------


def _data(crm: Crm, steps: Sequence[Step], settings: Mapping[str, str], *, changed: bool) -> dict[str, Any]:
    told = [{"what": one.what, "act": str(one.act), "detail": one.detail, "diff": one.diff} for one in steps]
    return {"crm": crm.name, "changed": changed, "steps": told, "settings": dict(settings)}


def _line(step: Step, words: Mapping[Act, str]) -> str:
    detail = f" ({step.detail})" if step.detail and step.act in CHANGING | {Act.KEEP} else ""
    detail = detail or (f": {step.detail}" if step.detail else "")
    return f"{MARKS[step.act]} {step.what} {words[step.act]}{detail}"


def _show_plan(voice: Voice, crm: Crm, steps: Sequence[Step], settings: Mapping[str, str]) -> None:
    for step in steps:
        voice.line(_line(step, PLANNED))
        for line in step.diff.splitlines():
            voice.line(line, indent=4)
    changes = sum(1 for one in steps if one.act in CHANGING)
    if any(one.act is Act.BLOCKED for one in steps):
        voice.line("Nothing is changed until what stands in the way is decided.", style="bold")
    elif changes:
        voice.line(f"{changes} of {len(steps)} steps change something in {crm.label}.", style="bold")
    else:
        voice.line(f"Nothing to change in {crm.label}.", style="bold")
    _show_settings(voice, crm, settings)


def _show_end(voice: Voice, crm: Crm, steps: Sequence[Step], settings: Mapping[str, str]) -> None:
    for step in steps:
        if step.act is Act.BY_HAND:
            voice.line(_line(step, DONE_WITH))
    voice.line(f"Done in {crm.label}. Check the connection: cosell doctor", style="bold")
    _show_settings(voice, crm, settings)


def _show_settings(voice: Voice, crm: Crm, settings: Mapping[str, str]) -> None:
    """The lines a person copies into the settings file."""
    if not settings:
        return
    voice.line("Write this into the settings file, so that the connector uses what is there:")
    table = None
    for dotted, value in sorted(settings.items()):
        inner, _, key = dotted.rpartition(".")
        if inner != table:
            table = inner
            voice.line(f"[{crm.name}.{inner}]" if inner else f"[{crm.name}]", indent=2)
        voice.line(f'{key} = "{value}"', indent=2)
