"""Esuite: a transaction that is there is made to agree: left, changed, or deleted (contracts/esuite.md section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.customers import Copies, Copy, customer_of
from schemas.destination import Unmappable
from schemas.esuite import EsuiteDestination, anything_open, change, remarks, removal
from schemas.esuite_reply import Row, differences, footprint, leaves
from schemas.http import Call
from schemas.order import Order
from tasks.esuite.lookup import key_of, look, remembered
from tasks.esuite.replies import outcome
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Http, Job

TRIED = 5
"""Versions whose figures are remembered."""

PREPARED = frozenset({"tried", "customer"})
"""What of the memo stands there before anything was sent."""


def prepare(
    order: Order, memo: Mapping[str, Any], destination: EsuiteDestination, shelf: Copies[Copy]
) -> Mapping[str, Any]:
    """The figures of each version that may be sent stand in the ledger before it is: by them it is known to be ours.

    And whose order it is, where that is looked up: anew until something may be there.
    """
    if order.cancelled:
        return memo
    if destination.customer_from is not None and memo.keys() <= PREPARED:
        memo = {**memo, "customer": customer_of(order.email, of=destination.customer_from, shelf=shelf)}
    try:
        figures = footprint(order, destination=destination)
    except Unmappable:
        return memo  # converge says so
    tried = list(memo.get("tried", ()))
    return memo if figures in tried else {**memo, "tried": [*tried, figures][-TRIED:]}


async def compared(job: Job[EsuiteDestination], http: Http, live: tuple[Row, ...]) -> Outcome:
    """What is there against what the order says; what is ours and differs is changed, or deleted for a cancel."""
    key, row = key_of(job), live[0]
    if len(live) > 1:
        return Reject(
            code="duplicates",
            reason=f"Esuite holds {key} {len(live)} times: {', '.join(row.name for row in live)}.",
            hint="Delete all but one of them in Esuite, then replay.",
        )
    unequal = () if job.order.cancelled else differences(job.order, destination=job.destination, row=row)
    ours = _is_ours(job, row)
    waiting = _late(job) if ours and (job.memo.get("changing") or (job.interrupted and remembered(job))) else None
    if waiting is not None:
        return waiting
    if job.order.cancelled:
        return await _delete(job, http, row) if ours else _not_ours(job, row, "the shop cancelled the order")
    if not unequal:
        return _equal(job, row, note=f"found in Esuite as {row.name}, equal to the order; nothing was sent")
    if not ours:
        return _not_ours(job, row, "; ".join(unequal))
    return await _change(job, http, row)


def _equal(job: Job[EsuiteDestination], row: Row, *, note: str) -> Delivered:
    return Delivered(
        reference=row.name,
        note=note,
        memo={**tried(job), **row.ids, "TransYourRef": key_of(job)},
        warnings=remarks(job.order, destination=job.destination),
    )


def _is_ours(job: Job[EsuiteDestination], row: Row) -> bool:
    """An attempt told so, or it has the figures of a version that an attempt whose answer was lost may have sent."""
    if row.TransNo and row.TransNo == job.memo.get("TransNo"):
        return True
    return any(leaves(row, tried) for tried in job.memo.get("tried", ()))


def _not_ours(job: Job[EsuiteDestination], row: Row, why: str) -> Reject:
    return Reject(
        code="conflict",
        reason=f"Esuite holds {key_of(job)} as {row.name}, which is none that we know to be this order's: {why}.",
        hint=f"If {row.name} is this order, make it in Esuite what the order says, then replay, or accept it as it is. "
        "If it is another one, give this shop a number_prefix or edit this order's number, then replay.",
        hold=job.order.cancelled,
    )


def _late(job: Job[EsuiteDestination]) -> Retry | None:
    """A change that was not answered may be carried out late, over a newer version's."""
    apart = job.destination.timeout_s
    # Of an attempt that was cut off nobody knows when it sent; at the earliest now, for all we know.
    since = job.now - float(job.memo["changing"]) if "changing" in job.memo and not job.interrupted else apart
    if since >= 2 * apart:
        return None
    return Retry(
        code="looking",
        reason=f"A change of {key_of(job)} that Esuite did not answer may come late; it is looked up once more.",
        after=2 * apart - since,
        counts=False,
        memo={**job.memo, "changing": job.now - since},
    )


