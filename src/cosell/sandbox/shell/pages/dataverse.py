"""The pages of Dynamics 365: opportunities and leads as a seller sees and edits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.shell.pages.forms import Form, different, read
from cosell.sandbox.shell.pages.ink import go_to, print_page
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HOME = "/dynamics/"
DEALS = "/dynamics/opportunities"
LEADS = "/dynamics/leads"
SHOWS = {"all": "All", "shared": "Sync on", "linked": "Linked", "open": "Open", "closed": "Closed"}
SAID = {
    "saved": "Saved.",
    "same": "Nothing was different, so nothing was saved.",
    "created": "Created.",
    "added": "Added.",
    "removed": "Removed.",
    "deleted": "The opportunity was deleted.",
    "qualified": "The lead was qualified; this opportunity came of it.",
}
CONTACT_FIELDS = ("first_name", "last_name", "email", "phone", "title")
_LEAD_TEXTS = ("name", "first_name", "last_name", "company", "email", "phone", "country", "description")
_NO_LEAD = {**dict.fromkeys(_LEAD_TEXTS), "id": None, "amount": None, "currency": None, "sync": False}


class DataversePages:
    """The pages and forms under ``/dynamics/``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._desk = sandbox, sandbox.dataverse_desk

    def routes(self) -> list[Route]:
        return [
            Route(HOME, self.list),
            Route("/dynamics/new", self.new, methods=["GET", "POST"]),
            Route(LEADS, self.leads),
            Route(LEADS + "/new", self.new_lead, methods=["GET", "POST"]),
            Route(LEADS + "/{row_id}", self.lead, methods=["GET", "POST"]),
            Route(LEADS + "/{row_id}/qualify", self.qualify, methods=["POST"]),
            Route(DEALS + "/{row_id}", self.show, methods=["GET", "POST"]),
            Route(DEALS + "/{row_id}/delete", self.delete, methods=["POST"]),
            Route(DEALS + "/{row_id}/{kind}", self.add, methods=["POST"]),
            Route(DEALS + "/{row_id}/{kind}/{child_id}/remove", self.remove, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        show = request.query_params.get("show", "all")
        rows = [row for row in self._desk.opportunities() if _is_shown(row, show)]
        return self._print("dynamics_list.html", rows=rows, show=show, shows=SHOWS, said=_said(request))

    async def show(self, request: Request) -> Response:
        row_id = request.path_params["row_id"]
        if request.method == "GET":
            return self._show(row_id, said=_said(request))
        form = await read(request)
        try:
            changes = different(self._desk.opportunity(row_id), _fields(form))
            if changes:
                self._desk.edit(row_id, changes)
        except Refused as refusal:
            return self._show(row_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{DEALS}/{row_id}?said={'saved' if changes else 'same'}")

    async def new(self, request: Request) -> Response:
        if request.method == "GET":
            return self._new(Form({}))
        form = await read(request)
        try:
            row_id = self._desk.create(Wish(_new_opportunity(form)))
        except Refused as refusal:
            return self._new(form, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{DEALS}/{row_id}?said=created")

    async def delete(self, request: Request) -> Response:
        self._desk.delete(request.path_params["row_id"])
        return go_to(f"{HOME}?said=deleted")

    async def add(self, request: Request) -> Response:
        row_id, kind = request.path_params["row_id"], request.path_params["kind"]
        form = await read(request)
        try:
            self._add(row_id, kind, form)
        except Refused as refusal:
            return self._show(row_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{DEALS}/{row_id}?said=added")

    async def remove(self, request: Request) -> Response:
        row_id, kind = request.path_params["row_id"], request.path_params["kind"]
        if kind not in ("solutions", "contacts", "team"):
            raise Refused("There is nothing of that kind on an opportunity.", status=404)
        self._desk.remove_child(row_id, kind, request.path_params["child_id"])
        return go_to(f"{DEALS}/{row_id}?said=removed")

    async def leads(self, _request: Request) -> Response:
        return self._print("dynamics_leads.html", rows=self._desk.leads())

    async def lead(self, request: Request) -> Response:
        row_id = request.path_params["row_id"]
        if request.method == "GET":
            return self._lead(row_id, said=_said(request))
        form = await read(request)
        try:
            changes = different(self._desk.lead(row_id), {**_lead(form), "status": form.text("status")})
            if changes:
                self._desk.edit_lead(row_id, changes)
        except Refused as refusal:
            return self._lead(row_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{LEADS}/{row_id}?said={'saved' if changes else 'same'}")

    async def new_lead(self, request: Request) -> Response:
        if request.method == "GET":
            return self._new_lead(_NO_LEAD)
        given: dict[str, Any] = {}
        try:
            given = _lead(await read(request))
            wanted = {name: value for name, value in given.items() if value not in (None, "")}
            row_id = self._desk.create_lead(Wish(wanted))
        except Refused as refusal:
            return self._new_lead({**_NO_LEAD, **given}, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{LEADS}/{row_id}?said=created")

    async def qualify(self, request: Request) -> Response:
        row_id = request.path_params["row_id"]
        try:
            made = self._desk.qualify(row_id)
        except Refused as refusal:
            if refusal.status == 404:
                raise
            return self._lead(row_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{DEALS}/{made['opportunity']}?said=qualified")

    def _add(self, row_id: str, kind: str, form: Form) -> None:
        if kind == "solutions":
            self._desk.add_solution(row_id, _solution(form))
        elif kind == "contacts":
            person: dict[str, Any] = {name: form.text(name) or None for name in CONTACT_FIELDS}
            self._desk.add_contact(row_id, Wish({**person, "primary": form.ticked("primary")}))
        elif kind == "team":
            self._desk.add_team_member(row_id, form.text("user"))
        else:
            raise Refused("There is nothing of that kind on an opportunity.", status=404)

    def _show(
        self, row_id: str, *, said: str | None = None, refused: str | None = None, status: int = 200
    ) -> Response:
        desk = self._desk
        return self._print(
            "dynamics_opportunity.html",
            status=status,
            deal=desk.opportunity(row_id),
            stages=desk.choices("opportunity", "salesstage"),
            statuses=desk.choices("opportunity", "statuscode"),
            helps=desk.choices("opportunity", "cosell_howcanmicrosofthelp"),
            users=desk.users(),
            catalogue=self._sandbox.partner_center_2.solutions,
            partner_center_id=self._sandbox.partner_center_desk_2.known(row_id),
            said=said,
            refused=refused,
        )

    def _new(self, form: Form, *, refused: str | None = None, status: int = 200) -> Response:
        desk = self._desk
        return self._print(
            "dynamics_new.html",
            status=status,
            form=form,
            stages=desk.choices("opportunity", "salesstage"),
            helps=desk.choices("opportunity", "cosell_howcanmicrosofthelp"),
            accounts=desk.accounts(),
            currencies=desk.currencies(),
            catalogue=self._sandbox.partner_center_2.solutions,
            users=desk.users(),
            refused=refused,
        )

    def _lead(
        self, row_id: str, *, said: str | None = None, refused: str | None = None, status: int = 200
    ) -> Response:
        return self._print(
            "dynamics_lead.html",
            status=status,
            lead=self._desk.lead(row_id),
            action=f"{LEADS}/{row_id}",
            statuses=self._desk.choices("lead", "statuscode"),
            said=said,
            refused=refused,
        )

    def _new_lead(
        self, lead: Mapping[str, Any], *, refused: str | None = None, status: int = 200
    ) -> Response:
        action = f"{LEADS}/new"
        return self._print("dynamics_lead.html", status=status, lead=lead, action=action, refused=refused)

    def _print(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return print_page(template, status=status, now=self._sandbox.frame.clock.now(), **values)


def _said(request: Request) -> str | None:
    return SAID.get(request.query_params.get("said", ""))


def _is_shown(row: Mapping[str, Any], show: str) -> bool:
    return {
        "shared": bool(row["sync"]),
        "linked": bool(row["referral_id"]),
        "open": not row["closed"],
        "closed": bool(row["closed"]),
    }.get(show, True)


def _fields(form: Form) -> dict[str, Any]:
    """What the edit form says about the opportunity, in the desk's words."""
    return {
        "name": form.text("name"),
        "status": form.text("status"),
        "stage": form.text("stage"),
        "amount": form.number("amount"),
        "close_date": form.text("close_date"),
        "description": form.text("description"),
        "sync": form.ticked("sync"),
        "help": form.text("help"),
        "visible": form.ticked("visible"),
    }


def _lead(form: Form) -> dict[str, Any]:
    """What the form says about a lead, in the desk's words."""
    texts: dict[str, Any] = {name: form.text(name) for name in _LEAD_TEXTS}
    return {**texts, "amount": form.number("amount"), "sync": form.ticked("sync")}


def _solution(form: Form) -> dict[str, Any]:
    return {
        "id": form.text("solution"),
        "name": form.text("solution_name") or None,
        "quantity": form.number("quantity"),
        "price": form.number("price"),
    }


def _new_opportunity(form: Form) -> dict[str, Any]:
    contact = {name: form.text(name) for name in CONTACT_FIELDS if form.text(name)}
    wanted = {
        "name": form.text("name") or None,
        "stage": form.text("stage") or None,
        "amount": form.number("amount"),
        "currency": form.text("currency") or None,
        "close_date": form.text("close_date") or None,
        "description": form.text("description") or None,
        "sync": form.ticked("sync"),
        "visible": form.ticked("visible"),
        "help": form.text("help") or None,
        "account_id": form.text("account_id") or None,
        "account": form.text("account") or None,
        "country": form.text("country") or None,
        "solutions": form.all("solutions"),
        "team": [form.text("user")] if form.text("user") else None,
        "contact": contact or None,
    }
    return {name: value for name, value in wanted.items() if value is not None}
