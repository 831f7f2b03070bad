"""Settings of the sandbox's environments, made from what a running sandbox tells about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cosell.config import Reference, Settings, settings_of
from cosell.core.errors import Misconfigured
from cosell.wiring.places import SANDBOX, SANDBOXES

POLL = 5.0
"""Seconds between two looks in the sandbox: a change shows within seconds, with or without events."""
NOWHERE = "http://127.0.0.1:1"


def sandbox_settings(
    told: Mapping[str, Any], name: str = SANDBOX, *, web_port: int = 8080, data: Path | None = None
) -> Settings:
    """The settings that join environment `name` to the sandbox described by its `/sandbox.json`."""
    account, crm, table = _HALVES[name]
    try:
        half = told if account is None else told[account]
        partner_center, webhooks, entra = (half[part] for part in ("partner_center", "webhooks", "entra"))
        return settings_of(
            {
                "environment": {
                    "name": name,
                    "kind": SANDBOX,
                    "ca_file": told["ca_file"],
                    **({"data": data} if data else {}),
                },
                "partner_center": {
                    "environment": SANDBOX,
                    "tenant": entra["tenant"],
                    "client_id": entra["client_id"],
                    "client_secret": Reference.given(entra["client_secret"]),
                    "refresh_token": Reference.given(entra["refresh_token"]),
                    "url": partner_center["url"],
                    "webhooks_url": webhooks["url"],
                    "authority": entra["authority"],
                    "organization_id": partner_center["organization_id"],
                    "certificate_origins": [webhooks["url"]],
                    "certificate_subjects": ["*.example"],
                },
                crm: {"environment": SANDBOX, **table(told, entra)},
                "pace": {"poll_partner_center": POLL, "poll_crm": POLL},
                "web": {"port": web_port, "public_url": f"http://127.0.0.1:{web_port}" if web_port else None},
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Misconfigured(
            "What answered is not a sandbox of this version.",
            detail=type(error).__name__,
            advice="Stop it and start it again with this version of cosell.",
        ) from None


def _salesforce(told: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    salesforce = told["salesforce"]
    return {
        "login_url": salesforce["login_url"],
        "instance_url": salesforce["instance_url"],
        "client_id": salesforce["client_id"],
        "username": salesforce["username"],
        "private_key": Reference.given(salesforce["private_key_pem"]),
        "stages": {"active": ["Qualification"], "on_hold": ["On Hold"]},
    }


def _dynamics(told: Mapping[str, Any], entra: Mapping[str, Any]) -> dict[str, Any]:
    dataverse = told["dataverse"]
    return {
        "url": dataverse["url"],
        "authority": entra["authority"],
        "tenant": dataverse["tenant"],
        "client_id": dataverse["client_id"],
        "client_secret": Reference.given(dataverse["client_secret"]),
    }


_Table = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
_HALVES: Mapping[str, tuple[str | None, str, _Table]] = dict(
    zip(
        SANDBOXES,
        ((None, "salesforce", _salesforce), ("second_account", "dynamics", _dynamics)),
        strict=True,
    )
)
"""For each environment: the Partner Center account it joins, and the table of its CRM."""


def absent_sandbox(name: str = SANDBOX) -> Settings:
    """The same settings where no sandbox runs: good for everything that asks only the database."""
    account = {
        "partner_center": {"url": NOWHERE, "organization_id": "-"},
        "webhooks": {"url": NOWHERE},
        "entra": {
            "authority": NOWHERE,
            "tenant": "-",
            "client_id": "-",
            "client_secret": "-",
            "refresh_token": "-",
        },
    }
    nobody = {"client_id": "-", "client_secret": "-", "username": "-", "private_key_pem": "-", "tenant": "-"}
    return sandbox_settings(
        {
            **account,
            "second_account": account,
            "salesforce": {"login_url": NOWHERE, "instance_url": NOWHERE, **nobody},
            "dataverse": {"url": NOWHERE, **nobody},
            "ca_file": None,
        },
        name,
    )
