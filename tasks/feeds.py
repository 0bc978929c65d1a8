"""Feeds: read on schedule what destinations tell of their own accord."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schemas.destination import Destination
from schemas.http import Call, Reply
from tasks.registry import system
from worker.app import app, machine
from worker.feeds import Batch, Feed
from worker.http import Client
from worker.ledger import feeds
from worker.ledger.engine import away
from worker.ledger.feeds import Turn
from worker.machine import Machine
from worker.outcomes import Retry, Suspend
from worker.telemetry import report_defect

log = structlog.get_logger("crossdock.feeds")

LEASE_S = 120.0
"""A reading that takes longer is over; the next one goes on from the last checkpoint."""

FAILED_S = 60.0
"""A feed that could not be read is tried again after so long, or after its own time if that is shorter. A refused
login or a wrong address is not: the next try comes at the feed's own time."""


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
        readings += 1
        if not _save(here, place, feed, turn, batch) or not batch.more or batch.problem is not None:
            break
    return f"{destination} {name}: {readings} readings"


def _save(here: Machine, place: Destination, feed: Feed[Any], turn: Turn, batch: Batch) -> bool:
    """Store a reading; False where the feed is in other hands by now. What the ledger refuses is told as a problem."""
    if batch.problem is not None:
        log.warning("feed_failed", destination=place.name, feed=feed.name, code=batch.problem.code)
    try:
        return here.ledger.write(
            lambda c: feeds.save(c, turn, batch, every_s=_again_in(batch, feed.every_s(place)), now=time.time())
        )
    except SQLAlchemyError as error:
        if away(error):
            raise
        refused = _defect(error, place, feed, turn)
        return here.ledger.write(lambda c: feeds.save(c, turn, refused, every_s=FAILED_S, now=time.time()))


def _again_in(batch: Batch, every_s: float) -> float:
    """Seconds to the next reading."""
    if batch.problem is None or isinstance(batch.problem, Suspend):
        return every_s
    return max(min(every_s, FAILED_S), batch.problem.after or 0.0)


def _defect(error: Exception, place: Destination, feed: Feed[Any], turn: Turn) -> Batch:
    report_defect(error, place.name, f"feed {feed.name}")
    reason = f"a defect in Crossdock ({type(error).__name__}); the log has the details"
    return Batch(checkpoint=turn.checkpoint, problem=Retry(code="defect", reason=reason))


def _reading(here: Machine, place: Destination, feed: Feed[Any], turn: Turn) -> Batch:
    async def work() -> Batch:
        http = _Reader(here.client(place), until=turn.until)
        batch: Batch = await feed.read(place, turn.checkpoint, time.time(), http)
        return batch

    try:
        return _on_loop(here, work())
    except TimeoutError:
        reason = f"one reading took longer than {LEASE_S:.0f} s"
        return Batch(checkpoint=turn.checkpoint, problem=Retry(code="timeout", reason=reason))
    except Exception as error:  # noqa: BLE001 - a defect in one feed must not stop the others
        return _defect(error, place, feed, turn)


def _on_loop(here: Machine, work: Coroutine[Any, Any, Batch]) -> Batch:
    running = asyncio.run_coroutine_threadsafe(work, here.loop)
    try:
        return running.result(timeout=LEASE_S)
    finally:
        running.cancel()


class _Reader:
    """The destination's client as a feed sees it: one request at a time, none after its turn."""

    def __init__(self, client: Client, *, until: float) -> None:
        self._client, self._until = client, until

    async def send(self, call: Call) -> Reply:
        """Send one request."""
        if time.time() >= self._until:
            return Reply(call=call, fault="timeout")
        return await self._client.send(call)
