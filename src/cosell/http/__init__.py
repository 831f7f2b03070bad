"""The only way out: one HTTP client that speaks to named origins and never twice.

`Http` holds the rules (who may be spoken to, how much may come back, what an unanswered request means);
a `Transport` carries bytes: `AiohttpTransport` over sockets, `AsgiTransport` to applications in the same
thread, so that whole worlds run on a virtual clock.
"""

from cosell.http.applications import AsgiTransport
from cosell.http.messages import NoAnswer, NotSent, Reply, Request, Timeouts, Transport, parse_json
from cosell.http.observing import Ended, Observer
from cosell.http.origins import is_loopback, origin
from cosell.http.outward import Http
from cosell.http.sockets import AiohttpTransport, PublicResolver

__all__ = [
    "AiohttpTransport",
    "AsgiTransport",
    "Ended",
    "Http",
    "NoAnswer",
    "NotSent",
    "Observer",
    "PublicResolver",
    "Reply",
    "Request",
    "Timeouts",
    "Transport",
    "is_loopback",
    "origin",
    "parse_json",
]
