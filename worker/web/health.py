"""``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from worker.app import app as celery
from worker.ledger import views, workers
from worker.ledger.migrate import current, newest
from worker.ledger.tally import BUCKETS
from worker.web.house import House

CHECK_S = 2.0


async def healthz(_request: Request) -> Response:
    """The process lives."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Orders that come in now would go out: ledger, broker and at least one worker that hears."""
    house: House = request.app.state.house
    ledger, broker = await asyncio.gather(
        _checked("the ledger", lambda: _ledger(house)), _checked("the broker", _broker)
    )
    living: list[dict[str, Any]] = []
    reasons = [reason for reason in (ledger, broker) if reason]
    if not ledger:
        living = await asyncio.to_thread(_workers, house)
        deaf_s = house.settings.deaf_s
        if not any(worker["heard_s_ago"] <= deaf_s for worker in living):
            reasons.append(f"no worker has heard from the broker for {deaf_s:g} s; start one: crossdock worker")
    told = {"ready": not reasons, "ledger": ledger or "ok", "broker": broker or "ok", "workers": living}
    return JSONResponse({**told, "reasons": reasons}, status_code=503 if reasons else 200)


async def _checked(what: str, check: Callable[[], str]) -> str:
    try:
        return await asyncio.wait_for(asyncio.to_thread(check), CHECK_S)
    except TimeoutError:
        return f"{what} does not answer within {CHECK_S:g} s"


def _ledger(house: House) -> str:
    try:
        have = current(house.ledger)
    except SQLAlchemyError as error:
        return f"the ledger cannot be read ({type(error).__name__})"
    return "" if have == newest() else f"the ledger is at revision {have}, not {newest()}: run `crossdock migrate`"


def _broker() -> str:
    try:
        with celery.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=CHECK_S)
    except Exception as error:  # noqa: BLE001 - each transport has errors of its own, and all mean the same here
        return f"the broker does not answer ({type(error).__name__}); orders are stored, and wait"
    return ""


def _workers(house: House) -> list[dict[str, Any]]:
    now = time.time()
    with house.ledger.read() as connection:
        return [
            {
                "name": worker["name"],
                "heard_s_ago": round(now - worker["heard_at"], 1),
                "seen_s_ago": round(now - worker["seen_at"], 1),
            }
            for worker in workers.living(connection)
        ]


def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format, read from the ledger: exact over all processes and restarts."""
    house: House = request.app.state.house
    now = time.time()
    with house.ledger.read() as connection:
        figures = views.figures(connection, now=now)
        living = workers.living(connection)
    registry = CollectorRegistry()
    registry.register(
        _Collected([*_gauges(figures), *_feeds(figures, now), *_counters(figures, house), _heard(living, now)])
    )
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Collected:
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """What was read for this one request."""
        return iter(self._found)


def _gauges(figures: views.Figures) -> Iterator[Metric]:
    orders = GaugeMetricFamily("crossdock_orders", "Orders by status.", labels=["status"])
    for status, number in figures.orders.items():
        orders.add_metric([status], number)
    deliveries = GaugeMetricFamily("crossdock_deliveries", "Deliveries by state.", labels=["destination", "state"])
    for (destination, state), number in figures.deliveries.items():
        deliveries.add_metric([destination, state], number)
    states = GaugeMetricFamily(
        "crossdock_destination_state", "1 for the state it is in.", labels=["destination", "state"]
    )
    oldest = GaugeMetricFamily(
        "crossdock_oldest_ready_seconds", "Age of the oldest delivery that is due.", labels=["destination"]
    )
    for destination, status in figures.destinations.items():
        oldest.add_metric([destination], figures.oldest_ready_s.get(destination, 0.0))
        for state in ("open", "paused", "suspended"):
            states.add_metric([destination, state], float(state == status))
    yield from (orders, deliveries, states, oldest)


def _feeds(figures: views.Figures, now: float) -> Iterator[Metric]:
    labels = ["destination", "feed"]
    age = GaugeMetricFamily("crossdock_feed_age_seconds", "Since a feed was last read.", labels=labels)
    failing = GaugeMetricFamily("crossdock_feed_failing", "1 where a feed cannot be read.", labels=labels)
    for key, (read_at, stuck) in figures.feeds.items():
        if read_at is not None:
            age.add_metric(key, max(0.0, now - read_at))
        failing.add_metric(key, float(stuck))
    yield from (age, failing)


def _counters(figures: views.Figures, house: House) -> Iterator[Metric]:
    intake = CounterMetricFamily("crossdock_intake", "Webhooks by what was answered.", labels=["shop", "outcome"])
    for labels, number in figures.tallies.get("intake", {}).items():
        intake.add_metric(labels.split("|"), number)
    for shop, number in house.refused.items():
        intake.add_metric([shop, "refused"], number)
    attempts = CounterMetricFamily(
        "crossdock_attempts", "Attempts by what they decided.", labels=["destination", "outcome"]
    )
    latency = HistogramMetricFamily(
        "crossdock_attempt_seconds", "How long attempts took.", labels=["destination", "outcome"]
    )
    counted: dict[tuple[str, str], dict[str, float]] = {}
    for labels, number in figures.tallies.get("attempts", {}).items():
        destination, outcome, bound = labels.split("|")
        counted.setdefault((destination, outcome), {})[bound] = number
    sums = figures.tallies.get("attempt_seconds", {})
    for (destination, outcome), buckets in counted.items():
        attempts.add_metric([destination, outcome], sum(buckets.values()))
        total, rows = 0.0, []
        for bound in (*map(repr, BUCKETS), "+Inf"):
            total += buckets.get(bound, 0.0)
            rows.append((bound, total))
        latency.add_metric([destination, outcome], rows, sum_value=sums.get(f"{destination}|{outcome}", 0.0))
    yield from (intake, attempts, latency)


def _heard(living: list[dict[str, Any]], now: float) -> Metric:
    heard = GaugeMetricFamily(
        "crossdock_worker_heard_seconds", "Since its last message from the broker.", labels=["worker"]
    )
    for worker in living:
        heard.add_metric([worker["name"]], max(0.0, now - worker["heard_at"]))
    return heard
