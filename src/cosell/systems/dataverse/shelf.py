"""The catalogue «Microsoft Solution Details» as a whole: read, and taught much at once (CUS-15, FLD-D11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosell.core.catalogue import TEXTS, KnownSolution, Shelf
from cosell.core.errors import CosellError, Misconfigured, Uncertain
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.children import ANY
from cosell.systems.dataverse.client import page_size
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.odata import chunks, guid, row
from cosell.systems.dataverse.schema import DetailTable, Schema
from cosell.systems.dataverse.workbench import Workbench

_PAGE = 5_000
_WRITES_A_CALL = 500
_TEXT = frozenset(("String", "Memo"))


async def solutions(bench: Workbench) -> Shelf:
    """The catalogue as it stands, thousands a call."""
    table = _table(bench, (await bench.tools()).schema)
    columns = _columns(table)
    rows = await _rows(bench, table, columns)
    found = [_solution(one, columns) for one in rows]
    return Shelf(
        tuple(one for one in found if one.id),
        {key: column.length for key, column in columns.items() if column.creatable},
    )


async def teach(bench: Workbench, wanted: Sequence[KnownSolution]) -> dict[str, CosellError | None]:
    """Adds or changes each on its own, hundreds a call."""
    table = _table(bench, (await bench.tools()).schema)
    columns = _columns(table)
    known: dict[str, str] = {}
    for one in await _rows(bench, table, columns):
        row_id = guid(one.get(table.key))
        if row_id is not None:
            known.setdefault(_solution(one, columns).key, row_id)
    parts = {f"s{at}": one for at, one in enumerate(wanted)}
    outcomes: dict[str, CosellError | None] = {}
    for refs in chunks(list(parts), _WRITES_A_CALL):
        some = [_write(table, columns, ref, parts[ref], known) for ref in refs]
        outcomes |= await _sent(bench, some, {ref: parts[ref].id for ref in refs})
    return outcomes


async def _sent(
    bench: Workbench, parts: Sequence[Part], ids: Mapping[str, str]
) -> dict[str, CosellError | None]:
    try:
        answers = await bench.client.batch(parts, purpose="catalogue")
    except CosellError as why:
        return {ids[part.ref]: why for part in parts}
    found: dict[str, CosellError | None] = {}
    for part in parts:
        answer = answers.get(part.ref)
        if answer is None:
            found[ids[part.ref]] = Uncertain("Dynamics 365 left out the answer to this solution.")
        else:
            found[ids[part.ref]] = None if answer.ok else answer.error(safe=False)
    return found


def _write(
    table: DetailTable,
    columns: Mapping[str, Column],
    ref: str,
    one: KnownSolution,
    known: Mapping[str, str],
) -> Part:
    row_id = known.get(one.key)
    texts = {key: getattr(one, key) for key in TEXTS if key in columns and getattr(one, key)}
    if row_id is not None:
        body = {columns[key].name: text for key, text in texts.items() if columns[key].updatable}
        return Part("PATCH", row(table.set, row_id), ref, body, ANY)
    texts["id"] = one.id
    return Part("POST", table.set, ref, {columns[key].name: text for key, text in texts.items()})


async def _rows(bench: Workbench, table: DetailTable, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    asked = ",".join((table.key, *(column.name for column in columns.values())))
    prefer = (page_size(_PAGE),)
    query = {"$select": asked, "$orderby": table.key}
    answer = await bench.client.get(table.set, query, prefer=prefer, purpose="catalogue")
    return await bench.client.rows(answer, prefer=prefer, purpose="catalogue")


def _solution(one: Mapping[str, Any], columns: Mapping[str, Column]) -> KnownSolution:
    return KnownSolution(**{key: str(one.get(column.name) or "").strip() for key, column in columns.items()})


def _columns(table: DetailTable) -> dict[str, Column]:
    """The columns that hold text, by the names of KnownSolution."""
    named = {"id": table.id, "name": table.label, "type": table.type, "publisher": table.publisher}
    return {key: one for key, one in named.items() if one is not None and (key == "id" or one.type in _TEXT)}


def _table(bench: Workbench, schema: Schema) -> DetailTable:
    if schema.details is None:
        name = bench.options.fields.detail_table
        raise Misconfigured(
            f"Dynamics 365 has no catalogue of solutions: the table {name} is not there, or not to be seen."
            if name
            else "The settings name no table for the catalogue of solutions.",
            did="Nothing was changed.",
            advice="Install it, or name yours in [dynamics.fields] detail_table and detail_id.",
        )
    return schema.details
