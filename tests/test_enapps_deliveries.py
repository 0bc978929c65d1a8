"""Orders go in at the front door and become sale orders in Enapps; others find their customers in its copies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.enapps_house import SECRETS, EnappsHouse
from tests.house import ASK_S, House, parts_order
from tests.servers import wait_until

TROUBLE: dict[str, dict[str, Any]] = {
    "dropped after it was carried out": {"kind": "drop", "commit": True},
    "dropped before": {"kind": "drop", "commit": False},
    "silent after it was carried out": {"kind": "hang", "seconds": 4, "commit": "before"},
    "silent, and carried out after the first look": {"kind": "hang", "seconds": 1.3, "commit": "after"},
    "502 of a gateway after it was carried out": {"kind": "html502", "commit": True},
    "500": {"kind": "error500", "commit": False},
}
"""What may become of a POST whose answer tells nothing."""

AT_ONCE = 3
"""So many fail side by side: fewer than what pauses a destination."""

_numbers = count(9001)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnappsHouse]:
    with EnappsHouse(tmp_path_factory.mktemp("house"), timeout_s=1.0) as house:
        yield house


@pytest.fixture
def house(running: EnappsHouse) -> Iterator[EnappsHouse]:
    yield running
    running.clear_faults()
    httpx.post(f"{running.url}/api/destinations/enapps-uk/resume")


@pytest.fixture
def number() -> str:
    return str(next(_numbers))


def _order(number: str, *, email: str | None = "mina@example.test", **changes: Any) -> Any:
    return parts_order(number, currency="GBP", email=email, **changes)


def _there(house: House, number: str, system: str = "enapps") -> dict[str, Any]:
    [order] = house.held_there()[system][number]
    found: dict[str, Any] = order
    return found


def _texts(order: dict[str, Any]) -> str:
    return "\n".join(event["text"] for event in order["events"])


def test_the_copies_are_there_within_seconds_and_are_shown(house: EnappsHouse) -> None:
    """Beat has them read: nobody else looks here."""
    copied = ["addresses", "contacts", "partners", "products"]
    wait_until(lambda: sorted(house.read_at()) == copied, seconds=30, what="all lists are copied", every=ASK_S)
    wait_until(lambda: all(house.read_at().values()), seconds=30, what="all lists are copied", every=ASK_S)
    command = [sys.executable, "-m", "worker", "partners", "enapps-uk", "--json"]
    shown = subprocess.run(command, env=house.environment, capture_output=True, text=True, timeout=60, check=True)
    assert "HARB01" in shown.stdout


def test_an_order_of_a_known_contact_is_a_sale_order_with_its_address(house: EnappsHouse, number: str) -> None:
    house.post([_order(number)])
    order = house.wait_for(number, "delivered")
    there = _there(house, f"P-{number}")
    assert order["deliveries"][0]["reference"] == there["name"]
    assert (there["contact"], there["partner"]) == (953, 61239)
    assert [(one["default_code"], one["qty"]) for one in there["lines"]] == [("BOLT-8", 3), ("CARRIAGE", 1)]
    assert there["shipping_details"]["town_city"] == "Hobart"
    assert "Enapps totals the order at" in _texts(order)


@pytest.fixture(scope="module")
def troubled(running: EnappsHouse) -> dict[str, str]:
    """Each kind of trouble has struck an order of its own, a few at the same time: kind -> order number."""
    running.clear_faults()
    numbers = {kind: str(next(_numbers)) for kind in TROUBLE}
    for kind, fault in TROUBLE.items():
        running.fault("enapps", fault, method="POST", path="orders$", match=f"P-{numbers[kind]}")
    kinds = list(TROUBLE)
    for first in range(0, len(kinds), AT_ONCE):
        part = kinds[first : first + AT_ONCE]
        running.post([_order(numbers[kind]) for kind in part])
        for kind in part:
            running.wait_for(numbers[kind], "delivered", seconds=40)
    assert _struck(running) == [1] * len(TROUBLE)
    return numbers


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_lost_answer_does_not_double_the_order(house: EnappsHouse, troubled: dict[str, str], kind: str) -> None:
    number = troubled[kind]
    assert house.counts()["enapps"][f"P-{number}"] == 1
    assert house.order(number)["deliveries"][0]["reference"] == _there(house, f"P-{number}")["name"]


def _struck(house: House) -> list[int]:
    faults = httpx.get(f"{house.sandbox_url}/_sandbox/faults").raise_for_status().json()["faults"]
    return [int(rule["hits"]) for rule in faults]


def test_a_token_that_is_taken_back_is_nobodys_matter(house: EnappsHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.switch("enapps", token_series=int(number))
    house.post([_order(f"{number}-B")])
    house.wait_for(f"{number}-B", "delivered")
    assert "401" not in _texts(house.order(f"{number}-B"))


def test_orders_wait_for_the_first_copies_and_killed_workers_deliver_each_once(
    tmp_path: Path, database_url: str
) -> None:
    first, *numbers = (str(next(_numbers)) for _ in range(7))
    with EnappsHouse(tmp_path, database_url=database_url, workers=2, timeout_s=3.0) as house:
        house.fault("enapps", {"kind": "hang", "seconds": 1, "commit": "before"}, path="products", times=1)
        house.post([_order(first)])
        house.look_at_feeds()
        assert "have not been copied to their end yet" in _texts(house.wait_for(first, "delivered", seconds=40))
        house.clear_faults()
        for number in numbers[:2]:
            hang = {"kind": "hang", "seconds": 20, "commit": "before"}
            house.fault("enapps", hang, method="POST", path="orders$", match=f"P-{number}")
        house.post([_order(number) for number in numbers])
        wait_until(lambda: _struck(house) == [1, 1], seconds=20, what="orders hang that are there", every=ASK_S)
        for child in house.children("worker"):
            child.kill()
        for number in numbers:
            house.wait_for(number, "delivered", seconds=60)
        assert house.counts()["enapps"] == {f"P-{number}": 1 for number in (first, *numbers)}
        assert all("stopped without a word" in _texts(house.order(number)) for number in numbers[:2])
        lanes = httpx.get(f"{house.sandbox_url}/_sandbox/calls").json()["writes_in_flight"]["enapps"]
        assert lanes["auth"]["most"] == 1
        _no_secrets(house)


def _no_secrets(house: House) -> None:
    kept = house.log() + "".join(str(house.order(order["number"])) for order in house.orders())
    for secret in SECRETS.values():
        assert secret not in kept


def test_an_unknown_contact_is_held_and_goes_on_once_it_is_entered_and_copied(house: EnappsHouse, number: str) -> None:
    email = f"new-{number}@example.test"
    house.post([_order(number, email=email)])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert held["reason"] == "The buyer is no contact in Enapps: no contact has the order's e-mail address."
    assert "contact = 953" in held["hint"]
    assert f"P-{number}" not in house.counts()["enapps"]
    house.replay(number)
    house.wait_for(number, "held")
    house.switch("enapps", contacts={number: {"partner_id": 61244, "email": email.upper()}})
    house.wait_for_copies("contacts")
    house.replay(number)
    house.wait_for(number, "delivered")
    assert _there(house, f"P-{number}")["contact"] == int(number)


def test_candidates_are_named_where_nobody_can_tell_them_apart(house: EnappsHouse, number: str) -> None:
    house.post([_order(number, email="buying@example.test")])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "956, 957" in held["reason"]


def test_a_wrong_password_suspends_the_destination_until_it_is_right(house: EnappsHouse, number: str) -> None:
    refusal = {"kind": "documented", "name": "enapps.401_login"}
    house.fault("enapps", refusal, path="auth$", times=None)
    house.switch("enapps", token_series=int(number))
    house.post([_order(number)])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "Invalid secret key, login or password" in held["reason"]
    house.clear_faults()
    house.wait_for(number, "delivered", seconds=30)
    assert house.counts()["enapps"][f"P-{number}"] == 1


# ---------------------------------------------------------------- customer = "enapps-uk:ref"


def test_esuite_books_to_the_account_of_the_buyers_company(house: EnappsHouse, number: str) -> None:
    house.switch("esuite", accounts=["WREN01"])
    house.post([_order(number, email="Desmond.Wren@example.org", tags=["esuite"])])
    house.wait_for(number, "delivered")
    assert _there(house, f"P-{number}", "esuite")["AccountRef"] == "WREN01"


def test_manex_sells_to_the_number_of_the_buyers_company(house: EnappsHouse, number: str) -> None:
    house.post([_order(number, email="maeve.tallow@example.com", tags=["manex"])])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "is TALLOW, and ManEx knows its customers by numbers of 10 digits" in held["reason"]
    house.switch("enapps", partners={"61243": {"ref": "8"}})
    house.wait_for_copies("partners")
    house.replay(number)
    house.wait_for(number, "delivered")
    assert _there(house, f"P-{number}", "manex")["CUSTNO"] == "0000000008"


@pytest.mark.parametrize("tag", ["esuite", "manex"])
def test_a_buyer_of_several_companies_is_held_with_the_candidates(house: EnappsHouse, number: str, tag: str) -> None:
    house.post([_order(number, email="buying@example.test", tags=[tag])])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "NORTH1 (contact 956), NORTH2 (contact 957)" in held["reason"]
    assert f"P-{number}" not in house.counts()[tag]
