"""Feeds in the ledger: whose turn it is, and what they brought."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, case, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.feeds import Batch, Copied, Stock
from worker.ledger import tables as t
from worker.ledger.book import storable
from worker.ledger.progress import tell

STOCK = "stock"
"""The kind of a whole reading that was of article codes; every other kind is one of copies."""

LOCKS = frozenset({"login"})
"""Rows that are nobody's feed: a turn that is taken and given back."""

CODE_CHARS, FIGURE_CHARS = 255, 40
"""What columns hold. A longer code is no article's: no order can name it."""

_f, _s, _c, _dest = t.feeds.c, t.stock.c, t.copies.c, t.destinations.c


@dataclass(frozen=True, slots=True)
class Turn:
    """A feed in hand until ``until``; nobody else reads it meanwhile."""

    destination: str
    name: str
    checkpoint: Mapping[str, Any]
    until: float


def due(connection: Connection, feeds: Iterable[tuple[str, str]], *, now: float) -> list[tuple[str, str]]:
    """Those of (destination, feed) whose time has come and that nobody reads.

    A destination that refuses us, or that asked us to wait, is left in peace; one that was suspended by hand is not:
    it gets no orders, and may tell all the same.
    """
    shut = closed(connection, now=now)
    wanted = [key for key in feeds if key[0] not in shut]
    later = tuple_(_f.destination, _f.name).in_(wanted) & (_f.due_at > now)
    waiting = {(row.destination, row.name) for row in connection.execute(select(_f.destination, _f.name).where(later))}
    return [key for key in unleased(connection, wanted, now=now) if key not in waiting]


def closed(connection: Connection, *, now: float) -> set[str]:
    """Destinations that refuse us, or that asked us to wait."""
    refused = (_dest.status == "suspended") & _dest.probe_at.is_not(None)
    paused = (_dest.status == "paused") & (_dest.paused_until > now)
    return set(connection.scalars(select(_dest.name).where(refused | paused)))


def unleased(connection: Connection, feeds: Iterable[tuple[str, str]], *, now: float) -> list[tuple[str, str]]:
    """Those of (destination, feed) that nobody reads."""
    wanted = list(feeds)
    query = select(_f.destination, _f.name).where(_f.leased_until > now)
    taken = {(row.destination, row.name) for row in connection.execute(query)}
    return [key for key in wanted if key not in taken]


def take(
    connection: Connection, destination: str, name: str, *, lease_s: float, now: float, early: bool = False
) -> Turn | None:
    """Take a feed in hand; None where somebody else has it, or it is not due, unless one comes ``early``."""
    row = {"destination": destination, "name": name, "checkpoint": "{}", "due_at": now, "problem": "", "whole": "{}"}
    connection.execute(_insert(connection, t.feeds).values(row).on_conflict_do_nothing())
    here = (_f.destination == destination) & (_f.name == name)
    free = here & or_(_f.leased_until.is_(None), _f.leased_until <= now)
    if not early:
        free &= _f.due_at <= now
    if not connection.execute(update(t.feeds).where(free).values(leased_until=now + lease_s)).rowcount:
        return None
    checkpoint = connection.scalar(select(_f.checkpoint).where(here)) or "{}"
    return Turn(destination, name, json.loads(checkpoint), now + lease_s)


def renew(connection: Connection, turn: Turn, *, lease_s: float, now: float) -> Turn | None:
    """The turn with ``lease_s`` more; None where it was over, and somebody else may have it."""
    here = (_f.destination == turn.destination) & (_f.name == turn.name) & (_f.leased_until == turn.until)
    kept = replace(turn, until=now + lease_s)
    return kept if connection.execute(update(t.feeds).where(here).values(leased_until=kept.until)).rowcount else None


def release(connection: Connection, turn: Turn) -> None:
    """Give a turn back with nothing read; the next may come at once."""
    here = (_f.destination == turn.destination) & (_f.name == turn.name) & (_f.leased_until == turn.until)
    connection.execute(update(t.feeds).where(here).values(leased_until=None))


def save(connection: Connection, turn: Turn, batch: Batch, *, every_s: float, now: float) -> bool:
    """Store what a reading brought, with its checkpoint; False where the turn was over, and nothing was stored."""
    here = (_f.destination == turn.destination) & (_f.name == turn.name) & (_f.leased_until == turn.until)
    row = connection.execute(select(_f.whole).where(here).with_for_update()).one_or_none()
    if row is None:
        return False
    problem = storable(batch.problem.reason) if batch.problem is not None else ""
    read = json.loads(row.whole) | dict.fromkeys(batch.whole, batch.since or now)
    values: dict[str, Any] = {
        "checkpoint": json.dumps(dict(batch.checkpoint)),
        "leased_until": None,
        "problem": problem,
    }
    values |= {"due_at": now if batch.more and not problem else now + every_s, "whole": json.dumps(read)}
    if not problem:
        values["done_at"] = now
    connection.execute(update(t.feeds).where(here).values(values))
    tell(connection, turn.destination, batch.progress, now=now)
    _save_stock(connection, turn.destination, batch.stock, now=now)
    _save_copies(connection, turn.destination, batch.copies, now=now)
    for kind in batch.whole:
        _forget(connection, turn.destination, kind, before=batch.since or now)
    return True


