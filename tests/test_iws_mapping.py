"""An order in IWS's words (contracts/iws.md section 6), and the section of crossdock.toml."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.codes import COUNTRIES
from schemas.destination import Unmappable
from schemas.http import Call
from schemas.iws import IwsDestination
from schemas.iws.countries import country_name
from schemas.iws.sales_order import post, reference, remarks
from schemas.order import Order
from tasks.iws import plan
from tests.iws_wire import destination, line, order
from worker.system import Job


def sent(order: Order, where: IwsDestination | None = None, *, number: str = "1001", shop: str = "acme-uk") -> Call:
    return post(order, number=number, shop=shop, destination=where or destination())


def body(order: Order, where: IwsDestination | None = None, **more: str) -> dict[str, Any]:
    made = sent(order, where, **more).body
    assert made is not None
    return dict(made)


def lines(*parts: dict[str, Any], where: IwsDestination | None = None) -> list[dict[str, Any]]:
    numbered = [{**part, "id": str(at)} for at, part in enumerate(parts, start=1)]
    found: list[dict[str, Any]] = body(order(lines=numbered), where)["items"]
    return found


def test_the_whole_body_of_an_order_for_a_fixed_customer() -> None:
    call = sent(order(1, note="Leave at the door"))

    assert (call.method, call.path) == ("POST", "salesorder")
    assert call.body == {
        "customerCode": "CUST-000101",
        "warehouseCode": "MAIN",
        "sourceCode": "Internet",
        "poCode": "1001",
        "salesRepOrderCode": reference(order(), shop="acme-uk", destination=destination()),
        "salesOrderDate": "2026-11-20T10:14:58",
        "notes": "Leave at the door",
        "freightAmount": 5,
        "shipAddress": {
            "shipToName": "Ada Lovelace",
            "address": "1 Analytical St",
            "city": "Bristol",
            "county": "Avon",
            "postalCode": "BS1 4XX",
            "country": "United Kingdom",
            "email": "ada@example.com",
        },
        "items": [{"itemName": "ITEM-1", "itemQuantity": 2, "itemUnitPrice": 10}],
    }
    json.dumps(call.body)


def test_by_email_the_order_goes_to_advance_without_a_customer_code() -> None:
    call = sent(order(), destination(customer="email"))

    assert call.path == "salesorder/advance"
    assert call.body is not None
    assert call.body["email"] == "ada@example.com"
    assert "customerCode" not in call.body


@pytest.mark.parametrize(
    ("shop", "path", "customer"),
    [("acme-uk", "salesorder", "CUST-000007"), ("other", "salesorder/advance", None)],
)
def test_each_shop_may_have_its_customer(shop: str, path: str, customer: str | None) -> None:
    call = sent(order(), destination(customer={"acme-uk": "CUST-000007", "*": "email"}), shop=shop)

    assert call.path == path
    assert call.body is not None
    assert call.body.get("customerCode") == customer


def test_a_shop_without_a_customer_is_held() -> None:
    with pytest.raises(Unmappable, match="no customer for orders of the shop other") as caught:
        sent(order(), destination(customer={"acme-uk": "CUST-000007"}), shop="other")

    assert (caught.value.code, caught.value.hold) == ("no_customer", True)


def test_lines_of_one_item_become_one_line_with_the_money_of_both() -> None:
    where = destination(skus={"MUG-BLUE": "Mug", "MUG-OLD": "mug"})
    found = lines(
        line(sku="MUG-BLUE", quantity="2", total_incl="24.00", tax="4.00"),
        line(sku="TEE"),
        line(sku="MUG-OLD", quantity="1", total_incl="6.01", tax="1.00"),
        where=where,
    )

    assert [item["itemName"] for item in found] == ["Mug", "TEE"]
    assert found[0]["itemQuantity"] == 3
    assert round(found[0]["itemUnitPrice"] * 3, 2) == 25.01


def test_a_price_that_does_not_divide_has_as_many_decimals_as_it_takes() -> None:
    (item,) = lines(line(quantity="3", total_excl="10.00", total_incl="12.00", tax="2.00"))

    assert item["itemUnitPrice"] == 3.333
    (item,) = lines(line(quantity="3000", total_excl="10000.00", total_incl="12000.00", tax="2000.00"))
    assert item["itemUnitPrice"] == 3.333333


def test_what_is_not_open_any_more_is_left_out() -> None:
    found = lines(line(sku="A", open_quantity="0"), line(sku="B", quantity="4", open_quantity="1"))

    assert found == [{"itemName": "B", "itemQuantity": 1, "itemUnitPrice": 5}]


def test_with_tax_included_prices_and_freight_are_gross() -> None:
    made = body(order(1), destination(tax_included=True))

    assert made["items"][0]["itemUnitPrice"] == 12
    assert made["freightAmount"] == 6


def test_several_shipping_charges_are_one_freight() -> None:
    charges = [{"total_incl": "6.00", "tax": "1.00"}, {"total_incl": "1.20", "tax": "0.20"}]

    assert body(order(shipping=charges))["freightAmount"] == 6


@pytest.mark.parametrize("shipping", [[], [{"total_incl": "0.00", "tax": "0.00"}]], ids=["none", "free"])
def test_no_charge_is_no_freight(shipping: list[dict[str, Any]]) -> None:
    assert "freightAmount" not in body(order(shipping=shipping))


def test_a_freight_that_is_left_out_is_told() -> None:
    where = destination(shipping_sku=False)

    assert "freightAmount" not in body(order(), where)
    assert remarks(order(), where) == ("the shipping charge of 6.00 GBP was left out: shipping_sku = false",)


def test_a_line_without_a_sku_is_held() -> None:
    with pytest.raises(Unmappable, match=r"No SKU: line 2 \(id 2\)") as caught:
        lines(line(), line(sku=None))

    assert (caught.value.code, caught.value.hold) == ("no_sku", True)


def test_an_order_in_another_currency_than_the_customers_is_held() -> None:
    with pytest.raises(Unmappable, match="in EUR") as caught:
        sent(order(currency="EUR"), destination(currency="GBP"))

    assert (caught.value.code, caught.value.hold) == ("other_currency", True)
    assert sent(order(), destination(currency="GBP"))


def test_the_date_is_the_servers_local_time_without_an_offset() -> None:
    summer = order(placed_at="2026-07-01T23:30:00.5Z")

    assert body(summer)["salesOrderDate"] == "2026-07-02T00:30:00"
    assert body(summer, destination(timezone="America/New_York"))["salesOrderDate"] == "2026-07-01T19:30:00"
    assert body(summer, destination(lead_days=2))["shippingDate"] == "2026-07-04"


def test_what_the_buyer_chose_for_a_line_goes_into_the_notes() -> None:
    made = body(order(note="Ring", lines=[line(options={"Engraving": "A.L."}), line(2)]))

    assert made["notes"] == "Ring\r\nITEM-1: Engraving A.L."


def test_fixed_notes_win_and_that_is_told() -> None:
    where = destination(fields={"notes": "Webshop"})

    assert body(order(note="Ring"), where)["notes"] == "Webshop"
    assert remarks(order(note="Ring"), where) == ("the order's note and options were left out: notes is set in fields",)


def test_fields_line_fields_custom_fields_and_the_credit_switch_go_out_as_they_stand() -> None:
    where = destination(
        fields={"paymentTerm": "PREPAID", "isQuote": False},
        line_fields={"unitMeasureCode": "EACH"},
        custom_fields={"Channel_C": "webshop", "Gift_C": True},
        credit_hold=True,
    )
    made = body(order(1), where)

    assert (made["paymentTerm"], made["isQuote"], made["isApprovedCreditHold"]) == ("PREPAID", False, True)
    assert made["items"][0]["unitMeasureCode"] == "EACH"
    assert made["customFields"] == [{"field": "Channel_C", "value": "webshop"}, {"field": "Gift_C", "value": True}]
    assert "isApprovedCreditHold" not in body(order(1))


ADDRESS = {"first_name": "Ada", "last_name": "Lovelace", "company": "Engines Ltd", "address1": "1 Analytical St"}
ADDRESS |= {"address2": "Flat 2", "city": "Boston", "state": "MA", "postcode": "02108", "country": "US", "phone": "1"}


def test_an_address_is_one_text_of_lines_with_the_state_where_there_are_states() -> None:
    made = body(order(ship_to=ADDRESS, bill_to={"company": "Engines Ltd", "country": "GB", "state": "Kent"}))

    assert made["shipAddress"] == {
        "shipToName": "Ada Lovelace",
        "address": "Engines Ltd\r\n1 Analytical St\r\nFlat 2",
        "city": "Boston",
        "state": "MA",
        "postalCode": "02108",
        "country": "United States",
        "telephone": "1",
        "email": "ada@example.com",
    }
    assert made["billToAddress"] == {
        "billToName": "Engines Ltd",
        "county": "Kent",
        "country": "United Kingdom",
        "email": "ada@example.com",
    }


def test_no_address_is_left_out() -> None:
    assert "shipAddress" not in body(order(ship_to=None))


def test_names_that_no_page_states_are_corrected_in_one_table() -> None:
    names = {"ship_street": "shipToAddress", "ship_email": "", "price": "netItemPrice", "route_by_email": "so/adv"}
    call = sent(order(1), destination(names=names, customer="email"))

    assert call.path == "so/adv"
    assert call.body is not None
    assert call.body["shipAddress"]["shipToAddress"] == "1 Analytical St"
    assert "email" not in call.body["shipAddress"]
    assert call.body["items"][0]["netItemPrice"] == 10


def test_every_country_has_an_english_name_and_the_site_may_have_its_own() -> None:
    assert all(len(country_name(code, {})) > 2 for code in COUNTRIES)
    assert country_name("HK", {"HK": "Hong Kong"}) == "Hong Kong"
    made = body(order(ship_to={"country": "IE"}), destination(country_names={"IE": "Eire"}))
    assert made["shipAddress"]["country"] == "Eire"


def test_our_reference_is_short_and_stays_with_the_order_of_the_shop() -> None:
    where = destination()
    mine = reference(order(), shop="acme-uk", destination=where)

    assert mine == reference(order(number="7", version="2027-01-01T00:00:00Z"), shop="acme-uk", destination=where)
    assert mine.startswith("CD-")
    assert len(mine) == 15
    assert mine != reference(order(), shop="acme-us", destination=where)
    assert mine != reference(order(shop_order_id="2"), shop="acme-uk", destination=where)


def test_plan_shows_the_one_post_and_nothing_where_nothing_is_to_be_sent() -> None:
    def planned(order: Order) -> list[Call]:
        return list(plan(Job(order=order, number="1001", shop="acme-uk", destination=destination())))

    assert planned(order()) == [sent(order())]
    assert planned(order(cancelled=True)) == []
    assert planned(order(lines=[line(open_quantity="0")])) == []


QUANTITIES = st.decimals(min_value="0.001", max_value=5000, places=3, allow_nan=False)
TOTALS = st.decimals(min_value=0, max_value=100_000, places=2, allow_nan=False)


@given(st.lists(st.tuples(QUANTITIES, TOTALS), min_size=1, max_size=4))
def test_the_money_of_merged_lines_comes_out_to_the_cent(parts: list[tuple[Decimal, Decimal]]) -> None:
    (item,) = lines(*(line(sku="A", quantity=str(q), total_excl=str(t), tax="0", total_incl=str(t)) for q, t in parts))
    price, quantity = Decimal(str(item["itemUnitPrice"])), Decimal(str(item["itemQuantity"]))

    assert quantity == sum(q for q, _ in parts)
    assert (price * quantity).quantize(Decimal("0.01"), ROUND_HALF_UP) == sum(t for _, t in parts)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"fields": {"poCode": "1"}}, "set for each order"),
    ({"fields": {"CUSTOMERCODE": "1"}}, "set for each order"),
    ({"fields": {"isApprovedCreditHold": True}}, "set for each order"),
    ({"line_fields": {"itemUnitPrice": 1}}, "set for each order"),
    ({"auth": {"mode": "bearer", "token": "x"}}, "the key is the user name"),
    ({"customer": {}}, "names no customer"),
    ({"timezone": "Europe/Londres"}, "no time zone"),
    ({"currency": "pounds"}, "no currency"),
    ({"shipping_sku": "FREIGHT"}, "freightAmount"),
    ({"country_names": {"UK": "United Kingdom"}}, "is no country"),
    ({"names": {"ship_stret": "address"}}, "ship_stret is no name that can be set"),
    ({"names": {"price": " "}}, "price must not be empty"),
    ({"names": {"route_header": "order"}}, "route_header needs"),
    ({"colour": "red"}, "Extra inputs"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_a_mistake_in_the_section_is_refused_with_what_to_write(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        destination(**changes)


def test_one_or_two_calls_at_a_time_unless_it_is_said_otherwise() -> None:
    assert destination().max_in_flight == 2
    assert destination(max_in_flight=4).max_in_flight == 4
