"""An order becomes one sale order in Enapps, whatever happens to the calls (contracts/enapps.md section 6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from tests.enapps_wire import Copies, Story, What, Wire, destination, line, order, tell
from worker.outcomes import Delivered, Reject, Retry, Suspend

TROUBLE: tuple[What, ...] = get_args(What)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def shelf(wire: Wire) -> Iterator[Copies]:
    shelf = Copies()
    assert tell(lambda: shelf.read(wire, destination())) == []
    wire.calls.clear()
    return shelf


def _story(wire: Wire, shelf: Copies, **changes: Any) -> Story:
    return Story(wire, order(**changes), destination(), shelf)


def _once(wire: Wire) -> dict[str, Any]:
    [there] = wire.orders()
    return there


def test_an_order_becomes_a_sale_order_of_the_contact_with_its_address(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf).attempt)
    assert isinstance(outcome, Delivered)
    assert wire.calls[0].method == "POST"
    assert outcome.reference == _once(wire)["name"]


@pytest.mark.parametrize("what", TROUBLE)
@pytest.mark.parametrize("call", [1, 2])
def test_trouble_at_any_call_ends_as_one_sale_order(wire: Wire, shelf: Copies, call: int, what: What) -> None:
    wire.trouble = {call: what}
    outcome = tell(_story(wire, shelf).to_the_end)
    assert isinstance(outcome, Delivered)
    _once(wire)


def test_a_lost_answer_is_looked_for_twice_before_the_order_is_sent_again(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "late"}
    story = _story(wire, shelf)
    assert isinstance(tell(story.attempt), Retry)
    looking = tell(story.attempt)
    assert isinstance(looking, Retry)
    assert (looking.code, looking.counts, looking.after) == ("looking", False, 20)
    assert isinstance(tell(story.to_the_end), Delivered)
    _once(wire)


@pytest.mark.parametrize("settings", [{"envelope": "data"}, {"envelope": "results"}, {"first_page": 0}], ids=str)
def test_lists_of_every_shape_are_read(settings: dict[str, Any]) -> None:
    wire, shelf = Wire(settings=settings, trouble={}), Copies()
    place = destination(**({"first_page": 0} if "first_page" in settings else {}))
    assert tell(lambda: shelf.read(wire, place)) == []
    wire.calls.clear()
    wire.trouble = {1: "lose"}
    assert isinstance(tell(Story(wire, order(), place, shelf).to_the_end), Delivered)
    _once(wire)


@pytest.mark.parametrize("past_end", ["empty", "last"])
def test_pages_of_any_size_are_read_to_their_end(past_end: str) -> None:
    sizes = {"contacts": 2, "partners": 1, "products": 7, "addresses": 3, "orders": 1}
    wire, shelf = Wire(settings={"page_sizes": sizes, "past_end": past_end}), Copies()
    whole = Copies()
    tell(lambda: whole.read(Wire(), destination()))
    assert tell(lambda: shelf.read(wire, destination())) == []
    assert shelf.rows.keys() == whole.rows.keys()


@pytest.mark.parametrize("reply", ["full", "empty", "nothing"])
def test_a_reply_without_the_number_is_looked_up(reply: str) -> None:
    try:
        wire = Wire(settings={"reply": reply})
    except ValueError:
        pytest.skip(f"the stand-in has no reply {reply}")
    shelf = Copies()
    tell(lambda: shelf.read(wire, destination()))
    outcome = tell(Story(wire, order(), destination(), shelf).to_the_end)
    assert isinstance(outcome, Delivered)
    assert outcome.reference == _once(wire)["name"]


def test_an_unknown_buyer_is_held_with_what_to_do(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, email="nobody@example.test").attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.posts()) == ("contact_missing", True, 0)


def test_an_order_without_e_mail_is_held(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, email=None).attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("contact_missing", True)
    assert "no e-mail address" in outcome.reason


def test_one_contact_for_all_orders_can_be_configured(wire: Wire, shelf: Copies) -> None:
    story = Story(wire, order(email=None), destination(contact=953), shelf)
    assert isinstance(tell(story.attempt), Delivered)


def test_an_unknown_sku_is_a_dead_letter_before_anything_is_sent(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, lines=[line(sku="NO-SUCH-THING")]).attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.posts()) == ("unknown_sku", False, 0)
    assert "NO-SUCH-THING" in outcome.reason


def test_a_fraction_is_held(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, lines=[line(quantity="1.5")]).attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.posts()) == ("fraction", True, 0)


def test_a_total_that_differs_is_noted(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, lines=[line(total_incl="1.00", tax="0")]).attempt)
    assert isinstance(outcome, Delivered)
    assert any("Enapps totals the order at" in warning for warning in outcome.warnings)


def test_a_change_after_delivery_is_held_for_a_person(wire: Wire, shelf: Copies) -> None:
    story = _story(wire, shelf)
    assert isinstance(tell(story.attempt), Delivered)
    story.order = order(lines=[line(quantity="3", total_incl="36.00")])
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.posts()) == ("change_by_hand", True, 1)


def test_a_cancel_after_delivery_is_held_until_it_is_cancelled_there(wire: Wire, shelf: Copies) -> None:
    story = _story(wire, shelf)
    tell(story.attempt)
    story.order = order(cancelled=True)
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("cancel_by_hand", True)
    wire.enapps.switch({"states": {"1001": "cancel"}})
    assert isinstance(tell(story.attempt), Delivered)


def test_a_cancel_while_in_doubt_looks_first(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "late"}
    story = _story(wire, shelf)
    tell(story.attempt)
    story.order = order(cancelled=True)
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered | Reject)
    assert wire.posts() == 1


def test_a_refused_token_suspends(wire: Wire, shelf: Copies) -> None:
    wire.enapps.switch({"fixed_token": False})
    outcome = tell(_story(wire, shelf).attempt)
    assert isinstance(outcome, Suspend)
    assert outcome.code == "unauthorized"


def test_a_replay_of_a_delivered_order_sends_nothing(wire: Wire, shelf: Copies) -> None:
    story = _story(wire, shelf)
    tell(story.attempt)
    story.in_doubt = True
    outcome = tell(story.attempt)
    assert isinstance(outcome, Delivered)
    assert "nothing was sent" in outcome.note
    assert wire.posts() == 1
