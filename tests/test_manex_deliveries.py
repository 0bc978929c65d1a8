"""Orders go in at the front door and become complete sales orders in ManEx, whatever happens on the way."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.shops import make_orders
from tests.deliveries import LATER
from tests.house import House, new_number, parts_order, told
from tests.manex_house import KEY, ManexHouse
from tests.servers import wait_until

pytestmark = pytest.mark.long

CHAIN = ("Add", "ItemADD", "Get", "PriceAdd", "DueDateAdd")
ORDERS = 100


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManexHouse]:
    with ManexHouse(tmp_path_factory.mktemp("house"), timeout_s=1.0) as house:
        yield house


def _lines(*quantities: int) -> list[dict[str, Any]]:
    return [
        {
            "id": str(n),
            "sku": f"BOLT-{n}",
            "name": f"Bolt {n}",
            "quantity": str(q),
            "total_incl": f"{q * 7}.30",
            "tax": "0",
        }
        for n, q in enumerate(quantities, start=1)
    ]


def _order(number: str, *quantities: int, **changes: Any) -> Any:
    return parts_order(number, lines=_lines(*(quantities or (3, 1))), **changes)


def _there(house: House, number: str) -> dict[str, Any]:
    [order] = house.held_there()["manex"][f"P-{number}"]
    found: dict[str, Any] = order
    return found


def _rows(house: ManexHouse, number: str) -> list[tuple[str, str, str]]:
    return [(row["LINE_NO"].lstrip("0"), row["ORD_QTY"], row["STATUS"]) for row in house.there(number)["lines"]]


def test_an_order_becomes_a_sales_order_and_the_timeline_tells_the_chain(house: ManexHouse, number: str) -> None:
    house.post([_order(number)])
    order = house.wait_for(number, "delivered")
    there = house.there(number)
    assert order["deliveries"][0]["reference"] == there["SONO"]
    assert there["SONO"].startswith("W")
    assert len(there["SONO"]) == 10
    steps = [event["text"] for event in order["events"] if event["kind"] == "step"]
    assert steps[:3] == [f"header {there['SONO']} written", "lines 1 to 3 of 3 added", "lines 1 to 3 priced"]
    assert steps[3].startswith("lines 1 to 3 due on ")
    assert [row["prices"][0]["extended"] for row in there["lines"]] == ["21.30", "7.30", "10.00"]


@pytest.mark.parametrize("action", CHAIN)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error500", "commit": False},
        {"kind": "drop", "commit": True},
        {"kind": "hang", "seconds": 1.5, "commit": "after"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault['commit']}",
)
def test_a_call_that_goes_wrong_once_leaves_no_trace(
    house: ManexHouse, number: str, action: str, fault: dict[str, Any]
) -> None:
    house.fault("manex", fault, path=f"/{action}/", times=1)
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    assert house.struck() == [1]
    _complete(house, number)


def _complete(house: ManexHouse, number: str) -> None:
    there = house.held_there()["manex"]
    house.complete({name for name in there if name in there})
    assert len(there[f"P-{number}"]) == 1


def test_a_worker_killed_after_any_call_of_the_chain_changes_nothing(tmp_path: Path, database_url: str) -> None:
    with ManexHouse(tmp_path, database_url=database_url, timeout_s=3.0) as house:
        for action in CHAIN:
            house.fault("manex", {"kind": "hang", "seconds": 5, "commit": "before"}, path=f"/{action}/", times=1)
        numbers = [new_number() for _ in range(8)]
        house.post([_order(number) for number in numbers])

        wait_until(
            lambda: all(house.struck()), seconds=15, what="each call of the chain hangs after it was carried out"
        )
        assert house.kill("worker")
        for number in numbers:
            house.wait_for(number, "delivered", seconds=60)
        house.complete((f"P-{number}" for number in numbers), lines=3)
        texts = [text for number in numbers for text in told(house.order(number)).splitlines()]
        assert any("stopped without a word" in text for text in texts)
        assert any(text.startswith("resumed") for text in texts)


@pytest.mark.timeout(240)
def test_a_hundred_orders_are_complete_whatever_is_killed(tmp_path: Path, database_url: str) -> None:
    draw = random.Random(f"manex {database_url[:4]}")
    deliveries = list(make_orders(ORDERS, platform="shopify", seed=11, shop="tea"))
    over, kills = threading.Event(), 0
    with ManexHouse(tmp_path, database_url=database_url, workers=2, timeout_s=1.5) as house:

        def make_trouble() -> None:
            nonlocal kills
            while kills < 6 and not over.wait(draw.uniform(0.4, 1.6)):
                kills += house.kill("worker")

        house.switch("manex", latency_s=0.02)
        for fault in (
            {"kind": "hang", "seconds": 2, "commit": "before"},
            {"kind": "hang", "seconds": 2, "commit": "after"},
            {"kind": "drop", "commit": True},
            {"kind": "html502", "commit": True},
            {"kind": "error500", "commit": False},
        ):
            house.fault("manex", {**fault, "chance": 0.01, "seed": 11}, times=None)
        trouble_maker = threading.Thread(target=make_trouble)
        trouble_maker.start()
        house.post(deliveries, in_flight=8)
        time.sleep(6)
        over.set()
        trouble_maker.join()
        house.clear_faults()
        assert house.wait_settled(ORDERS, seconds=120) == {"delivered": ORDERS}
        assert kills >= 3
        assert "taken_back" in house.log(), "a kill that hits nothing in flight proves nothing"
        house.complete({str(d.number).removeprefix("#") for d in deliveries})


# ---------------------------------------------------------------- changes


def test_an_amended_order_converges(house: ManexHouse, number: str) -> None:
    house.post([_order(number, 3, 1)])
    house.wait_for(number, "delivered")
    amended = [*_lines(2), {**_lines(1)[0], "id": "9", "sku": "NUT-9"}]
    house.post([parts_order(number, lines=amended, version=LATER, topic="order.updated")])
    wait_until(lambda: len(_rows(house, number)) == 4, seconds=20, what="the new line is there")
    order = house.wait_for(number, "delivered")
    assert _rows(house, number) == [
        ("1", "2", "STANDARD"),
        ("2", "1", "CANCEL"),
        ("3", "1", "STANDARD"),
        ("4", "1", "STANDARD"),
    ]
    assert {"line 1: quantity 3 -> 2", "line 2 cancelled"} <= {*told(order).splitlines()}


def test_a_cancelled_order_is_cancelled_line_by_line(house: ManexHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.post([_order(number, cancelled=True, version=LATER, topic="order.cancelled")])
    house.wait_for(number, "cancelled")
    assert {status for _, _, status in _rows(house, number)} == {"CANCEL"}
    assert house.counts()["manex"][f"P-{number}"] == 0


def test_a_line_that_was_shipped_meanwhile_is_held_with_the_reason(house: ManexHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.switch("manex", shipped={f"{house.there(number)['SONO']}/0000002": 1})
    house.post([_order(number, cancelled=True, version=LATER, topic="order.cancelled")])
    order = house.wait_for(number, "held")
    assert "line 2 was shipped" in order["deliveries"][0]["reason"]
    assert [status for _, _, status in _rows(house, number)] == ["CANCEL", "STANDARD", "CANCEL"]


def test_a_replay_of_a_delivered_order_writes_nothing(house: ManexHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    before = json.dumps(house.there(number))
    house.act(number, "replay")
    wait_until(
        lambda: "nothing was sent" in told(house.order(number)),
        seconds=20,
        what="the replay has looked it up",
    )
    assert json.dumps(house.there(number)) == before


def test_an_unknown_part_is_a_dead_letter_that_is_mended_by_an_edit(house: ManexHouse, number: str) -> None:
    lines = [*_lines(1), {**_lines(1)[0], "id": "2", "sku": "UNKNOWN-1"}]
    house.post([parts_order(number, lines=lines)])
    order = house.wait_for(number, "dead")
    assert "ManEx refused line 2 (UNKNOWN-1)" in order["deliveries"][0]["reason"]
    edit = {"lines": [lines[0], {**lines[1], "sku": "BOLT-2"}]}
    house.act(number, "replay", edit=edit)
    house.wait_for(number, "delivered")
    assert [row["part_no"] for row in house.there(number)["lines"]] == ["BOLT-1", "BOLT-2", "FREIGHT"]


def test_the_refused_call_of_a_long_chain_is_on_the_timeline(house: ManexHouse, number: str) -> None:
    refusal = {"$id": "1", "Code": 403, "Message": "The first price is refused.", "IsValidUser": True}
    house.fault("manex", {"kind": "reply", "status": 200, "body": refusal}, path="/PriceAdd/", times=1)
    house.post([_order(number, *[1] * 15)])
    order = house.wait_for(number, "dead")
    assert "The first price is refused." in order["deliveries"][0]["reason"]
    kept = [one for event in order["events"] for one in (event["data"] or {}).get("exchanges", ())]
    assert [one["path"] for one in kept if "The first price is refused." in one["response"]] == ["API/SO/PriceAdd"]
    assert len(kept) > 40
    house.clear_faults()
    house.act(number, "replay")
    house.wait_for(number, "delivered")
    _complete(house, number)


# ---------------------------------------------------------------- the key


def test_the_key_in_the_address_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    with ManexHouse(tmp_path, timeout_s=1.0) as house:
        numbers = [new_number() for _ in range(3)]
        echo = {"Message": f"No HTTP resource was found that matches the request URI 'http://x/api/SOAdd/{KEY}'."}
        house.fault("manex", {"kind": "error500", "commit": False}, path="/ItemADD/", times=1)
        house.post([_order(numbers[0])])
        house.wait_for(numbers[0], "delivered")
        house.fault("manex", {"kind": "drop", "commit": True}, path="/PriceAdd/", times=1)
        house.post([_order(numbers[1])])
        house.wait_for(numbers[1], "delivered")
        house.fault("manex", {"kind": "reply", "status": 404, "body": {"$id": "1", **echo}}, path="/Add/", times=1)
        house.post([_order(numbers[2])])
        house.wait_for(numbers[2], "held")
        reason = house.order(numbers[2])["deliveries"][0]["reason"]
        assert "/api/SOAdd/***" in reason
        house.wait_for(numbers[2], "delivered", seconds=30)
        house.keeps([KEY], of=numbers)


def test_a_key_that_is_refused_suspends_the_destination_until_it_is_taken(tmp_path: Path) -> None:
    with ManexHouse(tmp_path, timeout_s=1.0) as house:
        number = new_number()
        house.fault("manex", {"kind": "documented", "name": "manex.403_invalid_api_key"}, path="/PriceAdd/", times=2)
        house.post([_order(number)])
        order = house.wait_for(number, "held")
        assert "Invalid API Key." in order["deliveries"][0]["reason"]
        house.wait_for(number, "delivered", seconds=30)
        house.complete([f"P-{number}"], lines=3)
