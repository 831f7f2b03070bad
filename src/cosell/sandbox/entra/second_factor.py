"""The opt-in question whether a token carries the claim of a second factor (partner-center-api.md 1.2)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cosell.sandbox.entra.mint import Caller

_ASKED = "validatemfa"
_TOLD = "isMfaCompliant"


def note(request: Request, caller: Caller) -> None:
    """Remembers what the token of a request says; an application alone is exempt."""
    if not caller.app_only:
        request.state.second_factor = caller.mfa


def tell(request: Request, response: Response) -> None:
    """Puts the answer on a response, also on a refusal, where the client asked for it."""
    known: bool | None = getattr(request.state, "second_factor", None)
    if known is not None and request.headers.get(_ASKED, "").lower() == "true":
        response.headers[_TOLD] = "true" if known else "false"
