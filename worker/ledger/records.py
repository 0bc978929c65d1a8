"""What an attempt decided becomes what the ledger says: delivery, destination, timeline and the next step at once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from schemas.destination import Destination, RetryRule
from worker.ledger.book import Book, DeliveryState, OrderState, its_turn, landed, next_in_turn
from worker.ledger.claims import Claimed
from worker.ledger.destinations import Health
from worker.ledger.tally import Tally
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One attempt that ended.

    Attributes:
        exchanges: its requests and replies, redacted, for the timeline.
        answered: the destination answered it at all; a decision without that says nothing of the connection.
        interrupted: it ended without an outcome of the system's: stopped, or failed by a defect.
    """

    job: Claimed
    outcome: Outcome
    seconds: float
    exchanges: tuple[Mapping[str, Any], ...] = ()
    answered: bool
    interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the ledger now says of a result; ``state`` is None where the lease was lost and nothing was recorded."""

    result: Result
    state: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A transaction's worth of recorded results.

    Attributes:
        wake: the deliveries to ring for: (system, destination, id, number).
        suspended: the suspension, where this brought it.
        open: the destination takes more; False while it is paused or suspended.
    """

    recorded: tuple[Recorded, ...]
    wake: tuple[tuple[str, str, int, str], ...]
    suspended: Suspend | None
    open: bool


