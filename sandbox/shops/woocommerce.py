"""A purchase as WooCommerce's order topics send it, REST version 3 (contracts/webhooks.md section 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sandbox.shops.delivery import Json
from sandbox.shops.purchase import ZERO, Amounts, Item, Person, Purchase, rounded, token, total

_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_SYMBOLS = {"AUD": "$", "NZD": "$", "GBP": "£", "SEK": "kr", "EUR": "€", "JPY": "¥"}


def body(purchase: Purchase) -> Json:
    """The whole order as order.created has it. Lines are net, however prices were typed."""
    lines = [(item, purchase.line(item), purchase.line_before(item)) for item in purchase.items]
    goods, before = total(line for _, line, _ in lines), total(line for _, _, line in lines)
    return (
        _head(purchase)
        | {
            "discount_total": _money(purchase, before.excl - goods.excl),
            "discount_tax": _money(purchase, before.tax - goods.tax),
            "shipping_total": _money(purchase, purchase.shipping.excl),
            "shipping_tax": _money(purchase, purchase.shipping.tax),
            "cart_tax": _money(purchase, goods.tax),
            "total": _money(purchase, purchase.total.incl),
            "total_tax": _money(purchase, purchase.total.tax),
            "billing": _address(purchase.bill_to, email=purchase.email),
            "shipping": _address(purchase.ship_to, email=None),
            "line_items": [_line(purchase, *line) for line in lines],
            "tax_lines": _tax_lines(purchase, goods),
            "shipping_lines": _shipping(purchase),
            "fee_lines": [],
            "coupon_lines": _coupons(purchase, before.excl - goods.excl, before.tax - goods.tax),
            "refunds": [],
            "gift_cards": [],
        }
        | _links(purchase)
    )


def _money(purchase: Purchase, amount: Decimal) -> str:
    return str(rounded(amount, purchase.currency))


def _number(amount: Decimal) -> int | float:
    """PHP writes 18.0 as 18 and has six decimals at most here."""
    value = round(float(amount), 6)
    return int(value) if value == int(value) else value


def _local(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _gmt(moment: datetime) -> str:
    return _local(moment.astimezone(UTC))


def _head(purchase: Purchase) -> Json:
    placed, touched = purchase.placed_at, purchase.updated_at
    return {
        "id": purchase.id,
        "parent_id": 0,
        "status": "processing" if purchase.paid else "on-hold",
        "currency": purchase.currency,
        "version": "10.3.5",
        "prices_include_tax": purchase.taxes_included,
        "date_created": _local(placed),
        "date_modified": _local(touched),
        "customer_id": 0,
        "order_key": f"wc_order_{token('order', purchase.id)[:13]}",
        "payment_method": purchase.method,
        "payment_method_title": purchase.method_title,
        "transaction_id": f"pi_{token('payment', purchase.id)[:24]}" if purchase.paid else "",
        "customer_ip_address": "203.0.113.57",
        "customer_user_agent": _AGENT,
        "created_via": "checkout",
        "customer_note": purchase.note,
        "date_completed": None,
        "date_paid": _local(touched) if purchase.paid else None,
        "cart_hash": token("cart", purchase.id),
        "number": purchase.number,
        "meta_data": [
            {"id": 10 * purchase.id, "key": "is_vat_exempt", "value": "no"},
            *(
                {"id": 10 * purchase.id + place, "key": key, "value": value}
                for place, (key, value) in enumerate(purchase.attributes, start=1)
            ),
        ],
        "date_created_gmt": _gmt(placed),
        "date_modified_gmt": _gmt(touched),
        "date_completed_gmt": None,
        "date_paid_gmt": _gmt(touched) if purchase.paid else None,
        "currency_symbol": _SYMBOLS.get(purchase.currency, purchase.currency),
    }


def _line(purchase: Purchase, item: Item, line: Amounts, before: Amounts) -> Json:
    return {
        "id": item.id,
        "name": f"{item.name} - {item.variant}" if item.variant else item.name,
        "product_id": 4000 + item.id % 997,
        "variation_id": 5000 + item.id % 997 if item.variant else 0,
        "quantity": _number(item.quantity),
        "tax_class": "",
        "subtotal": _money(purchase, before.excl),
        "subtotal_tax": _money(purchase, before.tax),
        "total": _money(purchase, line.excl),
        "total_tax": _money(purchase, line.tax),
        "taxes": [{"id": 1, "total": str(line.tax), "subtotal": str(before.tax)}] if purchase.tax_rate else [],
        "meta_data": [
            {
                "id": 100 * item.id + place,
                "key": key,
                "value": value,
                "display_key": key,
                "display_value": value,
            }
            for place, (key, value) in enumerate(item.options)
        ],
        "sku": item.sku or "",
        "price": _number(line.excl / item.quantity),
        "image": {"id": "59", "src": "https://shop.example.com/wp-content/uploads/2026/09/cover.jpg"},
        "parent_name": item.name if item.variant else None,
        "composite_parent": "",
        "composite_children": [],
        "bundled_by": "",
        "bundled_item_title": "",
        "bundled_items": [],
    }


def _tax_lines(purchase: Purchase, goods: Amounts) -> list[Json]:
    if not purchase.tax_rate:
        return []
    return [
        {
            "id": 10 * purchase.id + 6,
            "rate_code": f"{purchase.tax_name}-1".upper(),
            "rate_id": 1,
            "label": purchase.tax_name,
            "compound": False,
            "tax_total": _money(purchase, goods.tax),
            "shipping_tax_total": _money(purchase, purchase.shipping.tax),
            "rate_percent": _number(purchase.tax_rate * 100),
            "meta_data": [],
        }
    ]


def _shipping(purchase: Purchase) -> list[Json]:
    if purchase.shipping_price is None:
        return []
    tax = [{"id": 1, "total": str(purchase.shipping.tax), "subtotal": ""}] if purchase.tax_rate else []
    listed = ", ".join(f"{item.name} &times; {_number(item.quantity)}" for item in purchase.items if item.ships)
    return [
        {
            "id": 10 * purchase.id + 7,
            "method_title": purchase.shipping_title,
            "method_id": purchase.shipping_code,
            "instance_id": "3",
            "total": _money(purchase, purchase.shipping.excl),
            "total_tax": _money(purchase, purchase.shipping.tax),
            "taxes": tax,
            "meta_data": [
                {
                    "id": 100 * purchase.id + 8,
                    "key": "Items",
                    "value": listed,
                    "display_key": "Items",
                    "display_value": listed,
                }
            ],
        }
    ]


def _coupons(purchase: Purchase, off: Decimal, off_tax: Decimal) -> list[Json]:
    if off == ZERO:
        return []
    return [
        {
            "id": 10 * purchase.id + 9,
            "code": purchase.discount_code.lower(),
            "discount": _money(purchase, off),
            "discount_tax": _money(purchase, off_tax),
            "meta_data": [
                {
                    "id": 100 * purchase.id + 9,
                    "key": "coupon_info",
                    "value": f'[12,"{purchase.discount_code}"]',
                }
            ],
        }
    ]


def _address(person: Person | None, *, email: str | None) -> Json:
    """Always an object; empty strings throughout where there is nobody. Only ``billing`` has an email."""
    found: Json = {
        "first_name": person.first_name if person else "",
        "last_name": person.last_name if person else "",
        "company": person.company if person else "",
        "address_1": person.address1 if person else "",
        "address_2": person.address2 if person else "",
        "city": person.city if person else "",
        "state": person.state if person else "",
        "postcode": person.postcode if person else "",
        "country": person.country if person else "",
    }
    if email is not None:
        found["email"] = email
    return found | {"phone": person.phone if person else ""}


def _links(purchase: Purchase) -> Json:
    site, key = "https://shop.example.com", f"wc_order_{token('order', purchase.id)[:13]}"
    return {
        "payment_url": f"{site}/checkout/order-pay/{purchase.id}/?pay_for_order=true&key={key}",
        "is_editable": not purchase.paid,
        "needs_payment": not purchase.paid,
        "needs_processing": True,
        "_links": {
            "self": [{"href": f"{site}/wp-json/wc/v3/orders/{purchase.id}"}],
            "collection": [{"href": f"{site}/wp-json/wc/v3/orders"}],
        },
    }
