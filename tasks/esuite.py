"""Esuite: make a sales transaction agree with an order (contracts/esuite.md sections 3, 6 and 10)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from schemas.destination import Unmappable
from schemas.esuite import LEDGER, EsuiteDestination, anything_open, reference, remarks, transaction
from schemas.esuite_reply import Row, differences, read_created, read_rows, said
from schemas.http import Call, Reply, retry_after
from worker.app import delivery_task
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http, Job, System

PAGE = 50
PAGES = 10
"""After so many full pages without our key the filter is taken for ignored (section 10, step 2)."""

PROBE_NUMBER = "crossdock-probe"
NOTHING_LEFT = "nothing left to deliver: no line of the order has an open quantity"
NEVER_SENT = "cancelled before anything reached Esuite"


# ---------------------------------------------------------------- what a reply means (section 3.2)


@dataclass(frozen=True, slots=True)
class Documented:
    """A row of section 3.2: status, how its text begins in lower case, what follows. The first that fits counts."""

    status: int
    begins: str
    kind: Literal["reject", "suspend", "retry"]
    code: str
    hint: str = ""
    tries: int | None = None


_URL = "Check base_url in [destinations.{name}]: it ends with /api/v2 and usually has a port."
_AUTH = "Check auth in [destinations.{name}]; how a credential travels is not documented, so ask Esuite."
_RIGHTS = "Ask whoever runs this Esuite database to allow it, then resume {name}."
_DEFECT = "The request itself is wrong: report it, with the exchange, as a defect."
_GATEWAY = "If every order gets this, something on the way to Esuite drops the body. " + _URL
_MEND = (
    "Mend what Esuite names, then replay: stock codes in [destinations.{name}.skus], the account and other "
    "codes in [destinations.{name}.fields], payment types in [destinations.{name}.payments], all else by an "
    "edit of the order."
)

REPLIES: tuple[Documented, ...] = (
    Documented(400, "error with url", "suspend", "bad_url", _URL),
    Documented(400, "incomplete url", "suspend", "bad_url", _URL),
    Documented(400, "no payload found", "reject", "no_payload", _GATEWAY),
    Documented(400, "error with payload - no ", "reject", "no_data", _GATEWAY),
    Documented(400, "", "reject", "refused", _MEND),
    Documented(401, "", "suspend", "unauthorized", _AUTH),
    Documented(403, "forbidden - data is read only", "suspend", "read_only", _RIGHTS),
    Documented(403, "forbidden - account data is read only", "suspend", "read_only", _RIGHTS),
    Documented(403, "forbidden - you do not have rights", "suspend", "no_rights", _RIGHTS),
    Documented(403, "", "suspend", "not_authorized", _AUTH),
    Documented(404, "", "suspend", "wrong_url", _URL),  # a missing record is 204, so 404 points to the URL
    Documented(405, "", "suspend", "method_refused", _URL),
    Documented(406, "", "reject", "bad_query", _DEFECT),
    Documented(408, "", "retry", "408"),
    Documented(429, "", "retry", "429"),
    Documented(500, "", "retry", "500", tries=4),  # may hide an error in the data: a few tries, then a person
    Documented(501, "", "suspend", "not_implemented", _URL),  # unlike every other 5xx
)

NO_DATA: dict[str, Reject] = {
    "stock": Reject(code="unknown_sku", reason="Esuite answered 204: it has no such stock code.", hint=_MEND),
    "cust": Reject(code="unknown_account", reason="Esuite answered 204: it has no such account.", hint=_MEND),
    "supp": Reject(code="unknown_account", reason="Esuite answered 204: it has no such account.", hint=_MEND),
    "custdisc": Reject(code="unknown_account", reason="Esuite answered 204: it has no such account.", hint=_MEND),
    "voucher": Reject(code="bad_query", reason="Esuite answered 204: no search term, or a used voucher.", hint=_DEFECT),
}
"""What 204 to a GET means by endpoint. For ``trans`` it is a plain "nothing there"."""


def outcome(reply: Reply, *, writing: bool, destination: str, now: float) -> Outcome:
    """Say what one reply means: HTTP status first, text second (contracts/esuite.md section 3.2).

    Args:
        writing: the call was to change something, so that no answer leaves a doubt.
        destination: its name, for the hints.
        now: UNIX seconds, for a ``Retry-After`` that is a date.

    Returns:
        Delivered for a read that was answered, with rows or without, and for a write with the ids of its
        transaction in reference and memo; else what to do.
    """
    if reply.fault is not None:
        return _silence(reply, writing=writing)
    if reply.ok:
        return _written(reply) if writing else _read(reply, destination=destination)
    status, text = reply.status or 0, said(reply)
    reason = f"Esuite answered {status}: {text}" if text else f"Esuite answered {status} without a text."
    row = _row(status, text)
    hint = row.hint.format(name=destination)
    if row.kind == "suspend":
        return Suspend(code=row.code, reason=reason, hint=hint)
    if row.kind == "reject":
        return Reject(code=row.code, reason=reason, hint=hint)
    wait = retry_after(reply, now=now)
    return Retry(
        code=row.code,
        reason=reason,
        after=wait,
        everyone=wait is not None,
        in_doubt=writing,
        tries=row.tries,
    )


def _row(status: int, text: str) -> Documented:
    for row in REPLIES:
        if row.status == status and text.lower().startswith(row.begins):
            return row
    if status >= 500:
        return Documented(status, "", "retry", str(status))
    if status < 400:
        return Documented(status, "", "suspend", "redirected", _URL)
    return Documented(status, "", "reject", str(status), _MEND)


def _silence(reply: Reply, *, writing: bool) -> Retry:
    if reply.fault == "connect":
        return Retry(code="connect", reason="Esuite could not be reached; nothing was sent.")
    happened = "did not answer in time" if reply.fault == "timeout" else "closed the connection without an answer"
    doubt = "; the transaction may be there, so the next attempt looks first" if writing else ""
    return Retry(code=reply.fault or "lost", reason=f"Esuite {happened}{doubt}.", in_doubt=writing)


def _read(reply: Reply, *, destination: str) -> Outcome:
    if reply.status == 204:
        nothing = NO_DATA.get(reply.call.path)
        return replace(nothing, hint=nothing.hint.format(name=destination)) if nothing else Delivered(reference=None)
    if isinstance(reply.json(), dict):
        return Delivered(reference=None)
    return Retry(code="unreadable", reason=f"Esuite answered {reply.status}, but not in JSON: {said(reply)}")


def _written(reply: Reply) -> Outcome:
    row = read_created(reply.json())
    if row is not None:
        return Delivered(reference=row.name, memo=row.ids)
    if reply.status == 204 and reply.call.method == "PUT":
        reason = "Esuite answered 204: the transaction that was to be changed does not exist."
        return Reject(code="no_transaction", reason=reason, hint="Look for it in Esuite.")
    # Any other 204 to a write comes here too: none may be read as "saved" (section 3.3).
    reason = f"Esuite answered {reply.status} without naming a transaction: {said(reply) or 'no text'}"
    return Retry(code="unreadable", reason=reason, in_doubt=True, tries=4)


# ---------------------------------------------------------------- making it so (section 10)


async def converge(job: Job[EsuiteDestination], http: Http) -> Outcome:
    """Make Esuite hold the order once: write at first, look before writing wherever something may be there."""
    doubtful = job.in_doubt or bool(job.memo)
    try:
        if doubtful:
            found = await _find(job, http)
            if found is not None:
                return replace(found, in_doubt=True) if isinstance(found, Retry | Reject) else found
        if job.order.cancelled:
            return Delivered(reference=None, note=NEVER_SENT)
        return await _create(job, http)
    except Unmappable as problem:
        return Reject(code=problem.code, reason=problem.reason, hint=problem.hint, hold=problem.hold, in_doubt=doubtful)


def plan(job: Job[EsuiteDestination]) -> Sequence[Call]:
    """The one POST of a first attempt, or nothing where nothing is to be delivered. Raises Unmappable."""
    if job.order.cancelled or not anything_open(job.order):
        return ()
    return (_post(job),)


async def probe(destination: EsuiteDestination, http: Http) -> Outcome:
    """Read the companies, and prove that the look-up by TransYourRef filters (section 10, step 6)."""
    now = time.time()
    reply = await http.send(Call("GET", "company"))
    answer = outcome(reply, writing=False, destination=destination.name, now=now)
    if not isinstance(answer, Delivered):
        return answer
    key = reference(PROBE_NUMBER, destination)
    params = (("TransYourRef", key), ("TransLedger", LEDGER), ("InclDetails", "0"), ("Limit", "1"))
    reply = await http.send(Call("GET", "trans", params=params))
    answer = outcome(reply, writing=False, destination=destination.name, now=now)
    if isinstance(answer, Delivered) and reply.status != 204 and read_rows(reply.json()):
        return _ignored(destination.name, key)
    return answer


def _key(job: Job[EsuiteDestination]) -> str:
    return reference(job.number, job.destination)


def _remembered(job: Job[EsuiteDestination]) -> str:
    """The transaction that an earlier attempt made or adopted; empty where none did."""
    return str(job.memo.get("TransRefCode") or job.memo.get("TransNo") or "")


def _post(job: Job[EsuiteDestination]) -> Call:
    return Call("POST", "trans", body=transaction(job.order, number=job.number, destination=job.destination))


async def _create(job: Job[EsuiteDestination], http: Http) -> Outcome:
    if not anything_open(job.order):
        return Delivered(reference=None, note=NOTHING_LEFT)
    call = _post(job)
    warnings = remarks(job.order, destination=job.destination)
    answer = outcome(await http.send(call), writing=True, destination=job.destination.name, now=job.now)
    if isinstance(answer, Delivered):
        return replace(answer, memo={**answer.memo, "TransYourRef": _key(job)}, warnings=warnings)
    if isinstance(answer, Retry) and (answer.in_doubt or job.in_doubt):
        # This memo has no looks in it: after a fresh doubt they are counted anew.
        return replace(answer, in_doubt=True, memo={"TransYourRef": _key(job)})
    return answer


async def _find(job: Job[EsuiteDestination], http: Http) -> Outcome | None:
    """What follows from what Esuite has of this order. None: nothing, and that was seen twice, apart in time."""
    key = _key(job)
    live = await _look(job, http, key)
    deleted: tuple[Row, ...] | Outcome = ()
    if live == ():
        deleted = await _look(job, http, key, deleted=True)
        if deleted and isinstance(deleted, tuple):
            # ShowDeleted may show live ones too (section 5), and a late commit may fall between the two looks.
            live = await _look(job, http, key)
    if not isinstance(live, tuple):
        return live
    if not isinstance(deleted, tuple):
        return deleted
    if live:
        return _compared(job, live)
    earlier = await _under_earlier_key(job, http)
    if earlier is not None:
        return earlier
    return _deleted(job, deleted[0]) if deleted else _absent(job)


async def _look(
    job: Job[EsuiteDestination], http: Http, key: str, *, deleted: bool = False
) -> tuple[Row, ...] | Outcome:
    """The transactions with exactly our key, compared here: a filter may be ignored (section 10, step 2)."""
    seen: dict[tuple[str, ...], Row] = {}
    for page in range(1, PAGES + 1):
        reply = await http.send(_search(key, page=page, deleted=deleted))
        answer = outcome(reply, writing=False, destination=job.destination.name, now=job.now)
        if not isinstance(answer, Delivered):
            return answer
        rows = () if reply.status == 204 else read_rows(reply.json())
        if rows is None:
            reason = f"Esuite answered a look-up without transactions in it: {said(reply)}"
            return Retry(code="unreadable", reason=reason)
        known = len(seen)
        seen |= {(row.CompanyNo, row.TransNo, row.TransRefCode, row.TransYourRef): row for row in rows}
        ours = [row for row in seen.values() if row.TransYourRef == key and row.TransLedger in (LEDGER, "")]
        if ours or len(rows) < PAGE:
            return _originals(ours)
        if len(seen) == known:
            break
    return _ignored(job.destination.name, key)


def _search(key: str, *, page: int, deleted: bool) -> Call:
    params = [("TransYourRef", key), ("TransLedger", LEDGER), ("InclDetails", "0" if deleted else "1")]
    params += [("Limit", str(PAGE))] if page == 1 else [("PageNo", str(page)), ("PageSize", str(PAGE))]
    if deleted:
        params.append(("ShowDeleted", "1"))
    return Call("GET", "trans", params=tuple(params))


def _originals(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Without those made in Esuite from another of them, such as our order's invoice (inference, section 5)."""
    sources = {row.TransRefCode: row for row in rows if row.TransRefCode}
    return tuple(row for row in rows if sources.get(row.SourceTransRefCode, row) is row)


