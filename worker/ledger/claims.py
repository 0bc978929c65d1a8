"""Who works on what: leases on deliveries, and the limits of a destination, held across all workers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select, update

from schemas.destination import Destination
from schemas.order import Order
from worker.ledger import tables as t
from worker.ledger.book import Book, read_order

MAX_CRASHES = 5
"""Workers that may die with a delivery in hand before a person must look at it."""

CHUNK = 500

_d, _l, _dest = t.deliveries.c, t.leases.c, t.destinations.c


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
) -> Claim | None:
    """Take those of ``ids`` that are due and that the destination has room for; None when there is nothing to do.

    What cannot be taken for want of room is marked, so that whoever makes room rings again.
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
    if used and (destination.per_second or row.status != "open"):
        free = 0  # a rate is kept by one worker at a time, and one probe is enough
    probe = row.status != "open"
    if probe and not _may_probe(connection, row, now=now, probe_s=probe_s, room=free > 0):
        return None
    if free <= 0:
        _mark_unrung(connection, ids)
        return None
    states = ("ready", "retrying", "held") if row.status == "suspended" else ("ready", "retrying")
    taken = _take(connection, destination, ids[:1] if probe else ids, states=states, probe=probe, now=now)
    if not taken:
        return None
    lease_id = str(uuid.uuid4())
    slots = min(free, len(taken))
    connection.execute(
        insert(t.leases),
        {
            "id": lease_id,
            "destination": destination.name,
            "slots": slots,
            "until": now + lease_s,
            "worker": worker,
        },
    )
    jobs = _begin(connection, taken, lease_id=lease_id, probe=probe, now=now)
    return Claim(lease_id=lease_id, destination=destination.name, slots=slots, until=now + lease_s, jobs=tuple(jobs))


def _may_probe(connection: Connection, row: Any, *, now: float, probe_s: float, room: bool) -> bool:
    """A paused destination lets one through when its time is over, a suspended one every ``probe_s``."""
    if not room:
        return False
    if row.status == "paused":
        return row.paused_until is None or row.paused_until <= now
    if row.probe_at is None or row.probe_at > now:
        return False
    connection.execute(update(t.destinations).where(_dest.name == row.name).values(probe_at=now + probe_s))
    return True


def _mark_unrung(connection: Connection, ids: Sequence[int]) -> None:
    waiting = and_(_d.id.in_(ids), _d.state.in_(("ready", "retrying")))
    connection.execute(update(t.deliveries).where(waiting).values(rung_at=None))


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
        select(_d.id, _d.order_id, _d.attempts, _d.in_doubt, _d.memo, _d.crashes, _d.code)
        .add_columns(o.shop, o.number, o.shop_version, o.edit, o.content, o.cancelled, o.status)
        .join(t.orders, o.id == _d.order_id)
        .where(*wanted)
        .order_by(_d.id)
    )
    # Skipping: whoever has such a row locked is changing it, and rings again afterwards.
    return list(connection.execute(query.with_for_update(skip_locked=True)))


def _begin(connection: Connection, taken: Sequence[Any], *, lease_id: str, probe: bool, now: float) -> list[Claimed]:
    connection.execute(
        update(t.deliveries)
        .where(_d.id.in_([row.id for row in taken]))
        .values(
            state="delivering",
            lease_id=lease_id,
            attempts=_d.attempts + 1,
            first_try_at=func.coalesce(_d.first_try_at, now),
            changed_at=now,
        )
    )
    o = t.orders.c
    first = [row.order_id for row in taken if row.status == "received"]
    if first:
        connection.execute(update(t.orders).where(o.id.in_(first)).values(status="delivering"))
    return [_claimed(row, probe=probe) for row in taken]


