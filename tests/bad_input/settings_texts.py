"""A small good settings text, and how to spoil it."""

from __future__ import annotations

GOOD = """\
[environment]
name = "staging"
kind = "staging"

[partner_center]
environment = "staging"
tenant = "contoso.example"
client_id = "app"
refresh_token = "env:REFRESH"

[salesforce]
environment = "staging"
login_url = "https://test.salesforce.com"
client_id = "app"
username = "sync@contoso.example"
private_key = "file:key.pem"
"""


def spoiled(old: str, new: str) -> str:
    """The good text with one thing changed; the thing must be there."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def with_more(more: str) -> str:
    """The good text with more at its end."""
    return f"{GOOD}\n{more}\n"
