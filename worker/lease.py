"""A worker's own view of its lease in the ledger: until when it may go on."""

from __future__ import annotations

import time

MARGIN_S = 0.5
"""Nothing is begun in the last moments of a lease."""


class Lease:
    """How long we may go on: by both clocks, since one stands still while a machine sleeps, and one can be set."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.keep()

    def keep(self, *, since: tuple[float, float] | None = None) -> None:
        """It holds for ``seconds`` from ``since`` (see :meth:`clocks`) on, by default from now."""
        steady, wall = since or self.clocks()
        self._renew_at = steady + self.seconds / 4
        self._until = (steady + self.seconds - MARGIN_S, wall + self.seconds - MARGIN_S)

    def lose(self) -> None:
        """It is over."""
        self._until = (0.0, 0.0)

    @staticmethod
    def clocks() -> tuple[float, float]:
        """The steady clock and the wall clock."""
        return time.monotonic(), time.time()

    @property
    def alive(self) -> bool:
        """What it covers is ours."""
        steady, wall = self.clocks()
        return steady < self._until[0] and wall < self._until[1]

    @property
    def wants_renewal(self) -> bool:
        """A quarter of it is over."""
        return time.monotonic() >= self._renew_at
