"""Settings of the sandbox environment, made from what a running sandbox tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosell.config import Reference, Settings, settings_of
from cosell.core.errors import Misconfigured
from cosell.wiring.places import SANDBOX

POLL = 5.0
"""Seconds between two looks in the sandbox: a change shows within seconds, with or without events."""
NOWHERE = "http://127.0.0.1:1"


def sandbox_settings(told: Mapping[str, Any], *, web_port: int = 8080, data: Path | None = None) -> Settings:
    """The settings that join the connector to the sandbox described by its `/sandbox.json`."""
    try:
        partner_center, entra, salesforce = (told[name] for name in ("partner_center", "entra", "salesforce"))
        return settings_of(
            {
                "environment": {
                    "name": SANDBOX,
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
                    "webhooks_url": told["webhooks"]["url"],
                    "authority": entra["authority"],
                    "organization_id": partner_center["organization_id"],
                    "certificate_origins": [told["webhooks"]["url"]],
                    "certificate_subjects": ["*.example"],
                },
                "salesforce": {
                    "environment": SANDBOX,
                    "login_url": salesforce["login_url"],
                    "instance_url": salesforce["instance_url"],
                    "client_id": salesforce["client_id"],
                    "username": salesforce["username"],
                    "private_key": Reference.given(salesforce["private_key_pem"]),
                    "stages": {"active": ["Qualification"], "on_hold": ["On Hold"]},
                },
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


def absent_sandbox() -> Settings:
    """The same settings where no sandbox runs: good for everything that asks only the database."""
    nobody = {"url": NOWHERE, "organization_id": "-", "access_token": ""}
    return sandbox_settings(
        {
            "partner_center": nobody,
            "webhooks": nobody,
            "entra": {
                "authority": NOWHERE,
                "tenant": "-",
                "client_id": "-",
                "client_secret": "-",
                "refresh_token": "-",
            },
            "salesforce": {
                "login_url": NOWHERE,
                "instance_url": NOWHERE,
                "client_id": "-",
                "username": "-",
                "private_key_pem": "-",
            },
            "ca_file": None,
        }
    )
