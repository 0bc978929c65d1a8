"""Webhooks of the warehouse through the whole house: a hint in, the order read anew, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.house import CONFIG, House, parts_order
from tests.servers import wait_until

pytestmark = pytest.mark.long

LOGIN = ("WSI-sandbox", "sandbox-ongoing")
# Nothing is polled: what is told came by the webhook.
HOOKED = CONFIG.replace(
    "goods_owner_id = 159",
    'goods_owner_id = 159\nstatus_minutes = 0\nstock_minutes = 0\nwebhook_token = "env:ONGOING_PASSWORD"',
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), config=HOOKED) as house:
        yield house


def _warehouse(house: House, method: str, path: str, **more: Any) -> None:
    """What somebody does at the warehouse."""
    url = f"{house.sandbox_url}/ongoing/api/v1/{path}"
    httpx.request(method, url, auth=LOGIN, timeout=20, **more).raise_for_status()


def _status(house: House, reference: str, number: int) -> None:
    _warehouse(house, "PATCH", f"orders/{reference}/orderStatus", json={"orderStatusNumber": number})


def _hint(house: House, there: str, reference: str, **told: Any) -> str:
    body = {"orderNumber": there, "orderId": int(reference), "goodsOwnerId": 159, **told}
    url, token = f"{house.url}/webhooks/destinations/ongoing-se", house.environment["ONGOING_PASSWORD"]
    answer = httpx.post(url, json=body, headers={"X-Auth-Token": token}, timeout=20).raise_for_status()
    return str(answer.json()["outcome"])


def _there(house: House, number: str) -> dict[str, Any]:
    [found] = [one for one in house.order(number)["deliveries"] if one["destination"] == "ongoing-se"]
    return dict(found)


def _number_there(house: House, reference: str) -> str:
    url = f"{house.sandbox_url}/ongoing/api/v1/orders/{reference}"
    found = httpx.get(url, auth=LOGIN, timeout=20).raise_for_status().json()
    return str(found["orderInfo"]["orderNumber"])


def _delivered(house: House, number: str) -> tuple[str, str]:
    """A delivered order: its number and its id at the warehouse."""
    house.post([parts_order(number)])
    house.wait_for(number, "delivered", "delivered")
    reference = str(_there(house, number)["reference"])
    return _number_there(house, reference), reference


def _wait(house: House, number: str, progress: str) -> None:
    wait_until(lambda: _there(house, number)["progress"] == progress, seconds=30, what=f"{progress} is told")


def test_after_a_webhook_the_order_is_read_and_the_warehouse_and_not_the_webhook_is_believed(house: House) -> None:
    there, reference = _delivered(house, "82001")
    tracking = {"waybill": "W1", "trackingUrl": "https://track.example/W1", "isReturnTracking": False}
    _warehouse(house, "PUT", f"orders/{reference}/orderTracking", json=tracking)
    _status(house, reference, 450)
    made_up = {
        "orderStatus": {"number": 1000},
        "tracking": [{"waybill": "X", "trackingUrl": "https://made-up.example"}],
    }
    assert _hint(house, there, reference, **made_up) == "accepted"
    _wait(house, "82001", "sent (status 450)")
    assert _there(house, "82001")["tracking"] == {"W1": "https://track.example/W1"}
    assert house.order("82001")["status"] == "delivered"


def test_an_order_that_was_cancelled_at_the_warehouse_by_hand_waits_in_plain_sight(house: House) -> None:
    there, reference = _delivered(house, "82002")
    _warehouse(house, "DELETE", "orders", params={"goodsOwnerId": "159", "orderNumber": there})
    assert _hint(house, there, reference) == "accepted"
    _wait(house, "82002", "cancelled (status 1000)")
    order = house.order("82002")
    assert order["status"] == "held"
    assert order["reason"] == "ongoing-se: The order was cancelled there, and the shop has not cancelled it."
    page = httpx.get(f"{house.url}/orders/{order['id']}", headers={"Accept": "text/html"}, timeout=20).text
    assert "The order was cancelled there, and the shop has not cancelled it." in page
    url = f"{house.url}/api/orders/{order['id']}/accept"
    httpx.post(url, json={"destination": "ongoing-se"}, timeout=20).raise_for_status()
    house.wait_for("82002", "delivered", "delivered")


def test_a_warehouse_that_is_down_is_asked_again_when_it_is_back(house: House) -> None:
    there, reference = _delivered(house, "82003")
    _status(house, reference, 400)
    house.fault("ongoing", {"kind": "error500"}, path="/orders", times=1)
    assert _hint(house, there, reference) == "accepted"
    problem = "An error has occurred"
    wait_until(lambda: problem in str(_feeds(house)), seconds=30, what="the problem is told")
    assert _hint(house, there, reference) == "accepted"
    _wait(house, "82003", "picked (status 400)")


def _feeds(house: House) -> Any:
    items = httpx.get(f"{house.url}/api/destinations", timeout=20).raise_for_status().json()["items"]
    return [one["feeds"] for one in items if one["name"] == "ongoing-se"]
