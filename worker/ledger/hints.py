"""Hints in the ledger: a webhook of a destination said that something happened to an order, which is then read anew.

What the webhook itself says is not acted on: it may be old, come twice or be made up by whoever knows its token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.feeds import Batch
from worker.ledger import tables as t
from worker.ledger.book import storable
from worker.ledger.feeds import Turn, closed, unleased
from worker.ledger.progress import tell

_h, _f = t.hints.c, t.feeds.c

KEEP_S = 24 * 3600.0
"""What could not be read for so long is left to the feed; the sender of a webhook tries no longer either
(contracts/ongoing.md section 4)."""


def note(connection: Connection, destination: str, number: str, *, now: float) -> None:
    """Remember that an order is to be read, as soon as somebody comes to it."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(t.hints)
    row = {"destination": destination, "number": storable(number), "due_at": now, "since": now}
    again = insert.on_conflict_do_update(index_elements=["destination", "number"], set_={"due_at": now})
    connection.execute(again.values(row))


def waiting(connection: Connection, asking: Iterable[tuple[str, str]], *, now: float) -> list[tuple[str, str]]:
    """Those of (destination, feed that can ask) with orders to be read, where nobody reads at the moment."""
    wanted = dict(asking)
    if not wanted:
        return []
    some = select(_h.destination).where(_h.destination.in_(wanted), _h.due_at <= now).distinct()
    open_ones = set(connection.scalars(some)) - closed(connection, now=now)
    return [key for key in unleased(connection, wanted.items(), now=now) if key[0] in open_ones]


def due(connection: Connection, destination: str, *, limit: int, now: float) -> list[str]:
    """Numbers of orders to be read, those that wait longest first."""
    query = select(_h.number).where(_h.destination == destination, _h.due_at <= now)
    return list(connection.scalars(query.order_by(_h.due_at, _h.number).limit(limit)))


def save(
    connection: Connection,
    turn: Turn,
    numbers: Sequence[str],
    batch: Batch,
    *,
    asked_at: float,
    again_s: float,
    now: float,
) -> bool:
    """Store what was read of these orders and give the turn back; False where it was over, and nothing was stored.

    Args:
        asked_at: when the reading began. What was said of an order since then is news that it may have missed.
        again_s: seconds to the next try, where there was a problem.
    """
    here = (_f.destination == turn.destination) & (_f.name == turn.name) & (_f.leased_until == turn.until)
    if connection.execute(update(t.feeds).where(here).values(leased_until=None)).rowcount == 0:
        return False
    tell(connection, turn.destination, batch.progress, now=now)
    read = (_h.destination == turn.destination) & _h.number.in_(numbers) & (_h.due_at <= asked_at)
    if batch.problem is None:
        connection.execute(delete(t.hints).where(read))
    else:
        connection.execute(update(t.hints).where(read).values(due_at=now + again_s))
        problem = storable(batch.problem.reason)
        connection.execute(
            update(t.feeds).where(_f.destination == turn.destination, _f.name == turn.name).values(problem=problem)
        )
    return True


def forget(connection: Connection, *, before: float) -> int:
    """Drop hints of orders that could not be read since ``before``. Returns how many."""
    return connection.execute(delete(t.hints).where(_h.since < before)).rowcount
