"""What an answer means: one table from status to error (partner-center-api.md 2.8).

Only the status decides. The code words of the body are unknown territory and go to the operator's log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from cosell.core.errors import (
    CosellError,
    Gone,
    Misconfigured,
    NotAllowed,
    Rejected,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.http import Reply


class Act(Enum):
    """What was asked, as far as the meaning of a refusal depends on it."""

    READ = auto()
    """One record by its id."""
    LIST = auto()
    CREATE = auto()
    CHANGE = auto()
    SETUP = auto()
    """The webhook registration."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """The body of a refusal, as far as it could be read."""

    code: str = ""
    inner: str = ""
    target: str = ""
    message: str = ""

    @property
    def words(self) -> str:
        found = (self.code, self.inner if self.inner != self.code else "", self.target, self.message)
        return " · ".join(one for one in found if one)


_TARGETS: dict[str, str] = {
    "name": "name",
    "details.dealvalue": "deal_value",
    "details.currency": "currency",
    "details.closingdatetime": "close_date",
    "details.notes": "notes",
    "details.requirements.solutions": "solutions",
    "status": "state",
    "substatus": "state",
    "statusreason": "state",
    "consent.consenttosharereferralwithmicrosoftsellers": "visible",
    "invitecontext.assistancerequestcode": "help",
    "customerprofile.name": "customer_name",
    "customerprofile.address.addressline1": "address_line",
    "customerprofile.address.city": "city",
    "customerprofile.address.state": "region",
    "customerprofile.address.postalcode": "postal_code",
    "customerprofile.address.country": "country",
    "customerprofile.team": "contacts",
    "team": "team",
    "referralprogram": "program",
}
_SEPARATORS = re.compile(r"[/.\[\]]+")
# The message may quote what was sent; addresses and telephone numbers stay out of every log (INV-13).
_PERSONAL = re.compile(r"[^\s@'\"<>]+@[^\s@'\"<>]+|\+?\d[\d ()/-]{6,}\d")
_WAIT = re.compile(r"in (\d{1,5}) seconds")
_UNKNOWN_PERSON = "900421"
_DEPTH = 8
_QUOTED = 65_536


Redact: TypeAlias = Callable[[str], str]


def complaint(body: Any, redact: Redact = str) -> Complaint:
    """Reads both documented shapes of an error body (2.8); anything else is an empty complaint."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        message = body.get("message") if isinstance(body, dict) else ""
        return Complaint(message=_said(message, redact))
    inner, code = error, _said(error.get("code"), redact)
    for _ in range(_DEPTH):
        deeper = inner.get("innerError") or inner.get("innererror")
        if not isinstance(deeper, dict):
            break
        inner = deeper
    return Complaint(
        code,
        _said(inner.get("code"), redact) or code,
        _said(error.get("target"), redact),
        _said(error.get("message"), redact),
    )


def _said(raw: Any, redact: Redact) -> str:
    # Secrets go first: half of one, left by a cut, would be recognised by nobody.
    return _PERSONAL.sub("…", redact(raw[:_QUOTED])[:1024]) if isinstance(raw, str) else ""


def field_of(target: str) -> str:
    """The canonical field behind a path of the wire; the path itself where it is none of ours."""
    path = ".".join(step for step in _SEPARATORS.split(target.lstrip("$")) if not step.isdigit() and step)
    spelled = path.casefold()
    while spelled:
        if spelled in _TARGETS:
            return _TARGETS[spelled]
        spelled = spelled.rpartition(".")[0]
    return target


def needs_mfa(reply: Reply) -> bool:
    """Tells the 401 that no new token can cure: the sign-in lacks multi-factor authentication (1.2)."""
    return reply.status == 401 and _UNKNOWN_PERSON.encode() in reply.body[:4096]


_Make = Callable[[str, Complaint, Reply, Act], CosellError]


def _rejected(name: str, said: Complaint, _reply: Reply, _act: Act) -> CosellError:
    about = (field_of(said.target),) if said.target else ()
    naming = f" It complains about: {about[0].replace('_', ' ')}." if about else ""
    return Rejected(f"{name} refuses this.{naming}", fields=about, code=None)


def _signed_out(name: str, _said: Complaint, reply: Reply, _act: Act) -> CosellError:
    if needs_mfa(reply):
        return SignedOut(f"{name} wants a sign-in with multi-factor authentication.", code="mfa_required")
    return SignedOut(f"{name} does not accept the sign-in any more.")


def _forbidden(name: str, _said: Complaint, reply: Reply, act: Act) -> CosellError:
    if b"insufficient_claims" in reply.body[:4096] or "insufficient_claims" in reply.headers.get(
        "www-authenticate", ""
    ):
        return SignedOut(f"{name} wants the user to sign in again (conditional access).")
    # One deal outside our role or location must not stop the whole connection (INV-14).
    if act is Act.READ:
        return Gone(f"{name} does not show this referral to the signed-in user.", code="out_of_sight")
    if act is Act.CHANGE:
        return Rejected(f"{name} does not let the signed-in user change this referral.", code="not_allowed")
    return NotAllowed(
        f"{name} does not let the signed-in user do this.",
        advice="The user needs the role Referrals admin (or Referrals user) in Partner Center.",
    )


def _not_found(name: str, _said: Complaint, _reply: Reply, act: Act) -> CosellError:
    if act in (Act.READ, Act.CHANGE):
        return Gone(f"{name} does not know this referral any more.")
    return Misconfigured(
        f"{name} has no such page; the address in the settings may be wrong.",
        did="Everything on this connection waits; nothing is lost.",
    )


def _stale(name: str, _said: Complaint, _reply: Reply, _act: Act) -> CosellError:
    return Stale(f"The referral changed in {name} since it was read.")


def _throttled(name: str, said: Complaint, reply: Reply, _act: Act) -> CosellError:
    asked = _WAIT.search(said.message)
    wait = reply.retry_after if reply.retry_after is not None else asked and float(asked[1])
    return Throttled(f"{name} asks us to slow down.", retry_after=wait or None)


def _later(name: str, _said: Complaint, _reply: Reply, _act: Act) -> CosellError:
    return Unavailable(f"{name} asks us to come back later.")


def _broken(name: str, _said: Complaint, reply: Reply, _act: Act) -> CosellError:
    if reply.safe:
        return Unavailable(f"{name} has a fault of its own.")
    return Uncertain(f"{name} had a fault of its own; the change may have been made.")


def _unavailable(name: str, said: Complaint, reply: Reply, act: Act) -> CosellError:
    # Only an answer that names a time surely came before the work began.
    return (_throttled if reply.retry_after is not None else _broken)(name, said, reply, act)


TABLE: Mapping[int, _Make] = {
    **dict.fromkeys((400, 405, 406, 411, 413, 414, 415, 416, 422, 501, 507), _rejected),
    401: _signed_out,
    403: _forbidden,
    **dict.fromkeys((404, 410), _not_found),
    **dict.fromkeys((409, 412), _stale),
    423: _later,
    **dict.fromkeys((429, 509), _throttled),
    **dict.fromkeys((408, 500, 502, 504), _broken),
    503: _unavailable,
}
"""Everything else, redirects included, is a fault of the other side."""


def error(reply: Reply, act: Act, redact: Redact = str) -> CosellError:
    """The error behind a refusal; `redact` strikes live secrets out of what it quotes."""
    said = complaint(reply.json_or_none(), redact)
    found = TABLE.get(reply.status, _broken)(reply.name, said, reply, act)
    found.detail = f"status {reply.status} · {said.words}".rstrip(" ·")
    return found
