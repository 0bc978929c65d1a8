"""Transactions on the ledger: who waits how long, what is tried again, and what an error says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Connection, exc, insert, select, text, update

from tests.ledgers import World, webhook
from tests.servers import free_port
from worker.ledger import tables as t
from worker.ledger.engine import PATIENCE_S, Ledger, away


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url) as world:
        yield world


def _lock(c: Connection) -> None:
    c.execute(select(t.destinations).with_for_update())


@contextmanager
def _held(ledger: Ledger) -> Iterator[threading.Event]:
    """Someone else has the ledger (SQLite), or a destination's row (PostgreSQL), until the event is set."""
    has, free = threading.Event(), threading.Event()

    def hold(c: Connection) -> None:
        _lock(c)
        has.set()
        free.wait(20)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(ledger.write, hold)
        assert has.wait(5)
        yield free
        free.set()
        done.result()


@pytest.mark.parametrize("who", ["another process", "another thread"])
def test_a_busy_ledger_says_so_before_a_shop_gives_up(world: World, who: str) -> None:
    other = Ledger(world.url) if who == "another process" else world.ledger
    with _held(other):
        begun = time.monotonic()
        with pytest.raises(exc.SQLAlchemyError) as caught:
            world.ledger.write(_lock)
        waited = time.monotonic() - begun
    assert away(caught.value)
    assert PATIENCE_S - 0.5 < waited < 5
    if other is not world.ledger:
        other.close()


def test_who_waits_gets_its_turn_when_the_ledger_is_free(world: World) -> None:
    other = Ledger(world.url)
    with _held(other) as free, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.ledger.write, _lock)
        time.sleep(1.5)
        free.set()
        waiting.result(timeout=3)
    other.close()


def test_readers_do_not_wait_for_writers(world: World) -> None:
    world.place("1")
    with _held(world.ledger):
        assert world.states("1") == "ready waiting"


def test_two_transactions_that_wait_for_each_other_both_end_well(world: World) -> None:
    world.take(webhook("1"), webhook("2"))
    ids = [world.order(number).id for number in ("1", "2")]
    both, rounds = threading.Barrier(2), [0, 0]

    def work(c: Connection, first: int) -> None:
        rounds[first] += 1
        for position in (first, 1 - first):
            c.execute(update(t.orders).where(t.orders.c.id == ids[position]).values(updated_at=float(first)))
            if rounds[first] == 1 and position == first and not world.ledger.sqlite:
                both.wait(5)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(world.ledger.write, partial(work, first=n)) for n in (0, 1)]:
            done.result(timeout=10)
    assert sum(rounds) == (2 if world.ledger.sqlite else 3), "the one that was picked ran again"


def test_a_transaction_that_fails_leaves_nothing_behind(world: World) -> None:
    def work(c: Connection) -> None:
        c.execute(insert(t.workers), {"name": "w", "started_at": 0.0, "seen_at": 0.0, "heard_at": 0.0})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        world.ledger.write(work)
    assert world.count(t.workers) == 0


def test_an_error_does_not_quote_what_was_to_be_stored(world: World) -> None:
    world.place("1", email="ada@example.com")

    def twice(c: Connection) -> None:
        row = c.execute(select(t.orders)).mappings().one()
        c.execute(insert(t.orders), {**row, "id": 77})

    with pytest.raises(exc.IntegrityError) as caught:
        world.ledger.write(twice)
    assert not away(caught.value)
    assert "ada@example.com" not in str(caught.value)


def test_a_database_that_is_not_there_is_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    ledger = Ledger(f"postgresql+psycopg://crossdock@127.0.0.1:{free_port()}/none")
    begun = time.monotonic()
    with pytest.raises(exc.OperationalError) as caught:
        ledger.write(_lock)
    assert away(caught.value)
    assert time.monotonic() - begun < 4.5
    ledger.close()


def test_a_postgresql_transaction_that_stands_still_gives_its_locks_back(postgres_url: str) -> None:
    ledger = Ledger(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with ledger.read() as c:
        assert c.scalar(text("SHOW idle_in_transaction_session_timeout")) == "15s"
        assert c.scalar(text("SHOW lock_timeout")) == "1200ms"
    ledger.close()


def test_a_sqlite_commit_is_on_disk_before_it_is_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('l')}/ledger.db")
    with ledger.read() as c:
        assert c.scalar(text("PRAGMA journal_mode")) == "wal"
        assert c.scalar(text("PRAGMA synchronous")) == 2, "FULL"
        assert c.scalar(text("PRAGMA foreign_keys")) == 1
    ledger.close()
