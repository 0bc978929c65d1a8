"""Esuite: what a shop changes of an order after it was sent is changed there, whatever is lost on the way."""

from __future__ import annotations

import json

import pytest

from schemas.order import Order
from tests.esuite_desk import FAILED, INVOICED, LOST, NAME, ONE, TEE, THREE, Desk, body_of, held, mugs, sent
from tests.esuite_fake import FakeEsuite, Says, destination, line, order
from worker.outcomes import Delivered, Reject, Retry, Suspend

# ---------------------------------------------------------------- a change


def test_a_change_names_the_transaction_and_carries_no_second_payment() -> None:
    desk = Desk().delivered()

    answer = desk.settled(ONE)

    assert isinstance(answer, Delivered)
    assert (answer.reference, answer.note) == (NAME, f"{NAME} was changed in Esuite")
    [body] = sent(desk, "PUT")
    assert body["T_Trans"] == {
        "CompanyNo": 36015,
        "TransNo": 1464547,
        "BatchType": "SAR",
        "TransLedger": "S",
        "TransYourRef": "WEB-1001",
        "TransIncGST": "True",
        "TransComment": "",
        "DlvAddressNo": -1,
    }
    assert body.keys() == {"T_Trans", "T_TrnDet", "T_TrnDlv"}
    assert desk.http.methods == ["GET", "PUT", "GET"]
    assert desk.there == mugs(1)


def test_a_change_says_that_payments_stay() -> None:
    answer = Desk().delivered().settled(ONE)

    assert isinstance(answer, Delivered)
    assert answer.warnings == ("payments stay in Esuite as they were booked: a change sends none",)


def test_a_change_does_not_ask_for_a_payment_type_that_it_would_not_send() -> None:
    known = destination(payments={"shopify_payments": {"PaymentType": "WEB"}})
    desk = Desk(place=known).delivered()
    more = ONE.model_copy(
        update={"payments": (*ONE.payments, order(payments=[{"method": "cash", "amount": 1}]).payments[0])}
    )

    assert isinstance(desk.settled(more), Delivered)
    assert desk.there == mugs(1)


def test_what_is_found_equal_is_left_alone() -> None:
    desk = Desk().delivered()
    newer = order(version="2026-11-21T00:00:00Z", payment_state="partially_refunded")

    assert isinstance(desk.settled(newer), Delivered)
    assert desk.http.methods == ["GET"]


def test_a_transaction_that_a_person_has_changed_already_is_left_alone() -> None:
    desk = Desk().delivered()
    desk.http.rows = [FakeEsuite().create(body_of(ONE))]  # with the same numbers

    assert isinstance(desk.settled(ONE), Delivered)
    assert desk.http.methods == ["GET"]


@pytest.mark.parametrize(
    "newer",
    [order(ship_to={"name": "Ada Lovelace", "city": "Hobart", "country": "AU"}), order(note="Ring twice")],
    ids=["address", "note"],
)
def test_what_stands_beside_the_figures_is_changed_as_well(newer: Order) -> None:
    desk = Desk().delivered()

    assert isinstance(desk.settled(newer), Delivered)
    assert len(sent(desk, "PUT")) == 1
    desk.http.calls.clear()
    assert isinstance(desk.settled(), Delivered)
    assert desk.http.methods == ["GET"], "once it was changed it is equal"


def test_a_note_that_is_taken_back_goes_away() -> None:
    desk = Desk(shop=order(note="Ring twice")).delivered()

    desk.settled(order())

    assert desk.http.rows[0]["TransComment"] == ""


# ---------------------------------------------------------------- a change of what was shipped in part


def shipped(ordered: str, still: str, done: str) -> Order:
    """Mugs of which some were shipped, a tee that was not."""
    total = {"2": "79.90", "3": "119.85", "5": "199.75"}[ordered]
    mug = line(quantity=ordered, open_quantity=still, fulfilled_quantity=done, total_incl=total, tax="0")
    return order(lines=[mug, TEE])


def test_being_shipped_changes_nothing() -> None:
    desk = Desk().delivered()

    assert isinstance(desk.settled(shipped("2", "0", "2")), Delivered)
    assert desk.http.methods == ["GET"]


def test_what_was_shipped_since_stays_in_the_transaction() -> None:
    desk = Desk().delivered()
    gone = {**TEE, "open_quantity": "0"}
    newer = order(lines=[line(open_quantity="0", fulfilled_quantity="2"), gone])

    assert isinstance(desk.settled(newer), Delivered)
    assert desk.there == {"000250a": ("2", "79.9"), "FREIGHT": ("1", "10")}


