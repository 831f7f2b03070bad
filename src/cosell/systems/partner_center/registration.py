"""Who receives the events: one address per tenant, taken over only when told to (7.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from urllib.parse import quote, urlsplit

from cosell.core.errors import Rejected
from cosell.http import Http, Reply, Transport
from cosell.systems.partner_center import outcomes
from cosell.systems.partner_center.auth import Tokens
from cosell.systems.partner_center.options import WEBHOOKS_RESOURCE, Options
from cosell.systems.partner_center.outcomes import Act

REFERRAL_EVENTS = (
    "referral-created",
    "referral-updated",
    "related-referral-created",
    "related-referral-updated",
)
TEST_EVENT = "test-created"
_LONGEST = 300
"""Letters of a message of Microsoft's that are kept."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What is registered; the address may hold secrets in its query, so show `owner` instead."""

    url: str
    events: tuple[str, ...]
    own_header: bool | None = None
    """Whether signatures come in `x-ms-signature`; None where Partner Center does not tell."""

    @property
    def owner(self) -> str:
        """The address as far as it may be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def missing(self) -> tuple[str, ...]:
        """The referral events that do not come."""
        return tuple(event for event in REFERRAL_EVENTS if event not in self.events)

    def others(self) -> tuple[str, ...]:
        """The events of other products, which have to stay whatever we do."""
        return tuple(event for event in self.events if event not in (*REFERRAL_EVENTS, TEST_EVENT))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring a validation event, in Microsoft's own words."""

    code: str
    """Such as OK or Unauthorized; empty where nothing answered."""
    message: str = ""
    system_error: bool = False
    at: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return self.code.upper() in ("OK", "ACCEPTED", "NOCONTENT", "200", "202", "204")


@dataclass(frozen=True, slots=True)
class Trial:
    """How a validation event fared."""

    status: str
    attempts: tuple[Attempt, ...]

    @property
    def arrived(self) -> bool:
        return any(one.arrived for one in self.attempts)


