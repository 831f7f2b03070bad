"""Which steps hear of a change, and what is noted of each delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.hooks.context import Event, Message, Setting, serialised
from cosell.sandbox.dataverse.hooks.post import Outcome, Parcel, Post
from cosell.sandbox.dataverse.org import Org, wire_moment
from cosell.sandbox.dataverse.store import Change, Ref, Row

SUCCEEDED, FAILED = 30, 31
_MESSAGES: tuple[Message, ...] = ("Create", "Update", "Delete")
_CLOSING: tuple[Message, ...] = ("Win", "Lose")
_OWN = frozenset(
    {"serviceendpoint", "sdkmessage", "sdkmessagefilter", "sdkmessageprocessingstep", "asyncoperation"}
    | {"publisher", "solution", "solutioncomponent", "importjob", "systemform", "savedquery"}
    | {"privilege", "roletemplate"}
)
_STAMPS = frozenset({"versionnumber", "modifiedby", "modifiedon", "modifiedonbehalfby"})


@dataclass(frozen=True, slots=True)
class _Step:
    """A registered step with where it leads."""

    row: Row
    endpoint: Row
    message: str
    table: str | None
    columns: frozenset[str]

    def hears(self, event: Event) -> bool:
        """Whether a step is told of an event; filtering columns count for updates alone."""
        if event.message != self.message or self.table not in (None, event.table.name):
            return False
        return event.message != "Update" or not self.columns or bool(self.columns & event.changed)


def furnish(org: Org, actor: Actor) -> None:
    """The messages steps can be registered for, and the tables each is sent for."""
    messages = org.schema.table("sdkmessage")
    ids: dict[str, str] = {
        name: org.insert(messages, {"name": name, "isprivate": False}, actor)["sdkmessageid"]
        for name in (*_MESSAGES, *_CLOSING)
    }
    for table in list(org.schema.tables.values()):
        _list_filters(org, actor, table, ids)


def list_filters(org: Org, actor: Actor, table: Table) -> None:
    """The messages that are sent for a table, for steps to be registered for."""
    ids = {str(row["name"]): str(row["sdkmessageid"]) for row in org.store.rows("sdkmessage")}
    _list_filters(org, actor, table, ids)


def _list_filters(org: Org, actor: Actor, table: Table, ids: Mapping[str, str]) -> None:
    if table.name in _OWN:
        return
    for name in (*_MESSAGES, *(_CLOSING if table.name == "opportunity" else ())):
        row: Row = {"primaryobjecttypecode": table.name, "iscustomprocessingstepallowed": True}
        row |= {"sdkmessageid": Ref("sdkmessage", ids[name])}
        org.insert(org.schema.table("sdkmessagefilter"), row, actor)


class Hooks:
    """Watches what requests leave behind and tells the steps that asked for it."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.post = Post(org.settings, self._note)

    def committed(self, journal: Iterable[Change]) -> None:
        """Sends what a finished request has changed to the steps that listen."""
        done, steps = list(journal), list(self._steps())
        if done and steps:
            for event in _events(self._org, done, self._org.new_id()):
                for step in steps:
                    if step.hears(event):
                        self.post.give(self._parcel(step, event))
        self._org.named.clear()

    def _steps(self) -> Iterator[_Step]:
        store = self._org.store
        for row in store.rows("sdkmessageprocessingstep"):
            endpoint = store.get("serviceendpoint", row["eventhandler"].id)
            message = store.get("sdkmessage", row["sdkmessageid"].id)
            if row.get("statecode") != 0 or endpoint is None or message is None:
                continue
            named = row.get("sdkmessagefilterid")
            filter_row = store.get("sdkmessagefilter", named.id) if named else None
            columns = str(row.get("filteringattributes") or "")
            names = frozenset(one.strip() for one in columns.split(",") if one.strip())
            table = None if filter_row is None else str(filter_row["primaryobjecttypecode"])
            yield _Step(row, endpoint, str(message["name"]), table, names)

    def _parcel(self, step: _Step, event: Event) -> Parcel:
        organization = next(iter(self._org.store.rows("organization")), {})
        name = str(organization.get("name") or "")
        setting = Setting(self._org.organization_id, name, self._org.business_unit, self._org.now())
        step_id = step.row["sdkmessageprocessingstepid"]
        body, shed = serialised(event, setting, step_id=step_id, operation_id=self._org.new_id())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-ms-dynamics-organization": name,
            "x-ms-dynamics-entity-name": event.table.name,
            "x-ms-dynamics-request-name": event.message,
            "x-ms-correlation-request-id": event.correlation_id,
        }
        if shed:
            headers["x-ms-dynamics-msg-size-exceeded"] = "true"
        url, proof = _proof(step.endpoint)
        return Parcel(
            step_id, str(step.row.get("name") or ""), event.message, url, body, {**headers, **proof}
        )

    def _note(self, parcel: Parcel, outcome: Outcome) -> None:
        """Keeps a system job of each failure, and of successes whose step wants them kept."""
        step = self._org.store.get("sdkmessageprocessingstep", parcel.step_id)
        if step is None or (outcome.succeeded and step.get("asyncautodelete")):
            return
        at = wire_moment(self._org.now())
        row: Row = {
            "name": parcel.step_name,
            "statecode": 3,
            "statuscode": SUCCEEDED if outcome.succeeded else FAILED,
            "completedon": at,
            "startedon": at,
            "owningextensionid": Ref("sdkmessageprocessingstep", parcel.step_id),
            "ownerid": Ref("systemuser", self._org.application_user),
        }
        if not outcome.succeeded:
            row |= {"message": outcome.text, "friendlymessage": outcome.text, "errorcode": -2147204749}
        self._org.insert(self._org.schema.table("asyncoperation"), row, Actor(self._org.application_user))
        self._org.store.settle()


