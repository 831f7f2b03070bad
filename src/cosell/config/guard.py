"""Keeps worlds apart: a staging installation never touches production, nor the other way round."""

from __future__ import annotations

from urllib.parse import urlsplit

from cosell.config.models import Settings, Tag
from cosell.core.errors import Misconfigured

_LOCAL = ("127.0.0.1", "::1", "localhost")


def refuse_foreign_worlds(settings: Settings) -> None:
    """Raises Misconfigured unless both connections belong to the environment they are used in."""
    kind = settings.environment.kind
    for name, tag in (
        ("partner_center", settings.partner_center.environment),
        ("salesforce", settings.salesforce.environment),
    ):
        if tag is not kind:
            raise Misconfigured(
                f"This environment is {kind}, but [{name}] is tagged {tag}.",
                advice="Both connections must carry the same word as [environment] kind.",
            )
    _refuse_telling_hosts(settings, kind)
    _refuse_half_logins(settings)


def _refuse_telling_hosts(settings: Settings, kind: Tag) -> None:
    """The addresses themselves tell a world apart, where a tag was copied without thought."""
    login = urlsplit(settings.salesforce.login_url).hostname or ""
    if kind is Tag.PRODUCTION and (login == "test.salesforce.com" or ".sandbox." in login):
        raise Misconfigured(f"This environment is production, but {login} signs in to a Salesforce sandbox.")
    if kind is Tag.STAGING and login == "login.salesforce.com":
        raise Misconfigured(
            f"This environment is staging, but {login} signs in to production.",
            advice="Use https://test.salesforce.com or the My Domain address of the Salesforce sandbox.",
        )
    partner_center = urlsplit(settings.partner_center.url).hostname or ""
    for setting, host in (("salesforce] login_url", login), ("partner_center] url", partner_center)):
        if kind is Tag.PRODUCTION and host in _LOCAL:
            raise Misconfigured(f"This environment is production, but [{setting} points at this machine.")
        if kind is Tag.SANDBOX and host not in _LOCAL:
            raise Misconfigured(
                f"This environment is sandbox, but [{setting} points at {host}.",
                advice="The sandbox runs on this machine. Use staging or production for real systems.",
            )


def _refuse_half_logins(settings: Settings) -> None:
    salesforce = settings.salesforce
    needed = {"jwt": ("username", "private_key"), "client_credentials": ("client_secret",)}
    for name in needed[salesforce.login]:
        if not getattr(salesforce, name):
            raise Misconfigured(f'[salesforce] login = "{salesforce.login}" needs {name} as well.')
    stages = salesforce.stages
    if clash := {*stages.active} & {*stages.on_hold}:
        raise Misconfigured(
            f"[salesforce.stages] «{sorted(clash)[0]}» means both active and on hold.",
            advice="Leaving the on-hold stage accepts a referral, so one stage cannot mean both.",
        )
