"""What people do in the portal and Microsoft does on its side, as verbs for control APIs and pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center import lifecycle, registration, rules, shape
from cosell.sandbox.partner_center.documents import placed, value_at
from cosell.sandbox.partner_center.errors import Refusal
from cosell.sandbox.partner_center.kinds import Items
from cosell.sandbox.partner_center.ledger import Ledger
from cosell.sandbox.partner_center.records import Record

SELLER: JsonObject = {
    "firstName": "Kofi",
    "lastName": "Mensah",
    "phoneNumber": "+14255550123",
    "email": "kofi.mensah@microsoft.example",
    "title": "Account Executive",
}
_FIXED = (("engagementId",), ("target",))
_MSX_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


class Referrals:
    """Every verb takes a referral id and hands back the referral as it is afterwards.

    An unknown id is a LookupError, a step that is not possible a ValueError with a sentence.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def all(self) -> list[JsonObject]:
        """Every referral, ours and Microsoft's, the oldest first."""
        return [record.body for record in self._ledger.records.by_created.records()]

    def get(self, referral_id: str) -> JsonObject | None:
        record = self._ledger.records.get(referral_id)
        return None if record is None else record.body

    def engagement(self, engagement_id: str) -> list[JsonObject]:
        """The referrals of one engagement."""
        return [record.body for record in self._ledger.records.engagement(engagement_id)]

    def tick(self) -> int:
        """Lets time pass: expires what nobody answered; how many referrals that were."""
        return self._ledger.tick()

    def create_inbound(self, deal: Mapping[str, Any], *, at: datetime | None = None) -> JsonObject:
        """A Microsoft seller sends a deal, or an Independent lead: New, with 14 days to answer it."""
        form = _form(deal)
        form["status"], form["substatus"] = "New", form["substatus"] or "Pending"
        form["type"] = form["type"] or "Shared"
        form["qualification"] = form["qualification"] or "SalesQualified"
        if form["substatus"] not in lifecycle.PAIRS["New"]:
            raise ValueError("an inbound referral is New and either Pending or Received")
        is_cosell = form["type"] == "Shared"
        if is_cosell:
            form["team"] = form["team"] or shape.TEAM.bind([SELLER], "team")
            form["target"] = form["target"] or _solution_target(form)
            _default_consent(form)
        form["inviteContext"] = _invite(
            form,
            invitedMpnId=self._ledger.organization.mpn_id if is_cosell else None,
            invitedBy={"organizationId": "msft", "organizationName": "Microsoft"},
        )
        server: JsonObject = {"direction": "Incoming"}
        if is_cosell:
            server["trackingInfo"] = self._tracking()
        days = lifecycle.DAYS_TO_ANSWER
        return self._ledger.enter(form, owner="partner", server=server, days_to_answer=days, at=at).body

    def create_outbound_in_portal(self, deal: Mapping[str, Any], *, at: datetime | None = None) -> JsonObject:
        """The partner makes a deal in the portal; when it asks for help, Microsoft's deal is made too."""
        form = _form(deal)
        helped = rules.asks_for_help(form)
        form["type"] = form["type"] or ("Shared" if helped else "Independent")
        form["qualification"] = form["qualification"] or "SalesQualified"
        _default_consent(form, shared=helped)
        record = self.enter_own(form, at=at)
        if helped:
            self.enter_microsofts({**form, "engagementId": record.engagement}, at=at)
        return record.body

    def enter_own(self, form: JsonObject, *, at: datetime | None = None) -> Record:
        """Writes down a deal of the partner's own; it starts accepted (4.2)."""
        form = {**form, "status": "Active", "substatus": "Accepted"}
        if form["inviteContext"] is not None:
            form["inviteContext"] = _invite(form, invitedBy=self._we())
        return self._ledger.enter(form, owner="partner", server={}, accepted=True, at=at)

    def enter_microsofts(self, form: JsonObject, *, at: datetime | None = None) -> Record:
        """Writes down the deal of an engagement that Microsoft has to answer."""
        form = {**form, "status": "New", "substatus": "Pending", "team": []}
        form["target"] = [{"type": "BusinessProfileLocation", "id": "msft"}]
        form["inviteContext"] = _invite(form, invitedBy=self._we())
        days = lifecycle.DAYS_TO_ANSWER
        return self._ledger.enter(form, owner="microsoft", server={}, days_to_answer=days, at=at)

    def microsoft_accepts(self, referral_id: str, *, seller: Mapping[str, Any] | None = None) -> JsonObject:
        """A Microsoft seller takes the deal: seller and Microsoft's CRM id appear."""
        record = self._awaiting_microsoft(referral_id)
        team = shape.TEAM.bind([dict(seller or SELLER)], "seller")
        tracking = self._tracking()
        answer = {**record.body, "status": "Active", "substatus": "Accepted", "team": team}
        answer["trackingInfo"] = tracking
        self._save(record, answer)
        self._show_on_own(record, team, tracking)
        return record.body

    def microsoft_declines(self, referral_id: str, reason: str | None = None) -> JsonObject:
        """Microsoft refuses the deal, for good."""
        record = self._awaiting_microsoft(referral_id)
        self._save(
            record, {**record.body, "status": "Closed", "substatus": "Declined", "statusReason": reason}
        )
        return record.body

    def partner_accepts(self, referral_id: str) -> JsonObject:
        """The partner accepts an inbound referral in the portal."""
        return self.edit(referral_id, {"status": "Active", "substatus": "Accepted"}, by="partner")

    def partner_declines(self, referral_id: str, reason: str | None = None) -> JsonObject:
        """The partner declines an inbound referral in the portal."""
        return self.close(referral_id, substatus="Declined", reason=reason)

    def close(self, referral_id: str, *, substatus: str = "Won", reason: str | None = None) -> JsonObject:
        """The owner closes a referral as Won, Lost, Declined or Error."""
        changes = {"status": "Closed", "substatus": substatus, "statusReason": reason}
        record = self._open(referral_id)
        if substatus == "Error":
            # The portal has it since 2023 even where the API does not take it (4.1).
            self._save(record, {**record.body, **changes})
            return record.body
        return self.edit(referral_id, changes, by=record.owner)

    def edit(
        self,
        referral_id: str,
        changes: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        *,
        by: Literal["microsoft", "partner"] = "microsoft",
    ) -> JsonObject:
        """Changes any property: {"details.dealValue": 5} or [{"path": "/details/dealValue", "value": 5}].

        The partner cannot change Microsoft's deal; Microsoft can change what is in either.
        """
        record = self._open(referral_id)
        if by == "partner" and record.owner == "microsoft":
            raise ValueError("the partner cannot change Microsoft's deal")
        after = record.body
        for path, value in _pairs(changes):
            after = _edited(after, path, value)
        try:
            lifecycle.check_move(record.body, after, self._ledger.switches)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
        self._save(record, after)
        return record.body

    def expire(self, referral_id: str) -> JsonObject:
        """The time to answer is over at once."""
        record = self._open(referral_id)
        if record.body["status"] != "New":
            raise ValueError("only a referral that waits for an answer can expire")
        self._ledger.expire(record)
        return record.body

    def review_registration(self, referral_id: str, status: str, *, reason: str | None = None) -> JsonObject:
        """Microsoft moves the registration of a won deal along its chain (2.6)."""
        record = self._record(referral_id)
        try:
            after = registration.reviewed(record.body, status, reason, now=self._ledger.now())
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
        self._ledger.save(record, after)
        return record.body

    def _we(self) -> JsonObject:
        organization = self._ledger.organization
        return {"organizationId": organization.id, "organizationName": organization.name}

    def _tracking(self) -> JsonObject:
        letters = "".join(self._ledger.frame.dice.choices(_MSX_LETTERS, k=10))
        return {**dict.fromkeys(shape.TRACKING), "microsoftMsxId": f"7-{letters}"}

    def _show_on_own(self, answer: Record, team: list[JsonObject], tracking: JsonObject) -> None:
        switches = self._ledger.switches
        if not (switches.seller_in_own_team or switches.msx_id_on_own):
            return
        for own in self._ledger.records.engagement(answer.engagement):
            if own.owner == "microsoft" or lifecycle.is_terminal(own.body):
                continue
            body = dict(own.body)
            if switches.seller_in_own_team:
                body["team"] = [*body["team"], *team]
            if switches.msx_id_on_own:
                body["trackingInfo"] = tracking
            self._ledger.save(own, body)

    def _save(self, record: Record, after: JsonObject) -> None:
        self._ledger.save(record, lifecycle.with_effects(record.body, after, self._ledger.now()))

    def _record(self, referral_id: str) -> Record:
        record = self._ledger.records.get(referral_id)
        if record is None:
            raise LookupError(f"no referral has the id {referral_id}")
        return record

    def _open(self, referral_id: str) -> Record:
        record = self._record(referral_id)
        if lifecycle.is_terminal(record.body):
            raise ValueError("a closed referral cannot be changed")
        return record

    def _awaiting_microsoft(self, referral_id: str) -> Record:
        """Microsoft's waiting deal, found by its own id or by that of the partner's deal."""
        named = self._record(referral_id)
        for record in [named, *self._ledger.microsofts(named.engagement)]:
            if record.owner == "microsoft" and record.body["status"] == "New":
                return record
        raise ValueError("no deal of this engagement waits for Microsoft's answer")


