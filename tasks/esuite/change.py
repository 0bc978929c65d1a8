"""Esuite: a transaction that is there is made to agree: left, changed, or deleted (contracts/esuite.md section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from schemas.customers import Copies, Copy, customer_of
from schemas.destination import Unmappable
from schemas.esuite import EsuiteDestination
from schemas.esuite.reply import Row, differences, footprints, leaves
from schemas.esuite.trans import anything_wanted, change, change_remarks, remarks, removal, shipped, wording
from schemas.http import Call
from schemas.order import Order
from tasks.esuite.lookup import key_of, look, remembered
from tasks.esuite.replies import outcome
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Http, Job

TRIED = 20
"""Footprints and wordings that are remembered."""

GATEWAYS = ("no_payload", "no_data")
"""What a gateway that drops a body looks like, most likely the one of a DELETE (section 9, trap 13)."""

PREPARED = frozenset({"tried", "told", "shipped", "customer"})
"""What of the memo stands there before anything was sent."""


def prepare(
    order: Order, memo: Mapping[str, Any], destination: EsuiteDestination, shelf: Copies[Copy]
) -> Mapping[str, Any]:
    """The figures of each version that may be sent stand in the ledger before it is: by them it is known to be ours.

    So do its wordings: figures are compared with what is there, addresses and notes with what was sent. And whose
    order it is, where that is looked up: anew until something may be there, and as long as nobody is known, for
    without an account nothing went out.
    """
    if order.cancelled:
        return memo
    nobody = "customer" in memo and not memo["customer"].get("code")
    if destination.customer_from is not None and (nobody or memo.keys() <= PREPARED):
        memo = {**memo, "customer": customer_of(order.email, of=destination.customer_from, shelf=shelf)}
    if not memo.keys() - {"customer"} and shipped(order):
        memo = {**memo, "shipped": shipped(order)}
    try:
        figures = footprints(order, destination=destination, before=memo.get("shipped", {}))
    except Unmappable:
        return memo  # converge says so
    return _with(_with(memo, "told", (wording(order),)), "tried", figures)


def _with(memo: Mapping[str, Any], name: str, more: Sequence[str]) -> Mapping[str, Any]:
    known = list(memo.get(name, ()))
    fresh = [one for one in more if one not in known]
    return {**memo, name: [*known, *fresh][-TRIED:]} if fresh else memo


async def compared(job: Job[EsuiteDestination], http: Http, live: tuple[Row, ...]) -> Outcome:
    """What is there against what the order says; what is ours and differs is changed, or deleted for a cancel."""
    row = live[0]
    if len(live) > 1:
        return _duplicates(job, live)
    ours = is_ours(job, row)
    unequal = () if job.order.cancelled else _unequal(job, row, ours=ours)
    waiting = _late(job) if ours else None
    if waiting is not None:
        return waiting
    if job.order.cancelled:
        return await _delete(job, http, row) if ours else _not_ours(job, row, "the shop cancelled the order")
    if not unequal and not (ours and _other_wording(job)):
        return _equal(job, row, note=f"found in Esuite as {row.name}, equal to the order; nothing was sent")
    if not ours:
        return _not_ours(job, row, "; ".join(unequal))
    return await _change(job, http, row)


def _equal(job: Job[EsuiteDestination], row: Row, *, note: str) -> Delivered:
    return Delivered(
        reference=row.name,
        note=note,
        memo=_known(job, row),
        warnings=remarks(job.order, destination=job.destination),
    )


def _duplicates(job: Job[EsuiteDestination], live: tuple[Row, ...]) -> Reject:
    return Reject(
        code="duplicates",
        reason=f"Esuite holds {key_of(job)} {len(live)} times: {', '.join(row.name for row in live)}.",
        hint="Delete all but one of them in Esuite, then replay.",
        in_doubt=True,
    )


def is_ours(job: Job[EsuiteDestination], row: Row) -> bool:
    """An attempt told so, or it has the figures of a version that an attempt whose answer was lost may have sent."""
    if row.TransNo and row.TransNo == job.memo.get("TransNo"):
        return bool(row.CompanyNo == job.memo.get("CompanyNo", row.CompanyNo))
    return leaves(row, job.memo.get("tried", ()))


def _unequal(job: Job[EsuiteDestination], row: Row, *, ours: bool = True) -> tuple[str, ...]:
    before = job.memo.get("shipped") if ours else None
    return differences(job.order, destination=job.destination, row=row, before=before)


def _other_wording(job: Job[EsuiteDestination]) -> bool:
    """Another address or note may stand there than the order has now."""
    return any(told != wording(job.order) for told in job.memo.get("told", ()))


def _not_ours(job: Job[EsuiteDestination], row: Row, why: str) -> Reject:
    mend = "delete it in Esuite" if job.order.cancelled else "make it in Esuite what the order says"
    return Reject(
        code="conflict",
        reason=f"Esuite holds {key_of(job)} as {row.name}, which is none that we know to be this order's: {why}.",
        hint=f"If {row.name} is this order, {mend}, then replay, or accept it as it is. "
        "If it is another one, give this shop a number_prefix or edit this order's number, then replay.",
        hold=job.order.cancelled,
    )


def _late(job: Job[EsuiteDestination]) -> Retry | None:
    """A change that was not answered may be carried out late, over a newer version's.

    When it was sent is not known: an attempt may wait for its turn long after it began. So the time counts from the
    first look after it.
    """
    if "changing" not in job.memo and not (job.interrupted and _may_have_changed(job)):
        return None
    wait, seen = 2 * job.destination.timeout_s, job.memo.get("changing")
    since = max(job.now - float(seen), 0.0) if seen is not None and not job.interrupted else 0.0
    if since >= wait:
        return None
    return Retry(
        code="looking",
        reason=f"A change of {key_of(job)} that Esuite did not answer may come late; it is looked up once more.",
        after=wait - since,
        counts=False,
        memo={**job.memo, "changing": job.now - since},
    )


def _may_have_changed(job: Job[EsuiteDestination]) -> bool:
    """An attempt that was cut off had more to do than to make the transaction."""
    return bool(remembered(job)) or any(len(job.memo.get(name, ())) > 1 for name in ("tried", "told"))


async def _change(job: Job[EsuiteDestination], http: Http, row: Row) -> Outcome:
    """PUT, then compare again: whether it merges or replaces is not documented (section 13)."""
    before = job.memo.get("shipped", {})
    if not anything_wanted(job.order, before=before):
        return await _delete(job, http, row)
    body = change(job.order, number=job.number, destination=job.destination, ids=row.ids, before=before)
    reply = await http.send(Call("PUT", "trans", body=body))
    answer = outcome(reply, writing=True, destination=job.destination.name, now=job.now)
    if isinstance(answer, Reject):
        return _change_refused(job, row, answer)
    if not isinstance(answer, Delivered):
        return _unanswered(job, row, answer)
    live = await look(job, http, key_of(job))
    if not isinstance(live, tuple):
        return _unanswered(job, row, live)
    if len(live) > 1:
        return _duplicates(job, live)
    unequal = _unequal(job, live[0]) if live else ("nothing of it",)
    if not unequal:
        note, warnings = f"{row.name} was changed in Esuite", change_remarks(job.order, destination=job.destination)
        return Delivered(
            reference=live[0].name, note=note, memo={**_known(job, live[0]), **written(job)}, warnings=warnings
        )
    return Reject(
        code="change_not_taken",
        reason=f"Esuite took the change of {row.name}, and still shows: {'; '.join(unequal)}.",
        hint=f"Change {row.name} in Esuite by hand to what the order says, then replay; or accept it as it is there.",
        hold=True,
        memo=_known(job, row),
    )


def _change_refused(job: Job[EsuiteDestination], row: Row, answer: Reject) -> Reject:
    memo = _known(job, row)
    told = [one for one in memo.get("told", ()) if one != wording(job.order)]
    if told and not job.in_doubt:
        memo["told"] = told  # for sure the newest wording does not stand there
    hint = f"Settle the change of {row.name} in Esuite by hand and replay; or accept it as it is there."
    if not _unequal(job, row):
        hint = (
            f"Its figures agree. Change its address and note in Esuite by hand, then accept {row.name} as it is there."
        )
    reason = f"Esuite keeps {row.name} as it was: {answer.reason}"
    return Reject(code="change_refused", reason=reason, hint=_with_gateway(hint, answer), hold=True, memo=memo)


def _with_gateway(hint: str, answer: Reject) -> str:
    return f"{hint} {answer.hint}" if answer.code in GATEWAYS else hint


async def _delete(job: Job[EsuiteDestination], http: Http, row: Row) -> Outcome:
    reply = await http.send(Call("DELETE", "trans", body=removal(job.destination, row.ids)))
    memo = {**_known(job, row), "taken_back": row.TransNo}
    gone = Delivered(reference=row.name, note=f"{row.name} was deleted in Esuite", memo=memo)
    if reply.status == 204:  # nothing matched: gone before (section 3.3)
        live = await look(job, http, key_of(job))
        if live == ():
            return gone
        if not isinstance(live, tuple):
            return _unanswered(job, row, live, taken_back=True)
        answer: Outcome = Reject(code="no_transaction", reason="it answered 204, no such transaction, and shows it.")
    else:
        answer = outcome(reply, writing=True, destination=job.destination.name, now=job.now)
    if isinstance(answer, Reject):
        reason = f"Esuite did not delete {row.name}: {answer.reason}"
        hint = f"Delete or credit {row.name} in Esuite by hand and replay; or accept it as it is there."
        hint = _with_gateway(hint, answer)
        return Reject(code="cancel_refused", reason=reason, hint=hint, hold=True, memo=_known(job, row))
    if isinstance(answer, Delivered):
        return gone
    return _unanswered(job, row, answer, taken_back=isinstance(answer, Retry) and answer.in_doubt)


def _unanswered(job: Job[EsuiteDestination], row: Row, answer: Outcome, *, taken_back: bool = False) -> Outcome:
    """Remember which transaction is changed, and that it may happen late."""
    if not isinstance(answer, Retry):
        return answer
    memo = {**job.memo, **_known(job, row)}
    if answer.in_doubt:
        memo["changing"] = None  # since when is for the next attempt to say
    if taken_back:
        memo["taken_back"] = row.TransNo
    return replace(answer, in_doubt=True, memo=memo)


def _known(job: Job[EsuiteDestination], row: Row) -> dict[str, Any]:
    """The memo of a transaction that is ours."""
    return {**tried(job), **row.ids, "TransYourRef": key_of(job)}


def tried(job: Job[EsuiteDestination]) -> dict[str, Any]:
    """What :func:`prepare` remembers."""
    return {name: job.memo[name] for name in job.memo if name in PREPARED}


def written(job: Job[EsuiteDestination]) -> dict[str, Any]:
    """As :func:`tried`, once the order's own wording is known to stand there."""
    known = tried(job)
    return {**known, "told": [wording(job.order)]} if "told" in known else known
