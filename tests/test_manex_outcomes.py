"""Sections 2 and 8 of the ManEx contract: one documented reply, one row, for every call that can get it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.http import Call, Fault, Reply
from schemas.manex import ACTIONS
from tasks.manex.replies import READS, Absent, Done, Meaning, meaning, unanswered
from worker.outcomes import Reject, Retry, Suspend

NOW = 1_795_000_000.0
CALLED = (*ACTIONS, "ItemMaster/Get")
WRITES = tuple(action for action in CALLED if action not in READS)
PRICES_AND_DATES = ("PriceAdd", "PriceEdit", "DueDateAdd", "DueDateEdit")


def read(reply: Reply, action: str) -> Meaning:
    return meaning(reply, action=action, what="line 3", destination="manex-us", now=NOW)


def answered(
    message: str, *, code: object = 403, valid: object = True, found: object = None, status: int = 200
) -> Reply:
    body = {"$id": "1", "Code": code, "Message": message, "SessionId": None, "IsValidUser": valid}
    return web(status, json.dumps({**body, "ResponseObject": found}))


def web(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(Call("POST", "API/SO/Add"), status, headers or {}, text)


def lower_names(text: str) -> str:
    return json.dumps({name.lower(): value for name, value in json.loads(text).items()})


# ---------------------------------------------------------------- section 8: Code 403

NO_CUSTOMER = "Sales Order add failed.Customer does not exists."
TAKEN = "Sales Order add failed.Sales Order already exists."
NULL_REFERENCE = "Sales Order edit failed.Object reference not set to an instance of an object."
NO_ORDER, NO_ITEM = "Sales Order does not exists.", "Sales Order Item does not exists."
NO_LINE = "Sales Order item with uniqueLn:'' does not exits in SO:'0000000799'."
NO_LINK, NO_PRICE = "PlPriceLnk not provided.", "Sales Order Price does not exists."
NO_DUE_DATE = "$$Sales Order Due Date does not exists."
OTHER = "ShipVia PIGEON is not in the set-up table, see 'SHIPVIA' (1/2)"

REFUSALS: list[tuple[tuple[str, ...], str, type[Meaning], str]] = [
    (CALLED, "Invalid API Key.", Suspend, "bad_key"),
    (("Add",), NO_CUSTOMER, Reject, "no_customer"),
    (("Add",), TAKEN, Reject, "add_failed"),
    (("Edit",), NULL_REFERENCE, Reject, "edit_failed"),
    (("Edit",), "Sales Order edit failed.Customer does not exists.", Reject, "edit_failed"),
    (("Get",), NO_ORDER, Absent, ""),
    (("ItemADD", "ItemEdit"), NO_ORDER, Retry, "no_order"),
    (("ItemEdit",), NO_ITEM, Retry, "no_line"),
    (PRICES_AND_DATES, NO_LINE, Retry, "no_line"),
    (PRICES_AND_DATES, NO_LINE.replace("''", "'A6WDVN62YM'"), Retry, "no_line"),
    (("PriceEdit", "DueDateEdit"), NO_LINK, Reject, "no_key"),
    (("PriceGet",), NO_PRICE, Absent, ""),
    (("PriceEdit",), NO_PRICE, Reject, "refused"),
    (("DueDateEdit",), NO_DUE_DATE, Reject, "refused"),
    (("DueDateEdit",), "DueDt_Uniq not provided.", Reject, "refused"),
    (("ItemEdit",), "UniqLn not provided.", Reject, "refused"),
    (("ItemMaster/Get",), "Inventor does not exists.", Reject, "unknown_sku"),
    (tuple(action for action in CALLED if action != "ItemMaster/Get"), OTHER, Reject, "refused"),
]
"""Rows of SO/ItemGet, ItemDelete, PriceDelete, DueDateGet and DueDateDelete are missing: they are never called."""

EVERY_REFUSAL = [
    pytest.param(action, message, kind, code, id=f"{action}: {message}")
    for actions, message, kind, code in REFUSALS
    for action in actions
]
refusals = pytest.mark.parametrize(("action", "message", "kind", "code"), EVERY_REFUSAL)

SHAPES: dict[str, Any] = {
    "as documented": lambda fields: answered(**fields),
    "HTTP 403 beside it": lambda fields: answered(**fields, status=403),
    "HTTP 400 beside it": lambda fields: answered(**fields, status=400),
    "HTTP 500 beside it": lambda fields: answered(**fields, status=500),
    "the Code as text": lambda fields: answered(**fields | {"code": "403"}),
    "IsValidUser as text": lambda fields: answered(**fields | {"valid": str(fields["valid"]).lower()}),
    "ResponseObject as text": lambda fields: answered(**fields, found="null"),
    "a resource marker": lambda fields: answered(**fields | {"message": f"$${fields['message'].lstrip('$')}"}),
    "no resource marker": lambda fields: answered(**fields | {"message": fields["message"].lstrip("$")}),
    "a stray quote": lambda fields: answered(**fields | {"message": f'"$${fields["message"].lstrip("$")}'}),
    "blanks around it": lambda fields: answered(**fields | {"message": f"  {fields['message']} \r\n"}),
    "exist, not exists": lambda fields: answered(
        **fields | {"message": fields["message"].replace("not exists", "not exist")}
    ),
    "names in lower case": lambda fields: web(200, lower_names(answered(**fields).text)),
}


@refusals
@pytest.mark.parametrize("shape", SHAPES)
def test_a_refusal_means_what_its_row_says_however_it_is_written(
    action: str, message: str, kind: type[Meaning], code: str, shape: str
) -> None:
    fields = {"message": message, "valid": message != "Invalid API Key."}

    answer = read(SHAPES[shape](fields), action)

    assert type(answer) is kind
    assert getattr(answer, "code", "") == code


@refusals
def test_a_refusal_is_quoted_word_for_word(action: str, message: str, kind: type[Meaning], code: str) -> None:
    answer = read(answered(message, valid=code != "bad_key"), action)

    if isinstance(answer, Reject):
        assert answer.reason == f"ManEx refused line 3: {message.removeprefix('$$')}"
    elif isinstance(answer, Suspend | Retry):
        assert answer.reason.endswith(f": {message}")
    else:
        assert kind is Absent


@refusals
def test_a_refusal_leaves_doubt_only_where_the_order_must_be_read_once_more(
    action: str, message: str, kind: type[Meaning], code: str
) -> None:
    answer = read(answered(message, valid=code != "bad_key"), action)

    assert getattr(answer, "in_doubt", False) is (kind is Retry)
    assert getattr(answer, "tries", None) == (2 if kind is Retry else None)
    assert getattr(answer, "counts", True)


@refusals
def test_a_hint_names_the_section_to_mend(action: str, message: str, kind: type[Meaning], code: str) -> None:
    answer = read(answered(message, valid=code != "bad_key"), action)

    if isinstance(answer, Reject | Suspend):
        assert answer.hint
        assert "{" not in answer.hint
        assert "[destinations.manex-us" in answer.hint or code == "no_key"


@pytest.mark.parametrize("action", CALLED)
def test_a_refusal_without_a_text_says_so(action: str) -> None:
    answer = read(answered(""), action)

    assert isinstance(answer, Reject)
    assert answer.reason == "ManEx refused line 3: without a text"


@pytest.mark.parametrize("action", CALLED)
def test_a_key_that_is_refused_without_a_text_suspends_all_the_same(action: str) -> None:
    answer = read(answered("", valid=False), action)

    assert answer == Suspend(
        code="bad_key",
        reason="ManEx refused the key: IsValidUser is false",
        hint="Check auth in [destinations.manex-us]: the key of a ManEx user has 10 characters.",
    )


def test_code_403_alone_never_says_that_the_key_is_wrong() -> None:
    body = json.dumps({"Code": 403, "Message": "Not today."})

    assert isinstance(read(web(403, body), "Add"), Reject)


def test_messages_are_told_apart_by_their_letter_case() -> None:
    answer = read(answered("sales order does not exists."), "Get")

    assert isinstance(answer, Reject)
    assert answer.code == "refused"


def test_not_found_with_code_200_is_not_found_all_the_same() -> None:
    assert read(answered(NO_ORDER, code=200), "Get") == Absent()
    assert read(answered(NO_PRICE, code=200), "PriceGet") == Absent()


@pytest.mark.parametrize("action", ["PriceAdd", "ItemADD", "DueDateAdd"])
def test_the_not_found_of_a_read_is_none_to_a_write(action: str) -> None:
    assert isinstance(read(answered(NO_PRICE), action), Reject)


# ---------------------------------------------------------------- section 2: success

SUCCESSES = {
    "Add": "Sales Order added successfully.",
    "Edit": "Sales Order edited successfully.",
    "ItemADD": "Sales Order Item added successfully.",
    "ItemEdit": "Sales Order Item edited successfully.",
    "PriceAdd": "Sales Order Price added successfully.",
    "PriceEdit": "Sales Order Price edited successfully.",
    "DueDateAdd": "$$Sales Order Due Date added successfully.",
    "DueDateEdit": "$$Sales Order Due Date edited successfully.",
}


@pytest.mark.parametrize("code", [200, "200", 403, "403"], ids=repr)
@pytest.mark.parametrize("status", [200, 400, 403], ids=lambda status: f"HTTP {status}")
@pytest.mark.parametrize("written", ["{}", "$${}", '"$${}', " {} "], ids=["bare", "marked", "quoted", "padded"])
@pytest.mark.parametrize(("action", "message"), SUCCESSES.items(), ids=SUCCESSES)
def test_a_success_is_known_by_its_text_whatever_its_code(
    action: str, message: str, written: str, status: int, code: object
) -> None:
    text = written.format(message.lstrip("$"))

    assert read(answered(text, code=code, status=status, valid="true", found="null"), action) == Done()


def test_every_write_has_its_success_text() -> None:
    assert SUCCESSES.keys() == set(WRITES)


def test_a_success_that_lost_its_full_stop_is_one() -> None:
    assert read(answered("Sales Order Price edited successfully"), "PriceEdit") == Done()


@pytest.mark.parametrize("message", ["Sales Order Price edited successfully. Not saved.", "x Sales Order added"])
def test_a_text_that_only_begins_or_ends_like_a_success_is_none(message: str) -> None:
    assert isinstance(read(answered(message), "PriceEdit"), Reject)


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize("code", [200, "200"], ids=repr)
def test_a_write_with_code_200_is_done_whatever_its_text(action: str, code: object) -> None:
    assert read(answered("The line was saved.", code=code), action) == Done()


@pytest.mark.parametrize("action", WRITES)
def test_a_write_that_tells_the_new_row_hands_it_on(action: str) -> None:
    assert read(answered(SUCCESSES[action], code=200, found={"UNIQUELN": "A1"}), action) == Done({"UNIQUELN": "A1"})


@pytest.mark.parametrize("action", READS)
@pytest.mark.parametrize("code", [200, "200"], ids=repr)
def test_a_read_is_done_with_what_it_found(action: str, code: object) -> None:
    assert read(answered("Sales Order details:", code=code, found={"SONO": "W1"}), action) == Done({"SONO": "W1"})


@pytest.mark.parametrize("found", [None, "null", [], ""], ids=repr)
@pytest.mark.parametrize("action", ["Get", "PriceGet"])
def test_a_read_that_is_answered_without_an_object_is_tried_again(action: str, found: object) -> None:
    answer = read(answered("Sales Order details:", code=200, found=found), action)

    assert isinstance(answer, Retry)
    assert (answer.code, answer.tries, answer.in_doubt) == ("unreadable", 4, False)
    assert "Sales Order details:" in answer.reason


def test_a_success_with_a_key_that_is_not_valid_is_none() -> None:
    assert isinstance(read(answered("Sales Order added successfully.", code=200, valid=False), "Add"), Suspend)


# ---------------------------------------------------------------- section 8: no envelope

URI = "No HTTP resource was found that matches the request URI 'http://localhost/api/SOAdd/***'."
NO_TYPE = {"$id": "1", "Message": URI, "MessageDetail": "No type was found that matches the controller named 'SOAdd'."}
NO_ACTION = NO_TYPE | {"MessageDetail": "No action was found on the controller 'SO' that matches the request."}
NO_VERB = {"Message": "The requested resource does not support http method 'GET'."}
NO_MEDIA = {"Message": "The request entity's media type 'text/plain' is not supported for this resource."}
HTML = "<html>\r\n<h1>Application Request Routing</h1>\r\n</html>"

ELSEWHERE: list[tuple[int, str | dict[str, str], type[Meaning], str]] = [
    (404, NO_TYPE, Suspend, "wrong_url"),
    (404, NO_ACTION, Suspend, "wrong_url"),
    (400, NO_ACTION, Suspend, "wrong_url"),
    (200, NO_TYPE, Suspend, "wrong_url"),
    (404, HTML, Suspend, "wrong_url"),
    (410, "Gone", Suspend, "wrong_url"),
    (405, NO_VERB, Suspend, "wrong_verb"),
    (415, NO_MEDIA, Suspend, "wrong_verb"),
    (401, {"Message": "Authorization has been denied for this request."}, Suspend, "unauthorized"),
    (403, HTML, Suspend, "unauthorized"),
    (302, "Object moved", Suspend, "redirected"),
    (308, "", Suspend, "redirected"),
    (400, {"Message": "The request is invalid."}, Reject, "400"),
    (413, "Request Entity Too Large", Reject, "413"),
    (408, "Request Timeout", Retry, "408"),
    (425, "Too Early", Retry, "425"),
    (429, "Too Many Requests", Retry, "429"),
    (500, {"Message": "An error has occurred."}, Retry, "500"),
    (502, HTML, Retry, "502"),
    (503, "The service is unavailable.", Retry, "503"),
    (504, "", Retry, "504"),
    (200, HTML, Retry, "unreadable"),
    (200, "", Retry, "unreadable"),
    (204, "", Retry, "unreadable"),
    (200, "[]", Retry, "unreadable"),
    (200, {"Code": "200"}, Retry, "unreadable"),
]
elsewhere = pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    ELSEWHERE,
    ids=[f"{r[0]} {r[1] if isinstance(r[1], str) else ' '.join(r[1].values())}"[:70] for r in ELSEWHERE],
)


@elsewhere
@pytest.mark.parametrize("action", CALLED)
def test_what_is_no_envelope_is_read_by_its_status(
    action: str, status: int, body: str | dict[str, str], kind: type[Meaning], code: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)

    answer = read(web(status, text), action)

    assert isinstance(answer, Suspend | Reject | Retry)
    assert (type(answer), answer.code) == (kind, code)
    assert answer.in_doubt is ((kind is Retry or status == 302) and action in WRITES)  # 302: sent on to what it made
    assert answer.reason.startswith(f"ManEx answered {status} to line 3")
    for word in [body] if isinstance(body, str) else [body.get("Message", ""), body.get("MessageDetail", "")]:
        assert " ".join(word.split()) in answer.reason
    if isinstance(answer, Suspend | Reject):
        assert "[destinations.manex-us" in answer.hint
    else:
        # An unhandled exception may come from the data; what the gateway says passes.
        assert answer.tries == (4 if code in ("500", "unreadable") else None)


@pytest.mark.parametrize("action", CALLED)
@pytest.mark.parametrize("status", [405, 415], ids=str)
def test_a_wrong_verb_names_the_action_whose_verb_is_configured(action: str, status: int) -> None:
    answer = read(web(status, json.dumps(NO_VERB)), action)

    assert isinstance(answer, Suspend)
    assert f"Set verb and form of {action} in [destinations.manex-us.actions]" in answer.hint


@pytest.mark.parametrize("status", [408, 429, 500, 503], ids=str)
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), (" 0 ", 0.0), ("Wed, 18 Nov 2026 11:27:40 GMT", 1260.0), ("9" * 20, 86_400.0)],
    ids=["seconds", "zero", "a date", "too many seconds"],
)
def test_retry_after_holds_back_everyone(status: int, header: str, seconds: float) -> None:
    answer = read(web(status, "", {"retry-after": header}), "ItemADD")

    assert isinstance(answer, Retry)
    assert (answer.after, answer.everyone) == (seconds, True)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"retry-after": "-5"}], ids=str)
def test_without_a_usable_retry_after_only_this_delivery_waits(headers: dict[str, str]) -> None:
    answer = read(web(429, "", headers), "Get")

    assert isinstance(answer, Retry)
    assert (answer.after, answer.everyone) == (None, False)


# ---------------------------------------------------------------- section 8: silence


@pytest.mark.parametrize("action", CALLED)
@pytest.mark.parametrize(("fault", "sent"), [("connect", False), ("timeout", True), ("lost", True)], ids=str)
def test_silence_leaves_a_write_in_doubt_unless_nothing_was_sent(action: str, fault: Fault, sent: bool) -> None:
    answer = read(Reply(Call("POST", "API/SO/Add"), fault=fault), action)

    assert isinstance(answer, Retry)
    assert (answer.code, answer.tries, answer.in_doubt) == (fault, None, sent and action in WRITES)
    assert ("line 3 may be written" in answer.reason) is answer.in_doubt


@pytest.mark.parametrize("fault", ["connect", "timeout", "lost"])
def test_a_call_that_nobody_answered_may_still_be_carried_out(fault: Fault) -> None:
    assert unanswered(Reply(Call("POST", "API/SO/ItemADD"), fault=fault)) is (fault != "connect")


@pytest.mark.parametrize("status", [200, 204, 408, 502, 503, 504], ids=str)
def test_a_gateway_in_its_place_is_no_answer(status: int) -> None:
    assert unanswered(web(status, HTML))


@pytest.mark.parametrize("status", [302, 400, 404, 405, 429, 500], ids=str)
def test_an_error_of_the_site_itself_is_an_answer(status: int) -> None:
    assert not unanswered(web(status, HTML))


@pytest.mark.parametrize("status", [200, 403, 502, 503], ids=str)
def test_an_envelope_is_an_answer_whatever_its_status(status: int) -> None:
    assert not unanswered(answered(OTHER, status=status))
