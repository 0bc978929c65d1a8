"""A cancelled order is taken back along its route, one destination after the other, whatever gets in the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from schemas.webhook import REMOVED
from tests.ledgers import (
    DELIVERED,
    KEY_REFUSED,
    LEASE_S,
    REFUSED,
    TIMEOUT,
    UNKNOWN_SKU,
    World,
    config,
    order,
    removal,
    unreadable,
    webhook,
)
from worker.ledger import claims, views
from worker.outcomes import Delivered, Outcome, Reject, Retry

PICKED = Reject(
    code="begun",
    reason="The warehouse has begun with order 1: it was not cancelled there.",
    hint="have it cancelled there",
    hold=True,
    in_doubt=True,
)
GONE = Delivered(reference="R-1", note="cancelled there")
NO_CONNECTION = Retry(code="connect", reason="could not be reached; nothing was sent")
LOOKING = Retry(code="looking", reason="looked for once more", counts=False, in_doubt=True)
NOTHING_TO_SHIP = Delivered(reference=None, note="nothing to ship")

OUTCOMES = [
    pytest.param(DELIVERED, id="goes well"),
    pytest.param(TIMEOUT, id="no answer"),
    pytest.param(NO_CONNECTION, id="no connection"),
    pytest.param(UNKNOWN_SKU, id="refused"),
    pytest.param(PICKED, id="held"),
    pytest.param(KEY_REFUSED, id="suspended"),
    pytest.param(None, id="the worker dies"),
]


def _route(cancel: str) -> Any:
    return config(routes=[{"name": "all", "deliver": ["a", "b", "c"], "cancel": cancel}])


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A route of two: a, then b; a cancel goes through it from its end."""
    with World(database_url) as world:
        yield world


@pytest.fixture
def long(database_url: str) -> Iterator[World]:
    """A route of three."""
    with World(database_url, _route("reverse")) as world:
        yield world


def _deliver(world: World, *names: str) -> None:
    world.place("1")
    for name in names:
        world.try_once("1", name, DELIVERED)


def _cancel(world: World, *, minute: float = 10, **changes: Any) -> None:
    world.place("1", minute=minute, cancelled=True, **changes)
    world.check()


def _end(world: World, name: str, outcome: Outcome = GONE) -> list[str]:
    """One attempt; the destinations that are rung for."""
    done = world.try_once("1", name, outcome)
    world.check()
    return [destination for _, destination, _, _ in done.wake]


def _told(world: World, name: str) -> str | None:
    """What an operator reads as the delivery's reason."""
    with world.ledger.read() as connection:
        found = views.order(connection, world.order("1").id)
    assert found is not None
    [reason] = [d["reason"] for d in found["deliveries"] if d["destination"] == name]
    return None if reason is None else str(reason)


def _finish(world: World, *, steps: int = 20) -> list[str]:
    """Let every attempt that is possible go well, until nothing moves; the destinations in the order of their turns."""
    turns: list[str] = []
    for _ in range(steps):
        world.check()
        world.now += LEASE_S + 1
        world.reclaim()
        moving = [row for row in world.deliveries("1") if row.state in ("ready", "retrying")]
        if not moving:
            return turns
        turns.append(moving[0].destination)
        world.try_once("1", moving[0].destination, GONE)
    raise AssertionError(f"after {steps} attempts it still moves: {world.states('1')}")


# ------------------------------------------------------------ the sequence


@pytest.mark.parametrize(
    ("cancel", "sequence"),
    [
        pytest.param("reverse", ["c", "b", "a"], id="from its end"),
        pytest.param("forward", ["a", "b", "c"], id="from its beginning"),
    ],
)
def test_a_cancel_goes_through_the_route_one_by_one(database_url: str, cancel: str, sequence: list[str]) -> None:
    with World(database_url, _route(cancel)) as world:
        _deliver(world, "a", "b", "c")
        _cancel(world)
        for name, following in zip(sequence, [*sequence[1:], None], strict=True):
            moving = [row.destination for row in world.deliveries("1") if row.state == "ready"]
            assert moving == [name]
            assert _end(world, name) == ([following] if following else [])
            assert world.delivery("1", name).state == "cancelled"
        assert world.order("1").status == "cancelled"
        assert world.order("1").cancels == cancel


