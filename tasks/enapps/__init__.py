"""Enapps: make a sale order agree with an order (contracts/enapps.md sections 4 to 7)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.destination import Unmappable
from schemas.enapps import EnappsDestination, codes, open_lines, remarks, sale_order
from schemas.enapps.reply import FoundOrder, created, found_order, rows, said
from schemas.http import Call
from schemas.order import Order
from tasks.enapps.feeds import FEEDS
from tasks.enapps.replies import trouble
from worker.app import delivery_task
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http, Job, Shelf, System

PAGES = 50
"""Of a hundred orders each, made since the shop's order; a site may have pages of another size."""

BEFORE = timedelta(days=1)
"""Looked up are orders made since the shop's order, less a day: the zone of its times is not stated."""

NEVER_SENT = "cancelled before anything reached Enapps"
NOTHING_LEFT = "nothing left to deliver: no line of the order has an open quantity"


# ---------------------------------------------------------------- whom and what: from the local copies (section 4)


def prepare(order: Order, memo: Mapping[str, Any], destination: EnappsDestination, shelf: Shelf) -> Mapping[str, Any]:
    """Contact and products from the local copies, anew until the order is there: a person may have mended them."""
    if memo.get("order_id") or order.cancelled:
        return memo
    found = dict(memo)
    found["contact"] = _contact(order, destination, shelf)
    try:
        wanted = codes(order, destination)
    except Unmappable:
        return found  # converge says so
    found["products"] = {
        code: [int(one.key) for one in shelf.copies(destination.name, "product", ref=code)] for code in wanted
    }
    return found


def _contact(order: Order, destination: EnappsDestination, shelf: Shelf) -> dict[str, Any]:
    """Whose order it is, as ``{"id", "partner"}``; or the candidates (section 4.2: ``primary`` first)."""
    if destination.contact != "email":
        known = shelf.copies(destination.name, "contact", key=str(destination.contact))
        return {"id": destination.contact, "partner": known[0].data.get("partner") if known else None}
    if not order.email:
        return {"missing": "the order has no e-mail address"}
    named = shelf.copies(destination.name, "contact", email=order.email)
    primary = [one for one in named if one.data.get("type") == "primary"]
    chosen = named if len(named) == 1 else primary
    if len(chosen) == 1:
        return {"id": int(chosen[0].key), "partner": chosen[0].data.get("partner")}
    return {"candidates": [int(one.key) for one in named]}


def _whom(job: Job[EnappsDestination]) -> tuple[int, int | None]:
    """Contact and company. Raises Unmappable."""
    told, name = job.memo.get("contact", {}), job.destination.name
    if "id" in told:
        return int(told["id"]), told.get("partner")
    hint = (
        f"Enter or mend the contact in Enapps and replay; it is copied every {job.destination.sync_minutes:g} minutes. "
        f"Or name one contact for all orders in [destinations.{name}]: contact = 953."
    )
    if told.get("candidates"):
        ids = ", ".join(map(str, told["candidates"]))
        reason = f"Enapps has several contacts with the order's e-mail address and no one primary one: {ids}."
        raise Unmappable("contact_ambiguous", reason, hint=hint, hold=True)
    reason = f"No contact in Enapps is the buyer's: {told.get('missing') or 'none has the order’s e-mail address'}."
    raise Unmappable("contact_missing", reason, hint=hint, hold=True)


def _products(job: Job[EnappsDestination]) -> dict[str, int]:
    """Their SKU -> product id. Raises Unmappable."""
    found: dict[str, int] = {}
    for code in codes(job.order, job.destination):
        ids = job.memo.get("products", {}).get(code, [])
        if len(ids) != 1:
            several = f"Enapps has several products with the SKU {code}: {', '.join(map(str, ids))}."
            raise Unmappable(
                "unknown_sku",
                several if ids else f"Enapps has no product with the SKU {code}, as far as it was copied.",
                hint=f"Enter it there, or map it in [destinations.{job.destination.name}.skus], then replay. "
                f"Products are copied every {job.destination.sync_minutes:g} minutes.",
            )
        found[code] = ids[0]
    return found


# ---------------------------------------------------------------- making it so (section 6.2)


