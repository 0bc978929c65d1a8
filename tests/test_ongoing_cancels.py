"""Cancelling an order at the warehouse: what was never there, what is, and what may be."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.http import Call
from tasks.ongoing import LAG_S
from tests.ongoing_fake import BEGUN, KEY, LINE, SENT, Script, job, run, shown
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend


def test_an_order_that_was_never_sent_is_cancelled_without_a_call() -> None:
    http = Script()
    decided = run(job(cancelled=True), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, http.calls) == (None, [])


def test_a_cancelled_order_is_deleted_by_its_number() -> None:
    http = Script((200, {"orderId": 501, "message": "cancelled"}))
    decided = run(job(cancelled=True, memo=SENT), http)
    assert decided == Delivered(reference="501", memo=SENT | {"cancelled": True}, note="cancelled at the warehouse")
    assert http.calls == [Call("DELETE", "orders", params=KEY)]


def test_a_cancel_needs_no_mapping() -> None:
    http = Script((200, {}))
    assert isinstance(run(job(cancelled=True, memo=SENT, ship_to=None, lines=[LINE | {"sku": None}]), http), Delivered)


def test_a_cancel_is_not_sent_twice() -> None:
    http = Script()
    decided = run(job(cancelled=True, memo=SENT | {"cancelled": True}), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, http.calls) == ("501", [])


def test_a_cancel_after_work_has_begun_is_held() -> None:
    picked = shown(job(), status=400)
    picked["orderInfo"]["orderStatus"]["text"] = "Picked"
    decided = run(job(cancelled=True, memo=SENT), Script((400, BEGUN), (200, [picked])))
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("begun", True, True)
    said = "The warehouse has begun with order 1001 (status 400 Picked): it was not cancelled there. "
    assert decided.reason.startswith(said)
    assert "started working" in decided.reason


@pytest.mark.parametrize("look", [(200, []), (404, ""), "timeout"], ids=str)
def test_a_refused_cancel_is_held_whatever_its_look_up_says(look: Any) -> None:
    decided = run(job(cancelled=True, memo=SENT), Script((400, BEGUN), look))
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("cancel_refused", True, True)
    assert "would not cancel order 1001" in decided.reason


def test_a_cancel_in_doubt_looks_first_and_deletes_what_is_ours() -> None:
    http = Script((200, [shown(job())]), (200, {"orderId": 501}))
    decided = run(job(cancelled=True, in_doubt=True), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, http.said) == ("501", ["GET", "DELETE"])


def test_a_cancel_whose_answer_was_lost_is_found_done() -> None:
    http = Script((200, [shown(job(), status=1000)]))
    decided = run(job(cancelled=True, in_doubt=True, memo=SENT), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, decided.memo["cancelled"], http.said) == ("501", True, ["GET"])


@pytest.mark.parametrize(
    "there",
    [
        pytest.param([], id="the number is free"),
        pytest.param([shown(job(), goodsOwnerOrderId="7002")], id="the number is another order's"),
    ],
)
def test_a_cancel_in_doubt_deletes_nothing_that_is_not_ours_and_looks_twice(there: list[Any]) -> None:
    http = Script((200, there))
    first = run(job(cancelled=True, in_doubt=True, now=100.0), http)
    assert isinstance(first, Retry)
    assert (first.counts, first.in_doubt) == (False, True)

    second = run(job(cancelled=True, in_doubt=True, memo=first.memo, now=100.0 + LAG_S), http := Script((200, there)))
    assert isinstance(second, Delivered)
    assert (second.reference, second.note) == (None, "nothing is there to cancel")
    assert http.said == ["GET"]


def test_a_known_order_that_does_not_show_is_deleted_all_the_same() -> None:
    http = Script((200, []), (404, {"message": "No such order"}), (200, []))
    decided = run(job(cancelled=True, in_doubt=True, memo=SENT), http)
    assert isinstance(decided, Delivered)
    assert http.said == ["GET", "DELETE", "GET"]


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        pytest.param((200, []), Delivered, id="the order is gone"),
        pytest.param((200, [shown(job())]), Reject, id="the order is there"),
        pytest.param((404, ""), Suspend, id="the address is wrong"),
        pytest.param("timeout", Retry, id="no answer"),
    ],
)
def test_a_cancel_that_is_not_found_is_looked_up(look: Any, kind: type[Outcome]) -> None:
    http = Script((404, {"message": "Not found"}), look)
    assert isinstance(run(job(cancelled=True, memo=SENT), http), kind)
    assert http.said == ["DELETE", "GET"]


def test_an_order_that_was_cancelled_and_comes_back_is_written_again() -> None:
    http = Script((200, {"orderId": 501}))
    assert run(job(memo=SENT | {"cancelled": True}), http) == Delivered(reference="501", memo=SENT)
