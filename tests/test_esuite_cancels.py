"""Esuite: what is cancelled is deleted there, and what is not ours is never touched."""

from __future__ import annotations

import json

import pytest

from schemas.http import Call
from schemas.order import Order
from tests.esuite_desk import (
    CANCELLED,
    INVOICED,
    LOST,
    NAME,
    ONE,
    TEE,
    THREE,
    Desk,
    body_of,
    held,
    mugs,
    sent,
)
from tests.esuite_fake import FakeEsuite, Says, destination, line, order
from worker.outcomes import Delivered, Reject, Retry

# ---------------------------------------------------------------- a cancel


def test_a_cancel_is_a_delete_with_its_jsonbody_of() -> None:
    desk = Desk().delivered()

    answer = desk.settled(CANCELLED)

    assert isinstance(answer, Delivered)
    assert (answer.reference, answer.note) == (NAME, f"{NAME} was deleted in Esuite")
    body = {"T_Trans": {"CompanyNo": 36015, "TransNo": 1464547, "BatchType": "SAR"}}
    assert desk.http.calls[1:] == [Call("DELETE", "trans", body=body)]
    assert desk.http.rows == []


@pytest.mark.parametrize("shows_deleted", [True, False], ids=["deleted ones are shown", "they are not"])
@pytest.mark.parametrize("commit", [True, False], ids=["carried out", "never"])
@pytest.mark.parametrize("says", LOST.values(), ids=LOST)
def test_a_lost_delete_ends_with_nothing_there(says: Says, commit: bool, shows_deleted: bool) -> None:
    desk = Desk(http=FakeEsuite(shows_deleted=shows_deleted)).delivered()
    desk.http.planned = {"DELETE": [Says(says.status, says.text, fault=says.fault, commit=commit)]}

    answer = desk.settled(CANCELLED)

    assert isinstance(answer, Delivered)
    assert answer.reference == NAME
    assert desk.http.rows == []


@pytest.mark.parametrize("shows_deleted", [True, False], ids=["deleted ones are shown", "they are not"])
def test_a_delete_cut_off_by_a_kill_is_found_done(shows_deleted: bool) -> None:
    desk = Desk(http=FakeEsuite(shows_deleted=shows_deleted)).delivered()
    desk.http.kill = ["DELETE"]
    assert desk.once(CANCELLED) is None
    desk.http.arrive()

    assert isinstance(desk.settled(), Delivered)
    assert len(desk.http.deleted) == 1


def test_a_delete_answered_204_is_done_where_nothing_is_shown_any_more() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"DELETE": [Says(204, commit=True)]}

    assert isinstance(desk.once(CANCELLED), Delivered)
    assert desk.http.methods == ["GET", "DELETE", "GET"]


def test_a_delete_answered_204_is_held_where_the_transaction_is_still_shown() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"DELETE": [Says(204)]}

    answer = held(desk.once(CANCELLED), "cancel_refused")

    assert "204, no such transaction, and shows it" in answer.reason


def test_a_delete_answered_204_is_done_although_the_look_afterwards_fails() -> None:
    desk = Desk(http=FakeEsuite(shows_deleted=False)).delivered()
    there = Says(200, json.dumps({"Trans": desk.http.rows}))
    desk.http.planned = {"DELETE": [Says(204, commit=True)], "GET": [there, Says(503)]}

    assert isinstance(desk.settled(CANCELLED), Delivered)


def test_a_delete_answered_400_is_held_with_what_to_do() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"DELETE": [INVOICED]}

    answer = held(desk.once(CANCELLED), "cancel_refused")

    assert "did not delete" in answer.reason
    assert "transaction has been invoiced" in answer.reason
    assert answer.hint == f"Delete or credit {NAME} in Esuite by hand and replay; or accept it as it is there."


def test_a_body_that_a_gateway_drops_is_hinted_at() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"DELETE": [Says(400, '{"Description": "No Payload Found"}')]}

    assert "something on the way to Esuite drops the body" in held(desk.once(CANCELLED), "cancel_refused").hint


