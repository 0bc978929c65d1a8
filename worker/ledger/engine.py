"""The connection to the ledger: SQLite in WAL mode, or PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, exc
from sqlalchemy.engine import make_url

T = TypeVar("T")

PATIENCE_S = 3.5
"""How long a transaction waits for its turn and tries again: a webhook is answered within 5 s, whatever happens."""

_LOCK_MS = 1200
"""How long one try waits for a lock: above PostgreSQL's deadlock_timeout, which stops one of two and not both."""

_AGAIN = ("40001", "40P01", "55P03")
"""PostgreSQL's serialization_failure, deadlock_detected, lock_not_available: the transaction did nothing."""

_PREPARE_SQLITE = (
    f"PRAGMA busy_timeout={_LOCK_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit is on disk before the webhook is answered, also when the power fails
    "PRAGMA foreign_keys=ON",
)
_PREPARE_POSTGRES = (
    f"SET lock_timeout={_LOCK_MS}",
    # A process that stands still in mid-transaction (a frozen machine) must not keep its locks.
    "SET idle_in_transaction_session_timeout=15000",
)
_POSTGRES = {
    "connect_timeout": 3,
    # A server that is gone without a word is noticed within seconds, and not after the kernel's two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


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
        if self.sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=pool_size * 3,
            pool_timeout=PATIENCE_S,
            pool_pre_ping=not self.sqlite,
            hide_parameters=True,  # an error's text must not quote an order
            connect_args={"check_same_thread": False, "timeout": _LOCK_MS / 1000} if self.sqlite else _POSTGRES,
        )
        # SQLite lets one writer in at a time and makes the others poll; within a process they can queue instead.
        self._turn = threading.Lock()
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "connect", _prepare_postgres)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def write(self, work: Callable[[Connection], T], *, patience_s: float = PATIENCE_S) -> T:
        """Run ``work`` in a transaction and commit; run it again, for ``patience_s``, where the database asks for that.

        ``work`` must have no effect outside its connection.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the ledger cannot be written (see :func:`away`), or it refuses this.
        """
        until = time.monotonic() + patience_s
        while True:
            try:
                with self._write(until) as connection:
                    return work(connection)
            except exc.DBAPIError as error:
                if not _again(error) or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0, 0.05))  # noqa: S311 - jitter, no secret

    @contextmanager
    def _write(self, until: float) -> Iterator[Connection]:
        if self.sqlite and not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            raise exc.TimeoutError("no turn to write to the ledger in time")
        try:
            with (
                self.engine.connect().execution_options(crossdock_write=True) as connection,
                connection.begin(),
            ):
                yield connection
        finally:
            if self.sqlite:
                self._turn.release()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def away(error: exc.SQLAlchemyError) -> bool:
    """The ledger could not be reached or was busy: nothing is wrong with what was to be written."""
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError)


def _again(error: exc.DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in _AGAIN:
        return True
    return isinstance(error, exc.OperationalError) and "database is locked" in str(error.orig)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for statement in _PREPARE_SQLITE:
        _insist(cursor, statement)
    cursor.close()


def _insist(cursor: sqlite3.Cursor, statement: str) -> None:
    """Several processes may open a new file at once, and changing its journal does not heed busy_timeout."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            cursor.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0, 0.05))  # noqa: S311 - jitter, no secret
        else:
            return


def _prepare_postgres(connection: Any, _record: object) -> None:
    # Not as start-up options: PgBouncer refuses those.
    connection.autocommit = True
    for statement in _PREPARE_POSTGRES:
        connection.execute(statement)
    connection.autocommit = False


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a reader that turns writer midway would fail with "database is locked" instead of waiting.
    write = connection.get_execution_options().get("crossdock_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
