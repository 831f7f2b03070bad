"""pre: The seven tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates everything."""
    _link()
    _inbox()
    _write()
    _small_tables()


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("partner_center_id", sa.Text),
        sa.Column("crm_id", sa.Text),
        sa.Column("engagement_id", sa.Text),
        sa.Column("microsoft_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False, server_default="{}"),
        sa.Column("holds", sa.Text, nullable=False, server_default="{}"),
        sa.Column("consents", sa.Text, nullable=False, server_default="{}"),
        sa.Column("resolutions", sa.Text, nullable=False, server_default="{}"),
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
    )
    op.create_index("link_engagement", "link", ["environment", "engagement_id"])
    op.create_index("link_microsoft", "link", ["environment", "microsoft_id"])
    op.create_index("link_state", "link", ["environment", "state"])


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.Double),
        sa.Column("first_poked_at", sa.Double),
        sa.Column("causes", sa.Text, nullable=False),
        sa.Column("sides", sa.Integer, nullable=False),
        sa.Column("urgent", sa.Integer, nullable=False),
        sa.Column("again_at", sa.Double),
        sa.Column("again_causes", sa.Text, nullable=False),
        sa.Column("again_sides", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.Double),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["environment", "key"], ["link.environment", "link.key"], name="inbox_link"),
    )
    waits = sa.text("not_before IS NOT NULL")
    op.create_index(
        "inbox_due",
        "inbox",
        ["environment", "urgent", "not_before"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def _write() -> None:
    op.create_table(
        "write",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("link_key", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text),
        sa.Column("partner_id", sa.Text),
        sa.Column("fields", sa.Text, nullable=False, server_default="{}"),
        sa.Column("expected_version", sa.Text),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("consents", sa.Text, nullable=False, server_default="{}"),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("sent_at", sa.Double, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Double),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("personal", sa.Text),
        sa.UniqueConstraint("environment", "seq", name="write_seq"),
    )
    op.create_index("write_link", "write", ["environment", "link_key", "seq"])


def _small_tables() -> None:
    op.create_table(
        "cursor",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("moved_at", sa.Double, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
    op.create_table(
        "secret",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
    )
    op.create_table(
        "setting",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
    )
