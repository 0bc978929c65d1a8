"""What an operator does, from the command line, the API or the console: one way for all three."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.config import Config
from worker.bell import Wake
from worker.ledger import accepts, destinations, replays
from worker.ledger.engine import Ledger
from worker.ledger.replays import Replayed

CHUNK = 200
"""Orders a transaction replays, so that intake and deliveries get their turn in between."""


class UnknownDestinationError(LookupError):
    """No such destination in the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The operator's hand on the ledger. ``ring`` wakes what was set moving."""

    ledger: Ledger
    config: Config
    ring: Callable[[Sequence[Wake]], None]
    by: str

    def replay(
        self, order_ids: Sequence[int], *, destination: str | None = None, edit: Mapping[str, Any] | None = None
    ) -> Iterator[Replayed]:
        """Let orders converge again, a chunk at a time.

        Raises:
            UnknownDestinationError: ``destination`` is none of ours.
            worker.ledger.replays.EditRefusedError: the edit does not make a valid order; nothing of its chunk changed.
        """
        if destination is not None:
            self.known(destination)
        for start in range(0, len(order_ids), CHUNK):
            part = order_ids[start : start + CHUNK]
            done = self.ledger.write(
                lambda c, part=part: replays.replay(  # type: ignore[misc]
                    c, part, config=self.config, now=time.time(), by=self.by, destination=destination, edit=edit
                )
            )
            self.ring(done.wake)
            yield done

    def accept(self, order_id: int, *, destination: str) -> int:
        """Leave an order at a destination as it is there; returns how many deliveries go on.

        Raises:
            worker.ledger.accepts.AcceptRefusedError: there is nothing to accept.
        """
        wake = self.ledger.write(
            lambda c: accepts.accept(c, order_id, destination=destination, now=time.time(), by=self.by)
        )
        self.ring(wake)
        return len(wake)

    def suspend(self, name: str, *, reason: str = "") -> None:
        """Hold every delivery of a destination until somebody resumes it.

        Raises:
            UnknownDestinationError: no such destination.
        """
        self.known(name)
        text = f"suspended by hand ({self.by})" + (f": {reason}" if reason else "")
        hint = f"Resume it when it may go on: crossdock resume {name}"
        self.ledger.write(
            lambda c: destinations.suspend(
                c, name, code="by_hand", reason=text, hint=hint, probe_at=None, now=time.time()
            )
        )

    def resume(self, name: str) -> int:
        """Open a destination; returns how many deliveries were held there. The sweep rings for them.

        Raises:
            UnknownDestinationError: no such destination.
        """
        self.known(name)
        return self.ledger.write(lambda c: destinations.resume(c, name, now=time.time()))

    def known(self, name: str) -> None:
        """Raises UnknownDestinationError where there is no such destination, and says which there are."""
        if name not in self.config.destinations:
            known = ", ".join(sorted(self.config.destinations)) or "none"
            raise UnknownDestinationError(f"no destination {name!r}; there are: {known}")
