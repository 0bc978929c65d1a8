"""The chain ends as one complete sales order, wherever it was stopped (contracts/manex.md section 10)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.http import Call
from schemas.manex.desired import desired
from schemas.order import Order
from tests.manex_wire import Story, What, Wire, destination, line, order
from tests.wire import tell
from worker.outcomes import Delivered, Reject, Retry, Suspend

TROUBLE: tuple[What, ...] = get_args(What)
CALLS = ("Add", "ItemADD 1", "ItemADD 2", "Get", "PriceAdd 1", "PriceAdd 2", "DueDateAdd 1", "DueDateAdd 2", "Get 2")


@pytest.fixture
def wire() -> Wire:
    return Wire()


def agrees(story: Story, wanted: Order) -> None:
    """Header, lines, prices and dates are there once each, and nothing else is."""
    number = wanted.number.removeprefix("#")
    [there] = story.wire.orders(number)
    live = [row for row in there["lines"] if row["STATUS"] != "CANCEL"]
    goal = desired(wanted, number=number, memo=story.memo, destination=story.destination)
    assert [int(row["LINE_NO"]) for row in live] == [item.line_no for item in goal.items]
    for row, item in zip(live, goal.items, strict=True):
        assert (row["part_no"], row["revision"]) == (item.part.part_no, item.part.revision)
        assert Decimal(row["ORD_QTY"]) == item.quantity
        [price] = row["prices"]
        assert (Decimal(price["price"]), price["flat"]) == (item.price.amount, item.price.flat)
        [due] = row["due_dates"]
        assert (due["DUE_DTS1"][:10], due["SHIP_DTS"][:10]) == (str(goal.due), str(goal.ship))
        assert Decimal(due["QTY"]) == item.quantity
    assert list(story.wire.manex.counts()) == [number]


def test_an_order_becomes_a_sales_order_without_a_look_beforehand(wire: Wire) -> None:
    story = Story(wire, order(2), destination())
    outcome = tell(story.attempt)
    assert isinstance(outcome, Delivered)
    assert outcome.reference == "W090000001"
    agrees(story, order(2))
    assert wire.calls[0].path == "API/SO/Add"
    assert outcome.steps == (
        "header W090000001 written",
        "lines 1 to 2 of 2 added",
        "lines 1 to 2 priced",
        "lines 1 to 2 due on 2026-11-25, to be shipped on 2026-11-24",
    )


@pytest.mark.parametrize(("lines", "parallel", "trips"), [(1, 4, 5), (5, 4, 8), (50, 4, 41), (5, 10, 5), (50, 1, 153)])
def test_calls_that_need_nothing_of_each_other_go_out_together(
    wire: Wire, lines: int, parallel: int, trips: int
) -> None:
    story = Story(wire, order(lines), destination(parallel=parallel))
    assert isinstance(tell(story.attempt), Delivered)
    assert (len(wire.calls), wire.trips) == (3 * lines + 3, trips)
    assert wire.most <= parallel
    agrees(story, order(lines))


@pytest.mark.parametrize("what", TROUBLE)
@pytest.mark.parametrize("call", range(1, len(CALLS) + 1), ids=CALLS)
def test_trouble_at_any_call_ends_as_one_sales_order(wire: Wire, call: int, what: What) -> None:
    wire.trouble = {call: what}
    story = Story(wire, order(2), destination())
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    agrees(story, order(2))
    assert len(wire.calls) > len(CALLS)


@pytest.mark.parametrize("what", ["lose", "cut"])
def test_what_was_written_before_is_told_when_it_goes_on(wire: Wire, what: What) -> None:
    wire.trouble = {5: what}  # SO/Add, ItemADD of lines 1 to 4
    story = Story(wire, order(6), destination(parallel=1))
    assert isinstance(tell(story.to_the_end), Delivered)
    assert "resumed at line 5 of 6: found the header W090000001 and lines 1 to 4" in story.said
    agrees(story, order(6))


def test_a_refused_price_says_which_line_and_leaves_the_others_written(wire: Wire) -> None:
    wire.trouble = {6: "refuse"}  # the price of line 2
    story = Story(wire, order(2), destination())
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert outcome.reason == "ManEx refused the price of line 2: Not today."
    assert "line 1 priced" in outcome.steps
    assert outcome.in_doubt
    assert isinstance(tell(story.to_the_end), Delivered)
    agrees(story, order(2))


def test_a_late_answer_is_waited_for_once_more_before_anything_is_sent_twice(wire: Wire) -> None:
    wire.trouble = {2: "late"}
    story = Story(wire, order(1), destination(timeout_s=20))
    assert isinstance(tell(story.attempt), Retry)
    looking = tell(story.attempt)
    assert isinstance(looking, Retry)
    assert (looking.code, looking.counts, looking.after) == ("looking", False, 20)
    assert isinstance(tell(story.to_the_end), Delivered)
    agrees(story, order(1))


def test_an_answered_failure_needs_no_second_look(wire: Wire) -> None:
    wire.trouble = {5: "error"}
    story = Story(wire, order(1), destination())
    assert isinstance(tell(story.attempt), Retry)
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, order(1))


def test_a_lost_answer_to_the_header_needs_no_second_look_because_the_number_is_ours(wire: Wire) -> None:
    wire.trouble = {1: "lose"}
    story = Story(wire, order(1), destination())
    assert isinstance(tell(story.attempt), Retry)
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, order(1))


# ---------------------------------------------------------------- numbers


def test_a_number_that_is_taken_is_a_dead_letter_and_a_replay_takes_the_next_one(wire: Wire) -> None:
    story = Story(wire, order(1), destination())
    tell(lambda: wire.carry_out(_add("W090000001", "someone else's")))
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("number_taken", False, False)
    assert "W090000001 belongs to another order in ManEx" in outcome.reason
    again = tell(story.attempt)
    assert isinstance(again, Delivered)
    assert again.reference == "W090000002"
    assert len(wire.orders("someone else's")) == len(wire.orders()) == 1


def test_our_own_header_that_is_there_already_is_adopted(wire: Wire) -> None:
    story = Story(wire, order(1), destination())
    tell(lambda: wire.carry_out(_add("W090000001", "1001")))
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, order(1))


def test_an_edited_number_changes_the_header_and_makes_no_second_one(wire: Wire) -> None:
    wire.trouble = {1: "lose"}
    story = Story(wire, order(1), destination())
    tell(story.attempt)
    story.order = order(1, number="#1002")
    assert isinstance(tell(story.to_the_end), Delivered)
    agrees(story, order(1, number="#1002"))


def _add(so_no: str, po_no: str) -> Call:
    return Call("POST", "API/SO/Add", body={"SoNo": so_no, "custNo": "0000000008", "PoNo": po_no})


# ---------------------------------------------------------------- lines and dates that went wrong


def test_two_lines_with_our_number_are_a_dead_letter_until_one_is_cancelled(wire: Wire) -> None:
    story = Story(wire, order(2), destination())
    tell(story.attempt)
    double = next(call for call in wire.calls if call.path.endswith("ItemADD"))
    tell(lambda: wire.carry_out(double))
    story.in_doubt = True
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("duplicate_line", False)
    assert "more than one line with the number 1" in outcome.reason
    keys = [row["UNIQUELN"] for row in wire.orders()[0]["lines"] if int(row["LINE_NO"]) == 1 and not row["prices"]]
    body = {"SoNo": "W090000001", "UNIQUELN": keys[0], "status": "Cancel"}
    tell(lambda: wire.carry_out(Call("POST", "API/SO/ItemEdit", body=body)))
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, order(2))


def test_a_swapped_day_and_month_is_a_dead_letter_with_both_dates() -> None:
    wire = Wire(settings={"dates": "swap"})
    placed = order(1, placed_at="2026-12-01T10:00:00Z")
    story = Story(wire, placed, destination(lead_days=2))
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert outcome.code == "date_swapped"
    assert "2026-12-01" in outcome.reason
    assert "2026-01-12" in outcome.reason
    wire.manex.switch({"dates": "any"})
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, placed)


@pytest.mark.parametrize("written", ["YYYY-MM-DD", "MM-DD-YYYY"])
def test_dates_go_out_in_the_configured_format(written: str) -> None:
    wire = Wire(settings={"dates": "iso-only" if written == "YYYY-MM-DD" else "mdy-only"})
    story = Story(wire, order(1), destination(date_format=written))
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, order(1))


def test_a_date_that_was_moved_in_manex_after_delivery_stays(wire: Wire) -> None:
    story = Story(wire, order(1), destination())
    tell(story.attempt)
    [there] = wire.orders()
    row = tell(lambda: wire.carry_out(Call("GET", "API/SO/Get", params=(("SoNo", "W090000001"),))))
    key = row.json()["ResponseObject"]["SODETAILList"][0]["DueDateList"][0]["DUEDT_UNIQ"]
    body = {"SoNo": "W090000001", "uniqueLn": there["lines"][0]["UNIQUELN"], "dueDt_Uniq": key, "Qty": "2"}
    moved = {**body, "Due_DTS1": "2026-12-09", "Ship_Dts": "2026-12-08"}
    tell(lambda: wire.carry_out(Call("POST", "API/SO/DueDateEdit", body=moved)))
    story.order = order(1, lines=[line(1, quantity="3", total_incl="119.85")])
    outcome = tell(story.attempt)
    assert isinstance(outcome, Delivered)
    assert any("due on 2026-12-09 in ManEx" in warning for warning in outcome.warnings)
    [due] = wire.orders()[0]["lines"][0]["due_dates"]
    assert (due["DUE_DTS1"][:10], due["QTY"]) == ("2026-12-09", "3")


def test_a_site_that_never_shows_due_dates_gets_each_once() -> None:
    wire = Wire(settings={"due_dates_in_list": False}, trouble={9: "lose"})
    story = Story(wire, order(2), destination())
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    assert any("no due date" in warning for warning in outcome.warnings)
    agrees(story, order(2))


# ---------------------------------------------------------------- what the sites do differently


def test_a_key_told_by_item_add_spares_reading_it() -> None:
    wire = Wire(settings={"item_add_returns_line": True})
    story = Story(wire, order(2), destination())
    assert isinstance(tell(story.attempt), Delivered)
    assert [call.path.rpartition("/")[2] for call in wire.calls].count("Get") == 1
    agrees(story, order(2))


@pytest.mark.parametrize(
    "changes", [{"price_edit_code": 200}, {"dollar_signs": False}, {"prices_in_list": True}], ids=str
)
@pytest.mark.parametrize("edition", ["S", "F"])
def test_both_editions_and_their_whims_take_the_chain(edition: str, changes: dict[str, Any]) -> None:
    wire = Wire(settings={"edition": edition, **changes})
    story = Story(wire, order(2), destination())
    assert isinstance(tell(story.attempt), Delivered)
    story.order = order(2, lines=[line(1, quantity="1", total_incl="10.00"), line(2, total_incl="20.00", tax="1")])
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, story.order)


def test_strict_verbs_take_the_defaults() -> None:
    wire = Wire(settings={"verbs": "strict"})
    story = Story(wire, order(1), destination())
    assert isinstance(tell(story.attempt), Delivered)


def test_another_verb_and_form_can_be_configured(wire: Wire) -> None:
    actions = {"Add": {"verb": "GET", "form": "query"}, "Get": {"verb": "POST", "form": "json"}}
    story = Story(wire, order(1), destination(actions=actions))
    assert isinstance(tell(story.attempt), Delivered)
    assert (wire.calls[0].method, wire.calls[0].body) == ("GET", None)
    agrees(story, order(1))


def test_the_item_master_gives_key_unit_and_warehouse_and_is_asked_once(wire: Wire) -> None:
    two = [line(1, sku="MUG-BLUE"), line(2, sku="MUG-BLUE")]
    story = Story(wire, order(lines=two), destination(item_master=True, line_fields={}, base_url="https://asked.once"))
    assert isinstance(tell(story.attempt), Delivered)
    asked = [call for call in wire.calls if call.path == "API/ItemMaster/Get"]
    assert [(call.params, call.key_param) for call in asked] == [
        ((("partnum", "MUG-11OZ"), ("revision", "A")), "apiKey")
    ]
    added = next(call for call in wire.calls if call.path.endswith("ItemADD"))
    assert added.body is not None
    assert {"uniq_key", "uOfMeas", "w_key"} <= added.body.keys()


def test_an_unknown_part_is_found_out_before_there_is_a_header(wire: Wire) -> None:
    unknown = order(lines=[line(1), line(2, sku="UNKNOWN-7")])
    story = Story(wire, unknown, destination(item_master=True, base_url="https://unknown.part"))
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.in_doubt) == ("unknown_sku", False)
    assert "UNKNOWN-7" in outcome.reason
    assert wire.written() == []


def test_a_wrong_key_suspends_and_the_rest_follows_once_it_is_mended(wire: Wire) -> None:
    story = Story(wire, order(2), destination())
    key = wire.manex.credentials["key"]
    tell(story.attempt)
    wire.manex.credentials["key"] = "ANOTHER000"
    story.order = order(3)
    outcome = tell(story.attempt)
    assert isinstance(outcome, Suspend)
    assert outcome.code == "bad_key"
    wire.manex.credentials["key"] = key
    assert isinstance(tell(story.attempt), Delivered)
    agrees(story, order(3))


# ---------------------------------------------------------------- changes after delivery


CHANGES: dict[str, list[dict[str, Any]]] = {
    "quantity up": [line(1, quantity="5", total_incl="199.75"), line(2)],
    "quantity down": [line(1, quantity="1", total_incl="39.95"), line(2)],
    "price": [line(1, total_incl="70.00"), line(2)],
    "cents that do not divide": [line(1, quantity="3", total_incl="10.00", tax="0"), line(2)],
    "a line more": [line(1), line(2), line(3)],
    "a line less": [line(2)],
    "a line less and one more": [line(2), line(7)],
    "another part": [line(1, sku="MUG-BLUE"), line(2)],
    "refunded": [line(1, open_quantity="0"), line(2)],
    "partly refunded": [line(1, open_quantity="1"), line(2)],
}


@pytest.mark.parametrize("what", [None, "lose", "late", "cut", "error"])
@pytest.mark.parametrize("lines", CHANGES.values(), ids=CHANGES)
def test_a_changed_order_converges(wire: Wire, lines: list[dict[str, Any]], what: What | None) -> None:
    story = Story(wire, order(2), destination())
    tell(story.attempt)
    if what is not None:
        wire.trouble = {len(wire.calls) + number: what for number in (4, 6)}
    story.order = order(lines=lines)
    assert isinstance(tell(story.to_the_end), Delivered)
    agrees(story, story.order)
    _rests(story)


def test_what_changed_is_told_in_words(wire: Wire) -> None:
    story = Story(wire, order(2), destination())
    tell(story.attempt)
    story.order = order(lines=[line(1, quantity="3", total_incl="10.00", tax="0"), line(3)])
    outcome = tell(story.attempt)
    assert outcome.steps == (
        "line 3 of 3 added",
        "line 1: quantity 2 -> 3",
        "line 2 cancelled",
        "line 1: price 39.95 -> 3.333",
        "line 3 priced",
        "line 1 due on 2026-11-25, to be shipped on 2026-11-24, as many as ordered",
        "line 3 due on 2026-11-25, to be shipped on 2026-11-24",
    )


def test_what_the_shop_ships_since_changes_nothing(wire: Wire) -> None:
    story = Story(wire, order(2), destination())
    tell(story.attempt)
    before = len(wire.written())
    story.order = order(lines=[line(1, open_quantity="0", fulfilled_quantity="2"), line(2)])
    assert isinstance(tell(story.attempt), Delivered)
    assert len(wire.written()) == before


@pytest.mark.parametrize("what", [None, "lose", "late", "cut", "error"])
@pytest.mark.parametrize("moment", ["before", "header", "lines", "delivered"])
def test_a_cancelled_order_leaves_no_line_alive(wire: Wire, moment: str, what: What | None) -> None:
    story = Story(wire, order(2), destination())
    wire.trouble = {"before": {1: "error"}, "header": {2: "cut"}, "lines": {6: "cut"}}.get(moment, {})
    tell(story.attempt)
    story.order = order(2, cancelled=True)
    if what is not None:
        wire.trouble = {len(wire.calls) + 2: what}
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    rows = [row for there in wire.orders() for row in there["lines"]]
    assert [row for row in rows if row["STATUS"] != "CANCEL"] == []
    _rests(story)


def test_a_shipped_line_is_held_and_the_others_are_cancelled(wire: Wire) -> None:
    story = Story(wire, order(2), destination())
    tell(story.attempt)
    wire.manex.switch({"shipped": {"W090000001/0000002": 2}})
    story.order = order(2, cancelled=True)
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("too_late", True)
    assert "line 2 was shipped" in outcome.reason
    assert [row["STATUS"] for row in wire.orders()[0]["lines"]] == ["CANCEL", "STANDARD"]


def _rests(story: Story) -> None:
    """A second converge, whatever it may doubt, writes nothing."""
    before = len(story.wire.written())
    story.wire.trouble = {}
    story.in_doubt = True
    assert isinstance(tell(story.to_the_end), Delivered)
    assert story.wire.written()[before:] == []


# ---------------------------------------------------------------- whatever happens

numbers = st.integers(1, 5)
versions = st.lists(
    st.lists(
        st.tuples(numbers, st.integers(1, 4), st.integers(0, 9999)), min_size=1, max_size=4, unique_by=lambda t: t[0]
    ),
    min_size=1,
    max_size=4,
)


def _version(lines: list[tuple[int, int, int]]) -> Order:
    return order(
        lines=[
            line(n, quantity=str(quantity), total_incl=f"{cents / 100:.2f}", tax="0") for n, quantity, cents in lines
        ]
    )


@settings(max_examples=150, deadline=None)
@given(
    trouble=st.dictionaries(st.integers(1, 60), st.sampled_from(TROUBLE), max_size=8),
    told=versions,
    attempts=st.integers(0, 3),
    cancelled=st.booleans(),
    parallel=st.integers(1, 5),
    hidden=st.booleans(),
)
def test_from_any_partial_state_the_newest_version_is_reached_and_nothing_is_written_again(
    trouble: dict[int, What],
    told: list[list[tuple[int, int, int]]],
    attempts: int,
    cancelled: bool,
    parallel: int,
    hidden: bool,
) -> None:
    wire = Wire(settings={"item_add_returns_line": hidden}, trouble=dict(trouble))
    story = Story(wire, _version(told[0]), destination(parallel=parallel))
    for version in told:
        story.order = _version(version)
        for _ in range(attempts):
            if isinstance(tell(story.attempt), Delivered):
                break
    if cancelled:
        story.order = story.order.model_copy(update={"cancelled": True})
    assert isinstance(tell(lambda: story.to_the_end(attempts=40, replays=40)), Delivered)
    if cancelled:
        assert not [row for there in wire.orders() for row in there["lines"] if row["STATUS"] != "CANCEL"]
    else:
        agrees(story, story.order)
    wire.trouble = {}
    _rests(story)
