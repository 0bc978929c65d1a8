"""Section 3.2 of the Esuite contract: one documented reply, one row."""

from __future__ import annotations

import json

import pytest

from schemas.http import Call, Fault, Reply
from tasks.esuite.replies import outcome
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

NOW = 1_795_000_000.0
POST = Call("POST", "trans", body={})
GET = Call("GET", "trans")


def read(reply: Reply) -> Outcome:
    return outcome(reply, writing=False, destination="esuite-au", now=NOW)


def write(reply: Reply) -> Outcome:
    return outcome(reply, writing=True, destination="esuite-au", now=NOW)


def error(status: int, description: str, call: Call = POST) -> Reply:
    return Reply(call, status, text=json.dumps({"StatusCode": str(status), "Description": description}))


READ_ONLY_ACCOUNTS = "Forbidden - Account data is read only in this database"
NOT_IMPLEMENTED = "Not implemented - You are trying to access a method which is not implemented."

ROWS: list[tuple[int, str, type[Outcome], str]] = [
    (400, "Error with URL - Incomplete URL", Suspend, "bad_url"),
    (400, "Incomplete URL", Suspend, "bad_url"),
    (400, "No Payload Found", Reject, "no_payload"),
    (400, "Error with Payload - No T_Trans Data found", Reject, "no_data"),
    (400, "Error with Payload - No Stock Data presented", Reject, "no_data"),
    (400, "Error with Payload - No T_Acc Data presented", Reject, "no_data"),
    (400, "Error with Payload - No T_Notes Data presented.", Reject, "no_data"),
    (400, "Error with Payload - No Data presented.", Reject, "no_data"),
    (400, "Error with Payload - No L_Code Data presented.", Reject, "no_data"),
    (400, "Error with Payload - No File data presented.", Reject, "no_data"),
    (400, "Error with Payload - StockCode ABC was not found", Reject, "refused"),
    (400, "AccountRef CASH99 does not exist", Reject, "refused"),
    (403, "Not Authorized - Issue with Token provided or token missing", Suspend, "not_authorized"),
    (403, "Forbidden - Data is read only", Suspend, "read_only"),
    (403, READ_ONLY_ACCOUNTS, Suspend, "read_only"),
    (403, "Forbidden - You do not have rights to access this.", Suspend, "no_rights"),
    (404, "Resource not found", Suspend, "wrong_url"),
    (405, "Method chosen is not implemented for that endpoint.", Suspend, "method_refused"),
    (405, "Method is not implemented for this endpoint", Suspend, "method_refused"),
    (405, NOT_IMPLEMENTED, Suspend, "method_refused"),
    (406, "Missing Parameters - Too much data would be returned", Reject, "bad_query"),
    (406, "No parameters provided", Reject, "bad_query"),
    (500, "Web Request Failed", Retry, "500"),
    (501, "Supplied method not supported.", Suspend, "not_implemented"),
    (401, "Unauthorized", Suspend, "unauthorized"),
    (408, "Request Timeout", Retry, "408"),
    (429, "Too Many Requests", Retry, "429"),
    (502, "Bad Gateway", Retry, "502"),
    (503, "Service Unavailable", Retry, "503"),
    (504, "Gateway Timeout", Retry, "504"),
    (302, "Found", Suspend, "redirected"),
    (413, "Payload Too Large", Reject, "413"),
]


@pytest.mark.parametrize(("status", "text", "kind", "code"), ROWS, ids=[f"{r[0]} {r[1][:60]}" for r in ROWS])
def test_an_error_reply_is_classified_as_documented(status: int, text: str, kind: type[Outcome], code: str) -> None:
    answer = write(error(status, text))

    assert type(answer) is kind
    assert not isinstance(answer, Delivered)
    assert answer.code == code
    assert text in answer.reason
    assert str(status) in answer.reason


@pytest.mark.parametrize(("status", "text", "kind", "code"), ROWS, ids=[f"{r[0]} {r[1][:60]}" for r in ROWS])
def test_an_error_reply_means_the_same_to_a_read_but_leaves_no_doubt(
    status: int, text: str, kind: type[Outcome], code: str
) -> None:
    answer = read(error(status, text, GET))

    assert type(answer) is kind
    assert not isinstance(answer, Delivered)
    assert answer.code == code
    assert not isinstance(answer, Retry) or not answer.in_doubt


NO_CONTENT: list[tuple[str, type[Outcome], str]] = [
    ("trans", Delivered, ""),  # No transaction data found for the specific parameters
    ("company", Delivered, ""),
    ("stock", Reject, "unknown_sku"),  # No stock data found for the specific parameters
    ("cust", Reject, "unknown_account"),  # No account data found for the specific parameters
    ("supp", Reject, "unknown_account"),
    ("custdisc", Reject, "unknown_account"),
    ("voucher", Reject, "bad_query"),  # Voucher No must have a search term
]


@pytest.mark.parametrize(("endpoint", "kind", "code"), NO_CONTENT, ids=[row[0] for row in NO_CONTENT])
def test_204_to_a_read_means_what_its_endpoint_says(endpoint: str, kind: type[Outcome], code: str) -> None:
    answer = read(Reply(Call("GET", endpoint), 204))

    assert type(answer) is kind
    assert getattr(answer, "code", "") == code


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_204_to_a_write_is_never_read_as_saved(method: str) -> None:
    answer = write(Reply(Call(method, "trans", body={}), 204))

    assert isinstance(answer, Retry)
    assert answer.in_doubt


