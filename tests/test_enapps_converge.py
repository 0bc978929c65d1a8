"""An order becomes one sale order in Enapps, whatever happens to the calls (contracts/enapps.md section 6.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from tests.enapps_wire import Copies, Story, What, Wire, destination, line, order
from tests.wire import tell
from worker.outcomes import Delivered, Reject, Retry, Suspend

TROUBLE: tuple[What, ...] = get_args(What)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def shelf(wire: Wire) -> Copies:
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
    assert tell(lambda: shelf.read(wire, destination())) == []
    wire.calls.clear()
    wire.trouble = {1: "lose"}
    assert isinstance(tell(Story(wire, order(), destination(), shelf).to_the_end), Delivered)
    _once(wire)


@pytest.mark.parametrize("past_end", ["empty", "last"])
def test_pages_of_any_size_are_read_to_their_end(past_end: str) -> None:
    sizes = {"contacts": 2, "partners": 1, "products": 7, "addresses": 3, "orders": 1}
    wire, shelf = Wire(settings={"page_sizes": sizes, "past_end": past_end}), Copies()
    whole = Copies()
    tell(lambda: whole.read(Wire(), destination()))
    assert tell(lambda: shelf.read(wire, destination())) == []
    assert shelf.rows.keys() == whole.rows.keys()


@pytest.mark.parametrize("reply", ["short", "full", "empty", "blank"])
def test_an_order_is_delivered_whatever_the_reply_tells_of_it(reply: str) -> None:
    wire, shelf = Wire(settings={"reply": reply}), Copies()
    tell(lambda: shelf.read(wire, destination()))
    outcome = tell(Story(wire, order(), destination(), shelf).attempt)
    assert isinstance(outcome, Delivered)
    assert outcome.reference == _once(wire)["name"]
    assert wire.writes() == 1


def test_an_unknown_buyer_is_held_with_what_to_do(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, email="nobody@example.test").attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.writes()) == ("contact_missing", True, 0)


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
    assert (outcome.code, outcome.hold, wire.writes()) == ("unknown_sku", False, 0)
    assert "NO-SUCH-THING" in outcome.reason


def test_a_fraction_is_held(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, lines=[line(quantity="1.5")]).attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.writes()) == ("fraction", True, 0)


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
    assert (outcome.code, outcome.hold, wire.writes()) == ("change_by_hand", True, 1)


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
    outcome = tell(lambda: story.to_the_end(replays=0))
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("cancel_by_hand", True)
    assert wire.writes() == 1


def test_a_cancel_of_what_never_arrived_ends_well_after_two_looks(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "error"}
    story = _story(wire, shelf)
    tell(story.attempt)
    story.order = order(cancelled=True)
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    assert (outcome.reference, wire.writes(), wire.orders()) == (None, 1, [])


def test_a_change_between_a_lost_answer_and_the_look_up_is_held(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "lose"}
    story = _story(wire, shelf)
    tell(story.attempt)
    story.order = order(lines=[line(quantity="3", total_incl="36.00")])
    for _ in range(2):  # also when it is replayed
        outcome = tell(story.attempt)
        assert isinstance(outcome, Reject)
        assert (outcome.code, outcome.hold, wire.writes()) == ("change_by_hand", True, 1)


def test_what_was_refused_before_a_change_is_no_reason_to_hold_it(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "refuse", 2: "lose"}
    story = _story(wire, shelf)
    tell(story.attempt)
    story.order = order(lines=[line(quantity="3", total_incl="36.00")])
    tell(story.attempt)
    assert isinstance(tell(story.attempt), Delivered)
    assert (wire.writes(), _once(wire)["lines"][0]["qty"]) == (2, 3)


def test_a_contact_that_moved_to_another_company_does_not_hide_the_order(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "lose"}
    story = _story(wire, shelf)
    tell(story.attempt)
    wire.enapps.switch({"contacts": {"953": {"partner_id": 61240}}})
    tell(lambda: shelf.read(wire, destination()))
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    _once(wire)


def test_a_contact_that_is_gone_does_not_hide_the_order(wire: Wire, shelf: Copies) -> None:
    wire.trouble = {1: "lose"}
    story = _story(wire, shelf)
    tell(story.attempt)
    del shelf.rows["contact", "953"]
    assert isinstance(tell(story.attempt), Delivered)
    _once(wire)


def test_what_was_taken_without_a_number_and_is_not_shown_is_never_sent_again(shelf: Copies) -> None:
    wire = Wire(settings={"reply": "blank", "page_sizes": {"orders": 1}})
    story = Story(wire, order(), destination(), shelf)
    wire.hidden = True
    for _ in range(5):
        outcome = tell(story.attempt)
        assert isinstance(outcome, Retry)
        assert (outcome.code, outcome.in_doubt, outcome.tries, wire.writes()) == ("not_shown", True, 6, 1)
    wire.hidden = False
    assert isinstance(tell(story.attempt), Delivered)
    assert wire.writes() == 1


def test_a_repeated_reference_that_is_refused_is_found_by_a_replay(shelf: Copies) -> None:
    wire = Wire(settings={"refuse_duplicates": True})
    story = Story(wire, order(), destination(), shelf)
    assert isinstance(tell(story.attempt), Delivered)
    story.memo = {}  # as after the loss of a ledger
    refused = tell(story.attempt)
    assert isinstance(refused, Reject)
    assert (refused.code, refused.in_doubt) == ("refused", True)
    assert isinstance(tell(story.attempt), Delivered)
    _once(wire)


@pytest.mark.parametrize("unknown_id", ["empty", "404"])
def test_an_order_that_is_gone_there_is_held_until_it_gets_another_number(shelf: Copies, unknown_id: str) -> None:
    wire = Wire(settings={"unknown_id": unknown_id})
    story = Story(wire, order(), destination(), shelf)
    tell(story.attempt)
    wire.enapps.clear()
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("missing", True)
    assert "accept it as it is there" in outcome.hint
    story.order = order(number="1001-B")
    assert isinstance(tell(story.to_the_end), Delivered)
    assert len(wire.orders("1001-B")) == 1


def test_an_order_that_someone_cancelled_there_is_held_until_it_gets_another_number(wire: Wire, shelf: Copies) -> None:
    story = _story(wire, shelf)
    tell(story.attempt)
    wire.enapps.switch({"states": {"1001": "cancel"}})
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("cancelled_there", True)
    assert "accept it as it is there" in outcome.hint
    story.order = order(number="1001-B")
    assert isinstance(tell(story.to_the_end), Delivered)
    assert len(wire.orders("1001-B")) == 1


@pytest.mark.parametrize("what", ["lose", "late", "cut"])
def test_a_number_that_is_edited_while_nobody_knows_makes_no_second_order(wire: Wire, shelf: Copies, what: str) -> None:
    wire.trouble = {len(wire.calls) + 1: what}
    story = _story(wire, shelf)
    tell(story.attempt)
    story.order = order(number="1001-B")
    outcome = None
    for _ in range(4):
        outcome = tell(story.attempt)
        tell(wire.catch_up)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("earlier_number", True, True)
    assert "under its earlier number 1001." in outcome.reason
    assert (len(wire.orders("1001")), len(wire.orders("1001-B"))) == (1, 0)
    wire.enapps.switch({"states": {"1001": "cancel"}})
    assert isinstance(tell(story.to_the_end), Delivered)
    assert len(wire.orders("1001-B")) == 1


def test_two_orders_with_our_reference_are_a_dead_letter(wire: Wire, shelf: Copies) -> None:
    story = _story(wire, shelf)
    tell(story.attempt)
    story.memo = {}
    tell(story.attempt)
    story.memo, story.in_doubt = {}, True
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.in_doubt) == ("duplicates", True)
    assert all(one["name"] in outcome.reason for one in wire.orders())


def test_a_list_without_an_end_is_held_and_nothing_is_sent(
    wire: Wire, shelf: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in ("1", "2", "3"):
        tell(_story(wire, shelf, number=number).attempt)
    monkeypatch.setattr("tasks.enapps.lookup.PAGES", 2)
    wire.enapps.switch({"page_sizes": {"orders": 1}})
    story = _story(wire, shelf)
    story.in_doubt = True
    sent = wire.writes()
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt, wire.writes()) == ("too_many_orders", True, True, sent)


def test_before_the_first_copies_nothing_is_held_for_want_of_them(wire: Wire) -> None:
    shelf = Copies()
    story = Story(wire, order(), destination(), shelf)
    outcome = tell(story.attempt)
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.counts, wire.writes()) == ("not_copied", False, 0)
    tell(lambda: shelf.read(wire, destination()))
    assert isinstance(tell(story.attempt), Delivered)


def test_a_sku_in_other_letters_is_found_and_its_own_letters_come_first(wire: Wire, shelf: Copies) -> None:
    wire.enapps.switch({"products": {"Mug-Blue": {"name": "Another mug"}}})
    tell(lambda: shelf.read(wire, destination()))
    outcome = tell(_story(wire, shelf, lines=[line(sku="MUG-BLUE"), line(2, sku="tin-s")]).attempt)
    assert isinstance(outcome, Delivered)
    assert [one["default_code"] for one in _once(wire)["lines"]] == ["MUG-BLUE", "TIN-S"]


def test_an_address_of_several_contacts_is_the_primary_ones(wire: Wire, shelf: Copies) -> None:
    tell(_story(wire, shelf, email="Desmond.Wren@example.org").attempt)
    assert _once(wire)["contact"] == 954


def test_an_address_of_several_primary_contacts_is_held_with_the_candidates(wire: Wire, shelf: Copies) -> None:
    outcome = tell(_story(wire, shelf, email="buying@example.test").attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, wire.writes()) == ("contact_ambiguous", True, 0)
    assert "956, 957" in outcome.reason


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
    assert wire.writes() == 1


# ---------------------------------------------------------------- copies by their changes


def _changes(wire: Wire) -> list[str]:
    return [dict(call.params)["write_date"] for call in wire.calls if "write_date" in dict(call.params)]


@pytest.mark.parametrize("hours", [-10, 0, 12])
def test_changes_are_seen_whatever_the_zone_of_the_servers_times(hours: int) -> None:
    wire, shelf, place = Wire(settings={"utc_offset_h": hours}), Copies(), destination()
    now = datetime.now(UTC).timestamp()
    tell(lambda: shelf.read(wire, place, now=now))
    wire.enapps.switch({"contacts": {"963": {"partner_id": 61239, "email": "new@example.test"}}})
    tell(lambda: shelf.read(wire, place, now=now + 60))
    assert shelf.copies(place.name, "contact", email="new@example.test")
    wire.calls.clear()
    tell(lambda: shelf.read(wire, place, now=now + 120))
    wire.enapps.switch({"contacts": {"964": {"partner_id": 61239, "email": "newer@example.test"}}})
    tell(lambda: shelf.read(wire, place, now=now + 180))
    assert shelf.copies(place.name, "contact", email="newer@example.test")
    assert len(_changes(wire)) == 12  # two lists, the first page twice and the end, read twice


def test_once_a_day_everything_is_read(wire: Wire) -> None:
    shelf, now = Copies(), 1_790_000_000.0
    tell(lambda: shelf.read(wire, destination(), now=now))
    wire.calls.clear()
    tell(lambda: shelf.read(wire, destination(), now=now + 86_000))
    assert _changes(wire)
    assert "contact" not in shelf.last_whole
    wire.calls.clear()
    tell(lambda: shelf.read(wire, destination(), now=now + 87_000))
    assert not _changes(wire)
    assert "contact" in shelf.last_whole


def test_a_reading_that_fails_begins_anew_and_loses_nothing(wire: Wire) -> None:
    shelf, whole = Copies(), Copies()
    tell(lambda: whole.read(Wire(), destination()))
    wire.enapps.switch({"page_sizes": {"contacts": 3}})
    wire.trouble = {4: "error"}
    [problem] = tell(lambda: shelf.read(wire, destination()))
    assert "500" in problem
    assert tell(lambda: shelf.read(wire, destination())) == []
    assert shelf.rows.keys() == whole.rows.keys()
