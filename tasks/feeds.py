"""Feeds: read on schedule what destinations tell of their own accord."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import wait
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schemas.destination import Destination
from schemas.http import Call, Reply
from tasks.registry import system
from worker.app import app, machine
from worker.feeds import Batch, Feed
from worker.http import Client
from worker.ledger import feeds, hints
from worker.ledger.engine import away
from worker.ledger.feeds import Turn
from worker.machine import Machine
from worker.outcomes import Retry, Suspend
from worker.system import Http
from worker.telemetry import report_defect

log = structlog.get_logger("crossdock.feeds")

READING_S = 120.0
"""A reading that takes longer is over; the next one goes on from the last checkpoint."""

LOOK_S = 0.5
"""While it reads, a worker looks up so often: whether it has to stop, and whether its turn has to be renewed. A reading
changes nothing there, and can be left at any moment."""

FAILED_S = 60.0
"""A feed that could not be read is tried again after so long, or after its own time if that is shorter. A refused
login or a wrong address is not: the next try comes at the feed's own time."""


ASKED = 20
"""Orders that webhooks spoke of, to one reading."""


def of(destination: Destination) -> dict[str, Feed[Any]]:
    """The feeds of a destination that its configuration wants, by name."""
    return {feed.name: feed for feed in system(destination.system).feeds if feed.every_s(destination) > 0}


def asking(destination: Destination) -> Feed[Any] | None:
    """The feed that reads single orders, where there is one."""
    return next((feed for feed in system(destination.system).feeds if feed.ask is not None), None)


@app.task(name="tasks.feeds.look", send_events=False)
def look() -> str:
    """Ring for every feed whose time has come, and where webhooks spoke of orders."""
    here = machine()
    places = here.config.destinations.items()
    wanted = [(name, feed) for name, one in places for feed in of(one)]
    able = [(name, feed.name) for name, one in places if (feed := asking(one)) is not None]
    now = time.time()
    with here.ledger.read() as connection:
        due = [*feeds.due(connection, wanted, now=now), *hints.waiting(connection, able, now=now)]
    for destination, name in dict.fromkeys(due):
        app.send_task("tasks.feeds.read", args=[destination, name], expires=60)
    return f"rung for {len(due)}"


@app.task(name="tasks.feeds.tidy", send_events=False)
def tidy() -> str:
    """Forget what feeds told that are not read any more, and hints that led nowhere."""
    here = machine()
    places = here.config.destinations.items()
    wanted = [(name, feed) for name, one in places for feed in of(one)]
    wanted += [(name, feed.name) for name, one in places if (feed := asking(one)) is not None]
    gone = here.ledger.write(lambda c: feeds.forget_unwanted(c, wanted))
    here.ledger.write(lambda c: hints.forget(c, before=time.time() - hints.KEEP_S))
    return f"{gone} feeds forgotten"


@app.task(name="tasks.feeds.read")
def read(destination: str, name: str) -> str:
    """Read one feed as far as it goes, page by page, each saved with its checkpoint; hinted orders before."""
    here = machine()
    place = here.config.destinations.get(destination)
    feed = _feed(place, name) if place is not None else None
    if place is None or feed is None:
        return "not configured"
    while not here.stopping and (_ask(here, place, feed) or _page(here, place, feed)):
        pass
    return f"{destination} {name}"


def _feed(place: Destination, name: str) -> Feed[Any] | None:
    feed = asking(place)
    return feed if feed is not None and feed.name == name else of(place).get(name)


def _page(here: Machine, place: Destination, feed: Feed[Any]) -> bool:
    """One page of a feed; whether to go on."""
    if feed.every_s(place) <= 0:
        return False
    held = Held.take(here, place, feed)
    if held is None:
        return False
    checkpoint = held.turn.checkpoint
    batch = _reading(here, place, feed, held, lambda http: feed.read(place, checkpoint, time.time(), http))
    if batch is None:
        return False

    def save(one: Batch) -> bool:
        every_s, now = _again_in(one, feed.every_s(place)), time.time()
        return here.ledger.write(lambda c: feeds.save(c, held.turn, one, every_s=every_s, now=now))

    return _save(place, feed, held, batch, save) and batch.more and batch.problem is None


