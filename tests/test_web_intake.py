"""Webhooks at the door: who is let in, what is stored, and what each is answered (contracts/webhooks.md)."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sandbox.shops import Delivery, sign
from tests.hostile import mutated
from tests.house import new_number, parts_order
from tests.servers import LOOPBACK
from tests.web_door import Door, shop_order
from worker.ledger import tables as t

SIGNATURES = {"tea": "X-Shopify-Hmac-Sha256", "books": "X-WC-Webhook-Signature", "parts": "webhook-signature"}
MAX_BYTES = 2_000_000


def _order_of(shop: str, number: str) -> Delivery:
    return parts_order(number) if shop == "parts" else shop_order(shop, number)


# Who is let in


@pytest.mark.parametrize("shop", ["tea", "books", "parts"])
def test_a_genuine_webhook_is_accepted_and_stored(door: Door, shop: str) -> None:
    number = new_number()
    answer = door.post(_order_of(shop, number))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
    order = door.order(answer.json()["order"])
    assert (order["shop"], order["number"].removeprefix("#"), order["status"]) == (shop, number, "received")
    assert [d["status"] for d in order["deliveries"]] == ["ready", "waiting"]


@pytest.mark.parametrize("shop", ["tea", "books", "parts"])
def test_a_wrong_secret_is_refused_and_nothing_is_stored(open_door: Door, shop: str) -> None:
    before, refused = open_door.stored(), open_door.figure("crossdock_intake_total", shop=shop, outcome="refused")
    answer = open_door.post(_order_of(shop, new_number()), secret="whsec_bm90LXRoZS1zZWNyZXQ=")
    assert answer.status_code == 401
    assert "wrong secret or changed body" in answer.json()["error"]
    assert open_door.stored() == before
    assert open_door.figure("crossdock_intake_total", shop=shop, outcome="refused") == refused + 1


@pytest.mark.parametrize("shop", ["tea", "books", "parts"])
def test_one_changed_byte_is_refused_and_nothing_is_stored(open_door: Door, shop: str) -> None:
    before, delivery = open_door.stored(), _order_of(shop, new_number())
    body = delivery.body[:-2] + bytes([delivery.body[-2] ^ 1]) + delivery.body[-1:]
    assert open_door.webhook(shop, body, open_door.headers(delivery)).status_code == 401
    assert open_door.stored() == before


@pytest.mark.parametrize("shop", ["tea", "books", "parts"])
@pytest.mark.parametrize("value", [None, "", "v1,AAAA", "\xe5" * 44], ids=["missing", "empty", "short", "no base64"])
def test_a_signature_that_is_none_is_refused_and_nothing_is_stored(
    open_door: Door, shop: str, value: str | None
) -> None:
    before, delivery = open_door.stored(), _order_of(shop, new_number())
    signed: dict[str, Any] = {k: v for k, v in open_door.headers(delivery).items() if k != SIGNATURES[shop]}
    headers = signed if value is None else signed | {SIGNATURES[shop]: value.encode("latin-1")}
    assert open_door.webhook(shop, delivery.body, headers).status_code == 401
    assert open_door.stored() == before


def test_the_previous_secret_still_opens_the_door_after_a_rotation(open_door: Door) -> None:
    answer = open_door.post(shop_order("tea", new_number()), secret=open_door.old_secret)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")


def test_a_signature_is_not_kept(open_door: Door) -> None:
    delivery = shop_order("tea", new_number())
    order_id = open_door.post(delivery).json()["order"]
    with open_door.ledger.read() as connection:
        row = connection.execute(select(t.receipts).where(t.receipts.c.order_id == order_id)).one()
    assert row.body == delivery.body
    kept = json.loads(row.headers)
    assert kept["x-shopify-topic"] == "orders/create"
    assert not [name for name in kept if "hmac" in name]
    assert open_door.headers(delivery)[SIGNATURES["tea"]] not in row.headers


@pytest.mark.parametrize("name", ["nobody", "..%2Ftea", "%ff", "tea/more", ""])
def test_an_unknown_shop_is_404_and_nothing_is_stored(open_door: Door, name: str) -> None:
    before, delivery = open_door.stored(), shop_order("tea", new_number())
    assert open_door.webhook(name, delivery.body, open_door.headers(delivery)).status_code == 404
    assert open_door.stored() == before


def test_a_final_slash_in_the_address_does_not_cost_an_order(open_door: Door) -> None:
    delivery = shop_order("books", new_number())
    answer = open_door.webhook("books/", delivery.body, open_door.headers(delivery))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_webhook_address_takes_posts_only(open_door: Door, method: str) -> None:
    answer = open_door.http.request(method, "/webhooks/tea")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_unsigned_ping_of_woocommerce_is_answered_200_and_not_stored(open_door: Door) -> None:
    before = open_door.stored()
    answer = open_door.http.post("/webhooks/books", data={"webhook_id": "123"})
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ignored", "order": None})
    assert open_door.stored() == before


@pytest.mark.parametrize("shop", ["tea", "parts"])
def test_the_ping_is_refused_where_the_shop_is_no_woocommerce(open_door: Door, shop: str) -> None:
    assert open_door.http.post(f"/webhooks/{shop}", data={"webhook_id": "123"}).status_code == 401


def test_many_refusals_are_one_line_in_the_log(open_door: Door) -> None:
    def lines() -> int:
        return sum('"event": "refused"' in line and '"shop": "parts"' in line for line in open_door.log().split("\n"))

    before = lines()
    for _ in range(20):
        assert open_door.post(parts_order(new_number()), secret="whsec_bm90").status_code == 401
    assert lines() - before <= 1
    assert lines() >= 1


# Bodies that are no orders


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("size", [MAX_BYTES + 1, 12_000_000])
def test_a_body_above_two_megabytes_is_413_and_its_sender_hears_it(open_door: Door, size: int, chunked: bool) -> None:
    before = open_door.stored()
    body = b"x" * size
    content: Any = (body[at : at + 65536] for at in range(0, size, 65536)) if chunked else body
    begun = time.monotonic()
    answer = open_door.http.post("/webhooks/tea", content=content)
    assert answer.status_code == 413
    assert time.monotonic() - begun < 5
    assert answer.headers["connection"] == "close"
    assert open_door.stored() == before


def test_a_body_of_exactly_two_megabytes_is_read(door: Door) -> None:
    order = shop_order("tea", new_number(), note="")
    padded = order.body.replace(b'"note":""', b'"note":"' + b"n" * (MAX_BYTES - len(order.body)) + b'"', 1)
    assert len(padded) == MAX_BYTES
    assert door.bytes_of("tea", padded).json()["outcome"] == "accepted"


def _talk(door: Door, request: bytes, *, seconds: float) -> bytes:
    """Send raw bytes and read until the other end closes."""
    with closing(socket.create_connection((LOOPBACK, door.port), timeout=seconds)) as connection:
        connection.sendall(request)
        heard = b""
        while part := connection.recv(65536):
            heard += part
        return heard


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 900000000\r\nExpect: 100-continue\r\n", id="who asks first"),
        pytest.param(b"Content-Length: 900000000\r\n", id="who sends nothing"),
    ],
)
def test_who_announces_too_much_and_then_waits_is_answered_and_let_go(open_door: Door, head: bytes) -> None:
    heard = _talk(open_door, b"POST /webhooks/tea HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n", seconds=6)
    assert heard.startswith(b"HTTP/1.1 413 ")


def test_who_sends_without_end_is_cut_off(open_door: Door) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with closing(socket.create_connection((LOOPBACK, open_door.port), timeout=6)) as connection:
        connection.sendall(b"POST /webhooks/tea HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|pipe|aborted"):
            connection.sendall(chunk * 2000)


def test_a_body_that_breaks_off_is_neither_stored_nor_counted_as_refused(open_door: Door) -> None:
    before = open_door.stored(), open_door.figure("crossdock_intake_total", shop="tea", outcome="refused")
    with closing(socket.create_connection((LOOPBACK, open_door.port), timeout=5)) as connection:
        connection.sendall(b'POST /webhooks/tea HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"id":')
    time.sleep(0.3)
    after = open_door.stored(), open_door.figure("crossdock_intake_total", shop="tea", outcome="refused")
    assert after == before


NO_ORDERS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"[" * 300_000, id="nested deeply"),
    pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="objects nested deeply"),
    pytest.param(b'{"id": NaN}', id="NaN"),
    pytest.param('{"id": 1, "name": "\xe5"}'.encode("latin-1"), id="latin-1"),
    pytest.param('{"id": 1}'.encode("utf-16"), id="UTF-16"),
    pytest.param(b'{"id": 7, "id": 8}', id="one key twice"),
    pytest.param(b'{"id": 1e999999999}', id="an enormous exponent"),
    pytest.param(b'{"id": ' + b"9" * 5000 + b"}", id="a number of 5,000 digits"),
    pytest.param(b'{"id": "\\ud800"}', id="half a surrogate pair"),
    pytest.param(b'{"id": "\\u0000"}', id="a NUL"),
    pytest.param(b'{"id": 1', id="cut off"),
    pytest.param(b'{"id": "' + b"7" * 5000 + b'"}', id="a long id"),
    pytest.param(b"null", id="null"),
    pytest.param(b"[1, 2]", id="a list"),
    pytest.param(b"\x1f\x8b\x08\x00\x00", id="gzip"),
]


@pytest.mark.parametrize("body", NO_ORDERS)
def test_what_is_genuine_but_not_understood_is_stored_and_held_with_a_reason(door: Door, body: bytes) -> None:
    for shop in door.secrets:
        answer = door.bytes_of(shop, body)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "held"), shop
        order = door.order(answer.json()["order"])
        assert order["status"] == "held"
        assert order["reason"].startswith("not understood")
        assert order["events"][0]["kind"] == "unreadable"


def test_a_defect_of_a_body_that_is_nearly_an_order_is_named_by_its_field(open_door: Door) -> None:
    number = new_number()
    delivery = shop_order("tea", number, total_price="much")
    answer = open_door.post(delivery).json()
    assert answer["outcome"] == "held"
    order = open_door.order(answer["order"])
    assert order["shop_order_id"] == number
    assert "total_price" in order["reason"]
    assert "much" not in order["reason"]


_hostile = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_hostile
@given(body=st.binary(max_size=300), shop=st.sampled_from(["tea", "books", "parts"]), topic=st.text(max_size=20))
def test_no_bytes_that_are_signed_rightly_are_lost(door: Door, body: bytes, shop: str, topic: str) -> None:
    plain = "".join(c for c in topic if c.isascii() and c.isprintable() and c != " ")  # a header ends with no blank
    answer = door.bytes_of(shop, body, topic=plain or None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] in ("held", "duplicate", "ignored")
    if answer.json()["outcome"] == "held":
        assert door.order(answer.json()["order"])["reason"]


@_hostile
@given(data=st.data(), shop=st.sampled_from(["tea", "books", "parts"]))
def test_no_body_that_is_nearly_an_order_is_lost(door: Door, data: st.DataObject, shop: str) -> None:
    body = data.draw(mutated(json.loads(_order_of(shop, new_number()).body)))
    answer = door.bytes_of(shop, body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["outcome"] in ("accepted", "held", "duplicate", "stale", "ignored")
    if told["order"] is not None:
        assert door.order(told["order"])["status"] in ("received", "held", "ignored", "cancelled")


@pytest.mark.parametrize("topic", ["products/create", "x" * 4000])
def test_a_topic_that_is_no_orders_is_ignored(door: Door, topic: str) -> None:
    receipts, orders = door.stored()
    answer = door.bytes_of("tea", b"{}", topic=topic)
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ignored", "order": None})
    assert door.stored() == (receipts + 1, orders)


def test_an_id_beyond_what_a_float_can_hold_survives(door: Door) -> None:
    answer = door.post(shop_order("tea", "820982911946154508")).json()
    assert door.order(answer["order"])["shop_order_id"] == "820982911946154508"


# Repeats, and orders of arrival


@pytest.mark.parametrize("shop", ["tea", "books", "parts"])
def test_a_hundred_equal_webhooks_at_once_are_one_order(door: Door, shop: str) -> None:
    delivery = _order_of(shop, new_number())
    headers = door.headers(delivery)
    receipts, orders = door.stored()

    async def all_at_once() -> list[dict[str, Any]]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=door.url, timeout=30, limits=limits) as client:
            posts = (client.post(f"/webhooks/{shop}", content=delivery.body, headers=headers) for _ in range(100))
            return [answer.raise_for_status().json() for answer in await asyncio.gather(*posts)]

    answers = asyncio.run(all_at_once())
    assert Counter(answer["outcome"] for answer in answers) == {"accepted": 1, "duplicate": 99}
    assert len({answer["order"] for answer in answers}) == 1
    assert door.stored() == (receipts + 1, orders + 1)


def test_two_deliveries_of_woocommerce_with_one_delivery_id_are_two_orders(open_door: Door) -> None:
    now = time.time()
    answers = []
    for delivery in (shop_order("books", new_number()), shop_order("books", new_number())):
        headers = sign("woocommerce", delivery.body, open_door.secrets["books"], delivery.topic, shop="books", now=now)
        answers.append((headers["X-WC-Webhook-Delivery-ID"], open_door.webhook("books", delivery.body, headers).json()))
    assert answers[0][0] == answers[1][0]
    assert [told["outcome"] for _, told in answers] == ["accepted", "accepted"]
    assert answers[0][1]["order"] != answers[1][1]["order"]


def _deletion(number: str) -> Delivery:
    return replace(shop_order("books", number, topic="order.deleted"), body=f'{{"id":{number}}}'.encode())


def test_a_deletion_of_an_unknown_order_is_a_cancelled_order_and_no_crash(open_door: Door) -> None:
    number = new_number()
    answer = open_door.post(_deletion(number)).json()
    order = open_door.order(answer["order"])
    assert (order["shop_order_id"], order["status"], order["deliveries"]) == (number, "cancelled", [])


def test_a_deletion_that_overtakes_its_creation_still_wins(open_door: Door) -> None:
    number = new_number()
    order_id = open_door.post(_deletion(number)).json()["order"]
    assert open_door.post(shop_order("books", number)).json() == {"outcome": "stale", "order": order_id}
    assert (open_door.order(order_id)["status"], open_door.order(order_id)["deliveries"]) == ("cancelled", [])


def test_a_deletion_takes_the_order_back(open_door: Door) -> None:
    number = new_number()
    order_id = open_door.post(shop_order("books", number)).json()["order"]
    assert open_door.post(_deletion(number)).json() == {"outcome": "accepted", "order": order_id}
    order = open_door.order(order_id)
    assert (order["status"], {d["status"] for d in order["deliveries"]}) == ("cancelled", {"cancelled"})


def _story(shop: str, number: str) -> dict[str, Delivery]:
    """An order, its change and its cancellation, as each platform says them."""
    if shop == "tea":
        end = {"cancelled_at": "2026-11-20T10:10:00Z", "cancel_reason": "customer", "note": "changed"}
        return {
            "create": shop_order("tea", number, seconds=0),
            "update": shop_order("tea", number, topic="orders/updated", seconds=300, note="changed"),
            "cancel": shop_order("tea", number, topic="orders/cancelled", seconds=600, **end),
        }
    if shop == "books":
        return {
            "create": shop_order("books", number, seconds=0),
            "update": shop_order("books", number, topic="order.updated", seconds=300, customer_note="changed"),
            "cancel": shop_order(
                "books", number, topic="order.updated", seconds=600, customer_note="changed", status="cancelled"
            ),
        }
    return {
        "create": parts_order(number, version="2026-11-20T10:00:00Z"),
        "update": parts_order(number, version="2026-11-20T10:05:00Z", topic="order.updated", note="changed"),
        "cancel": parts_order(number, version="2026-11-20T10:10:00Z", topic="order.cancelled", note="changed"),
    }


@pytest.mark.parametrize("shop", ["tea", "books", "parts"])
@pytest.mark.parametrize("arrival", list(itertools.permutations(["create", "update", "cancel"])), ids=" ".join)
def test_create_update_and_cancel_end_the_same_in_whatever_order_they_arrive(
    open_door: Door, shop: str, arrival: tuple[str, ...]
) -> None:
    story = _story(shop, new_number())
    answers = [open_door.post(story[step]).json() for step in arrival]
    assert len({answer["order"] for answer in answers}) == 1
    order = open_door.order(answers[0]["order"])
    assert order["status"] == "cancelled"
    assert order["version"].startswith("2026-11-20T10:10:00")
    assert order["order"]["note"] == "changed"
    assert {d["status"] for d in order["deliveries"]} <= {"cancelled"}
    told = dict(zip(arrival, (answer["outcome"] for answer in answers), strict=True))
    assert told["cancel"] == "accepted"
    assert told["create"] == ("accepted" if arrival[0] == "create" else "stale")


# Orders that wait, and orders that go nowhere


@pytest.mark.parametrize(
    ("shop", "unpaid", "paid"),
    [
        ("tea", {"financial_status": "pending"}, {"financial_status": "paid"}),
        ("tea", {"financial_status": "authorized"}, {"financial_status": "paid"}),
        ("books", {"status": "on-hold", "date_paid_gmt": None}, {"status": "processing"}),
    ],
)
def test_an_unpaid_order_is_held_until_its_update_says_paid(
    open_door: Door, shop: str, unpaid: dict[str, Any], paid: dict[str, Any]
) -> None:
    number = new_number()
    answer = open_door.post(shop_order(shop, number, **unpaid)).json()
    assert answer["outcome"] == "held"
    assert open_door.order(answer["order"])["status"] == "held"
    assert "paid" in open_door.order(answer["order"])["reason"]
    topic = "orders/updated" if shop == "tea" else "order.updated"
    update = open_door.post(shop_order(shop, number, topic=topic, seconds=60, **paid)).json()
    assert update == {"outcome": "accepted", "order": answer["order"]}
    order = open_door.order(answer["order"])
    assert (order["status"], order["reason"]) == ("received", None)
    assert [d["status"] for d in order["deliveries"]] == ["ready", "waiting"]


@pytest.mark.parametrize("shop", ["tea", "parts"])
def test_a_test_order_is_ignored_with_a_receipt(open_door: Door, shop: str) -> None:
    receipts, _ = open_door.stored()
    number = new_number()
    answer = open_door.post(parts_order(number, test=True) if shop == "parts" else shop_order("tea", number, test=True))
    assert answer.json()["outcome"] == "ignored"
    order = open_door.order(answer.json()["order"])
    assert (order["status"], order["deliveries"]) == ("ignored", [])
    assert open_door.stored()[0] == receipts + 1


def test_an_order_without_a_route_is_held_with_the_reason(open_door: Door) -> None:
    far = {"name": "Nell Rowan", "address1": "4 Pier St", "city": "Brest", "postcode": "29200", "country": "FR"}
    answer = open_door.post(parts_order(new_number(), ship_to=far)).json()
    assert answer["outcome"] == "held"
    order = open_door.order(answer["order"])
    assert (order["status"], order["deliveries"]) == ("held", [])
    assert "route" in order["reason"]


def test_what_was_answered_is_on_disk_when_the_web_process_is_killed(door: Door) -> None:
    numbers = [new_number() for _ in range(20)]
    ids = [door.post(parts_order(number)).json()["order"] for number in numbers]
    os.kill(door.pid, signal.SIGKILL)
    door.stop()
    door.start()
    assert [door.order(order_id)["number"] for order_id in ids] == numbers
