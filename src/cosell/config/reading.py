"""Reads `cosell.toml` once, and says in plain sentences what is wrong with it."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic_core import ErrorDetails

from cosell.config.guard import refuse_foreign_worlds
from cosell.config.models import EnvironmentSettings, Settings, settings_with
from cosell.core.errors import Misconfigured
from cosell.core.mapping import Rule, lint, parse
from cosell.crm import named, supported
from cosell.sections import Section
from cosell.sections.secrets import HOW, IN_CLEAR

LARGEST = 1024 * 1024
"""Bytes of a settings file; a real one has a few thousand."""
SHOWN = 5
"""Problems named at once."""


def read(path: Path) -> Settings:
    """The settings in the file at `path`, checked. Raises Misconfigured for whatever is wrong with it."""
    settings = parse_settings(read_text(path), path.name).lying_in(path.parent)
    rules(settings)
    return settings


def parse_settings(text: str, name: str = "cosell.toml") -> Settings:
    """The settings in a TOML text, checked but for the mapping file it may name."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Misconfigured(f"{name} is not readable TOML: {_plain(error)}.") from error
    return parse_tables(tables, name)


def parse_tables(tables: Mapping[str, Any], name: str) -> Settings:
    """The same from the tables of a file, already read."""
    model = _model(tables, name)
    try:
        settings = model.model_validate(tables)
    except ValidationError as error:
        said = _sentences(error.errors(include_url=False), model)
        advice = HOW if IN_CLEAR in said else None
        # The cause is dropped: pydantic's own text repeats what was written, which may be a secret (INV-13).
        raise Misconfigured(f"{name}: {said}", advice=advice) from None
    if not model.crm_name:
        raise Misconfigured(f"{name} joins no CRM: there must be a table {_choice()}.")
    refuse_foreign_worlds(settings)
    return settings


def settings_of(tables: Mapping[str, Any]) -> Settings:
    """The same from tables that a program made; it may hand secrets over in memory."""
    return _model(tables, "The settings").model_validate(tables)


def draft_of(
    tables: Mapping[str, Any], name: str, table: str = "", model: type[Section] | None = None
) -> tuple[EnvironmentSettings, Any]:
    """The environment and one table of a file that is not complete yet, both checked."""
    fields: dict[str, Any] = {"environment": (EnvironmentSettings, ...)}
    if model is not None:
        fields[table] = (model, ...)
    draft: type[Section] = create_model("Draft", __base__=Section, **fields)
    try:
        made: Any = draft.model_validate({one: tables[one] for one in fields if one in tables})
    except ValidationError as error:
        raise Misconfigured(f"{name}: {_sentences(error.errors(include_url=False), draft)}") from None
    return made.environment, getattr(made, table, None)


def complaint(model: type[Section], name: str, value: str) -> str:
    """What is wrong with an answer to one setting, as the end of a sentence; empty where nothing is."""
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        problem["loc"] = ("table", name)
        return _sentence(problem, model).partition(f"{name} ")[2]
    return ""


def _model(tables: Mapping[str, Any], name: str) -> type[Settings]:
    """The form of a file with the table of one CRM; of one with none, so that all complaints come at once."""
    present = [crm for crm in supported() if crm in tables]
    if not present:
        return Settings
    if len(present) > 1:
        raise Misconfigured(
            f"{name} joins two CRMs, [{present[0]}] and [{present[1]}].",
            advice="One environment joins one CRM. Give each its own file and start with both: "
            "cosell run --config one.toml --config other.toml",
        )
    return settings_with(named(present[0]))


def _choice() -> str:
    return " or ".join(f"[{crm}]" for crm in supported())


def rules(settings: Settings) -> Mapping[str, Rule]:
    """The mapping the settings ask for, linted."""
    inline = dict(settings.mapping)
    file = inline.pop("file", None)
    standard = parse(named(settings.crm_name).mapping)
    if file is None:
        found = parse(_as_toml(inline), standard)
    elif inline:
        raise Misconfigured(
            "[mapping] names a file and holds rules as well.",
            advice="Keep the rules in one place: either in the file or in [mapping].",
        )
    elif not isinstance(file, str) or not file.strip():
        raise Misconfigured("[mapping] file must be the path of a TOML file.")
    else:
        found = parse(read_text(settings.folder / file), standard)
    if problems := lint(found):
        raise Misconfigured(f"The mapping cannot be used: {' '.join(problems)}")
    return found


