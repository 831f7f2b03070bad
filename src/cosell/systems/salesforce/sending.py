"""Sends updates: many a call where each stands alone, all-or-nothing where one touches several rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cosell.core.errors import CosellError, Gone, Rejected, SchemaDrift, Stale, Uncertain
from cosell.core.records import Snapshot
from cosell.ports import Update, Written
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.children import contact_query, contacts_found, missing_contacts
from cosell.systems.salesforce.client import MOST_PARTS, Answer, Part, query_part, refers
from cosell.systems.salesforce.outcomes import real, refusals
from cosell.systems.salesforce.soql import chunks, long_id
from cosell.systems.salesforce.writing import Draft

READ_BACK = "after"
_EMAILS_A_QUERY = 100
_OWN_ROWS = ("/sobjects/Opportunity/", "/sobjects/Lead/")


@dataclass(frozen=True, slots=True)
class Task:
    """An update and the requests it becomes."""

    update: Update
    draft: Draft


async def update_many(access: Access, updates: Sequence[Update]) -> dict[str, Written]:
    """Carries out each update on its own, and reads back what was stored in the same call."""
    tools = await access.tools()
    async with access.noting_drift():
        known = await _contacts(access, updates)
    written: dict[str, Written] = {}
    alone: list[Task] = []
    atomic: list[Task] = []
    for at, update in enumerate(updates):
        try:
            task = _task(tools, update, at, known)
        except CosellError as why:
            written[update.write_id] = why
            continue
        (atomic if task.draft.children or _needs_own_call(task) else alone).append(task)
    kinds: list[list[Task]] = [[], []]
    for task in alone:
        kinds[tools.is_lead(task.update.record_id)].append(task)
    calls = [_send_rows(access, tools, some) for kind in kinds for some in chunks(kind, MOST_PARTS - 1)]
    calls += [_send_atomic(access, tools, task) for task in atomic]
    for answered in await asyncio.gather(*calls):
        written.update(answered)
    if any(isinstance(one, SchemaDrift) for one in written.values()):
        access.denied(tools)
    return {write_id: _in_our_words(tools, one) for write_id, one in written.items()}


def _in_our_words(tools: Tools, answer: Written) -> Written:
    """A refusal that names the fields of the mapping, so that only those wait."""
    if isinstance(answer, Rejected):
        schema = tools.schema
        ours = {column.name: role for role, column in schema.opportunity.items()}
        ours |= {column.name: "contacts" for column in schema.contact.values() if column.name not in ours}
        answer.fields = tuple(dict.fromkeys(ours.get(one, one) for one in answer.fields))
    return answer


def _task(tools: Tools, update: Update, at: int, known: Mapping[tuple[str, str], str]) -> Task:
    record_id = long_id(update.record_id)
    if record_id is None:
        raise Rejected("This is no id of an opportunity.", code="malformed_id")
    update = replace(update, record_id=record_id)
    if tools.leads is not None and tools.is_lead(record_id):
        return Task(update, tools.leads[1].draft(update, at))
    return Task(update, tools.writer.draft(update, at, known))


async def _contacts(access: Access, updates: Sequence[Update]) -> dict[tuple[str, str], str]:
    """Contacts that exist already among those the updates add: one call, none where nothing is added."""
    emails = {email for update in updates for _, email in missing_contacts(update)}
    if not emails:
        return {}
    parts = [
        query_part(contact_query(some), f"c{at}")
        for at, some in enumerate(chunks(sorted(emails), _EMAILS_A_QUERY))
    ]
    found: dict[tuple[str, str], str] = {}
    for few in chunks(parts, 5):
        for answer in (await access.client.reads(few, purpose="contacts")).values():
            found |= contacts_found(await access.client.rows(answer, purpose="contacts"))
    return found


# --- rows that stand alone -------------------------------------------------------------------------


async def _send_rows(access: Access, tools: Tools, tasks: Sequence[Task]) -> dict[str, Written]:
    rows = [task.draft.row for task in tasks if task.draft.row is not None]
    ids = dict.fromkeys(long_id(task.update.record_id) or "" for task in tasks)
    (again,) = tools.by_ids(ids)
    read_back = query_part(again, READ_BACK)
    try:
        answers = await access.client.composite([*rows, read_back], purpose="update")
    except CosellError as why:
        return {task.update.write_id: why for task in tasks}
    stored = await _stored(access, tools, answers.get(READ_BACK))
    return {task.update.write_id: _outcome(task, answers, stored) for task in tasks}


def _outcome(task: Task, answers: Mapping[str, Answer], stored: Mapping[str, Snapshot]) -> Written:
    row = task.draft.row
    answer = answers.get(row.ref) if row is not None else None
    if row is not None and answer is None:
        return Uncertain("Salesforce left out the answer to this change.", detail=row.ref)
    if answer is not None and not answer.ok:
        return answer.error(safe=False)
    return stored.get(_key(task.update.record_id)) or _merged(task.update)


async def _stored(access: Access, tools: Tools, answer: Answer | None) -> dict[str, Snapshot]:
    """What the read-back brought. The writes are done, so trouble here is no trouble of theirs."""
    if answer is None:
        return {}
    try:
        return {one.id.casefold(): one for one in await access.snapshots([answer], tools)}
    except CosellError:
        return {}


def _merged(update: Update) -> Snapshot:
    """The record as it should stand now: what was read before, with what was just accepted."""
    return replace(
        update.seen,
        values={**update.seen.values, **update.values},
        version=None,
        firm=False,
        complete=False,
        stamp=update.write_id,
        touched_by_us=True,
    )


def _key(record_id: str) -> str:
    return (long_id(record_id) or record_id).casefold()


# --- several rows together -------------------------------------------------------------------------


async def _send_atomic(access: Access, tools: Tools, task: Task) -> dict[str, Written]:
    try:
        return {task.update.write_id: await _applied(access, tools, task)}
    except CosellError as why:
        return {task.update.write_id: why}


async def _applied(access: Access, tools: Tools, task: Task) -> Snapshot:
    record_id = _key_id(task.update.record_id)
    (again,) = tools.by_ids([record_id])
    read_back = query_part(again, READ_BACK)
    if task.draft.row is not None and _needs_own_call(task):
        answers = await _in_two_calls(access, task.draft.row, task.draft.children, read_back)
    else:
        row = [task.draft.row] if task.draft.row is not None else []
        answers = await in_steps(access, row, task.draft.children, read_back)
    stored = await _stored(access, tools, answers.get(READ_BACK))
    return stored.get(_key(record_id)) or _merged(task.update)


def _needs_own_call(task: Task) -> bool:
    return task.draft.row is not None and refers(task.draft.row.body)


async def _in_two_calls(
    access: Access, row: Part, children: Sequence[Part], read_back: Part
) -> dict[str, Answer]:
    """The row by itself, where its texts are only texts; then the rest."""
    await patch(access, row)
    try:
        return await in_steps(access, [], children, read_back)
    except CosellError as why:
        if not children:
            return {}
        raise Uncertain(
            "Salesforce took a part of a long change only.", detail=f"{why.code}: {why.detail}"
        ) from None


async def patch(access: Access, row: Part) -> None:
    """Sends one row's write outside a composite. Raises what a refusal means."""
    answer = await access.client.call(
        row.method, row.path, purpose="update", body=row.body, headers=row.headers
    )
    if not answer.ok:
        raise answer.error(safe=False)


