"""Moves a running sandbox from another program: one function call for each verb of its control API.

    sandbox = Control("http://127.0.0.1:8800")
    sandbox.accept("0d5f1c2a")
    sandbox.advance("14d")

Blocking, and made of the standard library alone, so that a script needs nothing else.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

DEFAULT_URL = "http://127.0.0.1:8800"
LARGEST_ANSWER = 64_000_000


class SandboxUnreachable(Exception):
    """No sandbox answers at the address."""


class SandboxRefused(Exception):
    """The sandbox did not do it; the text says why."""


@dataclass(frozen=True, slots=True)
class Control:
    """The controls of the sandbox at `url`; with TLS, `ca_file` is the authority named in its description."""

    url: str = DEFAULT_URL
    ca_file: str | None = None
    timeout: float = 15.0

    def description(self) -> dict[str, Any]:
        """The addresses and credentials of every simulated system."""
        return self._ask("GET", "/sandbox.json")

    def deals(self, system: str | None = None) -> dict[str, Any]:
        """The deals of every system, or of one, such as ``partner_center`` or ``dataverse``."""
        found = self._ask("GET", "/control/deals")
        if system is None:
            return found
        if system not in found:
            raise SandboxRefused(f"There are no deals of “{system}”; there are: {', '.join(found)}.")
        return {system: found[system]}

    def deal(self, deal_id: str) -> dict[str, Any]:
        """One deal in full: a whole engagement, or an opportunity with its related records."""
        return self._ask("GET", _place(deal_id))

    def new_deal(self, *, system: str = "partner_center", **wanted: Any) -> dict[str, Any]:
        """A Microsoft seller sends a new deal; what is not said is made up."""
        return self._ask("POST", f"/control/{quote(system, safe='')}/inbound", wanted)

    def new_referral(self, *, system: str = "partner_center", **wanted: Any) -> dict[str, Any]:
        """A colleague makes a deal in the Partner Center portal."""
        return self._ask("POST", f"/control/{quote(system, safe='')}/referrals", wanted)

    def new_opportunity(self, *, system: str = "salesforce", **wanted: Any) -> dict[str, Any]:
        """A seller makes an opportunity in Salesforce, or in ``dataverse``."""
        return self._ask("POST", f"/control/{quote(system, safe='')}/opportunities", wanted)

    def new_lead(self, *, system: str = "dataverse", **wanted: Any) -> dict[str, Any]:
        """A seller makes a lead."""
        return self._ask("POST", f"/control/{quote(system, safe='')}/leads", wanted)

    def accept(self, deal_id: str, *, by: str | None = None) -> dict[str, Any]:
        """Whoever is asked accepts the referral: Microsoft, or we in the portal."""
        return self._act(deal_id, "accept", by=by)

    def decline(self, deal_id: str, *, reason: str | None = None, by: str | None = None) -> dict[str, Any]:
        """Whoever is asked declines the referral."""
        return self._act(deal_id, "decline", reason=reason, by=by)

    def expire(self, deal_id: str) -> dict[str, Any]:
        """Lets the deadline of an unanswered referral pass, and no other."""
        return self._act(deal_id, "expire")

    def close(
        self, deal_id: str, outcome: str, *, reason: str | None = None, by: str | None = None
    ) -> dict[str, Any]:
        """Closes a referral, or an opportunity of Dynamics 365, as ``won`` or ``lost``."""
        return self._act(deal_id, "close", outcome=outcome, reason=reason, by=by)

    def edit(self, deal_id: str, *, by: str | None = None, **changes: Any) -> dict[str, Any]:
        """Changes a deal as a person would, in whichever system the id is known."""
        return self._act(deal_id, "edit", by=by, **changes)

    def advance(self, span: str | float) -> dict[str, Any]:
        """Moves the sandbox clock forward by seconds or by a text such as ``14d``."""
        return self._ask("POST", "/control/clock", {"advance": span})

    def drop_events(self, count: int = 1) -> dict[str, Any]:
        """Loses the next webhook events."""
        return self.events(drop=count)

    def duplicate_events(self, count: int = 1) -> dict[str, Any]:
        """Sends the next webhook events twice."""
        return self.events(duplicate=count)

    def events(self, **settings: Any) -> dict[str, Any]:
        """Shows or sets how webhook events travel: on, drop, duplicate, delay, reorder; system=webhooks_2."""
        if not settings:
            return self._ask("GET", "/control/events")
        return self._ask("POST", "/control/events", settings)

    def slow(self, seconds: float, *, system: str = "*") -> dict[str, Any]:
        """Makes a system, or all of them, answer late."""
        return self._ask("POST", "/control/latency", {"system": system, "seconds": seconds})

    def fail(self, system: str, **fault: Any) -> dict[str, Any]:
        """Makes the next requests to a system fail: fault=, status=, kind=, times=, method=, path=."""
        return self._ask("POST", "/control/faults", {"system": system, **fault})

    def faults(self) -> dict[str, Any]:
        """The faults that wait, and those that can be asked for by name."""
        return self._ask("GET", "/control/faults")

    def heal(self) -> dict[str, Any]:
        """Takes back every fault that has not happened yet."""
        return self._ask("DELETE", "/control/faults")

    def switch(self, system: str | None = None, **changes: Any) -> dict[str, Any]:
        """Shows the switches of one simulator or all, or sets some of one."""
        if system is None:
            return self._ask("GET", "/control/switches")
        return self._ask("POST" if changes else "GET", f"/control/switches/{quote(system, safe='')}", changes)

    def field(self, system: str, field: str, **act: Any) -> dict[str, Any]:
        """Changes a field as an administrator: remove=True, rename=, hide=True, retype=, restore=True."""
        place = f"/control/{quote(system, safe='')}/fields/{quote(field, safe='')}"
        return self._ask("POST", place, act)

    def fields(self, system: str) -> dict[str, Any]:
        """The fields of a CRM that are not as they were."""
        return self._ask("GET", f"/control/{quote(system, safe='')}/fields")

    def quota(self, *, left: int = 0, restore: bool = False) -> dict[str, Any]:
        """Uses the daily calls of Salesforce up but for a few, or gives them back."""
        return self._ask(
            "POST", "/control/salesforce/quota", {"restore": True} if restore else {"left": left}
        )

    def calls(self, *, forget: bool = False) -> dict[str, Any]:
        """The count of calls to every system; with `forget` it starts anew."""
        return self._ask("DELETE" if forget else "GET", "/control/calls")

    def revoke(self, system: str) -> dict[str, Any]:
        """Withdraws a sign-in: at ``entra``, ``salesforce``, ``entra_2`` or ``dataverse``."""
        return self._ask("POST", "/control/tokens/revoke", {"system": system})

    def expire_sessions(self, system: str) -> dict[str, Any]:
        """Ends the access tokens in use at one of the same systems."""
        return self._ask("POST", "/control/tokens/expire", {"system": system})

    def sign_in(self, system: str = "entra", *, mfa: bool = True) -> dict[str, Any]:
        """A person gives a connection its sign-in back, with a refresh token that is good now."""
        return self._ask("POST", "/control/tokens/sign-in", {"system": system, "mfa": mfa})

    def secrets(self, system: str = "entra") -> dict[str, Any]:
        """The secrets and certificates of the application of a system: their ids and ends."""
        return self._ask("GET", f"/control/secrets/{quote(system, safe='')}")

    def new_secret(self, system: str = "entra", *, lifetime: str | float | None = None) -> dict[str, Any]:
        """Makes one more secret and tells its value; a lifetime is seconds or a text such as ``30d``."""
        return self._ask("POST", f"/control/secrets/{quote(system, safe='')}", {"lifetime": lifetime})

    def end_secret(self, key_id: str, system: str = "entra") -> dict[str, Any]:
        """Ends a secret or certificate at once."""
        place = f"{quote(system, safe='')}/{quote(key_id, safe='')}"
        return self._ask("POST", f"/control/secrets/{place}/end")

    def register_certificate(self, certificate_pem: str, system: str = "entra") -> dict[str, Any]:
        """Registers a certificate that the application of a system may sign in with."""
        wanted = {"system": system, "certificate_pem": certificate_pem}
        return self._ask("POST", "/control/tokens/certificates", wanted)

    def register_redirect(self, redirect_uri: str, system: str = "entra") -> dict[str, Any]:
        """Registers an address that people may be sent back to after they signed in."""
        wanted = {"system": system, "redirect_uri": redirect_uri}
        return self._ask("POST", "/control/tokens/redirects", wanted)

    def reset(self, *, seed: int | None = None, empty: bool | None = None) -> dict[str, Any]:
        """Begins again with a fresh seed, or with nothing."""
        return self._ask("POST", "/control/reset", {"seed": seed, "empty": empty})

    def _act(self, deal_id: str, act: str, by: str | None = None, **details: Any) -> dict[str, Any]:
        return self._ask("POST", f"{_place(deal_id)}/{act}", {"by": by, **details} if by else details)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = self.url.rstrip("/") + path
        if not url.startswith(("http://", "https://")):
            raise SandboxUnreachable(
                f"{self.url} is not the address of a sandbox; it begins with http or https."
            )
        sent = json.dumps(body or {}).encode()
        try:
            return self._send(url, method, sent if method == "POST" else None)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise SandboxRefused(_reason(refusal.read(LARGEST_ANSWER), refusal.code)) from None
        except (OSError, ValueError) as trouble:
            why = getattr(trouble, "reason", trouble)
            raise SandboxUnreachable(
                f"No sandbox answers at {self.url} ({why}). "
                "Start one with “cosell sandbox”, or name its address."
            ) from None

    def _send(self, url: str, method: str, body: bytes | None) -> dict[str, Any]:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - looked at above
        trust = ssl.create_default_context(cafile=self.ca_file) if self.url.startswith("https:") else None
        # A proxy from the environment has no business between a person and this machine's own sandbox.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=trust)] if trust else [])
        )
        with opener.open(request, timeout=self.timeout) as answer:
            found: Any = json.loads(answer.read(LARGEST_ANSWER))
        if not isinstance(found, dict):
            raise ValueError("it does not speak like one")
        return found


def _place(deal_id: str) -> str:
    """Where a deal is found by its id, in whichever system it lives."""
    wanted = deal_id.strip()
    if not wanted:
        raise SandboxRefused("Name a deal by its id.")
    return f"/control/deals/{quote(wanted, safe='')}"


def _reason(body: bytes, status: int) -> str:
    try:
        found = json.loads(body)
        return str(found["error"])
    except (ValueError, KeyError, TypeError):
        return f"The sandbox answered {status}."
