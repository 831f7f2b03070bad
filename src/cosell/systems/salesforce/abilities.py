"""What the connector can do in an org, as far as the org lets its user."""

from __future__ import annotations

from dataclasses import replace

from cosell.core.fields import CUSTOMER
from cosell.ports import Capabilities
from cosell.systems.salesforce.lacking import details
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.schema import GUARDED, Schema

READ_SIZE = 400
WRITE_SIZE = 24
PATIENCE = 90.0

NOTHING = Capabilities(
    create="by_key",
    precondition="second",
    stamp=False,
    touched_by=True,
    readable=frozenset(),
    creatable=frozenset(),
    updatable=frozenset(),
    guarded=frozenset(),
)


def expected(options: Options) -> Capabilities:
    """What an org with everything installed can do: assumed until the org was asked."""
    own = frozenset(GUARDED)
    customer = frozenset(CUSTOMER)
    return replace(
        NOTHING,
        stamp=bool(options.fields.stamp),
        readable=own | customer | {"contacts", "team", "solutions"},
        creatable=own | customer | {"contacts", "team", "solutions"},
        updatable=own | {"contacts", "solutions"},
        guarded=own,
        leads=customer | {"contacts", "notes"} if options.leads else frozenset(),
        read_size=READ_SIZE,
        write_size=WRITE_SIZE,
        accounts=True,
        patience=PATIENCE,
        asked=False,
    )


def capabilities(schema: Schema, options: Options) -> Capabilities:
    """What this org lets the integration user do."""
    own = {key for key in GUARDED if key in schema.opportunity and key not in schema.lacks}
    readable, creatable = set(own), {k for k in own if schema.opportunity[k].creatable}
    updatable = {k for k in own if schema.opportunity[k].updatable}
    if "currency" not in own and options.corporate_currency:
        readable.add("currency")
    for key in CUSTOMER:
        column = schema.account.get(key)
        if column is not None:
            readable.add(key)
            creatable |= {key} if column.creatable else set()
    if schema.contact:
        for group in (readable, creatable, updatable):
            group.add("contacts")
    if schema.user:
        readable.add("team")
        creatable.add("team")
    if schema.solution is not None:
        readable.add("solutions")
        if schema.solution.writable:
            creatable.add("solutions")
            updatable.add("solutions")
    stamp = schema.opportunity.get("stamp") if "stamp" not in schema.lacks else None
    return replace(
        expected(options),
        # Only a unique field refuses the second opportunity of one referral (trap 4).
        create="by_key" if schema.opportunity["referral_id"].unique else "findable",
        stamp=stamp is not None and stamp.writable,
        readable=frozenset(readable),
        creatable=frozenset(creatable),
        updatable=frozenset(updatable),
        guarded=frozenset(own),
        leads=frozenset() if schema.lead is None else schema.lead.capabilities,
        details=details(schema),
        lacks=schema.lacks,
        asked=True,
    )