def _ask(here: Machine, place: Destination, feed: Feed[Any]) -> bool:
    """Read orders of which webhooks spoke; whether there were any."""
    ask = feed.ask
    if ask is None:
        return False
    asked_at = time.time()
    with here.ledger.read() as connection:
        numbers = hints.due(connection, place.name, limit=ASKED, now=asked_at)
    if not numbers:
        return False
    held = Held.take(here, place, feed, early=True)
    if held is None:
        return False
    batch = _reading(here, place, feed, held, lambda http: ask(place, numbers, time.time(), http))
    if batch is None:
        return False

    def save(one: Batch) -> bool:
        again_s, now = _again_in(one, FAILED_S), time.time()
        return here.ledger.write(
            lambda c: hints.save(c, held.turn, numbers, one, asked_at=asked_at, again_s=again_s, now=now)
        )

    return _save(place, feed, held, batch, save) and batch.problem is None


def _save(place: Destination, feed: Feed[Any], held: Held, batch: Batch, save: Callable[[Batch], bool]) -> bool:
    """Store a reading; False where the feed is in other hands by now. What the ledger refuses is told as a problem."""
    if batch.problem is not None:
        log.warning("feed_failed", destination=place.name, feed=feed.name, code=batch.problem.code)
    try:
        return save(batch)
    except SQLAlchemyError as error:
        if away(error):
            raise
        save(_defect(error, place, feed, held))
        return False


def _again_in(batch: Batch, every_s: float) -> float:
    """Seconds to the next reading."""
    if batch.problem is None or isinstance(batch.problem, Suspend):
        return every_s
    return max(min(every_s, FAILED_S), batch.problem.after or 0.0)


def _defect(error: Exception, place: Destination, feed: Feed[Any], held: Held) -> Batch:
    report_defect(error, place.name, f"feed {feed.name}")
    reason = f"a defect in Crossdock ({type(error).__name__}); the log has the details"
    return Batch(checkpoint=held.turn.checkpoint, problem=Retry(code="defect", reason=reason))


def _reading(
    here: Machine, place: Destination, feed: Feed[Any], held: Held, read: Callable[[Http], Awaitable[Batch]]
) -> Batch | None:
    """What it brought; None where the turn is over, or this worker stops: another one reads."""

    async def work() -> Batch:
        return await read(_Reader(here.client(place), held))

    try:
        batch = left_or_read(here, work(), keep=held.keep)
    except TimeoutError:
        reason = f"one reading took longer than {READING_S:.0f} s"
        return Batch(checkpoint=held.turn.checkpoint, problem=Retry(code="timeout", reason=reason))
    except Exception as error:  # noqa: BLE001 - a defect in one feed must not stop the others
        return _defect(error, place, feed, held)
    if batch is None:
        here.ledger.write(lambda c: feeds.release(c, held.turn))
    return batch


def left_or_read(here: Machine, work: Coroutine[Any, Any, Batch], *, keep: Callable[[], bool]) -> Batch | None:
    """What a reading brought; None where it was left.

    Args:
        keep: called again and again meanwhile; False: the turn is over.

    Raises:
        TimeoutError: it took longer than READING_S.
    """
    running, until = asyncio.run_coroutine_threadsafe(work, here.loop), time.monotonic() + READING_S
    try:
        while True:
            done, _ = wait([running], timeout=LOOK_S)
            if done:
                return running.result()
            if here.stopping or not keep():
                return None
            if time.monotonic() > until:
                raise TimeoutError
    finally:
        running.cancel()


class Held:
    """A turn that is renewed while its reading goes on, so that one of a worker that died is soon over."""

    def __init__(self, here: Machine, turn: Turn) -> None:
        self.turn = turn
        self._here, self._lease_s = here, here.settings.lease_s

    @classmethod
    def take(cls, here: Machine, place: Destination, feed: Feed[Any], *, early: bool = False) -> Held | None:
        """As :func:`worker.ledger.feeds.take`."""
        lease_s = here.settings.lease_s
        turn = here.ledger.write(
            lambda c: feeds.take(c, place.name, feed.name, lease_s=lease_s, now=time.time(), early=early)
        )
        return None if turn is None else cls(here, turn)

    def keep(self) -> bool:
        """Renew it where three quarters are left or less; False: it is over."""
        if self.turn.until - time.time() > self._lease_s * 3 / 4:
            return True
        try:
            kept = self._here.ledger.write(
                lambda c: feeds.renew(c, self.turn, lease_s=self._lease_s, now=time.time()),
            )
        except SQLAlchemyError as error:
            if not away(error):
                raise
            return time.time() < self.turn.until
        self.turn = kept or self.turn
        return kept is not None


class _Reader:
    """The destination's client as a feed sees it: one request at a time, none after its turn."""

    def __init__(self, client: Client, held: Held) -> None:
        self._client, self._held = client, held

    async def send(self, call: Call) -> Reply:
        """Send one request."""
        if time.time() >= self._held.turn.until:
            return Reply(call=call, fault="timeout")
        return await self._client.send(call)