async def _change(job: Job[EsuiteDestination], http: Http, row: Row) -> Outcome:
    """PUT, then compare again: whether it merges or replaces is not documented (section 13)."""
    if not anything_open(job.order) and not _shipped(job.order):
        return await _delete(job, http, row)
    call = Call("PUT", "trans", body=change(job.order, number=job.number, destination=job.destination, ids=row.ids))
    answer = outcome(await http.send(call), writing=True, destination=job.destination.name, now=job.now)
    if isinstance(answer, Reject) and answer.code != "no_transaction":
        return replace(
            answer,
            code="change_refused",
            reason=f"Esuite keeps {row.name} as it was: {answer.reason}",
            hint=f"Settle the change of {row.name} in Esuite by hand and replay; or accept it as it is there.",
            hold=True,
        )
    if not isinstance(answer, Delivered):
        return _unanswered(job, row, answer)
    live = await look(job, http, key_of(job))
    if not isinstance(live, tuple):
        return _unanswered(job, row, live)
    unequal = differences(job.order, destination=job.destination, row=live[0]) if len(live) == 1 else ("it is gone",)
    if not unequal:
        return _equal(job, live[0], note=f"{row.name} was changed in Esuite")
    return Reject(
        code="change_not_taken",
        reason=f"Esuite took the change of {row.name}, and still shows: {'; '.join(unequal)}.",
        hint=f"Change {row.name} in Esuite by hand to what the order says, then replay; or accept it as it is there.",
        hold=True,
        memo={**job.memo, **row.ids, "TransYourRef": key_of(job)},
    )


async def _delete(job: Job[EsuiteDestination], http: Http, row: Row) -> Outcome:
    reply = await http.send(Call("DELETE", "trans", body=removal(job.destination, row.ids)))
    memo = {**tried(job), **row.ids, "TransYourRef": key_of(job)}
    gone = Delivered(reference=row.name, note=f"{row.name} was deleted in Esuite", memo=memo)
    if reply.status == 204:  # nothing matched: gone before (section 3.3)
        live = await look(job, http, key_of(job))
        return gone if live == () else _unanswered(job, row, live if not isinstance(live, tuple) else _still_there(row))
    answer = outcome(reply, writing=True, destination=job.destination.name, now=job.now)
    if isinstance(answer, Reject):
        return replace(
            answer,
            code="cancel_refused",
            reason=f"Esuite did not delete {row.name}: {answer.reason}",
            hint=f"Delete or credit {row.name} in Esuite by hand and replay; or accept it as it is there.",
            hold=True,
        )
    return gone if isinstance(answer, Delivered) else _unanswered(job, row, answer)


def _still_there(row: Row) -> Retry:
    reason = f"Esuite answered 204 to the deletion of {row.name}, and still shows it."
    return Retry(code="not_deleted", reason=reason, in_doubt=True, tries=3)


def _unanswered(job: Job[EsuiteDestination], row: Row, answer: Outcome) -> Outcome:
    """Remember which transaction is changed, and since when."""
    if not isinstance(answer, Retry):
        return answer
    memo = {**job.memo, **row.ids, "TransYourRef": key_of(job)}
    return replace(answer, in_doubt=True, memo={**memo, "changing": job.now} if answer.in_doubt else memo)


def _shipped(order: Order) -> bool:
    return any(line.fulfilled_quantity > 0 for line in order.lines)


def tried(job: Job[EsuiteDestination]) -> dict[str, Any]:
    return {name: value for name, value in job.memo.items() if name in PREPARED}
