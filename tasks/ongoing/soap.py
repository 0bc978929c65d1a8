"""Ongoing over SOAP (contracts/ongoing.md section 2): what its replies mean, by the table that REST has.

Business refusals are HTTP 200 with ``Success=false`` and a text; what the texts say is not public, and nothing tells a
wrong login from a refused order. So what was refused is asked about once more by a read that needs the login only: if
that is refused as well, the connection is wrong and not the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas import ongoing_soap as soap
from schemas import ongoing_soap_reply as read
from schemas.http import Call, Reply
from schemas.ongoing import OngoingDestination
from schemas.ongoing_reply import FoundOrder, readable
from tasks.ongoing.door import PROBE_NUMBER
from tasks.ongoing.replies import (
    ALREADY,
    already_cancelled,
    among,
    cancel_outcome,
    cancel_refused,
    cancelled,
    connection_trouble,
    delivered,
    invalid,
    look_outcome,
    outcome,
    refused,
    untold,
)
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http

ADDRESS = "the warehouse's name and /Service.asmx"


class Soap:
    """A :class:`tasks.ongoing.door.Door`."""

    names_absence = False

    def __init__(self, destination: OngoingDestination) -> None:
        self._name = destination.name
        self._code = destination.goods_owner_code or ""
        self._fields = destination.fields

    def write(self, body: Mapping[str, Any]) -> Call:
        """``ProcessOrder``, CreateOrUpdate."""
        return soap.create_or_update(body, goods_owner_code=self._code, fields=self._fields)

    def cancel(self, number: str) -> Call:
        """``ProcessOrder``, Remove."""
        return soap.remove(number, goods_owner_code=self._code)

    def written(self, reply: Reply, *, number: str, now: float, amends: bool) -> Outcome:
        """``Success`` tells, and not the HTTP status."""
        told = read.opened(reply)
        trouble = self.trouble(reply, told, now=now)
        if trouble is not None:
            return trouble
        if told.fault is not None:
            return invalid(readable(told.fault.text), number=number, destination=self._name, amends=amends)
        if not reply.ok:
            return outcome(reply, number=number, destination=self._name, now=now, amends=amends)
        result = told.result
        if result is not None and result.success is False:
            return refused(_text(result), number=number, destination=self._name, amends=amends)
        if result is None or result.success is None or result.order_id is None:
            return untold(reply, number)
        taken = delivered(result.order_id, number)
        said = readable(result.error)
        return replace(taken, warnings=(f"the warehouse took the order and says: {said}",)) if said else taken

    def cancel_outcome(self, reply: Reply, *, number: str, now: float, order_id: int | None) -> Outcome:
        """A 2xx that is no result leaves it in doubt."""
        told = read.opened(reply)
        trouble = self.trouble(reply, told, now=now)
        if trouble is not None:
            return trouble
        if told.fault is not None:
            return cancel_refused(readable(told.fault.text), number)
        if not reply.ok:
            return cancel_outcome(reply, number=number, destination=self._name, now=now, order_id=order_id)
        result = told.result
        if result is None or result.success is None:
            reason = f"The warehouse answered the cancel of order {number} with something that is no result."
            return Retry(code="unreadable", reason=reason, in_doubt=True)
        if result.success:
            return cancelled(order_id or result.order_id, number)
        if already_cancelled(result.text):
            return cancelled(order_id, number, note=ALREADY)
        return cancel_refused(_text(result), number)

    def may_be_absent(self, reply: Reply) -> bool:
        """``Success=false`` says of a missing order no more than of one that is being picked."""
        result = read.opened(reply).result
        return result is not None and result.success is False and not already_cancelled(result.text)

    async def look(self, number: str, http: Http, *, now: float) -> list[FoundOrder] | Retry | Reject | Suspend:
        """``GetOrdersByQuery``. Its reply has no place for a refusal, so nothing found may mean a wrong login."""
        reply = await http.send(soap.search(number, goods_owner_code=self._code))
        told = read.opened(reply)
        trouble = self.trouble(reply, told, now=now)
        if trouble is not None:
            return trouble if told.fault is None else await self.connection(http, now=now) or trouble
        if not reply.ok:
            return look_outcome(_plain(reply, told), number=number, destination=self._name, now=now)
        found = among(told.orders, number=number)
        if found == []:
            return await self.connection(http, now=now) or found
        return found

    async def blamed(self, decided: Outcome, http: Http, *, now: float) -> Outcome:
        """A refusal, or a fault, of the order or of the login?"""
        if not isinstance(decided, Reject) and not (isinstance(decided, Retry) and decided.code == "500"):
            return decided
        trouble = await self.connection(http, now=now)
        if isinstance(trouble, Suspend):
            return replace(trouble, in_doubt=decided.in_doubt)
        if trouble is not None and isinstance(decided, Reject):
            return replace(trouble, in_doubt=decided.in_doubt)
        return decided

    async def probe(self, http: Http, *, now: float) -> Outcome:
        """Read the statuses, and an order that cannot be."""
        trouble = await self.connection(http, now=now)
        if trouble is not None:
            return trouble
        looked = await self.look(PROBE_NUMBER, http, now=now)
        if isinstance(looked, Reject):
            return Suspend(code=looked.code, reason=looked.reason, hint=looked.hint)
        return looked if isinstance(looked, Retry | Suspend) else Delivered(reference=None)

    async def connection(self, http: Http, *, now: float) -> Retry | Suspend | None:
        """``GetOrderStatuses``, which needs address, login and goods owner: what is wrong with them."""
        reply = await http.send(soap.statuses(goods_owner_code=self._code))
        told = read.opened(reply)
        if told.fault is not None or told.statuses == []:
            said = readable(told.fault.text) if told.fault else "without a text"
            return Suspend(
                code="unauthorized",
                reason=f"The warehouse's server refuses the reading of its order statuses ({said}).",
                hint=f"Check auth and goods_owner_code in [destinations.{self._name}]: the API user's name begins with "
                "WSI, and belongs to that goods owner.",
            )
        trouble = self.trouble(reply, told, now=now)
        if trouble is not None or told.statuses:
            return trouble
        return Suspend(
            code="not_ongoing",
            reason=f"What answers does not give Ongoing's list of order statuses ({reply.status}).",
            hint=f"Check base_url in [destinations.{self._name}]: it ends with {ADDRESS}.",
        )

    def trouble(self, reply: Reply, told: read.Envelope, *, now: float) -> Retry | Suspend | None:
        """As over REST. A fault is a 500, unless it says that the envelope could not be read."""
        if told.fault is not None and told.fault.ours:
            return None
        return connection_trouble(_plain(reply, told), destination=self._name, now=now, ends=ADDRESS)


def _plain(reply: Reply, told: read.Envelope) -> Reply:
    """The reply with a fault's words as its text, and a fault's status."""
    if told.fault is None:
        return reply
    return replace(reply, status=500 if reply.ok else reply.status, text=told.fault.text)


def _text(result: read.Result) -> str:
    return readable(result.text) or "without a text"