def _form(deal: Mapping[str, Any]) -> JsonObject:
    try:
        return shape.bound(dict(deal))
    except Refusal as refusal:
        raise ValueError(f"{refusal.error.get('target')}: {refusal}") from refusal


def _invite(form: JsonObject, **known: Any) -> JsonObject:
    """The invitation of a deal, made if there was none, with what the server knows of it."""
    blank: JsonObject = shape.INVITE.bind({}, "inviteContext") or {}
    return {**blank, **(form["inviteContext"] or {}), **known}


def _solution_target(form: JsonObject) -> list[JsonObject]:
    solutions = form["details"]["requirements"]["solutions"]
    return [{"type": "SolutionProfile", "id": one["id"]} for one in solutions[:1]]


def _default_consent(form: JsonObject, *, shared: bool = True) -> None:
    names = (
        "consentToToShareInfoWithOthers",
        "consentToContact",
        "consentToMicrosoftToContactSpecificPartners",
    )
    given = form["consent"]
    defaults = {name: True for name in names} | {"consentToShareReferralWithMicrosoftSellers": shared}
    form["consent"] = {
        name: value if given[name] is None else given[name] for name, value in defaults.items()
    }


def _pairs(changes: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    if isinstance(changes, Mapping):
        return list(changes.items())
    return [(str(one["path"]), one["value"]) for one in changes]


def _edited(referral: JsonObject, path: str, value: Any) -> JsonObject:
    steps = tuple(path.replace(".", "/").strip("/").split("/"))
    appends = steps[-1] == "-"
    found = shape.kind_at(steps[:-1] if appends else steps)
    if found is None or found[1] in _FIXED or (appends and not isinstance(found[0], Items)):
        raise ValueError(f"a referral has no property {path} that can be edited")
    kind, spelled = found
    if appends:
        value = [*value_at(referral, spelled), value]
    try:
        edited: JsonObject = placed(referral, spelled, kind.bind(value, path))
    except Refusal as refusal:
        raise ValueError(f"{path}: {refusal}") from refusal
    return edited