@pytest.mark.parametrize("says", LOST.values(), ids=LOST)
def test_a_cancel_while_the_post_is_in_doubt_looks_and_deletes(says: Says) -> None:
    post = Says(says.status, says.text, fault=says.fault, commit=True)
    desk = Desk(http=FakeEsuite(planned={"POST": [post]}))
    desk.once()

    assert isinstance(desk.once(CANCELLED), Delivered)
    assert desk.http.methods == ["POST", "GET", "DELETE"]
    assert desk.http.rows == []


def test_a_cancel_while_the_post_is_in_doubt_waits_for_one_that_comes_late() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", late=True)]}))
    desk.once()
    first = desk.once(CANCELLED)
    assert isinstance(first, Retry)
    desk.now += first.after or 0.0
    desk.http.arrive()

    assert isinstance(desk.once(), Delivered)
    assert desk.http.rows == []


def test_another_ones_deleted_transaction_does_not_settle_a_cancel_in_doubt() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", late=True)]}))
    desk.http.create(body_of(THREE))
    desk.http.deleted.append(desk.http.rows.pop())
    desk.once()

    first = desk.once(CANCELLED)

    assert isinstance(first, Retry)
    desk.http.arrive()
    assert isinstance(desk.settled(), Delivered)
    assert desk.http.rows == []


def test_a_cancel_of_an_order_that_can_no_longer_be_mapped_is_carried_out() -> None:
    desk = Desk().delivered()

    assert isinstance(desk.settled(order(cancelled=True, lines=[line(sku=None)])), Delivered)
    assert desk.http.rows == []


@pytest.mark.parametrize("how", ["answered", "lost", "lost, and not shown any more"])
def test_an_order_that_is_revived_after_its_deletion_is_held(how: str) -> None:
    desk = Desk(http=FakeEsuite(shows_deleted="not" not in how)).delivered()
    desk.http.planned = {} if how == "answered" else {"DELETE": [Says(fault="timeout", commit=True)]}
    desk.once(CANCELLED)
    if how == "answered":
        assert desk.http.rows == []

    answer = desk.settled(order(version="2026-11-22T00:00:00Z"))

    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold) == ("revived", True)
    assert "Enter it in Esuite by hand" in answer.hint
    assert desk.http.posted == 0


def test_an_order_that_was_revived_by_hand_is_adopted() -> None:
    desk = Desk().delivered()
    desk.settled(CANCELLED)
    desk.settled(order(version="2026-11-22T00:00:00Z"))
    desk.http.create(body_of(order()))

    answer = desk.settled()

    assert isinstance(answer, Delivered)
    assert answer.reference == "PSOR-1464548"
    assert desk.http.posted == 0


def test_a_cancel_of_what_a_person_renamed_in_esuite_is_held() -> None:
    desk = Desk().delivered()
    desk.http.rows[0]["TransYourRef"] = "OTHER"

    answer = held(desk.once(CANCELLED), "missing")

    assert "accept it as it is" in answer.hint
    assert sent(desk, "DELETE") == []


# ---------------------------------------------------------------- refunded entirely


def refunded() -> Order:
    """Every line was refunded before it was shipped."""
    return order(lines=[line(open_quantity="0"), {**TEE, "open_quantity": "0"}], payment_state="refunded")


def test_an_order_that_is_refunded_entirely_after_delivery_is_deleted() -> None:
    desk = Desk().delivered()

    answer = desk.settled(refunded())

    assert isinstance(answer, Delivered)
    assert desk.http.methods == ["GET", "DELETE"]
    assert desk.http.rows == []
    assert isinstance(desk.settled(), Delivered), "a replay finds that nothing is left to do"


def test_an_order_of_which_all_that_was_not_shipped_before_is_refunded_is_deleted() -> None:
    desk = Desk(shop=order(lines=[line(open_quantity="1", fulfilled_quantity="1")])).delivered()

    desk.settled(order(lines=[line(open_quantity="0", fulfilled_quantity="1")]))

    assert desk.http.rows == []


# ---------------------------------------------------------------- in doubt, and changed meanwhile


