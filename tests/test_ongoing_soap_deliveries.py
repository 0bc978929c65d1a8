"""Orders go in at the front door and reach the warehouse over SOAP, each once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deliveries import LATER, TROUBLE, OneSystem, bolts
from tests.house import ASK_S, new_number, parts_order
from tests.ongoing_soap_wire import BROKEN, answer_of
from tests.servers import wait_until

pytestmark = pytest.mark.long

PASSWORD = "sandbox-ongoing"
XML = {"content-type": "text/xml; charset=utf-8"}

SECTIONS = """
[destinations.ongoing-se]
system = "ongoing"
api = "soap"
base_url = "{sandbox}/ongoing/acme/Service.asmx"
auth = {{ mode = "basic", username = "env:ONGOING_USER", password = "env:ONGOING_PASSWORD" }}
goods_owner_id = 159
goods_owner_code = "ACME"
timeout_s = {timeout_s}
status_minutes = 0
stock_minutes = 0
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.ongoing-se.ways_of_delivery]
"*" = {{ code = "STD", name = "Standard" }}

[[routes]]
name = "all"
deliver = ["ongoing-se"]
"""

TROUBLES: dict[str, dict[str, Any]] = {
    **TROUBLE,
    "500 with a fault": {"kind": "reply", "status": 500, "body": BROKEN, "headers": XML},
    "200 without an order id": {
        "kind": "reply",
        "status": 200,
        "body": answer_of("ProcessOrder", "<Success>true</Success>"),
        "headers": XML,
        "commit": True,
    },
}
"""What may become of a ProcessOrder whose answer tells nothing."""


class SoapHouse(OneSystem):
    """Every order goes to the warehouse, over SOAP."""

    system = "ongoing"

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, sections=SECTIONS, **more)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoapHouse]:
    with SoapHouse(tmp_path_factory.mktemp("house"), timeout_s=1.0) as house:
        yield house


def _items(house: SoapHouse, number: str) -> list[tuple[str, int]]:
    return [(row["articleNumber"], row["numberOfItems"]) for row in house.there(number)["items"]]


def test_an_order_is_delivered_once_and_a_change_reaches_it(house: SoapHouse, number: str) -> None:
    house.post([parts_order(number, lines=[bolts(3)])])
    order = house.wait_for(number, "delivered")
    there = house.there(number)
    assert order["deliveries"][0]["reference"] == str(there["orderId"])
    assert (_items(house, number), there["writes"]) == ([("BOLT-8", 3)], 1)
    house.post([parts_order(number, lines=[bolts(2)], version=LATER, topic="order.updated")])
    wait_until(lambda: house.there(number)["writes"] == 2, seconds=20, what="the change is there", every=ASK_S)
    house.wait_for(number, "delivered")
    assert _items(house, number) == [("BOLT-8", 2)]
    assert house.there(number)["orderId"] == there["orderId"]


@pytest.fixture(scope="module")
def troubled(running: SoapHouse) -> dict[str, str]:
    """Each kind of trouble has struck an order of its own: kind -> order number."""
    return running.strike(TROUBLES, lambda number: parts_order(number, lines=[bolts(3)]), path="(?i)service.asmx$")


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_lost_or_broken_answer_ends_as_one_order(house: SoapHouse, troubled: dict[str, str], kind: str) -> None:
    number = troubled[kind]
    assert house.counts()["ongoing"][f"P-{number}"] == 1
    order = house.order(number)
    assert order["deliveries"][0]["reference"] == str(house.there(number)["orderId"])
    assert order["deliveries"][0]["attempts"] >= (1 if kind == "200 without an order id" else 2)
    assert _items(house, number) == [("BOLT-8", 3)]


def test_what_the_warehouse_refuses_is_a_dead_letter_with_its_text(house: SoapHouse, number: str) -> None:
    """``Success=false`` comes with HTTP 200."""
    house.post([parts_order(number, lines=[bolts(3, sku="UNKNOWN-1")])])
    order = house.wait_for(number, "dead")
    assert "Article number 'UNKNOWN-1' does not exist." in order["deliveries"][0]["reason"]
    assert f"P-{number}" not in house.counts()["ongoing"]
    house.act(number, "replay", edit={"lines": [bolts(3)]})
    house.wait_for(number, "delivered")
    assert _items(house, number) == [("BOLT-8", 3)]


def test_a_cancelled_order_is_removed_though_the_answer_is_lost(house: SoapHouse, number: str) -> None:
    house.post([parts_order(number)])
    house.wait_for(number, "delivered")
    house.fault("ongoing", {"kind": "drop", "commit": True}, method="POST", match=f"P-{number}")
    house.post([parts_order(number, cancelled=True, version=LATER, topic="order.cancelled")])
    house.wait_for(number, "cancelled")
    assert house.struck() == [1]
    assert house.counts()["ongoing"][f"P-{number}"] == 0


def test_an_order_that_is_being_picked_is_not_cancelled_and_can_be_accepted(house: SoapHouse, number: str) -> None:
    house.post([parts_order(number)])
    house.wait_for(number, "delivered")
    order_id, login = house.there(number)["orderId"], ("WSI-sandbox", PASSWORD)
    status = f"{house.sandbox_url}/ongoing/api/v1/orders/{order_id}/orderStatus"
    httpx.patch(status, json={"orderStatusNumber": 400}, auth=login).raise_for_status()
    house.post([parts_order(number, cancelled=True, version=LATER, topic="order.cancelled")])
    held = house.wait_for(number, "held")
    assert f"The warehouse has begun with order P-{number} (status 400" in held["deliveries"][0]["reason"]
    house.act(number, "accept", destination="ongoing-se")
    house.wait_for(number, "delivered")
    assert house.counts()["ongoing"][f"P-{number}"] == 1


@pytest.mark.parametrize("answer", ["fault", "refuse"])
def test_a_login_that_is_refused_suspends_until_it_is_taken(house: SoapHouse, number: str, answer: str) -> None:
    house.switch("ongoing", goods_owner_code="OTHER", soap_login=answer)
    house.post([parts_order(number)])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "refuses the reading of its order statuses" in held["reason"]
    house.switch("ongoing", goods_owner_code="ACME")
    house.wait_for(number, "delivered")
    assert house.counts()["ongoing"][f"P-{number}"] == 1


def test_workers_killed_while_an_order_hangs_deliver_each_once(tmp_path: Path, database_url: str) -> None:
    numbers = [new_number() for _ in range(6)]
    with SoapHouse(tmp_path, database_url=database_url, workers=2, timeout_s=3.0) as house:
        house.kill_while_hanging({number: parts_order(number) for number in numbers}, numbers[:1])
        assert house.counts()["ongoing"] == {f"P-{number}": 1 for number in numbers}
        calls = httpx.get(f"{house.sandbox_url}/_sandbox/calls").json()["writes_in_flight"]["ongoing"]
        assert calls["159"]["most"] == 1, "the warehouse runs a goods owner's writes one at a time"
        house.keeps([PASSWORD], of=numbers)
