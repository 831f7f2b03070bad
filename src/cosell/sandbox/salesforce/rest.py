"""The REST resources under `/services/data/vXX.X`, one call at a time."""

from __future__ import annotations

from collections.abc import Callable

from cosell.sandbox.salesforce.bunches import Collections
from cosell.sandbox.salesforce.composite import Composites
from cosell.sandbox.salesforce.errors import SalesforceError, not_found
from cosell.sandbox.salesforce.metadata.deployments import Deployments
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.queries import Queries
from cosell.sandbox.salesforce.quota import Quota
from cosell.sandbox.salesforce.rows import Rows
from cosell.sandbox.salesforce.wire import Call, Reply, method_not_allowed
from cosell.sandbox.salesforce.writing import Writer

_RESOURCES = ("sobjects", "query", "queryAll", "limits", "composite", "metadata", "identity")


class Rest:
    """Finds who answers a call; a refused call leaves nothing behind."""

    def __init__(self, org: Org, writer: Writer, quota: Quota) -> None:
        self._org, self._quota = org, quota
        self._queries = Queries(org)
        self._rows = Rows(org, writer)
        self._collections = Collections(org, writer)
        self._composites = Composites(org, self.answer)
        self._deployments = Deployments(org)
        self._handlers: dict[str, Callable[[Call], Reply]] = {
            "sobjects": self._rows.answer,
            "query": self._queries.answer,
            "queryall": self._queries.answer,
            "limits": self._limits,
            "composite": self._composite,
            "metadata": self._deployments.answer,
        }

    def reset(self) -> None:
        """Forgets what it keeps between calls."""
        self._queries.reset()
        self._deployments.reset()

    def catch_up(self) -> None:
        """Lets happen what was due before the call that comes now."""
        self._deployments.catch_up()

    def answer(self, call: Call) -> Reply:
        """Answers one call, or refuses it and takes back whatever it had begun."""
        mark = self._org.store.mark()
        try:
            handler = self._handlers.get(call.path[0].lower()) if call.path else self._resources
            if handler is None:
                raise not_found()
            return handler(call)
        except SalesforceError as refused:
            self._org.store.undo(mark)
            return Reply(refused.status, refused.entries)
        except BaseException:
            self._org.store.undo(mark)
            raise

    def _resources(self, call: Call) -> Reply:
        if call.method not in ("GET", "HEAD"):
            raise method_not_allowed(call, "GET", "HEAD")
        listed = {name: f"{call.base}/{name}" for name in _RESOURCES[:-1]}
        listed["identity"] = self._quota.identity_url(call.actor.user_id)
        return Reply(200, listed)

    def _composite(self, call: Call) -> Reply:
        kind = call.path[1].lower() if len(call.path) > 1 else ""
        if kind == "sobjects":
            return self._collections.answer(call)
        if kind == "tree":
            return self._collections.tree(call)
        whole = {
            "": self._composites.composite,
            "graph": self._composites.graph,
            "batch": self._composites.batch,
        }
        if kind not in whole or len(call.path) > 2:
            raise not_found()
        if call.method != "POST":
            raise method_not_allowed(call, "POST")
        return whole[kind](call)

    def _limits(self, call: Call) -> Reply:
        if call.method not in ("GET", "HEAD"):
            raise method_not_allowed(call, "GET", "HEAD")
        if len(call.path) == 1:
            return Reply(200, self._quota.limits())
        if len(call.path) > 2 or call.path[1].lower() != "recordcount":
            raise not_found()
        asked = [name for name in call.query.get("sObjects", "").split(",") if name]
        view = self._org.view(call.actor)
        names = [seen.name for key, seen in view.objects.items() if not asked or key in _lower(asked)]
        counts = [{"count": len(self._org.store.live(name)), "name": name} for name in names]
        return Reply(200, {"sObjects": [one for one in counts if one["count"]]})


def _lower(names: list[str]) -> set[str]:
    return {name.lower() for name in names}
