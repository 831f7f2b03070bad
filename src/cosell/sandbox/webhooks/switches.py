"""How the sender behaves: faithful by default, a nuisance on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Switches:
    """Section 7 of partner-center-api.md, and row 12 of its section 11."""

    events_on: bool = True
    # The next so many events are lost; a share of all events is lost.
    drop_next: int = 0
    lose: float = 0.0
    # Each event is sent so many times more.
    duplicate: int = 0
    # So many events are held and sent on in another order (half a second at most).
    reorder: int = 0
    delay: float = 0.0
    # "documented" and "referrals": the two hosts seen; "sandbox": one that answers here.
    resource_uri: Literal["documented", "referrals", "sandbox"] = "documented"
    body_case: Literal["pascal", "camel"] = "pascal"
    certificate_form: Literal["der", "pem"] = "der"
    # "broken": over other bytes; "stranger": a certificate of nobody we know; "expired": one of last year.
    signature: Literal["good", "broken", "stranger", "expired"] = "good"
    attempts: int = 10
    # The interval is not documented; it doubles from here, up to a minute.
    retry_seconds: float = 1.0
    timeout_seconds: float = 10.0
    concurrency: int = 16
    # What is said of no registration: 404, or an empty answer.
    no_registration: Literal["404", "empty"] = "404"
