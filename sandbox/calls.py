"""What came in: the last calls, totals, and how many writes were in flight at once.

Of a body only size and digest are kept.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.system import Request

KEPT = 2000


@dataclass(slots=True)
class Lane:
    """Writes that queue behind each other: ``now`` in flight, and the ``most`` there ever were."""

    now: int = 0
    most: int = 0


@dataclass(slots=True)
class Seen:
    """One call. ``status`` is None until it is answered, and for ever if it never is."""

    system: str
    method: str
    path: str
    query: bytes
    digest: str
    size: int
    at: float = field(default_factory=time.time)
    status: int | None = None
    fault: str | None = None
    seconds: float | None = None
    lane: Lane | None = None


class CallLog:
    """Calls of all systems, the last :data:`KEPT` in full and all of them as totals."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget every call."""
        self._recent: deque[Seen] = deque(maxlen=KEPT)
        self._totals: dict[str, Counter[str]] = {}
        self._lanes: dict[str, dict[str, Lane]] = {}

    def begin(self, system: str, request: Request, lane: str | None) -> Seen:
        """A call has arrived; ``lane`` is what it queues behind, None for a read."""
        digest = hashlib.blake2b(request.body, digest_size=8).hexdigest() if request.body else ""
        seen = Seen(system, request.method, request.path, request.query, digest, len(request.body))
        self._recent.append(seen)
        self._totals.setdefault(system, Counter())[request.method] += 1
        if lane is not None:
            seen.lane = self._lanes.setdefault(system, {}).setdefault(lane, Lane())
            seen.lane.now += 1
            seen.lane.most = max(seen.lane.most, seen.lane.now)
        return seen

    @staticmethod
    def leave(seen: Seen) -> None:
        """The client is no longer waiting: answered, dropped or gone. May be told twice."""
        if seen.lane is not None:
            seen.lane.now -= 1
            seen.lane = None

    @classmethod
    def end(cls, seen: Seen, status: int | None) -> None:
        """The call is over."""
        cls.leave(seen)
        seen.status, seen.seconds = status, time.time() - seen.at

    def report(self, *, system: str | None = None, limit: int = 100) -> dict[str, Any]:
        """``calls``, newest last; by system ``totals`` of each method and ``writes_in_flight`` of each lane."""
        calls = [seen for seen in self._recent if system in (None, seen.system)]
        return {
            "calls": [_line(seen) for seen in calls[max(0, len(calls) - limit) :]],
            "totals": {name: dict(methods) for name, methods in self._totals.items() if system in (None, name)},
            "writes_in_flight": {
                name: {key: {"now": lane.now, "most": lane.most} for key, lane in lanes.items()}
                for name, lanes in self._lanes.items()
                if system in (None, name)
            },
        }


def _line(seen: Seen) -> dict[str, Any]:
    # Only the names of the parameters: a value may be a key (query authentication) or a customer's number.
    names = [part.split(b"=")[0].decode("latin-1") for part in seen.query.split(b"&") if part]
    return {
        "at": seen.at,
        "system": seen.system,
        "method": seen.method,
        "path": seen.path,
        "params": names,
        "body": {"bytes": seen.size, "digest": seen.digest} if seen.size else None,
        "status": seen.status,
        "fault": seen.fault,
        "seconds": seen.seconds,
    }