@pytest.mark.parametrize("tax_included", [True, False], ids=["with tax", "without"])
@pytest.mark.parametrize("lost", ["answer", "worker"])
def test_an_order_changed_while_its_post_was_in_doubt_is_known_by_its_figures(lost: str, tax_included: bool) -> None:
    desk = Desk(place=destination(tax_included=tax_included))
    if lost == "answer":
        desk.http.planned = {"POST": [Says(fault="timeout", commit=True)]}
        desk.once()
    else:
        desk.http.kill = ["POST"]
        assert desk.once() is None
        desk.http.arrive()

    answer = desk.settled(THREE)

    assert isinstance(answer, Delivered)
    assert len(desk.http.rows) == 1
    assert desk.there["000250a"][0] == "3"
    assert desk.http.posted == 1


def test_the_figures_of_an_earlier_version_are_known_after_many_newer_ones() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", commit=True)]}))
    desk.once()
    desk.http.planned["GET"] = [Says(503)] * 6
    for number in range(1, 7):
        assert isinstance(desk.once(order(lines=[line(total_incl=f"{number}.00", tax="0")])), Retry)

    assert isinstance(desk.settled(ONE), Delivered)
    assert desk.there == mugs(1)


def test_figures_are_known_although_the_shop_now_counts_without_tax() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", commit=True)]}))
    desk.once()
    desk.place = destination(tax_included=False)

    assert isinstance(desk.settled(THREE), Delivered)
    assert desk.http.rows[0]["TransIncGST"] == "False"
    assert desk.http.posted == 1


def test_an_address_that_changed_while_the_post_was_in_doubt_is_changed() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", commit=True)]}))
    desk.once()

    desk.settled(order(note="Ring twice"))

    assert desk.http.rows[0]["TransComment"] == "Ring twice"


def test_an_order_renumbered_and_changed_while_in_doubt_is_not_sent_twice() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", commit=True)]}))
    desk.once()
    desk.number = "1001-B"

    answer = desk.settled(THREE)

    assert isinstance(answer, Reject)
    assert answer.code == "renumbered"
    assert desk.http.posted == 1


# ---------------------------------------------------------------- what is not ours

STRANGERS = {
    "other goods": order(lines=[line(sku="HAT")]),
    "another quantity": THREE,
    "another price": order(lines=[line(total_incl="79.80", tax="7.25"), TEE]),
    "a line more": order(lines=[line(), TEE, {**TEE, "id": "3", "sku": "HAT"}]),
    "a line less": order(lines=[line()]),
    "no freight": order(shipping=[]),
}


@pytest.mark.parametrize("wanted", ["a change", "a cancel"])
@pytest.mark.parametrize("theirs", STRANGERS.values(), ids=STRANGERS)
def test_a_transaction_with_our_key_that_is_not_ours_is_never_touched(theirs: Order, wanted: str) -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout")]}))
    row = desk.http.create(body_of(theirs))
    before = json.dumps(row)
    desk.once()

    answer = desk.settled(CANCELLED if wanted == "a cancel" else ONE)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.in_doubt) == ("conflict", True)
    assert ("delete it in Esuite" in answer.hint) == (wanted == "a cancel")
    assert set(desk.http.methods) == {"POST", "GET"}
    assert json.dumps(row) == before
    assert "TransNo" not in desk.memo


def test_a_transaction_without_details_is_not_taken_for_ours() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(fault="timeout", commit=True)]}))
    desk.once()
    del desk.http.rows[0]["T_TrnDet"]

    answer = desk.once(CANCELLED)

    assert isinstance(answer, Reject)
    assert answer.code == "conflict"


def test_the_same_number_in_another_company_is_another_transaction() -> None:
    desk = Desk().delivered()
    desk.http.rows[0] |= {"CompanyNo": "99", "T_TrnDet": []}

    answer = desk.once(CANCELLED)

    assert isinstance(answer, Reject)
    assert answer.code == "conflict"


def test_a_refused_version_leaves_the_delivered_one_known() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [INVOICED] * 3}
    for newer in (ONE, THREE, ONE):
        held(desk.once(newer), "change_refused")

    assert isinstance(desk.settled(CANCELLED), Delivered)
    assert desk.http.rows == []


def test_a_first_attempt_after_a_refusal_still_writes_without_looking() -> None:
    desk = Desk(http=FakeEsuite(planned={"POST": [Says(400, '{"Description": "AccountRef CASH01 does not exist"}')]}))
    desk.once()

    assert isinstance(desk.once(ONE), Delivered)
    assert desk.http.methods == ["POST", "POST"]
