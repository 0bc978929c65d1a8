"""Migrations make exactly the tables that the code works with, on both databases, however often they are run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from tests.ledgers import sqlalchemy_url
from worker.ledger.engine import Ledger
from worker.ledger.migrate import current, migrate, newest
from worker.ledger.tables import metadata


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(sqlalchemy_url(database_url))
    yield ledger
    ledger.close()


def test_migrations_make_what_the_code_says(ledger: Ledger) -> None:
    migrate(ledger)
    with ledger.read() as c:
        context = MigrationContext.configure(c, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_the_same_indexes_and_comments_as_the_code(ledger: Ledger) -> None:
    migrate(ledger)
    migrated = _shape(ledger)
    with ledger.engine.begin() as c:
        metadata.drop_all(c)
        metadata.create_all(c)
    assert migrated == _shape(ledger)


def _shape(ledger: Ledger) -> dict[str, Any]:
    """What alembic does not compare as well: conditions of indexes, keys, and on PostgreSQL the comments."""
    found = inspect(ledger.engine)
    return {
        name: {
            "columns": [{**column, "type": str(column["type"])} for column in found.get_columns(name)],
            "indexes": sorted(str({**one, "dialect_options": _texts(one)}) for one in found.get_indexes(name)),
            "primary key": found.get_pk_constraint(name),
            "unique": found.get_unique_constraints(name),
            "foreign keys": found.get_foreign_keys(name),
            "comment": found.get_table_comment(name) if not ledger.sqlite else None,
        }
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def _texts(index: Any) -> dict[str, str]:
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


def test_migrating_twice_changes_nothing(ledger: Ledger) -> None:
    assert current(ledger) is None
    assert migrate(ledger) == (None, newest())
    assert current(ledger) == newest()
    before = _shape(ledger)
    assert migrate(ledger) == (newest(), newest())
    assert _shape(ledger) == before


def test_several_machines_may_migrate_at_once(database_url: str) -> None:
    ledgers = [Ledger(sqlalchemy_url(database_url)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, ledgers))
    assert sorted(done, key=str) == [(newest(), newest())] * 3 + [(None, newest())]
    for ledger in ledgers:
        ledger.close()


def test_a_folder_with_odd_characters_can_hold_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/100% of 'it' & more/ledger.db")
    migrate(ledger)
    assert current(ledger) == newest()
    ledger.close()
