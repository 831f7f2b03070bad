"""Turns what a person or a script answered into answers that can be proven, each checked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosell.cli.asking import Person
from cosell.cli.speaking import USAGE, Refusal, say
from cosell.core.errors import CosellError
from cosell.crm.certificates import make, public_part
from cosell.crm.connecting import NEW, Proof, Question
from cosell.sections.secrets import Reference
from cosell.wiring.ageing import end_of_day
from cosell.wiring.connecting import TYPED, Bench


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line."""

    system: str
    answers: Sequence[str] = ()
    non_interactive: bool = False
    every: bool = False
    leave: bool = False
    device: bool = False
    browser: bool = True
    redirect_port: int = 0
    rotate: bool = False
    switch: bool = False
    forget_old: bool = False


def take(bench: Bench, answers: Sequence[str]) -> None:
    """The answers of the command line, NAME=VALUE each."""
    names = {one.name: one for one in bench.which.how.questions}
    for answer in answers:
        name, equals, value = answer.partition("=")
        if not equals or name not in names:
            raise Refusal(
                f"«{name[:40]}» is nothing that {bench.which.label} is asked for.",
                advice=f"There are: {', '.join(names)}. Write each as NAME=VALUE.",
                exit_code=USAGE,
            )
        if names[name].secret and value not in ("", NEW):
            _refuse_clear(names[name], value)
        bench.answers[name] = value


def _refuse_clear(question: Question, value: str) -> None:
    """A secret on the command line would stay in the shell's history and in the list of processes."""
    try:
        Reference.parse(value)
    except ValueError as error:
        raise Refusal(
            f"The answer to {question.name} {error}.",
            advice="Name where it lies instead: env:NAME, file:/path, keyring:SERVICE/NAME or vault:https://…",
            exit_code=USAGE,
        ) from None


async def ask(bench: Bench, questions: Sequence[Question], person: Person, *, every: bool = False) -> None:
    """Asks what is not answered yet, each checked at once, and keeps the answers as they come."""
    for question in questions:
        # What was answered decides what else is asked.
        if not question.wanted(bench.answers) or await bench.needs_no(question):
            bench.answers.pop(question.name, None)
            continue
        if question.expert and not every:
            bench.answers[question.name] = await _unasked(bench, question)
            continue
        while True:
            answer = _answer(bench, question, person)
            try:
                bench.answers[question.name] = await _checked(bench, question, answer)
                break
            except CosellError as error:
                if person.silent:
                    raise
                say(f"{error.message} {error.advice}".strip())
                bench.answers.pop(question.name, None)
        await bench.remember()


async def _unasked(bench: Bench, question: Question) -> str:
    """The answer to what nearly nobody changes: given beforehand, or the usual one."""
    return await _checked(bench, question, bench.answers.get(question.name) or question.default)


def _answer(bench: Bench, question: Question, person: Person) -> str:
    before = bench.answers.get(question.name, "")
    if question.secret and before:
        return before if person.silent else person.secret(question, kept=True) or before
    if person.silent:
        found = before or question.default
        if not found and not question.optional:
            raise Refusal(
                f"{question.name} is not answered: {question.asks}",
                advice=f"{question.explains} Answer with --answer {question.name}=…",
                exit_code=USAGE,
            )
        return found
    return person.secret(question) if question.secret else person.answer(question, before)


async def _checked(bench: Bench, question: Question, answer: str) -> str:
    """The answer in the form in which it is kept; raises what is wrong with it."""
    if not answer and question.optional:
        return ""
    if not question.secret:
        if question.end_of:
            end_of_day(answer)
        if trouble := bench.trouble(question, answer):
            raise Refusal(f"{question.name} {trouble}")
        return answer
    if question.can_make and answer == NEW:
        answer = TYPED + _made(bench)
    elif not answer.startswith(TYPED):
        answer = _as_reference(question, answer)
    await bench.value(question, answer)
    return answer


def _as_reference(question: Question, answer: str) -> str:
    """What a person typed: a reference, the path of a file that exists, or the secret itself."""
    try:
        return str(Reference.parse(answer))
    except ValueError:
        pass
    if (question.lines or question.can_make) and Path(answer).expanduser().is_file():
        return f"file:{Path(answer).expanduser().absolute()}"
    if question.lines:
        raise Refusal(f"There is no file {answer[:100]!r}.", advice="Give the path of the key, or «new».")
    return TYPED + answer


def _made(bench: Bench) -> str:
    """A key pair, whose certificate lies beside the settings for the person to upload."""
    pem = make(f"cosell {bench.environment.name}")
    path = bench.folder / f"cosell-{bench.which.word}-{bench.environment.name}.crt"
    path.write_text(public_part(pem), "ascii")
    say(f"Made a key pair. Its private key stays here, sealed; the certificate is {path}")
    say(bench.which.how.upload)
    return pem


async def proven(bench: Bench, values: dict[str, str]) -> Proof:
    say(f"Signing in to {bench.which.label} …")
    return await bench.prove(values)
