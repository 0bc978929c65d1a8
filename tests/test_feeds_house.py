"""What destinations tell of their own accord, through the whole house: read by workers, shown at every door."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands import Cli
from tests.house import ASK_S, CONFIG, House, parts_order
from tests.servers import wait_until

pytestmark = pytest.mark.long

LOGIN = ("WSI-sandbox", "sandbox-ongoing")
QUICK = "goods_owner_id = 159\nstatus_minutes = 0.02\nstock_minutes = 0.02\nskus = {{ MUG = 'THEIR-MUG' }}"
IN_STOCK = """
[[routes]]
name = "now"
when = {{ tag = ["now"], in_stock = true }}
deliver = ["ongoing-se"]

[[routes]]
name = "all"
"""
ROUTED = CONFIG.replace("goods_owner_id = 159", QUICK).replace('\n[[routes]]\nname = "all"\n', IN_STOCK)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house"), config=ROUTED) as house:
        yield house


@pytest.fixture
def crossdock(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    found = Cli(monkeypatch, tmp_path)
    found.set(**{name: value for name, value in house.environment.items() if os.environ.get(name) != value})
    return found


def _warehouse(house: House, method: str, path: str, body: dict[str, Any]) -> Any:
    """What somebody does at the warehouse."""
    url = f"{house.sandbox_url}/ongoing/api/v1/{path}"
    return httpx.request(method, url, json=body, auth=LOGIN, timeout=20).raise_for_status().json()


def _status(house: House, order_id: str, number: int) -> None:
    _warehouse(house, "PATCH", f"orders/{order_id}/orderStatus", {"orderStatusNumber": number})


def _article(house: House, code: str) -> None:
    _warehouse(house, "PUT", "articles", {"goodsOwnerId": 159, "articleNumber": code, "articleName": f"A {code}"})


def _wait(house: House, true: Callable[[], bool], what: str) -> None:
    """Wait for what a feed brings. Feeds are rung for meanwhile: beat does so every five seconds."""

    def came_true() -> bool:
        house.look_at_feeds()
        return true()

    wait_until(came_true, seconds=30, what=what, every=0.25)


def _there(house: House, number: str) -> dict[str, Any]:
    [found] = [one for one in house.order(number)["deliveries"] if one["destination"] == "ongoing-se"]
    return dict(found)


def _lines(house: House, number: str) -> list[str]:
    return [event["text"] for event in house.order(number)["events"] if event["kind"] == "progress"]


def _stock(house: House, **wanted: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (
        httpx.get(f"{house.url}/api/stock", params=wanted, timeout=20).raise_for_status().json()["items"]
    )
    return items


def _page(house: House, path: str) -> str:
    return httpx.get(f"{house.url}{path}", headers={"Accept": "text/html"}, timeout=20).raise_for_status().text


def test_how_an_order_gets_on_at_the_warehouse_is_told_within_seconds(house: House, crossdock: Cli) -> None:
    house.post([parts_order("81001")])
    house.wait_for("81001", "delivered", "delivered")
    there = _there(house, "81001")
    assert (there["progress"], there["tracking"]) == (None, {})
    _status(house, there["reference"], 400)
    # By beat alone, which nobody rings for here.
    picked = "picked (status 400)"
    wait_until(lambda: _there(house, "81001")["progress"] == picked, seconds=30, what="the pick is told", every=ASK_S)
    tracking = {"waybill": "W1", "trackingUrl": "https://track.example/W1", "isReturnTracking": False}
    _warehouse(house, "PUT", f"orders/{there['reference']}/orderTracking", tracking)
    _status(house, there["reference"], 450)
    _wait(house, lambda: _there(house, "81001")["progress"] == "sent (status 450)", "the sending is told")
    assert _there(house, "81001")["tracking"] == {"W1": "https://track.example/W1"}
    told = ["picked (status 400)", "sent (status 450), tracking W1"]
    assert _lines(house, "81001") in (told, ["picked (status 400)", "picked (status 400), tracking W1", told[1]])
    shown = crossdock("show", "81001")
    assert "There: sent (status 450)" in shown
    assert "Tracking W1: https://track.example/W1" in shown
    # It is read again and again, for as long as it is within the overlap; and it is no news any more.
    before, lines = _read_at(house, "statuses"), _lines(house, "81001")
    _wait(house, lambda: _read_at(house, "statuses") > before, "the statuses are read once more")
    assert _lines(house, "81001") == lines


def _feeds(house: House) -> dict[str, Any]:
    items = httpx.get(f"{house.url}/api/destinations", timeout=20).raise_for_status().json()["items"]
    [found] = [one for one in items if one["name"] == "ongoing-se"]
    return {feed["name"]: feed for feed in found["feeds"]}


def _read_at(house: House, name: str) -> str:
    return str(_feeds(house).get(name, {}).get("read_at") or "")


def _known(house: House, code: str) -> bool:
    return any(one["code"] == code for one in _stock(house))


def test_stock_is_listed_by_api_and_command_line_in_our_words(house: House, crossdock: Cli) -> None:
    _article(house, "THEIR-MUG")
    _wait(house, lambda: _known(house, "THEIR-MUG"), "the article is read")
    [mug] = _stock(house, sku="MUG", destination="ongoing-se")
    assert {name: mug[name] for name in ("destination", "code", "skus", "known", "quantity", "name")} == {
        "destination": "ongoing-se",
        "code": "THEIR-MUG",
        "skus": ["MUG"],
        "known": True,
        "quantity": "1000",
        "name": "A THEIR-MUG",
    }
    [unknown] = _stock(house, sku="NEVER")
    assert (unknown["code"], unknown["known"], unknown["quantity"]) == ("NEVER", False, None)
    assert crossdock.json("stock", "MUG")["items"][0]["code"] == "THEIR-MUG"
    shown = crossdock("stock", "MUG", "--destination", "ongoing-se")
    assert " ".join(shown.splitlines()[1].split()).startswith("ongoing-se THEIR-MUG MUG 1000 A THEIR-MUG 20")
    assert "not known" in crossdock("stock", "NEVER")
    assert "THEIR-MUG" in crossdock("stock")
    assert "no destination has told anything of MUG" in crossdock("stock", "MUG", "--destination", "esuite-au")
    assert "there are: esuite-au, ongoing-se" in crossdock("stock", "--destination", "nowhere", code=1)
    answer = httpx.get(f"{house.url}/api/stock", params={"destination": "nowhere"})
    assert answer.status_code == 404


def test_a_plan_says_what_the_warehouse_does_not_know_and_what_is_short(
    house: House, crossdock: Cli, tmp_path: Path
) -> None:
    _article(house, "THEIR-MUG")
    _wait(house, lambda: _known(house, "THEIR-MUG"), "the article is read")
    line = {"total_incl": "1.00", "tax": "0.10"}
    lines = [
        {"id": "1", "sku": "MUG", "quantity": "100000", **line},
        {"id": "2", "sku": "NEVER", "quantity": "1", **line},
    ]
    path = tmp_path / "order.json"
    path.write_bytes(parts_order("81002", lines=lines).body)
    esuite, ongoing = crossdock.json("plan", str(path), "--shop", "parts")["deliveries"]
    assert esuite["remarks"] == []
    short, unknown = ongoing["remarks"]
    assert short.startswith("ongoing-se has ")
    assert short.endswith(" of 100000 THEIR-MUG (our MUG)")
    assert unknown == "ongoing-se does not know NEVER"
    assert ongoing["requests"], "a remark is no refusal"
    assert "Note: ongoing-se does not know NEVER" in crossdock("plan", str(path), "--shop", "parts")


def test_a_route_for_stock_holds_an_order_until_it_is_there(house: House, crossdock: Cli, tmp_path: Path) -> None:
    lines = [{"id": "1", "sku": "LATER-1", "quantity": "1", "total_incl": "1.00", "tax": "0.10"}]
    order = parts_order("81003", lines=lines, tags=["now"])
    narrow = json.loads(order.body)
    assert narrow["data"]["tags"] == ["now"]
    _wait(house, lambda: bool(_read_at(house, "stock")), "the stock is read")
    path = tmp_path / "order.json"
    path.write_bytes(order.body)
    planned = crossdock.json("plan", str(path), "--shop", "parts")
    assert planned["route"] == "all", "the next route takes what is not in stock"
    _article(house, "LATER-1")
    _wait(house, lambda: _known(house, "LATER-1"), "the article is read")
    assert crossdock.json("plan", str(path), "--shop", "parts")["route"] == "now"
    house.post([order])
    assert house.wait_for("81003", "delivered")["route"] == "now"


def test_the_page_of_an_order_says_what_is_missing_where_it_has_still_to_go(house: House, crossdock: Cli) -> None:
    _wait(house, lambda: bool(_read_at(house, "stock")), "the stock is read")
    crossdock("suspend", "ongoing-se")
    try:
        lines = [{"id": "1", "sku": "NEVER", "quantity": "1", "total_incl": "1.00", "tax": "0.10"}]
        house.post([parts_order("81004", lines=lines)])
        order_id = house.wait_for("81004", "delivered", "held")["id"]
        assert "ongoing-se does not know NEVER." in _page(house, f"/orders/{order_id}")
    finally:
        crossdock("resume", "ongoing-se")
    house.wait_for("81004", "delivered", "delivered")
    assert "does not know NEVER" not in _page(house, f"/orders/{order_id}"), "it is there now"


def test_what_keeps_a_feed_from_being_read_is_shown_at_every_door(house: House, crossdock: Cli) -> None:
    _wait(house, lambda: bool(_read_at(house, "stock")), "the stock is read")
    reason = "An error has occurred"
    house.fault("ongoing", {"kind": "error500"}, path="/articles", times=None)
    try:
        _wait(house, lambda: reason in str(_feeds(house)["stock"]["problem"]), "the problem is told")
        assert _feeds(house)["statuses"]["problem"] is None
        assert reason in crossdock("destinations")
        assert "ongoing-se stock: read 20" in crossdock("stock", "MUG")
        page = _page(house, "/destinations")
        assert reason in page
        assert "Statuses: last read" in page
        assert "ongoing-se stock: read 20" in crossdock("partners", "ongoing-se")
    finally:
        house.clear_faults()
    _wait(house, lambda: _feeds(house)["stock"]["problem"] is None, "the feed is read again")
    assert "no partner or contact of ongoing-se was copied yet" in crossdock("partners", "ongoing-se")
