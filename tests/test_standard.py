"""Standard Webhooks whose data is the canonical order of order.md."""

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
from schemas.webhook import CREATED, UPDATED, Webhook
from tests.hostile import MARK, mutated, survives

ARRIVED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SHOP = Shop.model_validate({"name": "parts", "platform": "standard", "secrets": ["s"], "release": "placed"})


def data(**changes: Any) -> dict[str, Any]:
    return {
        "shop_order_id": "820982911946154508",
        "version": "2026-11-20T10:15:00Z",
        "currency": "AUD",
        "lines": [
            {"id": "1", "sku": "MUG-BLUE", "name": "Mug", "quantity": "2", "total_incl": "79.90", "tax": "7.26"},
        ],
        **changes,
    }


def envelope(**changes: Any) -> dict[str, Any]:
    return {"type": "order.created", "timestamp": "2026-11-20T10:15:01.5Z", "data": data(), **changes}


def read(value: Any, **headers: str) -> Webhook:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return PLATFORMS["standard"].read(
        headers={"webhook-id": "msg_1"} | headers, body=raw, shop=SHOP, received_at=ARRIVED
    )


def order(value: Any) -> Order:
    webhook = read(value)
    assert webhook.order is not None, webhook.reason
    return webhook.order


@pytest.mark.parametrize(
    ("type_", "rank", "cancelled"),
    [("order.created", CREATED, False), ("order.updated", UPDATED, False), ("order.cancelled", UPDATED, True)],
)
def test_these_types_carry_the_order(type_: str, rank: int, cancelled: bool) -> None:
    webhook = read(envelope(type=type_))
    assert (webhook.kind, webhook.topic, webhook.rank) == ("order", type_, rank)
    assert webhook.shop_order_id == "820982911946154508"
    assert webhook.order is not None
    assert webhook.order.cancelled is cancelled


def test_other_types_are_ignored_and_say_why() -> None:
    webhook = read({"type": "product.updated", "timestamp": "2026-11-20T10:15:01Z", "data": {"id": 1}})
    assert (webhook.kind, webhook.reason) == (
        "ignored",
        "no order type; send order.created, order.updated and order.cancelled",
    )


def test_the_message_id_is_the_key_and_the_envelopes_time_breaks_ties() -> None:
    webhook = read(envelope())
    assert (webhook.keys, webhook.tie) == (("id:msg_1",), "2026-11-20T10:15:01.500000000Z")
    assert len(read(envelope(), **{"webhook-id": "m" * 400}).keys[0]) <= 255


def test_what_is_left_out_takes_its_default() -> None:
    made = order(envelope())
    assert (made.number, made.placed_at, made.payment_state) == ("820982911946154508", made.version, "paid")
    assert [(p.method, p.amount) for p in made.paid] == [("*", Decimal("79.90"))]
    only = made.lines[0]
    assert (only.open_quantity, only.total_excl, only.shippable) == (Decimal(2), Decimal("72.64"), True)


def test_null_says_nothing() -> None:
    names = (
        "number",
        "placed_at",
        "payment_state",
        "payments",
        "cancelled",
        "test",
        "tags",
        "ship_to",
        "shipping",
        "note",
    )
    lines = [
        data()["lines"][0] | dict.fromkeys(("open_quantity", "discount", "shippable", "options", "total_excl", "name"))
    ]
    assert order(envelope(data=data(**dict.fromkeys(names), lines=lines))) == order(
        envelope(data=data(lines=[data()["lines"][0] | {"name": ""}]))
    )


def test_numbers_are_accepted_and_stay_exact() -> None:
    raw = b"""{"type":"order.created","timestamp":"2026-11-20T10:15:01Z","data":{"shop_order_id":820982911946154508,
    "number":1001,"version":"2026-11-20T10:15:00Z","currency":"aud","ship_to":{"postcode":3188},
    "lines":[{"id":1,"sku":4711,"quantity":1.10,"total_incl":0.30,"total_excl":0.20,"options":{"n":2}}]}}"""
    made = order(raw)
    assert (made.shop_order_id, made.number, made.currency) == ("820982911946154508", "1001", "AUD")
    only = made.lines[0]
    assert (only.id, only.sku, str(only.quantity), str(only.tax), only.options) == (
        "1",
        "4711",
        "1.10",
        "0.10",
        {"n": "2"},
    )
    assert made.ship_to is not None
    assert made.ship_to.postcode == "3188"


