"""Partner Center's side of connecting: from its table to a sign-in, and the proof that it works."""

from __future__ import annotations

from typing import Any

from cosell.crm import Site
from cosell.crm.connecting import Proof
from cosell.ports import Keyring
from cosell.systems.partner_center.auth import KEY, descendant
from cosell.systems.partner_center.connecting import prove
from cosell.systems.partner_center.connection import open_connection
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.signing_in import SigningIn


class Aside:
    """A keyring that lasts as long as a proof: what is tried is not what is used."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self._kept.get(name)

    async def put(self, name: str, secret: str) -> None:
        self._kept[name] = secret


def _options(section: Any) -> Options:
    return Options(
        base_url=section.url,
        webhooks_url=section.webhooks_url,
        authority=section.authority,
        tenant=section.tenant,
        client_id=section.client_id,
        entra_form=section.entra_form,
    )


def signing_in(section: Any, site: Site, client_secret: str | None) -> SigningIn:
    """The two ways in which a person signs in."""
    return SigningIn(
        _options(section), transport=site.transport, clock=site.clock, client_secret=client_secret
    )


async def prove_partner_center(section: Any, site: Site, keyring: Keyring | None = None) -> Proof:
    """Proves a refresh token on both resources; answers the one it was exchanged for on the way.

    With a keyring it is one in use, whose successor is kept there as ever.
    """
    aside, options = keyring or Aside(), _options(section)
    token = site.secret("[partner_center] refresh_token", section.refresh_token) or ""
    connection = open_connection(
        options,
        transport=site.transport,
        keyring=aside,
        clock=site.clock,
        refresh_token=token,
        client_secret=site.credential("[partner_center] client_secret", section.client_secret),
    )
    site.hide(connection.tokens.secrets)
    proof = await prove(connection, options, site.transport)
    newest = descendant(await aside.get(KEY), token) if keyring is None else None
    renewed = {} if newest is None or newest == token else {"refresh_token": newest}
    return Proof(proof.who, proof.where, proof.notes, renewed)
