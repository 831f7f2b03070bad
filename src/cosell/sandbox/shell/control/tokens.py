"""The verbs about signing in: taking it away, letting it lapse, giving it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.entra import Entra
    from cosell.sandbox.shell.composition import Sandbox

SYSTEMS = ("entra", "salesforce", "entra_2", "dataverse")
DIRECTORIES = ("entra", "entra_2", "dataverse")
"""Where an application of Entra ID is meant; `dataverse` is the one that signs in there."""


def revoke_tokens(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Withdraws what a connection signs in with: a person must sign in again, or an administrator act."""
    system = wish.text("system", among=SYSTEMS)
    wish.done()
    match system:
        case "salesforce":
            sandbox.salesforce.revoke()
        case "dataverse":
            sandbox.dataverse.settings.application_user = False
        case _:
            _directory(sandbox, system).revoke_refresh_tokens()
    return {"revoked": system}


def expire_sessions(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Ends every access token in use; a client that signs in again goes on."""
    system = wish.text("system", among=SYSTEMS)
    wish.done()
    if system == "salesforce":
        sandbox.salesforce.expire_sessions()
    else:
        _directory(sandbox, system).expire_access_tokens()
    return {"expired": system}


def sign_in(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A person gives a connection its sign-in back; the answer holds a refresh token where there is one."""
    system = wish.text("system", "entra", among=SYSTEMS)
    mfa = wish.truth("mfa", True)
    wish.done()
    match system:
        case "salesforce":
            sandbox.salesforce.approve()
            return {"signed_in": system, "refresh_token": sandbox.salesforce.refresh_token}
        case "dataverse":
            sandbox.dataverse.settings.application_user = True
            return {"signed_in": system}
        case _:
            return {"signed_in": system, "refresh_token": _directory(sandbox, system).sign_in(mfa=mfa)}


def register_certificate(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """An administrator registers a certificate that an application may sign in with instead of its secret."""
    system = wish.text("system", "entra", among=(*DIRECTORIES, "salesforce"))
    client_id, pem = wish.text("client_id", _application(sandbox, system)), wish.text("certificate_pem")
    wish.done()
    try:
        if system == "salesforce":
            made = _trust_in_salesforce(sandbox, client_id, pem)
        else:
            made = _directory(sandbox, system).trust_certificate(client_id, pem)
    except (ValueError, LookupError) as trouble:
        raise Refused(f"The directory does not take this: {trouble.args[0]}.") from None
    return {"registered": client_id, **made}


def _trust_in_salesforce(sandbox: Sandbox, client_id: str, pem: str) -> dict[str, Any]:
    if client_id != sandbox.salesforce.client_id:
        raise LookupError(f"there is no app {client_id}")
    return sandbox.salesforce.application.trust_certificate(pem)


def register_redirect(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """An administrator registers an address that people may be sent back to after they signed in."""
    system = wish.text("system", "entra", among=DIRECTORIES)
    redirect_uri = wish.text("redirect_uri")
    wish.done()
    try:
        client_id = _application(sandbox, system)
        _directory(sandbox, system).register_redirect(redirect_uri, client_id=client_id)
    except ValueError as trouble:
        raise Refused(f"The directory does not take this: {trouble.args[0]}.") from None
    return {"registered": redirect_uri, "client_id": client_id}


def approve_device(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A person types the code of a waiting device and signs in, with a second factor or without."""
    system = wish.text("system", "entra", among=DIRECTORIES)
    code, mfa = wish.text("code"), wish.truth("mfa", True)
    wish.done()
    if not _directory(sandbox, system).approve_device(code, mfa=mfa):
        raise Refused(f"No device waits with the code {code}.")
    return {"approved": code}


def _directory(sandbox: Sandbox, system: str) -> Entra:
    """The directory meant; Dataverse has its tokens from the second one."""
    return sandbox.entra if system == "entra" else sandbox.entra_2


def _application(sandbox: Sandbox, system: str) -> str:
    """The application that signs in for a system."""
    if system == "salesforce":
        return sandbox.salesforce.client_id
    return sandbox.dataverse.client_id if system == "dataverse" else _directory(sandbox, system).client_id


VERBS = (
    Verb("POST", "/control/tokens/revoke", revoke_tokens, '{"system": "entra"}'),
    Verb("POST", "/control/tokens/expire", expire_sessions, '{"system": "salesforce"}'),
    Verb("POST", "/control/tokens/sign-in", sign_in, '{"system": "entra"}'),
    Verb("POST", "/control/tokens/certificates", register_certificate),
    Verb("POST", "/control/tokens/redirects", register_redirect),
    Verb("POST", "/control/tokens/devices", approve_device),
)
