"""WooCommerce bodies -> canonical order, the ping, and the Delivery-ID trap. The bodies here are made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
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
SHOP = Shop.model_validate({"name": "acme-se", "platform": "woocommerce", "secrets": ["s"]})
HEADERS = {
    "x-wc-webhook-source": "https://acme.example.com/",
    "x-wc-webhook-topic": "order.updated",
    "x-wc-webhook-id": "5",
    "x-wc-webhook-delivery-id": "88d9b1f942d41c2fddc84a89b8c87d60",
}
BLANK = dict.fromkeys(
    ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"), ""
)
ADDRESS = BLANK | {
    "first_name": "Tess",
    "last_name": "Testsson",
    "address_1": "Gatan 1",
    "city": "Laholm",
    "country": "SE",
}


def line(**changes: Any) -> dict[str, Any]:
    return {
        "id": 315,
        "name": "Mug &ndash; blue",
        "product_id": 93,
        "variation_id": 0,
        "quantity": 2,
        "subtotal": "100.00",
        "subtotal_tax": "25.00",
        "total": "80.00",
        "total_tax": "20.00",
        "sku": "MUG",
        "price": 40.0,
        "meta_data": [],
        **changes,
    }


def body(**changes: Any) -> dict[str, Any]:
    return {
        "id": 727,
        "number": "727",
        "status": "processing",
        "currency": "SEK",
        "prices_include_tax": True,
        "date_created": "2026-11-20T13:28:27",
        "date_created_gmt": "2026-11-20T11:28:27",
        "date_modified_gmt": "2026-11-20T11:28:48",
        "date_paid_gmt": "2026-11-20T11:28:48",
        "total": "100.00",
        "total_tax": "20.00",
        "payment_method": "bacs",
        "customer_note": "",
        "billing": ADDRESS | {"email": "tess@example.com", "phone": "1"},
        "shipping": ADDRESS | {"phone": ""},
        "line_items": [line()],
        "shipping_lines": [],
        "fee_lines": [],
        "refunds": [],
        **changes,
    }


def read(value: Any, **headers: str | None) -> Webhook:
    named = {f"x-wc-webhook-{name.replace('_', '-')}": text for name, text in headers.items()}
    kept = {name: text for name, text in (HEADERS | named).items() if text is not None}
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return PLATFORMS["woocommerce"].read(headers=kept, body=raw, shop=SHOP, received_at=ARRIVED)


def order(value: Any, **headers: str | None) -> Order:
    webhook = read(value, **headers)
    assert webhook.order is not None, webhook.reason
    assert webhook.kind == "order"
    return webhook.order


# --- ping, topics, keys


@pytest.mark.parametrize(
    ("content_type", "value", "ping"),
    [
        ("application/x-www-form-urlencoded", b"webhook_id=123", True),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"webhook_id=123\n", True),
        ("application/json", b"webhook_id=123", False),
        ("application/x-www-form-urlencoded", b"webhook_id=", False),
        ("application/x-www-form-urlencoded", b"webhook_id=12a", False),
        ("application/x-www-form-urlencoded", b"webhook_id=123&order=1", False),
        ("application/x-www-form-urlencoded", b'{"id":1}', False),
        ("", b"webhook_id=123", False),
    ],
)
def test_only_the_unsigned_form_post_is_a_ping(content_type: str, value: bytes, ping: bool) -> None:
    assert PLATFORMS["woocommerce"].is_ping({"content-type": content_type}, value) is ping
    assert PLATFORMS["shopify"].is_ping({"content-type": content_type}, value) is False
    assert PLATFORMS["standard"].is_ping({"content-type": content_type}, value) is False


@pytest.mark.parametrize(
    ("topic", "rank"), [("order.created", CREATED), ("order.updated", UPDATED), ("order.restored", UPDATED)]
)
def test_these_topics_carry_the_order(topic: str, rank: int) -> None:
    webhook = read(body(), topic=topic)
    assert (webhook.kind, webhook.topic, webhook.rank, webhook.shop_order_id) == ("order", topic, rank, "727")


def test_a_deletion_is_the_id_and_nothing_else() -> None:
    webhook = read(b'{"id":727}', topic="order.deleted")
    assert (webhook.kind, webhook.shop_order_id, webhook.rank, webhook.order) == ("removed", "727", REMOVED, None)


@pytest.mark.parametrize("topic", ["product.updated", "customer.created", "action.woocommerce_thing", "order.unheard"])
def test_other_topics_are_ignored_and_say_why(topic: str) -> None:
    webhook = read({"id": 1}, topic=topic)
    assert webhook.kind == "ignored"
    assert webhook.reason == "no order topic; the shop needs webhooks for order created, updated, deleted and restored"


def test_a_webhook_without_topic_is_held() -> None:
    webhook = read(body(), topic=None)
    assert (webhook.kind, webhook.reason) == ("unreadable", "the X-WC-Webhook-Topic header is missing")


def test_two_orders_with_one_delivery_id_are_two_deliveries() -> None:
    assert set(read(body(id=1)).keys).isdisjoint(read(body(id=2)).keys)


def test_a_resend_under_another_delivery_id_is_the_same_delivery() -> None:
    assert read(body()).keys == read(body(), delivery_id="another").keys


@pytest.mark.parametrize("header", ["source", "id", "topic"])
def test_another_site_webhook_or_topic_is_another_delivery(header: str) -> None:
    changed = {"topic": "order.created"} if header == "topic" else {header: "another"}
    assert set(read(body()).keys).isdisjoint(read(body(), **changed).keys)


def test_a_second_deletion_of_a_restored_order_is_no_duplicate_of_the_first() -> None:
    one, two = (read(b'{"id":727}', topic="order.deleted", delivery_id=name) for name in ("first", "second"))
    assert set(one.keys).isdisjoint(two.keys)
    assert one.keys == read(b'{"id":727}', topic="order.deleted", delivery_id="first").keys


# --- version and status


def test_times_without_offset_are_utc() -> None:
    made = order(body())
    assert made.version == datetime(2026, 11, 20, 11, 28, 48, tzinfo=UTC)
    assert made.placed_at == datetime(2026, 11, 20, 11, 28, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "version", "note"),
    [
        (
            {"date_modified_gmt": None},
            "2026-11-20T11:28:27+00:00",
            "no date_modified_gmt in the body: date_created_gmt is its version",
        ),
        (
            {"date_modified_gmt": None, "date_created_gmt": None},
            "2026-11-21T09:00:00+00:00",
            "no UTC time in the body: its arrival is its version",
        ),
    ],
)
def test_a_body_without_time_of_change_still_has_a_version(change: dict[str, Any], version: str, note: str) -> None:
    webhook = read(body(**change))
    assert webhook.order is not None
    assert webhook.order.version.isoformat() == version
    assert note in webhook.notes


@pytest.mark.parametrize(
    ("status", "paid_at", "method", "state", "cancelled"),
    [
        pytest.param("pending", None, "bacs", "pending", False, id="pending"),
        pytest.param("on-hold", None, "bacs", "pending", False, id="on-hold"),
        pytest.param(
            "on-hold", "2026-11-20T11:28:48", "stripe", "pending", False, id="paid, and put on hold by a person"
        ),
        pytest.param("processing", "2026-11-20T11:28:48", "stripe", "paid", False, id="processing"),
        pytest.param("completed", "2026-11-20T11:28:48", "stripe", "paid", False, id="completed"),
        pytest.param("processing", None, "cod", "paid", False, id="cash on delivery"),
        pytest.param("processing", None, "invoice", "authorized", False, id="released without money"),
        pytest.param("wc-processing", "2026-11-20T11:28:48", "stripe", "paid", False, id="with WordPress's prefix"),
        pytest.param("packed", "2026-11-20T11:28:48", "stripe", "paid", False, id="own status, paid"),
        pytest.param("quote", None, "cod", "pending", False, id="own status, not paid"),
        pytest.param("refunded", "2026-11-20T11:28:48", "stripe", "refunded", False, id="refunded"),
        pytest.param("cancelled", None, "bacs", "pending", True, id="cancelled"),
        pytest.param("cancelled", "2026-11-20T11:28:48", "stripe", "paid", True, id="cancelled after payment"),
        pytest.param("failed", None, "stripe", "pending", True, id="failed"),
        pytest.param("trash", None, "stripe", "pending", True, id="trash"),
    ],
)
def test_status_and_date_of_payment_give_the_state(
    status: str, paid_at: str | None, method: str, state: str, cancelled: bool
) -> None:
    made = order(body(status=status, date_paid_gmt=paid_at, payment_method=method))
    assert (made.payment_state, made.cancelled) == (state, cancelled)
    assert made.cancelled_at == (made.version if cancelled else None)
    assert made.cancel_reason == (status if cancelled else None)


@pytest.mark.parametrize("status", ["auto-draft", "checkout-draft", "draft"])
def test_a_draft_is_never_an_order_and_is_found_by_its_id(status: str) -> None:
    webhook = read(body(status=status))
    assert (webhook.kind, webhook.shop_order_id) == ("unreadable", "727")
    assert webhook.reason == "the order is a draft in the shop and not placed yet; it goes on when the shop places it"


@pytest.mark.parametrize(
    ("change", "payments"),
    [
        pytest.param({}, [("bacs", "100.00")], id="paid"),
        pytest.param({"status": "on-hold"}, [("bacs", "0")], id="on hold"),
        pytest.param({"date_paid_gmt": None, "payment_method": "cod"}, [("cod", "0")], id="cash on delivery"),
        pytest.param({"payment_method": ""}, [("*", "100.00")], id="no method"),
        pytest.param(
            {"total": "4.00", "gift_cards": [{"id": 2, "amount": 20}, {"id": 4, "amount": 76}]},
            [("bacs", "4.00"), ("gift_card", "96")],
            id="gift cards lowered the total",
        ),
    ],
)
def test_payments(change: dict[str, Any], payments: list[tuple[str, str]]) -> None:
    assert [(p.method, str(p.amount)) for p in order(body(**change)).payments] == payments


def test_gift_cards_explain_the_difference_of_the_total() -> None:
    webhook = read(body(total="4.00", gift_cards=[{"id": 2, "amount": 96}]))
    assert webhook.notes == ("gift cards paid 96 of it; the shop's total is what remained",)
    assert any("add up to" in note for note in read(body(total="4.00")).notes)


# --- lines


def test_lines_are_net_and_the_rounded_price_is_not_used() -> None:
    only = order(body(line_items=[line(price=17.647059)])).lines[0]
    assert [str(x) for x in (only.total_excl, only.tax, only.total_incl, only.discount)] == [
        "80.00",
        "20.00",
        "100.00",
        "20.00",
    ]


def test_a_quantity_may_be_fractional() -> None:
    only = order(body(line_items=[line(quantity=1.5)])).lines[0]
    assert (str(only.quantity), str(only.open_quantity)) == ("1.5", "1.5")


@pytest.mark.parametrize(
    ("sku", "found"), [(None, None), ("", None), (" A ", "A"), (4711, "4711"), (12.50, "12.5"), (False, None)]
)
def test_a_sku_is_trimmed_text_or_nothing(sku: object, found: str | None) -> None:
    assert order(body(line_items=[line(sku=sku)])).lines[0].sku == found


def test_html_entities_become_letters() -> None:
    made = order(
        body(
            line_items=[
                line(
                    name="Mug &ndash; <b>blue</b> &amp; white, 1 < 2",
                    meta_data=[
                        {
                            "key": "pa_storlek",
                            "value": "31",
                            "display_key": "Storlek",
                            "display_value": "<p>31 &times; 2</p>",
                        },
                        {"key": "size", "value": 4},
                        {"key": "_reduced_stock", "value": "1", "display_key": "stock", "display_value": "1"},
                        {"key": "data", "value": {"deep": [1]}},
                        {"key": None, "value": "x"},
                    ],
                )
            ],
            shipping_lines=[
                {"method_title": "Post &amp; Co", "method_id": "flat_rate", "instance_id": "3", "total": "0.00"}
            ],
        )
    )
    assert made.lines[0].name == "Mug \u2013 blue & white, 1 < 2"
    assert made.lines[0].options == {"Storlek": "31 \u00d7 2", "size": "4"}
    assert (made.shipping[0].code, made.shipping[0].name) == ("flat_rate:3", "Post & Co")


def test_a_repeated_line_id_is_kept_by_its_position() -> None:
    webhook = read(body(line_items=[line(id=5), line(id=6), line(id=5)]))
    assert webhook.order is not None
    assert [one.id for one in webhook.order.lines] == ["5", "6", "5-3"]
    assert "line 3 repeats the id of another: both are kept" in webhook.notes


def _kit(**parent: Any) -> dict[str, Any]:
    return line(id=830, total="2300.00", total_tax="0.00", sku="KIT", **parent)


def _part(line_id: int, **marks: Any) -> dict[str, Any]:
    return line(id=line_id, total="0.00", total_tax="0.00", **marks)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [
                _kit(composite_parent="", composite_children=[831]),
                _part(831, composite_parent=830, composite_children=[]),
            ],
            id="composite",
        ),
        pytest.param(
            [_kit(bundled_items=[831], bundled_by=""), _part(831, bundled_by=830, bundled_items=[])], id="bundle"
        ),
        pytest.param([_kit(), _part(831, bundled_by="830")], id="only the part says so"),
        pytest.param([_kit(bundled_items=[831]), _part(831)], id="only the bundle says so"),
        pytest.param(
            [
                _kit(meta_data=[{"key": "_bundled_items", "value": ["a1"]}]),
                _part(831, meta_data=[{"key": "_bundled_by", "value": "k1"}]),
            ],
            id="in meta data",
        ),
    ],
)
def test_of_a_bundle_only_the_parts_are_shipped(lines: list[dict[str, Any]]) -> None:
    webhook = read(body(line_items=lines))
    assert webhook.order is not None
    assert [(one.id, one.shippable) for one in webhook.order.lines] == [("830", False), ("831", True)]
    assert "line 1 is a bundle: its parts are shipped, it carries the price" in webhook.notes


@pytest.mark.parametrize(
    "only",
    [
        line(bundled_by="", bundled_items=[], composite_parent="", composite_children=[]),
        line(bundled_items=[999]),
        line(meta_data=[{"key": "_bundled_items", "value": ["a1"]}]),
    ],
    ids=["no bundle", "a part that is not there", "meta data without parts"],
)
def test_a_line_without_parts_in_the_order_is_shipped_itself(only: dict[str, Any]) -> None:
    assert order(body(line_items=[only])).lines[0].shippable


def test_an_order_of_downloads_ships_nothing() -> None:
    made = order(body(needs_processing=False, shipping=BLANK))
    assert not made.lines[0].shippable
    assert made.ship_to is None


def test_refunded_units_are_not_open_where_the_body_names_them() -> None:
    refund = {
        "id": 9,
        "total": "-50.00",
        "line_items": [{"id": 1, "quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": "315"}]}],
    }
    only = order(body(refunds=[refund])).lines[0]
    assert (str(only.quantity), str(only.open_quantity)) == ("2", "1")


def test_a_refund_without_lines_changes_no_quantity() -> None:
    webhook = read(body(refunds=[{"id": 9, "reason": "", "total": "-10.00"}]))
    assert webhook.order is not None
    assert webhook.order.lines[0].open_quantity == Decimal(2)
    assert "the shop refunded an amount, the body names no lines: quantities stay" in webhook.notes


# --- charges and totals


@pytest.mark.parametrize(
    ("fees", "charges"),
    [
        ([], []),
        ([{"id": 60, "name": "Pay &amp; go", "total": "10.00", "total_tax": "2.50"}], [("Pay & go", "12.50", "10.00")]),
        ([{"id": 60, "name": "Rabatt", "total": "-10.00", "total_tax": "-2.50"}], [("Rabatt", "-12.50", "-10.00")]),
        ([{"id": 60, "name": "Nothing", "total": "0.00", "total_tax": "0.00"}], []),
    ],
    ids=["none", "a fee", "a negative fee", "a fee of nothing"],
)
def test_fees_are_charges_beside_shipping_and_no_lines(fees: list[Any], charges: list[tuple[str, str, str]]) -> None:
    freight = {"method_id": "post", "method_title": "Post", "total": "5.00", "total_tax": "0.00"}
    made = order(body(fee_lines=fees, shipping_lines=[freight]))
    assert [one.id for one in made.lines] == ["315"]
    assert made.shipping[0].code == "post"
    assert [(c.name, str(c.total_incl), str(c.total_excl)) for c in made.shipping[1:]] == charges
    assert all(c.code is None for c in made.shipping[1:])


@st.composite
def woo_orders(draw: st.DrawFn) -> tuple[dict[str, Any], list[int], int]:
    """A body, and by the shop's own arithmetic in cents: gross of each line, and the order's total."""
    rate = draw(st.sampled_from([0, 6, 12, 25]))
    lines, gross = [], []
    for number in range(draw(st.integers(1, 6))):
        subtotal = draw(st.integers(0, 900_000))
        total = draw(st.integers(0, subtotal))
        tax = (total * rate + 50) // 100
        gross.append(total + tax)
        quantity = draw(st.integers(1, 30) | st.sampled_from([1.5, 0.25]))
        lines.append(
            line(id=number + 1, quantity=quantity, subtotal=cents(subtotal), total=cents(total), total_tax=cents(tax))
        )
    freight, fee = draw(st.integers(0, 9000)), draw(st.integers(-500, 500))
    total = sum(gross) + freight + fee
    made = body(
        line_items=lines,
        shipping_lines=[{"method_id": "post", "method_title": "Post", "total": cents(freight), "total_tax": "0.00"}],
        fee_lines=[{"id": 1, "name": "Fee", "total": cents(fee), "total_tax": "0.00"}],
        total=cents(total),
    )
    return made, gross, total


def cents(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"


@settings(deadline=None)
@given(woo_orders())
def test_line_totals_reproduce_the_shops_cents(case: tuple[dict[str, Any], list[int], int]) -> None:
    value, gross, total = case
    webhook = read(value)
    assert webhook.order is not None, webhook.reason
    assert [str(one.total_incl) for one in webhook.order.lines] == [cents(amount) for amount in gross]
    assert all(one.total_excl + one.tax == one.total_incl for one in webhook.order.lines)
    assert webhook.order.goods_incl * 100 == total
    assert not any("add up to" in note for note in webhook.notes)


# --- people


@pytest.mark.parametrize(
    ("shipping", "billing", "city", "noted"),
    [
        pytest.param(ADDRESS, BLANK, "Laholm", False, id="shipping"),
        pytest.param(BLANK, ADDRESS, "Laholm", True, id="billing stands in"),
        pytest.param(None, ADDRESS, "Laholm", True, id="no shipping at all"),
        pytest.param(BLANK, BLANK, None, False, id="neither"),
    ],
)
def test_the_billing_address_stands_in_only_where_something_is_shipped(
    shipping: Any, billing: Any, city: str | None, noted: bool
) -> None:
    webhook = read(body(shipping=shipping, billing=billing))
    assert webhook.order is not None
    assert (webhook.order.ship_to.city if webhook.order.ship_to else None) == city
    assert ("no delivery address in the body: the billing address is used" in webhook.notes) is noted


def test_phone_mail_and_note_come_from_where_woocommerce_has_them() -> None:
    made = order(body(customer_note="Ring the bell"))
    assert (made.email, made.phone, made.note) == ("tess@example.com", "1", "Ring the bell")
    assert order(body(shipping=ADDRESS | {"phone": "2"})).phone == "2"
    assert made.ship_to is not None
    assert made.ship_to.full_name == "Tess Testsson"


# --- hostile bodies


@pytest.mark.parametrize(
    ("value", "shop_order_id", "why"),
    [
        pytest.param(b"", None, "it is empty", id="nothing"),
        pytest.param(b"webhook_id=123", None, "Expecting value", id="a ping under a topic"),
        pytest.param({"id": 727}, "727", "line_items: is missing", id="a deletion under another topic"),
        pytest.param(
            {"order": {"id": 727}},
            None,
            "order: is wrapped; choose REST API version 3 in the shop's webhook",
            id="the legacy API",
        ),
        pytest.param(body(id="  "), None, "id: is no id", id="blank id"),
        pytest.param(body(status=None), "727", "status: is missing", id="no status"),
        pytest.param(body(line_items=[line(total="")]), "727", "line_items[0].total: is missing", id="no total"),
        pytest.param(
            body(line_items=[line(quantity="many")]), "727", "line_items[0].quantity: Input should be a", id="many"
        ),
        pytest.param(
            body(shipping=ADDRESS | {"country": "Sweden"}), "727", "ship_to.country: must be an ISO", id="country"
        ),
    ],
)
def test_a_body_that_is_no_order_is_held_and_says_where(value: Any, shop_order_id: str | None, why: str) -> None:
    webhook = read(value)
    assert (webhook.kind, webhook.shop_order_id) == ("unreadable", shop_order_id)
    assert webhook.reason.startswith("the body is no order that can be read: ")
    assert why in webhook.reason


def test_a_deletion_without_id_is_held() -> None:
    webhook = read({}, topic="order.deleted")
    assert (webhook.kind, webhook.reason) == ("unreadable", "the body is no order that can be read: id: is missing")


def _personal() -> dict[str, Any]:
    people = ADDRESS | {"first_name": MARK, "address_1": MARK, "city": MARK, "phone": MARK, "email": MARK}
    return body(
        customer_note=MARK,
        billing=people,
        shipping=people,
        gift_cards=[{"code": MARK, "amount": 1}],
        line_items=[line(name=MARK, bundled_items=[316], meta_data=[{"key": MARK, "value": MARK}]), line(id=316)],
        shipping_lines=[{"method_title": MARK, "method_id": "x", "total": "1.00"}],
        fee_lines=[{"name": MARK, "total": "1.00"}],
        refunds=[
            {"id": 1, "line_items": [{"quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": 315}]}]}
        ],
    )


@settings(deadline=None)
@given(st.binary() | st.binary().map(lambda tail: json.dumps(body()).encode()[:200] + tail))
def test_no_bytes_make_it_raise(value: bytes) -> None:
    assert read(value).kind == "unreadable"


@settings(deadline=None)
@given(mutated(_personal()))
def test_no_mutated_body_makes_it_raise_or_tell_personal_data(value: bytes) -> None:
    survives(read(value))
    survives(read(value, topic="order.deleted"))
