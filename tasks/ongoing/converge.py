"""Ongoing WMS: create, change and cancel a warehouse order, through either of its doors (contracts/ongoing.md).

A write is an upsert by goods owner and order number, so writing twice makes one order. What has to be looked up is
whether the number is ours, and whether there is anything left to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.destination import Unmappable
from schemas.echo import whole
from schemas.ongoing import OngoingDestination, goods_order, nothing_wanted, to_ship
from schemas.ongoing_reply import FoundOrder, differences
from schemas.order import Order
from tasks.ongoing.door import Door
from tasks.ongoing.replies import ALREADY, LOOK_AGAIN_S, LOOKING, cancelled, delivered
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend, unmappable
from worker.system import Http, Job

TRIED = 5
"""Versions that are remembered until the warehouse answers."""

LAG_S = 30.0
"""An order may stay invisible for so long after it was written (section 1.5)."""


async def converge_through(door: Door, job: Job[OngoingDestination], http: Http) -> Outcome:
    """Make the warehouse agree: the order there and equal, or not there where nothing is wanted of it any more."""
    may_be_there = job.in_doubt or _order_id(job) is not None
    if job.order.cancelled or (may_be_there and nothing_wanted(job.order)):
        return await _cancel(door, job, http)
    if not to_ship(job.order):
        return Delivered(reference=_reference(job), note=_nothing_to_ship(job), memo=job.memo)
    try:
        body, warnings = desired(job)
    except Unmappable as problem:
        # The warehouse may have an earlier version, and ship it.
        return unmappable(problem, in_doubt=may_be_there, hold=may_be_there)
    if _number(job) != job.number:
        warnings = (*warnings, f"the warehouse keeps the order under its earlier number {_number(job)}")
    decided = await _write(door, job, http, body)
    return replace(decided, warnings=(*warnings, *decided.warnings)) if isinstance(decided, Delivered) else decided


def desired(job: Job[OngoingDestination]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the warehouse should have, as the body of PUT /orders, and warnings. Raises Unmappable."""
    return goods_order(job.order, number=_number(job), shop=job.shop, destination=job.destination)


async def _write(door: Door, job: Job[OngoingDestination], http: Http, body: Mapping[str, Any]) -> Outcome:
    number = _number(job)
    amends, unlike = _order_id(job) is not None, ""
    if job.in_doubt:
        found = await _look(door, job, http)
        if isinstance(found, Retry | Reject | Suspend):
            return found
        if found is None:
            waiting = _look_again(job, "written_at") if "written_at" in job.memo else None
            if waiting is not None:
                return waiting
        else:
            unlike = ", ".join(differences(body, found))
            if not unlike and not found.cancelled and not _others_in_the_air(job):
                return delivered(found.order_id, number, note="found at the warehouse, equal to the order")
            amends = True
    reply = await http.send(door.write(body))
    decided = await door.blamed(door.written(reply, number=number, now=job.now, amends=amends), http, now=job.now)
    if isinstance(decided, Retry) and decided.code == LOOKING:
        return await _look_up_written(door, job, http)
    if isinstance(decided, Reject) and decided.code == "change_refused":
        found = await _look(door, job, http)
        equal = isinstance(found, FoundOrder) and not found.cancelled and not differences(body, found)
        if isinstance(found, FoundOrder) and equal and _others_in_the_air(job):
            return delivered(found.order_id, number, note="found at the warehouse, equal to the order")
        decided = _begun(job, decided, found, what="the change was not made there")
        return replace(decided, reason=f"{decided.reason} There it differs in {unlike}.") if unlike else decided
    return decided


def prepare(order: Order, memo: Mapping[str, Any], _: OngoingDestination, __: object) -> Mapping[str, Any]:
    """The versions that were or are to be written since the warehouse's last answer stand in the ledger before."""
    version, tried = order.content()[:16], list(memo.get("tried", ()))
    if order.cancelled or tried[-1:] == [version]:
        return memo
    return {**memo, "tried": [*(one for one in tried if one != version), version][-TRIED:]}


def _others_in_the_air(job: Job[OngoingDestination]) -> bool:
    """Another version than the newest, not answered, may still come over what is there.

    Writing once more settles it: the warehouse carries writes out one after the other (section 1.8).
    """
    return len(job.memo.get("tried", ())) > 1


async def _look_up_written(door: Door, job: Job[OngoingDestination], http: Http) -> Outcome:
    """What PUT took without telling its orderId (section 1.5). It may need a while to show."""
    number = _number(job)
    found = await _look(door, job, http)
    if isinstance(found, Retry):
        return replace(found, in_doubt=True)
    if isinstance(found, Suspend):  # later: the PUT got through, which a suspension would not remember
        return Retry(code=found.code, reason=found.reason, in_doubt=True)
    if isinstance(found, FoundOrder):
        return delivered(found.order_id, number, note="taken by the warehouse, and looked up by its number")
    return (
        found
        or _look_again(job, "written_at")
        or Reject(
            code="not_shown",
            reason=f"The warehouse took order {number}, and after {LAG_S:.0f} s it does not show it.",
            hint="Ask the warehouse whether it has the order, then replay.",
            hold=True,
            in_doubt=True,
        )
    )


