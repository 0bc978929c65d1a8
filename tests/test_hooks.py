"""``POST /webhooks/destinations/{name}`` at a real web process: Ongoing's status webhooks (contracts/ongoing.md 4)."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from tests.conftest import database_of
from tests.house import new_number, parts_order
from tests.web_door import Door
from worker.ledger import tables as t

PATH = "/webhooks/destinations/ongoing-se"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    # With a token for operators: the warehouse has another one.
    with database_of(request, folder) as url, Door(folder, url, token="of-the-operators") as opened:
        yield opened


def _delivered(door: Door, *, order_id: int = 501) -> str:
    """An order that the warehouse has, where a worker's delivery would have put it; its number there."""
    number = new_number()
    assert door.told(parts_order(number)) == "accepted"
    found = door.number(number)["id"]
    rows = update(t.deliveries).where(t.deliveries.c.order_id == found)
    there = rows.where(t.deliveries.c.destination == "ongoing-se")
    with door.ledger.engine.begin() as connection:
        connection.execute(rows.values(state="delivered", content_done="c"))
        connection.execute(there.values(reference=str(order_id)))
    return number


def _body(number: str, *, status: int = 450, **changes: Any) -> dict[str, Any]:
    """The vendor's sample, about an order of the shop parts."""
    return {
        "webhookOrdersId": 1,
        "webhookEventId": 7001,
        "system": "acme",
        "timestamp": "2023-01-01T12:00:00.0000000",
        "orderId": 501,
        "orderNumber": f"P-{number}",
        "goodsOwnerId": 159,
        "goodsOwnerName": "ACME",
        "path": "/api/v1/orders/501",
        "byUser": None,
        "orderStatus": {"number": status},
        "currentShipmentId": None,
        "webhookTemplate": "OrderStatusChanged",
        "tracking": None,
        "parcels": None,
        **changes,
    }


def _post(door: Door, body: Any, *, path: str = PATH, token: bytes | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [(b"X-Auth-Token", door.hook_token.encode() if token is None else token)]
    return httpx.post(f"{door.url}{path}", content=content, headers=headers, timeout=30)


def _told(door: Door, body: Any) -> str:
    answer = _post(door, body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outcome"])


def _there(door: Door, number: str) -> dict[str, Any]:
    [found] = [one for one in door.number(number)["deliveries"] if one["destination"] == "ongoing-se"]
    return dict(found)


def _lines(door: Door, number: str) -> list[str]:
    return [event["text"] for event in door.number(number)["events"] if event["kind"] == "progress"]


# Who may tell


@pytest.mark.parametrize(
    "token",
    [b"", b"wrong", b"hook-of-the-warehouse-a", "hook-of-the-warehouse-æ".encode("latin-1"), b"\xff\xfe", b"x" * 9000],
    ids=["empty", "wrong", "almost", "in another encoding", "no text", "long"],
)
def test_a_wrong_token_is_401_and_changes_nothing(door: Door, token: bytes) -> None:
    number = _delivered(door)
    answer = _post(door, _body(number), token=token)
    assert (answer.status_code, answer.json()) == (401, {"error": "the token in X-Auth-Token is missing or wrong"})
    assert _there(door, number)["progress"] is None


def test_without_a_token_it_is_401_even_for_an_operator(door: Door) -> None:
    answer = door.http.post(PATH, json=_body("1"))
    assert answer.status_code == 401
    assert door.figure("crossdock_intake_total", shop="destinations/ongoing-se", outcome="refused") >= 1
    assert door.hook_token not in door.log()


@pytest.mark.parametrize("name", ["ongoing-no", "esuite-au", "", "ongoing-se/x", "%00"])
def test_a_destination_that_takes_no_webhooks_is_404(door: Door, name: str) -> None:
    assert _post(door, _body("1"), path=f"/webhooks/destinations/{name}").status_code == 404


def test_other_methods_are_405(door: Door) -> None:
    assert httpx.get(f"{door.url}{PATH}").status_code == 405


def test_who_has_no_token_is_refused_before_the_body_is_read(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as line:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nX-Auth-Token: wrong\r\n\r\n"
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 401 ")


# What is told


def _hints(door: Door, number: str) -> int:
    with door.ledger.read() as connection:
        query = select(func.count()).where(t.hints.c.destination == "ongoing-se", t.hints.c.number.ilike(f"P-{number}"))
        return connection.scalar(query) or 0


def test_a_webhook_is_a_hint_and_its_words_are_not_acted_on(door: Door) -> None:
    number = _delivered(door)
    tracking = [{"waybill": "W1", "trackingUrl": "https://made-up.example/W1", "isReturn": False}]
    assert _told(door, _body(number, status=1000, tracking=tracking)) == "accepted"
    there = _there(door, number)
    assert (there["progress"], there["tracking"], there["status"]) == (None, {}, "delivered")
    assert _lines(door, number) == []
    assert _hints(door, number) == 1


def test_a_final_slash_and_a_byte_order_mark_do_no_harm(door: Door) -> None:
    number = _delivered(door)
    body = b"\xef\xbb\xbf" + json.dumps(_body(number)).encode()
    assert _post(door, body, path=PATH + "/").json()["outcome"] == "accepted"


def test_duplicates_are_one_hint(door: Door) -> None:
    number = _delivered(door)
    assert [_told(door, _body(number, webhookEventId=event)) for event in (1, 1, 2)] == ["accepted"] * 3
    assert _hints(door, number) == 1


def test_the_number_is_compared_without_case(door: Door) -> None:
    number = _delivered(door)
    assert _told(door, _body(number, orderNumber=f"p-{number}")) == "accepted"


# What is of no use


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"goodsOwnerId": 160}, "it is about goods owner 160, and ongoing-se is 159"),
        ({"orderNumber": "Q-1"}, "no order of ours there has this number"),
        ({"orderNumber": "P-\0"}, "no order of ours there has this number"),
        ({"orderNumber": "x" * 5000}, "no order of ours there has this number"),
        ({"orderId": 777}, "no order of ours there has this number"),
        ({"orderNumber": None}, "it names no order"),
        ({"orderNumber": " "}, "it names no order"),
    ],
    ids=["another goods owner", "unknown", "a NUL", "long", "another order's id", "no number", "a blank number"],
)
def test_what_is_not_about_an_order_of_ours_is_ignored(door: Door, changes: dict[str, Any], why: str) -> None:
    number = _delivered(door)
    answer = _post(door, _body(number, **changes))
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ignored", "reason": why})
    assert _hints(door, number) == 0


