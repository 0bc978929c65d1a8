"""What one IWS server holds, and the changes it can go through. Amounts are text, as JSON keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

STAFF = "Admin"
FIRST_CHANGE = 9101
FIRST_COUNTER = 41

Row = dict[str, Any]


def item_code(name: str) -> str:
    """The internal key of an item, always the same; upper and lower case are one item."""
    digest = hashlib.blake2b(name.upper().encode(), digest_size=8).digest()
    return f"ITEM-{int.from_bytes(digest) % 10**8:08}"


@dataclass(slots=True, eq=False)
class Customer:
    """One customer with one contact and one ship-to. ``made``: through the API, not by the people at the ERP."""

    code: str
    number: int
    row: Row
    at: datetime
    made: bool

    @property
    def contact(self) -> str:
        """Its contact's code."""
        return f"CCTC-{self.number:06}"

    @property
    def ship_to(self) -> str:
        """Its ship-to's code."""
        return f"SHIP-{self.number:06}"

    @property
    def email(self) -> str:
        """Its address, as it was written."""
        return str(self.row.get("email", ""))


@dataclass(slots=True, eq=False)
class Item:
    """One item: what the shop calls SKU, and the internal key."""

    name: str
    code: str
    at: datetime


@dataclass(slots=True, eq=False)
class Order:
    """One sales order or quote. ``entry``: what was ordered; the rest is what became of it."""

    code: str
    customer: Customer
    entry: Row
    at: datetime
    lines: list[Row]
    counters: list[int]
    invoice: str = ""
    invoiced_at: datetime | None = None
    voided: bool = False
    completed: bool = False
    on_hold: bool = False
    rep_code: str | None = None
    modified: datetime | None = None
    modified_by: str = ""

    @property
    def po_code(self) -> str:
        """The customer's PO; blank if none was sent."""
        return str(self.entry["header"].get("poCode", ""))

    def amount(self, name: str) -> Decimal:
        """``subTotal``, ``freight``, ``freightTax``, ``other``, ``tax`` or ``total``."""
        return Decimal(self.entry["amounts"][name])


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the changelog."""

    number: int
    resource: str
    action: str
    data: str
    at: datetime
    user: str


@dataclass(slots=True)
class Book:
    """Orders and customers by code, items by upper-case name and by code, changes by resource."""

    orders: dict[str, Order] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    by_email: dict[str, list[Customer]] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    by_code: dict[str, Item] = field(default_factory=dict)
    by_customer: dict[str, list[Order]] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Carry out one change. Raises KeyError for an unknown one."""
        at, user = datetime.fromisoformat(entry["at"]), entry["user"]
        {"customer": self._customer, "order": self._order}[entry["op"]](entry, at, user)

    def log(self, resource: str, action: str, data: str, *, at: datetime, user: str) -> None:
        """One row of the changelog; its id counts over all resources."""
        row = Change(self._count("change", FIRST_CHANGE), resource, action, data, at, user)
        self.changes.setdefault(resource, []).append(row)

    def forget_changes(self) -> None:
        """An empty changelog, as if what is held had always been there."""
        self.changes.clear()
        self.counted.pop("change", None)

    def register(self, name: str, code: str, *, at: datetime) -> Item:
        """The item of that name; what is heard of for the first time was made by staff just now."""
        known = self.items.get(name.upper())
        if known is not None and known.code == code:
            return known
        item = Item(name, code, at)
        self.items[name.upper()] = self.by_code[code.upper()] = item
        self.log("InventoryItem", "INSERT", code, at=at, user=STAFF)
        self.log("InventoryItem", "UPDATE", code, at=at, user=STAFF)
        return item

    def next_customer(self) -> str:
        """The code that a customer without one gets."""
        number = len(self.customers) + 1
        while f"CUST-{number:06}" in self.customers:
            number += 1
        return f"CUST-{number:06}"

    def _count(self, what: str, first: int) -> int:
        number = self.counted.get(what, first)
        self.counted[what] = number + 1
        return number

    def _customer(self, entry: Mapping[str, Any], at: datetime, user: str) -> None:
        self._add_customer(entry["customer"], at, user)

    def _add_customer(self, given: Mapping[str, Any], at: datetime, user: str) -> Customer:
        number = self._count("customer", 1)
        customer = Customer(given["code"], number, dict(given["row"]), at, given["made"])
        self.customers[customer.code.upper()] = customer
        self.by_email.setdefault(customer.email.lower(), []).append(customer)
        if given["logged"]:
            user = user if customer.made else STAFF
            self.log("Customer", "INSERT", customer.code, at=at, user=user)
            self.log("CRMContact", "INSERT", customer.contact, at=at, user=user)
            self.log("CustomerShipTo", "INSERT", customer.ship_to, at=at, user=user)
            # Default contact and default ship-to are written afterwards, one by one (section 9, trap 2).
            self.log("Customer", "UPDATE", customer.code, at=at, user=user)
            self.log("Customer", "UPDATE", customer.code, at=at, user=user)
        return customer

    def _order(self, entry: Mapping[str, Any], at: datetime, user: str) -> None:
        new = entry["new"]
        customer = self._add_customer(new, at, user) if new else self.customers[entry["customer"].upper()]
        prefix = "QU" if entry["quote"] else "SO"
        code = f"{prefix}-{self._count(prefix, 1):06}"
        counters = [self._count("line", FIRST_COUNTER) for _ in entry["lines"]]
        order = Order(code, customer, dict(entry), at, list(entry["lines"]), counters)
        order.modified, order.modified_by = at, user
        self.orders[code] = order
        self.by_customer.setdefault(customer.code.upper(), []).append(order)
        for line in order.lines:
            self.register(line["itemName"], line["itemCode"], at=at)
        self.log("CustomerSalesOrder", "INSERT", code, at=at, user=user)
        for _ in order.lines:
            self.log("CustomerSalesOrderDetail", "INSERT", code, at=at, user=user)
        self.log("CustomerSalesOrderWorkflow", "INSERT", code, at=at, user=user)
        self.log("CustomerSalesOrder", "UPDATE", code, at=at, user=user)
        self.log("CustomerSalesOrder", "UPDATE", code, at=at, user=user)
