"""How old each credential is and when it ends, and the warning before that day (J-8)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cosell.core.errors import CosellError, Misconfigured
from cosell.crm.certificates import ends as end_of
from cosell.ports import Alerts, Finding, Who
from cosell.sections.secrets import Reference
from cosell.systems.partner_center.auth import KEY, last_used
from cosell.wiring.connectable import PARTNER_CENTER, which
from cosell.wiring.connections import Kept, Turns
from cosell.wiring.environment import Environment

DAY = 86_400.0
STEPS = (30, 7, 1)
"""Days before its end at which a credential is warned about, once each."""
EVERY = 3600.0
CODE = "credential_ends."
log = logging.getLogger("cosell.credentials")


@dataclass(frozen=True, slots=True)
class Age:
    """One credential in use."""

    system: str
    """As a person types it: partner-center."""
    name: str
    place: str
    """Where it lies, as a reference."""
    since: float | None
    """Since when it is in use here; None where nobody noted it."""
    ends: float | None
    """When it stops being good, as far as anybody knows."""
    waiting: bool = False
    """Whether the next one stands beside it, proven."""

    def days(self, now: float) -> int | None:
        """Whole days left; negative once it has ended."""
        return None if self.ends is None else int((self.ends - now) // DAY)

    @property
    def code(self) -> str:
        return f"{CODE}{self.system.replace('-', '_')}.{self.name}"


async def ages(env: Environment) -> Sequence[Age]:
    """Every credential that the settings name, and what is known of its end."""
    found: list[Age] = []
    ours, theirs = env.settings.partner_center, env.settings.crm
    for table, section in ((PARTNER_CENTER, ours), (env.settings.crm_name, theirs)):
        try:
            system = which(table)
        except CosellError:
            continue  # a CRM that declares no way to connect has no credentials we know of
        connected = await env.connections.read(table)
        turns = connected.credentials if connected is not None else {}
        answers = {name: str(value) for name, value in section.model_dump().items() if value}
        aside = {one.name for one in system.how.questions if one.aside or not one.wanted(answers)}
        names = [one.name for one in system.how.secrets] + [*system.how.replaces]
        for name in (one for one in names if one not in aside):
            reference = getattr(section, name, None)
            if isinstance(reference, Reference) and reference.kind != "given":
                found.append(await _age(env, system.word, name, reference, turns))
    return found


async def _age(
    env: Environment, system: str, name: str, reference: Reference, turns: Mapping[str, Turns]
) -> Age:
    known = turns.get(name)
    kept = known.current if known is not None and _is_same(reference, known.current) else Kept()
    ends = kept.ends
    if name == "refresh_token":
        ends = await _unused_too_long(env, kept)
    elif ends is None:
        ends = await _as_its_certificate_says(env, name, reference)
    waiting = known is not None and known.next is not None
    return Age(system, name, str(reference), kept.since or None, ends, waiting)


def _is_same(reference: Reference, kept: Kept) -> bool:
    """Whether what was noted is about what the settings name now."""
    return reference.kind == "sealed" or kept.place == str(reference)


async def _unused_too_long(env: Environment, kept: Kept) -> float | None:
    """A refresh token lapses when nobody uses it; each use gives a new one with a life of its own."""
    days = env.settings.partner_center.refresh_token_days
    used = last_used(await env.keyring.get(KEY)) or kept.since
    return used + days * DAY if days and used else None


async def _as_its_certificate_says(env: Environment, name: str, reference: Reference) -> float | None:
    if reference.kind != "file":
        return None
    try:
        return end_of(await env.secrets.read(name, reference, lines=True))
    except CosellError:
        return None  # whoever signs in says what is wrong with it


def end_of_day(text: str) -> float | None:
    """The end of a day written YYYY-MM-DD, epoch seconds; None for nothing. Raises Misconfigured."""
    if not text.strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Misconfigured(
            "The day on which the secret ends cannot be read.", advice="Write it like 2027-03-31."
        ) from None
    return (day + timedelta(days=1)).timestamp()


# --- who is told -----------------------------------------------------------------------------------


async def warn(env: Environment) -> None:
    """Raises an alert for each credential that ends within thirty, seven and one days; clears all others."""
    now = env.clock.now()
    for age in await ages(env):
        due = _step(age.days(now))
        for step in STEPS:
            code = f"{age.code}.{step}"
            if step == due:
                await env.alerts.raise_(code, said(age, now), advice(age))
            else:
                await env.alerts.clear(code)


async def settle(alerts: Alerts, table: str, names: Iterable[str]) -> None:
    """Clears what was said about credentials that have just been replaced."""
    for name in names:
        for step in STEPS:
            await alerts.clear(f"{CODE}{table}.{name}.{step}")


async def watch(env: Environment, *, every: float = EVERY) -> None:
    """Warns for as long as the process runs."""
    while True:
        try:
            await warn(env)
        except CosellError as error:
            log.info("credentials.later", extra={"error": error.code})
        await env.clock.sleep(every)


def _step(days: int | None) -> int | None:
    """The narrowest of the steps that has come."""
    return None if days is None else min((step for step in STEPS if days < step), default=None)


def said(age: Age, now: float) -> str:
    """How long a credential is still good, in a sentence."""
    days, what = age.days(now), f"The {age.name.replace('_', ' ')} of {age.system}"
    if days is None:
        return f"{what} has no end that is known here."
    if days < 0:
        return f"{what} has ended."
    when = "today" if days == 0 else "in a day" if days == 1 else f"in {days} days"
    return f"{what} ends {when}."


def advice(age: Age) -> str:
    """What renews it."""
    if age.waiting:
        return f"The next one is proven and waits: cosell connect {age.system} --switch"
    if age.place.startswith("sealed:"):
        return f"Make a new one on the other side; then: cosell connect {age.system} --rotate"
    return f"Put a new one at {age.place.partition(':')[0]}, where it is read at the next sign-in."


async def findings(env: Environment) -> Sequence[Finding]:
    """One check for each credential, for the doctor."""
    now = env.clock.now()
    return [
        Finding(
            f"credential {age.system} {age.name}",
            _step(age.days(now)) is None,
            said(age, now),
            "" if _step(age.days(now)) is None else advice(age),
            "how-to/rotate-a-secret.md",
            who=Who.OPERATOR,
        )
        for age in await ages(env)
    ]