def _ignored(destination: str, key: str) -> Suspend:
    return Suspend(
        code="filter_ignored",
        reason=f"Esuite answers the search for TransYourRef {key} with other transactions. It seems to ignore the "
        "filter, so nobody can tell whether an order is there already.",
        hint=f"Ask Esuite to make trans?TransYourRef= work on this database, then resume {destination}.",
    )


def _compared(job: Job[EsuiteDestination], live: tuple[Row, ...]) -> Outcome:
    """What is there against what the order says. Changing it there (PUT) has its place before the last Reject."""
    key, row = _key(job), live[0]
    if len(live) > 1:
        return Reject(
            code="duplicates",
            reason=f"Esuite holds {key} {len(live)} times: {', '.join(row.name for row in live)}.",
            hint="Delete all but one of them in Esuite, then replay.",
        )
    if job.order.cancelled:
        return Reject(
            code="cancelled_after_delivery",
            reason=f"The shop cancelled the order, and Esuite holds it as {row.name}.",
            hint=f"Delete or credit {row.name} in Esuite by hand. Once it is deleted, a replay settles this.",
            hold=True,
        )
    unequal = differences(job.order, destination=job.destination, row=row)
    if not unequal:
        return Delivered(
            reference=row.name,
            note=f"found in Esuite as {row.name}, equal to the order; nothing was sent",
            memo={**row.ids, "TransYourRef": key},
            warnings=remarks(job.order, destination=job.destination),
        )
    reason = f"Esuite holds {key} as {row.name} with other figures: {'; '.join(unequal)}."
    if _remembered(job):
        hint = f"Change {row.name} in Esuite by hand to what the order says, then replay."
        return Reject(code="changed_after_delivery", reason=reason, hint=hint, hold=True)
    hint = (
        f"If {row.name} is this order, make it equal in Esuite, then replay. If it is another one, give this "
        "shop a number_prefix or edit this order's number, then replay."
    )
    return Reject(code="conflict", reason=reason, hint=hint)


