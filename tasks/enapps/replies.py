"""Enapps: what a reply means. Its error texts are not public; the statuses are (contracts/enapps.md section 3.1)."""

from __future__ import annotations

from schemas.enapps.reply import failed, said, told_status, wordless
from schemas.http import Reply
from tasks.replies import answered, later, sent_on, silence
from worker.outcomes import Reject, Retry, Suspend

_LOGIN = "Check auth in [destinations.{name}]: secret, login and password, or the token; and that the user may do this."
_URL = "Check base_url in [destinations.{name}]: it is https://SERVER:4095/api/v1 for the live system."
_FORBIDDEN = (
    "The API user may not order for this contact. Have the right given to it in Enapps, or name another contact in "
    "contact of [destinations.{name}], then replay."
)
_MEND = (
    "Mend what Enapps names, then replay: products in [destinations.{name}.skus], the contact in contact or in Enapps, "
    "prices by send_prices, all else by an edit of the order."
)


def trouble(reply: Reply, *, writing: bool, destination: str, now: float) -> Retry | Reject | Suspend | None:
    """Why a reply is no success; None where it is one. An order that was taken without a word is one.

    Args:
        writing: the call was to make an order, so that no answer leaves a doubt.
    """
    if reply.fault is not None or reply.status is None:
        return silence(reply, who="Enapps", writing=writing, perhaps="the order may be there")
    if reply.ok and not failed(reply):
        if reply.json() is not None or (writing and wordless(reply)):
            return None
        text = f"Enapps answered {reply.status}, but not in JSON."
        return Retry(code="unreadable", reason=text, in_doubt=writing, tries=4)
    status, reason = told_status(reply), answered("Enapps", reply.status, said(reply))
    if status is None:  # a 200 with an error that says neither whose fault it is nor how far things went
        return Reject(code="refused", reason=reason, hint=_MEND.format(name=destination), in_doubt=writing)
    if status == 401 and writing and reply.ok:  # of an error within a 200 nobody says that nothing was done before
        return Retry(code="unauthorized", reason=reason, in_doubt=True, tries=4)
    if status == 403 and writing:  # of this order's customer: what the connection may do shows in its reads
        return Reject(code="not_permitted", reason=reason, hint=_FORBIDDEN.format(name=destination))
    if status in (401, 403):
        return Suspend(code="unauthorized", reason=reason, hint=_LOGIN.format(name=destination))
    if status in (404, 405, 501) or 300 <= status < 400:
        doubt = writing and sent_on(reply)
        return Suspend(code="wrong_url", reason=reason, hint=_URL.format(name=destination), in_doubt=doubt)
    if status in (408, 425, 429) or status >= 500:
        return later(
            reply,
            code=str(status),
            reason=reason,
            everyone=status == 429,
            in_doubt=writing and status not in (425, 429),
            tries=4 if status == 500 else None,
            now=now,
        )
    return Reject(code="refused", reason=reason, hint=_MEND.format(name=destination))
