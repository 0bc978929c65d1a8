"""``crossdock plan`` tells beforehand what is then sent: compared with what the stand-ins received."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.shops import Delivery, Platform, make_orders
from tests.commands import Cli
from tests.house import CONFIG, House, parts_order

SECRETS = ("sandbox-esuite", "sandbox-ongoing", "WSI-sandbox", "c2FuZGJveA")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def crossdock(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    found = Cli(monkeypatch, tmp_path)
    found.set(**{name: value for name, value in house.environment.items() if os.environ.get(name) != value})
    return found


def _file(folder: Path, body: bytes) -> str:
    path = folder / "order.json"
    path.write_bytes(body)
    return str(path)


def _one(platform: Platform, shop: str, seed: int) -> Delivery:
    return next(iter(make_orders(1, platform=platform, seed=seed, shop=shop)))


def _calls(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{house.sandbox_url}/_sandbox/calls", params={"limit": "2000"}).json()[
        "calls"
    ]
    return [call for call in found if call["method"] in ("POST", "PUT")]


def _as_seen(request: dict[str, Any]) -> tuple[str, str, int, str]:
    body = json.dumps(request["body"], ensure_ascii=False).encode()
    return request["method"], urlsplit(request["url"]).path, len(body), hashlib.blake2b(body, digest_size=8).hexdigest()


@pytest.mark.parametrize(
    ("delivery", "arguments"),
    [
        pytest.param(_one("shopify", "tea", 31), [], id="Shopify webhook"),
        pytest.param(_one("woocommerce", "books", 32), [], id="WooCommerce webhook"),
        pytest.param(parts_order("6101"), [], id="Standard Webhooks envelope"),
        pytest.param(parts_order("6102", note="Grüße, 日本"), ["--shop", "parts"], id="canonical order"),
    ],
)
def test_the_planned_requests_are_those_that_are_sent(
    house: House, crossdock: Cli, tmp_path: Path, delivery: Delivery, arguments: list[str]
) -> None:
    body = delivery.body
    if arguments:
        body = json.dumps(json.loads(body)["data"]).encode()
    file = _file(tmp_path, body)
    before = len(_calls(house))
    told = crossdock.json("plan", file, *arguments)
    assert len(_calls(house)) == before, "a plan sends nothing"
    house.post([delivery])
    house.wait_for(str(delivery.number).removeprefix("#"), "delivered", "delivered")
    sent = [
        (call["method"], f"/{call['system']}{call['path']}", call["body"]["bytes"], call["body"]["digest"])
        for call in _calls(house)[before:]
    ]
    planned = [_as_seen(request) for step in told["deliveries"] for request in step["requests"]]
    assert planned == sent
    assert (told["status"], told["route"], told["shop"]) == ("sent", "all", delivery.shop)
    assert [step["destination"] for step in told["deliveries"]] == ["esuite-au", "ongoing-se"]
    read = crossdock("plan", file, *arguments)
    assert "route all: esuite-au -> ongoing-se" in read
    assert f"POST {house.sandbox_url}/esuite/api/v2/trans" in read
    for secret in SECRETS:
        assert secret not in read + json.dumps(told)


def test_the_body_can_come_through_a_pipe(crossdock: Cli) -> None:
    told = crossdock("plan", "-", answer=parts_order("6103").body.decode())
    assert told.startswith("6103 of parts, route all: esuite-au -> ongoing-se")


@pytest.mark.parametrize("mode", ["query", "header", "bearer", "basic"])
def test_no_secret_is_shown_whatever_the_way_to_log_in(crossdock: Cli, house: House, tmp_path: Path, mode: str) -> None:
    auth = {
        "query": '{{ mode = "query", name = "api key", token = "env:HUSH" }}',
        "header": '{{ mode = "header", name = "X-Key", token = "env:HUSH" }}',
        "bearer": '{{ mode = "bearer", token = "env:HUSH" }}',
        "basic": '{{ mode = "basic", username = "env:HUSH", password = "env:HUSH" }}',
    }[mode]
    text = CONFIG.replace('{{ mode = "bearer", token = "env:ESUITE_TOKEN" }}', auth)
    (tmp_path / "crossdock.toml").write_text(text.format(sandbox=house.sandbox_url, timeout_s=2))
    crossdock.set(HUSH="hush-hush/secret", CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"))
    file = _file(tmp_path, parts_order("6104").body)
    told = crossdock("plan", file) + crossdock("plan", file, "--json") + crossdock("check", "--live", "--json", code=1)
    assert "hush" not in told
    step = crossdock.json("plan", file)["deliveries"][0]
    assert step["auth"] == mode
    assert step["requests"][0]["url"].endswith("trans?api%20key=***" if mode == "query" else "/trans")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"payment_state": "voided"}, "held", "the shop says voided"),
        ({"test": True}, "ignored", "a test order goes nowhere"),
        ({"cancelled": True}, "cancelled", "it is cancelled"),
    ],
)
def test_an_order_that_does_not_leave_says_why(
    crossdock: Cli, tmp_path: Path, changes: dict[str, Any], status: str, words: str
) -> None:
    file = _file(tmp_path, parts_order("6105", **changes).body)
    told = crossdock.json("plan", file)
    assert (told["status"], words in told["reason"]) == (status, True)
    assert f"{status}: {told['reason']}" in crossdock("plan", file)


def test_an_order_without_a_route_is_held_with_the_reason(crossdock: Cli, house: House, tmp_path: Path) -> None:
    text = CONFIG.replace('name = "all"', 'name = "inland"\nwhen = {{ country = ["NZ"] }}')
    (tmp_path / "crossdock.toml").write_text(text.format(sandbox=house.sandbox_url, timeout_s=2))
    crossdock.set(CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"))
    told = crossdock.json("plan", _file(tmp_path, parts_order("6106").body))
    assert (told["status"], told["route"], told["deliveries"]) == ("held", None, [])
    assert "no route takes country AU" in told["reason"]


def test_what_cannot_be_mapped_is_said_at_its_destination(crossdock: Cli, tmp_path: Path) -> None:
    line = {"id": "77", "sku": None, "quantity": "1", "total_incl": "31.90", "tax": "2.90"}
    [esuite, ongoing] = crossdock.json("plan", _file(tmp_path, parts_order("6107", lines=[line]).body))["deliveries"]
    for step in (esuite, ongoing):
        assert step["requests"] == []
        assert step["reason"].startswith("held: ")
        assert "77" in step["reason"]


def test_an_order_with_nothing_to_ship_says_so(crossdock: Cli, tmp_path: Path) -> None:
    line = {"id": "1", "sku": "EBOOK", "quantity": "1", "total_incl": "31.90", "tax": "2.90", "shippable": False}
    file = _file(tmp_path, parts_order("6108", lines=[line], ship_to=None).body)
    [esuite, ongoing] = crossdock.json("plan", file)["deliveries"]
    assert (len(esuite["requests"]), ongoing["requests"], ongoing["reason"]) == (1, [], "nothing to send")


@pytest.mark.parametrize(
    ("body", "arguments", "words"),
    [
        (b"{", [], "this is no order that can be read"),
        (b"[]", ["--shop", "tea"], "as a webhook of tea (shopify):"),
        (b'{"shop_order_id": "1"}', [], "as a canonical order: version: Field required"),
        (parts_order("1").body, ["--shop", "nope"], "no shop 'nope'; there are: books, parts, tea"),
        (
            json.dumps(json.loads(parts_order("1").body)["data"]).encode(),
            [],
            "say which shop it comes from: --shop tea | books | parts",
        ),
    ],
    ids=["no JSON", "another platform's", "fields missing", "unknown shop", "several shops"],
)
def test_what_cannot_be_planned_is_said_in_words(
    crossdock: Cli, tmp_path: Path, body: bytes, arguments: list[str], words: str
) -> None:
    assert words in crossdock("plan", _file(tmp_path, body), *arguments, code=1)
