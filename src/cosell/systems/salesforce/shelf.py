"""The catalogue of solutions as a whole, where the org has an object for it (CUS-15, FLD-D11).

It is described only when it is asked for: most orgs have none, and no deal needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosell.core.catalogue import TEXTS, KnownSolution, Shelf
from cosell.core.errors import CosellError, Misconfigured, Unavailable, Uncertain
from cosell.systems.salesforce.access import Access
from cosell.systems.salesforce.client import query_part
from cosell.systems.salesforce.describe import Column, Table, table
from cosell.systems.salesforce.options import FieldNames
from cosell.systems.salesforce.outcomes import error_of
from cosell.systems.salesforce.soql import chunks, select

ROWS_A_CALL = 200
"""salesforce-api.md 7.2."""
_TEXT = frozenset(("string", "textarea", "picklist", "combobox"))
_LABELS: Mapping[str, tuple[str, ...]] = {
    "id": ("Solution Identifier",),
    "name": ("Solution Name",),
    "type": ("Type",),
    "publisher": ("Publisher Name",),
}
_ADVICE = "Make the object of how-to/fill-the-solution-catalogue.md, or name yours in [salesforce.fields]."


async def solutions(access: Access) -> Shelf:
    """The catalogue as it stands."""
    sheet = await _described(access)
    columns = _columns(sheet, access.options.fields)
    found = [_solution(one, columns) for one in await _rows(access, sheet, columns)]
    return Shelf(
        tuple(one for one in found if one.id),
        {key: column.length for key, column in columns.items() if column.creatable},
    )


async def teach(access: Access, wanted: Sequence[KnownSolution]) -> dict[str, CosellError | None]:
    """Adds or changes each on its own, 200 a call."""
    sheet = await _described(access)
    columns = _columns(sheet, access.options.fields)
    known: dict[str, str] = {}
    for one in await _rows(access, sheet, columns):
        known.setdefault(_solution(one, columns).key, str(one.get("Id")))
    fresh = [one for one in wanted if one.key not in known]
    stale = [one for one in wanted if one.key in known]
    outcomes: dict[str, CosellError | None] = {}
    for method, some in (("POST", fresh), ("PATCH", stale)):
        for few in chunks(some, ROWS_A_CALL):
            rows = [_row(sheet, columns, one, known.get(one.key)) for one in few]
            outcomes |= await _sent(access, method, rows, [one.id for one in few])
    return outcomes


async def _sent(
    access: Access, method: str, rows: Sequence[Mapping[str, Any]], ids: Sequence[str]
) -> dict[str, CosellError | None]:
    body = {"allOrNone": False, "records": rows}
    try:
        answer = await access.client.call(method, "/composite/sobjects", purpose="catalogue", body=body)
        if not answer.ok:
            raise answer.error(safe=False)
    except CosellError as why:
        return dict.fromkeys(ids, why)
    told = answer.body if isinstance(answer.body, list) else []
    if len(told) != len(ids):
        return dict.fromkeys(ids, Uncertain("Salesforce left out answers to some solutions."))
    return {one: _outcome(said) for one, said in zip(ids, told, strict=True)}


def _outcome(said: Any) -> CosellError | None:
    if isinstance(said, dict) and said.get("success") is True:
        return None
    return error_of(400, said.get("errors") if isinstance(said, dict) else None, safe=False)


def _row(
    sheet: Table, columns: Mapping[str, Column], one: KnownSolution, row_id: str | None
) -> dict[str, Any]:
    """The row as it is sent: a new one with its id, one that is there with its texts alone."""
    body: dict[str, Any] = {"attributes": {"type": sheet.name}}
    if row_id is None:
        body[columns["id"].name] = one.id
    else:
        body["Id"] = row_id
    for key in TEXTS:
        column, text = columns.get(key), getattr(one, key)
        if text and column is not None and (column.creatable if row_id is None else column.updatable):
            body[column.name] = text
    return body


async def _rows(access: Access, sheet: Table, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    names = dict.fromkeys(("Id", *(column.name for column in columns.values())))
    part = query_part(select(names, sheet.name, "ORDER BY Id"), "catalogue")
    answers = await access.client.reads([part], purpose="catalogue")
    return await access.client.rows(answers["catalogue"], purpose="catalogue")


def _solution(one: Mapping[str, Any], columns: Mapping[str, Column]) -> KnownSolution:
    return KnownSolution(**{key: str(one.get(column.name) or "").strip() for key, column in columns.items()})


def _columns(sheet: Table, names: FieldNames) -> dict[str, Column]:
    """The fields that hold text, by the names of KnownSolution. Misconfigured without the identifier."""
    named = {key: sheet.resolve(getattr(names, f"detail_{key}"), labels) for key, labels in _LABELS.items()}
    found = {key: column for key, column in named.items() if column is not None and column.type in _TEXT}
    if "id" not in found:
        raise Misconfigured(
            f"The catalogue of solutions in Salesforce, {sheet.name}, has no text field {names.detail_id}, "
            f"or the integration user may not see it.",
            did="Nothing was changed.",
            advice=_ADVICE,
        )
    return found


async def _described(access: Access) -> Table:
    await access.tools()
    name = access.options.fields.detail_object
    answer = await access.client.call("GET", f"/sobjects/{name}/describe", purpose="catalogue")
    if answer.status in (403, 404):
        raise Misconfigured(
            f"Salesforce has no catalogue of solutions: the object {name} is not there, or the integration "
            f"user may not see it.",
            did="Nothing was changed.",
            advice=_ADVICE,
        )
    if not answer.ok:
        raise answer.error(safe=True)
    found = table(answer.body)
    if found is None:
        raise Unavailable(f"Salesforce describes {name} in a way nobody can read.")
    return found
