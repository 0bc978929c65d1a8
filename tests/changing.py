"""What a shop changes of an order, and what a destination must hold then: for the tests of changes, door to door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from sandbox.shops import Delivery
from tests import manex_house
from tests.house import ESUITE as ESUITE_SECTION
from tests.house import ONGOING as ONGOING_SECTION
from tests.house import SHOPS, House, parts_order

PLACED = "2026-11-20T10:15:00Z"
CHANGED = "2026-11-20T11:00:00Z"

FREIGHT = ("FREIGHT", "1", "10")
TOWN, NEW_TOWN = "Hobart", "Launceston"
WAREHOUSE = ("WSI-sandbox", "sandbox-ongoing")

Goods = tuple[tuple[str, str, str], ...]
"""SKU, quantity and money of each line."""


@dataclass(frozen=True, slots=True)
class There:
    """What a destination holds of an order, as far as all three can tell it."""

    goods: Goods
    town: str


def line(number: int, sku: str, quantity: str, total: str, **more: Any) -> dict[str, Any]:
    """A line of an order."""
    body = {"id": str(number), "sku": sku, "name": f"Part {number}", "quantity": quantity}
    return {**body, "total_incl": total, "tax": "0", **more}


BOLTS = line(1, "BOLT-8", "3", "21.90")
NUTS = line(2, "NUT-8", "2", "5.00")
AT_FIRST: Goods = (("BOLT-8", "3", "21.9"), ("NUT-8", "2", "5"))


def moved() -> dict[str, Any]:
    """The address, in another town."""
    return {"name": "Nell Rowan", "address1": "9 Hill Rd", "city": NEW_TOWN, "postcode": "7250", "country": "AU"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a shop may do to an order of three bolts and two nuts.

    Attributes:
        wanted: what the order is then.
        goods: what of it has to be at a destination.
        told: what the timeline says, among other things.
    """

    name: str
    wanted: Mapping[str, Any]
    goods: Goods = AT_FIRST
    town: str = TOWN
    told: str

    @property
    def cancels(self) -> bool:
        return bool(self.wanted.get("cancelled"))


CHANGES = (
    Change(
        name="quantity lowered",
        wanted={"lines": [line(1, "BOLT-8", "1", "7.30"), NUTS]},
        goods=(("BOLT-8", "1", "7.3"), ("NUT-8", "2", "5")),
        told="line 1 quantity 3 -> 1",
    ),
    Change(
        name="quantity raised",
        wanted={"lines": [line(1, "BOLT-8", "4", "29.20"), NUTS]},
        goods=(("BOLT-8", "4", "29.2"), ("NUT-8", "2", "5")),
        told="line 1 quantity 3 -> 4",
    ),
    Change(
        name="line added",
        wanted={"lines": [BOLTS, NUTS, line(3, "WASHER", "7", "1.40")]},
        goods=(*AT_FIRST, ("WASHER", "7", "1.4")),
        told="line 3 added (WASHER, quantity 7)",
    ),
    Change(
        name="line removed",
        wanted={"lines": [BOLTS]},
        goods=AT_FIRST[:1],
        told="line 2 of the earlier version removed (NUT-8)",
    ),
    Change(
        name="price changed",
        wanted={"lines": [line(1, "BOLT-8", "3", "18.90"), NUTS]},
        goods=(("BOLT-8", "3", "18.9"), ("NUT-8", "2", "5")),
        told="line 1 total 21.90 -> 18.90",
    ),
    Change(name="address changed", wanted={"ship_to": moved()}, town=NEW_TOWN, told="ship-to address changed"),
    Change(
        name="partly refunded",
        wanted={
            "lines": [line(1, "BOLT-8", "3", "21.90", open_quantity="2"), NUTS],
            "payment_state": "partially_refunded",
        },
        goods=(("BOLT-8", "2", "14.6"), ("NUT-8", "2", "5")),
        told="line 1 still to be delivered 3 -> 2",
    ),
    Change(name="money refunded", wanted={"payment_state": "partially_refunded"}, told="payment paid -> partially"),
    Change(name="cancelled", wanted={"cancelled": True}, goods=(), told="cancelled"),
)


def placed(number: str) -> Delivery:
    """The webhook of the order as it was placed."""
    return parts_order(number, version=PLACED, lines=[BOLTS, NUTS])


