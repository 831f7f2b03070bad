"""The seven tables, the same for every database. Every row names its environment.

A link and its inbox row are born and die together. JSON columns are text that only `rows` reads.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()


def _environment() -> sa.Column[str]:
    return sa.Column("environment", sa.Text, primary_key=True)


def _json(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="{}")


LINK = sa.Table(
    "link",
    METADATA,
    _environment(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("partner_center_id", sa.Text),
    sa.Column("crm_id", sa.Text),
    sa.Column("engagement_id", sa.Text),
    sa.Column("microsoft_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # out of the base, so that a list can be searched by it
    _json("base"),
    _json("holds"),
    _json("consents"),
    _json("resolutions"),
    sa.Column("partner_center_version", sa.Text),
    sa.Column("crm_version", sa.Text),
    sa.Column("trail", sa.Text, nullable=False, server_default="[]"),
    sa.Column("trail_written", sa.Boolean, nullable=False),
    sa.Column("mark", sa.Text),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("stale", sa.Integer, nullable=False),
    sa.Column("synced_at", sa.Double),
    sa.Column("changed_at", sa.Double),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("environment", "partner_center_id", name="link_partner_center"),
    sa.UniqueConstraint("environment", "crm_id", name="link_crm"),
    sa.Index("link_engagement", "environment", "engagement_id"),
    sa.Index("link_microsoft", "environment", "microsoft_id"),
    sa.Index("link_state", "environment", "state"),  # counted often, and the rows themselves are large
)

_waits = sa.text("not_before IS NOT NULL")

INBOX = sa.Table(
    "inbox",
    METADATA,
    _environment(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),  # grows with each poke
    sa.Column("not_before", sa.Double),  # None: the key rests
    sa.Column("first_poked_at", sa.Double),
    sa.Column("causes", sa.Text, nullable=False),
    sa.Column("sides", sa.Integer, nullable=False),
    sa.Column("urgent", sa.Integer, nullable=False),
    # What came since the key was last taken. Kept apart, so that finished work clears what it was done for
    # and no more, while an unfinished lease loses nothing of what it was taken for (INV-9).
    sa.Column("again_at", sa.Double),
    sa.Column("again_causes", sa.Text, nullable=False),
    sa.Column("again_sides", sa.Integer, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.Double),
    sa.Column("fence", sa.BigInteger, nullable=False),  # grows with each take and is never reused (INV-8)
    sa.ForeignKeyConstraint(["environment", "key"], ["link.environment", "link.key"], name="inbox_link"),
    sa.Index(
        "inbox_due", "environment", "urgent", "not_before", sqlite_where=_waits, postgresql_where=_waits
    ),
)

WRITE = sa.Table(
    "write",
    METADATA,
    _environment(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger),  # place in the chain; None while open
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("link_key", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text),
    sa.Column("partner_id", sa.Text),
    _json("fields"),
    sa.Column("expected_version", sa.Text),
    sa.Column("cause", sa.Text, nullable=False),
    _json("consents"),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("sent_at", sa.Double, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Double),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("personal", sa.Text),  # values of personal fields; None once erased. Not hashed, only digested
    sa.UniqueConstraint("environment", "seq", name="write_seq"),
    sa.Index("write_link", "environment", "link_key", "seq"),
)

CURSOR = sa.Table(
    "cursor",
    METADATA,
    _environment(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("moved_at", sa.Double, nullable=False),
)

LEASE = sa.Table(
    "lease",
    METADATA,
    _environment(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)

SECRET = sa.Table(
    "secret",
    METADATA,
    _environment(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),
)

SETTING = sa.Table(
    "setting",
    METADATA,
    _environment(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),
)
