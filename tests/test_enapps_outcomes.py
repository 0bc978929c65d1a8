"""Section 3.1 of the Enapps contract: one reply, one row, for a read and for POST orders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import pytest

from sandbox.enapps.data import REPLIES
from schemas.http import Call, Fault, Reply
from tasks.enapps.replies import trouble
from tests.enapps_wire import Copies, Story, Wire, destination, order
from tests.wire import tell
from worker.outcomes import Delivered, Reject, Retry, Suspend

NOW = 1_795_000_000.0
Meaning = Retry | Reject | Suspend | None
HTML = "<html><title>Bad Gateway</title></html>"


def web(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(Call("POST", "orders"), status, headers or {}, text)


def error(status: int, message: object = "Not today.", *, code: object = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web(status, json.dumps({"error": {"code": code or status, "message": message}}), named)


def read(reply: Reply, *, writing: bool) -> Meaning:
    return trouble(reply, writing=writing, destination="enapps-uk", now=NOW)


both = pytest.mark.parametrize("writing", [False, True], ids=["read", "POST orders"])

# ---------------------------------------------------------------- the table: status, kind, code

TABLE: list[tuple[int, type[Any], str]] = [
    (300, Suspend, "wrong_url"),
    (301, Suspend, "wrong_url"),
    (308, Suspend, "wrong_url"),
    (400, Reject, "refused"),
    (401, Suspend, "unauthorized"),
    (402, Reject, "refused"),
    (404, Suspend, "wrong_url"),
    (405, Suspend, "wrong_url"),
    (408, Retry, "408"),
    (409, Reject, "refused"),
    (413, Reject, "refused"),
    (422, Reject, "refused"),
    (425, Retry, "425"),
    (429, Retry, "429"),
    (500, Retry, "500"),
    (501, Suspend, "wrong_url"),
    (502, Retry, "502"),
    (503, Retry, "503"),
    (504, Retry, "504"),
    (520, Retry, "520"),
]
statuses = pytest.mark.parametrize(("status", "kind", "code"), TABLE, ids=[str(row[0]) for row in TABLE])

BODIES = {
    "as documented": lambda status: error(status, "price_unit does not match the pricelist"),
    "an error in words": lambda status: web(status, '{"error": "Internal server error"}'),
    "HTML": lambda status: web(status, HTML),
    "nothing": lambda status: web(status, ""),
    "half of its JSON": lambda status: web(status, '{"error": {"code":'),
    "a list": lambda status: web(status, "[]"),
}


@both
@statuses
@pytest.mark.parametrize("body", BODIES)
def test_a_status_means_what_its_row_says_whatever_stands_in_the_body(
    status: int, kind: type[Any], code: str, body: str, writing: bool
) -> None:
    answer = read(BODIES[body](status), writing=writing)

    assert isinstance(answer, kind)
    assert answer is not None
    assert answer.code == code
    assert str(status) in answer.reason


def _promises(row: tuple[int, type[Any], str], *, writing: bool) -> bool:
    """Only as a status does a 401 say that nothing was done."""
    return row[0] >= 400 and not (row[0] == 401 and writing)


@pytest.mark.parametrize(
    ("status", "kind", "code", "writing"),
    [(*row, writing) for writing in (False, True) for row in TABLE if _promises(row, writing=writing)],
)
def test_an_error_in_a_200_means_what_the_status_that_it_names_means(
    status: int, kind: type[Any], code: str, writing: bool
) -> None:
    assert read(error(200, code=status), writing=writing) == _with_status(read(error(status), writing=writing), 200)
    assert read(error(200, code=str(status)), writing=writing) is not None


def _with_status(answer: Meaning, status: int) -> Meaning:
    assert answer is not None
    words = answer.reason.partition(": ")[2]
    fields = {name: getattr(answer, name) for name in answer.__dataclass_fields__}
    return type(answer)(**fields | {"reason": f"Enapps answered {status}: {words}"})


@pytest.mark.parametrize("text", ['{"error": "broken"}', '{"error": {"code": 200, "message": "Odoo Server Error"}}'])
@both
def test_an_error_in_a_200_that_names_no_status_is_a_dead_letter_that_may_be_there(text: str, writing: bool) -> None:
    answer = read(web(200, text), writing=writing)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.in_doubt) == ("refused", writing)


@pytest.mark.parametrize("empty", [None, False, "", {}, []], ids=str)
@both
def test_an_error_member_with_nothing_in_it_is_no_error(empty: object, writing: bool) -> None:
    assert read(web(200, json.dumps({"id": 7, "error": empty})), writing=writing) is None


def test_a_refused_token_within_a_200_leaves_a_doubt_after_writing() -> None:
    answer = read(error(200, code=401), writing=True)
    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt) == ("unauthorized", True)
    plain = read(error(401), writing=True)
    assert isinstance(plain, Suspend)
    assert not plain.in_doubt


@pytest.mark.parametrize(("status", "doubt"), [(301, False), (302, True), (303, True), (307, False), (308, False)])
def test_being_sent_on_after_writing_may_mean_that_it_was_done(status: int, doubt: bool) -> None:
    written, seen = read(error(status), writing=True), read(error(status), writing=False)
    assert isinstance(written, Suspend)
    assert isinstance(seen, Suspend)
    assert (written.in_doubt, seen.in_doubt) == (doubt, False)


# ---------------------------------------------------------------- forbidden


def test_what_the_user_may_not_read_is_the_connections_matter() -> None:
    answer = read(error(403), writing=False)

    assert isinstance(answer, Suspend)
    assert answer.code == "unauthorized"


@pytest.mark.parametrize("reply", [error(403), error(200, code=403)], ids=["403", "in a 200"])
def test_a_contact_that_the_user_may_not_order_for_is_that_orders_matter(reply: Reply) -> None:
    answer = read(reply, writing=True)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.in_doubt) == ("not_permitted", False)
    assert "contact of [destinations.enapps-uk]" in answer.hint


# ---------------------------------------------------------------- doubt


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520])
def test_after_a_servers_fault_the_order_may_be_there(status: int) -> None:
    written, seen = read(error(status), writing=True), read(error(status), writing=False)

    assert isinstance(written, Retry)
    assert isinstance(seen, Retry)
    assert (written.in_doubt, seen.in_doubt) == (True, False)


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 405, 409, 422, 425, 429, 501])
def test_what_is_refused_is_not_there(status: int) -> None:
    answer = read(error(status), writing=True)

    assert answer is not None
    assert not answer.in_doubt


SILENCE: list[tuple[Fault, bool]] = [("connect", False), ("timeout", True), ("lost", True)]


@both
@pytest.mark.parametrize(("fault", "doubt"), SILENCE)
def test_silence_leaves_a_doubt_unless_nothing_was_sent(fault: Fault, doubt: bool, writing: bool) -> None:
    answer = read(Reply(Call("POST", "orders"), fault=fault), writing=writing)

    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt, answer.tries) == (fault, doubt and writing, None)
    assert ("looks first" in answer.reason) == (doubt and writing)


# ---------------------------------------------------------------- waiting

WAITS: list[tuple[str, float | None]] = [
    ("7", 7.0),
    (" 7 ", 7.0),
    ("0", 0.0),
    (formatdate(NOW + 30, usegmt=True), 30.0),
    (formatdate(NOW - 30, usegmt=True), 0.0),
    ("soon", None),
    ("-3", None),
    ("", None),
]


@pytest.mark.parametrize(("status", "everyone"), [(429, True), (503, False), (500, False)])
@pytest.mark.parametrize(("header", "seconds"), WAITS)
def test_retry_after_holds_for_the_whole_destination(
    status: int, everyone: bool, header: str, seconds: float | None
) -> None:
    answer = read(error(status, retry_after=header), writing=True)

    assert isinstance(answer, Retry)
    assert answer.after == seconds
    assert answer.everyone == (answer.after is not None or everyone)


def test_a_servers_fault_is_no_order_that_is_tried_for_ever() -> None:
    answer = read(error(500), writing=True)

    assert isinstance(answer, Retry)
    assert answer.tries == 4


# ---------------------------------------------------------------- what is a success


@pytest.mark.parametrize("text", ["[]", "{}", '{"id": 1}', '[{"id": 1}]', '{"data": []}', '{"results": [1]}', "7"])
@both
def test_json_without_an_error_is_a_success(text: str, writing: bool) -> None:
    assert read(web(200, text), writing=writing) is None


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("text", ["", "  \r\n", "null"], ids=["nothing", "blanks", "null"])
def test_an_order_may_be_taken_without_a_word_and_a_list_may_not(status: int, text: str) -> None:
    assert read(web(status, text), writing=True) is None
    answer = read(web(status, text), writing=False)
    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt, answer.tries) == ("unreadable", False, 4)


@both
@pytest.mark.parametrize("text", [HTML, "OK", '{"id": 1', "[" * 100_000], ids=["HTML", "a word", "half", "deep"])
def test_a_200_that_is_no_json_tells_nothing(text: str, writing: bool) -> None:
    answer = read(web(200, text), writing=writing)

    assert isinstance(answer, Retry)
    assert (answer.code, answer.in_doubt) == ("unreadable", writing)


# ---------------------------------------------------------------- words


@both
def test_enapps_is_quoted_word_for_word_and_not_at_length(writing: bool) -> None:
    answer = read(error(400, "price_unit does not\n match  the pricelist"), writing=writing)
    assert isinstance(answer, Reject)
    assert answer.reason == "Enapps answered 400: price_unit does not match the pricelist"
    long = read(error(400, "x" * 5000), writing=writing)
    assert long is not None
    assert len(long.reason) < 400


def test_a_body_without_words_is_said_so() -> None:
    answer = read(web(502, ""), writing=True)
    assert answer is not None
    assert answer.reason == "Enapps answered 502 without a text."


# ---------------------------------------------------------------- the stand-in's catalogue


@pytest.mark.parametrize("name", REPLIES)
@both
def test_every_reply_of_the_stand_in_is_read(name: str, writing: bool) -> None:
    answer = REPLIES[name].answer()
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    found = read(web(answer.status, answer.body.decode(), headers), writing=writing)

    if name in ("200_empty_list", "200_empty_object") or (name == "200_empty" and writing):
        assert found is None
    else:
        assert found is not None


@pytest.mark.parametrize("reply", ["empty", "blank"])
def test_an_order_taken_without_its_number_is_looked_up_in_the_same_attempt(reply: str) -> None:
    wire, shelf = Wire(settings={"reply": reply}), Copies()
    tell(lambda: shelf.read(wire, destination()))
    wire.calls.clear()

    outcome = tell(Story(wire, order(), destination(), shelf).attempt)

    assert isinstance(outcome, Delivered)
    assert outcome.reference == wire.orders()[0]["name"]
    assert [call.method for call in wire.calls] == ["POST", "GET", "GET", "GET"]
    assert "looked up" in outcome.note


def test_a_page_instead_of_an_answer_is_looked_up_by_the_next_attempt() -> None:
    wire, shelf = Wire(trouble={}), Copies()
    tell(lambda: shelf.read(wire, destination()))
    wire.calls.clear()
    wire.trouble = {1: "page"}
    story = Story(wire, order(), destination(), shelf)

    first, second = tell(story.attempt), tell(story.attempt)

    assert isinstance(first, Retry)
    assert (first.code, first.in_doubt) == ("unreadable", True)
    assert isinstance(second, Delivered)
    assert wire.writes() == 1


def test_errors_in_200_do_not_make_an_order_look_delivered() -> None:
    wire, shelf = Wire(settings={"errors_in_200": True}), Copies()
    tell(lambda: shelf.read(wire, destination()))

    outcome = tell(Story(wire, order(), destination(contact=999), shelf).attempt)

    assert isinstance(outcome, Reject)
    assert outcome.reason == "Enapps answered 200: partner_order_id 999 is no contact"
    assert wire.orders() == []
