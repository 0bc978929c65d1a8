"""What one Enapps server was given: sale orders, and the addresses that came with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

FIRST_ORDER = 90_211
FIRST_LINE = 77_101
FIRST_ADDRESS = 9_001


@dataclass(frozen=True, slots=True)
class Line:
    """One order line. ``price_sent``: the client gave the price."""

    id: int
    product_id: int
    default_code: str
    qty: int
    price: Decimal
    parameters: Mapping[str, str]
    price_sent: bool

    @property
    def subtotal(self) -> Decimal:
        """Without tax."""
        return self.price * self.qty


@dataclass(frozen=True, slots=True)
class Order:
    """One sale order. ``created``: in UTC; ``start_state``: until somebody gives it another."""

    id: int
    client_order_ref: str
    contact: int
    partner: int
    shop: int
    created: str
    currency: str
    untaxed: Decimal
    tax: Decimal
    start_state: str
    delivery_address: int | None
    shipping_details: Mapping[str, Any] | None
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        """The ERP's order number."""
        return f"SO{self.id}"


class Book:
    """Orders by id, oldest first; addresses by id."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.addresses: dict[int, Mapping[str, Any]] = {}
        self.references: set[str] = set()
        self._lines = 0

    def apply(self, entry: Mapping[str, Any]) -> Order:
        """Take an order: ``at`` and the members that :func:`sandbox.enapps.orders.drafted` made."""
        address = entry["fixed_address"]
        if entry["address"] is not None:
            address = FIRST_ADDRESS + len(self.addresses)
            self.addresses[address] = entry["address"]
        order = Order(
            id=FIRST_ORDER + len(self.orders),
            client_order_ref=entry["client_order_ref"],
            contact=entry["contact"],
            partner=entry["partner"],
            shop=entry["shop"],
            created=entry["at"],
            currency=entry["currency"],
            untaxed=Decimal(entry["untaxed"]),
            tax=Decimal(entry["tax"]),
            start_state=entry["start_state"],
            delivery_address=address,
            shipping_details=entry["shipping_details"],
            lines=tuple(self._line(line) for line in entry["lines"]),
        )
        self.orders[order.id] = order
        self.references.add(order.client_order_ref)
        return order

    def _line(self, line: Mapping[str, Any]) -> Line:
        self._lines += 1
        return Line(**{**line, "price": Decimal(line["price"])}, id=FIRST_LINE + self._lines - 1)
