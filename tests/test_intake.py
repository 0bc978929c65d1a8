"""The writer behind the door: one transaction for many webhooks, an answer for each, and none of them harms another."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest
from sqlalchemy import Connection, exc, select

from schemas.webhook import Webhook
from tests.ledgers import World, webhook
from worker.bell import Bell, Ringer
from worker.intake import Intake, store
from worker.ledger import tables as t
from worker.ledger.arrivals import Answer, Arrival


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url) as world:
        yield world


@pytest.fixture
def intake(world: World) -> Iterator[Intake]:
    ringer = Ringer(Bell(None, batch=50))
    intake = Intake(world.ledger, world.config, ringer)
    yield intake
    intake.close()
    ringer.close()


def _arrival(made: Webhook) -> Arrival:
    return Arrival(shop="tea", webhook=made, body=b"{}", headers={}, received_at=time.time())


def _outcomes(futures: list[Future[Answer]]) -> Counter[str]:
    wait(futures, timeout=20)
    return Counter(future.result().outcome for future in futures)


def test_a_hundred_equal_webhooks_at_once_are_one_order(world: World, intake: Intake) -> None:
    futures = [intake.submit(_arrival(webhook("1", key="id:1"))) for _ in range(100)]
    assert _outcomes(futures) == {"accepted": 1, "duplicate": 99}
    assert len(world.orders()) == 1


def test_two_web_processes_that_get_the_same_webhook_make_one_order(world: World) -> None:
    ready = threading.Barrier(8)

    def one(_: int) -> str:
        ready.wait()
        return store(world.ledger, [_arrival(webhook("1", key="id:1"))], config=world.config)[0].outcome

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(one, range(8))) == {"accepted": 1, "duplicate": 7}
    assert len(world.orders()) == 1


def test_two_web_processes_that_get_the_same_webhooks_in_another_order_do_not_stop_each_other(world: World) -> None:
    made = [webhook(str(n), key=f"id:{n}") for n in range(40)]
    ready = threading.Barrier(2)

    def some(come: list[Webhook]) -> list[str]:
        ready.wait()
        return [a.outcome for a in store(world.ledger, [_arrival(one) for one in come], config=world.config)]

    with ThreadPoolExecutor(2) as pool:
        outcomes = Counter(one for part in pool.map(some, (made, made[::-1])) for one in part)
    assert outcomes == {"accepted": 40, "duplicate": 40}


def test_one_webhook_that_cannot_be_stored_harms_no_other(world: World, intake: Intake) -> None:
    # What no database takes: half of a surrogate pair. The readers refuse it; this is for what they overlook.
    poison = replace(webhook("9"), topic="order.\ud83d")
    futures = [intake.submit(_arrival(webhook(str(n)))) for n in range(5)]
    spoilt = intake.submit(_arrival(poison))
    futures += [intake.submit(_arrival(webhook(str(n)))) for n in range(10, 15)]
    assert _outcomes(futures) == {"accepted": 10}
    assert spoilt.exception(timeout=5) is not None
    assert len(world.orders()) == 10


def test_while_the_ledger_is_busy_webhooks_are_refused_and_not_stored_later(world: World, intake: Intake) -> None:
    has, free = threading.Event(), threading.Event()

    def hold(c: Connection) -> None:
        c.execute(select(t.tallies).with_for_update())
        c.execute(t.tallies.insert(), {"name": "intake", "labels": "tea|accepted", "value": 1.0})
        has.set()
        free.wait(20)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(world.ledger.write, hold)
        assert has.wait(5)
        first = intake.submit(_arrival(webhook("1")))
        time.sleep(0.2)
        gave_up = intake.submit(_arrival(webhook("2")))
        assert gave_up.cancel()
        begun = time.monotonic()
        assert isinstance(first.exception(timeout=6), exc.SQLAlchemyError)
        assert time.monotonic() - begun < 5
        third = intake.submit(_arrival(webhook("3")))
        free.set()
        held.result()
        assert third.result(timeout=5).outcome == "accepted"
    assert [row.number for row in world.orders()] == ["3"]


def test_what_waits_when_the_door_closes_is_stored(world: World) -> None:
    ringer = Ringer(Bell(None, batch=50))
    intake = Intake(world.ledger, world.config, ringer)
    futures = [intake.submit(_arrival(webhook(str(n)))) for n in range(200)]
    intake.close()
    ringer.close()
    assert all(future.done() for future in futures)
    assert len(world.orders()) == 200
