"""The Ongoing stand-in answers SOAP as contracts/ongoing.md section 2 says, over HTTP and on the orders of REST."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from tests.sandboxed import ONGOING_LOGIN, Sandboxed, goods_order

NS = "http://ongoingsystems.se/WSI"
PATH = "/ongoing/acme/Service.asmx"
LINE = {"ArticleIdentification": "ArticleNumber", "ArticleNumber": "1009", "NumberOfItems": "2"}
CODED = LINE | {"OrderLineIdentification": "ExternalOrderLineCode"}


def xml(tree: Mapping[str, Any]) -> str:
    """Elements by name; a list repeats its element, None leaves it out."""
    parts = []
    for name, value in tree.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                parts.append(f"<{name}>{xml(one) if isinstance(one, Mapping) else one}</{name}>")
    return "".join(parts)


def post(sandbox: Sandboxed, operation: str, content: Mapping[str, Any], **changes: Any) -> httpx.Response:
    """Call an operation; ``changes`` replace what stands beside the content, the action included."""
    user, password = ONGOING_LOGIN
    login = {"GoodsOwnerCode": "ACME", "UserName": user, "Password": password}
    action = changes.pop("action", f'"{NS}/{operation}"')
    body = xml({**login, **changes, **content})
    text = (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<soap:Body><{operation} xmlns="{NS}">{body}</{operation}></soap:Body></soap:Envelope>'
    )
    return send(sandbox, text, action=action)


def send(sandbox: Sandboxed, text: str, *, action: str = f"{NS}/ProcessOrder", **headers: str) -> httpx.Response:
    head = {"content-type": "text/xml; charset=utf-8", "soapaction": action, **headers}
    return sandbox.http.post(PATH, content=text.encode(), headers=head)


def order(number: str = "1001", *lines: Mapping[str, Any], **info: Any) -> dict[str, Any]:
    head = {
        "OrderIdentification": "GoodsOwnerOrderNumber",
        "OrderOperation": "CreateOrUpdate",
        "GoodsOwnerOrderNumber": number,
        "DeliveryDate": "2026-11-20T00:00:00",
        **info,
    }
    customer = {"CustomerOperation": "CreateOrUpdate", "CustomerIdentification": "CustomerNumber"}
    return {
        "co": {
            "OrderInfo": head,
            "Customer": {**customer, "CustomerNumber": "CN1", "Name": "Name 1", "CountryCode": "SE"},
            "CustomerOrderLines": {"CustomerOrderLine": list(lines) or [CODED | {"ExternalOrderLineCode": "1"}]},
        }
    }


def remove(number: str = "1001", **info: Any) -> dict[str, Any]:
    head = {"OrderIdentification": "GoodsOwnerOrderNumber", "OrderOperation": "Remove", **info}
    return {"co": {"OrderInfo": {**head, "GoodsOwnerOrderNumber": number}}}


def body_of(answer: httpx.Response) -> Element:
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root: Element = fromstring(answer.content)
    return root[0][0]


def result(answer: httpx.Response) -> dict[str, str]:
    """FileResultClass."""
    assert answer.status_code == 200
    response = body_of(answer)
    assert response.tag == f"{{{NS}}}ProcessOrderResponse"
    return {child.tag.removeprefix(f"{{{NS}}}"): child.text or "" for child in response[0]}


def put(sandbox: Sandboxed, *args: Any, **info: Any) -> int:
    told = result(post(sandbox, "ProcessOrder", order(*args, **info)))
    assert told["Success"] == "true", told
    return int(told["OrderId"])


def refused(answer: httpx.Response, text: str) -> None:
    told = result(answer)
    assert (told["Success"], told["OrderId"], told["ErrorMessage"]) == ("false", "0", text)


def faulted(answer: httpx.Response, code: str, text: str) -> None:
    assert answer.status_code == 500
    found = body_of(answer)
    assert found.tag.endswith("}Fault")
    assert (found.findtext("faultcode"), text in (found.findtext("faultstring") or "")) == (code, True)


def held(sandbox: Sandboxed, number: str = "1001") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("orders")["ongoing"].get(number, [])
    return found


def set_status(sandbox: Sandboxed, order_id: int, number: int) -> None:
    body = {"orderStatusNumber": number}
    sandbox.ongoing("PATCH", f"orders/{order_id}/orderStatus", json=body).raise_for_status()


# ------------------------------------------------------------------ one book of orders


def test_an_order_of_soap_is_an_order_of_rest(sandbox: Sandboxed) -> None:
    info = {"GoodsOwnerOrderId": "7", "OrderRemark": "a &lt;b&gt;", "MarketPlace": "tea"}
    told = result(post(sandbox, "ProcessOrder", order(**info)))
    assert (told["GoodsOwnerOrderNumber"], told["Success"]) == ("1001", "true")
    [shown] = sandbox.ongoing("GET", params={"goodsOwnerId": "159", "orderNumber": "1001"}).json()
    assert shown["orderInfo"]["orderId"] == int(told["OrderId"])
    assert shown["orderInfo"]["orderRemark"] == "a <b>"
    assert shown["orderInfo"]["deliveryDate"] == "2026-11-20"
    assert shown["orderInfo"]["marketPlace"]["marketPlace"] == "tea"
    assert shown["consignee"]["customerNumber"] == "CN1"
    [line] = shown["orderLines"]
    assert (line["rowNumber"], line["externalId"], line["orderedNumberOfItems"]) == ("1", "1", 2.0)


def test_an_order_of_rest_is_updated_and_cancelled_over_soap(sandbox: Sandboxed) -> None:
    order_id = sandbox.ongoing("PUT", json=goods_order()).json()["orderId"]
    assert put(sandbox) == order_id
    assert held(sandbox)[0]["writes"] == 2
    assert result(post(sandbox, "ProcessOrder", remove()))["Success"] == "true"
    assert sandbox.get("counts")["ongoing"] == {"1001": 0}


def test_writes_of_both_doors_queue_behind_each_other_and_reads_do_not(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", write_s=0.1)
    threads = [threading.Thread(target=put, args=(sandbox, str(number))) for number in range(3)]
    threads.append(threading.Thread(target=sandbox.ongoing, args=("PUT",), kwargs={"json": goods_order("9")}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    post(sandbox, "GetOrdersByQuery", {"query": {}})
    assert sandbox.get("counts")["ongoing"] == {"0": 1, "1": 1, "2": 1, "9": 1}
    assert sandbox.get("calls")["writes_in_flight"]["ongoing"]["159"]["now"] == 0
    assert sandbox.get("calls")["writes_in_flight"]["ongoing"]["159"]["most"] > 1


# ------------------------------------------------------------------ operations: section 2.2


def test_without_an_operation_it_creates_and_a_second_time_makes_a_second_order(sandbox: Sandboxed) -> None:
    first, second = put(sandbox, OrderOperation=None), put(sandbox, OrderOperation=None)
    assert first != second
    assert sandbox.get("counts")["ongoing"] == {"1001": 2}
    found = body_of(post(sandbox, "GetOrdersByQuery", {"query": {"OrderNumbersToGet": {"string": "1001"}}}))
    assert [one.text for one in found.iter(f"{{{NS}}}OrderId")] == [str(first), str(second)]


def test_a_second_create_can_be_refused(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", create_existing="refuse")
    put(sandbox, OrderOperation="Create")
    refused(post(sandbox, "ProcessOrder", order(OrderOperation="Create")), "Order number 1001 exists already.")


def test_create_or_update_finds_by_number_and_replaces(sandbox: Sandboxed) -> None:
    first = put(sandbox, OrderRemark="old")
    assert put(sandbox, "1001", CODED | {"ExternalOrderLineCode": "2"}) == first
    [there] = held(sandbox)
    assert [item["rowNumber"] for item in there["items"]] == ["2"]


@pytest.mark.parametrize(
    ("info", "text"),
    [
        pytest.param({"OrderIdentification": None}, "ExternalOrderCode must be filled", id="the default finds nothing"),
        pytest.param({"GoodsOwnerOrderNumber": None}, "The OrderNumber field is required.", id="no number"),
        pytest.param({"OrderOperation": "Update"}, "The order does not exist.", id="update of nothing"),
        pytest.param({"OrderOperation": "Remove"}, "The order does not exist.", id="remove of nothing"),
        pytest.param({"OrderRemark": "x" * 501}, "maximum length of 500", id="too long"),
        pytest.param(
            {"WayOfDeliveryType": {"WayOfDeliveryTypeOperation": "Find", "Code": "NO"}}, "code 'NO'", id="no such code"
        ),
    ],
)
def test_what_is_refused_is_200_with_success_false(sandbox: Sandboxed, info: dict[str, Any], text: str) -> None:
    told = result(post(sandbox, "ProcessOrder", order(**info)))
    assert told["Success"] == "false"
    assert text in told["ErrorMessage"]
    assert sandbox.get("counts")["ongoing"] == {}


@pytest.mark.parametrize(
    ("identification", "info"),
    [
        ("ReferenceNumber", {"ReferenceNumber": "R7"}),
        ("GoodsOwnerOrderId", {"GoodsOwnerOrderId": "G7"}),
        ("GoodsOwnerOrderNumber", {}),
    ],
)
def test_an_order_is_found_by_what_its_identification_says(
    sandbox: Sandboxed, identification: str, info: dict[str, str]
) -> None:
    first = put(sandbox, ReferenceNumber="R7", GoodsOwnerOrderId="G7")
    assert put(sandbox, OrderIdentification=identification, OrderOperation="Update", **info) == first


def test_from_the_start_of_work_on_it_takes_no_change_and_no_cancel(sandbox: Sandboxed) -> None:
    set_status(sandbox, put(sandbox), 320)
    begun = "the warehouse has started working on it."
    refused(post(sandbox, "ProcessOrder", order()), f"Order number 1001 cannot be changed: {begun}")
    refused(post(sandbox, "ProcessOrder", remove()), f"Order number 1001 cannot be cancelled: {begun}")
    assert held(sandbox)[0]["writes"] == 1


def test_a_second_remove_is_refused_or_not(sandbox: Sandboxed) -> None:
    put(sandbox)
    post(sandbox, "ProcessOrder", remove())
    refused(post(sandbox, "ProcessOrder", remove()), "Order number 1001 is already cancelled.")
    sandbox.switch("ongoing", already_cancelled="ok")
    assert result(post(sandbox, "ProcessOrder", remove()))["Success"] == "true"


def test_a_start_status_can_be_asked_for(sandbox: Sandboxed) -> None:
    put(sandbox, OrderStatusCreated="300")
    assert held(sandbox)[0]["status"] == 300


# ------------------------------------------------------------------ lines: the duplicate article rule


@pytest.mark.parametrize(("kept", "quantity"), [("last", 3.0), ("first", 2.0), ("sum", 5.0)])
def test_an_article_on_two_lines_without_codes_ends_up_wrong_without_an_error(
    sandbox: Sandboxed, kept: str, quantity: float
) -> None:
    sandbox.switch("ongoing", duplicate_articles=kept)
    put(sandbox, "1001", LINE, LINE | {"NumberOfItems": "3"})
    assert [item["numberOfItems"] for item in held(sandbox)[0]["items"]] == [quantity]


def test_an_article_on_two_lines_with_codes_stays_on_two(sandbox: Sandboxed) -> None:
    put(sandbox, "1001", CODED | {"ExternalOrderLineCode": "a"}, CODED | {"ExternalOrderLineCode": "b"})
    assert [item["rowNumber"] for item in held(sandbox)[0]["items"]] == ["a", "b"]


def test_codes_count_only_where_the_line_is_identified_by_them(sandbox: Sandboxed) -> None:
    named = LINE | {"OrderLineIdentification": "ArticleNumber"}
    put(sandbox, "1001", named | {"ExternalOrderLineCode": "a"}, named | {"ExternalOrderLineCode": "b"})
    assert len(held(sandbox)[0]["items"]) == 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param({"ArticleNumber": "UNKNOWN-1"}, "Article number 'UNKNOWN-1' does not exist.", id="unknown"),
        pytest.param({"ArticleIdentification": None}, "not found by its SystemId", id="the default is SystemId"),
        pytest.param({"ArticleNumber": None}, "not found by its ArticleNumber", id="no number"),
    ],
)
def test_an_article_that_is_not_there_refuses_the_order(sandbox: Sandboxed, line: dict[str, Any], text: str) -> None:
    told = result(post(sandbox, "ProcessOrder", order("1001", CODED | {"ExternalOrderLineCode": "1"} | line)))
    assert told["Success"] == "false"
    assert text in told["ErrorMessage"]


# ------------------------------------------------------------------ reading


def test_orders_are_found_by_number_and_shown_with_their_lines(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", statuses={"200": "Åpen"})
    order_id = put(sandbox, "w-1", CODED | {"ExternalOrderLineCode": "a", "OrderLineComment": "c", "DoPick": "false"})
    put(sandbox, "w-2")
    found = body_of(post(sandbox, "GetOrdersByQuery", {"query": {"OrderNumbersToGet": {"string": ["W-1", "W-9"]}}}))
    [shown] = found.iter(f"{{{NS}}}Order")

    def at(path: str) -> str | None:
        return shown.findtext("/".join(f"{{{NS}}}{name}" for name in path.split("/")))

    assert (at("OrderInfo/OrderId"), at("OrderInfo/OrderStatusText")) == (str(order_id), "Åpen")
    assert (at("OrderInfo/OrderStatusNumber"), at("Success")) == ("200", "true")
    assert at("OrderInfo/MarketPlace") is None, "the type of 2016 has none"
    line = "PickedOrderLines/PickedOrderLine"
    assert (at(f"{line}/Article/ArticleNumber"), at(f"{line}/ExternalOrderLineCode")) == ("1009", "a")
    assert (at(f"{line}/OrderLineComment"), at(f"{line}/DoPick")) == ("c", "false")


def test_what_was_just_written_may_not_show_yet(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", read_lag_s=30)
    put(sandbox)
    found = body_of(post(sandbox, "GetOrdersByQuery", {"query": {"OrderNumbersToGet": {"string": "1001"}}}))
    assert list(found.iter(f"{{{NS}}}Order")) == []


def test_the_statuses_are_the_tenants(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", statuses={"200": "Open", "1000": "Gone"})
    found = body_of(post(sandbox, "GetOrderStatuses", {}))
    assert [one.text for one in found.iter(f"{{{NS}}}OrderStatusId")] == ["200", "1000"]


def test_the_wsdl_is_served_and_names_the_operations(sandbox: Sandboxed) -> None:
    answer = sandbox.http.get(f"{PATH}?WSDL")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root = fromstring(answer.content)
    ns = "{http://schemas.xmlsoap.org/wsdl/}"
    names = [one.get("name") for one in root.iterfind(f"{ns}portType/{ns}operation")]
    assert names == ["ProcessOrder", "GetOrdersByQuery", "GetOrderStatuses", "GetInventoryByQuery"]
    assert f"{sandbox.url}{PATH}" in answer.text
    assert sandbox.http.get(PATH).headers["content-type"].startswith("text/html")


# ------------------------------------------------------------------ login, and what cannot be read


@pytest.mark.parametrize("wrong", ["UserName", "Password", "GoodsOwnerCode"])
@pytest.mark.parametrize("operation", ["ProcessOrder", "GetOrdersByQuery", "GetOrderStatuses"])
def test_a_wrong_login_gets_a_fault_or_nothing(sandbox: Sandboxed, operation: str, wrong: str) -> None:
    content = order() if operation == "ProcessOrder" else {}
    faulted(post(sandbox, operation, content, **{wrong: "other"}), "soap:Server", "Access denied.")
    sandbox.switch("ongoing", soap_login="refuse")
    answer = post(sandbox, operation, content, **{wrong: "other"})
    if operation == "ProcessOrder":
        refused(answer, "Access denied.")
    else:
        assert [len(list(child)) for child in body_of(answer)[0]] == [0]
    assert sandbox.get("counts")["ongoing"] == {}


@pytest.mark.parametrize(
    ("info", "text"),
    [
        pytest.param({"OrderOperation": "Upsert"}, "'Upsert' is not a valid value", id="no such operation"),
        pytest.param({"OrderIdentification": "Number"}, "'Number' is not a valid value", id="no such identification"),
        pytest.param({"DeliveryDate": "tomorrow"}, "'tomorrow' is not a valid AllXsd value", id="no date"),
        pytest.param({"DeliveryDate": "2026-11-20"}, "not a valid AllXsd value", id="a bare date"),
        pytest.param({"FreightPrice": "1,5"}, "Input string", id="no number"),
        pytest.param({"OrderNotification": {"NotifyByEmail": "yes"}}, "not a valid Boolean", id="no boolean"),
    ],
)
def test_a_value_that_cannot_be_read_is_a_fault(sandbox: Sandboxed, info: dict[str, Any], text: str) -> None:
    faulted(post(sandbox, "ProcessOrder", order(**info)), "soap:Client", text)
    assert sandbox.get("counts")["ongoing"] == {}


ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{}</soap:Body></soap:Envelope>'
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("<a>", id="not closed"),
        pytest.param("{}", id="JSON"),
        pytest.param("<a/>", id="no envelope"),
        pytest.param(ENVELOPE.format(""), id="an empty body"),
        pytest.param(ENVELOPE.format("<ProcessOrder/>"), id="no namespace"),
        pytest.param('<!DOCTYPE x [<!ENTITY a "b">]>' + ENVELOPE.format("&a;"), id="an entity"),
    ],
)
def test_a_malformed_envelope_is_a_fault(sandbox: Sandboxed, text: str) -> None:
    faulted(send(sandbox, text), "soap:Client", "Server was unable to read request.")


@pytest.mark.parametrize("action", ["", "ProcessOrder", f"{NS}/DropAll"], ids=["none", "bare", "unknown"])
def test_the_action_has_to_be_one_of_the_operations(sandbox: Sandboxed, action: str) -> None:
    faulted(post(sandbox, "ProcessOrder", order(), action=action), "soap:Client", "SOAPAction")


def test_other_ways_to_call_are_refused_and_capitals_do_not_count(sandbox: Sandboxed) -> None:
    assert send(sandbox, "", **{"content-type": "application/json"}).status_code == 415
    assert sandbox.http.put(PATH).status_code == 405
    assert sandbox.http.get("/ongoing/ACME/service.ASMX?wsdl").status_code == 200
    assert sandbox.http.get("/ongoing/other/Service.asmx").status_code == 401


# ------------------------------------------------------------------ faults on demand


def test_faults_of_the_gate_strike_here_too(sandbox: Sandboxed) -> None:
    rule = {"method": "POST", "path": "asmx", "match": "1001"}
    sandbox.fail("ongoing", {"kind": "html502", "commit": True}, **rule)
    assert post(sandbox, "ProcessOrder", order()).status_code == 502
    assert sandbox.get("counts")["ongoing"] == {"1001": 1}
    sandbox.fail("ongoing", {"kind": "drop", "commit": False}, **rule)
    with pytest.raises(httpx.TransportError):
        post(sandbox, "ProcessOrder", order())
    sandbox.fail("ongoing", {"kind": "documented", "name": "ongoing.soap_without_order_id", "commit": True}, **rule)
    told = result(post(sandbox, "ProcessOrder", order()))
    assert (told["Success"], told["OrderId"]) == ("true", "0")
    assert held(sandbox)[0]["writes"] == 2
    sandbox.fail("ongoing", {"kind": "documented", "name": "ongoing.soap_fault"}, **rule)
    faulted(post(sandbox, "ProcessOrder", order()), "soap:Server", "An error has occurred.")
    sandbox.fail("ongoing", {"kind": "documented", "name": "ongoing.soap_unreadable"}, **rule)
    faulted(post(sandbox, "ProcessOrder", order()), "soap:Client", "unable to read request")
    assert post(sandbox, "ProcessOrder", order()).status_code == 200


@pytest.mark.parametrize("name", ["soap_refused", "soap_work_started", "soap_already_cancelled"])
def test_refusals_on_demand_have_the_shape_of_a_result(sandbox: Sandboxed, name: str) -> None:
    sandbox.fail("ongoing", {"kind": "documented", "name": f"ongoing.{name}"})
    assert result(post(sandbox, "ProcessOrder", order()))["Success"] == "false"
    assert sandbox.get("counts")["ongoing"] == {}
