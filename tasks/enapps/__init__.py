"""Enapps: make a sale order agree with an order (contracts/enapps.md sections 4 to 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from schemas.destination import Unmappable
from schemas.enapps import EnappsDestination, codes, sale_order
from schemas.enapps.reply import FoundOrder, created, said
from schemas.goods import anything_open
from schemas.http import Call
from tasks.enapps.copies import prepare, products, waiting, whom
from tasks.enapps.feeds import FEEDS
from tasks.enapps.lookup import OF_AN_ATTEMPT, by_id, find, made, not_shown, settle, without_looks
from tasks.enapps.probe import probe
from tasks.enapps.replies import trouble
from tasks.once import NOTHING_LEFT, never_sent
from worker.app import delivery_task
from worker.outcomes import Delivered, Outcome, Reject, Retry, unmappable
from worker.system import Http, Job, System


async def converge(job: Job[EnappsDestination], http: Http) -> Outcome:
    """Make Enapps hold the order once; it can neither be changed nor cancelled there by us."""
    known = job.memo.get("order_id")
    if known:
        return await settle(job, http, int(known))
    outcome = await _find_or_create(job, http)
    if isinstance(outcome, Delivered) or outcome.in_doubt or job.in_doubt:
        return outcome
    # Nothing is there: what was prepared for this attempt says nothing about a later one.
    memo = job.memo if outcome.memo is None else outcome.memo
    return replace(outcome, memo={name: value for name, value in memo.items() if name not in OF_AN_ATTEMPT})


async def _find_or_create(job: Job[EnappsDestination], http: Http) -> Outcome:
    if job.in_doubt:
        stop = await find(job, http)
        if stop is not None:
            return stop
    if job.order.cancelled or not anything_open(job.order):
        note = never_sent("Enapps") if job.order.cancelled else NOTHING_LEFT
        memo = {name: value for name, value in job.memo.items() if name not in OF_AN_ATTEMPT}
        return Delivered(reference=None, note=note, memo=memo)
    not_yet = waiting(job)
    if not_yet is not None:
        return not_yet
    try:
        call = _post(job, whom(job), products(job))
    except Unmappable as problem:
        return unmappable(problem, in_doubt=job.in_doubt)
    return await _create(job, http, call)


def plan(job: Job[EnappsDestination]) -> Sequence[Call]:
    """The one POST of a first attempt. What the local copies tell stands in angle brackets."""
    if job.order.cancelled or not anything_open(job.order):
        return ()
    by_email = job.destination.contact == "email"
    contact = "<contact with the order's e-mail address>" if by_email else job.destination.contact
    return (_post(job, contact, {code: f"<id of {code}>" for code in codes(job.order, job.destination)}),)


def _post(job: Job[EnappsDestination], contact: int | str, ids: Mapping[str, int | str]) -> Call:
    body = sale_order(job.order, number=job.number, contact=contact, products=ids, destination=job.destination)
    return Call("POST", "orders", body=body)


async def _create(job: Job[EnappsDestination], http: Http, call: Call) -> Outcome:
    reply = await http.send(call)
    problem = trouble(reply, writing=True, destination=job.destination.name, now=job.now)
    if isinstance(problem, Retry) and problem.in_doubt:
        return replace(problem, memo=without_looks(job.memo))
    if isinstance(problem, Reject):
        # Whether the ERP refuses a repeated reference is not known (section 6.2): if so, a replay finds the first one.
        doubtful = problem.in_doubt or job.in_doubt or job.number in said(reply)
        return replace(problem, in_doubt=doubtful, memo=without_looks(job.memo))
    if problem is not None:
        return problem
    order_id, name = created(reply)
    if order_id is None:
        return await _taken(job, http)
    there = await by_id(job, http, order_id)
    if not isinstance(there, FoundOrder):
        there = FoundOrder(order_id=order_id, name=name, reference=job.number, state="", total=None, currency="")
    return made(job, replace(there, name=name or there.name))


async def _taken(job: Job[EnappsDestination], http: Http) -> Outcome:
    """It was taken without a number: it is looked up, and not sent again."""
    sent = replace(job, memo={**without_looks(job.memo), "taken": job.number})
    found = await find(sent, http) or not_shown(sent)
    if isinstance(found, Delivered):
        return replace(found, note="Enapps took it without telling its number; it was looked up")
    return replace(found, memo=sent.memo if found.memo is None else found.memo)


SYSTEM: System[EnappsDestination] = System(
    name="enapps", converge=converge, plan=plan, probe=probe, prepare=prepare, feeds=FEEDS
)

deliver = delivery_task(SYSTEM)
