"""The Ongoing stand-in answers as contracts/ongoing.md says, over HTTP."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.paths import SHARED, needs_shared
from tests.sandboxed import Sandboxed, goods_order

MINE = {"goodsOwnerId": "159"}


def put(sandbox: Sandboxed, *args: Any, **changes: Any) -> int:
    answer = sandbox.ongoing("PUT", json=goods_order(*args, **changes)).raise_for_status()
    return int(answer.json()["orderId"])


def set_status(sandbox: Sandboxed, order_id: int, number: int) -> httpx.Response:
    return sandbox.ongoing("PATCH", f"orders/{order_id}/orderStatus", json={"orderStatusNumber": number})


def find(sandbox: Sandboxed, **params: str) -> list[str]:
    answer = sandbox.ongoing("GET", params={**MINE, **params}).raise_for_status()
    return [order["orderInfo"]["orderNumber"] for order in answer.json()]


def refused(answer: httpx.Response, text: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()) == (status, {"message": text})


# ------------------------------------------------------------------ login and errors: sections 1.1, 1.8


@pytest.mark.parametrize("auth", [None, ("WSI-sandbox", "wrong"), ("WSI-other", "sandbox-ongoing")], ids=str)
def test_a_wrong_login_is_401(sandbox: Sandboxed, auth: tuple[str, str] | None) -> None:
    answer = sandbox.http.get("/ongoing/api/v1/warehouses", auth=auth)
    assert answer.status_code == 401
    assert answer.json() == {"Message": "Authorization has been denied for this request."}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "articles/inventory", 404),
        ("GET", "customers", 404),
        ("GET", "orders/ABC", 404),
        ("GET", "orders/1", 404),
        ("POST", "orders", 405),
        ("POST", "articles", 405),
        ("DELETE", "warehouses", 405),
    ],
)
def test_calls_that_people_guess_do_not_exist(sandbox: Sandboxed, method: str, path: str, status: int) -> None:
    assert sandbox.ongoing(method, path).status_code == status


REQUIRED = {
    "goodsOwnerId": "order.goodsOwnerId",
    "orderNumber": "order.orderNumber",
    "deliveryDate": "order.deliveryDate",
    "consignee": "order.consignee",
}
UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    **{f"no {name}": ({name: None}, where) for name, where in REQUIRED.items()},
    "empty number": ({"orderNumber": ""}, "order.orderNumber"),
    "no rowNumber": ({"orderLines": [{"articleNumber": "A"}]}, "order.orderLines[0].rowNumber"),
    "empty rowNumber": (
        {"orderLines": [{"rowNumber": "", "articleNumber": "A"}]},
        "order.orderLines[0].rowNumber",
    ),
    "no articleNumber": ({"orderLines": [{"rowNumber": "1"}]}, "order.orderLines[0].articleNumber"),
    "owner in words": ({"goodsOwnerId": "mine"}, "order.goodsOwnerId"),
    "date in words": ({"deliveryDate": "tomorrow"}, "order.deliveryDate"),
    "lines as an object": ({"orderLines": {"rowNumber": "1"}}, "order.orderLines"),
    "quantity in words": (
        {"orderLines": [{"rowNumber": "1", "articleNumber": "A", "numberOfItems": "two"}]},
        "order.orderLines[0].numberOfItems",
    ),
    "payment as a boolean": (
        {"transporter": {"transporterCode": "PLAB", "paymentAdvanced": True}},
        "order.transporter.paymentAdvanced",
    ),
    "remark of 501": ({"orderRemark": "x" * 501}, "order.orderRemark"),
    "name of 101 emoji": ({"consignee": {"name": "\U0001f600" * 101}}, "order.consignee.name"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_body_that_does_not_fit_is_refused_field_by_field(sandbox: Sandboxed, case: str) -> None:
    changes, where = UNFIT[case]
    answer = sandbox.ongoing("PUT", json=goods_order(**changes))
    assert answer.status_code == 400
    assert answer.json()["Message"] == "The request is invalid."
    assert list(answer.json()["ModelState"]) == [where]
    assert sandbox.get("counts")["ongoing"] == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"goodsOwnerId": NaN}'], ids=str)
def test_a_body_that_is_no_order_is_refused(sandbox: Sandboxed, content: bytes) -> None:
    answer = sandbox.ongoing("PUT", content=content)
    assert answer.status_code == 400
    assert "ModelState" in answer.json()


def test_all_that_is_missing_is_named_at_once(sandbox: Sandboxed) -> None:
    answer = sandbox.ongoing("PUT", json={"orderLines": [{}]})
    assert len(answer.json()["ModelState"]) == 6


def test_numbers_may_come_as_strings(sandbox: Sandboxed) -> None:
    line = {"rowNumber": 1, "articleNumber": "A", "numberOfItems": "2.5"}
    order_id = put(sandbox, goodsOwnerId="159", orderLines=[line])
    (shown,) = sandbox.ongoing("GET", f"orders/{order_id}").json()["orderLines"]
    assert (shown["rowNumber"], shown["orderedNumberOfItems"]) == ("1", 2.5)


def test_long_texts_may_be_accepted(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", long_texts="accept")
    put(sandbox, orderRemark="x" * 501)


def test_unknown_members_are_ignored_unless_the_site_is_strict(sandbox: Sandboxed) -> None:
    put(sandbox, colour="blue", consignee={"name": "N", "email": "a@example.com"})
    sandbox.switch("ongoing", strict_members=True)
    answer = sandbox.ongoing("PUT", json=goods_order(colour="blue", consignee={"email": "a@example.com"}))
    assert set(answer.json()["ModelState"]) == {"order.colour", "order.consignee.email"}


@needs_shared
def test_every_documented_member_of_an_order_is_known(sandbox: Sandboxed) -> None:
    """A strict site takes a body that has every member of the vendor's schema."""
    assert SHARED is not None
    data = json.loads((SHARED / "contracts/data/ongoing-openapi-reconstructed.json").read_text())
    schemas = data["components"]["schemas"]

    def example(schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return example(schemas[schema["$ref"].rpartition("/")[2]])
        if "properties" in schema:
            return {name: example(member) for name, member in schema["properties"].items()}
        examples = {"string": "1", "integer": 1, "number": 1.5, "boolean": True, "object": {}}
        if schema["type"] == "array":
            return [example(schema["items"])]
        return "2026-11-20" if schema.get("format") == "date-time" else examples[schema["type"]]

    sandbox.switch("ongoing", strict_members=True, unknown_transporter="accept")
    body = {**example(schemas["PostOrderModel"]), "goodsOwnerId": 159}
    answer = sandbox.ongoing("PUT", json=body)
    assert answer.status_code == 201, answer.text
    shown = sandbox.ongoing("GET", f"orders/{answer.json()['orderId']}").json()
    assert shown["orderInfo"].keys() <= schemas["GetOrderInfo"]["properties"].keys()
    assert shown["orderLines"][0].keys() <= schemas["GetOrderLine"]["properties"].keys()
    assert shown.keys() == schemas["GetOrderModel"]["properties"].keys()


REFUSALS: dict[str, dict[str, Any]] = {
    "Article number 'UNKNOWN-1' does not exist.": {"orderLines": [{"rowNumber": "1", "articleNumber": "UNKNOWN-1"}]},
    "Row number '1' occurs more than once.": {"orderLines": [{"rowNumber": "1", "articleNumber": "A"}] * 2},
    "There is no transporter contract with code 'PLAB' and service code 'P99'.": {
        "transporter": {"transporterCode": "PLAB", "transporterServiceCode": "P99"}
    },
    "You do not have access to goods owner with ID '7'.": {"goodsOwnerId": 7},
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_business_refusal_keeps_nothing(sandbox: Sandboxed, text: str) -> None:
    refused(sandbox.ongoing("PUT", json=goods_order(**REFUSALS[text])), text)
    assert sandbox.get("counts")["ongoing"] == {}


def test_refusals_may_be_spelled_message_with_a_capital(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", error_key="Message")
    assert list(sandbox.ongoing("GET", "orders/1").json()) == ["Message"]


def test_unknown_articles_and_transporters_may_be_accepted(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", unknown_article="accept", unknown_transporter="accept")
    line = {"rowNumber": "1", "articleNumber": "UNKNOWN-1", "numberOfItems": 1}
    body = goods_order(orderLines=[line], transporter={"transporterCode": "X"})
    assert sandbox.ongoing("PUT", json=body).status_code == 201
    sandbox.switch("ongoing", unknown_article="refuse")
    assert sandbox.ongoing("PUT", json=body).status_code == 400, "accepted on an order is not known"


def test_articles_may_be_a_fixed_list_that_put_articles_adds_to(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", articles=["1009"])
    line = {"rowNumber": "1", "articleNumber": "NEW-1"}
    assert sandbox.ongoing("PUT", json=goods_order(orderLines=[line])).status_code == 400
    article = {"goodsOwnerId": 159, "articleNumber": "NEW-1", "articleName": "New"}
    answer = sandbox.ongoing("PUT", "articles", json=article)
    assert answer.json().keys() == {"articleSystemId", "message"}
    assert sandbox.ongoing("PUT", json=goods_order(orderLines=[line])).status_code == 201


# ------------------------------------------------------------------ PUT: section 1.5


def test_creating_is_201_and_updating_200_with_the_same_id_and_text(sandbox: Sandboxed) -> None:
    first = sandbox.ongoing("PUT", json=goods_order("O987654"))
    second = sandbox.ongoing("PUT", json=goods_order("O987654"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["message"] == (
        "Customer with customer number 'CN1' and ID '21628' created. <br/> <br/>Order number O987654 created/updated"
    )
    assert sandbox.get("counts")["ongoing"] == {"O987654": 1}
    assert sandbox.get("orders")["ongoing"]["O987654"][0]["writes"] == 2


def test_a_site_may_answer_200_on_create(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", create_status=200)
    assert sandbox.ongoing("PUT", json=goods_order()).status_code == 200


def test_numbers_that_differ_in_case_are_one_order(sandbox: Sandboxed) -> None:
    assert put(sandbox, "web-1a") == put(sandbox, "WEB-1A")
    assert find(sandbox, orderNumber="Web-1a") == ["WEB-1A"]


def test_an_update_replaces_everything_and_keeps_line_ids_by_row_number(sandbox: Sandboxed) -> None:
    lines = [{"rowNumber": str(n), "articleNumber": "A", "numberOfItems": n} for n in (1, 2)]
    order_id = put(sandbox, orderRemark="careful", orderLines=lines)
    before = sandbox.ongoing("GET", f"orders/{order_id}").json()
    put(sandbox, orderLines=[{"rowNumber": "3", "articleNumber": "C"}, lines[1]])
    after = sandbox.ongoing("GET", f"orders/{order_id}").json()
    assert after["orderInfo"]["orderRemark"] is None
    assert [line["rowNumber"] for line in after["orderLines"]] == ["3", "2"]
    assert after["orderLines"][1]["id"] == before["orderLines"][1]["id"]
    assert after["orderLines"][0]["id"] not in {line["id"] for line in before["orderLines"]}


def test_an_order_may_be_updated_by_id_and_may_change_its_number(sandbox: Sandboxed) -> None:
    order_id = put(sandbox, "1001")
    put(sandbox, "1002")
    answer = sandbox.ongoing("PUT", f"orders/{order_id}", json=goods_order("1003"))
    assert answer.json()["orderId"] == order_id
    assert sandbox.get("counts")["ongoing"] == {"1003": 1, "1002": 1}
    taken = sandbox.ongoing("PUT", f"orders/{order_id}", json=goods_order("1002"))
    refused(taken, "Order number 1002 is already used by another order.")
    unknown = sandbox.ongoing("PUT", "orders/1", json=goods_order("1009"))
    refused(unknown, "There is no order with ID '1'.", 404)


@pytest.mark.parametrize(("status", "allowed"), [(200, True), (300, True), (320, False), (450, False)])
def test_work_that_has_begun_locks_the_order(sandbox: Sandboxed, status: int, allowed: bool) -> None:
    order_id = put(sandbox)
    set_status(sandbox, order_id, status).raise_for_status()
    answer = sandbox.ongoing("PUT", json=goods_order(orderRemark="late"))
    assert answer.status_code == (200 if allowed else 400)
    remark = sandbox.ongoing("GET", f"orders/{order_id}").json()["orderInfo"]["orderRemark"]
    assert remark == ("late" if allowed else None), "a refused update leaves the order as it was"


def test_a_tenant_may_lock_earlier_and_start_elsewhere(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", start_status=300, locked_from=300)
    put(sandbox)
    answer = sandbox.ongoing("PUT", json=goods_order())
    refused(answer, "Order number 1001 cannot be changed: the warehouse has started working on it.")


# ------------------------------------------------------------------ DELETE: sections 1.3, 1.8


def test_an_order_is_cancelled_by_id_and_by_number(sandbox: Sandboxed) -> None:
    first, second = put(sandbox, "1001"), put(sandbox, "1002")
    by_id = sandbox.ongoing("DELETE", f"orders/{first}")
    by_number = sandbox.ongoing("DELETE", params={**MINE, "orderNumber": "1002"})
    assert (by_id.json()["orderId"], by_number.json()["orderId"]) == (first, second)
    assert sandbox.get("counts")["ongoing"] == {"1001": 0, "1002": 0}
    shown = sandbox.ongoing("GET", f"orders/{first}").json()["orderInfo"]["orderStatus"]
    assert shown == {"number": 1000, "text": "Cancelled"}


def test_cancelling_again_is_refused_or_fine(sandbox: Sandboxed) -> None:
    order_id = put(sandbox)
    sandbox.ongoing("DELETE", f"orders/{order_id}").raise_for_status()
    refused(sandbox.ongoing("DELETE", f"orders/{order_id}"), "Order number 1001 is already cancelled.")
    sandbox.switch("ongoing", already_cancelled="ok")
    assert sandbox.ongoing("DELETE", f"orders/{order_id}").json()["orderId"] == order_id


def test_a_cancelled_number_is_not_taken_up_again(sandbox: Sandboxed) -> None:
    sandbox.ongoing("DELETE", f"orders/{put(sandbox)}").raise_for_status()
    refused(sandbox.ongoing("PUT", json=goods_order()), "Order number 1001 is cancelled and cannot be changed.")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (320, "Order number 1001 cannot be cancelled: the warehouse has started working on it."),
        (450, "Order number 1001 is already shipped and cannot be cancelled."),
    ],
)
def test_a_cancel_that_comes_too_late_is_refused(sandbox: Sandboxed, status: int, text: str) -> None:
    order_id = put(sandbox)
    set_status(sandbox, order_id, status)
    refused(sandbox.ongoing("DELETE", f"orders/{order_id}"), text)
    assert sandbox.get("counts")["ongoing"] == {"1001": 1}


def test_cancelling_what_is_not_there_is_404(sandbox: Sandboxed) -> None:
    assert sandbox.ongoing("DELETE", "orders/1").status_code == 404
    assert sandbox.ongoing("DELETE", params={**MINE, "orderNumber": "1"}).status_code == 404


# ------------------------------------------------------------------ status: section 1.7


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (777, "There is no order status with number 777."),
        (1000, "An order cannot be cancelled by setting its status."),
    ],
)
def test_a_status_that_cannot_be_set_is_refused(sandbox: Sandboxed, number: int, text: str) -> None:
    refused(set_status(sandbox, put(sandbox), number), text)


def test_a_status_moves_the_quantities(sandbox: Sandboxed) -> None:
    order_id = put(sandbox)
    for number, allocated, picked in ((200, 0.0, 0.0), (320, 2.0, 0.0), (400, 0.0, 2.0)):
        assert set_status(sandbox, order_id, number).json()["orderId"] == order_id
        (line,) = sandbox.ongoing("GET", f"orders/{order_id}").json()["orderLines"]
        assert (line["allocatedNumberOfItems"], line["pickedNumberOfItems"]) == (allocated, picked)


# ------------------------------------------------------------------ GET: section 1.6


def test_absent_values_and_empty_arrays_are_null(sandbox: Sandboxed) -> None:
    order_id = put(sandbox, orderLines=None)
    shown = sandbox.ongoing("GET", f"orders/{order_id}").json()
    assert [shown[name] for name in ("tracking", "parcels", "classes", "orderLines")] == [None] * 4
    assert shown["consignee"]["postCode"] is None
    sandbox.switch("ongoing", null_arrays=False)
    shown = sandbox.ongoing("GET", f"orders/{order_id}").json()
    assert [shown[name] for name in ("tracking", "parcels", "classes", "orderLines")] == [[]] * 4


def test_an_order_is_shown_with_what_was_sent(sandbox: Sandboxed) -> None:
    market = {"marketPlace": "acme", "marketPlaceOrderNumber": "#1001"}
    transporter = {"transporterCode": "PLAB", "transporterServiceCode": "P19"}
    order_id = put(sandbox, deliveryDate="2019-10-10T23:30:00Z", marketPlace=market, transporter=transporter)
    shown = sandbox.ongoing("GET", f"orders/{order_id}").json()
    info = shown["orderInfo"]
    assert (info["marketPlace"], info["deliveryDate"]) == (market, "2019-10-10")
    assert info["orderStatus"] == {"number": 200, "text": "Open"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", info["createdDate"])
    assert (shown["transporter"]["code"], shown["transporter"]["serviceCode"]) == ("PLAB", "P19")


def test_a_look_up_by_number_is_an_array_and_empty_if_there_is_none(sandbox: Sandboxed) -> None:
    put(sandbox)
    assert find(sandbox, orderNumber="1001") == ["1001"]
    assert find(sandbox, orderNumber="1002") == []


def test_the_goods_owner_is_required(sandbox: Sandboxed) -> None:
    answer = sandbox.ongoing("GET")
    assert "goodsOwnerId" in answer.json()["ModelState"]
    refused(
        sandbox.ongoing("GET", params={"goodsOwnerId": 1}),
        "You do not have access to goods owner with ID '1'.",
    )


FAR = "2999-01-01T00:00:00Z"
FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["1", "2", "3"]),
    ({"maxOrdersToGet": "2"}, ["1", "2"]),
    ({"orderIdFrom": "219002", "maxOrdersToGet": "1"}, ["2"]),
    ({"orderStatusFrom": "300"}, ["2", "3"]),
    ({"orderStatusFrom": "300", "orderStatusTo": "300"}, ["2"]),
    ({"orderCreatedTimeFrom": FAR}, []),
    ({"orderCreatedTimeTo": FAR}, ["1", "2", "3"]),
    ({"orderStatusChangedTimeFrom": "2000-01-01T00:00:00Z"}, ["1", "2", "3"]),
    ({"shippedTimeFrom": "2000-01-01"}, ["3"]),
    ({"marketPlace": "acme"}, ["1"]),
    ({"articleNumbers": "1009"}, ["1", "2", "3"]),
    ({"parcelNumber": "1"}, []),
    ({"pickable": "NotPickable"}, []),
    ({"pageSize": "1"}, ["1", "2", "3"]),
]


@pytest.mark.parametrize(("params", "found"), FILTERS, ids=[str(params) for params, _ in FILTERS])
def test_orders_are_filtered_and_paged_by_id(sandbox: Sandboxed, params: dict[str, str], found: list[str]) -> None:
    put(sandbox, "1", marketPlace={"marketPlace": "acme"})
    set_status(sandbox, put(sandbox, "2"), 300)
    set_status(sandbox, put(sandbox, "3"), 450)
    assert find(sandbox, **params) == found


def test_an_array_is_a_repeated_key_and_a_comma_matches_nothing(sandbox: Sandboxed) -> None:
    for number in ("1", "2", "3"):
        put(sandbox, number)
    repeated = sandbox.ongoing("GET", params=[("goodsOwnerId", "159"), ("orderNumbers", "1"), ("orderNumbers", "3")])
    assert len(repeated.json()) == 2
    assert find(sandbox, orderNumbers="1,3") == []


@pytest.mark.parametrize(
    ("path", "name", "hours"), [("orders", "orderUpdatedTimeFrom", 49), ("articles", "stockInfoChangedFrom", 25)]
)
def test_a_time_too_far_back_is_400(sandbox: Sandboxed, path: str, name: str, hours: int) -> None:
    ask = {**MINE, name: (datetime.now(UTC) - timedelta(hours=hours)).isoformat()}
    assert "must be within" in sandbox.ongoing("GET", path, params=ask).json()["message"]
    ask[name] = datetime.now(UTC).isoformat()
    assert sandbox.ongoing("GET", path, params=ask).status_code == 200


def test_a_get_right_after_a_put_may_see_the_state_before(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", read_lag_s=0.4)
    order_id = put(sandbox)
    assert find(sandbox, orderNumber="1001") == []
    assert sandbox.ongoing("GET", f"orders/{order_id}").status_code == 404
    time.sleep(0.5)
    put(sandbox, orderRemark="new")
    assert sandbox.ongoing("GET", f"orders/{order_id}").json()["orderInfo"]["orderRemark"] is None
    time.sleep(0.5)
    assert sandbox.ongoing("GET", f"orders/{order_id}").json()["orderInfo"]["orderRemark"] == "new"


# ------------------------------------------------------------------ lookups and articles: sections 1.3, 1.7, 1.9


def test_the_tenant_has_its_own_status_list(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", statuses={"200": "Åpen", "1000": "Avbrutt"})
    answer = sandbox.ongoing("GET", "orders/statuses").json()
    assert answer == {"orderStatuses": [{"number": 200, "text": "Åpen"}, {"number": 1000, "text": "Avbrutt"}]}


def test_a_way_of_delivery_is_created_by_the_order_that_names_it(sandbox: Sandboxed) -> None:
    put(sandbox, wayOfDelivery={"code": "STD", "name": "Standard"})
    way = {"goodsOwnerId": 159, "code": "EXP", "name": "Express"}
    assert sandbox.ongoing("PUT", "orders/wayOfDeliveryTypes", json=way).json()["wayOfDeliveryTypeId"] == 2
    listed = sandbox.ongoing("GET", "orders/wayOfDeliveryTypes", params=MINE).json()["wayOfDeliveryTypes"]
    assert [(way["id"], way["code"], way["name"]) for way in listed] == [
        (1, "STD", "Standard"),
        (2, "EXP", "Express"),
    ]


def test_transporter_contracts_list_the_codes_that_orders_may_use(sandbox: Sandboxed) -> None:
    contract = sandbox.ongoing("GET", "transporterContracts", params=MINE).json()[0]
    codes = {name: contract[name] for name in ("transporterCode", "transporterServiceCode")}
    assert sandbox.ongoing("PUT", json=goods_order(transporter=codes)).status_code == 201


def test_warehouses_need_no_goods_owner(sandbox: Sandboxed) -> None:
    (warehouse,) = sandbox.ongoing("GET", "warehouses").json()
    assert (warehouse["id"], warehouse["code"]) == (1, "MAIN")


def test_an_order_lowers_what_can_be_sold_and_never_is_refused_for_it(sandbox: Sandboxed) -> None:
    put(sandbox, orderLines=[{"rowNumber": "1", "articleNumber": "1009", "numberOfItems": 1500}])
    (article,) = sandbox.ongoing("GET", "articles", params={**MINE, "articleNumber": "1009"}).json()
    assert article["inventoryInfo"]["sellableNumberOfItems"] == -500.0
    same = sandbox.ongoing("GET", f"articles/{article['articleSystemId']}").json()
    assert same == article


def test_articles_are_found_by_number_unless_they_are_unknown(sandbox: Sandboxed) -> None:
    found = sandbox.ongoing(
        "GET", "articles", params=[("goodsOwnerId", "159"), ("articleNumbers", "A"), ("articleNumbers", "UNKNOWN-1")]
    )
    assert [article["articleNumber"] for article in found.json()] == ["A"]


# ------------------------------------------------------------------ one write at a time: section 1.8


def at_once(sandbox: Sandboxed, count: int) -> float:
    threads = [threading.Thread(target=put, args=(sandbox, f"T{n}")) for n in range(count)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - started


def test_writes_run_one_at_a_time_and_how_many_came_at_once_is_counted(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", write_s=0.1)
    put(sandbox, "1")
    put(sandbox, "2")
    assert sandbox.get("calls")["writes_in_flight"]["ongoing"] == {"159": {"now": 0, "most": 1}}
    assert at_once(sandbox, 4) >= 0.4
    assert sandbox.get("calls")["writes_in_flight"]["ongoing"] == {"159": {"now": 0, "most": 4}}


def test_writes_may_run_side_by_side(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", write_s=0.3, serialise_writes=False)
    assert at_once(sandbox, 4) < 0.9
