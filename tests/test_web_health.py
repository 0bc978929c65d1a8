"""``/healthz``, ``/readyz`` and ``/metrics``: what machines that watch over Crossdock are told."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, insert, update

from tests.conftest import missing
from tests.house import new_number, parts_order
from tests.servers import Postgres, ServerUnavailableError, server_folder
from tests.web_door import Door, shop_order
from worker.ledger import tables as t
from worker.ledger import workers
from worker.ledger.tally import Tally


@pytest.fixture
def lonely(door: Door) -> Iterator[Door]:
    """A door without any worker."""
    yield door
    door.ledger.write(lambda c: c.execute(delete(t.workers)))


def _seen(door: Door, name: str, *, heard_s_ago: float) -> None:
    now = time.time()
    door.ledger.write(lambda c: workers.seen(c, name, started_at=now - 900, heard_at=now - heard_s_ago, now=now))


def _ready(door: Door) -> tuple[int, dict[str, Any]]:
    answer = door.http.get("/readyz")
    return answer.status_code, answer.json()


def test_the_process_says_that_it_lives(door: Door) -> None:
    answer = door.http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_not_ready_without_a_worker_and_says_so(lonely: Door) -> None:
    status, told = _ready(lonely)
    assert (status, told["ready"], told["ledger"], told["workers"]) == (503, False, "ok", [])
    [reason] = told["reasons"]
    assert "no worker" in reason
    assert "crossdock worker" in reason


def test_it_is_ready_with_a_worker_that_hears(lonely: Door) -> None:
    _seen(lonely, "one", heard_s_ago=3)
    _seen(lonely, "deaf", heard_s_ago=500)
    status, told = _ready(lonely)
    assert (status, told["ready"], told["reasons"]) == (200, True, [])
    assert [worker["name"] for worker in told["workers"]] == ["deaf", "one"]
    assert told["workers"][0]["heard_s_ago"] == pytest.approx(500, abs=20)


def test_a_worker_that_hears_nothing_does_not_make_it_ready(lonely: Door) -> None:
    _seen(lonely, "deaf", heard_s_ago=500)
    status, told = _ready(lonely)
    assert (status, told["ready"]) == (503, False)
    assert "no worker" in told["reasons"][0]


def test_readiness_is_told_in_time_while_the_ledger_stands_still_and_names_it(tmp_path: Path) -> None:
    with server_folder("still") as folder:
        try:
            server = Postgres(folder)
            server.start()
        except ServerUnavailableError as error:
            missing(str(error))
        with Door(tmp_path, server.url) as door:
            processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
            for process in processes:
                process.send_signal(signal.SIGSTOP)
            try:
                begun = time.monotonic()
                status, told = _ready(door)
                took = time.monotonic() - begun
                assert (status, told["reasons"]) == (503, ["the ledger does not answer within 2 s"])
                assert took < 4
                assert door.http.get("/healthz").status_code == 200
            finally:
                for process in processes:
                    process.send_signal(signal.SIGCONT)
            server.stop()
            status, told = _ready(door)
            assert status == 503
            assert "ledger" in told["reasons"][0]
            for path in ("/metrics", "/api/orders", "/api/destinations"):
                answer = door.http.get(path)
                assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), path
                assert "ledger" in answer.json()["error"]


# Figures


def test_the_figures_are_prometheus_text_with_every_figure_that_was_promised(door: Door) -> None:
    answer = door.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    kinds = {
        "crossdock_orders": "gauge",
        "crossdock_deliveries": "gauge",
        "crossdock_oldest_ready_seconds": "gauge",
        "crossdock_destination_state": "gauge",
        "crossdock_feed_age_seconds": "gauge",
        "crossdock_feed_failing": "gauge",
        "crossdock_attempts": "counter",
        "crossdock_attempt_seconds": "histogram",
        "crossdock_intake": "counter",
    }
    assert {name: families[name].type for name in kinds} == kinds
    assert all(families[name].documentation for name in kinds)


def test_orders_are_counted_by_status(door: Door) -> None:
    received, held = (door.figure("crossdock_orders", status=status) for status in ("received", "held"))
    door.post(parts_order(new_number()))
    door.post(parts_order(new_number()))
    door.post(shop_order("tea", new_number(), financial_status="pending"))
    assert door.figure("crossdock_orders", status="received") == received + 2
    assert door.figure("crossdock_orders", status="held") == held + 1


def test_deliveries_are_counted_by_destination_and_state(door: Door) -> None:
    def counted() -> tuple[float, float]:
        return (
            door.figure("crossdock_deliveries", destination="esuite-au", state="ready"),
            door.figure("crossdock_deliveries", destination="ongoing-se", state="waiting"),
        )

    ready, waiting = counted()
    door.post(parts_order(new_number()))
    assert counted() == (ready + 1, waiting + 1)


def test_a_feed_that_cannot_be_read_is_told_and_since_when(door: Door) -> None:
    row = {"destination": "ongoing-se", "checkpoint": "{}", "due_at": 0.0, "whole": "{}"}
    stuck = row | {"name": "stock", "problem": "no answer", "done_at": time.time() - 900}
    rows = [stuck, row | {"name": "login", "problem": "", "done_at": None}]
    door.ledger.write(lambda c: c.execute(insert(t.feeds), rows))
    labels = {"destination": "ongoing-se", "feed": "stock"}
    assert door.figure("crossdock_feed_age_seconds", **labels) == pytest.approx(900, abs=20)
    assert door.figure("crossdock_feed_failing", **labels) == 1
    assert not any(("feed", "login") in labels for _, labels in door.figures())


def test_the_age_of_the_oldest_ready_delivery_is_told_and_zero_where_there_is_none(door: Door) -> None:
    order_id = door.post(parts_order(new_number())).json()["order"]
    d, long_ago = t.deliveries.c, time.time() - 5000
    aged = update(t.deliveries).where(d.order_id == order_id, d.destination == "esuite-au")
    door.ledger.write(lambda c: c.execute(aged.values(due_at=long_ago, changed_at=long_ago)))
    oldest = door.figure("crossdock_oldest_ready_seconds", destination="esuite-au")
    assert oldest == pytest.approx(5000, abs=30)
    # What waits for its turn, and what is due later, is not late.
    later = update(t.deliveries).where(d.destination == "ongoing-se").values(changed_at=long_ago)
    door.ledger.write(lambda c: c.execute(later))
    assert door.figure("crossdock_oldest_ready_seconds", destination="ongoing-se") == 0


def test_attempts_and_their_latency_are_told_by_destination_and_outcome(door: Door) -> None:
    def record(c: Any) -> None:
        tally = Tally()
        for seconds in (0.02, 0.3, 500.0):
            tally.attempt(destination="esuite-au", outcome="delivered", seconds=seconds)
        tally.attempt(destination="ongoing-se", outcome="retry", seconds=0.02)
        tally.save(c)

    door.ledger.write(record)
    labels = {"destination": "esuite-au", "outcome": "delivered"}
    assert door.figure("crossdock_attempts_total", **labels) == 3
    assert door.figure("crossdock_attempts_total", destination="ongoing-se", outcome="retry") == 1
    bounds = ("0.01", "0.025", "0.25", "0.5", "120.0", "+Inf")
    counted = [door.figure("crossdock_attempt_seconds_bucket", **labels, le=bound) for bound in bounds]
    assert counted == [0, 1, 1, 2, 2, 3]
    assert door.figure("crossdock_attempt_seconds_count", **labels) == 3
    assert door.figure("crossdock_attempt_seconds_sum", **labels) == pytest.approx(500.32)


def test_the_state_of_every_destination_is_told(door: Door) -> None:
    def states() -> dict[str, float]:
        return {
            state: door.figure("crossdock_destination_state", destination="esuite-au", state=state)
            for state in ("open", "paused", "suspended")
        }

    assert states() == {"open": 1, "paused": 0, "suspended": 0}
    door.http.post("/api/destinations/esuite-au/suspend").raise_for_status()
    try:
        assert states() == {"open": 0, "paused": 0, "suspended": 1}
    finally:
        door.http.post("/api/destinations/esuite-au/resume").raise_for_status()


def test_intake_is_counted_by_shop_and_by_every_outcome(door: Door) -> None:
    def counted(shop: str) -> dict[str, float]:
        outcomes = ("accepted", "duplicate", "stale", "held", "ignored", "refused")
        return {one: door.figure("crossdock_intake_total", shop=shop, outcome=one) for one in outcomes}

    before, number = counted("parts"), new_number()
    order = parts_order(number)
    door.post(order)
    door.post(order)
    door.post(parts_order(number, version="2026-11-19T00:00:00Z", topic="order.updated"))
    door.bytes_of("parts", b"{}")
    door.post(parts_order(new_number(), test=True))
    door.post(parts_order(new_number()), secret="whsec_bm90LXRoZS1zZWNyZXQ=")
    assert counted("parts") == {outcome: number + 1 for outcome, number in before.items()}


def test_counters_survive_a_restart_of_the_process(door: Door) -> None:
    door.post(parts_order(new_number()))
    before = door.figure("crossdock_intake_total", shop="parts", outcome="accepted")
    assert door.stop() == -signal.SIGTERM  # in good order: uvicorn hands on what ended it
    door.start()
    assert door.figure("crossdock_intake_total", shop="parts", outcome="accepted") == before


def test_figures_and_log_tell_nothing_personal(door: Door) -> None:
    person = {"name": "Zephyrine Quux", "address1": "9 Xylem St", "city": "Hobart", "country": "AU"}
    door.post(parts_order(new_number(), ship_to=person, email="zephyrine@example.net", note="quuxly"))
    told = door.http.get("/metrics").text + door.log()
    assert not [word for word in ("Zephyrine", "Quux", "Xylem", "zephyrine", "quuxly") if word in told]
    assert not [secret for secret in (*door.secrets.values(), door.old_secret) if secret in told]


def test_a_worker_that_hears_less_and_less_shows_in_the_figures(lonely: Door) -> None:
    _seen(lonely, "one", heard_s_ago=40)
    assert lonely.figure("crossdock_worker_heard_seconds", worker="one") == pytest.approx(40, abs=20)
