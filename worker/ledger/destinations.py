"""A destination's health: open, paused for a while, or suspended until a probe or a person lets it go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.destination import Destination
from worker.ledger import tables as t
from worker.ledger.book import chunks
from worker.ledger.status import refresh_status
from worker.outcomes import Outcome, Retry, Suspend

BREAK_AFTER = 5
"""Failures in a row, over all deliveries, that pause a destination."""

MIN_PAUSE_S = 1.0

NOT_CONFIGURED = "not_configured"
"""Code of a delivery that is held because its destination has left the configuration."""

_d, _o, _dest = t.deliveries.c, t.orders.c, t.destinations.c


def register(connection: Connection, destinations: Iterable[Destination], *, now: float) -> None:
    """Know the destinations of the configuration; what is known stays as it is.

    What would move at a destination that has left the configuration is held, and let go when it is back.
    """
    rows = [
        {
            "name": d.name,
            "system": d.system,
            "status": "open",
            "code": "",
            "reason": "",
            "hint": "",
            "since": now,
            "failures": 0,
        }
        for d in destinations
    ]
    if rows:
        rows.sort(key=lambda row: str(row["name"]))
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(t.destinations)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"system": statement.excluded.system})
        connection.execute(statement, rows)
    known = {str(row["name"]) for row in rows}
    back = and_(_d.state == "held", _d.code == NOT_CONFIGURED, _d.destination.in_(known))
    _move(connection, back, _let_go_values(now))
    hold_unknown(connection, known)


def not_configured(name: str) -> tuple[str, str]:
    """Reason and hint of a delivery whose destination has left the configuration."""
    return (
        f"the destination {name} is not in the configuration any more",
        f"Add [destinations.{name}] again and start anew; or let it be.",
    )


def hold_unknown(connection: Connection, known: Collection[str]) -> int:
    """Hold what would move at destinations that are not ``known``: nobody asks for it. Returns how many."""
    names = select(_dest.name).where(_dest.name.not_in(known))
    held = 0
    for name in sorted(connection.scalars(names)):
        reason, hint = not_configured(name)
        values = {"state": "held", "held_by": "person", "code": NOT_CONFIGURED, "reason": reason, "hint": hint}
        held += _move(connection, and_(_d.destination == name, _moving), values)
    return held


class Health:
    """The destination's row, locked for this transaction, as outcomes come in."""

    def __init__(
        self, connection: Connection, row: Any, destination: Destination, *, now: float, probe_s: float
    ) -> None:
        self._connection = connection
        self._rule = destination.retry
        self._name = destination.name
        self._now = now
        self._probe_s = probe_s
        self._was = row.status
        self._by_hand = row.status == "suspended" and row.probe_at is None
        self.status: str = row.status
        self.failures: int = row.failures
        self.paused_until: float | None = row.paused_until
        self.probe_at: float | None = row.probe_at
        self.reason: str = row.reason
        self.suspended: Suspend | None = None
        self._orders: list[int] = []

    @classmethod
    def lock(cls, connection: Connection, destination: Destination, *, now: float, probe_s: float) -> Health:
        """Read and lock; always before the orders, so that nobody waits in a circle."""
        row = connection.execute(select(t.destinations).where(_dest.name == destination.name).with_for_update()).one()
        return cls(connection, row, destination, now=now, probe_s=probe_s)

    @property
    def newly_suspended(self) -> Suspend | None:
        """The suspension, if this transaction brought it: someone is told once."""
        return self.suspended if self._was != "suspended" else None

    def see(self, outcome: Outcome, *, probe: bool, answered: bool) -> None:
        """Take one outcome into account.

        Args:
            probe: it was let through to try the destination. Only such a one ends a pause or a suspension: others
                were on their way before it began.
            answered: the destination answered at all; what was decided without it says nothing of it.
        """
        if isinstance(outcome, Suspend):
            self._suspend(outcome)
        elif isinstance(outcome, Retry) and outcome.counts:
            self._failed(outcome)
        elif isinstance(outcome, Retry) or not answered:
            self._probe_again(outcome.after if isinstance(outcome, Retry) else None)
        elif self.status == "open":
            self.failures = 0
        elif probe and not self._by_hand and self.suspended is None:
            self.status, self.paused_until, self.probe_at, self.reason, self.failures = "open", None, None, "", 0

    def _suspend(self, outcome: Suspend) -> None:
        if not self._by_hand:
            self.status, self.suspended = "suspended", outcome
            self.paused_until, self.probe_at, self.failures = None, self._now + self._probe_s, 0

    def _failed(self, outcome: Retry) -> None:
        if self.status == "suspended":
            return
        until = 0.0
        if outcome.everyone:
            until = self._now + (self._rule.base_s if outcome.after is None else outcome.after)
        # What was in flight when the pause began is part of the one failure that brought it.
        if self.paused_until is None or self.paused_until <= self._now:
            self.failures += 1
            if self.failures >= BREAK_AFTER:
                pause = min(self._rule.cap_s, self._rule.base_s * 2.0 ** min(self.failures - BREAK_AFTER, 60))
                until = max(until, self._now + max(MIN_PAUSE_S, pause))
        if until:
            self.status, self.paused_until = "paused", max(until, self.paused_until or 0.0)
            self.reason = outcome.reason

    def _probe_again(self, after: float | None) -> None:
        """The probe neither passed nor failed, so the next one need not wait as after a failure."""
        if self.status == "suspended" and not self._by_hand and self.suspended is None:
            self.probe_at = self._now + (after or 0.0)

    def lock_orders(self, ids: Iterable[int]) -> None:
        """Lock these orders, and those whose deliveries :meth:`save` will hold or let go."""
        affected: list[int] = []
        if self.status == "suspended":
            affected = _order_ids(self._connection, and_(_d.destination == self._name, _moving))
        elif self._was == "suspended":
            affected = _order_ids(self._connection, _held_here(self._name))
        self._orders = sorted({*ids, *affected})
        if affected:
            _lock(self._connection, self._orders)

    def save(self) -> None:
        """Write the row; hold what would move at a suspended destination, or let go what a suspension held."""
        changed: dict[str, Any] = {
            "status": self.status,
            "failures": self.failures,
            "paused_until": self.paused_until,
            "probe_at": self.probe_at,
            "reason": self.reason,
        }
        if self.suspended is not None:
            changed |= {"code": self.suspended.code, "reason": self.suspended.reason, "hint": self.suspended.hint}
        if self.status != self._was:
            changed |= {"since": self._now}
            if self.status != "suspended":
                changed |= {"code": "", "hint": ""}
        self._connection.execute(update(t.destinations).where(_dest.name == self._name).values(changed))
        if self.status == "suspended":
            hold_moving(self._connection, self._name, among=self._orders)
        elif self._was == "suspended":
            _move(self._connection, _held_here(self._name), _let_go_values(self._now), among=self._orders)


