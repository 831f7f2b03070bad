"""What a system says of itself is true as far as a machine can see, and shown to everybody."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cosell.core.errors import Misconfigured
from cosell.core.mapping import lint, parse
from cosell.wiring import catalogue
from cosell.wiring.doctor import page as doctor_page
from cosell.wiring.quality import RULES, Quality, quality_of
from cosell.wiring.quality import parse as parse_quality
from tests.conformance.suite import Conformance

ROOT = Path(__file__).parents[2]
SYSTEMS = catalogue.systems()
TOY = "tests.conformance.toy"
DONE = "\n".join(
    f'{rule.name} = "done"' if rule.looked_at else f'{rule.name} = {{ done = "tests/x.py::test_y" }}'
    for rule in RULES.values()
)
GOOD = f"[rules]\n{DONE}\n"


def folder(name: str) -> Path:
    return ROOT / "src" / "cosell" / "systems" / name


def source(name: str) -> Mapping[str, str]:
    return {file.name: file.read_text("utf-8") for file in folder(name).glob("*.py")}


# --- what can be seen by looking ---------------------------------------------------------------------


def conforms(name: str) -> bool:
    module = importlib.import_module(f"tests.conformance.test_{name}")
    classes = [one for key, one in vars(module).items() if key.startswith("Test") and isinstance(one, type)]
    return any(issubclass(one, Conformance) for one in classes)


def has_an_outcome_table(name: str) -> bool:
    module = importlib.import_module(f"cosell.systems.{name}.outcomes")
    return any(isinstance(one, Mapping) and len(one) >= 10 for one in vars(module).values())


def mapping_is_free_of_faults(name: str) -> bool:
    return lint(parse(getattr(SYSTEMS[name].declared, "mapping", ""))) == []


def nothing_is_left_untyped(name: str) -> bool:
    strict = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    return strict["strict"] and "src" in strict["files"] and "type: ignore" not in str(source(name))


def modules_are_small(name: str) -> bool:
    return all(len(text.splitlines()) <= 400 for text in source(name).values())


def limits_are_written_down(name: str) -> bool:
    unknowns = (ROOT / "docs" / "explanation" / "unknowns.md").read_text("utf-8")
    return f"systems/{name}" in unknowns and bool(SYSTEMS[name].quality.lossy)


def a_guide_exists(name: str) -> bool:
    called = SYSTEMS[name].declared.name.replace("_", "-")
    return (ROOT / "docs" / "how-to" / f"connect-{called}.md").is_file()


LOOKS: Mapping[str, Callable[[str], bool]] = {
    "conformance": conforms,
    "outcome-table": has_an_outcome_table,
    "own-mapping": mapping_is_free_of_faults,
    "strict-typing": nothing_is_left_untyped,
    "small-modules": modules_are_small,
    "known-limitations": limits_are_written_down,
    "connection-guide": a_guide_exists,
}


def test_every_rule_that_can_be_looked_at_is() -> None:
    assert set(LOOKS) == {rule.name for rule in RULES.values() if rule.looked_at}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("rule", LOOKS)
def test_what_is_said_to_be_done_is_seen_to_be_done(name: str, rule: str) -> None:
    entry = SYSTEMS[name].quality.rules[rule]
    assert entry.exempt or LOOKS[rule](name)


# --- what a test shows -------------------------------------------------------------------------------


def functions(file: Path) -> set[str]:
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    return {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("package", [*(f"cosell.systems.{name}" for name in SYSTEMS), TOY])
def test_what_a_test_is_said_to_show_is_shown_by_a_test_that_exists(package: str) -> None:
    missing = []
    for entry in quality_of(package).rules.values():
        path, _, name = entry.shown_by.partition("::")
        if name and (not (ROOT / path).is_file() or name not in functions(ROOT / path)):
            missing.append(entry.shown_by)
    assert missing == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_losses_and_lengths_are_declared_of_fields_the_system_has(name: str) -> None:
    can, quality = SYSTEMS[name].declared.expected(), SYSTEMS[name].quality
    assert {*quality.lossy, *quality.longest} <= can.readable & (can.creatable | can.updatable)


def test_every_system_package_declares_itself_and_its_quality() -> None:
    packages = {path.name for path in (ROOT / "src" / "cosell" / "systems").iterdir() if path.is_dir()}
    assert {name for name in packages if not name.startswith("_")} == set(SYSTEMS)


# --- the file ------------------------------------------------------------------------------------------


def test_a_file_that_says_everything_is_read() -> None:
    quality = parse_quality(GOOD + '[lossy]\nname = "length: cut."\n[longest]\nnotes = 400\n')
    assert isinstance(quality, Quality)
    assert (quality.lossy, quality.longest) == ({"name": "length: cut."}, {"notes": 400})
    assert set(quality.rules) == set(RULES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rules = [", "not readable TOML"),
        (GOOD + "[rule]\n", "has no section rule"),
        (GOOD + 'charm = "done"\n', "knows no rule charm"),
        (GOOD.replace('strict-typing = "done"\n', ""), "says nothing about strict-typing"),
        (GOOD.replace('strict-typing = "done"', 'strict-typing = "exempt"'), "no reason why strict-typing"),
        (GOOD.replace('strict-typing = "done"', 'strict-typing = { exempt = "no" }'), "no reason why strict"),
        (GOOD.replace('strict-typing = "done"', "strict-typing = true"), "neither done nor exempt"),
        (GOOD.replace('strict-typing = "done"', 'strict-typing = "todo"'), "neither done nor exempt"),
        (GOOD.replace('bulk = { done = "tests/x.py::test_y" }', 'bulk = "done"'), "no test that shows bulk"),
        (GOOD + '[lossy]\ncolour = "length: cut."\n', "a field colour that does not exist"),
        (GOOD + '[lossy]\nname = "somehow"\n', "must say of name which of"),
        (GOOD + '[lossy]\nname = "magic: it vanishes"\n', "must say of name which of"),
        (GOOD + "[longest]\nname = 0\n", "no sensible longest name"),
        (GOOD + "[longest]\nname = true\n", "no sensible longest name"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(why)):
        parse_quality(text, "here")


def test_a_package_without_the_file_is_told_to_have_none() -> None:
    with pytest.raises(Misconfigured, match=r"has no quality\.toml"):
        quality_of("tests.house")


def test_the_page_of_systems_is_current() -> None:
    """`make settings` writes it anew."""
    assert (ROOT / "docs" / "reference" / "systems.md").read_text("utf-8") == catalogue.page()


def test_the_page_of_the_doctor_is_current() -> None:
    """`make settings` writes it anew."""
    assert (ROOT / "docs" / "reference" / "doctor.md").read_text("utf-8") == doctor_page.page()
