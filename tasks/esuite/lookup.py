"""Esuite: what it has under our key (contracts/esuite.md sections 5 and 10)."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.esuite import LEDGER, EsuiteDestination, reference
from schemas.esuite.reply import Row, read_rows, said
from schemas.http import Call
from tasks.esuite.replies import outcome
from worker.outcomes import Delivered, Outcome, Retry, Suspend
from worker.system import Http, Job

PAGE = 50
PAGES = 10
"""After so many full pages without our key the filter is taken for ignored (section 10, step 2)."""


def key_of(job: Job[EsuiteDestination]) -> str:
    return reference(job.number, job.destination)


def remembered(job: Job[EsuiteDestination]) -> str:
    """The transaction that an earlier attempt made or adopted; empty where none did."""
    return str(job.memo.get("TransRefCode") or job.memo.get("TransNo") or "")


async def look(
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
    return ignored(job.destination.name, key)


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


def ignored(destination: str, key: str) -> Suspend:
    return Suspend(
        code="filter_ignored",
        reason=f"Esuite answers the search for TransYourRef {key} with other transactions. It seems to ignore the "
        "filter, so nobody can tell whether an order is there already.",
        hint=f"Ask Esuite to make trans?TransYourRef= work on this database, then resume {destination}.",
    )
