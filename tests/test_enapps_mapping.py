"""Order to POST orders (section 6 of the Enapps contract), and its section of the configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.destination import Unmappable
from schemas.enapps import NAMES, EnappsDestination, codes, remarks, sale_order, total
from schemas.enapps.reply import created
from schemas.http import Call, Reply
from schemas.money import decimals
from schemas.order import Order
from tasks.enapps import plan
from tests.enapps_wire import Copies, Story, Wire, destination, line, order
from tests.wire import tell
from worker.outcomes import Delivered, Reject
from worker.system import Job

IDS = {"MUG-BLUE": 2900, "TIN-S": 2915, "CARRIAGE": 77, "THEIRS": 3}
FREIGHT = [{"code": "road", "total_incl": "10.20", "tax": "1.70"}]


def body(of: Order, *, number: str = "SHOP-1001", **section: Any) -> dict[str, Any]:
    return sale_order(of, number=number, contact=953, products=IDS, destination=destination(**section))


def test_an_order_becomes_the_contracts_sample() -> None:
    ship_to = {
        "first_name": "Mina",
        "last_name": "Okafor",
        "company": "Harbour Prints Ltd",
        "address1": "14 Quay Street",
        "address2": "Unit 3",
        "city": "Bristol",
        "postcode": "BS1 4XX",
        "country": "GB",
        "phone": "+44 117 496 0000",
    }
    sent = body(order(ship_to=ship_to, lines=[line(), line(2, "TIN-S", quantity="1")]))

    assert sent == {
        "partner_order_id": 953,
        "shop_id": 1,
        "client_order_ref": "SHOP-1001",
        "products": [{"product_id": 2900, "qty": 2}, {"product_id": 2915, "qty": 1}],
        "shipping_details": {
            "first_name": "Mina",
            "last_name": "Okafor",
            "company_name": "Harbour Prints Ltd",
            "street_address_1": "14 Quay Street",
            "street_address_2": "Unit 3",
            "town_city": "Bristol",
            "postcode": "BS1 4XX",
            "country": "GB",
            "phone": "+44 117 496 0000",
            "email": "mina@example.test",
        },
    }


# ---------------------------------------------------------------- delivery details


def test_a_name_in_one_piece_goes_out_as_the_last_name() -> None:
    details = body(order())["shipping_details"]
    assert "first_name" not in details
    assert details["last_name"] == "Mina Okafor"


def test_a_state_stands_beside_the_city_and_the_orders_phone_for_a_missing_one() -> None:
    place = {"name": "N", "city": "Hobart", "state": "TAS", "country": "AU"}
    details = body(order(ship_to=place, phone="123"))["shipping_details"]
    assert (details["town_city"], details["phone"]) == ("Hobart TAS", "123")


def test_what_an_address_does_not_say_is_left_out() -> None:
    assert body(order(ship_to={"name": "N"}, email=None))["shipping_details"] == {"last_name": "N"}


def test_an_order_without_a_place_has_no_delivery_details() -> None:
    assert "shipping_details" not in body(order(ship_to=None))


def test_every_name_of_the_delivery_details_can_be_corrected() -> None:
    names = {ours: f"x_{ours}" for ours in NAMES}
    place = {ours: ours for ours in ("first_name", "last_name", "company", "address1", "address2", "city", "postcode")}
    sent = body(order(ship_to={**place, "country": "GB"}, phone="phone", email="email"), names=names)
    assert sent["x_shipping"] == {f"x_{ours}": ours for ours in place} | {
        "x_country": "GB",
        "x_phone": "phone",
        "x_email": "email",
    }


# ---------------------------------------------------------------- products


def test_what_is_not_to_be_delivered_any_more_is_left_out() -> None:
    lines = [line(open_quantity="1"), line(2, "TIN-S", open_quantity="0"), line(3, None, open_quantity="0")]
    assert body(order(lines=lines))["products"] == [{"product_id": 2900, "qty": 1}]


def test_two_lines_with_one_sku_stay_two_lines_and_are_asked_for_once() -> None:
    twice = order(lines=[line(), line(2, quantity="3")])
    assert codes(twice, destination()) == ("MUG-BLUE",)
    assert body(twice)["products"] == [{"product_id": 2900, "qty": 2}, {"product_id": 2900, "qty": 3}]


def test_two_of_our_skus_may_be_one_of_theirs() -> None:
    lines = order(lines=[line(), line(2, "TIN-S")])
    section: dict[str, Any] = {"skus": {"MUG-BLUE": "THEIRS", "TIN-S": "THEIRS"}}
    assert codes(lines, destination(**section)) == ("THEIRS",)
    assert [one["product_id"] for one in body(lines, **section)["products"]] == [3, 3]


@pytest.mark.parametrize("quantity", ["0.5", "1.5", "2.0001"])
def test_a_fraction_is_held_and_never_rounded(quantity: str) -> None:
    with pytest.raises(Unmappable) as caught:
        body(order(lines=[line(quantity=quantity)]))
    assert (caught.value.code, caught.value.hold) == ("fraction", True)
    assert quantity in caught.value.reason


@pytest.mark.parametrize("quantity", ["2", "2.0", "2.000", "2E0"])
def test_a_whole_quantity_is_an_integer_however_it_is_written(quantity: str) -> None:
    [row] = body(order(lines=[line(quantity=quantity)]))["products"]
    assert json.dumps(row["qty"]) == "2"


def test_a_line_without_sku_is_held_with_its_place() -> None:
    with pytest.raises(Unmappable) as caught:
        body(order(lines=[line(), line(2, None)]))
    assert (caught.value.code, caught.value.hold) == ("no_sku", True)
    assert "line 2 (id 2)" in caught.value.reason


# ---------------------------------------------------------------- options

CHOSEN = {"Finish": "MATT", "Engraving": "A.L."}


def test_only_options_that_are_parameters_there_go_along_each_as_an_object_of_its_own() -> None:
    lines = [line(options=CHOSEN), line(2, "TIN-S")]
    plain, chosen = body(order(lines=lines)), body(order(lines=lines), parameters={"Finish": "FINISHING"})
    assert not any("parameters" in row for row in plain["products"])
    assert [row.get("parameters") for row in chosen["products"]] == [[{"FINISHING": "MATT"}], None]


def test_what_was_left_out_is_said_and_not_quoted() -> None:
    shop = order(lines=[line(options=CHOSEN), line(2, "TIN-S")], note="Ring twice")
    parameters = {"Finish": "FINISHING", "Engraving": "ENGRAVING"}
    told = remarks(shop, destination=destination(), there=Decimal(48), currency="GBP")
    assert told == (
        "options were left out, for they are in no parameters here: line 1",
        "the order's note was left out: Enapps takes none",
    )
    assert len(remarks(shop, destination=destination(parameters=parameters), there=Decimal(48), currency="GBP")) == 1


def test_a_variant_is_ordered_with_its_options() -> None:
    wire, shelf, place = Wire(), Copies(), destination(parameters={"Finish": "FINISHING"})
    tell(lambda: shelf.read(wire, place))
    told = tell(Story(wire, order(lines=[line(sku="PLATE-STEEL", options=CHOSEN)]), place, shelf).attempt)
    assert isinstance(told, Delivered)
    assert wire.orders()[0]["lines"][0]["parameters"] == {"FINISHING": "MATT"}


# ---------------------------------------------------------------- the shipping charge


def test_the_shipping_charge_is_one_product_line() -> None:
    charged = order(shipping=[*FREIGHT, {"code": "insurance", "total_incl": "1.20", "tax": "0.20"}])
    assert codes(charged, destination()) == ("MUG-BLUE", "CARRIAGE")
    assert body(charged)["products"][-1] == {"product_id": 77, "qty": 1}
    assert body(charged, send_prices=True, tax_included=True)["products"][-1]["price_unit"] == 11.4
    assert body(charged, send_prices=True)["products"][-1]["price_unit"] == 9.5


@pytest.mark.parametrize("shipping", [[], [{"code": "pickup", "total_incl": "0", "tax": "0"}]], ids=["none", "free"])
def test_where_nothing_is_charged_there_is_no_such_line(shipping: list[Mapping[str, Any]]) -> None:
    free = order(shipping=shipping)
    assert len(body(free)["products"]) == 1
    assert codes(free, destination(shipping_sku=None)) == ("MUG-BLUE",)


def test_a_charge_may_be_left_out_which_is_said() -> None:
    charged = order(shipping=FREIGHT)
    place = destination(shipping_sku=False)
    assert len(body(charged, shipping_sku=False)["products"]) == 1
    [said] = remarks(charged, destination=place, there=Decimal("24.00"), currency="GBP")
    assert "8.50 GBP was left out" in said


def test_a_charge_without_a_product_for_it_is_a_dead_letter() -> None:
    with pytest.raises(Unmappable) as caught:
        body(order(shipping=FREIGHT), shipping_sku=None)
    assert (caught.value.code, caught.value.hold) == ("no_shipping_sku", False)


# ---------------------------------------------------------------- prices


def test_prices_stay_at_home_unless_they_are_asked_for() -> None:
    assert "price_unit" not in json.dumps(body(order(shipping=FREIGHT)))


@pytest.mark.parametrize(("included", "price"), [(False, 10.0), (True, 12.0)])
def test_a_price_is_of_one_piece(included: bool, price: float) -> None:
    [row] = body(order(), send_prices=True, tax_included=included)["products"]
    assert row["price_unit"] == price


def test_a_price_is_rounded_to_the_currencys_units_and_half_goes_up() -> None:
    [row] = body(order(lines=[line(total_incl="0.25", tax="0")]), send_prices=True)["products"]
    assert row["price_unit"] == 0.13
    yen = order(currency="JPY", lines=[line(quantity="3", total_incl="100", tax="0")])
    assert body(yen, send_prices=True)["products"][0]["price_unit"] == 33


def test_a_price_that_equals_the_list_price_is_taken_and_another_one_is_not() -> None:
    wire, shelf, place = Wire(), Copies(), destination(send_prices=True)
    tell(lambda: shelf.read(wire, place))
    right, wrong = line(total_incl="27.60", tax="4.60"), line(total_incl="27.57", tax="4.60")
    refused = tell(Story(wire, order(lines=[wrong]), place, shelf).attempt)
    assert isinstance(refused, Reject)
    assert "price_unit does not match" in refused.reason
    assert isinstance(tell(Story(wire, order(lines=[right]), place, shelf).attempt), Delivered)


# ---------------------------------------------------------------- fields and configuration


def test_fields_go_into_each_order_as_they_stand() -> None:
    sent = body(order(), fields={"x_channel": "web", "x_urgent": True, "x_weight": 1.5, "x_count": 3})
    assert {name: sent[name] for name in sent if name.startswith("x_")} == {
        "x_channel": "web",
        "x_urgent": True,
        "x_weight": 1.5,
        "x_count": 3,
    }


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"fields": {"client_order_ref": "X"}}, "client_order_ref is set for each order"),
        ({"fields": {"products": "X"}}, "products is set for each order"),
        ({"fields": {"shipping_details": "X"}}, "shipping_details is set for each order"),
        ({"names": {"town": "city"}}, "there is no town"),
        ({"names": {"city": ""}}, "at least 1 character"),
        ({"names": {"city": "postcode"}}, "postcode would stand there twice"),
        ({"names": {"shipping": "products"}}, "products would stand there twice"),
        ({"contact": 0}, "greater than or equal to 1"),
        ({"contact": True}, "valid integer"),
        ({"contact": "mail"}, "'email'"),
        ({"shop_id": 0}, "greater than or equal to 1"),
        ({"sync_minutes": 0}, "greater than or equal to 0.01"),
        ({"auth": {"mode": "basic", "username": "u", "password": "p"}}, 'mode = "enapps"'),
        ({"auth": {"mode": "path", "key": "k"}}, 'mode = "bearer"'),
        ({"timeout_s": 301}, "less than or equal to 300"),
    ],
    ids=str,
)
def test_a_mistake_in_the_section_is_told(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        destination(**section)
    assert words in str(caught.value)


def test_an_order_may_take_as_long_as_the_contract_says() -> None:
    section = {**destination().model_dump(exclude={"timeout_s", "auth"}), "auth": {"mode": "bearer", "token": "t"}}
    assert EnappsDestination.model_validate(section).timeout_s >= 100


def test_a_plan_shows_the_request_and_what_the_copies_will_say() -> None:
    shop = order(shipping=FREIGHT)
    [call] = plan(Job(order=shop, number="1001", shop="uk", destination=destination()))
    assert (call.method, call.path) == ("POST", "orders")
    sent = json.loads(json.dumps(call.body))
    assert sent["partner_order_id"] == "<contact with the order's e-mail address>"
    assert [one["product_id"] for one in sent["products"]] == ["<id of MUG-BLUE>", "<id of CARRIAGE>"]
    [fixed] = plan(Job(order=shop, number="1001", shop="uk", destination=destination(contact=970)))
    assert json.loads(json.dumps(fixed.body))["partner_order_id"] == 970


@pytest.mark.parametrize("changes", [{"cancelled": True}, {"lines": [line(open_quantity="0")]}], ids=str)
def test_a_plan_of_nothing_is_empty(changes: dict[str, Any]) -> None:
    assert plan(Job(order=order(**changes), number="1", shop="uk", destination=destination())) == ()


# ---------------------------------------------------------------- totals

there = pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("24", "GBP", ()),
        ("24.00", "GBP", ()),
        ("24.0000", "", ()),
        ("24.01", "GBP", ("Enapps totals the order at 24.01, the shop at 24.00 GBP",)),
        ("24", "EUR", ("Enapps totals the order at 24 EUR, the shop at 24.00 GBP",)),
        ("24.000000000000004", "GBP", ()),
        ("23.999999999999996", "GBP", ()),
        (None, "", ("Enapps did not tell its total, so it was not compared",)),
    ],
)


@there
def test_a_total_that_differs_is_told_to_the_penny(amount: str | None, currency: str, said: tuple[str, ...]) -> None:
    told = None if amount is None else Decimal(amount)
    assert remarks(order(), destination=destination(), there=told, currency=currency) == said


def test_the_total_is_of_what_goes_out() -> None:
    part = order(lines=[line(open_quantity="1"), line(2, open_quantity="0")], shipping=FREIGHT)
    assert total(part, destination()) == Decimal("22.20")
    assert total(part, destination(shipping_sku=False)) == Decimal("12.00")


amounts = st.decimals(min_value=0, max_value=100_000, places=2)
pieces = st.integers(min_value=1, max_value=999)


@given(
    goods=st.lists(st.tuples(amounts, pieces, pieces), min_size=1, max_size=8),
    charges=st.lists(amounts, max_size=3),
    currency=st.sampled_from(["GBP", "JPY", "KWD"]),
)
def test_the_total_is_the_shops_money_to_half_a_unit(
    goods: list[tuple[Decimal, int, int]], charges: list[Decimal], currency: str
) -> None:
    lines = [
        line(number, quantity=str(max(ordered, left)), open_quantity=str(left), total_incl=str(amount), tax="0")
        for number, (amount, ordered, left) in enumerate(goods, 1)
    ]
    shop = order(
        lines=lines, currency=currency, shipping=[{"code": "c", "total_incl": str(one), "tax": "0"} for one in charges]
    )
    exact = sum((Fraction(amount) * left / max(ordered, left) for amount, ordered, left in goods), Fraction(0))
    exact += sum(map(Fraction, charges))
    found = total(shop, destination())
    assert abs(Fraction(found) - exact) <= Fraction(1, 2 * 10 ** decimals(currency))
    assert found == found.quantize(Decimal(1).scaleb(-decimals(currency)))
    assert remarks(shop, destination=destination(), there=found, currency=currency) == ()
    off = found + Decimal("0.01")
    assert remarks(shop, destination=destination(), there=off, currency=currency) != ()


@given(goods=st.lists(st.tuples(amounts, pieces), min_size=1, max_size=8))
def test_every_line_goes_out_once_and_whole(goods: list[tuple[Decimal, int]]) -> None:
    lines = [
        line(number, quantity=str(qty), total_incl=str(one), tax="0") for number, (one, qty) in enumerate(goods, 1)
    ]
    rows = body(order(lines=lines), send_prices=True)["products"]
    assert [row["qty"] for row in rows] == [qty for _, qty in goods]
    for row, (amount, qty) in zip(rows, goods, strict=True):
        assert abs(Fraction(str(row["price_unit"])) - Fraction(amount) / qty) <= Fraction(1, 200)


# ---------------------------------------------------------------- the reply of POST orders: its shape is not public


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 90211, "name": "SO90211"}',
        '{"id": "90211", "name": "SO90211", "state": "draft", "error": false}',
        '{"data": {"id": 90211, "name": "SO90211"}}',
        '{"data": [{"id": 90211, "name": "SO90211"}]}',
        '{"results": [{"id": 90211, "name": "SO90211"}]}',
        '[{"id": 90211.0, "name": "SO90211"}]',
    ],
)
def test_the_number_is_found_in_every_shape_of_reply(text: str) -> None:
    assert _created(text) == (90211, "SO90211")


@pytest.mark.parametrize("text", ["", "null", "{}", "[]", "true", '"SO90211"', '{"id": false}', '{"id": 0}', "[[]]"])
def test_a_reply_without_a_number_tells_none(text: str) -> None:
    assert _created(text) == (None, "")


def _created(text: str) -> tuple[int | None, str]:
    return created(Reply(Call("POST", "orders"), 200, {}, text))
