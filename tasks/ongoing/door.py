"""What the two APIs of the warehouse have in common: calls, and what their replies mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from schemas.http import Call, Reply
from schemas.ongoing_reply import FoundOrder
from worker.outcomes import Outcome, Reject, Retry, Suspend
from worker.system import Http

PROBE_NUMBER = "crossdock-probe"
"""An order that cannot be: looking for it proves the goods owner."""


class Door(Protocol):
    """One API of one destination. ``number`` is the order's at the warehouse, ``now`` UNIX seconds.

    Attributes:
        names_absence: a cancel whose order is not there is refused with those words, and not as any other refusal.
    """

    names_absence: bool

    def write(self, body: Mapping[str, Any]) -> Call:
        """Create or update an order; ``body`` as :func:`schemas.ongoing.goods_order` makes it."""
        ...

    def cancel(self, number: str) -> Call:
        """Cancel an order."""
        ...

    def written(self, reply: Reply, *, number: str, now: float, amends: bool) -> Outcome:
        """What the answer to a write means, as :func:`tasks.ongoing.replies.outcome` has it."""
        ...

    def cancel_outcome(self, reply: Reply, *, number: str, now: float, order_id: int | None) -> Outcome:
        """What the answer to a cancel means."""
        ...

    def may_be_absent(self, reply: Reply) -> bool:
        """The cancel was refused, perhaps because no such order is there: that has to be looked up."""
        ...

    async def look(self, number: str, http: Http, *, now: float) -> list[FoundOrder] | Retry | Reject | Suspend:
        """All orders with this number, or why one cannot know."""
        ...

    async def blamed(self, decided: Outcome, http: Http, *, now: float) -> Outcome:
        """The outcome, or that of the connection, where a refusal may as well be meant for the login."""
        ...

    async def probe(self, http: Http, *, now: float) -> Outcome:
        """Prove address, login and goods owner by reading."""
        ...