async def converge(job: Job[EnappsDestination], http: Http) -> Outcome:
    """Make Enapps hold the order once; it can neither be changed nor cancelled there by us."""
    known = job.memo.get("order_id")
    if known:
        return await _settle(job, http, int(known))
    try:
        contact, partner = _whom(job) if not job.order.cancelled or job.in_doubt else (0, None)
        if job.in_doubt:
            stop = await _find(job, http, partner)
            if stop is not None:
                return stop
        if job.order.cancelled:
            return Delivered(reference=None, note=NEVER_SENT, memo=_without_looks(job))
        if not open_lines(job.order):
            return Delivered(reference=None, note=NOTHING_LEFT, memo=_without_looks(job))
        call = _post(job, contact, _products(job))
    except Unmappable as problem:
        hold = problem.hold or job.in_doubt
        return Reject(code=problem.code, reason=problem.reason, hint=problem.hint, hold=hold, in_doubt=job.in_doubt)
    return await _create(job, http, call, partner)


def plan(job: Job[EnappsDestination]) -> Sequence[Call]:
    """The one POST of a first attempt; contact and products are in the copies, which plan does not read."""
    if job.order.cancelled or not open_lines(job.order):
        return ()
    products = dict.fromkeys(codes(job.order, job.destination), 0)
    contact = 0 if job.destination.contact == "email" else job.destination.contact
    return (_post(job, contact, products),)


async def probe(destination: EnappsDestination, http: Http) -> Outcome:
    """Read the first page of the products: address, token and rights are right."""
    reply = await http.send(Call("GET", "products/get_basic", params=(("page", str(destination.first_page)),)))
    problem = trouble(reply, writing=False, destination=destination.name, now=time.time())
    if problem is None and rows(reply) is None:
        return Retry(code="unreadable", reason=f"Enapps answered with no list: {said(reply)}")
    return problem or Delivered(reference=None)


def _post(job: Job[EnappsDestination], contact: int, products: Mapping[str, int]) -> Call:
    body = sale_order(job.order, number=job.number, contact=contact, products=products, destination=job.destination)
    return Call("POST", "orders", body=body)


async def _create(job: Job[EnappsDestination], http: Http, call: Call, partner: int | None) -> Outcome:
    reply = await http.send(call)
    problem = trouble(reply, writing=True, destination=job.destination.name, now=job.now)
    if isinstance(problem, Retry) and problem.in_doubt:
        return replace(problem, memo=_without_looks(job))
    if problem is not None:
        return problem
    order_id, name = created(reply)
    if order_id is None:
        found = await _find(job, http, partner)
        reason = "Enapps took the order without telling its number, and does not show it yet."
        return found if isinstance(found, Delivered) else Retry(code="not_shown", reason=reason, in_doubt=True, tries=6)
    there = await _by_id(job, http, order_id)
    total = there.total if isinstance(there, FoundOrder) else None
    return _made(job, order_id, name or str(order_id), total=total)


def _made(job: Job[EnappsDestination], order_id: int, name: str, *, total: Any, note: str = "") -> Delivered:
    return Delivered(
        reference=name,
        note=note,
        memo={**_without_looks(job), "order_id": order_id, "name": name, "content": job.order.content()},
        warnings=remarks(job.order, destination=job.destination, there=total),
    )


async def _settle(job: Job[EnappsDestination], http: Http, order_id: int) -> Outcome:
    """An order that is there: it is left, or a person carries out what the shop changed (section 6.2)."""
    there = await _by_id(job, http, order_id)
    if not isinstance(there, FoundOrder):
        return there
    if job.order.cancelled:
        if there.cancelled:
            return Delivered(reference=there.shown, note=f"{there.shown} is cancelled in Enapps", memo=job.memo)
        return Reject(
            code="cancel_by_hand",
            reason=f"The shop cancelled the order, and Enapps holds it as {there.shown} ({there.state}): it cannot be "
            "cancelled from outside.",
            hint=f"Cancel {there.shown} in Enapps, then replay; or accept it as it is there.",
            hold=True,
        )
    if job.memo.get("content") == job.order.content():
        note = f"found in Enapps as {there.shown}, unchanged since; nothing was sent"
        return Delivered(reference=there.shown, note=note, memo=job.memo)
    return Reject(
        code="change_by_hand",
        reason=f"The shop changed the order, and Enapps holds it as {there.shown} ({there.state}): it cannot be "
        "changed from outside.",
        hint=f"Change {there.shown} in Enapps to what the order says now, then accept it as it is there.",
        hold=True,
    )


