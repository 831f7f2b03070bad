"""The verbs of a seller in Dynamics 365."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/dataverse/opportunities"
ONE = HERE + "/{deal}"
LEADS = "/control/dataverse/leads"
LEAD = LEADS + "/{deal}"
KINDS = ("solutions", "contacts", "team")


def list_opportunities(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The opportunities, a line each."""
    wish.done()
    return {"opportunities": sandbox.dataverse_desk.opportunities()}


def show_opportunity(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """One opportunity with its account, solutions, contacts and team."""
    wish.done()
    return sandbox.dataverse_desk.opportunity(deal)


def create_opportunity(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A seller creates an opportunity; account, contact, solutions and team may come along."""
    return sandbox.dataverse_desk.opportunity(sandbox.dataverse_desk.create(wish))


def edit_opportunity(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller changes an opportunity; the status “Won”, “Canceled”, “In Progress” closes or reopens it."""
    wish.text("by", None, among=("seller",))
    seconds = wish.seconds("commit_after", None)
    if seconds is None:
        sandbox.dataverse_desk.edit(deal, wish.rest())
    else:
        sandbox.dataverse_desk.edit_slowly(deal, wish.rest(), seconds=seconds)
    return sandbox.dataverse_desk.opportunity(deal)


def delete_opportunity(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller deletes an opportunity."""
    wish.done()
    sandbox.dataverse_desk.delete(deal)
    return {"deleted": deal}


def add_solution(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller adds a solution to an opportunity."""
    sandbox.dataverse_desk.add_solution(deal, wish.rest())
    return sandbox.dataverse_desk.opportunity(deal)


def add_contact(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller adds a customer contact to an opportunity."""
    sandbox.dataverse_desk.add_contact(deal, wish)
    return sandbox.dataverse_desk.opportunity(deal)


def add_team_member(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller puts a user on the team of an opportunity."""
    user = wish.text("user")
    wish.done()
    sandbox.dataverse_desk.add_team_member(deal, user)
    return sandbox.dataverse_desk.opportunity(deal)


def remove_child(sandbox: Sandbox, wish: Wish, deal: str, kind: str, child: str) -> dict[str, Any]:
    """A seller takes a solution, a contact or a team member off an opportunity."""
    wish.done()
    if kind not in KINDS:
        raise Refused(f"An opportunity has {', '.join(KINDS)}, not “{kind}”.", status=404)
    sandbox.dataverse_desk.remove_child(deal, kind, child)
    return sandbox.dataverse_desk.opportunity(deal)


def list_leads(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The leads, a line each."""
    wish.done()
    return {"leads": sandbox.dataverse_desk.leads()}


def show_lead(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """One lead in full."""
    wish.done()
    return sandbox.dataverse_desk.lead(deal)


def create_lead(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A seller creates a lead."""
    return sandbox.dataverse_desk.lead(sandbox.dataverse_desk.create_lead(wish))


def edit_lead(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller changes a lead; the status “Lost”, say, disqualifies it."""
    wish.text("by", None, among=("seller",))
    sandbox.dataverse_desk.edit_lead(deal, wish.rest())
    return sandbox.dataverse_desk.lead(deal)


def qualify_lead(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A seller qualifies a lead; the answer is the opportunity that came of it."""
    wish.done()
    made = sandbox.dataverse_desk.qualify(deal)
    return sandbox.dataverse_desk.opportunity(made["opportunity"])


VERBS = (
    Verb("GET", HERE, list_opportunities),
    Verb("GET", ONE, show_opportunity),
    Verb(
        "POST",
        HERE,
        create_opportunity,
        '{"name": "Records room", "account": "Acme", "country": "NL", "amount": 50000, "currency": "EUR"}',
    ),
    Verb("POST", ONE + "/edit", edit_opportunity, '{"amount": 99000, "stage": "Propose"}'),
    Verb("POST", ONE + "/delete", delete_opportunity),
    Verb("POST", ONE + "/solutions", add_solution, '{"id": "SOL-20001-AAA", "quantity": 2}'),
    Verb("POST", ONE + "/contacts", add_contact, '{"last_name": "Ng", "email": "ng@acme.example"}'),
    Verb("POST", ONE + "/team", add_team_member, '{"user": "matteo.bianchi@fabrikam.example"}'),
    Verb("DELETE", ONE + "/{kind}/{child}", remove_child),
    Verb("GET", LEADS, list_leads),
    Verb("GET", LEAD, show_lead),
    Verb("POST", LEADS, create_lead, '{"name": "Records room", "company": "Acme", "last_name": "Ng"}'),
    Verb("POST", LEAD + "/edit", edit_lead, '{"amount": 20000}'),
    Verb("POST", LEAD + "/qualify", qualify_lead),
)
