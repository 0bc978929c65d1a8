"""What of an order goes out, and what cannot, for every ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from schemas.destination import Unmappable
from schemas.goods import anything_open, need_skus, no_shipping_sku, open_lines, shipping_left_out
from tests.iws_wire import destination, line, order

BECAUSE = "Enapps knows its products by nothing else."


def test_what_is_still_to_be_delivered_are_the_open_lines() -> None:
    mixed = order(lines=[line(1, open_quantity="0"), line(2)])

    assert [one.id for one in open_lines(mixed)] == [mixed.lines[1].id]
    assert anything_open(mixed)
    assert not anything_open(order(lines=[line(1, open_quantity="0")]))
    assert not anything_open(order(lines=[]))


def test_every_open_line_without_a_sku_is_named_by_its_place_and_id() -> None:
    lines = [line(1), line(2, sku=None), line(3, sku=None, open_quantity="0"), line(4, sku=None)]
    ids = [one["id"] for one in lines]

    with pytest.raises(Unmappable) as caught:
        need_skus(order(lines=lines), because=BECAUSE, by_hand="Enapps")

    assert caught.value.reason == f"No SKU: line 2 (id {ids[1]}), line 4 (id {ids[3]}). {BECAUSE}"
    assert caught.value.hint == "Give the line a SKU by an edit of the order, or enter the order in Enapps by hand."
    assert (caught.value.code, caught.value.hold) == ("no_sku", True)


def test_a_line_without_a_sku_that_is_not_to_be_delivered_any_more_does_no_harm() -> None:
    need_skus(order(lines=[line(1), line(2, sku=None, open_quantity="0")]), because=BECAUSE, by_hand="Enapps")


def test_a_shipping_charge_without_a_code_is_told_with_its_amount_and_key() -> None:
    where = destination()
    told = no_shipping_sku(Decimal("6.00"), order(), where, noun="product")

    assert told.reason == f"The order has a shipping charge of 6.00 GBP, and {where.name} has no product for it."
    assert told.hint == f"Set shipping_sku in [destinations.{where.name}]; false leaves the charge out."


@pytest.mark.parametrize(
    ("sku", "charges", "said"),
    [(False, True, True), (False, False, False), (None, True, False)],
    ids=["left out", "no charge", "not left out"],
)
def test_a_charge_that_is_left_out_is_told(sku: Literal[False] | None, charges: bool, said: bool) -> None:
    some = order() if charges else order(shipping=[])

    assert bool(shipping_left_out(some, destination(shipping_sku=sku))) == said
