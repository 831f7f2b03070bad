"""The first commands of a new user: a settings file with every setting explained, a key, the version."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

from cosell.cli.speaking import USAGE, Answer, Refusal, Voice


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new environment is to be."""

    crm: str
    kind: str
    name: str
    ca_file: str


def init(path: str, wanted: Beginning, *, key: bool) -> Answer:
    """Writes the template, or prints a key; an existing file is never touched."""
    if key:
        from cryptography.fernet import Fernet

        made = Fernet.generate_key().decode()
        return Answer({"key": made}, lambda voice: voice.line(made))
    from cosell.config.template import New, template
    from cosell.crm import named
    from cosell.sections import Tag

    if wanted.kind not in set(Tag):
        raise Refusal(f"«{wanted.kind}» is none of {', '.join(Tag)}.", exit_code=USAGE)
    crm = named(wanted.crm)
    text = template(crm, New(Tag(wanted.kind), wanted.name, wanted.ca_file))
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refusal(f"{path} exists already; it was left as it is.") from None
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "no usable path").lower()
        raise Refusal(f"{path} cannot be written ({why}).") from None
    steps = [
        "Then: cosell connect partner-center",
        f"Then: cosell connect {crm.name}",
        f"Then: cosell install {crm.name} --dry-run",
        "Then: cosell doctor",
        "Then: cosell run",
    ]

    def show(voice: Voice) -> None:
        voice.line(f"Wrote {path}.")
        for step in steps:
            voice.line(step, indent=2)

    return Answer({"path": path, "next": steps}, show)


def version() -> Answer:
    """The version of the product and of the Python under it."""
    data = {"cosell": version_of("cosell"), "python": platform.python_version()}
    return Answer(data, lambda voice: voice.line(f"cosell {data['cosell']} (Python {data['python']})"))