def test_an_order_that_we_have_not_sent_yet_is_not_meant(door: Door) -> None:
    number = new_number()
    assert door.told(parts_order(number)) == "accepted"
    assert _told(door, _body(number)) == "ignored"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"text"',
        b'{"orderNumber": "\\ud800"}',
        b'{"a": 1, "a": 2}',
        b'{"orderStatus": {"number": NaN}}',
        b'{"orderNumber": {"a": []}, "orderStatus": {"number": 450}}',
        b'{"goodsOwnerId": 1e99999}',
        b"<html>",
        json.dumps({"pad": "x" * 1_900_000}).encode(),
    ],
    ids=[
        *("empty", "cut", "no text", "deep", "null", "list", "string", "half a character", "a key twice"),
        *("not a number", "odd number", "beyond any owner", "a page", "large"),
    ],
)
def test_garbage_is_answered_200_so_that_it_does_not_come_again(door: Door, body: bytes) -> None:
    assert _told(door, body) == "ignored"


def test_a_body_above_two_million_bytes_is_413(door: Door) -> None:
    assert _post(door, b"x" * 2_000_001).status_code == 413


def test_none_of_it_is_in_the_log(door: Door) -> None:
    number = _delivered(door)
    _told(door, _body(number, goodsOwnerName="Ada-Lovelace-Stores"))
    _told(door, b'{"Ada-Lovelace-Stores": ')
    assert "Ada-Lovelace" not in door.log()


# While the ledger is away


def test_while_the_ledger_is_locked_it_is_503_and_the_resend_is_accepted(tmp_path: Path) -> None:
    with Door(tmp_path, f"sqlite:///{tmp_path}/ledger.db") as door:
        number = _delivered(door)
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            begun = time.monotonic()
            answer = _post(door, _body(number))
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert time.monotonic() - begun < 15
            lock.execute("ROLLBACK")
        assert _told(door, _body(number)) == "accepted"
        assert _hints(door, number) == 1
