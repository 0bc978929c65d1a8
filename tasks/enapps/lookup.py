"""Enapps: what it has of an order. Nothing finds it by our reference, so it is looked for by time and company (6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.enapps import EnappsDestination, remarks
from schemas.enapps.reply import FoundOrder, found_order, rows, said, told_status
from schemas.http import Call
from tasks.enapps.replies import trouble
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http, Job

PAGES = 50
"""Of a hundred orders each; a site may have pages of another size."""

BEFORE = timedelta(days=1)
"""Looked at are orders made since the first attempt, less a day: the zone of the server's times is not stated."""

OF_AN_ATTEMPT = ("looked_at", "begun", "contents", "partners", "taken")
"""What the memo has only as long as nobody knows whether the order is there."""


def without_looks(memo: Mapping[str, Any]) -> dict[str, Any]:
    """After a new attempt that may have got through, looks count anew."""
    return {name: value for name, value in memo.items() if name != "looked_at"}


def made(job: Job[EnappsDestination], there: FoundOrder, *, note: str = "") -> Delivered:
    """It is there."""
    memo = {name: value for name, value in job.memo.items() if name not in OF_AN_ATTEMPT}
    known = {"order_id": there.order_id, "name": there.shown, "number": job.number, "content": job.order.content()}
    said_of_it = remarks(job.order, destination=job.destination, there=there.total, currency=there.currency)
    return Delivered(reference=there.shown, note=note, memo={**memo, **known}, warnings=said_of_it)


async def find(job: Job[EnappsDestination], http: Http) -> Outcome | None:
    """What follows from the orders with our client_order_ref. None: there is none, and that was seen twice."""
    ours: dict[int, FoundOrder] = {}
    first_of_last: int | None = None
    params = _since(job)
    for page in range(job.destination.first_page, job.destination.first_page + PAGES):
        reply = await http.send(Call("GET", "orders", params=(*params, ("page", str(page)))))
        problem = trouble(reply, writing=False, destination=job.destination.name, now=job.now)
        found = rows(reply) if problem is None else None
        if found is None:
            no_list = Retry(code="unreadable", reason=f"Enapps answered with no list: {said(reply)}", tries=4)
            return replace(problem or no_list, in_doubt=True)
        seen = [one for one in map(found_order, found) if one is not None]
        ours |= {one.order_id: one for one in seen if one.reference == job.number}
        first = seen[0].order_id if seen else None
        if not seen or first == first_of_last:
            return _found(job, list(ours.values()))
        first_of_last = first
    return _found(job, list(ours.values())) if ours else _too_many(job)


def _since(job: Job[EnappsDestination]) -> tuple[tuple[str, str], ...]:
    begun = job.memo.get("begun")
    order = job.order
    first = datetime.fromtimestamp(begun, UTC) if begun else min(order.placed_at, order.version).astimezone(UTC)
    since = min(first, datetime.fromtimestamp(job.now, UTC)) - BEFORE
    params = (("create_date", since.strftime("%Y-%m-%d %H:%M:%S")),)
    # The contact may have moved to another company, or another contact was chosen, since it was sent.
    partners = job.memo.get("partners", ())
    return (*params, ("partner_id", str(partners[0]))) if len(partners) == 1 and partners[0] else params


def _found(job: Job[EnappsDestination], ours: list[FoundOrder]) -> Outcome | None:
    live = [one for one in ours if not one.cancelled]
    if len(live) > 1:
        names = ", ".join(one.shown for one in live)
        reason = f"Enapps holds {job.number} {len(live)} times: {names}."
        return Reject(code="duplicates", reason=reason, hint="Cancel all but one there, then replay.", in_doubt=True)
    if not live:
        return _cancelled_there(job, ours[0], in_doubt=True) if ours else _absent(job)
    if job.order.cancelled:
        return cancel_by_hand(job, live[0], in_doubt=True)
    told = made(job, live[0], note=f"found in Enapps as {live[0].shown}; nothing was sent")
    if any(content != job.order.content() for content in job.memo.get("contents", ())):
        # The order was changed between two attempts, and which of them got through is not to be seen.
        return replace(change_by_hand(job, live[0]), memo={**told.memo, "content": ""})
    return told


def _absent(job: Job[EnappsDestination]) -> Outcome | None:
    """Two empty looks, apart in time, come before a second POST: nothing there refuses a repeated reference."""
    if job.memo.get("taken") == job.number:
        return not_shown(job)
    apart = job.destination.timeout_s
    first = None if job.interrupted else job.memo.get("looked_at")
    if first is not None and job.now - float(first) >= apart:
        return None
    begun = job.now if first is None else float(first)
    return Retry(
        code="looking",
        reason=f"Enapps shows no {job.number}; it is looked for once more before it is sent again.",
        after=max(0.0, apart - (job.now - begun)),
        counts=False,
        in_doubt=True,
        memo={**job.memo, "looked_at": begun},
    )


