"""The verbs of a seller in Salesforce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/salesforce/opportunities"
ONE = HERE + "/{deal}"
KINDS = ("solutions", "contacts", "team")


def list_opportunities(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The opportunities, a line each."""
    wish.done()
    return {"opportunities": sandbox.salesforce_desk.opportunities()}


def show_opportunity(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """One opportunity with its account, solutions, contacts and team."""
    wish.done()
    return sandbox.salesforce_desk.opportunity(deal)


def create_opportunity(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A seller creates an opportunity; account, contact, solutions and team may come along."""
    return sandbox.salesforce_desk.opportunity(sandbox.salesforce_desk.create(wish))


def edit_opportunity(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller changes fields of an opportunity; with “commit_after” others see it only so much later."""
    wish.text("by", None, among=("seller",))
    seconds = wish.seconds("commit_after", None)
    if seconds is None:
        sandbox.salesforce_desk.edit(deal, wish.rest())
    else:
        sandbox.salesforce_desk.edit_slowly(deal, wish.rest(), seconds=seconds)
    return sandbox.salesforce_desk.opportunity(deal)


def delete_opportunity(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller deletes an opportunity."""
    wish.done()
    sandbox.salesforce_desk.delete(deal)
    return {"deleted": deal}


def add_solution(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller adds a solution to an opportunity."""
    sandbox.salesforce_desk.add_solution(deal, wish.rest())
    return sandbox.salesforce_desk.opportunity(deal)


def add_contact(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller adds a customer contact to an opportunity."""
    sandbox.salesforce_desk.add_contact(deal, wish)
    return sandbox.salesforce_desk.opportunity(deal)


def add_team_member(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller puts a user on the team of an opportunity."""
    user, role = wish.text("user"), wish.text("role", "Sales Rep")
    wish.done()
    sandbox.salesforce_desk.add_team_member(deal, user, role=role)
    return sandbox.salesforce_desk.opportunity(deal)


def remove_child(sandbox: Sandbox, wish: Wish, deal: str, kind: str, child: str) -> dict[str, Any]:
    """A seller takes a solution, a contact or a team member off an opportunity."""
    wish.done()
    if kind not in KINDS:
        raise Refused(f"An opportunity has {', '.join(KINDS)}, not “{kind}”.", status=404)
    sandbox.salesforce_desk.remove_child(deal, kind, child)
    return sandbox.salesforce_desk.opportunity(deal)


VERBS = (
    Verb("GET", HERE, list_opportunities),
    Verb("GET", ONE, show_opportunity),
    Verb(
        "POST",
        HERE,
        create_opportunity,
        '{"name": "Data estate", "account": "Acme", "country": "NL", "amount": 50000, "sync": true}',
    ),
    Verb("POST", ONE + "/edit", edit_opportunity, '{"amount": 99000, "stage": "Qualification"}'),
    Verb("POST", ONE + "/delete", delete_opportunity),
    Verb("POST", ONE + "/solutions", add_solution, '{"id": "SOL-10001-AAA", "quantity": 2}'),
    Verb("POST", ONE + "/contacts", add_contact, '{"last_name": "Ng", "email": "ng@acme.example"}'),
    Verb("POST", ONE + "/team", add_team_member, '{"user": "ada.jansen@contoso.example"}'),
    Verb("DELETE", ONE + "/{kind}/{child}", remove_child),
)
