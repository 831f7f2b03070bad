"""From answers to a proven connection: proves first, then keeps secrets and says what the file must say."""

from __future__ import annotations

import contextlib
import json
import shutil
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cosell.config.editing import edited
from cosell.config.models import EnvironmentSettings
from cosell.config.reading import complaint, draft_of, parse_settings, read_text
from cosell.core.errors import CosellError, Misconfigured
from cosell.crm import CrmSection, Site
from cosell.crm.certificates import ends as end_of
from cosell.crm.certificates import opened as without_password
from cosell.crm.connecting import Proof, Question
from cosell.sections import FILL_IN, refuse_other_machines
from cosell.sections.secrets import Reference
from cosell.systems.partner_center.signing_in import SigningIn
from cosell.wiring import ageing
from cosell.wiring.alerts import StoredAlerts
from cosell.wiring.connectable import PARTNER_CENTER, Which
from cosell.wiring.connections import Connected, Connections, Kept, Turns
from cosell.wiring.credentials import Secrets
from cosell.wiring.keyring import SealedKeyring
from cosell.wiring.places import Place
from cosell.wiring.signing_in import prove_partner_center, signing_in
from cosell.wiring.systems import way_out
from cosell.wiring.world import WallClock

TYPED = "typed:"
"""Begins an answer that is the secret itself; such answers are kept sealed, like everything of a draft."""
DRAFT = "draft."
STAYS_THERE = ("keyring", "vault")
"""Places a secret is left at: whoever keeps it there wants it to be there alone."""


