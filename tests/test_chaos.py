"""The promise: whatever is killed, at any moment, every order is at its destinations exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from sandbox.shops import make_orders
from tests.house import House

pytestmark = pytest.mark.long

ORDERS = 200


def _once_each(house: House, numbers: set[str]) -> None:
    """Counted at the other side: nothing is missing, nothing is there twice, nothing else is there."""
    counts = house.counts()
    for system, expected in (("esuite", {f"WEB-{n}" for n in numbers}), ("ongoing", numbers)):
        found = Counter(counts[system])
        lost = sorted(expected - set(found))
        twice = {reference: n for reference, n in found.items() if n != 1}
        assert (lost, twice, set(found) - expected) == ([], {}, set()), f"{system} does not hold each order once"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("trouble", ["worker killed", "broker wiped", "web killed", "all at once"])
def test_every_order_is_delivered_exactly_once_whatever_is_killed(
    tmp_path: Path, database_url: str, trouble: str
) -> None:
    seed = 7
    draw = random.Random(f"{seed} {trouble} {database_url[:4]}")
    deliveries = list(make_orders(ORDERS, platform="shopify", seed=seed, shop="tea"))
    numbers = {str(d.number).removeprefix("#") for d in deliveries}
    over = threading.Event()
    # up lets a web that keeps dying wait longer and longer, and the shops with it
    hits, least, most = 0, *((2, 3) if trouble == "web killed" else (3, 8))
    with House(tmp_path, database_url=database_url, workers=2, timeout_s=1.0) as house:

        def make_trouble() -> None:
            nonlocal hits
            while hits < most and not over.wait(draw.uniform(0.3, 1.5)):
                if trouble == "broker wiped":
                    house.wipe_broker()
                    hits += 1
                elif trouble == "worker killed":
                    hits += house.kill("worker")
                elif trouble == "all at once":
                    hits += house.kill(draw.choice(["worker", "worker", "beat"]))
                    house.wipe_broker()
                elif house.answers():
                    hits += house.kill("web")

        house.switch("esuite", latency_s=0.1)
        house.switch("ongoing", latency_s=0.02)
        if trouble == "all at once":
            for system, write in (("esuite", "POST"), ("ongoing", "PUT")):
                for fault in ({"kind": "hang", "seconds": 1.5, "commit": "before"}, {"kind": "drop", "commit": True}):
                    house.fault(system, {**fault, "chance": 0.03, "seed": seed}, method=write, times=None)
        trouble_maker = threading.Thread(target=make_trouble)
        trouble_maker.start()
        answers = house.post(deliveries, in_flight=8)
        time.sleep(4)
        over.set()
        trouble_maker.join()
        statuses = house.wait_settled(ORDERS, seconds=120)
        assert statuses == {"delivered": ORDERS}
        assert sum(answers.values()) == ORDERS
        assert hits >= least
        if trouble == "worker killed":
            assert "taken_back" in house.log(), "a kill that hits nothing in flight proves nothing"
        _once_each(house, numbers)
