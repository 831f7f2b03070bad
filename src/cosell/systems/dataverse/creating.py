"""Creates an opportunity or a lead with all that belongs to it in one call, all or nothing (ADR 0011)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosell.core.errors import Rejected, Uncertain
from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Person, State, Unreadable
from cosell.ports import Creation
from cosell.systems.dataverse import closing
from cosell.systems.dataverse.batch import ChangeSet, Part
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.columns import Columns
from cosell.systems.dataverse.lengths import fitting
from cosell.systems.dataverse.odata import guid, row, within
from cosell.systems.dataverse.statuses import OPEN, Status
from cosell.systems.dataverse.streets import columns_of_street, lines_of
from cosell.systems.dataverse.workbench import Tools, Workbench
from cosell.systems.dataverse.writing import solutions_in

ACCOUNT, DEAL = "account", "deal"
_NEEDED = {"name": "a name", "close_date": "a close date", "state": "a status"}
_CUSTOMER = {"customer_name": "a customer"}
"""What the forms demand and the API does not (dataverse-api.md 6)."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the environment has already of the people of a new deal."""

    contacts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    users: tuple[str, ...] = ()
    """Active users among the deal's team, in the team's order."""


async def create(bench: Workbench, creation: Creation) -> Snapshot:
    """Creates the record, reusing the account it is given and the contacts and users that exist.

    Rejected as `exists` where a record carries the referral's id already; that one is left as it is.
    """
    tools = await bench.tools()
    is_lead = creation.kind is RecordKind.LEAD
    known = _CUSTOMER if creation.account_id is None else {}
    _refuse_incomplete(creation, _CUSTOMER if is_lead else {**_NEEDED, **known})
    around = await _look_around(bench, tools, creation)
    draft = _Draft(bench, tools, creation, around)
    parts = tuple(draft.lead() if is_lead else draft.deal())
    learnt: list[Part] = []
    if bench.options.learn_solutions and not is_lead:
        learnt = bench.catalogue.additions(tools.schema, solutions_in(creation.values))
    reads = _read_back(tools, creation)
    answers = await bench.client.batch([ChangeSet("create", parts), *learnt, *reads], purpose="create")
    for part in parts:
        answer = answers.get(part.ref)
        if answer is None:
            raise Uncertain("Dynamics 365 left out the answer to a new record.", detail=part.ref)
        if not answer.ok:
            raise answer.error(safe=False)
    bench.catalogue.note(learnt, answers)
    told = {part.ref: answers[part.ref] for part in reads if part.ref in answers}
    found = _made(tools, await bench.rows_of(told, purpose="create"), is_lead=is_lead)
    if not found:
        raise Uncertain("Dynamics 365 took the new record and does not show it.", detail="no read-back")
    # Without a unique key a twin may have come before ours (INV-3).
    return next((one for one in found if one.stamp == creation.write_id), found[0])


def _refuse_incomplete(creation: Creation, needed: Mapping[str, str]) -> None:
    values = creation.values
    lacking = tuple(key for key in needed if values.get(key) is None)
    if lacking:
        what = ", ".join(needed[key] for key in lacking)
        raise Rejected(
            f"Dynamics 365 wants {what} for this record.",
            fields=lacking,
            advice="Fill it in in Partner Center.",
            code="required",
        )
    unreadable = tuple(key for key, value in values.items() if isinstance(value, Unreadable))
    if unreadable:
        raise Rejected(f"{', '.join(unreadable)} cannot be read.", fields=unreadable, code="unreadable")


def _read_back(tools: Tools, creation: Creation) -> list[Part]:
    if creation.kind is RecordKind.LEAD:
        return tools.leads.by_referral(creation.partner_id, "after") if tools.leads is not None else []
    return tools.reader.by_referral(creation.partner_id, "after")


def _made(tools: Tools, lists: Mapping[str, Sequence[Mapping[str, Any]]], *, is_lead: bool) -> list[Snapshot]:
    reader = tools.leads if is_lead else tools.reader
    return reader.snapshots(lists, "after") if reader is not None else []