def test_one_refunded_and_one_shipped_leave_what_was_shipped_and_is_open() -> None:
    desk = Desk(shop=THREE).delivered()

    desk.settled(shipped("3", "1", "1"))

    assert desk.there["000250a"] == ("2", "79.9")


def test_what_was_shipped_before_the_first_attempt_never_comes_in() -> None:
    desk = Desk(shop=shipped("5", "3", "2")).delivered()
    assert desk.there["000250a"] == ("3", "119.85")

    desk.settled(shipped("5", "2", "2"))

    assert desk.there["000250a"] == ("2", "79.9")


def test_a_change_after_shipping_whose_worker_dies_is_known_by_its_figures() -> None:
    desk = Desk(shop=THREE, http=FakeEsuite(planned={"POST": [Says(fault="timeout", commit=True)]}))
    desk.once()
    desk.http.kill = ["PUT"]
    assert desk.once(shipped("3", "1", "1")) is None
    desk.http.arrive()
    assert desk.there["000250a"] == ("2", "79.9")

    assert isinstance(desk.settled(shipped("3", "0", "1")), Delivered)
    assert desk.there["000250a"] == ("1", "39.95")


def test_what_was_shipped_while_an_order_was_refused_never_comes_in() -> None:
    desk = Desk(shop=shipped("5", "5", "0"), http=FakeEsuite(planned={"POST": [INVOICED]}))
    assert isinstance(desk.once(), Reject)
    desk.once(shipped("5", "3", "2"))
    assert desk.there["000250a"] == ("3", "119.85")

    desk.settled(shipped("5", "2", "2"))

    assert desk.there["000250a"] == ("2", "79.9")


# ---------------------------------------------------------------- a change that is not answered

ENDS = {"carried out": (True, False), "never": (False, False), "late": (False, True)}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("says", LOST.values(), ids=LOST)
def test_a_lost_change_followed_by_a_newer_version_ends_with_the_newest(says: Says, end: tuple[bool, bool]) -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(says.status, says.text, fault=says.fault, commit=end[0], late=end[1])]}
    lost = desk.once(ONE)
    assert isinstance(lost, Retry)
    assert lost.in_doubt

    waiting = desk.once(THREE)
    assert isinstance(waiting, Retry)
    assert (waiting.code, waiting.counts, waiting.after) == ("looking", False, 40)
    assert len(sent(desk, "PUT")) == 1, "nothing newer is sent while the older may come late"
    desk.now += waiting.after or 0.0
    desk.http.arrive()

    assert isinstance(desk.settled(THREE), Delivered)
    assert desk.there == mugs(3)


def test_an_older_change_that_comes_late_does_not_win_over_what_is_already_there() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(fault="timeout", late=True)]}
    desk.once(ONE)

    waiting = desk.once(order())
    assert isinstance(waiting, Retry)
    assert waiting.code == "looking", "what is there is the newest, and an older change is on its way"
    desk.http.arrive()

    assert isinstance(desk.settled(order()), Delivered)
    assert desk.there == mugs(2)


def test_the_wait_counts_from_the_first_look_and_not_from_the_attempts_begin() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(fault="timeout", late=True)]}
    desk.once(ONE)
    desk.now += 500  # the attempt waited for its turn before it sent

    first = desk.once(THREE)
    desk.now += 10
    second = desk.once(THREE)

    assert isinstance(first, Retry)
    assert isinstance(second, Retry)
    assert (first.after, second.after) == (40, 29)


def test_a_clock_that_is_set_back_does_not_prolong_the_wait() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(fault="timeout")]}
    desk.once(ONE)
    desk.once(ONE)
    desk.now -= 3600

    again = desk.once(ONE)

    assert isinstance(again, Retry)
    assert again.after == 40
    assert isinstance(desk.settled(), Delivered)


@pytest.mark.parametrize("known", [True, False], ids=["delivered before", "in doubt before"])
@pytest.mark.parametrize("when", ["before the next look", "during the wait", "never"])
def test_a_change_cut_off_by_a_kill_never_wins_over_a_newer_version(known: bool, when: str) -> None:
    desk = Desk()
    desk.http.planned = {} if known else {"POST": [Says(fault="timeout", commit=True)]}
    desk.once()
    desk.http.kill = ["PUT"]
    assert desk.once(ONE) is None
    if when == "before the next look":
        desk.http.arrive()

    waiting = desk.once(THREE)
    assert isinstance(waiting, Retry)
    assert waiting.code == "looking"
    if when == "during the wait":
        desk.http.arrive()
    desk.now += waiting.after or 0.0

    assert isinstance(desk.settled(THREE), Delivered)
    assert desk.there == mugs(3)


