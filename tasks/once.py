"""The heart of the promise, for systems that would take an order twice: it is there once, whatever went wrong before.

No system has an idempotency key: a POST that is repeated makes a second order, and one whose answer was lost may have
made the first. So wherever something of ours may be there, it is looked for before anything is written. What is found
decides; only where nothing is found, and that was seen twice and apart in time, is it written. Where nothing can be
there, as at a first attempt, the look is left out: the ledger knows that nothing was ever sent.

An attempt that may not come to an end, because it could not look or has to ask a person, leaves the order as much in
doubt as it was. Forgetting the doubt would let the next attempt write without a look.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from schemas.destination import Destination, Unmappable
from worker.outcomes import Delivered, Outcome, Retry, unmappable
from worker.system import Http, Job

D = TypeVar("D", bound=Destination)

NOTHING_LEFT = "nothing left to deliver: no line of the order has an open quantity"


def never_sent(system: str) -> str:
    """The note of an order that was cancelled in time. ``system``: ``Esuite``, as people call it."""
    return f"cancelled before anything reached {system}"


async def once(
    job: Job[D],
    http: Http,
    *,
    may_be_there: bool,
    find: Callable[[Job[D], Http], Awaitable[Outcome | None]],
    create: Callable[[Job[D], Http], Awaitable[Outcome]],
    system: str,
) -> Outcome:
    """Look before writing wherever something may be there, else write.

    Args:
        may_be_there: an earlier attempt may have got through, or did.
        find: what follows from what is there of this order: it agrees, was made to agree, or why that cannot be. None:
            nothing is there, and it is safe to write (see :func:`look_again`).
        create: write the order anew.
        system: ``Esuite``, as people call it.

    Returns:
        What ``find`` or ``create`` say. Whatever ``find`` says but Delivered stays in doubt; an order that cannot be
        put into the system's words is refused, in doubt where it was before.
    """
    try:
        if may_be_there:
            found = await find(job, http)
            if found is not None:
                return found if isinstance(found, Delivered) else replace(found, in_doubt=True)
        if job.order.cancelled:
            return Delivered(reference=None, note=never_sent(system))
        return await create(job, http)
    except Unmappable as problem:
        return unmappable(problem, in_doubt=may_be_there)


def look_again(job: Job[D], *, key: str, apart: float, reason: str) -> Retry | None:
    """A second look, ``apart`` seconds after the first: what was sent may be carried out late. None: that was it.

    The memo keeps ``looked_for`` and ``looked_at``. A look counts for its own ``key`` alone, and not where the attempt
    after it was cut off: that one may have written.

    Args:
        key: what the order is looked for by.
        reason: for people, in one sentence.
    """
    memo = job.memo
    counted = memo.get("looked_for") == key and not job.interrupted
    since = job.now - float(memo["looked_at"]) if counted else 0.0
    if counted and since >= apart:
        return None
    return Retry(
        code="looking",
        reason=reason,
        after=min(apart, apart - since),
        counts=False,
        memo=None if counted else {**memo, "looked_for": key, "looked_at": job.now},
    )
