"""Sends the samples from a thread of its own, one webhook at a time, while others look on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from sandbox.demo.orders import Row, Sent
from sandbox.shops.delivery import Answer, Delivery
from sandbox.shops.sending import send_all

PATIENCE_S = 30.0
"""How long a sample that waits for its order waits at most."""

_LOOK_S = 0.05


class Sender:
    """One at a time: samples that belong together arrive in their order, and those that wait find it at rest.

    Attributes:
        deliveries: all that is to be sent.
    """

    def __init__(self, deliveries: Sequence[Delivery], *, url: str, secrets: Mapping[str, str]) -> None:
        self.deliveries = deliveries
        self._url = url
        self._secrets = secrets
        self._sent: list[Sent] = []
        self._rows: Sequence[Row] = ()
        self._error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def look(self, rows: Sequence[Row]) -> None:
        """How the orders stand now."""
        self._rows = rows

    @property
    def sent(self) -> Sequence[Sent]:
        """What was answered up to now.

        Raises:
            Exception: what ended the sending.
        """
        if self._error is not None:
            raise self._error
        return tuple(self._sent)

    @property
    def done(self) -> bool:
        """Every webhook was answered, or given up."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Send no more."""
        if not self._thread.is_alive():
            return
        self._begun.wait()
        with contextlib.suppress(RuntimeError):  # it ended in this moment
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except asyncio.CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - it is raised where somebody reads `sent`
            self._error = error
        finally:
            self._begun.set()

    async def _send(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._begun.set()
        for batch in _batches(self.deliveries):
            if batch[0].waits:
                await self._wait_for(batch[0])
            await send_all(batch, url=self._url, secrets=self._secrets, in_flight=1, on_answer=self._answered)

    async def _wait_for(self, delivery: Delivery) -> None:
        for _ in range(int(PATIENCE_S / _LOOK_S)):
            if self._at_rest(delivery):
                return
            await asyncio.sleep(_LOOK_S)

    def _at_rest(self, delivery: Delivery) -> bool:
        """Not so while its order is not among the rows yet."""
        order = (delivery.shop, delivery.number)
        return any((row.shop, row.number) == order and not row.moving for row in self._rows)

    def _answered(self, delivery: Delivery, answer: Answer) -> None:
        self._sent.append(Sent(delivery, answer, time.time() - answer.seconds))


def _batches(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    """All in their order; each that waits begins a batch of its own."""
    starts = [place for place, delivery in enumerate(deliveries) if delivery.waits and place]
    for start, end in pairwise([0, *starts, len(deliveries)]):
        yield deliveries[start:end]
