"""Order -> PUT /orders: field by field, and what holds for every order."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.destination import Unmappable
from schemas.ongoing import LIMITS, goods_order, to_ship
from tests.ongoing_fake import ORDER, body_of, destination, line, order, warnings_of
from tests.paths import SHARED, needs_shared


def test_an_order_becomes_this_body_and_no_other() -> None:
    body, warnings = goods_order(order(), number="1001", shop="acme-au", destination=destination())
    customer_number = body["consignee"].pop("customerNumber")
    assert customer_number.startswith("CD-")
    assert len(customer_number) == 23
    assert warnings == ()
    assert body == {
        "goodsOwnerId": 159,
        "orderNumber": "1001",
        "goodsOwnerOrderId": "820982911946154508",
        "marketPlace": {"marketPlace": "acme-au", "marketPlaceOrderNumber": "#1001"},
        "deliveryDate": "2026-11-20",
        "orderRemark": "Leave at the door",
        "salesCode": None,
        "emailNotification": {"toBeNotified": True, "value": "ada@example.com"},
        "smsNotification": {"toBeNotified": True, "value": "+61 2 5550 1234"},
        "consignee": {
            "name": "Ada Lovelace",
            "address1": "1 Analytical St",
            "address2": None,
            "postCode": "3188",
            "city": "Alabaster",
            "countryCode": "AU",
            "countryStateCode": "VIC",
        },
        "orderLines": [
            {
                "rowNumber": "466157049",
                "articleNumber": "MUG-BLUE",
                "numberOfItems": 2,
                "shouldBePicked": True,
                "comment": "Engraving: A.L.",
                "prices": {"linePrice": 72.64, "customerLinePrice": 79.9, "totalVat": 7.26, "currencyCode": "AUD"},
                "externalId": "466157049",
            },
            {
                "rowNumber": "466157050",
                "articleNumber": "TEE-M",
                "numberOfItems": 1,
                "shouldBePicked": True,
                "comment": None,
                "prices": {"linePrice": 10.91, "customerLinePrice": 12, "totalVat": 1.09, "currencyCode": "AUD"},
                "externalId": "466157050",
            },
        ],
    }


@needs_shared
@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        pytest.param({}, {}, id="plain"),
        pytest.param(
            {"ship_to": ORDER["ship_to"] | {"company": "Engines Ltd"}},
            {"shipping_sku": "FREIGHT", "ways_of_delivery": {"*": {"code": "STD", "name": "Standard"}}},
            id="everything",
        ),
    ],
)
def test_every_member_is_one_of_the_vendors_schema(changes: dict[str, Any], settings: dict[str, Any]) -> None:
    assert SHARED is not None
    document = json.loads((SHARED / "contracts" / "data" / "ongoing-openapi-reconstructed.json").read_text())
    schemas = document["components"]["schemas"]
    kinds = {str: "string", int: "number integer", float: "number", bool: "boolean", list: "array", dict: "object"}

    def check(value: Any, schema: dict[str, Any], where: str) -> None:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
        if value is None:
            assert schema.get("nullable"), where
            return
        assert schema["type"] in kinds[type(value)].split(), where
        if isinstance(value, dict):
            assert set(schema.get("required", ())) <= value.keys(), where
            for name, member in value.items():
                check(member, schema["properties"][name], f"{where}.{name}")
        for item in value if isinstance(value, list) else ():
            check(item, schema["items"], f"{where}[]")

    check(body_of(order(**changes), **settings), {"$ref": "#/components/schemas/PostOrderModel"}, "order")


@pytest.mark.parametrize(
    ("placed_at", "lead_days", "date"),
    [
        pytest.param("2026-11-20T23:30:00Z", 0, "2026-11-20", id="a bare date, so no zone moves it"),
        pytest.param("2026-11-20T23:30:00+11:00", 0, "2026-11-20", id="the shop's own day"),
        pytest.param("2026-12-30T10:00:00Z", 3, "2027-01-02", id="lead days"),
    ],
)
def test_delivery_date_is_the_day_of_the_order_and_the_lead_days(placed_at: str, lead_days: int, date: str) -> None:
    assert body_of(order(placed_at=placed_at), lead_days=lead_days)["deliveryDate"] == date


@pytest.mark.parametrize(
    ("ship_to", "name", "attention"),
    [
        pytest.param({"name": "Ada L."}, "Ada L.", None, id="a person"),
        pytest.param({"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace", None, id="in two parts"),
        pytest.param({"company": "Engines Ltd", "name": "Ada L."}, "Engines Ltd", "Ada L.", id="attention of"),
        pytest.param({"company": "Engines Ltd"}, "Engines Ltd", None, id="a company alone"),
    ],
)
def test_a_company_takes_the_name_and_the_person_becomes_attention_of(
    ship_to: dict[str, Any], name: str, attention: str | None
) -> None:
    body = body_of(order(ship_to=ship_to | {"address1": "1 St", "country": "SE"}))
    assert (body["consignee"]["name"], body["salesCode"]) == (name, attention)


def test_a_thin_address_goes_out_with_a_warning() -> None:
    an_order = order(ship_to={"address1": "1 St", "city": "Lund"})
    assert body_of(an_order)["consignee"]["countryCode"] is None
    assert warnings_of(an_order) == (
        "the shipping address has no name and no countryCode; the warehouse has to add it",
    )


@pytest.mark.parametrize(
    "ship_to",
    [
        pytest.param(None, id="none"),
        pytest.param({"name": "Ada", "country": "SE"}, id="nowhere to go"),
        pytest.param({"address1": "", "city": " "}, id="blanks"),
    ],
)
def test_goods_without_an_address_are_held(ship_to: dict[str, Any] | None) -> None:
    with pytest.raises(Unmappable, match="no shipping address") as caught:
        body_of(order(ship_to=ship_to))
    assert (caught.value.code, caught.value.hold) == ("no_address", True)


def test_services_need_neither_address_nor_sku() -> None:
    an_order = order(ship_to=None, lines=[line(shippable=False, sku=None)])
    assert to_ship(an_order) == ()
    assert body_of(an_order)["orderLines"] == []


def test_only_open_shippable_lines_go_out() -> None:
    lines = [
        line(id="1", quantity="5", open_quantity="3"),
        line(id="2", open_quantity="0", sku=None),
        line(id="3", shippable=False, sku=None),
    ]
    rows = body_of(order(lines=lines))["orderLines"]
    assert [(row["rowNumber"], row["numberOfItems"]) for row in rows] == [("1", 3)]


@pytest.mark.parametrize(
    ("changes", "currency", "prices"),
    [
        pytest.param(
            {"quantity": "3", "open_quantity": "2", "total_incl": "10.00", "tax": "2.00"},
            "SEK",
            (5.34, 6.67, 1.33),
            id="a third refunded",
        ),
        pytest.param(
            {"quantity": "3", "open_quantity": "1", "total_incl": "1000", "tax": "100"},
            "JPY",
            (300, 333, 33),
            id="yen have no decimals",
        ),
        pytest.param(
            {"quantity": "3", "total_incl": "10.005", "tax": "0"},
            "SEK",
            (10.005, 10.005, 0),
            id="the shop's own figure",
        ),
    ],
)
def test_prices_are_of_the_open_quantity(changes: dict[str, str], currency: str, prices: tuple[float, ...]) -> None:
    row = body_of(order(currency=currency, lines=[line(**changes)]))["orderLines"][0]
    linePrice, customerLinePrice, totalVat = prices  # noqa: N806 - the vendor's names
    assert row["prices"] == {
        "linePrice": linePrice,
        "customerLinePrice": customerLinePrice,
        "totalVat": totalVat,
        "currencyCode": currency,
    }


def test_skus_are_mapped() -> None:
    rows = body_of(order(), skus={"MUG-BLUE": "000250a"})["orderLines"]
    assert [row["articleNumber"] for row in rows] == ["000250a", "TEE-M"]


def test_a_line_without_sku_is_held_and_named() -> None:
    with pytest.raises(Unmappable, match=r"Line 7 \(A thing\) of order 1001 has no SKU") as caught:
        body_of(order(lines=[line(id="7", sku=None)]))
    assert (caught.value.code, caught.value.hold) == ("no_sku", True)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("2", "2"), ("2.000", "2"), ("0.1", "0.1"), ("1.255", "1.255"), ("0.00001", "1e-05"), ("1E+3", "1000")],
)
def test_quantities_are_exact_json_numbers(quantity: str, text: str) -> None:
    row = body_of(order(lines=[line(quantity=quantity)]))["orderLines"][0]
    assert json.dumps(row["numberOfItems"]) == text


def test_a_quantity_that_no_json_number_holds_is_refused() -> None:
    with pytest.raises(Unmappable, match=r"quantity 1\.00000000000000001") as caught:
        body_of(order(lines=[line(quantity="1.00000000000000001")]))
    assert (caught.value.code, caught.value.hold) == ("quantity", False)


@pytest.mark.parametrize(
    ("field", "changes", "number"),
    [
        pytest.param("orderNumber", {}, "9" * 51, id="orderNumber over 50"),
        pytest.param("goodsOwnerOrderId", {"shop_order_id": "x" * 51}, "1", id="goodsOwnerOrderId over 50"),
        pytest.param("rowNumber", {"lines": [line(id="x" * 41)]}, "1", id="rowNumber over 40"),
        pytest.param("articleNumber", {"lines": [line(sku="x" * 101)]}, "1", id="articleNumber over 100"),
        pytest.param("rowNumber", {"lines": [line(id="🧵" * 21)]}, "1", id="two units a character"),
    ],
)
def test_a_key_is_never_cut(field: str, changes: dict[str, Any], number: str) -> None:
    with pytest.raises(Unmappable, match=f"{field} has .* Ongoing takes {LIMITS[field]} ") as caught:
        body_of(order(**changes), number=number)
    assert (caught.value.code, caught.value.hold) == ("too_long", False)
    assert len(caught.value.reason) < 400


def test_row_numbers_that_a_database_takes_for_one_are_refused() -> None:
    with pytest.raises(Unmappable, match="cannot tell apart") as caught:
        body_of(order(lines=[line(id="a1"), line(id="A1")]))
    assert caught.value.code == "same_row"


def test_long_texts_are_cut_with_a_warning_that_does_not_repeat_them() -> None:
    long = order(
        note="n" * 501,
        ship_to=ORDER["ship_to"] | {"address1": "a" * 250, "postcode": "1" * 60},
        lines=[line(id="7", options={"Engraving": "e" * 300})],
    )
    body = body_of(long)
    assert body["orderRemark"] == "n" * 500
    assert body["consignee"]["address1"] == "a" * 200
    assert body["orderLines"][0]["comment"] == "Engraving: " + "e" * 289
    assert warnings_of(long) == (
        "orderRemark was cut from 501 to 500 characters, the limit at Ongoing",
        "consignee.address1 was cut from 250 to 200 characters, the limit at Ongoing",
        "consignee.postCode was cut from 60 to 50 characters, the limit at Ongoing",
        "line 7: comment was cut from 311 to 300 characters, the limit at Ongoing",
    )


WAYS = {"express": {"code": "EXP"}, "Express parcel": {"code": "EP"}, "*": {"code": "STD", "name": "Standard"}}


@pytest.mark.parametrize(
    ("ways", "shipping", "way"),
    [
        pytest.param(WAYS, {"code": "express", "name": "Express parcel"}, {"code": "EXP"}, id="by code"),
        pytest.param(WAYS, {"code": "x", "name": "Express parcel"}, {"code": "EP"}, id="by name"),
        pytest.param(WAYS, {"code": "x"}, {"code": "STD", "name": "Standard"}, id="default"),
        pytest.param(WAYS, None, {"code": "STD", "name": "Standard"}, id="no shipping method"),
        pytest.param({}, {"code": "express"}, None, id="an empty map"),
    ],
)
def test_way_of_delivery(ways: dict[str, Any], shipping: dict[str, Any] | None, way: dict[str, str] | None) -> None:
    charges = [{"total_incl": "1", "tax": "0"} | shipping] if shipping else []
    an_order = order(shipping=charges)
    assert body_of(an_order, ways_of_delivery=ways).get("wayOfDelivery") == way
    assert warnings_of(an_order, ways_of_delivery=ways) == ()


def test_an_unknown_shipping_method_is_told() -> None:
    ways = {"standard": {"code": "STD"}}
    assert "wayOfDelivery" not in body_of(order(), ways_of_delivery=ways)
    assert warnings_of(order(), ways_of_delivery=ways) == (
        "ways_of_delivery has no \"*\" and nothing for shipping method 'express'; the warehouse chooses",
    )


def test_the_shipping_charge_becomes_a_row_that_nobody_picks_where_a_sku_is_set() -> None:
    row = body_of(order(), shipping_sku="FREIGHT")["orderLines"][-1]
    assert (row["rowNumber"], row["articleNumber"], row["numberOfItems"]) == ("shipping", "FREIGHT", 1)
    assert row["shouldBePicked"] is False
    assert row["prices"]["customerLinePrice"] == 10
    free = order(shipping=[{"code": "free", "total_incl": "0", "tax": "0"}])
    assert len(body_of(free, shipping_sku="FREIGHT")["orderLines"]) == 2
    assert len(body_of(order(), shipping_sku=False)["orderLines"]) == 2


def test_the_receiver_is_told_only_in_the_ways_that_are_wanted() -> None:
    body = body_of(order(), notify=["email"])
    assert body["emailNotification"] == {"toBeNotified": True, "value": "ada@example.com"}
    assert body["smsNotification"] == {"toBeNotified": False, "value": "+61 2 5550 1234"}
    nobody = body_of(order(email=None, phone=""))
    assert nobody["emailNotification"] == nobody["smsNotification"] == {"toBeNotified": False, "value": None}


def test_the_receivers_phone_goes_before_the_buyers() -> None:
    body = body_of(order(ship_to=ORDER["ship_to"] | {"phone": "+46 70 1"}))
    assert body["smsNotification"]["value"] == "+46 70 1"


def test_a_customer_number_stands_for_one_receiver_at_one_place() -> None:
    def customer_number(shop: str = "acme-au", **changes: Any) -> str:
        return str(body_of(order(**changes), shop=shop)["consignee"]["customerNumber"])

    again = customer_number(shop_order_id="2", note="another order", lines=[line()])
    assert customer_number() == again
    assert customer_number() == customer_number(ship_to=ORDER["ship_to"] | {"city": " ALABASTER"})
    others = {
        customer_number(ship_to=ORDER["ship_to"] | {"address1": "2 Analytical St"}),
        customer_number(ship_to=ORDER["ship_to"] | {"first_name": "Byron"}),
        customer_number(email="byron@example.com"),
        customer_number(shop="acme-nz"),
    }
    assert len(others | {again}) == 5
    assert "ada" not in again.lower()


def test_fields_go_into_the_body_as_they_stand() -> None:
    fields = {
        "orderType": {"code": "B2C"},
        "warehouseId": 3,
        "orderRemark": "fragile",
        "advanced": {"communication": "web"},
        "classes": [{"code": "web"}],
    }
    body = body_of(order(), fields=fields)
    assert {name: body[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"orderNumber": "1"}, "orderNumber: written from the order itself", id="a key of ours"),
        pytest.param({"orderLines": []}, "orderLines: written from the order itself", id="the lines"),
        pytest.param({"freeText1": "x" * 301}, "freeText1: 301 characters, and Ongoing takes 300", id="too long"),
    ],
)
def test_fields_that_cannot_be_sent_are_refused_with_the_configuration(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        destination(fields=fields)


lines = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "sku": st.text("ABC-1", min_size=1, max_size=10),
            "quantity": st.decimals("0.001", 10_000, places=3),
            "open": st.sampled_from(["0", "0.25", "0.5", "1"]),
            "shippable": st.booleans(),
            "total_incl": st.decimals(0, 10_000, places=2),
            "tax": st.just("0"),
        }
    ),
    unique_by=lambda one: one["id"],
)


@settings(deadline=None)
@given(lines=lines)
def test_rows_are_unique_and_their_items_add_up_to_what_is_open(lines: list[dict[str, Any]]) -> None:
    made = [one | {"open_quantity": one["quantity"] * Decimal(one["open"])} for one in lines]
    an_order = order(lines=made)
    rows = json.loads(json.dumps(body_of(an_order)["orderLines"]), parse_float=Decimal, parse_int=Decimal)
    numbers = [row["rowNumber"] for row in rows]
    assert len(numbers) == len(set(numbers))
    expected = sum((part.open_quantity for part in an_order.lines if part.shippable), Decimal(0))
    assert sum((row["numberOfItems"] for row in rows), Decimal(0)) == expected
