"""Dynamics 365: opportunities with their account, contacts, solutions and team, over the Web API.

system = Dataverse(Options(...), transport=..., clock=...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cosell.crm import Crm, Hints, Site
from cosell.crm.connecting import Connecting
from cosell.crm.installing import Admin, Installer
from cosell.sections import FILL_IN
from cosell.systems.dataverse.settings import DynamicsSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cosell.ports import Capabilities, System


def _open(section: DynamicsSettings, site: Site) -> System:
    from cosell.systems.dataverse.opening import open_system

    return open_system(section, site)


def _hints(section: DynamicsSettings, site: Site) -> Hints | None:
    from cosell.systems.dataverse.hinting import open_hints

    return open_hints(section, site.secret, leads=site.leads)


def _connecting() -> Connecting:
    from cosell.systems.dataverse.connecting import CONNECTING

    return CONNECTING


def _installer(section: DynamicsSettings, site: Site, admin: Admin) -> Installer:
    from cosell.systems.dataverse.package.installer import open_installer

    return open_installer(section, site, admin)


def _package(folder: Path) -> Sequence[Path]:
    from cosell.systems.dataverse.package.files import write

    return write(folder)


def _expected() -> Capabilities:
    from cosell.systems.dataverse.abilities import expected
    from cosell.systems.dataverse.options import FixedToken, Options

    return expected(Options("https://example.crm.dynamics.com", "", FixedToken("")))


SYSTEM = Crm(
    "dynamics",
    "Dynamics 365",
    settings=DynamicsSettings,
    open=_open,
    expected=_expected,
    connecting=_connecting,
    hints=_hints,
    installer=_installer,
    package=_package,
    first={
        "url": "https://example.crm.dynamics.com",
        "client_id": FILL_IN,
        "client_secret": "env:COSELL_DYNAMICS_SECRET",
    },
    shown={
        "credential": "sealed:dynamics.credential",
        "certificate": "file:dynamics.pem",
        "certificate_password": "env:COSELL_DYNAMICS_PASSWORD",
        "tenant": "example.onmicrosoft.com",
        "webhook_key": "env:COSELL_DYNAMICS_WEBHOOK_KEY",
        "base_currency": "EUR",
        "connection_role": "00000000-0000-0000-0000-000000000001",
        "default_owner": "00000000-0000-0000-0000-000000000002",
    },
)
