"""Wake-ups: many ids to a message, a broker that does not hear costs one wait, and nothing of it reaches the order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from tests.servers import wait_until
from worker.bell import Bell, Ringer, Wake


class Broker(Celery):  # type: ignore[misc]
    """Celery's sending end; it notes what is sent, or fails as a broker's client does."""

    def __init__(self) -> None:
        super().__init__("test", broker="memory://", set_as_current=False)
        self.sent: list[tuple[str, list[Any]]] = []
        self.shown: list[str] = []
        self.error: Exception | None = None
        self.tried = 0

    def send_task(self, name: str, args: Any = None, **more: Any) -> Any:
        self.tried += 1
        if self.error is not None:
            raise self.error
        self.sent.append((name, args))
        self.shown.append(more["argsrepr"])


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.close()


def _wakes(count: int, *, system: str = "esuite", destination: str = "a") -> list[Wake]:
    return [(system, destination, n, f"#{n}") for n in range(count)]


def test_many_deliveries_of_a_destination_share_a_message_up_to_the_batch(broker: Broker) -> None:
    Bell(broker, batch=50).ring_all([*_wakes(60), *_wakes(2, system="ongoing", destination="b")])
    assert [(name, args[0], len(args[1])) for name, args in broker.sent] == [
        ("tasks.esuite.deliver", "a", 50),
        ("tasks.esuite.deliver", "a", 10),
        ("tasks.ongoing.deliver", "b", 2),
    ]


def test_flower_sees_destination_and_order_numbers(broker: Broker) -> None:
    Bell(broker, batch=50).ring("esuite", "a", [(7, "#1001"), (8, "#1002")])
    assert broker.shown == ["a #1001 #1002"]


@pytest.mark.parametrize("error", [OperationalError("away"), ConnectionError(), TimeoutError(), RuntimeError("closed")])
def test_a_broker_that_does_not_hear_is_asked_once_and_nobody_fails(broker: Broker, error: Exception) -> None:
    broker.error = error
    bell = Bell(broker, batch=10)
    bell.ring_all([*_wakes(60), *_wakes(60, destination="b")])
    assert broker.tried == 1, "each message would wait as long as the first"
    assert not bell.ring("esuite", "a", [(1, "#1")])
    broker.error = None
    assert bell.ring("esuite", "a", [(1, "#1")])


def test_a_bell_without_a_broker_is_silent() -> None:
    assert Bell(None, batch=10).ring("esuite", "a", [(1, "#1")])


def test_a_ringer_gathers_what_comes_close_together_and_survives_a_broker_that_is_away(broker: Broker) -> None:
    ringer = Ringer(Bell(broker, batch=50))
    broker.error = OperationalError("away")
    ringer.ring_all(_wakes(1))
    wait_until(lambda: broker.tried, seconds=5, what="the broker was asked")
    broker.error = None
    threads = [threading.Thread(target=ringer.ring_all, args=(_wakes(1),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ringer.close()
    assert sum(len(args[1]) for _, args in broker.sent) == 20
    assert len(broker.sent) < 10


def test_a_ringer_that_closes_rings_for_what_is_left(broker: Broker) -> None:
    ringer = Ringer(Bell(broker, batch=50))
    ringer.ring_all(_wakes(3))
    ringer.close()
    assert [args[1] for _, args in broker.sent] == [[0, 1, 2]]
