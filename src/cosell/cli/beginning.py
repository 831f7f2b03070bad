"""The first commands of a new user: a settings file with every setting explained, a key, the version."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of
from pathlib import Path

from cosell.cli.speaking import Answer, Refusal, Voice


def init(path: str, *, crm: str, key: bool) -> Answer:
    """Writes the template, or prints a key; an existing file is never touched."""
    if key:
        from cryptography.fernet import Fernet

        made = Fernet.generate_key().decode()
        return Answer({"key": made}, lambda voice: voice.line(made))
    from cosell.config.template import template
    from cosell.crm import named

    text = template(named(crm))

    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refusal(f"{path} exists already; it was left as it is.") from None
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "no usable path").lower()
        raise Refusal(f"{path} cannot be written ({why}).") from None
    steps = ["Fill in what is marked «fill in».", "Then: cosell doctor", "Then: cosell run"]

    def show(voice: Voice) -> None:

        voice.line(f"Wrote {path}.")
        for step in steps:
            voice.line(step, indent=2)

    return Answer({"path": path, "next": steps}, show)


def version() -> Answer:
    """The version of the product and of the Python under it."""
    data = {"cosell": version_of("cosell"), "python": platform.python_version()}
    return Answer(data, lambda voice: voice.line(f"cosell {data['cosell']} (Python {data['python']})"))
