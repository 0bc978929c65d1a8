"""Orders go in at the front door and become sale orders in Enapps; others find their customers in its copies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deliveries import TROUBLE
from tests.enapps_house import SECRETS, EnappsHouse
from tests.house import ASK_S, new_number, parts_order, told
from tests.servers import wait_until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnappsHouse]:
    with EnappsHouse(tmp_path_factory.mktemp("house"), timeout_s=1.0) as house:
        yield house


def _order(number: str, *, email: str | None = "mina@example.test", **changes: Any) -> Any:
    return parts_order(number, currency="GBP", email=email, **changes)


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
    there = house.there(number)
    assert order["deliveries"][0]["reference"] == there["name"]
    assert (there["contact"], there["partner"]) == (953, 61239)
    assert [(one["default_code"], one["qty"]) for one in there["lines"]] == [("BOLT-8", 3), ("CARRIAGE", 1)]
    assert there["shipping_details"]["town_city"] == "Hobart"
    assert "Enapps totals the order at" in told(order)


@pytest.fixture(scope="module")
def troubled(running: EnappsHouse) -> dict[str, str]:
    """Each kind of trouble has struck an order of its own: kind -> order number."""
    return running.strike(TROUBLE, _order, path="orders$")


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_lost_answer_does_not_double_the_order(house: EnappsHouse, troubled: dict[str, str], kind: str) -> None:
    number = troubled[kind]
    assert house.counts()["enapps"][f"P-{number}"] == 1
    assert house.order(number)["deliveries"][0]["reference"] == house.there(number)["name"]


def test_a_token_that_is_taken_back_is_nobodys_matter(house: EnappsHouse, number: str) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.switch("enapps", token_series=int(number))
    house.post([_order(f"{number}-B")])
    house.wait_for(f"{number}-B", "delivered")
    assert "401" not in told(house.order(f"{number}-B"))


def test_orders_wait_for_the_first_copies_and_killed_workers_deliver_each_once(
    tmp_path: Path, database_url: str
) -> None:
    first, *numbers = (new_number() for _ in range(7))
    with EnappsHouse(tmp_path, database_url=database_url, workers=2, timeout_s=3.0) as house:
        house.fault("enapps", {"kind": "hang", "seconds": 1, "commit": "before"}, path="products", times=1)
        house.post([_order(first)])
        house.look_at_feeds()
        assert "have not been copied to their end yet" in told(house.wait_for(first, "delivered", seconds=40))
        house.kill_while_hanging({number: _order(number) for number in numbers}, numbers[:2], path="orders$")
        assert house.counts()["enapps"] == {f"P-{number}": 1 for number in (first, *numbers)}
        lanes = httpx.get(f"{house.sandbox_url}/_sandbox/calls").json()["writes_in_flight"]["enapps"]
        assert lanes["auth"]["most"] == 1
        house.keeps(SECRETS.values(), of=(first, *numbers))


def test_what_someone_cancelled_there_is_held_and_the_button_that_the_hint_names_works(
    house: EnappsHouse, number: str
) -> None:
    house.post([_order(number)])
    house.wait_for(number, "delivered")
    house.switch("enapps", states={f"P-{number}": "cancel"})
    house.act(number, "replay")
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "someone cancelled it there" in held["reason"]
    assert "accept it as it is there" in held["hint"]
    house.act(number, "accept", destination="enapps-uk")
    assert "accepted as it is there (api)" in told(house.wait_for(number, "delivered"))


def test_an_unknown_contact_is_held_and_goes_on_once_it_is_entered_and_copied(house: EnappsHouse, number: str) -> None:
    email = f"new-{number}@example.test"
    house.post([_order(number, email=email)])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert held["reason"] == "The buyer is no contact in Enapps: no contact has the order's e-mail address."
    assert "contact = 953" in held["hint"]
    assert f"P-{number}" not in house.counts()["enapps"]
    house.act(number, "replay")
    house.wait_for(number, "held")
    house.switch("enapps", contacts={number: {"partner_id": 61244, "email": email.upper()}})
    house.wait_for_copies("contacts")
    house.act(number, "replay")
    house.wait_for(number, "delivered")
    assert house.there(number)["contact"] == int(number)


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
    assert house.there(number, "esuite")["AccountRef"] == "WREN01"


def test_manex_sells_to_the_number_of_the_buyers_company(house: EnappsHouse, number: str) -> None:
    house.post([_order(number, email="maeve.tallow@example.com", tags=["manex"])])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "is TALLOW, and ManEx knows its customers by numbers of 10 digits" in held["reason"]
    house.switch("enapps", partners={"61243": {"ref": "8"}})
    house.wait_for_copies("partners")
    house.act(number, "replay")
    house.wait_for(number, "delivered")
    assert house.there(number, "manex")["CUSTNO"] == "0000000008"


@pytest.mark.parametrize("tag", ["esuite", "manex"])
def test_a_buyer_of_several_companies_is_held_with_the_candidates(house: EnappsHouse, number: str, tag: str) -> None:
    house.post([_order(number, email="buying@example.test", tags=[tag])])
    held = house.wait_for(number, "held")["deliveries"][0]
    assert "NORTH1 (contact 956), NORTH2 (contact 957)" in held["reason"]
    assert f"P-{number}" not in house.counts()[tag]
