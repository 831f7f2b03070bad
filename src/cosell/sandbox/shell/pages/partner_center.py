"""The pages of Partner Center: our desk in the portal and the Microsoft seller's, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.shell.desk.partner_center import HELPS, REASONS
from cosell.sandbox.shell.pages.forms import Form, read
from cosell.sandbox.shell.pages.ink import go_to, print_page
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.account import Account
    from cosell.sandbox.shell.composition import Sandbox

SHOWS = {"all": "All", "you": "Waiting for you", "microsoft": "Waiting for Microsoft", "active": "Active"}
SHOWS |= {"closed": "Closed"}
SAID = {
    "saved": "Saved.",
    "same": "Nothing was different, so nothing was saved.",
    "sent": "The deal was sent to you. You have 14 days to answer.",
    "created": "The deal was created.",
    "accept": "Accepted.",
    "decline": "Declined.",
    "expire": "The time to answer is over.",
    "close": "Closed.",
}


class Beside(Protocol):
    """The CRM beside an account, as far as these pages look into it."""

    def linked(self, referral_id: str, external_id: str | None) -> str | None:
        """The id of the opportunity that belongs to a referral."""
        ...


@dataclass(frozen=True, slots=True)
class Where:
    """Where the pages of an account are, and those of the CRM beside it."""

    here: str
    crm: str
    crm_name: str


class PartnerCenterPages:
    """The pages and forms of one account, such as those under ``/partner-center/``."""

    def __init__(self, sandbox: Sandbox, account: Account, crm: Beside, where: Where) -> None:
        self._sandbox, self._account, self._crm, self._where = sandbox, account, crm, where
        self._desk, self._home = account.desk, f"/{where.here}"

    def routes(self) -> list[Route]:
        home = self._home
        return [
            Route(f"{home}/", self.list),
            Route(f"{home}/inbound", self.inbound, methods=["GET", "POST"]),
            Route(f"{home}/new", self.new, methods=["GET", "POST"]),
            Route(home + "/referrals/{referral_id}", self.show),
            Route(home + "/referrals/{referral_id}/edit", self.edit, methods=["POST"]),
            Route(home + "/referrals/{referral_id}/{act}", self.act, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        show = request.query_params.get("show", "all")
        rows = [row for row in self._desk.deals() if _is_shown(row, show)]
        return self._print("partner_center_list.html", rows=rows, show=show, shows=SHOWS)

    async def show(self, request: Request) -> Response:
        said = SAID.get(request.query_params.get("said", ""))
        return self._show(request.path_params["referral_id"], said=said)

    async def edit(self, request: Request) -> Response:
        referral_id = request.path_params["referral_id"]
        form = await read(request)
        by = "microsoft" if form.text("by") == "microsoft" else "partner"
        try:
            deal = self._desk.deal(referral_id)
            present = deal["theirs"] if by == "microsoft" and deal["theirs"] else deal["ours"]
            changes = _changes(present, form)
            if changes:
                self._desk.edit(referral_id, changes, by=by)  # type: ignore[arg-type]
        except Refused as refusal:
            return self._show(referral_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{self._home}/referrals/{deal['id']}?said={'saved' if changes else 'same'}")

    async def act(self, request: Request) -> Response:
        referral_id, act = request.path_params["referral_id"], request.path_params["act"]
        form = await read(request)
        try:
            self._act(referral_id, act, form)
        except Refused as refusal:
            if refusal.status == 404:
                raise
            return self._show(referral_id, refused=refusal.sentence, status=refusal.status)
        return go_to(f"{self._home}/referrals/{referral_id}?said={act}")

    async def inbound(self, request: Request) -> Response:
        return await self._new(request, inbound=True)

    async def new(self, request: Request) -> Response:
        return await self._new(request, inbound=False)

    def _act(self, referral_id: str, act: str, form: Form) -> None:
        by: Any = "microsoft" if form.text("by") == "microsoft" else "partner"
        reason = form.text("reason") or None
        if act == "accept":
            self._desk.accept(referral_id, by=by)
        elif act == "decline":
            self._desk.decline(referral_id, reason=reason, by=by)
        elif act == "expire":
            self._desk.expire(referral_id)
        elif act == "close":
            outcome = Wish({"outcome": form.text("outcome")}).text("outcome", among=("won", "lost", "error"))
            self._desk.close(referral_id, outcome, reason=reason if outcome != "won" else None, by=by)
        else:
            raise Refused("There is nothing at this address.", status=404)

    async def _new(self, request: Request, *, inbound: bool) -> Response:
        form, refused, status = Form({}), None, 200
        if request.method == "POST":
            form = await read(request)
            try:
                wish = Wish(_new_deal(form, inbound=inbound))
                made = self._desk.send_inbound(wish) if inbound else self._desk.create(wish)
                said = "sent" if inbound else "created"
                return go_to(f"{self._home}/referrals/{made}?said={said}")
            except Refused as refusal:
                refused, status = refusal.sentence, refusal.status
        return self._print(
            "partner_center_new.html",
            status=status,
            refused=refused,
            form=form,
            inbound=inbound,
            title="Send a deal as Microsoft" if inbound else "New deal in the portal",
            lead=(
                "A Microsoft seller shares a deal with you. It waits for your answer for 14 days."
                if inbound
                else "A colleague makes a deal in Partner Center. With help wanted, Microsoft is asked too."
            ),
            action=request.url.path,
            helps=HELPS,
            catalogue=self._account.partner_center.solutions,
        )

    def _show(
        self, referral_id: str, *, said: str | None = None, refused: str | None = None, status: int = 200
    ) -> Response:
        deal = self._desk.deal(referral_id)
        return self._print(
            "partner_center_deal.html",
            status=status,
            deal=deal,
            ours=deal["ours"],
            theirs=deal["theirs"],
            answers=_answers(deal),
            opportunity_id=self._crm.linked(deal["id"], deal["external_reference_id"]),
            helps=HELPS,
            reasons=REASONS,
            said=said,
            refused=refused,
        )

    def _print(self, template: str, *, status: int = 200, **values: Any) -> Response:
        now, where = self._sandbox.frame.clock.now(), self._where
        whose = self._account.identity.organization.name
        return print_page(template, status=status, now=now, where=where, whose=whose, **values)


def _is_shown(row: Mapping[str, Any], show: str) -> bool:
    shown = {
        "you": row["waits_for"] == "partner",
        "microsoft": row["waits_for"] == "microsoft",
        "active": row["status"] == "Active",
        "closed": row["status"] == "Closed",
    }
    return bool(shown.get(show, True))


def _answers(deal: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The groups of buttons that make sense now: the question that is open, and the ends of our referral."""
    groups = []
    if deal["waits_for"]:
        side = deal["waits_for"]
        who = "you" if side == "partner" else "the Microsoft seller"
        acts = [
            {"act": "accept", "label": "Accept", "tone": "", "reasons": False, "outcome": ""},
            {"act": "decline", "label": "Decline", "tone": "harm", "reasons": True, "outcome": ""},
            {"act": "expire", "label": "Let it expire", "tone": "plain", "reasons": False, "outcome": ""},
        ]
        groups.append({"title": f"This deal waits for {who}", "by": side, "acts": acts})
    if deal["status"] == "Active":
        groups.append({"title": "End your referral", "by": "partner", "acts": _ends()})
    if deal["microsoft"] and deal["microsoft"]["status"] == "Active":
        groups.append({"title": "End Microsoft’s referral", "by": "microsoft", "acts": _ends()})
    return groups


