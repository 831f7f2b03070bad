"""Webhooks of Dataverse: a shared key proves the sender, and the body is believed for an id (4.3).

There is no signature, and the key says nothing about the body: all that a message can do is have a record
looked at earlier than the next poll would.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from cosell.core.errors import Misconfigured
from cosell.crm import Fetch, Hint, RawHeaders
from cosell.http import parse_json
from cosell.systems.dataverse.odata import guid
from cosell.systems.dataverse.settings import DynamicsSettings

HEADER = b"x-connector-key"
"""The name of the setting of an Http Header webhook (authtype 5)."""
QUERY = b"code"
"""What a Webhook Key (authtype 4) adds to the address."""
LARGEST = 1024 * 1024
"""Bytes; Dataverse sheds what makes a message larger than 256 KB, by a measure that is not documented."""
_NOBODY = "00000000-0000-0000-0000-000000000000"
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}\Z")
_MOST_FIELDS = 20


class Hinting:
    """Takes the webhooks of one environment."""

    largest = LARGEST

    def __init__(self, key: str, *, records: frozenset[str], around: frozenset[str]) -> None:
        """`records`: tables whose rows links are about; `around`: those whose rows belong to a deal."""
        self._key, self._records, self._around = key.encode(), records, around

    def admits(self, headers: RawHeaders, query: bytes) -> bool:
        """Whether the key stands in the header or in the address, once, and every one shown is right."""
        shown = list(_shown(headers, query))
        right = [hmac.compare_digest(one, self._key) for one in shown]
        return bool(right) and all(right)

    def read(self, body: bytes) -> Hint:
        """The row it is about; a message nobody can read is worth a poll, for its sender had the key."""
        try:
            told = parse_json(body)
        except ValueError:
            return Hint(poll=True)
        if not isinstance(told, dict):
            return Hint(poll=True)
        table, named = told.get("PrimaryEntityName"), told.get("PrimaryEntityId")
        name = table.strip().lower() if isinstance(table, str) else ""
        if name not in self._records:
            return Hint(poll=name in self._around)
        row_id = guid(named.strip("{} ")) if isinstance(named, str) else None
        return Hint(row_id) if row_id not in (None, _NOBODY) else Hint(poll=True)

    def advice(self, url: str) -> str:
        """What an administrator registers."""
        return (
            f"Register a webhook for {url} with authentication HttpHeader, {HEADER.decode()} = your "
            "[dynamics] webhook_key, and asynchronous steps on Create, Update and Delete of opportunity: see "
            "how-to/connect-dynamics.md."
        )


def _shown(headers: RawHeaders, query: bytes) -> Iterator[bytes]:
    for name, value in headers:
        if name.lower() == HEADER:
            yield value.strip()
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        # More fields than anybody sends: no key among them is looked for.
        yield b""
        return
    yield from (value for name, value in pairs if name == QUERY)


def open_hints(section: DynamicsSettings, secret: Fetch, *, leads: bool) -> Hinting | None:
    """The webhooks these settings take; None where they hold no key."""
    key = secret("[dynamics] webhook_key", section.webhook_key)
    if key is None:
        return None
    if not _KEY.match(key):
        raise Misconfigured(
            "[dynamics] webhook_key is too short, too long, or holds a sign that has no place in a header.",
            advice="Make one of 16 to 256 letters, digits and ._~+/=- : openssl rand -hex 32",
        )
    records = {"opportunity"} | ({"lead"} if leads else set())
    around = {section.fields.solution_table, *(("connection",) if section.connections else ())}
    if section.watch_people:
        around |= {"account", "contact"}
    return Hinting(key, records=frozenset(records), around=frozenset(around - {""}))
