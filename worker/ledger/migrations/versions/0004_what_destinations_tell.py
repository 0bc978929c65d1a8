"""What destinations tell: how orders get on there, stock, and copies of their records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "deliveries", sa.Column("progress", sa.Text(), nullable=True, comment="how the order gets on there, in words")
    )
    op.add_column("deliveries", sa.Column("progress_at", sa.Double(), nullable=True))
    op.add_column("deliveries", sa.Column("tracking", sa.Text(), nullable=True, comment="waybill -> address, JSON"))
    op.create_table(
        "feeds",
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("leased_until", sa.Double(), nullable=True, comment="somebody reads it"),
        sa.Column("done_at", sa.Double(), nullable=True, comment="when it was last read without a problem"),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("whole", sa.Text(), nullable=False, comment="kind -> when it was last read to its end, JSON"),
        sa.PrimaryKeyConstraint("destination", "name", name=op.f("pk_feeds")),
        comment="What destinations tell of their own accord, and how far it was read.",
    )
    op.create_table(
        "hints",
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=300), nullable=False, comment="the order's number there"),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "number", name=op.f("pk_hints")),
        comment="Orders of which a webhook of a destination said that something happened: they are read anew.",
    )
    op.create_table(
        "stock",
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False, comment="folded case"),
        sa.Column("shown", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "quantity", sa.String(length=40), nullable=True, comment="a decimal; null: known, and no figure told"
        ),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "code", name=op.f("pk_stock")),
        comment="What destinations say about article codes.",
    )
    op.create_table(
        "copies",
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False, comment="folded case"),
        sa.Column("shown", sa.String(length=255), nullable=False, comment="ref as it is written there"),
        sa.Column("email", sa.String(length=255), nullable=False, comment="folded case"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "kind", "key", name=op.f("pk_copies")),
        comment="Records of destinations, kept to look things up in.",
    )
    op.create_index("ix_copies_email", "copies", ["destination", "kind", "email"])
    op.create_index("ix_copies_ref", "copies", ["destination", "kind", "ref"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("copies")
    op.drop_table("stock")
    op.drop_table("hints")
    op.drop_table("feeds")
    for name in ("tracking", "progress_at", "progress"):
        op.drop_column("deliveries", name)
