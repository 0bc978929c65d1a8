"""A purchase as a Standard Webhooks producer sends it: the canonical order in an envelope."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sandbox.shops.delivery import Json
from sandbox.shops.purchase import Amounts, Item, Person, Purchase


def body(purchase: Purchase, *, kind: str = "order.created") -> Json:
    """``type``, ``timestamp`` of the event, and the order as ``data`` (contracts/webhooks.md section 4)."""
    return {"type": kind, "timestamp": _utc(purchase.updated_at), "data": order(purchase)}


def order(purchase: Purchase) -> Json:
    """The canonical order; amounts and quantities are decimal strings."""
    total, buyer = purchase.total, purchase.ship_to or purchase.bill_to
    shipping: list[Json] = []
    if purchase.shipping_price is not None:
        shipping = [{"code": purchase.shipping_code, "name": purchase.shipping_title} | _amounts(purchase.shipping)]
    return {
        "shop_order_id": str(purchase.id),
        "number": purchase.number,
        "version": _utc(purchase.updated_at),
        "placed_at": _utc(purchase.placed_at),
        "currency": purchase.currency,
        "payment_state": "paid" if purchase.paid else "pending",
        "payments": [{"method": purchase.method, "amount": str(total.incl)}] if purchase.paid else [],
        "cancelled": False,
        "test": False,
        "email": purchase.email,
        "phone": buyer.phone or None if buyer else None,
        "note": purchase.note or None,
        "tags": list(purchase.tags),
        "ship_to": _address(purchase.ship_to),
        "bill_to": _address(purchase.bill_to),
        "lines": [_line(item, purchase.line(item)) for item in purchase.items],
        "shipping": shipping,
        "total_incl": str(total.incl),
        "total_tax": str(total.tax),
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _amounts(amounts: Amounts) -> Json:
    return {
        "total_incl": _plain(amounts.incl),
        "total_excl": _plain(amounts.excl),
        "tax": _plain(amounts.tax),
    }


def _line(item: Item, amounts: Amounts) -> Json:
    return (
        {
            "id": str(item.id),
            "sku": item.sku,
            "name": item.name,
            "quantity": _plain(item.quantity),
            "open_quantity": _plain(item.quantity),
        }
        | _amounts(amounts)
        | {"discount": _plain(item.discount), "shippable": item.ships, "options": dict(item.options)}
    )


def _address(person: Person | None) -> Json | None:
    if person is None:
        return None
    return {
        "name": person.name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "company": person.company or None,
        "address1": person.address1,
        "address2": person.address2 or None,
        "city": person.city,
        "state": person.state or None,
        "postcode": person.postcode,
        "country": person.country,
        "phone": person.phone or None,
    }
