"""Enapps: what it has of an order. Nothing finds it by our reference, so it is looked for by time and company (6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.enapps import EnappsDestination, remarks
from schemas.enapps.reply import REFERENCE, FoundOrder, found_order, told_status
from schemas.http import Call
from tasks.enapps.replies import trouble
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http, Job

PAGES, ALL_PAGES = 50, 200
"""Read of one company's orders, and of everybody's: a hundred orders each, or as many as the site has on a page."""

BEFORE = timedelta(days=1)
"""Looked at are orders made since the first attempt, less a day: the zone of the server's times is not stated."""

NO_LIST = Retry(code="unreadable", reason="Enapps answered with no list of orders.", tries=4)
"""Not quoted: what it has in its place may be about people."""

OF_AN_ATTEMPT = ("looked_at", "begun", "contents", "numbers", "partners", "contacts", "taken")
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
    """What follows from the orders with our client_order_ref. None: there is none, and that was seen twice.

    The first look is at the contact's company. The one that would let the order be sent again is at all orders, for
    the copies may be behind: the contact may have been at another company when the order was sent.
    """
    everybodys = "looked_at" in job.memo and not job.interrupted
    listed = await _listed(job, http, everybodys=everybodys)
    if not isinstance(listed, _Listed):
        return listed
    ours = [one for one in listed.orders if one.reference == " ".join(job.number.split())]
    earlier, sent_for = _earlier(job), job.memo.get("contacts", ())
    before = [one for one in listed.orders if one.reference in earlier and not one.cancelled]
    before = [one for one in before if one.contact is None or one.contact in sent_for]  # see _number_taken
    if before and not any(not one.cancelled for one in ours):
        return _under_earlier(job, before[0])
    return _found(job, ours) if ours or listed.whole else _too_many(job)


def _earlier(job: Job[EnappsDestination]) -> set[str]:
    """References that the order may have been sent under before its number was edited."""
    prefix = job.number.removesuffix(job.order.number.removeprefix("#"))
    numbers = [str(one).removeprefix("#") for one in job.memo.get("numbers", ())]
    return {" ".join(f"{prefix}{one}".split()) for one in numbers} - {" ".join(job.number.split())}


@dataclass(frozen=True, slots=True)
class _Listed:
    """Orders since the first attempt. ``whole``: all of them."""

    orders: tuple[FoundOrder, ...]
    whole: bool


async def _listed(job: Job[EnappsDestination], http: Http, *, everybodys: bool) -> _Listed | Retry | Reject | Suspend:
    """Read the list page by page.

    Whether its first page is 0 or 1 is not stated (section 3), and a page that is not read would double an order: so
    it begins with no number at all, then 1, which may be the same page once more. It ends with a page that is empty
    or has nothing new.
    """
    params, orders, told = _since(job, everybodys=everybodys), dict[int, FoundOrder](), False
    for page in range((ALL_PAGES if everybodys else PAGES) + 2):
        numbered = (("page", str(page)),) if page else ()
        reply = await http.send(Call("GET", "orders", params=(*params, *numbered)))
        problem = trouble(reply, writing=False, destination=job.destination.name, now=job.now)
        found = job.destination.rows(reply) if problem is None else None
        seen = [found_order(row) for row in found or ()]
        new = {one.order_id: one for one in seen if one is not None and one.order_id not in orders}
        if found is None or None in seen:
            return replace(problem or NO_LIST, in_doubt=True)
        told = told or any(REFERENCE in row for row in found)
        orders |= new
        if not found or (not new and page > 1):
            return _Listed(tuple(orders.values()), whole=True) if told or not orders else _no_references(job)
    return _Listed(tuple(orders.values()), whole=False)


