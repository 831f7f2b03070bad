"""What the connector can do in an environment, as far as it was found to be there."""

from __future__ import annotations

from dataclasses import replace

from cosell.core.fields import CUSTOMER
from cosell.ports import Capabilities
from cosell.systems.dataverse.lacking import details
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import GUARDED, Schema

READ_SIZE = 400
"""Opportunities one `get_many` reads well."""
WRITE_SIZE = 200
"""Updates one `update_many` carries well; each may be several of the thousand operations of a batch."""
PATIENCE = 150.0
"""Seconds after which nothing unanswered is applied any more: our timeout, and two minutes that the
platform gives a request."""

NOTHING = Capabilities(
    create="by_key",
    precondition="version",
    stamp=False,
    # By `modifiedby`: what plug-ins and flows do in our name counts as ours (dataverse-api.md 4.2). The
    # stamp is the proof of a write, and the application user belongs to nothing else.
    touched_by=True,
    readable=frozenset(),
    creatable=frozenset(),
    updatable=frozenset(),
    guarded=frozenset(),
)
_LISTS = frozenset(("contacts", "team", "solutions"))
LEADS = frozenset(
    (
        "name",
        "deal_value",
        "currency",
        "notes",
        "customer_name",
        "address_line",
        "city",
        "region",
        "postal_code",
        "country",
    )
)
"""Canonical fields a lead has a column of its own for."""


def expected(options: Options) -> Capabilities:
    """What an environment with everything installed can do: assumed until it was asked."""
    own, customer = frozenset(GUARDED), frozenset(CUSTOMER)
    return replace(
        NOTHING,
        stamp=bool(options.fields.stamp),
        readable=own | customer | _LISTS,
        creatable=own | customer | _LISTS,
        updatable=own | {"solutions"} | ({"contacts"} if options.connections else frozenset()),
        guarded=own,
        leads=LEADS | {"contacts"} if options.leads else frozenset(),
        read_size=READ_SIZE,
        write_size=WRITE_SIZE,
        accounts=True,
        patience=PATIENCE,
        asked=False,
    )


def capabilities(schema: Schema, options: Options) -> Capabilities:
    """What this environment has columns for."""
    own = {key for key in GUARDED if key in schema.readable}
    readable, creatable = set(own), {k for k in own if schema.opportunity[k].creatable}
    updatable = {k for k in own if schema.opportunity[k].updatable}
    for key in CUSTOMER:
        column = schema.account.get(key)
        if column is not None:
            readable.add(key)
            creatable |= {key} if column.creatable else set()
    if schema.contact:
        for group in (readable, creatable):
            group.add("contacts")
        if options.connections:
            # Without them a deal shows its primary contact alone, and a second one could not be told apart.
            updatable.add("contacts")
    if schema.user:
        readable.add("team")
        creatable.add("team")
    if schema.solution is not None:
        readable.add("solutions")
        if schema.solution.writable:
            creatable.add("solutions")
            updatable.add("solutions")
    stamp = schema.readable.get("stamp")
    return replace(
        expected(options),
        # Only a key whose index is Active refuses the second opportunity of one referral.
        create="by_key" if schema.keyed else "findable",
        precondition="version" if schema.deals.concurrency else "none",
        stamp=stamp is not None and stamp.writable,
        readable=frozenset(readable),
        creatable=frozenset(creatable),
        updatable=frozenset(updatable),
        guarded=frozenset(own) if schema.deals.concurrency else frozenset(),
        leads=_leads(schema) if options.leads else frozenset(),
        details=details(schema),
        lacks=schema.lacks,
        asked=True,
    )


def _leads(schema: Schema) -> frozenset[str]:
    """Fields a lead can be given; none where it is not told apart as an opportunity is (INV-3, INV-10)."""
    table, own = schema.leads, schema.lead
    if table is None or "referral_id" not in own or "sync" not in own:
        return frozenset()
    key = table.key_of(own["referral_id"].name)
    if schema.keyed and (key is None or not key.active):
        return frozenset()
    if "stamp" in schema.opportunity and "stamp" not in own:
        return frozenset()
    found = {key for key in LEADS if key in own and own[key].creatable}
    if schema.lead_lost is not None:
        found.add("state")
    if "contact_email" in schema.lead:
        found.add("contacts")
    return frozenset(found)
