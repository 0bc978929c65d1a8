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
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from schemas.destination import Destination, Unmappable
from schemas.routing import number_at_destination
from worker.http import Client, LeaseLostError, Recorder, bounded
from worker.lease import Lease
from worker.ledger import claims, records
from worker.ledger.claims import Claim, Claimed
from worker.ledger.destinations import BREAK_AFTER
from worker.ledger.engine import away
from worker.ledger.records import Recorded, Result
from worker.machine import Machine
from worker.outcomes import Outcome, Reject, Retry, Suspend, unmappable
from worker.system import Job, System
from worker.telemetry import report_defect, report_recorded, report_suspended

log = structlog.get_logger("crossdock.delivery")

GATHER_S = 0.02
"""Results that end within this time of each other are recorded in one transaction."""

KEPT_EXCHANGES = 200
"""Of an attempt that failed, the timeline keeps so many requests with their replies: the last ones. Room for a chain of
60 lines, since what was refused may be any of them."""

AGAIN_S = 0.5
"""While the ledger does not answer, it is asked again after so long."""


def deliver(machine: Machine, system: System[Any], name: str, ids: Sequence[int]) -> tuple[Recorded, ...]:
    """Make destination ``name`` agree with the orders of these deliveries, as far as it has room for them.

    Safe to call at any time, with any ids, as often as one likes: what is not due, not ready, or in other hands is
    left alone. Returns what was recorded.
    """
    destination = machine.config.destinations.get(name)
    if destination is None or machine.stopping:
        return ()
    lease = Lease(machine.settings.lease_s)
    try:
        claim = machine.ledger.write(
            lambda connection: claims.claim(
                connection,
                destination,
                ids,
                worker=machine.name,
                lease_s=machine.settings.lease_s,
                probe_s=machine.settings.probe_s,
                now=time.time(),
                prepare=system.prepare,
            )
        )
    except SQLAlchemyError as error:
        if not away(error):
            raise
        log.warning("ledger_unreachable", doing="claim", error=type(error).__name__)
        return ()  # the sweep rings again
    if claim is None:
        return ()
    return _Batch(machine, system, destination, claim, lease).run()


@dataclass(frozen=True, slots=True)
class _Untouched:
    """A claimed delivery that was not begun."""

    job: Claimed


_Ended = Result | _Untouched


