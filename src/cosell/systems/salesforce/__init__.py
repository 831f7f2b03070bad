"""Salesforce: opportunities with their account, contacts, solutions and team, over REST.

system = Salesforce(Options(...), transport=..., clock=...)
await system.prepare()   # signs in and finds out what the org has; every method does so at first use
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cosell.crm import Crm, Site
from cosell.crm.connecting import Connecting
from cosell.crm.installing import Admin, Installer
from cosell.sections import FILL_IN
from cosell.systems.salesforce.settings import SalesforceSettings

if TYPE_CHECKING:
    from cosell.ports import Capabilities, System


def _open(section: SalesforceSettings, site: Site) -> System:
    from cosell.systems.salesforce.opening import open_system

    return open_system(section, site)


def _installer(section: SalesforceSettings, site: Site, admin: Admin) -> Installer:
    from cosell.systems.salesforce.opening import open_installer

    return open_installer(section, site, admin)


def _package(folder: Path) -> Sequence[Path]:
    from cosell.systems.salesforce.package_writing import write

    return write(folder)


def _connecting() -> Connecting:
    from cosell.systems.salesforce.connecting import CONNECTING

    return CONNECTING


def _expected() -> Capabilities:
    from cosell.systems.salesforce.abilities import expected
    from cosell.systems.salesforce.options import FixedToken, Options

    return expected(Options("https://login.salesforce.com", "", FixedToken("")))


SYSTEM = Crm(
    "salesforce",
    "Salesforce",
    settings=SalesforceSettings,
    open=_open,
    expected=_expected,
    connecting=_connecting,
    installer=_installer,
    package=_package,
    first={
        "login_url": "https://login.salesforce.com",
        "client_id": FILL_IN,
        "username": FILL_IN,
        "private_key": "file:salesforce.key",
    },
    shown={
        "client_secret": "env:COSELL_SALESFORCE_SECRET",
        "instance_url": "https://example.my.salesforce.com",
        "audience": "https://login.salesforce.com",
        "duns_field": "DunsNumber",
        "corporate_currency": "EUR",
        "contact_role": "Decision Maker",
        "default_owner": "005000000000001AAA",
    },
)
