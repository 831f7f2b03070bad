"""Asks a person on the terminal, one question at a time; secrets are typed unseen."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from cosell.cli.speaking import say
from cosell.crm.connecting import NEW, Question


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever sits at the terminal; a silent one is a script that answered beforehand."""

    silent: bool = False

    def answer(self, question: Question, before: str) -> str:
        """The answer to a question that is no secret; Enter takes what is shown in brackets."""
        self._explain(question)
        default = before or question.default
        shown = default if default or not question.optional else ""
        choices = f" ({', '.join(question.choices)})" if question.choices else ""
        found: str = typer.prompt(
            f"{question.asks}{choices}",
            default=shown if shown or question.optional else None,
            show_default=bool(shown),
            err=True,
        )
        return found.strip()

    def secret(self, question: Question, *, kept: bool = False) -> str:
        """A secret, or where it lies. With `kept`, Enter keeps the one of before.

        What may be the secret itself is typed unseen; of several lines, only the place can be typed.
        """
        self._explain(question)
        ways = "a reference such as env:NAME or file:/path"
        if question.can_make:
            ways += f", the path of a PEM file, or «{NEW}»"
        if not question.lines:
            ways += ", or the secret itself"
        empty = kept or question.optional
        unseen = "" if question.lines else "; it is not shown"
        say(f"Type {ways}{unseen}." + (" Enter keeps the one of before." if kept else ""))
        found: str = typer.prompt(
            question.asks,
            default="" if empty else None,
            show_default=False,
            hide_input=not question.lines,
            err=True,
        )
        return found.strip()

    def agrees(self, what: str) -> bool:
        """Whether the person says yes; a script said so by being one."""
        return self.silent or typer.confirm(what, default=True, err=True)

    def _explain(self, question: Question) -> None:
        say("")
        say(question.explains)
