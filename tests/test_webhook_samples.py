"""Every public sample maps to an order, or is held or ignored with its reason (contracts/webhooks.md section 8.6).

The files lie in the contracts' folder with their sources; none of them is part of the project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.config import Shop
from schemas.order import Order
from schemas.shops import PLATFORMS
from schemas.webhook import Webhook
from tests.hostile import survives
from tests.paths import WEBHOOKS, needs_shared

ARRIVED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FILES = sorted(WEBHOOKS.glob("*.json")) if WEBHOOKS else []
NOT_READ = "the body is no order that can be read: "
NOT_BODIES = {  # vectors and shapes, no bodies: test_signatures.py and the tests below read them
    "shopify-hmac-vectors.json",
    "standard-webhooks-vectors.json",
    "woocommerce-control-deliveries.json",
}

pytestmark = needs_shared

# number, version, currency, payment state, payments, lines (SKU, ordered, open, gross), shipping, ship-to country
ORDERS: dict[str, tuple[Any, ...]] = {
    "shopify-delivery-orders-create-pyg.json": (
        "#1016", "2023-11-09T16:28:37Z", "PYG", "paid", ["manual 693"], ["sku-managed-1 1 1 693"], [], None,
    ),
    "shopify-docs-order-multi-currency.json": (
        "#1001", "2012-08-24T18:02:15Z", "USD", "authorized", ["authorize_net 404.94"],
        ["IPOD-342-N 1 1 220.80"], ["INT.TP 4.00", "None 4.87"], "CA",
    ),
    "shopify-order-cancelled.json": (
        "#1001", "2025-07-02T16:31:25Z", "USD", "partially_refunded", ["bogus 598.94"],
        ["IPOD2008GREEN 1 0 199.64", "IPOD2008RED 1 1 199.65", "IPOD2008BLACK 1 0 199.65"],
        ["Free Shipping 0.00"], "US",
    ),
    "shopify-order-custom-line-eur-no-address.json": (
        "#1002", "2025-07-02T16:31:26Z", "EUR", "paid", ["* 238.47"], ["None 3 3 238.47"], [], None,
    ),
    "shopify-order-fulfilled.json": (
        "#1002", "2025-07-02T16:31:05Z", "USD", "paid", ["* 199.00"], ["IPOD2009BLACK 1 0 199.00"], [], None,
    ),
    "shopify-order-jpy-two-lines.json": (
        "#1002", "2021-11-19T09:44:46Z", "JPY", "paid", ["manual 14319"],
        ["7801P1XS000000 2 2 11800", "6401MI1S000000 1 1 2519"], [], None,
    ),
    "shopify-order-legacy-2008.json": (
        "#1001", "2008-01-10T16:00:00Z", "USD", "authorized", ["authorize_net 0"],
        ["IPOD2008GREEN 1 1 199.00", "IPOD2008RED 1 1 199.00", "IPOD2008BLACK 1 1 199.00"],
        ["Free Shipping 0.00"], "US",
    ),
    "shopify-order-partially-refunded.json": (
        "#1001", "2008-01-10T16:00:00Z", "USD", "partially_refunded", ["bogus 598.94"],
        ["IPOD2008GREEN 1 0 199.64", "IPOD2008RED 1 1 199.65", "IPOD2008BLACK 1 0 199.65"],
        ["Free Shipping 0.00"], "US",
    ),
    "shopify-order-pending-no-address.json": (
        "#1002", "2025-07-02T16:31:40Z", "USD", "pending", ["* 0.00"], ["IPOD2009BLACK 1 1 199.00"], [], None,
    ),
    "shopify-test-notification-2019.json": (
        "#9999", "2019-06-04T17:53:06Z", "USD", "voided", ["visa 0"],
        ["IPOD2008PINK 1 1 199.00", "IPOD2008PINK 1 1 194.00"], ["Generic Shipping 10.00"], "US",
    ),
    "woocommerce-docs-order-processing.json": (
        "727", "2017-03-22T19:28:08Z", "USD", "paid", ["bacs 29.35"],
        ["None 2 2 6.45", "Bar3 1 1 12.90"], ["flat_rate 10.00"], "US",
    ),
    "woocommerce-order-aed-symbol.json": (
        "963", "2018-04-03T23:05:14Z", "AED", "paid", ["stripe 31.20"],
        ["None 2 2 31.20", "5555-A 1.5 1.5 0.00"], ["usps:5 133.00", "None 125.50"], "US",
    ),
    "woocommerce-order-composite-no-address.json": (
        "421", "2023-03-20T11:21:40Z", "USD", "paid", ["* 2300.00"],
        ["None 1 1 2300.00", "None 1 1 0.00", "None 1 1 0.00", "None 1 1 0.00"], [], None,
    ),
    "woocommerce-order-fractional-qty-fee-coupon.json": (
        "963", "2018-04-03T23:05:14Z", "USD", "paid", ["stripe 31.20"],
        ["None 2 2 31.20", "5555-A 1.5 1.5 0.00"], ["usps:5 133.00", "None 125.50"], "US",
    ),
    "woocommerce-order-free-digital.json": (
        "15", "2023-08-16T07:45:57Z", "USD", "paid", ["* 0.00"], ["None 1 1 0.00"], [], None,
    ),
    "woocommerce-order-gift-card.json": (
        "459", "2023-03-29T03:23:02Z", "USD", "paid", ["woocommerce_payments 4.00", "gift_card 24"],
        ["Woo-beanie-logo 1 1 18.00"], ["flat_rate:3 10.00"], "BB",
    ),
    "woocommerce-order-line-addons.json": (
        "159", "2023-08-25T08:46:57Z", "USD", "paid", ["cod 0"], ["None 1 1 44.54"], ["free_shipping:2 0.00"], None,
    ),
    "woocommerce-order-null-sku-gbp.json": (
        "161", "2017-12-10T01:58:45Z", "GBP", "paid", ["cod 0"], ["None 1 1 12.00", "None 1 1 12.00"], [], "US",
    ),
    "woocommerce-order-sek-tax-included.json": (
        "106", "2022-04-25T11:28:48Z", "SEK", "paid", ["bacs 1178.00"],
        ["bm-31 1 1 299.00", "o-speed 1 1 679.00"], ["drone_shipping_method:0 200.00"], "SE",
    ),
    "woocommerce-order-tax-included-eur.json": (
        "259", "2018-04-11T19:21:11Z", "EUR", "paid", ["stripe 25.00"], ["None 1 1 25.00", "None 1 1 25.00"], [], "US",
    ),
}  # fmt: skip

HELD = {
    "bigcommerce-order-statusUpdated.json": (None, NOT_READ + "type: is missing"),
    "shopify-refund-wrong-size.json": ("450789469", NOT_READ + "line_items: is missing"),
    "shopware-entity-written.json": (None, NOT_READ + "type: is missing"),
    "woocommerce-order-draft-empty.json": (
        "85",
        "the order is a draft in the shop and not placed yet; it goes on when the shop places it",
    ),
}

# Notes that a person reads in the timeline; files that are not here have none.
NOTED = {
    "shopify-docs-order-multi-currency.json": ("paid by 2 methods", "fees, tips or duties", "lines and charges add up"),
    "shopify-order-fulfilled.json": ("the shop calls the order paid and an amount outstanding",),
    "shopify-order-legacy-2008.json": ("lines and charges add up to 597.00 USD, the shop states a total of 409.94",),
    "shopify-test-notification-2019.json": ("paid by 2 methods",),
    "woocommerce-order-aed-symbol.json": ("fees, tips or duties", "lines and charges add up to 289.70 AED"),
    "woocommerce-order-composite-no-address.json": ("line 1 is a bundle",),
    "woocommerce-order-fractional-qty-fee-coupon.json": ("fees, tips or duties", "lines and charges add up to 289.70"),
    "woocommerce-order-gift-card.json": ("gift cards paid 24",),
    "woocommerce-order-line-addons.json": ("cash on delivery",),
    "woocommerce-order-null-sku-gbp.json": (
        "cash on delivery", "line 2 repeats the id", "no delivery address", "lines and charges add up to 24.00",
    ),
    "woocommerce-order-tax-included-eur.json": (
        "line 2 repeats the id", "no delivery address", "lines and charges add up to 50.00",
    ),
}  # fmt: skip

NOT_SHIPPED = {  # positions of lines that no warehouse ships
    "shopify-order-jpy-two-lines.json": [0],
    "woocommerce-order-composite-no-address.json": [0],
    "woocommerce-order-free-digital.json": [0],
}


def sample(name: str) -> Any:
    assert WEBHOOKS is not None
    return json.loads((WEBHOOKS / name).read_bytes())


def delivery(name: str, topic: str | None = None) -> tuple[str, Mapping[str, str], bytes]:
    """Platform, headers and bytes of a file: its own headers where it is a capture, fitting ones elsewhere."""
    assert WEBHOOKS is not None
    raw = (WEBHOOKS / name).read_bytes()
    platform = name.partition("-")[0]
    if platform not in PLATFORMS:
        platform = "standard"  # a thin foreign body that somebody points at us
    captured = json.loads(raw)
    if "raw_body" in captured:
        return platform, captured["headers"], captured["raw_body"].encode()
    headers = {
        "shopify": {"x-shopify-topic": topic or "orders/updated", "x-shopify-webhook-id": "w-1"},
        "woocommerce": {"x-wc-webhook-topic": topic or "order.updated"},
        "standard": {"webhook-id": "msg_1"},
    }
    return platform, headers[platform], raw


def read(name: str, *, currency: str = "shop", topic: str | None = None, body: bytes | None = None) -> Webhook:
    platform, headers, raw = delivery(name, topic)
    shop = Shop.model_validate({"name": "s", "platform": platform, "secrets": ["s"], "currency": currency})
    return PLATFORMS[platform].read(headers=headers, body=raw if body is None else body, shop=shop, received_at=ARRIVED)


def order(name: str, *, currency: str = "shop") -> Order:
    webhook = read(name, currency=currency)
    assert webhook.order is not None, webhook.reason
    return webhook.order


def test_every_file_of_the_folder_is_expected_here() -> None:
    assert {file.name for file in FILES} == {*ORDERS, *HELD, *NOT_BODIES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("currency", ["shop", "presentment"])
def test_every_file_is_read_without_a_crash(file: Path, currency: str) -> None:
    survives(read(file.name, currency=currency))


@pytest.mark.parametrize("name", ORDERS)
def test_a_sample_becomes_its_order(name: str) -> None:
    made = order(name)
    sent = made.model_dump(mode="json")
    found = (
        sent["number"],
        sent["version"],
        sent["currency"],
        sent["payment_state"],
        [f"{p['method']} {p['amount']}" for p in sent["payments"]],
        [f"{one['sku']} {one['quantity']} {one['open_quantity']} {one['total_incl']}" for one in sent["lines"]],
        [f"{one['code']} {one['total_incl']}" for one in sent["shipping"]],
        made.ship_to.country if made.ship_to else None,
    )
    assert found == ORDERS[name]
    assert [i for i, one in enumerate(made.lines) if not one.shippable] == NOT_SHIPPED.get(name, [])
    assert made.cancelled is (name in ("shopify-order-cancelled.json", "shopify-test-notification-2019.json"))
    assert made.test is (name in ("shopify-docs-order-multi-currency.json", "shopify-test-notification-2019.json"))


@pytest.mark.parametrize("name", HELD)
def test_a_sample_that_is_no_order_is_held_with_its_reason(name: str) -> None:
    webhook = read(name)
    assert (webhook.kind, webhook.shop_order_id, webhook.reason) == ("unreadable", *HELD[name])


@pytest.mark.parametrize("name", ORDERS)
def test_a_sample_has_its_notes(name: str) -> None:
    notes = read(name).notes
    expected = NOTED.get(name, ())
    assert len(notes) == len(expected)
    assert all(note.startswith(start) for note, start in zip(notes, expected, strict=True))


@pytest.mark.parametrize("name", [*ORDERS, *HELD])
def test_nothing_personal_of_a_sample_is_told(name: str) -> None:
    webhook = read(name)
    told = " ".join((webhook.reason, *webhook.notes)).casefold()
    people = ("norman", "doe", "appleseed", "testsson", "scrambled", "senger", "johnny", "steve", "chestnut", "@")
    assert not [word for word in people if word in told]


def test_ids_above_two_to_the_53_survive_unchanged() -> None:
    made = order("shopify-test-notification-2019.json")
    assert made.shop_order_id == "820982911946154508"
    assert [one.id for one in made.lines] == ["866550311766439020", "141249953214522974"]


def test_the_captured_delivery_has_its_own_keys_and_time() -> None:
    webhook = read("shopify-delivery-orders-create-pyg.json")
    assert webhook.keys == ("id:ca813a36-7682-41c2-bc03-0692584899ee",)
    assert webhook.tie == "2023-11-09T16:28:37.556612022Z"
    assert webhook.rank == 0


def test_the_cancelled_order_is_the_newer_version_of_the_refunded_one() -> None:
    refunded, cancelled = order("shopify-order-partially-refunded.json"), order("shopify-order-cancelled.json")
    assert refunded.shop_order_id == cancelled.shop_order_id
    assert refunded.version < cancelled.version
    assert (refunded.cancelled, cancelled.cancelled, cancelled.cancel_reason) == (False, True, "other")


def test_a_shipped_order_has_nothing_open_and_knows_what_was_shipped() -> None:
    only = order("shopify-order-fulfilled.json").lines[0]
    assert [str(x) for x in (only.quantity, only.open_quantity, only.fulfilled_quantity)] == ["1", "0", "1"]


def test_buyers_and_shops_currency_are_never_mixed() -> None:
    mixed = read("shopify-docs-order-multi-currency.json", currency="presentment")
    assert (mixed.kind, mixed.shop_order_id) == ("unreadable", "450789469")
    assert mixed.reason.endswith("currency_code: is not the order's currency; amounts are never mixed")


@pytest.mark.parametrize("name", [name for name in ORDERS if name.startswith("shopify") and "docs" not in name])
def test_where_both_currencies_are_one_both_settings_read_the_same(name: str) -> None:
    assert order(name, currency="presentment") == order(name)


def test_html_entities_and_add_ons_are_read_as_a_person_reads_them() -> None:
    assert (
        order("woocommerce-docs-order-processing.json").lines[1].name
        == "Ship Your Idea \u2013 Color: Black, Size: M Test"
    )
    options = order("woocommerce-order-line-addons.json").lines[0].options
    assert options["Birthday candle (quantity)"] == "10"
    assert "_pao_ids" not in options


def test_a_refund_under_its_own_topic_is_ignored() -> None:
    webhook = read("shopify-refund-wrong-size.json", topic="refunds/create")
    assert (webhook.kind, webhook.reason) == (
        "ignored",
        "a refund by itself: the quantities that remain arrive with orders/updated",
    )


def test_the_control_deliveries_of_woocommerce_are_known() -> None:
    control = sample("woocommerce-control-deliveries.json")
    woo = PLATFORMS["woocommerce"]
    ping = control["ping"]
    assert woo.is_ping({"content-type": ping["content_type"]}, ping["raw_body"].encode())
    deleted = control["order_deleted"]
    webhook = read("woocommerce-control-deliveries.json", topic=deleted["topic"], body=deleted["raw_body"].encode())
    assert (webhook.kind, webhook.shop_order_id) == ("removed", "727")
    why = woo.verify(headers=control["published_headers"], body=b"{}", secrets=["s"], now=0)
    assert why == "the signature does not match: wrong secret or changed body"