def not_shown(job: Job[EnappsDestination]) -> Retry:
    """It was taken, so it is not sent again."""
    return Retry(
        code="not_shown",
        reason=f"Enapps took {job.number} without telling the number of its order, and does not show it. If it is "
        "not there, edit the order's number to send it once more.",
        in_doubt=True,
        tries=6,
    )


def _too_many(job: Job[EnappsDestination]) -> Reject:
    return Reject(
        code="too_many_orders",
        reason=f"Enapps lists more than {PAGES} pages of orders since {job.number} was first sent; whether it is among "
        "them was not read to the end.",
        hint=f"Look for the reference {job.number} in Enapps. If it is there, accept the order as it is; if not, edit "
        "its number to send it once more.",
        hold=True,
        in_doubt=True,
    )


# ---------------------------------------------------------------- what only a person can do (section 6.2)


def cancel_by_hand(job: Job[EnappsDestination], there: FoundOrder, *, in_doubt: bool = False) -> Reject:
    """The shop cancelled what cannot be cancelled from outside."""
    return Reject(
        code="cancel_by_hand",
        reason=f"The shop cancelled the order, and Enapps holds it as {_standing(there)}: it cannot be cancelled from "
        "outside.",
        hint=f"Cancel {there.shown} in Enapps, then replay; or accept it as it is there.",
        hold=True,
        in_doubt=in_doubt,
    )


def change_by_hand(job: Job[EnappsDestination], there: FoundOrder) -> Reject:
    """The shop changed what cannot be changed from outside."""
    return Reject(
        code="change_by_hand",
        reason=f"The shop changed the order, and Enapps holds it as {_standing(there)}: it cannot be changed from "
        "outside.",
        hint=f"Change {there.shown} in Enapps to what the order says now, then accept it as it is there.",
        hold=True,
    )


def _cancelled_there(job: Job[EnappsDestination], there: FoundOrder, *, in_doubt: bool = False) -> Outcome:
    if job.order.cancelled:
        return Delivered(reference=there.shown, note=f"{there.shown} is cancelled in Enapps", memo=job.memo)
    return Reject(
        code="cancelled_there",
        reason=f"Enapps held {job.number} as {there.shown}, and someone cancelled it there.",
        hint="If that was meant, leave it so. To send the order once more, edit its number, then replay.",
        hold=True,
        in_doubt=in_doubt,
    )


def _standing(there: FoundOrder) -> str:
    return f"{there.shown} ({there.state})" if there.state else there.shown


# ---------------------------------------------------------------- an order that was there


async def settle(job: Job[EnappsDestination], http: Http, order_id: int) -> Outcome:
    """An order that was made: it is left, or a person carries out what the shop changed."""
    there = await by_id(job, http, order_id)
    renumbered = job.memo.get("number", job.number) != job.number
    if isinstance(there, FoundOrder) and not there.cancelled:
        if job.order.cancelled:
            return cancel_by_hand(job, there)
        if job.memo.get("content") != job.order.content():
            return change_by_hand(job, there)
        note = f"found in Enapps as {there.shown}, unchanged since; nothing was sent"
        return Delivered(reference=there.shown, note=note, memo=job.memo)
    if not isinstance(there, FoundOrder | None):
        return there
    if renumbered and not job.order.cancelled:
        reason = "The order there is gone, and this one has a number of its own by now: it is sent anew."
        return Retry(code="renumbered", reason=reason, after=0.0, counts=False, memo={})
    return _missing(job, order_id) if there is None else _cancelled_there(job, there)


def _missing(job: Job[EnappsDestination], order_id: int) -> Reject:
    return Reject(
        code="missing",
        reason=f"Enapps made {job.memo.get('name', order_id)} of this order, and does not show it any more.",
        hint="If someone deleted it there, leave it so, or accept it as it is. To send the order once more, edit its "
        "number, then replay.",
        hold=True,
        in_doubt=True,
    )


async def by_id(job: Job[EnappsDestination], http: Http, order_id: int) -> FoundOrder | Retry | Reject | Suspend | None:
    """One order; None where there is none: an empty list, or a 404 (section 3.1)."""
    reply = await http.send(Call("GET", "orders", params=(("_id", str(order_id)),)))
    if told_status(reply) == 404 and isinstance(reply.json(), dict):
        return None
    problem = trouble(reply, writing=False, destination=job.destination.name, now=job.now)
    if problem is not None:
        return problem
    found = rows(reply)
    if found is None:
        return Retry(code="unreadable", reason=f"Enapps answered with no list: {said(reply)}", tries=4)
    return next((one for one in map(found_order, found) if one is not None and one.order_id == order_id), None)