def test_a_cancel_goes_everywhere_at_once_where_the_route_says_so(database_url: str) -> None:
    with World(database_url, _route("at once")) as world:
        _deliver(world, "a", "b", "c")
        answer = world.place("1", minute=10, cancelled=True)
        assert [d.destination for d in answer.ready] == ["a", "b", "c"]
        assert _end(world, "b", PICKED) == []
        assert world.states("1") == "ready held ready"
        for name in ("c", "a"):
            _end(world, name)
        assert world.states("1") == "cancelled held cancelled"
        assert world.order("1").status == "held"


def test_only_the_last_destination_is_rung_for(world: World) -> None:
    _deliver(world, "a", "b")
    answer = world.place("1", minute=10, cancelled=True)
    assert [d.destination for d in answer.ready] == ["b"]
    assert world.ring("a") == []


def test_the_timeline_says_what_a_cancel_does(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    for name in "ba":
        _end(world, name)
    assert world.events("1", "changes") == ["cancelled"]
    assert world.events("1", "cancelled") == [
        "the order is cancelled: nothing more of it is sent, and what is there is taken back",
        "cancelled there as R-1: cancelled there",
        "cancelled there as R-1: cancelled there",
    ]


def test_a_deleted_order_goes_back_in_the_same_sequence(world: World) -> None:
    _deliver(world, "a", "b")
    world.take(removal("1"))
    assert world.states("1") == "waiting ready"
    assert _finish(world) == ["b", "a"]
    assert world.order("1").status == "cancelled"


def test_a_cancel_keeps_its_sequence_when_its_route_has_left_the_configuration(database_url: str) -> None:
    with World(database_url, _route("forward")) as world:
        _deliver(world, "a", "b", "c")
        _cancel(world)
        world.configure(config(deliver=("a", "b", "c")))
        world.configure(config(routes=[{"name": "other", "deliver": ["a"]}]))
        _cancel(world, minute=11, note="and once more")
        assert world.order("1").cancels == "forward"
        assert _finish(world) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("cancel", "states"),
    [("forward", "ready held cancelled"), ("at once", "ready held cancelled"), ("reverse", "waiting held cancelled")],
)
def test_a_sequence_that_the_configuration_changes_on_the_way_leaves_nobody_waiting(
    database_url: str, cancel: str, states: str
) -> None:
    with World(database_url, _route("reverse")) as world:
        _deliver(world, "a", "b", "c")
        _cancel(world)
        _end(world, "c")
        _end(world, "b", PICKED)
        world.configure(_route(cancel))
        world.replay("1", destination="a")
        world.check()
        assert world.states("1") == states


# ------------------------------------------------------------ what was never sent


@pytest.mark.parametrize(
    ("delivered", "last", "states"),
    [
        pytest.param("", None, "cancelled cancelled", id="nothing sent"),
        pytest.param("a", None, "ready cancelled", id="the second not sent"),
        pytest.param("a", NO_CONNECTION, "ready cancelled", id="the second could not be reached"),
        pytest.param("a", UNKNOWN_SKU, "ready cancelled", id="the second refused the order"),
        pytest.param("a", KEY_REFUSED, "ready cancelled", id="the second suspended, and nothing sent"),
        pytest.param("a", TIMEOUT, "waiting ready", id="the second in doubt"),
        pytest.param("a", LOOKING, "waiting ready", id="the second being looked up"),
        pytest.param("a", NOTHING_TO_SHIP, "ready cancelled", id="the second had nothing to ship"),
        pytest.param("ab", None, "waiting ready", id="both delivered"),
    ],
)
def test_what_was_not_sent_is_dropped_and_the_rest_taken_back(
    world: World, delivered: str, last: Outcome | None, states: str
) -> None:
    _deliver(world, *delivered)
    if last is not None:
        world.try_once("1", "b", last)
    _cancel(world)
    assert world.states("1") == states
    _finish(world)
    assert world.order("1").status == "cancelled"


def test_a_cancel_before_anything_was_sent_sends_nothing(world: World) -> None:
    world.place("1")
    _cancel(world)
    assert world.claim("a") is None
    assert [row.reason for row in world.deliveries("1")] == ["cancelled before it was sent"] * 2


def test_a_cancel_of_what_waits_for_payment_sends_nothing(world: World) -> None:
    world.place("1", payment_state="pending")
    _cancel(world)
    assert (world.states("1"), world.order("1").status, world.order("1").hold) == ("", "cancelled", None)


