"""Feeds in the ledger: whose turn it is, and what they brought."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.feeds import Batch, Copied, Progress, Stock
from worker.ledger import tables as t
from worker.ledger.book import Book, DeliveryState, OrderState, chunks

_f, _s, _c, _d = t.feeds.c, t.stock.c, t.copies.c, t.deliveries.c


@dataclass(frozen=True, slots=True)
class Turn:
    """A feed in hand until ``until``; nobody else reads it meanwhile."""

    destination: str
    name: str
    checkpoint: Mapping[str, Any]
    until: float


def due(connection: Connection, feeds: Iterable[tuple[str, str]], *, now: float) -> list[tuple[str, str]]:
    """Those of (destination, feed) whose time has come and that nobody reads."""
    wanted = list(feeds)
    if not wanted:
        return []
    query = select(_f.destination, _f.name, _f.due_at, _f.leased_until).where(
        tuple_(_f.destination, _f.name).in_(wanted)
    )
    known = {(row.destination, row.name): row for row in connection.execute(query)}
    return [
        key
        for key in wanted
        if key not in known or (known[key].due_at <= now and (known[key].leased_until or 0) <= now)
    ]


def take(connection: Connection, destination: str, name: str, *, lease_s: float, now: float) -> Turn | None:
    """Take a feed in hand; None where it is not due, or somebody else has it."""
    row = {"destination": destination, "name": name, "checkpoint": "{}", "due_at": now, "problem": ""}
    connection.execute(_insert(connection, t.feeds).values(row).on_conflict_do_nothing())
    here = (_f.destination == destination) & (_f.name == name)
    free = here & (_f.due_at <= now) & or_(_f.leased_until.is_(None), _f.leased_until <= now)
    if not connection.execute(update(t.feeds).where(free).values(leased_until=now + lease_s)).rowcount:
        return None
    checkpoint = connection.scalar(select(_f.checkpoint).where(here)) or "{}"
    return Turn(destination, name, json.loads(checkpoint), now + lease_s)


def release(connection: Connection, turn: Turn) -> None:
    """Give a turn back with nothing read; the next may come at once."""
    here = (_f.destination == turn.destination) & (_f.name == turn.name) & (_f.leased_until == turn.until)
    connection.execute(update(t.feeds).where(here).values(leased_until=None))


def save(connection: Connection, turn: Turn, batch: Batch, *, every_s: float, now: float) -> bool:
    """Store what a reading brought, with its checkpoint; False where the turn was over, and nothing was stored."""
    here = (_f.destination == turn.destination) & (_f.name == turn.name) & (_f.leased_until == turn.until)
    again = now if batch.more and batch.problem is None else now + every_s
    problem = batch.problem.reason if batch.problem is not None else ""
    values: dict[str, Any] = {"checkpoint": json.dumps(dict(batch.checkpoint)), "due_at": again, "leased_until": None}
    values["problem"] = problem
    if not problem:
        values["done_at"] = now
    if not connection.execute(update(t.feeds).where(here).values(values)).rowcount:
        return False
    tell(connection, turn.destination, batch.progress, now=now)
    _save_stock(connection, turn.destination, batch.stock, now=now)
    _save_copies(connection, turn.destination, batch.copies, now=now)
    for kind in batch.whole:
        _forget(connection, turn.destination, kind, before=batch.since or now)
    return True


def _forget(connection: Connection, destination: str, kind: str, *, before: float) -> None:
    """What a whole reading has not seen any more is gone there."""
    if kind == "stock":
        connection.execute(delete(t.stock).where(_s.destination == destination, _s.seen_at < before))
    else:
        gone = (_c.destination == destination) & (_c.kind == kind) & (_c.seen_at < before)
        connection.execute(delete(t.copies).where(gone))


def tell(connection: Connection, destination: str, progress: Sequence[Progress], *, now: float) -> int:
    """Write how orders get on to their deliveries and timelines; how many were news."""
    wanted = _orders_of(connection, destination, progress)
    book, news = Book(connection), 0
    states = {state.id: state for state in book.load(wanted.values())}
    for place, one in enumerate(progress):
        state = states.get(wanted.get(place))
        delivery = next((d for d in state.deliveries if d.destination == destination), None) if state else None
        if state is not None and delivery is not None:
            news += _tell(state, delivery, one, now=now)
    book.save()
    return news


def _tell(state: OrderState, delivery: DeliveryState, one: Progress, *, now: float) -> bool:
    tracking = {**json.loads(delivery.tracking or "{}"), **one.tracking}
    text = json.dumps(tracking, ensure_ascii=False) if tracking else None
    if (delivery.progress, delivery.tracking) == (one.text, text):
        return False
    delivery.progress, delivery.tracking, delivery.progress_at = one.text, text, now
    said = one.text + "".join(f", tracking {waybill}" for waybill in one.tracking)
    state.tell(
        "progress", said, now, destination=delivery.destination, data={"tracking": tracking} if tracking else None
    )
    return True


def _orders_of(connection: Connection, destination: str, progress: Sequence[Progress]) -> dict[int, int]:
    """The order of each entry, by its place; entries of orders that are not ours are left out."""
    references = sorted({one.reference for one in progress if one.reference})
    numbers = sorted({one.number.casefold() for one in progress if one.number})
    by_reference: dict[str, int] = {}
    by_number: dict[str, int] = {}
    for part in chunks(references):
        query = select(_d.reference, _d.order_id).where(_d.destination == destination, _d.reference.in_(part))
        by_reference |= {row.reference: row.order_id for row in connection.execute(query)}
    n = t.numbers.c
    for part in chunks(numbers):
        query = select(n.number, n.order_id).where(n.destination == destination, n.number.in_(part))
        by_number |= {row.number: row.order_id for row in connection.execute(query)}
    found = (
        (place, by_reference.get(one.reference) or by_number.get(one.number.casefold()))
        for place, one in enumerate(progress)
    )
    return {place: order_id for place, order_id in found if order_id is not None}


def _save_stock(connection: Connection, destination: str, rows: Sequence[Stock], *, now: float) -> None:
    values = [
        {
            "destination": destination,
            "code": one.code.casefold(),
            "shown": one.code,
            "name": one.name,
            "quantity": None if one.quantity is None else format(one.quantity, "f"),
            "seen_at": now,
        }
        for one in {one.code.casefold(): one for one in rows}.values()
    ]
    _upsert(connection, t.stock, values, keys=("destination", "code"))


def _save_copies(connection: Connection, destination: str, rows: Sequence[Copied], *, now: float) -> None:
    values = [
        {
            "destination": destination,
            "kind": one.kind,
            "key": one.key,
            "ref": one.ref.casefold(),
            "email": one.email.casefold(),
            "name": one.name,
            "data": json.dumps(dict(one.data), ensure_ascii=False),
            "seen_at": now,
        }
        for one in {(one.kind, one.key): one for one in rows}.values()
    ]
    _upsert(connection, t.copies, values, keys=("destination", "kind", "key"))


def _upsert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]], *, keys: Sequence[str]) -> None:
    if not rows:
        return
    statement = _insert(connection, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed), list(rows))


def _insert(connection: Connection, table: Any) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def copies(
    connection: Connection, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = ""
) -> list[Copied]:
    """Copied records of a destination that fit all of what is given, by their keys."""
    query = select(t.copies).where(_c.destination == destination, _c.kind == kind)
    for column, value in ((_c.key, key), (_c.ref, ref.casefold()), (_c.email, email.casefold())):
        if value:
            query = query.where(column == value)
    return [
        Copied(kind=row.kind, key=row.key, ref=row.ref, email=row.email, name=row.name, data=json.loads(row.data))
        for row in connection.execute(query.order_by(_c.key))
    ]
