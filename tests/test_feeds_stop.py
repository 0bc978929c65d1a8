"""A worker that has to stop does not wait for a feed: the reading is left, and the next worker begins it anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.feeds import left_or_read
from tests.ledgers import config
from worker.bell import Bell
from worker.feeds import Batch
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

    assert left_or_read(machine, endless()) is None
    assert begun.is_set()
    assert left.wait(timeout=20)


def test_a_reading_that_ends_is_taken_whether_the_worker_stops_or_not(machine: Machine) -> None:
    async def quick() -> Batch:
        machine.stop()
        return Batch(checkpoint={"next": 7})

    batch = left_or_read(machine, quick())
    assert batch is not None
    assert batch.checkpoint == {"next": 7}
