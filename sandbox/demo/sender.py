"""Sends the samples from a thread of its own, one webhook at a time, while others look on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Mapping, Sequence

from sandbox.demo.orders import Sent
from sandbox.shops.delivery import Answer, Delivery
from sandbox.shops.sending import send_all


class Sender:
    """One at a time: samples that belong together arrive in their order.

    Attributes:
        deliveries: all that is to be sent.
    """

    def __init__(self, deliveries: Sequence[Delivery], *, url: str, secrets: Mapping[str, str]) -> None:
        self.deliveries = deliveries
        self._url = url
        self._secrets = secrets
        self._sent: list[Sent] = []
        self._error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

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
        await send_all(self.deliveries, url=self._url, secrets=self._secrets, in_flight=1, on_answer=self._answered)

    def _answered(self, delivery: Delivery, answer: Answer) -> None:
        self._sent.append(Sent(delivery, answer, time.time() - answer.seconds))