def _key_id(record_id: str) -> str:
    return long_id(record_id) or record_id


async def in_steps(
    access: Access, first: Sequence[Part], rest: Sequence[Part], read_back: Part
) -> dict[str, Answer]:
    """All parts in one all-or-nothing call; what exceeds its size goes in further calls like it.

    The first call holds the precondition, so a stale write changes nothing at all. A later call that fails
    leaves work undone, which is Uncertain: the next read shows it, and lists are compared by element.
    """
    steps = list(_steps(first, rest))
    for at, step in enumerate(steps[:-1]):
        await _step(access, step, later=at > 0)
    return await _step(access, [*steps[-1], read_back], later=len(steps) > 1)


def _steps(first: Sequence[Part], rest: Sequence[Part]) -> Iterable[list[Part]]:
    room = MOST_PARTS - 1
    step = list(first)
    for group in _groups(rest):
        if step and len(step) + len(group) > room:
            yield step
            step = []
        step += group
    yield step


def _groups(parts: Sequence[Part]) -> Iterable[list[Part]]:
    """Parts that name each other's results must travel together: a contact and its role."""
    group: list[Part] = []
    for part in parts:
        if group and not part.ref.startswith(group[0].ref):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


async def _step(access: Access, parts: Sequence[Part], *, later: bool) -> dict[str, Answer]:
    try:
        answers = await access.client.composite(parts, purpose="update", all_or_none=True)
        raise_first(parts, answers)
    except CosellError as why:
        if later:
            raise Uncertain(
                "Salesforce took a part of a long change only.", detail=f"{why.code}: {why.detail}"
            ) from None
        raise
    return answers


def raise_first(parts: Sequence[Part], answers: Mapping[str, Answer]) -> None:
    """Raises what stopped an all-or-nothing call; innocent parts only say they were halted (trap 2)."""
    halted: Answer | None = None
    for part in parts:
        answer = answers.get(part.ref)
        if answer is None:
            raise Uncertain("Salesforce left out the answer to a part of the change.", detail=part.ref)
        if answer.ok:
            continue
        if not _is_halted(answer):
            raise _error_of(part, answer)
        halted = answer
    if halted is not None:
        raise halted.error(safe=False)


def _error_of(part: Part, answer: Answer) -> CosellError:
    why = answer.error(safe=False)
    if isinstance(why, Gone) and part.method != "POST" and not part.path.startswith(_OWN_ROWS):
        # A related row is gone, not the opportunity: the lists have to be read again.
        return Stale("A related record was deleted in Salesforce meanwhile.", detail=why.detail)
    if why.code == "exists" and not f"{part.path}/".startswith(_OWN_ROWS):
        # Only the referral's own id says that the deal exists; another unique field is the admin's.
        why.code = "duplicate_value"
    return why


def _is_halted(answer: Answer) -> bool:
    one = real(refusals(answer.body))
    return answer.status == 400 and one is not None and one.code == "PROCESSING_HALTED"
