"""ManEx: make a sales order agree with an order: header, lines, prices, due dates (contracts/manex.md)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from schemas.destination import Unmappable
from schemas.goods import anything_open
from schemas.http import Call
from schemas.manex import ManexDestination
from schemas.manex.calls import Calls, Resolved
from schemas.manex.desired import desired, prepare
from tasks.copies import customer_unread
from tasks.manex.chain import Chain
from tasks.manex.replies import Absent, Done, meaning
from worker.app import delivery_task
from worker.feeds import Copied
from worker.outcomes import Delivered, Outcome, unmappable
from worker.system import Http, Job, Probed, System

PROBE_NUMBER = "CROSSDOCK"


async def converge(job: Job[ManexDestination], http: Http) -> Outcome:
    """Make ManEx hold the order once, complete: what is missing is written, what differs is changed."""
    unread = customer_unread(job.memo)
    if unread is not None and not job.order.cancelled:
        return unread
    try:
        wanted = desired(job.order, number=job.number, memo=job.memo, destination=job.destination)
    except Unmappable as problem:
        doubtful = job.in_doubt or "header" in job.memo
        return unmappable(problem, in_doubt=doubtful, hold=doubtful)  # it may have an earlier version, and ship it
    return await Chain(job, http, wanted).run()


def plan(job: Job[ManexDestination]) -> Sequence[Call]:
    """The calls of a first attempt. What ManEx tells on the way stands in angle brackets. Raises Unmappable."""
    order, destination = job.order, job.destination
    if order.cancelled or not anything_open(order):
        return ()
    memo = prepare(order, job.memo, destination, _Unknown())
    if destination.customer_from is not None:
        looked_up = f"<ref of the buyer's company at {destination.customer_from}>"
        destination = destination.model_copy(update={"customer": looked_up})
    wanted, calls = desired(order, number=job.number, memo=memo, destination=destination), Calls(destination)
    resolved, before = Resolved(), list[Call]()
    if destination.item_master:
        resolved = Resolved(uniq_key="<Uniq_Key>", unit="<U_Of_Meas>", w_key="<W_Key>")
        before = [calls.item_master(part) for part in dict.fromkeys(item.part for item in wanted.items)]
    keys = {item.line_no: f"<UNIQUELN of line {item.line_no}>" for item in wanted.items}
    return (
        *before,
        calls.add(wanted),
        *(calls.item_add(wanted.so_no, item, resolved) for item in wanted.items),
        calls.get(wanted.so_no),
        *(calls.price_add(wanted.so_no, keys[item.line_no], item.price) for item in wanted.items),
        *(calls.due_add(wanted.so_no, keys[item.line_no], wanted, item.quantity) for item in wanted.items),
        calls.get(wanted.so_no),
    )


class _Unknown:
    """Gives numbers that nobody knows yet, and knows nobody."""

    def number(self, digits: int) -> str:
        return "_" * digits

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        return ()

    def copied(self, destination: str, kind: str) -> bool:
        return False


async def probe(destination: ManexDestination, http: Http) -> Probed:
    """Ask for a sales order that cannot be: that there is none proves address, verb and key."""
    reply = await http.send(Calls(destination).get(PROBE_NUMBER))
    answer = meaning(reply, action="Get", what="the probe", destination=destination.name, now=time.time())
    if isinstance(answer, Done | Absent):
        return Probed(Delivered(reference=None))
    return Probed(replace(answer, in_doubt=False))


SYSTEM: System[ManexDestination] = System(name="manex", converge=converge, plan=plan, probe=probe, prepare=prepare)

deliver = delivery_task(SYSTEM)
