"""A WooCommerce order body (REST version 3) -> the canonical order (contracts/webhooks.md sections 3 and 6)."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from schemas.model import plain
from schemas.order import Order
from schemas.shops.common import (
    ZERO,
    Node,
    UnreadableError,
    amounts,
    as_text,
    charge_note,
    collect_options,
    difference_note,
    joined,
    make_order,
)

_DRAFTS = frozenset(("auto-draft", "checkout-draft", "draft", "new"))
_CANCELLED = frozenset(("cancelled", "failed", "trash"))
_UNPAID = frozenset(("pending", "on-hold"))
_RELEASED = frozenset(("processing", "completed"))


class DraftError(UnreadableError):
    """The order is a draft: nobody has placed it yet."""


def read(node: Node, *, received_at: datetime) -> tuple[Order, tuple[str, ...]]:
    """The order, and notes for its timeline.

    Raises:
        DraftError: it must not be released, whatever the shop's rule says.
        UnreadableError: the body is no order; with the field that says so.
    """
    if "line_items" not in node:
        raise _foreign(node)
    status = node.need_text("status").removeprefix("wc-")
    if status in _DRAFTS:
        raise DraftError("the order is a draft in the shop and not placed yet; it goes on when the shop places it")
    version, version_note = _version(node, received_at)
    cancelled = status in _CANCELLED
    state, state_note = _payment_state(node, status)
    lines, line_notes = _lines(node)
    charges = [_charge(fee) for fee in node.items("fee_lines") if _worth(fee)]
    ship_to, address_note = _ship_to(node, any(line["shippable"] for line in lines))
    shipping = node.child("shipping")
    billing = node.child("billing")
    order = make_order(
        {
            "shop_order_id": node.need_id("id"),
            "number": node.text("number"),
            "version": version,
            "placed_at": node.time("date_created_gmt", utc=True),
            "currency": node.need_text("currency"),
            "payment_state": state,
            "payments": _payments(node, status, state),
            "cancelled": cancelled,
            "cancelled_at": version if cancelled else None,
            "cancel_reason": status if cancelled else None,
            "email": billing.text("email") if billing else None,
            "phone": next(
                (phone for phone in (one.text("phone") for one in (shipping, billing) if one) if phone), None
            ),
            "note": node.text("customer_note"),
            "ship_to": ship_to,
            "bill_to": _address(billing),
            "lines": lines,
            "shipping": [*(_shipping(line) for line in node.items("shipping_lines")), *charges],
            "total_incl": node.number("total"),
            "total_tax": node.number("total_tax"),
        }
    )
    return order, joined(
        (
            version_note,
            state_note,
            *line_notes,
            address_note,
            charge_note(charges),
            _gift_card_note(node),
            difference_note(order, deducted=_gift_cards(node)),
        )
    )


def _foreign(node: Node) -> UnreadableError:
    if node.get("order"):
        return UnreadableError("order: is wrapped; choose REST API version 3 in the shop's webhook")
    return node.fault("line_items", "is missing")


def _version(node: Node, received_at: datetime) -> tuple[datetime, str | None]:
    modified = node.time("date_modified_gmt", utc=True)
    if modified is not None:
        return modified, None
    created = node.time("date_created_gmt", utc=True)
    if created is not None:
        return created, "no date_modified_gmt in the body: date_created_gmt is its version"
    return received_at, "no UTC time in the body: its arrival is its version"


def _payment_state(node: Node, status: str) -> tuple[str, str | None]:
    """Section 3: release on processing; date_paid_gmt null means unpaid, but not for cash on delivery."""
    paid = node.text("date_paid_gmt") is not None
    if status == "refunded":
        return "refunded", None
    if status in _UNPAID:
        return "pending", None
    if status in _CANCELLED:
        return ("paid" if paid else "pending"), None
    if paid:
        known = status in _RELEASED
        return "paid", None if known else "a status of the shop's own: paid, because date_paid_gmt is set"
    if status not in _RELEASED:
        return "pending", "a status of the shop's own, and date_paid_gmt is empty: taken as not paid"
    if node.text("payment_method") == "cod":
        return "paid", "cash on delivery: released like a paid order, nothing is paid yet"
    # The shop lets it go without money (an invoice, a term of payment): as good as authorized, but not paid.
    return "authorized", "the shop released it without a date of payment: taken as authorized"


def _payments(node: Node, status: str, state: str) -> list[dict[str, object]]:
    paid = node.text("date_paid_gmt") is not None and status not in _UNPAID
    amount = node.amount("total") if paid or state == "refunded" else ZERO
    found: list[dict[str, object]] = [{"method": node.text("payment_method") or "*", "amount": amount}]
    cards = _gift_cards(node)
    return [*found, {"method": "gift_card", "amount": cards}] if cards else found


def _gift_cards(node: Node) -> Decimal:
    # The gift card plugin lowers the total without a line of its own (section 3).
    cards = node.get("gift_cards")
    if not isinstance(cards, list):
        return ZERO
    return sum((card.amount("amount") for card in node.items("gift_cards")), ZERO)


def _gift_card_note(node: Node) -> str | None:
    cards = _gift_cards(node)
    return f"gift cards paid {plain(cards)} of it; the shop's total is what remained" if cards else None


def _address(node: Node | None) -> dict[str, str | None] | None:
    if node is None:
        return None
    found = {
        "first_name": node.text("first_name"),
        "last_name": node.text("last_name"),
        "company": node.text("company"),
        "address1": node.text("address_1"),
        "address2": node.text("address_2"),
        "city": node.text("city"),
        "state": node.text("state"),
        "postcode": node.text("postcode"),
        "country": node.text("country"),
        "phone": node.text("phone"),
    }
    return found if any(found.values()) else None


def _ship_to(node: Node, needed: bool) -> tuple[dict[str, str | None] | None, str | None]:
    address = _address(node.child("shipping"))
    if address is not None or not needed:
        return address, None
    billing = _address(node.child("billing"))
    return billing, "no delivery address in the body: the billing address is used" if billing else None


def _lines(node: Node) -> tuple[list[dict[str, object]], list[str]]:
    nodes = node.items("line_items")
    kits, refunded = _kits(nodes), _refunded(node)
    # needs_processing false is the shop's word for: every product is virtual and downloadable.
    digital = node.get("needs_processing") is False
    seen: set[str] = set()
    lines, notes = [], []
    for position, line in enumerate(nodes, start=1):
        quantity = line.need_number("quantity")
        line_id = line.need_id("id")
        if quantity == 0:
            notes.append(f"line {position} has quantity 0: left out")
            continue
        if line_id in seen:  # woocommerce/woocommerce-ios#221
            notes.append(f"line {position} repeats the id of another: both are kept")
        kit = line_id in kits
        if kit:
            notes.append(f"line {position} is a bundle: its parts are shipped, it carries the price")
        lines.append(
            _line(
                line,
                line_id=line_id if line_id not in seen else f"{line_id}-{position}",
                quantity=quantity,
                refunded=ZERO if line_id in seen else refunded.get(line_id, ZERO),
                shippable=not (digital or kit),
            )
        )
        seen.add(line_id)
    if node.items("refunds") and not refunded:
        notes.append("the shop refunded an amount, the body names no lines: quantities stay")
    return lines, notes


def _line(node: Node, *, line_id: str, quantity: Decimal, refunded: Decimal, shippable: bool) -> dict[str, object]:
    total, subtotal = node.need_number("total"), node.number("subtotal")
    return {
        "id": line_id,
        "sku": node.text("sku"),
        "name": _plain_text(node.text("name") or ""),
        "quantity": quantity,
        "open_quantity": max(quantity - refunded, ZERO),
        # Lines are net, however prices were typed; "price" is rounded and after discount: not used (section 3).
        **amounts(excl=total, tax=node.amount("total_tax")),
        "discount": subtotal - total if subtotal is not None else ZERO,
        "shippable": shippable,
        "options": _options(node),
    }


_PART_KEYS, _KIT_KEYS = ("bundled_by", "composite_parent"), ("bundled_items", "composite_children")
_PART_META, _KIT_META = {"_bundled_by", "_composite_parent"}, {"_bundled_items", "_composite_children"}


def _kits(lines: Sequence[Node]) -> set[str]:
    """Ids of lines whose parts are lines of their own: by the plugins' REST fields, or by their meta data."""
    ids = {line.need_id("id") for line in lines}
    kits = {parent for line in lines for name in _PART_KEYS if (parent := as_text(line.get(name)))}
    for line in lines:
        parts = [part for name in _KIT_KEYS if isinstance(listed := line.get(name), list) for part in listed]
        if any(as_text(part) in ids for part in parts):
            kits.add(line.need_id("id"))
    meta = {line.need_id("id"): {as_text(one.get("key")) for one in line.items("meta_data")} for line in lines}
    if any(names & _PART_META for names in meta.values()):
        kits |= {line_id for line_id, names in meta.items() if names & _KIT_META}
    return kits


