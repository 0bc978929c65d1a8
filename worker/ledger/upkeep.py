"""What the sweep asks the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from worker.ledger import tables as t

_d, _l, _dest = t.deliveries.c, t.leases.c, t.destinations.c


@dataclass(frozen=True, slots=True)
class HealthView:
    """A destination's health, as the sweep needs it."""

    status: str
    again_at: float | None

    def may_probe(self, now: float) -> bool:
        """Its time to try one has come."""
        return self.again_at is not None and self.again_at <= now


def health(connection: Connection, name: str) -> HealthView:
    """Read a destination's health; an unknown one is open, with nothing to do."""
    query = select(_dest.status, _dest.paused_until, _dest.probe_at).where(_dest.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return HealthView("open", None)
    return HealthView(row.status, row.probe_at if row.status == "suspended" else row.paused_until)


def in_flight(connection: Connection, name: str, *, now: float) -> int:
    """Slots that live leases hold at a destination."""
    query = select(func.coalesce(func.sum(_l.slots), 0)).where(_l.destination == name, _l.until > now)
    return int(connection.scalar(query) or 0)


def probe(connection: Connection, name: str, *, now: float) -> list[tuple[int, str]]:
    """The one delivery that tries whether a suspended destination works again: (id, order number), or none.

    One that writes at once, without a look before, shows most; then the least recently changed, so that one order
    cannot be every probe.
    """
    query = (
        select(_d.id, t.orders.c.number)
        .join(t.orders, t.orders.c.id == _d.order_id)
        .where(_d.destination == name, _d.state == "held", _d.held_by == "destination")
        .order_by(_d.in_doubt, _d.changed_at)
        .limit(1)
    )
    return [(row.id, row.number) for row in connection.execute(query)]


def forget_keys(connection: Connection, *, before: float) -> int:
    """Drop de-duplication keys older than ``before``. Returns how many."""
    return connection.execute(delete(t.receipt_keys).where(t.receipt_keys.c.received_at < before)).rowcount
