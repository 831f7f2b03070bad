"""POST, PATCH and PUT of a referral: what is checked in which order, and what changes (2.3 to 2.6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center import lifecycle, patch, registration, rules, shape
from cosell.sandbox.partner_center.documents import Key, placed, value_at
from cosell.sandbox.partner_center.errors import denied, invalid, stale
from cosell.sandbox.partner_center.ledger import Ledger
from cosell.sandbox.partner_center.patch import Operation
from cosell.sandbox.partner_center.people import Referrals
from cosell.sandbox.partner_center.records import Record

# What PUT may change beside the published PATCH paths; all else is the server's or frozen (2.5, 4.4).
_PUT_WRITABLE: tuple[tuple[str, ...], ...] = (
    ("name",),
    ("externalReferenceId",),
    ("campaignId",),
    ("salesStage",),
    ("referralProgram",),
    ("status",),
    ("substatus",),
    ("statusReason",),
    ("details",),
    ("team",),
    ("customerProfile", "team"),
    ("customerProfile", "size"),
    ("consent", "consentToShareReferralWithMicrosoftSellers"),
)
_FROZEN: tuple[tuple[str, ...], ...] = (
    ("customerProfile", "name"),
    ("customerProfile", "address"),
    ("customerProfile", "ids"),
    ("consent", "consentToToShareInfoWithOthers"),
    ("type",),
    ("target",),
)


class Operations:
    """What the API may do with referrals, as opposed to what people may."""

    def __init__(self, ledger: Ledger, referrals: Referrals, catalogue: Collection[str]) -> None:
        self._ledger, self._referrals, self._catalogue = ledger, referrals, catalogue
        self._switches = ledger.switches
        self._patching = patch.Patching(ledger.switches, catalogue)

    def create(self, raw: Any) -> Record:
        """A new deal of the partner, or Microsoft's half of an engagement that exists."""
        rules.check_sections(raw)
        deal = shape.bound(raw)
        self._check_status(deal)
        rules.check_deal(deal, self._switches, self._catalogue)
        deal["qualification"] = deal["qualification"] or "SalesQualified"
        engagement = deal["engagementId"]
        if engagement is not None and not self._ledger.records.engagement(engagement):
            raise invalid("engagementId", f"There is no engagement {engagement}.")
        if rules.addresses_microsoft(deal):
            if engagement is None:
                raise invalid("engagementId", "A connected referral needs the engagement it belongs to.")
            return self._referrals.enter_microsofts(deal)
        record = self._referrals.enter_own(deal)
        if self._switches.one_post_cosell and engagement is None and rules.asks_for_help(deal):
            self._referrals.enter_microsofts({**deal, "engagementId": record.engagement})
        return record

    def _check_status(self, deal: JsonObject) -> None:
        """A status may be left out and is not kept, but nonsense is refused (2.3)."""
        status, substatus = deal["status"], deal["substatus"]
        if status is None and substatus is None:
            return
        lifecycle.check_pair((str(status), str(substatus)), self._switches)
        if status == "Closed":
            raise invalid("status", "A new referral cannot be closed.")

    def patch(self, record: Record, raw: Any, if_match: str | None) -> None:
        """Applies a patch document to a referral, whole or not at all."""
        wanted = patch.operations(raw)
        self._check_owner(record)
        self._check_match(record, if_match, self._switches.spurious_412_patch)
        on_deal, on_registrations = patch.split(wanted)
        before = record.body
        after = before
        if on_deal:
            self._check_open(before)
            after = self._patching.applied(before, on_deal)
            self._check_change(record, after)
        after = self._registered(record, after, on_registrations)
        self._ledger.save(record, lifecycle.with_effects(before, after, self._ledger.now()))

    def put(self, record: Record, raw: Any, if_match: str | None) -> None:
        """Replaces what can be replaced; obsolete, and known to answer 412 for no reason."""
        if not isinstance(raw, Mapping):
            raise invalid("referral", "A referral is expected.")
        self._check_owner(record)
        if if_match is None:
            raise invalid(
                "If-Match", "The header If-Match is required.", status=self._switches.put_without_if_match
            )
        if any(name.lower() == "links" and value is not None for name, value in raw.items()):
            raise invalid("links", "The property links must be left out.")
        rules.check_sections(raw)
        asked = shape.bound(raw)
        self._check_match(record, if_match, self._switches.spurious_412_put)
        self._check_open(record.body)
        self._check_frozen(record.body, asked)
        rules.check_deal(
            {**asked, "inviteContext": record.body["inviteContext"]}, self._switches, self._catalogue
        )
        after = record.body
        for keys in _PUT_WRITABLE:
            after = placed(after, keys, value_at(asked, keys))
        self._check_change(record, after)
        self._ledger.save(record, lifecycle.with_effects(record.body, after, self._ledger.now()))

    def _check_owner(self, record: Record) -> None:
        if record.owner == "microsoft":
            raise denied("The referral belongs to Microsoft; only Microsoft can change it.")

    def _check_match(self, record: Record, if_match: str | None, spurious: float) -> None:
        if if_match is None:
            return
        tags = [tag.strip() for tag in if_match.split(",")]
        if record.body["eTag"] not in tags and "*" not in tags:
            raise stale()
        if spurious and self._ledger.frame.dice.random() < spurious:
            raise stale()

    def _check_open(self, body: JsonObject) -> None:
        if lifecycle.is_terminal(body):
            raise invalid(
                "status",
                f"The referral is {body['substatus']} and can no longer be changed.",
                status=self._switches.terminal_refusal,
            )

    def _check_change(self, record: Record, after: JsonObject) -> None:
        """Refuses a document whose parts are each allowed but whose whole is not."""
        before = record.body
        lifecycle.check_move(before, after, self._switches)
        contacts = after["customerProfile"]["team"]
        if rules.asks_for_help(after) and before["direction"] == "Outgoing" and not contacts:
            raise invalid("customerProfile.team", "Asking for help needs a customer contact.")
        frozen = self._switches.contacts_freeze_after_share and self._ledger.microsofts(record.engagement)
        if frozen and contacts != before["customerProfile"]["team"]:
            raise invalid(
                "customerProfile.team", "The customer contact is fixed once Microsoft was asked for help."
            )
        if rules.is_shared(before) and not rules.is_shared(after):
            raise invalid(
                "consent.consentToShareReferralWithMicrosoftSellers",
                "A deal that was shown to Microsoft sellers cannot be hidden again.",
            )

    def _check_frozen(self, before: JsonObject, asked: JsonObject) -> None:
        for keys in _FROZEN:
            if _comparable(value_at(before, keys), keys) != _comparable(value_at(asked, keys), keys):
                target = ".".join(keys)
                raise invalid(target, f"The property {target} cannot be changed after creation.")

    def _registered(self, record: Record, body: JsonObject, wanted: list[Operation]) -> JsonObject:
        if not wanted:
            return body
        if lifecycle.is_terminal(record.body) and not lifecycle.is_won(record.body):
            self._check_open(record.body)
        invited = self._invited(record)
        for one in wanted:
            body = registration.patched(
                body,
                one.path,
                one.value,
                now=self._ledger.now(),
                new_id=self._ledger.new_id(),
                invited=invited,
            )
        return body

    def _invited(self, record: Record) -> bool:
        """Partner-led (nobody was asked), inbound, or accepted by Microsoft (2.6)."""
        answers = [one.body for one in self._ledger.microsofts(record.engagement)]
        return not answers or any(one["substatus"] in ("Accepted", "Won") for one in answers)


def _comparable(value: Any, keys: tuple[Key, ...]) -> Any:
    """Lists of ids in any order and empty texts as null, as a client may send them back."""
    if keys[-1] == "ids":
        return sorted((one["profileType"] or "", one["id"] or "") for one in value)
    if isinstance(value, dict):
        return {name: inner or None for name, inner in value.items()}
    return value