def _forget(connection: Connection, destination: str, kind: str, *, before: float = math.inf) -> None:
    """What a whole reading has not seen any more is gone there."""
    if kind == STOCK:
        connection.execute(delete(t.stock).where(_s.destination == destination, _s.seen_at < before))
    else:
        gone = (_c.destination == destination) & (_c.kind == kind) & (_c.seen_at < before)
        connection.execute(delete(t.copies).where(gone))


def forget_unwanted(connection: Connection, wanted: Iterable[tuple[str, str]]) -> int:
    """Forget every feed but these (destination, feed), and what only they told; returns how many were forgotten.

    A figure that nobody renews must not decide, and customers' data must not outlive its purpose.
    """
    kept = set(wanted)
    query = select(_f.destination, _f.name, _f.whole).where(_f.name.not_in(LOCKS)).order_by(_f.destination, _f.name)
    gone = [row for row in connection.execute(query) if (row.destination, row.name) not in kept]
    for row in gone:
        connection.execute(delete(t.feeds).where(_f.destination == row.destination, _f.name == row.name))
        for kind in {*json.loads(row.whole), *({STOCK} & {row.name})}:
            _forget(connection, row.destination, kind)
    for destination in {row.destination for row in gone} - {name for name, _ in kept}:
        for table in (t.stock, t.copies, t.hints):
            connection.execute(delete(table).where(table.c.destination == destination))
    return len(gone)


def _save_stock(connection: Connection, destination: str, rows: Sequence[Stock], *, now: float) -> None:
    """What a row does not tell, name or figure, stays as another feed of the destination told it."""
    shown = {code.casefold(): (code, one) for one in rows if (code := storable(one.code).strip())}
    values = [
        {
            "destination": destination,
            "code": folded,
            "shown": code,
            "name": storable(one.name),
            "quantity": _figure(one),
            "seen_at": now,
        }
        for folded, (code, one) in shown.items()
        if max(len(folded), len(code)) <= CODE_CHARS
    ]
    new = _insert(connection, t.stock)
    told = {
        "shown": new.excluded.shown,
        "name": case((new.excluded.name == "", _s.name), else_=new.excluded.name),
        "quantity": func.coalesce(new.excluded.quantity, _s.quantity),
        "seen_at": new.excluded.seen_at,
    }
    if values:
        connection.execute(new.on_conflict_do_update(index_elements=["destination", "code"], set_=told), values)


def _figure(one: Stock) -> str | None:
    """None where it is no figure of this world; written out, 1E+99999 would be 100 KB of text."""
    if one.quantity is None or not one.quantity.is_finite() or abs(one.quantity.adjusted()) > FIGURE_CHARS:
        return None
    text = format(one.quantity, "f")
    return text if len(text) <= FIGURE_CHARS else None


def _save_copies(connection: Connection, destination: str, rows: Sequence[Copied], *, now: float) -> None:
    values = [
        {
            "destination": destination,
            "kind": one.kind,
            "key": one.key,
            "ref": storable(one.ref).casefold()[:CODE_CHARS],
            "shown": storable(one.ref)[:CODE_CHARS],
            "email": storable(one.email).casefold()[:CODE_CHARS],
            "name": storable(one.name),
            "data": storable(json.dumps(dict(one.data), ensure_ascii=False)),
            "seen_at": now,
        }
        for one in {(one.kind, one.key): one for one in rows}.values()
    ]
    keys = ["destination", "kind", "key"]
    new = _insert(connection, t.copies)
    changed = {name: new.excluded[name] for name in ("ref", "shown", "email", "name", "data", "seen_at")}
    if values:
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_=changed), values)


def _insert(connection: Connection, table: Any) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def copies(
    connection: Connection, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = ""
) -> list[Copied]:
    """Copied records of a destination that fit all of what is given, by their keys."""
    query = select(t.copies).where(_c.destination == destination, _c.kind == kind)
    for column, value in ((_c.key, key), (_c.ref, ref.casefold()), (_c.email, email.casefold())):
        if value:
            query = query.where(column == storable(value))
    return [
        Copied(kind=row.kind, key=row.key, ref=row.shown, email=row.email, name=row.name, data=json.loads(row.data))
        for row in connection.execute(query.order_by(_c.key))
    ]


def copied(connection: Connection, destination: str, kind: str) -> bool:
    """Whether a kind of copies was read to its end at least once."""
    rows = connection.scalars(select(_f.whole).where(_f.destination == destination))
    return any(kind in json.loads(read) for read in rows)