def _claimed(row: Any, *, probe: bool) -> Claimed:
    order = read_order(row.shop_version, row.edit)
    if order is not None and row.cancelled and not order.cancelled:
        order = order.model_copy(update={"cancelled": True})
    if order is None:
        raise AssertionError(f"delivery {row.id} has no order to deliver")
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
        interrupted=row.crashes > 0 or row.code in ("stopped", "defect"),
        probe=probe,
    )


def renew(connection: Connection, lease_id: str, *, until: float) -> bool:
    """Keep a lease; False when it is gone, and its deliveries are no longer ours."""
    renewed = connection.execute(update(t.leases).where(_l.id == lease_id).values(until=until))
    return bool(renewed.rowcount)


def hand_back(connection: Connection, lease_id: str, ids: Sequence[int]) -> None:
    """Give up deliveries that were claimed but not begun: as if they had not been claimed."""
    if ids:
        connection.execute(
            update(t.deliveries)
            .where(_d.id.in_(ids), _d.lease_id == lease_id, _d.state == "delivering")
            .values(
                state=case((_d.attempts > 1, "retrying"), else_="ready"),
                attempts=_d.attempts - 1,
                lease_id=None,
                rung_at=None,
            )
        )


def release(
    connection: Connection, lease_id: str, *, destination: str, batch: int, now: float
) -> list[tuple[int, str]]:
    """End a lease, and say which waiting deliveries of the destination may be rung for now: (id, order number)."""
    connection.execute(select(_dest.name).where(_dest.name == destination).with_for_update())
    connection.execute(delete(t.leases).where(_l.id == lease_id))
    return ring(connection, destination, limit=batch, older_than=None, now=now)


def ring(
    connection: Connection, destination: str, *, limit: int, older_than: float | None, now: float
) -> list[tuple[int, str]]:
    """Deliveries that are due and that nobody was woken for; they count as rung from now on.

    Args:
        older_than: also those whose last wake-up is older than this time: it may have been lost.
    """
    unrung = _d.rung_at.is_(None) if older_than is None else or_(_d.rung_at.is_(None), _d.rung_at < older_than)
    query = (
        select(_d.id, t.orders.c.number)
        .join(t.orders, t.orders.c.id == _d.order_id)
        .where(_d.destination == destination, _d.state.in_(("ready", "retrying")), _d.due_at <= now, unrung)
        .order_by(_d.id)
        .limit(limit)
        .with_for_update(of=t.deliveries, skip_locked=True)
    )
    rows = [(row.id, row.number) for row in connection.execute(query)]
    if rows:
        connection.execute(update(t.deliveries).where(_d.id.in_([r[0] for r in rows])).values(rung_at=now))
    return rows


def reclaim(connection: Connection, *, now: float) -> int:
    """Take back deliveries whose worker stopped without a word. Returns how many.

    They may have been carried out, so the next attempt looks first.
    """
    live = select(_l.id).where(_l.until > now)
    lost = and_(_d.state == "delivering", or_(_d.lease_id.is_(None), _d.lease_id.not_in(live)))
    rows = list(connection.execute(select(_d.id, _d.order_id).where(lost).limit(CHUNK)))
    if rows:
        ids = {row.id for row in rows}
        book = Book(connection)
        for state in book.load(row.order_id for row in rows):
            for delivery in state.deliveries:
                if delivery.id not in ids or delivery.state != "delivering":
                    continue
                delivery.crashes += 1
                delivery.in_doubt, delivery.lease_id = True, None
                delivery.go(now, state="retrying")
                text = "the worker that had it stopped without a word; looking there before anything is sent again"
                if delivery.crashes >= MAX_CRASHES:
                    delivery.state, delivery.code = "dead", "worker_died"
                    text = f"{delivery.crashes} workers died with this delivery in hand; it is set aside"
                    delivery.hint = "Look into the workers' log, then replay."
                delivery.reason = text
                delivery.changed_at = now
                state.tell("taken back", text, now, destination=delivery.destination)
        book.save()
    connection.execute(delete(t.leases).where(_l.until <= now))
    return len(rows)
