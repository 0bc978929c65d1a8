"""Orders for an IWS destination, and a way to its stand-in without a network: calls may fail or be cut off at will."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.iws import Iws
from sandbox.journal import Journal
from schemas.http import Call, Reply
from schemas.iws import IwsDestination
from schemas.order import Order
from tasks.iws import SYSTEM
from tests import wire
from tests.wire import GATEWAY, ORDER, Said, Shelf
from worker.system import Shelf as AnyShelf

KEY = "sandbox-iws"
CUSTOMER = "CUST-000101"


def destination(**changes: Any) -> IwsDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "iws-uk",
        "system": "iws",
        "base_url": "http://iws.example:82/Interprise.Web.Services",
        "auth": {"mode": "basic", "username": KEY, "password": ""},
        "customer": CUSTOMER,
        "fields": {"warehouseCode": "MAIN", "sourceCode": "Internet"},
        "skus": {"MUG-BLUE": "MUG-11OZ-BLU"},
    }
    return IwsDestination.model_validate({**section, **changes})


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One line: two of something for 24.00, 20.00 without tax."""
    body = {"id": str(number), "sku": f"ITEM-{number}", "name": f"Item {number}", "quantity": "2"}
    return {**body, "total_incl": "24.00", "tax": "4.00", **changes}


def order(count: int = 2, **changes: Any) -> Order:
    """An order with so many lines and a shipping charge of 6.00, 5.00 without tax, with changes."""
    body: dict[str, Any] = {
        **ORDER,
        "currency": "GBP",
        "email": "ada@example.com",
        "ship_to": {"name": "Ada Lovelace", "address1": "1 Analytical St", "city": "Bristol", "postcode": "BS1 4XX"}
        | {"state": "Avon", "country": "GB"},
        "lines": [line(number) for number in range(1, count + 1)],
        "shipping": [{"code": "standard", "total_incl": "6.00", "tax": "1.00"}],
    }
    return Order.model_validate({**body, **changes})


What = Literal["refuse", "lose", "late", "cut", "cut before", "html", "error", "not json", "unavailable"]
"""What may become of a call, see :class:`tests.wire.Wire`."""


class Wire(wire.Wire):
    """The stand-in. While ``lose_writes``, every POST is carried out and not answered."""

    instead: Mapping[str, Said] = {
        "refuse": "connect",
        "error": (500, '{"errors":[{"status":"500","title":"Server execution failed."}]}'),
        "unavailable": (503, "Service Unavailable"),
    }
    after: Mapping[str, Said] = {"lose": "lost", "html": GATEWAY, "not json": (200, "<html>maintenance</html>")}

    def __init__(self, settings: Mapping[str, Any] | None = None, trouble: Mapping[int, str] | None = None) -> None:
        super().__init__(trouble)
        self.iws = Iws(Journal(None), settings=settings)
        self.lose_writes = False

    async def sent(self, call: Call, what: str | None) -> Reply:
        return await super().sent(call, "lose" if self.lose_writes and call.method == "POST" else what)

    async def handle(self, call: Call) -> Reply:
        headers = {"authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(), "host": "erp.internal:82"}
        return await wire.ask(self.iws, call, f"/Interprise.Web.Services/{call.path}", headers=headers)

    async def post(self, **body: Any) -> Reply:
        """A sales order that somebody else makes."""
        items = [{"itemName": "OTHER", "itemQuantity": 1, "itemUnitPrice": 1}]
        return await self.carry_out(Call("POST", "salesorder", body={"customerCode": CUSTOMER, "items": items, **body}))

    def live(self, number: str = "1001") -> int:
        """Sales orders under a poCode that are not voided."""
        return self.iws.counts().get(number, 0)


@dataclass
class Story(wire.Story[Wire, IwsDestination]):
    """The life of one delivery to IWS; what is dead or held there stays so until a person has looked."""

    system = SYSTEM
    replays = 0

    destination: IwsDestination = field(default_factory=destination)
    shelf: AnyShelf = field(default_factory=lambda: Shelf("0".zfill))
    now: float = field(default_factory=time.time, kw_only=True)
