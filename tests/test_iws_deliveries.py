"""Orders go in at the front door and become sales orders in IWS, each once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deliveries import LATER, TROUBLE, bolts
from tests.house import new_number, parts_order, told
from tests.iws_house import CUSTOMER, KEY, NEW_CUSTOMER, IwsHouse
from tests.servers import wait_until

pytestmark = pytest.mark.long

TROUBLES: dict[str, dict[str, Any]] = {
    **TROUBLE,
    "silent, and never carried out": {"kind": "hang", "seconds": 4, "commit": "never"},
    "500 after it was carried out": {"kind": "error500", "commit": True},
    "200 without a code": {"kind": "reply", "status": 200, "body": {"data": None, "links": {}}, "commit": True},
}
"""What may become of a POST whose answer tells nothing."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IwsHouse]:
    with IwsHouse(tmp_path_factory.mktemp("house"), timeout_s=1.0) as house:
        yield house


def _order(number: str, **changes: Any) -> Any:
    return parts_order(number, **{"currency": "GBP", "placed_at": "2026-11-20T10:15:00Z", **changes})


# ---------------------------------------------------------------- what IWS gets


def test_an_order_for_a_fixed_customer_is_one_sales_order_with_its_items_and_freight(
    house: IwsHouse, number: str
) -> None:
    lines = [bolts(2), bolts(3, id="2", sku="bolt-8"), bolts(1, id="3", sku="MUG-BLUE")]
    house.post([_order(number, lines=lines)])
    order = house.wait_for(number, "delivered")
    there = house.there(number)
    assert order["deliveries"][0]["reference"] == there["code"]
    assert (there["customer"], there["via"]) == (CUSTOMER, "salesorder")
    sold = [(one["itemName"], one["quantity"], one["extPrice"]) for one in there["lines"]]
    assert sold == [("BOLT-8", "5", "50.00"), ("MUG-11OZ-BLU", "1", "10.00")]
    assert (there["freight"], there["total"]) == ("9.09", "82.91")
    assert there["salesOrderDate"].startswith("2026-11-20T10:15:00")
    assert (there["sourceCode"], there["warehouseCode"]) == ("Internet", "MAIN")
    assert there["shipAddress"]["country"] == "Australia"


def test_an_order_by_e_mail_makes_a_customer_and_the_next_one_finds_it(house: IwsHouse, number: str) -> None:
    """The second one's answer is lost; the changelog shows it without knowing whose it is."""
    house.post([_order(number, email=f"Ann-{number}@example.test", tags=["mail"])])
    order = house.wait_for(number, "delivered")
    there = house.there(number)
    assert (there["via"], there["email"]) == ("advance", f"Ann-{number}@example.test")
    assert f"customer {there['customer']}" in told(order)
    again = f"{number}-B"
    house.fault("iws", {"kind": "drop", "commit": True}, method="POST", match=f"P-{again}")
    house.post([_order(again, email=f"ann-{number}@example.test", tags=["mail"])])
    found = house.wait_for(again, "delivered")
    assert house.struck() == [1]
    assert (house.there(again)["customer"], house.there(again)["via"]) == (there["customer"], "advance")
    assert found["deliveries"][0]["reference"] == house.there(again)["code"]


def test_an_unknown_item_is_a_dead_letter_that_is_mended_by_an_edit(house: IwsHouse, number: str) -> None:
    house.post([_order(number, lines=[bolts(2, sku="UNKNOWN-1")])])
    dead = house.wait_for(number, "dead")["deliveries"][0]
    assert "Item 'UNKNOWN-1' does not exist." in dead["reason"]
    house.act(number, "replay", edit={"lines": [bolts(2)]})
    house.wait_for(number, "delivered")
    assert [one["itemName"] for one in house.there(number)["lines"]] == ["BOLT-8"]


# ---------------------------------------------------------------- lost and broken answers


@pytest.fixture(scope="module")
def troubled(running: IwsHouse) -> dict[str, str]:
    """Each kind of trouble has struck an order of its own: kind -> order number."""
    return running.strike(TROUBLES, _order, path="salesorder$")


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_lost_or_broken_answer_ends_as_one_sales_order(house: IwsHouse, troubled: dict[str, str], kind: str) -> None:
    number = troubled[kind]
    assert house.counts()["iws"][f"P-{number}"] == 1
    order = house.order(number)
    assert order["deliveries"][0]["reference"] == house.there(number)["code"]
    assert [event["kind"] for event in order["events"]].count("retrying") == 1