def _refunded(node: Node) -> dict[str, Decimal]:
    """Units by line, where refunds come with their lines; the order's webhook names only their totals."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for refund in node.items("refunds"):
        for line in refund.items("line_items"):
            for meta in line.items("meta_data"):
                if meta.get("key") == "_refunded_item_id":
                    found[meta.text("value") or ""] += abs(line.amount("quantity"))
    return found


def _worth(fee: Node) -> bool:
    return bool(fee.number("total") or fee.number("total_tax"))


def _charge(fee: Node) -> dict[str, object]:
    return {
        "name": _plain_text(fee.text("name") or "Fee"),
        **amounts(excl=fee.amount("total"), tax=fee.amount("total_tax")),
    }


def _shipping(node: Node) -> dict[str, object]:
    method, instance = node.text("method_id"), node.text("instance_id")
    name = _plain_text(node.text("method_title") or "")
    return {
        "code": f"{method}:{instance}" if method and instance else method or name,
        "name": name,
        **amounts(excl=node.amount("total"), tax=node.amount("total_tax")),
    }


def _options(node: Node) -> dict[str, str]:
    pairs = []
    for meta in node.items("meta_data"):
        name = as_text(meta.get("key"))
        if name is None or name.startswith("_"):  # for machines, whatever its display_key says
            continue
        shown = (
            as_text(meta.get("display_key")) or name,
            as_text(meta.get("display_value")) or as_text(meta.get("value")),
        )
        pairs.append((_plain_text(shown[0]), _plain_text(shown[1] or "")))
    return collect_options(pairs)


_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def _plain_text(text: str) -> str:
    """Without HTML tags and entities: ``Ship &ndash; it`` is what a person reads as ``Ship – it``."""
    if "&" not in text and "<" not in text:
        return text
    return html.unescape(_TAG.sub("", text)).strip()
