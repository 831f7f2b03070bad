"""Everything below the service root, one request at a time."""

from __future__ import annotations

from collections.abc import Callable

from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, no_segment
from cosell.sandbox.dataverse.org import Org

Resource = Callable[[Call], Reply]
Bound = Callable[[Call, Table], Reply]

DETAILS = "Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"


class Rest:
    """Finds who answers a request; a refused one leaves nothing behind.

    `resources` answers by the first segment of the path (``$batch``, ``WhoAmI``, ``EntityDefinitions``;
    what stands in brackets behind the name does not count), `bound` by the name of an action bound to a
    table (``accounts/Microsoft.Dynamics.CRM.CreateMultiple``).
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self.resources: dict[str, Resource] = {}
        self.bound: dict[str, Bound] = {}

    def answer(self, call: Call) -> Reply:
        """Carries out one request, or refuses it and takes back whatever it had begun."""
        try:
            with self._org.transaction():
                return self._answer(call)
        except DataverseError as refused:
            return Reply.refused(refused, details=call.prefers.wants(DETAILS))

    def _answer(self, call: Call) -> Reply:
        first = call.path.partition("/")[0]
        resource = self.resources.get(first.partition("(")[0])
        if resource is not None:
            return resource(call)
        raise no_segment(first)
