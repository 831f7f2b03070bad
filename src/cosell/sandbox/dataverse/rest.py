"""Everything below the service root, one request at a time."""

from __future__ import annotations

from collections.abc import Callable

from cosell.sandbox.dataverse.addresses import Address, read_path
from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.closing import Closing
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.keys import settle as settle_keys
from cosell.sandbox.dataverse.duplicates import asked_for
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, no_segment, not_allowed
from cosell.sandbox.dataverse.keys import RowKey
from cosell.sandbox.dataverse.lists import Lists
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.properties import Properties
from cosell.sandbox.dataverse.qualifying import Qualifying
from cosell.sandbox.dataverse.records import Records
from cosell.sandbox.dataverse.tracking import Tracking
from cosell.sandbox.dataverse.writing import Writer

Resource = Callable[[Call], Reply]
Bound = Callable[[Call, Table], Reply]
BoundToRow = Callable[[Call, Table, str], Reply]

CRM = "Microsoft.Dynamics.CRM."


class Rest:
    """Finds who answers a request; a refused one leaves nothing behind.

    `resources` answers by the first segment of the path (``$batch``, ``WhoAmI``, ``EntityDefinitions``;
    what stands in brackets behind the name does not count), `bound` by the name of an action bound to a
    table (``accounts/Microsoft.Dynamics.CRM.CreateMultiple``), `bound_to_row` to a row of it.
    """

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org = org
        self._lists, self._tracking = Lists(org), Tracking(org)
        self.records = self._records = Records(org, writer, self._lists)
        self._properties = Properties(org, writer, self._records, self._lists)
        closing = Closing(org, writer)
        self.resources: dict[str, Resource] = {
            "": self._service_document,
            "WhoAmI": self._who_am_i,
            "WinOpportunity": closing.win,
            "LoseOpportunity": closing.lose,
        }
        self.bound: dict[str, Bound] = {}
        self.bound_to_row: dict[str, BoundToRow] = {"QualifyLead": Qualifying(org, writer).answer}

    def answer(self, call: Call) -> Reply:
        """Carries out one request, or refuses it and takes back whatever it had begun."""
        try:
            with self._org.transaction():
                settle_keys(self._org)
                return self._answer(asked_for(call))
        except DataverseError as refused:
            return Reply.refused(refused, details=call.wants_details)
        except RecursionError:
            return Reply.refused(bad_request("The request is nested too deeply."))

    def _answer(self, call: Call) -> Reply:
        path = call.path.strip("/")
        first = path.partition("/")[0]
        resource = self.resources.get(first.partition("(")[0].removeprefix(CRM))
        if resource is not None:
            return resource(call)
        address = read_path(self._org, path)
        if address.key is None:
            return self._on_set(call, address)
        return self._on_row(call, address.key, address.tail)

    def _on_set(self, call: Call, address: Address) -> Reply:
        table = address.table
        match call.method, address.tail:
            case "GET", ():
                if self._tracking.wanted(call, call.options()):
                    return self._tracking.answer(call, table)
                rows = self._org.store.rows(table.name)
                return self._lists.answer(call, table, rows, table.entity_set, table.entity_set)
            case "GET", ("$count",):
                if "$deltatoken" in call.options():
                    return self._tracking.count(call, table)
                return self._lists.count(call, table, self._org.store.rows(table.name))
            case "POST", ():
                return self._records.create(call, table)
            case _, ():
                raise not_allowed(call.method)
            case _, (name,) if name.startswith(CRM) and _message(name) in self.bound:
                return self.bound[_message(name)](call, table)
            case _:
                raise no_segment(address.tail[0])

    def _on_row(self, call: Call, key: RowKey, tail: tuple[str, ...]) -> Reply:
        if not tail:
            return self._records.answer(call, key)
        if tail[0].startswith(CRM):
            action = self.bound_to_row.get(_message(tail[0]))
            if action is None or len(tail) > 1:
                raise no_segment(tail[0])
            row = self._records.present(call, key)
            return action(call, key.table, row[key.table.primary_id])
        return self._properties.answer(call, key, tail)

    def _service_document(self, call: Call) -> Reply:
        if call.method != "GET":
            raise not_allowed(call.method)
        value = [
            {"name": one.entity_set, "kind": "EntitySet", "url": one.entity_set}
            for one in self._org.schema.tables.values()
        ]
        return Reply(200, {"@odata.context": f"{call.root}/$metadata", "value": value})

    def _who_am_i(self, call: Call) -> Reply:
        if call.method != "GET":
            raise not_allowed(call.method)
        if call.path.strip("/") not in ("WhoAmI", "WhoAmI()"):
            raise bad_request("WhoAmI takes no parameters.")
        row = self._org.store.get("systemuser", call.actor.writes_as) or {}
        unit = row.get("businessunitid")
        body = {
            "@odata.context": f"{call.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": unit.id if unit else self._org.business_unit,
            "UserId": call.actor.writes_as,
            "OrganizationId": self._org.organization_id,
        }
        return Reply(200, body)


def _message(segment: str) -> str:
    """The name of a bound message; a function is called with empty brackets."""
    return segment.removeprefix(CRM).removesuffix("()")
