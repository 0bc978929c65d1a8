"""Webhooks at the front door: what is genuine is stored and answered, what is not is refused, nothing breaks it."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandbox.shops import Delivery, make_orders
from tests.conftest import database_of
from tests.house import House, parts_order, signed
from tests.servers import wait_until


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("door")
    with database_of(request, folder) as url, House(folder, database_url=url, timeout_s=1.0) as running:
        yield running


def _headers(house: House, delivery: Delivery, body: bytes | None = None, secret: str | None = None) -> dict[str, str]:
    return signed(delivery, secret or house.secrets[delivery.shop], body=body)


def _post(house: House, delivery: Delivery, *, body: bytes | None = None, secret: str | None = None) -> httpx.Response:
    headers = _headers(house, delivery, body, secret)
    content = body if body is not None else delivery.body
    return httpx.post(f"{house.url}/webhooks/{delivery.shop}", content=content, headers=headers, timeout=20)


def _shopify(seed: int) -> Delivery:
    [delivery] = make_orders(1, platform="shopify", seed=seed, shop="tea")
    return delivery


def test_a_wrong_secret_is_401_and_stores_nothing(house: House, number: str) -> None:
    answer = _post(house, _shopify(int(number)), secret="not-the-secret")
    assert answer.status_code == 401
    assert "wrong secret or changed body" in answer.json()["error"]
    assert house.orders(q=number) == []


def test_one_changed_byte_is_401(house: House, number: str) -> None:
    delivery = _shopify(int(number))
    headers = _headers(house, delivery)
    changed = delivery.body.replace(b'"', b"'", 1)
    answer = httpx.post(f"{house.url}/webhooks/tea", content=changed, headers=headers)
    assert answer.status_code == 401


def test_a_missing_signature_is_401_and_an_unknown_shop_404(house: House, number: str) -> None:
    body = _shopify(int(number)).body
    assert httpx.post(f"{house.url}/webhooks/tea", content=body).status_code == 401
    assert httpx.post(f"{house.url}/webhooks/nobody", content=body).status_code == 404


def test_the_unsigned_ping_of_woocommerce_gets_its_200_and_no_order(house: House) -> None:
    answer = httpx.post(f"{house.url}/webhooks/books", data={"webhook_id": "123"})
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ignored", "order": None})


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_above_two_megabytes_is_413(house: House, chunked: bool) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 100_000

    content: Any = chunks() if chunked else b"x" * 2_100_000
    with httpx.Client(timeout=20) as client:
        try:
            status = client.post(f"{house.url}/webhooks/tea", content=content).status_code
        except httpx.WriteError:
            status = 413  # it hung up on a sender that would not stop, which says the same
    assert status == 413
    assert house.answers()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[" * 300_000, id="nested deeply"),
        pytest.param(b'{"id": NaN}', id="NaN"),
        pytest.param('{"id": 1, "name": "\xe5"}'.encode("latin-1"), id="latin-1"),
        pytest.param(b'{"id": 7, "id": 8}', id="one key twice"),
        pytest.param(b'{"id": 1e999999999}', id="an enormous exponent"),
        pytest.param(b'{"id": ' + b"9" * 5000 + b"}", id="a number of 5,000 digits"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"order": {"id": 1}}', id="wrapped"),
    ],
)
def test_a_genuine_webhook_that_cannot_be_understood_is_stored_and_held(house: House, body: bytes) -> None:
    delivery = replace(_shopify(1), delivery_id=f"broken-{time.time_ns()}", event_id=f"e-{time.time_ns()}")
    answer = _post(house, delivery, body=body)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "held"
    order = httpx.get(f"{house.url}/api/orders/{answer.json()['order']}").json()
    assert order["status"] == "held"
    assert order["reason"].startswith("not understood")


def test_a_hundred_equal_webhooks_at_once_are_one_order(house: House, number: str) -> None:
    delivery = parts_order(number)
    headers = _headers(house, delivery)

    async def all_at_once() -> list[dict[str, Any]]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(timeout=30, limits=limits) as client:
            url = f"{house.url}/webhooks/parts"
            posts = [client.post(url, content=delivery.body, headers=headers) for _ in range(100)]
            return [answer.raise_for_status().json() for answer in await asyncio.gather(*posts)]

    answers = asyncio.run(all_at_once())
    assert Counter(answer["outcome"] for answer in answers) == {"accepted": 1, "duplicate": 99}
    assert len({answer["order"] for answer in answers}) == 1
    house.wait_for(number, "delivered", "delivered")
    assert house.counts()["esuite"][f"WEB-P-{number}"] == 1


def test_two_orders_of_woocommerce_that_share_a_delivery_id_are_two_orders(house: House, number: str) -> None:
    first, second = make_orders(2, platform="woocommerce", seed=int(number), shop="books")
    answers = [_post(house, replace(each, delivery_id="one-and-the-same")).json() for each in (first, second)]
    assert [answer["outcome"] for answer in answers] == ["accepted", "accepted"]
    assert answers[0]["order"] != answers[1]["order"]


_CREATE: dict[str, Any] = {"version": "2026-11-20T10:00:00Z", "topic": "order.created"}
_UPDATE: dict[str, Any] = {"version": "2026-11-20T10:05:00Z", "topic": "order.updated", "note": "changed"}
_CANCEL: dict[str, Any] = {
    "version": "2026-11-20T10:10:00Z",
    "topic": "order.cancelled",
    "cancelled": True,
    "note": "changed",
}


@pytest.mark.parametrize("order", list(itertools.permutations(["create", "update", "cancel"])), ids=" ".join)
def test_create_update_and_cancel_end_the_same_in_whatever_order_they_arrive(
    house: House, number: str, order: tuple[str, ...]
) -> None:
    httpx.post(f"{house.url}/api/destinations/esuite-au/suspend", json={}).raise_for_status()
    try:
        by_name = {"create": _CREATE, "update": _UPDATE, "cancel": _CANCEL}
        for name in order:
            assert _post(house, parts_order(number, **by_name[name])).status_code == 200
        found = house.order(number)
        assert (found["status"], found["version"]) == ("cancelled", "2026-11-20T10:10:00Z")
        assert found["order"]["note"] == "changed"
        assert {d["status"] for d in found["deliveries"]} <= {"cancelled"}
    finally:
        httpx.post(f"{house.url}/api/destinations/esuite-au/resume").raise_for_status()
    assert house.counts()["esuite"].get(f"WEB-P-{number}") is None


def test_a_deletion_that_overtakes_its_creation_still_wins(house: House, number: str) -> None:
    [delivery] = make_orders(1, platform="woocommerce", seed=int(number), shop="books")
    body = json.dumps({"id": json.loads(delivery.body)["id"]}).encode()
    deleted = replace(delivery, topic="order.deleted", body=body, delivery_id=f"del-{number}")
    assert _post(house, deleted).json()["outcome"] == "accepted"
    assert _post(house, delivery).json()["outcome"] == "stale"
    [found] = [o for o in house.orders(shop="books", status="cancelled") if o["shop_order_id"] in body.decode()]
    assert found["deliveries"] == []


def test_an_unpaid_order_is_held_until_its_update_says_paid(house: House, number: str) -> None:
    delivery = _shopify(int(number))
    data = json.loads(delivery.body)
    waiting = {**data, "financial_status": "pending"}
    first = replace(delivery, body=json.dumps(waiting).encode(), delivery_id=f"a-{number}", event_id=f"a-{number}")
    answer = _post(house, first).json()
    assert answer["outcome"] == "held"
    paid = {**data, "financial_status": "paid", "updated_at": "2026-11-21T09:00:00+11:00"}
    second = replace(
        delivery,
        topic="orders/updated",
        body=json.dumps(paid).encode(),
        delivery_id=f"b-{number}",
        event_id=f"b-{number}",
    )
    assert _post(house, second).json() == {"outcome": "accepted", "order": answer["order"]}
    wait_until(
        lambda: (
            httpx.get(f"{house.url}/api/orders/{answer['order']}").json()["status"] in ("delivered", "dead", "held")
        ),
        seconds=20,
        what="the paid order has left",
    )


def test_a_test_order_is_ignored_with_a_receipt(house: House, number: str) -> None:
    answer = _post(house, parts_order(number, test=True)).json()
    assert answer["outcome"] == "ignored"
    assert house.order(number)["status"] == "ignored"


def test_when_the_ledger_is_locked_the_shop_hears_503_in_time_and_its_resend_is_accepted(
    house: House, number: str
) -> None:
    database = house.environment["CROSSDOCK_DATABASE_URL"]
    if not database.startswith("sqlite"):
        pytest.skip("PostgreSQL is stopped, not locked: tests/test_intake.py")
    delivery = parts_order(number)
    with sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None, timeout=20) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        answer = _post(house, delivery)
        took = time.monotonic() - begun
        connection.execute("ROLLBACK")
    connection.close()
    assert answer.status_code == 503
    assert took < 5, "Shopify hangs up after 5 s"
    assert "Retry-After" in answer.headers
    assert _post(house, delivery).json()["outcome"] in ("accepted", "duplicate")
    house.wait_for(number, "delivered", "delivered")


def test_a_trusted_producer_may_send_the_canonical_order_and_send_it_again(house: House, number: str) -> None:
    order = json.loads(parts_order(number).body)["data"]
    url, key = f"{house.url}/api/orders?shop=parts", {"Idempotency-Key": f"key-{number}"}
    first = httpx.post(url, json=order, headers=key)
    again = httpx.post(url, json=order, headers=key)
    other = httpx.post(url, json={**order, "note": "another"}, headers=key)
    assert (first.status_code, first.json()["outcome"]) == (202, "accepted")
    assert (again.status_code, again.json()) == (202, first.json())
    assert other.status_code == 409
    wrong = httpx.post(url, json={**order, "lines": [{"id": "1"}]})
    assert wrong.status_code == 422
    assert "lines.0.quantity" in wrong.json()["error"]
    house.wait_for(number, "delivered", "delivered")


def test_the_api_answers_this_machine_only_until_there_is_a_token(house: House) -> None:
    url = f"{house.url}/api/orders"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 403
    assert httpx.get(url, headers={"Host": "rebound.example"}).status_code == 403
    foreign = httpx.post(f"{house.url}/api/replay", json={"all": True}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_readiness_and_figures_are_told(house: House, number: str) -> None:
    house.post([parts_order(number)])
    house.wait_for(number, "delivered", "delivered")
    wait_until(
        lambda: httpx.get(f"{house.url}/readyz").status_code == 200, seconds=20, what="a worker has heard the broker"
    )
    text = httpx.get(f"{house.url}/metrics").text
    found = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    for name in (
        "crossdock_orders",
        "crossdock_deliveries",
        "crossdock_oldest_ready_seconds",
        "crossdock_attempts_total",
        "crossdock_attempt_seconds_bucket",
        "crossdock_destination_state",
        "crossdock_intake_total",
    ):
        assert name in found, name