async def _under_earlier_key(job: Job[EsuiteDestination], http: Http) -> Outcome | None:
    """What went out before the order's number or a prefix was changed must not go out again."""
    earlier = str(job.memo.get("TransYourRef", _key(job)))
    if earlier == _key(job):
        return None
    rows = await _look(job, http, earlier)
    if not isinstance(rows, tuple):
        return rows
    for row in rows:
        known = row.TransNo and row.TransNo == job.memo.get("TransNo")
        if known or not differences(job.order, destination=job.destination, row=row):
            return Reject(
                code="renumbered",
                reason=f"Esuite holds this order as {row.name} under its earlier key {earlier}.",
                hint=f"In Esuite set TransYourRef of {row.name} to {_key(job)} or delete it, then replay.",
                hold=True,
            )
    return None


def _deleted(job: Job[EsuiteDestination], row: Row) -> Outcome:
    if job.order.cancelled:
        return Delivered(reference=row.name, note=f"cancelled, and {row.name} is deleted in Esuite", memo=row.ids)
    return Reject(
        code="deleted",
        reason=f"Esuite held {_key(job)} as {row.name}, and someone deleted it there.",
        hint="If that was meant, leave it so. To send the order once more, edit its number, then replay.",
        hold=True,
    )


def _absent(job: Job[EsuiteDestination]) -> Outcome | None:
    """Two empty looks, apart in time, come before a second POST (section 10, step 5)."""
    key, memo, apart = _key(job), job.memo, job.destination.timeout_s
    if _remembered(job) and memo.get("TransYourRef", key) == key:
        return Reject(
            code="missing",
            reason=f"Esuite made {_remembered(job)} of this order, and shows nothing under {key} any more.",
            hint=f"Find {_remembered(job)} in Esuite and set its TransYourRef to {key}, then replay. Is it gone "
            "for good, edit the order's number to send the order once more.",
            hold=True,
        )
    # An attempt that was cut off may have posted after its look.
    counted = memo.get("looked_for") == key and not job.interrupted
    since = job.now - float(memo["looked_at"]) if counted else 0.0
    if counted and since >= apart:
        return None
    first = {**memo, "looked_for": key, "looked_at": job.now, "empty_looks": 1}
    return Retry(
        code="looking",
        reason=f"Esuite shows no {key}; it is looked for once more before it is sent again.",
        after=min(apart, apart - since),
        counts=False,
        memo=None if counted else first,
    )


SYSTEM: System[EsuiteDestination] = System(name="esuite", converge=converge, plan=plan, probe=probe)

deliver = delivery_task(SYSTEM)
