"""Sections 4 and 5 of the IWS contract: one documented reply, one row."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from schemas.http import Call, Fault, Reply
from schemas.iws.reply import following, read_page
from tasks.iws.replies import Asked, outcome
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

NOW = 1_795_000_000.0
POST = Call("POST", "salesorder", body={})
GET = Call("GET", "customer/salesorder", params=(("customercode", "CUST-000101"),))
ROW = {"type": "customersalesorder", "id": "SO-000512", "attributes": {"salesOrderCode": "SO-000512"}}
NO_ROUTE = '{"Message":"No HTTP resource was found that matches the request URI."}'
HTML = "<html><body><h1>Server Error</h1></body></html>"


def errors(status: int, title: str) -> str:
    return json.dumps({"errors": [{"status": str(status), "title": title}]})


def say(asked: Asked, status: int, text: str = "", **headers: str) -> Outcome:
    call = POST if asked == "write" else GET
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return outcome(Reply(call, status, text=text, headers=named), asked, destination="iws-uk", now=NOW)


NO_CHANGES, NO_ITEM = "Change log not found.", "Item 'MUG-11OZ' does not exist."
ROWS: list[tuple[Asked, int, str, type[Outcome], str]] = [
    ("write", 200, json.dumps({"data": ROW, "links": {}}), Delivered, ""),
    ("write", 201, json.dumps({"data": ROW, "links": {}}), Delivered, ""),
    ("write", 200, json.dumps({"data": {"attributes": {"salesOrderCode": "SO-000512"}}}), Delivered, ""),
    ("write", 200, json.dumps({"data": {"type": "salesorder", "attributes": {}}, "links": {}}), Retry, "unreadable"),
    ("write", 200, HTML, Retry, "unreadable"),
    ("write", 204, "", Retry, "unreadable"),
    ("list", 200, json.dumps({"data": [ROW], "links": {}}), Delivered, ""),
    ("list", 200, json.dumps({"data": [], "links": {}}), Delivered, ""),
    ("list", 200, HTML, Retry, "unreadable"),
    ("list", 200, json.dumps({"data": ["?"]}), Retry, "unreadable"),
    ("one", 200, json.dumps({"data": ROW, "links": {}}), Delivered, ""),
    ("one", 200, json.dumps({"data": [ROW], "links": {}}), Retry, "unreadable"),
    ("write", 400, errors(400, NO_ITEM), Reject, "refused"),
    ("write", 400, "", Reject, "refused"),
    ("list", 400, errors(400, "The request is invalid."), Reject, "refused"),
    ("write", 401, errors(401, "The API key is invalid."), Suspend, "unauthorized"),
    ("list", 401, "", Suspend, "unauthorized"),
    ("write", 403, HTML, Suspend, "forbidden"),
    ("list", 404, errors(404, NO_CHANGES), Delivered, ""),
    ("list", 404, "", Retry, "404"),
    ("list", 404, HTML, Retry, "404"),
    ("list", 404, NO_ROUTE, Retry, "404"),
    ("one", 404, errors(404, "Sales order not found."), Delivered, ""),
    ("one", 404, HTML, Retry, "404"),
    ("write", 404, errors(404, "Customer not found."), Reject, "not_found"),
    ("write", 404, NO_ROUTE, Suspend, "wrong_url"),
    ("write", 404, HTML, Suspend, "wrong_url"),
    ("write", 404, "", Suspend, "wrong_url"),
    ("write", 405, '{"Message":"The requested resource does not support http method."}', Suspend, "method_refused"),
    ("write", 408, "Request Timeout", Retry, "408"),
    ("write", 415, '{"Message":"The request entity\'s media type is not supported."}', Reject, "415"),
    ("write", 429, "Too Many Requests", Retry, "429"),
    ("write", 500, errors(500, NO_ITEM), Retry, "500"),
    ("write", 500, HTML, Retry, "500"),
    ("write", 501, errors(501, "Server execution failed."), Retry, "501"),
    ("write", 502, HTML, Retry, "502"),
    ("write", 503, errors(503, "Server execution failed."), Retry, "503"),
    ("write", 504, errors(504, "Server execution failed."), Retry, "504"),
    ("write", 302, "", Suspend, "redirected"),
]
IDS = [f"{asked} {status} {text[:50]}" for asked, status, text, _, _ in ROWS]


@pytest.mark.parametrize(("asked", "status", "text", "kind", "code"), ROWS, ids=IDS)
def test_a_reply_means_what_section_5_says(
    asked: Asked, status: int, text: str, kind: type[Outcome], code: str
) -> None:
    answer = say(asked, status, text)

    assert type(answer) is kind
    if isinstance(answer, Delivered):
        assert answer.reference == ("SO-000512" if asked == "write" else None)
        return
    assert answer.code == code
    assert str(status) in answer.reason
    if isinstance(answer, Retry):
        assert answer.in_doubt == (asked == "write")


@pytest.mark.parametrize("status", [400, 500])
def test_the_title_of_a_refusal_is_shown_verbatim(status: int) -> None:
    answer = say("write", status, errors(status, NO_ITEM))

    assert not isinstance(answer, Delivered)
    assert answer.reason == f"IWS answered {status}: {NO_ITEM}"


def test_an_error_in_the_data_that_comes_as_500_is_tried_a_few_times_only() -> None:
    answer = say("write", 500, errors(500, NO_ITEM))

    assert isinstance(answer, Retry)
    assert answer.tries == 4


def test_an_unavailable_server_is_tried_until_the_time_is_up() -> None:
    answer = say("write", 503, retry_after="120")

    assert isinstance(answer, Retry)
    assert (answer.tries, answer.after, answer.everyone) == (None, 120.0, True)


FAULTS: list[tuple[Fault, Asked, bool]] = [
    ("connect", "write", False),
    ("timeout", "write", True),
    ("lost", "write", True),
    ("timeout", "list", False),
    ("lost", "one", False),
]


@pytest.mark.parametrize(("fault", "asked", "doubt"), FAULTS, ids=[f"{row[0]} {row[1]}" for row in FAULTS])
def test_only_a_write_that_was_sent_and_not_answered_leaves_a_doubt(fault: Fault, asked: Asked, doubt: bool) -> None:
    answer = outcome(Reply(POST, fault=fault), asked, destination="iws-uk", now=NOW)

    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt) == (fault, doubt)


def test_hints_name_the_destination() -> None:
    answer = say("write", 401)

    assert isinstance(answer, Suspend)
    assert "[destinations.iws-uk]" in answer.hint


BASE = "http://erp.internal:82/Interprise.Web.Services/"


def test_the_next_page_is_asked_for_as_it_stands_but_at_our_own_address() -> None:
    after = following(GET, BASE + "customer/salesorder?customercode=CUST%2D1&x=a%20b&flag=&page[number]=2")

    assert after == Call(
        "GET",
        "customer/salesorder",
        params=(("customercode", "CUST-1"), ("x", "a b"), ("flag", ""), ("page[number]", "2")),
    )


@pytest.mark.parametrize(
    ("query", "size"), [("page[number]=2", "100"), ("page[size]=50&page[number]=2", "50"), ("Page[Size]=50", None)]
)
def test_the_next_page_keeps_the_size_that_was_asked_for_unless_it_says_one(query: str, size: str | None) -> None:
    first = replace(GET, params=(*GET.params, ("page[size]", "100")))
    after = following(first, f"{BASE}customer/salesorder?{query}")

    assert after is not None
    assert dict(after.params).get("page[size]") == size


@pytest.mark.parametrize("address", [BASE + "customer?page[number]=2", "http://[", "nonsense", ""])
def test_a_next_page_of_something_else_is_not_followed(address: str) -> None:
    assert following(GET, address) is None


@pytest.mark.parametrize("links", [None, {}, [], {"next": None}, {"next": 7}, {"self": BASE}], ids=str)
def test_a_page_without_a_next_is_the_last_one(links: object) -> None:
    page = read_page(Reply(GET, 200, text=json.dumps({"data": [ROW], "links": links})))

    assert page is not None
    assert page.next == ""
    assert page.rows[0].text("SALESORDERCODE") == "SO-000512"
