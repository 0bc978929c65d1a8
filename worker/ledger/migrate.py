"""Bring the ledger to the newest schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from worker.ledger.engine import Ledger

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where something is to be migrated: every command and every process asks for the revision, and
# the import alone takes a third of the time of `crossdock orders`.
# ruff: noqa: PLC0415

PATIENCE_S = 60.0
"""Another process may be at it on the same SQLite file, which lets one in at a time."""

_ADVISORY_LOCK = 0x43524F53  # "CROS": one migration at a time on PostgreSQL
_FOLDER = Path(__file__).parent / "migrations"


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    # "%" begins an interpolation in it.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def current(ledger: Ledger) -> str | None:
    """The ledger's revision, or None where it has no tables yet."""
    with ledger.read() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(select(column("version_num")).select_from(table("alembic_version")))


def newest() -> str:
    """The revision this code wants: the highest number that a file of ``migrations/versions`` begins with."""
    return max(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def migrate(ledger: Ledger) -> tuple[str | None, str]:
    """Apply what is missing, in one transaction; safe to run at the same time from several machines.

    Returns:
        The revisions before and after.
    """

    def work(connection: Connection) -> tuple[str | None, str]:
        if not ledger.sqlite:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # another machine's migration may take its time
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        before = _revision(connection)
        from alembic import command

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before, newest()

    if current(ledger) == newest():
        return newest(), newest()
    return ledger.write(work, patience_s=PATIENCE_S)
