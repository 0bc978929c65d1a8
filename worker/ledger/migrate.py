"""Bring the ledger to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from worker.ledger.engine import Ledger

_ADVISORY_LOCK = 0x43524F53  # "CROS": one migration at a time on PostgreSQL


def _config() -> Config:
    config = Config()
    # "%" begins an interpolation in it.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def current(ledger: Ledger) -> str | None:
    """The ledger's revision, or None where it has no tables yet."""
    with ledger.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision this code wants."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise AssertionError("no migrations in the package")
    return head


def migrate(ledger: Ledger) -> tuple[str | None, str]:
    """Apply what is missing, in one transaction; safe to run at the same time from several machines.

    Returns:
        The revisions before and after.
    """

    def work(connection: Connection) -> tuple[str | None, str]:
        if not ledger.sqlite:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # another machine's migration may take its time
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        before = MigrationContext.configure(connection).get_current_revision()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before, newest()

    if current(ledger) == newest():
        return newest(), newest()
    return ledger.write(work)
