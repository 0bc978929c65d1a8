"""The canonical order: what every shop's webhook becomes, and every destination is derived from.

Line totals are the truth; unit prices are total / quantity and are never rounded here.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator

from schemas.model import Model, Number, bounded, plain

PaymentState = Literal["pending", "authorized", "paid", "partially_refunded", "refunded", "voided"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def cleaned(value: str) -> str:
    """The text without what PostgreSQL (NUL) and XML (other control characters) cannot carry."""
    return value if value.isprintable() else _CONTROL.sub("", value).strip()


def _as_text(value: object) -> object:
    # contracts/webhooks.md section 3: ids and SKUs come as numbers too; with us they are text.
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return plain(bounded(value)) if isinstance(value, Decimal) else value


def _currency(value: str) -> str:
    if len(value) != 3 or not value.isascii() or not value.isalpha():
        raise ValueError("must be an ISO 4217 code, three letters")
    return value


def _country(value: str) -> str | None:
    if value and (len(value) != 2 or not value.isascii() or not value.isalpha()):
        raise ValueError("must be an ISO 3166-1 code, two letters")
    return value or None


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time between the years 1 and 9999 in UTC") from None


Text = Annotated[str, StringConstraints(strip_whitespace=True), BeforeValidator(_as_text)]
Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), BeforeValidator(_as_text)]
Currency = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True), AfterValidator(_currency)]
Country = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True), AfterValidator(_country)]


def _in_utc_range(value: datetime) -> datetime:
    _utc(value)
    return value


Time = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment, kept in UTC: the same moment in two offsets is no change of the order."""
LocalTime = Annotated[AwareDatetime, AfterValidator(_in_utc_range)]
"""A moment with the offset it came with, whose date is the day where the shop is."""


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be greater than 0")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _without_nulls(data: dict[str, Any]) -> dict[str, Any]:
    """Null says nothing: the field's default holds (contracts/webhooks.md section 1.10)."""
    return {name: value for name, value in data.items() if value is not None}


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
    """One line of the order. The totals are of the ordered quantity, after discounts.

    ``open_quantity`` is still to be delivered, ``fulfilled_quantity`` was delivered, as far as the shop knows.
    """

    id: Key
    sku: Key | None = None
    name: Text = ""
    quantity: Annotated[Number, AfterValidator(_positive)]
    open_quantity: Annotated[Number, AfterValidator(_not_negative)]
    fulfilled_quantity: Annotated[Number, AfterValidator(_not_negative)] = Decimal(0)
    discount: Number = Decimal(0)
    shippable: bool = True
    options: dict[Text, Text] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        if isinstance(data, dict):
            data = _without_nulls(data)
            data.setdefault("open_quantity", data.get("quantity"))
            if isinstance(data.get("sku"), str) and not data["sku"].strip():
                del data["sku"]
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
    version: Time
    placed_at: LocalTime
    currency: Currency
    payment_state: PaymentState = "paid"
    payments: tuple[Payment, ...] = ()
    cancelled: bool = False
    cancelled_at: Time | None = None
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
            data = _without_nulls(data)
            # The stand-ins let a missing id or version be told once, not again for the field that defaults to it.
            if not data.get("number"):
                data["number"] = data.get("shop_order_id", "-")
            if not data.get("placed_at"):
                data["placed_at"] = data.get("version", datetime.now(UTC))
        return data

    @model_validator(mode="after")
    def _line_ids_are_unique(self) -> Self:
        seen: dict[str, int] = {}
        for position, line in enumerate(self.lines, start=1):
            first = seen.setdefault(line.id, position)
            if first != position:
                raise ValueError(f"lines {first} and {position} have one id; each line needs its own")
        return self

    @property
    def goods_incl(self) -> Decimal:
        """What lines and shipping add up to, tax included."""
        return sum((part.total_incl for part in (*self.lines, *self.shipping)), Decimal(0))

    @property
    def paid(self) -> tuple[Payment, ...]:
        """The payments, or one of the whole total with method ``*`` where the shop names none.

        Of nothing where the order is pending or voided: it must not look paid.
        """
        if self.payments:
            return self.payments
        if self.payment_state in ("pending", "voided"):
            return (Payment(method="*", amount=Decimal(0)),)
        total = self.total_incl if self.total_incl is not None else self.goods_incl
        return (Payment(method="*", amount=total),)

    def content(self) -> str:
        """SHA-256 of what destinations see.

        Left out is what changes without the goods, the people or the prices changing: version and placed_at
        (which defaults to it), payment state and payments (a capture after shipping is no change of the order),
        and what was shipped since: a line counts with open + fulfilled.
        """
        stripped = self.model_dump_json(exclude=_NOT_SEEN)
        wanted = ",".join(
            f"{line.id}={(line.open_quantity + line.fulfilled_quantity).normalize():f}" for line in self.lines
        )
        return hashlib.sha256(f"{stripped}|{wanted}".encode()).hexdigest()


_NOT_SEEN: dict[str, Any] = {
    "version": True,
    "placed_at": True,
    "payment_state": True,
    "payments": True,
    "cancelled_at": True,
    "cancel_reason": True,
    "tags": True,
    "lines": {"__all__": {"open_quantity", "fulfilled_quantity"}},
}


def parse_time(value: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: when it is none.
    """
    return datetime.fromisoformat(value)
