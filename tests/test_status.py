"""An order's status follows from its deliveries: the statement in SQL against the rule in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from tests.ledgers import T0, World, status_of
from worker.ledger import tables as t
from worker.ledger.status import refresh_status

STATES = ("waiting", "ready", "delivering", "retrying", "held", "delivered", "dead", "cancelled")


@dataclass(frozen=True)
class Made:
    """An order with its deliveries: (state, attempts)."""

    hold: str | None
    cancelled: bool
    test: bool
    deliveries: tuple[tuple[str, int], ...]


_orders = st.builds(
    Made,
    hold=st.sampled_from([None, None, "waits for payment"]),
    cancelled=st.booleans(),
    test=st.sampled_from([False, False, False, True]),
    deliveries=st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 2)), max_size=4).map(tuple),
)


@pytest.fixture(scope="module")
def worlds() -> Iterator[dict[str, World]]:
    made: dict[str, World] = {}
    yield made
    for world in made.values():
        world.ledger.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(orders=st.lists(_orders, min_size=1, max_size=30))
def test_the_ledgers_status_is_the_documented_one(
    database_url: str, worlds: dict[str, World], orders: list[Made]
) -> None:
    world = worlds.get(database_url) or worlds.setdefault(database_url, World(database_url))
    for name, status in _statuses(world, orders).items():
        one = orders[int(name)]
        states = [state for state, _ in one.deliveries]
        assert status == status_of(one, states, sum(attempts for _, attempts in one.deliveries)), one


def _statuses(world: World, orders: list[Made]) -> dict[str, str]:
    rows = [
        _delivery_row(index, position, *delivery)
        for index, one in enumerate(orders, start=1)
        for position, delivery in enumerate(one.deliveries)
    ]

    def work(c: Connection) -> dict[str, str]:
        c.execute(delete(t.deliveries))
        c.execute(delete(t.orders))
        c.execute(insert(t.orders), [_order_row(index, one) for index, one in enumerate(orders, start=1)])
        if rows:
            c.execute(insert(t.deliveries), rows)
        refresh_status(c, range(1, len(orders) + 1))
        return {row.number: row.status for row in c.execute(select(t.orders.c.number, t.orders.c.status))}

    return world.ledger.write(work)


def _order_row(index: int, one: Made) -> dict[str, object]:
    return {
        "id": index,
        "shop": "tea",
        "shop_order_id": str(index),
        "number": str(index - 1),
        "status": "received",
        "hold": one.hold,
        "cancelled": one.cancelled,
        "test": one.test,
        "received_at": T0,
        "updated_at": T0,
    }


def _delivery_row(order_id: int, position: int, state: str, attempts: int) -> dict[str, object]:
    return {
        "order_id": order_id,
        "destination": f"d{position}",
        "system": "esuite",
        "position": position,
        "state": state,
        "attempts": attempts,
        "due_at": T0,
        "changed_at": T0,
    }
