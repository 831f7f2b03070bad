"""What was deleted: the only trace of a contact role or team member that went (trap 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from cosell.core.errors import Unavailable
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.client import Answer, Part, query_part
from cosell.systems.salesforce.outcomes import real, refusals
from cosell.systems.salesforce.schema import Schema
from cosell.systems.salesforce.soql import chunks, literals, long_id, select
from cosell.systems.salesforce.streams import our_leads, ours

MINUTE = 60
_MOST_CHILDREN = 500_000
_IDS_A_QUERY = 200
_LOST_LOG = ("INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT")


@dataclass(slots=True)
class Parents:
    """Which opportunity each child row belonged to, for when only the child's id is left."""

    known: dict[str, str] = field(default_factory=dict)
    warm: bool = False

    def learn(self, opportunity: str, children: Sequence[str]) -> None:
        if len(self.known) < _MOST_CHILDREN:
            for child in children:
                self.known[child] = opportunity

    def of(self, child: str) -> str | None:
        return self.known.get(child)

    async def warm_up(self, access: Access, tools: Tools) -> None:
        """Asks once for the children of everything open, so that their deletion can be told apart."""
        if self.warm:
            return
        parts = [query_part(_children_query(tools.schema, one), one) for one in _silent(tools.schema)]
        answers = await access.client.reads(parts, purpose="children") if parts else {}
        for answer in answers.values():
            for row in await access.client.rows(answer, purpose="children"):
                opportunity, child = row.get("OpportunityId"), row.get("Id")
                if isinstance(opportunity, str) and isinstance(child, str):
                    self.learn(opportunity, (child,))
        self.warm = True


def _silent(schema: Schema) -> Iterable[str]:
    """Objects whose deleted rows never reach the recycle bin."""
    if schema.contact:
        yield "OpportunityContactRole"
    if schema.teams:
        yield "OpportunityTeamMember"


def _children_query(schema: Schema, name: str) -> str:
    where = f"WHERE Opportunity.IsClosed = false AND ({ours(schema, 'Opportunity.')})"
    return select(("Id", "OpportunityId"), name, where)


def objects(schema: Schema) -> Iterable[str]:
    """The objects whose deletions concern a deal."""
    wanted = ["Opportunity", *_silent(schema)]
    if schema.solution is not None:
        wanted.append(schema.solution.name)
    if schema.lead is not None:
        wanted.append("Lead")
    return (name for name in wanted if name in schema.replicateable)


def window(since: int, now: float) -> tuple[int, int] | None:
    """Start and end in whole minutes, as the seconds are dropped anyway (trap 10); None while too short."""
    start, end = since - since % MINUTE, int(now) - int(now) % MINUTE
    return (start, end) if end - start >= MINUTE else None


def parts(schema: Schema, start: int, end: int) -> list[Part]:
    """The questions for one window."""
    asked = f"start={_moment(start)}&end={_moment(end)}"
    return [
        Part("GET", f"/sobjects/{name}/deleted/?{asked}", f"x{at}") for at, name in enumerate(objects(schema))
    ]


def _moment(epoch: int) -> str:
    return quote(datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"), safe="")


def log_is_lost(answer: Answer) -> bool:
    """Whether the log of deletions does not reach back that far any more (salesforce-api.md 10.3)."""
    one = real(refusals(answer.body)) if not answer.ok else None
    return one is not None and one.code in _LOST_LOG


def ids_of(answer: Answer) -> list[str]:
    """The ids in one answer. Raises what a refusal means."""
    if not answer.ok:
        raise answer.error(safe=True)
    records = answer.body.get("deletedRecords") if isinstance(answer.body, dict) else None
    if not isinstance(records, list):
        raise Unavailable("Salesforce answered nonsense.", detail="getDeleted without records")
    found = (one.get("id") for one in records if isinstance(one, dict))
    return [long for raw in found if isinstance(raw, str) and (long := long_id(raw))]


async def touched(
    access: Access, tools: Tools, parents: Parents, found: Mapping[str, Sequence[str]]
) -> list[str]:
    """The opportunities of ours behind deleted ids: themselves, or those whose child row went."""
    known = {opportunity for opportunity in parents.known.values()}
    touched: dict[str, None] = {}
    unknown: dict[str, list[str]] = {}
    for name, ids in found.items():
        for row_id in ids:
            if name == "Opportunity" and row_id in known:
                touched[row_id] = None
            elif (parent := parents.of(row_id)) is not None:
                touched[parent] = None
            else:
                unknown.setdefault(name, []).append(row_id)
    for opportunity in await _from_the_bin(access, tools, unknown):
        touched[opportunity] = None
    return list(touched)


async def _from_the_bin(access: Access, tools: Tools, unknown: Mapping[str, Sequence[str]]) -> list[str]:
    """Asks the recycle bin about rows this process never read: were they ours?"""
    schema = tools.schema
    columns = {"Opportunity": ("Id", ours(schema))}
    if schema.solution is not None:
        columns[schema.solution.name] = (
            schema.solution.opportunity,
            ours(schema, f"{schema.solution.parent}."),
        )
    if schema.lead is not None:
        columns["Lead"] = ("Id", our_leads(schema.lead))
    asked = [
        (column, query_part(_bin_query(name, column, some, where), f"b{at}", deleted_too=True))
        for name, (column, where) in columns.items()
        for at, some in enumerate(chunks(unknown.get(name, ()), _IDS_A_QUERY))
    ]
    found: list[str] = []
    for column, part in asked:
        answers = await access.client.reads([part], purpose="recycle bin")
        for row in await access.client.rows(answers[part.ref], purpose="recycle bin"):
            if isinstance(raw := row.get(column), str) and (opportunity := long_id(raw)):
                found.append(opportunity)
    return found


def _bin_query(name: str, column: str, ids: Sequence[str], where: str) -> str:
    return select((column,), name, f"WHERE IsDeleted = true AND Id IN {literals(ids)} AND ({where})")
