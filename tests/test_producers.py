"""Producers that speak Celery send an order by name, and it goes the way of a webhook's."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tests.house import House
from tests.servers import wait_until


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def producer(house: House) -> Iterator[Celery]:
    """Somebody's own Celery app, which knows the broker and the name of the task."""
    app = Celery("elsewhere", broker=(house.home / "valkey.url").read_text())
    yield app
    app.close()


def _order(number: str, **changes: Any) -> dict[str, Any]:
    line = {"id": "1", "sku": "BOLT-8", "quantity": "3", "total_incl": "31.90", "tax": "2.90"}
    order = {"shop_order_id": f"id-{number}", "number": number, "version": "2026-11-20T10:15:00Z", "currency": "AUD"}
    ship_to = {"name": "Nell Rowan", "address1": "4 Pier St", "city": "Hobart", "postcode": "7000", "country": "AU"}
    return {**order, "ship_to": ship_to, "lines": [line], **changes}


def _there(house: House, number: str) -> None:
    wait_until(lambda: house.orders(q=number), seconds=20, what=f"order {number} is in the ledger")


def test_an_order_sent_by_name_is_stored_and_delivered_once(house: House, producer: Celery, number: str) -> None:
    for _ in range(3):
        producer.send_task("tasks.intake.accept", args=["parts", _order(number)])
    _there(house, number)
    order = house.wait_for(number, "delivered", "delivered")
    assert (order["shop"], order["shop_order_id"]) == ("parts", f"id-{number}")
    time.sleep(1)
    assert house.counts()["esuite"][f"WEB-P-{number}"] == 1
    assert house.counts()["ongoing"][f"P-{number}"] == 1
    assert len(house.orders(q=number)) == 1


def test_a_newer_version_sent_by_name_wins_over_a_webhooks(house: House, producer: Celery, number: str) -> None:
    producer.send_task("tasks.intake.accept", kwargs={"shop": "parts", "order": _order(number)})
    _there(house, number)
    house.wait_for(number, "delivered", "delivered")
    cancelled = _order(number, version="2026-11-20T11:00:00Z", cancelled=True)
    producer.send_task("tasks.intake.accept", args=["parts", cancelled])
    wait_until(lambda: house.order(number)["order"]["cancelled"], seconds=20, what="the order is cancelled")


def test_an_order_that_cannot_be_read_is_held_with_the_reason(house: House, producer: Celery, number: str) -> None:
    producer.send_task("tasks.intake.accept", args=["parts", _order(number, currency=None)])
    wait_until(lambda: house.orders(q=f"id-{number}"), seconds=20, what="the order is held")
    [item] = house.orders(q=f"id-{number}")
    assert (item["status"], item["deliveries"]) == ("held", [])
    assert "currency" in item["reason"]


def test_an_order_for_an_unknown_shop_is_said_in_the_log(house: House, producer: Celery, number: str) -> None:
    producer.send_task("tasks.intake.accept", args=["nowhere", _order(number)])
    wait_until(lambda: '"event": "unknown_shop"' in house.log(), seconds=20, what="the log says so")
    assert house.orders(q=number) == []


def test_an_order_waits_with_the_broker_while_the_ledger_takes_nothing(
    house: House, producer: Celery, number: str
) -> None:
    ledger = sqlite3.connect(house.home / "crossdock.db", isolation_level=None)
    ledger.execute("BEGIN IMMEDIATE")  # nobody else can write
    try:
        producer.send_task("tasks.intake.accept", args=["parts", _order(number)])
        wait_until(lambda: '"event": "not_stored"' in house.log(), seconds=30, what="the worker has given up once")
        assert house.orders(q=number) == []
    finally:
        ledger.execute("ROLLBACK")
        ledger.close()
    _there(house, number)
    house.wait_for(number, "delivered", "delivered", seconds=40)
