"""A worker that hears nothing from the broker says so, ends, and is started again."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.house import House, parts_order
from tests.servers import wait_until

pytestmark = pytest.mark.long

DEAF_S = 4.0


def _ready(house: House) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"{house.url}/readyz", timeout=10)
    return answer.status_code, answer.json()


def _events(house: House, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in house.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


@pytest.mark.timeout(150)
def test_a_worker_whose_broker_says_nothing_ends_with_69_and_is_started_again(tmp_path: Path) -> None:
    with House(tmp_path, environment={"CROSSDOCK_DEAF_S": str(DEAF_S)}) as house:
        wait_until(lambda: _ready(house)[0] == 200, seconds=20, what="a worker has heard itself")
        [first] = house.children("worker")
        broker = next(p for p in psutil.Process(house.pid("up")).children() if "valkey" in p.name())
        begun = time.monotonic()
        broker.send_signal(signal.SIGSTOP)  # it is there, it is connected, and it says nothing
        try:
            wait_until(lambda: _ready(house)[0] == 503, seconds=DEAF_S + 10, what="/readyz says no")
            _, told = _ready(house)
            assert "broker" in " ".join(told["reasons"])
            house.post([parts_order("7201")])  # orders are taken all the same
            wait_until(lambda: not first.is_running(), seconds=DEAF_S + 45, what="the worker has ended")
            assert time.monotonic() - begun >= DEAF_S
        finally:
            broker.send_signal(signal.SIGCONT)
        [died] = _events(house, "died")
        assert (died["process"], died["exit_code"]) == ("worker-1", 69)
        [deaf] = _events(house, "worker_deaf")
        assert deaf["seconds"] >= DEAF_S
        house.wait_for("7201", "delivered", "delivered", seconds=45)
        [second] = house.children("worker")
        assert second.pid != first.pid
        wait_until(lambda: _ready(house)[0] == 200, seconds=20, what="/readyz says yes again")


def test_readyz_says_when_no_worker_hears(tmp_path: Path) -> None:
    with House(tmp_path, environment={"CROSSDOCK_DEAF_S": str(DEAF_S)}) as house:
        wait_until(lambda: _ready(house)[0] == 200, seconds=20, what="a worker has heard itself")
        [worker] = house.children("worker")
        worker.suspend()  # alive, and of no use
        try:
            wait_until(lambda: _ready(house)[0] == 503, seconds=DEAF_S + 10, what="/readyz says no")
            _, told = _ready(house)
            assert told["reasons"] == ["no worker has heard from the broker for 4 s; start one: crossdock worker"]
            assert (told["ledger"], told["broker"]) == ("ok", "ok")
        finally:
            worker.resume()
        wait_until(lambda: _ready(house)[0] == 200, seconds=40, what="/readyz says yes again")


def test_a_short_absence_of_the_broker_ends_no_worker(tmp_path: Path) -> None:
    with House(tmp_path, environment={"CROSSDOCK_DEAF_S": "30"}) as house:
        wait_until(lambda: house.children("worker"), seconds=20, what="a worker runs")
        [first] = house.children("worker")
        house.post([parts_order("7202")])
        house.wait_for("7202", "delivered", "delivered")
        broker = next(p for p in psutil.Process(house.pid("up")).children() if "valkey" in p.name())
        broker.kill()
        house.post([parts_order("7203")])
        house.wait_for("7203", "delivered", "delivered", seconds=30)
        assert [p.pid for p in house.children("worker")] == [first.pid]
