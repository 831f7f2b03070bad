"""Who receives the events: one address per tenant, taken over only when told to (7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Registered:
    """What is registered; the address may hold secrets in its query, so show `owner` instead."""

    url: str
    events: tuple[str, ...]

    @property
    def owner(self) -> str:
        """The address as far as it may be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def missing(self) -> tuple[str, ...]:
        """The referral events that do not come."""
        return tuple(event for event in REFERRAL_EVENTS if event not in self.events)


@dataclass(frozen=True, slots=True)
class Trial:
    """How a validation event fared."""

    status: str
    attempts: tuple[str, ...]
    """The answer of each attempt, as Microsoft saw it."""

    @property
    def arrived(self) -> bool:
        return any(
            one.upper() in ("OK", "ACCEPTED", "NOCONTENT", "200", "202", "204") for one in self.attempts
        )


class Registration:
    """Speaks the webhook registration API."""

    def __init__(self, options: Options, *, transport: Transport, tokens: Tokens) -> None:
        self._tokens = tokens
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
        self, url: str, *, overwrite: bool = False, signature_in_own_header: bool = False
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
        events = tuple(dict.fromkeys((*(present.events if present else ()), *REFERRAL_EVENTS, TEST_EVENT)))
        body: dict[str, Any] = {"WebhookUrl": url, "WebhookEvents": list(events)}
        if signature_in_own_header:
            body["SignatureTokenToMsSignatureHeader"] = True
        return await self._put(body, exists=present is not None)

    async def release(self, url: str, *, give_to: Registered | None = None) -> Registered | None:
        """Has referral events no longer sent to `url`; with `give_to` puts that registration back.

        There is no deletion (7.1): without somebody to give it to, only the test event stays subscribed.
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
            return await self._put(
                {"WebhookUrl": give_to.url, "WebhookEvents": list(give_to.events)}, exists=True
            )
        kept = [event for event in present.events if event not in REFERRAL_EVENTS] or [TEST_EVENT]
        return await self._put({"WebhookUrl": url, "WebhookEvents": kept}, exists=True)

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
        attempts = [_spelled(one, "responsecode") for one in results] if isinstance(results, list) else []
        return Trial(str(_spelled(whole, "status") or ""), tuple(str(one) for one in attempts if one))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.http.aclose()

    async def _put(self, body: Mapping[str, Any], *, exists: bool) -> Registered:
        reply = await self._call("PUT" if exists else "POST", "", "webhook register", body)
        if reply.status == 409 and not exists:
            raise Rejected(
                "Somebody registered an address for this tenant a moment ago.",
                code="webhook_taken",
                advice="Look with `cosell webhook status` whose it is.",
            )
        if not reply.ok:
            raise outcomes.error(reply, Act.SETUP, self.http.redact)
        found = _registered(reply.json_or_none())
        return found or Registered(str(body["WebhookUrl"]), tuple(body["WebhookEvents"]))

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
    return Registered(url, tuple(one for one in named if isinstance(one, str)))
