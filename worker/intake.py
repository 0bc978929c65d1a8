"""The door: webhooks become stored orders, many to a transaction, and are answered after its commit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from schemas.config import Config
from worker.bell import Ringer, Wake
from worker.ledger.arrivals import Answer, Arrival, accept
from worker.ledger.engine import Ledger, away

log = structlog.get_logger("crossdock.intake")

GROUP = 64
"""Webhooks a transaction takes at most."""

_RACES = 3


def store(ledger: Ledger, arrivals: Sequence[Arrival], *, config: Config) -> list[Answer]:
    """Store webhooks in one transaction.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: nothing was stored.
    """
    for left in reversed(range(_RACES)):
        try:
            return ledger.write(lambda c: accept(c, arrivals, config=config, now=time.time()))
        except IntegrityError:
            # Another process stored the same order in this moment; seen from now on.
            if not left:
                raise
    raise AssertionError("unreachable")


def wakes(answers: Sequence[Answer]) -> list[Wake]:
    """The deliveries to ring for."""
    return [(d.system, d.destination, d.id or 0, answer.number) for answer in answers for d in answer.ready]


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    answer: Future[Answer]


class Intake:
    """One writer thread: what arrives while a transaction commits shares the next one, and so one disk flush."""

    def __init__(self, ledger: Ledger, config: Config, ringer: Ringer) -> None:
        self._ledger = ledger
        self._config = config
        self._ringer = ringer
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def submit(self, arrival: Arrival) -> Future[Answer]:
        """Hand a webhook in; the future has its answer once it is on disk, or the error that kept it off."""
        waiting = _Waiting(arrival, Future())
        self._queue.put(waiting)
        return waiting.answer

    def close(self) -> None:
        """Store what is waiting, then end."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        over = False
        while not over:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            while len(group) < GROUP and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    over = True
                    break
                group.append(more)
            self._store(group)

    def _store(self, waiting: Sequence[_Waiting]) -> None:
        # Whoever gave up waiting was told 503; its shop sends again.
        group = [one for one in waiting if not one.answer.cancelled()]
        if not group:
            return
        try:
            answers = store(self._ledger, [one.arrival for one in group], config=self._config)
        except Exception as error:  # noqa: BLE001 - one webhook must not take the writer down, nor the others with it
            if len(group) == 1 or (isinstance(error, SQLAlchemyError) and away(error)):
                log.error("not_stored", webhooks=len(group), error=type(error).__name__)
                self._fail(group, error)
            else:
                for one in group:
                    self._store([one])
        else:
            for one, answer in zip(group, answers, strict=True):
                _resolve(one.answer, answer)
            self._ringer.ring_all(wakes(answers))

    @staticmethod
    def _fail(group: Sequence[_Waiting], error: Exception) -> None:
        for waiting in group:
            try:
                waiting.answer.set_exception(error)
            except InvalidStateError:
                continue  # gave up waiting meanwhile


def _resolve(future: Future[Answer], answer: Answer) -> None:
    try:
        future.set_result(answer)
    except InvalidStateError:
        return  # gave up waiting; the order is stored all the same, and a resend is a duplicate
