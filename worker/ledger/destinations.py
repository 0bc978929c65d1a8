"""A destination's health: open, paused for a while, or suspended until a probe or a person lets it go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, and_, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.destination import Destination
from worker.ledger import tables as t
from worker.ledger.status import refresh_status_of
from worker.outcomes import Outcome, Retry, Suspend

BREAK_AFTER = 5
"""Failures in a row, over all deliveries, that pause a destination."""

MIN_PAUSE_S = 1.0

_d, _dest = t.deliveries.c, t.destinations.c


def register(connection: Connection, destinations: Iterable[Destination], *, now: float) -> None:
    """Know the destinations of the configuration; what is known stays as it is."""
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
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(t.destinations)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"system": statement.excluded.system})
        connection.execute(statement, rows)


class Health:
    """The destination's row, locked for this transaction, as outcomes come in."""

    def __init__(
        self, connection: Connection, row: Any, destination: Destination, *, now: float, probe_s: float
    ) -> None:
        self._connection = connection
        self._rule = destination.retry
        self._name = destination.name
        self._now = now
        self._was = row.status
        self.status: str = row.status
        self.failures: int = row.failures
        self.paused_until: float | None = row.paused_until
        self.reason: str = row.reason
        self.suspended: Suspend | None = None

    @classmethod
    def lock(cls, connection: Connection, destination: Destination, *, now: float, probe_s: float) -> Health:
        """Read and lock; always before the orders, so that nobody waits in a circle."""
        row = connection.execute(select(t.destinations).where(_dest.name == destination.name).with_for_update()).one()
        return cls(connection, row, destination, now=now, probe_s=probe_s)

    @property
    def newly_suspended(self) -> Suspend | None:
        """The suspension, if this transaction brought it: someone is told once."""
        return self.suspended if self._was != "suspended" else None

    def see(self, outcome: Outcome) -> None:
        """Take one outcome into account."""
        if isinstance(outcome, Suspend):
            self.suspended = outcome
        elif isinstance(outcome, Retry):
            if outcome.counts:
                self._failed(outcome)
        else:
            self.failures = 0
            self._open()

    def _failed(self, outcome: Retry) -> None:
        self.failures += 1
        until = 0.0
        if outcome.everyone and outcome.after:
            until = self._now + outcome.after
        if self.failures >= BREAK_AFTER:
            pause = min(self._rule.cap_s, self._rule.base_s * 2.0 ** min(self.failures - BREAK_AFTER, 60))
            until = max(until, self._now + max(MIN_PAUSE_S, pause))
        if until and self.status != "suspended":
            self.status, self.paused_until = "paused", max(until, self.paused_until or 0.0)
            self.reason = outcome.reason

    def _open(self) -> None:
        """Something got through. A suspended one is opened too: this was its probe."""
        self.status, self.paused_until, self.reason = "open", None, ""

    def save(self) -> None:
        """Write the row, and let go what a suspension held if it is over."""
        if self.suspended is not None:
            return
        changed: dict[str, Any] = {
            "status": self.status,
            "failures": self.failures,
            "paused_until": self.paused_until,
            "reason": self.reason,
        }
        if self.status != self._was:
            changed |= {"since": self._now, "code": "", "hint": "", "probe_at": None}
        self._connection.execute(update(t.destinations).where(_dest.name == self._name).values(changed))
        if self._was == "suspended" and self.status == "open":
            let_go(self._connection, self._name, now=self._now)


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


def hold_moving(connection: Connection, name: str) -> int:
    """Hold what would move at a suspended destination. Returns how many."""
    row = connection.execute(select(t.destinations).where(_dest.name == name)).one()
    moving = and_(_d.destination == name, _d.state.in_(("ready", "retrying")))
    held = connection.execute(
        update(t.deliveries)
        .where(moving)
        .values(
            state="held",
            held_by="destination",
            code=row.code,
            reason=row.reason,
            hint=row.hint,
            first_try_at=None,
        )
    )
    if held.rowcount:
        refresh_status_of(connection, name)
    return held.rowcount


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
    freed = connection.execute(
        update(t.deliveries)
        .where(_d.destination == name, _d.state == "held", _d.held_by == "destination")
        .values(
            state=case((_d.attempts > 0, "retrying"), else_="ready"),
            held_by=None,
            code="",
            reason="",
            hint="",
            due_at=now,
            rung_at=None,
            failures=0,
        )
    )
    if freed.rowcount:
        refresh_status_of(connection, name)
    return freed.rowcount