def test_after_a_kill_during_the_wait_the_wait_begins_anew() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(fault="timeout")]}
    desk.once(ONE)
    desk.once(ONE)
    desk.now += 39
    desk.http.kill = ["GET"]
    assert desk.once(ONE) is None
    desk.http.under_way.clear()

    again = desk.once(ONE)

    assert isinstance(again, Retry)
    assert again.after == 40


def test_a_kill_while_the_transaction_is_made_asks_for_no_wait() -> None:
    desk = Desk(http=FakeEsuite(kill=["POST"]))
    assert desk.once() is None
    desk.http.arrive()

    assert isinstance(desk.once(), Delivered)
    assert desk.http.posted == 1


def test_a_change_that_could_not_be_sent_is_sent_at_once_by_the_next_attempt() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(fault="connect")]}
    first = desk.once(ONE)
    assert isinstance(first, Retry)
    assert first.code == "connect"

    assert isinstance(desk.once(THREE), Delivered)
    assert desk.there == mugs(3)


def test_a_change_whose_look_afterwards_fails_is_found_done() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"GET": [Says(200, json.dumps({"Trans": desk.http.rows})), Says(503)]}
    first = desk.once(ONE)
    assert isinstance(first, Retry)
    assert first.code == "503"

    assert isinstance(desk.once(), Delivered)
    assert len(sent(desk, "PUT")) <= 2
    assert desk.there == mugs(1)


def test_a_change_that_fails_again_and_again_gives_up_after_so_many_tries() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [FAILED] * 4}

    failures = []
    for _ in range(12):
        answer = desk.once(ONE)
        assert isinstance(answer, Retry | Delivered)
        if isinstance(answer, Retry):
            desk.now += answer.after or 0.0
            failures += [answer.tries] if answer.counts else []

    assert failures == [4] * 4
    assert desk.there == mugs(1)


# ---------------------------------------------------------------- a change that is refused


def test_a_change_answered_400_is_held_with_esuites_words_and_what_to_do() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [INVOICED]}

    answer = held(desk.once(ONE), "change_refused")

    assert answer.reason.endswith("as it was: Esuite answered 400: Error with Payload - transaction has been invoiced")
    assert answer.hint == f"Settle the change of {NAME} in Esuite by hand and replay; or accept it as it is there."
    assert isinstance(desk.settled(), Delivered), "a replay tries once more"


def test_an_address_that_esuite_refuses_is_for_a_person_to_change_and_to_accept() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [INVOICED]}

    answer = held(desk.once(order(note="Ring twice")), "change_refused")

    assert "Change its address and note in Esuite by hand, then accept" in answer.hint
    desk.http.calls.clear()
    assert isinstance(desk.once(order()), Delivered)
    assert desk.http.methods == ["GET"], "the shop took it back, so nothing is to be changed"


def test_a_change_answered_204_is_held() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(204)]}

    answer = held(desk.once(ONE), "change_refused")

    assert "204, no such transaction" in answer.reason


@pytest.mark.parametrize(("put", "still"), [("merge", "TEE-M: Esuite has 1 for 12.00"), ("ignore", "000250a: Esuite")])
def test_a_change_that_was_taken_and_shows_other_figures_is_held_with_what_differs(put: str, still: str) -> None:
    desk = Desk(http=FakeEsuite(put=put)).delivered()
    without_tee = order(lines=[line(quantity="1", total_incl="39.95", tax="3.63")])

    answer = held(desk.once(without_tee), "change_not_taken")

    assert still in answer.reason
    assert f"Change {NAME} in Esuite by hand" in answer.hint
    assert len(sent(desk, "PUT")) == 1
    assert desk.memo["TransNo"] == "1464547"


def test_where_lines_are_merged_a_change_of_lines_that_stay_agrees() -> None:
    desk = Desk(http=FakeEsuite(put="merge")).delivered()

    assert isinstance(desk.settled(THREE), Delivered)
    assert desk.there == mugs(3)


def test_a_transaction_that_goes_during_the_change_is_held() -> None:
    desk = Desk().delivered()
    desk.http.planned = {"GET": [Says(200, json.dumps({"Trans": desk.http.rows})), Says(204)]}

    assert "still shows: nothing of it" in held(desk.once(ONE), "change_not_taken").reason


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_change_that_nobody_may_make_there_suspends(status: int) -> None:
    desk = Desk().delivered()
    desk.http.planned = {"PUT": [Says(status)]}

    answer = desk.once(ONE)

    assert isinstance(answer, Suspend)
    assert answer.in_doubt
    assert isinstance(desk.settled(), Delivered)
