"""The first ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "destinations",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("system", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("paused_until", sa.Double(), nullable=True),
        sa.Column(
            "probe_at", sa.Double(), nullable=True, comment="when a suspended one is tried again; null: never by itself"
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row, over all deliveries"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destinations")),
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leases")),
    )
    op.create_index(op.f("ix_leases_destination"), "leases", ["destination"], unique=False)
    op.create_table(
        "numbers",
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=300), nullable=False, comment="folded case: Ongoing compares without it"),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("destination", "number", name=op.f("pk_numbers")),
        comment="Which order holds a number at a destination; the first one keeps it.",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop", sa.String(length=100), nullable=False),
        sa.Column("shop_order_id", sa.String(length=300), nullable=False),
        sa.Column("number", sa.String(length=255), nullable=False),
        sa.Column("version_at", sa.Double(), nullable=True, comment="null: no version could be read yet"),
        sa.Column("tie", sa.String(length=64), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("body_sha", sa.String(length=64), nullable=False, comment="of the canonical order"),
        sa.Column("content", sa.String(length=64), nullable=False, comment="Order.content() with the edit in it"),
        sa.Column("shop_version", sa.Text(), nullable=True, comment="the canonical order as the shop sent it"),
        sa.Column("edit", sa.Text(), nullable=True, comment="an operator's JSON merge patch"),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("hold", sa.Text(), nullable=True, comment="why the order itself waits; null: it does not"),
        sa.Column("unread", sa.Boolean(), nullable=False, comment="its newest webhook could not be read"),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("shop", "shop_order_id", name=op.f("uq_orders_shop_shop_order_id")),
    )
    op.create_index(op.f("ix_orders_number"), "orders", ["number"], unique=False)
    op.create_index("ix_orders_status_id", "orders", ["status", "id"], unique=False)
    op.create_table(
        "receipt_keys",
        sa.Column("shop", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("receipt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "key", name=op.f("pk_receipt_keys")),
        comment="What makes a webhook a known duplicate; kept longer than any shop resends.",
    )
    op.create_index(op.f("ix_receipt_keys_received_at"), "receipt_keys", ["received_at"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop", sa.String(length=100), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        comment="One webhook as it arrived.",
    )
    op.create_index(op.f("ix_receipts_order_id"), "receipts", ["order_id"], unique=False)
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("labels", sa.String(length=300), nullable=False, comment="joined by |"),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_tallies")),
        comment="Counters for /metrics, exact over all processes and restarts.",
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("heard_at", sa.Double(), nullable=False, comment="last message from the broker"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("system", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failing", sa.String(length=60), nullable=False, comment="the code of the last failure"),
        sa.Column("alike", sa.Integer(), nullable=False, comment="failures in a row with that code"),
        sa.Column("crashes", sa.Integer(), nullable=False, comment="workers that died with it, in a row"),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("rung_at", sa.Double(), nullable=True, comment="last wake-up; null: ring when there is room"),
        sa.Column("first_try_at", sa.Double(), nullable=True, comment="the clock of give_up_h"),
        sa.Column("lease_id", sa.String(length=36), nullable=True, comment="in hand, exactly while it is delivering"),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False, comment="the last try ended without an outcome"),
        sa.Column("held_by", sa.String(length=20), nullable=True, comment="destination | number | order | person"),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column(
            "content_done", sa.String(length=64), nullable=True, comment="the content the destination agreed with"
        ),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_deliveries_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("order_id", "destination", name=op.f("uq_deliveries_order_id_destination")),
    )
    op.create_index(
        "ix_deliveries_in_hand",
        "deliveries",
        ["lease_id"],
        unique=False,
        sqlite_where=sa.text("lease_id IS NOT NULL"),
        postgresql_where=sa.text("lease_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_moving",
        "deliveries",
        ["state", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('ready', 'retrying', 'delivering')"),
        postgresql_where=sa.text("state IN ('ready', 'retrying', 'delivering')"),
    )
    op.create_index("ix_deliveries_work", "deliveries", ["destination", "state", "due_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination", sa.String(length=100), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True, comment="the exchange, a warning's figures: JSON"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_events_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        comment="The timeline; rows are only ever added.",
    )
    op.create_index(op.f("ix_events_order_id"), "events", ["order_id"], unique=False)