def test_what_had_nothing_there_says_so(world: World) -> None:
    _deliver(world, "a")
    world.try_once("1", "b", NOTHING_TO_SHIP)
    _cancel(world)
    assert world.delivery("1", "b").reason == "nothing of it was there"


def test_an_order_that_the_shop_sends_cancelled_from_the_start_goes_nowhere(world: World) -> None:
    _cancel(world)
    assert (world.deliveries("1"), world.order("1").status) == ([], "cancelled")


# ------------------------------------------------------------ a later destination keeps the earlier ones waiting


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        pytest.param(PICKED, "left as it is until somebody settles the cancel at b", id="held"),
        pytest.param(UNKNOWN_SKU, "left as it is until somebody settles the cancel at b", id="dead"),
        pytest.param(KEY_REFUSED, "left as it is until b is open again and has cancelled the order", id="suspended"),
        pytest.param(TIMEOUT, "left as it is until b has cancelled the order", id="no answer"),
        pytest.param(REFUSED, "left as it is until b has cancelled the order", id="tried again"),
        pytest.param(LOOKING, "left as it is until b has cancelled the order", id="being looked up"),
    ],
)
def test_an_earlier_destination_waits_with_a_reason(world: World, outcome: Outcome, says: str) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    assert _told(world, "a") == "left as it is until b has cancelled the order"
    assert _end(world, "b", outcome) == []
    assert world.delivery("1", "a").state == "waiting"
    assert _told(world, "a") == says
    assert world.claim("a") is None
    assert world.ring("a", older_than=world.now) == []


def test_each_of_a_long_route_says_which_one_it_waits_for(long: World) -> None:
    _deliver(long, "a", "b", "c")
    _cancel(long)
    assert {_told(long, name) for name in "ab"} == {"left as it is until c has cancelled the order"}
    _end(long, "c")
    assert _told(long, "a") == "left as it is until b has cancelled the order"
    _end(long, "b", PICKED)
    assert _told(long, "a") == "left as it is until somebody settles the cancel at b"


def test_a_delivery_says_which_one_of_its_route_it_comes_after(long: World) -> None:
    _deliver(long, "a")
    assert _told(long, "c") == "its turn comes after b"


def test_a_destination_that_is_suspended_already_keeps_the_earlier_ones_waiting(world: World) -> None:
    _deliver(world, "a", "b")
    world.suspend("b")
    _cancel(world)
    assert world.states("1") == "waiting held"
    assert _told(world, "a") == "left as it is until b is open again and has cancelled the order"
    world.resume("b")
    assert _finish(world) == ["b", "a"]


def test_an_earlier_destination_that_is_suspended_still_waits_for_its_turn(world: World) -> None:
    _deliver(world, "a", "b")
    world.suspend("a")
    _cancel(world)
    assert world.states("1") == "waiting ready"
    world.resume("a")
    world.check()
    assert world.states("1") == "waiting ready"
    assert _finish(world) == ["b", "a"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_destination_that_has_left_the_configuration_is_held_when_its_turn_has_come(
    database_url: str, position: int
) -> None:
    with World(database_url, _route("reverse")) as world:
        _deliver(world, "a", "b", "c")
        name = "abc"[position]
        whole = world.config
        world.config = whole.model_copy(
            update={"destinations": {key: one for key, one in whole.destinations.items() if key != name}}
        )
        _cancel(world)
        states = world.states("1")
        assert states == ("waiting waiting held" if name == "c" else "waiting waiting ready")
        world.configure(whole)
        assert _finish(world) == ["c", "b", "a"]


# ------------------------------------------------------------ while one is in somebody's hands


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        pytest.param(DELIVERED, ["b", "a"], id="delivered"),
        pytest.param(TIMEOUT, ["b", "a"], id="no answer"),
        pytest.param(LOOKING, ["b", "a"], id="being looked up"),
        pytest.param(PICKED, ["b", "a"], id="held, in doubt"),
        pytest.param(NO_CONNECTION, ["a"], id="never sent"),
        pytest.param(REFUSED, ["a"], id="refused for now"),
        pytest.param(UNKNOWN_SKU, ["a"], id="refused"),
        pytest.param(KEY_REFUSED, ["a"], id="suspended"),
        pytest.param(NOTHING_TO_SHIP, ["b", "a"], id="nothing to ship"),
    ],
)
def test_a_cancel_while_the_last_one_is_being_delivered(world: World, outcome: Outcome, ends: list[str]) -> None:
    _deliver(world, "a")
    claim = world.claimed("b")
    _cancel(world)
    assert world.states("1") == "waiting delivering"
    world.end(claim, outcome)
    world.resume("b")
    assert _finish(world) == ends
    assert world.states("1") == "cancelled cancelled"
    assert world.order("1").status == "cancelled"


