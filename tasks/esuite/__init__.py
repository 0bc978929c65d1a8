"""Esuite: make a sales transaction agree with an order (contracts/esuite.md sections 3, 6 and 10)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from schemas.customers import code_of
from schemas.esuite import LEDGER, EsuiteDestination, reference
from schemas.esuite.reply import Row, differences, read_rows
from schemas.esuite.trans import anything_wanted, remarks, shipped, transaction
from schemas.goods import anything_open
from schemas.http import Call
from tasks.copies import customer_unread
from tasks.esuite.change import PREPARED, compared, is_ours, prepare, tried, written
from tasks.esuite.feeds import FEEDS
from tasks.esuite.lookup import ignored, key_of, look, remembered
from tasks.esuite.replies import outcome
from tasks.once import NOTHING_LEFT, look_again, once
from worker.app import delivery_task
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Http, Job, Probed, System

PROBE_NUMBER = "crossdock-probe"


async def converge(job: Job[EsuiteDestination], http: Http) -> Outcome:
    """Make Esuite hold the order once: write at first, look before writing wherever something may be there."""
    may_be_there = job.in_doubt or bool(job.memo.keys() - PREPARED)
    return await once(job, http, may_be_there=may_be_there, find=_find, create=_create, system="Esuite")


def plan(job: Job[EsuiteDestination]) -> Sequence[Call]:
    """The one POST of a first attempt, or nothing where nothing is to be delivered. Raises Unmappable."""
    if job.order.cancelled or not anything_open(job.order):
        return ()
    by = job.destination.customer_from
    return (_post(job, account=None if by is None else f"<ref of the buyer's company at {by}>"),)


async def probe(destination: EsuiteDestination, http: Http) -> Probed:
    """Read the companies, and prove that the look-up by TransYourRef filters (section 10, step 6)."""
    now = time.time()
    reply = await http.send(Call("GET", "company"))
    answer = outcome(reply, writing=False, destination=destination.name, now=now)
    if not isinstance(answer, Delivered):
        return Probed(answer)
    key = reference(PROBE_NUMBER, destination)
    params = (("TransYourRef", key), ("TransLedger", LEDGER), ("InclDetails", "0"), ("Limit", "1"))
    reply = await http.send(Call("GET", "trans", params=params))
    answer = outcome(reply, writing=False, destination=destination.name, now=now)
    if isinstance(answer, Delivered) and reply.status != 204 and read_rows(reply.json()):
        return Probed(ignored(destination.name, key))
    return Probed(answer)


def _post(job: Job[EsuiteDestination], *, account: str | None) -> Call:
    body = transaction(job.order, number=job.number, destination=job.destination, account=account)
    return Call("POST", "trans", body=body)


def _account(job: Job[EsuiteDestination]) -> str | None:
    """AccountRef, where it is looked up. Raises Unmappable."""
    by = job.destination.customer_from
    return None if by is None else code_of(job.memo.get("customer", {}), of=by)


async def _create(job: Job[EsuiteDestination], http: Http) -> Outcome:
    if not anything_open(job.order):
        return Delivered(reference=None, note=NOTHING_LEFT)
    unread = customer_unread(job.memo)
    if unread is not None:
        return unread
    call = _post(job, account=_account(job))
    warnings = remarks(job.order, destination=job.destination)
    answer = outcome(await http.send(call), writing=True, destination=job.destination.name, now=job.now)
    if isinstance(answer, Delivered):
        memo = {**written(job), **answer.memo, "TransYourRef": key_of(job)}
        if memo.get("shipped") or shipped(job.order):
            memo["shipped"] = shipped(job.order)
        return replace(answer, memo=memo, warnings=warnings)
    if isinstance(answer, Retry) and (answer.in_doubt or job.in_doubt):
        # This memo has no looks in it: after a fresh doubt they are counted anew.
        return replace(answer, in_doubt=True, memo={**tried(job), "TransYourRef": key_of(job)})
    return answer


async def _find(job: Job[EsuiteDestination], http: Http) -> Outcome | None:
    """What follows from what Esuite has of this order. None: nothing, and that was seen twice, apart in time."""
    key = key_of(job)
    live = await look(job, http, key)
    deleted: tuple[Row, ...] | Outcome = ()
    if live == ():
        deleted = await look(job, http, key, deleted=True)
        if deleted and isinstance(deleted, tuple):
            # ShowDeleted may show live ones too (section 5), and a late commit may fall between the two looks.
            live = await look(job, http, key)
    if not isinstance(live, tuple):
        return live
    if not isinstance(deleted, tuple):
        return deleted
    if live:
        return await compared(job, http, live)
    earlier = await _under_earlier_key(job, http)
    if earlier is not None:
        return earlier
    if not deleted:
        return _absent(job)
    known = [row for row in deleted if row.TransNo and row.TransNo == job.memo.get("TransNo")]
    # Where none of them is known to be ours, ours may still come: that is for two looks, as everywhere.
    waiting = _absent(job) if _unwanted(job) and not known else None
    return _deleted(job, [*known, *deleted][0]) if waiting is None else waiting


async def _under_earlier_key(job: Job[EsuiteDestination], http: Http) -> Outcome | None:
    """What went out before the order's number or a prefix was changed must not go out again."""
    earlier = str(job.memo.get("TransYourRef", key_of(job)))
    if earlier == key_of(job):
        return None
    rows = await look(job, http, earlier)
    if not isinstance(rows, tuple):
        return rows
    for row in rows:
        equal = not job.order.cancelled and not differences(job.order, destination=job.destination, row=row)
        if equal or is_ours(job, row):
            return Reject(
                code="renumbered",
                reason=f"Esuite holds this order as {row.name} under its earlier key {earlier}.",
                hint=f"In Esuite set TransYourRef of {row.name} to {key_of(job)} or delete it, then replay.",
                hold=True,
            )
    return None


