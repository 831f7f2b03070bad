"""Sends updates: hundreds a call, each an atomic change set of its own, with a look at what was stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cosell.core.errors import CosellError, Gone, Rejected, SchemaDrift, Stale, Uncertain
from cosell.core.records import RecordKind, Snapshot
from cosell.ports import Update, Written
from cosell.systems.dataverse.batch import ChangeSet, Item, Part
from cosell.systems.dataverse.children import missing_contacts
from cosell.systems.dataverse.client import MOST_OPERATIONS, read
from cosell.systems.dataverse.odata import chunks, guid
from cosell.systems.dataverse.wire import Answer
from cosell.systems.dataverse.workbench import IDS_A_QUERY, Tools, Workbench
from cosell.systems.dataverse.writing import Draft, solutions_in

LISTS = frozenset(("contacts", "solutions", "team"))
_EMAILS_A_QUERY = 100
_READ_BACK_ROOM = 100
"""Operations of a batch kept for the reads after the writes, and for the catalogue."""


@dataclass(frozen=True, slots=True)
class Task:
    """An update and the requests it becomes."""

    update: Update
    draft: Draft

    @property
    def is_lead(self) -> bool:
        return self.update.seen.kind is RecordKind.LEAD


async def update_many(bench: Workbench, updates: Sequence[Update]) -> dict[str, Written]:
    """Carries out each update on its own, and reads back what was stored in the same call."""
    tools = await bench.tools()
    async with bench.access.noting_drift():
        known = await _contacts(bench, tools, updates)
    written: dict[str, Written] = {}
    tasks: list[Task] = []
    for at, update in enumerate(updates):
        try:
            task = _task(bench, tools, update, at, known)
        except CosellError as why:
            written[update.write_id] = why
            continue
        if task.draft.parts:
            tasks.append(task)
        else:
            # There is nothing to say, as a closed row takes no signs: it stands as it was read.
            written[update.write_id] = update.seen
    for answered in await asyncio.gather(*(_send(bench, tools, some) for some in _calls(tasks))):
        written.update(answered)
    if any(isinstance(one, SchemaDrift) for one in written.values()):
        bench.access.denied(tools.schema)
    return {write_id: _in_our_words(tools, one) for write_id, one in written.items()}


def _in_our_words(tools: Tools, answer: Written) -> Written:
    """A refusal that names the fields of the mapping, so that only those wait."""
    if isinstance(answer, Rejected):
        ours = {column.name: role for role, column in tools.schema.opportunity.items()}
        answer.fields = tuple(dict.fromkeys(ours.get(one, one) for one in answer.fields))
    return answer


def _task(
    bench: Workbench, tools: Tools, update: Update, at: int, known: Mapping[tuple[str, str], str]
) -> Task:
    record_id = guid(update.record_id)
    if record_id is None:
        raise Rejected("This is no id of an opportunity.", code="malformed_id")
    kind = RecordKind.LEAD if bench.is_lead(record_id) else update.seen.kind
    update = replace(update, record_id=record_id, seen=replace(update.seen, kind=kind))
    draft = tools.writer.draft(update, at, known)
    if len(draft.parts) > MOST_OPERATIONS - _READ_BACK_ROOM:
        raise Rejected("The change has more parts than Dynamics 365 takes at once.", code="too_many")
    return Task(update, draft)


async def _contacts(bench: Workbench, tools: Tools, updates: Sequence[Update]) -> dict[tuple[str, str], str]:
    """Contacts that exist already among those the updates add: one call, none where nothing is added."""
    deals = (update for update in updates if update.seen.kind is RecordKind.OPPORTUNITY)
    emails = sorted({email for update in deals for _, email in missing_contacts(update)})
    if not emails or "contacts" not in tools.schema.capabilities.updatable:
        return {}
    children, table = tools.writer.children, tools.schema.tables["contact"]
    parts = [
        read(table.set, children.contact_query(some), ref=f"c{at}")
        for at, some in enumerate(chunks(emails, _EMAILS_A_QUERY))
    ]
    lists = await bench.lists(parts, purpose="contacts")
    return children.contacts_found(row for rows in lists.values() for row in rows)


def _calls(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """Tasks by call: as many as a batch holds."""
    some: list[Task] = []
    room = MOST_OPERATIONS - _READ_BACK_ROOM
    for task in tasks:
        if some and len(task.draft.parts) > room:
            yield some
            some, room = [], MOST_OPERATIONS - _READ_BACK_ROOM
        some.append(task)
        room -= len(task.draft.parts)
    if some:
        yield some


# --- one call --------------------------------------------------------------------------------------


async def _send(bench: Workbench, tools: Tools, tasks: Sequence[Task]) -> dict[str, Written]:
    items: list[Item] = [_item(task.draft) for task in tasks]
    learnt = _learnt(bench, tools, tasks)
    refs, reads = _read_back(tools, tasks)
    try:
        answers = await bench.client.batch([*items, *learnt, *reads], purpose="update")
    except CosellError as why:
        return {task.update.write_id: why for task in tasks}
    bench.catalogue.note(learnt, answers)
    stored = await _stored(bench, tools, {part.ref: answers.get(part.ref) for part in reads}, refs)
    return {task.update.write_id: _outcome(tools, task, answers, stored) for task in tasks}


def _item(draft: Draft) -> Item:
    return draft.parts[0] if len(draft.parts) == 1 else ChangeSet(f"{draft.parts[0].ref}!", draft.parts)


def _learnt(bench: Workbench, tools: Tools, tasks: Sequence[Task]) -> list[Part]:
    if not bench.options.learn_solutions:
        return []
    solutions = [one for task in tasks for one in solutions_in(task.update.values)]
    return bench.catalogue.additions(tools.schema, solutions)[: _READ_BACK_ROOM // 2]


def _read_back(tools: Tools, tasks: Sequence[Task]) -> tuple[dict[str, bool], list[Part]]:
    """The reads after the writes, and by their refs whether they bring leads."""
    deals = list(dict.fromkeys(task.update.record_id for task in tasks if not task.is_lead))
    leads = list(dict.fromkeys(task.update.record_id for task in tasks if task.is_lead))
    refs: dict[str, bool] = {}
    parts: list[Part] = []
    for at, few in enumerate(chunks(deals, IDS_A_QUERY)):
        refs[f"after{at}"] = False
        parts += tools.reader.by_ids(few, f"after{at}")
    for at, few in enumerate(chunks(leads, IDS_A_QUERY)):
        if tools.leads is not None:
            refs[f"lead{at}"] = True
            parts += tools.leads.by_ids(few, f"lead{at}")
    return refs, parts


async def _stored(
    bench: Workbench, tools: Tools, answers: Mapping[str, Answer | None], refs: Mapping[str, bool]
) -> dict[str, Snapshot] | None:
    """What the reads brought; None where they failed. The writes are done: it is no trouble of theirs."""
    told = {ref: answer for ref, answer in answers.items() if answer is not None}
    if len(told) < len(answers):
        return None
    try:
        lists = await bench.rows_of(told, purpose="update")
    except CosellError:
        return None
    found: dict[str, Snapshot] = {}
    for ref, is_lead in refs.items():
        reader = tools.leads if is_lead else tools.reader
        if reader is not None:
            found |= {one.id: one for one in reader.snapshots(lists, ref)}
    return found


# --- what became of one update ---------------------------------------------------------------------


def _outcome(
    tools: Tools, task: Task, answers: Mapping[str, Answer], stored: Mapping[str, Snapshot] | None
) -> Written:
    record_id = task.update.record_id
    for part in task.draft.parts:
        answer = answers.get(part.ref)
        if answer is None:
            return Uncertain("Dynamics 365 left out the answer to this change.", detail=part.ref)
        if not answer.ok:
            return _refusal(task, answer, stored)
    found = stored.get(record_id) if stored is not None else None
    told = answers[task.draft.row] if task.draft.row else Answer(204)
    if found is not None and (task.draft.closes or told.etag in (None, found.version)):
        return found
    if found is None and not LISTS.isdisjoint(task.update.values):
        return Uncertain("Dynamics 365 took the change and does not show it.", detail="no read-back")
    return _as_told(tools, task, told, found)


def _refusal(task: Task, answer: Answer, stored: Mapping[str, Snapshot] | None) -> CosellError:
    why = answer.error(safe=False)
    still_there = stored is not None and task.update.record_id in stored
    if isinstance(why, Gone) and len(task.draft.parts) > 1 and still_there:
        # A related row is gone, not the opportunity: the lists have to be read again.
        return Stale("A related record was deleted in Dynamics 365 meanwhile.", detail=why.detail)
    return why


def _as_told(tools: Tools, task: Task, told: Answer, found: Snapshot | None) -> Snapshot:
    """The record right after the write, where somebody changed it again before it was read back.

    What that somebody did to the row must not pass for what we wrote: the next look sees it. Lists have
    rows of their own and stand as they were found.
    """
    update = task.update
    reader = tools.leads if task.is_lead else tools.reader
    own = reader.own_values(told.row)[0] if told.row and reader is not None else {}
    lists = {key: value for key, value in found.values.items() if key in LISTS} if found is not None else {}
    return replace(
        update.seen,
        values={**update.seen.values, **update.values, **lists, **own},
        version=None if task.draft.closes else told.etag,
        complete=False,
        stamp=update.write_id,
        touched_by_us=True,
        facts={},
    )
