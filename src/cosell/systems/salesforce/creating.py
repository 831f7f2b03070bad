"""Creates an opportunity with all that belongs to it in one call, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosell.core.errors import CosellError, Rejected, Uncertain
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, Unreadable
from cosell.ports import Creation
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.children import contact_query, contacts_found, refuse_references
from cosell.systems.salesforce.client import MOST_PARTS, Answer, Part, query_part, refers
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.sending import READ_BACK, in_steps, patch
from cosell.systems.salesforce.soql import literals, long_id, select

ACCOUNT, OPPORTUNITY = "account", "opportunity"
_NEEDED = {"name": "a name", "close_date": "a close date", "state": "a status"}


@dataclass(frozen=True, slots=True)
class Around:
    """What the org has already of the company and the people of a new deal."""

    account: str | None
    """The account that was chosen; None makes a new one."""
    contacts: Mapping[tuple[str, str], str]
    """Ids by account and e-mail."""
    users: tuple[str, ...]
    """Active users among the deal's team, in the team's order."""


async def create(access: Access, creation: Creation) -> Snapshot:
    """Creates the opportunity for the account chosen, reusing contacts and users. Reads it back."""
    tools = await access.tools()
    _refuse_incomplete(creation, tools, access)
    read_back = query_part(tools.reader.by_referral([creation.partner_id]), READ_BACK)
    around = await _look_around(access, tools, creation)
    parts = _Parts(access, tools, creation, around)
    answers = await _sent(access, parts, read_back)
    found = await access.snapshots([answers[READ_BACK]], tools)
    if not found:
        raise Uncertain("Salesforce took the new opportunity and does not show it.", detail="no read-back")
    return await _with_texts(access, tools, parts.texts, found[0])


async def _with_texts(access: Access, tools: Tools, texts: Mapping[str, Any], made: Snapshot) -> Snapshot:
    """Writes the texts that a composite would have taken for references, each by its own name."""
    if not texts:
        return made
    try:
        await patch(access, Part("PATCH", f"/sobjects/Opportunity/{made.id}", "texts", texts))
        return (await access.read([made.id], tools))[made.id.casefold()]
    except (CosellError, KeyError) as why:
        raise Uncertain("Salesforce took the opportunity without its texts.", detail=str(why)) from None


async def _sent(access: Access, parts: _Parts, read_back: Part) -> dict[str, Answer]:
    """One call; what exceeds its size follows under the ids that the first call gave."""
    head, children = list(parts.head()), list(parts.children())
    if len(head) + len(children) < MOST_PARTS:
        return await in_steps(access, head, children, read_back)
    answers = await in_steps(access, head, [], read_back)
    try:
        parts.made(_new_id(answers.get(ACCOUNT)), _new_id(answers.get(OPPORTUNITY)))
        return await in_steps(access, [], list(parts.children()), read_back)
    except CosellError as why:
        raise Uncertain(
            "Salesforce took the opportunity, and not all that belongs to it.",
            detail=f"{why.code}: {why.detail}",
        ) from None


def _new_id(answer: Answer | None) -> str | None:
    made = answer.body.get("id") if answer is not None and isinstance(answer.body, dict) else None
    return made if isinstance(made, str) else None


def _refuse_incomplete(creation: Creation, tools: Tools, access: Access) -> None:
    values = creation.values
    refuse_references({"id": creation.partner_id}, "referral id")
    lacking = tuple(key for key in _NEEDED if values.get(key) is None)
    if lacking:
        what = ", ".join(_NEEDED[key] for key in lacking)
        raise Rejected(
            f"Salesforce wants {what} for an opportunity.",
            fields=lacking,
            advice="Fill it in in Partner Center.",
            code="required",
        )
    unreadable = tuple(key for key, value in values.items() if isinstance(value, Unreadable))
    if unreadable:
        raise Rejected(f"{', '.join(unreadable)} cannot be read.", fields=unreadable, code="unreadable")
    only, wanted = access.options.corporate_currency, values.get("currency")
    if "currency" not in tools.schema.opportunity and only and wanted not in (None, only):
        raise Rejected(
            f"This Salesforce org knows {only} only, and the deal is in {wanted}.",
            fields=("currency",),
            advice="Enter the deal's value in the org's currency, or turn on multiple currencies.",
            code="currency",
        )


# --- what exists already ---------------------------------------------------------------------------


async def _look_around(access: Access, tools: Tools, creation: Creation) -> Around:
    account, team = _account(creation), creation.values.get("team")
    emails = [one.email for one in _people(creation.values.get("contacts")) if one.email]
    team_emails = [one.email for one in _people(team) if one.email]
    parts = []
    if account is not None and emails and tools.schema.contact:
        parts.append(query_part(contact_query(emails), "contacts"))
    if team_emails:
        where = (
            f"WHERE IsActive = true AND Email IN {literals(team_emails)} ORDER BY CreatedDate,Id LIMIT 200"
        )
        parts.append(query_part(select(("Id", "Email"), "User", where), "users"))
    answers = await access.client.reads(parts, purpose="look around") if parts else {}
    rows = {ref: await access.client.rows(answer, purpose="look around") for ref, answer in answers.items()}
    return Around(
        account=account,
        contacts=contacts_found(rows.get("contacts", ())),
        users=tuple(_users(rows.get("users", ()), team_emails)),
    )


def _account(creation: Creation) -> str | None:
    if creation.account_id is None:
        return None
    account = long_id(creation.account_id)
    if account is None:
        raise Rejected(
            f"«{creation.account_id[:40]}» is no id of an account in Salesforce.",
            fields=("customer_name",),
            advice="Choose the account anew: cosell resolve LINK --account ID",
            code="account_id",
        )
    return account


def _users(rows: Iterable[Mapping[str, Any]], emails: Sequence[str]) -> Iterable[str]:
    by_email: dict[str, str] = {}
    for row in rows:
        if isinstance(row.get("Email"), str) and isinstance(row.get("Id"), str):
            by_email.setdefault(row["Email"].casefold(), row["Id"])
    return dict.fromkeys(by_email[e.casefold()] for e in emails if e.casefold() in by_email)


def _people(value: Any) -> tuple[Person, ...]:
    return tuple(one for one in value if isinstance(one, Person)) if isinstance(value, tuple) else ()


# --- the requests ----------------------------------------------------------------------------------


class _Parts:
    """The requests of one creation; later ones name the results of earlier ones (trap 15: `id`)."""

    def __init__(self, access: Access, tools: Tools, creation: Creation, around: Around) -> None:
        self._options, self._tools = access.options, tools
        self._creation, self._around = creation, around
        self._account = around.account or (
            f"@{{{ACCOUNT}.id}}" if isinstance(creation.values.get("customer_name"), str) else None
        )
        self._opportunity = f"@{{{OPPORTUNITY}.id}}"
        self.texts: dict[str, Any] = {}

    def made(self, account: str | None, opportunity: str | None) -> None:
        """Goes on with the ids of what was just made. Uncertain where Salesforce did not tell the id."""
        if opportunity is None:
            raise Uncertain("Salesforce did not tell the id of the new opportunity.")
        self._account, self._opportunity = account or self._account, opportunity

    def head(self) -> Iterable[Part]:
        """Account, opportunity."""
        if self._account is not None and self._around.account is None:
            headers = self._tools.writer.children.duplicate_headers()
            yield Part("POST", "/sobjects/Account", ACCOUNT, self._account_body(), headers)
        yield Part("POST", "/sobjects/Opportunity", OPPORTUNITY, self._opportunity_body())

    def _account_body(self) -> dict[str, Any]:
        values, columns = self._creation.values, self._tools.schema.account
        by_code = "region_code" in columns
        body = dict(self._options.account_defaults) | {
            column.name: values[key]
            for key, column in columns.items()
            if column.creatable and values.get(key) is not None and not (key == "region" and by_code)
        }
        refuse_references(body, "customer_name")
        if by_code and (region := _listed_region(values.get("region"), columns["region_code"])):
            body[columns["region_code"].name] = region
        return body

    def _opportunity_body(self) -> dict[str, Any]:
        creation, writer = self._creation, self._tools.writer
        allowed = self._tools.schema.capabilities.creatable
        body = dict(self._options.opportunity_defaults)
        body |= writer.body({k: v for k, v in creation.values.items() if k in allowed}, None)
        body |= writer.first_marks(creation.marks, creation.values)
        body = self._held_back(body)
        body |= writer.identity(creation.write_id, creation.partner_id, enroll=creation.marks.enroll)
        if self._account is not None:
            body["AccountId"] = self._account
        owner = self._around.users[0] if self._around.users else self._options.default_owner
        if owner is not None:
            body["OwnerId"] = owner
        return {column: value for column, value in body.items() if value is not None}

    def _held_back(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with harmless stand-ins for texts that are written afterwards."""
        self.texts = {column: value for column, value in body.items() if refers({column: value})}
        return body | {column: value.replace("@{", "@ {") for column, value in self.texts.items()}

    def children(self) -> Iterable[Part]:
        """Contacts with their roles, solutions, team."""
        parent = self._opportunity
        children, values, schema = self._tools.writer.children, self._creation.values, self._tools.schema
        if schema.contact:
            for at, person in enumerate(_people(values.get("contacts"))):
                found = self._around.contacts.get((self._account or "", person.email.casefold()))
                yield from children.contact(person, self._account, parent, found, f"c{at}")
        solutions = values.get("solutions")
        if schema.solution is not None and isinstance(solutions, tuple):
            for at, solution in enumerate(solutions):
                if isinstance(solution, Solution):
                    body = children.solution_body(solution, parent)
                    yield Part("POST", f"/sobjects/{schema.solution.name}", f"s{at}", body)
        if schema.can_add_team:
            for at, user in enumerate(self._around.users[1:]):
                body = {"OpportunityId": parent, "UserId": user}
                yield Part("POST", "/sobjects/OpportunityTeamMember", f"t{at}", body)


def _listed_region(region: Any, column: Column) -> str | None:
    """The code of a region in the org's list; one that is not in the list is left out, not invented."""
    if not isinstance(region, str):
        return None
    wanted = region.casefold()
    codes = {value for value, label in column.choices if wanted in (value.casefold(), label.casefold())}
    return codes.pop() if len(codes) == 1 else None