def _ends() -> list[dict[str, Any]]:
    return [
        {"act": "close", "label": "Won", "tone": "", "reasons": False, "outcome": "won"},
        {"act": "close", "label": "Lost", "tone": "harm", "reasons": True, "outcome": "lost"},
    ]


def _changes(present: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """What the form says differently from the referral."""
    details = present["details"]
    before = {
        "value": details["dealValue"],
        "currency": details["currency"],
        "close_date": (details["closingDateTime"] or "")[:10],
        "notes": (details["notes"] or "").replace("\r\n", "\n"),
    }
    wanted = {name: form.text(name) for name in before if name in form.fields}
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value != (before[name] or "")}
    if "value" in changes:
        changes["value"] = form.number("value")
        if changes["value"] == before["value"]:
            del changes["value"]
    return changes


def _new_deal(form: Form, *, inbound: bool) -> dict[str, Any]:
    texts = ("name", "currency", "close_date", "notes", "help", "customer", "city", "country")
    wanted: dict[str, Any] = {name: form.text(name) for name in texts if form.text(name)}
    wanted["help"] = form.text("help")
    if form.text("value"):
        wanted["value"] = form.number("value")
    if form.all("solutions"):
        wanted["solutions"] = form.all("solutions")
    if not inbound and (form.ticked("visible") or wanted.get("help")):
        wanted["visible"] = True
    return wanted
