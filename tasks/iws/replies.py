"""Interprise IWS: what a reply means (contracts/iws.md sections 4 and 5)."""

from __future__ import annotations

from typing import Literal

from schemas.http import Reply
from schemas.iws.reply import read_created, read_one, read_page, said, titles
from tasks.replies import Documented, answered, silence, undocumented
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

Asked = Literal["write", "list", "one"]
"""What a call was for. No answer to a write leaves a doubt; 404 means something else to each."""

_URL = "Check base_url in [destinations.{name}]: it ends with the virtual directory, as /Interprise.Web.Services."
_KEY = "Check auth in [destinations.{name}]: the user name is the API key, the password is empty."
_MEND = (
    "Mend what IWS names, then replay: items in [destinations.{name}.skus], the customer in customer, codes in "
    "[destinations.{name}.fields], countries in country_names, all else by an edit of the order."
)

REPLIES: dict[int, Documented] = {
    400: Documented("reject", "refused", _MEND),
    401: Documented("suspend", "unauthorized", _KEY),
    403: Documented("suspend", "forbidden", _KEY),
    405: Documented("suspend", "method_refused", _URL),
    408: Documented("retry", "408"),
    429: Documented("retry", "429"),
    # An error in the data may come as 500 (section 5): a few tries, then a person.
    500: Documented("retry", "500", tries=4),
    501: Documented("retry", "501", tries=4),
}
"""Statuses of section 5, or that a server of its kind answers. 404 is :func:`_not_found`."""


def outcome(reply: Reply, asked: Asked, *, destination: str, now: float) -> Outcome:
    """Say what one reply means.

    Args:
        destination: its name, for the hints.
        now: UNIX seconds, for a ``Retry-After`` that is a date.

    Returns:
        Delivered for a read that was answered, also with nothing (an empty list and a missing resource are 404 with
        ``errors``), and for a write with the sales order's code as reference; else what to do.
    """
    if reply.fault is not None:
        return silence(reply, who="IWS", writing=asked == "write", perhaps="the sales order may be there")
    if reply.ok:
        return _answered(reply, asked)
    if reply.status == 404:
        return _not_found(reply, asked, destination=destination)
    status = reply.status or 0
    row = REPLIES.get(status) or undocumented(status, address=_URL, mend=_MEND)
    return row.outcome(reply, reason=_reason(reply), writing=asked == "write", destination=destination, now=now)


def _reason(reply: Reply) -> str:
    return answered("IWS", reply.status, said(reply))


def _not_found(reply: Reply, asked: Asked, *, destination: str) -> Outcome:
    """404 with ``errors`` is IWS's own word; without them it may be the web server's, who knows no such address."""
    own = titles(reply) is not None
    if asked == "write" and own:
        return Reject(code="not_found", reason=_reason(reply), hint=_MEND.format(name=destination))
    if asked == "write":
        return Suspend(code="wrong_url", reason=_reason(reply), hint=_URL.format(name=destination))
    if own:
        return Delivered(reference=None)
    hint = _URL.format(name=destination)
    reason = f"{_reason(reply)} That may be nothing there, or no such address ({reply.call.path}). {hint}"
    return Retry(code="404", reason=reason, tries=2)  # asked once more, then reported, as section 4 tells of others


def _answered(reply: Reply, asked: Asked) -> Outcome:
    if asked == "write":
        made = read_created(reply)
        if made is not None:
            return Delivered(reference=made.id)
        reason = f"IWS answered {reply.status} without naming a sales order: {said(reply) or 'no text'}"
        return Retry(code="unreadable", reason=reason, in_doubt=True, tries=4)
    read = read_one(reply) if asked == "one" else read_page(reply)
    if read is not None:
        return Delivered(reference=None)
    expected = "one resource" if asked == "one" else "a list"
    return Retry(code="unreadable", reason=f"IWS answered {reply.status}, but not with {expected}: {said(reply)}")
