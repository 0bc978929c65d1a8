"""One delivery to Esuite, attempt by attempt, for tests of what changes after an order was sent."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from schemas.esuite import EsuiteDestination
from schemas.order import Order
from tasks.esuite import SYSTEM
from tests.esuite_fake import FakeEsuite, Says, destination, job, line, order
from tests.wire import Kept, Shelf
from worker.outcomes import Delivered, Outcome, Reject, Retry

NAME = "PSOR-1464547"
TEE = {"id": "2", "sku": "TEE-M", "quantity": "1", "total_incl": "12.00", "total_excl": "10.91"}
ONE = order(lines=[line(quantity="1", total_incl="39.95", tax="3.63"), TEE])
THREE = order(lines=[line(quantity="3", total_incl="119.85", tax="10.90"), TEE])
CANCELLED = order(cancelled=True)

FAILED = Says(500, '{"StatusCode": "500", "Description": "Web Request Failed"}')
INVOICED = Says(400, '{"StatusCode": "400", "Description": "Error with Payload - transaction has been invoiced"}')

LOST = {
    "time-out": Says(fault="timeout"),
    "connection lost": Says(fault="lost"),
    "500": FAILED,
    "HTML 502": Says(502, "<html>Bad Gateway</html>"),
    "200 without T_Trans": Says(200, "{}"),
}
"""Answers that leave a write in doubt."""


@dataclass
class Desk(Kept):
    """One delivery, attempt by attempt."""

    http: FakeEsuite = field(default_factory=FakeEsuite)
    shop: Order = field(default_factory=order)
    place: EsuiteDestination = field(default_factory=destination)
    number: str = "1001"
    shelf: Shelf = field(default_factory=lambda: Shelf(str, shop="acme-au"))
    now: float = field(default=1_000_000.0, kw_only=True)

    def once(self, shop: Order | None = None) -> Outcome | None:
        """One attempt a second later; None where its worker died."""
        self.shop, self.now = shop or self.shop, self.now + 1
        return asyncio.run(self.try_once(SYSTEM, self.shop, self.place, self.shelf, self.http, number=self.number))

    def settled(self, shop: Order | None = None) -> Outcome:
        """Attempts until nothing is to be tried again by itself; each after the time that the one before asked for."""
        for _ in range(12):
            answer = self.once(shop)
            if answer is not None and not isinstance(answer, Retry):
                return answer
            self.now += (answer.after or 0.0) if answer is not None else 0.0
        raise AssertionError("it goes on and on")

    def delivered(self) -> Desk:
        """The order as it was placed is there; the calls so far are forgotten."""
        assert isinstance(self.settled(), Delivered)
        self.http.calls.clear()
        return self

    @property
    def there(self) -> dict[str, tuple[str, str]]:
        """Quantity and money by stock code, of the one transaction that is there."""
        [row] = self.http.rows
        return {one["StockCode"]: (one["LineQty"], one["LineTotalIncGST"]) for one in row["T_TrnDet"]}


def sent(desk: Desk, method: str) -> list[dict[str, Any]]:
    return [dict(call.body or {}) for call in desk.http.calls if call.method == method]


def mugs(quantity: int) -> dict[str, tuple[str, str]]:
    """What is there with so many mugs."""
    money = {1: "39.95", 2: "79.9", 3: "119.85"}
    return {"000250a": (str(quantity), money[quantity]), "TEE-M": ("1", "12"), "FREIGHT": ("1", "10")}


def held(answer: Outcome | None, code: str) -> Reject:
    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold, answer.in_doubt) == (code, True, True)
    assert NAME in answer.reason
    return answer


def body_of(shop: Order) -> dict[str, Any]:
    [call] = SYSTEM.plan(job(order=shop))
    body: dict[str, Any] = json.loads(json.dumps(call.body))
    return body