def _events(org: Org, journal: Iterable[Change], correlation: str) -> Iterator[Event]:
    """What the journal of a request tells, one event for each step of it."""
    for change in journal:
        table = org.schema.tables.get(change.table)
        if table is None or table.name in _OWN:
            continue
        row = change.row or change.old
        if row is None:
            continue
        user_id, changed = _told(org, change, row)
        version = row.get("versionnumber")
        for message in _messages(change):
            yield Event(message, table, change.row_id, row, changed, user_id, correlation, version)


def _messages(change: Change) -> Iterator[Message]:
    if change.old is None:
        yield "Create"
    elif change.row is None:
        yield "Delete"
    else:
        closed = change.row.get("statecode")
        if change.table == "opportunity" and closed in (1, 2) and change.old.get("statecode") == 0:
            yield _CLOSING[closed - 1]
        yield "Update"


def _told(org: Org, change: Change, row: Row) -> tuple[str, frozenset[str]]:
    """Who did it, and the columns that were named; for what follows from a write, those that differ."""
    noted = org.named.get((change.table, change.row_id))
    if noted is not None:
        return noted
    old, new = change.old or {}, change.row or {}
    by = row.get("modifiedby")
    changed = {name for name in {**old, **new} if name not in _STAMPS and old.get(name) != new.get(name)}
    return by.id if isinstance(by, Ref) else "", frozenset(changed)


def _proof(endpoint: Row) -> tuple[str, dict[str, str]]:
    """The address with what it asks for as a proof, and the headers that prove."""
    url, secret = str(endpoint["url"]), str(endpoint.get("authvalue") or "")
    match endpoint.get("authtype"):
        case 4:
            return _asked(url, {"code": secret}), {}
        case 5:
            return url, _settings_in(secret)
        case 6:
            return _asked(url, _settings_in(secret)), {}
        case _:
            return url, {}


def _asked(url: str, values: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])
    return urlunsplit(parts._replace(query=query))


def _settings_in(xml: str) -> dict[str, str]:
    """The names and values of ``<settings><setting name="" value=""/></settings>``; nothing if it is none."""
    if "<!" in xml:
        return {}
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - no document type, so nothing to expand
    except ElementTree.ParseError:
        return {}
    return {one.get("name", ""): one.get("value", "") for one in root.iter("setting") if one.get("name")}