def test_an_empty_list_is_404_which_is_believed_only_in_its_own_words(house: IwsHouse, number: str) -> None:
    """The customer has no orders: 404 with errors says so, 404 without a body may be a wrong address."""
    house.switch("iws", empty_404="empty-body")
    house.fault("iws", {"kind": "drop", "commit": False}, method="POST", match=f"P-{number}")
    house.post([_order(number, tags=["new"])])
    dead = house.wait_for(number, "dead")["deliveries"][0]
    assert "That may be nothing there, or no such address (customer/salesorder)." in dead["reason"]
    assert f"P-{number}" not in house.counts()["iws"]
    house.switch("iws", empty_404="json")
    house.act(number, "replay")
    house.wait_for(number, "delivered")
    assert house.there(number)["customer"] == NEW_CUSTOMER
    assert "it is looked for once more before it is sent again" in told(house.order(number))


# ---------------------------------------------------------------- the key


def test_a_key_that_is_refused_suspends_the_destination_until_it_is_taken(house: IwsHouse, number: str) -> None:
    house.fault("iws", {"kind": "documented", "name": "iws.401_unauthorized"}, times=None)
    house.post([_order(number)])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "The API key is missing or invalid." in held["reason"]
    assert "the user name is the API key, the password is empty" in held["hint"]
    [place] = [one for one in house.destinations() if one["name"] == "iws-uk"]
    assert place["status"] == "suspended"
    house.clear_faults()
    house.wait_for(number, "delivered")
    assert house.counts()["iws"][f"P-{number}"] == 1


def test_the_key_is_nowhere_to_be_seen(house: IwsHouse, troubled: dict[str, str]) -> None:
    number = new_number()
    echo = {"errors": [{"status": "400", "title": f"The user {house.environment['IWS_KEY']} may not do that."}]}
    house.fault("iws", {"kind": "reply", "status": 400, "body": echo}, method="POST", match=f"P-{number}")
    house.post([_order(number)])
    assert "The user *** may not do that." in house.wait_for(number, "dead")["deliveries"][0]["reason"]
    house.keeps([KEY], of=[number, *troubled.values()])


# ---------------------------------------------------------------- after delivery


def test_a_changed_order_is_held_with_the_difference_and_can_be_accepted(house: IwsHouse, number: str) -> None:
    house.post([_order(number, lines=[bolts(3)])])
    house.wait_for(number, "delivered")
    before = house.there(number)
    house.post([_order(number, lines=[bolts(2)], version=LATER, topic="order.updated")])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert f"The order changed, and IWS offers no way to change {before['code']} (Open)" in held["reason"]
    assert "BOLT-8" in held["reason"]
    house.act(number, "accept", destination="iws-uk")
    order = house.wait_for(number, "delivered")
    assert "accepted as it is there (api)" in told(order)
    assert house.there(number) == before


def test_a_cancelled_order_is_held_and_can_be_accepted(house: IwsHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.post([_order(number, cancelled=True, version=LATER, topic="order.cancelled")])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert f"IWS has it as {house.there(number)['code']} (Open); IWS offers no way to cancel it." in held["reason"]
    house.act(number, "accept", destination="iws-uk")
    house.wait_for(number, "delivered")
    assert house.counts()["iws"][f"P-{number}"] == 1


def test_an_order_voided_by_hand_and_replayed_is_cancelled(house: IwsHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.post([_order(number, cancelled=True, version=LATER, topic="order.cancelled")])
    house.wait_for(number, "held")
    house.switch("iws", voided=[house.there(number)["code"]])
    house.act(number, "replay")
    house.wait_for(number, "cancelled")
    assert house.counts()["iws"][f"P-{number}"] == 0


def test_an_invoice_is_told_on_the_orders_timeline(house: IwsHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.switch("iws", invoiced={house.there(number)["code"]: f"INV-{number}"})

    def told() -> bool:
        house.look_at_feeds()
        return str(house.order(number)["deliveries"][0]["progress"]).startswith(f"invoiced as INV-{number}")

    wait_until(told, seconds=20, what="the invoice is told", every=0.3)


# ---------------------------------------------------------------- killed workers


def test_workers_killed_while_orders_hang_deliver_each_once(tmp_path: Path, database_url: str) -> None:
    numbers = [new_number() for _ in range(8)]
    hanging, mailed = numbers[:6], numbers[:6:3]
    with IwsHouse(tmp_path, database_url=database_url, workers=2, timeout_s=2.0) as house:
        by_mail = {"tags": ["mail"], "email": "mina@example.test"}
        orders = {number: _order(number, **(by_mail if number in mailed else {})) for number in numbers}
        house.kill_while_hanging(orders, hanging)
        assert house.counts()["iws"] == {f"P-{number}": 1 for number in numbers}
        for number in hanging:
            assert house.order(number)["deliveries"][0]["reference"] == house.there(number)["code"]
        assert {number for number in numbers if house.there(number)["via"] == "advance"} == set(mailed)
        house.keeps([KEY], of=numbers)
