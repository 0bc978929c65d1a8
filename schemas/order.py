"""The canonical order: what every shop's webhook becomes, and every destination is derived from.

Line totals are the truth; unit prices are total / quantity and are never rounded here.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from schemas.model import Model, Number

PaymentState = Literal["pending", "authorized", "paid", "partially_refunded", "refunded", "voided"]

Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Currency = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{3}$")]
Country = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2}$")]


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be greater than 0")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


class Address(Model):
    """A person or firm with a place. ``country`` is ISO 3166-1 alpha-2."""

    name: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    company: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postcode: Text | None = None
    country: Country | None = None
    phone: Text | None = None

    @property
    def full_name(self) -> str:
        """``name``, or first and last name."""
        return self.name or " ".join(part for part in (self.first_name, self.last_name) if part)


class Payment(Model):
    """What was paid by one method, in the order's currency."""

    method: Key
    amount: Number


class Amounts(Model):
    """Two of three amounts are given; the third follows."""

    total_incl: Number
    total_excl: Number
    tax: Number

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        incl, excl, tax = (data.get(name) for name in ("total_incl", "total_excl", "tax"))
        if sum(value is not None for value in (incl, excl, tax)) == 2:
            try:
                if tax is None:
                    return {**data, "tax": Decimal(str(incl)) - Decimal(str(excl))}
                if excl is None:
                    return {**data, "total_excl": Decimal(str(incl)) - Decimal(str(tax))}
                return {**data, "total_incl": Decimal(str(excl)) + Decimal(str(tax))}
            except ArithmeticError:
                return data  # the field's own validation names the value that is no number
        return data


class Shipping(Amounts):
    """A shipping charge; ``code`` is the shop's word for the method."""

    code: Text | None = None
    name: Text | None = None


class Line(Amounts):
    """One line of the order. The totals are of the ordered quantity, after discounts."""

    id: Key
    sku: Key | None = None
    name: Text = ""
    quantity: Annotated[Number, AfterValidator(_positive)]
    open_quantity: Annotated[Number, AfterValidator(_not_negative)]
    fulfilled_quantity: Annotated[Number, AfterValidator(_not_negative)] = Decimal(0)
    discount: Number = Decimal(0)
    shippable: bool = True
    options: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        if isinstance(data, dict):
            if data.get("open_quantity") is None:
                data = {**data, "open_quantity": data.get("quantity")}
            if not str(data.get("sku") or "").strip():
                data = {**data, "sku": None}
        return data

    @model_validator(mode="after")
    def _open_within_ordered(self) -> Self:
        if self.open_quantity > self.quantity:
            raise ValueError("open_quantity must not be above quantity")
        return self


class Order(Model):
    """One order of one shop, in one version. Newest version wins."""

    shop_order_id: Key
    number: Key
    version: AwareDatetime
    placed_at: AwareDatetime
    currency: Currency
    payment_state: PaymentState = "paid"
    payments: tuple[Payment, ...] = ()
    cancelled: bool = False
    cancelled_at: AwareDatetime | None = None
    cancel_reason: Text | None = None
    test: bool = False
    email: Text | None = None
    phone: Text | None = None
    note: Text | None = None
    tags: tuple[Text, ...] = ()
    ship_to: Address | None = None
    bill_to: Address | None = None
    lines: tuple[Line, ...] = ()
    shipping: tuple[Shipping, ...] = ()
    total_incl: Number | None = None
    total_tax: Number | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        if isinstance(data, dict):
            data = dict(data)
            if not data.get("number"):
                data["number"] = data.get("shop_order_id")
            if not data.get("placed_at"):
                data["placed_at"] = data.get("version")
        return data

    @model_validator(mode="after")
    def _line_ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for line in self.lines:
            if line.id in seen:
                raise ValueError(f"lines: id {line.id!r} occurs twice; each line needs its own")
            seen.add(line.id)
        return self

    @property
    def goods_incl(self) -> Decimal:
        """What lines and shipping add up to, tax included."""
        return sum((part.total_incl for part in (*self.lines, *self.shipping)), Decimal(0))

    @property
    def paid(self) -> tuple[Payment, ...]:
        """The payments, or one of the whole total with method ``*`` where the shop names none."""
        if self.payments:
            return self.payments
        total = self.total_incl if self.total_incl is not None else self.goods_incl
        return (Payment(method="*", amount=total),)

    def content(self) -> str:
        """SHA-256 of what destinations see: all but version, payment state and what the shop has shipped since."""
        stripped = self.model_dump_json(
            exclude={"version": True, "payment_state": True, "cancelled_at": True, "cancel_reason": True, "tags": True,
                     "lines": {"__all__": {"open_quantity", "fulfilled_quantity"}}}
        )
        wanted = ",".join(f"{line.id}={(line.open_quantity + line.fulfilled_quantity).normalize():f}" for line in self.lines)
        return hashlib.sha256(f"{stripped}|{wanted}".encode()).hexdigest()


def parse_time(value: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: when it is none.
    """
    return datetime.fromisoformat(value)
