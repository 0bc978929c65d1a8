"""Feeds: read on schedule what destinations tell of their own accord."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from schemas.destination import Destination
from schemas.http import Call, Reply
from tasks.registry import system
from worker.app import app, machine
from worker.feeds import Batch, Feed
from worker.http import Client
from worker.ledger import feeds
from worker.ledger.feeds import Turn
from worker.machine import Machine
from worker.outcomes import Retry
from worker.telemetry import report_defect

log = structlog.get_logger("crossdock.feeds")

LEASE_S = 120.0
"""A reading that takes longer is over; the next one goes on from the last checkpoint."""

FAILED_S = 60.0
"""A feed that could not be read is tried again after so long, or after its own time if that is shorter."""


def of(destination: Destination) -> dict[str, Feed[Any]]:
    """The feeds of a destination that its configuration wants, by name."""
    return {feed.name: feed for feed in system(destination.system).feeds if feed.every_s(destination) > 0}


@app.task(name="tasks.feeds.look", send_events=False)
def look() -> str:
    """Ring for every feed whose time has come."""
    here = machine()
    wanted = [(name, feed) for name, one in here.config.destinations.items() for feed in of(one)]
    with here.ledger.read() as connection:
        due = feeds.due(connection, wanted, now=time.time())
    for destination, name in due:
        app.send_task("tasks.feeds.read", args=[destination, name], expires=60)
    return f"rung for {len(due)}"


@app.task(name="tasks.feeds.read")
def read(destination: str, name: str) -> str:
    """Read one feed as far as it goes, page by page, each saved with its checkpoint."""
    here = machine()
    place = here.config.destinations.get(destination)
    feed = of(place).get(name) if place is not None else None
    if place is None or feed is None:
        return "not configured"
    readings = 0
    while not here.stopping:
        turn = here.ledger.write(lambda c: feeds.take(c, destination, name, lease_s=LEASE_S, now=time.time()))
        if turn is None:
            break
        batch = _reading(here, place, feed, turn)
        every_s = feed.every_s(place)
        if batch.problem is not None:
            every_s = min(every_s, FAILED_S)
            log.warning("feed_failed", destination=destination, feed=name, code=batch.problem.code)
        here.ledger.write(lambda c, t=turn, b=batch, s=every_s: feeds.save(c, t, b, every_s=s, now=time.time()))  # type: ignore[misc]
        readings += 1
        if not batch.more or batch.problem is not None:
            break
    return f"{destination} {name}: {readings} readings"


def _reading(here: Machine, place: Destination, feed: Feed[Any], turn: Turn) -> Batch:
    async def work() -> Batch:
        http = _Reader(here.client(place), until=turn.until)
        batch: Batch = await feed.read(place, turn.checkpoint, time.time(), http)
        return batch

    try:
        return _on_loop(here, work())
    except Exception as error:  # noqa: BLE001 - a defect in one feed must not stop the others
        report_defect(error, place.name, f"feed {feed.name}")
        reason = f"a defect in Crossdock ({type(error).__name__}); the log has the details"
        return Batch(checkpoint=turn.checkpoint, problem=Retry(code="defect", reason=reason))


def _on_loop(here: Machine, work: Coroutine[Any, Any, Batch]) -> Batch:
    return asyncio.run_coroutine_threadsafe(work, here.loop).result(timeout=LEASE_S)


class _Reader:
    """The destination's client as a feed sees it: one request at a time, none after its turn."""

    def __init__(self, client: Client, *, until: float) -> None:
        self._client, self._until = client, until

    async def send(self, call: Call) -> Reply:
        """Send one request."""
        if time.time() >= self._until:
            return Reply(call=call, fault="timeout")
        return await self._client.send(call)