class Registration:
    """Speaks the webhook registration API."""

    def __init__(self, options: Options, *, transport: Transport, tokens: Tokens) -> None:
        self._tokens, self._own_header = tokens, options.signature_in_own_header
        self._url = options.webhooks_url.rstrip("/") + "/webhooks/v1/registration"
        self.http = Http(
            transport,
            name="The webhooks API of Partner Center",
            allow=(options.webhooks_url,),
            concurrency=2,
            max_body=1024 * 1024,
            secrets=tokens.secrets,
        )

    async def status(self) -> Registered | None:
        """The present registration of the tenant, whoever made it; None where there is none."""
        reply = await self._call("GET", "", "webhook status")
        if reply.status == 404 or not reply.body.strip():
            return None
        return _registered(reply.json())

    async def register(
        self, url: str, *, overwrite: bool = False, signature_in_own_header: bool | None = None
    ) -> Registered:
        """Has all referral events sent to `url`, beside the events that are sent already.

        A foreign address is taken over only with `overwrite`: its owner would silently hear nothing more.
        """
        present = await self.status()
        if present is not None and present.url != url and not overwrite:
            raise Rejected(
                f"The events of this tenant go to {present.owner} already.",
                code="webhook_taken",
                advice="Take them over with --overwrite, once you know that nobody needs them there.",
            )
        events = _merged(present.events if present else (), REFERRAL_EVENTS)
        own = self._own_header if signature_in_own_header is None else signature_in_own_header
        return await self._put(Registered(url, events, own), exists=present is not None)

    async def subscribe(self, present: Registered, events: Iterable[str]) -> Registered:
        """Has exactly `events` sent to where they are sent already."""
        return await self._put(replace(present, events=tuple(events), own_header=self._own_header))

    async def release(self, url: str, *, give_to: Registered | None = None) -> Registered | None:
        """Has referral events no longer sent to `url`; with `give_to` puts that registration back.

        Events of other products stay in the list, also those that joined it meanwhile. There is no deletion
        (7.1): without anybody to give it to and any other event, only the test event stays subscribed.
        """
        present = await self.status()
        if present is None:
            return None
        if present.url != url:
            raise Rejected(
                f"The events of this tenant go to {present.owner}, which is not ours to release.",
                code="webhook_foreign",
                advice="Nothing needs to be released here.",
            )
        if give_to is not None:
            return await self._put(replace(give_to, events=_merged(give_to.events, present.others())))
        return await self._put(replace(present, events=present.others() or (TEST_EVENT,)))

    async def offered(self) -> tuple[str, ...]:
        """The names of all events there are."""
        listed = (await self._answered("GET", "/events", "webhook events")).json()
        return tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()

    async def try_out(self) -> str:
        """Asks for a test event; answers its correlation id. Two a minute at most (8)."""
        reply = await self._answered("POST", "/validationEvents", "webhook test")
        found = _spelled(reply.json(), "correlationid")
        if not isinstance(found, str) or not found:
            raise reply.nonsense("no correlation id")
        return found

    async def outcome(self, correlation_id: str) -> Trial:
        """How the test event `correlation_id` fared so far."""
        path = f"/validationEvents/{quote(correlation_id, safe='')}"
        whole = (await self._answered("GET", path, "webhook test")).json()
        results = _spelled(whole, "results")
        rows = results if isinstance(results, list) else []
        return Trial(str(_spelled(whole, "status") or ""), tuple(_attempt(one) for one in rows))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.http.aclose()

    async def _put(self, wanted: Registered, *, exists: bool = True) -> Registered:
        body: dict[str, Any] = {"WebhookUrl": wanted.url, "WebhookEvents": list(wanted.events)}
        if wanted.own_header:
            body["SignatureTokenToMsSignatureHeader"] = True
        reply = await self._call("PUT" if exists else "POST", "", "webhook register", body)
        if reply.status == 409 and not exists:
            raise Rejected(
                "Somebody registered an address for this tenant a moment ago.",
                code="webhook_taken",
                advice="Look with `cosell webhook status` whose it is.",
            )
        if not reply.ok:
            raise outcomes.error(reply, Act.SETUP, self.http.redact)
        return _registered(reply.json_or_none()) or replace(wanted, own_header=None)

    async def _answered(self, method: str, path: str, purpose: str) -> Reply:
        reply = await self._call(method, path, purpose)
        if reply.ok:
            return reply
        raise outcomes.error(reply, Act.SETUP, self.http.redact)

    async def _call(self, method: str, path: str, purpose: str, json: Any = None) -> Reply:
        """Sends once, and once more with a new token after a 401; 404 and 409 are the caller's to read."""
        token = await self._tokens.token(WEBHOOKS_RESOURCE)
        reply = await self._send(method, path, purpose, token, json)
        if reply.status == 401 and not outcomes.needs_mfa(reply):
            token = await self._tokens.token(WEBHOOKS_RESOURCE, refused=token)
            reply = await self._send(method, path, purpose, token, json)
        if reply.ok or reply.status in (404, 409):
            return reply
        raise outcomes.error(reply, Act.SETUP, self.http.redact)

    async def _send(self, method: str, path: str, purpose: str, token: str, json: Any) -> Reply:
        headers = {"authorization": f"Bearer {token}"}
        return await self.http.call(method, self._url + path, headers=headers, json=json, purpose=purpose)


def _spelled(body: Any, name: str) -> Any:
    """The value of `name`, however it is capitalised: both spellings are documented (7.1)."""
    pairs: Iterable[tuple[str, Any]] = body.items() if isinstance(body, dict) else ()
    return next((value for key, value in pairs if key.casefold() == name), None)


def _registered(body: Any) -> Registered | None:
    url, events = _spelled(body, "webhookurl"), _spelled(body, "webhookevents")
    if not isinstance(url, str) or not url:
        return None
    named = events if isinstance(events, list) else []
    own = _spelled(body, "signaturetokentomssignatureheader")
    return Registered(
        url, tuple(one for one in named if isinstance(one, str)), own if isinstance(own, bool) else None
    )


def _attempt(row: Any) -> Attempt:
    code, message = _spelled(row, "responsecode"), _spelled(row, "responsemessage")
    # Microsoft shows a .NET name; the number of the same status would be no surprise.
    told = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    return Attempt(
        told[:64],
        str(message or "")[:_LONGEST],
        _spelled(row, "systemerror") is True,
        str(_spelled(row, "datetimeutc") or "")[:40],
    )


def _merged(first: Iterable[str], *more: Iterable[str]) -> tuple[str, ...]:
    """All names once, in the order of their first coming."""
    return tuple(dict.fromkeys(chain(first, *more)))
