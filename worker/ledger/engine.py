"""The connection to the ledger: SQLite in WAL mode, or PostgreSQL."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

T = TypeVar("T")

_TRIES = 6
_DEADLOCKS = ("40001", "40P01")
"""PostgreSQL's serialization_failure and deadlock_detected: the transaction did nothing and may run again."""


class Ledger:
    """Transactions on the ledger. One per process; safe to use from every thread."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Open lazily: nothing is connected before the first transaction.

        Args:
            url: SQLAlchemy URL, ``sqlite:///path`` or ``postgresql+psycopg://...``.
            pool_size: connections kept; four times as many may be open for a moment.
        """
        parsed = make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size * 3, "pool_timeout": 4}
        if self.sqlite:
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            options["connect_args"] = {"check_same_thread": False, "timeout": 4.0}
        else:
            options |= {"pool_pre_ping": True, "connect_args": {"connect_timeout": 3}}
        self.engine = create_engine(parsed, **options)
        # SQLite lets one writer in at a time and makes the others poll; within a process they can queue instead.
        self._turn = threading.Lock() if self.sqlite else None
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with (
            self._turn or nullcontext(),
            self.engine.connect().execution_options(crossdock_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and commit; run it again where the database asks for that.

        ``work`` must have no effect outside its connection.

        Raises:
            sqlalchemy.exc.DBAPIError: the ledger cannot be written; nothing was changed.
        """
        for left in reversed(range(_TRIES)):
            try:
                with self._write() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not left or not _again(error):
                    raise
                time.sleep(random.uniform(0, 0.05))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _again(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in _DEADLOCKS:
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    # FULL: a commit is on disk before the webhook is answered, also when the power fails.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=4000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a reader that turns writer midway would fail with "database is locked" instead of waiting.
    write = connection.get_execution_options().get("crossdock_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
