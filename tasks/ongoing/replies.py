"""Ongoing: what a reply means (contracts/ongoing.md sections 1.5 and 1.8)."""

from __future__ import annotations

import re

from schemas.echo import members, whole
from schemas.http import Reply
from schemas.ongoing_reply import FoundOrder, field_errors, found_orders, said
from tasks.replies import later, silence
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

WHO = "The warehouse"

LOOK_AGAIN_S = 5.0

SERVER_FAULT_TRIES = 12
"""A blanket 500 may be the server's trouble or this order's: after so many it is for a person (section 1.8)."""

LOOKING = "looking"

ALREADY = "it was cancelled at the warehouse already"

REST_ADDRESS = "the warehouse's name and /api/v1"

# Nothing looser: "already shipped, cannot be cancelled" is a real refusal (section 1.8).
_ALREADY_CANCELLED = re.compile(r"\balready\s+(been\s+)?cancell?ed\b", re.IGNORECASE)


def outcome(reply: Reply, *, number: str, destination: str, now: float, amends: bool = False) -> Outcome:
    """Say what an answer to PUT /orders means.

    Args:
        number: the order's number at the warehouse, for messages.
        destination: its name, for the hints.
        now: UNIX seconds, for a ``Retry-After`` that is a date.
        amends: the warehouse has an earlier version of the order.

    Returns:
        ``Retry(code="looking")`` for a 2xx without a numeric orderId: it is to be looked up by number.
    """
    trouble = connection_trouble(reply, destination=destination, now=now)
    if trouble is not None:
        return trouble
    if reply.ok:
        order_id = whole(members(reply.json()).get("orderId"))
        return untold(reply, number) if order_id is None else delivered(order_id, number)
    refusal = invalid if field_errors(reply) else refused
    return refusal(_text(reply), number=number, destination=destination, amends=amends)


def untold(reply: Reply, number: str) -> Retry:
    """It may have been taken, and is to be looked up."""
    reason = f"The warehouse answered {reply.status} without the orderId of {number}; it is looked up by number."
    return Retry(code=LOOKING, reason=reason, after=LOOK_AGAIN_S, in_doubt=True, counts=False)


def invalid(text: str, *, number: str, destination: str, amends: bool) -> Reject:
    """What was sent could not be read. ``text``: the warehouse's; the others as at :func:`outcome`."""
    reason = f"The warehouse could not read order {number} ({text})."
    hint = f"Mend the fields that it names, by an edit or in [destinations.{destination}], then replay."
    return Reject(code="invalid", reason=reason, hint=hint, hold=amends, in_doubt=amends)


def refused(text: str, *, number: str, destination: str, amends: bool) -> Reject:
    """The order was not taken as it is. Arguments as at :func:`invalid`."""
    if amends:
        return Reject(
            code="change_refused",
            reason=f"The warehouse refused the change of order {number} and keeps it as it was ({text}).",
            hint="It refuses changes once it has begun on an order. Settle the change with the warehouse; if the "
            "text above names another cause, mend that. Then replay: what is equal by then is left as it is.",
            hold=True,
            in_doubt=True,
        )
    return Reject(
        code="refused",
        reason=f"The warehouse refused order {number} ({text}).",
        hint="An article that it does not know has to be created there, or mapped in "
        f"[destinations.{destination}.skus]; goods_owner_id has to be the one of the login. Then replay.",
    )


def cancel_outcome(reply: Reply, *, number: str, destination: str, now: float, order_id: int | None = None) -> Outcome:
    """Say what an answer to DELETE /orders means. Arguments as at :func:`outcome`; ``order_id`` where it is known."""
    if reply.status != 404:  # by number, it may be the order that is not found, and not the address
        trouble = connection_trouble(reply, destination=destination, now=now)
        if trouble is not None:
            return trouble
    if reply.ok:
        return cancelled(order_id or whole(members(reply.json()).get("orderId")), number)
    if already_cancelled(said(reply)):
        return cancelled(order_id, number, note=ALREADY)
    return cancel_refused(_text(reply), number)


def already_cancelled(text: str) -> bool:
    """Whether a refusal says that it is done."""
    return _ALREADY_CANCELLED.search(text) is not None


def cancel_refused(text: str, number: str) -> Reject:
    """``text``: the warehouse's."""
    return Reject(
        code="cancel_refused",
        reason=f"The warehouse would not cancel order {number} ({text}).",
        hint="It goes on with the order. Have it cancelled there by hand, then replay; or accept it as it is.",
        hold=True,
        in_doubt=True,
    )


def look_outcome(
    reply: Reply, *, number: str, destination: str, now: float
) -> list[FoundOrder] | Retry | Reject | Suspend:
    """Say what an answer to GET /orders means: the orders with this number, or why one cannot know."""
    trouble = connection_trouble(reply, destination=destination, now=now)
    if trouble is not None:
        return trouble
    if not reply.ok:
        reason = f"The warehouse refused the look-up of order {number} ({_text(reply)})."
        hint = f"Check goods_owner_id in [destinations.{destination}] and the order's number, then replay."
        return Reject(code="look_refused", reason=reason, hint=hint, hold=True, in_doubt=True)
    return among(reply.json(), number=number)


def among(entries: object, *, number: str) -> list[FoundOrder] | Retry:
    """The orders with this number, of what should be a list of orders."""
    try:
        return found_orders(entries, number=number)
    except ValueError:
        reason = f"The warehouse answered the look-up of order {number} with something that is no list of orders."
        return Retry(code="unreadable", reason=reason, in_doubt=True)


def connection_trouble(
    reply: Reply, *, destination: str, now: float, ends: str = REST_ADDRESS
) -> Retry | Suspend | None:
    """What says nothing about the order: no answer, a server that is busy or broken, a wrong address or login.

    ``ends``: how a right ``base_url`` ends.
    """
    status = reply.status
    if reply.fault is not None or status is None:
        return silence(reply, who=WHO, writing=True)
    if status in (408, 425, 429) or (status >= 500 and status != 501):
        return later(
            reply,
            code=str(status),
            reason=f"The warehouse's server is busy or broken ({_text(reply)}).",
            everyone=status == 429,
            in_doubt=status not in (425, 429),
            tries=SERVER_FAULT_TRIES if status == 500 else None,
            now=now,
        )
    address = f"Check base_url in [destinations.{destination}]: it ends with {ends}."
    login = f"Check auth in [destinations.{destination}]: the API user's name begins with WSI."
    wrong = {
        401: ("unauthorized", "refuses the login", login),
        403: ("forbidden", "refuses the login", login),
        404: ("wrong_url", "has nothing at this address", address),
        405: ("method_refused", "does not take this call at this address", address),
        501: ("not_implemented", "does not offer this call", address),
    }
    if 300 <= status < 400:
        wrong[status] = ("redirected", "sends us to another address", address)
    if status not in wrong:
        return None
    code, what, hint = wrong[status]
    return Suspend(code=code, reason=f"The warehouse's server {what} ({_text(reply)}).", hint=hint)


def _text(reply: Reply) -> str:
    return f"{reply.status}: {said(reply) or 'without a text'}"


def delivered(order_id: int, number: str, *, note: str = "") -> Delivered:
    return Delivered(reference=str(order_id), note=note, memo={"order_id": order_id, "number": number})


def cancelled(order_id: int | None, number: str, *, note: str = "cancelled at the warehouse") -> Delivered:
    reference = None if order_id is None else str(order_id)
    return Delivered(reference=reference, note=note, memo={"order_id": order_id, "number": number, "cancelled": True})
