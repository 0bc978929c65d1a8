"""After a lost answer an order is looked for until it is certain that it is not there (contracts/enapps.md 6.2)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from schemas.http import Call, Reply
from tests.enapps_wire import Copies, Story, Wire, destination, order
from tests.wire import tell
from worker.outcomes import Delivered, Reject, Retry


def lost(settings: dict[str, Any] | None = None, **section: Any) -> Story:
    """An order whose answer is lost, though it was carried out."""
    wire, shelf, place = Wire(settings=settings or {}), Copies(), destination(**section)
    tell(lambda: shelf.read(Wire(), place))
    wire.trouble = {1: "lose"}
    story = Story(wire, order(), place, shelf)
    assert isinstance(tell(story.attempt), Retry)
    wire.trouble = {}
    return story


def others(story: Story, count: int, *, number: str = "A", **changes: Any) -> None:
    """Orders that somebody else placed, ours in between."""
    for place in range(count):
        tell(Story(story.wire, order(number=f"{number}{place}", **changes), story.destination, story.shelf).attempt)


@pytest.mark.parametrize("past_end", ["empty", "last"])
@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("server", [0, 1])
def test_an_order_is_found_on_whichever_page_and_whatever_the_first_ones_number_is(
    server: int, size: int, past_end: str
) -> None:
    settings = {"first_page": server, "page_sizes": {"orders": size}, "past_end": past_end}
    for before, after in ((0, 3), (3, 0), (2, 2)):
        shelf = Copies()
        story = Story(Wire(settings=settings), order(), destination(), shelf)
        tell(partial(shelf.read, Wire(), destination()))
        others(story, before)
        story.wire.trouble = {len(story.wire.calls) + 1: "lose"}
        tell(story.attempt)
        others(story, after, number="B")
        assert isinstance(tell(story.to_the_end), Delivered)
        assert len(story.wire.orders()) == 1


def test_a_copy_that_is_behind_does_not_double_the_order_of_a_contact_that_moved() -> None:
    wire, shelf = Wire(), Copies()
    tell(lambda: shelf.read(wire, destination()))
    wire.enapps.switch({"contacts": {"953": {"partner_id": 61240}}})
    wire.trouble = {len(wire.calls) + 1: "lose"}
    story = Story(wire, order(), destination(), shelf)
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    assert len(wire.orders()) == 1


def test_what_was_taken_without_a_number_is_found_though_the_copy_was_behind() -> None:
    wire, shelf = Wire(settings={"reply": "blank"}), Copies()
    tell(lambda: shelf.read(wire, destination()))
    wire.enapps.switch({"contacts": {"953": {"partner_id": 61240}}})
    assert isinstance(tell(Story(wire, order(), destination(), shelf).to_the_end), Delivered)
    assert len(wire.orders()) == 1


@pytest.mark.parametrize("settings", [{}, {"empty": "missing"}], ids=str)
def test_another_contacts_order_with_our_number_is_not_taken_for_ours(settings: dict[str, Any]) -> None:
    wire, shelf = Wire(settings=settings), Copies()
    tell(lambda: shelf.read(wire, destination()))
    theirs = Story(wire, order(email="stores@example.test"), destination(), shelf)
    assert isinstance(tell(theirs.attempt), Delivered)
    wire.trouble = {len(wire.calls) + 1: "error"}
    story = Story(wire, order(), destination(), shelf)
    outcome = tell(lambda: story.to_the_end(replays=0))
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("number_taken", True, True)
    assert "contact 958" in outcome.reason


def test_our_order_is_found_beside_another_contacts_with_the_same_number() -> None:
    story = lost()
    others(story, 1, number="100")
    tell(Story(story.wire, order(email="stores@example.test"), story.destination, story.shelf).attempt)
    assert len(story.wire.orders()) == 2
    outcome = tell(story.attempt)
    assert isinstance(outcome, Delivered)
    assert outcome.reference == story.wire.orders()[0]["name"]


class Renamed(Wire):
    """A site that names a member of its orders otherwise, or has none of it."""

    def __init__(self, member: str) -> None:
        super().__init__()
        self.member = member

    async def carry_out(self, call: Call) -> Reply:
        reply = await super().carry_out(call)
        if (call.method, call.path) != ("GET", "orders"):
            return reply
        return Reply(call=call, status=reply.status, text=reply.text.replace(f'"{self.member}"', '"x_other"'))


@pytest.mark.parametrize(("member", "code"), [("id", "unreadable"), ("client_order_ref", "no_references")])
def test_a_list_that_cannot_be_compared_is_no_proof_that_nothing_is_there(member: str, code: str) -> None:
    wire, shelf = Renamed(member), Copies()
    tell(lambda: shelf.read(wire, destination()))
    wire.trouble = {len(wire.calls) + 1: "lose"}
    story = Story(wire, order(), destination(), shelf)
    tell(story.attempt)
    for _ in range(4):
        outcome = tell(story.attempt)
        assert isinstance(outcome, Retry | Reject)
        assert (outcome.code, outcome.in_doubt, wire.writes()) == (code, True, 1)


def test_an_id_that_another_order_has_by_now_is_not_ours() -> None:
    wire, shelf = Wire(), Copies()
    tell(lambda: shelf.read(wire, destination()))
    story = Story(wire, order(), destination(), shelf)
    tell(story.attempt)
    wire.enapps.clear()  # as a development system every weekend
    others(story, 1, number="7")
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("missing", True)


class Added(Wire):
    """Staff wrote the customer's own number behind ours."""

    async def carry_out(self, call: Call) -> Reply:
        reply = await super().carry_out(call)
        return Reply(call=call, status=reply.status, text=reply.text.replace('"1001"', '"1001 / PO 7"'))


def test_a_reference_that_staff_added_to_is_still_ours() -> None:
    wire, shelf = Added(), Copies()
    tell(lambda: shelf.read(wire, destination()))
    story = Story(wire, order(), destination(), shelf)
    tell(story.attempt)
    assert isinstance(tell(story.attempt), Delivered)
    assert wire.writes() == 1


def test_everybodys_orders_are_read_only_before_a_second_attempt_to_send() -> None:
    story = lost()
    story.wire.hidden = True
    story.wire.calls.clear()
    assert isinstance(tell(story.attempt), Retry)
    assert all("partner_id" in dict(call.params) for call in story.wire.calls)
    story.wire.calls.clear()
    tell(story.attempt)
    looks = [call for call in story.wire.calls if call.method == "GET" and "_id" not in dict(call.params)]
    assert looks
    assert not any("partner_id" in dict(call.params) for call in looks)