@pytest.mark.parametrize(
    ("change", "cancelled_at"),
    [
        pytest.param({}, "2026-11-20T10:15:01.500000+00:00", id="the envelope's time"),
        pytest.param({"cancelled_at": "2026-11-20T09:00:00Z"}, "2026-11-20T09:00:00+00:00", id="its own"),
    ],
)
def test_a_cancelled_order_has_a_time_of_cancelling(change: dict[str, Any], cancelled_at: str) -> None:
    made = order(envelope(type="order.cancelled", data=data(**change)))
    assert made.cancelled_at is not None
    assert made.cancelled_at.isoformat() == cancelled_at


def test_a_total_that_does_not_add_up_is_noted() -> None:
    assert read(envelope(data=data(total_incl="79.91"))).notes == ()
    assert read(envelope(data=data(total_incl="80.00"))).notes == (
        "lines and charges add up to 79.90 AUD, the shop states a total of 80.00: both are kept, the lines count",
    )


@pytest.mark.parametrize(
    ("value", "shop_order_id", "why"),
    [
        pytest.param(b"{", None, "Expecting property name", id="cut off"),
        pytest.param({"test": 2432232314}, None, "type: is missing", id="no type"),
        pytest.param({"type": "order.created"}, None, "data: is missing", id="no data"),
        pytest.param(envelope(data=[1]), None, "data: must be an object", id="data is a list"),
        pytest.param(
            envelope(data={"shop_order_id": "7"}),
            "7",
            "read: data.version: is missing; data.currency: is missing",
            id="thin",
        ),
        pytest.param(
            envelope(data=data(version="2026-11-20T10:15:00")),
            "820982911946154508",
            "data.version: Input should have timezone info",
            id="time without offset",
        ),
        pytest.param(
            envelope(data=data(lines=[{"id": "1", "quantity": "0", "total_incl": "1", "tax": "0"}])),
            "820982911946154508",
            "data.lines[0].quantity: must be greater than 0",
            id="nothing ordered",
        ),
        pytest.param(
            envelope(data=data(lines=[{"id": "1", "quantity": "1", "total_incl": "1"}])),
            "820982911946154508",
            "data.lines[0].total_excl: is missing; data.lines[0].tax: is missing",
            id="one amount of three",
        ),
        pytest.param(
            envelope(data=data(lines=[data()["lines"][0] | {"options": {"For Ada": ["A.L."]}}])),
            "820982911946154508",
            "data.lines[0].options: Input should be a valid string",
            id="a buyer's word is not repeated",
        ),
    ],
)
def test_a_body_that_is_no_order_is_held_and_says_where(value: Any, shop_order_id: str | None, why: str) -> None:
    webhook = read(value)
    assert (webhook.kind, webhook.shop_order_id) == ("unreadable", shop_order_id)
    assert why in webhook.reason
    assert "Ada" not in webhook.reason


def _personal() -> dict[str, Any]:
    people = {"name": MARK, "address1": MARK, "city": MARK, "country": "AU", "phone": MARK}
    full = data(
        number="#1001",
        placed_at="2026-11-20T10:14:58Z",
        payment_state="paid",
        payments=[{"method": "visa", "amount": "89.90"}],
        cancelled=False,
        test=False,
        email=MARK,
        phone=MARK,
        note=MARK,
        tags=[MARK],
        ship_to=people,
        bill_to=people,
        shipping=[{"code": "std", "name": MARK, "total_incl": "10.00", "total_excl": "9.09"}],
        total_incl="89.90",
        total_tax="8.17",
    )
    full["lines"][0] |= {"name": MARK, "options": {MARK: MARK}, "open_quantity": 1, "discount": "0", "shippable": True}
    return envelope(data=full)


@settings(deadline=None)
@given(st.binary() | st.binary().map(lambda tail: json.dumps(envelope()).encode()[:150] + tail))
def test_no_bytes_make_it_raise(value: bytes) -> None:
    assert read(value).kind == "unreadable"


@settings(deadline=None)
@given(mutated(_personal()))
def test_no_mutated_body_makes_it_raise_or_tell_personal_data(value: bytes) -> None:
    survives(read(value))
