"""The catalogue «Microsoft Solution Details»: learnt from the deals that pass by (CUS-15, FLD-D11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from cosell.core.values import Solution
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.odata import keyable, literal
from cosell.systems.dataverse.schema import DetailTable, Schema
from cosell.systems.dataverse.wire import Answer

_MOST_KNOWN = 100_000
_PREFIX = "detail:"
_PLAIN = "'"


class Catalogue:
    """Adds what the catalogue lacks, in the call that writes the deal. What stands there is left alone."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def additions(self, schema: Schema, solutions: Iterable[Solution]) -> list[Part]:
        """Create-only writes for the solutions nobody has seen in the catalogue yet."""
        table = schema.details
        if table is None or not _is_keyed(schema, table):
            return []
        fresh = {one.key: one for one in solutions if one.key not in self._known and keyable(one.id)}
        return [_addition(table, one) for one in fresh.values()]

    def note(self, parts: Sequence[Part], answers: Mapping[str, Answer]) -> None:
        """Remembers what stands in the catalogue now: just added, or refused because it was there."""
        for part in parts:
            answer = answers.get(part.ref)
            if answer is not None and (answer.ok or answer.status == 412) and len(self._known) < _MOST_KNOWN:
                self._known.add(part.ref.removeprefix(_PREFIX))


def _is_keyed(schema: Schema, table: DetailTable) -> bool:
    known = next((one for one in schema.tables.values() if one.set == table.set), None)
    key = known.key_of(table.id.name) if known is not None else None
    return key is not None and key.active


def _addition(table: DetailTable, solution: Solution) -> Part:
    body = {}
    if table.label is not None:
        body[table.label.name] = (solution.name or solution.id)[: table.label.length or None]
    path = f"{table.set}({table.id.name}={quote(literal(solution.id), safe=_PLAIN)})"
    return Part("PATCH", path, f"{_PREFIX}{solution.key}", body, {"If-None-Match": "*"})