def _deleted(job: Job[EsuiteDestination], row: Row) -> Outcome:
    if _unwanted(job):
        memo = {**tried(job), **row.ids, "TransYourRef": key_of(job), "taken_back": row.TransNo}
        return Delivered(reference=row.name, note=f"{row.name} is deleted in Esuite", memo=memo)
    if row.TransNo and row.TransNo == job.memo.get("taken_back"):
        return _revived(job, row.name)
    return Reject(
        code="deleted",
        reason=f"Esuite held {key_of(job)} as {row.name}, and someone deleted it there.",
        hint="If that was meant, accept it as it is there. To send the order once more, edit its number, then replay.",
        hold=True,
    )


def _unwanted(job: Job[EsuiteDestination]) -> bool:
    """Cancelled, or refunded before anything was shipped: nothing of it has to be there."""
    return job.order.cancelled or not anything_wanted(job.order, before=job.memo.get("shipped", {}))


def _revived(job: Job[EsuiteDestination], name: str) -> Reject:
    return Reject(
        code="revived",
        reason=f"{name} was deleted in Esuite when the order was cancelled or refunded, and now the shop wants it "
        "again.",
        hint=f"Enter it in Esuite by hand with the TransYourRef {key_of(job)}, then replay; or edit its number to "
        "send it once more.",
        hold=True,
    )


def _absent(job: Job[EsuiteDestination]) -> Outcome | None:
    """Two empty looks, apart in time, come before a second POST (section 10, step 5)."""
    key = key_of(job)
    if remembered(job) and job.memo.get("TransYourRef", key) == key:
        return _missing(job, remembered(job))
    reason = f"Esuite shows no {key}; it is looked for once more before it is sent again."
    return look_again(job, key=key, apart=job.destination.timeout_s, reason=reason)


def _missing(job: Job[EsuiteDestination], name: str) -> Outcome:
    key, unwanted = key_of(job), _unwanted(job)
    # Whether Esuite shows deleted ones is a matter of the site: what we asked to be deleted is (section 3.3).
    asked = bool(job.memo.get("taken_back")) and job.memo.get("taken_back") == job.memo.get("TransNo")
    if asked or (unwanted and job.interrupted):
        if not unwanted:
            return _revived(job, name)
        note = f"{name} is gone: Esuite shows nothing under {key} any more"
        return Delivered(reference=name, note=note, memo={**job.memo, "taken_back": job.memo.get("TransNo")})
    hint = f"Find {name} in Esuite and set its TransYourRef to {key}, then replay. "
    return Reject(
        code="missing",
        reason=f"Esuite made {name} of this order, and shows nothing under {key} any more.",
        hint=hint + "Nothing of it is wanted any more: is it gone for good, accept it as it is."
        if unwanted
        else hint
        + "Is it gone for good, accept it as it is; or edit the order's number to send it once more, then replay.",
        hold=True,
    )


SYSTEM: System[EsuiteDestination] = System(
    name="esuite", converge=converge, plan=plan, probe=probe, prepare=prepare, feeds=FEEDS
)

deliver = delivery_task(SYSTEM)