# --- what exists already ---------------------------------------------------------------------------


async def _look_around(bench: Workbench, tools: Tools, creation: Creation) -> Around:
    """Contacts of the account and users of the team: one call, none where there is nobody to look for."""
    children, schema = tools.writer.children, tools.schema
    emails = [one.email for one in _people(creation, "contacts") if one.email]
    team = [one.email for one in _people(creation, "team") if one.email]
    parts = []
    if emails and schema.contact and creation.account_id and creation.kind is RecordKind.OPPORTUNITY:
        # A new account has no contacts yet.
        parts.append(read(schema.tables["contact"].set, children.contact_query(emails), ref="contacts"))
    if team and schema.user:
        parts.append(read(schema.tables["systemuser"].set, _user_query(tools, team), ref="users"))
    lists = await bench.lists(parts, purpose="look around")
    return Around(
        contacts=children.contacts_found(lists.get("contacts", ())),
        users=tuple(_users(tools, lists.get("users", ()), team)),
    )


def _user_query(tools: Tools, emails: Sequence[str]) -> dict[str, str]:
    table, email = tools.schema.tables["systemuser"], tools.schema.user["email"].name
    return {
        "$select": f"{table.id},{email}",
        "$filter": f"{within(email, emails)} and isdisabled eq false",
        "$orderby": f"createdon asc,{table.id} asc",
    }


def _users(tools: Tools, rows: Sequence[Mapping[str, Any]], emails: Sequence[str]) -> Iterator[str]:
    email, key = tools.schema.user["email"].name, tools.schema.tables["systemuser"].id
    by_email: dict[str, str] = {}
    for one in rows:
        address, user_id = one.get(email), guid(one.get(key))
        if isinstance(address, str) and user_id is not None:
            by_email.setdefault(address.casefold(), user_id)
    yield from dict.fromkeys(by_email[one.casefold()] for one in emails if one.casefold() in by_email)


def _people(creation: Creation, key: str) -> tuple[Person, ...]:
    value = creation.values.get(key)
    return tuple(one for one in value if isinstance(one, Person)) if isinstance(value, tuple) else ()


# --- the requests ----------------------------------------------------------------------------------


