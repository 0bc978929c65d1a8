"""Comparing what was sent to Ongoing with what GET /orders shows."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.echo import same, whole
from schemas.ongoing_reply import FoundOrder, differences
from tests.ongoing_fake import ORDER, body_of, line, order

WAYS = {"*": {"code": "EXP", "name": "Express"}}


def echo(body: dict[str, Any], **info: Any) -> dict[str, Any]:
    """The order as GET /orders shows it: numbers as 2.0, dates with a time, more members than were sent."""
    head = {name: value for name, value in body.items() if name not in ("goodsOwnerId", "consignee", "orderLines")}
    return {
        "orderInfo": head
        | {
            "orderId": 77,
            "orderStatus": {"number": 200, "text": "Öppen"},
            "deliveryDate": body["deliveryDate"] + "T00:00:00Z",
        }
        | info,
        "consignee": body["consignee"] | {"id": 5},
        "parcels": None,
        "tracking": None,
        "orderLines": [
            {
                "id": 900 + index,
                "rowNumber": row["rowNumber"],
                "externalId": row["externalId"],
                "article": {"articleSystemId": 1, "articleNumber": row["articleNumber"].lower()},
                "orderedNumberOfItems": float(row["numberOfItems"]),
                "comment": row["comment"],
                "shouldBePicked": row["shouldBePicked"],
                "prices": {name: value for name, value in row["prices"].items() if name != "totalVat"},
            }
            for index, row in enumerate(body["orderLines"])
        ],
    }


def found(json_: dict[str, Any]) -> FoundOrder:
    return FoundOrder(77, "820982911946154508", "acme-au", 200, json_)


def test_an_echo_with_its_own_spelling_does_not_differ() -> None:
    body = body_of(order(), ways_of_delivery=WAYS)
    there = echo(body, wayOfDelivery={"code": "EXP", "name": "Their name"})
    assert differences(body, found(there)) == ()


def test_members_that_the_warehouse_does_not_show_say_nothing() -> None:
    body = body_of(order())
    there = echo(body)
    del there["orderInfo"]["salesCode"], there["consignee"]["customerNumber"], there["orderLines"][0]["prices"]
    assert differences(body, found(there)) == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({"note": "Ring twice"}, ("orderRemark",), id="another note"),
        pytest.param({"note": None}, ("orderRemark",), id="the note was taken away"),
        pytest.param({"email": None}, ("emailNotification", "consignee.customerNumber"), id="no mail any more"),
        pytest.param(
            {"ship_to": ORDER["ship_to"] | {"city": "Ballarat"}},
            ("consignee.customerNumber", "consignee.city"),
            id="another city",
        ),
        pytest.param(
            {"lines": [ORDER["lines"][0] | {"open_quantity": "1"}, ORDER["lines"][1]]},
            ("orderLines[466157049].numberOfItems", "orderLines[466157049].prices"),
            id="one item less",
        ),
        pytest.param({"lines": ORDER["lines"][:1]}, ("orderLines[466157050]",), id="a line less"),
        pytest.param({"lines": [*ORDER["lines"], line(id="9")]}, ("orderLines[9]",), id="a line more"),
        pytest.param(
            {"lines": [ORDER["lines"][0] | {"options": {"Engraving": "a.l."}}, ORDER["lines"][1]]},
            ("orderLines[466157049].comment",),
            id="case counts in an engraving",
        ),
    ],
)
def test_what_differs_is_named_without_its_value(changes: dict[str, Any], names: tuple[str, ...]) -> None:
    assert differences(body_of(order(**changes)), found(echo(body_of(order())))) == names


def test_lines_that_are_null_after_a_write_differ_and_rows_of_nothing_do_not() -> None:
    body = body_of(order())
    there = echo(body)
    gone = {"rowNumber": "old", "article": None, "orderedNumberOfItems": 0.0}
    assert differences(body, found(there | {"orderLines": [*there["orderLines"], gone]})) == ()
    missing = differences(body, found(there | {"orderLines": None}))
    assert missing == ("orderLines[466157049]", "orderLines[466157050]")


@pytest.mark.parametrize(
    ("sent", "shown", "equal"),
    [
        (2, 2.0, True),
        (0.1, "0.1", True),
        (2, None, False),
        (None, "", True),
        (None, None, True),
        ("x", None, False),
        ("a  b\r\nc", "a b\nc ", True),
        ("a", "A", False),
        (True, True, True),
        (False, None, True),
        (True, None, False),
        ([1], None, False),
        ([], None, True),
        ({"a": 1}, {"a": 1.0, "b": 2}, True),
        ({"a": 1}, {"b": 2}, True),
        ({"a": 1}, None, False),
        ({"a": None}, None, True),
        ({"value": "x"}, {}, False),
    ],
)
def test_what_counts_as_the_same(sent: Any, shown: Any, equal: bool) -> None:
    assert same(sent, shown) is equal


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (7.5, None),
        (0, None),
        (-1, None),
        (True, None),
        (None, None),
        ("NaN", None),
        ("x", None),
    ],
)
def test_an_order_id_is_a_positive_integer(value: object, number: int | None) -> None:
    assert whole(value) == number
