"""Orders for a ManEx destination, and a way to its stand-in without a network: calls may fail or be cut off at will."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from sandbox.journal import Journal
from sandbox.manex import Manex
from schemas.http import Call, Reply
from schemas.manex import ManexDestination
from schemas.order import Order
from tasks.manex import SYSTEM
from tests import wire
from tests.wire import ORDER, Said, Shelf

KEY = "SANDBOX123"
CUSTOMER = "0000000008"

What = Literal["refuse", "lose", "late", "cut", "html", "error"]
"""What may become of a call, see :class:`tests.wire.Wire`."""

REFUSAL: dict[str, Any] = {
    "$id": "1",
    "Code": 403,
    "Message": "Not today.",
    "SessionId": None,
    "IsValidUser": True,
    "ResponseObject": None,
}


def destination(**changes: Any) -> ManexDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "manex-us",
        "system": "manex",
        "base_url": "https://manex.example",
        "auth": {"mode": "path", "key": KEY},
        "so_prefix": "W",
        "customer": CUSTOMER,
        "lead_days": 5,
        "calendar": "US",
        "timeout_s": 20,
        "shipping_sku": "FREIGHT",
        "line_fields": {"uOfMeas": "EACH", "status": "Standard", "deliv_time": "3:00"},
        "price_fields": {"saleTypeID": "OTHER"},
        "skus": {"MUG-BLUE": {"part_no": "MUG-11OZ", "revision": "A"}},
    }
    return ManexDestination.model_validate({**section, **changes})


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One line: two of something for 79.90."""
    body = {"id": str(number), "sku": f"PART-{number}", "name": f"Part {number}", "quantity": "2"}
    return {**body, "total_incl": "79.90", "tax": "7.26", **changes}


def order(count: int = 2, **changes: Any) -> Order:
    """An order with so many lines and no shipping charge, with changes."""
    body: dict[str, Any] = {
        **ORDER,
        "currency": "USD",
        "lines": [line(number) for number in range(1, count + 1)],
    }
    return Order.model_validate({**body, **changes})


class Wire(wire.Wire):
    """The stand-in.

    Attributes:
        most: how many calls were on their way at the same time.
        trips: how often somebody waited for an answer, calls that were on their way together counted once.
    """

    instead: Mapping[str, Said] = {**wire.Wire.instead, "refuse": (200, json.dumps(REFUSAL))}

    def __init__(self, settings: Mapping[str, Any] | None = None, trouble: Mapping[int, str] | None = None) -> None:
        super().__init__(trouble)
        self.manex = Manex(Journal(None), settings=settings)
        self.most = self.trips = 0
        self._in_flight = 0
        self._back: asyncio.Future[None] | None = None

    async def sent(self, call: Call, what: str | None) -> Reply:
        self._in_flight += 1
        self.most = max(self.most, self._in_flight)
        try:
            await self._trip()
            return await super().sent(call, what)
        finally:
            self._in_flight -= 1

    async def _trip(self) -> None:
        """Wait for the answer's way back, together with all calls that are on their way."""
        if self._back is None or self._back.done():
            self._back = asyncio.ensure_future(self._go())
        await asyncio.shield(self._back)

    async def _go(self) -> None:
        for _ in range(20):  # whoever has something to send now sends it
            await asyncio.sleep(0)
        self.trips, self._back = self.trips + 1, None

    async def handle(self, call: Call) -> Reply:
        path = f"/{call.path}" + ("" if call.key_param else f"/{KEY}")
        params = (*call.params, *(((call.key_param, KEY),) if call.key_param else ()))
        return await wire.ask(self.manex, call, path, params=params)

    def written(self) -> list[str]:
        """The actions that change something, of all calls so far."""
        actions = [call.path.removeprefix("API/SO/") for call in self.calls]
        return [action for action in actions if not action.endswith("Get")]

    def orders(self, number: str = "1001") -> list[dict[str, Any]]:
        """What the stand-in holds under a PoNo."""
        return self.manex.orders().get(number, [])


def series() -> Shelf:
    """The ledger's shelf, whose numbers begin at 90000001; nobody is known."""
    numbers = count(90_000_001)
    return Shelf(lambda digits: str(next(numbers)).zfill(digits))


@dataclass
class Story(wire.Story[Wire, ManexDestination]):
    """The life of one delivery to ManEx."""

    system = SYSTEM

    shelf: Shelf = field(default_factory=series)
