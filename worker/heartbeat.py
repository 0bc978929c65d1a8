"""A worker that hears nothing from the broker says so, and ends so that it is started again.

A Celery worker may stay alive and consume nothing after the broker was away (notes/celery.md section 1.1, 11). So it
sends itself a message through its own queue every few seconds; what it hears is in the ledger, for /readyz.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import structlog
from celery import Celery
from celery.utils.nodenames import worker_direct
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger import workers
from worker.machine import STOP_S, Machine

log = structlog.get_logger("crossdock.heartbeat")

ECHO_S = 5.0
"""At most so long between two echoes; a quarter of the time after which a worker counts as deaf, if that is less."""

EXIT_DEAF = 69
"""EX_UNAVAILABLE of sysexits.h: a service it needs is not there."""


class Heartbeat(threading.Thread):
    """Sends the echo, notes what was heard, ends a worker that has heard nothing for ``deaf_s`` seconds."""

    def __init__(self, app: Celery, machine: Machine, *, hostname: str, deaf_s: float) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._app = app
        self._machine = machine
        self._hostname = hostname
        self._deaf_s = deaf_s
        self._over = threading.Event()
        self._started_at = time.time()
        self._heard_at = self._started_at
        self.deaf = False

    def heard(self) -> None:
        """A message came in."""
        self._heard_at = time.time()

    def stop(self) -> None:
        """The worker ends by itself."""
        self._over.set()
        self._note(lambda c: workers.forget(c, self._hostname))

    def run(self) -> None:
        """Until the worker stops, or hears nothing for too long."""
        while not self._over.wait(min(ECHO_S, self._deaf_s / 4)):
            self._echo()
            heard_at = self._heard_at
            self._note(
                lambda c, at=heard_at: workers.seen(
                    c, self._hostname, started_at=self._started_at, heard_at=at, now=time.time()
                )
            )
            if time.time() - heard_at > self._deaf_s and not self._machine.stopping:
                self._end_deaf()

    def _echo(self) -> None:
        try:
            self._app.send_task(
                "tasks.upkeep.echo", queue=worker_direct(self._hostname), expires=self._deaf_s, retry=False
            )
        except Exception as error:  # noqa: BLE001 - whatever a broker's client raises; this thread must go on
            log.warning("broker_unreachable", worker=self._hostname, error=type(error).__name__)

    def _note(self, work: Any) -> None:
        try:
            self._machine.ledger.write(work)
        except SQLAlchemyError as error:
            log.warning("ledger_unreachable", doing="heartbeat", error=type(error).__name__)

    def _end_deaf(self) -> None:
        log.critical("worker_deaf", worker=self._hostname, seconds=round(time.time() - self._heard_at))
        self.deaf = True
        self._machine.stop()
        os.kill(os.getpid(), signal.SIGTERM)
        # The consumer that hears nothing may not hear the signal's request either.
        self._over.wait(STOP_S)
        os._exit(EXIT_DEAF)
