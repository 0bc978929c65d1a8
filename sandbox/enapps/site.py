"""What every endpoint works with: the records there are, prices, and what became of an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import TypeVar

from sandbox.enapps.book import Book, Order
from sandbox.enapps.data import NOT_PERMITTED, Address, ApiError, Contact, EnappsSettings, Partner, Product, product_id

T = TypeVar("T")

CENT = Decimal("0.01")
CANCELLED = frozenset({"cancel", "cancelled", "canceled"})


@dataclass(frozen=True)
class Site:
    """One server during one call."""

    book: Book
    settings: EnappsSettings

    @cached_property
    def partners(self) -> dict[int, Partner]:
        """Those that the API user may see, by id."""
        return {
            number: partner
            for number, partner in sorted(self.settings.partners.items())
            if partner is not None and self.may_see(number)
        }

    @cached_property
    def contacts(self) -> dict[int, Contact]:
        """All of them by id, also those of a partner that the API user may not see."""
        return {number: one for number, one in sorted(self.settings.contacts.items()) if one is not None}

    @cached_property
    def addresses(self) -> dict[int, Address]:
        """Those that the API user may see by id, with what orders brought."""
        kept = {number: one for number, one in sorted(self.settings.addresses.items()) if one is not None}
        brought = {number: Address.model_validate(one) for number, one in self.book.addresses.items()}
        return {number: one for number, one in (kept | brought).items() if self.may_see(one.partner_id)}

    @cached_property
    def products(self) -> dict[int, tuple[str, Product]]:
        """SKU and product by id."""
        return {product_id(sku, one): (sku, one) for sku, one in self.settings.products.items() if one is not None}

    @cached_property
    def orders(self) -> list[Order]:
        """Those that the API user may see, in the order of their lists."""
        found = [order for order in self.book.orders.values() if self.may_see(order.partner)]
        return found[::-1] if self.settings.newest_first else found

    def may_see(self, partner: int) -> bool:
        """Whether the API user may see this customer (section 1)."""
        return self.settings.user_partner in (None, partner)

    def contact(self, number: int) -> Contact:
        """The contact that orders. Raises ApiError."""
        contact = self.contacts.get(number)
        if contact is None:
            raise ApiError(f"partner_order_id {number} is no contact")
        if not self.may_see(contact.partner_id):
            raise ApiError(NOT_PERMITTED, status=403)
        return contact

    def check_partner(self, number: int | None) -> None:
        """Raise ApiError unless there is such a partner, or none is asked for: a contact's id is no partner's."""
        if number is not None and number not in self.partners:
            raise ApiError(f"partner_id {number} is no partner")

    def price(self, product: Product, *, partner: int | None, qty: int = 0, options: Mapping[str, str]) -> Decimal:
        """What one costs, for that partner's price list. Raises ApiError for an option that there is not."""
        price = max(((least, price) for least, price in product.breaks.items() if least <= qty), default=None)
        whole = product.list_price if price is None else price[1]
        for name, option in options.items():
            if name not in product.parameters:
                raise ApiError(f"there is no parameter {name}")
            if option not in product.parameters[name]:
                raise ApiError(f"parameter {name} has no option {option}")
            whole += product.parameters[name][option]
        percent = self.settings.discounts.get(partner, Decimal(0)) if partner is not None else Decimal(0)
        return (whole * (100 - percent) / 100).quantize(CENT, ROUND_HALF_UP)

    # ------------------------------------------------------------------ what became of an order

    def _said(self, what: Mapping[str, T], order: Order) -> T | None:
        return what.get(order.name, what.get(order.client_order_ref))

    def state(self, order: Order) -> str:
        """Where it stands."""
        return self._said(self.settings.states, order) or order.start_state

    def cancelled(self, order: Order) -> bool:
        """Whether it is cancelled."""
        return self.state(order).lower() in CANCELLED

    def shipped(self, order: Order) -> dict[int, int]:
        """What has left, by line id."""
        said = self._said(self.settings.shipped, order)
        if isinstance(said, bool) or said is None:
            return {line.id: line.qty if said else 0 for line in order.lines}
        left, gone = dict(said), {}
        for line in order.lines:
            gone[line.id] = min(line.qty, left.get(line.default_code, 0))
            left[line.default_code] = left.get(line.default_code, 0) - gone[line.id]
        return gone

    def tracking(self, order: Order) -> str | None:
        """The delivery note's reference."""
        return self._said(self.settings.tracking, order)

    def invoiced(self, order: Order) -> str | None:
        """``paid``, ``unpaid`` or None."""
        return self._said(self.settings.invoiced, order)
