"""What somebody bought, before any platform puts it into its own words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
_NO_CENTS = {"JPY", "PYG"}


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's own decimals, half up."""
    return amount.quantize(Decimal(1) if currency in _NO_CENTS else Decimal("0.01"), ROUND_HALF_UP)


def token(*parts: object) -> str:
    """A made-up 32-digit hex token, the same for the same parts."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A fictional buyer; ``state`` is the local code, ``country`` ISO 3166-1 alpha-2."""

    first_name: str
    last_name: str
    email: str
    address1: str
    city: str
    postcode: str
    country: str
    country_name: str
    state: str = ""
    state_name: str = ""
    address2: str = ""
    company: str = ""
    phone: str = ""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Tax included, without tax, and the tax; in the purchase's currency."""

    incl: Decimal
    excl: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line. ``price`` is of one unit, ``discount`` of the whole line, both as the shop shows prices."""

    id: int
    sku: str | None
    name: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    variant: str = ""
    discount: Decimal = ZERO
    ships: bool = True
    gift_card: bool = False
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """An order as its buyer sees it.

    Attributes:
        placed_at: with the shop's own offset.
        tax_rate: 0.10 for 10 %; 0: no tax.
        taxes_included: whether prices, discounts and shipping contain the tax.
        presentment: the buyer's currency, and how much of it one unit of ``currency`` is; None: the same.
        ship_to, bill_to: None where the shop has none.
        paid: False: the money is still awaited.
    """

    id: int
    number: str
    placed_at: datetime
    currency: str
    items: tuple[Item, ...]
    email: str
    ship_to: Person | None
    bill_to: Person | None
    tax_rate: Decimal = Decimal("0.10")
    tax_name: str = "GST"
    taxes_included: bool = True
    shipping_code: str = "standard"
    shipping_title: str = "Standard"
    shipping_price: Decimal | None = Decimal("9.90")
    shipping_discount: Decimal = ZERO
    discount_code: str = ""
    method: str = "shopify_payments"
    method_title: str = "Credit card"
    paid: bool = True
    note: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    presentment: tuple[str, Decimal] | None = None
    updated_after: timedelta = field(default=timedelta(seconds=2))

    @property
    def updated_at(self) -> datetime:
        """When the shop last touched the order."""
        return self.placed_at + self.updated_after

    def amounts(self, shown: Decimal) -> Amounts:
        """Split an amount in the shop's way of showing prices into net and tax, rounded to the currency."""
        shown = rounded(shown, self.currency)
        if self.taxes_included:
            excl = rounded(shown / (1 + self.tax_rate), self.currency)
            return Amounts(shown, excl, shown - excl)
        tax = rounded(shown * self.tax_rate, self.currency)
        return Amounts(shown + tax, shown, tax)

    def line(self, item: Item) -> Amounts:
        """A whole line, after its discount."""
        return self.amounts(item.price * item.quantity - item.discount)

    def line_before(self, item: Item) -> Amounts:
        """A whole line, before its discount."""
        return self.amounts(item.price * item.quantity)

    @property
    def shipping(self) -> Amounts:
        """Shipping after its discount; zero where nothing is charged."""
        if self.shipping_price is None:
            return Amounts(ZERO, ZERO, ZERO)
        return self.amounts(self.shipping_price - self.shipping_discount)

    @property
    def total(self) -> Amounts:
        """All lines and shipping, each rounded by itself."""
        return total((*(self.line(item) for item in self.items), self.shipping))


def total(parts: Iterable[Amounts]) -> Amounts:
    """The sum."""
    parts = tuple(parts)
    return Amounts(
        sum((part.incl for part in parts), ZERO),
        sum((part.excl for part in parts), ZERO),
        sum((part.tax for part in parts), ZERO),
    )
