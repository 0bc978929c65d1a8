"""Who may work on what: one worker a delivery, a destination's limits over all workers, and what becomes of a lease."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from tests.ledgers import DELIVERED, KEY_REFUSED, LEASE_S, PROBE_S, REFUSED, TIMEOUT, World, config, webhook
from worker.ledger import claims, views
from worker.ledger import tables as t
from worker.ledger.claims import MAX_CRASHES, SUSPECT_CRASHES, Claim
from worker.outcomes import Retry


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url, config(a={"max_in_flight": 4}, b={"max_in_flight": 1})) as world:
        yield world


def _place(world: World, count: int) -> list[str]:
    numbers = [str(n) for n in range(1, count + 1)]
    world.take(*(webhook(number) for number in numbers))
    return numbers


def _numbers(claim: Claim | None) -> list[str]:
    return [job.number for job in claim.jobs] if claim else []


# ------------------------------------------------------------ one taker


def test_a_claim_takes_what_is_due_and_counts_an_attempt(world: World) -> None:
    _place(world, 2)
    claim = world.claimed("a")
    assert _numbers(claim) == ["1", "2"]
    assert claim.slots == 2
    assert world.states("1") == "delivering waiting"
    assert (world.delivery("1", "a").attempts, world.order("1").status) == (1, "delivering")


def test_what_is_claimed_cannot_be_claimed_again(world: World) -> None:
    _place(world, 1)
    world.claimed("a")
    assert world.claim("a") is None


def test_what_is_not_due_not_ready_or_not_there_is_left_alone(world: World) -> None:
    _place(world, 2)
    world.end(world.claimed("a", "1"), TIMEOUT)
    world.set("1", "a", due_at=world.now + 5)
    waiting = world.delivery("2", "b").id
    assert world.claim("a", [world.delivery("1", "a").id, waiting, 999_999]) is None
    assert world.claim("b", [waiting]) is None
    assert world.claim("a", []) is None


def test_a_delivery_goes_to_one_of_many_claimers_and_no_more_are_in_flight_than_allowed(database_url: str) -> None:
    with World(database_url, config(deliver=["a"], a={"max_in_flight": 5})) as world:
        numbers = _place(world, 60)
        ids = [row.id for row in world.deliveries(destination="a")]
        taken: Counter[str] = Counter()
        most: list[int] = []
        start = threading.Barrier(8)

        def work(_: int) -> None:
            start.wait()
            for _ in range(200):
                claim = world.claim("a", ids[: len(ids)])
                if claim is None:
                    if sum(taken.values()) >= len(numbers):
                        return
                    continue
                with world.ledger.read() as c:
                    most.append(sum(c.scalars(select(t.leases.c.slots))))
                taken.update(_numbers(claim)[: claim.slots])
                done, rest = claim.jobs[: claim.slots], claim.jobs[claim.slots :]
                world.record(claim, *([DELIVERED] * len(done)))
                world.release(claim, untouched=rest)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert taken == dict.fromkeys(numbers, 1)
        assert max(most) <= 5
        assert {row.attempts for row in world.deliveries()} == {1}


def test_a_claim_gets_no_more_slots_than_are_free(world: World) -> None:
    _place(world, 8)
    first = world.claimed("a", "1")
    ids = [row.id for row in world.deliveries(destination="a")]
    second = world.claim("a", ids)
    assert second is not None
    assert (first.slots, second.slots, len(second.jobs)) == (1, 3, 7)
    assert world.claim("a", ids) is None


def test_one_slot_means_one_claim_at_a_time(world: World) -> None:
    for number in _place(world, 2):
        world.try_once(number, "a", DELIVERED)
    claim = world.claimed("b", "1")
    assert world.claim("b", [world.delivery("2", "b").id]) is None
    world.end(claim, DELIVERED)
    assert _numbers(world.claim("b")) == ["2"]


def test_a_destination_with_a_rate_is_held_by_one_worker_at_a_time(database_url: str) -> None:
    with World(database_url, config(a={"max_in_flight": 8, "per_second": 2})) as world:
        _place(world, 2)
        claim = world.claimed("a", "1")
        assert world.claim("a", [world.delivery("2", "a").id]) is None
        world.end(claim, DELIVERED)
        assert _numbers(world.claim("a")) == ["2"]


def test_thousands_of_ids_fit_into_one_claim(world: World) -> None:
    _place(world, 1)
    ids = [*range(10**6, 10**6 + 30_000), world.delivery("1", "a").id]
    assert _numbers(world.claim("a", ids)) == ["1"]


# ------------------------------------------------------------ wake-ups


def test_what_found_no_room_is_rung_for_when_room_is_made(world: World) -> None:
    numbers = _place(world, 6)
    ids = {number: world.delivery(number, "a").id for number in numbers}
    held = [world.claim("a", [ids[number]]) for number in numbers[:4]]
    assert world.claim("a", [ids["5"], ids["6"]]) is None
    [first, *_] = [claim for claim in held if claim]
    world.record(first, DELIVERED)
    assert world.release(first, batch=1) == ["5"]
    assert world.ring("a", limit=50) == ["6"]
    assert world.ring("a", limit=50) == [], "rung for by now"


def test_a_lease_that_ends_rings_for_nobody_at_a_destination_that_takes_nothing(world: World) -> None:
    _place(world, 2)
    claim = world.claimed("a", "1")
    world.suspend("a")
    world.record(claim, TIMEOUT)
    assert world.release(claim) == []
    assert world.delivery("2", "a").state == "held"


def test_a_wake_up_that_nobody_came_for_is_repeated_after_a_while(world: World) -> None:
    _place(world, 1)
    assert world.ring("a", older_than=world.now - 5) == [], "it was rung for when it was stored"
    world.now += 6
    assert world.ring("a", older_than=world.now - 5) == ["1"]
    assert world.ring("a", older_than=world.now - 5) == []


def test_a_wake_up_from_before_the_clock_was_set_back_is_repeated(world: World) -> None:
    _place(world, 1)
    world.now -= 3600
    world.set("1", "a", due_at=world.now)
    assert world.ring("a", older_than=world.now - 5) == ["1"]


def test_only_what_is_due_is_rung_for(world: World) -> None:
    _place(world, 1)
    world.end(world.claimed("a"), Retry(code="429", reason="busy", after=30))
    assert world.ring("a") == []
    world.now += 31
    assert world.ring("a") == ["1"]


# ------------------------------------------------------------ paused and suspended


def _pause(world: World, after: float = 30) -> None:
    world.end(world.claimed("a", "1"), Retry(code="429", reason="busy", after=after, everyone=True))


def test_a_paused_destination_takes_nothing_until_its_time_and_then_one_probe(world: World) -> None:
    _place(world, 3)
    _pause(world)
    assert world.health("a").status == "paused"
    assert world.claim("a") is None
    world.now += 31
    claim = world.claimed("a")
    assert len(claim.jobs) == 1
    assert claim.jobs[0].probe
    assert world.claim("a") is None, "one probe at a time"
    world.end(claim, DELIVERED)
    assert world.health("a").status == "open"
    assert len(world.claimed("a").jobs) == 2


def test_what_came_beside_a_probe_is_rung_for_when_the_probe_has_passed(world: World) -> None:
    _place(world, 3)
    _pause(world)
    world.now += 31
    claim = world.claimed("a")
    world.record(claim, DELIVERED)
    assert len(world.release(claim)) == 2


def test_a_suspended_destination_is_probed_by_one_held_delivery_every_few_minutes(world: World) -> None:
    _place(world, 3)
    world.end(world.claimed("a", "1"), KEY_REFUSED)
    assert world.claim("a") is None
    world.now += PROBE_S + 1
    [probe] = world.probe("a")
    claim = world.claimed("a", probe)
    assert [job.probe for job in claim.jobs] == [True]
    assert world.claim("a") is None
    world.end(claim, KEY_REFUSED)
    assert world.states(probe) == "held waiting"
    assert world.claim("a") is None, "the next one comes after probe_s"


def test_an_id_that_is_ready_probes_a_suspended_destination_when_its_time_has_come(world: World) -> None:
    _place(world, 2)
    world.end(world.claimed("a", "1"), KEY_REFUSED)
    world.set("2", "a", state="ready", held_by=None)
    assert world.claim("a", [world.delivery("2", "a").id]) is None
    world.now += PROBE_S + 1
    assert world.claimed("a", "2").jobs[0].probe


def test_a_probe_that_found_nothing_to_take_does_not_use_up_the_turn(world: World) -> None:
    _place(world, 2)
    world.end(world.claimed("a", "1"), KEY_REFUSED)
    world.now += PROBE_S + 1
    assert world.claim("a", [999_999]) is None
    assert world.claim("a", [999_999, world.delivery("1", "a").id]) is not None


def test_a_destination_suspended_by_hand_is_never_probed(world: World) -> None:
    _place(world, 1)
    world.suspend("a")
    world.now += 10 * PROBE_S
    assert world.claim("a") is None


def test_the_probe_is_one_that_writes_at_once_and_not_always_the_same(world: World) -> None:
    _place(world, 3)
    world.end(world.claimed("a", "1"), TIMEOUT)
    world.now += 1
    world.end(world.claimed("a", "2"), KEY_REFUSED)
    tried = []
    for _ in range(4):
        world.now += PROBE_S + 1
        [number] = world.probe("a")
        tried.append(number)
        world.end(world.claimed("a", number), KEY_REFUSED)
    assert tried == ["3", "2", "3", "2"], "the first is in doubt and would only look"


# ------------------------------------------------------------ handed back


def test_what_is_handed_back_is_as_if_it_had_not_been_claimed(world: World) -> None:
    _place(world, 2)
    world.end(world.claimed("a", "2"), REFUSED)
    world.now += 400
    before = {number: world.delivery(number, "a") for number in ("1", "2")}
    claim = world.claimed("a")
    world.now += 5
    world.release(claim, untouched=claim.jobs, batch=0)
    for number, was in before.items():
        now = world.delivery(number, "a")
        for name in ("state", "attempts", "failures", "due_at", "first_try_at", "reason", "code", "in_doubt"):
            assert getattr(now, name) == getattr(was, name), name
        assert now.rung_at is None
    assert world.order("1").status == "received"


def test_a_probe_that_is_handed_back_is_held_again(world: World) -> None:
    _place(world, 1)
    world.end(world.claimed("a"), KEY_REFUSED)
    world.now += PROBE_S + 1
    claim = world.claimed("a")
    assert world.order("1").status == "delivering"
    world.release(claim, untouched=claim.jobs)
    row = world.delivery("1", "a")
    assert (row.state, row.held_by, row.attempts, row.reason) == ("held", "destination", 1, "the key is refused")


def test_a_delivery_handed_back_follows_what_its_order_became_meanwhile(world: World) -> None:
    _place(world, 3)
    claim = world.claimed("a")
    world.place("1", minute=1, payment_state="voided")
    world.place("2", minute=1, cancelled=True)
    world.place("3", minute=1, note="changed")
    world.release(claim, untouched=claim.jobs)
    assert [world.states(number) for number in ("1", "2", "3")] == [
        "held held",
        "cancelled cancelled",
        "ready waiting",
    ]


def test_a_lost_lease_hands_nothing_back(world: World) -> None:
    _place(world, 1)
    claim = world.claimed("a")
    world.now += LEASE_S + 1
    world.reclaim()
    world.release(claim, untouched=claim.jobs, batch=0)
    assert world.delivery("1", "a").attempts == 1
    assert world.delivery("1", "a").in_doubt


# ------------------------------------------------------------ leases


def test_a_lease_that_is_renewed_is_kept(world: World) -> None:
    _place(world, 1)
    claim = world.claimed("a")
    for _ in range(3):
        world.now += LEASE_S - 1
        assert world.ledger.write(lambda c: claims.renew(c, claim.lease_id, lease_s=LEASE_S, now=world.now))
        assert world.reclaim() == 0


def test_a_lease_that_is_over_cannot_be_renewed(world: World) -> None:
    _place(world, 1)
    claim = world.claimed("a")
    world.now += LEASE_S + 1
    assert not world.ledger.write(lambda c: claims.renew(c, claim.lease_id, lease_s=LEASE_S, now=world.now))
    world.reclaim()
    assert not world.ledger.write(lambda c: claims.renew(c, claim.lease_id, lease_s=LEASE_S, now=world.now))


def test_a_dead_workers_delivery_is_taken_back_in_doubt_and_its_room_is_free(world: World) -> None:
    _place(world, 1)
    world.try_once("1", "a", DELIVERED)
    world.claimed("b")
    world.now += LEASE_S + 1
    assert world.reclaim() == 1
    job = world.claimed("b").jobs[0]
    assert (job.in_doubt, job.interrupted, job.attempts) == (True, True, 2)
    assert "stopped without a word" in world.events("1", "taken back")[0]


def test_what_is_in_living_hands_is_not_taken_back(world: World) -> None:
    _place(world, 1)
    world.claimed("a")
    world.now += LEASE_S - 1
    assert world.reclaim() == 0
    assert world.states("1") == "delivering waiting"


def test_more_than_a_transaction_takes_is_taken_back_in_several(world: World) -> None:
    _place(world, 600)
    world.claimed("a")
    world.now += LEASE_S + 1
    assert [world.reclaim(), world.reclaim(), world.reclaim()] == [500, 100, 0]
    assert {row.state for row in world.deliveries(destination="a")} == {"retrying"}


def test_a_delivery_that_five_workers_died_with_is_dead(world: World) -> None:
    _place(world, 1)
    for crash in range(1, MAX_CRASHES + 1):
        world.claimed("a")
        world.now += LEASE_S + 1
        world.reclaim()
        row = world.delivery("1", "a")
        assert (row.crashes, row.state) == (crash, "dead" if crash == MAX_CRASHES else "retrying")
    assert world.order("1").status == "dead"
    assert "workers died" in world.delivery("1", "a").reason
    world.replay("1")
    assert world.states("1") == "ready waiting"
    assert world.claimed("a").jobs[0].in_doubt


def test_an_outcome_in_between_forgets_the_crashes(world: World) -> None:
    _place(world, 1)
    for _ in range(MAX_CRASHES - 1):
        world.claimed("a")
        world.now += LEASE_S + 1
        world.reclaim()
    world.try_once("1", "a", TIMEOUT)
    assert world.delivery("1", "a").crashes == 0


def test_what_workers_died_with_is_claimed_alone_so_that_it_takes_no_others_with_it(world: World) -> None:
    _place(world, 3)
    for _ in range(SUSPECT_CRASHES):
        world.claimed("a")
        world.now += LEASE_S + 1
        world.reclaim()
    world.take(webhook("4"))
    ids = [row.id for row in world.deliveries(destination="a")]
    seen = []
    while claim := world.claim("a", ids):
        seen.append(_numbers(claim))
        world.end(claim, *([DELIVERED] * len(claim.jobs)))
    assert seen == [["1"], ["2"], ["3"], ["4"]]


def test_a_delivery_taken_back_follows_what_its_order_became_meanwhile(world: World) -> None:
    _place(world, 2)
    world.claimed("a")
    world.place("1", minute=1, payment_state="voided")
    world.place("2", minute=1, cancelled=True)
    world.now += LEASE_S + 1
    world.reclaim()
    assert world.states("1") == "held held"
    assert world.states("2") == "retrying cancelled", "it may be there, so it is looked for and taken back"
    assert world.claimed("a").jobs[0].order.cancelled


# ------------------------------------------------------------ what cannot be read any more


def test_an_order_that_this_version_cannot_read_is_held_and_stops_no_other(world: World) -> None:
    _place(world, 3)
    spoilt = update(t.orders).where(t.orders.c.id == world.order("2").id).values(shop_version='{"lines": 3}')
    world.ledger.write(lambda c: c.execute(spoilt))
    assert _numbers(world.claimed("a")) == ["1", "3"]
    row = world.delivery("2", "a")
    assert (row.state, row.held_by, world.order("2").status) == ("held", "person", "held")
    assert "cannot be read" in row.reason
    with world.ledger.read() as c:
        shown = views.order(c, row.order_id)
    assert shown is not None
    assert shown["order"] is None
    world.replay("1", "2")
    assert world.take(webhook("2", minute=5, note="again"))[0].outcome == "accepted"
    assert world.states("2") == "ready waiting"
