"""What the documents tell a reader to type is real."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cosell.cli.app import app
from cosell.config.reference import page
from cosell.config.template import template
from cosell.crm import supported

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What typer raises for words it does not take; its own copy of click has no public name."""
_FENCE = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SAID = re.compile(r"`((?:cosell|make) [^`\n]+)`")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def fenced(text: str) -> Iterator[str]:
    """The command lines in the shell blocks of a document."""
    for block in _FENCE.findall(text):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            said = line.removeprefix("$ ").strip()
            if said and not said.startswith("#"):
                yield said


def commands(text: str, first: str) -> Iterator[list[str]]:
    """Every invocation of `cosell` or `make` a document shows, as words."""
    for line in (*fenced(text), *_SAID.findall(text)):
        for part in re.split(r"\s*(?:\||&&|;|>)\s*", line.partition(" #")[0]):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and Path(words[0]).name == first:
                yield words[1:]


def problem_of(words: list[str]) -> str:
    """Why a command line would be refused by the parser; empty where it would not."""
    command: Any = typer.main.get_command(app)
    context: Any = command.make_context("cosell", list(words), resilient_parsing=True)
    words = [word for word in words if word != "…"]
    while hasattr(command, "commands"):
        named = [word for word in words if not word.startswith("-")]
        inner = command.commands.get(named[0]) if named else None
        if inner is None:
            if named and not command.invoke_without_command:
                return f"there is no command {named[0]}"
            break
        words.remove(named[0])
        command = inner
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    options = [word.partition("=")[0] for word in words if word.startswith("-") and word != "-"]
    unknown = [name for name in options if name not in known]
    context.close()
    return f"there is no option {', '.join(unknown)}" if unknown else _refused(command, words)


def _refused(command: Any, words: list[str]) -> str:
    """What the parser says to the words after a command; prose may leave them out."""
    if not words or hasattr(command, "commands") or {"-h", "--help"} & set(words):
        return ""
    try:
        command.make_context("cosell", list(words)).close()
    except USAGE_ERROR as error:
        said = str(error.format_message())
        return "" if said.startswith("Missing") else said
    return ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_cosell_command_in_a_document_exists_with_its_options(document: Path) -> None:
    text = document.read_text("utf-8")
    wrong = {" ".join(words): why for words in commands(text, "cosell") if (why := problem_of(words))}
    assert wrong == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    named = {
        word
        for words in commands(document.read_text("utf-8"), "make")
        for word in words
        if "=" not in word and not word.startswith("-")
    }
    assert named <= targets


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("status --json", ""),
        ("sandbox edit X value=5", ""),
        ("sandbox --tls", ""),
        ("explode", "there is no command explode"),
        ("status --loud", "there is no option --loud"),
        ("webhook register --owerwrite", "there is no option --owerwrite"),
        ("audit burn", "there is no command burn"),
    ],
)
def test_the_checker_of_commands_sees_what_is_wrong(line: str, why: str) -> None:
    assert problem_of(line.split()) == why


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_every_command_shows_examples_in_its_help_that_the_parser_takes() -> None:
    for path, command in all_commands(typer.main.get_command(app), ()):
        text = command.help or ""
        shown = [line.strip() for line in text.splitlines() if line.strip().startswith("cosell ")]
        assert shown, f"{' '.join(path)} has no example"
        for line in shown:
            words = shlex.split(line.partition(" > ")[0])[1:]
            assert problem_of(words) == "", line
            assert words[: len(path)] == list(path), line


def test_every_command_answers_in_json() -> None:
    for path, command in all_commands(typer.main.get_command(app), ()):
        names = {name for parameter in command.params for name in parameter.opts}
        assert "--json" in names, " ".join(path)


def all_commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from all_commands(one, (*path, name))


def test_the_page_of_settings_is_what_the_program_says() -> None:
    """Write it anew with `make settings`."""
    assert (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8") == page()


def test_a_new_settings_file_explains_every_setting() -> None:
    text = "\n".join(template(crm) for crm in supported().values())
    for row in re.findall(r"^\| `([a-z_]+)` \|", page(), re.MULTILINE):
        assert re.search(rf"^(?:# )?{row} = ", text, re.MULTILINE), row


def test_advice_in_the_program_names_commands_that_exist() -> None:
    wrong = {}
    for file in (ROOT / "src").rglob("*.py"):
        for said in re.findall(r"`(cosell [a-z][^`\n]*)`", file.read_text("utf-8")):
            if why := problem_of(shlex.split(said)[1:]):
                wrong[f"{file.name}: {said}"] = why
    assert wrong == {}
