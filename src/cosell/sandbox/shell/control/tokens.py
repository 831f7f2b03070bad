"""The verbs about signing in: taking it away, letting it lapse, giving it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.entra import Entra
    from cosell.sandbox.shell.composition import Sandbox

SYSTEMS = ("entra", "salesforce", "entra_2", "dataverse")


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
    wish.done()
    match system:
        case "salesforce":
            sandbox.salesforce.approve()
            return {"signed_in": system, "refresh_token": sandbox.salesforce.refresh_token}
        case "dataverse":
            sandbox.dataverse.settings.application_user = True
            return {"signed_in": system}
        case _:
            return {"signed_in": system, "refresh_token": _directory(sandbox, system).sign_in()}


def register_certificate(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """An administrator registers a certificate that an application may sign in with instead of its secret."""
    system = wish.text("system", "entra", among=("entra", "entra_2", "salesforce"))
    client_id, pem = wish.text("client_id"), wish.text("certificate_pem")
    wish.done()
    try:
        if system == "salesforce":
            _trust_in_salesforce(sandbox, client_id, pem)
        else:
            _directory(sandbox, system).trust_certificate(client_id, pem)
    except (ValueError, LookupError) as trouble:
        raise Refused(f"The directory does not take this: {trouble.args[0]}.") from None
    return {"registered": client_id}


def _trust_in_salesforce(sandbox: Sandbox, client_id: str, pem: str) -> None:
    if client_id != sandbox.salesforce.client_id:
        raise LookupError(f"there is no app {client_id}")
    sandbox.salesforce.application.trust_certificate(pem)


def change_secrets(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The app of Salesforce gets one more secret or certificate, or its oldest one ends."""
    act = wish.text("act", among=("new", "end"))
    certificate = wish.truth("certificate", False)
    wish.done()
    app = sandbox.salesforce.application
    made: dict[str, Any] = {}
    try:
        match act, certificate:
            case "new", False:
                made = {"client_secret": app.new_secret()}
            case "new", True:
                made = {"private_key_pem": app.new_certificate()}
            case "end", False:
                app.end_secret()
            case _:
                app.end_certificate()
    except ValueError as trouble:
        raise Refused(f"Salesforce does not take this: {trouble}.") from None
    return {**made, "secrets": len(app.secrets), "certificates": len(app.public_keys)}


def _directory(sandbox: Sandbox, system: str) -> Entra:
    """The directory meant; Dataverse has its tokens from the second one."""
    return sandbox.entra if system == "entra" else sandbox.entra_2


VERBS = (
    Verb("POST", "/control/tokens/revoke", revoke_tokens, '{"system": "entra"}'),
    Verb("POST", "/control/tokens/expire", expire_sessions, '{"system": "salesforce"}'),
    Verb("POST", "/control/tokens/sign-in", sign_in, '{"system": "entra"}'),
    Verb("POST", "/control/tokens/certificates", register_certificate),
    Verb("POST", "/control/salesforce/secrets", change_secrets, '{"act": "new"}'),
)
