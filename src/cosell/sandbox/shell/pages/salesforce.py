"""The pages of Salesforce: opportunities as a seller sees and edits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.shell.desk.salesforce import HELP_LABELS, ROLES
from cosell.sandbox.shell.pages.forms import Form, different, read
from cosell.sandbox.shell.pages.ink import go_to, print_page
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HOME = "/salesforce/"
SHOWS = {"all": "All", "shared": "Sync on", "linked": "Linked", "open": "Open", "closed": "Closed"}
SAID = {
    "saved": "Saved.",
    "same": "Nothing was different, so nothing was saved.",
    "created": "The opportunity was created.",
    "added": "Added.",
    "removed": "Removed.",
    "deleted": "The opportunity was deleted.",
}


class SalesforcePages:
    """The pages and forms under ``/salesforce/``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._desk = sandbox, sandbox.salesforce_desk

    def routes(self) -> list[Route]:
        return [
            Route(HOME, self.list),
            Route("/salesforce/new", self.new, methods=["GET", "POST"]),
            Route("/salesforce/opportunities/{row_id}", self.show, methods=["GET", "POST"]),
            Route("/salesforce/opportunities/{row_id}/delete", self.delete, methods=["POST"]),
            Route("/salesforce/opportunities/{row_id}/{kind}", self.add, methods=["POST"]),
            Route(
                "/salesforce/opportunities/{row_id}/{kind}/{child_id}/remove", self.remove, methods=["POST"]
            ),
        ]

    async def list(self, request: Request) -> Response:
        show = request.query_params.get("show", "all")
        rows = [row for row in self._desk.opportunities() if _is_shown(row, show)]
        said = SAID.get(request.query_params.get("said", ""))
        return self._print("salesforce_list.html", rows=rows, show=show, shows=SHOWS, said=said)

    async def show(self, request: Request) -> Response:
        row_id = request.path_params["row_id"]
        if request.method == "GET":
            return self._show(row_id, said=SAID.get(request.query_params.get("said", "")))
        form = await read(request)
        try:
            changes = different(self._desk.opportunity(row_id), _fields(form))
            if changes:
                self._desk.edit(row_id, changes)
        except Refused as refusal:
            return self._show(row_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"/salesforce/opportunities/{row_id}?said={'saved' if changes else 'same'}")

    async def new(self, request: Request) -> Response:
        if request.method == "GET":
            return self._new(Form({}))
        form = await read(request)
        try:
            row_id = self._desk.create(Wish(_new_opportunity(form)))
        except Refused as refusal:
            return self._new(form, refused=refusal.sentence, status=refusal.status)
        return go_to(f"/salesforce/opportunities/{row_id}?said=created")

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
        return go_to(f"/salesforce/opportunities/{row_id}?said=added")

    async def remove(self, request: Request) -> Response:
        row_id, kind = request.path_params["row_id"], request.path_params["kind"]
        if kind not in ("solutions", "contacts", "team"):
            raise Refused("There is nothing of that kind on an opportunity.", status=404)
        self._desk.remove_child(row_id, kind, request.path_params["child_id"])
        return go_to(f"/salesforce/opportunities/{row_id}?said=removed")

    def _add(self, row_id: str, kind: str, form: Form) -> None:
        if kind == "solutions":
            self._desk.add_solution(row_id, _solution(form))
        elif kind == "contacts":
            person: dict[str, Any] = {name: form.text(name) or None for name in CONTACT_FIELDS}
            role = {"role": form.text("role") or ROLES[0], "primary": form.ticked("primary")}
            self._desk.add_contact(row_id, Wish({**person, **role}))
        elif kind == "team":
            self._desk.add_team_member(row_id, form.text("user"))
        else:
            raise Refused("There is nothing of that kind on an opportunity.", status=404)

    def _show(
        self, row_id: str, *, said: str | None = None, refused: str | None = None, status: int = 200
    ) -> Response:
        return self._print(
            "salesforce_opportunity.html",
            status=status,
            deal=self._desk.opportunity(row_id),
            stages=self._desk.stages(),
            helps=HELP_LABELS,
            roles=ROLES,
            users=self._desk.users(),
            catalogue=self._sandbox.partner_center.solutions,
            partner_center_id=self._sandbox.partner_center_desk.known(row_id),
            said=said,
            refused=refused,
        )

    def _new(self, form: Form, *, refused: str | None = None, status: int = 200) -> Response:
        return self._print(
            "salesforce_new.html",
            status=status,
            form=form,
            stages=self._desk.stages(),
            helps=HELP_LABELS,
            accounts=self._desk.accounts(),
            currencies=self._sandbox.salesforce.settings.currencies,
            catalogue=self._sandbox.partner_center.solutions,
            users=self._desk.users(),
            refused=refused,
        )

    def _print(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return print_page(template, status=status, now=self._sandbox.frame.clock.now(), **values)


CONTACT_FIELDS = ("first_name", "last_name", "email", "phone", "title")


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
        "stage": form.text("stage"),
        "amount": form.number("amount"),
        "close_date": form.text("close_date"),
        "description": form.text("description"),
        "sync": form.ticked("sync"),
        "help": form.text("help"),
        "visible": form.ticked("visible"),
    }


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
