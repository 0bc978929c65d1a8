"""Upkeep: the sweep that makes a lost wake-up cost seconds, and what is forgotten in time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import structlog
from sqlalchemy import Connection

from schemas.destination import Destination
from worker.app import app, machine
from worker.ledger import claims, upkeep
from worker.ledger.destinations import hold_moving

log = structlog.get_logger("crossdock.upkeep")

RING_AGAIN_S = 5.0
"""A wake-up that nobody came for within this time is taken for lost."""

KEEP_KEYS_S = 30 * 24 * 3600.0
"""Longer than any shop resends a webhook: the longest plan of contracts/webhooks.md section 4 is four days."""


@app.task(name="tasks.upkeep.sweep", send_events=False)  # Flower would show little else
def sweep() -> str:
    """Take back what dead workers held, and ring for whatever is due and was not heard."""
    here = machine()
    taken_back = 0
    while number := here.ledger.write(lambda c: claims.reclaim(c, now=time.time())):
        taken_back += number
    if taken_back:
        log.warning("taken_back", deliveries=taken_back)
    rung = sum(_ring(destination) for destination in here.config.destinations.values())
    return f"taken back {taken_back}, rung for {rung}"


def _ring(destination: Destination) -> int:
    here = machine()
    due = here.ledger.write(partial(_due, destination=destination, batch=here.settings.batch))
    here.bell.ring(destination.system, destination.name, due)
    return len(due)


def _due(connection: Connection, *, destination: Destination, batch: int) -> Sequence[tuple[int, str]]:
    now = time.time()
    health = upkeep.health(connection, destination.name)
    if health.status == "suspended":
        hold_moving(connection, destination.name)
        return upkeep.probe(connection, destination.name, now=now) if health.may_probe(now) else ()
    if health.status == "paused" and not health.may_probe(now):
        return ()
    room = destination.max_in_flight - upkeep.in_flight(connection, destination.name, now=now)
    limit = batch * max(0, min(room, 4)) if health.status == "open" else 1
    return (
        claims.ring(connection, destination.name, limit=limit, older_than=now - RING_AGAIN_S, now=now) if limit else ()
    )


@app.task(name="tasks.upkeep.echo", send_events=False)
def echo() -> None:
    """What a worker sends to itself, to hear whether the broker still speaks to it."""


@app.task(name="tasks.upkeep.forget_keys")
def forget_keys() -> str:
    """Drop de-duplication keys that no shop can send again."""
    before = time.time() - KEEP_KEYS_S
    return f"{machine().ledger.write(lambda c: upkeep.forget_keys(c, before=before))} keys forgotten"
