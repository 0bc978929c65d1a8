"""Making a warehouse agree with an order: which calls go out, and what comes of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from schemas.http import Fault
from tasks.ongoing import LAG_S, SYSTEM, converge, plan, probe
from tests.ongoing_fake import BEGUN, DESTINATION, KEY, LINE, PLAIN, SENT, Script, job, run, shown
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

# ---------------------------------------------------------------- the first attempt


def test_the_first_attempt_writes_without_looking() -> None:
    http = Script((201, {"orderId": 501, "message": "created/updated"}))
    assert run(job(), http) == Delivered(reference="501", memo=SENT)
    assert http.said == ["PUT"]
    assert http.calls == list(plan(job()))
    assert (http.calls[0].path, http.calls[0].params) == ("orders", ())


def test_the_plan_is_empty_where_nothing_would_be_sent() -> None:
    assert list(plan(job(lines=[]))) == []
    assert list(plan(job(cancelled=True))) == []


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        pytest.param({"lines": []}, "the order has no lines", id="no lines"),
        pytest.param({"lines": [LINE | {"shippable": False}]}, "every line is a service", id="services"),
        pytest.param({"lines": [LINE | {"open_quantity": "0"}]}, "was refunded or taken off", id="refunded"),
        pytest.param(
            {"lines": [LINE | {"open_quantity": "0", "fulfilled_quantity": "2"}]}, "has been shipped", id="shipped"
        ),
    ],
)
@pytest.mark.parametrize("ship_to", [PLAIN["ship_to"], None], ids=["address", "no address"])
def test_nothing_to_ship_is_delivered_without_a_call(changes: dict[str, Any], note: str, ship_to: Any) -> None:
    http = Script()
    decided = run(job(**changes, ship_to=ship_to), http)
    assert isinstance(decided, Delivered)
    assert decided.reference is None
    assert decided.note.startswith("nothing to ship: ")
    assert note in decided.note
    assert http.calls == []


@pytest.mark.parametrize(
    ("changes", "code", "hold"),
    [
        pytest.param({"ship_to": None}, "no_address", True, id="no address"),
        pytest.param({"lines": [LINE | {"sku": None}]}, "no_sku", True, id="no SKU"),
        pytest.param({"shop_order_id": "x" * 51}, "too_long", False, id="a key too long"),
    ],
)
def test_an_order_that_cannot_be_mapped_sends_nothing(changes: dict[str, Any], code: str, hold: bool) -> None:
    http = Script()
    decided = run(job(**changes), http)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold) == (code, hold)
    assert decided.hint
    assert http.calls == []


def test_an_order_that_can_no_longer_be_mapped_is_held_while_an_earlier_version_may_be_there() -> None:
    lines = [LINE | {"id": "x" * 41}]
    for a_job in (job(lines=lines, in_doubt=True), job(lines=lines, memo=SENT)):
        decided = run(a_job, Script())
        assert isinstance(decided, Reject)
        assert (decided.code, decided.hold, decided.in_doubt) == ("too_long", True, True)


def test_warnings_come_with_the_delivery() -> None:
    decided = run(job(note="n" * 501), Script((200, {"orderId": 501})))
    assert isinstance(decided, Delivered)
    assert decided.warnings == ("orderRemark was cut from 501 to 500 characters, the limit at Ongoing",)


def test_personal_data_never_shows_in_a_reason() -> None:
    refusals: list[tuple[int, Any] | Fault] = [(400, ""), (500, ""), (401, ""), (404, ""), "timeout", "lost", "connect"]
    for refusal in refusals:
        decided = run(job(), Script(refusal))
        assert isinstance(decided, Reject | Retry | Suspend)
        text = decided.reason + getattr(decided, "hint", "")
        assert not any(word in text for word in ("Ada", "ada@example.com", "1 St", "Lund", "22100"))


# ---------------------------------------------------------------- in doubt


@pytest.mark.parametrize("fault", ["timeout", "lost"])
def test_no_answer_leaves_a_doubt(fault: Fault) -> None:
    decided = run(job(), Script(fault))
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt) == (fault, True)


def test_in_doubt_an_equal_order_is_adopted_without_a_write() -> None:
    http = Script((200, [shown(job(), market_place=None)]))
    decided = run(job(in_doubt=True), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, decided.memo) == ("501", SENT)
    assert "found" in decided.note
    assert [(call.method, call.path, call.params) for call in http.calls] == [("GET", "orders", KEY)]


def test_in_doubt_an_order_without_arrays_or_market_place_is_still_ours() -> None:
    there = shown(job(), marketPlace=None) | {"parcels": None, "tracking": None, "classes": None}
    assert isinstance(run(job(in_doubt=True), Script((200, [there]))), Delivered)


def test_in_doubt_nothing_there_writes() -> None:
    http = Script((200, []), (201, {"orderId": 501}))
    assert run(job(in_doubt=True), http) == Delivered(reference="501", memo=SENT)
    assert http.said == ["GET", "PUT"]


def test_in_doubt_a_neighbouring_number_is_not_ours() -> None:
    http = Script((200, [shown(job(), orderNumber="10011")]), (201, {"orderId": 501}))
    assert isinstance(run(job(in_doubt=True), http), Delivered)
    assert http.said == ["GET", "PUT"]


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(shown(job(), orderNumber="1001 "), id="a blank at the end"),
        pytest.param(shown(job(), orderId="501"), id="orderId as text"),
        pytest.param(shown(job(), orderId=501.0), id="orderId as 501.0"),
    ],
)
def test_in_doubt_other_spellings_are_one(there: dict[str, Any]) -> None:
    assert run(job(in_doubt=True), Script((200, [there]))) == Delivered(
        reference="501", memo=SENT, note="found at the warehouse, equal to the order"
    )


def test_numbers_are_compared_without_case() -> None:
    ours = replace(job(in_doubt=True), number="W-1001")
    http = Script((200, [shown(job(), orderNumber="w-1001")]))
    assert isinstance(run(ours, http), Delivered)
    assert http.said == ["GET"]


def test_in_doubt_an_older_version_of_ours_is_written_over() -> None:
    older = shown(job(lines=[LINE | {"open_quantity": "1"}]))
    http = Script((200, [older]), (200, {"orderId": 501}))
    assert isinstance(run(job(in_doubt=True), http), Delivered)
    assert http.said == ["GET", "PUT"]


def test_in_doubt_lines_that_do_not_show_yet_are_written_again() -> None:
    http = Script((200, [shown(job()) | {"orderLines": None}]), (200, {"orderId": 501}))
    assert isinstance(run(job(in_doubt=True), http), Delivered)
    assert http.said == ["GET", "PUT"]


def test_in_doubt_a_refused_change_is_held_and_names_what_differs() -> None:
    older = shown(job(note="Ring"))
    decided = run(job(in_doubt=True), Script((200, [older]), (400, BEGUN), (200, [older])))
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("change_refused", True, True)
    assert "started working" in decided.reason
    assert decided.reason.endswith("There it differs in orderRemark.")


@pytest.mark.parametrize(
    "info",
    [
        pytest.param({"goodsOwnerOrderId": "7002"}, id="another order of a shop"),
        pytest.param({"goodsOwnerOrderId": None, "marketPlace": None}, id="entered by hand"),
        pytest.param({"marketPlace": {"marketPlace": "acme-no"}}, id="another shop with equal ids"),
    ],
)
def test_in_doubt_a_number_of_another_order_is_never_written_over(info: dict[str, Any]) -> None:
    http = Script((200, [shown(job(), **info)]))
    decided = run(job(in_doubt=True), http)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold) == ("number_taken", True)
    assert http.said == ["GET"]


def test_the_same_order_twice_at_the_warehouse_is_held() -> None:
    there = [shown(job()), shown(job(), order_id=502)]
    decided = run(job(in_doubt=True), Script((200, there)))
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold) == ("duplicates", True)
    assert "501, 502" in decided.reason


def test_in_doubt_an_order_that_stands_at_cancelled_is_written_again() -> None:
    http = Script((200, [shown(job(), status=1000)]), (200, {"orderId": 501}))
    assert isinstance(run(job(in_doubt=True), http), Delivered)
    assert http.said == ["GET", "PUT"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param((401, ""), Suspend, id="401"),
        pytest.param((503, ""), Retry, id="503"),
        pytest.param((200, "<html>"), Retry, id="HTML"),
        pytest.param((400, ""), Reject, id="400"),
        pytest.param("timeout", Retry, id="time-out"),
    ],
)
def test_a_look_that_fails_writes_nothing(reply: Any, kind: type[Outcome]) -> None:
    http = Script(reply)
    assert isinstance(run(job(in_doubt=True), http), kind)
    assert http.said == ["GET"]


# ---------------------------------------------------------------- taken, but without an orderId


def test_a_success_without_order_id_is_looked_up_by_number() -> None:
    http = Script((200, {"orderId": None}), (200, [shown(job())]))
    decided = run(job(), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, decided.memo) == ("501", SENT)
    assert http.said == ["PUT", "GET"]


def test_what_does_not_show_yet_is_looked_for_again_and_neither_written_nor_counted() -> None:
    first = run(job(now=100.0), Script((200, {}), (200, [])))
    assert isinstance(first, Retry)
    assert (first.code, first.counts, first.in_doubt, first.after) == ("looking", False, True, 5.0)

    http = Script((200, []))
    second = run(job(in_doubt=True, memo=first.memo, now=110.0), http)
    assert isinstance(second, Retry)
    assert (http.said, second.memo) == (["GET"], first.memo)

    third = run(job(in_doubt=True, memo=second.memo, now=120.0), Script((200, [shown(job())])))
    assert isinstance(third, Delivered)
    assert third.memo == SENT


def test_what_never_shows_ends_with_a_person() -> None:
    memo = {"written_at": 100.0}
    http = Script((200, []), (200, {}), (200, []))
    decided = run(job(in_doubt=True, memo=memo, now=100.0 + LAG_S), http)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("not_shown", True, True)
    assert http.said == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("reply", [(401, ""), (429, ""), "connect"], ids=["401", "429", "connect"])
def test_a_failed_look_after_the_write_keeps_the_doubt(reply: Any) -> None:
    decided = run(job(), Script((200, {}), reply))
    assert isinstance(decided, Retry)
    assert decided.in_doubt


# ---------------------------------------------------------------- changes


def test_a_newer_version_is_written_whole() -> None:
    http = Script((200, {"orderId": 501}))
    assert run(job(memo=SENT, note="Ring"), http) == Delivered(reference="501", memo=SENT)
    assert http.calls == list(plan(job(note="Ring")))


def test_a_change_that_comes_after_work_has_begun_is_held() -> None:
    decided = run(job(memo=SENT), Script((400, BEGUN), (200, [shown(job(), status=320)])))
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("begun", True, True)
    assert "the change was not made there" in decided.reason


def test_an_order_keeps_the_number_under_which_the_warehouse_has_it() -> None:
    http = Script((200, {"orderId": 501}))
    decided = run(replace(job(memo=SENT), number="P-1001"), http)
    assert isinstance(decided, Delivered)
    assert (http.calls[0].body or {})["orderNumber"] == "1001"
    assert decided.warnings == ("the warehouse keeps the order under its earlier number 1001",)


def test_what_the_shop_has_shipped_since_asks_for_nothing() -> None:
    http = Script()
    decided = run(job(memo=SENT, lines=[LINE | {"open_quantity": "0", "fulfilled_quantity": "2"}]), http)
    assert decided == Delivered(
        reference="501", memo=SENT, note="nothing to ship: what could be shipped has been shipped"
    )
    assert http.calls == []


def test_an_order_refunded_to_nothing_is_cancelled_at_the_warehouse() -> None:
    http = Script((200, {"orderId": 501}))
    decided = run(job(memo=SENT, lines=[LINE | {"open_quantity": "0"}]), http)
    assert decided == Delivered(reference="501", memo=SENT | {"cancelled": True}, note="cancelled at the warehouse")
    assert http.said == ["DELETE"]


def test_a_change_that_was_settled_by_hand_is_adopted_by_the_replay() -> None:
    http = Script((200, [shown(job(note="Ring"))]))
    assert isinstance(run(job(memo=SENT, in_doubt=True, note="Ring"), http), Delivered)
    assert http.said == ["GET"]


# ---------------------------------------------------------------- the probe


STATUSES = {"orderStatuses": [{"number": 200, "text": "Open"}]}


@pytest.mark.parametrize(
    ("replies", "kind", "code"),
    [
        pytest.param([(200, STATUSES), (200, []), (404, "")], Delivered, "", id="all is well"),
        pytest.param([(200, {"orderStatuses": None}), (200, []), (404, "")], Delivered, "", id="null arrays"),
        pytest.param([(401, ""), (404, "")], Suspend, "unauthorized", id="wrong login"),
        pytest.param([(404, "")], Suspend, "wrong_url", id="wrong address"),
        pytest.param([(200, "<html>")], Suspend, "not_ongoing", id="another server"),
        pytest.param([(400, "")], Suspend, "not_ongoing", id="another API"),
        pytest.param(
            [(200, STATUSES), (400, {"message": "x"}), (404, "")], Suspend, "look_refused", id="wrong goods owner"
        ),
        pytest.param([(200, STATUSES), (503, "")], Retry, "503", id="busy"),
        pytest.param(["timeout"], Retry, "timeout", id="no answer"),
    ],
)
def test_the_probe_reads_and_tells(replies: list[Any], kind: type[Outcome], code: str) -> None:
    http = Script(*replies)
    decided = asyncio.run(probe(DESTINATION, http)).outcome
    assert isinstance(decided, kind)
    assert getattr(decided, "code", "") == code
    assert len(http.said) == len(replies)
    assert {call.method for call in http.calls if call.path != "Automation.asmx"} == {"GET"}
    assert http.calls[0].path == "orders/statuses"


def test_the_system_is_registered_under_its_name() -> None:
    assert (SYSTEM.name, SYSTEM.converge, SYSTEM.plan, SYSTEM.probe) == ("ongoing", converge, plan, probe)
