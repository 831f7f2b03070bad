"""Writes referrals down: every change gets its time and its tag, and is announced."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cosell.sandbox.frame import Frame, JsonObject
from cosell.sandbox.partner_center import lifecycle, moments, shape
from cosell.sandbox.partner_center.records import Owner, Record, Records, SortKey
from cosell.sandbox.partner_center.switches import Switches


class Announces(Protocol):
    """Takes the news of a changed referral to whoever registered for it."""

    def announce(self, event: str, referral_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Organization:
    """The partner whose Partner Center this is."""

    id: str
    name: str
    mpn_id: str


class Ledger:
    """Writes referrals down; nothing else touches the records."""

    def __init__(
        self,
        frame: Frame,
        *,
        base_url: str,
        organization: Organization,
        switches: Switches,
        announces: Announces,
    ) -> None:
        self.frame, self.switches, self.organization = frame, switches, organization
        self.records = Records()
        self._root = f"{base_url.rstrip('/')}/v1.0/engagements/referrals"
        self._announces = announces
        self._last = self._sequence = 0

    def clear(self) -> None:
        self.records = Records()
        self._last = self._sequence = 0

    def now(self) -> int:
        return moments.ticks_of(self.frame.clock.now())

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.frame.dice.getrandbits(128), version=4))

    def enter(
        self,
        deal: JsonObject,
        *,
        owner: Owner,
        server: Mapping[str, object],
        accepted: bool = False,
        days_to_answer: int | None = None,
        at: datetime | None = None,
    ) -> Record:
        """A new record of a deal in request form, completed with what the server knows, and announced."""
        created = self._stamp(at)
        expires = None if days_to_answer is None else created[0] + days_to_answer * moments.DAY
        body = self._complete(deal, owner, created[0], expires) | dict(server)
        if accepted:
            body["acceptedDateTime"] = body["createdDateTime"]
        listed_from = created[0] + round(self.switches.index_lag * moments.TICKS)
        record = Record(body, owner, created, created, listed_from, expires)
        self.records.add(record)
        self._tell(record, "created")
        return record

    def save(self, record: Record, body: JsonObject, *, at: datetime | None = None) -> None:
        """Gives a record new content, a new time and a new tag, and announces it."""
        updated = self._stamp(at)
        body = {**body, "updatedDateTime": moments.render(updated[0]), "eTag": self._tag(updated[0])}
        expires = record.expires if body["expirationDateTime"] is not None else None
        self.records.change(record, body, updated=updated, expires=expires)
        self._tell(record, "updated")

    def tick(self) -> int:
        """Expires every referral nobody answered in time; how many there were."""
        due = self.records.due(self.now())
        for record in due:
            self.expire(record)
        return len(due)

    def expire(self, record: Record) -> None:
        """The server closes an unanswered referral and hides the contacts of a lead."""
        before = record.body
        after = {**before, "status": "Closed", "substatus": "Expired"}
        if before["type"] == "Independent":
            after["customerProfile"] = {**before["customerProfile"], "team": []}
        self.save(record, lifecycle.with_effects(before, after, self.now()))

    def microsofts(self, engagement_id: str) -> list[Record]:
        return [one for one in self.records.engagement(engagement_id) if one.owner == "microsoft"]

    def _stamp(self, at: datetime | None) -> SortKey:
        """A moment no other change has: Microsoft's clock ticks every 100 ns, ours may stand still."""
        self._sequence += 1
        if at is not None:
            return moments.ticks_of(at), self._sequence
        self._last = max(self.now(), self._last + 1)
        return self._last, self._sequence

    def _tag(self, ticks: int) -> str:
        """A tag that looks like a Cosmos DB one, its own quotes included."""
        chance, seconds = self.frame.dice.getrandbits(32), ticks // moments.TICKS
        return f'"{chance:08x}-0000-0100-0000-{seconds & 0xFFFFFFFF:08x}"'

    def _complete(self, deal: JsonObject, owner: Owner, ticks: int, expires: int | None) -> JsonObject:
        stamp = moments.render(ticks)
        referral_id, engagement_id = self.new_id(), deal["engagementId"] or self.new_id()
        ours = owner == "partner"
        return {
            "id": referral_id,
            "engagementId": engagement_id.lower(),
            "name": deal["name"],
            "organizationId": self.organization.id if ours else "msft",
            "organizationName": self.organization.name if ours else "Microsoft",
            "lastModifiedVia": None,
            "lastRunId": None,
            "externalReferenceId": deal["externalReferenceId"] if ours else None,
            "createdDateTime": stamp,
            "updatedDateTime": stamp,
            "expirationDateTime": None if expires is None else moments.render(expires),
            "status": deal["status"],
            "substatus": deal["substatus"],
            "statusReason": deal["statusReason"],
            "qualification": deal["qualification"],
            "type": deal["type"],
            "referralSource": None,
            "eTag": self._tag(ticks),
            "favorite": False,
            "campaignId": deal["campaignId"],
            "salesStage": deal["salesStage"],
            "quality": "Unknown",
            "isSpam": False,
            "direction": "Outgoing",
            "mpnId": self.organization.mpn_id,
            "referralProgram": deal["referralProgram"],
            "dealSensitivity": "None",
            "createdVia": None,
            "tags": None,
            "acceptedDateTime": None,
            "closedDateTime": None,
            "callToAction": None,
            "registrationStatus": "None",
            "target": deal["target"],
            "customerProfile": deal["customerProfile"],
            "consent": deal["consent"],
            "details": deal["details"],
            "team": deal["team"],
            "inviteContext": deal["inviteContext"],
            "links": self._links(referral_id, engagement_id.lower()),
            "trackingInfo": dict.fromkeys(shape.TRACKING),
            "registrations": [],
        }

    def _links(self, referral_id: str, engagement_id: str) -> JsonObject:
        # Unescaped, as Microsoft writes it (section 9, trap 8).
        related = f"{self._root}?$filter=engagementId eq '{engagement_id}'"
        return {
            "relatedReferrals": {"uri": related, "method": "GET"},
            "self": {"uri": f"{self._root}/{referral_id}", "method": "GET"},
        }

    def _tell(self, record: Record, what: str) -> None:
        if record.owner == "partner":
            self._announces.announce(f"referral-{what}", record.id)
            return
        own = [one for one in self.records.engagement(record.engagement) if one.owner == "partner"]
        named = own[0] if own and self.switches.related_event_id == "own" else record
        self._announces.announce(f"related-referral-{what}", named.id)
