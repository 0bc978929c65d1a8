"""Which workers live, and when each last heard from the broker."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger.tables import workers

FORGET_S = 3600.0


def seen(connection: Connection, name: str, *, started_at: float, heard_at: float, now: float) -> None:
    """A worker tells that it lives."""
    row = {"name": name, "started_at": started_at, "seen_at": now, "heard_at": heard_at}
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(workers)
    updated = {key: statement.excluded[key] for key in ("started_at", "seen_at", "heard_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=updated), row)
    connection.execute(delete(workers).where(workers.c.seen_at < now - FORGET_S))


def forget(connection: Connection, name: str) -> None:
    """A worker ends in good order."""
    connection.execute(delete(workers).where(workers.c.name == name))


def living(connection: Connection) -> list[dict[str, Any]]:
    """Every worker that was seen within the last hour: name, started_at, seen_at, heard_at in UNIX seconds."""
    return [dict(row) for row in connection.execute(select(workers).order_by(workers.c.name)).mappings()]
