"""Esuite: what a reply means (contracts/esuite.md section 3.2)."""

from __future__ import annotations

from dataclasses import replace

from schemas.esuite.reply import read_created, said
from schemas.http import Reply
from tasks.replies import Documented, answered, silence, undocumented
from worker.outcomes import Delivered, Outcome, Reject, Retry

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

REPLIES: tuple[tuple[int, str, Documented], ...] = (
    (400, "error with url", Documented("suspend", "bad_url", _URL)),
    (400, "incomplete url", Documented("suspend", "bad_url", _URL)),
    (400, "no payload found", Documented("reject", "no_payload", _GATEWAY)),
    (400, "error with payload - no ", Documented("reject", "no_data", _GATEWAY)),
    (400, "", Documented("reject", "refused", _MEND)),
    (401, "", Documented("suspend", "unauthorized", _AUTH)),
    (403, "forbidden - data is read only", Documented("suspend", "read_only", _RIGHTS)),
    (403, "forbidden - account data is read only", Documented("suspend", "read_only", _RIGHTS)),
    (403, "forbidden - you do not have rights", Documented("suspend", "no_rights", _RIGHTS)),
    (403, "", Documented("suspend", "not_authorized", _AUTH)),
    (404, "", Documented("suspend", "wrong_url", _URL)),  # a missing record is 204, so 404 points to the URL
    (405, "", Documented("suspend", "method_refused", _URL)),
    (406, "", Documented("reject", "bad_query", _DEFECT)),
    (408, "", Documented("retry", "408")),
    (429, "", Documented("retry", "429")),
    (500, "", Documented("retry", "500", tries=4)),  # may hide an error in the data: a few tries, then a person
    (501, "", Documented("suspend", "not_implemented", _URL)),  # unlike every other 5xx
)
"""The rows of section 3.2: status, how its text begins in lower case, what follows. The first that fits counts."""

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
        return silence(reply, who="Esuite", writing=writing, perhaps="the transaction may be there")
    if reply.ok:
        return _written(reply) if writing else _read(reply, destination=destination)
    status, text = reply.status or 0, said(reply)
    row, reason = _row(status, text), answered("Esuite", status, text)
    return row.outcome(reply, reason=reason, writing=writing, destination=destination, now=now)


def _row(status: int, text: str) -> Documented:
    for of, begins, row in REPLIES:
        if of == status and text.lower().startswith(begins):
            return row
    return undocumented(status, address=_URL, mend=_MEND)


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
        reason = "it answered 204, no such transaction."
        return Reject(code="no_transaction", reason=reason, hint="Look for it in Esuite.")
    # Any other 204 to a write comes here too: none may be read as "saved" (section 3.3).
    reason = f"Esuite answered {reply.status} without naming a transaction: {said(reply) or 'no text'}"
    return Retry(code="unreadable", reason=reason, in_doubt=True, tries=4)
