"""The registration API and the sender in one object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache, partial

import orjson

from cosell.sandbox.entra import WEBHOOKS, Entra
from cosell.sandbox.frame import Frame
from cosell.sandbox.partner_center import moments
from cosell.sandbox.switchboard import rest
from cosell.sandbox.webhooks import signing
from cosell.sandbox.webhooks.registration import TEST_EVENT, Registration, Registry
from cosell.sandbox.webhooks.sender import Delivery, Sender
from cosell.sandbox.webhooks.switches import Switches

PARTNER_ID = "7d23e5ca-0000-4000-8000-00000000a001"
_DOCUMENTED = "https://api.partnercenter.microsoft.com/engagements/v1/referrals"
_REFERRALS = "https://api.partner.microsoft.com/v1.0/engagements/referrals"
_TESTS = "http://api.partnercenter.microsoft.com/webhooks/v1/registration/validationEvents"


class Webhooks:
    """The webhooks API of Partner Center: one registration, signed events, bounded attempts.

    `partner_center_url` is where this sandbox serves referrals, for the switch position
    ``resource_uri = "sandbox"``.
    """

    def __init__(
        self,
        frame: Frame,
        *,
        base_url: str,
        entra: Entra,
        partner_center_url: str | None = None,
        partner_id: str = PARTNER_ID,
    ) -> None:
        self.frame, self.base_url = frame, base_url.rstrip("/")
        self.switches = Switches()
        self.audiences = [WEBHOOKS]
        self._sandbox = f"{partner_center_url.rstrip('/')}{_path()}" if partner_center_url else _DOCUMENTED
        self._sender = Sender(frame, self.switches)
        self._registry = Registry(
            frame,
            entra,
            self.switches,
            audiences=self.audiences,
            partner_id=partner_id,
            send_test=self._send_test,
        )
        self.app = self._registry.app
        self.root_certificate_pem = signing.root_pem()
        self.certificate_url = self._certificate(signing.GOOD)

    @property
    def registration(self) -> Registration | None:
        """Who gets the events now."""
        return self._registry.present

    @property
    def deliveries(self) -> list[Delivery]:
        """The last few hundred events that were sent or are on their way, the oldest first."""
        return list(self._sender.remembered)

    def register(self, url: str, events: Iterable[str], *, ms_header: bool = False) -> None:
        """Another product of the tenant takes the registration, without asking."""
        self._registry.register(url, tuple(events), ms_header=ms_header)

    def trust(self, ca_pem: str) -> None:
        """Trusts this authority too when a callback is https."""
        self._sender.trust(ca_pem)

    def announce(self, event: str, referral_id: str) -> None:
        """Sends an event to the registered address, unless a switch loses it; returns at once."""
        present, switches = self._registry.present, self.switches
        if present is None or event not in present.events or not switches.events_on:
            return
        if switches.drop_next > 0:
            switches.drop_next -= 1
            return
        if switches.lose and self.frame.dice.random() < switches.lose:
            return
        first = self._delivery(present, event, self._resource(referral_id), "referral")
        self._sender.give(first)
        for _ in range(switches.duplicate):
            self._sender.give(replace(first, attempts=[]))

    async def settled(self) -> None:
        """Returns when no event is on its way."""
        await self._sender.settled()

    async def aclose(self) -> None:
        """Stops the sender; events on their way are lost, as they are when a data centre goes down."""
        await self._sender.aclose()

    def reset(self) -> None:
        """Forgets the registration and every event on its way, and puts the switches back."""
        rest(self.switches)
        self._registry.clear()
        self._sender.forget()
        self._sender.remembered.clear()

    def _send_test(self, correlation: str) -> Delivery:
        present = self._registry.present
        if present is None:
            raise LookupError("there is no registration to send a test event to")
        delivery = self._delivery(present, TEST_EVENT, f"{_TESTS}/{correlation}", "test")
        self._sender.give(delivery)
        return delivery

    def _resource(self, referral_id: str) -> str:
        roots = {"documented": _DOCUMENTED, "referrals": _REFERRALS, "sandbox": self._sandbox}
        return f"{roots[self.switches.resource_uri]}/{referral_id}"

    def _delivery(self, present: Registration, event: str, uri: str, kind: str) -> Delivery:
        stamp = moments.render(moments.ticks_of(self.frame.clock.now()))
        if self.switches.body_case == "pascal":
            fields: dict[str, str | None] = {
                "EventName": event,
                "ResourceUri": uri,
                "ResourceName": kind,
                "AuditUri": None,
                "ResourceChangeUtcDate": f"{stamp[:-1]}+00:00",
            }
        else:
            fields = {
                "eventName": event,
                "resourceUri": uri,
                "resourceName": kind,
                "resourceChangeUtcDate": stamp,
            }
        body = orjson.dumps(fields)
        headers = cache(partial(self._headers, present, body, self.switches.signature))
        return Delivery(event, uri, present.url, body, headers)

    def _headers(self, present: Registration, body: bytes, how: str) -> dict[str, str]:
        name = {"stranger": signing.STRANGER, "expired": signing.EXPIRED}.get(how, signing.GOOD)
        signed = signing.signature(body + b" " if how == "broken" else body, name)
        where = "x-ms-signature" if present.signature_in_ms_header else "Authorization"
        return {
            "Content-Type": "application/json; charset=utf-8",
            where: f"Signature {signed}",
            "X-MS-Certificate-Url": self._certificate(name),
            "X-MS-Signature-Algorithm": "rsa-sha256",
        }

    def _certificate(self, name: signing.CertificateName) -> str:
        return f"{self.base_url}/cert/{name}.cer"


def _path() -> str:
    return "/v1.0/engagements/referrals"
