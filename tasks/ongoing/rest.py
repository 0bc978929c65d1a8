"""Ongoing over REST (contracts/ongoing.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.echo import members
from schemas.http import Call, Reply
from schemas.ongoing import OngoingDestination
from schemas.ongoing_reply import FoundOrder
from tasks.ongoing.door import PROBE_NUMBER
from tasks.ongoing.replies import cancel_outcome, connection_trouble, look_outcome, outcome
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http


class Rest:
    """A :class:`tasks.ongoing.door.Door`."""

    names_absence = True

    def __init__(self, destination: OngoingDestination) -> None:
        self._name = destination.name
        self._owner = ("goodsOwnerId", str(destination.goods_owner_id))

    def write(self, body: Mapping[str, Any]) -> Call:
        """``PUT /orders``."""
        return Call("PUT", "orders", body=body)

    def cancel(self, number: str) -> Call:
        """``DELETE /orders`` by number."""
        return Call("DELETE", "orders", params=self._key(number))

    def written(self, reply: Reply, *, number: str, now: float, amends: bool) -> Outcome:
        """As the table says."""
        return outcome(reply, number=number, destination=self._name, now=now, amends=amends)

    def cancel_outcome(self, reply: Reply, *, number: str, now: float, order_id: int | None) -> Outcome:
        """As the table says."""
        return cancel_outcome(reply, number=number, destination=self._name, now=now, order_id=order_id)

    def may_be_absent(self, reply: Reply) -> bool:
        """404: it may also be the address."""
        return reply.status == 404

    async def look(self, number: str, http: Http, *, now: float) -> list[FoundOrder] | Retry | Reject | Suspend:
        """``GET /orders`` by number."""
        reply = await http.send(Call("GET", "orders", params=self._key(number)))
        return look_outcome(reply, number=number, destination=self._name, now=now)

    async def blamed(self, decided: Outcome, http: Http, *, now: float) -> Outcome:
        """A wrong login is 401 and nothing else."""
        return decided

    async def probe(self, http: Http, *, now: float) -> Outcome:
        """Read the statuses, which proves address and login, and an order that cannot be: the goods owner."""
        reply = await http.send(Call("GET", "orders/statuses", params=(self._owner,)))
        trouble = connection_trouble(reply, destination=self._name, now=now)
        if trouble is not None:
            return trouble
        if not reply.ok or "orderStatuses" not in members(reply.json()):
            return Suspend(
                code="not_ongoing",
                reason=f"What answers does not give Ongoing's list of order statuses ({reply.status}).",
                hint=f"Check base_url in [destinations.{self._name}]: it ends with the warehouse's name and /api/v1.",
            )
        looked = await self.look(PROBE_NUMBER, http, now=now)
        if isinstance(looked, Reject):
            return Suspend(code=looked.code, reason=looked.reason, hint=looked.hint)
        return looked if isinstance(looked, Retry | Suspend) else Delivered(reference=None)

    def _key(self, number: str) -> tuple[tuple[str, str], ...]:
        return (self._owner, ("orderNumber", number))