class _Draft:
    """The requests of one creation; later ones point to the rows that earlier ones make."""

    def __init__(self, bench: Workbench, tools: Tools, creation: Creation, around: Around) -> None:
        self._options, self._schema, self._writer = bench.options, tools.schema, tools.writer
        self._creation, self._around = creation, around

    def lead(self) -> Iterator[Part]:
        """The one row of a lead."""
        table, columns = self._schema.leads, self._writer.leads
        if table is None or columns is None or not self._schema.capabilities.leads:
            raise Rejected("This environment keeps no leads for the connector.", code="read_only")
        body = dict(self._options.defaults.get("lead", {}))
        body |= self._row(columns, self._schema.capabilities.leads)
        if self._creation.values.get("name") is None:
            # A lead of Microsoft has no name; the topic then is the referral's id (product.md B2).
            body[self._schema.lead["name"].name] = self._creation.partner_id
        body |= self._writer.lead_person(self._creation.values.get("contacts"))
        if self._schema.lead_status is not None:
            body["statuscode"] = self._schema.lead_status.value
        account = self._creation.account_id
        bind = self._schema.bind("lead", "parentaccountid", "account")
        if account is not None and bind is not None:
            body[bind] = self._account_at(account)
        yield Part("POST", table.set, DEAL, self._owned(body, "lead"))

    def deal(self) -> Iterator[Part]:
        """Account, contacts, opportunity, solutions, connections."""
        values, tables = self._creation.values, self._schema.tables
        status = self._schema.statuses.status_for(_state(self._creation))
        account = f"${ACCOUNT}"
        if self._creation.account_id is None:
            yield Part("POST", tables["account"].set, ACCOUNT, self._account_body())
        else:
            account = self._account_at(self._creation.account_id)
        # Contacts come before the row that names the primary one, connections after the row they name.
        contacts, connections, named = self._contacts(account)
        yield from contacts
        yield Part("POST", self._schema.deals.set, DEAL, self._deal_row(account, status) | named)
        yield from connections
        yield from self._further()
        if status.state != OPEN:
            yield closing.action(status, f"${DEAL}", values.get("name"), "close")

    def _deal_row(self, account: str, status: Status) -> dict[str, Any]:
        deals = self._schema.deals
        body = dict(self._options.defaults.get("opportunity", {}))
        body |= self._row(self._writer.deals, self._schema.capabilities.creatable)
        if status.state == OPEN:
            body["statuscode"] = status.code
        if self._options.value_field == "estimatedvalue" and deals.get("isrevenuesystemcalculated"):
            # Otherwise product lines make the revenue (dataverse-api.md 3).
            body["isrevenuesystemcalculated"] = False
        bind = self._schema.bind(deals.name, "customerid", "account")
        return self._owned(body | ({bind: account} if bind is not None else {}), deals.name)

    def _contacts(self, account: str) -> tuple[list[Part], list[Part], dict[str, Any]]:
        """New contacts, what ties further ones to the deal, and how its row names the primary one."""
        children, named = self._writer.children, dict[str, Any]()
        contacts: list[Part] = []
        connections: list[Part] = []
        people = _people(self._creation, "contacts") if self._schema.contact else ()
        for at, person in enumerate(people):
            key = ((self._creation.account_id or "").lower(), person.email.casefold())
            found = self._around.contacts.get(key)
            if at == 0 and children.primary is not None:
                named[children.primary] = children.place(found, "c0")
            parts = children.contact(person, account, f"${DEAL}", found, f"c{at}", primary=at == 0)
            for part in parts:
                (contacts if part.ref == f"c{at}" else connections).append(part)
        return contacts, connections, named

    def _further(self) -> Iterator[Part]:
        """Solutions, and the rest of the team."""
        children, table, deal = self._writer.children, self._schema.solution, f"${DEAL}"
        if table is not None and table.writable:
            currency = self._creation.values.get("currency")
            for at, solution in enumerate(solutions_in(self._creation.values)):
                yield Part("POST", table.set, f"s{at}", children.solution_body(solution, deal, currency))
        for at, user in enumerate(self._around.users[1:]):
            other = f"/{row(self._schema.tables['systemuser'].set, user)}"
            yield from children.connection(deal, "systemuser", other, f"t{at}")

    def _row(self, columns: Columns, allowed: frozenset[str]) -> dict[str, Any]:
        """The row's own columns, marks and identity; what is empty is left to the environment."""
        creation = self._creation
        body = columns.body({k: v for k, v in creation.values.items() if k in allowed}, None)
        body |= columns.first_marks(creation.marks, creation.values)
        body |= columns.identity(creation.write_id, creation.partner_id, enroll=creation.marks.enroll)
        return {column: value for column, value in body.items() if value is not None}

    def _owned(self, body: dict[str, Any], table: str) -> dict[str, Any]:
        owner = self._around.users[0] if self._around.users else self._options.default_owner
        bind = self._schema.bind(table, "ownerid", "systemuser")
        if owner is None or bind is None:
            return body
        return {**body, bind: f"/{row(self._schema.tables['systemuser'].set, owner)}"}

    def _account_at(self, account_id: str) -> str:
        known = guid(account_id)
        if known is None:
            raise Rejected("This is no id of an account.", fields=("customer_name",), code="malformed_id")
        return f"/{row(self._schema.tables['account'].set, known)}"

    def _account_body(self) -> dict[str, Any]:
        values, own = self._creation.values, self._schema.account
        body = dict(self._options.defaults.get("account", {})) | {
            column.name: fitting(key, text, column, self._options)
            for key, column in own.items()
            if column.creatable and key != "address_line" and isinstance(text := values.get(key), str)
        }
        street = columns_of_street(self._schema.tables["account"], own=own)
        lines = lines_of(values.get("address_line"), street, self._options)
        return body | {column: line for column, line in lines.items() if line is not None}


def _state(creation: Creation) -> State:
    state = creation.values.get("state")
    assert isinstance(state, State)
    return state
