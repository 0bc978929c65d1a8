"""Wake-ups: a message carries ids and says "look here". A lost one costs seconds, a doubled one nothing."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Sequence

import structlog
from celery import Celery

log = structlog.get_logger("crossdock.bell")

COALESCE_S = 0.004
"""A wake-up after a quiet moment waits this long for others."""
BUSY_S = 0.02
COALESCE_BUSY_S = 0.06
"""One that follows the last within BUSY_S waits this long: a message costs more CPU than a delivery."""

Wake = tuple[str, str, int, str]
"""(system, destination, delivery id, order number)"""


class Bell:
    """Rings for deliveries. ``app`` None: there is no broker here, and the sweep will find them."""

    def __init__(self, app: Celery | None, *, batch: int) -> None:
        self._app = app
        self._batch = batch

    def ring_all(self, wakes: Iterable[Wake]) -> None:
        """Ring for deliveries of any destination, many to a message."""
        by_destination: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for system, destination, delivery_id, number in wakes:
            by_destination.setdefault((system, destination), []).append((delivery_id, number))
        for (system, destination), deliveries in by_destination.items():
            if not self.ring(system, destination, deliveries):
                return

    def ring(self, system: str, destination: str, deliveries: Sequence[tuple[int, str]]) -> bool:
        """Ring for deliveries of one destination: (id, order number). False where the broker does not hear."""
        parts = (deliveries[start : start + self._batch] for start in range(0, len(deliveries), self._batch))
        return all(self._send(system, destination, part) for part in parts)

    def _send(self, system: str, destination: str, deliveries: Sequence[tuple[int, str]]) -> bool:
        if self._app is None:
            return True
        shown = " ".join([destination, *(number for _, number in deliveries)])
        try:
            self._app.send_task(
                f"tasks.{system}.deliver",
                args=[destination, [delivery_id for delivery_id, _ in deliveries]],
                argsrepr=shown[:500],  # what Flower shows: order numbers, no personal data
                kwargsrepr="",
            )
        except Exception as error:  # noqa: BLE001 - whatever a broker's client raises
            # Not an error of the order's: it is in the ledger, and the sweep rings again within seconds. Nor is the
            # next message tried: each would wait for the broker as long as this one did.
            log.warning("bell_unheard", destination=destination, deliveries=len(deliveries), error=type(error).__name__)
            return False
        return True


class Ringer:
    """Rings from a thread of its own, so that answering a webhook never waits for the broker."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._wakes: queue.SimpleQueue[Sequence[Wake] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
        self._thread.start()

    def ring_all(self, wakes: Sequence[Wake]) -> None:
        """Ring soon: what comes within a few milliseconds shares a message."""
        if wakes:
            self._wakes.put(wakes)

    def _run(self) -> None:
        rung_at = 0.0
        while (wakes := self._wakes.get()) is not None:
            busy = time.monotonic() - rung_at < BUSY_S
            time.sleep(COALESCE_BUSY_S if busy else COALESCE_S)
            gathered = list(wakes)
            over = False
            while not self._wakes.empty():
                more = self._wakes.get()
                if more is None:
                    over = True
                    break
                gathered += more
            self._bell.ring_all(gathered)
            rung_at = time.monotonic()
            if over:
                return

    def close(self) -> None:
        """Ring for what is left, then end."""
        self._wakes.put(None)
        self._thread.join(timeout=10)
