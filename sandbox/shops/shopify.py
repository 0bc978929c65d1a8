"""A purchase as Shopify's order topics send it (contracts/webhooks.md section 2), with a full field set."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.shops.delivery import Json
from sandbox.shops.purchase import ZERO, Item, Person, Purchase, rounded, token

_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class _Money:
    """Writes amounts: plain in the shop's currency, sets in both."""

    currency: str
    presentment: str
    rate: Decimal

    def plain(self, amount: Decimal) -> str:
        return str(rounded(amount, self.currency))

    def set(self, amount: Decimal) -> Json:
        return {
            "shop_money": {"amount": self.plain(amount), "currency_code": self.currency},
            "presentment_money": {
                "amount": str(rounded(amount * self.rate, self.presentment)),
                "currency_code": self.presentment,
            },
        }

    def pair(self, name: str, amount: Decimal) -> Json:
        return {name: self.plain(amount), f"{name}_set": self.set(amount)}


def body(purchase: Purchase) -> Json:
    """The whole order, unwrapped, as orders/create has it."""
    currency, rate = purchase.presentment or (purchase.currency, Decimal(1))
    money = _Money(purchase.currency, currency, rate)
    return (
        _head(purchase)
        | _totals(purchase, money)
        | {
            "billing_address": _address(purchase.bill_to),
            "customer": _customer(purchase),
            "discount_applications": _applications(purchase),
            "fulfillments": [],
            "line_items": [_line(purchase, item, money) for item in purchase.items],
            "payment_terms": None,
            "refunds": [],
            "shipping_address": _address(purchase.ship_to),
            "shipping_lines": _shipping(purchase, money),
        }
    )


def _gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def _head(purchase: Purchase) -> Json:
    digits = int("".join(ch for ch in purchase.number if ch.isdigit()) or "0")
    placed, key = purchase.placed_at.isoformat(), token("order", purchase.id)
    return {
        "id": purchase.id,
        "admin_graphql_api_id": _gid("Order", purchase.id),
        "app_id": 580111,
        "browser_ip": "203.0.113.24",
        "buyer_accepts_marketing": False,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": token("cart", purchase.id),
        "checkout_id": purchase.id + 31,
        "checkout_token": token("checkout", purchase.id),
        "client_details": {
            "accept_language": "en-AU",
            "browser_height": None,
            "browser_ip": "203.0.113.24",
            "browser_width": None,
            "session_hash": None,
            "user_agent": _AGENT,
        },
        "closed_at": None,
        "confirmation_number": key[:9].upper(),
        "confirmed": True,
        "contact_email": purchase.email or None,
        "created_at": placed,
        "currency": purchase.currency,
        "customer_locale": "en-AU",
        "device_id": None,
        "discount_codes": [],
        "duties_included": False,
        "email": purchase.email,
        "estimated_taxes": False,
        "financial_status": "paid" if purchase.paid else "pending",
        "fulfillment_status": None,
        "landing_site": "/",
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTIzNDU2Nzg5",
        "merchant_of_record_app_id": None,
        "name": purchase.number,
        "note": purchase.note or None,
        "note_attributes": [{"name": name, "value": value} for name, value in purchase.attributes],
        "number": digits - 1000,
        "order_number": digits,
        "order_status_url": f"https://shop.example.com/12345678901/orders/{key}/authenticate?key={token(key)}",
        "payment_gateway_names": [purchase.method],
        "phone": None,
        "po_number": None,
        "presentment_currency": (purchase.presentment or (purchase.currency,))[0],
        "processed_at": placed,
        "reference": None,
        "referring_site": "https://www.example.org/",
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "tags": ", ".join(purchase.tags),
        "tax_exempt": False,
        "taxes_included": purchase.taxes_included,
        "test": False,
        "token": key,
        "total_weight": 0,
        "updated_at": purchase.updated_at.isoformat(),
        "user_id": None,
    }


def _totals(purchase: Purchase, money: _Money) -> Json:
    listed = sum((item.price * item.quantity for item in purchase.items), ZERO)
    off_lines = sum((item.discount for item in purchase.items), ZERO)
    off = off_lines + purchase.shipping_discount
    total = purchase.total
    owed = ZERO if purchase.paid else total.incl
    found: Json = {"original_total_additional_fees_set": None, "original_total_duties_set": None}
    found |= {"current_total_additional_fees_set": None, "current_total_duties_set": None}
    for name, amount in (
        ("subtotal_price", listed - off_lines),
        ("total_discounts", off),
        ("total_price", total.incl),
        ("total_tax", total.tax),
    ):
        found |= money.pair(name, amount) | money.pair(f"current_{name}", amount)
    found |= money.pair("total_line_items_price", listed)
    found |= {
        "tax_lines": _taxes(purchase, total.tax, money),
        "total_cash_rounding_payment_adjustment_set": money.set(ZERO),
        "total_cash_rounding_refund_adjustment_set": money.set(ZERO),
        "total_outstanding": money.plain(owed),
        "total_shipping_price_set": money.set(purchase.shipping_price or ZERO),
        "total_tip_received": money.plain(ZERO),
    }
    if purchase.discount_code:
        found["discount_codes"] = [{"code": purchase.discount_code, "amount": money.plain(off), "type": "fixed_amount"}]
    return found