# ---------------------------------------------------------------- looking


async def _find(job: Job[EnappsDestination], http: Http, partner: int | None) -> Outcome | None:
    """Ours among the orders made since then, by client_order_ref, compared here. None: not there, seen twice."""
    since = min(job.order.placed_at, job.order.version, datetime.fromtimestamp(job.now, UTC)) - BEFORE
    params = [("create_date", since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))]
    if partner:
        params.append(("partner_id", str(partner)))
    ours: dict[int, FoundOrder] = {}
    first_of_last: int | None = None
    for page in range(job.destination.first_page, job.destination.first_page + PAGES):
        reply = await http.send(Call("GET", "orders", params=(*params, ("page", str(page)))))
        problem = trouble(reply, writing=False, destination=job.destination.name, now=job.now)
        found = rows(reply) if problem is None else None
        if found is None:
            return _in_doubt(problem or Retry(code="unreadable", reason=f"Enapps answered with no list: {said(reply)}"))
        seen = [one for one in map(found_order, found) if one is not None]
        ours |= {one.order_id: one for one in seen if one.reference == job.number}
        first = seen[0].order_id if seen else None
        if not seen or first == first_of_last:
            break
        first_of_last = first
    return _found(job, list(ours.values()))


def _found(job: Job[EnappsDestination], ours: list[FoundOrder]) -> Outcome | None:
    live = [one for one in ours if not one.cancelled]
    if len(live) > 1:
        names = ", ".join(one.shown for one in live)
        reason = f"Enapps holds {job.number} {len(live)} times: {names}."
        return Reject(code="duplicates", reason=reason, hint="Cancel all but one there, then replay.", in_doubt=True)
    if not live and ours:
        if job.order.cancelled:
            return Delivered(reference=ours[0].shown, note=f"{ours[0].shown} is cancelled in Enapps", memo=job.memo)
        reason = f"Enapps held {job.number} as {ours[0].shown}, and someone cancelled it there."
        hint = "If that was meant, leave it so. To send the order once more, edit its number, then replay."
        return Reject(code="cancelled_there", reason=reason, hint=hint, hold=True, in_doubt=True)
    if live and job.order.cancelled:
        return Reject(
            code="cancel_by_hand",
            reason=f"The shop cancelled the order, and Enapps holds it as {live[0].shown}.",
            hint=f"Cancel {live[0].shown} in Enapps, then replay; or accept it as it is there.",
            hold=True,
            in_doubt=True,
        )
    if live:
        note = f"found in Enapps as {live[0].shown}; nothing was sent"
        return _made(job, live[0].order_id, live[0].shown, total=live[0].total, note=note)
    return _absent(job)


def _absent(job: Job[EnappsDestination]) -> Outcome | None:
    """Two empty looks, apart in time, come before a second POST: nothing there refuses a repeated reference."""
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


async def _by_id(job: Job[EnappsDestination], http: Http, order_id: int) -> FoundOrder | Retry | Reject | Suspend:
    reply = await http.send(Call("GET", "orders", params=(("_id", str(order_id)),)))
    problem = trouble(reply, writing=False, destination=job.destination.name, now=job.now)
    if problem is not None:
        return problem
    found = [one for one in map(found_order, rows(reply) or ()) if one is not None and one.order_id == order_id]
    if found:
        return found[0]
    return Reject(
        code="missing",
        reason=f"Enapps made {job.memo.get('name', order_id)} of this order, and does not show it any more.",
        hint="If someone deleted it there, leave it so; or accept it as it is.",
        hold=True,
        in_doubt=True,
    )


def _in_doubt(problem: Retry | Reject | Suspend) -> Outcome:
    return replace(problem, in_doubt=True)


def _without_looks(job: Job[EnappsDestination]) -> dict[str, Any]:
    return {name: value for name, value in job.memo.items() if name != "looked_at"}


SYSTEM: System[EnappsDestination] = System(
    name="enapps", converge=converge, plan=plan, probe=probe, prepare=prepare, feeds=FEEDS
)

deliver = delivery_task(SYSTEM)