def changed(number: str, change: Change, *, version: str = CHANGED) -> Delivery:
    """The webhook of a change."""
    topic = "order.cancelled" if change.cancels else "order.updated"
    return parts_order(number, **{"version": version, "topic": topic, "lines": [BOLTS, NUTS], **change.wanted})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One destination and its stand-in.

    Attributes:
        creates: the calls that make an order there, by method and path: the first, and a later one of a chain.
        mine: what stands in the calls of the order ``P-NUMBER``.
    """

    name: str
    system: str
    section: str
    creates: tuple[tuple[str, str], ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    sandbox: Sequence[str] = ()

    def house(self, folder: Path, **more: Any) -> House:
        """A house whose every order goes there alone; enough of them at a time for one batch to hang together."""
        route = f'\n[[routes]]\nname = "only"\ndeliver = ["{self.name}"]\n'
        section = self.section.replace("timeout_s =", "max_in_flight = 64\ntimeout_s =")
        config = SHOPS + section + route
        made = House(folder, config=config, environment=self.environment, **more)
        made.sandbox_arguments = self.sandbox
        return made

    def reference(self, number: str) -> str:
        """What the order is called there."""
        return f"WEB-P-{number}" if self.system == "esuite" else f"P-{number}"

    def objects(self, house: House, number: str) -> list[dict[str, Any]]:
        """All that the stand-in has of the order, also what is deleted or cancelled there."""
        found: list[dict[str, Any]] = house.held_there()[self.system].get(self.reference(number), [])
        return found

    def live(self, house: House, number: str) -> int:
        """How often the order is there."""
        return house.counts()[self.system].get(self.reference(number), 0)

    def there(self, house: House, number: str) -> There | None:
        """What the stand-in holds of the order, which is there once; None where it is not."""
        times = self.live(house, number)
        assert times <= 1, f"{number} is {times} times at {self.name}"
        if not times:
            return None
        return {"esuite": _at_esuite, "ongoing": _at_ongoing, "manex": _at_manex}[self.system](self, house, number)

    def begin(self, house: House, numbers: Sequence[str]) -> None:
        """Work has begun there on these orders."""
        if self.system == "ongoing":
            for number in numbers:
                self.set_status(house, number, 400)
        elif self.system == "manex":
            rows = [
                (one["SONO"], row) for number in numbers for one in self.objects(house, number) for row in one["lines"]
            ]
            house.switch("manex", shipped={f"{so_no}/{row['LINE_NO']}": row["ORD_QTY"] for so_no, row in rows})
        else:
            house.switch("esuite", begun=[self.reference(number) for number in numbers])

    def set_status(self, house: House, number: str, status: int) -> None:
        """The warehouse goes on with an order."""
        [one] = self.objects(house, number)
        url = f"{house.sandbox_url}/ongoing/api/v1/orders/{one['orderId']}/orderStatus"
        httpx.patch(url, json={"orderStatusNumber": status}, auth=WAREHOUSE).raise_for_status()

    def wanted(self, change: Change) -> There | None:
        """What has to be there after a change."""
        if change.cancels:
            return None
        charge = () if self.system == "ongoing" else (FREIGHT,)
        return There(goods=tuple(sorted((*change.goods, *charge))), town=change.town)


def _at_esuite(place: Place, house: House, number: str) -> There:
    params = {"TransYourRef": place.reference(number), "TransLedger": "S", "InclDetails": "1", "InclDelivery": "1"}
    url, token = f"{house.sandbox_url}/esuite/api/v2/trans", {"authorization": "Bearer sandbox-esuite"}
    [row] = httpx.get(url, params=params, headers=token).raise_for_status().json()["Trans"]
    rows = [(one["StockCode"], one["LineQty"], one["LineTotalIncGST"]) for one in row["T_TrnDet"]]
    return There(goods=_goods(rows), town=row["T_TrnDlv"][0]["DlvSuburb"])


def _at_ongoing(place: Place, house: House, number: str) -> There:
    params = {"goodsOwnerId": "159", "orderNumber": place.reference(number)}
    url = f"{house.sandbox_url}/ongoing/api/v1/orders"
    [one] = httpx.get(url, params=params, auth=WAREHOUSE).raise_for_status().json()
    rows = [
        (row["article"]["articleNumber"], row["orderedNumberOfItems"], row["prices"]["customerLinePrice"])
        for row in one["orderLines"]
    ]
    return There(goods=_goods(rows), town=one["consignee"]["city"])


def _at_manex(place: Place, house: House, number: str) -> There | None:
    [one] = place.objects(house, number)
    if not one["lines"]:
        return None  # a header alone: nothing takes it away again (section 3)
    rows = [row for row in one["lines"] if row["STATUS"] != "CANCEL"]
    for row in rows:
        once = (len(row["prices"]), len(row["due_dates"]))
        assert once == (1, 1), f"{number} line {row['LINE_NO']} has {once} prices and due dates"
        assert row["due_dates"][0]["QTY"] == row["ORD_QTY"]
    goods = _goods([(row["part_no"], row["ORD_QTY"], row["prices"][0]["extended"]) for row in rows])
    return There(goods=goods, town=next(town for town in (TOWN, NEW_TOWN) if town in one["note"]))


def _goods(rows: Sequence[tuple[str, Any, Any]]) -> Goods:
    return tuple(sorted((sku, _figure(quantity), _figure(money)) for sku, quantity, money in rows))


def _figure(value: Any) -> str:
    return format(Decimal(str(value)).normalize(), "f")


ESUITE = Place(name="esuite-au", system="esuite", section=ESUITE_SECTION, creates=(("POST", "/trans"),))
ONGOING = Place(
    name="ongoing-se",
    system="ongoing",
    section=ONGOING_SECTION,
    creates=(("PUT", "/orders"),),
)
MANEX = Place(
    name="manex-us",
    system="manex",
    section=manex_house.SECTION,
    creates=(("", "/Add/"), ("", "/ItemADD/"), ("", "/PriceAdd/")),
    environment={"MANEX_KEY": manex_house.KEY},
    sandbox=("--credential", f"manex.key={manex_house.KEY}"),
)
PLACES = (ESUITE, ONGOING, MANEX)
