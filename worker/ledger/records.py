"""What an attempt decided becomes what the ledger says: delivery, destination, timeline and the next step at once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from schemas.destination import Destination, RetryRule
from worker.ledger.book import Book, DeliveryState, OrderState
from worker.ledger.claims import Claimed
from worker.ledger.destinations import Health, suspend
from worker.ledger.tally import Tally
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One attempt that ended. ``exchanges``: its requests and replies, redacted, for the timeline."""

    job: Claimed
    outcome: Outcome
    seconds: float
    exchanges: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the ledger now says of a result; ``state`` is None where the lease was lost and nothing was recorded."""

    result: Result
    state: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A transaction's worth of recorded results, and the deliveries to wake: (system, destination, id, number)."""

    recorded: tuple[Recorded, ...]
    wake: tuple[tuple[str, str, int, str], ...]
    suspended: Suspend | None


def backoff(rule: RetryRule, *, failures: int, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Full jitter: seconds drawn from 0 to min(cap_s, base_s * 2^(failures - 1))."""
    return draw(0.0, min(rule.cap_s, rule.base_s * 2.0 ** min(failures - 1, 60)))


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
        _follow(state, delivery, result.job, now=now)
        health.see(result.outcome)
        tally.attempt(
            destination=destination.name,
            outcome=type(result.outcome).__name__.lower(),
            seconds=result.seconds,
        )
        for woken in _next(state, delivery, now=now):
            wake.append((woken.system, woken.destination, woken.id or 0, state.number))
        recorded.append(Recorded(result=result, state=delivery.state, reason=delivery.reason))
    book.save()
    health.save()
    tally.save(connection)
    if health.suspended is not None:
        suspend(
            connection,
            destination.name,
            code=health.suspended.code,
            reason=health.suspended.reason,
            hint=health.suspended.hint,
            probe_at=now + probe_s,
            now=now,
        )
    return Record(recorded=tuple(recorded), wake=tuple(wake), suspended=health.newly_suspended)


def _apply(state: OrderState, delivery: DeliveryState, result: Result, *, rule: RetryRule, now: float) -> None:
    outcome, job = result.outcome, result.job
    delivery.lease_id, delivery.crashes, delivery.changed_at = None, 0, now
    data = {"exchanges": list(result.exchanges)} if result.exchanges else None
    name = delivery.destination
    if isinstance(outcome, Delivered):
        _delivered(state, delivery, outcome, job, now)
    elif isinstance(outcome, Retry):
        _retry(state, delivery, outcome, rule=rule, data=data, now=now)
    elif isinstance(outcome, Reject):
        delivery.code, delivery.reason, delivery.hint = outcome.code, outcome.reason, outcome.hint
        delivery.in_doubt = outcome.in_doubt or (outcome.hold and delivery.in_doubt)
        if outcome.hold:
            delivery.hold("person", reason=outcome.reason, hint=outcome.hint, code=outcome.code)
        else:
            delivery.state = "dead"
        state.tell(delivery.state, outcome.reason, now, destination=name, data=data)
    else:
        if job.probe:
            delivery.attempts -= 1
        delivery.first_try_at = None  # waiting for the connection is not the order's time
        delivery.hold("destination", reason=outcome.reason, hint=outcome.hint, code=outcome.code)
        if not job.probe:
            state.tell("held", outcome.reason, now, destination=name, data=data)


def _follow(state: OrderState, delivery: DeliveryState, job: Claimed, *, now: float) -> None:
    """The order may have changed while this attempt was on its way: what it decided is of the older version."""
    if delivery.state in ("delivered", "cancelled"):
        return
    if state.cancelled and not delivery.may_be_there:
        delivery.go(now, state="cancelled")
        delivery.reason = "cancelled before it was sent"
    elif state.hold is not None and delivery.state == "retrying":
        delivery.hold("order", reason=state.hold, code="order_held")
    elif state.content != job.content and (delivery.state == "dead" or delivery.held_by == "person"):
        delivery.go(now, state="retrying")
        state.tell("changed", "the shop changed the order meanwhile", now, destination=delivery.destination)


def _delivered(state: OrderState, delivery: DeliveryState, outcome: Delivered, job: Claimed, now: float) -> None:
    gone = job.order.cancelled
    delivery.state = "cancelled" if gone else "delivered"
    delivery.reference = outcome.reference if outcome.reference is not None else delivery.reference
    delivery.memo = json.dumps(dict(outcome.memo)) if outcome.memo else delivery.memo
    delivery.content_done = None if gone else job.content
    delivery.failures, delivery.failing, delivery.alike, delivery.in_doubt = 0, "", 0, False
    delivery.code, delivery.reason, delivery.hint = "", outcome.note, ""
    delivery.held_by = None
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
    if outcome.memo is not None:
        delivery.memo = json.dumps(dict(outcome.memo))
    if not outcome.counts:
        delivery.go(now + (outcome.after or 0.0), state="retrying")
        delivery.code, delivery.reason = outcome.code, outcome.reason
        state.tell("looking", outcome.reason, now, destination=delivery.destination)
        return
    delivery.failures += 1
    delivery.alike = delivery.alike + 1 if delivery.failing == outcome.code else 1
    delivery.failing = outcome.code
    tried = now - (delivery.first_try_at or now)
    gave_up = ""
    if tried >= rule.give_up_h * 3600:
        gave_up = f"gave up after {rule.give_up_h:g} h: "
    elif outcome.tries is not None and delivery.alike >= outcome.tries:
        gave_up = f"gave up after {delivery.alike} tries: "
    if gave_up:
        delivery.state, delivery.code, delivery.reason = "dead", outcome.code, gave_up + outcome.reason
        delivery.hint = "See to the cause at the destination, then replay."
        state.tell("dead", delivery.reason, now, destination=delivery.destination, data=data)
        return
    wait = max(outcome.after or 0.0, backoff(rule, failures=delivery.failures))
    delivery.go(now + wait, state="retrying")
    delivery.code, delivery.reason = outcome.code, outcome.reason
    state.tell(
        "retrying",
        f"{outcome.reason}; next try in {wait:.0f} s",
        now,
        destination=delivery.destination,
        data=data,
    )


def _next(state: OrderState, delivery: DeliveryState, *, now: float) -> list[DeliveryState]:
    """What may go now: this delivery again when the order changed meanwhile, else the next one of the route."""
    if delivery.state not in ("delivered", "cancelled"):
        return []
    if delivery.state == "delivered" and delivery.content_done != state.content:
        delivery.go(now)
        delivery.rung_at = now
        state.tell("changed", "the shop changed the order meanwhile", now, destination=delivery.destination)
        return [delivery]
    if state.cancelled or state.hold is not None:
        return []
    for later in state.deliveries:
        if later.state == "waiting":
            if later.position > delivery.position and all(
                d.state in ("delivered", "cancelled") for d in state.deliveries if d.position < later.position
            ):
                later.go(now)
                later.rung_at = now
                return [later]
            return []
    return []