def read_text(path: Path) -> str:
    """The text of a file, or Misconfigured with the reason why it cannot be had."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path} is not UTF-8 text.", advice="Save it as UTF-8 and try again.") from error


def read_bytes(path: Path) -> bytes:
    """What a file of settings holds, or Misconfigured with the reason why it cannot be had."""
    try:
        if path.is_dir():
            raise Misconfigured(f"{path} is a directory, not a file.")
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise Misconfigured(
            f"There is no file {path}.", advice="Run `cosell init` to write one with every setting explained."
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no usable path"
        raise Misconfigured(f"{path} cannot be read ({why.lower()}).") from error
    if len(raw) > LARGEST:
        raise Misconfigured(f"{path} is larger than 1 MB, which no settings file is.")
    return raw


def _as_toml(tables: Mapping[str, Any]) -> str:
    """The tables as TOML text, so that one parser with one set of complaints reads every mapping."""
    lines = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise Misconfigured(f"[mapping] {name} must be a table such as [mapping.{name}].")
        lines.append(f"[{json.dumps(name)}]")
        lines += [f"{json.dumps(key)} = {json.dumps(str(word))}" for key, word in table.items()]
    return "\n".join(lines)


def _plain(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = str(error)[:200]
    return text[:1].lower() + text[1:]


def _sentences(problems: list[ErrorDetails], model: type[BaseModel]) -> str:
    said = [_sentence(problem, model) for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        said.append(f"And {len(problems) - SHOWN} more.")
    return " ".join(said)


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    place, kind = problem["loc"], problem["type"]
    if kind == "extra_forbidden":
        return f"There is no setting {_name(place)}.{_nearest(place, model)}"
    if kind == "missing":
        return f"{_name(place)} is missing."
    context = problem.get("ctx", {})
    if kind == "value_error":
        return f"{_name(place)} {context['error']}."
    return f"{_name(place)} {_COMPLAINTS.get(kind, _other)(problem, context)}."


def _name(place: tuple[int | str, ...]) -> str:
    """`("salesforce", "stages", "won", 0)` as a person writes it: [salesforce.stages] won."""
    words = [str(part)[:60] for part in place if isinstance(part, str) and not part.startswith("function-")]
    if len(words) == 1:
        return f"[{words[0]}]"
    return f"[{'.'.join(words[:-1])}] {words[-1]}"


def _nearest(place: tuple[int | str, ...], whole: type[BaseModel]) -> str:
    model: type[BaseModel] | None = whole
    for part in place[:-1]:
        model = _table(model, str(part))
    known = list(model.model_fields) if model else []
    known += supported() if model is Settings else ()
    if near := difflib.get_close_matches(str(place[-1])[:60], known, n=1):
        return f" Did you mean «{near[0]}»?"
    return f" There are: {', '.join(known)}." if known else ""


def _table(model: type[BaseModel] | None, name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name) if model else None
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _expected(what: str) -> Any:
    return lambda problem, _: f"must be {what}, not {_shown(problem['input'])}"


def _shown(raw: Any) -> str:
    return "a table" if isinstance(raw, dict) else "a list" if isinstance(raw, list) else repr(raw)[:60]


def _other(problem: ErrorDetails, _: Any) -> str:
    text = problem["msg"]
    return "is wrong: " + text[:1].lower() + text[1:]


_COMPLAINTS: dict[str, Any] = {
    "bool_type": _expected("true or false"),
    "int_type": _expected("a whole number"),
    "float_type": _expected("a number"),
    "float_parsing": _expected("a number"),
    "string_type": _expected("text in quotes"),
    "tuple_type": _expected("text in quotes or a list of such"),
    "model_type": _expected("a table"),
    "dict_type": _expected("a table"),
    "string_pattern_mismatch": lambda problem, _: f"has an unfit form: {_shown(problem['input'])}",
    "literal_error": lambda problem, c: f"must be {c['expected']}, not {_shown(problem['input'])}",
    "enum": lambda problem, c: f"must be {c['expected']}, not {_shown(problem['input'])}",
    "greater_than": lambda _, c: f"must be more than {c['gt']:g}",
    "greater_than_equal": lambda _, c: f"must be at least {c['ge']:g}",
    "less_than_equal": lambda _, c: f"must be at most {c['le']:g}",
}
