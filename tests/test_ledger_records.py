"""What an outcome does to its delivery, its destination, the timeline and the next delivery of the route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from schemas.destination import RetryRule
from tests.ledgers import (
    DELIVERED,
    KEY_REFUSED,
    LEASE_S,
    PROBE_S,
    REFUSED,
    TIMEOUT,
    UNKNOWN_SKU,
    World,
    config,
    webhook,
)
from worker.ledger import records
from worker.ledger import tables as t
from worker.ledger.destinations import BREAK_AFTER, hold_moving, suspend
from worker.ledger.records import Result, backoff, telling
from worker.outcomes import Delivered, Outcome, Reject, Retry

BASE_S, CAP_S = 2.0, 300.0


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url, config(a={"max_in_flight": 50})) as world:
        yield world


def _place(world: World, count: int) -> list[str]:
    numbers = [str(n) for n in range(1, count + 1)]
    world.take(*(webhook(number) for number in numbers))
    return numbers


# ------------------------------------------------------------ one row, one outcome

_HELD = Reject(code="deleted", reason="someone deleted it", hint="decide", hold=True)
_LOOKING = Retry(code="looking", reason="looked for once more", after=20, counts=False, memo={"looked_at": 1})

_CONSEQUENCES: list[Any] = [
    pytest.param(DELIVERED, "delivered", {"reference": "R-1", "memo": '{"id": 1}'}, "delivering", id="delivered"),
    pytest.param(
        Delivered(reference=None, note="nothing to ship"),
        "delivered",
        {"reason": "nothing to ship", "reference": None},
        "delivering",
        id="delivered without a call",
    ),
    pytest.param(
        TIMEOUT,
        "retrying",
        {"failures": 1, "in_doubt": True, "code": "timeout", "reason": "no answer in time"},
        "delivering",
        id="retry in doubt",
    ),
    pytest.param(REFUSED, "retrying", {"failures": 1, "in_doubt": False}, "delivering", id="retry"),
    pytest.param(
        _LOOKING, "retrying", {"failures": 0, "memo": '{"looked_at": 1}'}, "delivering", id="a look that went well"
    ),
    pytest.param(
        Retry(code="500", reason="failed", tries=1), "dead", {"code": "500"}, "dead", id="the last of its tries"
    ),
    pytest.param(
        UNKNOWN_SKU,
        "dead",
        {"code": "unknown_sku", "hint": "mend the SKU", "held_by": None},
        "dead",
        id="reject",
    ),
    pytest.param(
        _HELD, "held", {"held_by": "person", "reason": "someone deleted it"}, "held", id="reject for a person"
    ),
    pytest.param(KEY_REFUSED, "held", {"held_by": "destination", "reason": "the key is refused"}, "held", id="suspend"),
]


@pytest.mark.parametrize(("outcome", "state", "values", "status"), _CONSEQUENCES)
def test_an_outcome_has_its_consequence(
    world: World, outcome: Outcome, state: str, values: dict[str, Any], status: str
) -> None:
    world.place("1")
    done = world.end(world.claimed("a"), outcome)
    row = world.delivery("1", "a")
    assert {name: getattr(row, name) for name in values} == values
    assert (row.state, row.attempts, row.lease_id, row.crashes) == (state, 1, None, 0)
    assert world.order("1").status == status
    assert [item.state for item in done.recorded] == [state]
    assert world.delivery("1", "b").state == ("ready" if state == "delivered" else "waiting")


@pytest.mark.parametrize(
    ("outcome", "answered", "interrupted", "attempts"),
    [
        pytest.param(_LOOKING, False, False, 0, id="it only waited"),
        pytest.param(_LOOKING, True, False, 1, id="it looked"),
        pytest.param(REFUSED, False, False, 1, id="it got no answer"),
        pytest.param(replace(_LOOKING, in_doubt=True), False, False, 1, id="it may have sent something"),
        pytest.param(_LOOKING, False, True, 1, id="it was stopped"),
    ],
)
def test_an_attempt_that_sends_nothing_is_none(
    world: World, outcome: Outcome, attempts: int, *, answered: bool, interrupted: bool
) -> None:
    world.place("1")
    world.try_once("1", "a", outcome, answered=answered, interrupted=interrupted)
    assert (world.delivery("1", "a").attempts, world.order("1").status) == (attempts, "delivering")


@pytest.mark.parametrize("outcome", [p.values[0] for p in _CONSEQUENCES], ids=[p.id for p in _CONSEQUENCES])
def test_a_result_whose_lease_was_lost_is_not_recorded(world: World, outcome: Outcome) -> None:
    world.place("1")
    claim = world.claimed("a")
    world.now += LEASE_S + 1
    world.reclaim()
    before = world.delivery("1", "a")
    assert [item.state for item in world.record(claim, outcome).recorded] == [None]
    after = world.delivery("1", "a")
    for name in ("attempts", "failures", "crashes", "in_doubt", "memo", "reference", "content_done"):
        assert getattr(after, name) == getattr(before, name), name
    assert world.delivery("1", "b").state == "waiting"


def test_a_result_of_a_lease_that_another_worker_took_over_is_not_recorded(world: World) -> None:
    world.place("1")
    first = world.claimed("a")
    world.now += LEASE_S + 1
    world.reclaim()
    second = world.claimed("a")
    assert [item.state for item in world.record(first, UNKNOWN_SKU).recorded] == [None]
    assert [item.state for item in world.end(second, DELIVERED).recorded] == ["delivered"]


def test_a_lease_that_is_over_but_not_yet_taken_back_still_records_what_was_done(world: World) -> None:
    world.place("1")
    claim = world.claimed("a")
    world.now += LEASE_S + 1
    world.end(claim, DELIVERED)
    assert world.reclaim() == 0
    assert world.states("1") == "delivered ready"


# ------------------------------------------------------------ the next of the route


def test_the_next_delivery_of_the_route_is_rung_for(database_url: str) -> None:
    with World(database_url, config(deliver=["a", "b", "c"])) as world:
        world.place("1")
        for name, following in (("a", "b"), ("b", "c")):
            [(_, destination, delivery_id, number)] = world.try_once("1", name, DELIVERED).wake
            assert (destination, number, delivery_id) == (following, "1", world.delivery("1", following).id)
        assert world.try_once("1", "c", DELIVERED).wake == ()
        assert world.order("1").status == "delivered"


def test_nothing_goes_past_a_delivery_that_is_held_or_dead(database_url: str) -> None:
    with World(database_url, config(deliver=["a", "b", "c"])) as world:
        world.place("1")
        world.set("1", "b", state="held", held_by="number", reason="taken")
        assert world.try_once("1", "a", DELIVERED).wake == ()
        assert world.states("1") == "delivered held waiting"
        world.replay("1")
        assert world.states("1") == "delivered ready waiting"
        world.try_once("1", "b", UNKNOWN_SKU)
        assert world.states("1") == "delivered dead waiting"


def test_an_order_on_hold_does_not_go_on_to_its_next_destination(world: World) -> None:
    world.place("1")
    claim = world.claimed("a")
    world.place("1", minute=1, payment_state="voided")
    assert world.end(claim, DELIVERED).wake == ()
    assert world.states("1") == "delivered held"


# ------------------------------------------------------------ the order changed while it was in flight


@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        pytest.param(DELIVERED, "ready waiting", id="delivered"),
        pytest.param(TIMEOUT, "retrying waiting", id="retry"),
        pytest.param(UNKNOWN_SKU, "ready waiting", id="reject"),
        pytest.param(_HELD, "ready waiting", id="reject for a person"),
        pytest.param(KEY_REFUSED, "held waiting", id="suspend"),
    ],
)
def test_an_order_that_changed_in_flight_converges_again(world: World, outcome: Outcome, states: str) -> None:
    world.place("1")
    claim = world.claimed("a")
    world.place("1", minute=1, note="changed")
    assert world.states("1") == "delivering waiting"
    world.end(claim, outcome)
    assert world.states("1") == states


@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        pytest.param(DELIVERED, "ready cancelled", id="delivered, so it is taken back"),
        pytest.param(TIMEOUT, "retrying cancelled", id="in doubt, so it is looked for"),
        pytest.param(REFUSED, "cancelled cancelled", id="nothing got through"),
        pytest.param(UNKNOWN_SKU, "cancelled cancelled", id="refused"),
        pytest.param(KEY_REFUSED, "cancelled cancelled", id="the key was refused"),
        pytest.param(
            Reject(code="x", reason="perhaps there", in_doubt=True), "ready cancelled", id="refused, and in doubt"
        ),
    ],
)
def test_an_order_that_was_cancelled_in_flight_is_there_nowhere_in_the_end(
    world: World, outcome: Outcome, states: str
) -> None:
    world.place("1")
    claim = world.claimed("a")
    world.place("1", minute=1, cancelled=True)
    world.end(claim, outcome)
    assert world.states("1") == states
    if states != "cancelled cancelled":
        if world.health("a").status != "open":
            world.resume("a")
        world.try_once("1", "a", Delivered(reference="R-1"))
        assert world.states("1") == "cancelled cancelled"
    assert world.order("1").status == "cancelled"


@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        pytest.param(DELIVERED, "delivered held", id="delivered"),
        pytest.param(TIMEOUT, "held held", id="retry"),
        pytest.param(UNKNOWN_SKU, "held held", id="reject"),
        pytest.param(KEY_REFUSED, "held held", id="suspend"),
    ],
)
def test_an_order_that_was_put_on_hold_in_flight_waits(world: World, outcome: Outcome, states: str) -> None:
    world.place("1")
    claim = world.claimed("a")
    world.place("1", minute=1, payment_state="voided", note="changed")
    world.end(claim, outcome)
    assert world.states("1") == states
    world.resume("a")
    assert world.states("1") == states, "a destination that opens lets go only what it held"
    world.place("1", minute=2, note="changed")
    assert world.states("1") == "ready waiting"


def test_an_order_that_was_revived_while_it_was_being_taken_back_is_delivered_again(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.place("1", minute=1, cancelled=True)
    claim = world.claimed("a")
    world.place("1", minute=2)
    world.end(claim, DELIVERED)
    assert world.states("1") == "ready waiting"
    for name in ("a", "b"):
        world.try_once("1", name, DELIVERED)
    assert world.order("1").status == "delivered"


def test_a_cancelled_delivery_in_doubt_stays_until_the_destination_has_said_what_is_there(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", TIMEOUT)
    world.place("1", minute=1, cancelled=True)
    assert world.states("1") == "ready cancelled"
    world.try_once("1", "a", _LOOKING)
    assert world.states("1") == "retrying cancelled"
    world.try_once("1", "a", _HELD)
    assert (world.states("1"), world.order("1").status) == ("held cancelled", "held")


# ------------------------------------------------------------ when to stop


def test_back_off_doubles_to_its_cap_with_full_jitter() -> None:
    rule = RetryRule(base_s=2, cap_s=300)
    assert [backoff(rule, failures=n, draw=lambda _, high: high) for n in (1, 2, 3, 8, 9, 5000)] == [
        2,
        4,
        8,
        256,
        300,
        300,
    ]
    assert {backoff(rule, failures=3, draw=lambda low, _: low)} == {0.0}


def test_a_delivery_is_given_up_after_its_hours_whatever_the_codes(world: World) -> None:
    world.place("1")
    tries = 0
    begun = world.now
    while world.delivery("1", "a").state != "dead":
        world.try_once("1", "a", (TIMEOUT, Retry(code="500", reason="failed", tries=4))[tries % 2])
        world.resume("a")
        tries += 1
        world.now += 600
    assert 24 <= (world.now - begun) / 3600 <= 25
    assert tries <= 24 * 6 + 1, "alternating codes back off as one"
    assert "gave up after 24 h" in world.order("1").status + world.delivery("1", "a").reason


def test_looking_for_ever_is_given_up_as_well(world: World) -> None:
    world.place("1")
    for _ in range(26):
        world.try_once("1", "a", _LOOKING)
        world.now += 3600
        if world.delivery("1", "a").state == "dead":
            break
    assert "gave up after 24 h" in world.delivery("1", "a").reason


def test_tries_count_failures_of_one_kind_with_looks_in_between(world: World) -> None:
    world.place("1")
    failed = Retry(code="500", reason="failed", tries=3, in_doubt=True)
    for outcome in (failed, _LOOKING, failed, _LOOKING, TIMEOUT, failed, _LOOKING, failed):
        world.try_once("1", "a", outcome)
        assert world.states("1") == "retrying waiting"
    world.try_once("1", "a", failed)
    assert "gave up after 3 tries" in world.delivery("1", "a").reason


@pytest.mark.parametrize("again", ["replay", "resume", "a newer version", "delivered"])
def test_the_clock_of_giving_up_starts_anew(world: World, again: str) -> None:
    world.place("1")
    world.try_once("1", "a", REFUSED)
    world.now += 23 * 3600
    world.try_once("1", "a", REFUSED)
    if again == "replay":
        world.replay("1")
    elif again == "resume":
        world.suspend("a")
        world.resume("a")
    elif again == "a newer version":
        world.place("1", minute=1, note="changed")
    else:
        world.try_once("1", "a", DELIVERED)
        world.place("1", minute=1, note="changed")
    world.now += 2 * 3600
    world.try_once("1", "a", REFUSED)
    row = world.delivery("1", "a")
    assert (row.state, row.failures) == ("retrying", 1)


def test_time_in_a_queue_is_not_time_of_trying(world: World) -> None:
    world.place("1")
    world.now += 30 * 3600
    claim = world.claimed("a")
    world.release(claim, untouched=claim.jobs, batch=0)
    world.now += 30 * 3600
    world.try_once("1", "a", REFUSED)
    assert world.states("1") == "retrying waiting"


def test_an_attempt_waits_at_least_as_long_as_it_was_told(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", Retry(code="429", reason="busy", after=77))
    assert world.delivery("1", "a").due_at >= world.now + 77


# ------------------------------------------------------------ interrupted


def test_an_interrupted_attempt_is_remembered_until_the_system_has_looked_anew(world: World) -> None:
    world.place("1")
    stopped = Retry(code="stopped", reason="stopped", in_doubt=True, counts=False)
    world.try_once("1", "a", stopped, interrupted=True)
    world.try_once("1", "a", TIMEOUT)
    world.try_once("1", "a", KEY_REFUSED)
    world.resume("a")
    claim = world.claimed("a")
    assert claim.jobs[0].interrupted, "neither a look that failed nor a refused key has looked"
    world.end(claim, _LOOKING)
    world.now += 20
    assert not world.claimed("a").jobs[0].interrupted


@pytest.mark.parametrize(
    ("outcome", "remembered"),
    [
        pytest.param(UNKNOWN_SKU, False, id="refused, and nothing is there"),
        pytest.param(Reject(code="x", reason="perhaps", in_doubt=True), True, id="refused, in doubt"),
        pytest.param(DELIVERED, False, id="delivered"),
    ],
)
def test_a_decision_settles_an_interruption_unless_it_leaves_a_doubt(
    world: World, outcome: Outcome, *, remembered: bool
) -> None:
    world.place("1")
    world.claimed("a")
    world.now += LEASE_S + 1
    world.reclaim()
    world.try_once("1", "a", outcome)
    world.replay("1", destination="a")
    assert world.claimed("a").jobs[0].interrupted is remembered


# ------------------------------------------------------------ the timeline


def test_a_day_of_retries_is_a_dozen_lines(world: World) -> None:
    world.config = config(a={"retry": {"give_up_h": 1000}})
    world.place("1")
    place = world.config.destinations["a"]
    exchanges = ({"request": "x" * 1000, "response": "y" * 1000},)
    for attempt in range(600):
        claim = world.claimed("a")
        result = Result(
            job=claim.jobs[0],
            outcome=(TIMEOUT, REFUSED)[attempt % 2],
            seconds=0.1,
            exchanges=exchanges,
            answered=True,
        )
        world.ledger.write(
            lambda c, result=result, claim=claim: records.record(  # type: ignore[misc]
                c, [result], lease_id=claim.lease_id, destination=place, probe_s=PROBE_S, now=world.now
            )
        )
        world.release(claim)
        world.resume("a")
        world.now = max(world.now, world.delivery("1", "a").due_at)
    assert world.delivery("1", "a").attempts == 600
    assert len(world.events("1", "retrying")) == 3 + 8  # 4, 8, ... 512


def test_the_first_failures_and_then_ever_fewer_are_told() -> None:
    assert [n for n in range(1, 70) if telling(n)] == [1, 2, 3, 4, 8, 16, 32, 64]


def test_one_look_after_another_is_told_once(world: World) -> None:
    world.place("1")
    for _ in range(5):
        world.try_once("1", "a", _LOOKING)
    assert world.events("1", "looking") == ["looked for once more"]


def test_what_no_database_can_store_of_a_reply_does_not_keep_its_outcome_out(world: World) -> None:
    world.place("1")
    claim = world.claimed("a")
    text = "no \x00 such \ud83d code"
    outcome = Reject(code="refused", reason=text, hint=text)
    result = Result(job=claim.jobs[0], outcome=outcome, seconds=0.1, exchanges=({"response": text},), answered=True)
    place = world.config.destinations["a"]
    world.ledger.write(
        lambda c: records.record(
            c, [result], lease_id=claim.lease_id, destination=place, probe_s=PROBE_S, now=world.now
        )
    )
    assert world.delivery("1", "a").reason == "no  such ? code"
    with world.ledger.read() as c:
        data = c.scalar(select(t.events.c.data).where(t.events.c.kind == "dead"))
    assert json.loads(str(data))["exchanges"][0]["response"].startswith("no ")
    world.release(claim)


# ------------------------------------------------------------ pauses


def _in_flight(world: World, count: int) -> list[Any]:
    _place(world, count)
    return [world.claimed("a", str(n)) for n in range(1, count + 1)]


def test_retry_after_pauses_the_destination_for_every_delivery(world: World) -> None:
    first, second = _in_flight(world, 2)
    done = world.end(first, Retry(code="429", reason="busy", after=60, everyone=True))
    assert not done.open
    assert (world.health("a").status, world.health("a").paused_until) == ("paused", world.now + 60)
    assert not world.end(second, DELIVERED).open, "it was on its way before the pause, so it does not end it"
    assert world.health("a").status == "paused"


def test_too_many_requests_without_a_time_pauses_for_the_base_of_the_back_off(world: World) -> None:
    [claim] = _in_flight(world, 1)
    world.end(claim, Retry(code="429", reason="busy", everyone=True))
    assert world.health("a").paused_until == world.now + BASE_S


def test_the_breaker_opens_after_five_failures_in_a_row_and_its_pauses_double(world: World) -> None:
    _place(world, 20)
    pauses = []
    for number in range(1, 11):
        world.try_once(str(number), "a", REFUSED)
        health = world.health("a")
        if number < BREAK_AFTER:
            assert health.status == "open"
            continue
        assert health.status == "paused"
        pauses.append(health.paused_until - world.now)
        world.now = health.paused_until
    assert pauses[0] == BASE_S
    assert [later / earlier for earlier, later in pairwise(pauses)] == [2.0] * 5


def test_a_pause_is_never_longer_than_the_cap(world: World) -> None:
    _place(world, 20)
    for number in range(1, 21):
        world.try_once(str(number), "a", REFUSED)
        world.now = max(world.now, world.health("a").paused_until or 0)
    assert world.health("a").failures == 20
    world.try_once("1", "a", REFUSED)
    assert world.health("a").paused_until - world.now == CAP_S


def test_one_blip_that_many_were_in_flight_for_is_one_short_pause(world: World) -> None:
    _place(world, 50)
    claim = world.claimed("a")
    world.end(claim, *([TIMEOUT] * 50))
    assert world.health("a").paused_until - world.now == BASE_S


def test_a_success_in_between_keeps_the_breaker_closed(world: World) -> None:
    _place(world, 12)
    for number in range(1, 12):
        world.try_once(str(number), "a", DELIVERED if number % 3 == 0 else REFUSED)
    assert world.health("a").status == "open"


@pytest.mark.parametrize(
    ("outcome", "answered", "status"),
    [
        pytest.param(DELIVERED, True, "open", id="delivered"),
        pytest.param(UNKNOWN_SKU, True, "open", id="refused, but answered"),
        pytest.param(Delivered(reference=None, note="nothing to ship"), False, "paused", id="delivered without a call"),
        pytest.param(UNKNOWN_SKU, False, "paused", id="refused without a call"),
        pytest.param(TIMEOUT, False, "paused", id="failed again"),
        pytest.param(_LOOKING, True, "paused", id="looked, but has not written yet"),
    ],
)
def test_a_probe_ends_a_pause_if_the_destination_took_something(
    world: World, outcome: Outcome, status: str, *, answered: bool
) -> None:
    _place(world, 2)
    world.try_once("1", "a", Retry(code="429", reason="busy", after=60, everyone=True))
    world.now += 61
    world.try_once("2", "a", outcome, answered=answered)
    assert world.health("a").status == status


# ------------------------------------------------------------ suspensions


def test_a_suspension_holds_every_delivery_and_tells_someone_once(world: World) -> None:
    first, second, third = _in_flight(world, 3)
    world.take(webhook("4"))
    world.end(third, TIMEOUT)
    done = world.end(first, KEY_REFUSED)
    assert done.suspended == KEY_REFUSED
    assert world.end(second, KEY_REFUSED).suspended is None
    assert {world.delivery(n, "a").state for n in "1234"} == {"held"}
    assert {world.order(n).status for n in "1234"} == {"held"}
    health = world.health("a")
    assert (health.status, health.code, health.reason, health.hint) == (
        "suspended",
        "unauthorized",
        "the key is refused",
        "mend the key",
    )
    assert health.probe_at == world.now + PROBE_S


def test_what_is_placed_during_a_suspension_is_held_with_its_reason_and_no_attempt(world: World) -> None:
    _place(world, 1)
    world.end(world.claimed("a"), KEY_REFUSED)
    answer = world.place("2")
    assert (answer.outcome, answer.ready) == ("accepted", ())
    row = world.delivery("2", "a")
    assert (row.state, row.attempts, row.reason) == ("held", 0, "the key is refused")


def test_a_probe_adds_no_attempt_until_one_passes_and_then_all_go(world: World) -> None:
    _place(world, 3)
    world.end(world.claimed("a", "1"), KEY_REFUSED)
    for _ in range(3):
        world.now += PROBE_S + 1
        world.end(world.claimed("a", world.probe("a")[0]), KEY_REFUSED)
    assert [world.delivery(n, "a").attempts for n in "123"] == [1, 0, 0]
    world.now += PROBE_S + 1
    [number] = world.probe("a")
    world.end(world.claimed("a", number), DELIVERED)
    assert world.health("a").status == "open"
    others = [n for n in "123" if n != number]
    assert {world.delivery(n, "a").state for n in others} == {"ready"}
    assert {world.delivery(n, "a").rung_at for n in others} == {world.now}
    assert {world.order(n).status for n in others if world.delivery(n, "a").attempts == 0} <= {"received"}


def test_an_earlier_attempt_that_got_through_does_not_end_a_suspension(world: World) -> None:
    first, second = _in_flight(world, 2)
    world.end(first, KEY_REFUSED)
    world.end(second, DELIVERED)
    assert world.health("a").status == "suspended"
    assert world.delivery("2", "a").state == "delivered"


def test_a_suspension_by_hand_is_ended_by_a_person_alone(world: World) -> None:
    first, second, third = _in_flight(world, 3)
    world.suspend("a")
    world.end(first, DELIVERED)
    done = world.end(second, KEY_REFUSED)
    assert done.suspended is None
    world.end(third, REFUSED)
    health = world.health("a")
    assert (health.status, health.reason, health.probe_at) == ("suspended", "stocktaking", None)
    assert world.states("2") == world.states("3") == "held waiting"
    assert world.resume("a") == 2
    assert world.states("2") == world.states("3") == "ready waiting"


def test_a_suspension_by_hand_while_a_probe_is_out_is_not_ended_by_it(world: World) -> None:
    _place(world, 1)
    world.end(world.claimed("a"), KEY_REFUSED)
    world.now += PROBE_S + 1
    probe = world.claimed("a")
    world.suspend("a")
    world.end(probe, DELIVERED)
    assert world.health("a").status == "suspended"


@pytest.mark.parametrize(
    ("outcome", "answered", "wait"),
    [
        pytest.param(_LOOKING, True, 20, id="a look that needs a second one"),
        pytest.param(UNKNOWN_SKU, False, 0, id="an order that cannot be put into their words"),
        pytest.param(TIMEOUT, False, PROBE_S, id="no answer"),
    ],
)
def test_a_probe_that_proved_nothing_leaves_the_suspension_and_sets_the_next_one(
    world: World, outcome: Outcome, wait: float, *, answered: bool
) -> None:
    _place(world, 2)
    world.end(world.claimed("a", "1"), KEY_REFUSED)
    world.now += PROBE_S + 1
    world.end(world.claimed("a", "1"), outcome, answered=answered)
    health = world.health("a")
    assert (health.status, health.probe_at) == ("suspended", world.now + wait)
    assert world.delivery("1", "a").state in ("held", "dead")


def test_a_probe_that_ends_as_a_dead_letter_can_be_replayed(world: World) -> None:
    _place(world, 1)
    world.end(world.claimed("a"), KEY_REFUSED)
    world.now += PROBE_S + 1
    world.end(world.claimed("a"), UNKNOWN_SKU)
    assert world.states("1") == "dead waiting"
    world.replay("1")
    assert world.states("1") == "ready waiting"


def test_a_suspension_and_its_end_leave_alone_what_is_held_for_another_reason(world: World) -> None:
    _place(world, 4)
    world.end(world.claimed("a", "1"), UNKNOWN_SKU)
    world.end(world.claimed("a", "2"), _HELD)
    world.end(world.claimed("a", "3"), DELIVERED)
    world.place("5", payment_state="pending")
    world.suspend("a")
    assert world.states("4") == "held waiting"
    assert world.resume("a") == 1
    assert [world.states(n) for n in "1234"] == ["dead waiting", "held waiting", "delivered ready", "ready waiting"]
    assert world.order("5").status == "held"


def test_an_order_that_goes_on_hold_during_a_suspension_is_not_let_go_by_its_end(world: World) -> None:
    world.suspend("a")
    world.place("1")
    world.place("1", minute=1, payment_state="voided")
    assert world.resume("a") == 0
    assert world.order("1").status == "held"
    world.place("1", minute=2)
    assert world.states("1") == "ready waiting"


def test_more_deliveries_than_fit_into_a_statement_are_suspended_and_resumed(world: World) -> None:
    for start in range(0, 1_200, 400):
        world.take(*(webhook(str(n)) for n in range(start, start + 400)))
    world.suspend("a")
    assert {row.state for row in world.deliveries(destination="a")} == {"held"}
    assert {row.status for row in world.orders()} == {"held"}
    assert world.resume("a") == 1_200
    assert {row.state for row in world.deliveries(destination="a")} == {"ready"}
    assert {row.status for row in world.orders()} == {"received"}


def test_only_a_suspended_destination_holds_what_moves(world: World) -> None:
    _place(world, 1)
    assert world.ledger.write(lambda c: hold_moving(c, "a")) == 0
    assert world.states("1") == "ready waiting"


def test_suspending_twice_keeps_the_time_it_began(world: World) -> None:
    world.suspend("a")
    since = world.health("a").since
    world.now += 100
    world.ledger.write(lambda c: suspend(c, "a", code="x", reason="other", hint="", probe_at=None, now=world.now))
    assert (world.health("a").since, world.health("a").reason) == (since, "other")


def test_what_is_being_taken_back_goes_out_again_in_the_order_of_its_route(world: World) -> None:
    world.place("1")
    for name in ("a", "b"):
        world.try_once("1", name, DELIVERED)
    world.place("1", minute=1, cancelled=True)
    assert world.states("1") == "waiting ready"
    taken_back = world.claimed("b")
    world.place("1", minute=2)
    assert world.states("1") == "ready delivering"
    world.end(taken_back, TIMEOUT)
    assert world.states("1") == "ready waiting"
    for name in ("a", "b"):
        world.try_once("1", name, DELIVERED)
    assert world.states("1") == "delivered delivered"