@dataclass(slots=True)
class Bench:
    """One settings file and one system, while somebody connects the two."""

    which: Which
    file: Path
    text: str
    environment: EnvironmentSettings
    keyring: SealedKeyring
    secrets: Secrets
    alerts: StoredAlerts
    clock: WallClock
    answers: dict[str, str] = field(default_factory=dict)
    errand: str = "connect"
    """What the answers are for; those of another errand are not taken up."""

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def connections(self) -> Connections:
        return Connections(self.keyring)

    @property
    def present(self) -> Mapping[str, Any]:
        """The system's table as the file has it."""
        table = tomllib.loads(self.text).get(self.which.table, {})
        return table if isinstance(table, dict) else {}

    @property
    def _draft(self) -> str:
        return f"{DRAFT}{self.which.table}.{self.errand}"

    # --- answers -----------------------------------------------------------------------------------

    async def recall(self) -> bool:
        """Takes up the answers of a dialogue that was broken off, else those of the file; whether there were
        such of a dialogue."""
        kept = json.loads(await self.keyring.get(self._draft) or "{}")
        self.answers = {**self.of_file(), **kept}
        return bool(kept)

    async def remember(self) -> None:
        """Keeps the answers so far, sealed."""
        await self.keyring.put(self._draft, json.dumps(self.answers))

    async def finish(self) -> None:
        """Forgets the answers: they are settings and credentials now."""
        await self.keyring.put(self._draft, "{}")

    def of_file(self) -> dict[str, str]:
        """What the file says already. A person signs in anew, and a next secret is never the present one."""
        known = [one for one in self.which.how.questions if not one.secret or self.errand == "connect"]
        found = {}
        for question in known:
            said = self.present.get(question.name)
            if isinstance(said, str) and said != FILL_IN and question.name != "refresh_token":
                found[question.name] = said
        return found

    def trouble(self, question: Question, answer: str) -> str:
        """What is wrong with an answer that is no secret, as the end of a sentence."""
        if question.choices and answer not in question.choices:
            return f"must be one of {', '.join(question.choices)}."
        if question.aside:
            return ""
        return complaint(self.which.model, question.name, answer)

    async def value(self, question: Question, answer: str) -> str:
        """The secret behind an answer."""
        if answer.startswith(TYPED):
            return self.secrets.live.add(answer.removeprefix(TYPED))
        try:
            reference = Reference.parse(answer)
        except ValueError as error:
            raise Misconfigured(f"The answer to {question.name} {error}.") from None
        if reference.kind == "sealed":
            return (await self.connections.turns(question.name, reference.place)).current.value
        lines = question.lines or question.can_make
        found = await self.secrets.read(f"[{self.which.table}] {question.name}", reference, lines=lines)
        return found if found.startswith("-----BEGIN") else found.strip()

    async def needs_no(self, question: Question) -> bool:
        """Whether the answer tells itself: a certificate says when it ends."""
        known = {one.name: one for one in self.which.how.secrets}.get(question.end_of)
        answer = self.answers.get(question.end_of, "")
        if known is None or not answer:
            return False
        return (await self.value(known, answer)).startswith("-----BEGIN")

    async def values(self) -> dict[str, str]:
        """The secrets behind all answers, with no password on any key."""
        found = {
            one.name: await self.value(one, self.answers[one.name])
            for one in self.which.how.secrets
            if one.wanted(self.answers) and self.answers.get(one.name)
        }
        password = found.pop("certificate_password", "")
        if password:
            found = {
                name: without_password(value, password) if value.startswith("-----BEGIN") else value
                for name, value in found.items()
            }
        return found

    # --- the proof ---------------------------------------------------------------------------------

    def section(self, values: Mapping[str, str]) -> Any:
        """The system's table with the answers in place, checked as a whole."""
        given = {name: Reference.given(value) for name, value in values.items()}
        if self.which.table == PARTNER_CENTER:
            given.setdefault("refresh_token", Reference.given("-"))
        table = {
            **{name: said for name, said in self.present.items() if name not in self._outdated()},
            **self._plain(),
            **given,
        }
        whole = {**tomllib.loads(self.text), self.which.table: table}
        _, section = draft_of(whole, self.file.name, self.which.table, self.which.model)
        self._refuse_foreign_worlds(section)
        return section

    def _plain(self) -> dict[str, str]:
        wanted = (one for one in self.which.how.questions if one.wanted(self.answers))
        questions = [one for one in wanted if not one.secret and not one.aside]
        said = {one.name: self.answers[one.name] for one in questions if self.answers.get(one.name)}
        return {"environment": str(self.present.get("environment", self.environment.kind)), **said}

    def _outdated(self) -> set[str]:
        """Settings that say nothing beside the answers: of the other ways to sign in, and secrets."""
        asked = self.which.how.questions
        useless = (one.name for one in asked if one.secret or not one.wanted(self.answers))
        return {*self.which.how.replaces, *useless}

    def _refuse_foreign_worlds(self, section: Any) -> None:
        kind = self.environment.kind
        if section.environment is not kind:
            raise Misconfigured(
                f"This environment is {kind}, but [{self.which.table}] is tagged {section.environment}.",
                advice="Both connections must carry the same word as [environment] kind.",
            )
        if isinstance(section, CrmSection):
            section.refuse_contradictions(kind)
        else:
            refuse_other_machines(
                "partner_center] url", section.url.partition("//")[2].partition(":")[0], kind
            )

    @contextlib.asynccontextmanager
    async def site(self) -> AsyncIterator[Site]:
        """What a proof works with."""
        transport = way_out(self.environment, self.folder)
        try:
            yield Site(
                transport=transport,
                clock=self.clock,
                secret=self.secrets.fetch,
                credential=self.secrets.credential,
                hide=self.secrets.live.also,
            )
        finally:
            await transport.aclose()

    async def prove(self, values: Mapping[str, str]) -> Proof:
        """Signs in with these secrets, reads something harmless and asks who we are; keeps nothing."""
        section = self.section(values)
        async with self.site() as site:
            if self.which.table == PARTNER_CENTER and await self._in_use(values):
                # The process that runs lives on this very refresh token: what it is exchanged for is kept.
                return await prove_partner_center(section, site, self.keyring)
            return await self.which.how.prove(section, site)

    async def _in_use(self, values: Mapping[str, str]) -> bool:
        kept = await self.connections.read(self.which.table)
        turns = kept.credentials.get("refresh_token") if kept is not None else None
        return turns is not None and turns.current.value == values.get("refresh_token")

    @contextlib.asynccontextmanager
    async def person(self, values: Mapping[str, str]) -> AsyncIterator[SigningIn]:
        """The two ways in which a person signs in to Partner Center."""
        async with self.site() as site:
            made = signing_in(self.section(values), site, values.get("client_secret"))
            yield made

    # --- what is kept ------------------------------------------------------------------------------

    async def keep(self, values: Mapping[str, str], proof: Proof, *, leave: bool) -> str:
        """Keeps proven secrets as the current ones; answers the text of the settings file that goes with
        them, which is not written yet."""
        fresh = {**values, **proof.renewed}
        now, credentials, changes = self.clock.now(), {}, dict[str, str | None](self._plain())
        for name in self._outdated():
            if name in self.present:
                changes[name] = None
        for name, value in fresh.items():
            place = self._stays(name, leave=leave)
            kept = Kept("" if place else value, place, now, self._ends(name, value))
            credentials[name] = Turns(kept)
            changes[name] = place or f"sealed:{self.which.table}.{name}"
        # Somebody may have edited the file, or connected the other system, while a person signed in.
        self.text = read_text(self.file)
        text = edited(self.text, self.which.table, changes, name=self.file.name)
        await self.connections.write(self.which.table, Connected(proof.who, proof.where, now, credentials))
        await ageing.settle(self.alerts, self.which.table, credentials)
        return text

    async def keep_next(self, values: Mapping[str, str], proof: Proof, *, leave: bool) -> Sequence[str]:
        """Keeps proven secrets beside the current ones; answers which."""
        connected = await self.connected()
        now, credentials = self.clock.now(), dict(connected.credentials)
        for name, value in {**values, **proof.renewed}.items():
            if name not in credentials:
                raise Misconfigured(
                    f"[{self.which.table}] {name} is not kept sealed, so no second one can stand beside it.",
                    advice=f"Connect anew: cosell connect {self.which.word}",
                )
            place = self._stays(name, leave=leave)
            kept = Kept("" if place else value, place, now, self._ends(name, value))
            credentials[name] = replace(credentials[name], next=kept)
        await self.connections.write(self.which.table, replace(connected, credentials=credentials))
        return list(values)

    async def connected(self) -> Connected:
        """What is kept of the connection, or Misconfigured with the command that makes one."""
        found = await self.connections.read(self.which.table)
        if found is None:
            raise Misconfigured(
                f"Nobody connected {self.which.label} here yet.",
                advice=f"Do so first: cosell connect {self.which.word}",
            )
        return found

    async def current(self, connected: Connected, *, ahead: bool = False) -> dict[str, str]:
        """The values in use; `ahead` those that will be after a switch."""
        found = {}
        for name, turns in connected.credentials.items():
            kept = turns.next if ahead and turns.next is not None else turns.current
            answer = kept.place or TYPED + kept.value
            question = next(one for one in self.which.how.questions if one.name == name)
            found[name] = await self.value(question, answer)
        return found

    async def switched(self, proof: Proof) -> Connected:
        """Puts every next credential in use, in one commit; what was in use stays beside it."""
        connected = await self.connected()
        credentials = {
            name: replace(turns, next=replace(turns.next, value=proof.renewed[name]))
            if turns.next is not None and name in proof.renewed
            else turns
            for name, turns in connected.credentials.items()
        }
        made = replace(connected, who=proof.who, where=proof.where, credentials=credentials).switched()
        await self.connections.write(self.which.table, made)
        await ageing.settle(self.alerts, self.which.table, connected.waiting())
        return made

    async def forgotten(self) -> Connected:
        """Forgets what was replaced."""
        made = (await self.connected()).forgetful()
        await self.connections.write(self.which.table, made)
        return made

    def _stays(self, name: str, *, leave: bool) -> str:
        """The reference a secret stays at; empty where it is sealed, as a key under a password always is."""
        if self.answers.get("certificate_password"):
            return ""
        answer = self.answers.get(name, "")
        kind = "" if answer.startswith(TYPED) else answer.partition(":")[0]
        return answer if kind in STAYS_THERE or (leave and kind in ("env", "file")) else ""

    def _ends(self, name: str, value: str) -> float | None:
        """When a secret ends: as its certificate says, else as the person said."""
        if value.startswith("-----BEGIN"):
            return end_of(value)
        asked = (one for one in self.which.how.questions if one.end_of == name and one.wanted(self.answers))
        return next((ageing.end_of_day(self.answers.get(one.name, "")) for one in asked), None)

    def write(self, text: str) -> None:
        """Puts another text in the file's place, whole or not at all, with the rights it had."""
        target = self.file.resolve()
        fresh = target.with_name(f"{target.name}.new")
        fresh.write_text(text, "utf-8")
        shutil.copymode(target, fresh)
        fresh.replace(target)

    @property
    def running(self) -> bool:
        """Whether a process works with these settings now; it has read the file before this."""
        name = self.environment.name
        return Place(name, self.folder / self.environment.data / name).running() is not None

    def missing(self, text: str) -> str:
        """What the whole file still lacks, in a sentence; empty where it is complete."""
        try:
            parse_settings(text, self.file.name)
        except CosellError as error:
            return error.message
        return ""
