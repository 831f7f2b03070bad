"""What may be registered as a webhook and as a step of one."""

from __future__ import annotations

from urllib.parse import urlsplit

from cosell.sandbox.dataverse.errors import invalid, not_simulated
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Row

WEBHOOK = 8
ASYNCHRONOUS, POST_OPERATION = 1, 40


def check(org: Org, table: str, row: Row) -> None:
    """Refuses a registration the product would refuse, or that is not simulated."""
    if table == "serviceendpoint":
        if row.get("contract") != WEBHOOK:
            raise not_simulated("service endpoints other than webhooks")
        _check_url(org, str(row.get("url") or ""))
        row["isauthvalueset"] = row.get("authvalue") is not None
    elif table == "sdkmessageprocessingstep":
        if row.get("mode") != ASYNCHRONOUS:
            raise not_simulated("synchronous webhook steps")
        if row.get("stage") != POST_OPERATION:
            raise invalid("Asynchronous steps can be registered at the post-operation stage (40) only.")
        if row.get("sdkmessageid") is None or row.get("eventhandler") is None:
            raise invalid("A step needs a message and an event handler.")


def _check_url(org: Org, url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid(f"The url '{url}' of the service endpoint is not valid.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(f"The url '{url}' of the service endpoint is not valid.")
    if org.settings.webhook_ports_restricted and port not in (None, 80, 443):
        raise invalid(f"The port {port} of the service endpoint is not allowed; use 80 or 443.")
