"""Puts down what the administrators of the simulated organisations would hand over to whoever connects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cosell.cli.speaking import Refusal

NOTES = "notes.txt"


def hand_over(told: Mapping[str, Any], folder: Path) -> None:
    """Puts each secret in a file of its own, for its owner only, and the names beside them in one."""
    names = "".join(f"{what:26}{name}\n" for what, name in _names(told))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in (*_secrets(told), (NOTES, names)):
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
    except OSError as error:
        raise Refusal(f"{folder} cannot be written ({(error.strerror or '').lower()}).") from None


def _secrets(told: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if told["ca_file"]:
        yield "ca.pem", Path(told["ca_file"]).read_text("ascii")
    yield "entra-secret", told["entra"]["client_secret"]
    yield "entra-secret-2", told["second_account"]["entra"]["client_secret"]
    yield "salesforce-secret", told["salesforce"]["client_secret"]
    yield "dynamics-secret", told["dataverse"]["client_secret"]
    yield "dynamics-admin-token", told["dataverse"]["admin"]["access_token"]


def _names(told: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for number, account in (("", told), (" 2", told["second_account"])):
        entra = account["entra"]
        yield f"Partner Center{number}", account["partner_center"]["url"]
        yield f"  webhooks{number}", account["webhooks"]["url"]
        yield f"Entra ID{number}", entra["authority"]
        yield f"  tenant{number}", entra["tenant"]
        yield f"  application{number}", entra["client_id"]
        yield f"  referrals admin{number}", entra["person"]
        yield f"  password, second factor{number}", f"{entra['password']}, {entra['second_factor']}"
    salesforce, dataverse = told["salesforce"], told["dataverse"]
    yield "Salesforce", salesforce["login_url"]
    yield "  consumer key", salesforce["client_id"]
    yield "  integration user", salesforce["username"]
    yield "  administrator", salesforce["admin"]["username"]
    yield "Dynamics 365", dataverse["url"]
    yield "  application user", dataverse["client_id"]
