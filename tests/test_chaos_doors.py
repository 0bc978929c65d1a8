"""The promise at five doors: routes over IWS, Enapps, Esuite and both APIs of Ongoing, while everything goes wrong."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.shops import Delivery
from tests.enapps_house import SECRETS
from tests.house import CONFIG, House, parts_order
from tests.iws_house import KEY
from tests.servers import wait_until

pytestmark = pytest.mark.long

ORDERS, WAVE = 60, 15
ROUTES = {
    "a": ("iws-uk", "ongoing-se"),
    "b": ("enapps-uk", "ongoing-soap"),
    "c": ("esuite-au", "iws-uk", "ongoing-soap"),
    "d": ("enapps-uk", "esuite-au", "ongoing-se"),
}
DESTINATIONS = """
[destinations.iws-uk]
system = "iws"
base_url = "{sandbox}/iws/Interprise.Web.Services"
auth = {{ mode = "basic", username = "env:IWS_KEY", password = "" }}
timeout_s = {timeout_s}
max_in_flight = 4
customer = "CUST-000101"
status_minutes = 0.02
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}

[destinations.enapps-uk]
system = "enapps"
base_url = "{sandbox}/enapps/api/v1"
auth = {{ mode = "enapps", secret = "env:ENAPPS_SECRET", login = "env:ENAPPS_LOGIN", password = "env:ENAPPS_PASSWORD" }}
timeout_s = {timeout_s}
max_in_flight = 4
shipping_sku = "CARRIAGE"
sync_minutes = 0.05
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}

[destinations.esuite-au]
system = "esuite"
base_url = "{sandbox}/esuite/api/v2"
auth = {{ mode = "bearer", token = "env:ESUITE_TOKEN" }}
timeout_s = {timeout_s}
customer = "enapps-uk:ref"
reference_prefix = "WEB-"
shipping_sku = "FREIGHT"
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.esuite-au.fields]
BatchType = "SAR"
TransType = "SOR"
TransLedger = "S"
[destinations.esuite-au.payments]
"*" = {{ PaymentType = "WEB", AuthBankPosted = "B" }}

[destinations.ongoing-se]
system = "ongoing"
base_url = "{sandbox}/ongoing/api/v1"
auth = {{ mode = "basic", username = "env:ONGOING_USER", password = "env:ONGOING_PASSWORD" }}
goods_owner_id = 159
timeout_s = {timeout_s}
status_minutes = 0.03
webhook_token = "env:ONGOING_PASSWORD"
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.ongoing-se.ways_of_delivery]
"*" = {{ code = "STD", name = "Standard" }}

