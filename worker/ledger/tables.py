"""The ledger's tables. Times are UNIX seconds; JSON is text, written once and read back as it was."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for INTEGER PRIMARY KEY."""

receipts = Table(
    "receipts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("topic", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("body_sha", String(64), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("order_id", Id, nullable=True, index=True),
    comment="One webhook as it arrived.",
)

receipt_keys = Table(
    "receipt_keys",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("receipt_id", Id, nullable=False),
    Column("received_at", Double, nullable=False, index=True),
    comment="What makes a webhook a known duplicate; kept longer than any shop resends.",
)

orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("shop_order_id", String(300), nullable=False),
    Column("number", String(255), nullable=False, index=True),
    Column("version_at", Double, nullable=True, comment="null: no version could be read yet"),
    Column("tie", String(64), nullable=False, default=""),
    Column("rank", Integer, nullable=False, default=0),
    Column("body_sha", String(64), nullable=False, default="", comment="of the canonical order"),
    Column("content", String(64), nullable=False, default="", comment="Order.content() with the edit in it"),
    Column("shop_version", Text, nullable=True, comment="the canonical order as the shop sent it"),
    Column("edit", Text, nullable=True, comment="an operator's JSON merge patch"),
    Column("cancelled", Boolean, nullable=False, default=False),
    Column("test", Boolean, nullable=False, default=False),
    Column("route", Text, nullable=True),
    Column("status", String(20), nullable=False),
    Column("hold", Text, nullable=True, comment="why the order itself waits; null: it does not"),
    Column("unread", Boolean, nullable=False, default=False, comment="its newest webhook could not be read"),
    Column("received_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column(
        "cancels",
        String(10),
        nullable=False,
        server_default="reverse",
        comment="the sequence in which a cancel goes through the route",
    ),
    UniqueConstraint("shop", "shop_order_id"),
    Index("ix_orders_status_id", "status", "id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("destination", String(100), nullable=False),
    Column("system", String(20), nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0, comment="in a row"),
    Column("failing", String(60), nullable=False, default="", comment="the code of the last failure"),
    Column("alike", Integer, nullable=False, default=0, comment="failures in a row with that code"),
    Column("crashes", Integer, nullable=False, default=0, comment="workers that died with it, in a row"),
    Column("due_at", Double, nullable=False),
    Column("rung_at", Double, nullable=True, comment="last wake-up; null: ring when there is room"),
    Column("first_try_at", Double, nullable=True, comment="the clock of give_up_h"),
    Column("lease_id", String(36), nullable=True, comment="in hand, exactly while it is delivering"),
    Column("in_doubt", Boolean, nullable=False, default=False),
    Column("interrupted", Boolean, nullable=False, default=False, comment="the last try ended without an outcome"),
    Column("held_by", String(20), nullable=True, comment="destination | number | order | person"),
    Column("reference", Text, nullable=True),
    Column("memo", Text, nullable=False, default="{}"),
    Column("content_done", String(64), nullable=True, comment="the content the destination agreed with"),
    Column("code", String(60), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("hint", Text, nullable=False, default=""),
    Column("changed_at", Double, nullable=False),
    Column("progress", Text, nullable=True, comment="how the order gets on there, in words"),
    Column("progress_at", Double, nullable=True),
    Column("tracking", Text, nullable=True, comment="waybill -> address, JSON"),
    UniqueConstraint("order_id", "destination"),
    Index("ix_deliveries_work", "destination", "state", "due_at"),
    Index(
        "ix_deliveries_in_hand",
        "lease_id",
        sqlite_where=text("lease_id IS NOT NULL"),
        postgresql_where=text("lease_id IS NOT NULL"),
    ),
    Index(
        "ix_deliveries_moving",
        "state",
        "due_at",
        sqlite_where=text("state IN ('ready', 'retrying', 'delivering')"),
        postgresql_where=text("state IN ('ready', 'retrying', 'delivering')"),
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, index=True),
    Column("destination", String(100), nullable=True),
    Column("at", Double, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=True, comment="the exchange, a warning's figures: JSON"),
    comment="The timeline; rows are only ever added.",
)

destinations = Table(
    "destinations",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("system", String(20), nullable=False),
    Column("status", String(20), nullable=False, default="open"),
    Column("code", String(60), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("hint", Text, nullable=False, default=""),
    Column("since", Double, nullable=False),
    Column("paused_until", Double, nullable=True),
    Column(
        "probe_at",
        Double,
        nullable=True,
        comment="when a suspended one is tried again; null: never by itself",
    ),
    Column("failures", Integer, nullable=False, default=0, comment="in a row, over all deliveries"),
)

leases = Table(
    "leases",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("destination", String(100), nullable=False, index=True),
    Column("slots", Integer, nullable=False),
    Column("until", Double, nullable=False),
    Column("worker", Text, nullable=False),
)

numbers = Table(
    "numbers",
    metadata,
    Column("destination", String(100), primary_key=True),
    Column("number", String(300), primary_key=True, comment="folded case: Ongoing compares without it"),
    Column("order_id", Id, nullable=False),
    comment="Which order holds a number at a destination; the first one keeps it.",
)

series = Table(
    "series",
    metadata,
    Column("destination", String(100), primary_key=True),
    Column("last", BigInteger, nullable=False),
    comment="The last of the numbers that we give to orders at a destination; none is given twice.",
)

feeds = Table(
    "feeds",
    metadata,
    Column("destination", String(100), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("checkpoint", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("leased_until", Double, nullable=True, comment="somebody reads it"),
    Column("done_at", Double, nullable=True, comment="when it was last read without a problem"),
    Column("problem", Text, nullable=False, default=""),
    Column("whole", Text, nullable=False, default="{}", comment="kind -> when it was last read to its end, JSON"),
    comment="What destinations tell of their own accord, and how far it was read.",
)

hints = Table(
    "hints",
    metadata,
    Column("destination", String(100), primary_key=True),
    Column("number", String(300), primary_key=True, comment="the order's number there"),
    Column("due_at", Double, nullable=False),
    Column("since", Double, nullable=False),
    comment="Orders of which a webhook of a destination said that something happened: they are read anew.",
)

stock = Table(
    "stock",
    metadata,
    Column("destination", String(100), primary_key=True),
    Column("code", String(255), primary_key=True, comment="folded case"),
    Column("shown", String(255), nullable=False),
    Column("name", Text, nullable=False, default=""),
    Column("quantity", String(40), nullable=True, comment="a decimal; null: known, and no figure told"),
    Column("seen_at", Double, nullable=False),
    comment="What destinations say about article codes.",
)

copies = Table(
    "copies",
    metadata,
    Column("destination", String(100), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("ref", String(255), nullable=False, default="", comment="folded case"),
    Column("shown", String(255), nullable=False, default="", comment="ref as it is written there"),
    Column("email", String(255), nullable=False, default="", comment="folded case"),
    Column("name", Text, nullable=False, default=""),
    Column("data", Text, nullable=False, default="{}"),
    Column("seen_at", Double, nullable=False),
    Index("ix_copies_email", "destination", "kind", "email"),
    Index("ix_copies_ref", "destination", "kind", "ref"),
    comment="Records of destinations, kept to look things up in.",
)

tallies = Table(
    "tallies",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("labels", String(300), primary_key=True, comment="joined by |"),
    Column("value", Double, nullable=False),
    comment="Counters for /metrics, exact over all processes and restarts.",
)

workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("heard_at", Double, nullable=False, comment="last message from the broker"),
)
