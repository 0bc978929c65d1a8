"""A person sends orders on: which ones a bulk replay means, edits, a second reading, and what goes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ledgers import (
    DELIVERED,
    KEY_REFUSED,
    TIMEOUT,
    UNKNOWN_SKU,
    World,
    config,
    order,
    removal,
    unreadable,
    webhook,
)
from worker.ledger import arrivals
from worker.ledger.arrivals import Arrival
from worker.ledger.merge import compose, merge
from worker.ledger.replays import EditRefusedError
from worker.outcomes import Delivered, Reject

HELD = Reject(code="deleted", reason="someone deleted PSIN-9", hint="decide", hold=True)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url) as world:
        yield world


# ------------------------------------------------------------ which orders are meant


@pytest.fixture
def stopped(world: World) -> World:
    """1 dead at a, 2 held at a, 3 dead at b, 4 unpaid, 5 delivered, 6 on its way, 7 dead at a in another shop."""
    for number in ("1", "2", "3", "5", "6"):
        world.place(number)
    world.place("4", payment_state="pending")
    world.take(webhook("7"), shop="mugs")
    world.try_once("1", "a", UNKNOWN_SKU)
    world.try_once("2", "a", HELD)
    world.try_once("3", "a", Delivered(reference="R", note="stock code was looked up"))
    world.try_once("3", "b", Reject(code="refused", reason="100% wrong"))
    world.try_once("5", "a", DELIVERED)
    world.try_once("5", "b", DELIVERED)
    seven = next(row.id for row in world.deliveries() if row.order_id == world.order("7", shop="mugs").id)
    claim = world.claim("a", [seven])
    assert claim is not None
    world.end(claim, UNKNOWN_SKU)
    return world


@pytest.mark.parametrize(
    ("rules", "numbers"),
    [
        pytest.param({}, "1 2 3 4 7", id="all that wait for a person"),
        pytest.param({"destination": "a"}, "1 2 7", id="by destination"),
        pytest.param({"destination": "b"}, "3", id="by another destination"),
        pytest.param({"destination": "c"}, "", id="by a destination with nothing"),
        pytest.param({"shop": "mugs"}, "7", id="by shop"),
        pytest.param({"reason": "stock CODE"}, "1 7", id="by part of the reason, whatever the case"),
        pytest.param({"reason": "unknown_sku"}, "1 7", id="by code"),
        pytest.param({"reason": "payment"}, "4", id="by the order's own reason"),
        pytest.param({"reason": "100%"}, "3", id="by a reason with a percent sign"),
        pytest.param({"reason": "1_0%"}, "", id="by a reason that would match as a pattern"),
        pytest.param({"reason": "stock", "destination": "a", "shop": "tea"}, "1", id="by all of them"),
    ],
)
def test_a_bulk_replay_means_the_orders_that_wait_and_fit(stopped: World, rules: dict[str, Any], numbers: str) -> None:
    assert stopped.matching(**rules) == numbers.split()


def test_a_bulk_replay_can_mean_what_changed_since(stopped: World) -> None:
    stopped.now += 1000
    assert stopped.matching(since=stopped.now) == []
    stopped.replay("1")
    stopped.try_once("1", "a", UNKNOWN_SKU)
    assert stopped.matching(since=stopped.now) == ["1"]


# ------------------------------------------------------------ what goes again


def test_a_dead_letter_goes_again_at_once_with_a_fresh_count(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", TIMEOUT)
    world.try_once("1", "a", UNKNOWN_SKU)
    done = world.replay("1")
    assert [(w[1], w[3]) for w in done.wake] == [("a", "1")]
    row = world.delivery("1", "a")
    assert (row.state, row.failures, row.attempts, row.due_at, row.reason) == ("ready", 0, 2, world.now, "")
    assert world.order("1").status == "delivering"
    assert world.events("1", "replay") == ["replayed (test)"]


def test_a_delivered_order_is_looked_up_everywhere_in_the_order_of_its_route(world: World) -> None:
    world.place("1")
    for name in ("a", "b"):
        world.try_once("1", name, DELIVERED)
    world.replay("1")
    assert world.states("1") == "ready waiting"
    for name in ("a", "b"):
        claim = world.claimed(name)
        assert claim.jobs[0].in_doubt, "it looks before it writes"
        world.end(claim, DELIVERED)
    assert world.order("1").status == "delivered"


def test_what_is_delivered_stays_when_another_destination_is_meant(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.try_once("1", "b", UNKNOWN_SKU)
    world.replay("1")
    assert world.states("1") == "delivered ready"


def test_a_replay_at_one_destination_leaves_the_others_alone(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.try_once("1", "b", UNKNOWN_SKU)
    world.replay("1", destination="a")
    assert world.states("1") == "ready dead"
    world.try_once("1", "a", DELIVERED)
    assert world.states("1") == "delivered dead"


def test_a_replay_does_not_overtake_an_earlier_destination(world: World) -> None:
    world.place("1")
    world.set("1", "b", state="held", held_by="number", reason="taken")
    world.try_once("1", "a", UNKNOWN_SKU)
    world.replay("1", destination="b")
    assert world.states("1") == "dead waiting"


def test_a_replay_does_not_go_round_a_suspension(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", KEY_REFUSED)
    done = world.replay("1")
    assert done.wake == ()
    assert world.states("1") == "held waiting"


def test_a_dead_letter_of_a_suspended_destination_waits_for_it(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", UNKNOWN_SKU)
    world.suspend("a")
    world.replay("1")
    row = world.delivery("1", "a")
    assert (row.state, row.held_by, row.reason) == ("held", "destination", "stocktaking")


def test_a_replay_lets_what_is_in_flight_be(world: World) -> None:
    world.place("1")
    claim = world.claimed("a")
    assert world.replay("1").wake == ()
    assert world.states("1") == "delivering waiting"
    world.end(claim, DELIVERED)
    assert world.states("1") == "delivered ready"


def test_an_unpaid_order_stays_held_when_it_is_replayed(world: World) -> None:
    world.place("1", payment_state="pending")
    world.replay("1")
    assert (world.order("1").status, world.deliveries("1")) == ("held", [])


def test_an_order_without_a_route_finds_one_that_was_added_since(database_url: str) -> None:
    with World(database_url, config(routes=[{"name": "eu", "when": {"currency": ["EUR"]}, "deliver": ["a"]}])) as world:
        world.place("1")
        world.configure(config())
        assert [w[1] for w in world.replay("1").wake] == ["a"]


@pytest.mark.parametrize("what", ["cancelled", "removed", "test"])
def test_an_order_that_is_not_to_be_sent_is_not_sent_by_a_replay(world: World, what: str) -> None:
    world.place("1")
    world.take(
        {
            "cancelled": webhook("1", minute=1, cancelled=True),
            "removed": removal("1"),
            "test": webhook("1", minute=1, test=True),
        }[what]
    )
    assert world.replay("1").wake == ()
    assert world.claim("a") is None


def test_a_cancellation_that_was_refused_is_tried_again_by_a_replay_only(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.place("1", minute=1, cancelled=True)
    world.try_once("1", "a", Reject(code="cancel_refused", reason="picked already", hold=True, in_doubt=True))
    world.place("1", minute=2, cancelled=True)
    assert world.states("1") == "held cancelled"
    world.replay("1")
    assert world.states("1") == "ready cancelled"


def test_many_orders_are_replayed_in_one_transaction(world: World) -> None:
    numbers = [str(n) for n in range(300)]
    world.take(*(webhook(number) for number in numbers))
    claim = world.claimed("a")
    world.end(claim, *([UNKNOWN_SKU] * len(claim.jobs)))
    assert len(world.replay(*numbers).wake) == 300


# ------------------------------------------------------------ edits


def test_an_edit_is_what_is_sent(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", UNKNOWN_SKU)
    line = {"id": "1", "sku": "NUT", "quantity": "2", "total_incl": "11.00", "tax": "1.00"}
    world.replay("1", edit={"lines": [line], "note": "mended"})
    job = world.claimed("a").jobs[0]
    assert ([one.sku for one in job.order.lines], job.order.note) == (["NUT"], "mended")
    assert world.events("1", "edit") == ["edited lines, note (test)"]


def test_an_edit_after_delivery_amends_every_destination(world: World) -> None:
    world.place("1")
    for name in ("a", "b"):
        world.try_once("1", name, DELIVERED)
    world.replay("1", edit={"note": "leave it at the door"})
    assert world.states("1") == "ready waiting"


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        pytest.param({"currency": "pounds"}, "currency", id="no such currency"),
        pytest.param({"lines": [{"id": "1"}]}, "lines.0.quantity", id="a line without a quantity"),
        pytest.param({"shop_order_id": "other"}, "shop_order_id cannot be edited", id="the order's key"),
        pytest.param({"version": None}, "version", id="a field that must be there"),
    ],
)
def test_an_edit_that_makes_no_order_is_refused_and_changes_nothing(world: World, edit: Any, why: str) -> None:
    world.place("1")
    before = world.order("1")
    with pytest.raises(EditRefusedError, match=why):
        world.replay("1", edit=edit)
    assert world.order("1") == before
    assert world.events("1", "replay") == []


def test_a_second_edit_adds_to_the_first_and_a_null_takes_away_at_any_depth(world: World) -> None:
    world.place("1", ship_to={"name": "Ada", "phone": "1"}, note="shop")
    world.replay("1", edit={"note": None, "ship_to": {"city": "Hobart"}})
    world.replay("1", edit={"ship_to": {"phone": None}, "email": "ops@example.com"})
    made = world.claimed("a").jobs[0].order
    assert made.ship_to is not None
    assert (made.note, made.email) == (None, "ops@example.com")
    assert (made.ship_to.name, made.ship_to.city, made.ship_to.phone) == ("Ada", "Hobart", None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1}, {"b": {"c": None}}),
        ({"a": {"b": 1, "c": None}}, {"a": {"b": None, "d": {"e": None}}}),
        ({"a": None}, {"a": 3}),
        ({"a": [1, 2]}, {"a": [None]}),
        ({}, {"a": {"b": None}}),
    ],
    ids=["others", "deep", "back again", "arrays", "on nothing"],
)
def test_two_patches_composed_do_what_they_do_one_after_the_other(first: Any, second: Any) -> None:
    target = {"a": {"b": 7, "c": 8, "d": {"e": 1, "f": 2}}, "b": {"c": 1, "d": 2}}
    assert merge(target, compose(first, second)) == merge(merge(target, first), second)


def test_a_cancelled_order_can_be_revived_by_an_edit_that_says_so(world: World) -> None:
    world.place("1")
    world.place("1", minute=1, cancelled=True)
    world.replay("1", edit={"cancelled": False})
    assert world.states("1") == "ready waiting"


# ------------------------------------------------------------ what was not understood


def _body(number: str, **changes: Any) -> bytes:
    data = json.loads(order(number).model_dump_json()) | changes
    return json.dumps({"type": "order.updated", "timestamp": "2026-11-20T10:00:00Z", "data": data}).encode()


def _not_understood(world: World, number: str, body: bytes) -> None:
    """A webhook that an older reader did not understand, and this one does."""
    came = Arrival(
        shop="tea", webhook=unreadable(number), body=body, headers={"webhook-id": "m1"}, received_at=world.now
    )
    world.ledger.write(lambda c: arrivals.accept(c, [came], config=world.config, now=world.now))


def test_a_webhook_that_was_not_understood_is_read_again(world: World) -> None:
    _not_understood(world, "1", _body("1", note="now it can be read"))
    assert world.order("1").status == "held"
    world.replay("1")
    assert world.states("1") == "ready waiting"
    assert world.claimed("a").jobs[0].order.note == "now it can be read"


def test_a_webhook_that_is_still_not_understood_stays_held_with_the_reason(world: World) -> None:
    _not_understood(world, "1", b'{"type": "order.updated", "data": {}}')
    world.replay("1")
    assert "still not understood" in world.order("1").hold


def test_a_webhook_that_turns_out_to_be_older_than_what_we_have_lets_the_order_go_on(world: World) -> None:
    world.place("1", minute=5)
    world.try_once("1", "a", DELIVERED)
    _not_understood(world, "1", _body("1", note="old"))
    assert world.states("1") == "delivered held"
    world.replay("1")
    assert world.states("1") == "delivered ready"
    assert world.claimed("b").jobs[0].order.note is None


def test_a_webhook_that_turns_out_to_be_of_no_interest_lets_the_order_go_on(world: World) -> None:
    world.place("1")
    _not_understood(world, "1", b'{"type": "order.viewed", "data": {}}')
    world.replay("1")
    assert world.states("1") == "ready waiting"


def test_an_order_nobody_could_read_can_be_written_by_hand(world: World) -> None:
    world.take(unreadable("1"))
    world.replay("1", edit=json.loads(order("1").model_dump_json()))
    assert world.states("1") == "ready waiting"


def test_a_readable_webhook_after_an_edit_by_hand_wins(world: World) -> None:
    world.take(unreadable("1"))
    world.replay("1", edit=json.loads(order("1", note="by hand").model_dump_json()))
    assert world.place("1", note="shop").outcome == "accepted"
    assert world.claimed("a").jobs[0].order.note == "shop"
