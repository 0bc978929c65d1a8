"""Interprise IWS: make a sales order agree with an order (contracts/iws.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.goods import anything_open
from schemas.http import Call
from schemas.iws import IwsDestination
from schemas.iws.difference import warnings
from schemas.iws.reply import Resource, read_created
from schemas.iws.sales_order import post, remarks
from tasks.iws.compare import compared, settled, voided
from tasks.iws.feeds import FEEDS
from tasks.iws.lookup import cannot_look, look, remembered
from tasks.iws.memo import KEPT, by_email, code, kept, prepare, unread
from tasks.iws.paging import Endless, Reader, Stopped
from tasks.iws.probe import probe
from tasks.iws.replies import outcome
from tasks.once import NOTHING_LEFT, look_again, once
from worker.app import delivery_task
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Http, Job, System

CHANGELOG_S = 60.0
"""The changelog is read with an overlap of a minute (section 9): so late a row may still come."""


async def converge(job: Job[IwsDestination], http: Http) -> Outcome:
    """Make IWS hold the order once: write at first, look before writing wherever something may be there."""
    may_be_there = job.in_doubt or bool(job.memo.keys() - set(KEPT))
    return await once(job, http, may_be_there=may_be_there, find=_find, create=_create, system="IWS")


def plan(job: Job[IwsDestination]) -> Sequence[Call]:
    """The one POST of a first attempt, or nothing where nothing is to be delivered. Raises Unmappable."""
    if job.order.cancelled or not anything_open(job.order):
        return ()
    by = job.destination.customer_from(job.shop)
    return (_post(job, None if by is None else f"<ref of the buyer's company at {by}>"),)


def _post(job: Job[IwsDestination], customer: str | None) -> Call:
    return post(job.order, number=job.number, shop=job.shop, destination=job.destination, code=customer)


async def _create(job: Job[IwsDestination], http: Http) -> Outcome:
    if not anything_open(job.order):
        return Delivered(reference=None, note=NOTHING_LEFT)
    waiting = unread(job)
    if waiting is not None:
        return waiting
    said, customer = remarks(job.order, job.destination), code(job)
    reply = await http.send(_post(job, customer))
    answer = outcome(reply, "write", destination=job.destination.name, now=job.now)
    if isinstance(answer, Delivered):
        made = read_created(reply)
        return answer if made is None else _made(job, made, said, named=customer is not None)
    if isinstance(answer, Retry) and (answer.in_doubt or job.in_doubt):
        # This memo has no looks in it: after a fresh doubt they are counted anew.
        return replace(answer, in_doubt=True, memo={**kept(job), "poCode": job.number})
    return answer


def _made(job: Job[IwsDestination], made: Resource, said: tuple[str, ...], *, named: bool) -> Delivered:
    memo = settled(job, made)
    note = "" if named or "customer" not in memo else f"customer {memo['customer']}"
    said = (*said, *warnings(job.order, made, destination=job.destination))
    return Delivered(reference=made.id, note=note, memo=memo, warnings=said)


async def _find(job: Job[IwsDestination], http: Http) -> Outcome | None:
    """What follows from what IWS has of this order. None: nothing, and that was seen twice, apart in time."""
    reader = Reader(http=http, name=job.destination.name, now=job.now)
    try:
        found = await look(job, reader)
        live = tuple(row for row in found if not row.flag("isVoided"))
        if live:
            return await compared(job, reader, live)
    except Stopped as stopped:
        return stopped.outcome
    except Endless as endless:
        return cannot_look(job, endless.why)
    gone = [row for row in found if _under_this_number(job, row)]
    return voided(job, gone[0]) if gone else _absent(job)


def _under_this_number(job: Job[IwsDestination], row: Resource) -> bool:
    """A voided one of an earlier number was voided so that the order can be sent anew."""
    return job.order.cancelled or row.text("poCode") == job.number or row.id == remembered(job)


def _absent(job: Job[IwsDestination]) -> Outcome | None:
    """Two empty looks, apart in time, come before a second POST: IWS knows nothing of doubles (section 6.5)."""
    code = remembered(job)
    if code:
        return Reject(
            code="missing",
            reason=f"IWS made {code} of this order, and shows nothing of it any more.",
            hint=f"Look for {code} in Interprise. If it is gone for good, accept that; or edit the order's number to "
            "send the order once more, then replay.",
            hold=True,
        )
    apart = max(job.destination.timeout_s, CHANGELOG_S if by_email(job) else 0.0)
    reason = f"IWS shows no order {job.number}; it is looked for once more before it is sent again."
    return look_again(job, key=job.number, apart=apart, reason=reason)


SYSTEM: System[IwsDestination] = System(
    name="iws", converge=converge, plan=plan, probe=probe, prepare=prepare, feeds=FEEDS
)

deliver = delivery_task(SYSTEM)