[destinations.ongoing-soap]
system = "ongoing"
api = "soap"
base_url = "{sandbox}/ongoing/acme/Service.asmx"
auth = {{ mode = "basic", username = "env:ONGOING_USER", password = "env:ONGOING_PASSWORD" }}
goods_owner_id = 159
goods_owner_code = "ACME"
timeout_s = {timeout_s}
status_minutes = 0.03
webhook_token = "env:ONGOING_PASSWORD"
retry = {{ base_s = 0.2, cap_s = 1, give_up_h = 24 }}
[destinations.ongoing-soap.ways_of_delivery]
"*" = {{ code = "STD", name = "Standard" }}
"""
BUYERS = {
    "mina@example.test": "HARB01",
    "orders@sawdust.example.com": "SAW01",
    "Desmond.Wren@example.org": "WREN01",
    "websales@example.test": "WEB",
}
WRITES = {
    "iws": ("POST", "salesorder$"),
    "enapps": ("POST", "orders$"),
    "esuite": ("POST", "/trans"),
    "ongoing": ("PUT", "orders$"),
    "soap": ("POST", "asmx$"),
}
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"kind": "drop", "commit": True},
    {"kind": "drop", "commit": False},
    {"kind": "hang", "seconds": 1.3, "commit": "after"},
    {"kind": "html502", "commit": True},
    {"kind": "error500", "commit": False},
    {"kind": "reply", "status": 429, "headers": {"retry-after": "1"}, "body": "slow down"},
    {"kind": "reply", "status": 200, "body": '{"data": {"id": "SO-', "commit": True},
)
HOSTILE = ("[" * 20_000, '{"orderNumber": NaN}', "", "null", '{"orderNumber": {"a": 1}}', '{"orderId": "1e999999999"}')


class Doors(House):
    """Five systems behind six destinations; the tag of an order is its route."""

    def __init__(self, folder: Path, **more: Any) -> None:
        routes = "".join(
            f'\n[[routes]]\nname = "{tag}"\nwhen = {{{{ tag = ["{tag}"] }}}}\ndeliver = {json.dumps(list(names))}\n'
            for tag, names in ROUTES.items()
        )
        config = CONFIG[: CONFIG.index("[destinations.")] + DESTINATIONS + routes
        quick = {"CROSSDOCK_SWEEP_S": "0.5", "CROSSDOCK_LEASE_S": "2"}
        super().__init__(folder, config=config, environment={**SECRETS, "IWS_KEY": KEY, **quick}, **more)
        logins = [f"enapps.{name}={SECRETS[f'ENAPPS_{name.upper()}']}" for name in ("secret", "login", "password")]
        self.sandbox_arguments = tuple(part for one in (f"iws.key={KEY}", *logins) for part in ("--credential", one))

    def places(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = httpx.get(f"{self.url}/api/destinations", timeout=20).json()["items"]
        return items

    def copied(self) -> bool:
        """The buyers of Enapps are known."""
        self.look_at_feeds()
        [feeds] = [one["feeds"] for one in self.places() if one["name"] == "enapps-uk"]
        return len(feeds) == 4 and all(one["read_at"] for one in feeds)

    def hint(self, body: str) -> None:
        """A webhook of the warehouse, to both of its destinations; web may just be starting again."""
        for name in ("ongoing-se", "ongoing-soap"):
            with contextlib.suppress(httpx.TransportError):
                url, token = f"{self.url}/webhooks/destinations/{name}", self.environment["ONGOING_PASSWORD"]
                httpx.post(url, content=body, headers={"X-Auth-Token": token}, timeout=5)

    def hits(self) -> list[tuple[str, int]]:
        """The system of each fault, and how often it struck."""
        faults = httpx.get(f"{self.sandbox_url}/_sandbox/faults", timeout=20).raise_for_status().json()["faults"]
        return [(str(rule["system"]), int(rule["hits"])) for rule in faults]

    def go_wrong(self, seed: int, chance: float) -> None:
        """Each kind of fault, at each door, for this part of the writes; and now and then a login is refused."""
        for door, (method, path) in WRITES.items():
            for number, fault in enumerate(FAULTS):
                told = {**fault, "chance": chance, "seed": seed + number}
                self.fault("ongoing" if door == "soap" else door, told, method=method, path=path, times=None)
        for system, name in (("iws", "401_unauthorized"), ("ongoing", "401"), ("enapps", "401_token")):
            told = {"kind": "documented", "name": f"{system}.{name}", "chance": chance / 3, "seed": seed}
            self.fault(system, told, times=None)


@dataclass
class Placed:
    number: str
    tag: str
    email: str
    quantity: int
    changes: int = 0

    def webhook(self) -> Delivery:
        total = f"{self.quantity * 12}.00"
        line = {"id": "1", "sku": "BOLT-8", "quantity": str(self.quantity), "total_incl": total, "tax": "0.00"}
        return parts_order(
            self.number,
            version=f"2026-11-20T1{self.changes}:15:00Z",
            topic="order.updated" if self.changes else "order.created",
            placed_at="2026-11-20T10:15:00Z",
            currency="GBP",
            email=self.email,
            tags=[self.tag],
            lines=[line],
        )


def _placed(dice: random.Random) -> list[Placed]:
    drawn = ((dice.choice("abcd"), dice.choice(list(BUYERS)), dice.randint(1, 5)) for _ in range(ORDERS))
    return [Placed(str(40_001 + place), *one) for place, one in enumerate(drawn)]


@contextlib.contextmanager
def _kills(house: Doors, dice: random.Random) -> Iterator[Counter[str]]:
    """Processes die, the broker is wiped and Enapps takes its tokens back, as long as this lasts."""
    over, done = threading.Event(), Counter[str]()

    def make_trouble() -> None:
        while not over.wait(dice.uniform(0.5, 1.5)):
            what = dice.choice(("worker", "worker", "worker", "beat", "web", "wipe", "tokens"))
            if what == "wipe":
                house.wipe_broker()
            elif what == "tokens":
                house.switch("enapps", token_series=done[what] + 1)
            elif (what == "web" and (done[what] or not house.answers())) or not house.kill(what):
                continue
            done[what] += 1

    troublemaker = threading.Thread(target=make_trouble)
    troublemaker.start()
    try:
        yield done
    finally:
        over.set()
        troublemaker.join()


def _dies_in_mid_post(house: Doors, one: Placed) -> None:
    """Its order is carried out, and the workers are gone before the answer comes."""
    hang = {"kind": "hang", "seconds": 0.9, "commit": "before"}
    house.fault(ROUTES[one.tag][0].partition("-")[0], hang, method="POST", match=f"P-{one.number}")
    house.post([one.webhook()])
    wait_until(lambda: house.hits()[0][1], seconds=30, what="its POST has arrived", every=0.02)
    for worker in house.children("worker"):
        worker.kill()


def _all_come_in(house: Doors, placed: list[Placed], dice: random.Random) -> None:
    """In waves, a few of the earlier ones changed in between, and webhooks of the warehouse about all of them."""
    for first in range(0, ORDERS, WAVE):
        house.post([one.webhook() for one in placed[first : first + WAVE]], in_flight=6)
        changed = dice.sample(placed[: first + WAVE], 2)
        for one in changed:
            one.changes, one.quantity = one.changes + 1, one.quantity + 1
        house.post([one.webhook() for one in changed])
        for one in changed * 2:
            house.hint(json.dumps({"orderNumber": f"P-{one.number}", "orderId": 1, "goodsOwnerId": 159}))
        house.hint(dice.choice(HOSTILE))


def _stands_still(house: Doors) -> bool:
    """A login that was refused by chance is a matter of a person, who says that it is right."""
    for one in house.places():
        if one["status"] == "suspended":
            httpx.post(f"{house.url}/api/destinations/{one['name']}/resume", timeout=20)
    return not {one["status"] for one in house.orders()} & {"received", "delivering"}


def _quantity(system: str, there: Mapping[str, Any]) -> int:
    names = {"iws": ("lines", "itemName", "quantity"), "enapps": ("lines", "default_code", "qty")}
    names |= {"esuite": ("items", "StockCode", "LineQty"), "ongoing": ("items", "articleNumber", "numberOfItems")}
    rows, sku, quantity = names[system]
    return sum(int(float(row[quantity])) for row in there[rows] if row[sku] == "BOLT-8")


def _once_or_in_plain_sight(house: Doors, placed: list[Placed]) -> None:
    """Counted at the other side."""
    counts, there = house.counts(), house.held_there()
    known = {system: set[str]() for system in counts}
    for one in placed:
        order = house.order(one.number)
        assert [d["destination"] for d in order["deliveries"]] == list(ROUTES[one.tag])
        stopped = False
        for delivery in order["deliveries"]:
            system = delivery["system"]
            reference = f"WEB-P-{one.number}" if system == "esuite" else f"P-{one.number}"
            known[system].add(reference)
            live, told = counts[system].get(reference, 0), (one, delivery)
            assert live <= 1, told
            if delivery["status"] == "held":  # neither IWS nor Enapps can change an order
                assert (one.changes > 0, bool(delivery["reason"]), bool(delivery["hint"])) == (True, True, True), told
                stopped = True
            elif delivery["status"] == "waiting":
                assert stopped, told
                assert live <= (one.changes > 0), told  # what was there before it changed
            else:
                assert (delivery["status"], live, bool(delivery["reference"])) == ("delivered", 1, True), told
                [found] = there[system][reference]
                assert _quantity(system, found) == one.quantity, told
                assert system != "esuite" or found["AccountRef"] == BUYERS[one.email], told
    assert {system: set(found) - known[system] for system, found in counts.items() if set(found) - known[system]} == {}


@pytest.mark.timeout(240)
def test_every_order_is_at_each_door_once_or_waits_in_plain_sight_whatever_happens(tmp_path: Path) -> None:
    seed = 5
    dice = random.Random(seed)
    placed = _placed(dice)
    with Doors(tmp_path, workers=2, timeout_s=1.0) as house:
        house.switch("esuite", accounts=sorted(BUYERS.values()))
        for system in ("iws", "enapps", "esuite"):
            house.switch(system, latency_s=0.05)
        wait_until(house.copied, seconds=30, what="the buyers are copied", every=0.3)
        _dies_in_mid_post(house, placed[0])
        house.go_wrong(seed, chance=0.02)
        with _kills(house, random.Random(seed + 1)) as kills:
            _all_come_in(house, placed, dice)
            wait_until(lambda: kills["worker"] >= 3, seconds=40, what="three workers were killed", every=0.2)
        struck = {system for system, hits in house.hits()[1:] if hits}
        house.clear_faults()
        wait_until(lambda: _stands_still(house), seconds=120, what="all orders stand still", every=0.5)
        _once_or_in_plain_sight(house, placed)
        assert struck == {"iws", "enapps", "esuite", "ongoing"}, "a fault that never strikes proves nothing"
        assert "taken_back" in house.log(), "a kill that hits nothing in flight proves nothing"
        assert '"defect"' not in house.log()
        assert "Traceback" not in house.log()
