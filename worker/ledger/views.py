"""What people and machines look at: orders, one order with its timeline, destinations, figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, and_, case, exists, func, or_, select

from worker.ledger import tables as t
from worker.ledger.book import read_order
from worker.ledger.feeds import LOCKS

_o, _d, _e = t.orders.c, t.deliveries.c, t.events.c


def stamp(at: float | None) -> str | None:
    """UNIX seconds as RFC 3339 in UTC."""
    return (
        None
        if at is None
        else datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which orders. ``q`` is part of a number, a shop order id, or a destination's reference."""

    status: str | None = None
    shop: str | None = None
    destination: str | None = None
    q: str | None = None
    ids: Sequence[int] | None = None


def orders(
    connection: Connection, wanted: Filter, *, cursor: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of orders, newest first, with their deliveries; and the next page's cursor or None."""
    query = select(t.orders).order_by(_o.id.desc()).limit(limit + 1)
    for condition in _conditions(wanted):
        query = query.where(condition)
    if cursor is not None:
        query = query.where(_o.id < cursor)
    rows = connection.execute(query).all()
    page = rows[:limit]
    deliveries = _deliveries(connection, [row.id for row in page])
    items = [_summary(row, deliveries.get(row.id, [])) for row in page]
    return items, page[-1].id if len(rows) > limit else None


def _conditions(wanted: Filter) -> list[Any]:
    found: list[Any] = []
    if wanted.status:
        found.append(_o.status == wanted.status)
    if wanted.shop:
        found.append(_o.shop == wanted.shop)
    if wanted.destination:
        found.append(exists().where(and_(_d.order_id == _o.id, _d.destination == wanted.destination)))
    if wanted.ids is not None:
        found.append(_o.id.in_(wanted.ids))
    if wanted.q:
        like = "%" + wanted.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        reference = exists().where(and_(_d.order_id == _o.id, _d.reference.ilike(like, escape="\\")))
        found.append(or_(_o.number.ilike(like, escape="\\"), _o.shop_order_id.ilike(like, escape="\\"), reference))
    return found


def _deliveries(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    if order_ids:
        query = select(t.deliveries).where(_d.order_id.in_(order_ids)).order_by(_d.order_id, _d.position)
        for row in connection.execute(query):
            found.setdefault(row.order_id, []).append(row)
    return found


def _summary(row: Any, deliveries: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "shop": row.shop,
        "shop_order_id": row.shop_order_id,
        "number": row.number,
        "version": stamp(row.version_at),
        "status": row.status,
        "reason": _reason(row, deliveries),
        "route": row.route,
        "received_at": stamp(row.received_at),
        "updated_at": stamp(row.updated_at),
        "deliveries": [_delivery(d, _turn(row, d, deliveries)) for d in deliveries],
    }


def _reason(row: Any, deliveries: Sequence[Any]) -> str | None:
    """Why the order stands where it stands: its own hold, else that of the delivery that stops it."""
    for state in ("dead", "held", "retrying"):
        for delivery in deliveries:
            if delivery.state == state and row.status != "ignored":
                own = row.hold if state == "held" and row.hold else None
                return own or f"{delivery.destination}: {delivery.reason}"
    if row.hold:
        return str(row.hold)
    if row.test:
        return "a test order goes nowhere"
    if row.cancelled and row.status == "delivered":
        return "the shop cancelled it, and what is there was accepted as it is"
    return "the shop cancelled it" if row.status == "cancelled" else None


def _turn(order: Any, row: Any, deliveries: Sequence[Any]) -> str | None:
    """What a delivery waits for that comes after others of its order; None for any that does not."""
    open_ones = [d for d in deliveries if d.state not in ("delivered", "cancelled")]
    if row.state != "waiting" or not open_ones:
        return None
    if not order.cancelled:
        return f"its turn comes after {open_ones[0].destination}"
    first = open_ones[-1] if order.cancels == "reverse" else open_ones[0]
    if first.state == "dead" or first.held_by == "person":
        return f"left as it is until somebody settles the cancel at {first.destination}"
    if first.held_by == "destination":
        return f"left as it is until {first.destination} is open again and has cancelled the order"
    return f"left as it is until {first.destination} has cancelled the order"


def _delivery(row: Any, turn: str | None) -> dict[str, Any]:
    return {
        "destination": row.destination,
        "system": row.system,
        "status": row.state,
        "attempts": row.attempts,
        "reference": row.reference,
        "reason": turn or row.reason or None,
        "hint": row.hint or None,
        "held_by": row.held_by,
        "there": bool(row.in_doubt or row.content_done),
        "due_at": stamp(row.due_at) if row.state in ("ready", "retrying") else None,
        "changed_at": stamp(row.changed_at),
        "progress": row.progress,
        "progress_at": stamp(row.progress_at),
        "tracking": json.loads(row.tracking) if row.tracking else {},
    }


def order(connection: Connection, order_id: int) -> dict[str, Any] | None:
    """One order, whole: the canonical order, deliveries, timeline."""
    row = connection.execute(select(t.orders).where(_o.id == order_id)).one_or_none()
    if row is None:
        return None
    try:
        canonical = read_order(row.shop_version, row.edit)
    except ValidationError:
        canonical = None  # stored by a version of Crossdock that took it; its delivery says so
    deliveries = _deliveries(connection, [order_id]).get(order_id, [])
    events = connection.execute(select(t.events).where(_e.order_id == order_id).order_by(_e.id)).all()
    return _summary(row, deliveries) | {
        "order": canonical.model_dump(mode="json") if canonical is not None else None,
        "edit": json.loads(row.edit) if row.edit else None,
        "events": [
            {
                "at": stamp(event.at),
                "kind": event.kind,
                "destination": event.destination,
                "text": event.text,
                "data": json.loads(event.data) if event.data else None,
            }
            for event in events
        ],
    }


def order_counts(connection: Connection) -> dict[str, int]:
    """How many orders have which status."""
    counted = select(_o.status, func.count().label("n")).group_by(_o.status)
    return {row.status: row.n for row in connection.execute(counted)}


def find(connection: Connection, wanted: str) -> list[int]:
    """Ids of the orders that a person means by an id, a number (with or without ``#``), or a shop's order id."""
    names = {wanted, wanted.removeprefix("#"), "#" + wanted.removeprefix("#")}
    query = select(_o.id).where(or_(_o.number.in_(names), _o.shop_order_id == wanted)).order_by(_o.id)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        exact = connection.scalar(select(_o.id).where(_o.id == int(wanted)))
        if exact is not None:
            return [exact]
    return list(connection.scalars(query))


def destinations(connection: Connection) -> list[dict[str, Any]]:
    """Every destination with its health and what waits there."""
    counted = (
        select(_d.destination, _d.state, func.count().label("n"))
        .where(_d.state.in_(("ready", "retrying", "held", "dead", "waiting", "delivering")))
        .group_by(_d.destination, _d.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for row in connection.execute(counted):
        counts.setdefault(row.destination, {})[row.state] = row.n
    read = feeds(connection)
    return [
        {
            "name": row.name,
            "system": row.system,
            "status": row.status,
            "reason": row.reason or None,
            "hint": row.hint or None,
            "since": stamp(row.since),
            "paused_until": stamp(row.paused_until),
            **{state: counts.get(row.name, {}).get(state, 0) for state in ("ready", "retrying", "held", "dead")},
            "feeds": read.get(row.name, []),
        }
        for row in connection.execute(select(t.destinations).order_by(t.destinations.c.name))
    ]


def feeds(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """By destination what it tells of its own accord: when each feed was last read, and what is in the way."""
    found: dict[str, list[dict[str, Any]]] = {}
    query = select(t.feeds).where(t.feeds.c.name.not_in(LOCKS)).order_by(t.feeds.c.destination, t.feeds.c.name)
    for row in connection.execute(query):
        one = {"name": row.name, "read_at": stamp(row.done_at), "problem": row.problem or None}
        found.setdefault(row.destination, []).append(one)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What /metrics shows, read in one transaction."""

    orders: dict[str, int]
    deliveries: dict[tuple[str, str], int]
    destinations: dict[str, str]
    oldest_ready_s: dict[str, float]
    feeds: dict[tuple[str, str], tuple[float | None, bool]]
    """(destination, feed) -> when it was last read, in UNIX seconds, and whether something is in the way."""
    tallies: dict[str, dict[str, float]]


def figures(connection: Connection, *, now: float) -> Figures:
    """Counts by status, by destination and state, ages, and the counters."""
    by_state = connection.execute(select(_d.destination, _d.state, func.count()).group_by(_d.destination, _d.state))
    due = case((_d.due_at > _d.changed_at, _d.due_at), else_=_d.changed_at)
    oldest = connection.execute(
        select(_d.destination, func.min(due))
        .where(_d.state.in_(("ready", "retrying")), _d.due_at <= now)
        .group_by(_d.destination)
    )
    tallies: dict[str, dict[str, float]] = {}
    for row in connection.execute(select(t.tallies)):
        tallies.setdefault(row.name, {})[row.labels] = row.value
    health = connection.execute(select(t.destinations.c.name, t.destinations.c.status))
    read = connection.execute(select(t.feeds).where(t.feeds.c.name.not_in(LOCKS)))
    return Figures(
        orders=order_counts(connection),
        deliveries={(name, state): n for name, state, n in by_state},
        destinations={row.name: row.status for row in health},
        oldest_ready_s={name: max(0.0, now - at) for name, at in oldest},
        feeds={(row.destination, row.name): (row.done_at, bool(row.problem)) for row in read},
        tallies=tallies,
    )