def test_204_to_a_put_says_that_the_target_does_not_exist() -> None:
    answer = write(Reply(Call("PUT", "trans", body={}), 204))

    assert isinstance(answer, Reject)
    assert answer.code == "no_transaction"


@pytest.mark.parametrize("status", [200, 201])
def test_a_created_transaction_is_delivered_with_all_three_ids(status: int) -> None:
    ids = {"CompanyNo": "36015", "TransNo": "1464547", "TransRefCode": "PSIN-123456"}

    assert write(Reply(POST, status, text=json.dumps({"T_Trans": ids}))) == Delivered(reference="PSIN-123456", memo=ids)


def test_ids_that_come_as_numbers_are_kept_as_text() -> None:
    answer = write(Reply(POST, 200, text='{"T_Trans": {"CompanyNo": 36015, "TransNo": 1464547}}'))

    assert answer == Delivered(
        reference="1464547", memo={"CompanyNo": "36015", "TransNo": "1464547", "TransRefCode": ""}
    )


@pytest.mark.parametrize(
    "text",
    ["", "<html>Welcome</html>", "[]", "null", "{}", '{"T_Trans": {}}', '{"T_Trans": null}', '{"T_Trans": []}'],
)
def test_a_write_that_was_accepted_without_ids_is_in_doubt(text: str) -> None:
    answer = write(Reply(POST, 200, text=text))

    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt, answer.tries) == ("unreadable", True, 4)


def test_a_read_that_is_answered_in_html_is_tried_again() -> None:
    answer = read(Reply(GET, 200, text="<html>Maintenance</html>"))

    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt) == ("unreadable", False)
    assert "Maintenance" in answer.reason


def test_an_html_502_leaves_a_write_in_doubt() -> None:
    answer = write(Reply(POST, 502, text="<html><h1>502 Bad Gateway</h1></html>"))

    assert isinstance(answer, Retry)
    assert answer.in_doubt
    assert "502 Bad Gateway" in answer.reason


def test_a_failed_web_request_gets_four_tries() -> None:
    answer = write(error(500, "Web Request Failed"))

    assert isinstance(answer, Retry)
    assert (answer.tries, answer.in_doubt) == (4, True)


@pytest.mark.parametrize(("fault", "in_doubt"), [("connect", False), ("timeout", True), ("lost", True)], ids=str)
def test_silence_leaves_a_write_in_doubt_unless_nothing_was_sent(fault: Fault, in_doubt: bool) -> None:
    answer = write(Reply(POST, fault=fault))

    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt, answer.tries) == (fault, in_doubt, None)


@pytest.mark.parametrize("fault", ["connect", "timeout", "lost"])
def test_silence_to_a_read_leaves_no_doubt(fault: Fault) -> None:
    answer = read(Reply(GET, fault=fault))

    assert isinstance(answer, Retry)
    assert not answer.in_doubt


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 18 Nov 2026 11:27:40 GMT", 1260.0),
        ("Wed, 18 Nov 2020 00:00:00 GMT", 0.0),
        ("99999999999999999999", 86_400.0),
        ("Wed, 18 Nov 2099 00:00:00 GMT", 86_400.0),
    ],
    ids=["seconds", "zero", "a date", "a past date", "too many seconds", "a date too far"],
)
def test_retry_after_holds_back_everyone(status: int, header: str, seconds: float) -> None:
    answer = write(Reply(POST, status, {"retry-after": header}))

    assert isinstance(answer, Retry)
    assert (answer.after, answer.everyone) == (seconds, True)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"retry-after": "-5"}], ids=str)
def test_without_a_usable_retry_after_only_this_delivery_waits(headers: dict[str, str]) -> None:
    answer = write(Reply(POST, 429, headers))

    assert isinstance(answer, Retry)
    assert (answer.after, answer.everyone) == (None, False)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('{"StatusCode": "400", "Description": "D", "Message": "M"}', "Esuite answered 400: D"),
        ('{"Message": "M"}', "Esuite answered 400: M"),
        ('{"Description": "", "Message": "M"}', "Esuite answered 400: M"),
        ("plain words", "Esuite answered 400: plain words"),
        ("", "Esuite answered 400 without a text."),
        ("x" * 400, "Esuite answered 400: " + "x" * 300),
    ],
    ids=["Description", "Message", "empty Description", "raw text", "nothing", "a long text"],
)
def test_a_reason_quotes_description_then_message_then_the_raw_text(text: str, quoted: str) -> None:
    answer = write(Reply(POST, 400, text=text))

    assert isinstance(answer, Reject)
    assert answer.reason == quoted


def test_a_hint_names_the_section_to_mend() -> None:
    answer = write(error(400, "StockCode ABC was not found"))

    assert isinstance(answer, Reject)
    for section in ("skus", "fields", "payments"):
        assert f"[destinations.esuite-au.{section}]" in answer.hint


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 501], ids=str)
def test_a_hint_about_the_connection_names_the_destination(status: int) -> None:
    answer = write(error(status, "Error with URL"))

    assert isinstance(answer, Suspend)
    assert "[destinations.esuite-au]" in answer.hint