def _taxes(purchase: Purchase, tax: Decimal, money: _Money) -> list[Json]:
    if not purchase.tax_rate:
        return []
    return [
        money.pair("price", tax)
        | {"channel_liable": False, "rate": float(purchase.tax_rate), "title": purchase.tax_name}
    ]


def _allocations(amount: Decimal, money: _Money) -> list[Json]:
    return [money.pair("amount", amount) | {"discount_application_index": 0}] if amount else []


def _applications(purchase: Purchase) -> list[Json]:
    off = sum((item.discount for item in purchase.items), purchase.shipping_discount)
    if not off:
        return []
    return [
        {
            "target_type": "line_item",
            "type": "discount_code",
            "value": str(off),
            "value_type": "fixed_amount",
            "allocation_method": "across",
            "target_selection": "all",
            "code": purchase.discount_code,
        }
    ]


def _line(purchase: Purchase, item: Item, money: _Money) -> Json:
    whole = int(item.quantity)
    product = 7_000_000_000_000 + item.id % 1_000_000
    return (
        {
            "id": item.id,
            "admin_graphql_api_id": _gid("LineItem", item.id),
            "attributed_staffs": [],
            "current_quantity": whole,
            "fulfillable_quantity": whole,
            "fulfillment_service": "gift_card" if item.gift_card else "manual",
            "fulfillment_status": None,
            "gift_card": item.gift_card,
            "grams": 0 if not item.ships else 250,
            "name": f"{item.name} - {item.variant}" if item.variant else item.name,
            "product_exists": item.sku is not None,
            "product_id": product if item.sku is not None else None,
            "properties": [{"name": name, "value": value} for name, value in item.options],
            "quantity": whole,
            "requires_shipping": item.ships,
            "sku": item.sku,
            "taxable": bool(purchase.tax_rate),
            "title": item.name,
            "variant_id": product + 33_000_000_000_000 if item.sku is not None else None,
            "variant_inventory_management": "shopify" if item.sku is not None else None,
            "variant_title": item.variant or None,
            "vendor": "Sandbox Goods",
            "tax_lines": _taxes(purchase, purchase.line(item).tax, money),
            "duties": [],
            "discount_allocations": _allocations(item.discount, money),
        }
        | money.pair("price", item.price)
        # An order's discount shows in the allocations only (contracts/webhooks.md section 2).
        | money.pair("total_discount", ZERO)
    )


def _shipping(purchase: Purchase, money: _Money) -> list[Json]:
    if purchase.shipping_price is None:
        return []
    return [
        {
            "id": purchase.id + 77,
            "carrier_identifier": None,
            "code": purchase.shipping_code,
            "is_removed": False,
            "phone": None,
            "requested_fulfillment_service_id": None,
            "source": "shopify",
            "title": purchase.shipping_title,
            "tax_lines": _taxes(purchase, purchase.shipping.tax, money),
            "discount_allocations": _allocations(purchase.shipping_discount, money),
        }
        | money.pair("price", purchase.shipping_price)
        | money.pair("discounted_price", purchase.shipping_price - purchase.shipping_discount)
    ]


def _address(person: Person | None) -> Json | None:
    if person is None:
        return None
    return {
        "first_name": person.first_name,
        "address1": person.address1,
        "phone": person.phone or None,
        "city": person.city,
        "zip": person.postcode,
        "province": person.state_name or None,
        "country": person.country_name,
        "last_name": person.last_name,
        "address2": person.address2 or None,
        "company": person.company or None,
        "latitude": None,
        "longitude": None,
        "name": person.name,
        "country_code": person.country,
        "province_code": person.state or None,
    }


def _customer(purchase: Purchase) -> Json | None:
    person = purchase.bill_to or purchase.ship_to
    if person is None:
        return None
    number = 8_000_000_000_000 + purchase.id % 1_000_000
    placed = purchase.placed_at.isoformat()
    address = _address(person) or {}
    return {
        "id": number,
        "email": purchase.email or None,
        "created_at": placed,
        "updated_at": placed,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "phone": None,
        "email_marketing_consent": {
            "state": "not_subscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": None,
        },
        "sms_marketing_consent": None,
        "tags": "",
        "currency": purchase.currency,
        "tax_exemptions": [],
        "admin_graphql_api_id": _gid("Customer", number),
        "default_address": address
        | {
            "id": number + 11,
            "customer_id": number,
            "country_name": person.country_name,
            "default": True,
        },
    }