def suspend(
    connection: Connection,
    name: str,
    *,
    code: str,
    reason: str,
    hint: str,
    probe_at: float | None,
    now: float,
) -> None:
    """Hold every delivery of a destination. ``probe_at`` None: only a person lets it go again."""
    connection.execute(
        update(t.destinations)
        .where(_dest.name == name)
        .values(
            status="suspended",
            since=case((_dest.status == "suspended", _dest.since), else_=now),
            code=code,
            reason=reason,
            hint=hint,
            probe_at=probe_at,
            paused_until=None,
            failures=0,
        )
    )
    hold_moving(connection, name)


def hold_moving(connection: Connection, name: str, *, among: Sequence[int] | None = None) -> int:
    """Hold what would move at a destination, if it is suspended. Returns how many.

    Args:
        among: only of these orders, which are locked already.
    """
    # Locked: whoever resumes it meanwhile would miss what is held here.
    query = select(t.destinations).where(_dest.name == name, _dest.status == "suspended").with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return 0
    values = {
        "state": "held",
        "held_by": "destination",
        "code": row.code,
        "reason": row.reason,
        "hint": row.hint,
        "first_try_at": None,
    }
    return _move(connection, and_(_d.destination == name, _moving), values, among=among)


def resume(connection: Connection, name: str, *, now: float) -> int:
    """Open a destination and let its deliveries go. Returns how many were held."""
    connection.execute(
        update(t.destinations)
        .where(_dest.name == name)
        .values(
            status="open",
            since=now,
            code="",
            reason="",
            hint="",
            probe_at=None,
            paused_until=None,
            failures=0,
        )
    )
    return let_go(connection, name, now=now)


def let_go(connection: Connection, name: str, *, now: float) -> int:
    """Deliveries that a suspension held may move again. Returns how many."""
    return _move(connection, _held_here(name), _let_go_values(now))


_moving = _d.state.in_(("ready", "retrying"))


def _held_here(name: str) -> ColumnElement[bool]:
    return and_(_d.destination == name, _d.state == "held", _d.held_by == "destination")


def _let_go_values(now: float) -> dict[str, Any]:
    return {
        "state": "ready",
        "held_by": None,
        "code": "",
        "reason": "",
        "hint": "",
        "due_at": now,
        "rung_at": None,
        "failures": 0,
        "failing": "",
        "alike": 0,
        "first_try_at": None,
    }


def _order_ids(connection: Connection, which: ColumnElement[bool]) -> list[int]:
    return list(connection.scalars(select(_d.order_id).where(which).order_by(_d.order_id)))


def _lock(connection: Connection, ids: Sequence[int]) -> None:
    """By their ids, as everyone does who locks several orders."""
    for part in chunks(ids):
        connection.execute(select(_o.id).where(_o.id.in_(part)).order_by(_o.id).with_for_update()).all()


def _move(
    connection: Connection, which: ColumnElement[bool], values: dict[str, Any], *, among: Sequence[int] | None = None
) -> int:
    """Give deliveries other values, many at a time, and their orders the status that follows. Returns how many."""
    ids = _order_ids(connection, which) if among is None else among
    if among is None:
        _lock(connection, ids)
    moved = 0
    for part in chunks(ids):
        found = connection.execute(update(t.deliveries).where(which, _d.order_id.in_(part)).values(values)).rowcount
        if found:
            refresh_status(connection, part)
        moved += found
    return moved
