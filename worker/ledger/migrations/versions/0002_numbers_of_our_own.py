"""Numbers of our own for orders at a destination."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "series",
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_series")),
        comment="The last of the numbers that we give to orders at a destination; none is given twice.",
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("series")