@pytest.mark.parametrize("cancel", ["reverse", "forward", "at once"])
@pytest.mark.parametrize("busy", ["a", "b", "c"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_cancel_while_a_change_is_being_carried_out(
    database_url: str, cancel: str, busy: str, outcome: Outcome | None
) -> None:
    with World(database_url, _route(cancel)) as world:
        _deliver(world, "a", "b", "c")
        world.place("1", minute=1, note="changed")
        for name in "abc"[: "abc".index(busy)]:
            world.try_once("1", name, DELIVERED)
        claim = world.claimed(busy)
        _cancel(world)
        if outcome is not None:  # else its worker dies
            world.end(claim, outcome)
        world.resume(busy)
        world.check()
        turns = _finish(world)
        assert world.states("1") == "cancelled cancelled cancelled"
        assert sorted(turns) == ["a", "b", "c"]


def test_a_worker_that_dies_with_a_cancel_in_hand_ends_nothing(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    world.claimed("b")
    world.now += LEASE_S + 1
    assert world.reclaim() == 1
    world.check()
    assert world.states("1") == "waiting retrying"
    row = world.delivery("1", "b")
    assert (row.in_doubt, row.interrupted) == (True, True)
    assert _finish(world) == ["b", "a"]
    assert world.order("1").status == "cancelled"


def test_workers_that_die_again_and_again_leave_a_dead_letter_and_the_rest_waiting(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    for _ in range(claims.MAX_CRASHES):
        world.now = max(world.now, world.delivery("1", "b").due_at)
        world.claimed("b")
        world.now += LEASE_S + 1
        world.reclaim()
        world.check()
    assert world.states("1") == "waiting dead"
    assert _told(world, "a") == "left as it is until somebody settles the cancel at b"
    world.replay("1")
    assert _finish(world) == ["b", "a"]


def test_a_delivery_that_is_handed_back_untouched_takes_its_turn_all_the_same(world: World) -> None:
    _deliver(world, "a", "b")
    world.place("1", minute=1, note="changed")
    claim = world.claimed("a")
    _cancel(world)
    world.release(claim, untouched=claim.jobs)
    world.check()
    assert world.states("1") == "waiting ready"
    assert _finish(world) == ["b", "a"]


# ------------------------------------------------------------ a newer version revives it


@pytest.mark.parametrize("done", ["", "b", "ba"], ids=["before anything", "in the middle", "after all"])
def test_a_newer_version_revives_a_cancelled_order(world: World, done: str) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    for name in done:
        _end(world, name)
    world.place("1", minute=20, note="after all")
    world.check()
    assert world.states("1") == "ready waiting"
    assert world.events("1", "changes")[-1] == "no longer cancelled; note added"
    assert _finish(world) == ["a", "b"]
    assert world.order("1").status == "delivered"
    assert {row.content_done for row in world.deliveries("1")} == {world.order("1").content}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_newer_version_revives_an_order_whose_cancel_is_in_flight(world: World, outcome: Outcome | None) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    claim = world.claimed("b")
    world.place("1", minute=20)
    world.check()
    if outcome is not None:
        world.end(claim, outcome)
        world.check()
    world.resume("b")
    world.check()
    assert _finish(world)[-1] == "b"
    assert world.states("1") == "delivered delivered"


def test_a_revived_order_whose_warehouse_refused_the_cancel_converges_there_too(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    _end(world, "b", PICKED)
    world.place("1", minute=20, note="after all")
    world.check()
    assert _finish(world) == ["a", "b"]
    assert world.order("1").status == "delivered"


def test_a_removed_order_is_revived_by_a_version_of_a_later_time(world: World) -> None:
    _deliver(world, "a", "b")
    world.take(removal("1"), received_at=order("1").version.timestamp() + 1)
    _finish(world)
    world.take(webhook("1", minute=60))
    assert _finish(world) == ["a", "b"]
    assert world.order("1").status == "delivered"


def test_an_older_version_revives_nothing(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    assert world.place("1", minute=5, note="late").outcome == "stale"
    assert world.states("1") == "waiting ready"


# ------------------------------------------------------------ a person replays it


def test_a_replay_tries_the_cancel_again_where_the_warehouse_held_it(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    _end(world, "b", PICKED)
    done = world.replay("1")
    assert [destination for _, destination, _, _ in done.wake] == ["b"]
    world.check()
    assert world.states("1") == "waiting ready"
    assert world.claimed("b").jobs[0].in_doubt
    world.check()


def test_a_replayed_cancel_goes_on_to_the_earlier_destination(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    _end(world, "b", PICKED)
    world.replay("1")
    assert _end(world, "b", Delivered(reference="R-1", note="it was cancelled there already")) == ["a"]
    _end(world, "a")
    assert world.order("1").status == "cancelled"


def test_a_replay_of_what_waits_for_its_turn_changes_nothing(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    _end(world, "b", PICKED)
    done = world.replay("1", destination="a")
    assert done.wake == ()
    assert world.states("1") == "waiting held"


def test_a_replay_of_what_is_cancelled_everywhere_sends_nothing(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    _finish(world)
    assert world.replay("1").wake == ()
    assert world.states("1") == "cancelled cancelled"


def test_several_dead_letters_of_a_cancelled_order_are_replayed_in_its_sequence(database_url: str) -> None:
    with World(database_url, _route("at once")) as world:
        _deliver(world, "a", "b", "c")
        _cancel(world)
        for name in "abc":
            _end(world, name, PICKED)
        world.configure(_route("reverse"))
        world.replay("1")
        world.check()
        assert world.states("1") == "waiting waiting ready"
        assert _finish(world) == ["c", "b", "a"]


def test_an_edit_cancels_and_revives_as_the_shop_does(world: World) -> None:
    _deliver(world, "a", "b")
    world.replay("1", edit={"cancelled": True})
    world.check()
    assert world.states("1") == "waiting ready"
    _end(world, "b")
    world.replay("1", edit={"cancelled": False})
    world.check()
    assert _finish(world) == ["a", "b"]
    assert world.order("1").status == "delivered"


# ------------------------------------------------------------ other things that come in between


def test_a_webhook_that_nobody_understands_stops_the_cancel_until_somebody_has_looked(world: World) -> None:
    _deliver(world, "a", "b")
    _cancel(world)
    world.take(unreadable("1"))
    world.check()
    assert world.states("1") == "held held"
    world.place("1", minute=30, cancelled=True)
    world.check()
    assert world.states("1") == "waiting ready"
    assert _finish(world) == ["b", "a"]


def test_a_cancel_of_an_order_that_changed_its_route_touches_only_where_it_went(database_url: str) -> None:
    by_country: list[dict[str, Any]] = [
        {"name": "home", "when": {"country": ["AU"]}, "deliver": ["a", "b"]},
        {"name": "abroad", "deliver": ["a", "c"]},
    ]
    with World(database_url, config(routes=by_country)) as world:
        world.place("1", ship_to={"country": "AU"})
        world.place("1", minute=1, ship_to={"country": "NZ"})
        for name in "ac":
            world.try_once("1", name, DELIVERED)
        _cancel(world)
        assert world.states("1") == "waiting ready"
        assert _finish(world) == ["c", "a"]


@pytest.mark.parametrize("sequence", list(permutations(["created", "changed", "cancelled"])), ids=" ".join)
@pytest.mark.parametrize("removed", [False, True], ids=["a newer version", "the same time"])
def test_every_order_of_arrival_ends_with_the_order_cancelled(
    world: World, sequence: tuple[str, ...], removed: bool
) -> None:
    last = 1 if removed else 2  # at the same time, the kind of change says which is newer
    versions = {
        "created": webhook("1", minute=0),
        "changed": webhook("1", minute=1, note="x"),
        "cancelled": webhook("1", minute=last, rank=REMOVED, cancelled=True, note="x"),
    }
    for name in sequence:
        world.take(versions[name])
        world.check()
        for row in world.deliveries("1"):
            if row.state == "ready":
                world.try_once("1", row.destination, DELIVERED)
                world.check()
                break
    _finish(world)
    assert world.order("1").cancelled
    assert world.order("1").status == "cancelled"
    assert set(world.states("1").split()) <= {"cancelled"}