class _Batch:
    """The deliveries of one claim: a few in flight at a time on the loop, recorded from this thread."""

    def __init__(
        self, machine: Machine, system: System[Any], destination: Destination, claim: Claim, lease: Lease
    ) -> None:
        self._machine = machine
        self._system = system
        self._destination = destination
        self._claim = claim
        self._lease = lease
        self._ended: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        self._working: asyncio.Task[None] | None = None
        self._halted = False
        self._failures = 0

    def run(self) -> tuple[Recorded, ...]:
        """Work until every delivery is recorded or handed back, then end the lease and ring for the next."""
        future = asyncio.run_coroutine_threadsafe(self._converge_all(), self._machine.loop)
        recorded: list[Recorded] = []
        untouched: list[int] = []
        try:
            for group in self._groups(future):
                untouched += [r.job.id for r in group if isinstance(r, _Untouched)]
                recorded += self._record([r for r in group if isinstance(r, Result)])
        finally:
            self._lease.lose()  # nothing more is sent under a lease that ends
            self._end(untouched)
        return tuple(recorded)

    def _groups(self, future: Future[None]) -> Iterator[list[_Ended]]:
        """What ended, gathered; meanwhile keep the lease, and stop when the process must."""
        over, left = False, len(self._claim.jobs)
        while not over:
            group: list[_Ended] = []
            over = self._wait(group, future)
            if not over and 0 < len(group) < left:
                time.sleep(GATHER_S)
                over = self._drain(group)
            if group:
                left -= len(group)
                yield group
            self._keep_lease()

    def _wait(self, group: list[_Ended], future: Future[None]) -> bool:
        try:
            ended = self._ended.get(timeout=min(0.25, self._lease.seconds / 8))
        except queue.Empty:
            if self._machine.out_of_time and self._working is not None:
                self._machine.loop.call_soon_threadsafe(self._working.cancel)
            return future.done() and self._ended.empty()
        if ended is None:
            return True
        group.append(ended)
        return self._drain(group)

    def _drain(self, group: list[_Ended]) -> bool:
        while not self._ended.empty():
            ended = self._ended.get()
            if ended is None:
                return True
            group.append(ended)
        return False

    def _keep_lease(self) -> None:
        if not self._lease.wants_renewal or not self._lease.alive:
            return
        since, lease_id = Lease.clocks(), self._claim.lease_id
        try:
            kept = self._machine.ledger.write(
                lambda c: claims.renew(c, lease_id, lease_s=self._lease.seconds, now=time.time())
            )
        except SQLAlchemyError as error:
            log.warning("ledger_unreachable", doing="renew", error=type(error).__name__)
            return
        if kept:
            self._lease.keep(since=since)
        else:
            self._lease.lose()

    def _record(self, results: Sequence[Result]) -> tuple[Recorded, ...]:
        if not results:
            return ()
        try:
            record = self._write_record(results)
        except Exception as error:  # noqa: BLE001 - one outcome that cannot be stored must not take others with it
            return self._not_recorded(results, error)
        if not record.open:
            self._halted = True  # paused or suspended, perhaps by another worker's batch
        for item in record.recorded:
            report_recorded(item, self._destination.name)
        if record.suspended is not None:
            report_suspended(self._destination.name, record.suspended)
        self._machine.ringer.ring_all(record.wake)
        return record.recorded

    def _not_recorded(self, results: Sequence[Result], error: Exception) -> tuple[Recorded, ...]:
        """Record them one by one; what is lost all the same is taken back when the lease ends, and looked up."""
        if isinstance(error, SQLAlchemyError) and away(error):
            log.error("not_recorded", destination=self._destination.name, deliveries=len(results))
        elif len(results) == 1:
            report_defect(error, self._destination.name, results[0].job.number)
        else:
            return tuple(item for result in results for item in self._record([result]))
        return ()

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
                if not away(error) or not self._lease.alive:
                    raise
                log.warning("ledger_unreachable", doing="record", error=type(error).__name__)
                time.sleep(AGAIN_S)

    def _end(self, untouched: Sequence[int]) -> None:
        lease_id, destination = self._claim.lease_id, self._destination

        def work(connection: Connection) -> list[tuple[int, str]]:
            batch = 0 if self._machine.stopping else self._machine.settings.batch
            return claims.release(
                connection, lease_id, destination=destination.name, untouched=untouched, batch=batch, now=time.time()
            )

        try:
            waiting = self._machine.ledger.write(work)
        except SQLAlchemyError as error:
            # The lease ends by itself, and the sweep takes back what is under it.
            log.warning("ledger_unreachable", doing="release", error=type(error).__name__)
            return
        # At once, and not through the ringer: the slots are free now.
        self._machine.bell.ring(destination.system, destination.name, waiting)

    async def _converge_all(self) -> None:
        self._working = asyncio.current_task()
        room = asyncio.Semaphore(self._claim.slots)
        waiting = iter(self._claim.jobs)

        async def hand(client: Client) -> None:
            for job in waiting:
                if self._halted or self._machine.stopping or not self._lease.alive:
                    self._ended.put(_Untouched(job))
                    continue
                ended = await self._converge(job, client, room)
                if isinstance(ended, Result):
                    self._watch(ended.outcome)
                if ended is not None:
                    self._ended.put(ended)

        try:
            client = self._machine.client(self._destination)
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._claim.slots, len(self._claim.jobs))):
                    group.create_task(hand(client))
        except Exception as error:  # noqa: BLE001 - as below; what was not begun is handed back
            report_defect(error, self._destination.name, self._claim.jobs[0].number)
        finally:
            for job in waiting:
                self._ended.put(_Untouched(job))
            self._ended.put(None)

    def _watch(self, outcome: Outcome) -> None:
        """Do not run the rest into a wall that this batch has just found."""
        self._failures = self._failures + 1 if isinstance(outcome, Retry) and outcome.counts else 0
        everyone = isinstance(outcome, Retry) and outcome.everyone
        if isinstance(outcome, Suspend) or everyone or self._failures >= BREAK_AFTER:
            self._halted = True

    async def _converge(self, claimed: Claimed, client: Client, room: asyncio.Semaphore) -> _Ended | None:
        """One attempt. None when the lease was lost on the way: then it is not ours to record."""
        http = Recorder(client, alive=lambda: self._lease.alive, room=room)
        begun = time.perf_counter()
        interrupted = False
        try:
            outcome: Outcome = await self._system.converge(self._job(claimed), http)
        except Unmappable as error:
            doubt = claimed.in_doubt or http.may_have_sent
            outcome = unmappable(error, in_doubt=doubt)
        except LeaseLostError:
            return None
        except asyncio.CancelledError:
            if not http.may_have_sent:
                return _Untouched(claimed)
            reason = "the worker was stopped while it waited for the answer"
            outcome, interrupted = Retry(code="stopped", reason=reason, in_doubt=True, counts=False), True
        except Exception as error:  # noqa: BLE001 - a defect of ours must not lose the order, nor stop the others
            report_defect(error, self._destination.name, claimed.number)
            reason = f"a defect in Crossdock ({type(error).__name__}); the log has the details"
            outcome, interrupted = Retry(code="defect", reason=reason, in_doubt=http.may_have_sent, tries=3), True
        return Result(
            job=claimed,
            outcome=outcome,
            seconds=time.perf_counter() - begun,
            exchanges=() if _went_well(outcome) else tuple(map(bounded, http.exchanges[-KEPT_EXCHANGES:])),
            answered=http.answered,
            interrupted=interrupted,
        )

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
