"""A Shopify order body -> the canonical order (contracts/webhooks.md sections 2 and 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from schemas.order import Order
from schemas.shops.common import ZERO, Node, amounts, charge_note, difference_note, joined, make_order, options_of

_PAYMENT_STATES = {
    "pending": "pending",
    "authorized": "authorized",
    "partially_paid": "pending",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "voided",
}


def read(
    node: Node,
    *,
    presentment: bool,
    cancelled: bool,
    test: bool,
    triggered_at: str,
    received_at: datetime,
) -> tuple[Order, tuple[str, ...]]:
    """The order, and notes for its timeline.

    Args:
        presentment: amounts in the buyer's currency instead of the shop's.
        cancelled: the topic says so; the body's ``cancelled_at`` says so too.
        test: the header says so; the body's ``test`` says so too.
        triggered_at: the version where the body has no ``updated_at``; "" for none.

    Raises:
        UnreadableError: the body is no order; with the field that says so.
    """
    # A refund or another foreign body has no lines; an order always has the list, if need be an empty one.
    if "line_items" not in node:
        raise node.fault("line_items", "is missing")
    money = _money(node, presentment=presentment)
    version, version_note = _version(node, triggered_at, received_at)
    state, state_note = _payment_state(node)
    payments, payment_note = _payments(node, money, state)
    goods, tips = _goods_and_tips(node.items("line_items"))
    refunds = _refunds(node)
    cancelled_at = node.time("cancelled_at")
    cancelled = cancelled or cancelled_at is not None
    charges = _charges(node, money, tips)
    order = make_order(
        {
            "shop_order_id": node.need_id("id"),
            "number": node.text("name") or node.text("order_number"),
            "version": version,
            "placed_at": node.time("created_at") or node.time("processed_at"),
            "currency": money.currency,
            "payment_state": state,
            "payments": payments,
            "cancelled": cancelled,
            "cancelled_at": cancelled_at or (version if cancelled else None),
            "cancel_reason": node.text("cancel_reason") if cancelled else None,
            "test": test or node.flag("test"),
            "tags": tuple(tag for tag in map(str.strip, (node.text("tags") or "").split(",")) if tag),
            **_people(node),
            "lines": [_line(line, money, refunds) for line in goods if line.number("quantity") != 0],
            "shipping": [*_shipping(node, money), *charges],
            "total_incl": money.of(node, "total_price"),
            "total_tax": money.of(node, "total_tax"),
        }
    )
    empty = sum(line.number("quantity") == 0 for line in goods)
    return order, joined(
        (
            version_note,
            state_note,
            payment_note,
            f"lines with quantity 0 left out: {empty}" if empty else None,
            charge_note(charges),
            difference_note(order),
        )
    )


@dataclass(frozen=True, slots=True)
class _Money:
    """Reads amounts in one of the two currencies of a body, never in both (section 2).

    Attributes:
        other: the amounts are only in ``*_set.presentment_money``; else the plain fields are the shop's.
        included: prices contain tax.
    """

    currency: str
    other: bool
    included: bool

    def of(self, node: Node, name: str) -> Decimal | None:
        """The amount called ``name``, or None where the body has none."""
        plain = node.number(name)
        if plain is not None and not self.other:
            return plain
        amount = self.of_set(node, f"{name}_set")
        if amount is None and plain:
            raise node.fault(f"{name}_set", "has no presentment_money, and the shop is set to currency = presentment")
        return plain if amount is None else amount

    def of_set(self, node: Node, name: str) -> Decimal | None:
        """The amount of a money set that has no plain field beside it."""
        both = node.child(name)
        chosen = both.child("presentment_money" if self.other else "shop_money") if both else None
        if chosen is None:
            return None
        if chosen.text("currency_code") not in (None, self.currency):
            raise chosen.fault("currency_code", "is not the order's currency; amounts are never mixed")
        return chosen.number("amount")

    def need(self, node: Node, name: str) -> Decimal:
        """As ``of``, but it must be there."""
        amount = self.of(node, name)
        if amount is None:
            raise node.fault(name, "is missing")
        return amount

    def of0(self, node: Node, name: str) -> Decimal:
        """As ``of``, and 0 where there is none."""
        amount = self.of(node, name)
        return ZERO if amount is None else amount

    def total(self, nodes: Iterable[Node], name: str) -> Decimal:
        """The sum over several objects."""
        return sum((self.of0(node, name) for node in nodes), ZERO)

    def amounts(self, price: Decimal, tax: Decimal) -> dict[str, object]:
        """Net, tax and gross of a price that does or does not contain its tax."""
        return amounts(incl=price, tax=tax) if self.included else amounts(excl=price, tax=tax)


def _money(node: Node, *, presentment: bool) -> _Money:
    shops = node.need_text("currency").upper()
    buyers = (node.text("presentment_currency") or shops).upper()
    other = presentment and buyers != shops
    return _Money(currency=buyers if other else shops, other=other, included=node.flag("taxes_included"))


def _version(node: Node, triggered_at: str, received_at: datetime) -> tuple[datetime | str, str | None]:
    updated = node.time("updated_at")
    if updated is not None:
        return updated, None
    if triggered_at:
        return triggered_at, "no updated_at in the body: the time of the event is its version"
    created = node.time("created_at")
    if created is not None:
        return created, "no updated_at in the body: created_at is its version"
    return received_at, "no time in the body: its arrival is its version"


def _payment_state(node: Node) -> tuple[str, str | None]:
    said = node.text("financial_status")
    if said is None:
        return "pending", "the body has no financial_status: taken as not paid"
    state = _PAYMENT_STATES.get(said)
    if state is None:
        return "pending", "a financial_status that Shopify does not document: taken as not paid"
    return state, "paid in part: taken as not paid" if said == "partially_paid" else None


def _payments(node: Node, money: _Money, state: str) -> tuple[list[dict[str, object]], str | None]:
    """One payment: the body names the gateways, but not how much went through which (section 6)."""
    names = node.get("payment_gateway_names")
    gateways = [name.strip() for name in names if isinstance(name, str)] if isinstance(names, list) else []
    gateways = [name for name in gateways if name] or [node.text("gateway") or "*"]
    paid, note = _paid(node, money, state)
    if len(gateways) > 1:
        note = f"paid by {len(gateways)} methods, amounts not told: all of it booked as the first"
    return [{"method": gateways[0], "amount": paid}], note


def _paid(node: Node, money: _Money, state: str) -> tuple[Decimal, str | None]:
    total = money.of0(node, "total_price")
    if state == "voided":
        return ZERO, None
    outstanding = node.number("total_outstanding")
    if outstanding is None:
        return (total if state in ("paid", "partially_refunded", "refunded") else ZERO), None
    if outstanding <= 0:
        return total, None
    if state == "paid":
        # Orders that a channel imports as paid have no transactions, so all of it counts as outstanding.
        return total, "the shop calls the order paid and an amount outstanding: taken as paid"
    if not money.other:
        return max(total - outstanding, ZERO), None
    if outstanding == node.number("total_price"):
        return ZERO, None
    return ZERO, "the outstanding amount is told in the shop's currency only: taken as not paid"


def _people(node: Node) -> dict[str, object]:
    ship_to, bill_to = node.child("shipping_address"), node.child("billing_address")
    customer = node.child("customer")
    phones = (one.text("phone") for one in (node, ship_to, bill_to, customer) if one is not None)
    note = [node.text("note"), *(f"{name}: {value}" for name, value in options_of(node, "note_attributes").items())]
    return {
        "email": node.text("email") or node.text("contact_email") or (customer.text("email") if customer else None),
        "phone": next((phone for phone in phones if phone), None),
        "note": "\n".join(part for part in note if part) or None,
        "ship_to": _address(ship_to),
        "bill_to": _address(bill_to),
    }


def _address(node: Node | None) -> dict[str, str | None] | None:
    if node is None:
        return None
    found = {
        "name": node.text("name"),
        "first_name": node.text("first_name"),
        "last_name": node.text("last_name"),
        "company": node.text("company"),
        "address1": node.text("address1"),
        "address2": node.text("address2"),
        "city": node.text("city"),
        "state": node.text("province_code") or node.text("province"),
        "postcode": node.text("zip"),
        "country": node.text("country_code"),
        "phone": node.text("phone"),
    }
    return found if any(found.values()) else None


@dataclass(slots=True)
class _Refunded:
    """Units of a line in refunds: all of them, and those that came back after shipping."""

    units: Decimal = ZERO
    returned: Decimal = ZERO


def _refunds(node: Node) -> dict[str, _Refunded]:
    found: defaultdict[str, _Refunded] = defaultdict(_Refunded)
    for refund in node.items("refunds"):
        for item in refund.items("refund_line_items"):
            units = item.amount("quantity")
            line = found[item.text("line_item_id") or ""]
            line.units += units
            if item.text("restock_type") == "return":
                line.returned += units
    return found


def _goods_and_tips(lines: list[Node]) -> tuple[list[Node], list[Node]]:
    # Shopify adds a tip as a line that has tip_payment_gateway (possibly null), or tip, and no SKU.
    tips = [line for line in lines if "tip_payment_gateway" in line or line.get("tip")]
    return ([line for line in lines if line not in tips] if tips else lines), tips


def _line(node: Node, money: _Money, refunds: dict[str, _Refunded]) -> dict[str, object]:
    line_id, quantity = node.need_id("id"), node.need_number("quantity")
    shippable = node.get("requires_shipping") is not False and not node.flag("gift_card")
    discount = _discount(node, money)
    return {
        "id": line_id,
        "sku": node.text("sku"),
        "name": node.text("name") or node.text("title") or "",
        "quantity": quantity,
        **_quantities(node, quantity, refunds.get(line_id) or _Refunded(), shippable=shippable),
        **money.amounts(money.need(node, "price") * quantity - discount, money.total(node.items("tax_lines"), "price")),
        "discount": discount,
        "shippable": shippable,
        "options": options_of(node, "properties"),
    }


def _discount(node: Node, money: _Money) -> Decimal:
    # total_discount can be "0.00" while the allocations hold money; only old bodies have no allocations (section 2).
    if "discount_allocations" in node:
        return money.total(node.items("discount_allocations"), "amount")
    return money.of0(node, "total_discount")


def _quantities(node: Node, quantity: Decimal, refunded: _Refunded, *, shippable: bool) -> dict[str, object]:
    """What is open, and what was shipped: their sum stays the same when goods ship, or come back later."""
    current = node.number("current_quantity")
    if current is None:  # old versions (section 2)
        current = max(quantity - refunded.units, ZERO)
    fulfillable = node.number("fulfillable_quantity")
    if fulfillable is None or not shippable:
        return {"open_quantity": current, "fulfilled_quantity": ZERO}
    # A return leaves fulfillable_quantity alone, a cancelled unit lowers it: what it lacks otherwise has shipped.
    shipped = max(quantity - fulfillable - (refunded.units - refunded.returned), ZERO)
    return {
        "open_quantity": min(current, fulfillable),
        "fulfilled_quantity": max(current - fulfillable, ZERO) + min(refunded.returned, shipped),
    }


def _shipping(node: Node, money: _Money) -> list[dict[str, object]]:
    found = []
    for line in node.items("shipping_lines"):
        if line.flag("is_removed"):
            continue
        price = money.need(line, "price") - money.total(line.items("discount_allocations"), "amount")
        name = line.text("title")
        found.append(
            {
                "code": line.text("code") or name,
                "name": name,
                **money.amounts(price, money.total(line.items("tax_lines"), "price")),
            }
        )
    return found


def _charges(node: Node, money: _Money, tips: list[Node]) -> list[dict[str, object]]:
    """Tips, duties and fees that are no line of goods; ``total_price`` holds them."""
    found = [
        {
            "name": tip.text("title") or "Tip",
            **money.amounts(
                money.need(tip, "price") * (tip.number("quantity") or 1) - _discount(tip, money),
                money.total(tip.items("tax_lines"), "price"),
            ),
        }
        for tip in tips
    ]
    if not tips:
        found += _charge("Tip", money.of(node, "total_tip_received"))
    if not node.flag("duties_included"):
        found += _charge("Duties", money.of_set(node, "original_total_duties_set"))
    return found + _charge("Fees", money.of_set(node, "original_total_additional_fees_set"))


def _charge(name: str, amount: Decimal | None) -> list[dict[str, object]]:
    return [{"name": name, **amounts(incl=amount, tax=ZERO)}] if amount else []