def _since(job: Job[EnappsDestination], *, everybodys: bool) -> tuple[tuple[str, str], ...]:
    begun = job.memo.get("begun")
    order = job.order
    first = datetime.fromtimestamp(begun, UTC) if begun else min(order.placed_at, order.version).astimezone(UTC)
    since = min(first, datetime.fromtimestamp(job.now, UTC)) - BEFORE
    params = (("create_date", since.strftime("%Y-%m-%d %H:%M:%S")),)
    # The contact may have moved to another company, or another contact was chosen, since it was sent.
    partners = [] if everybodys else list(job.memo.get("partners", ()))
    return (*params, ("partner_id", str(partners[0]))) if len(partners) == 1 and partners[0] else params


def _found(job: Job[EnappsDestination], ours: list[FoundOrder]) -> Outcome | None:
    sent_for = job.memo.get("contacts", ())
    others = [one for one in ours if sent_for and one.contact is not None and one.contact not in sent_for]
    ours = [one for one in ours if one not in others]
    live = [one for one in ours if not one.cancelled]
    theirs = [one for one in others if not one.cancelled]
    if theirs and not live:
        return _number_taken(job, theirs[0])
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
        return replace(not_shown(job), memo={**job.memo, "looked_at": job.now})
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


def _under_earlier(job: Job[EnappsDestination], there: FoundOrder) -> Reject:
    """It got through after all, and then its number was edited."""
    return Reject(
        code="earlier_number",
        reason=f"Enapps holds this order as {_standing(there)} under its earlier number {there.reference}.",
        hint=f"Accept it as it is there; or cancel {there.shown} in Enapps, then replay to send it as {job.number}.",
        hold=True,
        in_doubt=True,
    )


def _number_taken(job: Job[EnappsDestination], there: FoundOrder) -> Reject:
    """The reference is a customer's own as well (section 6): another one's order is not taken for ours."""
    return Reject(
        code="number_taken",
        reason=f"Enapps holds {there.shown} with the reference {job.number}, ordered by contact {there.contact}, whom "
        "this order was never sent for; whether it got through is not to be seen.",
        hint=f"Look at {there.shown} in Enapps. If it is this order, accept it as it is; if not, give this shop a "
        "number_prefix or edit the order's number, then replay.",
        hold=True,
        in_doubt=True,
    )


def _no_references(job: Job[EnappsDestination]) -> Reject:
    """A site may name its fields otherwise (section 1)."""
    return Reject(
        code="no_references",
        reason=f"Enapps lists its orders without {REFERENCE}, so whether {job.number} is among them is not to be seen.",
        hint=f"Have {REFERENCE} shown to the API user. Or look for {job.number} in Enapps: if it is there, accept the "
        "order as it is; if not, edit its number to send it once more.",
        hold=True,
        in_doubt=True,
    )


def _too_many(job: Job[EnappsDestination]) -> Reject:
    return Reject(
        code="too_many_orders",
        reason=f"Enapps lists too many orders since {job.number} was first sent; whether it is among them was not read "
        "to the end.",
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
        hint="If that was meant, accept it as it is there. To send the order once more, edit its number, then replay.",
        hold=True,
        in_doubt=in_doubt,
    )


def _standing(there: FoundOrder) -> str:
    return f"{there.shown} ({there.state})" if there.state else there.shown


# ---------------------------------------------------------------- an order that was there


async def settle(job: Job[EnappsDestination], http: Http, order_id: int) -> Outcome:
    """An order that was made: it is left, or a person carries out what the shop changed."""
    there = await by_id(job, http, order_id)
    number = str(job.memo.get("number", job.number))
    renumbered = number != job.number
    if isinstance(there, FoundOrder) and there.reference and number not in there.reference:
        there = None  # a development system begins anew every week, with the same ids (section 1)
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
        hint="If someone deleted it there, accept it as it is there. To send the order once more, edit its number, "
        "then replay.",
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
    found = job.destination.rows(reply)
    if found is None:
        return NO_LIST
    return next((one for one in map(found_order, found) if one is not None and one.order_id == order_id), None)
