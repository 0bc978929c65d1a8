"""Counters that live in the ledger: exact over all processes, restarts and machines."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger.tables import tallies

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the attempt latency histogram, in seconds."""


class Tally:
    """Counts of one transaction; :meth:`save` adds them to the ledger's."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._sums: dict[tuple[str, str], float] = {}

    def intake(self, *, shop: str, outcome: str) -> None:
        """One webhook of a shop, by what was answered."""
        self._counts["intake", f"{shop}|{outcome}"] += 1

    def attempt(self, *, destination: str, outcome: str, seconds: float) -> None:
        """One attempt of a delivery, by what it decided."""
        labels = f"{destination}|{outcome}"
        bound = bisect_left(BUCKETS, seconds)
        le = repr(BUCKETS[bound]) if bound < len(BUCKETS) else "+Inf"
        self._counts["attempts", f"{labels}|{le}"] += 1
        key = ("attempt_seconds", labels)
        self._sums[key] = self._sums.get(key, 0.0) + seconds

    def save(self, connection: Connection) -> None:
        """Add to the ledger's counters, in a fixed order so that two transactions cannot wait for each other."""
        rows = [
            {"name": n, "labels": labels, "value": float(v)}
            for (n, labels), v in {**self._counts, **self._sums}.items()
        ]
        if not rows:
            return
        rows.sort(key=lambda row: (row["name"], row["labels"]))
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(tallies)
        statement = statement.on_conflict_do_update(
            index_elements=["name", "labels"], set_={"value": tallies.c.value + statement.excluded.value}
        )
        connection.execute(statement, rows)
