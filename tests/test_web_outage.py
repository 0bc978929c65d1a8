"""Webhooks while the ledger does not answer: 503 in time, and nothing is lost (contracts/webhooks.md section 8)."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from sandbox.shops import Delivery
from tests.conftest import missing
from tests.house import new_number, parts_order
from tests.servers import Postgres, ServerUnavailableError, server_folder
from tests.web_door import Door, shop_order

pytestmark = pytest.mark.long


def _refused_in_time(door: Door, delivery: Delivery) -> None:
    begun = time.monotonic()
    answer = door.post(delivery)
    took = time.monotonic() - begun
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert took < 5, "Shopify hangs up after 5 s"


def test_while_the_ledger_is_locked_shops_hear_503_in_time_and_the_resend_is_accepted(tmp_path: Path) -> None:
    with Door(tmp_path, f"sqlite:///{tmp_path}/ledger.db") as door:
        first, second = shop_order("tea", new_number()), shop_order("books", new_number())
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            _refused_in_time(door, first)
            # What stands in the queue behind the first is answered in time too.
            _refused_in_time(door, second)
            lock.execute("ROLLBACK")
        assert [door.told(first), door.told(second)] == ["accepted", "accepted"]
        assert door.told(first) == "duplicate"


@contextmanager
def _own_postgres() -> Iterator[Postgres]:
    with server_folder("stopped") as folder:
        try:
            server = Postgres(folder)
            server.start()
        except ServerUnavailableError as error:
            missing(str(error))
        try:
            yield server
        finally:
            server.stop()


def _signal_all(server: Postgres, sign: signal.Signals) -> None:
    process = psutil.Process(server.pid)
    for one in (process, *process.children(recursive=True)):
        os.kill(one.pid, sign)


def test_while_postgresql_is_stopped_shops_hear_503_in_time_and_the_resend_is_accepted(tmp_path: Path) -> None:
    with _own_postgres() as server, Door(tmp_path, server.url) as door:
        first = shop_order("tea", new_number())
        assert door.told(first) == "accepted"
        server.stop()
        second = shop_order("books", new_number())
        _refused_in_time(door, second)
        _refused_in_time(door, parts_order(new_number()))
        server.start()
        assert [door.told(second), door.told(first)] == ["accepted", "duplicate"]


def test_while_postgresql_stands_still_shops_hear_503_in_time_and_the_resend_is_taken(tmp_path: Path) -> None:
    with _own_postgres() as server, Door(tmp_path, server.url) as door:
        assert door.told(shop_order("tea", new_number())) == "accepted"
        _signal_all(server, signal.SIGSTOP)
        try:
            waiting = shop_order("books", new_number())
            _refused_in_time(door, waiting)
            _refused_in_time(door, parts_order(new_number()))
        finally:
            _signal_all(server, signal.SIGCONT)
        # The first may have been on its way into the ledger when it stood still.
        assert door.told(waiting) in ("accepted", "duplicate")
        assert door.told(parts_order(new_number())) == "accepted"