async def _cancel(door: Door, job: Job[OngoingDestination], http: Http) -> Outcome:
    number, order_id = _number(job), _order_id(job)
    if not job.in_doubt and order_id is None:
        return Delivered(reference=None, note="nothing was sent to the warehouse")
    if not job.in_doubt and job.memo.get("cancelled"):
        return cancelled(order_id, number, note="cancelled at the warehouse before")
    if job.in_doubt:
        found = await _look(door, job, http)
        absent = found is None or (isinstance(found, Reject) and found.code == "number_taken")
        if absent and order_id is None:  # and never delete by a number that is not ours
            return _look_again(job, "absent_since") or cancelled(None, number, note="nothing is there to cancel")
        if isinstance(found, Retry | Reject | Suspend):
            return found
        if found is not None and found.cancelled:
            return cancelled(found.order_id, number)
        order_id = order_id if found is None else found.order_id
    reply = await http.send(door.cancel(number))
    found = None
    if door.may_be_absent(reply):
        found = await _look(door, job, http)
        if not isinstance(found, FoundOrder):
            return found or _absent(door, job, order_id)
    decided = door.cancel_outcome(reply, number=number, now=job.now, order_id=order_id)
    decided = await door.blamed(decided, http, now=job.now)
    if isinstance(decided, Reject):
        found = found or await _look(door, job, http)
        if isinstance(found, FoundOrder) and found.cancelled:
            return cancelled(found.order_id, number, note=ALREADY)
        return _begun(job, decided, found, what="it was not cancelled there")
    return decided


def _absent(door: Door, job: Job[OngoingDestination], order_id: int | None) -> Outcome:
    """The order does not show. Where the refusal did not say so as well, that is seen twice, apart."""
    waiting = None if door.names_absence else _look_again(job, "absent_since")
    return waiting or cancelled(order_id, _number(job), note="nothing is there to cancel any more")


def _begun(job: Job[OngoingDestination], refused: Reject, found: object, *, what: str) -> Reject:
    """The refusal in words that a person can act on, where the order's status tells that work has begun."""
    if not isinstance(found, FoundOrder) or found.status is None or found.cancelled:
        return refused
    if found.status < job.destination.begun_from:
        return refused
    status = f"{found.status} {found.status_text}".strip()
    return replace(
        refused,
        code="begun",
        reason=f"The warehouse has begun with order {_number(job)} (status {status}): {what}. {refused.reason}",
        hint="Stop it at the warehouse and replay; or accept it as it is there.",
    )


async def _look(door: Door, job: Job[OngoingDestination], http: Http) -> FoundOrder | Retry | Reject | Suspend | None:
    """Our order at the warehouse, None where the number is free, or why one cannot go on."""
    number = _number(job)
    found = await door.look(number, http, now=job.now)
    if not isinstance(found, list):
        return found
    ours = [one for one in found if one.order_id == _order_id(job) or one.belongs_to(job.order, shop=job.shop)]
    alive = [one for one in ours if not one.cancelled] or ours[-1:]
    if len(alive) == 1 or not found:
        return alive[0] if alive else None
    ids = ", ".join(str(one.order_id) for one in found)
    if alive:
        reason = f"The warehouse has order {number} {len(alive)} times (orderId {ids})."
        return Reject(code="duplicates", reason=reason, hint="Cancel all but one there, then replay.", hold=True)
    return Reject(
        code="number_taken",
        reason=f"The number {number} belongs to another order at the warehouse (orderId {ids}); it was left alone.",
        hint=f"Give the shop {job.shop} a number_prefix, or edit this order's number, then replay.",
        hold=True,
    )


def _look_again(job: Job[OngoingDestination], since: str) -> Retry | None:
    """A second look later, until LAG_S have passed since the first, whose time the memo keeps under ``since``."""
    first = float(job.memo.get(since, job.now))
    if job.now - first >= LAG_S:
        return None
    return Retry(
        code=LOOKING,
        reason=f"The warehouse does not show order {_number(job)} yet; it is looked for again.",
        after=LOOK_AGAIN_S,
        in_doubt=True,
        counts=False,
        memo={**job.memo, since: first},
    )


def _order_id(job: Job[OngoingDestination]) -> int | None:
    return whole(job.memo.get("order_id"))


def _reference(job: Job[OngoingDestination]) -> str | None:
    order_id = _order_id(job)
    return None if order_id is None else str(order_id)


def _number(job: Job[OngoingDestination]) -> str:
    """The number under which the warehouse has the order: a prefix that came later must not make a second one."""
    return str(job.memo.get("number") or job.number)


def _nothing_to_ship(job: Job[OngoingDestination]) -> str:
    lines = job.order.lines
    if not lines:
        return "nothing to ship: the order has no lines"
    if not any(line.shippable for line in lines):
        return "nothing to ship: every line is a service, a download or a gift card"
    if nothing_wanted(job.order):
        return "nothing to ship: every line that could be shipped was refunded or taken off"
    return "nothing to ship: what could be shipped has been shipped"
