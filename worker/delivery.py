"""The one way a delivery runs: claim, converge, record."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from schemas.destination import Destination, Unmappable
from schemas.routing import number_at_destination
from worker.http import Client, LeaseLostError, Recorder
from worker.ledger import claims, records
from worker.ledger.claims import Claim, Claimed
from worker.ledger.destinations import BREAK_AFTER
from worker.ledger.records import Recorded, Result
from worker.machine import Machine
from worker.outcomes import Outcome, Reject, Retry, Suspend
from worker.system import Job, System
from worker.telemetry import report_defect, report_recorded, report_suspended

log = structlog.get_logger("crossdock.delivery")

GATHER_S = 0.02
"""Results that end within this time of each other are recorded in one transaction."""

MARGIN_S = 0.5
"""Nothing is begun in the last moments of a lease."""


def deliver(machine: Machine, system: System[Any], name: str, ids: Sequence[int]) -> tuple[Recorded, ...]:
    """Make destination ``name`` agree with the orders of these deliveries, as far as it has room for them.

    Safe to call at any time, with any ids, as often as one likes: what is not due, not ready, or in other hands is
    left alone. Returns what was recorded.
    """
    destination = machine.config.destinations.get(name)
    if destination is None or machine.stopping:
        return ()
    begun = time.monotonic()
    claim = machine.ledger.write(
        lambda connection: claims.claim(
            connection,
            destination,
            ids,
            worker=machine.name,
            lease_s=machine.settings.lease_s,
            probe_s=machine.settings.probe_s,
            now=time.time(),
        )
    )
    if claim is None:
        return ()
    return _Batch(machine, system, destination, claim, begun=begun).run()


@dataclass(frozen=True, slots=True)
class _Untouched:
    """A claimed delivery that was not begun."""

    job: Claimed


class _Batch:
    """The deliveries of one claim: a few in flight at a time on the loop, recorded from this thread."""

    def __init__(
        self, machine: Machine, system: System[Any], destination: Destination, claim: Claim, *, begun: float
    ) -> None:
        self._machine = machine
        self._system = system
        self._destination = destination
        self._claim = claim
        self._lease_s = machine.settings.lease_s
        self._alive_until = begun + self._lease_s - MARGIN_S
        self._renew_at = begun + self._lease_s / 4
        self._ended: queue.SimpleQueue[Result | _Untouched | None] = queue.SimpleQueue()
        self._halted = False
        self._failures = 0

    def run(self) -> tuple[Recorded, ...]:
        """Work until every delivery is recorded or handed back, then end the lease and ring for the next."""
        future = asyncio.run_coroutine_threadsafe(self._converge_all(), self._machine.loop)
        recorded: list[Recorded] = []
        untouched: list[int] = []
        try:
            for group in self._groups(future):
                recorded += self._record([r for r in group if isinstance(r, Result)])
                untouched += [r.job.id for r in group if isinstance(r, _Untouched)]
            future.result(timeout=0)
        finally:
            self._end(untouched)
        return tuple(recorded)

    def _groups(self, future: Future[None]) -> Iterator[list[Result | _Untouched]]:
        """What ended, gathered; meanwhile keep the lease, and stop when the process must."""
        over = False
        while not over:
            group: list[Result | _Untouched] = []
            over = self._wait(group, future)
            if not over and group:
                time.sleep(GATHER_S if len(group) < self._claim.slots else 0)
                over = self._drain(group)
            if group:
                yield group
            self._keep_lease()

    def _wait(self, group: list[Result | _Untouched], future: Future[None]) -> bool:
        try:
            ended = self._ended.get(timeout=0.25)
        except queue.Empty:
            self._machine.cut_off(future)
            return future.done() and self._ended.empty()
        if ended is None:
            return True
        group.append(ended)
        return self._drain(group)

    def _drain(self, group: list[Result | _Untouched]) -> bool:
        while not self._ended.empty():
            ended = self._ended.get()
            if ended is None:
                return True
            group.append(ended)
        return False

    def _keep_lease(self) -> None:
        now = time.monotonic()
        if now < self._renew_at:
            return
        until = time.time() + self._lease_s
        if self._machine.ledger.write(lambda c: claims.renew(c, self._claim.lease_id, until=until)):
            self._alive_until = now + self._lease_s - MARGIN_S
            self._renew_at = now + self._lease_s / 4
        else:
            self._alive_until = 0.0

    def _record(self, results: Sequence[Result]) -> tuple[Recorded, ...]:
        if not results:
            return ()
        record = self._write_record(results)
        for item in record.recorded:
            report_recorded(item, self._destination.name)
        if record.suspended is not None:
            report_suspended(self._destination.name, record.suspended)
        self._machine.bell.ring_all(record.wake)
        return record.recorded

    def _write_record(self, results: Sequence[Result]) -> records.Record:
        """Record; while the ledger does not answer, go on trying as long as the lease is ours."""
        while True:
            try:
                return self._machine.ledger.write(
                    lambda c: records.record(
                        c,
                        results,
                        lease_id=self._claim.lease_id,
                        destination=self._destination,
                        probe_s=self._machine.settings.probe_s,
                        now=time.time(),
                    )
                )
            except SQLAlchemyError as error:
                if not self._alive():
                    raise
                log.warning("ledger_unreachable", doing="record", error=type(error).__name__)
                time.sleep(0.5)

    def _end(self, untouched: Sequence[int]) -> None:
        lease_id, name = self._claim.lease_id, self._destination.name

        def work(connection: Any) -> list[tuple[int, str]]:
            claims.hand_back(connection, lease_id, untouched)
            batch = 0 if self._machine.stopping else self._machine.settings.batch
            return claims.release(connection, lease_id, destination=name, batch=batch, now=time.time())

        self._machine.bell.ring(self._destination.system, name, self._machine.ledger.write(work))

    def _alive(self) -> bool:
        return time.monotonic() < self._alive_until

    async def _converge_all(self) -> None:
        waiting = iter(self._claim.jobs)
        client = self._machine.client(self._destination)

        async def hand() -> None:
            for job in waiting:
                if self._halted or self._machine.stopping or not self._alive():
                    self._ended.put(_Untouched(job))
                    continue
                result = await self._converge(job, client)
                if result is not None:
                    self._watch(result.outcome)
                    self._ended.put(result)

        try:
            await asyncio.gather(*(hand() for _ in range(self._claim.slots)))
        finally:
            self._ended.put(None)

    def _watch(self, outcome: Outcome) -> None:
        """Do not run the rest into a wall that this batch has just found."""
        self._failures = self._failures + 1 if isinstance(outcome, Retry) and outcome.counts else 0
        everyone = isinstance(outcome, Retry) and outcome.everyone
        if isinstance(outcome, Suspend) or everyone or self._failures >= BREAK_AFTER:
            self._halted = True

    async def _converge(self, claimed: Claimed, client: Client) -> Result | None:
        """One attempt. None when the lease was lost on the way: then it is not ours to record."""
        http = Recorder(client, alive=self._alive)
        begun = time.perf_counter()
        try:
            outcome: Outcome = await self._system.converge(self._job(claimed), http)
        except Unmappable as error:
            doubt = claimed.in_doubt or http.may_have_sent
            outcome = Reject(code=error.code, reason=str(error), hint=error.hint, hold=error.hold, in_doubt=doubt)
        except LeaseLostError:
            return None
        except asyncio.CancelledError:
            reason = "the worker was stopped while it waited for the answer"
            outcome = Retry(code="stopped", reason=reason, in_doubt=http.may_have_sent, counts=False)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not lose the order, nor stop the others
            report_defect(error, self._destination.name, claimed.number)
            reason = f"a defect in Crossdock ({type(error).__name__}); the log has the details"
            outcome = Retry(code="defect", reason=reason, in_doubt=http.may_have_sent, tries=3)
        seconds = time.perf_counter() - begun
        exchanges = tuple(http.exchanges) if not _went_well(outcome) else ()
        return Result(job=claimed, outcome=outcome, seconds=seconds, exchanges=exchanges)

    def _job(self, claimed: Claimed) -> Job[Any]:
        shop = self._machine.config.shops.get(claimed.shop)
        return Job(
            order=claimed.order,
            number=number_at_destination(claimed.order, shop) if shop else claimed.number.removeprefix("#"),
            shop=claimed.shop,
            destination=self._destination,
            in_doubt=claimed.in_doubt,
            memo=claimed.memo,
            interrupted=claimed.interrupted,
            now=time.time(),
        )


def _went_well(outcome: Outcome) -> bool:
    return not isinstance(outcome, Reject | Suspend | Retry) or (isinstance(outcome, Retry) and not outcome.counts)
