"""Who works on what: leases on deliveries, and the limits of a destination, held across all workers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, and_, bindparam, delete, exists, func, insert, or_, select, update

from schemas.destination import Destination
from schemas.order import Order
from worker.ledger import tables as t
from worker.ledger.book import CHUNK, Book, DeliveryState, OrderState, landed, read_order
from worker.ledger.shelf import LedgerShelf
from worker.ledger.status import refresh_status
from worker.system import Prepare

MAX_CRASHES = 5
"""Workers that may die with a delivery in hand before a person must look at it."""

SUSPECT_CRASHES = 2
"""After so many it is claimed alone, so that an order that kills workers takes no others with it."""

CLOCKS_S = 60.0
"""A time further ahead than machines' clocks differ was written before a clock was set back."""

_d, _l, _dest = t.deliveries.c, t.leases.c, t.destinations.c
_remember = update(t.deliveries).where(_d.id == bindparam("row_id")).values(memo=bindparam("memo"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery in hand, with the order as it was when it was claimed."""

    id: int
    order_id: int
    shop: str
    number: str
    order: Order
    content: str
    attempts: int
    in_doubt: bool
    memo: Mapping[str, Any]
    interrupted: bool
    probe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Deliveries of one destination under one lease. ``slots``: how many may be in flight at a time."""

    lease_id: str
    destination: str
    slots: int
    until: float
    jobs: tuple[Claimed, ...]


def claim(
    connection: Connection,
    destination: Destination,
    ids: Sequence[int],
    *,
    worker: str,
    lease_s: float,
    probe_s: float,
    now: float,
    prepare: Prepare | None = None,
) -> Claim | None:
    """Take those of ``ids`` that are due and that the destination has room for; None when there is nothing to do.

    What cannot be taken for want of room is marked, so that whoever makes room rings again.

    Args:
        prepare: what the system settles in the ledger before its first call.
    """
    row = connection.execute(
        select(t.destinations).where(_dest.name == destination.name).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    used = connection.scalar(
        select(func.coalesce(func.sum(_l.slots), 0)).where(_l.destination == destination.name, _l.until > now)
    )
    free = destination.max_in_flight - int(used or 0)
    probe = row.status != "open"
    if used and (destination.per_second or probe):
        free = 0  # a rate is kept by one worker at a time, and one probe is enough
    if free <= 0 or (probe and not _may_probe(row, now=now)):
        _mark_unrung(connection, ids)
        return None
    states = ("ready", "retrying", "held") if row.status == "suspended" else ("ready", "retrying")
    found = _take(connection, destination, ids, states=states, probe=probe, now=now)
    taken = _apart(found)[: 1 if probe else None]
    jobs = [job for job in (_claimed(row, probe=probe) for row in taken) if job is not None]
    _set_aside(connection, {row.order_id for row in taken} - {job.order_id for job in jobs}, destination.name, now=now)
    if len(jobs) < len(found):
        _mark_unrung(connection, ids)
    if not jobs:
        return None
    if row.status == "suspended":
        connection.execute(update(t.destinations).where(_dest.name == row.name).values(probe_at=now + probe_s))
    if prepare is not None:
        jobs = _prepared(connection, jobs, destination, prepare, now=now)
    lease_id, slots = str(uuid.uuid4()), min(free, len(jobs) * destination.calls_at_once)
    lease = {"id": lease_id, "destination": row.name, "slots": slots, "until": now + lease_s, "worker": worker}
    connection.execute(insert(t.leases), lease)
    _begin(connection, jobs, {row.order_id: row.status for row in taken}, lease_id=lease_id, now=now)
    return Claim(lease_id=lease_id, destination=row.name, slots=slots, until=now + lease_s, jobs=tuple(jobs))


def _may_probe(row: Any, *, now: float) -> bool:
    """A paused destination lets one through when its time is over, a suspended one at its ``probe_at``."""
    if row.status == "paused":
        return row.paused_until is None or row.paused_until <= now
    return row.probe_at is not None and row.probe_at <= now


def _mark_unrung(connection: Connection, ids: Sequence[int]) -> None:
    # Skipping: nobody waits here for one who may be waiting for this destination. The sweep finds what was skipped.
    waiting = select(_d.id).where(_d.id.in_(ids), _d.state.in_(("ready", "retrying")))
    waiting = waiting.with_for_update(skip_locked=True)
    connection.execute(update(t.deliveries).where(_d.id.in_(waiting)).values(rung_at=None))


def _take(
    connection: Connection,
    destination: Destination,
    ids: Sequence[int],
    *,
    states: Sequence[str],
    probe: bool,
    now: float,
) -> list[Any]:
    wanted = [
        _d.id.in_(ids),
        _d.destination == destination.name,
        _d.state.in_(states),
        or_(_d.held_by.is_(None), _d.held_by == "destination"),
    ]
    if not probe:
        wanted.append(_d.due_at <= now + 0.05)
    o = t.orders.c
    query = (
        select(_d.id, _d.order_id, _d.attempts, _d.in_doubt, _d.memo, _d.interrupted, _d.crashes)
        .add_columns(o.shop, o.number, o.shop_version, o.edit, o.content, o.status)
        .join(t.orders, o.id == _d.order_id)
        .where(*wanted)
        .order_by(_d.id)
    )
    # Skipping: whoever has such a row locked is changing it; the sweep rings again for what stays as it was.
    return list(connection.execute(query.with_for_update(skip_locked=True)))


def _apart(found: Sequence[Any]) -> Sequence[Any]:
    """Those that workers did not die with; the first alone, if it is none of them."""
    if found and found[0].crashes >= SUSPECT_CRASHES:
        return found[:1]
    return [row for row in found if row.crashes < SUSPECT_CRASHES]


def _claimed(row: Any, *, probe: bool) -> Claimed | None:
    """The delivery in hand, or None where its stored order cannot be read any more."""
    try:
        order = read_order(row.shop_version, row.edit)
    except ValidationError:
        order = None
    if order is None:
        return None
    return Claimed(
        id=row.id,
        order_id=row.order_id,
        shop=row.shop,
        number=row.number,
        order=order,
        content=row.content,
        attempts=row.attempts + 1,
        in_doubt=bool(row.in_doubt),
        memo=json.loads(row.memo),
        interrupted=bool(row.interrupted),
        probe=probe,
    )


def _prepared(
    connection: Connection, jobs: Sequence[Claimed], destination: Destination, prepare: Prepare, *, now: float
) -> list[Claimed]:
    done = [
        replace(
            job,
            memo=prepare(
                job.order, job.memo, destination, LedgerShelf(connection, destination.name, shop=job.shop, now=now)
            ),
        )
        for job in jobs
    ]
    rows = [
        {"row_id": after.id, "memo": json.dumps(dict(after.memo))}
        for before, after in zip(jobs, done, strict=True)
        if after.memo != before.memo
    ]
    if rows:
        connection.execute(_remember, rows)
    return done


def _set_aside(connection: Connection, order_ids: Collection[int], destination: str, *, now: float) -> None:
    """Hold what an older Crossdock stored and this one cannot read: it must not stop those it was claimed with."""
    if not order_ids:
        return
    book = Book(connection)
    for state in book.load(order_ids):
        delivery = next(d for d in state.deliveries if d.destination == destination)
        reason = "the stored order cannot be read by this version of Crossdock"
        hint = "Edit the order into a valid one; or have the shop send it again."
        delivery.hold("person", reason=reason, hint=hint, code="unreadable_order")
        delivery.changed_at = now
        state.tell("held", reason, now, destination=destination)
    book.save()


def _begin(
    connection: Connection, jobs: Sequence[Claimed], status: Mapping[int, str], *, lease_id: str, now: float
) -> None:
    values = {"state": "delivering", "lease_id": lease_id, "attempts": _d.attempts + 1, "changed_at": now}
    if jobs[0].probe:
        values |= {"held_by": None, "code": "", "reason": "", "hint": ""}
    connection.execute(update(t.deliveries).where(_d.id.in_([job.id for job in jobs])).values(values))
    o = t.orders.c
    first = [job.order_id for job in jobs if status[job.order_id] == "received"]
    if first:
        connection.execute(update(t.orders).where(o.id.in_(first)).values(status="delivering"))
    probed = [job.order_id for job in jobs if status[job.order_id] == "held"]
    if probed:
        refresh_status(connection, probed)


def renew(connection: Connection, lease_id: str, *, lease_s: float, now: float) -> bool:
    """Keep a lease for ``lease_s`` more; False when it is over, and its deliveries are no longer ours."""
    mine = and_(_l.id == lease_id, _l.until > now)
    return bool(connection.execute(update(t.leases).where(mine).values(until=now + lease_s)).rowcount)


def release(
    connection: Connection, lease_id: str, *, destination: str, untouched: Sequence[int], batch: int, now: float
) -> list[tuple[int, str]]:
    """End a lease, and say which waiting deliveries of the destination may be rung for now: (id, order number).

    Args:
        untouched: its deliveries that were not begun: they are as if they had not been claimed.
    """
    row = connection.execute(select(t.destinations).where(_dest.name == destination).with_for_update()).one()
    _hand_back(connection, lease_id, untouched, row, now=now)
    connection.execute(delete(t.leases).where(_l.id == lease_id))
    if row.status != "open":
        return []  # the sweep rings for its probes
    return ring(connection, destination, limit=batch, older_than=None, now=now)


def _hand_back(connection: Connection, lease_id: str, ids: Sequence[int], destination: Any, *, now: float) -> None:
    if not ids:
        return
    mine = select(_d.order_id).where(_d.id.in_(ids), _d.lease_id == lease_id)
    book = Book(connection)
    for state in book.load(connection.scalars(mine)):
        for delivery in state.deliveries:
            if delivery.id not in ids or delivery.lease_id != lease_id:
                continue
            delivery.attempts -= 1
            delivery.lease_id, delivery.rung_at = None, None
            delivery.state = "retrying" if delivery.reason else "ready"
            if destination.status == "suspended":
                delivery.hold("destination", reason=destination.reason, hint=destination.hint, code=destination.code)
            # In hand it was out of the order's reach: what the order became meanwhile holds for it too.
            landed(state, delivery, changed=False, now=now)
    book.save()


def ring(
    connection: Connection, destination: str, *, limit: int, older_than: float | None, now: float
) -> list[tuple[int, str]]:
    """Deliveries that are due and that nobody was woken for; they count as rung from now on.

    Args:
        older_than: also those whose last wake-up is older than this time: it may have been lost.
    """
    unrung = [_d.rung_at.is_(None), _d.rung_at > now + CLOCKS_S]
    if older_than is not None:
        unrung.append(_d.rung_at < older_than)
    query = (
        select(_d.id, t.orders.c.number)
        .join(t.orders, t.orders.c.id == _d.order_id)
        .where(_d.destination == destination, _d.state.in_(("ready", "retrying")), _d.due_at <= now, or_(*unrung))
        .order_by(_d.id)
        .limit(limit)
        .with_for_update(of=t.deliveries, skip_locked=True)
    )
    rows = [(row.id, row.number) for row in connection.execute(query)]
    if rows:
        connection.execute(update(t.deliveries).where(_d.id.in_([r[0] for r in rows])).values(rung_at=now))
    return rows


def reclaim(connection: Connection, *, now: float) -> int:
    """Take back deliveries whose worker stopped without a word. Returns how many, CHUNK at most.

    They may have been carried out, so the next attempt looks first.
    """
    # First of all, and in the same transaction: a worker that renews its lease either comes before this or is too late.
    connection.execute(delete(t.leases).where(_l.until <= now))
    lost = and_(_d.lease_id.is_not(None), ~exists().where(_l.id == _d.lease_id))
    query = select(_d.id, _d.order_id, _d.lease_id).where(lost).limit(CHUNK)
    taken = {row.id: row for row in connection.execute(query)}
    book = Book(connection)
    for state in book.load(row.order_id for row in taken.values()):
        for delivery in state.deliveries:
            # Its worker may have recorded it meanwhile, and another one may have it by now.
            if delivery.id in taken and delivery.lease_id == taken[delivery.id].lease_id:
                _take_back(state, delivery, now=now)
    book.save()
    return len(taken)


def _take_back(state: OrderState, delivery: DeliveryState, *, now: float) -> None:
    crashes = delivery.crashes + 1
    text = "the worker that had it stopped without a word; looking there before anything is sent again"
    delivery.go(now, state="retrying")
    delivery.lease_id, delivery.crashes, delivery.changed_at = None, crashes, now
    delivery.in_doubt = delivery.interrupted = True
    delivery.first_try_at = delivery.first_try_at or now
    delivery.reason = text
    if crashes >= MAX_CRASHES:
        text = f"{crashes} workers died with this delivery in hand; it is set aside"
        delivery.die(text, hint="Look into the workers' log, then replay.", code="worker_died")
    state.tell("taken back", text, now, destination=delivery.destination)
    landed(state, delivery, changed=False, now=now)
