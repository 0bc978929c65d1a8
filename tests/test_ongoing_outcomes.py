"""What each documented reply of Ongoing means: one row of contracts/ongoing.md sections 1.5 and 1.8 is one case."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.http import Call, Reply, retry_after
from schemas.ongoing_reply import FoundOrder, said
from tasks.ongoing.replies import cancel_outcome, look_outcome, outcome
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

NOW = 1_763_683_200.0  # 2025-11-21T00:00:00Z
PUT = Call("PUT", "orders", body={})
DELETE = Call("DELETE", "orders", params=(("goodsOwnerId", "159"), ("orderNumber", "1001")))
GET = Call("GET", "orders", params=(("goodsOwnerId", "159"), ("orderNumber", "1001")))

VENDOR_MESSAGE = (
    "Customer with customer number 'CN1' and ID '21628' created. <br/> <br/>Order number O987654 created/updated"
)
DENIED = {"Message": "Authorization has been denied for this request."}
BLANKET = {"Message": "An error has occurred."}
MODEL_STATE = {
    "Message": "The request is invalid.",
    "ModelState": {"order.consignee": ["The consignee field is required."], "order.orderLines[0].rowNumber": ["Bad."]},
}
HTML = "<html><head><style>p {color: red}</style></head><body><h1>502 Bad Gateway</h1></body></html>"


def answer(status: int, body: Any = "", *, call: Call = PUT, **headers: str) -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(call=call, status=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})


def silence(fault: Any, *, call: Call = PUT) -> Reply:
    return Reply(call=call, fault=fault)


def put(reply: Reply, *, amends: bool = False) -> Outcome:
    return outcome(reply, number="1001", destination="ongoing-se", now=NOW, amends=amends)


def delete(reply: Reply, *, order_id: int | None = 12345) -> Outcome:
    return cancel_outcome(reply, number="1001", destination="ongoing-se", now=NOW, order_id=order_id)


@pytest.mark.parametrize(
    ("reply", "reference"),
    [
        pytest.param(
            answer(200, {"orderId": 12345, "message": VENDOR_MESSAGE}), "12345", id="200, the vendor's example"
        ),
        pytest.param(answer(201, {"orderId": 12345, "message": VENDOR_MESSAGE}), "12345", id="201 on create"),
        pytest.param(answer(200, {"orderId": 12345, "message": None}), "12345", id="message is nullable"),
        pytest.param(answer(200, '{"orderId": 12345.0}'), "12345", id="numbers may arrive as 2.0"),
    ],
)
def test_an_order_that_was_taken_is_delivered_under_its_order_id(reply: Reply, reference: str) -> None:
    assert put(reply) == Delivered(reference=reference, memo={"order_id": 12345, "number": "1001"})


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(200, {"orderId": None, "message": "created/updated"}), id="orderId is nullable"),
        pytest.param(answer(201, {"message": "created/updated"}), id="no orderId at all"),
        pytest.param(answer(200, {"orderId": True}), id="orderId that is no number"),
        pytest.param(answer(200, {"orderId": 0}), id="orderId 0"),
        pytest.param(answer(204), id="204 without a body"),
        pytest.param(answer(200, HTML), id="HTML with 200"),
        pytest.param(answer(200, "null"), id="JSON null"),
        pytest.param(answer(200, [{"orderId": 1}]), id="a list"),
    ],
)
def test_a_success_without_a_numeric_order_id_is_looked_up(reply: Reply) -> None:
    decided = put(reply)
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt, decided.counts) == ("looking", True, False)


@pytest.mark.parametrize(
    ("reply", "code", "in_doubt", "everyone", "after", "tries"),
    [
        pytest.param(silence("connect"), "connect", False, False, None, None, id="nothing was sent"),
        pytest.param(silence("timeout"), "timeout", True, False, None, None, id="a time-out means an unknown outcome"),
        pytest.param(silence("lost"), "lost", True, False, None, None, id="connection lost"),
        pytest.param(answer(500, BLANKET), "500", True, False, None, 12, id="500, the blanket error"),
        pytest.param(answer(500, HTML), "500", True, False, None, 12, id="500 as HTML"),
        pytest.param(answer(502, HTML), "502", True, False, None, None, id="502 as HTML"),
        pytest.param(answer(503), "503", True, False, None, None, id="503"),
        pytest.param(answer(503, retry_after="30"), "503", True, True, 30.0, None, id="503 with Retry-After"),
        pytest.param(answer(504), "504", True, False, None, None, id="504"),
        pytest.param(answer(408), "408", True, False, None, None, id="408"),
        pytest.param(answer(425), "425", False, False, None, None, id="425"),
        pytest.param(answer(429), "429", False, True, None, None, id="429 without Retry-After"),
        pytest.param(answer(429, retry_after="7"), "429", False, True, 7.0, None, id="429 with seconds"),
        pytest.param(
            answer(429, retry_after="Fri, 21 Nov 2025 00:01:30 GMT"),
            "429",
            False,
            True,
            90.0,
            None,
            id="429 with a date",
        ),
    ],
)
def test_what_says_nothing_about_the_order_is_tried_again(
    reply: Reply, code: str, in_doubt: bool, everyone: bool, after: float | None, tries: int | None
) -> None:
    decided = put(reply)
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt, decided.everyone) == (code, in_doubt, everyone)
    assert (decided.after, decided.tries, decided.counts) == (after, tries, True)


@pytest.mark.parametrize(
    ("reply", "code", "hint"),
    [
        pytest.param(answer(401, DENIED), "unauthorized", "auth", id="401 wrong login"),
        pytest.param(answer(401), "unauthorized", "auth", id="401 with an unknown body"),
        pytest.param(answer(403), "forbidden", "auth", id="403"),
        pytest.param(answer(404, {"Message": "No HTTP resource was found"}), "wrong_url", "base_url", id="404"),
        pytest.param(answer(405), "method_refused", "base_url", id="405"),
        pytest.param(answer(301, location="https://www.example.com"), "redirected", "base_url", id="301"),
        pytest.param(answer(501), "not_implemented", "base_url", id="501"),
    ],
)
def test_a_wrong_connection_suspends_the_destination(reply: Reply, code: str, hint: str) -> None:
    decided = put(reply)
    assert isinstance(decided, Suspend)
    assert decided.code == code
    assert f"{hint} in [destinations.ongoing-se]" in decided.hint
    assert str(reply.status) in decided.reason


@pytest.mark.parametrize(
    ("reply", "code", "quoted"),
    [
        pytest.param(answer(400, {"message": "Article X1 not found"}), "refused", "Article X1 not found", id="message"),
        pytest.param(answer(409, {"Message": "Order 1001 is picked"}), "refused", "Order 1001 is picked", id="Message"),
        pytest.param(answer(400, {"error": "No such article"}), "refused", "No such article", id="error"),
        pytest.param(answer(400, {"Error": "No such article"}), "refused", "No such article", id="Error"),
        pytest.param(answer(422, "no such transporter"), "refused", "no such transporter", id="raw text"),
        pytest.param(answer(400, '"no such transporter"'), "refused", "no such transporter", id="a JSON string"),
        pytest.param(answer(400, {"message": "Wrong goods owner"}), "refused", "Wrong goods owner", id="goods owner"),
        pytest.param(
            answer(400, MODEL_STATE),
            "invalid",
            "The request is invalid. order.consignee: The consignee field is required. "
            "order.orderLines[0].rowNumber: Bad.",
            id="ModelState",
        ),
        pytest.param(answer(400), "refused", "400: without a text", id="no body"),
    ],
)
def test_a_refusal_is_a_dead_letter_with_the_verbatim_text(reply: Reply, code: str, quoted: str) -> None:
    decided = put(reply)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == (code, False, False)
    assert quoted in decided.reason
    assert "order 1001" in decided.reason
    assert decided.hint.endswith("replay.")


def test_a_refused_change_is_held_because_the_warehouse_has_the_earlier_version() -> None:
    decided = put(answer(400, {"message": "The warehouse has started working on the order"}), amends=True)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("change_refused", True, True)
    assert "started working" in decided.reason


def test_invalid_fields_of_a_change_are_held_too() -> None:
    decided = put(answer(400, MODEL_STATE), amends=True)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("invalid", True, True)


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        pytest.param(answer(200, {"orderId": 12345, "message": "Order cancelled"}), Delivered, "", id="200"),
        pytest.param(answer(204), Delivered, "", id="204"),
        pytest.param(
            answer(400, {"message": "The order is already cancelled."}), Delivered, "", id="already cancelled"
        ),
        pytest.param(answer(409, {"Message": "Already been canceled"}), Delivered, "", id="already been canceled"),
        pytest.param(
            answer(400, {"message": "Already shipped, cannot be cancelled"}), Reject, "cancel_refused", id="shipped"
        ),
        pytest.param(answer(400, {"message": "Not cancelled already"}), Reject, "cancel_refused", id="nothing looser"),
        pytest.param(
            answer(404, {"message": "No such order"}), Reject, "cancel_refused", id="404 says it of the order"
        ),
        pytest.param(answer(401, DENIED), Suspend, "unauthorized", id="401"),
        pytest.param(answer(405), Suspend, "method_refused", id="405"),
        pytest.param(answer(500, BLANKET), Retry, "500", id="500"),
        pytest.param(silence("timeout", call=DELETE), Retry, "timeout", id="time-out"),
    ],
)
def test_what_a_cancel_comes_to(reply: Reply, kind: type[Outcome], code: str) -> None:
    decided = delete(reply)
    assert isinstance(decided, kind)
    assert getattr(decided, "code", "") == code
    if isinstance(decided, Delivered):
        assert (decided.reference, decided.memo["cancelled"]) == ("12345", True)
    if isinstance(decided, Reject):
        assert (decided.hold, decided.in_doubt) == (True, True)


def test_already_cancelled_counts_only_in_a_refusal_of_the_order() -> None:
    assert isinstance(delete(answer(500, {"message": "already cancelled"})), Retry)


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        pytest.param(answer(200, HTML, call=GET), Retry, "unreadable", id="HTML with 200"),
        pytest.param(answer(200, {"orders": []}, call=GET), Retry, "unreadable", id="no bare array"),
        pytest.param(
            answer(200, [{"orderInfo": {"orderNumber": "1001"}}], call=GET), Retry, "unreadable", id="no orderId"
        ),
        pytest.param(answer(400, {"message": "Wrong goods owner"}, call=GET), Reject, "look_refused", id="400"),
        pytest.param(answer(404, call=GET), Suspend, "wrong_url", id="404"),
        pytest.param(silence("lost", call=GET), Retry, "lost", id="connection lost"),
    ],
)
def test_a_look_up_that_tells_nothing(reply: Reply, kind: type[Outcome], code: str) -> None:
    decided = look_outcome(reply, number="1001", destination="ongoing-se", now=NOW)
    assert isinstance(decided, kind)
    assert getattr(decided, "code", "") == code


def test_a_look_up_takes_numbers_as_floats_nulls_and_its_own_idea_of_the_number() -> None:
    body: list[dict[str, Any]] = [
        {"orderInfo": {"orderId": 1, "orderNumber": "10010"}},
        {"orderInfo": {"orderId": 2.0, "orderNumber": "w-1001 ", "goodsOwnerOrderId": None, "marketPlace": None}},
        {"orderInfo": None, "orderLines": None},
    ]
    found = look_outcome(answer(200, body, call=GET), number="W-1001", destination="ongoing-se", now=NOW)
    assert isinstance(found, list)
    assert found == [FoundOrder(2, "", "", None, body[1])]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("Fri, 21 Nov 2025 00:02:00 GMT", 120.0, id="HTTP date"),
        pytest.param("Thu, 20 Nov 2025 00:00:00 GMT", 0.0, id="a date gone by"),
        pytest.param("99999999999", 86_400.0, id="no more than a day"),
        pytest.param("Sat, 21 Nov 2026 00:00:00 GMT", 86_400.0, id="nor by date"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="no number"),
        pytest.param("", None, id="empty"),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(answer(503, retry_after=value), now=NOW) == seconds


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"message": VENDOR_MESSAGE}, "created. Order number O987654 created/updated", id="breaks"),
        pytest.param({"message": "Line 1<br>Line 2<BR />Line 3"}, "Line 1 Line 2 Line 3", id="all kinds of breaks"),
        pytest.param(HTML, "502 Bad Gateway", id="a page without its markup"),
        pytest.param({"message": "at most 5 < 6 items &amp; boxes"}, "at most 5 < 6 items & boxes", id="no markup"),
        pytest.param({"message": "  ", "Message": "second"}, "second", id="an empty one is passed over"),
        pytest.param({"code": 7}, '{"code": 7}', id="an unknown object stays raw"),
    ],
)
def test_the_warehouses_words_are_quoted_as_plain_text(body: Any, words: str) -> None:
    assert said(answer(400, body)).endswith(words)


def test_a_long_text_is_cut_at_300_characters() -> None:
    assert said(answer(400, {"message": "x" * 5000})) == "x" * 300