def backoff(rule: RetryRule, *, failures: int, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Full jitter: seconds drawn from 0 to min(cap_s, base_s * 2^(failures - 1))."""
    return draw(0.0, min(rule.cap_s, rule.base_s * 2.0 ** min(failures - 1, 60)))


def telling(failures: int) -> bool:
    """Whether the timeline shows this failure: the first three, then the 4th, 8th, 16th and so on.

    A day of retries is a dozen lines with their exchanges, and not six hundred; the delivery itself always has the
    newest reason, the count and the next time.
    """
    return failures <= 3 or failures & (failures - 1) == 0


def record(
    connection: Connection,
    results: Sequence[Result],
    *,
    lease_id: str,
    destination: Destination,
    probe_s: float,
    now: float,
) -> Record:
    """Record results of one destination, those whose lease still holds."""
    health = Health.lock(connection, destination, now=now, probe_s=probe_s)
    for result in results:
        health.see(result.outcome, probe=result.job.probe, answered=result.answered)
    health.lock_orders(result.job.order_id for result in results)
    book = Book(connection)
    orders = {state.id: state for state in book.load(result.job.order_id for result in results)}
    tally = Tally()
    recorded: list[Recorded] = []
    wake: list[tuple[str, str, int, str]] = []
    for result in results:
        state = orders[result.job.order_id]
        delivery = next(d for d in state.deliveries if d.id == result.job.id)
        if delivery.lease_id != lease_id:
            recorded.append(Recorded(result=result, state=None, reason="the lease was lost"))
            continue
        _apply(state, delivery, result, rule=destination.retry, now=now)
        landed(state, delivery, changed=state.content != result.job.content, now=now)
        tally.attempt(
            destination=destination.name,
            outcome=type(result.outcome).__name__.lower(),
            seconds=result.seconds,
        )
        for woken in _next(state, delivery, result.job, now=now):
            wake.append((woken.system, woken.destination, woken.id or 0, state.number))
        recorded.append(Recorded(result=result, state=delivery.state, reason=delivery.reason))
    book.save()
    health.save()
    tally.save(connection)
    return Record(
        recorded=tuple(recorded),
        wake=tuple(wake),
        suspended=health.newly_suspended,
        open=health.status == "open",
    )


def _apply(state: OrderState, delivery: DeliveryState, result: Result, *, rule: RetryRule, now: float) -> None:
    outcome, job = result.outcome, result.job
    delivery.lease_id, delivery.crashes, delivery.changed_at = None, 0, now
    delivery.interrupted = result.interrupted or (delivery.interrupted and not _settled(outcome))
    data = {"exchanges": list(result.exchanges)} if result.exchanges else None
    name = delivery.destination
    for step in outcome.steps:
        state.tell("step", step, now, destination=name)
    if not isinstance(outcome, Delivered) and outcome.memo is not None:
        delivery.memo = json.dumps(dict(outcome.memo))
    if isinstance(outcome, Delivered):
        _delivered(state, delivery, outcome, job, now)
    elif isinstance(outcome, Retry):
        if not (outcome.counts or outcome.in_doubt or result.answered or result.interrupted):
            delivery.attempts -= 1  # it only waited: nothing was sent
        delivery.first_try_at = delivery.first_try_at or now - result.seconds
        _retry(state, delivery, outcome, rule=rule, data=data, now=now)
    elif isinstance(outcome, Reject):
        delivery.in_doubt = outcome.in_doubt or (outcome.hold and delivery.in_doubt)
        if outcome.hold:
            delivery.hold("person", reason=outcome.reason, hint=outcome.hint, code=outcome.code)
        else:
            delivery.die(outcome.reason, hint=outcome.hint, code=outcome.code)
        state.tell(delivery.state, outcome.reason, now, destination=name, data=data)
    else:
        if job.probe and not outcome.steps:
            delivery.attempts -= 1
        delivery.in_doubt = delivery.in_doubt or outcome.in_doubt
        delivery.first_try_at = None  # waiting for the connection is not the order's time
        delivery.hold("destination", reason=outcome.reason, hint=outcome.hint, code=outcome.code)
        if not job.probe:
            state.tell("held", outcome.reason, now, destination=name, data=data)


def _settled(outcome: Outcome) -> bool:
    """The system has taken an interrupted attempt before this one into account: it knows, or begins to look anew."""
    if isinstance(outcome, Delivered) or (isinstance(outcome, Reject) and not outcome.in_doubt):
        return True
    return outcome.memo is not None


def _delivered(state: OrderState, delivery: DeliveryState, outcome: Delivered, job: Claimed, now: float) -> None:
    gone = job.order.cancelled
    delivery.restart(now)
    delivery.state, delivery.rung_at = "cancelled" if gone else "delivered", None
    delivery.reference = outcome.reference if outcome.reference is not None else delivery.reference
    delivery.memo = json.dumps(dict(outcome.memo)) if outcome.memo else delivery.memo
    delivery.content_done = None if gone else job.content
    delivery.in_doubt, delivery.reason = False, outcome.note
    text = "cancelled there" if gone else "delivered"
    if outcome.reference:
        text += f" as {outcome.reference}"
    if outcome.note:
        text += f": {outcome.note}"
    state.tell(delivery.state, text, now, destination=delivery.destination)
    for warning in outcome.warnings:
        state.tell("note", warning, now, destination=delivery.destination)


def _retry(
    state: OrderState,
    delivery: DeliveryState,
    outcome: Retry,
    *,
    rule: RetryRule,
    data: Mapping[str, Any] | None,
    now: float,
) -> None:
    delivery.in_doubt = delivery.in_doubt or outcome.in_doubt
    if outcome.counts:
        delivery.failures += 1
        delivery.alike = delivery.alike + 1 if delivery.failing == outcome.code else 1
        delivery.failing = outcome.code
    gave_up = _gave_up(delivery, outcome, rule, now)
    if gave_up:
        hint = "See to the cause at the destination, then replay."
        delivery.die(gave_up + outcome.reason, hint=hint, code=outcome.code)
        state.tell("dead", delivery.reason, now, destination=delivery.destination, data=data)
        return
    wait = outcome.after or 0.0
    if outcome.counts:
        wait = max(wait, backoff(rule, failures=delivery.failures))
    news = telling(delivery.failures) and (outcome.counts or outcome.reason != delivery.reason)
    delivery.go(now + wait, state="retrying")
    delivery.code, delivery.reason = outcome.code, outcome.reason
    if news:
        kind, text = "looking", outcome.reason
        if outcome.counts:
            kind, text = "retrying", f"{outcome.reason.removesuffix('.')}; next try in {wait:.0f} s"
        state.tell(kind, text, now, destination=delivery.destination, data=data)


def _gave_up(delivery: DeliveryState, outcome: Retry, rule: RetryRule, now: float) -> str:
    """Why it is not tried again, as the beginning of a sentence; empty where it is."""
    if now - (delivery.first_try_at or now) >= rule.give_up_h * 3600:
        return f"gave up after {rule.give_up_h:g} h: "
    if outcome.counts and outcome.tries is not None and delivery.alike >= outcome.tries:
        return f"gave up after {delivery.alike} tries: "
    return ""


def _next(state: OrderState, delivery: DeliveryState, job: Claimed, *, now: float) -> list[DeliveryState]:
    """What may go now: this delivery again when the order changed meanwhile, else the next one of the route."""
    if delivery.state not in ("delivered", "cancelled") or state.hold is not None or state.test:
        return []
    if job.content != state.content and not (state.cancelled and delivery.state == "cancelled"):
        delivery.restart(now)
        state.tell("changed", "the shop changed the order meanwhile", now, destination=delivery.destination)
        if its_turn(state, delivery):
            return [delivery]
        delivery.go(now, state="waiting")
    later = next_in_turn(state)
    if later is None:
        return []
    later.restart(now)
    return [later]
