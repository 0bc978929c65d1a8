"""Numbers of our own for orders at a destination whose own numbers cannot be learned from its replies."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from worker.ledger import tables as t

_SINCE = 1_704_067_200
"""2024-01-01, in UNIX seconds."""

_SPAN_S = 10**9
"""About 32 years: by then the first number of a new ledger would have run through all digits."""


def take(connection: Connection, destination: str, *, digits: int, now: float) -> str:
    """The next number, zero-padded; longer than ``digits`` once they are used up. The destination is locked.

    The first one follows from the time, so that a ledger that was set up anew does not give out again what the one
    before it gave: nine digits have room for an order a second.
    """
    s = t.series.c
    last = connection.scalar(select(s.last).where(s.destination == destination))
    if last is None:
        number = max(int(now) - _SINCE, 0) * 10**digits // _SPAN_S + 1
        connection.execute(insert(t.series), {"destination": destination, "last": number})
    else:
        number = last + 1
        connection.execute(update(t.series).where(s.destination == destination).values(last=number))
    return str(number).zfill(digits)
