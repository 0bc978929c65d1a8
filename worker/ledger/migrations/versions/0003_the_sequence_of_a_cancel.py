"""The sequence in which a cancel goes through an order's route."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "orders",
        sa.Column(
            "cancels",
            sa.String(length=10),
            nullable=False,
            server_default="reverse",
            comment="the sequence in which a cancel goes through the route",
        ),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("orders", "cancels")
