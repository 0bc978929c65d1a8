"""A feed's turn is kept as long as its worker reads, and no longer; one that has to stop leaves the reading."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.feeds import Held, left_or_read
from tests.ledgers import config
from worker.bell import Bell
from worker.feeds import Batch
from worker.ledger import feeds
from worker.ledger.feeds import Turn
from worker.ledger.migrate import migrate
from worker.machine import Machine
from worker.settings import Settings


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(Settings(database=f"sqlite:///{tmp_path}/ledger.db"), config(), Bell(None, batch=1))
    yield found
    found.close()


def test_a_reading_is_left_when_the_worker_stops(machine: Machine) -> None:
    begun, left = threading.Event(), threading.Event()

    async def endless() -> Batch:
        begun.set()
        machine.stop()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        raise AssertionError

    assert left_or_read(machine, endless(), keep=lambda: True) is None
    assert begun.is_set()
    assert left.wait(timeout=20)


def test_a_reading_that_ends_is_taken_whether_the_worker_stops_or_not(machine: Machine) -> None:
    async def quick() -> Batch:
        machine.stop()
        return Batch(checkpoint={"next": 7})

    batch = left_or_read(machine, quick(), keep=lambda: True)
    assert batch is not None
    assert batch.checkpoint == {"next": 7}


# ---------------------------------------------------------------- the turn


LEASE_S = 1.0


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Machine]:
    settings = Settings(database=f"sqlite:///{tmp_path}/ledger.db", lease_s=LEASE_S)
    found = Machine(settings, config(), Bell(None, batch=1))
    migrate(found.ledger)
    yield found
    found.close()


def _take(machine: Machine) -> Turn | None:
    return machine.ledger.write(lambda c: feeds.take(c, "erp", "stock", lease_s=60, now=time.time()))


def _held(machine: Machine) -> Held:
    turn = machine.ledger.write(lambda c: feeds.take(c, "erp", "stock", lease_s=LEASE_S, now=time.time()))
    assert turn is not None
    return Held(machine, turn)


def test_a_reading_that_is_longer_than_the_lease_keeps_its_turn(reader: Machine) -> None:
    held, begun = _held(reader), time.time()

    async def slow() -> Batch:
        await asyncio.sleep(2.5 * LEASE_S)
        return Batch(checkpoint={"next": 7})

    batch = left_or_read(reader, slow(), keep=held.keep)
    assert batch is not None
    assert held.turn.until > begun + 2 * LEASE_S
    assert reader.ledger.write(lambda c: feeds.save(c, held.turn, batch, every_s=60, now=time.time()))


def test_a_turn_that_nobody_keeps_is_over_with_its_lease(reader: Machine) -> None:
    held = _held(reader)
    assert _take(reader) is None
    time.sleep(LEASE_S)
    assert _take(reader) is not None
    assert not held.keep()


def test_a_reading_whose_turn_somebody_else_has_is_left(reader: Machine) -> None:
    held = _held(reader)
    time.sleep(LEASE_S)
    assert _take(reader) is not None

    async def endless() -> Batch:
        await asyncio.Event().wait()
        raise AssertionError

    assert left_or_read(reader, endless(), keep=held.keep) is None
