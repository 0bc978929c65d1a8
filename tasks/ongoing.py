"""Ongoing WMS over REST: create, change and cancel a warehouse order (contracts/ongoing.md).

PUT /orders is an upsert by goods owner and order number, so writing twice makes one order. What has to be looked up
is whether the number is ours, and whether there is anything left to write.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from schemas.destination import Unmappable
from schemas.echo import members, whole
from schemas.http import Call, Reply
from schemas.ongoing import OngoingDestination, goods_order, nothing_wanted, to_ship
from schemas.ongoing_reply import FoundOrder, differences, field_errors, found_orders, said
from worker.app import delivery_task
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http, Job, System

LAG_S = 30.0
"""An order may stay invisible for so long after it was written (section 1.5)."""

LOOK_AGAIN_S = 5.0

SERVER_FAULT_TRIES = 12
"""A blanket 500 may be the server's trouble or this order's: after so many it is for a person (section 1.8)."""

LONGEST_WAIT = 86_400.0
"""Seconds of Retry-After that are believed."""

LOOKING = "looking"
PROBE_NUMBER = "crossdock-probe"

# Nothing looser: "already shipped, cannot be cancelled" is a real refusal (section 1.8).
_ALREADY_CANCELLED = re.compile(r"\balready\s+(been\s+)?cancell?ed\b", re.IGNORECASE)


# ---------------------------------------------------------------- what a reply means (sections 1.5 and 1.8)


def outcome(reply: Reply, *, number: str, destination: str, now: float, amends: bool = False) -> Outcome:
    """Say what an answer to PUT /orders means.

    Args:
        number: the order's number at the warehouse, for messages.
        destination: its name, for the hints.
        now: UNIX seconds, for a ``Retry-After`` that is a date.
        amends: the warehouse has an earlier version of the order.

    Returns:
        ``Retry(code="looking")`` for a 2xx without a numeric orderId: it is to be looked up by number.
    """
    trouble = connection_trouble(reply, destination=destination, now=now)
    if trouble is not None:
        return trouble
    if reply.ok:
        order_id = whole(members(reply.json()).get("orderId"))
        if order_id is not None:
            return _delivered(order_id, number)
        reason = f"The warehouse answered {reply.status} without the orderId of {number}; it is looked up by number."
        return Retry(code=LOOKING, reason=reason, after=LOOK_AGAIN_S, in_doubt=True, counts=False)
    if field_errors(reply):
        reason = f"The warehouse could not read order {number} ({_text(reply)})."
        hint = f"Mend the fields that it names, by an edit or in [destinations.{destination}], then replay."
        return Reject(code="invalid", reason=reason, hint=hint, hold=amends, in_doubt=amends)
    if amends:
        return Reject(
            code="change_refused",
            reason=f"The warehouse refused the change of order {number} and keeps it as it was ({_text(reply)}).",
            hint="It refuses changes once it has begun on an order. Settle the change with the warehouse; if the "
            "text above names another cause, mend that. Then replay: what is equal by then is left as it is.",
            hold=True,
            in_doubt=True,
        )
    return Reject(
        code="refused",
        reason=f"The warehouse refused order {number} ({_text(reply)}).",
        hint="An article that it does not know has to be created there, or mapped in "
        f"[destinations.{destination}.skus]; goods_owner_id has to be the one of the login. Then replay.",
    )


def cancel_outcome(reply: Reply, *, number: str, destination: str, now: float, order_id: int | None = None) -> Outcome:
    """Say what an answer to DELETE /orders means. Arguments as at :func:`outcome`; ``order_id`` where it is known."""
    if reply.status != 404:  # by number, it may be the order that is not found, and not the address
        trouble = connection_trouble(reply, destination=destination, now=now)
        if trouble is not None:
            return trouble
    if reply.ok:
        return _cancelled(order_id or whole(members(reply.json()).get("orderId")), number)
    if _ALREADY_CANCELLED.search(said(reply)):
        return _cancelled(order_id, number, note="it was cancelled at the warehouse already")
    return Reject(
        code="cancel_refused",
        reason=f"The warehouse would not cancel order {number} ({_text(reply)}).",
        hint="It goes on with the order. Have it cancelled there by hand, then replay; or let it go.",
        hold=True,
        in_doubt=True,
    )


def look_outcome(
    reply: Reply, *, number: str, destination: str, now: float
) -> list[FoundOrder] | Retry | Reject | Suspend:
    """Say what an answer to GET /orders means: the orders with this number, or why one cannot know."""
    trouble = connection_trouble(reply, destination=destination, now=now)
    if trouble is not None:
        return trouble
    if not reply.ok:
        reason = f"The warehouse refused the look-up of order {number} ({_text(reply)})."
        hint = f"Check goods_owner_id in [destinations.{destination}] and the order's number, then replay."
        return Reject(code="look_refused", reason=reason, hint=hint, hold=True, in_doubt=True)
    try:
        return found_orders(reply.json(), number=number)
    except ValueError:
        reason = f"The warehouse answered the look-up of order {number} with something that is no list of orders."
        return Retry(code="unreadable", reason=reason, in_doubt=True)


def connection_trouble(reply: Reply, *, destination: str, now: float) -> Retry | Suspend | None:
    """What says nothing about the order: no answer, a server that is busy or broken, a wrong address or login."""
    status = reply.status
    if reply.fault is not None or status is None:
        return _no_answer(reply)
    if status in (408, 425, 429) or (status >= 500 and status != 501):
        after = retry_after(reply, now=now)
        return Retry(
            code=str(status),
            reason=f"The warehouse's server is busy or broken ({_text(reply)}).",
            after=after,
            everyone=after is not None or status == 429,
            in_doubt=status not in (425, 429),
            tries=SERVER_FAULT_TRIES if status == 500 else None,
        )
    address = f"Check base_url in [destinations.{destination}]: it ends with the warehouse's name and /api/v1."
    login = f"Check auth in [destinations.{destination}]: the API user's name begins with WSI."
    wrong = {
        401: ("unauthorized", "refuses the login", login),
        403: ("forbidden", "refuses the login", login),
        404: ("wrong_url", "has nothing at this address", address),
        405: ("method_refused", "does not take this call at this address", address),
        501: ("not_implemented", "does not offer this call", address),
    }
    if 300 <= status < 400:
        wrong[status] = ("redirected", "sends us to another address", address)
    if status not in wrong:
        return None
    code, what, hint = wrong[status]
    return Suspend(code=code, reason=f"The warehouse's server {what} ({_text(reply)}).", hint=hint)


def _no_answer(reply: Reply) -> Retry:
    if reply.fault == "connect":
        return Retry(code="connect", reason="The warehouse could not be reached; nothing was sent.")
    happened = "did not answer in time" if reply.fault == "timeout" else "broke the connection off"
    reason = f"The warehouse {happened}; the next attempt looks first."
    return Retry(code=reply.fault or "lost", reason=reason, in_doubt=True)


def retry_after(reply: Reply, *, now: float) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or an HTTP date; a day at most, None without a usable one."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _text(reply: Reply) -> str:
    return f"{reply.status}: {said(reply) or 'without a text'}"


def _delivered(order_id: int, number: str, *, note: str = "") -> Delivered:
    return Delivered(reference=str(order_id), note=note, memo={"order_id": order_id, "number": number})


def _cancelled(order_id: int | None, number: str, *, note: str = "cancelled at the warehouse") -> Delivered:
    reference = None if order_id is None else str(order_id)
    return Delivered(reference=reference, note=note, memo={"order_id": order_id, "number": number, "cancelled": True})


# ---------------------------------------------------------------- making it so


async def converge(job: Job[OngoingDestination], http: Http) -> Outcome:
    """Make the warehouse agree: the order there and equal, or not there where nothing is wanted of it any more."""
    may_be_there = job.in_doubt or _order_id(job) is not None
    if job.order.cancelled or (may_be_there and nothing_wanted(job.order)):
        return await _cancel(job, http)
    if not to_ship(job.order):
        return Delivered(reference=_reference(job), note=_nothing_to_ship(job), memo=job.memo)
    try:
        body, warnings = _body(job)
    except Unmappable as problem:
        hold = problem.hold or may_be_there  # the warehouse may have an earlier version, and ship it
        return Reject(code=problem.code, reason=problem.reason, hint=problem.hint, hold=hold, in_doubt=may_be_there)
    if _number(job) != job.number:
        warnings = (*warnings, f"the warehouse keeps the order under its earlier number {_number(job)}")
    decided = await _write(job, http, body)
    return replace(decided, warnings=warnings) if isinstance(decided, Delivered) else decided


def plan(job: Job[OngoingDestination]) -> Sequence[Call]:
    """The one PUT of a first attempt, or nothing where nothing is to be shipped. Raises Unmappable."""
    if job.order.cancelled or not to_ship(job.order):
        return ()
    body, _ = _body(job)
    return (_put(body),)


async def probe(destination: OngoingDestination, http: Http) -> Outcome:
    """Read the statuses, which proves address and login, and an order that cannot be, which proves the goods owner."""
    now, owner = time.time(), ("goodsOwnerId", str(destination.goods_owner_id))
    reply = await http.send(Call("GET", "orders/statuses", params=(owner,)))
    trouble = connection_trouble(reply, destination=destination.name, now=now)
    if trouble is not None:
        return trouble
    if not reply.ok or "orderStatuses" not in members(reply.json()):
        return Suspend(
            code="not_ongoing",
            reason=f"What answers does not give Ongoing's list of order statuses ({reply.status}).",
            hint=f"Check base_url in [destinations.{destination.name}]: it ends with the warehouse's name and /api/v1.",
        )
    reply = await http.send(_search(destination, PROBE_NUMBER))
    looked = look_outcome(reply, number=PROBE_NUMBER, destination=destination.name, now=now)
    if isinstance(looked, Reject):
        return Suspend(code=looked.code, reason=looked.reason, hint=looked.hint)
    return looked if isinstance(looked, Retry | Suspend) else Delivered(reference=None)


async def _write(job: Job[OngoingDestination], http: Http, body: Mapping[str, Any]) -> Outcome:
    number, name = _number(job), job.destination.name
    amends, unlike = _order_id(job) is not None, ""
    if job.in_doubt:
        found = await _look(job, http)
        if isinstance(found, Retry | Reject | Suspend):
            return found
        if found is None:
            waiting = _look_again(job, "written_at") if "written_at" in job.memo else None
            if waiting is not None:
                return waiting
        else:
            unlike = ", ".join(differences(body, found))
            if not unlike and not found.cancelled:
                return _delivered(found.order_id, number, note="found at the warehouse, equal to the order")
            amends = True
    decided = outcome(await http.send(_put(body)), number=number, destination=name, now=job.now, amends=amends)
    if isinstance(decided, Retry) and decided.code == LOOKING:
        return await _look_up_written(job, http)
    if isinstance(decided, Reject) and unlike:
        return replace(decided, reason=f"{decided.reason} There it differs in {unlike}.")
    return decided


async def _look_up_written(job: Job[OngoingDestination], http: Http) -> Outcome:
    """What PUT took without telling its orderId (section 1.5). It may need a while to show."""
    number = _number(job)
    found = await _look(job, http)
    if isinstance(found, Retry):
        return replace(found, in_doubt=True)
    if isinstance(found, Suspend):  # later: the PUT got through, which a suspension would not remember
        return Retry(code=found.code, reason=found.reason, in_doubt=True)
    if isinstance(found, FoundOrder):
        return _delivered(found.order_id, number, note="taken by the warehouse, and looked up by its number")
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


async def _cancel(job: Job[OngoingDestination], http: Http) -> Outcome:
    number, order_id = _number(job), _order_id(job)
    if not job.in_doubt and order_id is None:
        return Delivered(reference=None, note="nothing was sent to the warehouse")
    if not job.in_doubt and job.memo.get("cancelled"):
        return _cancelled(order_id, number, note="cancelled at the warehouse before")
    if job.in_doubt:
        found = await _look(job, http)
        absent = found is None or (isinstance(found, Reject) and found.code == "number_taken")
        if absent and order_id is None:  # and never delete by a number that is not ours
            return _look_again(job, "absent_since") or _cancelled(None, number, note="nothing is there to cancel")
        if isinstance(found, Retry | Reject | Suspend):
            return found
        if found is not None and found.cancelled:
            return _cancelled(found.order_id, number)
        order_id = order_id if found is None else found.order_id
    call = Call("DELETE", "orders", params=_key(job.destination, number))
    reply = await http.send(call)
    if reply.status == 404:
        found = await _look(job, http)
        if not isinstance(found, FoundOrder):
            return found or _cancelled(order_id, number, note="nothing is there to cancel any more")
    return cancel_outcome(reply, number=number, destination=job.destination.name, now=job.now, order_id=order_id)


async def _look(job: Job[OngoingDestination], http: Http) -> FoundOrder | Retry | Reject | Suspend | None:
    """Our order at the warehouse, None where the number is free, or why one cannot go on."""
    number = _number(job)
    reply = await http.send(_search(job.destination, number))
    found = look_outcome(reply, number=number, destination=job.destination.name, now=job.now)
    if not isinstance(found, list):
        return found
    ours = [one for one in found if one.order_id == _order_id(job) or one.belongs_to(job.order, shop=job.shop)]
    if len(ours) == 1 or not found:
        return ours[0] if ours else None
    ids = ", ".join(str(one.order_id) for one in found)
    if ours:
        reason = f"The warehouse has order {number} {len(ours)} times (orderId {ids})."
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


def _body(job: Job[OngoingDestination]) -> tuple[dict[str, Any], tuple[str, ...]]:
    return goods_order(job.order, number=_number(job), shop=job.shop, destination=job.destination)


def _put(body: Mapping[str, Any]) -> Call:
    return Call("PUT", "orders", body=body)


def _search(destination: OngoingDestination, number: str) -> Call:
    return Call("GET", "orders", params=_key(destination, number))


def _key(destination: OngoingDestination, number: str) -> tuple[tuple[str, str], ...]:
    return (("goodsOwnerId", str(destination.goods_owner_id)), ("orderNumber", number))


def _nothing_to_ship(job: Job[OngoingDestination]) -> str:
    lines = job.order.lines
    if not lines:
        return "nothing to ship: the order has no lines"
    if not any(line.shippable for line in lines):
        return "nothing to ship: every line is a service, a download or a gift card"
    if nothing_wanted(job.order):
        return "nothing to ship: every line that could be shipped was refunded or taken off"
    return "nothing to ship: what could be shipped has been shipped"


SYSTEM = System(name="ongoing", converge=converge, plan=plan, probe=probe)

deliver = delivery_task(SYSTEM)
