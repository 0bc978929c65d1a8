"""Shopify bodies -> canonical order. The bodies here are made up: no public sample exists for most of the traps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import Shop
from schemas.order import Order
from schemas.shops import PLATFORMS
from schemas.webhook import CREATED, REMOVED, UPDATED, Webhook
from tests.hostile import MARK, mutated, survives

ARRIVED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HEADERS = {
    "x-shopify-topic": "orders/updated",
    "x-shopify-webhook-id": "w-1",
    "x-shopify-event-id": "e-1",
    "x-shopify-triggered-at": "2026-11-20T10:15:00.123456789Z",
}


def shop(currency: str = "shop") -> Shop:
    return Shop.model_validate({"name": "acme", "platform": "shopify", "secrets": ["s"], "currency": currency})


def line(**changes: Any) -> dict[str, Any]:
    return {
        "id": 466157049,
        "sku": "MUG-BLUE",
        "name": "Mug, blue",
        "price": "39.95",
        "quantity": 2,
        "current_quantity": 2,
        "fulfillable_quantity": 2,
        "requires_shipping": True,
        "gift_card": False,
        "discount_allocations": [],
        "tax_lines": [],
        "properties": [],
        **changes,
    }


def body(**changes: Any) -> dict[str, Any]:
    return {
        "id": 820982911946154508,
        "name": "#1001",
        "order_number": 1001,
        "created_at": "2026-11-20T11:14:58+01:00",
        "updated_at": "2026-11-20T11:15:00+01:00",
        "currency": "EUR",
        "presentment_currency": "EUR",
        "financial_status": "paid",
        "payment_gateway_names": ["shopify_payments"],
        "total_outstanding": "0.00",
        "taxes_included": True,
        "total_price": "79.90",
        "total_tax": "0.00",
        "test": False,
        "line_items": [line()],
        "shipping_lines": [],
        "refunds": [],
        **changes,
    }


def read(value: Any, *, currency: str = "shop", **headers: str | None) -> Webhook:
    named = {f"x-shopify-{name.replace('_', '-')}": text for name, text in headers.items()}
    kept = {name: text for name, text in (HEADERS | named).items() if text is not None}
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return PLATFORMS["shopify"].read(headers=kept, body=raw, shop=shop(currency), received_at=ARRIVED)


def order(value: Any, *, currency: str = "shop", **headers: str | None) -> Order:
    webhook = read(value, currency=currency, **headers)
    assert webhook.order is not None, webhook.reason
    assert webhook.kind == "order"
    return webhook.order


def money(amount: str, code: str, other: str, other_code: str) -> dict[str, Any]:
    return {
        "shop_money": {"amount": amount, "currency_code": code},
        "presentment_money": {"amount": other, "currency_code": other_code},
    }


MOMENTS = st.integers(0, 7_000_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))


# --- identity, version, topic


def test_an_id_above_two_to_the_53_survives_unchanged() -> None:
    webhook = read(body())
    assert webhook.shop_order_id == "820982911946154508"
    assert webhook.order is not None
    assert webhook.order.shop_order_id == "820982911946154508"
    assert webhook.order.number == "#1001"


@pytest.mark.parametrize(
    ("topic", "rank"),
    [
        ("orders/create", CREATED),
        ("orders/paid", UPDATED),
        ("orders/updated", UPDATED),
        ("orders/cancelled", UPDATED),
        ("orders/fulfilled", UPDATED),
        ("orders/partially_fulfilled", UPDATED),
    ],
)
def test_these_topics_carry_the_order(topic: str, rank: int) -> None:
    webhook = read(body(), topic=topic)
    assert (webhook.kind, webhook.topic, webhook.rank) == ("order", topic, rank)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("refunds/create", "a refund by itself: the quantities that remain arrive with orders/updated"),
        ("orders/edited", "it tells only the change: the order as it is now arrives with orders/updated"),
        (
            "products/update",
            "no order topic; the shop needs to send orders/create, orders/updated and orders/cancelled",
        ),
        ("orders/update", "no order topic; the shop needs to send orders/create, orders/updated and orders/cancelled"),
    ],
)
def test_other_topics_are_ignored_and_say_why(topic: str, reason: str) -> None:
    webhook = read({"id": 1}, topic=topic)
    assert (webhook.kind, webhook.reason) == ("ignored", reason)


def test_a_deletion_removes_the_order_and_tells_no_more() -> None:
    webhook = read({"id": 820982911946154508}, topic="orders/delete")
    assert (webhook.kind, webhook.shop_order_id, webhook.rank) == ("removed", "820982911946154508", REMOVED)


def test_a_webhook_without_topic_is_held() -> None:
    webhook = read(body(), topic=None)
    assert (webhook.kind, webhook.reason) == ("unreadable", "the X-Shopify-Topic header is missing")


def test_the_short_headers_are_read_too() -> None:
    headers = {"shopify-topic": "orders/create", "shopify-webhook-id": "w", "shopify-test": "true"}
    webhook = PLATFORMS["shopify"].read(
        headers=headers, body=json.dumps(body()).encode(), shop=shop(), received_at=ARRIVED
    )
    assert webhook.keys == ("id:w",)
    assert webhook.order is not None
    assert webhook.order.test


@pytest.mark.parametrize(
    ("given_headers", "keys"),
    [
        pytest.param({}, ("id:w-1", "event:orders/updated:e-1"), id="both ids"),
        pytest.param({"event_id": None}, ("id:w-1",), id="2023: no event id"),
        pytest.param({"webhook_id": None}, ("event:orders/updated:e-1",), id="no webhook id"),
    ],
)
def test_a_delivery_is_known_by_its_ids(given_headers: dict[str, Any], keys: tuple[str, ...]) -> None:
    assert read(body(), **given_headers).keys == keys


def test_one_event_under_two_topics_is_two_deliveries() -> None:
    one, two = (read(body(), webhook_id=None, topic=topic).keys for topic in ("orders/create", "orders/updated"))
    assert set(one).isdisjoint(two)


def test_without_ids_topic_body_and_time_make_the_key() -> None:
    bare: dict[str, Any] = {"webhook_id": None, "event_id": None}
    keys = read(body(), **bare).keys
    assert keys == read(body(), **bare).keys
    for other in (
        read(body(name="#1002"), **bare),
        read(body(), topic="orders/paid", **bare),
        read(body(), triggered_at="2026-11-20T10:15:01Z", **bare),
    ):
        assert other.keys != keys


def test_a_key_is_never_longer_than_255_characters() -> None:
    long = read(body(), webhook_id="x" * 300, event_id="y" * 300)
    assert len(set(long.keys)) == 2
    assert all(len(key) <= 255 for key in long.keys)
    assert long.keys != read(body(), webhook_id="x" * 301, event_id="y" * 301).keys


def test_the_version_is_in_utc_and_the_day_of_the_order_is_the_shops() -> None:
    made = order(body())
    assert made.version == datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
    assert made.placed_at == datetime(2026, 11, 20, 10, 14, 58, tzinfo=UTC)
    assert made.version.utcoffset() == UTC.utcoffset(None)
    assert made.placed_at.utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    ("change", "triggered_at", "version", "note"),
    [
        pytest.param(
            {"updated_at": None},
            "2026-11-20T10:15:00.5Z",
            "2026-11-20T10:15:00.500000+00:00",
            "no updated_at in the body: the time of the event is its version",
            id="time of the event",
        ),
        pytest.param(
            {"updated_at": None},
            None,
            "2026-11-20T10:14:58+00:00",
            "no updated_at in the body: created_at is its version",
            id="time of creation",
        ),
        pytest.param(
            {"updated_at": None, "created_at": None},
            None,
            "2026-11-21T09:00:00+00:00",
            "no time in the body: its arrival is its version",
            id="arrival",
        ),
    ],
)
def test_a_body_without_updated_at_still_has_a_version(
    change: dict[str, Any], triggered_at: str | None, version: str, note: str
) -> None:
    webhook = read(body(**change), triggered_at=triggered_at)
    assert webhook.order is not None
    assert webhook.order.version.isoformat() == version
    assert note in webhook.notes


@pytest.mark.parametrize(
    ("sent", "tie"),
    [
        ("2023-11-09T16:28:37.556612022Z", "2023-11-09T16:28:37.556612022Z"),
        ("2023-11-09T16:28:37Z", "2023-11-09T16:28:37.000000000Z"),
        ("2023-11-09T17:28:37.5+01:00", "2023-11-09T16:28:37.500000000Z"),
        ("2023-11-09T16:28:37.1234567891Z", "2023-11-09T16:28:37.123456789Z"),
        ("yesterday", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        (None, ""),
    ],
)
def test_triggered_at_becomes_text_that_sorts_like_time(sent: str | None, tie: str) -> None:
    assert read(body(), triggered_at=sent).tie == tie


@settings(deadline=None)
@given(st.tuples(MOMENTS, st.integers(0, 9)), st.tuples(MOMENTS, st.integers(0, 9)))
def test_ties_sort_like_the_times_they_stand_for(one: tuple[datetime, int], two: tuple[datetime, int]) -> None:
    ties = [read(body(), triggered_at=f"{at:%Y-%m-%dT%H:%M:%S.%f}{extra}Z").tie for at, extra in (one, two)]
    assert (ties[0] < ties[1]) is (one < two)


# --- money


@pytest.mark.parametrize(
    ("included", "incl", "excl"),
    [pytest.param(True, "76.56", "69.60", id="prices with tax"), pytest.param(False, "83.52", "76.56", id="without")],
)
def test_line_totals_are_of_the_ordered_quantity_after_discount_allocations(
    included: bool, incl: str, excl: str
) -> None:
    made = order(
        body(
            taxes_included=included,
            discount_codes=[{"code": "TENOFF", "amount": "3.34", "type": "fixed_amount"}],
            line_items=[
                line(
                    total_discount="0.00",
                    current_quantity=1,
                    fulfillable_quantity=1,
                    discount_allocations=[{"amount": "3.00"}, {"amount": "0.34"}],
                    tax_lines=[{"price": "6.00"}, {"price": "0.96"}],
                )
            ],
        )
    )
    only = made.lines[0]
    assert (str(only.total_incl), str(only.total_excl), str(only.tax)) == (incl, excl, "6.96")
    assert str(only.discount) == "3.34"
    assert (only.quantity, only.open_quantity) == (Decimal(2), Decimal(1))


def test_an_old_body_has_its_discount_in_total_discount() -> None:
    old = line(total_discount="5.00")
    del old["discount_allocations"]
    assert order(body(line_items=[old])).lines[0].total_incl == Decimal("74.90")


def test_amounts_keep_their_decimals() -> None:
    made = order(body(currency="PYG", presentment_currency="PYG", total_price="630", line_items=[line(price="315")]))
    assert made.model_dump(mode="json")["total_incl"] == "630"
    assert made.model_dump(mode="json")["lines"][0]["total_incl"] == "630"


def _two_currencies() -> dict[str, Any]:
    return body(
        currency="USD",
        total_price="110.00",
        total_price_set=money("110.00", "USD", "99.00", "EUR"),
        total_tax="10.00",
        total_tax_set=money("10.00", "USD", "9.00", "EUR"),
        taxes_included=False,
        line_items=[
            line(
                price="50.00",
                price_set=money("50.00", "USD", "45.00", "EUR"),
                discount_allocations=[{"amount": "5.00", "amount_set": money("5.00", "USD", "4.50", "EUR")}],
                tax_lines=[{"price": "10.00", "price_set": money("10.00", "USD", "9.00", "EUR")}],
            )
        ],
        shipping_lines=[{"title": "Standard", "price": "5.00", "price_set": money("5.00", "USD", "4.50", "EUR")}],
    )


@pytest.mark.parametrize(
    ("currency", "code", "line_incl", "shipping", "total"),
    [("shop", "USD", "105.00", "5.00", "110.00"), ("presentment", "EUR", "94.50", "4.50", "99.00")],
)
def test_one_currency_is_read_and_never_both(
    currency: str, code: str, line_incl: str, shipping: str, total: str
) -> None:
    webhook = read(_two_currencies(), currency=currency)
    made = webhook.order
    assert made is not None, webhook.reason
    assert made.currency == code
    assert [str(made.lines[0].total_incl), str(made.shipping[0].total_incl), str(made.total_incl)] == [
        line_incl,
        shipping,
        total,
    ]
    assert [(p.method, str(p.amount)) for p in made.payments] == [("shopify_payments", total)]
    assert webhook.notes == ()


def test_an_amount_without_the_buyers_currency_is_held_and_not_mixed() -> None:
    mixed = _two_currencies()
    del mixed["line_items"][0]["price_set"]
    webhook = read(mixed, currency="presentment")
    assert webhook.kind == "unreadable"
    assert webhook.reason == (
        "the body is no order that can be read: line_items[0].price_set: has no presentment_money, "
        "and the shop is set to currency = presentment"
    )


def test_an_amount_in_a_third_currency_is_held() -> None:
    mixed = _two_currencies()
    mixed["total_price_set"] = money("110.00", "USD", "99.00", "GBP")
    assert "total_price_set.presentment_money.currency_code: is not the order's currency" in (
        read(mixed, currency="presentment").reason
    )


def test_an_order_in_one_currency_needs_no_sets() -> None:
    assert order(body(), currency="presentment").lines[0].total_incl == Decimal("79.90")


@pytest.mark.parametrize(
    ("shipping_line", "found"),
    [
        pytest.param(
            {"code": "STD", "title": "Standard", "price": "10.00", "tax_lines": [{"price": "0.91"}]},
            ("STD", "Standard", "10.00", "9.09"),
            id="code and title",
        ),
        pytest.param(
            {"code": None, "title": "Standard", "price": "10.00", "discount_allocations": [{"amount": "4.00"}]},
            ("Standard", "Standard", "6.00", "6.00"),
            id="allocations are taken off, the title stands in for the code",
        ),
        pytest.param({"code": "STD", "price": "10.00", "is_removed": True}, None, id="removed"),
    ],
)
def test_shipping_lines(shipping_line: dict[str, Any], found: tuple[str, ...] | None) -> None:
    made = [
        (one.code, one.name, str(one.total_incl), str(one.total_excl))
        for one in order(body(shipping_lines=[shipping_line])).shipping
    ]
    assert made == ([found] if found else [])


@pytest.mark.parametrize(
    ("change", "charges"),
    [
        pytest.param({"total_tip_received": "0.00"}, [], id="no tip"),
        pytest.param({"total_tip_received": "4.87"}, [("Tip", "4.87")], id="tip as a total"),
        pytest.param(
            {
                "total_tip_received": "4.87",
                "line_items": [
                    line(),
                    line(id=2, sku=None, title="Tip", price="4.87", quantity=1, tip_payment_gateway=None),
                ],
            },
            [("Tip", "4.87")],
            id="tip as a line, not counted twice",
        ),
        pytest.param(
            {"original_total_duties_set": money("20.00", "EUR", "20.00", "EUR")}, [("Duties", "20.00")], id="duties"
        ),
        pytest.param(
            {"original_total_duties_set": money("20.00", "EUR", "20.00", "EUR"), "duties_included": True},
            [],
            id="duties in the prices",
        ),
        pytest.param(
            {"original_total_additional_fees_set": money("0.28", "EUR", "0.28", "EUR")}, [("Fees", "0.28")], id="fees"
        ),
    ],
)
def test_tips_duties_and_fees_are_charges_and_no_lines(change: dict[str, Any], charges: list[tuple[str, str]]) -> None:
    webhook = read(body(**change))
    assert webhook.order is not None, webhook.reason
    assert [one.id for one in webhook.order.lines] == ["466157049"]
    assert [(one.name, str(one.total_incl)) for one in webhook.order.shipping] == charges
    assert any(note.startswith("fees, tips or duties") for note in webhook.notes) is bool(charges)


def test_a_total_that_does_not_add_up_is_noted_and_never_refused() -> None:
    webhook = read(body(total_price="100.00"))
    assert webhook.kind == "order"
    assert webhook.notes == (
        "lines and charges add up to 79.90 EUR, the shop states a total of 100.00: both are kept, the lines count",
    )


def test_a_cent_a_line_is_no_difference() -> None:
    assert read(body(total_price="79.91")).notes == ()
    assert read(body(total_price="79.92")).notes != ()


@st.composite
def shopify_orders(draw: st.DrawFn) -> tuple[dict[str, Any], list[int], int]:
    """A body, and by the shop's own arithmetic in cents: gross of each line, and the order's total."""
    included = draw(st.booleans())
    rate = draw(st.sampled_from([0, 6, 7, 10, 19, 25]))
    lines, gross = [], []
    for number in range(draw(st.integers(1, 6))):
        price, quantity = draw(st.integers(0, 500_000)), draw(st.integers(1, 40))
        discount = draw(st.integers(0, price * quantity))
        base = price * quantity - discount
        tax = base * rate // (100 + rate) if included else base * rate // 100
        gross.append(base if included else base + tax)
        split = draw(st.integers(0, discount))
        lines.append(
            line(
                id=number + 1,
                price=cents(price),
                quantity=quantity,
                current_quantity=quantity,
                fulfillable_quantity=quantity,
                discount_allocations=[{"amount": cents(split)}, {"amount": cents(discount - split)}],
                tax_lines=[{"price": cents(tax)}],
            )
        )
    shipping = draw(st.integers(0, 5000))
    total = sum(gross) + shipping
    made = body(
        taxes_included=included,
        line_items=lines,
        shipping_lines=[{"code": "std", "title": "Std", "price": cents(shipping), "tax_lines": []}],
        total_price=cents(total),
    )
    return made, gross, total


def cents(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


@settings(deadline=None)
@given(shopify_orders())
def test_line_totals_reproduce_the_shops_cents(case: tuple[dict[str, Any], list[int], int]) -> None:
    value, gross, total = case
    webhook = read(value)
    assert webhook.order is not None, webhook.reason
    assert [str(one.total_incl) for one in webhook.order.lines] == [cents(amount) for amount in gross]
    assert all(one.total_excl + one.tax == one.total_incl for one in webhook.order.lines)
    assert webhook.order.goods_incl * 100 == total
    assert webhook.notes == ()


# --- quantities


def _refund(units: int, restock_type: str, line_id: int = 466157049) -> dict[str, Any]:
    return {"refund_line_items": [{"line_item_id": line_id, "quantity": units, "restock_type": restock_type}]}


@pytest.mark.parametrize(
    ("change", "refunds", "open_", "fulfilled"),
    [
        pytest.param({}, [], 2, 0, id="nothing happened"),
        pytest.param({"fulfillable_quantity": 1}, [], 1, 1, id="one was shipped"),
        pytest.param({"fulfillable_quantity": 0}, [], 0, 2, id="all was shipped"),
        pytest.param(
            {"current_quantity": 1, "fulfillable_quantity": 1}, [_refund(1, "cancel")], 1, 0, id="one cancelled"
        ),
        pytest.param({"current_quantity": 0, "fulfillable_quantity": 0}, [], 0, 0, id="removed by an edit"),
        pytest.param({"current_quantity": 1}, [_refund(1, "no_restock")], 1, 0, id="one refunded before shipping"),
        pytest.param(
            {"current_quantity": 1, "fulfillable_quantity": 0},
            [_refund(1, "return")],
            0,
            2,
            id="one shipped and returned",
        ),
        pytest.param(
            {"current_quantity": 1}, [_refund(1, "return")], 1, 0, id="called a return, but nothing was shipped"
        ),
        pytest.param(
            {"current_quantity": None, "fulfillable_quantity": 1},
            [_refund(1, "cancel")],
            1,
            0,
            id="old body: less refunded units",
        ),
        pytest.param(
            {"current_quantity": None, "fulfillable_quantity": None},
            [_refund(2, "cancel")],
            0,
            0,
            id="2008: only refunds",
        ),
        pytest.param({}, [_refund(1, "cancel", line_id=99)], 2, 0, id="a refund of another line"),
        pytest.param(
            {}, [{"refund_line_items": [], "order_adjustments": [{"amount": "-5.00"}]}], 2, 0, id="only money"
        ),
        pytest.param({"requires_shipping": False, "fulfillable_quantity": 0}, [], 2, 0, id="a service stays open"),
        pytest.param({"gift_card": True, "fulfillable_quantity": 0}, [], 2, 0, id="a gift card stays open"),
        pytest.param(
            {"gift_card": True, "current_quantity": 1, "fulfillable_quantity": 0}, [], 1, 0, id="a refunded gift card"
        ),
    ],
)
def test_open_and_fulfilled_quantity(change: dict[str, Any], refunds: list[Any], open_: int, fulfilled: int) -> None:
    only = order(body(line_items=[line(**change)], refunds=refunds)).lines[0]
    found = (only.quantity, only.open_quantity, only.fulfilled_quantity)
    assert found == (Decimal(2), Decimal(open_), Decimal(fulfilled))


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"line_items": [line(fulfillable_quantity=0)]}, id="shipped"),
        pytest.param(
            {"line_items": [line(fulfillable_quantity=0, current_quantity=1)], "refunds": [_refund(1, "return")]},
            id="shipped, and one came back",
        ),
        pytest.param({"financial_status": "partially_refunded"}, id="money back"),
        pytest.param({"updated_at": "2026-11-25T10:00:00Z", "tags": "shipped"}, id="touched"),
        pytest.param({"created_at": "2026-11-20T10:14:58Z"}, id="the same moment in another offset"),
    ],
)
def test_what_happens_after_shipping_is_no_change_of_the_order(later: dict[str, Any]) -> None:
    assert order(body(**later)).content() == order(body()).content()


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"line_items": [line(current_quantity=1, fulfillable_quantity=1)]}, id="a unit removed"),
        pytest.param({"note": "call first"}, id="a note"),
        pytest.param({"cancelled_at": "2026-11-21T00:00:00Z"}, id="cancelled"),
        pytest.param({"shipping_address": {"city": "Alabaster"}}, id="an address"),
    ],
)
def test_a_change_of_the_order_shows_in_its_content(later: dict[str, Any]) -> None:
    assert order(body(**later)).content() != order(body()).content()


@pytest.mark.parametrize(
    ("change", "shippable"),
    [
        ({}, True),
        ({"requires_shipping": None}, True),
        ({"requires_shipping": False}, False),
        ({"gift_card": True}, False),
        ({"gift_card": None}, True),
    ],
)
def test_gift_cards_and_services_are_not_shippable(change: dict[str, Any], shippable: bool) -> None:
    assert order(body(line_items=[line(**change)])).lines[0].shippable is shippable


@pytest.mark.parametrize(
    ("sku", "found"),
    [(None, None), ("", None), ("  ", None), (" MUG ", "MUG"), (4711, "4711"), (False, None), ("M\x00UG", "MUG")],
)
def test_a_sku_is_trimmed_text_or_nothing(sku: object, found: str | None) -> None:
    assert order(body(line_items=[line(sku=sku)])).lines[0].sku == found


def test_two_lines_may_share_a_sku() -> None:
    made = order(body(line_items=[line(id=1), line(id=2)]))
    assert [(one.id, one.sku) for one in made.lines] == [("1", "MUG-BLUE"), ("2", "MUG-BLUE")]


@pytest.mark.parametrize(
    ("properties", "options"),
    [
        pytest.param([{"name": "Engraving", "value": "A.L."}], {"Engraving": "A.L."}, id="a list"),
        pytest.param({"Engraving": "A.L.", "Lines": 2}, {"Engraving": "A.L.", "Lines": "2"}, id="an object"),
        pytest.param([{"name": "_internal", "value": "x"}], {}, id="hidden"),
        pytest.param([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], {"A": "1, 2"}, id="a name twice"),
        pytest.param(
            [{"name": "A", "value": {"deep": []}}, {"name": "B", "value": ""}, "odd"], {}, id="nothing to read"
        ),
        pytest.param(None, {}, id="null"),
    ],
)
def test_personalisation_is_kept_as_options(properties: object, options: dict[str, str]) -> None:
    assert order(body(line_items=[line(properties=properties)])).lines[0].options == options


# --- state and payments


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("pending", "pending"),
        ("authorized", "authorized"),
        ("partially_paid", "pending"),
        ("paid", "paid"),
        ("partially_refunded", "partially_refunded"),
        ("refunded", "refunded"),
        ("voided", "voided"),
        ("something new", "pending"),
        (None, "pending"),
    ],
)
def test_financial_status_becomes_the_payment_state(said: str | None, state: str) -> None:
    assert order(body(financial_status=said)).payment_state == state


@pytest.mark.parametrize(
    ("change", "method", "amount"),
    [
        pytest.param({}, "shopify_payments", "79.90", id="paid"),
        pytest.param({"payment_gateway_names": []}, "*", "79.90", id="no gateway"),
        pytest.param({"payment_gateway_names": [""]}, "*", "79.90", id="blank gateway"),
        pytest.param({"payment_gateway_names": None, "gateway": "old"}, "old", "79.90", id="2008: gateway"),
        pytest.param({"payment_gateway_names": ["gift_card", "visa"]}, "gift_card", "79.90", id="two gateways"),
        pytest.param(
            {"financial_status": "pending", "total_outstanding": "79.90"}, "shopify_payments", "0.00", id="unpaid"
        ),
        pytest.param(
            {"financial_status": "partially_paid", "total_outstanding": "9.90"}, "shopify_payments", "70.00", id="part"
        ),
        pytest.param(
            {"financial_status": "paid", "total_outstanding": "79.90"}, "shopify_payments", "79.90", id="imported"
        ),
        pytest.param({"financial_status": "voided"}, "shopify_payments", "0", id="voided"),
        pytest.param(
            {"financial_status": "pending", "total_outstanding": None}, "shopify_payments", "0", id="old, unpaid"
        ),
        pytest.param(
            {"financial_status": "paid", "total_outstanding": None}, "shopify_payments", "79.90", id="old, paid"
        ),
    ],
)
def test_one_payment_of_what_was_paid(change: dict[str, Any], method: str, amount: str) -> None:
    assert [(p.method, str(p.amount)) for p in order(body(**change)).payments] == [(method, amount)]


def test_several_gateways_are_noted_without_their_amounts() -> None:
    assert "paid by 2 methods, amounts not told: all of it booked as the first" in (
        read(body(payment_gateway_names=["gift_card", "visa"])).notes
    )


def test_what_is_outstanding_in_the_shops_currency_is_not_subtracted_from_the_buyers() -> None:
    value = _two_currencies() | {"financial_status": "partially_paid", "total_outstanding": "50.00"}
    assert order(value, currency="presentment").payments[0].amount == 0
    assert order(value).payments[0].amount == Decimal("60.00")


def test_cancelled_at_cancels_whatever_the_payment_state() -> None:
    made = order(body(cancelled_at="2026-11-21T10:00:00+01:00", cancel_reason="customer", closed_at=None))
    assert (made.cancelled, made.cancel_reason, made.payment_state) == (True, "customer", "paid")
    assert made.cancelled_at == datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_archived_is_not_cancelled_and_a_stale_reason_says_nothing() -> None:
    made = order(body(closed_at="2026-11-21T10:00:00+01:00", cancel_reason="customer"))
    assert (made.cancelled, made.cancelled_at, made.cancel_reason) == (False, None, None)


@pytest.mark.parametrize(
    ("in_body", "in_header", "test"),
    [(True, "false", True), (False, "true", True), (True, None, True), (False, "false", False), (None, None, False)],
)
def test_a_test_order_says_so_in_body_or_header(in_body: bool | None, in_header: str | None, test: bool) -> None:
    assert order(body(test=in_body), test=in_header).test is test


# --- people


def test_an_address_is_read_field_by_field() -> None:
    made = order(
        body(
            shipping_address={
                "first_name": "Ada",
                "last_name": "Lovelace",
                "name": "Ada Lovelace",
                "company": "",
                "address1": "1 Analytical St",
                "address2": None,
                "city": "Alabaster",
                "province": "Victoria",
                "province_code": "VIC",
                "zip": "3188",
                "country": "Australia",
                "country_code": "au",
                "phone": " ",
                "latitude": -37.9,
            }
        )
    )
    assert made.ship_to is not None
    assert made.ship_to.model_dump(exclude_none=True) == {
        "name": "Ada Lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "address1": "1 Analytical St",
        "city": "Alabaster",
        "state": "VIC",
        "postcode": "3188",
        "country": "AU",
    }
    assert made.bill_to is None


@pytest.mark.parametrize(
    "address", [None, {}, [], {"first_name": "", "city": None}], ids=["null", "empty", "PHP's empty", "blank"]
)
def test_a_blank_address_is_none(address: object) -> None:
    assert order(body(shipping_address=address)).ship_to is None


@pytest.mark.parametrize(
    ("change", "email", "phone"),
    [
        ({}, None, None),
        ({"email": "", "contact_email": "c@example.com"}, "c@example.com", None),
        ({"email": "a@example.com", "contact_email": "c@example.com"}, "a@example.com", None),
        ({"customer": {"email": "k@example.com", "phone": "4"}}, "k@example.com", "4"),
        ({"billing_address": {"phone": "3"}, "customer": {"phone": "4"}}, None, "3"),
        ({"shipping_address": {"phone": "2"}, "billing_address": {"phone": "3"}}, None, "2"),
        ({"phone": "1", "shipping_address": {"phone": "2"}}, None, "1"),
    ],
)
def test_the_first_mail_address_and_the_first_phone_count(
    change: dict[str, Any], email: str | None, phone: str | None
) -> None:
    made = order(body(**change))
    assert (made.email, made.phone) == (email, phone)


def test_notes_and_note_attributes_are_one_note() -> None:
    made = order(
        body(
            note="Leave at the door",
            note_attributes=[{"name": "gift", "value": "Happy birthday"}, {"name": "_ga", "value": "1"}],
        )
    )
    assert made.note == "Leave at the door\ngift: Happy birthday"
    assert order(body(note="x" * 5000)).note == "x" * 5000


def test_tags_are_split() -> None:
    assert order(body(tags="imported, vip,,L\u00e9on ")).tags == ("imported", "vip", "L\u00e9on")


# --- hostile bodies


def _nested(levels: int) -> bytes:
    return b'{"line_items":' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("value", "shop_order_id", "why"),
    [
        pytest.param(b"", None, "it is empty", id="nothing"),
        pytest.param(b"\xff\xfe{", None, "it is not UTF-8 (byte 1)", id="another charset"),
        pytest.param(b"[1]", None, "the body must be a JSON object", id="a list"),
        pytest.param(_nested(100_000), None, "it is nested too deeply", id="deep nesting"),
        pytest.param(b'{"id":1,"id":2}', None, "the key id occurs twice in one object", id="a key twice"),
        pytest.param({"id": 5, "order_id": 7, "refund_line_items": []}, "7", "line_items: is missing", id="a refund"),
        pytest.param({"order": {"id": 5, "line_items": []}}, None, "line_items: is missing", id="a REST answer"),
        pytest.param(body(currency=None), "820982911946154508", "currency: is missing", id="no currency"),
        pytest.param(
            body(currency="EURO"), "820982911946154508", "currency: must be an ISO 4217 code", id="odd currency"
        ),
        pytest.param(body(id=True), None, "id: is no id", id="id true"),
        pytest.param(body(id=1.5), None, "id: is no id", id="id with a fraction"),
        pytest.param(body(line_items={"a": 1}), "820982911946154508", "line_items: must be a list", id="lines no list"),
        pytest.param(
            body(line_items=[None]), "820982911946154508", "line_items[0]: must be an object", id="a null line"
        ),
        pytest.param(
            body(line_items=[line(price=None)]), "820982911946154508", "line_items[0].price: is missing", id="no price"
        ),
        pytest.param(
            body(line_items=[line(), line(price="abc")]),
            "820982911946154508",
            "line_items[1].price: Input should be a valid decimal",
            id="price is no number",
        ),
        pytest.param(
            body(line_items=[line(price="1e400")]),
            "820982911946154508",
            "line_items[0].price: must be between 1e-18 and 1e18",
            id="a price beyond reason",
        ),
        pytest.param(
            body(line_items=[line(price="0e-99999999")]),
            "820982911946154508",
            "line_items[0].price: must be between 1e-18 and 1e18",
            id="a zero of 100 MB",
        ),
        pytest.param(
            body(line_items=[line(quantity=-1)]),
            "820982911946154508",
            "lines[0].quantity: must be greater than 0",
            id="minus",
        ),
        pytest.param(
            body(line_items=[line(), line()]),
            "820982911946154508",
            "lines 1 and 2 have one id; each line needs its own",
            id="a line id twice",
        ),
        pytest.param(
            body(line_items=[line(current_quantity=3, fulfillable_quantity=3)]),
            "820982911946154508",
            "lines[0]: open_quantity must not be above quantity",
            id="more open than ordered",
        ),
        pytest.param(
            body(updated_at="soon"), "820982911946154508", "updated_at: must be a date and time", id="no time"
        ),
        pytest.param(
            body(updated_at="2026-11-20T10:15:00"),
            "820982911946154508",
            "updated_at: must have an offset from UTC",
            id="naive",
        ),
        pytest.param(
            body(shipping_address={"country_code": "AUS"}),
            "820982911946154508",
            "ship_to.country: must be an ISO 3166-1 code, two letters",
            id="country of three letters",
        ),
        pytest.param(
            body(shipping_address="here"), "820982911946154508", "shipping_address: must be an object", id="text"
        ),
    ],
)
def test_a_body_that_is_no_order_is_held_and_says_where(value: Any, shop_order_id: str | None, why: str) -> None:
    webhook = read(value)
    assert webhook.kind == "unreadable"
    assert webhook.shop_order_id == shop_order_id
    assert webhook.reason.startswith("the body is no order that can be read: ")
    assert why in webhook.reason


def test_the_order_id_header_finds_the_order_where_the_body_cannot() -> None:
    assert read(b"{", order_id="5236620492969").shop_order_id == "5236620492969"
    assert read(body(currency=None), order_id="1").shop_order_id == "820982911946154508"


def test_a_line_with_quantity_0_is_left_out_and_noted() -> None:
    webhook = read(body(line_items=[line(), line(id=2, quantity=0)]))
    assert webhook.order is not None
    assert [one.id for one in webhook.order.lines] == ["466157049"]
    assert "lines with quantity 0 left out: 1" in webhook.notes


def test_control_characters_are_taken_out_of_texts() -> None:
    made = order(body(note="a\x00b\x0bc\nd\te", name="#10\x0001"))
    assert (made.note, made.number) == ("abc\nd\te", "#1001")


def _personal() -> dict[str, Any]:
    address = {
        "name": MARK,
        "address1": MARK,
        "city": MARK,
        "country_code": "AU",
        "phone": MARK,
    }
    return body(
        email=MARK,
        phone=MARK,
        note=MARK,
        tags=MARK,
        note_attributes=[{"name": MARK, "value": MARK}],
        shipping_address=address,
        billing_address=address,
        customer={"email": MARK},
        line_items=[line(properties=[{"name": MARK, "value": MARK}], name=MARK)],
        shipping_lines=[{"title": MARK, "price": "0.00"}],
    )


@settings(deadline=None)
@given(st.binary() | st.binary().map(lambda tail: json.dumps(body()).encode()[:200] + tail))
def test_no_bytes_make_it_raise(value: bytes) -> None:
    for currency in ("shop", "presentment"):
        assert read(value, currency=currency).kind == "unreadable"


@settings(deadline=None)
@given(mutated(_personal()), st.sampled_from(["shop", "presentment"]))
def test_no_mutated_body_makes_it_raise_or_tell_personal_data(value: bytes, currency: str) -> None:
    survives(read(value, currency=currency))
    survives(read(value, topic="orders/delete"))
